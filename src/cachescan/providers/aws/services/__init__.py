"""The services beside S3: each module declares a kind, or facets of a bucket, and reads them.

Nothing here imports the SDK: an account hands out its clients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from msgspec import Struct

    from cachescan.model import Facet, ResourceRef
    from cachescan.providers.aws.services.base import Service, Source

SERVICES: Final[tuple[Service, ...]] = ()
"""Kinds of their own, in the order in which they are discovered."""

SOURCES: Final[tuple[Source, ...]] = ()
"""Facets that they add to a bucket, in the order in which they are read."""

_BY_KIND: Final = {service.kind.name: service for service in SERVICES}
_BY_FACET: Final = {source.facet.name: source for source in SOURCES}


def service(kind: str) -> Service | None:
    """Return the service of a kind; None for S3's own."""
    return _BY_KIND.get(kind)


def source(facet: str) -> Source | None:
    """Return the source of a bucket's facet; None for S3's own."""
    return _BY_FACET.get(facet)


def part(ref: ResourceRef, facet: Facet, value: Struct) -> Struct:
    """Return what of a shared value concerns one resource."""
    found = source(facet.name)
    return value if found is None else found.part(ref, value)
