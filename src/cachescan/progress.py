"""Progress as an injected observer: the core reports, it never prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cachescan.model import ResourceRef


class Progress(Protocol):
    """Told of each resource as it is done."""

    def resource(self, ref: ResourceRef) -> None:
        """One more resource is read and judged."""
        ...


class Silent:
    """The default: says nothing."""

    def resource(self, ref: ResourceRef) -> None:
        """Ignore it."""
