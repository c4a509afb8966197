"""How a service beside S3 is read: kinds of its own, and facets that it adds to a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from cachescan.model import Discovered, Facet, Kind, ResourceRef

if TYPE_CHECKING:
    from botocore.client import BaseClient


class Account(Protocol):
    """What a service needs of an account (``session.Account``)."""

    id: str
    partition: str

    def client(self, service: str, region: str = "") -> BaseClient:
        """Return a new client of the SDK with the account's credentials."""
        ...


class Service(Struct, frozen=True):
    """A kind of a service that is read by plain SDK calls.

    Attributes:
        kind: its facet table; every facet that is not listed is ``blocking``.
        name: the SDK's name of the service, which tells the regions that have it.
        discover: yields what an account has in a region; raises the SDK's own error.
        read: returns a facet of one of them; raises the SDK's own error or Malformed.
        regional: whether each region has its own listing; else the region is empty.
    """

    kind: Kind
    name: str
    discover: Callable[[Account, str], Iterator[Discovered]]
    read: Callable[[Account, ResourceRef, Facet, Mapping[str, Any]], Struct]
    regional: bool = True


class Source(Struct, frozen=True):
    """A facet of a bucket that another service tells.

    Attributes:
        facet: its declaration; ``blocking``, and ``shared`` where one answer serves all buckets.
        read: returns it; raises the SDK's own error or Malformed. A shared one is given the first
            bucket that asks, and must not depend on more of it than its account and region.
        part: returns what of a shared value concerns one bucket.
    """

    facet: Facet
    read: Callable[[Account, ResourceRef, Mapping[str, Any]], Struct]
    part: Callable[[ResourceRef, Struct], Struct] = lambda _ref, value: value
