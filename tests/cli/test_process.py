"""The program as a process: what it loads, and how it ends when the world around it does."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import IO

import pytest
from tests.support.buckets import allow, bucket
from tests.support.terminal import NOW, run, snapshot

from cachescan.errors import ExitCode

PROGRAM = (sys.executable, "-W", "error", "-m", "cachescan")
HEADER = f'{{"type":"header","schema":1,"tool":"0","provider":"aws","now":"{NOW}"}}\n'.encode()
SDKS = {"boto3", "botocore", "google", "azure", "aiohttp"}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Write a snapshot with a finding."""
    return snapshot(tmp_path / "s.ndjson", bucket(allow(), status=True))


def loaded(*args: str) -> set[str]:
    """Return the top-level modules that one command line loads."""
    program = (
        "import io, sys\n"
        "from cachescan.cli import main\n"
        "code = main(sys.argv[1:], io.BytesIO(), io.StringIO())\n"
        "assert code in (0, 1, 3), code\n"
        "print('\\n'.join({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *args]
    done = subprocess.run(command, capture_output=True, check=True)
    return set(done.stderr.decode().split())


@pytest.mark.parametrize("args", [("--help",), ("--version",)])
def test_help_and_version_load_next_to_nothing(args: tuple[str, ...]) -> None:
    """They are what people type first, and what completion calls."""
    assert not loaded(*args) & {*SDKS, "rich", "cel", "yaml", "msgspec", "asyncio", "jinja2"}


@pytest.mark.parametrize("command", ["aws", "scan", "collect", "evaluate", "rules", "permissions"])
def test_the_help_of_a_command_loads_no_sdk(command: str) -> None:
    assert not loaded(command, "--help") & {*SDKS, "rich", "cel"}


def test_judging_a_snapshot_loads_no_sdk(made: Path) -> None:
    """Offline is offline."""
    assert not loaded("evaluate", str(made), "-o", "json=-") & SDKS


def test_the_process_ends_with_the_code_and_the_bytes_of_main(made: Path) -> None:
    args = ("evaluate", str(made), "-o", "json=-")

    done = subprocess.run([*PROGRAM, *args], capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (
        ExitCode.FINDINGS,
        run(*args).out,
        b"",
    )


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("evaluate", "SNAPSHOT", "-o", "json=-"), ExitCode.FINDINGS),
        (("evaluate", "SNAPSHOT"), ExitCode.FINDINGS),
        (("rules", "list"), ExitCode.CLEAN),
        (("--help",), ExitCode.CLEAN),
    ],
)
def test_a_closed_pipe_is_no_news(made: Path, args: tuple[str, ...], code: int) -> None:
    """The reader has what it wants; the code still is what was found."""
    given = [str(made) if arg == "SNAPSHOT" else arg for arg in args]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*PROGRAM, *given], stdout=writing, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (code, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("evaluate", "SNAPSHOT", "-o", "json=-"), ExitCode.FINDINGS),
        (("rules", "list"), ExitCode.OUTPUT_FAILED),
        (("permissions", "aws"), ExitCode.OUTPUT_FAILED),
        (("--version",), ExitCode.OUTPUT_FAILED),
    ],
)
def test_a_full_disk_behind_standard_output_is_told(
    made: Path, args: tuple[str, ...], code: int
) -> None:
    """Once, without a trace, and findings weigh more."""
    given = [str(made) if arg == "SNAPSHOT" else arg for arg in args]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PROGRAM, *given], stdout=full, stderr=subprocess.PIPE, check=False)

    assert done.returncode == code
    assert b"No space left on device" in done.stderr
    assert done.stderr.count(b"\n") == 1


def unread(pipe: IO[bytes]) -> int:
    """Return how many bytes in a pipe nobody has read yet."""
    waiting = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(waiting, sys.byteorder)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED, b"interrupted"),
        (signal.SIGTERM, ExitCode.TERMINATED, b"terminated"),
    ],
)
def test_a_signal_ends_the_program_in_a_sentence(
    tmp_path: Path, number: signal.Signals, code: int, said: bytes
) -> None:
    """While it waits for more of a snapshot that comes through a pipe."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        [*PROGRAM, "evaluate", str(fifo)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process, fifo.open("wb") as pipe:  # the pipe opens once the program reads
        pipe.write(HEADER)
        pipe.flush()
        while unread(pipe):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)

    assert process.returncode == code
    assert said in err
    assert b"Traceback" not in err
    assert out == b""


def test_a_terminal_that_takes_no_messages_does_not_change_the_code(tmp_path: Path) -> None:
    """Standard error may be closed as well."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*PROGRAM, "evaluate", str(tmp_path / "gone")],
            stdout=subprocess.PIPE,
            stderr=writing,
            check=False,
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stdout) == (ExitCode.USAGE, b"")
