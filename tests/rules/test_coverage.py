"""The coverage table knows every rule, names no rule that is not there, and is never silent."""

from __future__ import annotations

from typing import Any

import pytest

from cachescan.rules import builtin_rules, read_rule, read_yaml, rule_files

RULES = builtin_rules()
TABLE = read_yaml(RULES / "coverage" / "aws-s3.yaml")
IDS = {rule.id for path in rule_files(RULES / "aws") for rule in read_rule(path)}


@pytest.mark.parametrize(("check", "row"), TABLE["checks"].items())
def test_a_check_has_rules_that_exist_or_a_reason(check: str, row: dict[str, Any]) -> None:
    assert set(row.get("rules", ())) <= IDS, check
    assert row.get("rules") or row["reason"]


def test_every_rule_stands_in_the_table() -> None:
    told = {rule for row in TABLE["checks"].values() for rule in row.get("rules", ())}

    assert told | set(TABLE["own"]) == IDS
    assert not told & set(TABLE["own"])
