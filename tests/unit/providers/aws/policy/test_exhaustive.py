"""The engine against the evaluator itself: every request of a small world, both directions.

Beside it the laws that hold for any policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.policies import RANK, judged, lowered, summary
from tests.support.policy_world import (
    ANONYMOUS,
    MEMBERS,
    POLICIES,
    STRANGERS,
    TEXTS,
    grade,
    statements,
)

from cachescan.model import Actor, Capability, Grade
from cachescan.providers.aws.policy.decide import ALLOW, decide

if TYPE_CHECKING:
    from tests.support.policies import Statement

SLOW = settings(
    deadline=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _answer(policy: list[Statement], actor: Actor, label: str = "") -> tuple[Grade, Grade]:
    low = high = Grade.NO
    for opening in judged(*policy).openings:
        reach = opening.reach
        wanted = opening.capability == Capability.READ and "s3:GetObject" in opening.actions
        if wanted and reach.actor == actor and (not label or reach.label == label):
            low = max(low, reach.low, key=RANK.__getitem__)
            high = max(high, reach.high, key=RANK.__getitem__)
    return low, high


def _only_get_object(policy: list[Statement]) -> list[Statement]:
    """Leave one action to ask about: GetObjectVersion would be another way to read."""
    return [*policy, {**_deny_all(), "NotAction": "s3:GetObject"}]


def _deny_all() -> Statement:
    return {"Effect": "Deny", "Principal": "*", "Resource": "*"}


@SLOW
@given(policy=POLICIES)
def test_unsigned_requests_get_exactly_what_the_evaluator_allows(policy: list[Statement]) -> None:
    policy = _only_get_object(policy)

    truth = grade(lowered(*policy), [ANONYMOUS])

    assert _answer(policy, Actor.ANONYMOUS) == (truth, truth)


@SLOW
@given(policy=POLICIES)
def test_accounts_of_strangers_get_exactly_what_the_evaluator_allows(
    policy: list[Statement],
) -> None:
    policy = _only_get_object(policy)

    truth = grade(lowered(*policy), STRANGERS)

    assert _answer(policy, Actor.ANY_ACCOUNT) == (truth, truth)


@SLOW
@given(policy=POLICIES, org=st.sampled_from(["o-aaaa", "o-bbbb"]))
def test_a_named_organization_gets_what_the_evaluator_allows(
    policy: list[Statement], org: str
) -> None:
    """It is not mentioned where it gets no more than every stranger."""
    policy = _only_get_object(policy)

    truth = grade(lowered(*policy), MEMBERS[org])

    everybody = _answer(policy, Actor.ANY_ACCOUNT)[0]
    named = _answer(policy, Actor.OUTSIDER, org)
    for found in named:
        best = max(found, everybody, key=RANK.__getitem__)
        assert best == max(truth, everybody, key=RANK.__getitem__)


@SLOW
@given(policy=POLICIES)
def test_every_request_that_is_shown_is_allowed(policy: list[Statement]) -> None:
    for opening in judged(*policy).openings:
        if opening.reach.low != Grade.NO:
            assert decide(lowered(*policy), opening.reach.request) == ALLOW


# --- laws ---------------------------------------------------------------------------------------


def _within(smaller: list[Statement], larger: list[Statement]) -> bool:
    """Tell whether one policy opens no more than another, in what is certain and what is not.

    Certain to a named outsider counts as covered where everybody is let in by the larger one.
    """
    less, more = _cells(smaller), _cells(larger)
    return all(
        RANK[mine[i]] <= RANK[more.get(key, (Grade.NO, Grade.NO))[i]]
        for key, mine in less.items()
        for i in (0, 1)
    )


def _cells(policy: list[Statement]) -> dict[Any, tuple[Grade, Grade]]:
    found: dict[Any, tuple[Grade, Grade]] = dict(summary(judged(*policy)))
    for capability in Capability:
        everybody = found.get((capability, Actor.ANY_ACCOUNT), (Grade.NO, Grade.NO))
        named = found.get((capability, Actor.OUTSIDER), (Grade.NO, Grade.NO))
        best = [max(pair, key=RANK.__getitem__) for pair in zip(everybody, named, strict=True)]
        found[capability, Actor.OUTSIDER] = (best[0], best[1])
    return found


@SLOW
@given(policy=POLICIES, extra=statements("Deny"))
def test_adding_a_deny_never_widens(policy: list[Statement], extra: Statement) -> None:
    before, after = _cells(policy), _cells([*policy, extra])

    for actor in (Actor.ANONYMOUS, Actor.ANY_ACCOUNT):
        key = (Capability.READ, actor)
        none = (Grade.NO, Grade.NO)
        assert RANK[after.get(key, none)[1]] <= RANK[before.get(key, none)[1]]


@SLOW
@given(policy=POLICIES, extra=statements("Allow"))
def test_adding_an_allow_never_narrows(policy: list[Statement], extra: Statement) -> None:
    assert _within(policy, [*policy, extra])


@SLOW
@given(policy=POLICIES, data=st.data())
def test_order_copies_and_spelling_do_not_matter(
    policy: list[Statement], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations([*policy, policy[0]]))

    assert _cells([_respelled(s) for s in shuffled]) == _cells(policy)


def _respelled(statement: Statement) -> Statement:
    """Change the case of keys and actions, and scalars to lists."""
    found = dict(statement)
    for name in ("Action", "NotAction"):
        if name in found:
            values = found[name] if isinstance(found[name], list) else [found[name]]
            found[name] = [value.upper() for value in values]
    for name in ("Resource", "NotResource"):
        if isinstance(found.get(name), str):
            found[name] = [found[name]]
    found["Condition"] = {
        operator: {
            key.upper(): values[0] if len(values) == 1 else values for key, values in row.items()
        }
        for operator, row in statement["Condition"].items()
    }
    return found


@SLOW
@given(policy=POLICIES, key=st.sampled_from(list(TEXTS)))
def test_a_further_condition_never_widens_an_allow(policy: list[Statement], key: str) -> None:
    closed = [
        {**s, "Condition": {**s["Condition"], "Null": {key: "false"}}}
        if s["Effect"] == "Allow" and "Null" not in s["Condition"]
        else s
        for s in policy
    ]

    assert _within(closed, policy)
