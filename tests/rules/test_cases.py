"""Every rule file is sound, and every case beside it comes out as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cachescan.providers.aws import factory
from cachescan.rules import builtin_rules, check, read_rule, rule_files
from cachescan.testing import complaints, read_cases

if TYPE_CHECKING:
    from pathlib import Path

RULES = builtin_rules()
PROVIDER = factory({})
KINDS = {kind.name: kind for kind in PROVIDER.kinds}


@pytest.mark.parametrize("path", list(rule_files(RULES)), ids=lambda path: path.stem)
def test_a_rule_comes_out_as_its_cases_say(path: Path) -> None:
    """Load, lint and judge every case: at least one fail, one pass and one unknown."""
    (rule,) = read_rule(path)

    cases = read_cases(path.with_name(f"{path.stem}.test.yaml"))

    assert list(complaints(check(rule, KINDS), cases, PROVIDER, RULES / "records")) == []


@pytest.mark.parametrize("path", list(rule_files(RULES)), ids=lambda path: path.stem)
def test_a_rule_lives_where_its_id_says(path: Path) -> None:
    """``rules/aws/bucket/x.yaml`` holds ``aws-bucket-x``, so that a finding leads to its file."""
    (rule,) = read_rule(path)

    assert rule.id == f"{rule.kind.replace('/', '-')}-{path.stem}"
    assert path.parent == RULES / rule.kind
