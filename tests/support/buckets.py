"""Records of buckets as an adapter writes them, with gaps where a test wants them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from cachescan.exposure import expose
from cachescan.model import Gap, GapReason, Grade, Resource, ResourceRef
from cachescan.providers.aws.grants import grants
from cachescan.providers.aws.kinds import BUCKET
from cachescan.providers.aws.policy.document import parse
from cachescan.testing.cases import neutral_facets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachescan.model import Census, Exposure

ACCOUNT, FOREIGN = "123456789012", "210987654321"
OWNER, STRANGER = "a" * 64, "b" * 64
NAME = "example-bucket"
ARN = f"arn:aws:s3:::{NAME}"
GROUP = "http://acs.amazonaws.com/groups/"
ALL_USERS = {"Type": "Group", "URI": f"{GROUP}global/AllUsers"}
AUTHENTICATED = {"Type": "Group", "URI": f"{GROUP}global/AuthenticatedUsers"}
LOG_DELIVERY = {"Type": "Group", "URI": f"{GROUP}s3/LogDelivery"}

EXPOSURE_FACETS = BUCKET.exposure


def user(canonical_id: str) -> dict[str, str]:
    """Return the grantee that is one account."""
    return {"Type": "CanonicalUser", "ID": canonical_id}


def allow(action: object = "s3:GetObject", **changes: object) -> dict[str, object]:
    """Return an Allow for everybody on the bucket and its objects, changed as said.

    A change to None takes an element away.
    """
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": action,
        "Resource": [ARN, f"{ARN}/*"],
        **changes,
    }
    return {name: value for name, value in statement.items() if value is not None}


def deny(action: object = "s3:*", **changes: object) -> dict[str, object]:
    """Return a Deny for everybody, changed as said."""
    return allow(action, **{"Effect": "Deny", **changes})


def gap(facet: str, reason: GapReason = GapReason.PERMISSION_DENIED) -> Gap:
    """Return the gap that stands in a facet's place."""
    declared = BUCKET.facet(facet)
    return Gap(facet, reason, declared.call, "denied", declared.permission)


def bucket(  # noqa: PLR0913 (one parameter for each fact)
    *statements: dict[str, object],
    acl: Sequence[tuple[dict[str, str], str]] = (),
    block: Sequence[str] = (),
    account_block: Sequence[str] = (),
    ownership: str = "",
    payer: str = "BucketOwner",
    status: bool | None = None,
    unread: Sequence[str | Gap] = (),
    endpoint: str = "",
    census: Census | None = None,
    ref: ResourceRef | None = None,
) -> Resource:
    """Return the record of a bucket.

    Args:
        statements: of the bucket policy.
        acl: grantee and permission of each grant of the ACL.
        block: the switches of the bucket's block that are on.
        account_block: those of the account's.
        ownership: the setting of object ownership; empty for a legacy bucket.
        payer: of requests.
        status: AWS's word on the policy; a gap if None.
        unread: facets that were not read, or the gaps in their place.
        endpoint: of a store other than AWS.
        census: what lies in it.
        ref: another name for it.
    """
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    grants_of_acl = [{"Grantee": who, "Permission": what} for who, what in acl]
    facts: dict[str, Any] = {
        "bucket": {"Name": NAME, "Endpoint": endpoint},
        "policy": msgspec.to_builtins(parse(document)),
        "policy_status": {"IsPublic": status},
        "acl": {"Owner": {"ID": OWNER}, "Grants": grants_of_acl},
        "public_access_block": dict.fromkeys(block, True),
        "account_public_access_block": dict.fromkeys(account_block, True),
        "ownership_controls": {"Rules": [{"ObjectOwnership": ownership}] if ownership else []},
        "request_payment": {"Payer": payer},
    }
    gaps = {g.facet: g for g in (g if isinstance(g, Gap) else gap(g) for g in unread)}
    if status is None:
        gaps.setdefault("policy_status", gap("policy_status"))
    return Resource(
        ref=ref or ResourceRef("aws", BUCKET.name, ARN, NAME, ACCOUNT, "eu-west-1"),
        facets={n: v for n, v in {**neutral_facets(BUCKET), **facts}.items() if n not in gaps},
        gaps=tuple(sorted(gaps.values())),
        census=census,
    )


def exposure(resource: Resource) -> Exposure:
    """Return who outside can do what with it."""
    return expose(grants(resource))


Cells = dict[tuple[str, str], str]


def cells(resource: Resource) -> Cells:
    """Return (capability, actor) to ``low..high`` or the grade, what is firmly ``no`` left out."""
    found = {}
    for capability, row in exposure(resource).cells.items():
        for actor, bounds in row.items():
            if bounds.high != Grade.NO:
                point = bounds.low == bounds.high
                said = bounds.low.value if point else f"{bounds.low.value}..{bounds.high.value}"
                found[capability.value, actor.value] = said
    return found


def both(*capabilities: str, grade: str = "yes") -> Cells:
    """Return what is open to everybody: anonymous, and so any account as well."""
    return {(c, actor): grade for c in capabilities for actor in ("anonymous", "any_account")}


def only(actor: str, *capabilities: str, grade: str = "yes") -> Cells:
    """Return what is open to one actor."""
    return {(capability, actor): grade for capability in capabilities}
