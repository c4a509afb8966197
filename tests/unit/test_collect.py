"""Every demanded fact becomes a value or a gap; one bad answer costs one fact, never the run."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs
from tests.support.boxes import DRAFT, NOW, RULES, SERIAL, UNLOCKED, collect, plan, ruleset

from cachescan.collect import Collector, Plan
from cachescan.engine import Engine, Settings
from cachescan.errors import CredentialsError
from cachescan.model import Discovered, Facet, Gap, GapReason, Kind, Resource, ResourceRef, Scope
from cachescan.providers.base import NotSet
from cachescan.snapshot import GapRecord, ScopeDone
from cachescan.testing.fake import BOX, Door, FakeError, FakeProvider, Lock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence

    from cachescan.model import Census, Grant
    from cachescan.snapshot import Record

BUSY = Settings(concurrency=16, attempts=2, backoff=0)
OPEN_BOX: dict[str, Struct | Exception] = {"lock": Lock(Locked=True), "door": Door(Open=True)}


def records(provider: FakeProvider, what: Plan | None = None, **how: Any) -> list[Record]:  # noqa: ANN401
    """Return the records of one scan without its header."""
    return list(collect(provider, what or plan(), **how))[1:]


def resources(found: Iterable[Record]) -> dict[str, Resource]:
    return {record.ref.name: record for record in found if isinstance(record, Resource)}


def one(facets: dict[str, Struct | Exception], what: Plan | None = None) -> Resource:
    """Collect a single box."""
    return resources(records(FakeProvider({"home": {"box": facets}}), what))["box"]


# --- facts --------------------------------------------------------------------------------------


def test_a_fact_is_kept_as_plain_json_types() -> None:
    """Exactly what a line of the snapshot decodes to."""
    found = one(OPEN_BOX)

    assert found.facets == {"lock": {"Locked": True}, "door": {"Open": True}}
    assert (found.gaps, found.collected_at) == ((), NOW)


def test_what_is_not_set_has_its_neutral_value_and_no_gap() -> None:
    found = one({"lock": FakeError(None)})

    assert found.facets == {"lock": {"Locked": False}, "door": {"Open": False}}
    assert found.gaps == ()


@pytest.mark.parametrize("reason", sorted(GapReason))
def test_what_was_not_read_is_a_gap_with_reason_call_and_permission(reason: GapReason) -> None:
    found = one({"lock": FakeError(reason, "the server said"), "door": Door()})

    assert found.facets == {"door": {"Open": False}}
    (gap,) = found.gaps
    assert gap == Gap("lock", reason, "fake:GetLock", "the server said", "fake:GetLock")


def test_an_error_that_the_provider_does_not_know_is_a_gap_as_well() -> None:
    found = one({"lock": ZeroDivisionError("division by zero"), "door": Door()})

    assert [(gap.facet, gap.reason, gap.detail) for gap in found.gaps] == [
        ("lock", GapReason.ERROR, "division by zero")
    ]


@given(
    st.dictionaries(
        st.sampled_from(["lock", "door"]),
        st.sampled_from([Lock(), FakeError(None), *(FakeError(r) for r in GapReason)]),
    ),
    st.sets(st.sampled_from(["lock", "door"])),
)
def test_each_demanded_facet_is_a_value_or_a_gap_and_no_other_is_read(
    answers: dict[str, Struct | Exception], demanded: set[str]
) -> None:
    """Never both, never neither, for every answer and every demand."""
    provider = FakeProvider({"home": {"box": answers}})
    what = structs.replace(plan(), demand={BOX.name: frozenset(demanded)}, census=frozenset())

    found = resources(records(provider, what))["box"]

    gaps = {gap.facet for gap in found.gaps}
    assert not gaps & found.facets.keys()
    assert gaps | found.facets.keys() == demanded
    asked = {call for call in provider.calls if call.startswith("fake:Get")}
    assert asked == {f"fake:Get{name.title()}" for name in demanded}


def test_only_what_the_rules_need_is_asked_for() -> None:
    """``--rule X`` makes X's calls."""
    provider = FakeProvider({"home": {"a": OPEN_BOX, "b": OPEN_BOX}})

    records(provider, plan(ruleset(UNLOCKED)))

    assert provider.calls == {"fake:ListBoxes": 1, "fake:GetLock": 2}


def test_a_kind_that_no_rule_is_about_is_not_listed() -> None:
    provider = FakeProvider({"home": {"a": OPEN_BOX}})

    found = records(provider, structs.replace(plan(), demand={}))

    assert provider.calls == Counter()
    assert found == [ScopeDone(Scope("fake", "home", "the scope home"))]


# --- scopes and listings ------------------------------------------------------------------------


