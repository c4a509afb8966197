"""Accepted findings: each with a reason and an end; expired and unused ones are reported."""

from __future__ import annotations

import fnmatch
import tomllib
from datetime import date
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from cachescan.errors import ConfigError
from cachescan.model import Finding, Suppression
from cachescan.rules import read_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class _File(msgspec.Struct, forbid_unknown_fields=True):
    suppress: list[Suppression]


def load_suppressions(path: Path) -> tuple[Suppression, ...]:
    """Read a TOML or YAML file with a list ``suppress``.

    Raises:
        ConfigError: unreadable, an unknown key, an empty reason, or a date that is none.
    """
    content = _toml(path) if path.suffix == ".toml" else read_yaml(path)
    try:
        # Both formats have dates of their own; here they are text like quoted ones.
        found = msgspec.convert(msgspec.to_builtins(content), _File, strict=False).suppress
    except msgspec.ValidationError as error:
        message = f"{path}: {error}"
        raise ConfigError(
            message, hint="rule, resource, reason and expires are required"
        ) from error
    return tuple(_checked(path, entry) for entry in found)


def _toml(path: Path) -> object:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not readable as TOML"
        raise ConfigError(message, hint=str(error)) from error


def _checked(path: Path, entry: Suppression) -> Suppression:
    if not entry.reason.strip():
        message = f"{path}: the suppression of {entry.rule} on {entry.resource} gives no reason"
        raise ConfigError(message)
    try:
        expires = date.fromisoformat(entry.expires)
    except ValueError as error:
        message = f"{path}: expires = {entry.expires!r} is not a date such as 2027-01-31"
        raise ConfigError(message) from error
    return structs.replace(entry, expires=expires.isoformat())  # one form, compared as text


class Suppressor:
    """Applies suppressions to findings and remembers which were of use."""

    def __init__(self, suppressions: Sequence[Suppression], today: str = "") -> None:
        """Take suppressions; ``today`` is the date they are held against, ISO 8601."""
        self._all = tuple(suppressions)
        self._used: set[Suppression] = set()
        self.today = today

    def apply(self, finding: Finding, aliases: Sequence[str] = ()) -> Finding:
        """Return the finding, marked if a live suppression covers its rule and resource."""
        for entry in self._all:
            if (
                entry.expires >= self.today
                and entry.rule in (finding.rule, *aliases)
                and _covers(entry.resource, finding)
            ):
                self._used.add(entry)
                return structs.replace(finding, suppression=entry)
        return finding

    @property
    def expired(self) -> tuple[Suppression, ...]:
        """Suppressions past their date: they hide nothing any more."""
        return tuple(s for s in self._all if s.expires < self.today)

    @property
    def unused(self) -> tuple[Suppression, ...]:
        """Live suppressions that matched nothing."""
        return tuple(s for s in self._all if s.expires >= self.today and s not in self._used)


def _covers(glob: str, finding: Finding) -> bool:
    """Match the whole name or uid: ``ci-logs`` does not cover ``ci-logs-replica``."""
    return any(fnmatch.fnmatchcase(text, glob) for text in (finding.ref.name, finding.ref.uid))
