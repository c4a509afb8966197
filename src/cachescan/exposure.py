"""Grants and blockers to graded reach: the provider-neutral algebra.

Every grade is an interval until the facts make it a point. Law, property-tested: for every way
of filling the gaps, the truth lies inside the reported interval (docs/design.md §4, ADR 0001).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from cachescan.model import Actor, Bounds, Capability, Exposure, Gap, Grade, Grant, Path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_RANK = {Grade.NO: 0, Grade.RESTRICTED: 1, Grade.YES: 2}
_INCLUDES = {
    Actor.ANONYMOUS: (Actor.ANONYMOUS,),
    # Whoever opens an account may also send unsigned requests.
    Actor.ANY_ACCOUNT: (Actor.ANY_ACCOUNT, Actor.ANONYMOUS),
    Actor.OUTSIDER: (Actor.OUTSIDER,),
}


def least(*grades: Grade) -> Grade:
    """Return the smallest of decided grades."""
    return min(grades, key=_RANK.__getitem__)


def most(*grades: Grade) -> Grade:
    """Return the largest of decided grades."""
    return max(grades, key=_RANK.__getitem__)


class _Reach(Struct, frozen=True):
    """A grant after its blockers."""

    grant: Grant
    low: Grade
    high: Grade
    gaps: tuple[Gap, ...]


def expose(grants: Iterable[Grant]) -> Exposure:
    """Compose the grants of one resource into who can do what, by which path."""
    reaches = [_apply(grant) for grant in grants]
    cells = {
        capability: {actor: _cell(reaches, capability, actor) for actor in Actor}
        for capability in Capability
    }
    return Exposure(
        cells=cells,
        paths=tuple(_paths(reaches)),
        blocked=tuple(_blocked(reaches)),
        outsiders=tuple(
            sorted({r.grant.principal for r in reaches if r.grant.principal and r.low != Grade.NO})
        ),
    )


def exposed_to_outsiders(exposure: Exposure, capabilities: Iterable[Capability]) -> bool:
    """Tell whether anyone outside can, or for all we know could, use one of the capabilities."""
    return any(
        bounds.high != Grade.NO
        for capability in capabilities
        for bounds in exposure.cells[capability].values()
    )


def as_variables(exposure: Exposure) -> dict[str, Any]:
    """Return the CEL variables ``exposure`` and ``exposed``; what is undecided is not bound.

    ``exposed`` answers "is the grade yes" as soon as the interval decides that, even where the
    grade itself is still open: an unreadable policy behind RestrictPublicBuckets leaves
    "restricted or no", which is firmly not public.
    """
    grades: dict[str, dict[str, str]] = {}
    yes: dict[str, dict[str, bool]] = {}
    for capability, row in exposure.cells.items():
        grades[capability] = {
            actor.value: bounds.grade.value
            for actor, bounds in row.items()
            if bounds.grade != Grade.UNKNOWN
        }
        yes[capability] = {
            actor.value: bounds.low == Grade.YES
            for actor, bounds in row.items()
            if bounds.low == Grade.YES or bounds.high != Grade.YES
        }
    return {"exposure": grades, "exposed": yes}


def open_gaps(exposure: Exposure, members: Sequence[str]) -> tuple[Gap, ...]:
    """Return the gaps that keep ``exposure.<capability>.<actor>`` open; of all cells if empty."""
    wanted = members[:2]
    return tuple(
        sorted(
            {
                gap
                for capability, row in exposure.cells.items()
                for actor, bounds in row.items()
                if all(
                    name == want for name, want in zip((capability, actor), wanted, strict=False)
                )
                for gap in bounds.open_because
            }
        )
    )


def paths_of(exposure: Exposure, members: Sequence[str]) -> tuple[Path, ...]:
    """Return the paths that make ``exposure.<capability>.<actor>`` what it is."""
    capability = members[0] if members else None
    actors = _INCLUDES[Actor(members[1])] if len(members) > 1 else tuple(Actor)
    return tuple(
        path
        for path in exposure.paths
        if path.actor in actors and capability in (None, path.capability)
    )


def _apply(grant: Grant) -> _Reach:
    low, high, gaps = grant.low, grant.high, list(grant.gaps)
    for blocker in grant.blockers:
        if blocker.state is None:
            low = least(low, blocker.leaves)
            if blocker.gap is not None:
                gaps.append(blocker.gap)
        elif blocker.state:
            low, high = least(low, blocker.leaves), least(high, blocker.leaves)
    return _Reach(grant, low, high, tuple(gaps))


def _cell(reaches: Iterable[_Reach], capability: Capability, actor: Actor) -> Bounds:
    here = [
        r for r in reaches if r.grant.capability == capability and r.grant.actor in _INCLUDES[actor]
    ]
    low = most(Grade.NO, *(r.low for r in here))
    high = most(Grade.NO, *(r.high for r in here))
    if low == high:
        return Bounds(low, high)
    gaps = {gap for r in here if _RANK[r.high] > _RANK[low] for gap in r.gaps}
    return Bounds(low, high, tuple(sorted(gaps)))


def _paths(reaches: Sequence[_Reach]) -> Iterable[Path]:
    by_anonymous = {
        (r.grant.capability, r.grant.evidence, r.low)
        for r in reaches
        if r.grant.actor == Actor.ANONYMOUS and r.low != Grade.NO
    }
    for r in reaches:
        if r.low == Grade.NO:
            continue
        same = (r.grant.capability, r.grant.evidence, r.low)
        if r.grant.actor == Actor.ANY_ACCOUNT and same in by_anonymous:
            continue  # the anonymous path says it already
        # Those that are off, and those that are on and leave this much.
        told = tuple(b.evidence for b in r.grant.blockers if b.state is not None)
        yield _path(r.grant, r.low, told)


def _blocked(reaches: Iterable[_Reach]) -> Iterable[Path]:
    for r in reaches:
        if r.high == Grade.NO and r.grant.low != Grade.NO:
            on = tuple(b.evidence for b in r.grant.blockers if b.state)
            yield _path(r.grant, Grade.NO, on)


def _path(grant: Grant, grade: Grade, more: tuple[Any, ...]) -> Path:
    return Path(
        actor=grant.actor,
        capability=grant.capability,
        grade=grade,
        via=grant.via,
        evidence=grant.evidence + more,
        witness=grant.witness if grade != Grade.NO else None,
        principal=grant.principal,
    )
