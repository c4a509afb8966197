"""Deliver a report: parse ``format=path``, build reporters, write whole files or none."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from msgspec import Struct

from cachescan import plugins
from cachescan.errors import ConfigError, OutputError
from cachescan.reporters.base import Reporter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachescan.model import Report

STDOUT = "-"


class Destination(Struct, frozen=True):
    """A reporter and where its bytes go; ``path`` None is standard output."""

    reporter: Reporter
    path: Path | None


def destinations(specs: Sequence[str]) -> list[Destination]:
    """Build the destinations of ``format[:option=value,...]=path`` entries.

    Everything that can be known to fail is refused here, before hours of scanning.

    Raises:
        ConfigError: an unknown format or option, or two reports for standard output.
        OutputError: a folder that is not there or cannot be written.
    """
    found = [_destination(spec) for spec in specs]
    if sum(d.path is None for d in found) > 1:
        message = "only one report can go to standard output"
        raise ConfigError(message)
    return found


def deliver(report: Report, targets: Sequence[Destination], stdout: IO[bytes]) -> None:
    """Write every report; one that fails does not keep the others from being written.

    Files come first: whoever reads standard output may leave before its end.

    Raises:
        OutputError: at least one could not be written; the message names them all.
        BrokenPipeError: whoever read standard output has gone.
    """
    failed = []
    for target in sorted(targets, key=lambda t: t.path is None):
        try:
            if target.path is None:
                target.reporter.write(report, stdout)
                stdout.flush()
            else:
                _write_whole(report, target.reporter, target.path)
        except OSError as error:
            if target.path is None and isinstance(error, BrokenPipeError):
                raise
            failed.append(f"{target.path or 'standard output'}: {error.strerror or error}")
    if failed:
        message = f"could not write {'; '.join(failed)}"
        raise OutputError(message)


def _destination(spec: str) -> Destination:
    head, sign, path = spec.partition("=")
    name, _, rest = head.partition(":")
    if rest:  # text:verbose=true=out.txt: the path follows the last sign
        options, sign, path = f"{rest}{sign}{path}".rpartition("=")
        if "=" not in options:
            options, sign, path = f"{options}{sign}{path}", "", ""
        rest = options
    if not sign or not path:
        message = f"{spec!r} is not FORMAT=PATH"
        raise ConfigError(message, hint="for example sarif=cachescan.sarif, or json=- for stdout")
    settings = {}
    for item in filter(None, rest.split(",")):
        option, is_set, value = item.partition("=")
        if not is_set:
            message = f"{spec!r}: the option {option!r} has no value"
            raise ConfigError(message, hint="for example sarif:profile=github=cachescan.sarif")
        settings[option] = value
    build = plugins.factory("cachescan.reporters", plugins.REPORTERS, name)
    target = None if path == STDOUT else Path(path)
    if target is not None:
        _refuse_unwritable(target)
    return Destination(build(settings), target)


def _refuse_unwritable(path: Path) -> None:
    folder = path.parent
    if path.is_dir() or not folder.is_dir():
        message = f"cannot write {path}: " + (
            "it is a folder" if path.is_dir() else "no such folder"
        )
        raise OutputError(message)
    if not os.access(folder, os.W_OK):
        message = f"cannot write {path}: the folder is read-only"
        raise OutputError(message)


def _write_whole(report: Report, reporter: Reporter, path: Path) -> None:
    """Write beside the target, then rename: a reader never sees half a report.

    A pipe or a device is written to as it is; renaming would put a file in its place.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as out:
            reporter.write(report, out)
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as out:
            reporter.write(report, out)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
