"""Whether the bucket policy may deny what an ACL grants: a Deny ends every request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.model import Blocker, Capability, Effect, Evidence, Gap, GapReason
from cachescan.providers.aws.policy.grants import could_deny, covers_action

if TYPE_CHECKING:
    from cachescan.providers.aws.record import BucketRecord

_FACET = "policy"
_ACTIONS = {
    Capability.LIST: "s3:ListBucket",
    Capability.WRITE: "s3:PutObject",
    Capability.TAKEOVER: "s3:PutBucketAcl",
}
"""What a bucket ACL's permission lets through."""


def by_policy(record: BucketRecord, capability: Capability) -> Blocker:
    """Return what the policy's Deny statements do to a grant of the ACL (docs/semantics.md §1.1).

    A policy that was not read may hold one, so nothing that an ACL grants is certain then.
    """
    policy = record.policy
    if isinstance(policy, Gap):
        evidence = Evidence(_FACET, "", Effect.UNREAD, f"{policy.call}: {policy.reason}")
        return Blocker(state=None, evidence=evidence, gap=policy)
    for index, statement in enumerate(policy.Statement):
        denies = statement.Effect != "Allow" and could_deny(statement, record)
        if denies and covers_action(statement, _ACTIONS[capability]):
            said = f"policy statement {index} may deny it"
            gap = Gap(
                _FACET, GapReason.UNSUPPORTED, "s3:GetBucketPolicy", f"{said}: not judged yet"
            )
            evidence = Evidence(_FACET, f"/Statement/{index}", Effect.UNREAD, said)
            return Blocker(state=None, evidence=evidence, gap=gap)
    evidence = Evidence(_FACET, "", Effect.STATES, "no statement of the policy denies it")
    return Blocker(state=False, evidence=evidence)
