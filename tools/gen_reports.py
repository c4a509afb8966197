"""Write the sample reports of reports/ from its recorded snapshot; --check fails if one is stale.

``--record`` first scans the demo cloud anew and keeps that snapshot. The demo's port changes from
run to run, so the recording has a fixed one in its place.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from cachescan.api import Judging, evaluate
from cachescan.model import Report, Resource
from cachescan.output import destinations
from cachescan.reporters.terminal import render
from cachescan.snapshot import Journal, read

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "reports"
SNAPSHOT = REPORTS / "snapshot.ndjson"
FILES = {
    "json": "report.json",
    "jsonl": "events.jsonl",
    "sarif": "report.sarif",
    "text:color=never,encoding=utf-8": "report.txt",
}
PICTURE = REPORTS / "terminal.svg"
PORT = "4566"
WIDTH = 100
LINES = 44
_WEB_FONT = re.compile(r",\s*url\([^)]*\) format\([^)]*\)")


def render_all() -> dict[Path, bytes]:
    """Return every sample report by its path."""
    report = evaluate([SNAPSHOT], Judging())
    found = {}
    for spec, name in FILES.items():
        buffer = io.BytesIO()
        (target,) = destinations([f"{spec}=-"])
        target.reporter.write(report, buffer)
        found[REPORTS / name] = buffer.getvalue()
    found[PICTURE] = _picture(report)
    return found


def _picture(report: Report) -> bytes:
    """Return the first screen as SVG, with the reader's own fonts: a picture asks no server."""
    page = io.StringIO()
    render(report, Console(width=WIDTH, file=page, force_terminal=True, color_system="standard"))
    screen = "\n".join(page.getvalue().splitlines()[:LINES])
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(screen))
    svg = console.export_svg(title="cachescan demo", unique_id="cachescan")
    return _WEB_FONT.sub("", svg).encode()


def record() -> None:
    """Scan the demo cloud and keep its snapshot with a fixed port."""
    from cachescan.cli import main  # only needed when the recording is made anew

    with tempfile.TemporaryDirectory() as folder:
        main(["demo", "--out", folder], io.BytesIO(), sys.stderr)
        fresh = Path(folder) / SNAPSHOT.name
        records = list(read(fresh))
    endpoint = next(
        r.facets["bucket"]["Endpoint"]
        for r in records
        if isinstance(r, Resource) and "bucket" in r.facets
    )
    fixed = f"{endpoint.rpartition(':')[0]}:{PORT}"
    SNAPSHOT.unlink(missing_ok=True)
    with Journal(SNAPSHOT) as journal:
        for item in records:
            text = msgspec.json.encode(item).decode().replace(endpoint, fixed)
            same = msgspec.json.decode(text, type=type(item))
            if item is records[0]:
                list(journal.start(same))  # type: ignore[arg-type]
            elif item is not records[-1]:
                journal.write(same)
        journal.finish()


def run() -> int:
    """Write or check; return the exit code."""
    if "--record" in sys.argv:
        record()
    check = "--check" in sys.argv
    stale = [
        path
        for path, content in render_all().items()
        if not path.is_file() or path.read_bytes() != content
    ]
    for path in stale:
        print(f"{'stale' if check else 'wrote'}: {path.relative_to(ROOT)}")
    if stale and not check:
        for path, content in render_all().items():
            path.write_bytes(content)
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(run())
