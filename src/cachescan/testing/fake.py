"""A provider in memory: the test double of the core, and the smallest example of an adapter."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from cachescan.model import (
    Actor,
    Capability,
    Discovered,
    Effect,
    Evidence,
    Facet,
    GapReason,
    Grade,
    Grant,
    Kind,
    ResourceRef,
    Scope,
)
from cachescan.providers.base import API, NotSet, ObjectPage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from cachescan.model import Resource


class Lock(Struct, frozen=True):
    """A facet of the fake: whether a box is locked."""

    Locked: bool = False


class Door(Struct, frozen=True):
    """A facet of the fake: who may come in."""

    Open: bool = False


class FakeError(Exception):
    """What the fake's server says; ``reason`` None means "not set"."""

    def __init__(self, reason: GapReason | None, text: str = "the fake says so") -> None:
        super().__init__(text)
        self.reason = reason


def _facet(name: str, neutral: Struct) -> Facet:
    call = f"fake:Get{name.title()}"
    return Facet(name=name, call=call, permission=call, schema=type(neutral), neutral=neutral)


BOX = Kind(
    name="fake/box",
    title="box",
    call="fake:ListBoxes",
    permission="fake:ListBoxes",
    facets=(_facet("lock", Lock()), _facet("door", Door())),
    exposure=("lock", "door"),
    objects_call="fake:ListThings",
    objects_permission="fake:ListThings",
)
"""The one kind of the fake."""


class FakeProvider:
    """Serves what it is given: boxes with facets, each a value or an exception to raise.

    Args:
        boxes: scope id to box name to facet name to value or error.
        things: box name to pages of keys, or an error at that place.
        calls: filled with what was called, for tests that count.
    """

    api: ClassVar[int] = API
    name: ClassVar[str] = "fake"
    kinds: ClassVar[tuple[Kind, ...]] = (BOX,)

    def __init__(
        self,
        boxes: Mapping[str, Mapping[str, Mapping[str, Struct | Exception]] | Exception],
        things: Mapping[str, Sequence[Sequence[bytes] | Exception]] | None = None,
    ) -> None:
        self._boxes = boxes
        self._things = things or {}
        self.calls: Counter[str] = Counter()
        self.closed = False

    def scopes(self) -> Iterator[Scope]:
        """Yield every scope given."""
        for scope in self._boxes:
            yield Scope("fake", scope, f"the scope {scope}")

    def places(self, scope: Scope, kind: Kind) -> Iterator[str]:
        """Yield the one place that there is."""
        yield ""

    def discover(self, scope: Scope, kind: Kind, place: str) -> Iterator[Discovered]:
        """Yield the boxes of a scope."""
        self.calls[kind.call] += 1
        boxes = self._boxes[scope.id]
        if isinstance(boxes, Exception):
            raise boxes
        for name in boxes:
            uid = f"fake:{scope.id}:{name}"
            yield Discovered(ResourceRef("fake", kind.name, uid, name, scope.id, "here"))

    def read(self, ref: ResourceRef, facet: Facet, known: Mapping[str, Any]) -> Struct:
        """Return the value given, or raise the error given."""
        self.calls[facet.call] += 1
        boxes = self._boxes[ref.scope]
        value = FakeError(None) if isinstance(boxes, Exception) else boxes[ref.name].get(facet.name)
        if value is None:
            raise FakeError(None)
        if isinstance(value, Exception):
            raise value
        return value

    def part(self, ref: ResourceRef, facet: Facet, value: Struct) -> Struct:
        """Return the value: all of it concerns every box."""
        return value

    async def objects(self, resource: Resource) -> AsyncIterator[ObjectPage]:
        """Yield the pages given, or raise the error that stands in their place."""
        pages = self._things.get(resource.ref.name, ())
        for number, page in enumerate(pages, 1):
            self.calls["fake:ListThings"] += 1
            if isinstance(page, Exception):
                raise page
            yield ObjectPage(list(page), [1] * len(page), more=number < len(pages))

    def classify(self, error: Exception, facet: Facet | None) -> GapReason | NotSet:
        """Return what the error says of itself."""
        if isinstance(error, FakeError):
            not_set = error.reason is None and facet is not None
            return NotSet() if not_set else error.reason or GapReason.ERROR
        return GapReason.ERROR

    def grants(self, resource: Resource) -> Iterable[Grant]:
        """Grant reading to anyone where the door is open; undecided where it was not read."""
        gaps = tuple(gap for gap in resource.gaps if gap.facet == "door")
        low = bool(resource.facets.get("door", {}).get("Open"))
        if not (low or gaps):
            return ()
        grade = Grade.YES if low else Grade.NO
        evidence = (Evidence("door", "/Open", Effect.GRANTS, "the door is open"),)
        return [
            Grant(Actor.ANONYMOUS, capability, "door", grade, Grade.YES, evidence, gaps=gaps)
            for capability in (Capability.READ, Capability.LIST)
        ]

    def permissions(self) -> str:
        """Return the permissions of the fake."""
        return json.dumps(sorted(facet.permission for facet in BOX.facets))

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True
