"""A policy template is judged once, and means what it meant for each bucket by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cachescan.providers.aws.policy import template
from cachescan.providers.aws.policy.document import parse
from cachescan.providers.aws.policy.facts import Facts
from cachescan.providers.aws.policy.judge import judge
from cachescan.providers.aws.policy.template import STAND_IN, judged

if TYPE_CHECKING:
    from cachescan.providers.aws.schemas import Policy

ACCOUNT = "123456789012"


def facts(name: str, **more: Any) -> Facts:  # noqa: ANN401 (any field)
    return Facts(arn=f"arn:aws:s3:::{name}", account=ACCOUNT, region="eu-west-1", **more)


def policy(*resources: str, **more: object) -> Policy:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": list(resources),
        **more,
    }
    return parse(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def opened(policy: Policy, facts: Facts) -> set[tuple[str, ...]]:
    """Return what a policy opens, without the words that name the bucket."""
    judgement, _ = judged(policy, facts)
    return {(o.capability, o.reach.actor, o.reach.low, o.reach.high) for o in judgement.openings}


def plainly(policy: Policy, facts: Facts) -> set[tuple[str, ...]]:
    return {
        (o.capability, o.reach.actor, o.reach.low, o.reach.high)
        for o in judge(policy, facts).openings
    }


@pytest.mark.parametrize(
    "resources",
    [
        ("arn:aws:s3:::media", "arn:aws:s3:::media/*"),
        ("arn:aws:s3:::media/public/*",),
        ("arn:aws:s3:::media*",),
        ("arn:aws:s3:::me*",),
        ("arn:aws:s3:::media?/x",),
        ("arn:aws:s3:::other/*",),
        ("*",),
        ("arn:aws:s3:::media/media/*",),
    ],
)
def test_the_stand_in_changes_nothing(resources: tuple[str, ...]) -> None:
    document = policy(*resources)

    assert opened(document, facts("media")) == plainly(document, facts("media"))


def test_two_buckets_of_one_template_share_a_judgement() -> None:
    first, one = judged(policy("arn:aws:s3:::first/*"), facts("first"))
    second, two = judged(policy("arn:aws:s3:::second/*"), facts("second"))

    assert first is second
    assert one == two == facts(STAND_IN)


@pytest.mark.parametrize(
    ("resources", "more"),
    [
        (("arn:aws:s3:::fir*/*",), {}),
        (("arn:aws:s3:::first?/*",), {}),
        (("arn:aws:s3:::first/*",), {"Sid": "first"}),
        (
            ("arn:aws:s3:::first/*",),
            {"Condition": {"StringLike": {"aws:Referer": "https://first.example.com/*"}}},
        ),
    ],
    ids=["wildcard", "one-character", "sid", "condition"],
)
def test_a_name_that_stands_elsewhere_is_judged_as_it_is(
    resources: tuple[str, ...], more: dict[str, object]
) -> None:
    _, under = judged(policy(*resources, **more), facts("first"))

    assert under.arn == "arn:aws:s3:::first"


def test_the_instant_counts_only_where_the_clock_is_asked() -> None:
    open_until = {"DateLessThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}}
    document = policy("arn:aws:s3:::b/*", Condition=open_until)

    before = opened(document, facts("b", now="2026-05-01T00:00:00Z"))
    after = opened(document, facts("b", now="2026-07-01T00:00:00Z"))
    _, without = judged(policy("arn:aws:s3:::b/*"), facts("b", now="2026-05-01T00:00:00Z"))

    assert before != after
    assert without.now == ""


def test_what_is_kept_is_bounded() -> None:
    assert template._kept.cache_info().maxsize == template._KEPT
