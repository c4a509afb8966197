"""THE concurrent module: pool, limiter, retries, back-pressure, and the one broad catch.

The event loop runs only while the consumer asks for the next result, so a slow consumer slows
the readers by itself, and everything around this module stays ordinary synchronous code
(ADR 0004).
"""

from __future__ import annotations

import asyncio
import inspect
import random
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, TypeVar

from msgspec import Struct

from cachescan.errors import CachescanError
from cachescan.model import GapReason
from cachescan.providers.base import NotSet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator

    Classify = Callable[[Exception], GapReason | NotSet]

T = TypeVar("T")
R = TypeVar("R")

RETRYABLE = frozenset({GapReason.THROTTLED, GapReason.TIMEOUT, GapReason.ERROR})
"""What may go away by itself. A denial or a malformed answer does not."""

_BATCH = 64
_DETAIL = 300


class Failure(Struct, frozen=True):
    """A call that gave no value: why, and what the server said."""

    reason: GapReason
    detail: str


class Settings(Struct, frozen=True):
    """How hard to try.

    Attributes:
        concurrency: resources worked on at once; 1 makes a run deterministic.
        attempts: tries of one call, the first included.
        retry_budget: retries that may be owed at any time; each success pays back a tenth, so a
            server that is down is not asked five times as often as one that is up.
        backoff: seconds, the upper bound of the first pause; doubled each time, with full jitter.
        longest_pause: seconds, the upper bound of any pause.
    """

    concurrency: int = 128
    attempts: int = 5
    retry_budget: float = 1000
    backoff: float = 0.2
    longest_pause: float = 20


class Limiter:
    """A rate for one (account, service): none until the server throttles, then halved each time.

    After a throttle the rate recovers by a twentieth per success, so it settles just below what
    the server takes.
    """

    _SLOWEST = 1.0

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.rate: float | None = None  # calls per second; None while nothing was throttled
        self._next = 0.0
        self._started = now()
        self._calls = 0
        self._held_until = 0.0

    def pause(self) -> float:
        """Return the seconds to wait before the next call, and count that call."""
        now = self._now()
        if now - self._started > 1:
            self._started, self._calls = now, 0
        self._calls += 1
        if self.rate is None:
            return 0.0
        slot = max(now, self._next)
        self._next = slot + 1 / self.rate
        return slot - now

    def throttled(self) -> None:
        """Halve the rate, once per round of calls that were already under way."""
        now = self._now()
        if now < self._held_until:
            return
        seen = self._calls / max(now - self._started, 0.05)
        self.rate = max(self._SLOWEST, (seen if self.rate is None else self.rate) / 2)
        self._held_until = now + 1

    def succeeded(self) -> None:
        """Let the rate recover."""
        if self.rate is not None:
            self.rate *= 1.05


