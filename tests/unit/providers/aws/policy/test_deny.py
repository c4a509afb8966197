"""What the Deny statements of a policy leave of an ACL's grants (docs/semantics.md §1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.buckets import (
    ACCOUNT,
    ALL_USERS,
    ARN,
    AUTHENTICATED,
    FOREIGN,
    LOG_DELIVERY,
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
    user,
)
from tests.support.policies import FOREIGN as NAMED
from tests.support.policies import RANK, lowered
from tests.support.policy_world import (
    ANONYMOUS,
    IDENTITIES,
    MEMBERS,
    STRANGERS,
    TEXTS,
    grade,
    statements,
)
from tests.support.policy_world import STRANGER as UNNAMED
from tests.support.policy_world import user as identity

from cachescan.model import Actor, Capability, Effect, Grade
from cachescan.providers.aws.policy import deny as denying
from cachescan.providers.aws.record import BucketRecord

if TYPE_CHECKING:
    from tests.support.policies import Statement

OPEN = "no..yes"
HOST = f"https://{NAME}.s3.eu-west-1.amazonaws.com"
ORG = "aws:PrincipalOrgID"
OUT_OF_ORG = {"StringNotEquals": {ORG: "o-exampleorgid"}}
OUT_OF_OFFICE = {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
EVERYBODY = [(ALL_USERS, "READ")]
SIGNED = [(AUTHENTICATED, "READ")]
PARTNER = [(user(STRANGER), "READ")]


@pytest.mark.parametrize(
    ("acl", "statements", "expected"),
    [
        pytest.param(EVERYBODY, [deny()], {}, id="everything"),
        pytest.param(EVERYBODY, [deny(Principal={"AWS": ACCOUNT})], both("list"), id="insiders"),
        pytest.param(EVERYBODY, [deny("s3:PutObject")], both("list"), id="another action"),
        pytest.param(EVERYBODY, [deny(Resource=f"{ARN}/*")], both("list"), id="objects only"),
        pytest.param(EVERYBODY, [deny("s3:ListBucket")], both("list"), id="versions are left"),
        pytest.param(EVERYBODY, [deny("s3:List*")], {}, id="both ways of listing"),
        pytest.param(
            EVERYBODY,
            [deny(Condition={"Bool": {"aws:SecureTransport": "false"}})],
            both("list"),
            id="plain HTTP",
        ),
        pytest.param(
            EVERYBODY,
            [deny(Condition={"StringNotLike": {"aws:Referer": "https://www.example.com/*"}})],
            both("list"),
            id="referer",
        ),
        pytest.param(
            EVERYBODY, [deny(Condition=OUT_OF_ORG)], only("outsider", "list"), id="organization"
        ),
        pytest.param(SIGNED, [deny(Condition=OUT_OF_ORG)], only("outsider", "list"), id="signed"),
        pytest.param(
            EVERYBODY,
            [deny(Condition={"Null": {"aws:PrincipalArn": "true"}})],
            only("any_account", "list"),
            id="unsigned requests",
        ),
        pytest.param(
            EVERYBODY,
            [deny(Condition=OUT_OF_OFFICE)],
            both("list", grade="restricted"),
            id="network",
        ),
        pytest.param(
            EVERYBODY,
            [
                deny(Condition={"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "::/1"]}}),
                deny(Condition={"IpAddress": {"aws:SourceIp": ["128.0.0.0/1", "8000::/1"]}}),
                deny(Condition={"Null": {"aws:SourceIp": "true"}}),
            ],
            {},
            id="both halves of the internet",
        ),
        pytest.param(
            EVERYBODY,
            [deny(Condition={"StringEquals": {"aws:Unheard": "x"}})],
            both("list", grade=OPEN),
            id="not understood",
        ),
        pytest.param(EVERYBODY, [deny(Effect="Refuse")], both("list", grade=OPEN), id="effect"),
        pytest.param(PARTNER, [deny()], {}, id="a named one, everything"),
        pytest.param(PARTNER, [deny(Principal={"CanonicalUser": STRANGER})], {}, id="by name"),
        pytest.param(
            PARTNER,
            [deny(Principal={"CanonicalUser": OWNER})],
            only("outsider", "list"),
            id="another name",
        ),
        pytest.param(
            PARTNER,
            [deny(Principal={"AWS": FOREIGN})],
            only("outsider", "list", grade=OPEN),
            id="perhaps its account",
        ),
        pytest.param(
            PARTNER,
            [deny(Condition=OUT_OF_ORG)],
            only("outsider", "list", grade=OPEN),
            id="perhaps its organization",
        ),
        pytest.param(
            PARTNER,
            [deny(Condition={"StringNotLike": {"aws:PrincipalArn": "*:role/App"}})],
            only("outsider", "list"),
            id="a role of its own",
        ),
    ],
)
def test_a_deny_leaves_of_an_acl_what_it_leaves(
    acl: list[Any], statements: list[dict[str, object]], expected: Cells
) -> None:
    """Allows of the policy change nothing about that; they grant on their own."""
    own = allow("s3:*", Principal={"AWS": ACCOUNT})

    found = cells(bucket(own, *statements, acl=acl))

    assert {cell: grade for cell, grade in found.items() if cell[0] == "list"} == expected


@pytest.mark.parametrize("grantee", [user(OWNER), LOG_DELIVERY])
@pytest.mark.parametrize(
    "condition",
    [OUT_OF_ORG, {"StringNotEquals": {"aws:PrincipalAccount": [ACCOUNT, FOREIGN]}}],
)
def test_whom_a_deny_spares_gets_nothing_from_a_grant_to_nobody_outside(
    grantee: dict[str, str], condition: dict[str, object]
) -> None:
    record = bucket(deny(Condition=condition), acl=[(grantee, "FULL_CONTROL")])

    assert cells(record) == {}
    assert exposure(record).paths == ()


@pytest.mark.parametrize(
    ("permission", "action", "capability"),
    [
        ("READ", ["s3:ListBucket", "s3:ListBucketVersions"], "list"),
        ("WRITE", "s3:PutObject", "write"),
        ("WRITE_ACP", "s3:PutBucketAcl", "takeover"),
    ],
)
def test_each_permission_is_denied_by_its_own_actions(
    permission: str, action: object, capability: str
) -> None:
    rest = {"list", "write", "takeover"} - {capability}

    assert cells(bucket(deny(action), acl=[(ALL_USERS, permission)])) == {}
    assert cells(bucket(deny(action), acl=[(ALL_USERS, "FULL_CONTROL")])) == both(*sorted(rest))


def test_what_is_denied_is_a_blocked_path_that_names_the_deny() -> None:
    found = exposure(bucket(allow("s3:GetBucketAcl"), deny(), acl=EVERYBODY))

    assert found.paths == ()
    assert {p.actor for p in found.blocked} == {Actor.ANONYMOUS, Actor.ANY_ACCOUNT}
    for path in found.blocked:
        assert path.evidence[0].pointer == "/Grants/0"
        (said,) = path.evidence[1:]
        assert (said.facet, said.pointer, said.effect) == ("policy", "/Statement/1", Effect.BLOCKS)
        assert said.summary == "denied by policy statement 1"


def test_several_denies_are_all_named() -> None:
    found = exposure(bucket(deny("s3:ListBucket"), deny("s3:List*"), acl=EVERYBODY))

    assert {p.evidence[-1].summary for p in found.blocked} == {"denied by policy statements 0, 1"}


def test_a_deny_that_changes_nothing_is_told() -> None:
    (path,) = exposure(
        bucket(deny(Condition={"Bool": {"aws:SecureTransport": "false"}}), acl=EVERYBODY)
    ).paths

    assert "the Deny in policy statement 0 does not stop it" in {e.summary for e in path.evidence}


def test_a_network_that_a_deny_leaves_is_the_limit_and_the_origin() -> None:
    (path,) = exposure(bucket(deny(Condition=OUT_OF_OFFICE), acl=EVERYBODY)).paths

    limit = next(e for e in path.evidence if e.effect == Effect.LIMITS)
    assert (limit.facet, limit.pointer) == ("policy", "/Statement/0")
    assert limit.summary == "the Deny in policy statement 0 leaves only 203.0.113.0/24"
    assert path.witness is not None
    assert path.witness.origin == "203.0.113.0/24"


def test_the_witness_of_an_acl_avoids_the_deny() -> None:
    guard = deny(
        ["s3:ListBucket"], Condition={"StringNotLike": {"aws:Referer": "https://www.example.com/*"}}
    )
    by_referer = exposure(bucket(guard, deny("s3:ListBucketVersions"), acl=EVERYBODY)).paths[0]
    by_version = exposure(bucket(deny("s3:ListBucket"), acl=EVERYBODY)).paths[0]

    assert by_referer.witness is not None
    assert by_referer.witness.headers == {"Referer": "https://www.example.com/"}
    assert by_version.witness is not None
    assert by_version.witness.url == f"{HOST}/?versions"


def test_an_outsider_that_a_deny_spares_is_named() -> None:
    found = exposure(bucket(deny(Condition=OUT_OF_ORG), acl=EVERYBODY))

    assert found.outsiders == ("o-exampleorgid",)


def test_a_spared_outsider_is_one_of_everybody_and_stopped_with_them() -> None:
    record = bucket(deny(Condition=OUT_OF_ORG), acl=EVERYBODY, block=["IgnorePublicAcls"])

    assert cells(record) == {}


def test_an_open_answer_names_what_would_decide() -> None:
    unheard = deny(Condition={"StringEquals": {"aws:Unheard": "x"}})
    found = exposure(bucket(unheard, acl=EVERYBODY))

    (gap,) = found.cells[Capability.LIST][Actor.ANONYMOUS].open_because
    assert gap.facet == "policy"
    assert "aws:unheard" in gap.detail


def test_an_acl_that_was_not_read_is_closed_by_a_deny_of_everything() -> None:
    """A firm no without the permission to read the ACL."""
    assert cells(bucket(deny(), unread=["acl"])) == {}
    left = cells(bucket(deny("s3:List*"), unread=["acl"]))
    assert {capability for capability, _ in left} == {"write", "takeover"}
    near = cells(bucket(deny(Condition=OUT_OF_OFFICE), unread=["acl"]))
    assert set(near.values()) == {"no..restricted"}


def test_more_denies_than_can_be_judged_leave_the_grant_open() -> None:
    many = [deny(Resource=f"{ARN}/*x{i}y*") for i in range(40)]
    found = cells(bucket(*many, acl=[(ALL_USERS, "WRITE")]))

    assert found == both("write", grade=OPEN)


# --- against every request of the small world ---------------------------------------------------

SLOW = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
DENIES = st.lists(statements("Deny"), min_size=1, max_size=3)
ONE_ACTION = {"Effect": "Deny", "Principal": "*", "NotAction": "s3:GetObject", "Resource": "*"}
GRANT = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}


def _left(
    denies: list[Statement], grantee: denying.Grantee, actors: dict[Actor, str]
) -> dict[tuple[Actor, str], tuple[Grade, Grade]]:
    """Return the interval that the blockers leave of a certain grant to read objects."""
    record = BucketRecord(bucket(*denies, ONE_ACTION))
    found = {}
    for passage in denying.passages(record, Capability.READ, grantee, actors):
        low = high = Grade.YES
        for blocker in passage.blockers:
            if blocker.state is not False:
                low = min(low, blocker.leaves, key=RANK.__getitem__)
            if blocker.state:
                high = min(high, blocker.leaves, key=RANK.__getitem__)
        found[passage.actor, passage.principal] = (low, high)
    return found


@SLOW
@given(denies=DENIES)
def test_what_is_left_to_everybody_is_exactly_what_the_evaluator_leaves(
    denies: list[Statement],
) -> None:
    policy = lowered(*denies, GRANT)
    everybody = {Actor.ANONYMOUS: "", Actor.ANY_ACCOUNT: ""}

    found = _left(denies, denying.EVERYBODY, everybody)

    for actor, senders in ((Actor.ANONYMOUS, [ANONYMOUS]), (Actor.ANY_ACCOUNT, STRANGERS)):
        truth = grade(policy, senders)
        assert found[actor, ""] == (truth, truth)
    signed = found[Actor.ANY_ACCOUNT, ""][0]
    for org, members in MEMBERS.items():
        spared = found.get((Actor.OUTSIDER, org), (Grade.NO, Grade.NO))
        truth = max(grade(policy, members), signed, key=RANK.__getitem__)
        assert {max(end, signed, key=RANK.__getitem__) for end in spared} == {truth}


@SLOW
@given(denies=DENIES, org=st.sampled_from(["", "o-azzz", "o-aaaa", "o-bbbb"]), named=st.booleans())
def test_whichever_account_a_canonical_user_is_the_truth_lies_within(
    denies: list[Statement], org: str, *, named: bool
) -> None:
    """Its account and its organization are facts that a bucket's record does not hold."""
    account = NAMED if named else UNNAMED
    senders = [identity(account, kind, name, org) for kind, name in IDENTITIES]
    truth = grade(lowered(*denies, GRANT), senders)

    ((low, high),) = _left(
        denies, {"CanonicalUser": [STRANGER]}, {Actor.OUTSIDER: STRANGER}
    ).values()

    assert RANK[low] <= RANK[truth] <= RANK[high]
    told = {key.lower() for d in denies for row in d["Condition"].values() for key in row}
    about = {key.lower() for key in TEXTS if key.startswith("aws:Principal")} | {"aws:username"}
    by_principal = any("NotPrincipal" in d or d["Principal"] != "*" for d in denies)
    if not told & about and not by_principal:
        assert low == high
