"""The values that a policy compares a key with, as patterns and as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.providers.aws.policy.patterns import Tokens, arn_tokens, folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cachescan.providers.aws.policy.ir import Condition, Statement


def conditions_on(policy: Iterable[Statement], *keys: str) -> Iterator[Condition]:
    """Yield the conditions on any of some keys."""
    for statement in policy:
        for condition in statement.conditions:
            if condition.key in keys:
                yield condition


def raws_on(policy: Iterable[Statement], *keys: str) -> Iterator[str]:
    """Yield the values that any of some keys is compared with, as written."""
    for condition in conditions_on(policy, *keys):
        if condition.operator.family != "null":
            yield from (value.raw for value in condition.values)


def patterns_on(policy: Iterable[Statement], key: str) -> Iterator[Tokens]:
    """Yield the patterns that string and ARN operators compare a key with, each once."""
    seen: set[Tokens] = set()
    for condition in conditions_on(policy, key):
        for pattern in _patterns(condition):
            if pattern not in seen:
                seen.add(pattern)
                yield pattern


def _patterns(condition: Condition) -> Iterator[Tokens]:
    base, family = condition.operator.base, condition.operator.family
    for value in condition.values:
        if value.variables:
            continue  # bound to values before the search, or outside it
        if family == "arn":
            yield arn_tokens(value.pattern())
        elif base == "StringLike":
            yield value.pattern()
        elif base == "StringEquals":
            yield literal_tokens(value.text())
        elif base == "StringEqualsIgnoreCase":
            yield folded(value.text())


def literal_tokens(text: str) -> Tokens:
    """Return the pattern of one text."""
    return tuple(text)
