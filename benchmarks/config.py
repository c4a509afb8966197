"""The whole scan of one estate by each program in turn, and what each asked of the cloud."""

from __future__ import annotations

import shutil
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import calls
from measure import BenchError, Usage, median, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from calls import Calls
    from contestants import Contestant
    from fixture import Door

LONGEST_RUN_SECONDS = 900
ENOUGH_SECONDS = 100
"""No further run of a program, through one door, once its runs took so long together."""


@dataclass
class Result:
    """The runs of one program through one door."""

    contestant: Contestant
    door: Door
    runs: list[Usage] = field(default_factory=list)
    asked: list[Calls] = field(default_factory=list)

    @property
    def usage(self) -> Usage:
        """The medians."""
        return median(self.runs)

    @property
    def requests(self) -> float:
        """The median number of requests."""
        return statistics.median(asked.total for asked in self.asked)

    @property
    def done(self) -> bool:
        """Whether there were runs enough to stop early."""
        return sum(run.wall for run in self.runs) >= ENOUGH_SECONDS


def measure(
    contestants: Sequence[Contestant], doors: Sequence[Door], folder: Path, repeat: int
) -> list[Result]:
    """Run everyone through every door, in turn; raises BenchError if one fails.

    The first run is not counted: it fills the cache that the others are answered from.
    """
    _once(contestants[0], doors[0], folder)
    results = [Result(contestant, door) for door in doors for contestant in contestants]
    for _ in range(repeat):
        for result in results:
            if not result.done:
                usage, asked = _once(result.contestant, result.door, folder)
                result.runs.append(usage)
                result.asked.append(asked)
    return results


def _once(contestant: Contestant, door: Door, folder: Path) -> tuple[Usage, Calls]:
    """Run a program once, with an empty home and an empty folder for its results."""
    print(f"  {contestant.name}, {door.label} ...", end="", flush=True)
    home, out, log = folder / "home", folder / "out", folder / "run.log"
    for empty in (home, out):
        shutil.rmtree(empty, ignore_errors=True)
        empty.mkdir()
    offset = door.log.stat().st_size
    usage = run(
        contestant.command(door.url, out),
        log,
        env=contestant.environment(door.url, home),
        cwd=out,
        seconds=LONGEST_RUN_SECONDS,
    )
    print(f" {usage.wall:.1f} s", flush=True)
    if usage.code not in contestant.accepted:
        raise BenchError(f"{contestant.name} ended with {usage.code}:\n{_end(log)}")
    asked = calls.since(door.log, offset)
    # Whoever stops early is not fast.
    if asked.operations["acl"] < door.buckets:
        raise BenchError(f"{contestant.name} did not read every bucket:\n{_end(log)}")
    return usage, asked


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
