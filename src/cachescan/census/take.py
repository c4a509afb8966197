"""Take the census of one resource: list up to a budget, match every name, keep the best hits."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from cachescan.model import Census, Gap, GapReason, Hit, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cachescan.census.names import Match, NameMatcher
    from cachescan.providers.base import ObjectPage

KEPT_HITS = 50
"""How many hits a record keeps; all are counted."""


class Tally:
    """Adds up pages; memory stays flat however many there are."""

    def __init__(self, matcher: NameMatcher, budget: int) -> None:
        self._matcher = matcher
        self._budget = budget
        self._rank = {name: rank for rank, name in enumerate(matcher.categories)}
        self._counts = dict.fromkeys(sorted(matcher.categories), 0)
        self._kept: list[tuple[int, int, int, Hit]] = []
        self._bytes = 0
        self._example = ""
        self.listed = 0

    @property
    def full(self) -> bool:
        """Whether the budget is spent."""
        return self.listed >= self._budget

    def add(self, page: ObjectPage) -> bool:
        """Count a page, as far as the budget goes; return whether something was left out."""
        room = self._budget - self.listed
        for raw, size in zip(page.keys[:room], page.sizes[:room], strict=True):
            key = raw.decode("utf-8", "backslashreplace")
            self._example = self._example or key
            self.listed += 1
            self._bytes += size
            found = self._matcher.match(key)
            if found:
                self._keep(key, size, found)
        return len(page.keys) > room

    def _keep(self, key: str, size: int, found: tuple[Match, ...]) -> None:
        categories = tuple(match.category for match in found)
        for category in categories:
            self._counts[category] += 1
        hit = Hit(key, size, categories, tuple(match.why for match in found))
        # A heap of the best: worst rank first, later keys before earlier ones.
        entry = (-self._rank[categories[0]], len(categories), -self.listed, hit)
        push = heapq.heappush if len(self._kept) < KEPT_HITS else heapq.heappushpop
        push(self._kept, entry)

    def census(self, *gaps: Gap) -> Census:
        """Return what was seen, and the gaps that say what was not."""
        best = sorted(self._kept, key=lambda entry: entry[:3], reverse=True)
        return Census(
            listed=self.listed,
            bytes=self._bytes,
            complete=not gaps,
            counts=self._counts,
            hits=tuple(entry[3] for entry in best),
            example=self._example,
            gaps=gaps,
        )


async def take(pages: AsyncIterator[ObjectPage], tally: Tally, kind: Kind) -> Census:
    """List pages into the tally until they end or the budget is spent.

    What the provider raises passes through: the engine turns it into a gap and keeps the tally.
    """
    async for page in pages:
        cut = tally.add(page)
        if cut or (tally.full and page.more):
            return tally.census(truncated(kind, tally.listed))
    return tally.census()


def truncated(kind: Kind, listed: int) -> Gap:
    """Return the gap that stands for what the budget cut off."""
    return Gap(
        facet="census",
        reason=GapReason.TRUNCATED,
        call=kind.objects_call,
        detail=f"{listed} objects were listed; there are more",
    )
