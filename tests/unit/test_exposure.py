"""The algebra of reach: whatever fills the gaps, the truth lies in the interval reported."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from cachescan.exposure import (
    as_variables,
    expose,
    exposed_to_outsiders,
    least,
    most,
    open_gaps,
    paths_of,
)
from cachescan.model import (
    Actor,
    Blocker,
    Bounds,
    Capability,
    Effect,
    Evidence,
    Gap,
    GapReason,
    Grade,
    Grant,
    Witness,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cachescan.model import Exposure

DECIDED = (Grade.NO, Grade.RESTRICTED, Grade.YES)
RANK = {grade: rank for rank, grade in enumerate(DECIDED)}
SAYS = Evidence("policy", "/Statement/0", Effect.GRANTS, "the statement allows it")
SWITCH = Evidence("block", "/On", Effect.BLOCKS, "the switch")


def gap(facet: str) -> Gap:
    return Gap(facet, GapReason.PERMISSION_DENIED, f"s3:Get{facet}")


def grant(**changes: object) -> Grant:
    """Return a certain grant of reading to anybody, changed as said."""
    certain = Grant(
        Actor.ANONYMOUS, Capability.READ, "bucket-policy", Grade.YES, Grade.YES, (SAYS,)
    )
    return structs.replace(certain, **changes)


@st.composite
def blockers(draw: st.DrawFn) -> Blocker:
    state = draw(st.sampled_from([None, True, False]))
    leaves = draw(st.sampled_from([Grade.NO, Grade.RESTRICTED]))
    number = draw(st.integers(0, 3))
    return Blocker(state, SWITCH, leaves, gap(f"switch-{number}") if state is None else None)


@st.composite
def some_grants(draw: st.DrawFn) -> list[Grant]:
    """Draw up to four grants with blockers, some decided and some not."""
    found = []
    for index in range(draw(st.integers(0, 4))):
        low, high = sorted(
            draw(st.tuples(st.sampled_from(DECIDED), st.sampled_from(DECIDED))),
            key=RANK.__getitem__,
        )
        found.append(
            grant(
                actor=draw(st.sampled_from(Actor)),
                capability=draw(st.sampled_from([Capability.READ, Capability.LIST])),
                low=low,
                high=high,
                evidence=(structs.replace(SAYS, pointer=f"/Statement/{index}"),),
                blockers=tuple(draw(st.lists(blockers(), max_size=3))),
                gaps=(gap(f"grant-{index}"),) if low != high else (),
            )
        )
    return found


def between(low: Grade, high: Grade) -> tuple[Grade, ...]:
    return DECIDED[RANK[low] : RANK[high] + 1]


def decided(one: Grant, grade: Grade, states: tuple[bool, ...]) -> Grant:
    """Return the grant as it is once its gaps are filled."""
    filled = tuple(
        structs.replace(blocker, state=state, gap=None)
        for blocker, state in zip(one.blockers, states, strict=True)
    )
    return structs.replace(one, low=grade, high=grade, gaps=(), blockers=filled)


def ways(one: Grant) -> list[Grant]:
    """Return every way in which the gaps of one grant can be filled."""
    states = [(True, False) if b.state is None else (b.state,) for b in one.blockers]
    return [
        decided(one, grade, chosen)
        for grade in between(one.low, one.high)
        for chosen in product(*states)
    ]


def cells(exposure: Exposure) -> Iterator[tuple[Capability, Actor, Bounds]]:
    for capability, row in exposure.cells.items():
        for actor, bounds in row.items():
            yield capability, actor, bounds


@settings(max_examples=300)
@given(some_grants(), st.randoms(use_true_random=False))
def test_however_the_gaps_are_filled_the_grade_lies_in_the_interval(
    grants: list[Grant], chance: object
) -> None:
    """The interval law itself, with every gap filled in some way."""
    choose: Callable[[list[Grant]], Grant] = chance.choice  # type: ignore[attr-defined]

    reported = expose(grants)
    truth = expose([choose(ways(one)) for one in grants])

    for capability, actor, bounds in cells(reported):
        true = truth.cells[capability][actor]
        assert true.low == true.high == true.grade
        assert RANK[bounds.low] <= RANK[true.grade] <= RANK[bounds.high]


@given(some_grants())
def test_both_ends_of_an_interval_are_reached_by_some_filling(grants: list[Grant]) -> None:
    """No interval is wider than the gaps make it: ``unknown`` is not a way out."""
    reported = expose(grants)
    worst = expose([ways(one)[-1] for one in grants])
    best = expose([ways(one)[0] for one in grants])

    for capability, actor, bounds in cells(reported):
        assert bounds.high == worst.cells[capability][actor].grade
        assert bounds.low == best.cells[capability][actor].grade


@given(some_grants())
def test_whoever_opens_an_account_can_do_what_anonymous_can(grants: list[Grant]) -> None:
    """Any account is a superset of anonymous, at both ends."""
    for row in expose(grants).cells.values():
        for end in ("low", "high"):
            anonymous = getattr(row[Actor.ANONYMOUS], end)
            assert RANK[anonymous] <= RANK[getattr(row[Actor.ANY_ACCOUNT], end)]


@given(some_grants(), st.data())
def test_turning_a_blocker_on_never_widens(grants: list[Grant], data: st.DataObject) -> None:
    """On is at most unread, and unread at most off, at both ends of every cell."""
    with_blockers = [i for i, one in enumerate(grants) if one.blockers]
    if not with_blockers:
        return
    index = data.draw(st.sampled_from(with_blockers))
    one = grants[index]
    at = data.draw(st.integers(0, len(one.blockers) - 1))

    def switched(state: bool | None) -> Exposure:  # noqa: FBT001 (a switch is a boolean)
        changed = [*one.blockers]
        changed[at] = structs.replace(changed[at], state=state, gap=gap("switch"))
        return expose([*grants[:index], structs.replace(one, blockers=tuple(changed))])

    for narrow, wide in pairwise(switched(state) for state in (True, None, False)):
        for capability, actor, bounds in cells(narrow):
            wider = wide.cells[capability][actor]
            assert RANK[bounds.low] <= RANK[wider.low]
            assert RANK[bounds.high] <= RANK[wider.high]


@given(some_grants())
def test_an_open_interval_names_the_facts_that_would_close_it(grants: list[Grant]) -> None:
    """An unknown grade without a gap would be a silent one; a decided grade needs none."""
    for _, _, bounds in cells(expose(grants)):
        assert bool(bounds.open_because) == (bounds.low != bounds.high)


@given(some_grants())
def test_paths_and_outsiders_state_only_what_is_certain(grants: list[Grant]) -> None:
    """A path never claims more than the lower end of its cell, and every lower end has one."""
    exposure = expose(grants)

    for path in exposure.paths:
        assert RANK[Grade.NO] < RANK[path.grade]
        assert RANK[path.grade] <= RANK[exposure.cells[path.capability][path.actor].low]
    for capability, actor, bounds in cells(exposure):
        if bounds.low != Grade.NO:
            found = paths_of(exposure, (capability.value, actor.value))
            assert bounds.low in {path.grade for path in found}


def test_nothing_granted_is_a_firm_no_everywhere() -> None:
    exposure = expose([])

    assert {bounds.grade for _, _, bounds in cells(exposure)} == {Grade.NO}
    assert not exposed_to_outsiders(exposure, Capability)


@pytest.mark.parametrize(
    ("state", "leaves", "low", "high"),
    [
        (False, Grade.NO, Grade.YES, Grade.YES),
        (True, Grade.NO, Grade.NO, Grade.NO),
        (True, Grade.RESTRICTED, Grade.RESTRICTED, Grade.RESTRICTED),
        (None, Grade.NO, Grade.NO, Grade.YES),
        (None, Grade.RESTRICTED, Grade.RESTRICTED, Grade.YES),
    ],
)
def test_a_blocker_leaves_what_it_says(
    *, state: bool | None, leaves: Grade, low: Grade, high: Grade
) -> None:
    """On cuts both ends, unread the lower one, off neither."""
    one = grant(blockers=(Blocker(state, SWITCH, leaves, gap("switch")),))

    bounds = expose([one]).cells[Capability.READ][Actor.ANONYMOUS]

    assert (bounds.low, bounds.high) == (low, high)


def test_a_grant_that_decides_needs_no_other_fact() -> None:
    """What is certainly open stays so, whatever a second statement might add."""
    undecided = grant(low=Grade.NO, gaps=(gap("policy"),))

    bounds = expose([undecided, grant()]).cells[Capability.READ][Actor.ANONYMOUS]

    assert bounds == Bounds(Grade.YES, Grade.YES)


def test_only_gaps_that_could_raise_the_grade_are_named() -> None:
    """A missing fact that could at most make it restricted does not explain restricted-or-yes."""
    restricted = grant(low=Grade.RESTRICTED, high=Grade.RESTRICTED)
    idle = grant(low=Grade.NO, high=Grade.RESTRICTED, gaps=(gap("idle"),))
    telling = grant(low=Grade.NO, high=Grade.YES, gaps=(gap("telling"),))

    bounds = expose([restricted, idle, telling]).cells[Capability.READ][Actor.ANONYMOUS]

    assert bounds.open_because == (gap("telling"),)


def test_an_undecided_grade_is_not_bound_and_exposed_is_as_soon_as_it_can_be() -> None:
    """Restricted-or-no is firmly not public, although the grade itself is open."""
    narrowed = grant(low=Grade.NO, high=Grade.RESTRICTED, gaps=(gap("policy"),))
    wide = grant(capability=Capability.LIST, low=Grade.NO, gaps=(gap("policy"),))
    halfway = grant(capability=Capability.WRITE, low=Grade.RESTRICTED, gaps=(gap("policy"),))

    variables = as_variables(expose([narrowed, wide, halfway]))

    assert variables["exposure"]["read"] == {"outsider": "no"}
    assert variables["exposed"]["read"] == {
        "anonymous": False,
        "any_account": False,
        "outsider": False,
    }
    assert variables["exposed"]["list"] == {"outsider": False}
    assert variables["exposed"]["write"] == {"outsider": False}
    assert variables["exposure"]["takeover"]["anonymous"] == "no"


def test_open_gaps_are_those_of_the_cells_asked_for() -> None:
    """A rule about listing does not carry what only keeps reading open."""
    exposure = expose(
        [
            grant(low=Grade.NO, gaps=(gap("policy"),)),
            grant(capability=Capability.LIST, low=Grade.NO, gaps=(gap("acl"),)),
        ]
    )

    assert open_gaps(exposure, ("read", "anonymous")) == (gap("policy"),)
    assert open_gaps(exposure, ("read", "any_account")) == (gap("policy"),)
    assert open_gaps(exposure, ("read", "outsider")) == ()
    assert open_gaps(exposure, ("list",)) == (gap("acl"),)
    assert open_gaps(exposure, ()) == (gap("acl"), gap("policy"))


def test_a_path_shows_what_grants_and_what_does_not_stop_it() -> None:
    """Blockers that are off belong to the path; the witness is the grant's."""
    off = Evidence("block", "/Off", Effect.STATES, "the switch is off")
    witness = Witness("GET", "https://example.com/KEY")
    one = grant(blockers=(Blocker(state=False, evidence=off),), witness=witness)

    (path,) = expose([one]).paths

    assert path.evidence == (SAYS, off)
    assert path.witness == witness


