"""What a command costs: wall, CPU and peak memory, each command in a session of its own."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

STOPWATCH = Path(__file__).with_name("stopwatch.py")
GRACE_SECONDS = 5


class BenchError(Exception):
    """The benchmark cannot go on; the text is for the person who runs it."""


@dataclass(frozen=True)
class Usage:
    """What one run took: seconds, CPU-seconds of the whole tree of processes, megabytes."""

    wall: float
    cpu: float
    rss: float
    code: int = 0


def median(runs: Sequence[Usage]) -> Usage:
    """Return the median of each figure by itself."""
    return Usage(
        wall=statistics.median(run.wall for run in runs),
        cpu=statistics.median(run.cpu for run in runs),
        rss=statistics.median(run.rss for run in runs),
    )


def run(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = 60,
) -> Usage:
    """Run a command to its end and return what it took, its exit code among it.

    Args:
        command: the program by its path, and its arguments.
        log: takes its output.
        env: its whole environment; ``environment()`` if not given.
        cwd: the folder that it runs in; this one if not given.
        seconds: how long it may take.

    Raises:
        BenchError: it took longer, or could not be started.
    """
    small_python: list[str | Path] = [sys.executable, "-I", "-S", STOPWATCH]
    watched: list[str | Path] = [*small_python, log, *command]
    with process(watched, env=env or environment(), cwd=cwd) as stopwatch:
        try:
            printed, _ = stopwatch.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"{command[0]} did not end within {seconds:.0f} s") from error
    if stopwatch.returncode:
        raise BenchError(f"{command[0]} could not be started")
    return Usage(**json.loads(printed))


@contextmanager
def process(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    output: int | IO[str] = subprocess.PIPE,
) -> Iterator[subprocess.Popen[str]]:
    """Run a command while the block lasts; it and all its children are gone afterwards.

    Args:
        command: the program, and its arguments.
        env: its whole environment.
        cwd: the folder that it runs in; this one if not given.
        output: takes what it prints.
    """
    child = subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output == subprocess.PIPE else subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        _end(child)


def environment(**more: str) -> dict[str, str]:
    """Return an environment with nothing of the caller's that would change a measurement."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TZ") if name in os.environ}
    # Not PYTHONDONTWRITEBYTECODE either: everything is measured with its bytecode present.
    return {**kept, "LANG": "C.UTF-8", **more}


def _end(child: subprocess.Popen[str]) -> None:
    """Stop a child with its whole session, politely and then not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            os.killpg(child.pid, number)
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        break
    if child.stdout is not None:
        child.stdout.close()
