"""Accepted findings: each with a reason and an end, anchored, and reported once of no use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs
from tests.support.boxes import DRAFT, NOW, OPEN, UNLOCKED, box, judge, ref, ruleset, variant

from cachescan.errors import ConfigError
from cachescan.model import Finding, ResourceRef, Severity, Suppression, Verdict
from cachescan.snapshot import Header
from cachescan.suppress import Suppressor, load_suppressions

if TYPE_CHECKING:
    from pathlib import Path

    from cachescan.model import Report, Rule

TODAY = NOW[:10]


def suppression(**changes: str) -> Suppression:
    fields = {
        "rule": "fake-box-unlocked",
        "resource": "box",
        "reason": "a decoy",
        "expires": "2027-01-31",
        **changes,
    }
    return Suppression(**fields)


def finding(name: str = "box", rule: str = "fake-box-unlocked") -> Finding:
    uid = f"arn:aws:s3:::{name}"
    where = ResourceRef("fake", "fake/box", uid, name, "home")
    return Finding("1:x", "x", rule, where, Verdict.FAIL, Severity.HIGH, "said")


def covered(entry: Suppression, found: Finding, aliases: tuple[str, ...] = ()) -> bool:
    return Suppressor([entry], TODAY).apply(found, aliases).suppression is entry


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("ci-logs", "ci-logs", True),
        ("ci-logs", "ci-logs-replica", False),
        ("ci-logs", "my-ci-logs", False),
        ("ci-logs*", "ci-logs-replica", True),
        ("ci-log?", "ci-logs", True),
        ("CI-LOGS", "ci-logs", False),
        ("*", "anything", True),
        ("arn:aws:s3:::ci-*", "ci-logs", True),
        ("arn:aws:s3:::ci", "ci-logs", False),
        ("ci.logs", "ci-logs", False),
        ("ci-[lm]ogs", "ci-logs", True),
        ("", "ci-logs", False),
    ],
)
def test_a_glob_covers_the_whole_name_or_uid(glob: str, name: str, *, expected: bool) -> None:
    """A suppression of one bucket does not swallow those whose names begin alike."""
    assert covered(suppression(resource=glob), finding(name)) == expected


@pytest.mark.parametrize(
    ("expires", "expected"),
    [("2026-11-24", False), ("2026-11-25", True), ("2026-11-26", True)],
)
def test_a_suppression_holds_through_its_last_day(expires: str, *, expected: bool) -> None:
    entry = suppression(expires=expires)
    suppressor = Suppressor([entry], TODAY)

    assert (suppressor.apply(finding()).suppression is entry) == expected
    assert suppressor.expired == (() if expected else (entry,))
    assert suppressor.unused == ()


def test_a_rule_is_covered_by_its_id_and_by_its_former_names_only() -> None:
    assert covered(suppression(), finding())
    assert not covered(suppression(rule="fake-box-*"), finding())
    assert not covered(suppression(rule="fake-box-old"), finding())
    assert covered(suppression(rule="fake-box-old"), finding(), ("fake-box-old",))


def test_what_matched_nothing_is_reported_as_unused() -> None:
    used, unused = suppression(), suppression(resource="gone")
    suppressor = Suppressor([used, unused], TODAY)

    suppressor.apply(finding())

    assert suppressor.unused == (unused,)


def judged(rule: Rule, *entries: Suppression) -> Report:
    """Judge one open, unlocked box."""
    header = Header(1, "0", "fake", NOW)
    return judge([header, box(is_open=True)], ruleset(rule), suppressions=entries)


def test_a_suppressed_finding_stays_in_the_report_and_does_not_fail_the_run() -> None:
    """It is marked, not hidden."""
    entry = suppression(rule=OPEN.id)

    report = judged(OPEN, entry)

    assert [f.suppression for f in report.findings] == [entry]
    assert report.findings[0].verdict == Verdict.FAIL
    assert report.exit_code == 0
    assert judged(OPEN).exit_code == 1


def test_a_suppression_past_its_date_hides_nothing() -> None:
    """Its day is held against the snapshot's clock, so that old snapshots judge as they did."""
    entry = suppression(rule=OPEN.id, expires="2026-11-24")

    report = judged(OPEN, entry)

    assert report.exit_code == 1
    assert report.suppressions_expired == (entry,)
    assert report.suppressions_unused == ()