def order(found: Iterable[Record]) -> list[str]:
    """Tell records apart by a word each."""
    words = []
    for record in found:
        if isinstance(record, Resource):
            words.append(record.ref.name)
        elif isinstance(record, ScopeDone):
            words.append(f"done {record.scope.id}")
        elif isinstance(record, GapRecord):
            words.append(f"gap {record.gap.scope}")
    return words


def test_a_scope_is_done_once_all_its_resources_are_there() -> None:
    boxes = {"a": {"a1": OPEN_BOX, "a2": OPEN_BOX}, "b": {}, "c": {"c1": OPEN_BOX}}

    assert order(records(FakeProvider(boxes))) == ["a1", "a2", "done a", "done b", "c1", "done c"]


def test_a_listing_that_is_denied_is_a_gap_of_its_scope_and_the_others_go_on() -> None:
    denied = FakeError(GapReason.PERMISSION_DENIED, "no listing")
    provider = FakeProvider({"a": {"a1": OPEN_BOX}, "b": denied, "c": {"c1": OPEN_BOX}})

    found = records(provider)

    assert order(found) == ["a1", "done a", "gap b", "done b", "c1", "done c"]
    (gap,) = [record.gap for record in found if isinstance(record, GapRecord)]
    assert gap == Gap(
        "", GapReason.PERMISSION_DENIED, "fake:ListBoxes", "no listing", "fake:ListBoxes", "b"
    )


class Halting(FakeProvider):
    """Lists some boxes of a scope, then fails; or fails to list the scopes."""

    def __init__(self, boxes: Any, *, after: int, where: str) -> None:  # noqa: ANN401
        super().__init__(boxes)
        self._after, self._where = after, where

    def scopes(self) -> Iterator[Scope]:
        for number, scope in enumerate(super().scopes()):
            if self._where == "scopes" and number == self._after:
                raise FakeError(GapReason.TIMEOUT, "no more scopes")
            yield scope

    def discover(self, scope: Scope, kind: Kind, place: str) -> Iterator[Discovered]:
        for number, found in enumerate(super().discover(scope, kind, place)):
            if self._where == scope.id and number == self._after:
                raise FakeError(GapReason.THROTTLED, "slow down")
            yield found


def test_a_listing_that_breaks_off_keeps_what_it_gave_and_says_so() -> None:
    boxes = {"a": {f"a{n}": OPEN_BOX for n in range(5)}, "b": {"b1": OPEN_BOX}}

    found = records(Halting(boxes, after=2, where="a"))

    assert order(found) == ["a0", "a1", "gap a", "done a", "b1", "done b"]


def test_a_list_of_scopes_that_breaks_off_is_a_gap_of_the_run() -> None:
    boxes = {"a": {"a1": OPEN_BOX}, "b": {"b1": OPEN_BOX}}

    found = records(Halting(boxes, after=1, where="scopes"))

    assert order(found) == ["a1", "done a", "gap "]
    (gap,) = [record.gap for record in found if isinstance(record, GapRecord)]
    assert (gap.call, gap.detail, gap.permission) == ("fake:scopes", "no more scopes", "")


def test_no_credentials_end_the_scan() -> None:
    """It is for the user to mend, not a gap among others."""
    boxes = {"home": CredentialsError("no key")}

    with pytest.raises(CredentialsError):
        records(FakeProvider(boxes))


def test_what_was_recorded_before_is_not_read_again() -> None:
    boxes = {
        "a": {"a1": OPEN_BOX},
        "b": {"b1": OPEN_BOX, "b2": OPEN_BOX},
        "c": {"c1": OPEN_BOX},
    }
    provider = FakeProvider(boxes)
    done, seen = frozenset({"a"}), frozenset({"fake:b:b1", "fake:c:c1"})

    with Engine(SERIAL) as engine:
        found = list(Collector(provider, engine, plan()).records(done=done, seen=seen))

    assert order(found) == ["b2", "done b", "done c"]
    assert provider.calls["fake:ListBoxes"] == 2
    assert provider.calls["fake:GetLock"] == 1


# --- facets of every sort -----------------------------------------------------------------------


class Fact(Struct, frozen=True):
    """A fact with a number."""

    Value: int = 0


def facet(name: str, **changes: Any) -> Facet:  # noqa: ANN401
    call = f"fake:Get{name.title()}"
    return structs.replace(Facet(name, call, call, Fact, Fact()), **changes)


