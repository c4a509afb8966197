"""Documents made to hurt: each comes to an answer within the work that a policy is given."""

from __future__ import annotations

import json

import pytest
from tests.support.policies import (
    BUCKET,
    FACTS,
    FOREIGN,
    Statement,
    allow,
    deny,
    judged,
    lowered,
    reading,
    when,
)

from cachescan.model import Actor, Capability
from cachescan.providers.aws.policy.document import parse
from cachescan.providers.aws.policy.judge import judge
from cachescan.providers.aws.policy.patterns import Budget
from cachescan.providers.aws.policy.search import Searcher

EVERYBODY = "anonymous=yes any_account=yes"
OPEN = "anonymous=no..yes any_account=no..yes outsider=no..yes"


def _ranges(count: int) -> list[str]:
    return [f"203.{i // 250}.{i % 250}.0/25" for i in range(count)]


BEYOND: dict[str, list[Statement]] = {
    "a thousand prefixes": [allow(Resource=f"{BUCKET}/p{i}/*") for i in range(1000)],
    "a thousand guards": [
        allow(),
        *(
            deny(Condition={"StringEquals": {"aws:Referer": f"{i}", "aws:UserAgent": f"{i}"}})
            for i in range(1000)
        ),
    ],
    "hundreds of wildcards": [
        allow(Resource=f"{BUCKET}/{'*a' * 200}"),
        deny(Resource=f"{BUCKET}/{'?*b' * 200}"),
    ],
    "forty inner stars": [allow(), *(deny(Resource=f"{BUCKET}/*x{i}y*") for i in range(40))],
    "ten thousand ranges": [
        when("IpAddress", "aws:SourceIp", *(f"{j + 20}.{r[4:]}" for r in _ranges(500)))
        for j in range(20)
    ],
    "sets of values": [
        allow(Condition={"ForAnyValue:StringEquals": {"aws:CalledVia": f"s{i}.amazonaws.com"}})
        for i in range(24)
    ],
}


@pytest.mark.parametrize("name", list(BEYOND))
def test_what_is_too_much_is_left_open_and_says_so(name: str) -> None:
    found = judged(*BEYOND[name])

    if found.unjudged:
        assert "more work" in found.unjudged[Capability.READ]
        assert reading(*BEYOND[name]) == OPEN
    else:  # the engine got faster, which is no fault: then the answer is a real one
        assert found.openings


def test_a_budget_is_never_overdrawn_by_much() -> None:
    """Work is charged before it is done, so what is left says how long it took."""
    for statements in BEYOND.values():
        budget = Budget(50_000)
        searcher = Searcher(lowered(*statements), FACTS, budget)
        with pytest.raises(Exception, match="more work"):
            searcher.action("s3:GetObject", objects=True)
        assert budget.left > -1_000_000


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param([allow() for _ in range(1000)], EVERYBODY, id="a thousand alike"),
        pytest.param(
            [when("IpAddress", "aws:SourceIp", *_ranges(500))],
            "anonymous=restricted any_account=restricted",
            id="five hundred ranges",
        ),
        pytest.param(
            [allow(), deny(Condition={"StringEquals": {"aws:SourceVpce": _ranges(500)}})],
            EVERYBODY,
            id="five hundred endpoints",
        ),
        pytest.param(
            [
                when(
                    "StringEquals",
                    "aws:Referer",
                    *(f"https://{i}.example.com/" for i in range(500)),
                )
            ],
            EVERYBODY,
            id="five hundred referers",
        ),
        pytest.param(
            [
                allow(
                    Principal={"AWS": f"{100000000000 + i * 1234567890}"},
                    Resource=f"{BUCKET}/{i}/*",
                )
                for i in range(60)
            ],
            "outsider=yes",
            id="sixty accounts",
        ),
        pytest.param(
            [allow(Resource=f"{BUCKET}/{'${' * 400}aws:username{'}' * 400}")],
            "anonymous=no..yes any_account=no..yes",
            id="nested variables",
        ),
        pytest.param(
            [when("StringEquals", f"s3:ExistingObjectTag/{i}", "x") for i in range(30)],
            "anonymous=no..yes any_account=no..yes",
            id="thirty unread facts",
        ),
    ],
)
def test_what_is_merely_long_is_judged(statements: list[Statement], expected: str) -> None:
    assert reading(*statements) == expected


def test_a_giving_up_for_one_capability_leaves_what_was_judged_before() -> None:
    found = judged(allow(), *BEYOND["forty inner stars"][1:])

    assert set(found.unjudged) == {Capability.READ}


@pytest.mark.parametrize(
    "text",
    [
        '{"Statement": []}',
        '{"Statement": {"Effect": "Allow"}}',
        '{"Version": "1999", "Statement": {"Effect": "Deny", "Principal": {}}}',
        json.dumps({"Statement": [allow(Resource="")]}),
        json.dumps({"Statement": [allow(Action="")]}),
        json.dumps({"Statement": [allow(Condition={"StringLike": {"": ""}})]}),
        json.dumps({"Statement": [allow(Condition={"StringLike": {"aws:PrincipalTag/": "x"}})]}),
        json.dumps(
            {"Statement": [allow(Condition={"IpAddress": {"aws:SourceIp": "::ffff:0:0/96"}})]}
        ),
        json.dumps({"Statement": [allow(Condition={"DateEquals": {"aws:CurrentTime": "0001"}})]}),
        json.dumps(
            {"Statement": [allow(Condition={"NumericEquals": {"s3:max-keys": "1e999999"}})]}
        ),
    ],
)
def test_an_odd_document_is_judged_without_a_fault(text: str) -> None:
    found = judge(parse(text), FACTS)

    assert {o.reach.actor for o in found.openings} <= set(Actor)


def test_the_principals_of_a_huge_list_are_a_matter_of_work() -> None:
    listed = [f"{100000000000 + i * 1234567}" for i in range(20_000)]

    found = judged(allow(Principal={"AWS": [*listed, FOREIGN]}))

    assert Capability.READ in found.unjudged
