"""How long the program takes to say its version, over what Python itself takes to start."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from contestants import CACHESCAN
from measure import BenchError, median, run

if TYPE_CHECKING:
    from pathlib import Path

    from measure import Usage

BARE = "python -c pass"


def measure(folder: Path, repeat: int) -> dict[str, Usage]:
    """Return the medians of each command, all run in turn and once before that, uncounted.

    Raises:
        BenchError: a command failed.
    """
    if not CACHESCAN.is_file():
        raise BenchError(f"cachescan is not installed beside {sys.executable}; use `make bench`")
    commands: dict[str, list[str | Path]] = {
        BARE: [sys.executable, "-c", "pass"],
        "python -c 'import click'": [sys.executable, "-c", "import click"],
        "cachescan --version": [CACHESCAN, "--version"],
        "cachescan --help": [CACHESCAN, "--help"],
    }
    runs: dict[str, list[Usage]] = {name: [] for name in commands}
    for _ in range(repeat + 1):
        for name, command in commands.items():
            runs[name].append(run(command, folder / "startup.log"))
            if runs[name][-1].code:
                raise BenchError(f"{name} failed:\n{(folder / 'startup.log').read_text()[-2000:]}")
    return {name: median(counted) for name, (_, *counted) in runs.items()}
