"""Why a statement lets somebody in, as evidence: what grants, what limits, what changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.model import Actor, Effect, Evidence, Grade
from cachescan.providers.aws.policy import decide, keys
from cachescan.providers.aws.policy.match import OBJECT_ACTIONS, rest_after

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cachescan.providers.aws.policy.facts import Facts
    from cachescan.providers.aws.policy.ir import Condition, Statement
    from cachescan.providers.aws.policy.judge import Opening
    from cachescan.providers.aws.policy.reach import Reach

_MOST = 2
_OWN = {
    keys.TRANSPORT: "is chosen by the caller",
    keys.FIXED: "is the bucket's own, so every request has it",
    keys.CLOCK: "is met at the time of the scan",
    keys.WORLD: "depends on facts that were not read",
    keys.POINT: "is met through an access point, and anybody can have one",
    keys.SOURCE: "is met by a service that anybody can set to work",
}


def evidence(
    opening: Opening, statements: Sequence[Statement], facts: Facts
) -> tuple[Evidence, ...]:
    """Return the evidence of what one statement opens."""
    statement = next(s for s in statements if s.index == opening.reach.statement)
    found = [_grants(opening, statement, facts)]
    found += [_condition(statement, c, opening.reach) for c in statement.conditions]
    found += _denies(opening, statements)
    return tuple(found)


def _grants(opening: Opening, statement: Statement, facts: Facts) -> Evidence:
    who = opening.reach.label
    if not who or any(p.kind == "everybody" for p in statement.principals):
        who = "everybody but some" if statement.but_principals else "everybody"
    sid = f" ({statement.sid})" if statement.sid else ""
    what = ", ".join(opening.actions[:_MOST])
    more = ", ..." if len(opening.actions) > _MOST else ""
    where = _where(statement, opening, facts)
    summary = f"policy statement {statement.index}{sid} allows {who} {what}{more}{where}"
    return Evidence("policy", f"/Statement/{statement.index}", Effect.GRANTS, summary)


def _where(statement: Statement, opening: Opening, facts: Facts) -> str:
    """Return which objects a statement is about, if not all of them."""
    if not set(opening.actions) & set(OBJECT_ACTIONS.get(opening.capability, ())):
        return ""
    head = f"{facts.arn}/"
    rests = sorted({r for t in statement.resources for r in rest_after(t.raw, head)})
    if statement.but_resources:
        return f" (all keys but {_some(rests)})" if rests else ""
    return "" if "*" in rests or not rests else f" (only keys {_some(rests)})"


def _some(texts: Sequence[str]) -> str:
    return ", ".join(texts[:_MOST]) + (", ..." if len(texts) > _MOST else "")


def _condition(statement: Statement, condition: Condition, reach: Reach) -> Evidence:
    pointer = f"/Statement/{statement.index}/Condition/{condition.pointer}"
    group = keys.key(condition.key).group
    present = bool(reach.request.values.get(condition.key))
    if group == keys.NETWORK and reach.network and present:
        return Evidence("policy", pointer, Effect.LIMITS, f"only from {reach.network}")
    if group in (keys.CALLER, keys.SOURCE) and reach.label and present:
        return Evidence("policy", pointer, Effect.LIMITS, f"only for {reach.label}")
    summary = f"{condition.key} {_why(condition, reach, present=present)}"
    return Evidence("policy", pointer, Effect.STATES, summary)


def _why(condition: Condition, reach: Reach, *, present: bool) -> str:
    """Return why a condition does not keep the caller out."""
    key = keys.key(condition.key)
    if not present:
        if key.group in (keys.WORLD, keys.CLOCK):
            return _OWN[key.group]
        who = "unsigned requests" if reach.actor == Actor.ANONYMOUS else "the request"
        verb = "do not carry it" if reach.actor == Actor.ANONYMOUS else "does not carry it"
        return f"does not restrict: {who} {verb}, and the condition holds then"
    if key.group == keys.NETWORK:
        own = "is met by too many addresses to be a named network"
        return own if condition.key == "aws:sourceip" else "is met, for anybody can own a VPC"
    if key.group == keys.CALLER:
        return "can be met by an identity in any account"
    if key.group == keys.FREE:
        value = ", ".join(reach.request.values[condition.key])
        return f"is chosen by the caller, here {value!r}"
    return _OWN[key.group]


def _denies(opening: Opening, statements: Sequence[Statement]) -> Iterator[Evidence]:
    """Yield the Deny statements that are about the action and do not stop the request."""
    if opening.reach.low == Grade.NO:
        return
    about = [
        s
        for s in statements
        if not s.allow and decide.covers_action(s, opening.reach.request.action)
    ]
    for statement in about[:_MOST]:
        summary = f"the Deny in policy statement {statement.index} does not stop it"
        yield Evidence("policy", f"/Statement/{statement.index}", Effect.STATES, summary)
