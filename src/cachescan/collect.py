"""Discover resources and read their facets: every demanded fact becomes a value or a gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, structs

from cachescan.census.names import NameMatcher
from cachescan.census.take import Tally, take
from cachescan.engine import Engine, Failure
from cachescan.exposure import expose, exposed_to_outsiders
from cachescan.model import (
    Capability,
    Census,
    Discovered,
    Facet,
    Gap,
    GapReason,
    Kind,
    Resource,
    Scope,
)
from cachescan.providers.base import NotSet
from cachescan.snapshot import GapRecord, ScopeDone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from cachescan.providers.base import Provider
    from cachescan.snapshot import Record


class Plan(Struct, frozen=True):
    """What is to be read.

    Attributes:
        demand: kind to the names of the facets to read; kinds that are absent are not listed.
        census: kinds whose objects are to be listed where outsiders reach them.
        objects: how many objects of one resource at most; 0 lists none.
        matcher: the name taxonomy.
        clock: gives the current time as RFC 3339 text.
    """

    demand: Mapping[str, frozenset[str]]
    census: frozenset[str]
    objects: int
    matcher: NameMatcher
    clock: Callable[[], str]


class _Listed(Struct, frozen=True):
    scope: Scope
    kind: Kind
    found: Discovered


class _ScopeEnd(Struct, frozen=True):
    scope: Scope
    resources: int


class Collector:
    """Reads one provider.

    A resource's facets are read one after the other, many resources at once: nothing waits for a
    barrier, and a facet can build on an earlier one.
    """

    def __init__(self, provider: Provider, engine: Engine, plan: Plan) -> None:
        self._provider = provider
        self._engine = engine
        self._plan = plan
        self._shared: dict[tuple[str, str, str], Awaitable[Any]] = {}

    def records(
        self, *, done: frozenset[str] = frozenset(), seen: frozenset[str] = frozenset()
    ) -> Iterator[Record]:
        """Yield snapshot records, in order of completion.

        Args:
            done: ids of scopes to skip as a whole.
            seen: uids of resources to skip, recorded before an interruption.
        """
        total: dict[str, _ScopeEnd] = {}
        finished: Counter[str] = Counter()
        for result in self._engine.stream(self._items(done, seen), self._work):
            if isinstance(result, GapRecord):
                yield result
                continue
            if isinstance(result, _ScopeEnd):
                scope = result.scope.id
                total[scope] = result
            else:
                scope = result.ref.scope
                finished[scope] += 1
                yield result
            end = total.get(scope)
            if end is not None and finished[scope] == end.resources:
                yield ScopeDone(end.scope)

    def _items(
        self, done: frozenset[str], seen: frozenset[str]
    ) -> Iterator[_Listed | _ScopeEnd | GapRecord]:
        for scope in self._guard(self._provider.scopes(), "scopes", None):
            if isinstance(scope, GapRecord):
                yield scope
                continue
            if scope.id in done:
                continue
            count = 0
            for kind in self._provider.kinds:
                if kind.name not in self._plan.demand:
                    continue
                for found in self._discover(scope, kind):
                    if isinstance(found, GapRecord):
                        yield found
                    elif found.ref.uid not in seen:
                        count += 1
                        yield _Listed(scope, kind, found)
            yield _ScopeEnd(scope, count)

    def _discover(self, scope: Scope, kind: Kind) -> Iterator[Discovered | GapRecord]:
        """Yield what every place of a kind has; a place that fails takes no other with it."""
        for place in self._guard(self._provider.places(scope, kind), scope.id, kind):
            if isinstance(place, GapRecord):
                yield place
            else:
                listing = self._provider.discover(scope, kind, place)
                yield from self._guard(listing, scope.id, kind, place)

    def _guard(
        self, iterator: Iterator[Any], scope: str, kind: Kind | None, place: str = ""
    ) -> Iterator[Any]:
        for item in self._engine.iterate(iterator, lambda e: self._provider.classify(e, None)):
            if isinstance(item, Failure):
                gap = Gap(
                    facet="",
                    reason=item.reason,
                    call=kind.call if kind else f"{self._provider.name}:scopes",
                    detail=f"{place}: {item.detail}" if place else item.detail,
                    permission=kind.permission if kind else "",
                    scope=scope if kind else "",
                )
                yield GapRecord(gap)
            else:
                yield item

    async def _work(
        self, item: _Listed | _ScopeEnd | GapRecord
    ) -> Resource | _ScopeEnd | GapRecord:
        return await self._resource(item) if isinstance(item, _Listed) else item

    async def _resource(self, listed: _Listed) -> Resource:
        kind, ref = listed.kind, listed.found.ref
        demanded = self._plan.demand[kind.name]
        facets: dict[str, Any] = {}
        gaps: list[Gap] = []
        for facet in kind.facets:
            if facet.name in demanded:
                value = await self._facet(listed, facet, facets)
                if isinstance(value, Failure):
                    gaps.append(_gap(facet, value))
                else:
                    facets[facet.name] = value
        resource = Resource(ref, facets, tuple(sorted(gaps)), self._plan.clock())
        return structs.replace(resource, census=await self._census(kind, resource))

    async def _facet(self, listed: _Listed, facet: Facet, known: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Return the facet in plain JSON types, or a Failure."""
        given = listed.found.facets.get(facet.name)
        if given is not None:
            return msgspec.to_builtins(given)
        neutral = msgspec.to_builtins(facet.neutral)
        if facet.needs and all(self._is_neutral(listed.kind, n, known) for n in facet.needs):
            return neutral
        value = await (
            self._read_shared(listed, facet, known)
            if facet.shared
            else self._read(listed, facet, known)
        )
        if isinstance(value, NotSet):
            return neutral
        return value if isinstance(value, Failure) else msgspec.to_builtins(value)

    def _is_neutral(self, kind: Kind, name: str, known: Mapping[str, Any]) -> bool:
        return name in known and known[name] == msgspec.to_builtins(kind.facet(name).neutral)

    async def _read_shared(
        self, listed: _Listed, facet: Facet, known: Mapping[str, Any]
    ) -> Struct | Failure | NotSet:
        ref = listed.found.ref
        key = (listed.scope.id, ref.region if facet.regional else "", facet.name)
        if key not in self._shared:
            self._shared[key] = self._engine.spawn(self._read(listed, facet, known))
        value: Struct | Failure | NotSet = await self._shared[key]
        if isinstance(value, Failure | NotSet):
            return value
        return self._provider.part(ref, facet, value)

    async def _read(
        self, listed: _Listed, facet: Facet, known: Mapping[str, Any]
    ) -> Struct | Failure | NotSet:
        ref, provider = listed.found.ref, self._provider
        value: Struct | Failure | NotSet = await self._engine.call(
            (provider.name, ref.scope),
            lambda: provider.read(ref, facet, known),
            lambda error: provider.classify(error, facet),
            blocking=facet.blocking,
        )
        return value

    async def _census(self, kind: Kind, resource: Resource) -> Census | None:
        if not self._plan.objects or kind.name not in self._plan.census:
            return None
        exposure = expose(self._provider.grants(resource))
        if not exposed_to_outsiders(exposure, (Capability.READ, Capability.LIST)):
            return None
        tally = Tally(self._plan.matcher, self._plan.objects)

        async def listing() -> Census:
            nonlocal tally  # a retry starts counting anew
            tally = Tally(self._plan.matcher, self._plan.objects)
            return await take(self._provider.objects(resource), tally, kind)

        census = await self._engine.call(
            (self._provider.name, resource.ref.scope),
            listing,
            lambda error: self._provider.classify(error, None),
        )
        if isinstance(census, Census):
            return census
        if not isinstance(census, Failure):  # "not set" means nothing for a listing
            census = Failure(GapReason.ERROR, "the listing gave no answer")
        call, permission = kind.objects_call, kind.objects_permission
        return tally.census(Gap("census", census.reason, call, census.detail, permission))


def _gap(facet: Facet, failure: Failure) -> Gap:
    return Gap(facet.name, failure.reason, facet.call, failure.detail, facet.permission)
