"""For every condition key, values that give each answer its conditions can give together.

Candidates are made by the key's type so that no combination of answers is missed; which answers a
candidate gets is asked of ``decide``, where the operators live. Of candidates with equal answers
one is kept.
"""

from __future__ import annotations

import itertools
from datetime import UTC, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from cachescan.providers.aws.policy import keys, operators
from cachescan.providers.aws.policy.decide import Values, meets
from cachescan.providers.aws.policy.loosen import variables
from cachescan.providers.aws.policy.patterns import MANY, Budget, cells
from cachescan.providers.aws.policy.terms import conditions_on, patterns_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cachescan.providers.aws.policy.facts import Facts
    from cachescan.providers.aws.policy.ir import Condition, Statement

_MOST_SUBSETS = 4096


class Cell(Struct, frozen=True):
    """One way to set some keys.

    Attributes:
        values: the keys.
        network: the named network that this needs, in words; empty if it needs none.
        doubt: what was not read and would decide whether an outsider can have it.
        ranges: for addresses, the ranges of the cell as first and last number, by IP version.
    """

    values: Values
    network: str = ""
    doubt: str = ""
    ranges: tuple[tuple[int, int, int], ...] = ()


def plain(
    policy: Sequence[Statement], name: str, presence: str, facts: Facts, budget: Budget
) -> list[Cell]:
    """Return the cells of a key that its holder sets freely.

    Args:
        policy: the statements that count.
        name: the key.
        presence: ``open`` if it can be left out, ``required``, or the one value it has.
        facts: the bucket.
        budget: the work that may be done; raises TooComplexError beyond it.
    """
    conditions = list(dict.fromkeys(conditions_on(policy, name)))
    if presence not in (keys.OPEN, "required"):
        return [Cell({name: (presence,)})]
    single = [(text,) for text in _candidates(policy, name, conditions, facts, budget)]
    many = keys.key(name).multiple
    chosen = _subsets(single, conditions, budget) if many else single
    absent: list[tuple[str, ...]] = [] if presence == "required" else [()]
    found: list[Values] = [{name: v} if v else {} for v in (*absent, *chosen)]
    if name in variables(policy):  # what it stands for matters beyond its own conditions
        return [Cell(values) for values in found]
    return distinct(conditions, found, budget)


def distinct(
    conditions: Sequence[Condition], found: Iterable[Values], budget: Budget
) -> list[Cell]:
    """Keep one of all settings that the conditions answer alike."""
    kept: dict[tuple[bool, ...], Cell] = {}
    for values in found:
        budget.spend(2 + sum(1 + len(c.values) // 4 for c in conditions), "condition values")
        kept.setdefault(tuple(meets(c, values) for c in conditions), Cell(values))
    return list(kept.values())


def _subsets(
    single: Sequence[tuple[str]], conditions: Sequence[Condition], budget: Budget
) -> list[tuple[str, ...]]:
    """Return sets of values: one for every combination of answers that a set can give.

    The answer to a set follows from the answers to its members (all of them, or any), so sets grow
    by one member at a time until nothing new comes.
    """
    each = [c for c in conditions if c.operator.quantifier]

    def answers(values: tuple[str, ...]) -> tuple[bool, ...]:
        return tuple(meets(c, {c.key: values}) for c in each)

    found = {answers(value): tuple[str, ...](value) for value in single}
    frontier = list(found.values())
    while frontier:
        grown = [(*old, *new) for old in frontier for new in single if new[0] not in old]
        frontier = []
        for values in grown:
            budget.spend(3 * (1 + len(each)) * len(values), "sets of values")
            key = answers(values)
            if key not in found and len(found) < _MOST_SUBSETS:
                found[key] = values
                frontier.append(values)
    return list(found.values())


def _candidates(
    policy: Sequence[Statement],
    name: str,
    conditions: Sequence[Condition],
    facts: Facts,
    budget: Budget,
) -> Iterator[str]:
    """Yield values of a key by its type."""
    kind = keys.key(name)
    texts = [v.text() for c in conditions for v in c.values if not v.variables]
    if facts.acls_void and name.startswith("s3:x-amz-grant-"):
        return
    if facts.acls_void and name == "s3:x-amz-acl":
        yield "bucket-owner-full-control"  # any other is refused: BucketOwnerEnforced
    elif kind.choices:
        yield from kind.choices
    elif kind.type == "bool":
        yield from ("true", "false")
    elif kind.type == "number":
        yield from _numbers(texts)
    elif kind.type == "date":
        yield from _dates(texts, facts)
    else:
        over = [*patterns_on(policy, name), ()]  # a header that is sent is not empty
        yield from (c.text for c in cells(over, (MANY,), budget) if c.text)


def _numbers(texts: Iterable[str]) -> Iterator[str]:
    """Yield every number compared with, one between each two, and one beyond either end."""
    points = sorted({operators.number(t) for t in texts if _is_number(t)} | {Decimal(0)})
    for low, high in itertools.pairwise(points):
        yield _plain(low)
        yield _plain((low + high) / 2)
    yield _plain(points[-1])
    yield _plain(points[-1] + 1)


def _is_number(text: str) -> bool:
    try:
        operators.number(text)
    except ValueError:
        return False
    return True


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _dates(texts: Iterable[str], facts: Facts) -> Iterator[str]:
    """Yield dates as numbers are; none that lie ahead, where the time is known."""
    points = sorted({operators.moment(t) for t in texts if t.lower() not in ("true", "false")})
    step = timedelta(milliseconds=1)
    dates = [d for p in points for d in (p - step, p, p + step)] or [operators.moment("2020")]
    latest = operators.moment(facts.now) if facts.now else None
    for date in (*dates, *([latest] if latest else [])):
        if latest is None or date <= latest:
            yield date.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
