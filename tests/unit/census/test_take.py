"""The census of one resource: bounded in objects and in memory, and honest about the rest."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachescan.census.names import NameMatcher, NameRule
from cachescan.census.take import KEPT_HITS, Tally, take, truncated
from cachescan.model import Gap, GapReason, Severity
from cachescan.providers.base import ObjectPage
from cachescan.testing.fake import BOX

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from cachescan.model import Census

MATCHER = NameMatcher(
    (
        NameRule("secret", "Secrets", Severity.CRITICAL, tokens=("secret",)),
        NameRule("draft", "Drafts", Severity.HIGH, tokens=("draft",)),
        NameRule("note", "Notes", Severity.LOW, tokens=("note",)),
    )
)


def page(*keys: str | bytes, more: bool = False, size: int = 10) -> ObjectPage:
    raw = [key if isinstance(key, bytes) else key.encode() for key in keys]
    return ObjectPage(raw, [size] * len(raw), more=more)


class Listing:
    """An asynchronous listing that counts the pages drawn from it."""

    def __init__(self, *pages: ObjectPage) -> None:
        self._pages = pages
        self.drawn = 0

    async def __aiter__(self) -> AsyncIterator[ObjectPage]:
        for one in self._pages:
            self.drawn += 1
            yield one


def census(listing: Listing | Sequence[ObjectPage], budget: int = 100) -> Census:
    """Take the census of a listing."""
    pages = listing if isinstance(listing, Listing) else Listing(*listing)
    return asyncio.run(take(pages.__aiter__(), Tally(MATCHER, budget), BOX))


def test_an_empty_resource_has_a_complete_census_with_every_category_at_zero() -> None:
    found = census([])

    assert (found.listed, found.bytes, found.complete, found.gaps) == (0, 0, True, ())
    assert found.counts == {"draft": 0, "note": 0, "secret": 0}
    assert found.example == ""


def test_objects_bytes_and_hits_are_counted_over_all_pages() -> None:
    found = census([page("a", "draft-1", more=True), page("b/secret-draft", "note")])

    assert (found.listed, found.bytes, found.complete) == (4, 40, True)
    assert found.counts == {"draft": 2, "note": 1, "secret": 1}
    assert found.example == "a"
    assert [hit.key for hit in found.hits] == ["b/secret-draft", "draft-1", "note"]
    assert found.hits[0].categories == ("secret", "draft")
    assert found.hits[0].why == ("secret", "draft")


@pytest.mark.parametrize(
    ("pages", "budget", "listed", "complete"),
    [
        ([page("a", "b", "c")], 3, 3, True),
        ([page("a", "b", "c")], 2, 2, False),
        ([page("a", "b", more=True), page("c")], 2, 2, False),
        ([page("a", "b", more=True), page("c")], 3, 3, True),
        ([page("a", "b", more=False), page()], 2, 2, True),
        ([page("a", more=True), page(more=True), page("b")], 5, 2, True),
        ([page(more=True), page("a")], 1, 1, True),
    ],
)
def test_a_budget_that_leaves_something_out_is_a_gap_and_one_that_does_not_is_none(
    pages: list[ObjectPage], budget: int, listed: int, *, complete: bool
) -> None:
    """Exactly spent is complete, unless the server says that there is more."""
    found = census(pages, budget)

    assert (found.listed, found.complete) == (listed, complete)
    assert found.gaps == (() if complete else (truncated(BOX, listed),))


def test_nothing_is_asked_for_beyond_the_budget() -> None:
    listing = Listing(page("a", "b", more=True), page("c", more=True), page("d"))

    census(listing, 2)

    assert listing.drawn == 1


def test_a_hit_beyond_the_budget_is_not_counted() -> None:
    """And the cut says that there may be one."""
    found = census([page("a", "draft")], 1)

    assert found.counts["draft"] == 0
    assert found.gaps[0].reason == GapReason.TRUNCATED
    assert found.gaps[0].call == "fake:ListThings"


def test_of_many_hits_the_most_sensitive_are_kept_and_all_are_counted() -> None:
    """Memory stays flat; among equals the first listed stay."""
    keys = [f"note-{n}" for n in range(200)] + [f"draft-{n}" for n in range(30)] + ["secret"]

    found = census([page(*keys)], 1000)

    assert len(found.hits) == KEPT_HITS
    assert found.counts == {"draft": 30, "note": 200, "secret": 1}
    kept = [hit.key for hit in found.hits]
    assert kept[0] == "secret"
    assert kept[1:31] == [f"draft-{n}" for n in range(30)]
    assert kept[31:] == [f"note-{n}" for n in range(KEPT_HITS - 31)]


@given(
    st.lists(st.sampled_from(["a", "note", "draft", "secret", "secret draft note"]), max_size=150)
)
def test_the_hits_kept_are_the_best_whatever_the_order(keys: list[str]) -> None:
    """Against sorting everything, which is what the heap saves."""
    numbered = [f"{key} {number}" for number, key in enumerate(keys)]
    rank = {"secret": 0, "draft": 1, "note": 2}

    def order(key: str) -> tuple[int, int, int]:
        words = [word for word in key.split() if word in rank]
        return min(rank[word] for word in words), -len(words), int(key.rsplit(maxsplit=1)[-1])

    found = census([page(*numbered)], 1000)

    hits = [key for key in numbered if any(word in rank for word in key.split())]
    assert [hit.key for hit in found.hits] == sorted(hits, key=order)[:KEPT_HITS]
    assert sum(found.counts.values()) == sum(
        len([word for word in key.split() if word in rank]) for key in numbered
    )


def test_bytes_that_are_no_text_are_kept_as_escapes() -> None:
    """A hostile key neither raises nor vanishes, and is still matched."""
    found = census([page(b"\xff\xfe draft \x1b[2J", b"\xc3")])

    assert found.listed == 2
    assert found.hits[0].key == "\\xff\\xfe draft \x1b[2J"


def test_what_the_server_refuses_leaves_what_was_counted_so_far() -> None:
    gap = Gap("census", GapReason.THROTTLED, "fake:ListThings", "slow down")
    tally = Tally(MATCHER, 100)
    tally.add(page("draft"))

    found = tally.census(gap)

    assert (found.listed, found.complete, found.gaps) == (1, False, (gap,))
    assert found.counts["draft"] == 1


def test_an_error_of_the_listing_passes_through() -> None:
    """The engine turns it into a gap; the tally is not lost."""

    async def broken() -> AsyncIterator[ObjectPage]:
        yield page("draft")
        raise TimeoutError

    tally = Tally(MATCHER, 100)
    with pytest.raises(TimeoutError):
        asyncio.run(take(broken(), tally, BOX))
    assert tally.listed == 1
