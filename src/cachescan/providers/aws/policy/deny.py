"""What a bucket policy's Deny statements leave of an ACL's grant: a Deny ends every request.

The policy is judged with one Allow in place of its own, which gives what the ACL gives
(docs/semantics.md §1.1). Source: Amazon S3 user guide, "Access control list (ACL) overview",
mapping of ACL permissions and access policy permissions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cachescan.model import (
    Actor,
    Blocker,
    Capability,
    Effect,
    Evidence,
    Gap,
    Grade,
    Witness,
)
from cachescan.providers.aws.policy import ir
from cachescan.providers.aws.policy.decide import Caller, covers_action, names
from cachescan.providers.aws.policy.grants import facts_of, undecided
from cachescan.providers.aws.policy.template import judged
from cachescan.providers.aws.policy.witness import witness
from cachescan.providers.aws.schemas import Policy, PolicyStatement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cachescan.providers.aws.policy.judge import Opening
    from cachescan.providers.aws.policy.reach import Reach
    from cachescan.providers.aws.record import BucketRecord

Grantee = dict[str, list[str]]
"""Whom the ACL names, as a policy's Principal element would."""

EVERYBODY: Grantee = {"AWS": ["*"]}

_FACET = "policy"
_ACTIONS = {
    Capability.READ: ("s3:GetObject", "s3:GetObjectVersion"),
    Capability.LIST: ("s3:ListBucket", "s3:ListBucketVersions"),
    Capability.WRITE: ("s3:PutObject",),
    Capability.TAKEOVER: ("s3:PutBucketAcl",),
}
"""What an ACL's permission lets through; READ is that of an object's ACL."""

_ON_OBJECTS = (Capability.READ, Capability.WRITE)


class Passage(Struct, frozen=True):
    """What is left for one actor.

    Attributes:
        actor: who.
        principal: the named outsider; empty for the others.
        blockers: what the policy does to the grant.
        witness: a request that gets through; None if any does, or none.
    """

    actor: Actor
    principal: str
    blockers: tuple[Blocker, ...]
    witness: Witness | None = None


def passages(
    record: BucketRecord,
    capability: Capability,
    grantee: Grantee,
    actors: Mapping[Actor, str],
) -> Iterator[Passage]:
    """Yield what a grant of an ACL still gives.

    Args:
        record: the bucket.
        capability: what the ACL grants.
        grantee: to whom.
        actors: who that is, each with the name of the outsider if it is a named one. Outsiders
            that a Deny spares are told beside them: they belong to everybody, too.
    """
    policy = record.policy
    if isinstance(policy, Gap):  # it may hold a Deny, so nothing that an ACL grants is certain
        said = f"{policy.call}: {policy.reason}"
        blocker = Blocker(None, Evidence(_FACET, "", Effect.UNREAD, said), gap=policy)
        yield from (Passage(actor, name, (blocker,)) for actor, name in actors.items())
        return
    left = _Left(record, policy, capability, grantee)
    for actor, name in actors.items():
        yield left.passage(actor, name, left.of(actor, name))
    if Actor.OUTSIDER not in actors:
        for opening in left.of(Actor.OUTSIDER, ""):
            if opening.reach.actor == Actor.OUTSIDER:
                yield left.passage(Actor.OUTSIDER, opening.reach.label, [opening])


class _Left:
    """The judgement of the Deny statements beside the Allow that stands for the ACL."""

    def __init__(
        self, record: BucketRecord, policy: Policy, capability: Capability, grantee: Grantee
    ) -> None:
        self._record = record
        self._capability = capability
        self._index = len(policy.Statement)
        document = _document(policy, record.ref.uid, capability, grantee)
        self._judgement, self._facts = judged(document, facts_of(record))

    def of(self, actor: Actor, name: str) -> list[Opening]:
        """Return what is open to an actor; an outsider without a name may be anybody."""
        return [
            opening
            for opening in self._judgement.openings
            if opening.capability == self._capability and opening.reach.statement == self._index
            if (actor == Actor.OUTSIDER and not name)
            or (opening.reach.actor == actor and opening.reach.label in ("", name))
        ]

    def passage(self, actor: Actor, name: str, openings: Sequence[Opening]) -> Passage:
        """Return what the best of some openings leaves for an actor."""
        about = self._about(actor, name)
        reason = self._judgement.unjudged.get(self._capability)
        if reason is not None:
            return Passage(actor, name, (_open(about, Grade.NO, reason),))
        if not openings:
            return Passage(actor, name, (_closed(about, Grade.NO, ""),))
        best = max(openings, key=lambda o: o.reach.rank[::-1])
        request = witness(self._record, best, self._judgement, self._facts) if about else None
        return Passage(actor, name, tuple(_blockers(about, best.reach)), request)

    def _about(self, actor: Actor, name: str) -> list[int]:
        """Return the statements that may deny such a request of the actor."""
        kind = "anonymous" if actor == Actor.ANONYMOUS else "canonical" if name else "iam"
        caller = Caller(kind, principal=name)
        return [
            statement.index
            for statement in self._judgement.statements
            if not statement.allow and names(ir.widest(statement), caller)
            if any(covers_action(statement, action) for action in _ACTIONS[self._capability])
        ]


def _document(policy: Policy, arn: str, capability: Capability, grantee: Grantee) -> Policy:
    """Return the policy with the ACL's Allow behind it, and nothing where its own stood.

    A blank in the place of each Allow keeps the numbers of the others.
    """
    blank = PolicyStatement(Effect="Deny")
    allow = PolicyStatement(
        Effect="Allow",
        Principal=grantee,
        Action=list(_ACTIONS[capability]),
        Resource=[f"{arn}/*" if capability in _ON_OBJECTS else arn],
    )
    kept = [blank if s.Effect == "Allow" else s for s in policy.Statement]
    return msgspec.structs.replace(policy, Id="", Statement=[*kept, allow])


def _blockers(about: Sequence[int], reach: Reach) -> Iterator[Blocker]:
    """Yield what cuts a grant to the interval that was found, or the word that nothing does."""
    if reach.low == Grade.YES:
        said = f"the Deny in {_statements(about)} does not stop it"
        said = said if about else "no statement of the policy denies it"
        yield Blocker(state=False, evidence=_evidence(about, Effect.STATES, said))
        return
    if reach.high != Grade.YES:
        yield _closed(about, reach.high, reach.network)
    if reach.low != reach.high:
        yield from (_open(about, reach.low, reason) for reason in reach.reasons)


def _closed(about: Sequence[int], leaves: Grade, network: str) -> Blocker:
    if leaves == Grade.NO:
        evidence = _evidence(about, Effect.BLOCKS, f"denied by {_statements(about)}")
    else:
        said = f"the Deny in {_statements(about)} leaves only {network}"
        evidence = _evidence(about, Effect.LIMITS, said)
    return Blocker(state=True, evidence=evidence, leaves=leaves)


def _open(about: Sequence[int], leaves: Grade, reason: str) -> Blocker:
    evidence = _evidence(about, Effect.UNREAD, f"perhaps denied by {_statements(about)}")
    return Blocker(None, evidence, leaves, undecided(reason))


def _evidence(about: Sequence[int], effect: Effect, said: str) -> Evidence:
    pointer = f"/Statement/{about[0]}" if about else ""
    return Evidence(_FACET, pointer, effect, said)


def _statements(about: Sequence[int]) -> str:
    """Return the statements in words."""
    if not about:
        return "the policy"
    return f"policy statement{'s' * (len(about) > 1)} {', '.join(map(str, about))}"
