"""Does a key's name say that it matters? Whole tokens against ``rules/names/``.

A key hits a category if one of its tokens, an adjacent pair of them or its extension is listed,
unless a token of its path or its extension disarms it: ``docs/draft-js/index.js`` is no draft.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field

from cachescan.errors import ConfigError
from cachescan.model import SEVERITIES, Severity
from cachescan.rules import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SEPARATORS = re.compile(r"[\s_\-.()\[\]+~,@=&/]+")
_BORDERS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LETTERS_DIGITS = re.compile(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])")


class NameRule(Struct, frozen=True, forbid_unknown_fields=True):
    """One category of the taxonomy, as ``rules/names/<category>.yaml`` states it."""

    category: str
    title: str
    severity: Severity
    tokens: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()
    extensions: tuple[str, ...] = ()
    not_in: tuple[str, ...] = ()
    not_extensions: tuple[str, ...] = ()
    references: tuple[str, ...] = field(default_factory=tuple)


class Match(Struct, frozen=True):
    """A category that a key hits, and the words that decided."""

    category: str
    why: str


class NameMatcher:
    """All categories, compiled once; matching is a few set operations a key."""

    def __init__(self, rules: Sequence[NameRule]) -> None:
        ranked = sorted(rules, key=lambda r: (-SEVERITIES.index(r.severity), r.category))
        self.categories = tuple(rule.category for rule in ranked)
        self._compiled = [
            (
                rule.category,
                frozenset(rule.tokens),
                frozenset(rule.phrases),
                frozenset(rule.extensions),
                frozenset(rule.not_in),
                frozenset(rule.not_extensions),
            )
            for rule in ranked
        ]

    def match(self, key: str) -> tuple[Match, ...]:
        """Return the categories a key hits, the most severe first."""
        folder, _, base = key.rpartition("/")
        extensions = _extensions(base)
        words = tokens(base)
        path = tokens(folder)
        around = frozenset(path)
        every = frozenset(words) | around
        found = []
        for category, single, phrases, wanted, not_in, not_extensions in self._compiled:
            if around & not_in or extensions & not_extensions:
                continue
            why = _why(every & single, phrases, (path, words), extensions & wanted)
            if why:
                found.append(Match(category, why))
        return tuple(found)


def tokens(text: str) -> tuple[str, ...]:
    """Split a name into lower-case words at separators, camelCase and letter-digit borders."""
    found: list[str] = []
    for part in _SEPARATORS.split(text):
        for piece in _BORDERS.split(part):
            word = piece.lower()
            found.extend(filter(None, [word]))
            pieces = _LETTERS_DIGITS.split(word)
            if len(pieces) > 1:  # both `v2` and `v`, `2`
                found.extend(pieces)
    return tuple(found)


def load_names(folder: Path) -> NameMatcher:
    """Load the taxonomy; raises ConfigError that names the file and the field."""
    return NameMatcher(list(_read(folder)))


def _read(folder: Path) -> Iterator[NameRule]:
    for path in sorted(folder.glob("*.yaml")):
        try:
            yield msgspec.convert(read_yaml(path), NameRule)
        except msgspec.ValidationError as error:
            message = f"{path}: {error}"
            raise ConfigError(message) from error


def _extensions(base: str) -> frozenset[str]:
    """Return every compound extension from the right: ``gz`` and ``sql.gz``."""
    parts = base.lower().split(".")[1:]
    return frozenset(".".join(parts[index:]) for index in range(len(parts)))


def _why(
    single: frozenset[str],
    phrases: frozenset[tuple[str, ...]],
    sides: tuple[tuple[str, ...], ...],
    extensions: frozenset[str],
) -> str:
    said = [*sorted(single), *(f".{extension}" for extension in sorted(extensions))]
    for phrase in sorted(phrases):
        size = len(phrase)
        for words in sides:
            if any(words[i : i + size] == phrase for i in range(len(words) - size + 1)):
                said.append(" ".join(phrase))
                break
    return ", ".join(said)
