"""The engine's judgement as grants: evidence, witness, and what stops them."""

from __future__ import annotations

import pytest
from tests.support.buckets import ARN, NAME, allow, bucket, deny, exposure

from cachescan.model import Actor, Capability, Census, Effect, Exposure, Grade, Path

ABSENT = "does not restrict: unsigned requests do not carry it, and the condition holds then"
OFFICE = {"IpAddress": {"aws:SourceIp": "203.0.113.7/32"}}
HOST = f"https://{NAME}.s3.eu-west-1.amazonaws.com"


def _path(found: Exposure) -> Path:
    """Return the one path in."""
    (path,) = found.paths
    return path


def _said(path: Path) -> dict[str, tuple[Effect, str]]:
    return {e.pointer: (e.effect, e.summary) for e in path.evidence if e.facet == "policy"}


def test_a_named_network_is_the_grade_the_evidence_and_the_origin() -> None:
    found = exposure(bucket(allow(Condition=OFFICE)))

    path = _path(found)
    assert found.cells[Capability.READ][Actor.ANONYMOUS].grade == Grade.RESTRICTED
    assert _said(path)["/Statement/0/Condition/IpAddress/aws:sourceip"] == (
        Effect.LIMITS,
        "only from 203.0.113.7/32",
    )
    assert path.witness is not None
    assert path.witness.origin == "203.0.113.7/32"


def test_all_four_switches_do_not_close_a_fixed_network() -> None:
    """It is not public by AWS's definition, so RestrictPublicBuckets leaves it alone."""
    record = bucket(allow(Condition=OFFICE), block=["RestrictPublicBuckets", "BlockPublicPolicy"])

    assert exposure(record).cells[Capability.READ][Actor.ANONYMOUS].grade == Grade.RESTRICTED


def test_restrict_closes_what_aws_calls_public_without_its_word() -> None:
    open_to_all = allow(Condition={"StringLike": {"aws:PrincipalArn": "*"}})
    record = bucket(open_to_all, block=["RestrictPublicBuckets"])

    assert exposure(record).cells[Capability.READ][Actor.ANY_ACCOUNT].grade == Grade.NO


@pytest.mark.parametrize(
    ("condition", "pointer", "said"),
    [
        (
            {"Bool": {"aws:SecureTransport": "true"}},
            "Bool/aws:securetransport",
            "aws:securetransport is chosen by the caller",
        ),
        (
            {"StringLike": {"aws:Referer": "https://www.example.com/*"}},
            "StringLike/aws:referer",
            "aws:referer is chosen by the caller, here 'https://www.example.com/'",
        ),
        (
            {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorgid"}},
            "StringEqualsIfExists/aws:principalorgid",
            f"aws:principalorgid {ABSENT}",
        ),
        (
            {"StringEquals": {"aws:ResourceAccount": "123456789012"}},
            "StringEquals/aws:resourceaccount",
            "aws:resourceaccount is the bucket's own, so every request has it",
        ),
        (
            {"NotIpAddress": {"aws:SourceIp": "203.0.113.7/32"}},
            "NotIpAddress/aws:sourceip",
            "aws:sourceip is met by too many addresses to be a named network",
        ),
        (
            {"StringNotEquals": {"aws:PrincipalTag/a": "b"}},
            "StringNotEquals/aws:principaltag~1a",
            f"aws:principaltag/a {ABSENT}",
        ),
    ],
)
def test_a_condition_that_keeps_nobody_out_says_why(
    condition: object, pointer: str, said: str
) -> None:
    path = _path(exposure(bucket(allow(Condition=condition))))

    assert path.grade == Grade.YES
    assert _said(path)[f"/Statement/0/Condition/{pointer}"] == (Effect.STATES, said)


def test_a_named_outsider_is_a_limit() -> None:
    found = exposure(
        bucket(allow(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}))
    )

    path = _path(found)
    assert (path.actor, path.principal) == (Actor.OUTSIDER, "o-exampleorgid")
    assert found.outsiders == ("o-exampleorgid",)
    pointer = "/Statement/0/Condition/StringEquals/aws:principalorgid"
    assert _said(path)[pointer] == (Effect.LIMITS, "only for o-exampleorgid")


def test_a_deny_that_does_not_stop_it_is_mentioned() -> None:
    guard = deny(Condition={"Bool": {"aws:SecureTransport": "false"}})

    said = _said(_path(exposure(bucket(allow(), guard))))

    assert said["/Statement/1"] == (
        Effect.STATES,
        "the Deny in policy statement 1 does not stop it",
    )


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"Resource": f"{ARN}/*"}, ""),
        ({"Resource": f"{ARN}/public/*"}, " (only keys public/*)"),
        ({"Resource": [f"{ARN}/a/*", f"{ARN}/b/*", f"{ARN}/c/*"]}, " (only keys a/*, b/*, ...)"),
        ({"Resource": None, "NotResource": f"{ARN}/private/*"}, " (all keys but private/*)"),
    ],
)
def test_a_prefix_is_told(changes: dict[str, object], where: str) -> None:
    path = _path(exposure(bucket(allow(**changes))))

    assert path.evidence[0].summary == f"policy statement 0 allows everybody s3:GetObject{where}"


def test_the_witness_is_a_key_that_the_deny_leaves() -> None:
    """The best known key may be just the one that is denied."""
    census = Census(listed=2, example="private/a.txt")
    found = exposure(bucket(allow(), deny(Resource=f"{ARN}/private/*"), census=census))

    witness = _path(found).witness
    assert witness is not None
    assert witness.url == f"{HOST}/KEY"


def test_a_listing_asks_for_the_prefix_that_is_allowed() -> None:
    statement = allow("s3:ListBucket", Condition={"StringEquals": {"s3:prefix": "public/"}})

    witness = _path(exposure(bucket(statement))).witness

    assert witness is not None
    assert witness.url == f"{HOST}/?list-type=2&prefix=public%2F&max-keys=10"


def test_a_write_goes_to_a_key_of_our_own() -> None:
    """A witness must not overwrite what is there."""
    census = Census(listed=1, example="in/a.txt")
    found = exposure(bucket(allow("s3:PutObject", Resource=f"{ARN}/in/*"), census=census))

    witness = _path(found).witness
    assert witness is not None
    assert witness.url == f"{HOST}/in/cachescan-witness"


def test_an_endpoint_that_anybody_can_have_is_the_origin() -> None:
    found = exposure(bucket(allow(Condition={"Null": {"aws:SourceVpce": "false"}})))

    path = _path(found)
    assert path.grade == Grade.YES
    assert path.witness is not None
    assert path.witness.origin == "any VPC endpoint"


def test_plain_http_is_asked_for_where_only_that_passes() -> None:
    found = exposure(bucket(allow(Condition={"Bool": {"aws:SecureTransport": "false"}})))

    witness = _path(found).witness
    assert witness is not None
    assert witness.url.startswith("http://")


def test_a_policy_beyond_the_work_leaves_everybody_open_with_the_reason() -> None:
    found = exposure(bucket(allow(), *(deny(Resource=f"{ARN}/*x{i}y*") for i in range(40))))

    for actor in Actor:
        bounds = found.cells[Capability.READ][actor]
        assert (bounds.low, bounds.high) == (Grade.NO, Grade.YES)
        assert any("more work" in gap.detail for gap in bounds.open_because)
