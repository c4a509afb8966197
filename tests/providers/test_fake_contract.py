"""The contract that every provider must keep: over the fake, and against some that do not."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from cachescan.engine import Settings
from cachescan.model import GapReason
from cachescan.providers.base import NotSet
from cachescan.testing import CONDITIONS, Condition, FakeError, FakeProvider, ProviderContract
from cachescan.testing.fake import BOX, Door, Lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from msgspec import Struct

    from cachescan.model import Facet, Kind, ResourceRef
    from cachescan.providers.base import Provider

VALUES: dict[str, Struct] = {"lock": Lock(Locked=True), "door": Door(Open=True)}


def answer(facet: Facet, condition: Condition) -> Struct | Exception:
    """Return what the fake's server says under a condition."""
    return VALUES[facet.name] if condition is Condition.VALUE else FakeError(CONDITIONS[condition])


class TestFake(ProviderContract):
    """Every kind, facet and condition of the fake."""

    kinds = (BOX,)

    @contextmanager
    def arrange(self, _kind: Kind, facet: Facet, condition: Condition) -> Iterator[Provider]:
        """Serve one box whose facet is so answered."""
        provider = FakeProvider({"home": {"box": {facet.name: answer(facet, condition)}}})
        yield provider
        assert provider.closed


# --- the contract itself ------------------------------------------------------------------------


class Negligent(FakeProvider):
    """Takes every failure for "not set": the silent pass that all peers have."""

    def classify(self, _error: Exception, _facet: Facet | None) -> GapReason | NotSet:
        return NotSet()


class Lumping(FakeProvider):
    """Knows no reasons."""

    def classify(self, error: Exception, facet: Facet | None) -> GapReason | NotSet:
        meaning = super().classify(error, facet)
        return meaning if isinstance(meaning, NotSet) else GapReason.ERROR


class Forgetful(FakeProvider):
    """Answers with the neutral value whatever the server says."""

    def read(self, ref: ResourceRef, facet: Facet, known: Mapping[str, Any]) -> Struct:
        super().read(ref, facet, known)
        return facet.neutral


class Anxious(FakeProvider):
    """Takes "not set" for a failure."""

    def classify(self, error: Exception, facet: Facet | None) -> GapReason | NotSet:
        meaning = super().classify(error, facet)
        return GapReason.ERROR if isinstance(meaning, NotSet) else meaning


class Crude(FakeProvider):
    """Answers with something else than the facet's schema."""

    def read(self, ref: ResourceRef, facet: Facet, known: Mapping[str, Any]) -> Struct:
        super().read(ref, facet, known)
        return NotSet()


def breaks(provider: type[FakeProvider], condition: Condition) -> bool:
    """Tell whether the contract refuses a provider under one condition."""

    class Contract(ProviderContract):
        kinds = (BOX,)
        settings = Settings(concurrency=1, attempts=1, backoff=0)

        @contextmanager
        def arrange(self, _kind: Kind, facet: Facet, condition: Condition) -> Iterator[Provider]:
            yield provider({"home": {"box": {facet.name: answer(facet, condition)}}})

    try:
        Contract().test_a_facet_is_a_value_or_a_gap(BOX, BOX.facets[0], condition)
    except (AssertionError, KeyError):
        return True
    return False


@pytest.mark.parametrize("condition", Condition)
def test_an_honest_provider_keeps_the_contract(condition: Condition) -> None:
    assert not breaks(FakeProvider, condition)


@pytest.mark.parametrize(
    ("provider", "conditions"),
    [
        (Negligent, set(Condition) - {Condition.VALUE, Condition.NOT_SET}),
        (Lumping, set(Condition) - {Condition.VALUE, Condition.NOT_SET}),
        (Forgetful, {Condition.VALUE}),
        (Anxious, {Condition.NOT_SET}),
        (Crude, {Condition.VALUE}),
    ],
)
def test_the_contract_refuses_a_provider_that_does_not_keep_it(
    provider: type[FakeProvider], conditions: set[Condition]
) -> None:
    """Each fault shows under the conditions where it matters, and under no other."""
    assert {condition for condition in Condition if breaks(provider, condition)} == conditions


def test_the_contract_spells_out_every_kind_facet_and_condition() -> None:
    """A facet that is added is tested without anybody thinking of it."""

    class Metafunc:
        cases: Any = None

        def parametrize(self, _names: object, cases: Any, *, ids: list[str]) -> None:  # noqa: ANN401
            self.cases = cases
            assert len(ids) == len(set(ids)) == len(cases)

    metafunc = Metafunc()
    TestFake().pytest_generate_tests(metafunc)

    assert {(facet.name, condition) for _, facet, condition in metafunc.cases} == {
        (facet.name, condition) for facet in BOX.facets for condition in Condition
    }
