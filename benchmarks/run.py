"""Measure cachescan beside its peers: `python benchmarks/run.py`, or `make bench`.

Installs what it needs under .bench/, runs everything on loopback and leaves nothing running.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import config
import contestants
import startup
import tables
from fixture import cloud
from measure import BenchError

BENCH = Path(__file__).resolve().parents[1] / ".bench"


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for, print it, and return an exit code."""
    options = _parser().parse_args(arguments)
    # Terminated as politely as interrupted: every server is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    BENCH.mkdir(exist_ok=True)
    started = time.monotonic()
    print(tables.machine(), flush=True)
    try:
        with TemporaryDirectory(dir=BENCH, prefix="run-") as folder:
            if options.only != "config":
                print(*tables.startup(startup.measure(Path(folder), options.starts)), sep="\n")
            if options.only != "startup":
                _config(options, Path(folder))
    except BenchError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("benchmark: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    print(f"took {time.monotonic() - started:.0f} s")
    return 0


def _config(options: argparse.Namespace, folder: Path) -> None:
    """Scan the estate with everyone, and print how that went."""
    entered = [contestants.cachescan(), contestants.custodian(BENCH)]
    if options.prowler:
        entered.append(contestants.prowler(BENCH))
    print(f"\nBuilding an estate of {options.buckets} buckets.", flush=True)
    with cloud(folder, options.buckets, options.delay_ms) as doors:
        results = config.measure(entered, doors, folder, options.repeat)
    print("", *tables.scans(results), sep="\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    add = parser.add_argument
    add("--buckets", type=_count, default=1000, help="buckets in the estate (%(default)s)")
    add("--delay-ms", type=_count, default=50, help="added by the slow door (%(default)s)")
    add("--prowler", action="store_true", help="measure Prowler too; installs 1.2 GB")
    add("--only", choices=("startup", "config"), help="one half of it")
    add(
        "--repeat",
        type=_count,
        default=3,
        help="runs of each scan, if they are short (%(default)s)",
    )
    add("--starts", type=_count, default=15, help="runs of each start-up command (%(default)s)")
    return parser


def _count(text: str) -> int:
    """Return a whole number above 0; raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
