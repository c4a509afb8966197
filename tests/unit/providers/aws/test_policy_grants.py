"""What a bucket policy gives to outsiders (docs/semantics.md, sections 1.1, 1.2 and 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.buckets import (
    ACCOUNT,
    ARN,
    FOREIGN,
    NAME,
    OWNER,
    STRANGER,
    Cells,
    allow,
    both,
    bucket,
    cells,
    deny,
    exposure,
    only,
)

from cachescan.model import Actor, Capability, Census, GapReason, Hit, ResourceRef

if TYPE_CHECKING:
    from cachescan.model import Resource

ROLE = f"arn:aws:iam::{FOREIGN}:role/App"
IDENTITY = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"
WRITES = [
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:RestoreObject",
    "s3:AbortMultipartUpload",
    "s3:ReplicateObject",
]
TAKEOVERS_OF_BUCKETS = [
    "s3:PutBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketOwnershipControls",
    "s3:PutReplicationConfiguration",
    "s3:PutBucketWebsite",
]
OPEN = "no..yes"


def reasons(resource: Resource) -> set[str]:
    """Return the details of the gaps that keep reading open."""
    row = exposure(resource).cells[Capability.READ]
    return {gap.detail for bounds in row.values() for gap in bounds.open_because}


# --- actions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("s3:GetObject", both("read")),
        ("s3:GetObjectVersion", both("read")),
        ("s3:ListBucket", both("list")),
        ("s3:ListBucketVersions", both("list")),
        *((action, both("write")) for action in WRITES),
        ("s3:PutObjectAcl", both("takeover")),
        *((action, both("takeover")) for action in TAKEOVERS_OF_BUCKETS),
        ("s3:GetBucketAcl", {}),
        ("s3:GetObjectAcl", {}),
        ("s3:ListAllMyBuckets", {}),
        ("ec2:*", {}),
        ("s3:Get*", both("read")),
        ("S3:GETOBJECT", both("read")),
        ("s3:?etObject", both("read")),
        (["s3:GetObject", "s3:List*"], both("read", "list")),
        ("s3:*", both("read", "list", "write", "takeover")),
        ("*", both("read", "list", "write", "takeover")),
        ([], {}),
    ],
)
def test_an_action_gives_its_capability(action: object, expected: Cells) -> None:
    assert cells(bucket(allow(action))) == expected


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [
        ("s3:GetObject*", both("list", "write", "takeover")),
        ("s3:GetObject", both("read", "list", "write", "takeover")),
        (["s3:List*", "S3:GET*"], both("write", "takeover")),
        ("s3:Put*", both("read", "list", "write", "takeover")),
        ("s3:*", {}),
        ("ec2:*", both("read", "list", "write", "takeover")),
    ],
)
def test_not_action_gives_everything_but(excluded: object, expected: Cells) -> None:
    """The complement, over every action that there is."""
    assert cells(bucket(allow(None, NotAction=excluded))) == expected


# --- resources ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (f"{ARN}/*", both("read")),
        (ARN, both("list")),
        ([ARN, f"{ARN}/*"], both("read", "list")),
        (f"{ARN}*", both("read", "list")),
        ("*", both("read", "list")),
        ("arn:aws:s3:::*", both("read", "list")),
        ("arn:aws:s3:::*/*", both("read")),
        (f"{ARN}/public/*", both("read")),
        (f"{ARN}/one.txt", both("read")),
        (f"{ARN}/*.jpg", both("read")),
        (f"{ARN}/", {}),
        ("arn:aws:s3:::example-other/*", {}),
        ("arn:aws:s3:::example-other", {}),
        (f"{ARN}-replica/*", {}),
        (f"{ARN}x", {}),
        (f"arn:aws:s3:::{NAME.upper()}/*", {}),
        ("arn:aws:s3:::example-bucke?/*", both("read")),
        ("arn:aws-cn:s3:::example-bucket/*", {}),
        ("arn:*:s3:::example-bucket/*", both("read")),
        ([], {}),
        (None, {}),
    ],
)
def test_object_actions_need_objects_and_bucket_actions_the_bucket(
    resource: object, expected: Cells
) -> None:
    """A prefix is enough for reading; another bucket's ARN gives nothing here."""
    assert cells(bucket(allow(["s3:GetObject", "s3:ListBucket"], Resource=resource))) == expected


@pytest.mark.parametrize(
    "resource",
    [
        f"{ARN}/${{aws:username}}/*",
        f"{ARN}/home/${{aws:PrincipalTag/team}}*",
        "arn:aws:s3:::${aws:PrincipalTag/bucket}/*",
        "arn:aws:s3:::example-${aws:username}/*",
    ],
)
def test_a_policy_variable_is_not_taken_for_text(resource: str) -> None:
    """It may stand for anything the caller chooses, also where the bucket's name belongs."""
    found = bucket(allow(Resource=resource))

    assert cells(found).get(("read", "any_account"), "no") != "no"
    assert ("list", "any_account") not in cells(found)


