"""Wildcard patterns as token strings, and the shortest strings of every cell they cut.

A pattern is a tuple of tokens: one character stands for itself, two for either of them, and every
other token has a longer name. A *cell* is the set of strings on which each of several patterns
gives the same answer; the engine needs one string of every cell that is not empty
(docs/semantics.md §1.3).
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ONE, MANY = "one", "many"
"""``?`` and ``*`` over every character."""
ONE_IN_FIELD, MANY_IN_FIELD = "one:", "many:"
"""The same within one field of an ARN: they do not match a colon."""
ONE_IN_NAME, MANY_IN_NAME = "one/", "many/"
"""The same within a name: they match neither a colon nor a slash."""
DIGIT = "digit"
ONE_OF_ID, MANY_OF_ID = "one#", "many#"
"""Lower-case letters and digits, as AWS makes identifiers."""
ONE_OF_IAM, MANY_OF_IAM, MANY_OF_PATH = "one@", "many@", "many@/"
"""What IAM takes in names of users, roles and sessions; in a path with slashes between."""

Tokens = tuple[str, ...]

_REPEATED = frozenset({MANY, MANY_IN_FIELD, MANY_IN_NAME, MANY_OF_ID, MANY_OF_IAM, MANY_OF_PATH})
_BUT = {
    ONE: "",
    MANY: "",
    ONE_IN_FIELD: ":",
    MANY_IN_FIELD: ":",
    ONE_IN_NAME: ":/",
    MANY_IN_NAME: ":/",
}
_DIGITS = "0123456789"
_ID = "abcdefghijklmnopqrstuvwxyz" + _DIGITS
_IAM = _ID + _ID.upper() + "_+=,.@-"
_ONLY = {
    DIGIT: _DIGITS,
    ONE_OF_ID: _ID,
    MANY_OF_ID: _ID,
    ONE_OF_IAM: _IAM,
    MANY_OF_IAM: _IAM,
    MANY_OF_PATH: _IAM + "/",
}
_COMMON = "xyzwvutsrqponmlkjihgfedcba0123456789XYZWVUTSRQPONMLKJIHGFEDCBA-_.~+=@/: "


class TooComplexError(Exception):
    """The document would take more work than the engine spends on one; the text says where."""


class Budget:
    """Counts work, so that a hostile document ends in an answer; never by the clock.

    Args:
        units: how much may be spent; one unit is about a microsecond.
    """

    def __init__(self, units: int) -> None:
        self.left = units

    def spend(self, units: int, on: str) -> None:
        """Take units off; raises TooComplexError, naming ``on``, when none are left."""
        self.left -= units
        if self.left < 0:
            raise TooComplexError(f"more work than one policy is given: {on}")


def tokens(text: str, *, one: str = ONE, many: str = MANY) -> Tokens:
    """Return a pattern with ``*`` and ``?``; a run of ``*`` is one."""
    found: list[str] = []
    for char in text:
        item = many if char == "*" else one if char == "?" else char
        if item != many or not found or found[-1] != many:
            found.append(item)
    return tuple(found)


def folded(text: str) -> Tokens:
    """Return the pattern of a text in any case."""
    return tuple(
        char if char.lower() == char.upper() else char.lower()[:1] + char.upper()[:1]
        for char in text
    )


def within(pattern: Tokens, *, one: str, many: str) -> Tokens:
    """Return a pattern whose wildcards stay within a field or a name."""
    return tuple(one if t == ONE else many if t == MANY else t for t in pattern)


def arn_tokens(pattern: Tokens) -> Tokens:
    """Return a pattern as ARN operators read it: the first five fields do not cross a colon."""
    if pattern == (MANY,):
        return (MANY_IN_FIELD, ":") * 5 + (MANY,)
    swap = {ONE: ONE_IN_FIELD, MANY: MANY_IN_FIELD}
    found, colons = [], 0
    for item in pattern:
        colons += item == ":"
        found.append(swap.get(item, item) if colons < 5 else item)  # noqa: PLR2004 (6 fields)
    return tuple(found)


@lru_cache(maxsize=8192)
def _expression(pattern: Tokens) -> re.Pattern[str]:
    """Return a regular expression without backtracking into an earlier ``*``.

    The first match of what follows a ``*`` is as good as any later one, so each is atomic.
    """
    pieces: list[list[str]] = [[]]
    for item in pattern:
        if item == MANY:
            pieces.append([])
        else:
            pieces[-1].append("." if item == ONE else re.escape(item))
    first, *rest = ("".join(piece) for piece in pieces)
    if not rest:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)


def matches(pattern: Tokens, value: str) -> bool:
    """Tell whether a pattern of literals, ``*`` and ``?`` covers a value."""
    return _expression(pattern).fullmatch(value) is not None


class Automaton:
    """The non-deterministic automaton of one pattern; a state set is a bit mask of positions."""

    def __init__(self, pattern: Tokens) -> None:
        self.pattern = pattern
        self.end = len(pattern)
        self._steps: dict[tuple[int, str], int] = {}
        self._chars: dict[int, frozenset[str]] = {}
        self.start = self._skip(1)

    def accepts(self, mask: int) -> bool:
        """Tell whether the mask holds the end of the pattern."""
        return bool(mask >> self.end & 1)

    def after(self, head: str) -> int:
        """Return the positions after a text."""
        if self.pattern[: len(head)] == tuple(head):
            return self._skip(1 << len(head))
        mask = self.start
        for char in head:
            mask = self._skip(self._advance(mask, char))
        return mask

    def step(self, mask: int, char: str) -> int:
        """Return the positions after one character."""
        key = (mask, char)
        if key not in self._steps:
            self._steps[key] = self._skip(self._advance(mask, char))
        return self._steps[key]

    def chars(self, mask: int) -> frozenset[str]:
        """Return the characters that lead elsewhere than any other character would."""
        if mask not in self._chars:
            found: set[str] = set()
            for at in _bits(mask):
                token = self.pattern[at] if at < self.end else ""
                found |= set(token if len(token) <= 2 else _BUT.get(token, ""))  # noqa: PLR2004
            self._chars[mask] = frozenset(found)
        return self._chars[mask]

    def _advance(self, mask: int, char: str) -> int:
        found = 0
        for at in _bits(mask):
            token = self.pattern[at] if at < self.end else ""
            if token and _fits(token, char):
                found |= 1 << at + (token not in _REPEATED)
        return found

    def _skip(self, mask: int) -> int:
        """Add what is reached by letting a repetition match nothing."""
        for at in _bits(mask):
            while at < self.end and self.pattern[at] in _REPEATED:
                at += 1  # noqa: PLW2901 (walking over repetitions is the point)
                mask |= 1 << at
        return mask


def _fits(token: str, char: str) -> bool:
    """Tell whether a token takes a character."""
    if token in _BUT:
        return char not in _BUT[token]
    return char in _ONLY.get(token, token)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


State = tuple[int, tuple[tuple[int, int], ...]]
"""The mask of the shape, and index and mask of every pattern that can still match."""


class Cell(Struct, frozen=True):
    """One string, and the indexes of the patterns that cover it."""

    text: str
    covered: frozenset[int]


def cells(patterns: Sequence[Tokens], shape: Tokens, budget: Budget) -> list[Cell]:
    """Return a shortest string of every cell within the shape; raises TooComplexError.

    Breadth-first over the product of all automata. States are finite, and two strings that lead
    to one state are in one cell whatever follows, so every cell is met.
    """
    machines = [Automaton(pattern) for pattern in patterns]
    outer = Automaton(shape)
    head = "".join(itertools.takewhile(lambda item: len(item) == 1, shape))
    budget.spend(len(head) + 2 * len(machines), "wildcard patterns")
    masks = ((i, machine.after(head)) for i, machine in enumerate(machines))
    start: State = (outer.after(head), tuple((i, mask) for i, mask in masks if mask))
    seen = {start}
    queue: deque[tuple[str, State]] = deque([(head, start)])
    found: dict[frozenset[int], str] = {}
    while queue:
        text, state = queue.popleft()
        if outer.accepts(state[0]):
            covered = frozenset(i for i, mask in state[1] if machines[i].accepts(mask))
            found.setdefault(covered, text)
        budget.spend(4 + len(state[1]), "wildcard patterns")
        for char in _next_chars(outer, machines, state):
            within = outer.step(state[0], char)
            if not within:
                continue
            budget.spend(1 + len(state[1]), "wildcard patterns")
            steps = ((i, machines[i].step(mask, char)) for i, mask in state[1])
            after = (within, tuple((i, mask) for i, mask in steps if mask))
            if after not in seen:
                seen.add(after)
                queue.append((text + char, after))
    return [Cell(text, covered) for covered, text in found.items()]


def _next_chars(outer: Automaton, machines: Sequence[Automaton], state: State) -> list[str]:
    special = outer.chars(state[0]).union(*(machines[i].chars(mask) for i, mask in state[1]))
    other = next((c for c in _COMMON if c not in special), None)
    if other is None:  # every usual character is taken: any further one will do
        other = next(chr(c) for c in range(0xA1, 0x10000) if chr(c) not in special)
    # The plain character goes first, so that the string shown is a harmless one. A digit may be
    # asked for, and of those that nothing asks for in particular one is as good as another.
    digit = next((c for c in reversed(_DIGITS) if c not in special), other)
    return [other, *([digit] if digit != other else []), *sorted(special)]
