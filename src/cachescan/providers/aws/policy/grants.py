"""What a bucket policy grants to outsiders: the engine's judgement as grants.

A grant is per statement, actor and capability; what the facts read do not decide is an interval
with the reasons as gaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.model import Actor, Capability, Effect, Evidence, Gap, GapReason, Grade, Grant
from cachescan.providers.aws import blocks
from cachescan.providers.aws.policy import ir, public, reasons
from cachescan.providers.aws.policy.facts import Facts
from cachescan.providers.aws.policy.template import judged
from cachescan.providers.aws.policy.witness import witness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cachescan.model import Blocker
    from cachescan.providers.aws.policy.judge import Judgement, Opening
    from cachescan.providers.aws.record import BucketRecord
    from cachescan.providers.aws.schemas import Policy


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
        witness=witness(record, opening, judgement, facts),
        blockers=_blockers(record, reach.actor, public=public),
        gaps=tuple(undecided(reason) for reason in reach.reasons),
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


def undecided(detail: str) -> Gap:
    """Return the gap that stands for what a policy that was read does not decide."""
    return Gap(
        facet="policy", reason=GapReason.UNSUPPORTED, call="s3:GetBucketPolicy", detail=detail
    )


def _blockers(record: BucketRecord, actor: Actor, *, public: bool | None) -> tuple[Blocker, ...]:
    named = actor == Actor.OUTSIDER
    found = [blocks.restrict_public_buckets(record, public=public, named=named)]
    if actor == Actor.ANONYMOUS:
        found.append(blocks.requester_pays(record))
    return tuple(found)


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
            gaps=(undecided(reason),),
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