def test_not_resource_gives_everything_but() -> None:
    some = bucket(allow(Resource=None, NotResource=f"{ARN}/private/*"))
    none = bucket(allow(Resource=None, NotResource=f"{ARN}/*"))

    assert cells(some) == both("read")
    assert cells(none) == {}


# --- principals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", both("read")),
        ({"AWS": "*"}, both("read")),
        ({"AWS": ["*"]}, both("read")),
        ({"AWS": [f"arn:aws:iam::{ACCOUNT}:root", "*"]}, both("read")),
        ({"AWS": FOREIGN}, only("outsider", "read")),
        ({"AWS": f"arn:aws:iam::{FOREIGN}:root"}, only("outsider", "read")),
        ({"AWS": ROLE}, only("outsider", "read")),
        ({"AWS": f"arn:aws:iam::{FOREIGN}:user/dir/eve"}, only("outsider", "read")),
        ({"AWS": f"arn:aws:sts::{FOREIGN}:assumed-role/App/x"}, only("outsider", "read")),
        ({"AWS": f"arn:aws:sts::{FOREIGN}:federated-user/x"}, only("outsider", "read")),
        ({"AWS": f"arn:aws-cn:iam::{FOREIGN}:root"}, only("outsider", "read")),
        ({"AWS": ACCOUNT}, {}),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {}),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/Own"}, {}),
        ({"AWS": "AIDAEXAMPLEEXAMPLE01"}, {}),
        ({"AWS": "AROAEXAMPLEEXAMPLE01"}, {}),
        ({"Service": "logging.s3.amazonaws.com"}, {}),
        ({"CanonicalUser": OWNER}, {}),
        ({"CanonicalUser": STRANGER}, only("outsider", "read")),
        ({"Service": "a.amazonaws.com", "AWS": FOREIGN}, only("outsider", "read")),
        ({"AWS": []}, {}),
        ({}, {}),
        (None, {}),
    ],
)
def test_a_principal_is_who_it_names(principal: object, expected: Cells) -> None:
    """Several kinds in one element are alternatives; insiders, services and the dead are none."""
    assert cells(bucket(allow(Principal=principal))) == expected


def test_a_named_outsider_is_told_by_name() -> None:
    found = exposure(bucket(allow(Principal={"AWS": [ROLE, FOREIGN]})))

    assert found.outsiders == (FOREIGN, ROLE)
    assert {path.principal for path in found.paths} == {FOREIGN, ROLE}


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "arn:aws:iam::*:role/App"},
        {"AWS": f"arn:aws:iam::{FOREIGN}:role/*"},
        {"AWS": "12345"},
        {"AWS": "arn:aws:iam::cloudfront:other"},
        {"AWS": IDENTITY},
        {"AWS": f"{FOREIGN}\n*"},
        {"Federated": "graph.facebook.com"},
        {"Martian": "*"},
    ],
)
def test_a_principal_of_another_form_is_never_overlooked(principal: object) -> None:
    """Reading is not firmly closed to everybody outside, and a gap says why."""
    found = bucket(allow(Principal=principal))

    assert set(cells(found)) & set(only("outsider", "read"))
    assert ("read", "anonymous") not in {c for c, grade in cells(found).items() if grade == "yes"}
    opened = [grade for grade in cells(found).values() if grade == OPEN]
    assert not opened or reasons(found)


def test_a_canonical_user_may_be_the_owner_where_the_owner_was_not_read() -> None:
    found = bucket(allow(Principal={"CanonicalUser": OWNER}), unread=["acl"])

    assert cells(found)["read", "outsider"] == OPEN
    assert any("owner was not read" in reason for reason in reasons(found))


@pytest.mark.parametrize(
    "listed", [{"AWS": ACCOUNT}, {"AWS": [FOREIGN, ROLE]}, {"Service": "a.amazonaws.com"}]
)
def test_not_principal_allows_everybody_but_the_listed(listed: object) -> None:
    """Anonymous included: the classic mistake."""
    assert cells(bucket(allow(Principal=None, NotPrincipal=listed))) == both("read")


@pytest.mark.parametrize("listed", ["*", {"AWS": "*"}, {"AWS": [FOREIGN, "*"]}])
def test_everybody_but_everybody_is_not_certainly_anybody(listed: object) -> None:
    found = cells(bucket(allow(Principal=None, NotPrincipal=listed)))

    assert "yes" not in found.values()


# --- deny ---------------------------------------------------------------------------------------

