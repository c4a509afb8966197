"""Every case comes out the same on a second, separately written CEL engine.

What the rules mean is then CEL's meaning, not one library's; and where the two differ (an error
inside a macro), rules have been written so that it does not matter.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import celpy
import pytest
from celpy.adapter import json_to_cel

from cachescan.evaluate import prepare
from cachescan.model import Verdict
from cachescan.providers.aws import factory
from cachescan.rules import builtin_rules, read_rule, rule_files
from cachescan.testing import read_cases
from cachescan.testing.cases import record_for

if TYPE_CHECKING:
    from pathlib import Path

RULES = builtin_rules()
PROVIDER = factory({})
ENVIRONMENT = celpy.Environment()


@cache
def program(source: str) -> Any:  # noqa: ANN401 (the second engine has no types)
    return ENVIRONMENT.program(ENVIRONMENT.compile(source))


def truth(source: str, variables: dict[str, Any]) -> bool | None:
    """Return the engine's answer, None if it cannot tell."""
    try:
        return bool(program(source).evaluate(variables))
    except celpy.CELEvalError:
        return None


def verdict(when: str, fail: str, variables: dict[str, Any]) -> Verdict:
    applies = truth(when, variables)
    if applies is False:
        return Verdict.NOT_APPLICABLE
    failed = truth(fail, variables) if applies else None
    if failed is None:
        return Verdict.UNKNOWN
    return Verdict.FAIL if failed else Verdict.PASS


@pytest.mark.parametrize("path", list(rule_files(RULES)), ids=lambda path: path.stem)
def test_a_rule_means_the_same_to_both(path: Path) -> None:
    (rule,) = read_rule(path)
    kind = next(kind for kind in PROVIDER.kinds if kind.name == rule.kind)
    wrong = []
    for case in read_cases(path.with_name(f"{path.stem}.test.yaml")):
        subject = prepare(record_for(case, kind, RULES / "records"), kind, PROVIDER.grants)
        variables = {name: json_to_cel(value) for name, value in subject.variables.items()}
        said = verdict(rule.when, rule.fail, variables)
        if said != case.expect:
            wrong.append((case.name, case.expect, said))

    assert wrong == []
