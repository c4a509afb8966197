"""Rule by record to verdict, with the evidence that decided and the gaps that kept it from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import Struct, field, structs
from tests.support.boxes import OPEN, UNLOCKED, box, ref, ruleset, variant

from cachescan.errors import SnapshotError
from cachescan.evaluate import judge, prepare, view
from cachescan.model import (
    Actor,
    Capability,
    Census,
    Effect,
    Evidence,
    Facet,
    Finding,
    Gap,
    GapReason,
    Grade,
    Grant,
    Hit,
    Kind,
    Resource,
    Rule,
    Severity,
    Verdict,
    Witness,
)
from cachescan.rules import RuleSet, check
from cachescan.testing.fake import BOX, FakeProvider

if TYPE_CHECKING:
    from collections.abc import Iterable

FAKE = FakeProvider({})
LOCK_DENIED = Gap("lock", GapReason.PERMISSION_DENIED, "fake:GetLock", "no", "fake:GetLock")
DOOR_DENIED = Gap("door", GapReason.PERMISSION_DENIED, "fake:GetDoor", "no", "fake:GetDoor")


def without(resource: Resource, *gaps: Gap) -> Resource:
    """Return the record with gaps in place of facets."""
    missing = {gap.facet for gap in gaps}
    facets = {name: value for name, value in resource.facets.items() if name not in missing}
    return structs.replace(resource, facets=facets, gaps=tuple(sorted(gaps)))


def verdict_of(rule: Rule, resource: Resource) -> tuple[Verdict, Finding | None]:
    """Judge one record by one rule."""
    judged, findings = judge(prepare(resource, BOX, FAKE.grants), ruleset(rule).rules)
    (verdict,) = judged.counts
    return verdict, findings[0] if findings else None


def finding_of(rule: Rule, resource: Resource) -> Finding:
    """Return the one finding."""
    found = verdict_of(rule, resource)[1]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("fail", "resource", "verdict"),
    [
        ("!lock.Locked", box(), Verdict.FAIL),
        ("!lock.Locked", box(locked=True), Verdict.PASS),
        ("!lock.Locked", without(box(), LOCK_DENIED), Verdict.UNKNOWN),
        ("!lock.Locked || door.Open", without(box(is_open=True), LOCK_DENIED), Verdict.FAIL),
        ("!lock.Locked || door.Open", without(box(), LOCK_DENIED), Verdict.UNKNOWN),
        ("!lock.Locked && door.Open", without(box(), LOCK_DENIED), Verdict.PASS),
        ("!lock.Locked && door.Open", without(box(is_open=True), LOCK_DENIED), Verdict.UNKNOWN),
        ("exposed.read.anonymous", box(is_open=True), Verdict.FAIL),
        ("exposed.read.anonymous", box(), Verdict.PASS),
        ("exposed.read.anonymous", without(box(), DOOR_DENIED), Verdict.UNKNOWN),
        ("exposed.write.anonymous", without(box(), DOOR_DENIED), Verdict.PASS),
        ("lock.Nope == 'x'", box(), Verdict.ERROR),
        ("lock.Nope == 'x' || door.Open", without(box(), DOOR_DENIED), Verdict.UNKNOWN),
        ("name", box(), Verdict.ERROR),
        ("1 / 0 == 1", box(), Verdict.ERROR),
    ],
)
def test_a_verdict_is_three_valued_and_an_error_is_what_no_gap_explains(
    fail: str, resource: Resource, verdict: Verdict
) -> None:
    assert verdict_of(variant(fail=fail), resource)[0] == verdict


@pytest.mark.parametrize(
    ("when", "resource", "verdict"),
    [
        ("lock.Locked", box(), Verdict.NOT_APPLICABLE),
        ("!lock.Locked", box(), Verdict.PASS),
        ("lock.Locked", without(box(), LOCK_DENIED), Verdict.UNKNOWN),
        ("lock.Nope == 1", box(), Verdict.ERROR),
    ],
)
def test_a_rule_whose_condition_is_not_known_does_not_pass(
    when: str, resource: Resource, verdict: Verdict
) -> None:
    """``when`` is three-valued as well: not applicable must be known, too."""
    assert verdict_of(variant(when=when, fail="door.Open"), resource)[0] == verdict


def test_an_unknown_carries_exactly_the_gaps_that_the_rule_looks_at() -> None:
    """Another fact that is missing does not explain it."""
    finding = finding_of(UNLOCKED, without(box(), LOCK_DENIED, DOOR_DENIED))

    assert finding.gaps == (LOCK_DENIED,)
    assert finding.evidence == (
        Evidence("lock", "", Effect.UNREAD, "fake:GetLock: permission-denied"),
    )
    assert finding.message == "box is not locked"


def test_a_fact_that_the_record_was_never_meant_to_hold_is_a_gap() -> None:
    """A snapshot taken with fewer facets does not pass a rule that needs more."""
    resource = Resource(ref(), {"door": {"Open": False}})

    finding = finding_of(UNLOCKED, resource)

    assert finding.verdict == Verdict.UNKNOWN
    (gap,) = finding.gaps
    assert (gap.facet, gap.reason) == ("lock", GapReason.NOT_COLLECTED)


def test_an_exposure_that_cannot_be_computed_is_a_gap() -> None:
    """One facet of the exposure is neither read nor a gap: nothing is guessed."""
    resource = Resource(ref(), {"lock": {"Locked": False}})

    finding = finding_of(OPEN, resource)

    assert finding.verdict == Verdict.UNKNOWN
    assert [(g.facet, g.reason) for g in finding.gaps] == [("exposure", GapReason.NOT_COLLECTED)]


def test_an_error_says_what_the_engine_said_and_has_no_gap() -> None:
    finding = finding_of(variant(fail="lock.Nope == 'x'"), box())

    assert finding.verdict == Verdict.ERROR
    assert "Nope" in finding.message
    assert (finding.gaps, finding.evidence) == ((), ())


def test_counts_add_up_to_the_rules_that_judged() -> None:
    """Every pair of rule and record has one verdict; passes make no finding."""
    rules = ruleset(
        UNLOCKED,
        OPEN,
        variant(id="fake-box-when", when="false"),
        variant(id="fake-box-wrong", fail="lock.Nope"),
        variant(id="fake-box-dark", fail="door.Open"),
    )

    judged, findings = judge(prepare(without(box(), DOOR_DENIED), BOX, FAKE.grants), rules.rules)

    assert judged.counts == {
        Verdict.ERROR: 1,
        Verdict.FAIL: 1,
        Verdict.NOT_APPLICABLE: 1,
        Verdict.UNKNOWN: 2,
    }
    assert {f.rule for f in findings} == {
        "fake-box-unlocked",
        "fake-box-open",
        "fake-box-wrong",
        "fake-box-dark",
    }
    assert judged.gaps == (DOOR_DENIED,)


# --- evidence -----------------------------------------------------------------------------------


class Drawer(Struct, frozen=True):
    """A facet with lists and maps inside."""

    Items: list[dict[str, Any]] = field(default_factory=list)
    Labels: dict[str, str] = field(default_factory=dict)
    Note: str = ""


CHEST = Kind(
    name="fake/chest",
    title="chest",
    call="fake:ListChests",
    permission="fake:ListChests",
    facets=(Facet("drawer", "fake:GetDrawer", "fake:GetDrawer", Drawer, Drawer()),),
)
DRAWER = {
    "Items": [{"Id": "a", "Old": False}, {"Id": "b", "Old": True}, {"Id": "c", "Old": True}],
    "Labels": {"team": "x"},
    "Note": "n" * 300,
}


def evidence_of(fail: str) -> dict[str, str]:
    """Return pointer to summary of the evidence of a fail."""
    rule = variant(kind="fake/chest", fail=fail, message="{name}")
    compiled = check(rule, {CHEST.name: CHEST})
    subject = prepare(Resource(ref(), {"drawer": DRAWER}), CHEST, lambda _: ())
    _, (finding,) = judge(subject, (compiled,))
    assert finding.verdict == Verdict.FAIL
    assert {e.facet for e in finding.evidence} <= {"drawer", ""}
    return {e.pointer: e.summary for e in finding.evidence}


def test_evidence_points_at_the_elements_that_decided() -> None:
    """Not at the list, and not at those that do not matter."""
    assert evidence_of("drawer.Items.exists(i, i.Old)") == {
        "/Items/1": '{"Id":"b","Old":true}',
        "/Items/2": '{"Id":"c","Old":true}',
    }


@pytest.mark.parametrize(
    ("fail", "pointers"),
    [
        ("drawer.Note != ''", {"/Note"}),
        ("drawer.Labels.team == 'x'", {"/Labels/team"}),
        ("size(drawer.Items) == 3", {"/Items"}),
        ("drawer.Items.all(i, i.Id != '')", {"/Items"}),
        ("drawer.Items[1].Old", {"/Items"}),
        ("name == 'box'", {""}),
        ("drawer.Labels.exists(l, l == 'team')", {"/Labels"}),
        ("drawer.Labels.none == 'x' || drawer.Note != ''", {"/Labels", "/Note"}),
        ("drawer.Nope.Deeper == 'x' || drawer.Note != ''", {"", "/Note"}),
        ("drawer.Note.Deeper == 'x' || drawer.Items[1].Old", {"/Note", "/Items"}),
        ("drawer.Items.Deeper == 'x' || drawer.Note != ''", {"/Items", "/Note"}),
        ("drawer.Note != '' && size(drawer.Items) > 1 && drawer.Labels.team == 'x'", {""}),
    ],
)
def test_evidence_points_at_what_the_rule_looks_at(fail: str, pointers: set[str]) -> None:
    """As deep as the record goes; a facet that is looked at from many sides is shown whole."""
    assert set(evidence_of(fail)) == pointers


def test_a_long_value_is_shown_in_part() -> None:
    (summary,) = evidence_of("drawer.Note != ''").values()

    assert len(summary) == 160
    assert summary.endswith("...")


def test_the_path_and_the_witness_of_an_exposure_are_its_evidence() -> None:
    """A finding about exposure shows the way in, with the request that shows it."""
    witness = Witness("GET", "https://example.com/KEY")
    evidence = Evidence("door", "/Open", Effect.GRANTS, "the door is open")

    def grants(_: Resource) -> Iterable[Grant]:
        return [
            Grant(
                actor,
                capability,
                "door",
                Grade.YES,
                Grade.YES,
                (structs.replace(evidence, pointer=f"/{actor}/{capability}"),),
                witness=witness,
            )
            for actor in Actor
            for capability in Capability
        ]

    _, (finding,) = judge(prepare(box(), BOX, grants), ruleset(OPEN).rules)

    assert [e.pointer for e in finding.evidence] == ["/anonymous/read"]
    assert finding.witness == witness


# --- the census ---------------------------------------------------------------------------------


CUT = Gap("census", GapReason.TRUNCATED, "fake:ListThings", "5 objects were listed")
DENIED = Gap("census", GapReason.PERMISSION_DENIED, "fake:ListThings", "no")
HITS = (Hit("drafts/a", 1, ("draft",), ("draft",)), Hit("old.bak", 1, ("backup",), (".bak",)))


def with_census(census: Census | None) -> Resource:
    return structs.replace(box(is_open=True), census=census)


@pytest.mark.parametrize(
    ("fail", "census", "verdict"),
    [
        ("census.counts.draft > 0", Census(counts={"draft": 1}), Verdict.FAIL),
        ("census.counts.draft > 0", Census(counts={"draft": 0}), Verdict.PASS),
        (
            "census.counts.draft > 0",
            Census(counts={"draft": 1}, complete=False, gaps=(CUT,)),
            Verdict.FAIL,
        ),
        (
            "census.counts.draft > 0",
            Census(counts={"draft": 0}, complete=False, gaps=(CUT,)),
            Verdict.UNKNOWN,
        ),
        (
            "census.counts.draft > 0 || census.counts.backup > 0",
            Census(counts={"draft": 0, "backup": 2}, complete=False, gaps=(CUT,)),
            Verdict.FAIL,
        ),
        ("census.counts.draft > 0", None, Verdict.UNKNOWN),
        ("census.counts.nonsense > 0", Census(counts={"draft": 0}), Verdict.ERROR),
        ("census.listed == 0", Census(), Verdict.FAIL),
        ("census.listed == 0", Census(complete=False, gaps=(DENIED,)), Verdict.UNKNOWN),
        ("census.bytes < 9", Census(listed=5, complete=False, gaps=(CUT,)), Verdict.UNKNOWN),
        ("!census.complete", Census(complete=False, gaps=(CUT,)), Verdict.FAIL),
    ],
)
def test_no_hit_is_only_said_of_what_was_listed(
    fail: str, census: Census | None, verdict: Verdict
) -> None:
    """A category without a hit in a listing cut short is not known; one with a hit is."""
    assert verdict_of(variant(fail=fail), with_census(census))[0] == verdict


def test_an_unknown_for_lack_of_a_listing_says_why() -> None:
    """The budget, the denial, or that nobody listed at all."""
    rule = variant(fail="census.counts.draft > 0")
    cut = Census(counts={"draft": 0}, complete=False, gaps=(CUT,))

    assert finding_of(rule, with_census(cut)).gaps == (CUT,)
    (gap,) = finding_of(rule, with_census(None)).gaps
    assert (gap.facet, gap.reason, gap.permission) == (
        "census",
        GapReason.NOT_COLLECTED,
        "fake:ListThings",
    )


def test_a_decided_count_is_not_blamed_on_the_cut() -> None:
    """With a hit at hand, what is unknown about the door is not for lack of a listing."""
    resource = without(box(), DOOR_DENIED)
    census = Census(counts={"draft": 3}, complete=False, gaps=(CUT,))

    finding = finding_of(
        variant(fail="exposed.read.anonymous && census.counts.draft > 0"),
        structs.replace(resource, census=census),
    )

    assert (finding.verdict, finding.gaps) == (Verdict.UNKNOWN, (DOOR_DENIED,))


def test_a_finding_shows_the_hits_it_is_about_and_how_far_was_looked() -> None:
    """Hits of other categories are not its business; "all" is only said of a whole listing."""
    rule = variant(fail="census.counts.draft > 0")
    counts = {"backup": 1, "draft": 1, "secret": 0}
    whole = Census(listed=9, counts=counts, hits=HITS)
    cut = structs.replace(whole, complete=False, gaps=(CUT,))

    finding = finding_of(rule, with_census(whole))

    assert finding.hits == HITS[:1]
    (evidence,) = finding.evidence
    assert evidence.pointer == "/counts/draft"
    assert evidence.summary == "all 9 objects listed: 1 backup, 1 draft"
    assert finding_of(rule, with_census(cut)).evidence[0].summary.startswith("the first 9 objects")


def test_what_the_listing_could_not_see_is_a_gap_of_the_resource() -> None:
    judged, _ = judge(
        prepare(with_census(Census(complete=False, gaps=(CUT,))), BOX, FAKE.grants), ()
    )

    assert judged.gaps == (CUT,)


# --- messages and identity ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{name} of {scope} in {region}", "box of home in here"),
        ("{lock.Locked}", "False"),
        ("{exposed.read.anonymous}", "True"),
        ("{exposed.read.anonymous.more}", "?"),
        ("{lock.Nope}", "?"),
        ("{name.__class__}", "?"),
        ("{name.__class__.__mro__}", "?"),
        ("{lock.__class__}", "?"),
        ("{lock.keys}", "?"),
        ("{lock.get}", "?"),
        ("{name!r} {0} {} {{name}} %s $name", "{name!r} {0} {} {box} %s $name"),
    ],
)
def test_a_hole_of_a_message_reaches_facts_and_nothing_else(template: str, message: str) -> None:
    """A stranger's rule cannot walk from a value into the program."""
    assert finding_of(variant(message=template), box(is_open=True)).message == message


