"""``cachescan evaluate``: snapshots in, a report and an exit code out, without any cloud."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs
from tests.support.buckets import ALL_USERS, allow, bucket, gap
from tests.support.terminal import run, snapshot

from cachescan.errors import ExitCode
from cachescan.model import Gap, GapReason
from cachescan.snapshot import GapRecord

if TYPE_CHECKING:
    from pathlib import Path

    from cachescan.model import Resource

READ = ("--rule", "aws-bucket-public-read")
JSON = ("-o", "json=-")


def public(name: str = "example-bucket") -> Resource:
    resource = bucket(allow(Resource=f"arn:aws:s3:::{name}/*"), status=True)
    renamed = structs.replace(resource.ref, name=name, uid=f"arn:aws:s3:::{name}")
    return structs.replace(resource, ref=renamed)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Write a snapshot of one public bucket."""
    return snapshot(tmp_path / "s.ndjson", public())


def test_a_finding_is_reported_and_is_the_exit_code(made: Path) -> None:
    outcome = run("evaluate", made, *READ, *JSON)

    assert (outcome.code, outcome.err) == (ExitCode.FINDINGS, "")
    (finding,) = outcome.json["findings"]
    assert (finding["rule"], finding["verdict"]) == ("aws-bucket-public-read", "fail")
    assert finding["resource"]["name"] == "example-bucket"


def test_the_text_report_is_what_a_person_gets(made: Path) -> None:
    outcome = run("evaluate", made, *READ)

    assert outcome.code == ExitCode.FINDINGS
    assert b"example-bucket" in outcome.out
    assert b"\x1b" not in outcome.out


def test_a_closed_bucket_is_clean_and_quiet_says_nothing(tmp_path: Path) -> None:
    path = snapshot(tmp_path / "s.ndjson", bucket(status=False))

    assert run("evaluate", path, *READ).code == ExitCode.CLEAN
    assert run("evaluate", path, *READ).out
    quiet = run("evaluate", path, *READ, "-q")
    assert (quiet.code, quiet.out, quiet.err) == (ExitCode.CLEAN, b"", "")


def test_quiet_does_not_hide_a_finding(made: Path) -> None:
    assert b"example-bucket" in run("evaluate", made, *READ, "--quiet").out


@pytest.mark.parametrize(
    ("severity", "code"),
    [
        ("none", ExitCode.CLEAN),
        ("critical", ExitCode.FINDINGS),
        ("informational", ExitCode.FINDINGS),
    ],
)
def test_the_user_says_what_fails_the_run(made: Path, severity: str, code: int) -> None:
    rule = run("evaluate", made, *READ, *JSON).json["findings"][0]["severity"]
    expected = code if severity != "critical" or rule == "critical" else ExitCode.CLEAN

    assert run("evaluate", made, *READ, "--fail-on", severity).code == expected


def test_a_fact_that_was_not_read_leaves_the_run_incomplete(tmp_path: Path) -> None:
    """Unless the user accepts it, in so many words."""
    path = snapshot(tmp_path / "s.ndjson", bucket(unread=["policy"]))

    outcome = run("evaluate", path, *READ, *JSON)

    assert outcome.code == ExitCode.INCOMPLETE
    assert [f["verdict"] for f in outcome.json["findings"]] == ["unknown"]
    assert outcome.json["missing_permissions"]["s3:GetBucketPolicy"] == 1
    accepted = run("evaluate", path, *READ, *JSON, "--accept-gaps", "permission-denied")
    assert accepted.code == ExitCode.CLEAN
    assert accepted.json["run"]["accepted_gaps"] == ["permission-denied"]
    other = run("evaluate", path, *READ, *JSON, "--accept-gaps", "permission-denied:acl")
    assert other.code == ExitCode.INCOMPLETE


def test_a_listing_that_failed_with_nothing_else_is_a_scan_of_nothing(tmp_path: Path) -> None:
    denied = Gap("", GapReason.PERMISSION_DENIED, "s3:ListBuckets", "no", "s3:ListAllMyBuckets")
    path = snapshot(tmp_path / "s.ndjson", GapRecord(denied))

    assert run("evaluate", path, *JSON).code == ExitCode.NOTHING_SCANNED


