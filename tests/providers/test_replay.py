"""A snapshot read as if it were a cloud."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from msgspec import structs
from tests.support.boxes import (
    DRAFT,
    RULES,
    SERIAL,
    as_json,
    collect,
    estate,
    judge,
    plan,
    ref,
    ruleset,
    scan,
)

from cachescan import pipeline
from cachescan.engine import Engine
from cachescan.errors import ConfigError
from cachescan.model import Census, Gap, GapReason, Hit, Resource, Scope
from cachescan.providers.replay import ReplayedGapError, ReplayProvider
from cachescan.snapshot import Journal, read
from cachescan.testing import CONDITIONS, Condition, FakeError, FakeProvider, ProviderContract
from cachescan.testing.fake import BOX, Door, Lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cachescan.model import Facet, Kind
    from cachescan.providers.base import Provider
    from cachescan.snapshot import Record

VALUES = {"lock": {"Locked": True}, "door": {"Open": True}}
FAKE = FakeProvider({})


def recorded(facet: Facet, condition: Condition) -> Resource:
    """Return the record of a scan that met this condition."""
    neutral = msgspec.to_builtins(facet.neutral)
    reason = CONDITIONS[condition]
    if reason is None:
        value = VALUES[facet.name] if condition is Condition.VALUE else neutral
        return Resource(ref(), {facet.name: value})
    gap = Gap(facet.name, reason, facet.call, "said", facet.permission)
    return Resource(ref(), {}, (gap,))


def replay(records: list[Resource]) -> Provider:
    """Replay records of the fake; its kinds are the original's, so they are no class attribute."""
    return cast("Provider", ReplayProvider(FAKE, records))


class TestReplay(ProviderContract):
    """What was recorded is answered alike: value for value, gap for gap."""

    kinds = (BOX,)

    @contextmanager
    def arrange(self, _kind: Kind, facet: Facet, condition: Condition) -> Iterator[Provider]:
        """Replay one record."""
        yield replay([recorded(facet, condition)])


def replayed(path: Path) -> list[Record]:
    """Collect a snapshot as if it were a cloud."""
    records = [record for record in read(path) if isinstance(record, Resource)]
    with Engine(SERIAL, seed=0) as engine:
        provider = replay(records)
        return list(pipeline.collect(provider, plan(ruleset(*RULES)), engine, Journal()))


def test_a_replayed_estate_judges_like_the_recorded_one(tmp_path: Path) -> None:
    """Gaps included; nothing is invented, nothing is lost."""
    errors: dict[tuple[str, str], Exception] = {
        ("box-0-1", "lock"): FakeError(GapReason.PERMISSION_DENIED, "no"),
        ("box-1-0", "door"): FakeError(GapReason.TIMEOUT, "slow"),
    }
    boxes = estate(2, 4, errors)
    path = tmp_path / "s.ndjson"
    original = scan(FakeProvider(boxes), ruleset(*RULES), path=path)

    again = judge(replayed(path), ruleset(*RULES))

    assert [f.fingerprint for f in again.findings] == [f.fingerprint for f in original.findings]
    assert [f.verdict for f in again.findings] == [f.verdict for f in original.findings]
    assert [r.gaps for r in again.resources] == [r.gaps for r in original.resources]
    assert as_json(judge(replayed(path), ruleset(*RULES))) == as_json(again)


def test_what_was_not_recorded_is_not_collected() -> None:
    """Whatever the original would have said."""
    provider = ReplayProvider(FAKE, [Resource(ref(), {"door": {"Open": True}})])

    with pytest.raises(ReplayedGapError) as caught:
        provider.read(ref(), BOX.facet("lock"), {})

    assert provider.classify(caught.value, BOX.facet("lock")) == GapReason.NOT_COLLECTED
    assert provider.read(ref(), BOX.facet("door"), {}) == Door(Open=True)


