"""What is printed: plain tables, with ratios, and what was measured with what."""

from __future__ import annotations

import os
import platform
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from startup import BARE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from config import Result
    from measure import Usage

LEAST_RATIO = 10
MOST_MEGABYTES = 150
MOST_STARTUP_MS = 60


def machine() -> str:
    """Return one line about where this runs."""
    cores = len(os.sched_getaffinity(0))
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in info if line.startswith("model name")), "?")
    load = os.getloadavg()[0]
    return f"{cores} cores ({model}), Python {platform.python_version()}, load {load:.1f} at start"


def startup(figures: Mapping[str, Usage]) -> Iterator[str]:
    """Yield the table of start-up times, and whether the goal is met."""
    bare = figures[BARE]
    yield from _table(
        ("start-up", "ms", "ms over bare", "RSS MB"),
        [
            (name, f"{u.wall * 1e3:.0f}", f"{(u.wall - bare.wall) * 1e3:+.0f}", f"{u.rss:.0f}")
            for name, u in figures.items()
        ],
    )
    worst = max(u.wall - bare.wall for name, u in figures.items() if name.startswith("cachescan"))
    yield _goal(
        f"start-up within {MOST_STARTUP_MS} ms of bare Python", worst * 1e3, MOST_STARTUP_MS
    )


def scans(results: Sequence[Result]) -> Iterator[str]:
    """Yield the table of scans, the calls of each program, and whether the goals are met."""
    rows = []
    for result in results:
        usage, own = result.usage, _own(results, result).usage
        rows.append(
            (
                result.contestant.name,
                result.door.label,
                str(len(result.runs)),
                f"{result.requests:.0f}",
                f"{result.requests / result.door.buckets:.1f}",
                f"{usage.wall:.1f}",
                f"{usage.wall / own.wall:.1f}x",
                f"{usage.cpu:.1f}",
                f"{usage.cpu / own.cpu:.1f}x",
                f"{usage.rss:.0f}",
                f"{usage.cpu / result.requests * 1e3:.2f}",
            )
        )
    head = (
        "scan",
        "answers",
        "n",
        "requests",
        "a bucket",
        "wall s",
        "ratio",
        "CPU s",
        "ratio",
        "RSS MB",
    )
    yield from _table((*head, "CPU ms a request"), rows)
    yield ""
    yield from _calls(results)
    yield from _scan_goals(results)


def _calls(results: Sequence[Result]) -> Iterator[str]:
    """Yield what each program asked in its last run, as calls a bucket, and for all of them."""
    seen: set[str] = set()
    for result in results:
        name, asked, buckets = result.contestant.name, result.asked[-1], result.door.buckets
        if asked.uncached or asked.failed:
            yield f"{name}, {result.door.label}: {asked.uncached} uncached, {asked.failed} failed"
        if name in seen:
            continue
        seen.add(name)
        each = Counter({op: n for op, n in asked.operations.items() if n > buckets / 20})
        rest = asked.operations - each
        yield f"{name} asks of a bucket: " + ", ".join(
            f"{op} {n / buckets:.2f}".removesuffix(" 1.00") for op, n in each.most_common()
        )
        yield "  and in all: " + ", ".join(f"{op} {n}" for op, n in rest.most_common())


def _scan_goals(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        own = _own(results, result)
        if own is result:
            label = f"memory, {result.door.label}, within {MOST_MEGABYTES} MB"
            yield _goal(label, result.usage.rss, MOST_MEGABYTES)
        elif "Custodian" in result.contestant.name:
            for what in ("cpu", "wall"):
                ratio = getattr(result.usage, what) / getattr(own.usage, what)
                label = f"{what}, {result.door.label}, {LEAST_RATIO} times under Custodian"
                yield _goal(label, -ratio, -LEAST_RATIO)


def _own(results: Sequence[Result], peer: Result) -> Result:
    """Return the result of cachescan, which comes first, through the same door."""
    return next(result for result in results if result.door == peer.door)


def _goal(what: str, measured: float, most: float) -> str:
    return f"{'met   ' if measured <= most else 'MISSED'} {what}: {abs(measured):.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a Markdown table whose columns stand in line in a terminal as well."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        return f"| {' | '.join(padded)} |"

    yield line(head)
    yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    yield from map(line, rows)
