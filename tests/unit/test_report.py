"""Counting, sorting, and the exit code with every reason for it."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from msgspec import structs
from tests.support.boxes import (
    NOW,
    OPEN,
    UNLOCKED,
    as_json,
    box,
    document,
    judge,
    ref,
    ruleset,
    variant,
)

from cachescan.errors import PRECEDENCE, ConfigError, ExitCode
from cachescan.model import (
    SEVERITIES,
    Census,
    Gap,
    GapReason,
    Resource,
    Scope,
    Severity,
    Verdict,
)
from cachescan.report import ExitPolicy, exit_code, parse_fail_on
from cachescan.snapshot import GapRecord, Header, ScopeDone

if TYPE_CHECKING:
    from cachescan.snapshot import Record

HEADER = Header(1, "0", "fake", NOW)
HOME = ScopeDone(Scope("fake", "home"))
LOCK_DENIED = Gap("lock", GapReason.PERMISSION_DENIED, "fake:GetLock", "no", "fake:GetLock")
LISTING_DENIED = GapRecord(
    Gap("", GapReason.PERMISSION_DENIED, "fake:ListBoxes", "no", "fake:ListBoxes", "home")
)
CUT = GapRecord(Gap("", GapReason.TRUNCATED, "snapshot", "there is no footer"))
DARK = Resource(ref("dark"), {"door": {"Open": False}}, (LOCK_DENIED,))
CLEAN = box(locked=True)
RULES = ruleset(OPEN, UNLOCKED)


# --- the exit code ------------------------------------------------------------------------------


def test_the_precedence_of_exit_codes_is_the_documented_one() -> None:
    assert [code.value for code in PRECEDENCE] == [70, 2, 4, 1, 3, 5]


@pytest.mark.parametrize("claims", [*combinations(PRECEDENCE, 2), *combinations(PRECEDENCE, 3)])
def test_the_first_of_the_claimed_codes_wins(claims: tuple[ExitCode, ...]) -> None:
    """In whatever order they are claimed; unclaimed ones do not matter."""
    assert exit_code(claims) == claims[0]
    assert exit_code(reversed(claims)) == claims[0]


def test_nothing_claimed_is_clean() -> None:
    assert exit_code([]) == ExitCode.CLEAN


@pytest.mark.parametrize(
    ("records", "code", "reasons"),
    [
        ([CLEAN], ExitCode.CLEAN, []),
        ([box(is_open=True)], ExitCode.FINDINGS, ["1 finding of severity high or worse"]),
        ([box()], ExitCode.CLEAN, []),
        ([DARK], ExitCode.INCOMPLETE, ["1 fact could not be read", "1 verdict left unknown"]),
        (
            [DARK, box(is_open=True)],
            ExitCode.FINDINGS,
            ["1 finding", "1 fact could not be read", "1 verdict left unknown"],
        ),
        ([CLEAN, LISTING_DENIED], ExitCode.INCOMPLETE, ["1 fact could not be read"]),
        (
            [LISTING_DENIED],
            ExitCode.NOTHING_SCANNED,
            ["1 fact could not be read", "nothing could be scanned"],
        ),
        ([CLEAN, CUT], ExitCode.INCOMPLETE, ["1 fact could not be read"]),
        ([CUT], ExitCode.INCOMPLETE, ["1 fact could not be read"]),
    ],
)
def test_a_run_ends_with_the_code_of_its_worst_reason_and_tells_them_all(
    records: list[Resource | GapRecord], code: ExitCode, reasons: list[str]
) -> None:
    report = judge([HEADER, *records, HOME], RULES)

    assert report.exit_code == code
    assert len(report.reasons) == len(reasons)
    for said, expected in zip(report.reasons, reasons, strict=True):
        assert said.startswith(expected)


def test_a_rule_that_cannot_be_evaluated_leaves_the_run_incomplete() -> None:
    report = judge([HEADER, CLEAN], ruleset(variant(fail="lock.Nope")))

    assert report.exit_code == ExitCode.INCOMPLETE
    assert report.reasons == ("1 rule could not be evaluated",)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("fail_on", [*SEVERITIES, None])
def test_findings_count_from_the_severity_the_user_names(
    severity: Severity, fail_on: Severity | None
) -> None:
    report = judge([HEADER, box()], ruleset(variant(severity=severity)), ExitPolicy(fail_on))

    counts = fail_on is not None and SEVERITIES.index(severity) >= SEVERITIES.index(fail_on)
    assert report.exit_code == (ExitCode.FINDINGS if counts else ExitCode.CLEAN)
    assert len(report.findings) == 1


def test_an_unknown_of_high_severity_is_incomplete_and_no_finding() -> None:
    """Not knowing is not failing, whatever the severity."""
    report = judge([HEADER, DARK], ruleset(variant(severity=Severity.CRITICAL)))

    assert report.exit_code == ExitCode.INCOMPLETE


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("permission-denied", ExitCode.CLEAN),
        ("permission-denied:lock", ExitCode.CLEAN),
        ("permission-denied:door", ExitCode.INCOMPLETE),
        ("permission-denied:", ExitCode.INCOMPLETE),
        ("throttled", ExitCode.INCOMPLETE),
        ("lock", ExitCode.INCOMPLETE),
        ("", ExitCode.INCOMPLETE),
    ],
)
def test_gaps_are_accepted_explicitly_by_reason_and_facet(accepted: str, code: ExitCode) -> None:
    """And what was accepted is printed: the verdict itself stays unknown."""
    report = judge([HEADER, DARK], RULES, ExitPolicy(accept_gaps=(accepted,)))

    assert report.exit_code == code
    assert document(report)["run"]["accepted_gaps"] == [accepted]
    assert [f.verdict for f in report.findings] == [Verdict.UNKNOWN]


def test_a_verdict_is_accepted_only_with_all_its_gaps() -> None:
    door = structs.replace(LOCK_DENIED, facet="door", reason=GapReason.TIMEOUT)
    record = Resource(ref(), {}, (door, LOCK_DENIED))
    rules = ruleset(variant(fail="lock.Locked && door.Open"))

    def code(*accepted: str) -> int:
        return judge([HEADER, record], rules, ExitPolicy(accept_gaps=accepted)).exit_code

    assert code("permission-denied") == ExitCode.INCOMPLETE
    assert code("permission-denied", "timeout") == ExitCode.CLEAN


def test_accepting_gaps_does_not_turn_a_scan_of_nothing_into_success() -> None:
    policy = ExitPolicy(accept_gaps=("permission-denied",))

    assert judge([HEADER, LISTING_DENIED], RULES, policy).exit_code == ExitCode.NOTHING_SCANNED


def test_gaps_of_a_census_count_as_gaps() -> None:
    cut = Gap("census", GapReason.TRUNCATED, "fake:ListThings", "more")
    record = structs.replace(CLEAN, census=Census(complete=False, gaps=(cut,)))
    rules = ruleset(variant(fail="census.counts.draft > 0 && !lock.Locked"))

    report = judge([HEADER, record], rules)

    assert report.exit_code == ExitCode.INCOMPLETE
    assert report.resources[0].gaps == (cut,)


@pytest.mark.parametrize(
    ("text", "expected"), [("none", None), *((s.value, s) for s in SEVERITIES)]
)
def test_a_severity_is_read_from_its_word(text: str, expected: Severity | None) -> None:
    assert parse_fail_on(text) == expected


@pytest.mark.parametrize("text", ["", "HIGH", "worst", "None"])
def test_another_word_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_fail_on(text)

    assert "critical" in caught.value.hint


# --- the report ---------------------------------------------------------------------------------


def test_the_coverage_adds_up() -> None:
    """Verdicts add up to pairs judged, facets to those demanded."""
    census = Census(listed=7, counts={"draft": 0})
    records: list[Record] = [
        structs.replace(box(is_open=True), census=census),
        structs.replace(CLEAN, ref=ref("two")),
        DARK,
    ]
    rules = ruleset(OPEN, UNLOCKED, variant(id="fake-box-x", fail="census.counts.draft > 0"))

    coverage = judge([HEADER, *records, HOME], rules).run.coverage

    assert coverage.resources == 3
    assert (coverage.facets_read, coverage.facets_missing) == (5, 1)
    assert coverage.objects_listed == 7
    assert coverage.pairs == 9
    assert coverage.counts == {
        Verdict.FAIL: 2,
        Verdict.PASS: 4,
        Verdict.UNKNOWN: 3,
        Verdict.ERROR: 0,
        Verdict.NOT_APPLICABLE: 0,
    }


def test_a_denial_names_the_permission_that_would_have_helped() -> None:
    """Once for each fact it cost; other reasons name none."""
    slow = structs.replace(LOCK_DENIED, facet="door", reason=GapReason.TIMEOUT)
    helpless = structs.replace(LOCK_DENIED, facet="door", permission="")
    records: list[Record] = [
        DARK,
        structs.replace(DARK, ref=ref("two")),
        Resource(ref("three"), {}, (slow, LOCK_DENIED)),
        Resource(ref("four"), {"lock": {"Locked": True}}, (helpless,)),
        LISTING_DENIED,
    ]

    report = judge([HEADER, *records], RULES)

    assert report.missing_permissions == {"fake:GetLock": 3, "fake:ListBoxes": 1}


def test_the_order_of_records_does_not_show() -> None:
    """Results come as they complete; the report is sorted, to the byte."""
    records: list[Record] = [
        *(structs.replace(box(is_open=n % 2 == 0), ref=ref(f"box-{n}")) for n in range(6)),
        DARK,
        LISTING_DENIED,
        CUT,
        HOME,
        ScopeDone(Scope("fake", "away")),
    ]

    forwards = as_json(judge([HEADER, *records], RULES))
    backwards = as_json(judge([HEADER, *reversed(records)], RULES))

    assert forwards == backwards
    uids = [r["uid"] for r in document(judge([HEADER, *records], RULES))["resources"]]
    assert uids == sorted(uids)


def test_the_identity_of_a_run_is_its_rules_and_facts() -> None:
    """Not the clock; any fact, gap or rule more makes another run."""
    base = judge([HEADER, CLEAN], RULES).run
    later = structs.replace(HEADER, now="2027-01-01T00:00:00Z")
    collected_later = structs.replace(CLEAN, collected_at="2027-01-01T00:00:00Z")

    assert judge([later, collected_later], RULES).run.id == base.id
    assert judge([HEADER, box()], RULES).run.id != base.id
    assert judge([HEADER, CLEAN, LISTING_DENIED], RULES).run.id != base.id
    assert judge([HEADER, CLEAN], ruleset(OPEN)).run.id != base.id


def test_records_of_kinds_without_rules_are_left_out() -> None:
    report = judge([HEADER, CLEAN], ruleset())

    assert (report.resources, report.run.coverage.resources) == ((), 0)
