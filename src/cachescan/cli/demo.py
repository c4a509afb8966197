"""``cachescan demo``: a cloud on this machine, scanned like any other."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cachescan.demo import DemoCloud

_FILES = {"json": "report.json", "jsonl": "events.jsonl", "sarif": "report.sarif"}


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("cachescan-demo"),
    show_default=True,
    help="Folder for the reports and the snapshot.",
)
@click.option("--serve", is_flag=True, help="Keep the cloud up until Ctrl-C, to try things on it.")
@click.pass_obj
def command(streams: dict[str, Any], out: Path, *, serve: bool) -> int:
    """Start an emulated AWS on loopback, build a fictional AI lab's estate in it, and scan it.

    The first run installs the emulator into an environment of its own, in your cache folder.
    Exits 0 whatever the scan finds: the estate is meant to be wrong.
    """
    from cachescan.demo import running
    from cachescan.demo.tour import next_steps

    stderr: IO[str] = streams["stderr"]

    def say(text: str) -> None:
        stderr.write(f"{text}\n")
        stderr.flush()

    out.mkdir(parents=True, exist_ok=True)
    with running(say) as cloud:
        _scan(cloud, out, streams)
        say(next_steps(cloud, out, serve=serve))
        if serve:
            signal.pause()
    return 0


def _scan(cloud: DemoCloud, out: Path, streams: dict[str, Any]) -> None:
    """Scan the demo cloud over HTTP, with the auditor's environment and nothing else of it."""
    from cachescan.api import Judging, Reading, Target, scan
    from cachescan.cli._run import judge_and_report
    from cachescan.config import DEFAULT_OBJECTS
    from cachescan.demo.tour import SNAPSHOT, only_environment

    snapshot = out / SNAPSHOT
    snapshot.unlink(missing_ok=True)
    reading = Reading(objects=DEFAULT_OBJECTS, record=snapshot)
    with only_environment(cloud.environment()):
        judge_and_report(
            streams,
            [f"{name}={out / file}" for name, file in _FILES.items()],
            lambda progress: scan((Target("aws"),), Judging(), reading, progress),
        )
