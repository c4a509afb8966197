"""Grades what is left of an Allow: who can send such a request, and what it takes.

Facts that nobody outside chooses (an object's tags, a named account's organization) are worlds:
what holds in all of them is certain, what holds in one is possible.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cachescan.model import Actor, Grade
from cachescan.providers.aws.policy import callers, networks
from cachescan.providers.aws.policy.boxes import Box
from cachescan.providers.aws.policy.decide import Request, is_named
from cachescan.providers.aws.policy.spaces import FIRST_AXIS, Space, lowest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cachescan.providers.aws.policy.homes import Candidate
    from cachescan.providers.aws.policy.ir import Statement
    from cachescan.providers.aws.policy.patterns import Budget

_RANK = {Grade.NO: 0, Grade.RESTRICTED: 1, Grade.YES: 2}
_MOST_WORLDS = 64


class Reach(Struct, frozen=True):
    """What an actor gets through one Allow statement.

    Attributes:
        statement: its index.
        actor: who.
        label: the named outsider; empty for the others.
        action: the action.
        low: what is certain; high: what is possible.
        request: a request that shows the best of it.
        kind: the kind of caller that sends it.
        network: the network that it must come from, in words; empty if it need not.
        reasons: what would decide, when low and high differ.
    """

    statement: int
    actor: Actor
    label: str
    action: str
    low: Grade
    high: Grade
    request: Request
    kind: str
    network: str = ""
    reasons: tuple[str, ...] = ()

    @property
    def who(self) -> tuple[int, Actor, str]:
        """The statement, actor and label: what two reaches must share to be one."""
        return self.statement, self.actor, self.label

    @property
    def rank(self) -> tuple[int, int]:
        """How much it gives, the certain part first."""
        return _RANK[self.low], _RANK[self.high]

    def for_action(self, action: str) -> Reach:
        """Return the same for an action that comes out alike."""
        request = msgspec.structs.replace(self.request, action=action)
        return msgspec.structs.replace(self, action=action, request=request)

    def opened(self, reason: str) -> Reach:
        """Return the same with nothing certain."""
        return msgspec.structs.replace(self, low=Grade.NO, reasons=(*self.reasons, reason))


class _Graded(Struct, frozen=True):
    """A grade, a box that gives it, and the network that it needs."""

    grade: Grade = Grade.NO
    box: Box = ()
    network: str = ""


class _Group(Struct):
    """Callers that are one actor: those of each variant, as bit sets."""

    sure: dict[str, int]
    every: dict[str, int]
    doubts: set[str]


def reaches(
    space: Space, statement: Statement, left: Sequence[Box], budget: Budget
) -> Iterator[Reach]:
    """Yield who gets something of what is left of a statement's box."""
    if not left:
        return
    found = []
    for (actor, label), group in _groups(space, statement, left).items():
        reach = _reach(space, left, group, budget)
        if reach is not None:
            found.append(_named(reach, space, statement, (actor, label)))
    # A named outsider who is no better off than everybody needs no mention, nor who only might be.
    every = max((r.rank[0] for r in found if r.actor != Actor.OUTSIDER), default=0)
    sure = max((r.rank[0] for r in found), default=0)
    for reach in found:
        enough = every if reach.rank[0] else sure
        if reach.actor != Actor.OUTSIDER or reach.rank[1] > enough:
            yield reach


def _named(reach: Reach, space: Space, statement: Statement, who: tuple[Actor, str]) -> Reach:
    actor, label = who
    return msgspec.structs.replace(
        reach, statement=statement.index, actor=actor, label=label, kind=space.kind
    )


def _groups(
    space: Space, statement: Statement, left: Sequence[Box]
) -> dict[tuple[Actor, str], _Group]:
    """Sort the callers that occur in any box, by actor and label."""
    some = 0
    for box in left:
        some |= box[0]
    everybody = any(p.kind == "everybody" for p in statement.principals)
    found: dict[tuple[Actor, str], _Group] = {}
    for at, candidate in enumerate(space.callers.candidates):
        who = _who(space.kind, statement, candidate, everybody=everybody)
        if who is None or (not some >> at & 1 and not candidate.variant and who[1] == ""):
            continue
        group = found.setdefault(who, _Group({}, {}, set()))
        group.every[candidate.variant] = group.every.get(candidate.variant, 0) | 1 << at
        group.sure.setdefault(candidate.variant, 0)
        if candidate.doubt:
            group.doubts.add(candidate.doubt)
        else:
            group.sure[candidate.variant] |= 1 << at
    return found


def _who(
    kind: str, statement: Statement, candidate: Candidate, *, everybody: bool
) -> tuple[Actor, str] | None:
    if kind == callers.ANONYMOUS:
        return Actor.ANONYMOUS, ""
    if not statement.but_principals:
        for principal in statement.principals:
            named = principal.kind not in ("everybody", "service")
            if named and is_named(principal, candidate.caller):
                return Actor.OUTSIDER, principal.text
    if candidate.label:
        return Actor.OUTSIDER, candidate.label
    if kind == callers.SERVICE and not everybody and not statement.but_principals:
        return None  # a service that anybody can set to work is a rule's matter
    return Actor.ANY_ACCOUNT, ""


