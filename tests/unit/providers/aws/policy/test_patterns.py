"""Cells of patterns: every one is found, and every string shown lies in its own."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachescan.providers.aws.policy.patterns import (
    DIGIT,
    MANY,
    MANY_IN_FIELD,
    MANY_IN_NAME,
    ONE,
    ONE_IN_NAME,
    Automaton,
    Budget,
    TooComplexError,
    cells,
    folded,
    matches,
    tokens,
)

GLOBS = st.text(alphabet="ab*?", max_size=5)
WORDS = ["".join(w) for n in range(7) for w in itertools.product("abc", repeat=n)]


@settings(deadline=None, max_examples=60)
@given(st.lists(GLOBS, max_size=4))
def test_every_cell_has_its_string(globs: list[str]) -> None:
    """Of all words up to a length, none lies in a cell that was not found."""
    patterns = [tokens(glob) for glob in globs]

    found = cells(patterns, (MANY,), Budget(10**7))

    shown = {cell.covered for cell in found}
    for cell in found:
        assert {i for i, p in enumerate(patterns) if matches(p, cell.text)} == cell.covered
    for word in WORDS:
        assert frozenset(i for i, p in enumerate(patterns) if matches(p, word)) in shown


@settings(deadline=None)
@given(GLOBS, st.text(alphabet="abc", max_size=8))
def test_the_automaton_and_the_expression_agree(glob: str, word: str) -> None:
    machine = Automaton(tokens(glob))
    mask = machine.start
    for char in word:
        mask = machine.step(mask, char)

    assert machine.accepts(mask) == matches(tokens(glob), word)


def test_strings_stay_within_the_shape() -> None:
    shape = (*"o-", ONE_IN_NAME, MANY_IN_NAME, "/", DIGIT, MANY_IN_FIELD)

    found = cells([tokens("o-a*"), tokens("*9")], shape, Budget(10**6))

    assert {cell.covered for cell in found} == {frozenset(s) for s in ([], [0], [1], [0, 1])}
    for cell in found:
        org, slash, rest = cell.text.partition("/")
        assert org.startswith("o-")
        assert slash
        assert rest[0].isdecimal()
        assert ":" not in cell.text


def test_a_folded_text_is_matched_in_any_case() -> None:
    found = cells([folded("aB1"), tuple("aB1")], (MANY,), Budget(10**6))

    assert {cell.covered for cell in found} == {frozenset(), frozenset([0]), frozenset([0, 1])}
    assert {cell.text.lower() for cell in found if cell.covered} == {"ab1"}


@pytest.mark.parametrize("glob", ["*a" * 200 + "b", "a*" * 200, "?*" * 200, "*" * 5000])
def test_hundreds_of_wildcards_match_in_linear_time(glob: str) -> None:
    """A backtracking matcher would not come back from this."""
    assert not matches(tokens(glob + "z"), "a" * 5000)


def test_patterns_whose_cells_explode_are_given_up() -> None:
    many = [tokens(f"*{chr(0x4E00 + i)}*") for i in range(40)]

    with pytest.raises(TooComplexError, match="wildcard patterns"):
        cells(many, (ONE, MANY), Budget(100_000))
