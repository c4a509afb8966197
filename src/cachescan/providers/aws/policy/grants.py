"""What a bucket policy grants to outsiders: the engine's judgement as grants.

A grant is per statement, actor and capability; what the facts read do not decide is an interval
with the reasons as gaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from cachescan.model import (
    Actor,
    Capability,
    Effect,
    Evidence,
    Gap,
    GapReason,
    Grade,
    Grant,
    Witness,
)
from cachescan.providers.aws import blocks
from cachescan.providers.aws.policy import ir, public, reasons
from cachescan.providers.aws.policy.decide import ALLOW, decide
from cachescan.providers.aws.policy.facts import Facts
from cachescan.providers.aws.policy.template import judged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cachescan.model import Blocker
    from cachescan.providers.aws.policy.judge import Judgement, Opening
    from cachescan.providers.aws.policy.reach import Reach
    from cachescan.providers.aws.record import BucketRecord
    from cachescan.providers.aws.schemas import Policy

WITNESS_KEY = "cachescan-witness"
"""The object that a write would create, where the policy leaves the name open."""

_SUBRESOURCES = {
    "s3:PutBucketPolicy": "policy",
    "s3:DeleteBucketPolicy": "policy",
    "s3:PutBucketAcl": "acl",
    "s3:PutObjectAcl": "acl",
    "s3:PutObjectVersionAcl": "acl",
    "s3:PutBucketPublicAccessBlock": "publicAccessBlock",
    "s3:PutBucketOwnershipControls": "ownershipControls",
    "s3:PutReplicationConfiguration": "replication",
    "s3:PutBucketWebsite": "website",
    "s3:PutObjectTagging": "tagging",
    "s3:PutObjectVersionTagging": "tagging",
    "s3:RestoreObject": "restore",
    "s3:ListBucketVersions": "versions",
}


def grants(record: BucketRecord) -> Iterator[Grant]:
    """Yield what the bucket policy grants to outsiders."""
    policy = record.policy
    if isinstance(policy, Gap):
        yield from _unread(record, policy)
        return
    judgement, facts = judged(policy, facts_of(record))
    decided = is_public(record, policy)
    for opening in judgement.openings:
        yield _grant(record, opening, judgement, facts, public=decided)
    for capability, reason in judgement.unjudged.items():
        yield from _unjudged(record, capability, reason, public=decided)


def is_public(record: BucketRecord, policy: Policy) -> bool | None:
    """Tell whether the policy is public by AWS's definition; None if that is not known.

    AWS's own word, where it was read, is what RestrictPublicBuckets goes by.
    """
    if not isinstance(record.policy_status, Gap):
        return record.policy_status.IsPublic
    return public.is_public(ir.lower(policy)).answer


def facts_of(record: BucketRecord) -> Facts:
    """Return what the record says about the bucket, for the engine."""
    controls = record.ownership
    rules = [] if isinstance(controls, Gap) else controls.Rules
    census = record.census
    known = [*(hit.key for hit in census.hits), census.example] if census else []
    return Facts(
        arn=record.ref.uid,
        account=record.ref.scope,
        region=record.ref.region,
        now=record.now,
        owner="" if isinstance(record.acl, Gap) else record.acl.Owner.ID,
        plain_only=record.endpoint.startswith("http://"),
        acls_void=any(rule.ObjectOwnership == "BucketOwnerEnforced" for rule in rules),
        keys=tuple(key for key in known if key),
    )


def _grant(
    record: BucketRecord,
    opening: Opening,
    judgement: Judgement,
    facts: Facts,
    *,
    public: bool | None,
) -> Grant:
    reach = opening.reach
    like = _like_anonymous(opening, judgement.openings)
    return Grant(
        actor=reach.actor,
        capability=opening.capability,
        via="bucket-policy",
        low=reach.low,
        high=reach.high,
        evidence=reasons.evidence(like, judgement.statements, facts),
        principal=reach.label,
        witness=_witness(record, opening, judgement, facts),
        blockers=_blockers(record, reach.actor, public=public),
        gaps=tuple(_gap(reason) for reason in reach.reasons),
    )


def _like_anonymous(opening: Opening, openings: Sequence[Opening]) -> Opening:
    """Return the anonymous opening that a signed one repeats, so that both tell the same story."""
    if opening.reach.actor != Actor.ANY_ACCOUNT:
        return opening
    for other in openings:
        same = other.capability == opening.capability and other.actions == opening.actions
        mine = (opening.reach.statement, opening.reach.low, opening.reach.network)
        theirs = (other.reach.statement, other.reach.low, other.reach.network)
        if same and other.reach.actor == Actor.ANONYMOUS and mine == theirs:
            return other
    return opening


def _gap(detail: str) -> Gap:
    return Gap(
        facet="policy", reason=GapReason.UNSUPPORTED, call="s3:GetBucketPolicy", detail=detail
    )


def _blockers(record: BucketRecord, actor: Actor, *, public: bool | None) -> tuple[Blocker, ...]:
    named = actor == Actor.OUTSIDER
    found = [blocks.restrict_public_buckets(record, public=public, named=named)]
    if actor == Actor.ANONYMOUS:
        found.append(blocks.requester_pays(record))
    return tuple(found)


def _witness(record: BucketRecord, opening: Opening, judgement: Judgement, facts: Facts) -> Witness:
    """Return the request that shows an opening, as it goes over the wire."""
    reach, action = opening.reach, opening.reach.action
    query = _SUBRESOURCES.get(action, "")
    key = reach.request.resource.removeprefix(facts.arn).removeprefix("/")
    if action == "s3:ListBucket":
        query = reasons.list_query(reach)
    if opening.capability == Capability.WRITE:
        key = _new_key(reach, key, judgement)
    method = reasons.verb(opening.capability, action)
    signed = reach.actor != Actor.ANONYMOUS
    witness = record.witness(method, key=key, query=query, signed=signed)
    values = reach.request.values
    url = witness.url
    if values.get("aws:securetransport") == ("false",):
        url = url.replace("https://", "http://", 1)
    origin = "anywhere"
    if reach.network:
        origin = reach.network
    elif values.get("aws:sourcevpce"):
        origin = "any VPC endpoint"
    return msgspec.structs.replace(witness, url=url, origin=origin)


def _new_key(reach: Reach, key: str, judgement: Judgement) -> str:
    """Return a key of our own beside the one found, if the policy lets that be written, too."""
    own = key[: key.rfind("/") + 1] + WITNESS_KEY
    arn = reach.request.resource.removesuffix(key) + own
    asked = msgspec.structs.replace(reach.request, resource=arn)
    return own if decide(judgement.statements, asked) == ALLOW else key


def _unjudged(
    record: BucketRecord, capability: Capability, reason: str, *, public: bool | None
) -> Iterator[Grant]:
    """Yield the open grants of a capability that the engine gave up on."""
    evidence = Evidence("policy", "/Statement", Effect.STATES, f"not judged: {reason}")
    for actor in Actor:
        yield Grant(
            actor=actor,
            capability=capability,
            via="bucket-policy",
            low=Grade.NO,
            high=Grade.YES,
            evidence=(evidence,),
            blockers=_blockers(record, actor, public=public),
            gaps=(_gap(reason),),
        )


def _unread(record: BucketRecord, gap: Gap) -> Iterator[Grant]:
    """Yield the open grants of a policy that was not read, narrowed by what was."""
    status = record.policy_status
    known = None if isinstance(status, Gap) else status.IsPublic
    evidence = Evidence("policy", "", Effect.UNREAD, f"{gap.call or 'policy'}: {gap.reason}")
    for actor in Actor:
        narrowed = known is False and actor != Actor.OUTSIDER
        for capability in Capability:
            yield Grant(
                actor=actor,
                capability=capability,
                via="bucket-policy",
                low=Grade.NO,
                high=Grade.RESTRICTED if narrowed else Grade.YES,
                evidence=(evidence,),
                blockers=_blockers(record, actor, public=known),
                gaps=(gap,),
            )