def _reach(space: Space, left: Sequence[Box], group: _Group, budget: Budget) -> Reach | None:
    """Grade one group over all its variants and worlds; None if nothing gets through."""
    lows: list[_Graded] = []
    highs: list[_Graded] = []
    for world in _worlds(space, budget):
        for variant, every in group.every.items():
            budget.spend(3 * len(left) * len(space.axes), "grading")
            sure = group.sure[variant]
            lows.append(_grade(space, left, sure, world, sure=True))
            whole = lows[-1].grade == Grade.YES
            highs.append(lows[-1] if whole else _grade(space, left, every, world, sure=False))
    low = min(lows, key=lambda g: _RANK[g.grade])
    high = max(highs, key=lambda g: _RANK[g.grade])
    if high.grade == Grade.NO:
        return None
    shown = low if low.grade != Grade.NO else high
    reasons = () if low.grade == high.grade else tuple(_reasons(space, group))
    return Reach(
        statement=0,
        actor=Actor.OUTSIDER,
        label="",
        action=space.action,
        low=low.grade,
        high=high.grade,
        request=space.request(shown.box),
        kind=space.kind,
        network=shown.network,
        reasons=reasons,
    )


def _worlds(space: Space, budget: Budget) -> Iterable[dict[int, int]]:
    """Return every combination of unread facts, as axis to its one choice.

    Beyond a limit only one is returned in which each fact is ruled out: nothing is certain then.
    """
    axes = {at: axis for at, axis in enumerate(space.axes, FIRST_AXIS) if axis.world}
    total = 1
    for axis in axes.values():
        total *= len(axis.cells)
    if total > _MOST_WORLDS:
        return [dict.fromkeys(axes, 0), dict.fromkeys(axes, -1)]
    budget.spend(total, "facts that were not read")
    choices = [[1 << i for i in range(len(axis.cells))] for axis in axes.values()]
    return [dict(zip(axes, way, strict=True)) for way in itertools.product(*choices)]


def _grade(
    space: Space, left: Sequence[Box], callers_in: int, world: dict[int, int], *, sure: bool
) -> _Graded:
    """Return the best grade that some callers get in one world."""
    best = _Graded()
    ranges: set[tuple[int, int, int]] = set()
    at_internet: Box = ()
    for whole in left:
        box = _restricted(space, whole, callers_in, world, sure=sure)
        if box is None:
            continue
        if space.route == networks.ENDPOINT:
            found = _through_endpoint(space, box)
            best = max(best, found, key=lambda g: _RANK[g.grade])
        else:
            here = _ranges(space, box)
            at_internet = at_internet or box
            ranges |= here
            if networks.is_wide(here):
                return _Graded(Grade.YES, box)
        if best.grade == Grade.YES:
            return best
    if ranges:
        wide = networks.is_wide(ranges)
        grade = Grade.YES if wide else Grade.RESTRICTED
        best = _Graded(grade, at_internet, "" if wide else networks.in_words(ranges))
    return best


def _restricted(
    space: Space, box: Box, callers_in: int, world: dict[int, int], *, sure: bool
) -> Box | None:
    sides = [box[0] & callers_in, *box[1:]]
    for at, axis in enumerate(space.axes, FIRST_AXIS):
        if axis.world:
            sides[at] &= world[at]
        elif sure:
            sides[at] &= axis.sure
    return tuple(sides) if all(sides) else None


def _ranges(space: Space, box: Box) -> set[tuple[int, int, int]]:
    axis, side = space.axes[0], box[FIRST_AXIS]
    return {r for i, cell in enumerate(axis.cells) if side >> i & 1 for r in cell.ranges}


def _through_endpoint(space: Space, box: Box) -> _Graded:
    named = []
    for at, axis in enumerate(space.axes, FIRST_AXIS):
        if not box[at] & axis.free:
            named.append(axis.cells[lowest(box[at])].network)
    if named:
        return _Graded(Grade.RESTRICTED, box, " in ".join(reversed(named)))
    return _Graded(Grade.YES, box)


def _reasons(space: Space, group: _Group) -> Iterator[str]:
    yield from sorted(group.doubts)
    for axis in space.axes:
        if axis.world and len(axis.cells) > 1:
            yield f"the value of {', '.join(sorted(axis.keys))} was not read"
        yield from sorted({cell.doubt for cell in axis.cells if cell.doubt})
    if len(group.every) > 1:
        yield "which account or organization the outsider belongs to is not known"


def best(found: Iterable[Reach]) -> list[Reach]:
    """Join reaches of the same actor through the same statement over kinds and routes."""
    joined: dict[tuple[int, Actor, str], Reach] = {}
    for reach in found:
        old = joined.get(reach.who)
        joined[reach.who] = reach if old is None else _join(old, reach)
    return list(joined.values())


def _join(one: Reach, other: Reach) -> Reach:
    better, worse = (one, other) if one.rank >= other.rank else (other, one)
    if _RANK[worse.high] <= _RANK[better.high]:
        return better
    reasons = (*better.reasons, *worse.reasons)
    return msgspec.structs.replace(better, high=worse.high, reasons=reasons)


def between(low: Sequence[Reach], high: Sequence[Reach], reasons: tuple[str, ...]) -> list[Reach]:
    """Combine what the narrow and the wide reading give; ``reasons`` say why they may differ."""
    sure = {reach.who: reach for reach in low}
    found = []
    for most in high:
        least = sure.pop(most.who, None)
        if least is None:
            found.append(msgspec.structs.replace(most, low=Grade.NO, reasons=reasons))
        elif least.low == Grade.YES or _RANK[most.high] <= _RANK[least.low]:
            found.append(least)
        else:
            why = (*least.reasons, *reasons)
            found.append(msgspec.structs.replace(least, high=most.high, reasons=why))
    return [*found, *sure.values()]


def with_named(found: Sequence[Reach], statements: set[int]) -> list[Reach]:
    """Add that some statements may mean a named outsider, where it is open if all are meant."""
    named = [
        msgspec.structs.replace(reach, actor=Actor.OUTSIDER, low=Grade.NO)
        for reach in found
        if reach.statement in statements
        if reach.actor == Actor.ANY_ACCOUNT and reach.low != reach.high
    ]
    return [*found, *named]
