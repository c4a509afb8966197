"""The one concurrent module: everything comes, nothing runs ahead, and whatever fails is told."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachescan.engine import RETRYABLE, Engine, Failure, Limiter, Settings
from cachescan.errors import ConfigError, CredentialsError
from cachescan.model import GapReason
from cachescan.providers.base import NotSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REAL_SLEEP = asyncio.sleep
FAST = Settings(concurrency=8, attempts=3, backoff=0)
BATCH = 64


class SaysError(Exception):
    """An error that says what it is."""

    def __init__(
        self, reason: GapReason | NotSet, text: str = "said", after: object = None
    ) -> None:
        super().__init__(text)
        self.reason = reason
        self.retry_after = after


def classify(error: Exception) -> GapReason | NotSet:
    return error.reason if isinstance(error, SaysError) else GapReason.ERROR


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record every pause instead of making it."""
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)
        await REAL_SLEEP(0)

    monkeypatch.setattr("cachescan.engine.asyncio.sleep", sleep)
    return asked


async def double(item: int) -> int:
    await REAL_SLEEP(0)
    return item * 2


# --- the stream ---------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 2, 7, 128, 1000])
@pytest.mark.parametrize("count", [0, 1, BATCH, BATCH + 1, 500])
def test_every_item_gives_its_result_once(concurrency: int, count: int) -> None:
    with Engine(Settings(concurrency=concurrency)) as engine:
        results = list(engine.stream(range(count), double))

    assert sorted(results) == [item * 2 for item in range(count)]


def test_one_at_a_time_keeps_the_order() -> None:
    """A run on one lane is deterministic."""

    async def work(item: int) -> int:
        for _ in range(item % 3):
            await REAL_SLEEP(0)
        return item

    with Engine(Settings(concurrency=1)) as engine:
        assert list(engine.stream(range(200), work)) == list(range(200))


class Watched:
    """Work that counts how much of it is under way."""

    def __init__(self) -> None:
        self.started = self.running = self.peak = self.cancelled = 0

    async def __call__(self, item: int) -> int:
        self.started += 1
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            for _ in range(item % 5):
                await REAL_SLEEP(0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        return item


@given(concurrency=st.integers(1, 40), count=st.integers(0, 200))
def test_never_more_than_the_limit_is_under_way(concurrency: int, count: int) -> None:
    work = Watched()

    with Engine(Settings(concurrency=concurrency)) as engine:
        assert len(list(engine.stream(range(count), work))) == count

    assert work.peak <= concurrency
    assert work.running == 0


def drawn_from(source: Iterator[int], log: list[int]) -> Iterator[int]:
    for item in source:
        log.append(item)
        yield item


def test_a_consumer_that_does_not_ask_stops_the_readers() -> None:
    """An endless listing stays a few batches ahead, and work stands still between two results."""
    work, drawn = Watched(), list[int]()

    with Engine(Settings(concurrency=4)) as engine:
        stream = engine.stream(drawn_from(itertools.count(), drawn), work)
        for received in range(1, 300):
            next(stream)
            assert work.started <= received + 3 * 4
            assert len(drawn) <= received + 3 * 4 + 2 * BATCH
        close(stream)

    assert work.running == 0


def test_work_that_is_not_asked_for_does_not_run() -> None:
    """The loop turns only inside ``next``."""
    started = []

    async def work(item: int) -> int:
        started.append(item)
        return item

    with Engine(FAST) as engine:
        stream = engine.stream(range(100), work)
        assert started == []
        next(stream)
        seen = list(started)
        time.sleep(0.02)
        assert started == seen
        assert len(list(stream)) == 99


@pytest.mark.parametrize("error", [ValueError("odd"), ConfigError("odd"), KeyError("odd")])
def test_what_the_work_raises_is_raised_as_it_is(error: Exception) -> None:
    """Not wrapped in a group, and the rest is cancelled."""
    work = Watched()

    async def failing(item: int) -> int:
        if item == 50:
            raise error
        return await work(item)

    with Engine(FAST) as engine, pytest.raises(type(error)) as caught:
        list(engine.stream(range(10_000), failing))

    assert caught.value is error
    assert work.running == 0
    assert work.started < 1000


def test_what_the_items_raise_is_raised_as_it_is() -> None:
    """After the results of the items before it."""

    def items() -> Iterator[int]:
        yield from range(3)
        raise CredentialsError("no key")

    with Engine(FAST) as engine, pytest.raises(CredentialsError, match="no key"):
        list(engine.stream(items(), double))


def test_an_interrupt_is_not_swallowed() -> None:
    async def work(item: int) -> int:
        if item == 3:
            raise KeyboardInterrupt
        return item

    with pytest.raises(KeyboardInterrupt), Engine(FAST) as engine:
        list(engine.stream(range(100), work))


def close(stream: Iterator[int]) -> None:
    """Stop asking, as a consumer does that breaks out of its loop."""
    assert isinstance(stream, Generator)
    stream.close()


def engine_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("cachescan")]


