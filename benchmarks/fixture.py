"""The fast canned cloud: an emulator filled once, behind a server that gives its answers again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import seed
from measure import BenchError, environment, process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEMPLATE = Path(__file__).with_name("nginx.conf")
ECHO = "ngx_http_echo_module.so"
DEBIAN = ("nginx-light", "libnginx-mod-http-echo")
START_SECONDS = 20


@dataclass(frozen=True)
class Door:
    """One way into the canned cloud.

    Attributes:
        label: what its figures are called.
        url: where tools are sent.
        log: one line of JSON for each request.
        buckets: how many there are behind it.
    """

    label: str
    url: str
    log: Path
    buckets: int


@contextmanager
def cloud(folder: Path, buckets: int, delay_ms: int) -> Iterator[tuple[Door, Door]]:
    """Run the filled emulator and the server in front of it; both are gone after the block.

    Args:
        folder: an empty one, for logs and the cache.
        buckets: how many there are to be.
        delay_ms: what the second door adds to each answer.

    Yields:
        the plain door and the delayed one.

    Raises:
        BenchError: something is not installed, or did not start.
    """
    if find_spec("moto") is None:
        raise BenchError("moto is not in this Python; `make bench` runs in the one that has it")
    nginx, modules = _nginx()
    emulator, plain, delayed = _free_ports(3)
    _configure(
        folder,
        modules=str(modules),
        user="user root;" if os.geteuid() == 0 else "",
        emulator=str(emulator),
        plain=str(plain),
        delayed=str(delayed),
        delay=f"{delay_ms / 1000:g}",
    )
    moto = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(emulator)]
    with ExitStack() as stack:
        _serve(stack, moto, folder / "moto.log", emulator)
        seed.fill(f"http://127.0.0.1:{emulator}", buckets)
        server = [nginx, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log"]
        _serve(stack, server, folder / "nginx.log", plain)
        yield (
            Door("plain", f"http://127.0.0.1:{plain}", folder / "plain.log", buckets),
            Door(f"+{delay_ms} ms", f"http://127.0.0.1:{delayed}", folder / "delayed.log", buckets),
        )


def _serve(stack: ExitStack, command: Sequence[str | Path], log: Path, port: int) -> None:
    """Start a server that runs until the stack is left; raises BenchError if it does not answer."""
    output = stack.enter_context(log.open("w"))
    env = environment(PYTHONUNBUFFERED="1")
    server = stack.enter_context(process(command, env=env, output=output))
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise BenchError(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")


def _configure(folder: Path, **names: str) -> None:
    """Write nginx.conf with its names filled in."""
    (folder / "temp").mkdir()
    text = TEMPLATE.read_text()
    for name, value in names.items():
        text = text.replace(f"@{name.upper()}@", value)
    (folder / "nginx.conf").write_text(text)


def _nginx() -> tuple[str, Path]:
    """Return nginx and the folder of its modules; raises BenchError if they cannot be had."""
    found = _installed()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing {' and '.join(DEBIAN)}.")
        # The run level keeps the package from starting a server of its own on port 80.
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for step in (["update"], ["install", "--yes", "--no-install-recommends", *DEBIAN]):
            apt = ["apt-get", "--quiet=2", *step]
            nothing = subprocess.DEVNULL
            subprocess.run(apt, check=False, env=env, stdin=nothing, stdout=nothing)
        found = _installed()
    if found is None:
        raise BenchError(
            f"the benchmark needs nginx with {ECHO}; Debian, Ubuntu: apt install {' '.join(DEBIAN)}"
        )
    return found


def _installed() -> tuple[str, Path] | None:
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        return None
    built = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=True).stderr
    _, named, rest = built.partition("--modules-path=")
    modules = Path(rest.split()[0]) if named else Path("/usr/lib/nginx/modules")
    return (nginx, modules) if (modules / ECHO).is_file() else None


def _free_ports(count: int) -> list[int]:
    """Return so many free ports, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
