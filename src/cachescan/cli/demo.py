"""``cachescan demo``: a cloud on this machine, scanned like any other."""

from __future__ import annotations

import os
import shlex
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cachescan.demo import DemoCloud

_FILES = {"json": "report.json", "jsonl": "events.jsonl", "sarif": "report.sarif"}
_SNAPSHOT = "snapshot.ndjson"


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

    stderr: IO[str] = streams["stderr"]

    def say(text: str) -> None:
        stderr.write(f"{text}\n")
        stderr.flush()

    out.mkdir(parents=True, exist_ok=True)
    with running(say) as cloud:
        _scan(cloud, out, streams)
        _next_steps(cloud, out, stderr, serve=serve)
        if serve:
            signal.pause()
    return 0


def _scan(cloud: DemoCloud, out: Path, streams: dict[str, Any]) -> None:
    """Scan the demo cloud over HTTP, with the auditor's environment and nothing else of it."""
    from cachescan.api import Judging, Reading, Target, scan
    from cachescan.cli._run import judge_and_report
    from cachescan.config import DEFAULT_OBJECTS

    snapshot = out / _SNAPSHOT
    snapshot.unlink(missing_ok=True)
    reading = Reading(objects=DEFAULT_OBJECTS, record=snapshot)
    with _environment(cloud.environment()):
        judge_and_report(
            streams,
            [f"{name}={out / file}" for name, file in _FILES.items()],
            lambda progress: scan((Target("aws"),), Judging(), reading, progress),
        )


def _next_steps(cloud: DemoCloud, out: Path, stderr: IO[str], *, serve: bool) -> None:
    lines = ["", f"Reports and snapshot: {out}/"]
    if serve:
        lines += ["The demo cloud stays up until Ctrl-C. In another shell, as the auditor:", ""]
        lines += _exports(cloud.environment())
        lines += [
            "",
            "  cachescan aws --rule 'aws-bucket-public-*'",
            "  aws s3 ls",
            "",
            "To mend something and scan again, act as the owner of the account:",
            "",
        ]
        lines += _exports(cloud.environment(cloud.admin))
    else:
        lines += [
            "The demo cloud is gone. Next:",
            "",
            f"  cachescan evaluate {out / _SNAPSHOT} --persona auditor   every rule, offline",
            "  cachescan demo --serve                keep it up: try the curl lines, mend, rescan",
            "  cachescan rules show aws-bucket-public-drafts",
            "  cachescan permissions aws             what a scan of your own account needs",
            "  cachescan aws                         scan it",
        ]
    stderr.write("\n".join(lines) + "\n")
    stderr.flush()


def _exports(variables: Mapping[str, str]) -> list[str]:
    return [f"  export {name}={shlex.quote(value)}" for name, value in variables.items()]


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the SDK, and hide the user's own AWS configuration from the demo."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in kept:
        del os.environ[name]
    os.environ.update({"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull})
    os.environ.update(values)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(kept)