def test_facets_that_the_listing_gave_come_with_the_listing() -> None:
    listed = structs.replace(BOX.facets[0], listed=True)
    kind = structs.replace(BOX, facets=(listed, BOX.facets[1]))
    provider = ReplayProvider(FAKE, [Resource(ref(), {"lock": {"Locked": True}})])

    (found,) = provider.discover(Scope("fake", "home"), kind, "")

    assert (found.ref, found.facets) == (ref(), {"lock": Lock(Locked=True)})


def test_only_the_resources_of_the_scope_and_kind_are_listed() -> None:
    resources = [
        Resource(ref("a", "one"), {}),
        Resource(ref("b", "two"), {}),
        Resource(structs.replace(ref("c", "one"), kind="fake/other"), {}),
    ]
    provider = ReplayProvider(FAKE, resources)

    assert [scope.id for scope in provider.scopes()] == ["one", "two"]
    assert [d.ref.name for d in provider.discover(Scope("fake", "one"), BOX, "")] == ["a"]


def census_again(census: Census | None) -> Census | None:
    record = Resource(ref(), {"lock": {"Locked": False}, "door": {"Open": True}}, census=census)
    provider = replay([record])
    with Engine(SERIAL, seed=0) as engine:
        chosen = plan(ruleset(DRAFT))
        found = list(pipeline.collect(provider, chosen, engine, Journal()))
    (resource,) = (record for record in found if isinstance(record, Resource))
    return resource.census


def test_the_objects_that_were_kept_are_listed_again() -> None:
    hits = (Hit("a draft", 7, ("draft",), ("draft",)),)

    again = census_again(Census(1, 7, counts={"draft": 1}, hits=hits, example="a draft"))

    assert again is not None
    assert again.hits == hits
    assert again.counts == {"draft": 1}


def test_a_census_that_was_not_taken_is_a_gap() -> None:
    again = census_again(None)

    assert again is not None
    assert not again.complete
    assert [gap.reason for gap in again.gaps] == [GapReason.NOT_COLLECTED]


def test_a_census_that_was_cut_is_not_whole_when_it_is_replayed() -> None:
    """Most keys were never recorded: what is listed again is no proof of anything."""
    hits = (Hit("a draft", 7, ("draft",), ("draft",)),)
    cut = Gap("census", GapReason.TRUNCATED, "fake:ListThings", "there are more")

    for census in (
        Census(900, 9000, complete=False, counts={"draft": 1}, hits=hits, gaps=(cut,)),
        Census(900, 9000, counts={"draft": 1}, hits=hits),
    ):
        again = census_again(census)
        assert again is not None
        assert not again.complete
        assert again.gaps


def test_other_errors_and_grants_are_the_originals() -> None:
    provider = ReplayProvider(FAKE, [])

    assert provider.classify(FakeError(GapReason.THROTTLED), None) == GapReason.THROTTLED
    record = Resource(ref(), {"door": {"Open": True}})
    assert list(provider.grants(record)) == list(FAKE.grants(record))
    assert (provider.name, provider.kinds) == ("fake", (BOX,))


def test_a_replay_needs_no_permissions() -> None:
    with pytest.raises(ConfigError):
        ReplayProvider(FAKE, []).permissions()


def test_a_snapshot_of_a_replay_is_that_of_the_cloud(tmp_path: Path) -> None:
    """Facet for facet, so that a replay is a double for any provider."""
    boxes = estate(2, 3)
    first, second = tmp_path / "first.ndjson", tmp_path / "second.ndjson"
    for _ in collect(FakeProvider(boxes), plan(), journal=Journal(first)):
        pass
    records = [record for record in read(first) if isinstance(record, Resource)]
    with Engine(SERIAL, seed=0) as engine:
        for _ in pipeline.collect(replay(records), plan(objects=0), engine, Journal(second)):
            pass

    again = [record for record in read(second) if isinstance(record, Resource)]
    assert [(r.ref, r.facets, r.gaps) for r in again] == [
        (r.ref, r.facets, r.gaps) for r in records
    ]
