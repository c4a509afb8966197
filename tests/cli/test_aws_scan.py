"""``cachescan aws`` against an emulator, through the public command line and a faulty proxy."""

from __future__ import annotations

import io
import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import moto_estate
from tests.support.proxy import Answer, Call, Proxy, error, proxying

from cachescan.api import Judging, load_ruleset
from cachescan.cli import main
from cachescan.errors import ExitCode
from cachescan.model import Persona

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKETS = {"assets", "dropbox", "locked", "legacy", "hostile", "shared"}


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    with moto_estate.moto() as endpoint:
        moto_estate.fill(endpoint)
        yield endpoint


@pytest.fixture(autouse=True)
def proxy(cloud: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name, value in moto_estate.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with proxying(cloud) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        yield running


class Outcome:
    """Exit code, JSON report and messages of one run."""

    def __init__(self, *args: str) -> None:
        out, err = io.BytesIO(), io.StringIO()
        self.code = main(args, out, err)
        self.err = err.getvalue()
        self.out = out.getvalue()

    @property
    def json(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.out)
        return report

    def verdicts(self, rule: str) -> dict[str, str]:
        """Resource name to verdict, for findings of one rule."""
        return {
            f["resource"]["name"]: f["verdict"] for f in self.json["findings"] if f["rule"] == rule
        }


def scan(*args: str) -> Outcome:
    return Outcome("aws", "-o", "json=-", *args)


def test_a_public_bucket_with_a_draft_is_found_with_its_path_and_witness(proxy: Proxy) -> None:
    outcome = scan()

    assert outcome.code == ExitCode.FINDINGS, outcome.err
    found = [f for f in outcome.json["findings"] if f["rule"] == "aws-bucket-public-drafts"]
    assert [f["resource"]["name"] for f in found] == ["assets"]
    assert found[0]["witness"]["url"] == f"{proxy.url}/assets/{moto_estate.DRAFT}"
    assert found[0]["hits"][0]["key"] == moto_estate.DRAFT
    assert found[0]["evidence"][0]["pointer"] == "/Statement/0"


def test_every_bucket_is_in_the_report_with_its_exposure() -> None:
    report = scan().json

    exposure = {r["name"]: r["exposure"] for r in report["resources"] if r["exposure"]}
    assert set(exposure) == BUCKETS
    assert exposure["assets"]["read"]["anonymous"] == "yes"
    assert exposure["assets"]["list"]["anonymous"] == "yes"
    assert exposure["dropbox"]["list"]["anonymous"] == "yes"
    assert exposure["dropbox"]["read"]["anonymous"] == "no"
    assert exposure["locked"]["read"] == {"anonymous": "no", "any_account": "no", "outsider": "no"}
    assert exposure["shared"]["read"]["outsider"] == "yes"
    assert exposure["shared"]["outsiders"] == ["arn:aws:iam::210987654321:root"]


def test_collect_then_evaluate_gives_the_bytes_of_the_live_scan(tmp_path: Path) -> None:
    snapshot = tmp_path / "s.ndjson"

    live = scan("--persona", "auditor")
    collected = Outcome("collect", "aws", "--record", str(snapshot))
    judged = Outcome("evaluate", str(snapshot), "-o", "json=-", "--persona", "auditor")

    assert collected.code in (ExitCode.CLEAN, ExitCode.INCOMPLETE)
    assert judged.out == live.out
    assert judged.code == live.code


def test_a_denied_policy_and_acl_never_read_as_pass(proxy: Proxy) -> None:
    before = scan("--persona", "auditor").json
    proxy.deny("policy", "acl")

    outcome = scan("--persona", "auditor", "--fail-on", "none")

    assert outcome.code == ExitCode.INCOMPLETE
    report = outcome.json
    assert set(report["missing_permissions"]) == {"s3:GetBucketAcl", "s3:GetBucketPolicy"}
    needing = {"policy", "acl", "exposure", "exposed"}
    judging = Judging(persona=Persona.AUDITOR)
    affected = {
        c.rule.id
        for c in load_ruleset(judging, ()).rules
        if c.rule.kind == "aws/bucket" and c.variables & needing
    }
    assert len(affected) > 10
    failed = {(f["rule"], f["resource"]["name"]): f["verdict"] for f in report["findings"]}
    for old in before["findings"]:
        if old["rule"] in affected and old["verdict"] == "fail":
            now = failed.get((old["rule"], old["resource"]["name"]))
            assert now in ("fail", "unknown"), old


def test_one_rule_makes_only_the_calls_it_needs(proxy: Proxy) -> None:
    outcome = scan("--rule", "aws-bucket-versioning-off")

    assert outcome.code in (ExitCode.CLEAN, ExitCode.FINDINGS)
    assert proxy.counts["versioning"] == len(BUCKETS)
    assert set(proxy.counts) == {"POST", "ListBuckets", "versioning"}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (error("AccessDenied", 403), "permission-denied"),
        (error("SlowDown", 503), "throttled"),
        (error("NotImplemented", 501), "unsupported"),
        (
            Answer(200, b"<ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'/>"),
            "unsupported",
        ),
        (Answer(200, b"<Tagging><TagSet/></Tagging>"), "malformed"),
        (Answer(200, b"<VersioningConfiguration><Sta"), "malformed"),
        (Answer(200, b"not XML at all"), "malformed"),
    ],
    ids=["denied", "throttled", "unsupported", "listing", "foreign-xml", "cut-xml", "no-xml"],
)
def test_a_bad_answer_is_a_gap_of_that_bucket_and_the_run_goes_on(
    proxy: Proxy, fault: Answer, reason: str
) -> None:
    proxy.fault = lambda call: (
        fault if (call.operation, call.bucket) == ("versioning", "legacy") else None
    )

    outcome = scan("--rule", "aws-bucket-versioning-off", "--fail-on", "none")

    assert outcome.code == ExitCode.INCOMPLETE
    verdicts = outcome.verdicts("aws-bucket-versioning-off")
    assert verdicts["legacy"] == "unknown"
    assert verdicts["assets"] == "fail"
    (gaps,) = (f["gaps"] for f in outcome.json["findings"] if f["verdict"] == "unknown")
    assert [gap["reason"] for gap in gaps] == [reason]