def test_several_snapshots_make_one_report(tmp_path: Path) -> None:
    """Packed or not, in whatever order."""
    one = snapshot(tmp_path / "one.ndjson", public("one"))
    two = snapshot(tmp_path / "two.ndjson.gz", public("two"))

    outcome = run("evaluate", one, two, *READ, *JSON)

    assert [f["resource"]["name"] for f in outcome.json["findings"]] != []
    assert {f["resource"]["name"] for f in outcome.json["findings"]} == {"one", "two"}
    assert run("evaluate", two, one, *READ, *JSON).out == outcome.out


def test_a_snapshot_without_its_end_is_judged_and_incomplete(tmp_path: Path) -> None:
    path = snapshot(tmp_path / "s.ndjson", bucket(status=False), finish=False)

    outcome = run("evaluate", path, *READ, *JSON)

    assert outcome.code == ExitCode.INCOMPLETE
    assert [g["reason"] for g in outcome.json["gaps"]] == ["truncated"]


def test_a_snapshot_cut_anywhere_is_never_clean_and_never_a_crash(made: Path) -> None:
    """In the middle of a line as well."""
    whole = made.read_bytes()
    for length in range(0, len(whole), 211):
        made.write_bytes(whole[:length])
        outcome = run("evaluate", made, *READ, *JSON)
        assert outcome.code in (ExitCode.USAGE, ExitCode.FINDINGS, ExitCode.INCOMPLETE)
        assert "Traceback" not in outcome.err
        if outcome.code == ExitCode.FINDINGS:
            assert [g["reason"] for g in outcome.json["gaps"]] == ["truncated"]


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "words": b"this is not a snapshot\n",
    "binary": bytes(range(256)),
    "bad pack": gzip.compress(b"x")[:-6] + b"garbage",
    "other JSON": b'{"a": 1}\n',
    "newer": b'{"type":"header","schema":99,"tool":"9","provider":"aws","now":"x"}\n',
    "no hour": b'{"type":"header","schema":1,"tool":"9","provider":"aws","now":"x"}\n',
    "unknown provider": (
        b'{"type":"header","schema":1,"tool":"9","provider":"mars","now":"2026-01-01T00:00:00Z"}\n'
    ),
    "unknown key": (
        b'{"type":"header","schema":1,"tool":"9","provider":"aws","now":"2026-01-01T00:00:00Z",'
        b'"extra":1}\n'
    ),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_snapshot_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s"
    path.write_bytes(content)

    outcome = run("evaluate", path, *JSON)

    assert outcome.code == ExitCode.USAGE
    assert outcome.err.startswith("cachescan: ")
    assert "internal error" not in outcome.err
    assert outcome.out == b""


@pytest.mark.parametrize(
    ("facet", "value"),
    [("acl", {"Grants": 7}), ("acl", {}), ("policy", "x"), ("location", {"LocationConstraint": 7})],
)
def test_a_record_that_was_changed_by_hand_is_refused(
    tmp_path: Path,
    facet: str,
    value: Any,  # noqa: ANN401
) -> None:
    resource = bucket(status=False)
    ref = structs.replace(resource.ref, region="")
    changed = structs.replace(resource, ref=ref, facets={**resource.facets, facet: value})

    outcome = run("evaluate", snapshot(tmp_path / "s.ndjson", changed), *READ, *JSON)

    assert outcome.code == ExitCode.USAGE
    assert "does not fit its kind" in outcome.err


def test_a_record_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    resource = bucket()
    strange = structs.replace(resource, ref=structs.replace(resource.ref, kind="aws/teapot"))

    outcome = run("evaluate", snapshot(tmp_path / "s.ndjson", strange))

    assert outcome.code == ExitCode.USAGE
    assert "aws/teapot" in outcome.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--rule", "aws-bucket-pubic-read"), "did you mean"),
        (("--fail-on", "worst"), "--fail-on"),
        (("--persona", "root"), "--persona"),
        (("--nonsense",), "--nonsense"),
        (("--rules", "/nonexistent"), "/nonexistent"),
        (("-o", "jsn=-"), "did you mean 'json'?"),
        (("-o", "json"), "FORMAT=PATH"),
        (("-o", "json=-", "-o", "jsonl=-"), "only one report"),
        (("--suppressions", "/nonexistent.toml"), "/nonexistent.toml"),
    ],
)
def test_what_the_user_got_wrong_is_said_before_anything_is_judged(
    made: Path, args: tuple[str, ...], said: str
) -> None:
    outcome = run("evaluate", made, *args)

    assert outcome.code == ExitCode.USAGE
    assert said in outcome.err
    assert outcome.out == b""


