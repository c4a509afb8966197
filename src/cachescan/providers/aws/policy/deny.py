"""Whether the bucket policy may deny what an ACL grants: a Deny ends every request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.model import Blocker, Capability, Effect, Evidence, Gap, GapReason
from cachescan.providers.aws.policy.match import action_matches
from cachescan.providers.aws.policy.principals import parties

if TYPE_CHECKING:
    from cachescan.providers.aws.record import BucketRecord
    from cachescan.providers.aws.schemas import PolicyStatement

_FACET = "policy"
_ACTIONS = {
    Capability.LIST: "s3:ListBucket",
    Capability.WRITE: "s3:PutObject",
    Capability.TAKEOVER: "s3:PutBucketAcl",
}
"""What a bucket ACL's permission lets through."""


_TLS_VERSIONS = frozenset({"1", "1.0", "1.1", "1.2", "1.3"})
"""Versions that a caller can do at least as well as."""


def by_policy(record: BucketRecord, capability: Capability) -> Blocker:
    """Return what the policy's Deny statements do to a grant of the ACL (docs/semantics.md §1.1).

    A policy that was not read may hold one, so nothing that an ACL grants is certain then.
    """
    policy = record.policy
    if isinstance(policy, Gap):
        evidence = Evidence(_FACET, "", Effect.UNREAD, f"{policy.call}: {policy.reason}")
        return Blocker(state=None, evidence=evidence, gap=policy)
    for index, statement in enumerate(policy.Statement):
        denies = statement.Effect != "Allow" and _could_deny(statement, record)
        if denies and _covers_action(statement, _ACTIONS[capability]):
            said = f"policy statement {index} may deny it"
            gap = Gap(
                _FACET, GapReason.UNSUPPORTED, "s3:GetBucketPolicy", f"{said}: not judged yet"
            )
            evidence = Evidence(_FACET, f"/Statement/{index}", Effect.UNREAD, said)
            return Blocker(state=None, evidence=evidence, gap=gap)
    evidence = Evidence(_FACET, "", Effect.STATES, "no statement of the policy denies it")
    return Blocker(state=False, evidence=evidence)


def _covers_action(statement: PolicyStatement, action: str) -> bool:
    """Tell whether a statement speaks of an action."""
    if statement.NotAction:
        return not any(action_matches(pattern, action) for pattern in statement.NotAction)
    return any(action_matches(pattern, action) for pattern in statement.Action)


def _could_deny(statement: PolicyStatement, record: BucketRecord) -> bool:
    """Tell whether a statement that is not an Allow could stop an outsider.

    One that names only insiders cannot, nor one that asks for plain HTTP or an old TLS where the
    caller can do better: what the caller chooses restricts nobody (docs/semantics.md §0).
    """
    if statement.Principal and not statement.NotPrincipal and not statement.Other:
        outsiders = list(parties(statement.Principal, record.ref.scope, None))
        if not outsiders:
            return False
    insecure = statement.Condition.get("Bool", {}).get("aws:securetransport") == ["false"]
    below = statement.Condition.get("NumericLessThan", {}).get("s3:tlsversion", [])
    old_tls = bool(below) and _TLS_VERSIONS.issuperset(below)
    return not (old_tls or (insecure and not record.endpoint.startswith("http://")))
