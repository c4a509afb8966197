"""What a policy surely says, and what it may say at most, where parts of it are not decided.

For the least that gets through, every Allow is read narrowly and every Deny widely; for the most,
the other way round. Where nothing is unclear both are the policy itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from cachescan.providers.aws.policy.ir import Statement, Term, narrowest, widest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def least(policy: Iterable[Statement]) -> list[Statement]:
    """Return the reading under which the least is allowed."""
    found: list[Statement] = []
    for statement in policy:
        if statement.effect_unclear:
            found.append(msgspec.structs.replace(widest(statement), allow=False))
        elif statement.allow:
            narrow = narrowest(statement)
            found += [narrow] if narrow else []
        else:
            found.append(widest(statement))
    return found


def most(policy: Iterable[Statement]) -> list[Statement]:
    """Return the reading under which the most is allowed."""
    found: list[Statement] = []
    for statement in policy:
        allow = statement.allow or statement.effect_unclear
        read = widest(statement) if allow else narrowest(statement)
        if read is not None:
            found.append(msgspec.structs.replace(read, allow=allow))
    return found


def without_variables(policy: Iterable[Statement]) -> list[Statement]:
    """Return the most that is allowed if policy variables may stand for anything."""
    found = (_without_variables(statement, wide=statement.allow) for statement in policy)
    return [statement for statement in found if statement is not None]


def variables(policy: Iterable[Statement]) -> frozenset[str]:
    """Return the keys that policy variables stand for."""
    return frozenset(name for s in policy for term in _terms(s) for name in term.variables)


def bind(policy: Iterable[Statement], values: Mapping[str, str | None]) -> list[Statement]:
    """Return the policy with its variables replaced by values; None is an absent key."""
    return [
        msgspec.structs.replace(
            statement,
            resources=_bound(statement.resources, values),
            conditions=tuple(
                msgspec.structs.replace(c, values=_bound(c.values, values))
                for c in statement.conditions
            ),
        )
        for statement in policy
    ]


def _bound(terms: Sequence[Term], values: Mapping[str, str | None]) -> tuple[Term, ...]:
    found = (term.bind(values) for term in terms)
    return tuple(term for term in found if term is not None)


def _terms(statement: Statement) -> Iterable[Term]:
    yield from statement.resources
    for condition in statement.conditions:
        yield from condition.values


def _without_variables(statement: Statement, *, wide: bool) -> Statement | None:
    """Return what the statement covers at most (or at least), whatever its variables stand for."""
    if not variables([statement]):
        return statement
    clear = tuple(c for c in statement.conditions if not any(v.variables for v in c.values))
    if not wide and len(clear) < len(statement.conditions):
        return None
    resources = []
    for term in statement.resources:
        if not term.variables:
            resources.append(term)
        elif wide != statement.but_resources:
            resources.append(_anything(term))
    return msgspec.structs.replace(statement, conditions=clear, resources=tuple(resources))


def _anything(term: Term) -> Term:
    parts = ("*" if not isinstance(p, str) and p.key else p for p in term.parts)
    return Term(term.raw, tuple(parts))