class Cabinet:
    """A provider of one kind whose facets are given, and who notes how they are read."""

    api, name = 1, "fake"

    def __init__(self, *facets: Facet, answers: dict[str, Any] | None = None) -> None:
        self.kinds = (Kind("fake/thing", "thing", "fake:List", "fake:List", facets),)
        self.read_on: list[tuple[str, str]] = []
        self.answers = answers or {}
        self.size = 3

    def scopes(self) -> Iterator[Scope]:
        for scope in ("a", "b"):
            yield Scope("fake", scope)

    def places(self, _scope: Scope, _kind: Kind) -> Iterator[str]:
        yield ""

    def part(self, _ref: ResourceRef, _facet: Facet, value: Struct) -> Struct:
        return value

    def discover(self, scope: Scope, kind: Kind, _place: str) -> Iterator[Discovered]:
        given = {f.name: Fact(7) for f in kind.facets if f.listed}
        for number in range(self.size):
            name = f"{scope.id}{number}"
            yield Discovered(ResourceRef("fake", kind.name, name, name, scope.id), given)

    def read(
        self, ref: ResourceRef, facet: Facet, _known: Mapping[str, Any]
    ) -> Struct | Awaitable[Struct]:
        self.read_on.append((f"{ref.name}/{facet.name}", threading.current_thread().name))
        answer = self.answers.get(facet.name, Fact(1))
        if isinstance(answer, Exception):
            raise answer
        return answer if facet.blocking else self._later(answer)

    async def _later(self, answer: Struct) -> Struct:
        for _ in range(3):
            await asyncio.sleep(0)
        return answer

    def classify(self, error: Exception, facet: Facet | None) -> GapReason | NotSet:
        return FakeProvider({}).classify(error, facet)

    def grants(self, _resource: Resource) -> Iterable[Grant]:
        return ()

    async def close(self) -> None:
        return None

    def records(self, *demanded: str, settings: Settings = BUSY) -> list[Record]:
        """Read the facets demanded of every thing."""
        demand = {"fake/thing": frozenset(demanded)}
        what = structs.replace(plan(objects=0), demand=demand)
        with Engine(settings, seed=0) as engine:
            return list(Collector(self, engine, what).records())  # type: ignore[arg-type]

    def collect(self, *demanded: str) -> dict[str, Resource]:
        """Read the facets demanded of every thing, by the thing's name."""
        return resources(self.records(*demanded))

    def reads_of(self, name: str) -> int:
        return sum(read.endswith(f"/{name}") for read, _ in self.read_on)


@pytest.mark.parametrize("size", [0, 1, 5, 40])
@pytest.mark.parametrize("concurrency", [1, 3, 64])
def test_a_scope_is_never_done_before_its_last_resource(size: int, concurrency: int) -> None:
    """However the work overtakes itself: a resumed scan trusts that line."""
    cabinet = Cabinet(facet("late"))
    cabinet.size = size

    found = order(cabinet.records("late", settings=Settings(concurrency=concurrency)))

    for scope in ("a", "b"):
        assert found.count(f"done {scope}") == 1
        before = found[: found.index(f"done {scope}")]
        assert sum(word.startswith(scope) for word in before) == size


@pytest.mark.parametrize("blocking", [False, True])
def test_a_fact_of_the_scope_is_read_once_however_many_ask_at_once(*, blocking: bool) -> None:
    """And copied into each record, so that a record needs no other."""
    cabinet = Cabinet(facet("shared", shared=True, blocking=blocking))

    found = cabinet.collect("shared")

    assert cabinet.reads_of("shared") == 2
    assert {r.facets["shared"]["Value"] for r in found.values()} == {1}
    assert len(found) == 6


def test_a_fact_of_the_scope_that_is_denied_is_denied_to_all_and_asked_once() -> None:
    denied = FakeError(GapReason.PERMISSION_DENIED)
    cabinet = Cabinet(facet("shared", shared=True), answers={"shared": denied})

    found = cabinet.collect("shared")

    assert cabinet.reads_of("shared") == 2
    assert {r.gaps[0].reason for r in found.values()} == {GapReason.PERMISSION_DENIED}


def test_blocking_facts_are_read_on_threads_and_the_others_on_the_loop() -> None:
    cabinet = Cabinet(facet("slow", blocking=True), facet("quick"))

    cabinet.collect("slow", "quick")

    on = {read.split("/")[1]: thread for read, thread in cabinet.read_on}
    assert on["slow"].startswith("cachescan")
    assert on["quick"] == threading.current_thread().name


def test_what_the_listing_gave_is_not_read() -> None:
    cabinet = Cabinet(facet("given", listed=True), facet("asked"))

    found = cabinet.collect("given", "asked")

    assert cabinet.reads_of("given") == 0
    assert {r.facets["given"]["Value"] for r in found.values()} == {7}