HTTP = {"Bool": {"aws:SecureTransport": "false"}}
OLD_TLS = {"NumericLessThan": {"s3:TlsVersion": "1.2"}}


@pytest.mark.parametrize(
    "statement",
    [
        deny(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/Own"}),
        deny(Principal={"AWS": [ACCOUNT, "AIDAEXAMPLEEXAMPLE01"]}),
        deny(Principal={"Service": "logging.s3.amazonaws.com"}),
        deny(Condition=HTTP),
        deny(Condition={"Bool": {"AWS:securetransport": False}}),
        deny(Condition=OLD_TLS),
        deny(Condition={"NumericLessThan": {"s3:TlsVersion": "99"}}),  # plain HTTP has none
        deny(Principal={"CanonicalUser": STRANGER}),
        deny(Condition={**HTTP, "StringLike": {"aws:Referer": "x"}}),
        deny("s3:PutObject"),
        deny("s3:GetObjectAcl"),
        deny([]),
    ],
)
def test_a_deny_that_outsiders_need_not_meet_takes_nothing_away(
    statement: dict[str, object],
) -> None:
    """Of insiders, of plain HTTP, of an old TLS, of other actions."""
    assert cells(bucket(allow(), statement)) == both("read")


@pytest.mark.parametrize(
    "statement",
    [
        deny(),
        deny(Principal={"AWS": "*"}),
        deny(Principal=None, NotPrincipal={"AWS": ACCOUNT}),
        deny(None, NotAction="s3:ListBucket"),
        deny("s3:Get*"),
        deny(Condition={"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
        deny(Effect="Refuse"),
        deny(Extra=1),
    ],
)
def test_a_deny_that_may_stop_outsiders_is_never_ignored(statement: dict[str, object]) -> None:
    """It either stops them or leaves the answer open, with the reason."""
    found = bucket(allow(), statement)

    assert cells(found).get(("read", "anonymous"), "no") != "yes"
    assert ("read", "anonymous") not in cells(found) or reasons(found)


def test_a_deny_of_plain_http_stops_those_who_have_nothing_else() -> None:
    """A store that speaks HTTP only."""
    statements = (allow(), deny(Condition=HTTP))
    plain = bucket(*statements, endpoint="http://127.0.0.1:9000")
    secure = bucket(*statements, endpoint="https://store.example.com")

    assert cells(plain).get(("read", "anonymous"), "no") != "yes"
    assert cells(secure) == both("read")


def test_denying_one_of_two_ways_leaves_the_other() -> None:
    """Without GetObject, ``?versionId=null`` still gives the bytes."""
    statements = (allow(["s3:GetObject", "s3:GetObjectVersion"]), deny("s3:GetObject"))

    assert cells(bucket(*statements)) == both("read")


# --- what is not judged yet ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (allow(Effect="allow"), "'allow'"),
        (allow(Effect=None), "effect ''"),
        (allow(Extra=1, Other=2), "Extra, Other"),
        (allow(condition=HTTP), "condition"),
    ],
)
def test_an_element_that_is_not_known_leaves_the_answer_open(
    statement: dict[str, object], said: str
) -> None:
    """Another reader might know it; the gap names it."""
    found = bucket(statement)

    assert cells(found) == both("read", grade=OPEN)
    assert any(said in reason for reason in reasons(found))


def test_an_open_answer_is_a_gap_of_the_policy() -> None:
    found = exposure(bucket(allow(Extra=1)))

    (gap,) = found.cells[Capability.READ][Actor.ANONYMOUS].open_because
    assert (gap.facet, gap.reason, gap.call) == (
        "policy",
        GapReason.UNSUPPORTED,
        "s3:GetBucketPolicy",
    )
    assert found.paths == ()


def test_statements_are_alternatives_and_a_certain_one_decides() -> None:
    assert cells(bucket(allow(Extra=1), allow())) == both("read")


# --- a policy that was not read -----------------------------------------------------------------


def test_an_unread_policy_leaves_everything_open() -> None:
    found = cells(bucket(unread=["policy"]))

    assert set(found.values()) == {OPEN}
    assert len(found) == len(Capability) * len(Actor)


def test_awss_own_word_narrows_a_policy_that_was_not_read() -> None:
    """A policy that is not public may still serve a named network, and named outsiders."""
    found = cells(bucket(unread=["policy"], status=False))

    assert found["read", "anonymous"] == found["read", "any_account"] == "no..restricted"
    assert found["read", "outsider"] == OPEN


def test_nobody_reads_from_anywhere_where_restrict_is_on_even_if_the_policy_is_unread() -> None:
    """A firm "not public" without the permission to read the policy."""
    found = cells(bucket(unread=["policy"], block=["RestrictPublicBuckets"]))

    assert found["read", "anonymous"] == "no..restricted"


# --- the path -----------------------------------------------------------------------------------


def test_the_path_names_the_statement_and_what_it_allows() -> None:
    (path,) = exposure(
        bucket(deny("s3:PutObject", Condition=HTTP), allow("s3:Get*", Sid="Web"))
    ).paths

    assert (path.via, path.evidence[0].facet) == ("bucket-policy", "policy")
    assert path.evidence[0].pointer == "/Statement/1"
    assert "Web" in path.evidence[0].summary
    assert "s3:GetObject" in path.evidence[0].summary


@pytest.mark.parametrize(
    ("action", "method", "url"),
    [
        ("s3:ListBucket", "GET", "/?list-type=2&max-keys=10"),
        ("s3:PutObject", "PUT", "/cachescan-witness"),
        ("s3:PutBucketPolicy", "PUT", "/?policy"),
        ("s3:GetObject", "GET", "/KEY"),
    ],
)
def test_the_witness_is_the_request_that_shows_it(action: str, method: str, url: str) -> None:
    (path,) = exposure(bucket(allow(action))).paths

    assert path.witness is not None
    assert path.witness.method == method
    assert path.witness.url == f"https://{NAME}.s3.eu-west-1.amazonaws.com{url}"
    assert (path.witness.signed, path.witness.origin) == (False, "anywhere")


def test_the_witness_of_whoever_has_an_account_is_signed() -> None:
    (path,) = exposure(bucket(allow(), payer="Requester")).paths

    assert path.actor == Actor.ANY_ACCOUNT
    assert path.witness is not None
    assert path.witness.signed


HITS = (Hit("private/draft.md", 1, ("draft",)), Hit("public/a draft?.md", 1, ("draft",)))
CENSUS = Census(listed=9, hits=HITS, example="index.html")


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        (f"{ARN}/*", "private/draft.md"),
        (f"{ARN}/public/*", "public/a%20draft%3F.md"),
        (f"{ARN}/*.html", "index.html"),
        (f"{ARN}/nothing/*", "nothing/KEY"),
        (f"{ARN}/one.txt", "one.txt"),
        (f"{ARN}/*.jpg", "KEY.jpg"),
        (f"{ARN}/a?/*/b*", "ax/KEY/b"),
        ("*", "private/draft.md"),
    ],
)
def test_the_witness_fetches_what_matters_most_of_what_the_grant_covers(
    resource: str, key: str
) -> None:
    """A key that is there if one is known; else one that the pattern covers."""
    (path,) = exposure(bucket(allow(Resource=resource), census=CENSUS)).paths

    assert path.witness is not None
    assert path.witness.url == f"https://{NAME}.s3.eu-west-1.amazonaws.com/{key}"


