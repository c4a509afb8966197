"""What every judging command does with its report: write it, and return the exit code."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from cachescan.cli import say, silence
from cachescan.cli._console import progress
from cachescan.errors import ExitCode, OutputError
from cachescan.output import deliver, destinations
from cachescan.report import exit_code

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

    A report that could not be written does not hide what was found: the worse code wins. A
    reader of standard output that has gone changes nothing.

    Raises:
        CachescanError: as ``judge`` and ``destinations``.
    """
    stdout: IO[bytes] = streams["stdout"]
    targets = destinations(outputs)
    if all(target.path is not None for target in targets):
        targets += destinations(("text=-",))
    with progress(streams["stderr"]) as watcher:
        report = judge(watcher)
    if quiet and report.exit_code == 0:
        targets = [target for target in targets if target.path is not None]
    code = ExitCode(report.exit_code)
    try:
        deliver(report, targets, stdout)
    except BrokenPipeError:
        silence(stdout)
    except OutputError as error:
        say(streams["stderr"], str(error), error.hint)
        silence(stdout)
        code = exit_code((code, error.exit_code))
    return code
