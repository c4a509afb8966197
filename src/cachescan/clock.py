"""Instants as text: RFC 3339, UTC, whole seconds."""

from __future__ import annotations

from datetime import UTC, datetime

from cachescan.errors import ConfigError


def current() -> str:
    """Return the current instant."""
    return _text(datetime.now(UTC))


def parse_instant(text: str) -> str:
    """Return an instant in the one form used here; raises ConfigError if it has no zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is not an instant such as 2026-11-25T08:00:00Z"
        raise ConfigError(message) from error
    if instant.tzinfo is None:
        message = f"{text!r} has no time zone"
        raise ConfigError(message, hint="add Z for UTC")
    return _text(instant)


def date_of(instant: str) -> str:
    """Return the UTC date of an instant; raises ConfigError like ``parse_instant``."""
    return parse_instant(instant)[: len("2026-11-25")]


def _text(instant: datetime) -> str:
    utc = instant.astimezone(UTC).isoformat(timespec="seconds")
    return utc.replace("+00:00", "Z")
