"""Worked statements: who reads through each (checks §2.2 and the semantics page, §1.3)."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.policies import (
    ACCOUNT,
    BUCKET,
    FACTS,
    FOREIGN,
    Statement,
    allow,
    deny,
    gaps,
    judged,
    lowered,
    outsiders,
    reading,
    when,
)

from cachescan.model import Actor, Capability
from cachescan.providers.aws.policy.decide import ALLOW, decide

EVERYBODY = "anonymous=yes any_account=yes"
NETWORK = "anonymous=restricted any_account=restricted"
SIGNED = "any_account=yes"
NAMED = "outsider=yes"
NOBODY = ""
ORG = "aws:PrincipalOrgID"

# The statements of which five engines of peers get four in five right, in the order of their table.
MEASURED: list[tuple[str, list[Statement], str]] = [
    ("principal *", [allow()], EVERYBODY),
    ("principal AWS [*]", [allow(Principal={"AWS": ["*"]})], EVERYBODY),
    ("NotPrincipal", [allow(Principal=None, NotPrincipal={"AWS": FOREIGN})], EVERYBODY),
    ("NotAction", [allow(Action=None, NotAction="s3:PutObject")], EVERYBODY),
    ("any PrincipalArn", [when("StringLike", "aws:PrincipalArn", "*")], SIGNED),
    ("any userid", [when("StringLike", "aws:userid", "*")], EVERYBODY),
    ("own ResourceAccount", [when("StringEquals", "aws:ResourceAccount", ACCOUNT)], EVERYBODY),
    ("any SourceArn", [when("StringLike", "aws:SourceArn", "*")], SIGNED),
    ("Referer", [when("StringLike", "aws:Referer", "https://www.example.com/*")], EVERYBODY),
    ("halves", [when("IpAddress", "aws:SourceIp", "0.0.0.0/1", "128.0.0.0/1")], EVERYBODY),
    ("one address", [when("IpAddress", "aws:SourceIp", "203.0.113.7/32")], NETWORK),
    ("all but one address", [when("NotIpAddress", "aws:SourceIp", "203.0.113.7/32")], EVERYBODY),
    ("organization", [when("StringEquals", ORG, "o-exampleorgid")], NAMED),
    ("IfExists", [when("StringEqualsIfExists", ORG, "o-exampleorgid")], EVERYBODY),
    ("ForAllValues", [when("ForAllValues:StringEquals", ORG, "o-exampleorgid")], EVERYBODY),
    ("not organization", [when("StringNotEquals", ORG, "o-exampleorgid")], EVERYBODY),
    ("endpoint", [when("StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d")], NETWORK),
    ("TLS", [when("Bool", "aws:SecureTransport", "true")], EVERYBODY),
    ("until later", [when("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z")], EVERYBODY),
    (
        "Deny unless organization",
        [allow(), deny(Condition={"StringNotEquals": {ORG: "o-exampleorgid"}})],
        NAMED,
    ),
    ("Deny", [allow(), deny()], NOBODY),
    # What an unsigned request has for this key is not documented.
    (
        "authType",
        [when("StringEquals", "s3:authType", "REST-HEADER")],
        "anonymous=no..yes any_account=yes",
    ),
    # Not public; whom the account's own access points admit was not read.
    (
        "own access points",
        [when("StringEquals", "s3:DataAccessPointAccount", ACCOUNT)],
        "any_account=no..yes",
    ),
]

PERIMETER = {"StringNotEquals": {ORG: "o-exampleorgid"}}
WORKED: list[tuple[str, list[Statement], str]] = [
    (
        "role of any account",
        [when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/App")],
        SIGNED,
    ),
    (
        "perimeter with Bool",
        [
            allow(),
            deny(Condition={**PERIMETER, "Bool": {"aws:PrincipalIsAWSService": "false"}}),
        ],
        "anonymous=yes any_account=yes outsider=yes",
    ),
    (
        "perimeter with BoolIfExists",
        [
            allow(),
            deny(Condition={**PERIMETER, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
        ],
        NAMED,
    ),
    ("user name", [when("StringEquals", "aws:username", "bob")], SIGNED),
    ("own tag", [when("StringEquals", "aws:PrincipalTag/team", "x")], SIGNED),
    ("some organization", [when("Null", ORG, "false")], SIGNED),
    ("organization o-*", [when("StringLike", ORG, "o-*")], SIGNED),
    ("any endpoint", [when("Null", "aws:SourceVpce", "false")], EVERYBODY),
    ("endpoint vpce-*", [when("StringLike", "aws:SourceVpce", "vpce-*")], EVERYBODY),
    ("no organization", [when("Null", ORG, "true")], EVERYBODY),
    (
        "not null and in",
        [
            allow(
                Condition={
                    "ForAllValues:StringEquals": {ORG: "o-exampleorgid"},
                    "Null": {ORG: "false"},
                }
            )
        ],
        NAMED,
    ),
    ("past", [when("DateLessThan", "aws:CurrentTime", "2020-01-01T00:00:00Z")], NOBODY),
    ("epoch", [when("NumericLessThan", "aws:EpochTime", "1900000000")], EVERYBODY),
    ("foreign ResourceAccount", [when("StringEquals", "s3:ResourceAccount", FOREIGN)], NOBODY),
    (
        "owner's organization",
        [when("StringEquals", "aws:ResourceOrgID", "o-a")],
        "anonymous=no..yes any_account=no..yes",
    ),
    (
        "tagged objects",
        [when("StringEquals", "s3:ExistingObjectTag/p", "y")],
        "anonymous=no..yes any_account=no..yes",
    ),
    (
        "tagged objects and the others",
        [when("StringNotEquals", "s3:ExistingObjectTag/p", "y"), allow()],
        EVERYBODY,
    ),
    ("small union", [when("IpAddress", "aws:SourceIp", "9.0.0.0/8")], NETWORK),
    ("more than a /8", [when("IpAddress", "aws:SourceIp", "9.0.0.0/8", "11.0.0.0/32")], EVERYBODY),
    ("a v6 /32", [when("IpAddress", "aws:SourceIp", "2600::/32")], NETWORK),
    ("a v6 /31", [when("IpAddress", "aws:SourceIp", "2600::/31")], EVERYBODY),
    ("mapped", [when("IpAddress", "aws:SourceIp", "::ffff:203.0.113.7/128")], NETWORK),
    (
        "everything minus half minus half",
        [
            allow(),
            deny(Condition={"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "::/1"]}}),
            deny(Condition={"IpAddress": {"aws:SourceIp": ["128.0.0.0/1", "8000::/1"]}}),
            deny(Condition={"Null": {"aws:SourceIp": "true"}}),
        ],
        NOBODY,
    ),
    ("user's folder", [allow(Resource=f"{BUCKET}/${{aws:username}}/*")], SIGNED),
    ("with a default", [allow(Resource=f"{BUCKET}/${{aws:username, 'all'}}/*")], EVERYBODY),
    ("TLS version", [when("NumericGreaterThanEquals", "s3:TlsVersion", "1.2")], EVERYBODY),
    ("MFA", [when("Bool", "aws:MultiFactorAuthPresent", "true")], SIGNED),
    ("any caller of two tags", [when("ForAllValues:StringEquals", "aws:TagKeys", "a")], EVERYBODY),
    ("a listing key on reading", [when("StringEquals", "s3:prefix", "public/")], NOBODY),
    ("service", [allow(Principal={"Service": "logging.s3.amazonaws.com"})], NOBODY),
    (
        "service for a foreign account",
        [
            allow(
                Principal={"Service": "logging.s3.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": FOREIGN}},
            )
        ],
        NAMED,
    ),
    (
        "service for the own account",
        [
            allow(
                Principal={"Service": "logging.s3.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            )
        ],
        NOBODY,
    ),
    (
        "account of an unread organization",
        [allow(Principal={"AWS": FOREIGN}), deny(Condition=PERIMETER)],
        "outsider=no..yes",
    ),
    (
        "NotPrincipal with Deny spares who is listed with the account",
        [
            allow(),
            deny(
                Principal=None,
                NotPrincipal={
                    "AWS": [f"arn:aws:iam::{FOREIGN}:root", f"arn:aws:iam::{FOREIGN}:role/App"]
                },
            ),
        ],
        NAMED,
    ),
    ("empty values", [when("StringEquals", ORG)], NOBODY),
]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [pytest.param(s, e, id=name) for name, s, e in [*MEASURED, *WORKED]],
)
def test_a_statement_lets_in_whom_it_lets_in(statements: list[Statement], expected: str) -> None:
    assert reading(*statements) == expected


@pytest.mark.parametrize(
    "statements", [pytest.param(s, id=name) for name, s, _ in [*MEASURED, *WORKED]]
)
def test_every_certain_opening_has_a_request_that_the_evaluator_allows(
    statements: list[Statement],
) -> None:
    for opening in judged(*statements).openings:
        if opening.reach.low != "no":
            assert decide(lowered(*statements), opening.reach.request) == ALLOW


def test_the_old_version_takes_variables_for_text() -> None:
    statement = allow(Resource=f"{BUCKET}/${{aws:username}}/*")

    assert reading(statement, version="2008-10-17") == EVERYBODY
    assert reading(statement, version="2012-10-17") == SIGNED


def test_named_outsiders_are_told_in_the_words_of_the_policy() -> None:
    listed = [f"arn:aws:iam::{FOREIGN}:root", "arn:aws:iam::444455556666:role/App"]

    assert outsiders(allow(Principal={"AWS": listed})) == sorted(listed)
    assert outsiders(when("StringEquals", ORG, "o-aaaa", "o-bbbb")) == ["o-aaaa", "o-bbbb"]
    assert outsiders(
        when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-aaaa/r-1/ou-2/*")
    ) == ["o-aaaa"]
    assert outsiders(allow(Principal={"CanonicalUser": "b" * 64}), facts=OWNED) == ["b" * 64]
    arn = f"arn:aws:cloudfront::{FOREIGN}:distribution/E1"
    pinned = allow(
        Principal={"Service": "cloudfront.amazonaws.com"},
        Condition={"StringEquals": {"aws:SourceArn": arn}},
    )
    assert outsiders(pinned) == [arn]


OWNED = msgspec.structs.replace(FACTS, owner="a" * 64)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (when("StringEqual", ORG, "o-a"), "operator StringEqual"),
        (when("ForSomeValues:StringEquals", ORG, "o-a"), "operator ForSomeValues:StringEquals"),
        (when("StringEquals", "aws:Unheard", "o-a"), "key aws:unheard"),
        (when("StringEquals", "aws:PrincipalOrgPaths", "o-a/*"), "ForAllValues or ForAnyValue"),
        (when("IpAddress", "aws:SourceIp", "203.0.113.0/33"), "203.0.113.0/33"),
        (when("DateLessThan", "aws:CurrentTime", "tomorrow"), "tomorrow"),
        (when("NumericEquals", "s3:TlsVersion", "new"), "new"),
        (when("Bool", "aws:SecureTransport", "maybe"), "maybe"),
        (when("ArnLike", "aws:PrincipalArn", "role/App"), "no ARN"),
        (when("StringEquals", "aws:username", "${aws:Unheard}"), "aws:Unheard"),
        (when("StringEquals", "aws:username", "${aws:${s3:prefix}}"), "malformed"),
        (when("StringLike", "aws:SourceIp", "203.*"), "does not fit"),
        (when("Bool", "aws:Referer", "true"), "does not fit"),
        (allow(Principal={"AWS": "arn:aws:iam::*:role/App"}), "form that is not known"),
        (allow(Principal={"AWS": "AROAEXAMPLE"}), "form that is not known"),
        (allow(Resource=f"{BUCKET}/${{aws:${{s3:prefix}}}}/*"), "malformed"),
        (allow(NotResource=f"{BUCKET}/a/*"), "both Resource and NotResource"),
        (allow(NotAction="s3:PutObject"), "both Action and NotAction"),
        (allow(NotPrincipal={"AWS": FOREIGN}), "both Principal and NotPrincipal"),
        (allow(Effect="Permit"), "Permit"),
        (allow(Conditions={}), "Conditions"),
    ],
)
def test_what_is_not_understood_is_a_reason_and_never_dropped(
    statement: Statement, said: str
) -> None:
    assert "anonymous=no..yes" in reading(statement)
    assert said in gaps(statement)
    # In a Deny it takes away nothing for certain, and everything perhaps.
    assert "anonymous=no..yes" in reading(allow(), {**statement, "Effect": "Deny"}) or (
        statement["Effect"] == "Permit"
    )


def test_an_unknown_time_leaves_dates_open() -> None:
    timeless = msgspec.structs.replace(FACTS, now="")

    found = reading(when("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z"), facts=timeless)

    assert found == "anonymous=no..yes any_account=no..yes"


def test_a_store_that_speaks_plain_http_only_has_no_tls() -> None:
    plain = msgspec.structs.replace(FACTS, plain_only=True)
    guard = deny(Condition={"Bool": {"aws:SecureTransport": "false"}})

    assert reading(allow(), guard, facts=plain) == NOBODY
    assert reading(allow(), guard) == EVERYBODY


def test_a_policy_that_asks_for_an_acl_gives_nothing_where_acls_are_off() -> None:
    wants = allow(
        Action="s3:PutObject", Condition={"StringEquals": {"s3:x-amz-acl": "public-read"}}
    )
    void = msgspec.structs.replace(FACTS, acls_void=True)

    assert {o.capability for o in judged(wants).openings} == {Capability.WRITE}
    assert judged(wants, facts=void).openings == ()


def test_a_listing_condition_shows_in_the_request() -> None:
    found = judged(
        allow(
            Action="s3:ListBucket",
            Resource=BUCKET,
            Condition={"StringLike": {"s3:prefix": "public/*"}},
        )
    )

    (anonymous,) = [o for o in found.openings if o.reach.actor == Actor.ANONYMOUS]
    assert anonymous.reach.request.context["s3:prefix"][0].startswith("public/")


def test_a_network_is_told_exactly() -> None:
    whole = when("IpAddress", "aws:SourceIp", "203.0.113.0/30")
    cut = deny(Condition={"IpAddress": {"aws:SourceIp": "203.0.113.1"}})

    networks = {o.reach.network for o in judged(whole, cut).openings}

    assert networks == {"203.0.113.0/32, 203.0.113.2/31"}
