"""Grants of a bucket ACL to outsiders (docs/semantics.md §1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.model import Actor, Capability, Effect, Evidence, Gap, GapReason, Grade, Grant
from cachescan.providers.aws import blocks
from cachescan.providers.aws.policy import deny
from cachescan.providers.aws.policy.grants import is_public
from cachescan.providers.aws.policy.witness import WITNESS_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachescan.model import Blocker, Witness
    from cachescan.providers.aws.record import BucketRecord
    from cachescan.providers.aws.schemas import AclGrant

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
_LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"

_PERMISSIONS: dict[str, tuple[Capability, ...]] = {
    "READ": (Capability.LIST,),
    "WRITE": (Capability.WRITE,),
    "READ_ACP": (),
    "WRITE_ACP": (Capability.TAKEOVER,),
    "FULL_CONTROL": (Capability.LIST, Capability.WRITE, Capability.TAKEOVER),
}
"""READ on a bucket is the list of names, not the bytes of objects."""

_CAPABILITIES = (Capability.LIST, Capability.WRITE, Capability.TAKEOVER)


def grants(record: BucketRecord) -> Iterator[Grant]:
    """Yield what the bucket ACL grants to outsiders."""
    acl = record.acl
    if isinstance(acl, Gap):
        yield from _unread(record, acl)
        return
    for index, grant in enumerate(acl.Grants):
        actors, principal, certain = _grantee(grant, acl.Owner.ID)
        if not actors:
            continue  # nobody outside, and so nobody whom a Deny could spare
        named = {"CanonicalUser": [principal]} if principal else deny.EVERYBODY
        capabilities = _PERMISSIONS.get(grant.Permission, _CAPABILITIES)
        certain = certain and grant.Permission in _PERMISSIONS
        evidence = Evidence(
            "acl",
            f"/Grants/{index}",
            Effect.GRANTS,
            f"the bucket ACL grants {grant.Permission} to {principal or _group(grant)}",
        )
        for capability in capabilities:
            for passage in deny.passages(
                record, capability, named, dict.fromkeys(actors, principal)
            ):
                yield Grant(
                    actor=passage.actor,
                    capability=capability,
                    via="bucket-acl",
                    low=Grade.YES if certain else Grade.NO,
                    high=Grade.YES,
                    evidence=(evidence,),
                    principal=passage.principal,
                    witness=passage.witness or _witness(record, capability, passage.actor),
                    blockers=_blockers(record, passage, public=named == deny.EVERYBODY),
                    gaps=() if certain else (_unclear(grant),),
                )


def _grantee(grant: AclGrant, owner: str) -> tuple[tuple[Actor, ...], str, bool]:
    """Return who is granted, the named outsider if it is one, and whether that is certain."""
    grantee = grant.Grantee
    if grantee.URI == ALL_USERS:
        return (Actor.ANONYMOUS, Actor.ANY_ACCOUNT), "", True
    if grantee.URI == AUTHENTICATED_USERS:
        return (Actor.ANY_ACCOUNT,), "", True
    if grantee.URI == _LOG_DELIVERY or (grantee.ID and owner == grantee.ID):
        return (), "", True
    name = grantee.ID or grantee.EmailAddress or grantee.URI or grantee.DisplayName
    known = bool(grantee.ID or grantee.EmailAddress) and bool(owner)
    return (Actor.OUTSIDER,), name or "an unnamed grantee", known


def _group(grant: AclGrant) -> str:
    return grant.Grantee.URI.rpartition("/")[2]


def _unclear(grant: AclGrant) -> Gap:
    return Gap(
        facet="acl",
        reason=GapReason.UNSUPPORTED,
        call="s3:GetBucketAcl",
        detail=f"{grant.Permission} to a grantee that is not known to be foreign or own",
    )


def _blockers(record: BucketRecord, passage: deny.Passage, *, public: bool) -> tuple[Blocker, ...]:
    """Return what may stop a grant; ``public`` is whether it is one to everybody."""
    found = [blocks.enforced_ownership(record), *passage.blockers]
    if public:
        found.append(blocks.ignore_public_acls(record))
    if passage.actor == Actor.ANONYMOUS:
        found.append(blocks.requester_pays(record))
    return (*found, *blocks.restricted_acls(record, public=_public(record)))


def _public(record: BucketRecord) -> bool | None:
    if not isinstance(record.policy, Gap):
        return is_public(record, record.policy)
    status = record.policy_status
    return None if isinstance(status, Gap) else status.IsPublic


def _witness(record: BucketRecord, capability: Capability, actor: Actor) -> Witness:
    signed = actor != Actor.ANONYMOUS
    if capability == Capability.LIST:
        return record.witness("GET", query="list-type=2&max-keys=10", signed=signed)
    if capability == Capability.WRITE:
        return record.witness("PUT", key=WITNESS_KEY, signed=signed)
    return record.witness("PUT", query="acl", signed=signed)


def _unread(record: BucketRecord, gap: Gap) -> Iterator[Grant]:
    evidence = Evidence("acl", "", Effect.UNREAD, f"{gap.call or 'acl'}: {gap.reason}")
    everyone = dict.fromkeys(Actor, "")
    for capability in _CAPABILITIES:
        for passage in deny.passages(record, capability, deny.EVERYBODY, everyone):
            yield Grant(
                actor=passage.actor,
                capability=capability,
                via="bucket-acl",
                low=Grade.NO,
                high=Grade.YES,
                evidence=(evidence,),
                blockers=_blockers(record, passage, public=passage.actor != Actor.OUTSIDER),
                gaps=(gap,),
            )
