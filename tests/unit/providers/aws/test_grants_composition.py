"""How the layers of a bucket act on each other: the cells that single-layer tests cannot see."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from cachescan.exposure import expose
from cachescan.model import Actor, Capability, Gap, GapReason, Grade, Resource, ResourceRef
from cachescan.providers.aws.grants import grants
from cachescan.providers.aws.kinds import BUCKET
from cachescan.providers.aws.policy.document import parse
from cachescan.testing.cases import neutral_facets

ARN = "arn:aws:s3:::b"
EVERYBODY = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
OPEN_ACL = [{"Grantee": EVERYBODY, "Permission": "READ"}]
RESTRICT = {"RestrictPublicBuckets": True}


def statement(effect: str, action: str, principal: object = "*", **more: object) -> dict[str, Any]:
    return {
        "Effect": effect,
        "Principal": principal,
        "Action": action,
        "Resource": [ARN, f"{ARN}/*"],
        **more,
    }


def bounds(
    capability: Capability,
    actor: Actor,
    *statements: dict[str, Any],
    acl: list[dict[str, Any]] | None = None,
    unread: tuple[str, ...] = ("policy_status",),
    **facets: dict[str, Any],
) -> tuple[Grade, Grade]:
    """Return the interval of one cell of a bucket."""
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    facts = {
        **neutral_facets(BUCKET),
        "policy": msgspec.to_builtins(parse(document)),
        "acl": {"Owner": {"ID": "own"}, "Grants": acl or []},
        **facets,
    }
    gaps = tuple(Gap(n, GapReason.PERMISSION_DENIED, BUCKET.facet(n).call) for n in unread)
    known = {name: value for name, value in facts.items() if name not in unread}
    ref = ResourceRef("aws", "aws/bucket", ARN, "b", "123456789012", "eu-west-1")
    cell = expose(grants(Resource(ref, known, gaps))).cells[capability][actor]
    return cell.low, cell.high


def test_a_policy_without_deny_leaves_an_acl_as_it_is() -> None:
    own = statement("Allow", "s3:*", {"AWS": "123456789012"})

    assert bounds(Capability.LIST, Actor.ANONYMOUS, own, acl=OPEN_ACL) == (Grade.YES, Grade.YES)


def test_a_deny_of_the_policy_counts_against_an_acl() -> None:
    low, _ = bounds(Capability.LIST, Actor.ANONYMOUS, statement("Deny", "s3:*"), acl=OPEN_ACL)

    assert low == Grade.NO


@pytest.mark.parametrize(
    "deny",
    [
        statement("Deny", "s3:PutObject"),
        statement("Deny", "s3:*", {"AWS": "arn:aws:iam::123456789012:role/own"}),
    ],
    ids=["another-action", "insiders-only"],
)
def test_a_deny_of_something_else_does_not(deny: dict[str, Any]) -> None:
    assert bounds(Capability.LIST, Actor.ANONYMOUS, deny, acl=OPEN_ACL) == (Grade.YES, Grade.YES)


def test_a_policy_that_was_not_read_may_deny_what_an_acl_grants() -> None:
    unread = ("policy", "policy_status")

    assert bounds(Capability.LIST, Actor.ANONYMOUS, acl=OPEN_ACL, unread=unread) == (
        Grade.NO,
        Grade.YES,
    )


def test_an_acl_beside_a_restricted_public_policy_is_open() -> None:
    public = statement("Allow", "s3:GetObject")

    assert bounds(
        Capability.LIST, Actor.ANONYMOUS, public, acl=OPEN_ACL, public_access_block=RESTRICT
    ) == (Grade.NO, Grade.YES)


def test_a_named_outsider_keeps_all_or_nothing_behind_the_restriction() -> None:
    network = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    named = statement("Allow", "s3:ListBucket", {"AWS": "210987654321"})
    unread = ("policy", "policy_status")

    assert bounds(
        Capability.LIST,
        Actor.OUTSIDER,
        statement("Allow", "s3:ListBucket", Condition=network),
        named,
        public_access_block=RESTRICT,
        policy_status={"IsPublic": False},
        unread=(),
    ) == (Grade.YES, Grade.YES)
    assert bounds(
        Capability.LIST, Actor.OUTSIDER, named, public_access_block=RESTRICT, unread=unread
    ) == (Grade.NO, Grade.YES)


def test_nobody_reads_from_anywhere_behind_the_restriction_even_if_the_policy_is_unread() -> None:
    unread = ("policy", "policy_status")

    _, high = bounds(Capability.READ, Actor.ANONYMOUS, public_access_block=RESTRICT, unread=unread)

    assert high == Grade.RESTRICTED
