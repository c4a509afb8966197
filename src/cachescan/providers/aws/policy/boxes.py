"""Set algebra on boxes: one bit set per axis, and the requests whose every axis is in its set.

An Allow minus all Denies is a list of disjoint-enough boxes; each Deny cuts a box along one axis
at a time (docs/semantics.md §1.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.providers.aws.policy.patterns import Budget, TooComplexError

if TYPE_CHECKING:
    from collections.abc import Iterable

Box = tuple[int, ...]
MOST_BOXES = 2000


def subtract(allowed: Box, denied: Iterable[Box], budget: Budget) -> list[Box]:
    """Return what is left of a box; raises TooComplexError when that is in too many pieces."""
    left = [allowed]
    for deny in denied:
        after: list[Box] = []
        for box in left:
            budget.spend(len(box), "Deny statements")
            after += _cut(box, deny)
        left = after
        if len(left) > MOST_BOXES:
            raise TooComplexError("the Deny statements cut what is allowed into too many pieces")
    return left


def _cut(box: Box, deny: Box) -> list[Box]:
    """Return the parts of a box outside another, one for each axis along which it is cut."""
    if not all(mine & theirs for mine, theirs in zip(box, deny, strict=True)):
        return [box]
    pieces: list[Box] = []
    rest = list(box)
    for at, theirs in enumerate(deny):
        outside = rest[at] & ~theirs
        if outside:
            pieces.append((*rest[:at], outside, *rest[at + 1 :]))
            rest[at] &= theirs
    return pieces