class Engine:
    """Runs work items concurrently and calls with retries. Use as a context manager."""

    def __init__(self, settings: Settings | None = None, *, seed: int | None = None) -> None:
        self.settings = settings or Settings()
        self._random = random.Random(seed)  # noqa: S311 (jitter, no secret)
        self._budget = self.settings.retry_budget
        self._limiters: dict[Hashable, Limiter] = {}
        self._runner = asyncio.Runner()
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="cachescan")

    def __enter__(self) -> Self:
        """Return the engine; its loop starts with the first work."""
        return self

    def __exit__(self, *_: object) -> None:
        """Cancel what is under way and release the loop and the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._runner.close()

    def run(self, work: Awaitable[R]) -> R:
        """Run one awaitable to its end."""
        return self._runner.run(_awaited(work))

    def stream(self, items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> Iterator[R]:
        """Yield the results of ``work`` over ``items`` as they complete.

        Items are drawn on a worker thread, since listing them may block. What ``work`` or the
        items raise is raised here.
        """
        results: asyncio.Queue[R | _Raised | _Ended] = asyncio.Queue()
        feeder = self._runner.get_loop().create_task(self._feed(iter(items), work, results))
        try:
            while True:
                for result in self._runner.run(_drain(results)):
                    if isinstance(result, _Raised):
                        raise result.error
                    if isinstance(result, _Ended):
                        return
                    yield result
        finally:
            if not feeder.done():
                feeder.cancel()
                self._runner.run(_settle(feeder))

    async def _feed(
        self,
        items: Iterator[T],
        work: Callable[[T], Awaitable[R]],
        results: asyncio.Queue[R | _Raised | _Ended],
    ) -> None:
        loop = asyncio.get_running_loop()
        room = asyncio.Semaphore(self.settings.concurrency)

        async def one(item: T) -> None:
            try:
                results.put_nowait(await work(item))
            finally:
                room.release()

        try:
            async with asyncio.TaskGroup() as group:
                while batch := await loop.run_in_executor(
                    self._pool, lambda: list(islice(items, _BATCH))
                ):
                    for item in batch:
                        await room.acquire()
                        group.create_task(one(item))
        except BaseExceptionGroup as errors:
            results.put_nowait(_Raised(errors.exceptions[0]))
        else:
            results.put_nowait(_Ended())

    async def call(
        self,
        key: Hashable,
        function: Callable[[], Any],
        classify: Classify,
        *,
        blocking: bool = False,
    ) -> Any:  # noqa: ANN401 (whatever the function gives)
        """Return the function's value, or a ``Failure`` or ``NotSet``; never raises an error.

        Args:
            key: what shares a rate, usually (provider, account).
            function: returns the value or an awaitable of it.
            classify: says what an error means.
            blocking: run the function on a worker thread.
        """
        limiter = self._limiter(key)
        for attempt in range(1, self.settings.attempts + 1):
            pause = limiter.pause()
            if pause:
                await asyncio.sleep(pause)
            boundary = _Boundary()
            with boundary:
                value = await self._invoke(function, blocking=blocking)
            error = boundary.error
            meaning = NotSet() if error is None else classify(error)
            if isinstance(meaning, NotSet):
                limiter.succeeded()
                self._budget = min(self.settings.retry_budget, self._budget + 0.1)
                return value if error is None else meaning
            if meaning is GapReason.THROTTLED:
                limiter.throttled()
            if attempt == self.settings.attempts or not self._may_retry(meaning):
                return Failure(meaning, _detail(boundary.error))
            await asyncio.sleep(self._backoff(attempt, boundary.error))
        raise RuntimeError("attempts must be at least 1")

    def spawn(self, work: Awaitable[R]) -> asyncio.Task[R]:
        """Start work whose one result several items may await."""
        return self._runner.get_loop().create_task(_awaited(work))

    def iterate(self, iterator: Iterator[T], classify: Classify) -> Iterator[T | Failure]:
        """Yield from a provider's own iterator; an error ends it with a ``Failure``."""
        boundary = _Boundary()
        while True:
            item: T | _Ended = _Ended()
            with boundary:
                item = next(iterator, item)
            if boundary.error is not None:
                meaning = classify(boundary.error)
                reason = meaning if isinstance(meaning, GapReason) else GapReason.ERROR
                yield Failure(reason, _detail(boundary.error))
                return
            if isinstance(item, _Ended):
                return
            yield item

    async def _invoke(self, function: Callable[[], Any], *, blocking: bool) -> Any:  # noqa: ANN401
        if blocking:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function)
        value = function()
        return await value if inspect.isawaitable(value) else value

    def _limiter(self, key: Hashable) -> Limiter:
        limiter = self._limiters.get(key)
        if limiter is None:
            limiter = self._limiters[key] = Limiter(self._runner.get_loop().time)
        return limiter

    def _may_retry(self, reason: GapReason) -> bool:
        if reason not in RETRYABLE or self._budget < 1:
            return False
        self._budget -= 1
        return True

    def _backoff(self, attempt: int, error: Exception | None) -> float:
        asked = getattr(error, "retry_after", None)
        if isinstance(asked, int | float) and asked > 0:
            return min(float(asked), self.settings.longest_pause)
        bound = min(self.settings.longest_pause, self.settings.backoff * 2 ** (attempt - 1))
        return self._random.uniform(0, bound)


class _Boundary:
    """The one broad catch below the command line: whatever a provider raises becomes a gap.

    A context manager rather than an ``except`` clause, so that awaited calls and listings share
    it. Exits, interrupts and cancellation pass through, and so does what is for the user to mend.
    """

    __slots__ = ("error",)

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, Exception) and not isinstance(error, CachescanError):
            self.error = error
            return True
        return False


class _Raised(Struct, frozen=True):
    error: BaseException


class _Ended(Struct, frozen=True):
    pass


async def _awaited(work: Awaitable[R]) -> R:
    return await work


async def _drain(results: asyncio.Queue[R]) -> list[R]:
    """Wait for one result and take along what else is there."""
    found = [await results.get()]
    while not results.empty():
        found.append(results.get_nowait())
    return found


async def _settle(task: asyncio.Task[None]) -> None:
    await asyncio.gather(task, return_exceptions=True)


def _detail(error: Exception | None) -> str:
    """Return what the server said, bounded: an error text may be a whole page."""
    text = str(error) or type(error).__name__
    return text if len(text) <= _DETAIL else f"{text[: _DETAIL - 3]}..."
