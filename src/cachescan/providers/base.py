"""The provider protocol (docs/design.md §5): what an adapter must say, and nothing it must do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping

    from cachescan.model import (
        Discovered,
        Facet,
        GapReason,
        Grant,
        Kind,
        Resource,
        ResourceRef,
        Scope,
    )

API = 1
"""The protocol's version; a provider built for another one is refused at load."""


class NotSet(Struct, frozen=True):
    """The provider's positive answer "this is not configured": the facet is neutral, no gap."""


class ObjectPage(Struct, frozen=True):
    """One page of a listing: keys as the server's own bytes, and their sizes in bytes.

    ``more`` tells whether the server says that another page follows.
    """

    keys: list[bytes]
    sizes: list[int]
    more: bool = False


class Provider(Protocol):
    """Says how to read one cloud; contains no loop, no retry and no ``except``."""

    api: ClassVar[int]
    name: ClassVar[str]
    kinds: ClassVar[tuple[Kind, ...]]

    def scopes(self) -> Iterator[Scope]:
        """Yield what is to be looked into; raises the SDK's own error."""
        ...

    def places(self, scope: Scope, kind: Kind) -> Iterator[str]:
        """Yield the places whose listings are separate, such as regions; one "" if it is one."""
        ...

    def discover(self, scope: Scope, kind: Kind, place: str) -> Iterator[Discovered]:
        """Yield the resources of ``kind`` in a place, with the facets the listing gave."""
        ...

    def read(
        self, ref: ResourceRef, facet: Facet, known: Mapping[str, Any]
    ) -> Struct | Awaitable[Struct]:
        """Return the facet's value, directly or as an awaitable; raises the SDK's own error.

        ``known`` holds the facets of the resource that were read before this one.
        """
        ...

    def part(self, ref: ResourceRef, facet: Facet, value: Struct) -> Struct:
        """Return what of a shared facet's value concerns one resource. Pure."""
        ...

    def objects(self, resource: Resource) -> AsyncIterator[ObjectPage]:
        """Yield pages of the objects inside; raises the SDK's own error."""
        ...

    def classify(self, error: Exception, facet: Facet | None) -> GapReason | NotSet:
        """Say what an error means; ``facet`` is None for listings. The only error knowledge."""
        ...

    def grants(self, resource: Resource) -> Iterable[Grant]:
        """Return the grants that the record's facts state, each with its blockers. Pure."""
        ...

    def permissions(self) -> str:
        """Return the least-privilege policy of a full scan, in the provider's own format."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
