"""The requests to search: for a kind of caller, a route and an action, one axis per free choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cachescan.providers.aws.policy import callers, domains, keys, networks, operators
from cachescan.providers.aws.policy.decide import (
    Request,
    Values,
    covers_resource,
    meets,
    names,
)
from cachescan.providers.aws.policy.domains import Cell
from cachescan.providers.aws.policy.match import rest_after
from cachescan.providers.aws.policy.patterns import MANY, ONE, Budget, cells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cachescan.providers.aws.policy.boxes import Box
    from cachescan.providers.aws.policy.facts import Facts
    from cachescan.providers.aws.policy.homes import Candidate
    from cachescan.providers.aws.policy.ir import Condition, Statement, Term

PLACEHOLDER_KEY = "KEY"
FIRST_AXIS = 2
"""Axis 0 is the caller, axis 1 the resource."""


class Axis:
    """Choices that exclude each other, and which of them meet a condition.

    Args:
        cells: the choices.
        world: whether they are facts that were not read, chosen by nobody.
    """

    def __init__(self, cells: Sequence[Cell], *, world: bool = False) -> None:
        self.cells = cells
        self.world = world
        self.every = (1 << len(cells)) - 1
        self.sure = sum(1 << i for i, cell in enumerate(cells) if not cell.doubt)
        self.free = sum(1 << i for i, cell in enumerate(cells) if not cell.network)
        self.keys = frozenset(key for cell in cells for key in cell.values)
        self._met: dict[Condition, int] = {}

    def meeting(self, condition: Condition, budget: Budget) -> int:
        """Return the choices that meet a condition."""
        if condition not in self._met:
            budget.spend(len(self.cells) * (1 + len(condition.values) // 4), "conditions")
            self._met[condition] = sum(
                meets(condition, cell.values) << i for i, cell in enumerate(self.cells)
            )
        return self._met[condition]


class CallerAxis(Axis):
    """The callers of one kind."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        super().__init__([Cell(c.caller.keys, doubt=c.doubt) for c in candidates])
        self.candidates = candidates
        self._named: dict[tuple[object, bool, bool], int] = {}

    def named(self, statement: Statement, budget: Budget) -> int:
        """Return the callers that a statement's principal element covers."""
        key = (statement.principals, statement.but_principals, statement.allow)
        if key not in self._named:
            budget.spend(len(self.candidates) * (1 + len(statement.principals) // 4), "principals")
            self._named[key] = sum(
                names(statement, c.caller) << i for i, c in enumerate(self.candidates)
            )
        return self._named[key]


class ResourceAxis:
    """Objects, or the bucket itself."""

    def __init__(self, arns: Sequence[str]) -> None:
        self.arns = arns
        self._covered: dict[tuple[tuple[Term, ...], bool], int] = {}

    def covered(self, statement: Statement, budget: Budget) -> int:
        """Return the resources that a statement's resource element covers."""
        key = (statement.resources, statement.but_resources)
        if key not in self._covered:
            budget.spend(len(self.arns) * (1 + len(statement.resources)), "resources")
            self._covered[key] = sum(
                covers_resource(statement, arn, {}) << i for i, arn in enumerate(self.arns)
            )
        return self._covered[key]


class Space(Struct, frozen=True):
    """All requests of one kind of caller by one route for one action."""

    kind: str
    route: str
    action: str
    callers: CallerAxis
    resources: ResourceAxis
    axes: tuple[Axis, ...]
    constants: Values

    def box(self, statement: Statement, budget: Budget) -> Box | None:
        """Return the requests that a statement covers; None if there are none.

        The statement covers the action, and its variables are bound.
        """
        sides = [self.callers.named(statement, budget), self.resources.covered(statement, budget)]
        sides += [axis.every for axis in self.axes]
        for condition in statement.conditions:
            at, axis = self._axis(condition.key)
            if axis is None:
                if not meets(condition, self.constants):
                    return None
            else:
                sides[at] &= axis.meeting(condition, budget)
        return tuple(sides) if all(sides) else None

    def _axis(self, key: str) -> tuple[int, Axis | None]:
        if keys.key(key).group in (keys.CALLER, keys.SOURCE):
            return 0, self.callers
        for at, axis in enumerate(self.axes, FIRST_AXIS):
            if key in axis.keys:
                return at, axis
        return 0, None

    def request(self, box: Box) -> Request:
        """Return one request in a box, the plainest of its choices on every axis."""
        values = dict(self.constants)
        for axis, side in zip(self.axes, box[FIRST_AXIS:], strict=True):
            best = next((m for m in (axis.sure & axis.free, axis.sure, axis.free) if side & m), -1)
            values.update(axis.cells[lowest(side & best)].values)
        caller = self.callers.candidates[lowest(box[0])].caller
        return Request(caller, self.action, self.resources.arns[lowest(box[1])], values)


def lowest(bits: int) -> int:
    """Return the index of the lowest bit that is set."""
    return (bits & -bits).bit_length() - 1


def resources(
    policy: Sequence[Statement], facts: Facts, budget: Budget, *, objects: bool
) -> ResourceAxis:
    """Return one object of every cell, known ones first; or the bucket."""
    if not objects:
        return ResourceAxis([facts.arn])
    head = f"{facts.arn}/"
    over = list({t.pattern() for s in policy for t in s.resources if not t.variables})
    texts = [cell.text for cell in cells(over, (*head, ONE, MANY), budget)]
    raws = [t.raw for s in policy for t in s.resources if not t.variables]
    budget.spend(5 * sum(map(len, raws)), "resources")
    plain = [head + _readable(rest) for raw in raws for rest in sorted(rest_after(raw, head))]
    probes = [*(head + key for key in facts.keys), *dict.fromkeys(plain)]
    elements = list({(s.resources, s.but_resources): s for s in policy}.values())
    found: dict[tuple[bool, ...], str] = {}
    for arn in (*probes, *texts):
        budget.spend(sum(1 + len(s.resources) for s in elements), "resources")
        found.setdefault(tuple(covers_resource(s, arn, {}) for s in elements), arn)
    return ResourceAxis(list(found.values()))


def _readable(pattern: str) -> str:
    """Return a key that a pattern covers and that is seen to be an example."""
    return pattern.replace("?", "x").replace("*", PLACEHOLDER_KEY, 1).replace("*", "")


def transport(policy: Sequence[Statement], facts: Facts) -> Axis | None:
    """Return plain HTTP and the versions of TLS, if a statement asks."""
    if not _used(policy) & {"aws:securetransport", "s3:tlsversion"}:
        return None
    secure = [
        Cell({"aws:securetransport": ("true",), "s3:tlsversion": (version,)})
        for version in ("1.3", "1.2")
    ]
    plain = Cell({"aws:securetransport": ("false",)})
    return Axis([plain] if facts.plain_only else [*secure, plain])


def clock(policy: Sequence[Statement], facts: Facts, budget: Budget) -> Axis | None:
    """Return the times that a statement tells apart, if the time is not known."""
    used = _used(policy) & {"aws:currenttime", "aws:epochtime"}
    if facts.now or not used:
        return None
    found: list[Values] = [
        times(cell.values[name][0])
        for name in sorted(used)
        for cell in domains.plain(policy, name, "required", facts, budget)
    ]
    return Axis([Cell(values) for values in found], world=True)


def times(text: str) -> Values:
    """Return the keys that say what time it is."""
    seconds = operators.moment(text).timestamp()
    return {"aws:currenttime": (text,), "aws:epochtime": (f"{seconds:.3f}",)}


def constants(facts: Facts) -> Values:
    """Return the keys that the bucket and the time of judging give."""
    found: Values = times(facts.now) if facts.now else {}
    if facts.account:
        found |= dict.fromkeys(("aws:resourceaccount", "s3:resourceaccount"), (facts.account,))
    if facts.region:
        found["aws:requestedregion"] = (facts.region,)
    return found


def free(
    policy: Sequence[Statement], kind: str, action: str, facts: Facts, budget: Budget
) -> list[Axis]:
    """Return an axis for every key that the caller sets, or that was not read."""
    found = []
    for name in sorted(_used(policy)):
        key = keys.key(name)
        unread = key.group == keys.FIXED and name not in constants(facts)
        if key.group not in (keys.FREE, keys.WORLD) and not unread:
            continue
        if not keys.carried(name, action):
            continue
        presence = "required" if key.required or unread else keys.OPEN
        world = key.group == keys.WORLD or unread
        if kind == callers.ANONYMOUS and key.group == keys.FREE:
            if key.unsigned == keys.ABSENT:
                continue
            world = key.unsigned == keys.UNSURE
            presence = keys.OPEN if world else key.unsigned
        found.append(Axis(domains.plain(policy, name, presence, facts, budget), world=world))
    return found


def route_axes(policy: Sequence[Statement], route: str, facts: Facts, budget: Budget) -> list[Axis]:
    """Return the axes of the keys that go with a route."""
    if route == networks.ENDPOINT:
        return [Axis(networks.endpoint(policy, n, budget)) for n in networks.ENDPOINT_KEYS]
    found = [Axis(networks.addresses(policy, budget))]
    if route == networks.POINT:
        found.append(Axis(networks.access_points(policy, facts, budget)))
    return found


def routes(policy: Sequence[Statement], kind: str) -> list[str]:
    """Return the routes that can make a difference."""
    used = _used(policy)
    found = [networks.INTERNET]
    if used & {"aws:sourceip", *networks.ENDPOINT_KEYS}:
        found.append(networks.ENDPOINT)
    if kind == callers.SIGNED and used & {*networks.POINT_KEYS}:
        found.append(networks.POINT)
    return found


def _used(policy: Sequence[Statement]) -> set[str]:
    used = {c.key for s in policy for c in s.conditions}
    for statement in policy:
        for term in (*statement.resources, *(v for c in statement.conditions for v in c.values)):
            used |= term.variables
    return used


def action_keys(policy: Sequence[Statement]) -> list[str]:
    """Return the keys that a policy uses."""
    return sorted(_used(policy))


def carried(name: str, action: str) -> bool:
    """Tell whether requests for an action can carry a key."""
    return keys.carried(name, action)


def values_of(space: Space, name: str) -> list[str | None]:
    """Return every value that a key has in a space; None stands for an absent key."""
    axes = [space.callers, *space.axes, Axis([Cell(space.constants)])]
    for axis in axes:
        if name in axis.keys:
            found = {cell.values.get(name, (None,))[0] for cell in axis.cells}
            return sorted(found, key=lambda value: (value is not None, value or ""))
    return [None]


def is_unread(space: Space, name: str) -> bool:
    """Tell whether a key is a fact that was not read, and not a choice of the caller's."""
    world = any(axis.world and name in axis.keys for axis in space.axes)
    return world or (name.startswith("aws:principalorg") and space.kind == callers.SIGNED)


def fixed(space: Space, values: Mapping[str, str | None]) -> Space:
    """Return the part of a space in which some keys have the given values."""
    axes = []
    for axis in space.axes:
        wanted = {n: v for n, v in values.items() if n in axis.keys}
        if wanted and len(axis.keys) == 1:
            ((name, value),) = wanted.items()
            axes.append(Axis([Cell({} if value is None else {name: (value,)})], world=axis.world))
        elif wanted:
            axes.append(Axis([c for c in axis.cells if _has(c, wanted)], world=axis.world))
        else:
            axes.append(axis)
    chosen = [
        candidate
        for candidate, cell in zip(space.callers.candidates, space.callers.cells, strict=True)
        if _has(cell, {n: v for n, v in values.items() if n in space.callers.keys})
    ]
    return msgspec.structs.replace(space, axes=tuple(axes), callers=CallerAxis(chosen))


def _has(cell: Cell, values: Mapping[str, str | None]) -> bool:
    return all(cell.values.get(name, (None,))[0] == value for name, value in values.items())
