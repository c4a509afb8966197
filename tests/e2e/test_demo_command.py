"""``cachescan demo --serve`` as a newcomer meets it: paste the line, hold the draft."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from cachescan.demo import CMS_BUCKET, DRAFT_KEY, DRAFT_TITLE, LOG_ARCHIVE_BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 300.0  # the first run installs the emulator

pytestmark = pytest.mark.e2e


class Served:
    """A running ``demo --serve``: its report and the folder that it wrote."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, report: Path) -> None:
        self.process = process
        self.folder = folder
        self._report = report

    @property
    def report(self) -> str:
        return self._report.read_text("utf-8")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("demo")
    report, messages = folder / "stdout.txt", folder / "stderr.txt"
    with report.open("w") as out, messages.open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "cachescan", "demo", "--serve", "--out", str(folder)],
            stdout=out,
            stderr=err,
            text=True,
            preexec_fn=default_interrupt,  # noqa: PLW1509 (nothing here holds a lock)
        )
        deadline = time.monotonic() + PATIENCE
        while "stays up until Ctrl-C" not in messages.read_text("utf-8"):
            assert process.poll() is None, messages.read_text("utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Served(process, folder, report)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def default_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def first_line(served: Served) -> str:
    """Return the first curl line of the report, as a person would copy it."""
    found = re.search(r"^ *(curl .*)$", served.report, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_first_curl_line_fetches_the_draft_when_pasted(served: Served) -> None:
    line = first_line(served)

    fetched = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)

    assert DRAFT_KEY in line
    assert DRAFT_TITLE in fetched.stdout


def test_the_first_finding_is_the_draft_in_the_cms_bucket(served: Served) -> None:
    critical = served.report.split("CRITICAL")[1]

    assert critical.index(CMS_BUCKET) < critical.index(DRAFT_KEY) < critical.index("Fix")


def test_the_archive_that_denies_the_auditor_is_unknown_not_passed(served: Served) -> None:
    report = json.loads((served.folder / "report.json").read_text("utf-8"))

    (archive,) = (r for r in report["resources"] if r["name"] == LOG_ARCHIVE_BUCKET)
    assert archive["exposure"]["read"]["anonymous"] == "unknown"
    assert archive["verdicts"]["unknown"] > 20
    assert "s3:GetBucketPolicy" in report["missing_permissions"]


def test_every_report_and_the_snapshot_are_written(served: Served) -> None:
    written = {path.name for path in served.folder.iterdir()}

    assert written >= {"report.json", "events.jsonl", "report.sarif", "snapshot.ndjson"}


def test_without_serve_nothing_is_left_running(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cachescan", "demo", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, err
    address = urlsplit(re.search(r"'(http://[^']+)'", out)[1])  # type: ignore[index]
    with socket.socket() as probe:
        assert probe.connect_ex((address.hostname or "", address.port or 0)) != 0
