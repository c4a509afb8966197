"""The emulated AWS of the demo: one subprocess on loopback that never outlives its parent."""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cachescan.demo.environment import prepared, tail
from cachescan.errors import CachescanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNT = "123456789012"
REGION = "eu-central-1"
SCRIPT = Path(__file__).with_name("supplement.py")
HEALTH = "/_ministack/health"
START_SECONDS = 60
STOP_SECONDS = 5


@dataclass(frozen=True)
class Credentials:
    """One access key; its secret is kept out of every representation."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class Server:
    """A running emulator: where it answers, the account's root key, and its log."""

    endpoint: str
    admin: Credentials
    log: Path
    pid: int


@contextmanager
def serving(say: Callable[[str], None], *, cache: Path | None = None) -> Iterator[Server]:
    """Start the server on a free loopback port and stop it on the way out.

    Args:
        say: takes one progress message.
        cache: where the server's environment lives; the user's cache folder by default.

    Raises:
        CachescanError: no environment, or the server did not start; the message ends with the
            tail of its log.
    """
    if os.name != "posix":
        raise CachescanError("The demo needs a POSIX system (Linux, macOS, WSL).")
    python = prepared(say, cache=cache)
    with tempfile.TemporaryDirectory(prefix="cachescan-demo-") as folder:
        home = Path(folder)
        # ministack takes the account number for the access key of that account's root.
        admin = Credentials(ACCOUNT, secrets.token_urlsafe(30))
        process, port = _spawn(python, home, admin)
        try:
            _await_health(port, home / "server.log")
            endpoint = f"http://127.0.0.1:{port}"
            say(f"The demo cloud answers at {endpoint}")
            yield Server(endpoint, admin, home / "server.log", process.pid)
        finally:
            _stop(process)


def _spawn(python: Path, home: Path, admin: Credentials) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server on a socket that is already bound: the port cannot be taken meanwhile."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        (home / "server.log").open("wb") as log,
    ):
        port: int = listener.getsockname()[1]
        # -I: neither the user's PYTHON* variables nor this package's folder reach the server.
        command = [str(python), "-I", str(SCRIPT), str(listener.fileno()), str(home)]
        process = subprocess.Popen(  # noqa: S603 -- our own script, fixed arguments
            command,
            stdin=subprocess.PIPE,  # the server ends when this pipe closes: also if we are killed
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(home, port, admin),
            pass_fds=[listener.fileno()],
            start_new_session=True,  # Ctrl-C is ours: the scan ends first, then the server
        )
    return process, port


def _environment(home: Path, port: int, admin: Credentials) -> dict[str, str]:
    """Return the server's whole environment: nothing of the user's credentials reaches it."""
    return {
        "PATH": os.defpath,
        "HOME": str(home),
        "TMPDIR": str(home),
        "AUTH": "true",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": admin.access_key_id,
        "AWS_SECRET_ACCESS_KEY": admin.secret_access_key,
        "LOG_LEVEL": "WARNING",
        # It would open MQTT and SFTP ports, and reap containers of the user's own ministack.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{home}/no-docker.sock",
    }


def _await_health(port: int, log: Path) -> None:
    """Wait for the first answer: the kernel holds the connection until the server takes it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", HEALTH)
        healthy = connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        healthy = False
    finally:
        connection.close()
    if not healthy:
        said = log.read_text(errors="replace")
        raise CachescanError(
            f"The demo server did not start:\n{tail(said)}",
            hint="Delete cachescan's cache folder to have the server installed anew.",
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Close the pipe that keeps the server alive, and insist if that is not enough."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