def test_a_message_does_not_fill_the_holes_that_a_name_brings_along() -> None:
    """A bucket may be called ``{uid}``: what was filled in is not looked at again."""
    hostile = structs.replace(box(), ref=structs.replace(ref(), name="{uid}{lock.Locked}"))

    assert finding_of(UNLOCKED, hostile).message == "{uid}{lock.Locked} is not locked"


def test_a_fact_that_is_missing_shows_as_a_question_mark() -> None:
    finding = finding_of(variant(message="{name}: {lock.Locked}"), without(box(), LOCK_DENIED))

    assert finding.message == "box: ?"


def test_identity_tells_findings_of_one_rule_apart() -> None:
    """Its values are part of the fingerprint; other facts are not."""
    plain, telling = UNLOCKED, variant(identity=("door.Open",))

    assert finding_of(plain, box()).fingerprint == finding_of(plain, box(is_open=True)).fingerprint
    assert (
        finding_of(telling, box()).fingerprint != finding_of(telling, box(is_open=True)).fingerprint
    )


def test_an_identity_that_was_not_read_leaves_the_verdict_alone() -> None:
    """The finding is then the resource's."""
    rule = variant(identity=("door.Open",))

    finding = finding_of(rule, without(box(), DOOR_DENIED))

    assert finding.verdict == Verdict.FAIL
    assert finding.fingerprint == finding_of(UNLOCKED, box()).fingerprint


