"""Instants have one form: UTC, whole seconds, Z."""

from __future__ import annotations

import re

import pytest

from cachescan.clock import current, date_of, parse_instant
from cachescan.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-25T08:00:00Z", "2026-11-25T08:00:00Z"),
        ("2026-11-25T08:00:00+00:00", "2026-11-25T08:00:00Z"),
        ("2026-11-25T08:00:00.999Z", "2026-11-25T08:00:00Z"),
        ("2026-11-25T01:30:00+05:30", "2026-11-24T20:00:00Z"),
        ("2026-11-25 08:00:00-01:00", "2026-11-25T09:00:00Z"),
    ],
)
def test_an_instant_is_brought_to_utc(text: str, expected: str) -> None:
    assert parse_instant(text) == expected
    assert parse_instant(expected) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "1764057600"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not an instant"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["2026-11-25T08:00:00", "2026-11-25"])
def test_an_instant_without_a_zone_is_refused(text: str) -> None:
    """It would mean something else on another machine."""
    with pytest.raises(ConfigError, match="no time zone") as caught:
        parse_instant(text)

    assert caught.value.hint == "add Z for UTC"


def test_the_date_of_an_instant_is_that_of_utc() -> None:
    assert date_of("2026-11-25T00:30:00+02:00") == "2026-11-24"
    assert date_of("2026-11-25T08:00:00Z") == "2026-11-25"


def test_now_has_the_form_that_is_read_back() -> None:
    now = current()

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", now)
    assert parse_instant(now) == now
