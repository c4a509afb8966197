"""``cachescan collect``: read now, judge later."""

from __future__ import annotations

from typing import Any

import click

from cachescan.cli._options import AWS, READING, options, reading, take
from cachescan.cli.aws import NAMES


@click.group("collect")
def command() -> None:
    """Read everything a provider tells into a snapshot, judging nothing."""


@command.command("aws")
@options(AWS, READING)
@click.pass_obj
def aws(streams: dict[str, Any], /, **values: Any) -> int:  # noqa: ANN401 (click's values)
    """Read AWS into the snapshot named by --record; judge it with cachescan evaluate."""
    from cachescan.api import Target, collect
    from cachescan.cli._console import progress
    from cachescan.errors import ExitCode

    if values["record"] is None:
        message = "--record is missing: where is the snapshot to go?"
        raise click.UsageError(message)
    target, how = Target("aws", take(values, *NAMES)), reading(values)
    with progress(streams["stderr"]) as watcher:
        resources, gaps = collect(target, how, watcher)
    streams["stderr"].write(
        f"{how.record}: {resources} resources, {gaps} facts could not be read\n"
    )
    if gaps and not resources:
        return ExitCode.NOTHING_SCANNED
    return ExitCode.INCOMPLETE if gaps else ExitCode.CLEAN
