"""What every provider must keep, for every facet, whatever its server does.

A provider's test subclasses ``ProviderContract``, says which ``kinds`` it has and how to
``arrange`` a server that answers one facet's call in one way. The contract then holds that the
outcome is a value, the neutral value or a gap with the right reason; never an exception, never
silence.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import msgspec

from cachescan.census.names import NameMatcher
from cachescan.collect import Collector, Plan
from cachescan.engine import Engine, Settings
from cachescan.model import Facet, GapReason, Kind, Resource

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cachescan.providers.base import Provider


class Condition(StrEnum):
    """How the server answers the call under test."""

    VALUE = "value"
    NOT_SET = "not set"
    DENIED = "denied"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    VANISHED = "vanished"
    MALFORMED = "malformed"


CONDITIONS: dict[Condition, GapReason | None] = {
    Condition.VALUE: None,
    Condition.NOT_SET: None,
    Condition.DENIED: GapReason.PERMISSION_DENIED,
    Condition.THROTTLED: GapReason.THROTTLED,
    Condition.TIMEOUT: GapReason.TIMEOUT,
    Condition.VANISHED: GapReason.NOT_FOUND,
    Condition.MALFORMED: GapReason.MALFORMED,
}
"""Each condition and the gap it must become; None for an answer."""

_NOW = "2026-01-01T00:00:00Z"


class ProviderContract:
    """Subclass it as ``TestSomething``; pytest runs it over kind, facet and condition."""

    kinds: ClassVar[tuple[Kind, ...]] = ()
    settings: ClassVar[Settings] = Settings(concurrency=1, attempts=2, backoff=0)

    def arrange(
        self, kind: Kind, facet: Facet, condition: Condition
    ) -> AbstractContextManager[Provider]:
        """Return a context with a provider of one resource whose ``facet`` is so answered."""
        raise NotImplementedError

    def applies(self, facet: Facet, condition: Condition) -> bool:
        """Tell whether the server can answer so at all; say why where it cannot."""
        return bool(facet.name and condition)

    def pytest_generate_tests(self, metafunc: object) -> None:
        """Spell out every kind, facet and condition."""
        cases = [
            (kind, facet, condition)
            for kind in self.kinds
            for facet in kind.facets
            if not facet.listed
            for condition in Condition
            if self.applies(facet, condition)
        ]
        ids = [f"{kind.name}-{facet.name}-{condition}" for kind, facet, condition in cases]
        metafunc.parametrize(("kind", "facet", "condition"), cases, ids=ids)  # type: ignore[attr-defined]

    def test_a_facet_is_a_value_or_a_gap(
        self, kind: Kind, facet: Facet, condition: Condition
    ) -> None:
        """Read the one facet, and what it needs, and hold the outcome."""
        with self.arrange(kind, facet, condition) as provider:
            resource = self._collect(provider, kind, facet)

        gaps = {gap.facet: gap for gap in resource.gaps}
        assert (facet.name in resource.facets) != (facet.name in gaps)
        expected = CONDITIONS[condition]
        if expected is not None:
            gap = gaps[facet.name]
            assert gap.reason == expected, gap
            assert (gap.call, gap.permission) == (facet.call, facet.permission)
            return
        value, neutral = resource.facets[facet.name], msgspec.to_builtins(facet.neutral)
        assert (value == neutral) == (condition is Condition.NOT_SET)
        assert msgspec.to_builtins(msgspec.convert(value, facet.schema)) == value

    def _collect(self, provider: Provider, kind: Kind, facet: Facet) -> Resource:
        listed = {f.name for f in kind.facets if f.listed}
        plan = Plan(
            demand={kind.name: frozenset({facet.name, *facet.needs, *listed})},
            census=frozenset(),
            objects=0,
            matcher=NameMatcher(()),
            clock=lambda: _NOW,
        )
        with Engine(self.settings, seed=0) as engine:
            records = list(Collector(provider, engine, plan).records())
            engine.run(provider.close())
        (resource,) = (record for record in records if isinstance(record, Resource))
        return resource
