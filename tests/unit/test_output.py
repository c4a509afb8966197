"""Reports are delivered whole or not at all, and one that fails does not take others with it."""

from __future__ import annotations

import errno
import io
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

import pytest
from tests.support.boxes import NOW, UNLOCKED, box, judge, ruleset

from cachescan.errors import ConfigError, OutputError
from cachescan.output import Destination, deliver, destinations
from cachescan.snapshot import Header

if TYPE_CHECKING:
    from cachescan.model import Report


@pytest.fixture
def report() -> Report:
    return judge([Header(1, "0", "fake", NOW), box()], ruleset(UNLOCKED))


@pytest.mark.parametrize(
    ("spec", "name", "path"),
    [
        ("json=-", "json", None),
        ("json=a.json", "json", "a.json"),
        ("json=a=b.json", "json", "a=b.json"),
        ("jsonl=a.jsonl", "jsonl", "a.jsonl"),
        ("sarif:profile=github=x.sarif", "sarif", "x.sarif"),
        ("sarif:profile=full=-", "sarif", None),
    ],
)
def test_a_destination_is_a_format_its_options_and_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, name: str, path: str | None
) -> None:
    monkeypatch.chdir(tmp_path)

    (target,) = destinations([spec])

    assert target.reporter.name == name
    assert target.path == (None if path is None else Path(path))


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        (["json"], "'json' is not FORMAT=PATH"),
        (["json="], "is not FORMAT=PATH"),
        (["=x.json"], "no reporter called ''"),
        ([""], "is not FORMAT=PATH"),
        (["jsn=-"], "no reporter called 'jsn'"),
        (["json:indent=4=-"], "no option 'indent'"),
        (["sarif:profle=github=x"], "no option 'profle'"),
        (["sarif:profile=gitlab=x"], "cannot be 'gitlab'"),
        (["sarif:profile=x.sarif"], "is not FORMAT=PATH"),
        (["sarif:github=x.sarif"], "is not FORMAT=PATH"),
        (["sarif:profile=github,full=x.sarif"], "the option 'full' has no value"),
        (["json=-", "jsonl=-"], "only one report can go to standard output"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(
    specs: list[str], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        destinations(specs)

    assert said in str(caught.value)


def test_a_misspelt_format_gets_the_nearest_one() -> None:
    with pytest.raises(ConfigError) as caught:
        destinations(["sariff=-"])

    assert caught.value.hint == "did you mean 'sarif'?"


@pytest.mark.parametrize("path", ["missing/a.json", "a-file/a.json", "."])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(
    tmp_path: Path, path: str
) -> None:
    (tmp_path / "a-file").write_text("")

    with pytest.raises(OutputError, match="cannot write"):
        destinations([f"json={tmp_path / path}"])


def test_a_report_is_private_and_replaces_the_old_one_whole(tmp_path: Path, report: Report) -> None:
    """Mode 0600 and no rest beside it."""
    path = tmp_path / "a.json"
    path.write_text("x" * 100_000)
    out = io.BytesIO()

    deliver(report, destinations([f"json={path}", "json=-"]), out)

    assert path.read_bytes() == out.getvalue()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


class Faulty:
    """Writes a little, then fails."""

    name: ClassVar[str] = "faulty"
    media_type: ClassVar[str] = "text/plain"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def write(self, report: Report, out: IO[bytes]) -> None:
        out.write(report.run.id.encode())
        raise self._error


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_a_report_that_fails_leaves_the_old_one_and_does_not_stop_the_others(
    tmp_path: Path, report: Report
) -> None:
    """Two fail, both are named; the third is there."""
    old, other, good = tmp_path / "old", tmp_path / "other", tmp_path / "good.json"
    old.write_text("old")
    targets = [
        Destination(Faulty(FULL), old),
        Destination(Faulty(FULL), other),
        *destinations([f"json={good}"]),
    ]

    with pytest.raises(OutputError) as caught:
        deliver(report, targets, io.BytesIO())

    said = f"could not write {old}: No space left on device; {other}: No space left on device"
    assert str(caught.value) == said
    assert old.read_text() == "old"
    assert good.stat().st_size > 0
    assert sorted(tmp_path.iterdir()) == [good, old]


def test_a_fault_of_a_reporter_leaves_no_half_file(tmp_path: Path, report: Report) -> None:
    """Nor is it taken for a disk that is full."""
    with pytest.raises(ZeroDivisionError):
        deliver(report, [Destination(Faulty(ZeroDivisionError()), tmp_path / "x")], io.BytesIO())

    assert list(tmp_path.iterdir()) == []


class Stdout(io.BytesIO):
    """Standard output that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def flush(self) -> None:
        raise self._error


def test_a_full_standard_output_is_an_output_that_failed(report: Report) -> None:
    with pytest.raises(OutputError, match="could not write standard output: No space left"):
        deliver(report, destinations(["json=-"]), Stdout(FULL))


def test_a_reader_who_leaves_does_not_cost_the_files(tmp_path: Path, report: Report) -> None:
    """Files are written first, in whatever order they were asked for."""
    path = tmp_path / "a.json"

    with pytest.raises(BrokenPipeError):
        deliver(report, destinations(["json=-", f"json={path}"]), Stdout(BrokenPipeError()))

    assert path.stat().st_size > 0
