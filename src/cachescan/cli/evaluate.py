"""``cachescan evaluate``: judge snapshots offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cachescan.cli._options import JUDGING, OUTPUT, judging, options


@click.command("evaluate")
@click.argument(
    "snapshots",
    nargs=-1,
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="SNAPSHOT...",
)
@options(JUDGING, OUTPUT)
@click.pass_obj
def command(streams: dict[str, Any], /, snapshots: tuple[Path, ...], **values: Any) -> int:  # noqa: ANN401
    """Judge snapshots with the rules of today, without any cloud or credentials.

    Several snapshots make one report.
    """
    from cachescan.api import evaluate
    from cachescan.cli._run import judge_and_report

    what = judging(values)
    return judge_and_report(
        streams,
        values["output"],
        lambda progress: evaluate(snapshots, what, progress),
        quiet=values["quiet"],
    )