def test_a_suppression_under_a_former_name_still_holds() -> None:
    rule = variant(OPEN, aliases=("fake-box-old",))
    entry = suppression(rule="fake-box-old")

    assert judged(rule, entry).exit_code == 0


def test_a_suppression_does_not_make_an_unknown_a_pass() -> None:
    """What was not read stays unread, and the run incomplete, whatever is accepted of it."""
    report = judge(
        [Header(1, "0", "fake", NOW), structs.replace(box(is_open=True), census=None)],
        ruleset(DRAFT),
        suppressions=[suppression(rule=DRAFT.id)],
    )

    assert report.exit_code == 3


def write(folder: Path, text: str, name: str = "accepted.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


TOML = """
[[suppress]]
rule = "fake-box-open"
resource = "box"
reason = "a decoy"
expires = "2027-01-31"
owner = "security@example.com"
"""
YAML = """
suppress:
  - {rule: fake-box-open, resource: box, reason: a decoy, expires: 2027-01-31,
     owner: security@example.com}
"""


@pytest.mark.parametrize(("name", "text"), [("a.toml", TOML), ("a.yaml", YAML), ("a.yml", YAML)])
def test_suppressions_are_read_from_toml_and_yaml(tmp_path: Path, name: str, text: str) -> None:
    """A date may be quoted or be one."""
    expected = suppression(rule="fake-box-open", owner="security@example.com")

    assert load_suppressions(write(tmp_path, text, name)) == (expected,)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('reason = "a decoy"', 'reason = ""'), "gives no reason"),
        (('reason = "a decoy"', 'reason = "  "'), "gives no reason"),
        (('reason = "a decoy"', ""), "missing required field `reason`"),
        (('expires = "2027-01-31"', ""), "missing required field `expires`"),
        (('expires = "2027-01-31"', 'expires = "never"'), "is not a date"),
        (('expires = "2027-01-31"', 'expires = "2027-02-30"'), "is not a date"),
        (('expires = "2027-01-31"', 'expires = ""'), "is not a date"),
        (('expires = "2027-01-31"', 'expires = "2027-01-31T10:00:00Z"'), "is not a date"),
        (('expires = "2027-01-31"', "expires = 2027-01-31T10:00:00Z"), "is not a date"),
        (('expires = "2027-01-31"', "expires = 20270131"), "Expected `str`, got `int`"),
        (('owner = "security@example.com"', 'ownr = "x"'), "unknown field `ownr`"),
        (("[[suppress]]", "[[supress]]"), "unknown field `supress`"),
        (("[[suppress]]", "[[suppress"), "not readable as TOML"),
    ],
)
def test_a_suppression_without_reason_or_end_is_refused(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    path = write(tmp_path, TOML.replace(*change))

    with pytest.raises(ConfigError) as caught:
        load_suppressions(path)

    assert said in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("spelling", ['"2027-01-31"', "2027-01-31", '"20270131"', '"2027-W04-7"'])
def test_every_spelling_of_a_date_is_the_same_day(tmp_path: Path, spelling: str) -> None:
    """Days are compared as text, so there must be one text for each."""
    path = write(tmp_path, TOML.replace('"2027-01-31"', spelling))

    assert [entry.expires for entry in load_suppressions(path)] == ["2027-01-31"]


@pytest.mark.parametrize("name", ["gone.toml", "gone.yaml"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="not readable"):
        load_suppressions(tmp_path / name)


def test_only_the_named_box_is_covered() -> None:
    header = Header(1, "0", "fake", NOW)
    other = structs.replace(box(is_open=True), ref=ref("box-2"))

    report = judge(
        [header, box(is_open=True), other],
        ruleset(OPEN, UNLOCKED),
        suppressions=[suppression(rule=OPEN.id)],
    )

    covered_findings = [(f.rule, f.ref.name) for f in report.findings if f.suppression]
    assert covered_findings == [("fake-box-open", "box")]
