"""Remembered answers: the same verdicts, worked out once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec import structs

from cachescan import answers as remembered
from cachescan.answers import Answers
from cachescan.api import Judging, load_ruleset
from cachescan.evaluate import judge, prepare
from cachescan.model import Persona, Resource, ResourceRef
from cachescan.providers.aws import factory
from cachescan.rules import builtin_rules, rule_files
from cachescan.testing import read_cases
from cachescan.testing.cases import record_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachescan.model import Kind

PROVIDER = factory({})
RULESET = load_ruleset(Judging(persona=Persona.AUDITOR), ())
RULES = builtin_rules()


def records(kind: Kind) -> Iterator[Resource]:
    """Yield the record of every shipped case of a kind, each with a name of its own."""
    number = 0
    for path in rule_files(RULES / kind.name):
        for case in read_cases(path.with_name(f"{path.stem}.test.yaml")):
            number += 1
            record = record_for(case, kind, RULES / "records")
            yield structs.replace(record, ref=named(record.ref, number))


def named(ref: ResourceRef, number: int) -> ResourceRef:
    return structs.replace(ref, uid=f"{ref.uid}-{number}")


@pytest.mark.parametrize("kind", PROVIDER.kinds, ids=lambda kind: kind.name)
def test_what_is_remembered_changes_no_verdict_and_no_finding(kind: Kind) -> None:
    rules, shared = RULESET.of_kind(kind).rules, Answers()

    for record in records(kind):
        subject = prepare(record, kind, PROVIDER.grants)
        assert judge(subject, rules, shared) == judge(subject, rules)


def test_equal_facts_are_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = next(kind for kind in PROVIDER.kinds if kind.name == "aws/bucket")
    rules = tuple(c for c in RULESET.rules if c.rule.id == "aws-bucket-versioning-off")
    evaluated = []
    real = remembered._evaluate
    monkeypatch.setattr(
        remembered, "_evaluate", lambda *args: (evaluated.append(args), real(*args))[1]
    )
    record = msgspec.json.decode(
        Path(RULES / "records" / "legacy.json").read_bytes(), type=Resource
    )
    shared = Answers()

    for number in range(5):
        other = structs.replace(record, ref=named(record.ref, number))
        judge(prepare(other, kind, PROVIDER.grants), rules, shared)

    assert len(evaluated) == 1


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_MOST", 10)
    shared = Answers()

    for number in range(1000):
        shared.number({"name": number})

    assert len(shared._numbers) <= 11


def test_the_same_value_under_another_name_is_another_fact() -> None:
    numbers = Answers().number({"one": {"Status": ""}, "two": {"Status": ""}})

    assert numbers["one"] != numbers["two"]
