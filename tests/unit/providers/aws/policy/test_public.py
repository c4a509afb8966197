"""What AWS calls public (semantics page, §1.4), apart from whether anybody gets in."""

from __future__ import annotations

import pytest
from tests.support.policies import ACCOUNT, BUCKET, FOREIGN, Statement, allow, deny, lowered, when

from cachescan.providers.aws.policy.public import is_public

ORG = "aws:PrincipalOrgID"
POINT = f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint"

PUBLIC = [
    [allow()],
    [allow(Principal=None, NotPrincipal={"AWS": FOREIGN})],
    [allow(Principal={"Federated": "graph.facebook.com"})],
    [when("StringLike", "aws:PrincipalArn", "*")],
    [when("StringLike", "aws:SourceVpc", "vpc-*")],
    [when("StringEquals", "aws:Referer", "https://www.example.com/")],
    [when("StringEquals", "aws:ResourceAccount", ACCOUNT)],
    [when("Bool", "aws:SecureTransport", "true")],
    [when("DateLessThan", "aws:CurrentTime", "2020-01-01")],
    [when("StringEqualsIfExists", ORG, "o-exampleorgid")],
    [when("ForAllValues:StringEquals", ORG, "o-exampleorgid")],
    [when("StringNotEquals", ORG, "o-exampleorgid")],
    [when("Null", ORG, "false")],
    [when("IpAddress", "aws:SourceIp", "0.0.0.0/1")],
    [when("IpAddress", "aws:SourceIp", "9.0.0.0/7")],
    [when("IpAddress", "aws:SourceIp", "2600::/31")],
    [when("NotIpAddress", "aws:SourceIp", "9.0.0.0/8")],
    [when("StringEquals", "aws:SourceVpce", "${aws:SourceVpce}")],
    [when("StringLike", "aws:userid", "*")],
    [when("StringLike", "s3:DataAccessPointArn", "arn:aws:s3:*:*:accesspoint/*")],
    [allow(Principal={"AWS": FOREIGN}), allow()],
    [allow(), deny(Condition={"Bool": {"aws:SecureTransport": "false"}})],
    [allow(), deny(Principal={"AWS": FOREIGN})],
]
NOT_PUBLIC = [
    [],
    [deny()],
    [allow(Principal={"AWS": FOREIGN})],
    [allow(Principal={"AWS": f"arn:aws:iam::{FOREIGN}:role/App"})],
    [allow(Principal={"Service": "logging.s3.amazonaws.com"})],
    [allow(Principal={"CanonicalUser": "b" * 64})],
    [when("StringEquals", ORG, "o-exampleorgid")],
    [when("StringLike", ORG, "o-exampleorgid")],
    [when("ArnLike", "aws:SourceArn", "arn:aws:sns:eu-west-1:111122223333:topic")],
    [when("StringEquals", "aws:SourceVpc", "vpc-1a2b3c4d")],
    [when("StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d", "vpce-2a2b3c4d")],
    [when("StringEquals", "aws:SourceAccount", FOREIGN)],
    [when("StringEquals", "aws:userid", "AROAEXAMPLEEXAMPLE01:app")],
    [when("StringEquals", "s3:DataAccessPointAccount", ACCOUNT)],
    [when("StringLike", "s3:DataAccessPointArn", f"{POINT}/*")],
    [when("IpAddress", "aws:SourceIp", "203.0.113.7/32")],
    [when("IpAddress", "aws:SourceIp", "9.0.0.0/8")],
    [when("IpAddress", "aws:SourceIp", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")],
    [when("IpAddress", "aws:SourceIp", "2600::/32")],
]
UNSETTLED = [
    ([when("StringEquals", "aws:username", "bob")], "aws:username"),
    ([when("StringEquals", "aws:PrincipalTag/team", "a")], "aws:principaltag/team"),
    ([when("StringEquals", "aws:PrincipalType", "Account")], "aws:principaltype"),
    ([when("StringLike", "aws:userid", "AROAEXAMPLEEXAMPLE01:*")], "aws:userid"),
    ([when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-a/*")], "aws:principalorgpaths"),
    ([when("IpAddress", "aws:SourceIp", "9.0.0.0/8", "11.0.0.0/8")], "aws:sourceip"),
    ([allow(), deny(Condition={"StringNotEquals": {ORG: "o-a"}})], "Deny in statement 1"),
    ([allow(Principal={"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/x"})], "federation"),
    ([when("StringEqual", ORG, "o-a")], "StringEqual"),
    ([allow(), deny(Extra=1)], "Deny in statement 1"),
]


@pytest.mark.parametrize("statements", PUBLIC)
def test_aws_calls_it_public(statements: list[Statement]) -> None:
    assert is_public(lowered(*statements)).answer is True


@pytest.mark.parametrize("statements", NOT_PUBLIC)
def test_aws_does_not_call_it_public(statements: list[Statement]) -> None:
    assert is_public(lowered(*statements)).answer is False


@pytest.mark.parametrize(("statements", "said"), UNSETTLED)
def test_what_the_documentation_does_not_settle_is_open_with_a_reason(
    statements: list[Statement], said: str
) -> None:
    found = is_public(lowered(*statements))

    assert found.answer is None
    assert said in found.reason


def test_one_public_statement_is_enough_and_is_named() -> None:
    found = is_public(lowered(allow(Principal={"AWS": FOREIGN}), allow(Resource=BUCKET)))

    assert found.answer is True
    assert "statement 1" in found.reason
