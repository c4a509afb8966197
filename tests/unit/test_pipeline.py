"""The straight line as a whole: live equals offline, and interrupted equals undisturbed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs
from tests.support.boxes import (
    DRAFT,
    NOW,
    OPEN,
    RULES,
    UNLOCKED,
    as_json,
    box,
    collect,
    document,
    estate,
    judge,
    plan,
    ref,
    ruleset,
    scan,
    variant,
    verdicts,
)

from cachescan import pipeline
from cachescan.engine import Settings
from cachescan.errors import ConfigError, SnapshotError
from cachescan.model import GapReason, Resource, ResourceRef
from cachescan.report import ExitPolicy
from cachescan.snapshot import Header, Journal, ScopeDone, read
from cachescan.testing.fake import FakeError, FakeProvider, Lock

if TYPE_CHECKING:
    from pathlib import Path

    from cachescan.model import Rule
    from cachescan.snapshot import Record

NAMES = ["s.ndjson", "s.ndjson.gz"]
ERRORS: dict[tuple[str, str], Exception] = {
    ("box-0-1", "lock"): FakeError(GapReason.PERMISSION_DENIED, "no"),
    ("box-1-0", "door"): FakeError(GapReason.TIMEOUT, "slow"),
    ("box-2-9", "lock"): FakeError(GapReason.MALFORMED, "odd"),
}


def cloud() -> FakeProvider:
    """Return thirty boxes in three scopes, some with things or gaps, and a scope not listable."""
    boxes: dict[str, Any] = estate(3, 10, ERRORS)
    boxes["scope-x"] = FakeError(GapReason.PERMISSION_DENIED, "no listing")
    things: dict[str, Any] = {
        "box-0-0": [[b"a", b"draft-1"], [b"b"]],
        "box-1-3": [[b"nothing"]],
        "box-2-6": [[b"draft"] * 200],
        "box-1-0": [FakeError(GapReason.PERMISSION_DENIED, "no things")],
    }
    return FakeProvider(boxes, things)


def test_an_estate_is_judged_from_end_to_end() -> None:
    """Every verdict where it belongs, every gap told, and the exit code of the worst."""
    report = scan(cloud(), ruleset(*RULES))

    found = verdicts(report)
    assert found["fake-box-unlocked", "box-0-3"] == "fail"
    assert ("fake-box-unlocked", "box-0-2") not in found
    assert found["fake-box-unlocked", "box-0-1"] == "unknown"
    assert found["fake-box-open", "box-0-0"] == "fail"
    assert found["fake-box-open", "box-1-0"] == "unknown"
    assert found["fake-box-draft", "box-0-0"] == "fail"
    assert found["fake-box-draft", "box-2-6"] == "fail"
    assert ("fake-box-draft", "box-1-3") not in found
    assert report.run.coverage.resources == 30
    assert [gap.scope for gap in report.run.gaps] == ["scope-x"]
    assert [scope.id for scope in report.run.scopes] == [
        "scope-0",
        "scope-1",
        "scope-2",
        "scope-x",
    ]
    assert report.run.now == NOW
    assert report.exit_code == 1


@pytest.mark.parametrize("concurrency", [1, 5, 64])
def test_how_many_are_read_at_once_does_not_show(concurrency: int) -> None:
    settings = Settings(concurrency=concurrency, attempts=2, backoff=0)

    assert as_json(scan(cloud(), ruleset(*RULES), settings=settings)) == as_json(
        scan(cloud(), ruleset(*RULES))
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "rules", [(UNLOCKED,), (OPEN,), (DRAFT,), RULES, (variant(fail="name == 'x'"),)]
)
def test_a_snapshot_of_everything_judges_like_the_live_scan(
    tmp_path: Path, name: str, rules: tuple[Rule, ...]
) -> None:
    """To the byte, although the live scan read only what these rules ask for."""
    chosen = ruleset(*rules)

    live = scan(cloud(), chosen)
    for _ in collect(cloud(), plan(), journal=Journal(tmp_path / name)):
        pass
    offline = judge(read(tmp_path / name), chosen)

    assert as_json(offline) == as_json(live)


@pytest.mark.parametrize("name", NAMES)
def test_keeping_a_snapshot_does_not_change_the_report(tmp_path: Path, name: str) -> None:
    chosen = ruleset(*RULES)

    recorded = scan(cloud(), chosen, path=tmp_path / name)

    assert as_json(recorded) == as_json(scan(cloud(), chosen))
    assert as_json(judge(read(tmp_path / name), chosen)) == as_json(recorded)


def test_snapshots_of_shards_judge_like_the_whole(tmp_path: Path) -> None:
    """Sharding is concatenating files."""
    boxes = estate(3, 10, ERRORS)
    whole = scan(FakeProvider(boxes), ruleset(*RULES))
    merged = tmp_path / "merged.ndjson"
    for scope, inside in boxes.items():
        path = tmp_path / f"{scope}.ndjson"
        scan(FakeProvider({scope: inside}), ruleset(*RULES), path=path)
        with merged.open("ab") as out:
            out.write(path.read_bytes())

    assert as_json(judge(read(merged), ruleset(*RULES))) == as_json(whole)


# --- interrupted and resumed --------------------------------------------------------------------

TOTAL = len(list(collect(cloud(), plan(ruleset(*RULES)))))
UNDISTURBED = as_json(scan(cloud(), ruleset(*RULES)))


def interrupt(path: Path, after: int, settings: Settings | None = None) -> None:
    """Scan into a snapshot and stop after so many records, as Ctrl-C does."""
    how = {} if settings is None else {"settings": settings}
    records = collect(cloud(), plan(ruleset(*RULES)), journal=Journal(path), **how)
    assert len(list(islice(records, after))) == after
    records.close()  # type: ignore[attr-defined]


def resumes_to_the_same(path: Path) -> None:
    """Hold that the rest is read, once, and that the report is that of an undisturbed scan."""
    try:
        recorded = sum(isinstance(record, Resource) for record in read(path))
        scopes = sum(isinstance(record, ScopeDone) for record in read(path))
    except SnapshotError:  # stopped before there was any
        recorded = scopes = 0
    provider = cloud()

    report = scan(provider, ruleset(*RULES), path=path, resume=True)

    assert as_json(report) == UNDISTURBED
    assert provider.calls["fake:ListBoxes"] == 4 - scopes
    retried = provider.calls["fake:GetLock"] - (30 - recorded)
    assert retried == 0
    assert as_json(judge(read(path), ruleset(*RULES))) == UNDISTURBED


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("after", range(1, TOTAL + 1))
def test_an_interrupted_scan_resumes_to_the_undisturbed_report(
    tmp_path: Path, name: str, after: int
) -> None:
    """Wherever it was stopped."""
    interrupt(tmp_path / name, after)

    resumes_to_the_same(tmp_path / name)


@pytest.mark.parametrize("after", range(2, TOTAL + 1, 3))
def test_a_half_written_line_is_read_again(tmp_path: Path, after: int) -> None:
    path = tmp_path / "s.ndjson"
    interrupt(path, after)
    with path.open("ab") as out:
        out.write(b'{"type":"resource","ref":{"prov')

    resumes_to_the_same(path)


@pytest.mark.parametrize("lost", [1, 7, 8, 9, 60, 200])
def test_a_packed_snapshot_without_its_end_is_gone_on_with(tmp_path: Path, lost: int) -> None:
    """What a killed process leaves: everything up to the last flush."""
    path = tmp_path / "s.ndjson.gz"
    interrupt(path, TOTAL - 2)
    path.write_bytes(path.read_bytes()[:-lost])

    resumes_to_the_same(path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("after", [2, 9, 17, 30])
def test_a_busy_scan_resumes_as_well(tmp_path: Path, name: str, after: int) -> None:
    """With many under way at once: what was not yielded is read again, what was is not."""
    interrupt(tmp_path / name, after, Settings(concurrency=16, attempts=2, backoff=0))

    resumes_to_the_same(tmp_path / name)


def test_a_record_is_kept_before_anybody_sees_it(tmp_path: Path) -> None:
    """A report never speaks of what a resumed scan would have to read again."""
    path = tmp_path / "s.ndjson"

    seen = []
    for record in collect(cloud(), plan(ruleset(*RULES)), journal=Journal(path)):
        seen.append(record)
        if len(seen) > 1:  # the file takes its name once its header is in it
            assert list(read(path))[:-1] == seen


def test_a_scan_may_be_interrupted_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"
    interrupt(path, 3)
    for after in (5, 9, 14, 20, 28):
        journal = Journal(path, resume=True)
        records = collect(cloud(), plan(ruleset(*RULES)), journal=journal)
        assert len(list(islice(records, after))) == after
        records.close()  # type: ignore[attr-defined]

    resumes_to_the_same(path)


def test_a_scan_that_is_complete_reads_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"
    scan(cloud(), ruleset(*RULES), path=path)
    before = path.read_bytes()
    provider = cloud()

    report = scan(provider, ruleset(*RULES), path=path, resume=True)

    assert as_json(report) == UNDISTURBED
    assert not provider.calls
    assert path.read_bytes() == before


def test_a_scan_with_other_rules_does_not_go_on(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"
    interrupt(path, 5)
    before = path.read_bytes()

    with pytest.raises(SnapshotError, match="cannot be resumed"):
        scan(cloud(), ruleset(UNLOCKED), path=path, resume=True)

    assert path.read_bytes() == before


def test_a_resumed_scan_finds_what_could_not_be_listed_before(tmp_path: Path) -> None:
    """The gap of a scope that was not finished does not stay when the listing works now."""
    path = tmp_path / "s.ndjson"
    boxes: dict[str, Any] = estate(2, 3)
    broken = FakeProvider({**boxes, "scope-1": FakeError(GapReason.TIMEOUT, "slow")})
    records = collect(broken, plan(ruleset(UNLOCKED)), journal=Journal(path))
    assert "scope-1" in repr(list(islice(records, 6))[-1])
    records.close()  # type: ignore[attr-defined]

    report = scan(FakeProvider(boxes), ruleset(UNLOCKED), path=path, resume=True)

    assert report.run.gaps == ()
    assert report.run.coverage.resources == 6


# --- what comes from a file ---------------------------------------------------------------------


def test_a_record_of_a_kind_that_nobody_knows_is_refused() -> None:
    """A snapshot of a newer version, or of a provider that is not installed here."""
    stranger = structs.replace(ref(), kind="fake/unheard-of")
    records: list[Record] = [Header(1, "0", "fake", NOW), structs.replace(box(), ref=stranger)]

    with pytest.raises(SnapshotError, match="the kind 'fake/unheard-of' are not known"):
        judge(records, ruleset(UNLOCKED))


@pytest.mark.parametrize("now", ["yesterday", "", "2026-11-25T08:00:00"])
def test_an_hour_that_is_none_is_refused(now: str) -> None:
    """Suppressions end by it."""
    with pytest.raises(ConfigError):
        judge([Header(1, "0", "fake", now), box()], ruleset(UNLOCKED))


def test_the_latest_header_is_the_hour_of_the_report() -> None:
    later, earlier = "2026-12-01T00:00:00Z", "2026-01-01T00:00:00Z"
    records = [Header(1, "0", "fake", hour) for hour in (NOW, later, earlier)]

    assert judge(records, ruleset()).run.now == later


def test_progress_is_told_of_each_resource() -> None:
    """Observed, never printed."""

    class Watcher:
        def __init__(self) -> None:
            self.names: list[str] = []

        def resource(self, ref: ResourceRef) -> None:
            self.names.append(ref.name)

    watcher, provider = Watcher(), FakeProvider({"home": {"a": {"lock": Lock()}, "b": {}}})
    chosen = ruleset(UNLOCKED)

    pipeline.evaluate(
        collect(provider, plan(chosen)),
        chosen,
        {"fake": provider},
        ExitPolicy(),
        progress=watcher,
    )

    assert watcher.names == ["a", "b"]
    assert document(scan(provider, chosen))["coverage"]["resources"] == 2
