"""A snapshot read as if it were a cloud: offline collecting, and a double for any provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from cachescan.errors import ConfigError
from cachescan.model import Discovered, Facet, Gap, GapReason, Resource, Scope
from cachescan.providers.base import API, NotSet, ObjectPage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

    from msgspec import Struct

    from cachescan.model import Grant, Kind, ResourceRef
    from cachescan.providers.base import Provider


class ReplayedGapError(Exception):
    """The recorded scan did not read this fact either."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(gap.detail)
        self.gap = gap


class ReplayProvider:
    """Answers every read from recorded resources; what they lack is a gap once more."""

    api = API

    def __init__(self, original: Provider, resources: Iterable[Resource]) -> None:
        """Speak for ``original``, whose kinds and grants are used, from these records."""
        self.name = original.name
        self.kinds = original.kinds
        self._original = original
        self._resources = {resource.ref.uid: resource for resource in resources}

    def scopes(self) -> Iterator[Scope]:
        """Yield the scopes of the records, sorted."""
        for scope in sorted({r.ref.scope for r in self._resources.values()}):
            yield Scope(self.name, scope)

    def places(self, scope: Scope, kind: Kind) -> Iterator[str]:
        """Yield the one place that a record of a kind is in."""
        yield ""

    def discover(self, scope: Scope, kind: Kind, place: str) -> Iterator[Discovered]:
        """Yield the recorded resources with the facets that a listing gave."""
        for resource in self._resources.values():
            if (resource.ref.scope, resource.ref.kind) == (scope.id, kind.name):
                listed = {
                    facet.name: msgspec.convert(resource.facets[facet.name], facet.schema)
                    for facet in kind.facets
                    if facet.listed and facet.name in resource.facets
                }
                yield Discovered(resource.ref, listed)

    def read(self, ref: ResourceRef, facet: Facet, known: Mapping[str, Any]) -> Struct:
        """Return the recorded value; raises ReplayedGapError where there is a gap."""
        resource = self._resources[ref.uid]
        if facet.name in resource.facets:
            return msgspec.convert(resource.facets[facet.name], facet.schema)
        for gap in resource.gaps:
            if gap.facet == facet.name:
                raise ReplayedGapError(gap)
        raise ReplayedGapError(Gap(facet.name, GapReason.NOT_COLLECTED, facet.call))

    def part(self, ref: ResourceRef, facet: Facet, value: Struct) -> Struct:
        """Return the value that is recorded for this resource, and not the one that was shared."""
        facets = self._resources[ref.uid].facets
        return msgspec.convert(facets[facet.name], facet.schema) if facet.name in facets else value

    async def objects(self, resource: Resource) -> AsyncIterator[ObjectPage]:
        """Yield the keys that were kept, the hits; the rest was never recorded.

        Raises:
            ReplayedGapError: more was there than is listed again.
        """
        census = self._resources[resource.ref.uid].census
        if census is None:
            raise ReplayedGapError(Gap("census", GapReason.NOT_COLLECTED, "replay"))
        hits = census.hits
        yield ObjectPage([h.key.encode() for h in hits], [h.size for h in hits])
        if census.gaps or census.listed > len(hits):
            lost = Gap("census", GapReason.NOT_COLLECTED, "replay", "only hits were recorded")
            raise ReplayedGapError(next(iter(census.gaps), lost))

    def classify(self, error: Exception, facet: Facet | None) -> GapReason | NotSet:
        """Return the recorded reason."""
        if isinstance(error, ReplayedGapError):
            return error.gap.reason
        return self._original.classify(error, facet)

    def grants(self, resource: Resource) -> Iterable[Grant]:
        """Return what the original provider makes of the record."""
        return self._original.grants(resource)

    def permissions(self) -> str:
        """Refuse: a replay needs none."""
        message = "a replay needs no permissions"
        raise ConfigError(message)

    async def close(self) -> None:
        """Release nothing."""