def test_closing_early_cancels_what_is_under_way_and_leaves_nothing() -> None:
    """No task, no thread, no warning."""
    gate = Watched()

    async def forever(item: int) -> int:
        if item < 3:
            return item
        gate.running += 1
        try:
            await asyncio.Event().wait()
        finally:
            gate.running -= 1
            gate.cancelled += 1
        return item

    with Engine(FAST) as engine:
        stream = engine.stream(itertools.count(), forever)
        assert [next(stream) for _ in range(3)] == [0, 1, 2]
        close(stream)
        assert gate.running == 0
        assert engine.run(tasks_alive()) == set()
        assert len(engine_threads()) > 0

    for thread in engine_threads():
        thread.join(timeout=10)
    assert engine_threads() == []


async def tasks_alive() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


def test_leaving_the_engine_stops_a_stream_that_nobody_closed() -> None:
    cancelled = []

    async def forever(item: int) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(item)
        return item

    async def first(item: int) -> int:
        return item if item == 0 else await forever(item)

    with Engine(Settings(concurrency=4)) as engine:
        stream = engine.stream(range(4), first)
        assert next(stream) == 0
        del stream

    assert sorted(cancelled) == [1, 2, 3]


def test_an_engine_can_stream_again() -> None:
    """One engine serves several providers, one after the other."""
    with Engine(FAST) as engine:
        assert sorted(engine.stream(range(3), double)) == [0, 2, 4]
        next(engine.stream(range(100), double))
        assert sorted(engine.stream(range(3), double)) == [0, 2, 4]


# --- a call -------------------------------------------------------------------------------------


def call(function: Callable[[], Any], *, settings: Settings = FAST, blocking: bool = False) -> Any:  # noqa: ANN401
    """Make one call on an engine of its own."""
    with Engine(settings, seed=1) as engine:
        return engine.run(engine.call("key", function, classify, blocking=blocking))


