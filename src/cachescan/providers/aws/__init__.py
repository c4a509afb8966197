"""The AWS provider: accounts and their S3 buckets.

This package is imported for ``--help`` and for offline runs, so whatever needs the SDK or the HTTP
client is imported by the method that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cachescan.providers.aws import kinds, permissions, services
from cachescan.providers.aws.settings import Settings, load
from cachescan.providers.base import API

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping

    from msgspec import Struct

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
    from cachescan.providers.aws.reader import AwsReader
    from cachescan.providers.base import NotSet, ObjectPage


def factory(config: Mapping[str, object]) -> AwsProvider:
    """Return the provider for these settings; raises ConfigError. No I/O."""
    return AwsProvider(load(config))


class AwsProvider:
    """Reads AWS accounts and S3 buckets; see ``providers.base.Provider``."""

    api: ClassVar[int] = API
    name: ClassVar[str] = "aws"
    kinds: ClassVar[tuple[Kind, ...]] = kinds.KINDS

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: AwsReader | None = None

    def scopes(self) -> Iterator[Scope]:
        """Yield the accounts; raises CredentialsError or the SDK's own error."""
        return self._reader().scopes()

    def places(self, scope: Scope, kind: Kind) -> Iterator[str]:
        """Yield the regions of a regional kind; raises the SDK's own error."""
        return self._reader().places(scope, kind)

    def discover(self, scope: Scope, kind: Kind, place: str) -> Iterator[Discovered]:
        """Yield the account itself, its buckets, or what a region has; raises the SDK's error."""
        return self._reader().discover(scope, kind, place)

    def read(
        self, ref: ResourceRef, facet: Facet, known: Mapping[str, Any]
    ) -> Struct | Awaitable[Struct]:
        """Return the facet's value; raises the SDK's or the wire's own error."""
        return self._reader().read(ref, facet, known)

    def part(self, ref: ResourceRef, facet: Facet, value: Struct) -> Struct:
        """Return what of an account's value concerns one resource."""
        return services.part(ref, facet, value)

    def objects(self, resource: Resource) -> AsyncIterator[ObjectPage]:
        """Yield pages of a bucket's objects; raises the wire's own error."""
        return self._reader().objects(resource.ref)

    def classify(self, error: Exception, facet: Facet | None) -> GapReason | NotSet:
        """Say what an error means."""
        from cachescan.providers.aws.errors import classify

        return classify(error, facet)

    def grants(self, resource: Resource) -> Iterable[Grant]:
        """Return what the record grants to outsiders. Pure, and needs no credentials."""
        from cachescan.providers.aws.grants import grants

        return grants(resource)

    def permissions(self) -> str:
        """Return the least-privilege IAM policy of a full scan."""
        return permissions.policy()

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.close()

    def _reader(self) -> AwsReader:
        if self._opened is None:
            from cachescan.providers.aws.reader import AwsReader

            self._opened = AwsReader(self._settings)
        return self._opened
