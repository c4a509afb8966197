"""The programs that are measured: how each is installed, started, and told to read the estate."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import seed
from measure import BenchError, environment

if TYPE_CHECKING:
    from collections.abc import Callable

C7N = "0.9.53"
PROWLER = "5.46.0"
POLICIES = Path(__file__).with_name("custodian.yaml")
CACHESCAN = Path(sys.executable).with_name("cachescan")

_OFF_HOST = "http://localhost"
"""Where peers are sent for S3 Control. They put the account before the host, which then has no
address, so they ask for it through a proxy: the canned cloud's own door."""


@dataclass(frozen=True)
class Contestant:
    """A program to measure.

    Attributes:
        name: with its version.
        command: takes the door's address and an empty folder for results.
        accepted: exit codes that mean the work was done, findings and gaps included.
        detour: it needs S3 Control's host name to be resolved for it.
    """

    name: str
    command: Callable[[str, Path], list[str | Path]]
    accepted: frozenset[int]
    detour: bool = False

    def environment(self, url: str, home: Path) -> dict[str, str]:
        """Return the whole environment of a run through a door, with an empty home folder."""
        detour = {
            "AWS_ENDPOINT_URL_S3_CONTROL": _OFF_HOST,
            "HTTP_PROXY": url,
            "NO_PROXY": "127.0.0.1",
        }
        return environment(
            HOME=str(home),
            AWS_ACCESS_KEY_ID=seed.CREDENTIALS[0],
            AWS_SECRET_ACCESS_KEY=seed.CREDENTIALS[1],
            AWS_DEFAULT_REGION=seed.REGION,
            AWS_EC2_METADATA_DISABLED="true",
            AWS_ENDPOINT_URL=url,
            **(detour if self.detour else {}),
        )


def cachescan() -> Contestant:
    """Return cachescan as installed beside this Python: every rule, and a JSON report."""
    version = _version([sys.executable, "-m", "cachescan", "--version"])

    def command(url: str, out: Path) -> list[str | Path]:
        scan = [sys.executable, "-m", "cachescan", "aws", "--endpoint-url", url]
        every = ["--persona", "auditor", "--fail-on", "none", "--quiet"]
        return [*scan, *every, "--output", f"json={out / 'report.json'}"]

    # 3: the emulator does not know every call, so some facts are gaps.
    return Contestant(f"cachescan {version}", command, frozenset({0, 3}))


def custodian(folder: Path) -> Contestant:
    """Return Cloud Custodian, installed under a folder; raises BenchError if that fails."""
    binaries = _install(folder, f"c7n=={C7N}")

    def command(_: str, out: Path) -> list[str | Path]:
        once = ["--cache-period", "0", "--region", seed.REGION]
        return [binaries / "custodian", "run", "--output-dir", out, *once, POLICIES]

    return Contestant(f"Cloud Custodian {C7N}", command, frozenset({0}), detour=True)


def prowler(folder: Path) -> Contestant:
    """Return Prowler with its checks of S3, installed under a folder; raises BenchError."""
    binaries = _install(folder, f"prowler=={PROWLER}")

    def command(_: str, out: Path) -> list[str | Path]:
        checks = ["aws", "--service", "s3", "--region", seed.REGION, "--no-banner"]
        return [binaries / "prowler", *checks, "--output-directory", out]

    # 3: there are findings.
    return Contestant(f"Prowler {PROWLER}", command, frozenset({0, 3}), detour=True)


def _install(folder: Path, requirement: str) -> Path:
    """Return the programs of a requirement's own environment, made on first use."""
    home = folder / requirement
    done = home / ".installed"
    if not done.is_file():
        print(f"Installing {requirement}; this is done once.", flush=True)
        python = home / "bin/python"
        pip = ["-m", "pip", "install", "-qq", "--disable-pip-version-check", requirement]
        # With bytecode, whatever the caller's shell says.
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        steps: list[list[str | Path]] = [
            [sys.executable, "-m", "venv", "--clear", home],
            [python, *pip],
        ]
        for step in steps:
            if subprocess.run(step, env=env, check=False).returncode:
                raise BenchError(f"{requirement} could not be installed in {home}")
        done.touch()
    return home / "bin"


def _version(command: list[str]) -> str:
    printed = subprocess.run(command, capture_output=True, text=True, check=False)
    if printed.returncode:
        raise BenchError(f"cachescan does not run:\n{printed.stderr[-2000:]}")
    return printed.stdout.split()[-1]
