from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given
from tests.support import strangers
from tests.unit.reporters import sample

from cachescan.reporters import jsonl

if TYPE_CHECKING:
    from cachescan.model import Report

DOCUMENTED = Path(__file__).parents[3] / "docs" / "report.md"


def lines(report: Report) -> list[bytes]:
    out = io.BytesIO()
    jsonl.factory({}).write(report, out)
    return out.getvalue().split(b"\n")


def events(report: Report) -> list[dict[str, Any]]:
    *whole, rest = lines(report)
    assert rest == b""
    return [json.loads(line) for line in whole]


def test_the_run_comes_first_and_the_summary_last() -> None:
    kinds = [event["type"] for event in events(sample.report())]

    assert kinds == ["run", *["finding"] * 25, "gap", "gap", "summary"]


def test_every_event_says_which_run_and_when() -> None:
    found = events(sample.report())

    assert {event["time"] for event in found} == {sample.NOW}
    assert {event["run"] for event in found} == {sample.report().run.id}


def test_a_finding_has_its_title_and_whether_it_is_suppressed() -> None:
    found = [event for event in events(sample.report()) if event["type"] == "finding"]

    suppressed = [event for event in found if event["suppressed"]]
    assert [event["resource"]["name"] for event in suppressed] == ["novalab-www-assets"]
    assert suppressed[0]["title"] == "Anyone can read objects"
    assert {event["verdict"] for event in found} == {"fail", "unknown", "error"}


def test_the_first_and_last_event_say_how_it_ended() -> None:
    first, *_, last = events(sample.report())

    assert first["coverage"]["objects_listed"] == 10_240
    assert first["exit_code"] == last["exit_code"] == 1
    assert last["severities"]["high"] == 3
    assert last["verdicts"]["unknown"] == 3
    assert len(last["reasons"]) == 4


def test_a_clean_run_still_has_a_beginning_and_an_end() -> None:
    assert [event["type"] for event in events(sample.clean())] == ["run", "summary"]


def test_every_field_is_documented() -> None:
    documentation = DOCUMENTED.read_text("utf-8")

    fields = {name for event in events(sample.report()) for name in event}
    assert [name for name in fields if f"`{name}`" not in documentation] == []


@given(strangers.texts)
def test_a_strangers_text_forges_no_line_and_hides_in_none(text: str) -> None:
    *whole, _ = lines(sample.hostile(text))

    assert len(whole) == 8
    for line in whole:
        json.loads(line)
        assert strangers.hidden(line.decode()) == set()