def test_no_snapshot_at_all_is_a_usage_error() -> None:
    assert run("evaluate").code == ExitCode.USAGE
    assert run("evaluate", "/nonexistent.ndjson").code == ExitCode.USAGE


def test_an_unwritable_place_is_refused_before_anything_is_judged(
    made: Path, tmp_path: Path
) -> None:
    outcome = run("evaluate", made, "-o", f"json={tmp_path}/missing/a.json")

    assert outcome.code == ExitCode.OUTPUT_FAILED
    assert "no such folder" in outcome.err
    assert outcome.out == b""


def test_a_report_that_fails_at_the_end_does_not_hide_the_findings(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Findings weigh more than an output; the other reports are written, and both are said."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"

    def fail(*_args: object, **_how: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("cachescan.output.tempfile.mkstemp", fail)
        outcome = run("evaluate", made, *READ, "-o", f"json={bad}", *JSON)
    clean = run("evaluate", made, *READ, "-o", f"json={good}", *JSON)

    assert outcome.code == ExitCode.FINDINGS
    assert f"could not write {bad}" in outcome.err
    assert outcome.out == clean.out == good.read_bytes()


def test_a_report_that_fails_is_the_exit_code_of_a_clean_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = snapshot(tmp_path / "s.ndjson", bucket(status=False))

    def fail(*_args: object, **_how: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cachescan.output.tempfile.mkstemp", fail)
    outcome = run("evaluate", path, *READ, "-o", f"json={tmp_path}/x.json")

    assert outcome.code == ExitCode.OUTPUT_FAILED


def test_a_suppression_is_applied_and_told(made: Path, tmp_path: Path) -> None:
    accepted = tmp_path / "accepted.toml"
    accepted.write_text(
        "[[suppress]]\nrule = 'aws-bucket-public-read'\nresource = 'example-bucket'\n"
        "reason = 'a website'\nexpires = 2027-01-31\n"
    )

    outcome = run("evaluate", made, *READ, *JSON, "--suppressions", accepted)

    assert outcome.code == ExitCode.CLEAN
    assert outcome.json["suppressions"]["used"][0]["reason"] == "a website"


def test_rules_of_ones_own_run_beside_those_that_ship(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "mine.yaml").write_text(
        "id: example-bucket-named\ntitle: Bucket has a name\nkind: aws/bucket\nseverity: critical\n"
        "fail: name != ''\nmessage: '{name} has a name'\nwhat: x\nwhy: x\nfix: {text: x}\n"
        "status: {stable: '0.1'}\n"
    )

    outcome = run("evaluate", made, *JSON, "--rules", folder, "--rule", "example-*", *READ)

    assert {f["rule"] for f in outcome.json["findings"]} == {
        "example-bucket-named",
        "aws-bucket-public-read",
    }


def test_hostile_names_reach_the_terminal_as_escapes(tmp_path: Path) -> None:
    hostile = public("x\x1b[2J\u202e\nCLEAN")
    path = snapshot(tmp_path / "s.ndjson", hostile)

    text = run("evaluate", path, *READ).out.decode()

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not [line for line in text.splitlines() if line.startswith("CLEAN")]


def test_the_gap_of_one_bucket_does_not_touch_another(tmp_path: Path) -> None:
    open_acl = bucket(acl=[(ALL_USERS, "READ")], status=False, unread=[gap("versioning")])
    path = snapshot(tmp_path / "s.ndjson", open_acl, public("two"))

    outcome = run(
        "evaluate", path, "--rule", "aws-bucket-versioning-off", *READ, "--fail-on", "none", *JSON
    )

    found = {(f["rule"], f["resource"]["name"]): f["verdict"] for f in outcome.json["findings"]}
    assert found["aws-bucket-versioning-off", "example-bucket"] == "unknown"
    assert found["aws-bucket-versioning-off", "two"] == "fail"
    assert found["aws-bucket-public-read", "two"] == "fail"
    assert ("aws-bucket-public-read", "example-bucket") not in found
