"""Whole tokens of a key: drafts are found, ``draft-js`` and ``overdraft`` are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cachescan.census.names import Match, NameMatcher, NameRule, load_names, tokens
from cachescan.errors import ConfigError
from cachescan.model import Severity

if TYPE_CHECKING:
    from pathlib import Path

DRAFT = NameRule(
    category="draft",
    title="Drafts",
    severity=Severity.HIGH,
    tokens=("draft", "wip"),
    phrases=(("work", "in", "progress"), ("not", "final")),
    not_in=("node", "vendor"),
    not_extensions=("js", "min.css"),
)
DUMP = NameRule(
    category="dump",
    title="Dumps",
    severity=Severity.CRITICAL,
    extensions=("sql.gz", "sql", "rdb"),
    not_in=("migrations",),
)
MATCHER = NameMatcher((DRAFT, DUMP))


def categories(key: str) -> list[str]:
    return [match.category for match in MATCHER.match(key)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("draft", ("draft",)),
        ("Draft-2026_final.v2", ("draft", "2026", "final", "v2", "v", "2")),
        ("myDraftPost", ("my", "draft", "post")),
        ("HTTPServerKey", ("http", "server", "key")),
        ("press release (draft)", ("press", "release", "draft")),
        ("a+b~c,d@e=f&g[h]", ("a", "b", "c", "d", "e", "f", "g", "h")),
        ("q3results", ("q3results", "q", "3", "results")),
        ("a/b/c", ("a", "b", "c")),
        ("\u00dcbersicht", ("\u00fcbersicht",)),
        ("---", ()),
    ],
)
def test_a_name_is_split_at_separators_humps_and_digits(text: str, words: tuple[str, ...]) -> None:
    assert tokens(text) == words


@given(st.text(max_size=60))
def test_any_text_splits_into_lower_case_words(text: str) -> None:
    """Nothing empty, nothing raised, whatever a stranger calls an object."""
    for word in tokens(text):
        assert word
        assert word == word.lower()


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("press/launch-draft.md", ["draft"]),
        ("press/LaunchDraft.md", ["draft"]),
        ("drafting/x.md", []),
        ("overdraft.pdf", []),
        ("draft/anything.bin", ["draft"]),
        ("wip2.txt", ["draft"]),
        ("launch-work_in.progress.doc", ["draft"]),
        ("work/in/progress.doc", []),
        ("not-final/report.pdf", ["draft"]),
        ("not/final.pdf", []),
        ("final-not.pdf", []),
        ("node/draft.md", []),
        ("a/node_modules/draft.md", []),
        ("nodes/draft.md", ["draft"]),
        ("node-draft.md", ["draft"]),
        ("lib/draft.js", []),
        ("lib/draft.min.css", []),
        ("lib/draft.css", ["draft"]),
        ("backup.sql", ["dump"]),
        ("backup.SQL.GZ", ["dump"]),
        ("backup.gz", []),
        ("sql", []),
        ("migrations/0001.sql", []),
        ("draft/migrations/0001.sql", ["draft"]),
        ("draft.sql", ["dump", "draft"]),
        ("", []),
        ("/", []),
        ("a//draft", ["draft"]),
        ("draft\n\x1b.md", ["draft"]),
    ],
)
def test_a_key_hits_by_token_phrase_or_extension_unless_disarmed(
    key: str, expected: list[str]
) -> None:
    """The most severe category first; each category is disarmed by its own words only."""
    assert categories(key) == expected


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("wip/draft.md", "draft, wip"),
        ("x/not-final-draft", "draft, not final"),
        ("not-final/not-final", "not final"),
    ],
)
def test_a_hit_says_which_words_decided(key: str, why: str) -> None:
    assert MATCHER.match(key) == (Match("draft", why),)


def test_an_extension_that_decides_is_told_with_its_dot() -> None:
    assert MATCHER.match("a.sql.gz") == (Match("dump", ".sql.gz"),)


@given(st.text(max_size=40))
def test_matching_never_raises_and_names_each_category_once(key: str) -> None:
    found = categories(key)

    assert len(found) == len(set(found))
    assert set(found) <= {"draft", "dump"}


def test_categories_are_ranked_by_severity_and_name() -> None:
    low = NameRule("aaa", "x", Severity.LOW)
    assert NameMatcher((low, DRAFT, DUMP)).categories == ("dump", "draft", "aaa")


def write(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(yaml.safe_dump(content))


def test_a_taxonomy_is_a_folder_of_categories(tmp_path: Path) -> None:
    write(tmp_path, "draft.yaml", {"category": "draft", "title": "D", "severity": "high"})
    write(tmp_path, "dump.yaml", {"category": "dump", "title": "D", "severity": "low"})

    assert load_names(tmp_path).categories == ("draft", "dump")


@pytest.mark.parametrize(
    "content",
    [
        {"category": "x", "title": "X", "severity": "high", "token": ["a"]},
        {"category": "x", "title": "X"},
        {"category": "x", "title": "X", "severity": "bad"},
        ["x"],
    ],
)
def test_a_category_with_a_fault_is_refused_by_file(tmp_path: Path, content: object) -> None:
    """A misspelt list would otherwise match nothing, and nobody would notice."""
    write(tmp_path, "odd.yaml", content)

    with pytest.raises(ConfigError, match=r"odd\.yaml"):
        load_names(tmp_path)