def test_what_is_stopped_is_told_with_what_stops_it() -> None:
    """A certain grant that a switch voids is no path; it is a blocked one, without a witness."""
    on = Blocker(state=True, evidence=SWITCH)
    one = grant(blockers=(on,), witness=Witness("GET", "https://example.com/KEY"))

    exposure = expose([one])

    assert exposure.paths == ()
    (blocked,) = exposure.blocked
    assert (blocked.evidence, blocked.witness, blocked.grade) == ((SAYS, SWITCH), None, Grade.NO)


def test_an_uncertain_grant_is_neither_path_nor_blocked() -> None:
    exposure = expose([grant(low=Grade.NO, gaps=(gap("policy"),))])

    assert (exposure.paths, exposure.blocked) == ((), ())
    assert exposed_to_outsiders(exposure, (Capability.READ,))


def test_the_same_statement_is_told_once_for_everybody() -> None:
    """What anonymous can do is not repeated for any account, unless it reaches further there."""
    both = [grant(), grant(actor=Actor.ANY_ACCOUNT)]
    blocked = [
        grant(blockers=(Blocker(state=True, evidence=SWITCH),)),
        grant(actor=Actor.ANY_ACCOUNT),
    ]

    assert [path.actor for path in expose(both).paths] == [Actor.ANONYMOUS]
    assert [path.actor for path in expose(blocked).paths] == [Actor.ANY_ACCOUNT]


def test_outsiders_are_named_if_they_certainly_get_in() -> None:
    """Sorted, once each; whoever is only possible is not accused."""
    named = [
        grant(actor=Actor.OUTSIDER, principal="b"),
        grant(actor=Actor.OUTSIDER, principal="a"),
        grant(actor=Actor.OUTSIDER, principal="a", capability=Capability.LIST),
        grant(actor=Actor.OUTSIDER, principal="c", low=Grade.NO, gaps=(gap("acl"),)),
    ]

    assert expose(named).outsiders == ("a", "b")


def test_a_named_outsider_is_not_everybody() -> None:
    row = expose([grant(actor=Actor.OUTSIDER, principal="a")]).cells[Capability.READ]

    assert {actor.value: bounds.grade.value for actor, bounds in row.items()} == {
        "anonymous": "no",
        "any_account": "no",
        "outsider": "yes",
    }


def test_least_and_most_follow_the_order_of_reach() -> None:
    assert least(Grade.YES, Grade.RESTRICTED, Grade.NO) == Grade.NO
    assert most(Grade.NO, Grade.RESTRICTED) == Grade.RESTRICTED
    assert least(Grade.YES, Grade.RESTRICTED) == Grade.RESTRICTED
