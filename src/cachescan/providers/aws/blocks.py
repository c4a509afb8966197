"""What may stop a grant on a bucket: Block Public Access, ownership, Requester Pays.

Source: docs/semantics.md §1.1 (unsigned requests), §1.5 (merge and decision table), §1.6
(ownership).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.model import Blocker, Effect, Evidence, Gap, GapReason, Grade

if TYPE_CHECKING:
    from cachescan.providers.aws.record import BucketRecord

_FACETS = {"bucket": "public_access_block", "account": "account_public_access_block"}


def ignore_public_acls(record: BucketRecord) -> Blocker:
    """Return IgnorePublicAcls: it voids every grant to AllUsers and AuthenticatedUsers."""
    return _switch(record, "IgnorePublicAcls")


def restrict_public_buckets(
    record: BucketRecord, *, public: bool | None, named: bool = False
) -> Blocker:
    """Return RestrictPublicBuckets: it leaves a public policy to services and the owner's account.

    Args:
        record: the bucket.
        public: whether the policy is public by AWS's definition; None if that is not known, in
            which case a policy that is not public may still serve a named network.
        named: the grant is to a named outsider, whom a policy that is not public serves in full.
    """
    switch = _switch(record, "RestrictPublicBuckets")
    if public is False:
        evidence = Evidence(
            switch.evidence.facet,
            switch.evidence.pointer,
            Effect.STATES,
            "RestrictPublicBuckets does not apply: the policy is not public by AWS's definition",
        )
        return Blocker(state=False, evidence=evidence)
    if public is None and switch.state is not False:
        if named:
            return Blocker(None, switch.evidence, gap=switch.gap or _status_unread(record))
        return Blocker(switch.state, switch.evidence, leaves=Grade.RESTRICTED, gap=switch.gap)
    return switch


def restricted_acls(record: BucketRecord, *, public: bool | None) -> tuple[Blocker, ...]:
    """Return what RestrictPublicBuckets may do to ACL grants beside a public policy.

    Whether it cuts them too is not settled: the documentation says both "derived from the policy"
    and "restricts access to this bucket" (docs/semantics.md §1.5).
    """
    switch = _switch(record, "RestrictPublicBuckets")
    if public is False or switch.state is False:
        return ()
    said = "whether RestrictPublicBuckets stops ACLs beside a public policy is not documented"
    unsettled = Gap(_FACETS["bucket"], GapReason.UNSUPPORTED, "s3:GetPublicAccessBlock", said)
    gap = switch.gap or (_status_unread(record) if public is None else None) or unsettled
    return (Blocker(None, switch.evidence, gap=gap),)


def _status_unread(record: BucketRecord) -> Gap | None:
    status = record.policy_status
    return status if isinstance(status, Gap) else None


def enforced_ownership(record: BucketRecord) -> Blocker:
    """Return BucketOwnerEnforced: it voids all ACLs, on the bucket and on its objects."""
    facet, pointer = "ownership_controls", "/Rules/0/ObjectOwnership"
    controls = record.ownership
    if isinstance(controls, Gap):
        return _unread(record, facet, "", controls)
    setting = controls.Rules[0].ObjectOwnership if controls.Rules else ""
    if setting == "BucketOwnerEnforced":
        evidence = Evidence(facet, pointer, Effect.BLOCKS, "BucketOwnerEnforced: ACLs are void")
        return Blocker(state=True, evidence=evidence)
    said = f"object ownership is {setting}" if setting else "no ownership controls are set"
    evidence = Evidence(facet, pointer if setting else "", Effect.STATES, f"{said}: ACLs count")
    return Blocker(state=False, evidence=evidence)


def requester_pays(record: BucketRecord) -> Blocker:
    """Return Requester Pays: it refuses unsigned requests, since nobody could be billed."""
    facet, payment = "request_payment", record.request_payment
    if isinstance(payment, Gap):
        return _unread(record, facet, "/Payer", payment)
    on = payment.Payer == "Requester"
    effect, word = (Effect.BLOCKS, "on") if on else (Effect.STATES, "off")
    evidence = Evidence(facet, "/Payer", effect, f"Requester Pays is {word}")
    return Blocker(state=on, evidence=evidence)


def _switch(record: BucketRecord, name: str) -> Blocker:
    """Merge one switch over the levels: on anywhere is on; else unread anywhere is unread."""
    gap: Gap | None = None
    for level, block in record.blocks.items():
        if isinstance(block, Gap):
            gap = gap if gap and not _not_implemented(record, gap) else block
        elif getattr(block, name):
            summary = f"{name} is on at the {level} level"
            evidence = Evidence(_FACETS[level], f"/{name}", Effect.BLOCKS, summary)
            return Blocker(state=True, evidence=evidence)
    if gap is not None:
        return _unread(record, gap.facet, f"/{name}", gap)
    summary = f"{name} is off for the bucket and for the account"
    evidence = Evidence(_FACETS["bucket"], f"/{name}", Effect.STATES, summary)
    return Blocker(state=False, evidence=evidence)


def _unread(record: BucketRecord, facet: str, pointer: str, gap: Gap) -> Blocker:
    if _not_implemented(record, gap):
        summary = f"the store does not implement {gap.call}"
        return Blocker(state=False, evidence=Evidence(facet, "", Effect.STATES, summary))
    evidence = Evidence(facet, pointer, Effect.UNREAD, f"{gap.call or facet}: {gap.reason}")
    return Blocker(state=None, evidence=evidence, gap=gap)


def _not_implemented(record: BucketRecord, gap: Gap) -> bool:
    """Tell whether a store other than AWS says that it has no such thing: then it stops nobody."""
    return bool(record.endpoint) and gap.reason == GapReason.UNSUPPORTED
