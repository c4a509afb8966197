"""Run one command and print what it cost, as JSON: a small process between us and the measured one.

The kernel gives a child the peak memory of the process that it was forked from, so whoever forks
must be smaller than whatever is measured. Run with `python -I -S`, which is under 10 MB.

    python -I -S stopwatch.py LOG COMMAND ARGUMENT...
"""

from __future__ import annotations

import os
import sys
import time


def main(log: str, command: list[str]) -> None:
    """Run the command with both its outputs going to the log.

    CPU is that of the whole tree of children that were waited for; memory that of the largest.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    output = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=output)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    cpu = usage.ru_utime + usage.ru_stime
    code = os.waitstatus_to_exitcode(status)
    # ru_maxrss is in KiB on Linux. Written by hand: json would be a third of this process.
    print(
        f'{{"wall": {wall}, "cpu": {cpu}, "rss": {usage.ru_maxrss * 1024 / 1e6}, "code": {code}}}'
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
