"""What the demo says when the scan is done, and the environment that it scans in."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cachescan.demo import DemoCloud

SNAPSHOT = "snapshot.ndjson"


def next_steps(cloud: DemoCloud, out: Path, *, serve: bool) -> str:
    """Return what to try next, with the commands to paste."""
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
            f"  cachescan evaluate {out / SNAPSHOT} --persona auditor   every rule, offline",
            "  cachescan demo --serve                keep it up: try the curl lines, mend, rescan",
            "  cachescan rules show aws-bucket-public-drafts",
            "  cachescan permissions aws             what a scan of your own account needs",
            "  cachescan aws                         scan it",
        ]
    return "\n".join(lines) + "\n"


def _exports(variables: Mapping[str, str]) -> list[str]:
    return [f"  export {name}={shlex.quote(value)}" for name, value in variables.items()]


@contextmanager
def only_environment(values: Mapping[str, str]) -> Iterator[None]:
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