@pytest.mark.parametrize(
    ("name", "partition", "region", "endpoint", "url"),
    [
        ("b", "aws", "eu-west-1", "", "https://b.s3.eu-west-1.amazonaws.com/KEY"),
        ("b", "aws", "", "", "https://b.s3.us-east-1.amazonaws.com/KEY"),
        ("b", "aws-cn", "cn-north-1", "", "https://b.s3.cn-north-1.amazonaws.com.cn/KEY"),
        ("b", "aws-us-gov", "us-gov-west-1", "", "https://b.s3.us-gov-west-1.amazonaws.com/KEY"),
        ("a.b", "aws", "eu-west-1", "", "https://s3.eu-west-1.amazonaws.com/a.b/KEY"),
        ("b", "aws", "eu-west-1", "http://127.0.0.1:9000/", "http://127.0.0.1:9000/b/KEY"),
        ("a.b", "aws", "x", "https://s.example.com", "https://s.example.com/a.b/KEY"),
    ],
)
def test_the_witness_goes_to_the_buckets_own_endpoint(
    name: str, partition: str, region: str, endpoint: str, url: str
) -> None:
    """Ready to be pasted: a name with a dot has no certificate of its own."""
    arn = f"arn:{partition}:s3:::{name}"
    where = ResourceRef("aws", "aws/bucket", arn, name, ACCOUNT, region)

    (path,) = exposure(bucket(allow(Resource=f"{arn}/*"), ref=where, endpoint=endpoint)).paths

    assert path.witness is not None
    assert path.witness.url == url


def test_a_thousand_statements_are_judged() -> None:
    """A policy holds at most 20 KB; one from elsewhere may hold anything. A hang is a failure."""
    many = [
        allow(f"s3:Get{'*?' * 20}{n}", Resource=f"{ARN}/{n}/{'*a' * 20}z", Principal={"AWS": ROLE})
        for n in range(1000)
    ]

    assert cells(bucket(*many, allow())) == both("read")
