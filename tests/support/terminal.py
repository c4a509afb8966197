"""The command line as a test calls it: arguments in; code, bytes and messages out."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from cachescan.cli import main
from cachescan.snapshot import SCHEMA, Header, Journal

if TYPE_CHECKING:
    from pathlib import Path

    from cachescan.snapshot import Record

NOW = "2026-11-25T08:00:00Z"


class Outcome(Struct, frozen=True):
    """What one command line came to."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The JSON report on standard output."""
        report: dict[str, Any] = json.loads(self.out)
        return report


def run(*args: str | Path) -> Outcome:
    """Run one command line in this process."""
    out, err = io.BytesIO(), io.StringIO()
    code = main([str(arg) for arg in args], out, err)
    return Outcome(code, out.getvalue(), err.getvalue())


def snapshot(path: Path, *records: Record, finish: bool = True) -> Path:
    """Write a snapshot of AWS with these records."""
    with Journal(path) as journal:
        for _ in journal.start(Header(SCHEMA, "0.1", "aws", NOW)):
            pass
        for record in records:
            journal.write(record)
        if finish:
            journal.finish()
    return path
