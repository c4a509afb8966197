"""Wildcards of actions and resources, against the definition spelled out."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachescan.providers.aws.policy.match import (
    BUCKET_ACTIONS,
    OBJECT_ACTIONS,
    action_matches,
    resource_matches,
    rest_after,
)

PATTERN = st.text("ab/*?", max_size=10)
VALUE = st.text("ab/", max_size=8)


@cache
def covers(pattern: str, value: str) -> bool:
    """Tell whether a pattern covers a value, as the definition says it."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return covers(pattern[1:], value) or (bool(value) and covers(pattern, value[1:]))
    return bool(value) and pattern[0] in ("?", value[0]) and covers(pattern[1:], value[1:])


@given(PATTERN, VALUE)
def test_a_pattern_covers_what_the_definition_says(pattern: str, value: str) -> None:
    assert resource_matches(pattern, value) == covers(pattern, value)
    assert action_matches(pattern.upper(), value) == covers(pattern, value)


@given(PATTERN, VALUE, VALUE.filter(bool))
def test_the_rests_of_a_pattern_cover_what_the_pattern_does_behind_the_prefix(
    pattern: str, prefix: str, key: str
) -> None:
    """For every key: the pattern covers prefix and key if and only if some rest covers the key."""
    rests = rest_after(pattern, prefix)

    assert any(covers(rest, key) for rest in rests) == covers(pattern, prefix + key)
    assert "" not in rests


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "s3:GetObject", True),
        ("s3:*", "s3:GetObject", True),
        ("S3:GETOBJECT", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:GetObject", "s3:GetObjectVersion", False),
        ("s3:GetObject*", "s3:GetObjectVersion", True),
        ("s3:Get", "s3:GetObject", False),
        ("ec2:*", "s3:GetObject", False),
        ("s3:Get.bject", "s3:GetObject", False),
        ("s3:[G]etObject", "s3:GetObject", False),
        ("s3:*Object**", "s3:GetObject", True),
        ("", "s3:GetObject", False),
        ("s3-outposts:*", "s3:GetObject", False),
    ],
)
def test_actions_match_whole_and_in_any_case(pattern: str, action: str, *, expected: bool) -> None:
    assert action_matches(pattern, action) == expected


@pytest.mark.parametrize(
    ("pattern", "arn", "expected"),
    [
        ("arn:aws:s3:::b", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::B", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b*", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::b*", "arn:aws:s3:::b/x/y", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y\nz", True),
        ("arn:aws:s3:::b/*.jpg", "arn:aws:s3:::b/x/y.jpg", True),
        ("arn:aws:s3:::b/???", "arn:aws:s3:::b/x/y", True),
        ("arn:*:s3:::b", "arn:aws-cn:s3:::b", True),
        ("*", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::b.c", "arn:aws:s3:::bxc", False),
        ("arn:aws:s3:::b", "arn:aws:s3:::b\n", False),
    ],
)
def test_resources_match_whole_case_counts_and_a_star_spans_slashes(
    pattern: str, arn: str, *, expected: bool
) -> None:
    assert resource_matches(pattern, arn) == expected


@pytest.mark.parametrize(
    ("pattern", "rests"),
    [
        ("arn:aws:s3:::b/*", {"*"}),
        ("arn:aws:s3:::b/pub/*", {"pub/*"}),
        ("arn:aws:s3:::b*", {"*"}),
        ("*", {"*"}),
        ("arn:aws:s3:::b/", set()),
        ("arn:aws:s3:::b", set()),
        ("arn:aws:s3:::bb/*", set()),
        ("arn:aws:s3:::?/*", {"*"}),
        ("arn:aws:s3:::b/a**c", {"a*c"}),
        ("*/x", {"*/x", "/x", "x"}),
    ],
)
def test_what_is_left_behind_a_bucket_is_a_pattern_over_its_keys(
    pattern: str, rests: set[str]
) -> None:
    assert rest_after(pattern, "arn:aws:s3:::b/") == rests


@pytest.mark.parametrize("stars", [10, 100, 3000])
def test_a_pattern_full_of_stars_is_answered(stars: int) -> None:
    """A naive regular expression takes centuries for this; a test that hangs has failed."""
    pattern, value = "*a" * stars, "a" * 1000

    assert resource_matches(pattern, value) == (stars <= 1000)
    assert not resource_matches(pattern + "z", value)
    assert not action_matches("*?" * stars + "z", "s3:PutBucketOwnershipControls")
    assert rest_after(pattern + "z", "a" * 100)


def test_the_actions_of_each_capability_are_those_of_the_reference() -> None:
    """semantics.md, section 1.2: none of them twice, each an action of S3."""
    every = [a for table in (OBJECT_ACTIONS, BUCKET_ACTIONS) for row in table.values() for a in row]

    assert len(every) == len(set(every))
    assert {action.split(":")[0] for action in every} == {"s3"}
    reads = {a for a in every if a.startswith("s3:Get")}
    assert reads == {"s3:GetObject", "s3:GetObjectVersion"}
    assert {"s3:ListBucket", "s3:ListBucketVersions"} == {a for a in every if "List" in a}
    assert {"s3:PutObject", "s3:DeleteObject", "s3:PutBucketPolicy", "s3:PutObjectAcl"} < set(every)