def test_a_bucket_deleted_during_the_scan_is_a_gap(proxy: Proxy) -> None:
    gone = error("NoSuchBucket", 404)
    proxy.fault = lambda call: gone if call.bucket == "legacy" else None

    outcome = scan("--persona", "auditor", "--fail-on", "none")

    assert outcome.code == ExitCode.INCOMPLETE
    (legacy,) = (r for r in outcome.json["resources"] if r["name"] == "legacy")
    assert {gap["reason"] for gap in legacy["gaps"]} == {"not-found"}
    assert legacy["exposure"]["read"]["anonymous"] == "unknown"


def test_a_listing_that_is_denied_scans_nothing_and_says_so(proxy: Proxy) -> None:
    proxy.deny("ListBuckets")

    outcome = scan("--rule", "aws-bucket-*")

    assert outcome.code == ExitCode.NOTHING_SCANNED
    (gap,) = outcome.json["gaps"]
    assert (gap["call"], gap["permission"]) == ("s3:ListBuckets", "s3:ListAllMyBuckets")


def test_named_buckets_need_no_listing(proxy: Proxy) -> None:
    proxy.deny("ListBuckets")

    outcome = scan("--bucket", "locked", "--rule", "aws-bucket-versioning-off")

    assert outcome.code == ExitCode.CLEAN, outcome.out
    assert [r["name"] for r in outcome.json["resources"]] == ["locked"]


def test_an_object_listing_that_is_denied_leaves_what_lies_there_unknown(proxy: Proxy) -> None:
    proxy.deny("ListObjectsV2")

    outcome = scan()

    assert outcome.verdicts("aws-bucket-public-drafts") == {"assets": "unknown"}


def test_a_listing_cut_by_the_budget_says_what_was_seen() -> None:
    outcome = scan("--objects", "1", "--bucket", "assets")

    (assets,) = (r for r in outcome.json["resources"] if r["name"] == "assets")
    assert assets["census"]["listed"] == 1
    assert [gap["reason"] for gap in assets["census"]["gaps"]] == ["truncated"]
    assert outcome.verdicts("aws-bucket-public-drafts") == {"assets": "unknown"}


def test_a_scan_killed_on_its_way_resumes_to_the_same_report(proxy: Proxy, tmp_path: Path) -> None:
    snapshot = tmp_path / "s.ndjson"
    undisturbed = scan("--persona", "auditor")
    whole = scan("--persona", "auditor", "--record", str(snapshot))
    lines = snapshot.read_bytes().splitlines(keepends=True)
    snapshot.write_bytes(b"".join(lines[:4]) + lines[4][:20])
    before = proxy.counts

    resumed = scan("--persona", "auditor", "--record", str(snapshot), "--resume")

    assert whole.out == undisturbed.out == resumed.out
    assert 0 < (proxy.counts - before)["versioning"] < len(BUCKETS)


def test_an_existing_snapshot_is_not_overwritten(tmp_path: Path) -> None:
    snapshot = tmp_path / "s.ndjson"
    snapshot.write_text("mine")

    outcome = scan("--record", str(snapshot))

    assert outcome.code == ExitCode.USAGE
    assert "--resume" in outcome.err
    assert snapshot.read_text() == "mine"


def test_no_credentials_is_said_before_anything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    outcome = scan()

    assert outcome.code == ExitCode.NOTHING_SCANNED
    assert "credentials" in outcome.err
    assert "Traceback" not in outcome.err


def test_the_terminal_report_shows_hostile_text_as_escapes() -> None:
    outcome = Outcome("aws", "--persona", "auditor")

    text = outcome.out.decode()
    assert "assets" in text
    assert not [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf")]


def calls_of(proxy: Proxy, operation: str) -> list[Call]:
    return [call for call in proxy.calls if call.operation == operation]


def test_the_account_block_is_read_once_and_closes_everything(proxy: Proxy) -> None:
    control = (
        b"<PublicAccessBlockConfiguration xmlns='http://awss3control.amazonaws.com/doc/2018-08-20/'>"
        b"<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>"
        b"<BlockPublicPolicy>true</BlockPublicPolicy>"
        b"<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
    )
    proxy.fault = lambda call: (
        Answer(200, control) if call.operation == "accountPublicAccessBlock" else None
    )

    report = scan().json

    assert len(calls_of(proxy, "accountPublicAccessBlock")) == 1
    (assets,) = (r for r in report["resources"] if r["name"] == "assets")
    assert assets["exposure"]["read"]["anonymous"] == "no"
    blocked = [p for p in assets["exposure"]["blocked"] if p["capability"] == "read"]
    assert "account level" in json.dumps(blocked)