def test_the_evidence_hash_changes_with_the_evidence_and_not_with_the_message() -> None:
    """It tells "still there, but changed" from "unchanged"."""
    first = finding_of(UNLOCKED, box())
    retold = finding_of(variant(message="other", severity=Severity.LOW), box())
    other = finding_of(UNLOCKED, without(box(), LOCK_DENIED))

    assert first.evidence_hash == retold.evidence_hash
    assert first.evidence_hash != other.evidence_hash
    assert first.fingerprint == retold.fingerprint == other.fingerprint


# --- the view -----------------------------------------------------------------------------------


def test_a_record_is_seen_as_the_rules_asked_for_it() -> None:
    """A fuller snapshot must not make another report than the live scan."""
    gaps = (LOCK_DENIED,)
    record = Resource(ref(), {"door": {"Open": True}}, gaps, "now", Census())

    seen = view(record, BOX, frozenset({"door"}), census=False)

    assert (seen.facets, seen.gaps, seen.census) == ({"door": {"Open": True}}, (), None)
    assert view(record, BOX, frozenset({"lock", "door"}), census=True) == record


class Place(Struct, frozen=True):
    """A facet that tells where something is."""

    Where: str = ""


PLACED = structs.replace(
    BOX,
    facets=(*BOX.facets, Facet("place", "fake:GetPlace", "fake:GetPlace", Place, Place())),
    region=("place", "Where"),
)


def test_the_region_comes_from_its_facet_where_the_listing_did_not_tell() -> None:
    record = Resource(structs.replace(ref(), region=""), {"place": {"Where": "there"}})
    asked = frozenset({"place"})

    assert view(record, PLACED, asked, census=False).ref.region == "there"
    assert view(record, PLACED, frozenset({"door"}), census=False).ref.region == ""
    known = structs.replace(record, ref=ref())
    assert view(known, PLACED, asked, census=False).ref.region == "here"


@pytest.mark.parametrize("value", [7, None, [], {"Where": 7}, "there"])
def test_a_facet_that_no_adapter_wrote_is_refused(value: object) -> None:
    """A snapshot changed by hand is told, not taken for a fault of ours."""
    record = Resource(structs.replace(ref(), region=""), {"place": value})

    with pytest.raises(SnapshotError, match="does not fit its kind") as caught:
        view(record, PLACED, frozenset({"place"}), census=False)

    assert caught.value.hint


def test_an_empty_choice_of_rules_judges_nothing() -> None:
    judged, findings = judge(prepare(box(), BOX, FAKE.grants), RuleSet((), "").rules)

    assert (judged.counts, findings) == ({}, [])
