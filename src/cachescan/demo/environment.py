"""The demo server's own virtual environment: made once, found again, never half-made."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from cachescan.errors import CachescanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
INSTALL = ("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")
TAIL_LINES = 15


def cache_root() -> Path:
    """Return the user's cache folder for cachescan (XDG base directory specification)."""
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The specification says that a relative path is to be ignored.
    base = configured if configured.is_absolute() else Path.home() / ".cache"
    return base / "cachescan"


def tail(text: str) -> str:
    """Return the last lines of a log, which is where a failure says why."""
    return "\n".join(text.rstrip().splitlines()[-TAIL_LINES:])


def prepared(say: Callable[[str], None], *, cache: Path | None = None) -> Path:
    """Return the Python of the server's environment, making that environment if need be.

    Args:
        say: takes one progress message.
        cache: where environments live; the user's cache folder by default.

    Raises:
        CachescanError: the environment could not be made.
    """
    root = cache or cache_root()
    requirements = REQUIREMENTS.read_bytes()
    # A new requirement, or another Python, is another environment.
    maker = f"{sys.version}{sys.base_prefix}".encode()
    home = root / f"demo-{blake2b(requirements + maker, digest_size=8).hexdigest()}"
    python, complete = home / "bin" / "python", home / "complete"
    with _locked(root / "demo.lock"):
        if not complete.exists():
            say("Preparing the demo server: once, about 90 MB, in " + str(home))
            shutil.rmtree(home, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(home)], "create an environment")
            listed = home / "requirements.txt"
            listed.write_bytes(requirements)
            install = [str(python), *INSTALL, "--require-hashes", "-r", str(listed)]
            _run(install, "install the demo server")
            complete.touch()
    return python


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time make the environment; the others wait and then find it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise CachescanError(
            f"The demo cannot use its cache folder: {error}",
            hint="Set XDG_CACHE_HOME to a folder that you may write to.",
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], purpose: str) -> None:
    """Run one set-up command; raise CachescanError with the end of its output if it fails."""
    # The command is ours: this Python or the environment's, and fixed arguments.
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise CachescanError(
            f"The demo could not {purpose}:\n{tail(done.stdout + done.stderr)}",
            hint="It needs Python's venv module (Debian: python3-venv) and, the first time, "
            "a package index that pip can reach.",
        )
