"""What every judging command does with its report: write it, and return the exit code."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from cachescan.cli._console import progress
from cachescan.output import deliver, destinations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cachescan.model import Report
    from cachescan.progress import Progress


def judge_and_report(
    streams: dict[str, Any],
    outputs: Sequence[str],
    judge: Callable[[Progress | None], Report],
    *,
    quiet: bool = False,
) -> int:
    """Make the report, deliver it everywhere, return its exit code.

    Without a report for standard output, the text report goes there.

    Raises:
        CachescanError: as ``judge`` and ``deliver``.
    """
    stdout: IO[bytes] = streams["stdout"]
    targets = destinations(outputs)
    if all(target.path is not None for target in targets):
        targets += destinations(("text=-",))
    with progress(streams["stderr"]) as watcher:
        report = judge(watcher)
    if quiet and report.exit_code == 0:
        targets = [target for target in targets if target.path is not None]
    deliver(report, targets, stdout)
    return report.exit_code
