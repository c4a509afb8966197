"""What an organization's S3 policy says of an account."""

from __future__ import annotations

import pytest

from cachescan.providers.aws.account import effective_block, organization_block
from cachescan.providers.aws.schemas import PublicAccessBlock

ALL = PublicAccessBlock(
    BlockPublicAcls=True,
    IgnorePublicAcls=True,
    BlockPublicPolicy=True,
    RestrictPublicBuckets=True,
)


def _policy(value: str) -> str:
    return f'{{"s3_attributes": {{"public_access_block_configuration": {value}}}}}'


@pytest.mark.parametrize(
    ("content", "block"),
    [
        (_policy('"all"'), ALL),
        (_policy('{"@@assign": "all"}'), ALL),
        (_policy('"none"'), PublicAccessBlock()),
        (_policy('{"@@assign": "none"}'), PublicAccessBlock()),
        ("{}", PublicAccessBlock()),
        ('{"s3_attributes": {}}', PublicAccessBlock()),
    ],
)
def test_one_word_sets_all_four(content: str, block: PublicAccessBlock) -> None:
    assert effective_block(content) == block


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '"all"',
        '{"s3_attributes": "all"}',
        *map(_policy, ['"some"', "[]", "true", "null", '{"@@append": "all"}']),
    ],
)
def test_a_policy_that_says_something_else_is_malformed(content: str) -> None:
    with pytest.raises(ValueError, match=r"S3 policy|Expecting|line 1"):
        effective_block(content)


def test_the_effective_policy_of_the_own_account_is_asked_for() -> None:
    class Organizations:
        def describe_effective_policy(self, **request: str) -> dict[str, dict[str, str]]:
            assert request == {"PolicyType": "S3_POLICY"}
            return {"EffectivePolicy": {"PolicyContent": _policy('"all"')}}

    assert organization_block(Organizations()) == ALL  # type: ignore[arg-type]
