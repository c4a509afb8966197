"""The command line: parse, call the API, hand the result to reporters, return an exit code."""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import os
import signal
import sys
from typing import IO, TYPE_CHECKING

import click

from cachescan import __version__
from cachescan.errors import CachescanError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

COMMANDS = {
    "aws": "Scan AWS with the credentials at hand.",
    "scan": "Scan what a configuration file names; made for cron.",
    "collect": "Read a provider into a snapshot, judging nothing.",
    "evaluate": "Judge snapshots offline.",
    "rules": "List, show and test rules.",
    "permissions": "Print the least-privilege policy that a full scan needs.",
    "demo": "Build a demo cloud on this machine and scan it.",
}
"""Name to one line of help; a command's module is imported when it is called, not before."""


_GO_ON = "a scan with --record goes on with --resume"


# A group called without a command; an exception of its own since click 8.2.
_NO_COMMAND = getattr(click.exceptions, "NoArgsIsHelpError", ())


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cachescan.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


EXIT_CODES = (
    "Exit codes: 0 complete and clean, 1 findings, 2 usage, 3 incomplete (something could not be "
    "read), 4 nothing scanned, 5 a report could not be written, 70 a fault of ours."
)


@click.group(cls=_Lazy, context_settings={"auto_envvar_prefix": "CACHESCAN"}, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="cachescan")
def cli() -> None:
    """Find out who outside can list, read, write or take over your storage, and what lies there."""


class _Terminated(BaseException):
    """SIGTERM arrived: unwind, so that a snapshot is closed, and exit 143."""


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise _Terminated


def main(
    args: Sequence[str], stdout: IO[bytes] | None = None, stderr: IO[str] | None = None
) -> int:
    """Run one command line and return its exit code; never raises, never exits.

    Args:
        args: the arguments without the program's name.
        stdout: where reports go; the process's own if None.
        stderr: where messages and progress go; the process's own if None.
    """
    err = stderr or sys.stderr
    out = stdout or sys.stdout.buffer
    streams = {"stdout": out, "stderr": err}
    try:
        code = cli.main(list(args), prog_name="cachescan", standalone_mode=False, obj=streams)
        out.flush()  # a full disk shows here at the latest, not when the interpreter ends
        return int(code or 0)
    except (BrokenPipeError, SystemExit):  # the second is what click makes of the first
        silence(out)
        return ExitCode.CLEAN
    except (Exception, KeyboardInterrupt, _Terminated) as error:  # noqa: BLE001 (the last line)
        if isinstance(error, OSError):
            silence(out)
        return _failed(error, err)


def _failed(error: BaseException, stderr: IO[str]) -> int:
    """Say what went wrong, never with a traceback, and return the exit code for it."""
    code: int = ExitCode.USAGE
    match error:
        case click.exceptions.Exit():
            code = error.exit_code
        case click.UsageError() if isinstance(error, _NO_COMMAND):
            stderr.write(f"{error.format_message()}\n")  # the help text
        case click.ClickException():
            say(stderr, error.format_message(), "see --help")
        case CachescanError():
            say(stderr, str(error), error.hint)
            code = error.exit_code
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            say(stderr, f"cannot write: {error.strerror}")
            code = ExitCode.OUTPUT_FAILED
        case KeyboardInterrupt() | click.Abort():
            say(stderr, "interrupted", _GO_ON)
            code = ExitCode.INTERRUPTED
        case _Terminated():
            say(stderr, "terminated", _GO_ON)
            code = ExitCode.TERMINATED
        case _:
            _crashed(stderr, error)
            code = ExitCode.INTERNAL
    return code


def say(stderr: IO[str], message: str, hint: str = "") -> None:
    """Print one message, and what to do about it, with strangers' text made visible."""
    from cachescan.textsafe import printable

    with contextlib.suppress(BrokenPipeError):
        stderr.write(f"cachescan: {printable(message)}\n")
        if hint:
            stderr.write(f"  {printable(hint)}\n")


def _crashed(stderr: IO[str], error: BaseException) -> None:
    import traceback

    say(stderr, f"internal error: {type(error).__name__}: {error}")
    if os.environ.get("CACHESCAN_DEBUG"):
        stderr.write("".join(traceback.format_exception(error)))
    else:
        say(stderr, "set CACHESCAN_DEBUG=1 for the trace, and please report it")


def silence(stdout: IO[bytes]) -> None:
    """Keep the interpreter from failing at exit once more on an output that takes nothing.

    What is still buffered would be flushed then, and would change the exit code. A stream that
    is not the process's own is left alone.
    """
    if stdout is getattr(sys.stdout, "buffer", None):
        _to_nowhere(stdout)


def _to_nowhere(stream: IO[bytes] | IO[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _relax_collector() -> None:
    """Let the cycle collector run rarely: a scan makes many lasting objects and few cycles.

    Python's own thresholds cost a sixth of a scan of a thousand buckets, and free next to nothing.
    """
    gc.set_threshold(100_000, 50, 100)


def entry() -> None:
    """Console script: run with the process's arguments and exit."""
    _relax_collector()
    signal.signal(signal.SIGTERM, _terminate)
    code = main(sys.argv[1:])
    try:
        sys.stderr.flush()
    except OSError:  # nobody reads the messages: the exit code must still be ours
        _to_nowhere(sys.stderr)
    sys.exit(code)