@pytest.mark.parametrize(
    ("answer", "reads", "value"),
    [
        (FakeError(None), 0, 0),
        (Fact(), 0, 0),
        (Fact(5), 6, 1),
        (FakeError(GapReason.TIMEOUT), 6, 1),
    ],
)
def test_a_call_is_saved_where_another_fact_decides_it(
    answer: object, reads: int, value: int
) -> None:
    """No policy, so no policy status; but a policy that was not read saves nothing."""
    cabinet = Cabinet(
        facet("policy"), facet("status", needs=("policy",)), answers={"policy": answer}
    )

    found = cabinet.collect("policy", "status")

    assert cabinet.reads_of("status") == reads
    assert {r.facets["status"]["Value"] for r in found.values()} == {value}


def test_a_call_is_not_saved_by_what_was_not_demanded() -> None:
    cabinet = Cabinet(facet("policy"), facet("status", needs=("policy",)))

    cabinet.collect("status")

    assert (cabinet.reads_of("policy"), cabinet.reads_of("status")) == (0, 6)


def test_no_credentials_midway_end_the_scan_even_where_many_wait_for_them() -> None:
    error = CredentialsError("expired")
    cabinet = Cabinet(facet("shared", shared=True), answers={"shared": error})

    with pytest.raises(CredentialsError, match="expired"):
        cabinet.collect("shared")


# --- the census ---------------------------------------------------------------------------------


def census_of(
    facets: dict[str, Struct | Exception],
    *pages: Sequence[bytes] | Exception,
    objects: int = 100,
) -> tuple[Census | None, Counter[str]]:
    """Collect one box with things in it."""
    provider = FakeProvider({"home": {"box": facets}}, {"box": pages})
    found = records(provider, plan(ruleset(DRAFT), objects=objects))
    return resources(found)["box"].census, provider.calls


def test_what_outsiders_reach_is_listed() -> None:
    census, calls = census_of(OPEN_BOX, [b"a", b"draft"], [b"b"])

    assert census is not None
    assert (census.listed, census.complete, census.counts) == (3, True, {"draft": 1})
    assert calls["fake:ListThings"] == 2


def test_what_nobody_reaches_is_not() -> None:
    census, calls = census_of({"door": Door(Open=False)}, [b"draft"])

    assert census is None
    assert calls["fake:ListThings"] == 0


def test_what_outsiders_may_reach_for_all_we_know_is_listed() -> None:
    """An unread door is not a closed one."""
    census, _ = census_of({"door": FakeError(GapReason.PERMISSION_DENIED)}, [b"draft"])

    assert census is not None
    assert census.counts == {"draft": 1}


@pytest.mark.parametrize(("objects", "rules"), [(0, RULES), (100, (UNLOCKED,))])
def test_nothing_is_listed_unless_somebody_asks(objects: int, rules: Any) -> None:  # noqa: ANN401
    provider = FakeProvider({"home": {"box": OPEN_BOX}}, {"box": [[b"draft"]]})

    found = resources(records(provider, plan(ruleset(*rules), objects=objects)))

    assert found["box"].census is None
    assert provider.calls["fake:ListThings"] == 0


def test_the_budget_of_objects_is_kept_and_told() -> None:
    census, calls = census_of(OPEN_BOX, [b"a", b"b"], [b"c"], [b"d"], objects=3)

    assert census is not None
    assert (census.listed, census.complete) == (3, False)
    assert [gap.reason for gap in census.gaps] == [GapReason.TRUNCATED]
    assert calls["fake:ListThings"] == 2


def test_a_listing_that_is_denied_is_a_gap_of_the_census() -> None:
    census, _ = census_of(OPEN_BOX, FakeError(GapReason.PERMISSION_DENIED, "no listing"))

    assert census is not None
    assert census.gaps == (
        Gap(
            "census",
            GapReason.PERMISSION_DENIED,
            "fake:ListThings",
            "no listing",
            "fake:ListThings",
        ),
    )
    assert (census.listed, census.complete) == (0, False)


def test_a_listing_that_breaks_off_keeps_what_it_gave() -> None:
    """And a retry counts anew, not twice."""
    census, calls = census_of(OPEN_BOX, [b"draft"], FakeError(GapReason.THROTTLED, "slow down"))

    assert census is not None
    assert (census.listed, census.counts, census.complete) == (1, {"draft": 1}, False)
    assert [gap.reason for gap in census.gaps] == [GapReason.THROTTLED]
    assert calls["fake:ListThings"] == 4


def test_an_answer_that_says_nothing_about_a_listing_is_an_error() -> None:
    class Mute(FakeProvider):
        def classify(self, _error: Exception, _facet: Facet | None) -> GapReason | NotSet:
            return NotSet()

    provider = Mute({"home": {"box": OPEN_BOX}}, {"box": [FakeError(None)]})

    census = resources(records(provider, plan(ruleset(DRAFT))))["box"].census

    assert census is not None
    assert [gap.reason for gap in census.gaps] == [GapReason.ERROR]