class Server:
    """Answers with each of the given values or errors in turn, then with ``ok``."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.calls = 0

    def __call__(self) -> object:
        self.calls += 1
        answer = self._answers.pop(0) if self._answers else "ok"
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def later(self) -> object:
        await REAL_SLEEP(0)
        return self()


def test_a_value_comes_directly_or_from_an_awaitable() -> None:
    server = Server()

    assert call(server) == "ok"
    assert call(server.later) == "ok"
    assert call(lambda: None) is None


def test_a_blocking_call_runs_on_a_thread() -> None:
    def where() -> str:
        return threading.current_thread().name

    assert call(where) == threading.current_thread().name
    assert call(where, blocking=True).startswith("cachescan")


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("reason", sorted(GapReason))
def test_an_error_becomes_its_reason_and_only_passing_ones_are_tried_again(
    sleeps: list[float], reason: GapReason, *, blocking: bool
) -> None:
    """A denial does not go away by asking again."""
    server = Server(*[SaysError(reason)] * 10)

    assert call(server, blocking=blocking) == Failure(reason, "said")
    assert server.calls == (3 if reason in RETRYABLE else 1)
    assert len(sleeps) >= server.calls - 1


@pytest.mark.parametrize("blocking", [False, True])
def test_what_goes_away_is_read_after_all(sleeps: list[float], *, blocking: bool) -> None:
    server = Server(SaysError(GapReason.THROTTLED), SaysError(GapReason.TIMEOUT), "here")

    assert call(server, blocking=blocking) == "here"
    assert len(sleeps) >= 2


def test_the_last_word_counts() -> None:
    """Throttled first and denied then is a denial."""
    server = Server(
        SaysError(GapReason.TIMEOUT), SaysError(GapReason.PERMISSION_DENIED, "no, really")
    )

    assert call(server) == Failure(GapReason.PERMISSION_DENIED, "no, really")


def test_not_set_is_an_answer() -> None:
    server = Server(SaysError(NotSet()))

    assert call(server) == NotSet()
    assert server.calls == 1


def test_what_the_server_said_is_kept_bounded_and_never_empty() -> None:
    """An error page is not copied whole; an error without a text is told by its name."""
    assert call(Server(SaysError(GapReason.MALFORMED, "x" * 9999))).detail == "x" * 297 + "..."
    assert call(Server(SaysError(GapReason.MALFORMED, "x" * 300))).detail == "x" * 300
    assert call(Server(SaysError(GapReason.MALFORMED, ""))).detail == "SaysError"


@pytest.mark.parametrize("error", [CredentialsError("no key"), ConfigError("odd")])
def test_what_is_for_the_user_to_mend_is_no_gap(error: Exception) -> None:
    with pytest.raises(type(error)):
        call(Server(error))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_exits_and_interrupts_pass(error: BaseException) -> None:
    with pytest.raises(type(error)):
        call(Server(error))


def test_no_attempt_at_all_is_a_fault() -> None:
    with pytest.raises(RuntimeError, match="attempts"):
        call(Server(), settings=Settings(attempts=0))


# --- retries ------------------------------------------------------------------------------------


def test_pauses_double_with_jitter_up_to_the_longest(sleeps: list[float]) -> None:
    settings = Settings(attempts=8, backoff=1, longest_pause=5)
    with Engine(settings, seed=3) as engine:
        for _ in range(50):
            server = Server(*[SaysError(GapReason.TIMEOUT)] * 8)
            engine.run(engine.call("key", server, classify))

    bounds = [1, 2, 4, 5, 5, 5, 5]
    assert len(sleeps) == 50 * len(bounds)
    for index, pause in enumerate(sleeps):
        assert 0 <= pause <= bounds[index % len(bounds)]
    assert len(set(sleeps)) > 300


@pytest.mark.parametrize(
    ("asked", "expected"), [(7, 7), (0.5, 0.5), (900, 20), (7.0, 7), (1e300, 20)]
)
def test_a_server_that_says_when_to_come_back_is_obeyed(
    sleeps: list[float], asked: float, expected: float
) -> None:
    """But not for longer than the user waits."""
    call(Server(SaysError(GapReason.TIMEOUT, after=asked)), settings=Settings(backoff=0))

    assert sleeps == [expected]


@pytest.mark.parametrize("asked", [0, -5, None, "soon", "7", float("nan")])
def test_nonsense_in_its_place_is_not(sleeps: list[float], asked: object) -> None:
    call(Server(SaysError(GapReason.TIMEOUT, after=asked)), settings=Settings(backoff=0))

    assert sleeps == [0]


def test_retries_are_owed_and_paid_back_by_successes(sleeps: list[float]) -> None:
    """A server that is down is not asked five times as often as one that is up."""
    settings = Settings(attempts=5, retry_budget=6, backoff=0)
    down = Server(*[SaysError(GapReason.ERROR)] * 1000)
    up = Server()
    with Engine(settings, seed=0) as engine:

        def ask(server: Server, times: int) -> int:
            before = server.calls
            for _ in range(times):
                engine.run(engine.call("key", server, classify))
            return server.calls - before

        assert ask(down, 100) == 100 + 6
        assert ask(up, 20) == 20
        assert ask(down, 100) == 100 + 2
        ask(up, 1000)
        assert ask(down, 100) == 100 + 6

    assert len(sleeps) == 14


# --- the limiter --------------------------------------------------------------------------------


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_nothing_is_slowed_down_while_nothing_is_throttled() -> None:
    limiter = Limiter(Clock())

    assert {limiter.pause() for _ in range(1000)} == {0.0}
    limiter.succeeded()
    assert limiter.rate is None


def test_a_throttle_halves_the_rate_once_a_round() -> None:
    """From what was seen; calls that were under way already do not halve it again."""
    clock = Clock()
    limiter = Limiter(clock)
    for _ in range(400):
        limiter.pause()
    clock.time += 0.5

    limiter.throttled()
    assert limiter.rate == 400
    for _ in range(100):
        limiter.throttled()
    assert limiter.rate == 400
    clock.time += 1
    limiter.throttled()
    assert limiter.rate == 200


def test_the_rate_never_falls_below_one_a_second() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    limiter.pause()
    for _ in range(50):
        clock.time += 2
        limiter.throttled()

    assert limiter.rate == 1


def test_successes_bring_the_rate_back() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    for _ in range(100):
        limiter.pause()
    clock.time += 1
    limiter.throttled()
    slow = limiter.rate
    assert slow is not None

    for _ in range(15):
        limiter.succeeded()

    assert limiter.rate is not None
    assert limiter.rate == pytest.approx(slow * 1.05**15)
    assert limiter.rate > 2 * slow


def test_calls_are_spread_over_the_second() -> None:
    """Each waits its turn; time that passed unused is not saved up."""
    clock = Clock()
    limiter = Limiter(clock)
    limiter.rate = 10

    assert [limiter.pause() for _ in range(4)] == pytest.approx([0, 0.1, 0.2, 0.3])
    clock.time += 0.2
    assert limiter.pause() == pytest.approx(0.2)
    clock.time += 100
    assert [limiter.pause() for _ in range(3)] == pytest.approx([0, 0.1, 0.2])


def test_accounts_do_not_slow_each_other_down(sleeps: list[float]) -> None:
    """One limiter for each key; only the one that was throttled pauses."""
    with Engine(Settings(attempts=1)) as engine:

        def ask(key: str, *answers: object) -> None:
            server = Server(*answers)
            for _ in range(max(1, len(answers))):
                engine.run(engine.call(key, server, classify))

        ask("slow", SaysError(GapReason.THROTTLED))
        ask("other", *["ok"] * 20)
        assert sleeps == []
        ask("slow", *["ok"] * 20)

    assert len(sleeps) >= 15


# --- iterating ----------------------------------------------------------------------------------


def test_a_listing_that_fails_on_its_way_ends_with_the_reason() -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise SaysError(GapReason.THROTTLED, "slow down")

    with Engine() as engine:
        found = list(engine.iterate(items(), classify))

    assert found == [0, 1, 2, Failure(GapReason.THROTTLED, "slow down")]


def test_a_listing_that_is_not_set_is_no_listing() -> None:
    """To be "not set" is an answer about a facet; of a listing it explains nothing."""

    def items() -> Iterator[int]:
        yield from ()
        raise SaysError(NotSet())

    with Engine() as engine:
        assert list(engine.iterate(items(), classify)) == [Failure(GapReason.ERROR, "said")]


def test_a_listing_of_nothing_is_no_failure() -> None:
    with Engine() as engine:
        assert list(engine.iterate(iter([]), classify)) == []
        assert list(engine.iterate(iter([None, 0]), classify)) == [None, 0]


def test_no_credentials_end_a_listing_for_good() -> None:
    def items() -> Iterator[int]:
        yield from ()
        raise CredentialsError("no key")

    with Engine() as engine, pytest.raises(CredentialsError):
        list(engine.iterate(items(), classify))


def test_spawned_work_is_done_once_for_all_who_wait() -> None:
    server = Server("one", "two", "three")

    async def wait_twice(engine: Engine) -> list[object]:
        task = engine.spawn(server.later())
        return [await task, await task]

    with Engine() as engine:
        assert engine.run(wait_twice(engine)) == ["one", "one"]
    assert server.calls == 1
