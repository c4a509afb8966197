"""Framework ids that rules name are described, and descriptions are of ids that rules name."""

from __future__ import annotations

from collections import defaultdict

import pytest

from cachescan.rules import builtin_rules, read_rule, read_yaml, rule_files

RULES = builtin_rules()
DESCRIBED = {path.stem: read_yaml(path) for path in sorted((RULES / "frameworks").glob("*.yaml"))}


def _named() -> dict[str, set[str]]:
    named: dict[str, set[str]] = defaultdict(set)
    for path in rule_files(RULES):
        for rule in read_rule(path):
            for framework, ids in rule.frameworks.items():
                named[framework].update(ids)
    return named


def test_rules_name_the_frameworks_that_are_described() -> None:
    assert set(_named()) == set(DESCRIBED)


@pytest.mark.parametrize("framework", DESCRIBED)
def test_rules_name_the_controls_that_are_described(framework: str) -> None:
    assert _named()[framework] == set(DESCRIBED[framework]["controls"])


@pytest.mark.parametrize("framework", DESCRIBED)
def test_a_framework_tells_its_version_and_where_the_text_is(framework: str) -> None:
    described = DESCRIBED[framework]

    assert described["key"] == framework
    assert described["version"]
    assert described["link"].startswith("https://")
