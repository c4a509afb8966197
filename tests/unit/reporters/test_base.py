from __future__ import annotations

import pytest
from msgspec import structs
from tests.unit.reporters import sample

from cachescan.errors import ConfigError
from cachescan.model import Actor, Capability, Grade, Severity, Witness
from cachescan.reporters import json_report, jsonl, sarif, terminal
from cachescan.reporters.base import (
    gap_groups,
    path_words,
    read_options,
    severity_counts,
    signer,
)

FACTORIES = [json_report.factory, jsonl.factory, sarif.factory, terminal.factory]


@pytest.mark.parametrize("factory", FACTORIES)
def test_an_unknown_option_is_refused_by_name(factory: object) -> None:
    with pytest.raises(ConfigError, match="no option 'colour'"):
        factory({"colour": "always"})  # type: ignore[operator]


@pytest.mark.parametrize(
    ("factory", "option", "hint"),
    [
        (sarif.factory, "profil", "did you mean 'profile'?"),
        (terminal.factory, "colour", "did you mean 'color'?"),
        (terminal.factory, "zzz", "it takes color, encoding, verbose, width"),
        (json_report.factory, "indent", "it takes none"),
    ],
)
def test_the_refusal_of_an_option_says_what_to_try(factory: object, option: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        factory({option: "x"})  # type: ignore[operator]

    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("factory", "option", "value", "hint"),
    [
        (sarif.factory, "profile", "gitlab", "one of github, azdo, full"),
        (terminal.factory, "color", "red", "one of auto, always, never"),
        (terminal.factory, "verbose", "yes", "one of false, true"),
        (terminal.factory, "width", "12", "a number of columns, 40 to 400"),
        (terminal.factory, "width", "wide", "a number of columns, 40 to 400"),
        (terminal.factory, "encoding", "klingon", "for example utf-8, ascii, latin-1"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(
    factory: object, option: str, value: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        factory({option: value})  # type: ignore[operator]

    assert value in str(caught.value)
    assert caught.value.hint == hint


def test_options_have_defaults() -> None:
    known = {"profile": ("github", "full"), "width": ("",)}

    assert read_options("x", {"width": "7"}, known) == {"profile": "github", "width": "7"}


def test_severities_count_open_fails_only_the_most_severe_first() -> None:
    counts = severity_counts(sample.report().findings)

    assert list(counts.items()) == [
        ("critical", 1),
        ("high", 3),
        ("medium", 1),
        ("low", 14),
        ("informational", 1),
    ]


def test_gaps_are_grouped_by_cause_with_what_they_cost() -> None:
    report = sample.report()

    first, *rest = gap_groups(report.resources, report.findings)

    assert first.call == first.permission == "s3:GetBucketPolicy"
    assert (first.facts, first.verdicts) == (1, 2)
    assert first.rules == ("aws-bucket-public-read", "aws-bucket-shared-outside")
    assert first.resources == ("novalab-logs-archive",)
    assert [group.reason for group in rest] == ["unsupported", "permission-denied", "truncated"]


def test_a_gap_met_by_many_verdicts_is_one_fact() -> None:
    report = sample.report()
    doubled = [*report.findings, *report.findings]

    groups = gap_groups(report.resources, doubled)

    assert sum(group.facts for group in groups) == 4


def test_paths_are_put_into_words() -> None:
    path = sample.public("b").paths[0]
    office = Witness("GET", "https://b.example.com/", origin="192.0.2.0/24")
    named = sample.shared("b").paths[0]

    assert path_words((path,), "aws") == (
        "Anyone on the internet can read objects, through the bucket policy"
    )
    assert ", from a named network only, " in path_words(
        (structs.replace(path, grade=Grade.RESTRICTED),), "aws"
    )
    assert ", from 192.0.2.0/24, " in path_words((structs.replace(path, witness=office),), "aws")
    assert path_words((named,), "aws").startswith("arn:aws:iam::111122223333:role/Partner can read")


def test_ways_in_that_differ_in_what_they_give_are_one_sentence() -> None:
    path = structs.replace(sample.public("b").paths[0], actor=Actor.ANY_ACCOUNT, via="bucket-acl")
    paths = [structs.replace(path, capability=capability) for capability in Capability]

    assert path_words(paths, "aws") == (
        "Anyone with an AWS account can read objects, list what is there, create, overwrite or "
        "delete objects and change who has access, through the bucket ACL"
    )
    assert path_words(paths[:2], "gcp").startswith(
        "Anyone with a Google Cloud account can read objects and list what is there,"
    )


def test_a_witness_is_signed_by_the_named_outsider_or_by_anybody() -> None:
    assert signer("aws") == "any AWS account"
    assert signer("aws", sample.public("b").paths[0]) == "any AWS account"
    assert signer("aws", sample.shared("b").paths[0]) == "arn:aws:iam::111122223333:role/Partner"


def test_every_severity_has_a_rule_in_the_sample() -> None:
    assert {rule.severity for rule in sample.RULES} == set(Severity)
