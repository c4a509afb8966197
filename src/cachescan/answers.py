"""What rules answered before: equal facts give equal answers, and estates repeat themselves.

Most buckets of an estate share most of their settings. A rule looks at one to three facts, so its
answer on a thousand buckets is worked out a handful of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cachescan import expression as cel
from cachescan.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cachescan.rules import CompiledRule

_MOST = 100_000
_UNBOUND = -1


class Answer(Struct, frozen=True):
    """What a rule said: a verdict, or None and why the facts do not decide."""

    verdict: Verdict | None
    reason: str = ""


class Answers:
    """Remembers answers by rule and by the values that the rule looks at. One per evaluation."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._known: dict[tuple[object, ...], Answer] = {}
        self._variables: dict[str, tuple[str, ...]] = {}

    def number(self, variables: Mapping[str, object]) -> dict[str, int]:
        """Return a number for each variable, the same for the same value of whatever resource."""
        if len(self._numbers) > _MOST or len(self._known) > _MOST:
            self._numbers, self._known = {}, {}
        numbers = self._numbers
        encode = msgspec.json.encode
        return {
            name: numbers.setdefault(encode((name, value)), len(numbers))
            for name, value in variables.items()
        }

    def ask(self, compiled: CompiledRule, bound: cel.Bound, numbers: Mapping[str, int]) -> Answer:
        """Return the rule's answer on the bound variables, which ``numbers`` stand for."""
        rule = compiled.rule.id
        names = self._variables.get(rule)
        if names is None:
            names = self._variables[rule] = tuple(sorted(compiled.variables))
        key = (rule, *(numbers.get(name, _UNBOUND) for name in names))
        answer = self._known.get(key)
        if answer is None:
            answer = self._known[key] = _evaluate(compiled, bound)
        return answer


def _evaluate(compiled: CompiledRule, bound: cel.Bound) -> Answer:
    try:
        if compiled.when is not None and not cel.evaluate(compiled.when, bound):
            return Answer(Verdict.NOT_APPLICABLE)
        failed = cel.evaluate(compiled.fail, bound)
    except cel.UndecidedError as error:
        return Answer(None, str(error))
    return Answer(Verdict.FAIL if failed else Verdict.PASS)
