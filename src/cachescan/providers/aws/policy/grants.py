"""What the statements of a bucket policy grant to outsiders.

Exact for Allow statements without conditions; with conditions, with Deny statements that could
apply, or with elements that are not judged yet, the interval from no to yes and the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from cachescan.model import Actor, Capability, Effect, Evidence, Gap, GapReason, Grade, Grant
from cachescan.providers.aws import blocks
from cachescan.providers.aws.policy.match import (
    BUCKET_ACTIONS,
    OBJECT_ACTIONS,
    action_matches,
    resource_matches,
    rest_after,
)
from cachescan.providers.aws.policy.principals import EVERYBODY, Party, parties
from cachescan.providers.aws.record import PLACEHOLDER_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachescan.model import Blocker, Witness
    from cachescan.providers.aws.record import BucketRecord
    from cachescan.providers.aws.schemas import Policy, PolicyStatement


class _Allowed(Struct, frozen=True):
    """What one Allow statement gives of one capability.

    Attributes:
        actions: the actions that matched.
        surely: whether something of it is left whatever the Deny statements say.
    """

    actions: tuple[str, ...]
    surely: bool


def grants(record: BucketRecord) -> Iterator[Grant]:
    """Yield what the bucket policy grants to outsiders."""
    policy = record.policy
    if isinstance(policy, Gap):
        yield from _unread(record, policy)
        return
    public = is_public(record, policy)
    denies = [s for s in policy.Statement if s.Effect != "Allow" and could_deny(s, record)]
    for index, statement in enumerate(policy.Statement):
        if statement.Effect != "Deny":
            yield from _statement(record, index, statement, denies, public=public)


def is_public(record: BucketRecord, policy: Policy) -> bool | None:
    """Tell whether the policy is public by AWS's definition; None if that is not known.

    AWS's own word, where it was read, is what RestrictPublicBuckets goes by. Without it, an
    unconditioned statement for everybody is public, and one with conditions is left open
    (semantics.md §1.4).
    """
    if not isinstance(record.policy_status, Gap):
        return record.policy_status.IsPublic
    answers = [_statement_public(s, record) for s in policy.Statement if s.Effect != "Deny"]
    if True in answers:
        return True
    return None if None in answers else False


def _statement_public(statement: PolicyStatement, record: BucketRecord) -> bool | None:
    found = list(_parties(statement, record))
    if not any(Actor.ANONYMOUS in party.actors for party in found):
        return False
    unclear = any(party.unclear for party in found)
    plain = statement.Effect == "Allow" and not statement.Condition and not statement.Other
    return True if plain and not unclear else None


def _statement(
    record: BucketRecord,
    index: int,
    statement: PolicyStatement,
    denies: list[PolicyStatement],
    *,
    public: bool | None,
) -> Iterator[Grant]:
    for party in _parties(statement, record):
        for capability in Capability:
            allowed = _allowed(statement, capability, record, denies)
            if allowed.actions:
                gaps = tuple(_open(index, statement, party, surely=allowed.surely))
                for actor, principal in _who(party, statement):
                    yield Grant(
                        actor=actor,
                        capability=capability,
                        via="bucket-policy",
                        low=Grade.NO if gaps else Grade.YES,
                        high=Grade.YES,
                        evidence=(_says(index, statement, party, allowed),),
                        principal=principal,
                        witness=_witness(record, statement, capability, actor),
                        blockers=_blockers(record, actor, public=public),
                        gaps=gaps,
                    )


def _parties(statement: PolicyStatement, record: BucketRecord) -> Iterator[Party]:
    owner = None if isinstance(record.acl, Gap) else record.acl.Owner.ID or None
    yield from parties(statement.Principal, record.ref.scope, owner)
    if statement.NotPrincipal:  # everybody but the listed, anonymous included
        yield Party(EVERYBODY)


def _who(party: Party, statement: PolicyStatement) -> Iterator[tuple[Actor, str]]:
    for actor in party.actors:
        yield actor, party.principal
    if party.actors == EVERYBODY and statement.Condition:
        # A condition may narrow everybody to named outsiders.
        yield Actor.OUTSIDER, ""


def _allowed(
    statement: PolicyStatement,
    capability: Capability,
    record: BucketRecord,
    denies: list[PolicyStatement],
) -> _Allowed:
    arn = record.ref.uid
    on_objects = OBJECT_ACTIONS.get(capability, ()) if _reaches_objects(statement, arn) else ()
    on_bucket = BUCKET_ACTIONS.get(capability, ()) if _reaches_bucket(statement, arn) else ()
    actions = tuple(a for a in (*on_objects, *on_bucket) if covers_action(statement, a))
    left = [a for a in actions if not any(covers_action(deny, a) for deny in denies)]
    return _Allowed(actions, surely=bool(left))


def covers_action(statement: PolicyStatement, action: str) -> bool:
    """Tell whether a statement speaks of an action."""
    if statement.NotAction:
        return not any(action_matches(pattern, action) for pattern in statement.NotAction)
    return any(action_matches(pattern, action) for pattern in statement.Action)


def _reaches_objects(statement: PolicyStatement, arn: str) -> bool:
    if statement.NotResource:
        return True  # possible; `_open` says that it is not decided
    return any(rest for pattern in statement.Resource for rest in rest_after(pattern, f"{arn}/"))


def _reaches_bucket(statement: PolicyStatement, arn: str) -> bool:
    if statement.NotResource:
        return True
    return any(resource_matches(pattern, arn) for pattern in statement.Resource)


def could_deny(statement: PolicyStatement, record: BucketRecord) -> bool:
    """Tell whether a statement that is not an Allow could stop an outsider.

    One that names only insiders cannot, nor one that asks for plain HTTP or an old TLS where the
    caller can do better: what the caller chooses restricts nobody (semantics.md §0).
    """
    if statement.Principal and not statement.NotPrincipal and not statement.Other:
        outsiders = list(parties(statement.Principal, record.ref.scope, None))
        if not outsiders:
            return False
    insecure = statement.Condition.get("Bool", {}).get("aws:securetransport") == ["false"]
    old_tls = "s3:tlsversion" in statement.Condition.get("NumericLessThan", {})
    return not (old_tls or (insecure and not record.endpoint.startswith("http://")))


def _open(index: int, statement: PolicyStatement, party: Party, *, surely: bool) -> Iterator[Gap]:
    """Yield why a statement's grant is not certain; nothing if it is."""
    if statement.Condition:
        keys = sorted(key for row in statement.Condition.values() for key in row)
        yield _undecided(f"statement {index} has conditions on {', '.join(keys)}")
    if statement.Effect != "Allow":
        yield _undecided(f"statement {index} has the effect {statement.Effect!r}")
    if statement.NotResource:
        yield _undecided(f"statement {index} uses NotResource")
    if statement.Other:
        yield _undecided(f"statement {index} has {', '.join(statement.Other)}")
    if "${" in "".join(statement.Resource):
        yield _undecided(f"statement {index} has a policy variable in its resource")
    if party.unclear:
        yield _undecided(f"statement {index}: {party.unclear}")
    if not surely:
        yield _undecided(f"a Deny statement may stop what statement {index} allows")


def _undecided(detail: str) -> Gap:
    return Gap(
        facet="policy",
        reason=GapReason.UNSUPPORTED,
        call="s3:GetBucketPolicy",
        detail=f"{detail}: not judged yet",
    )


def _says(index: int, statement: PolicyStatement, party: Party, allowed: _Allowed) -> Evidence:
    who = party.principal or ("everybody but some" if statement.NotPrincipal else "everybody")
    sid = f" ({statement.Sid})" if statement.Sid else ""
    what = ", ".join(allowed.actions[:2]) + (", ..." if len(allowed.actions) > 2 else "")  # noqa: PLR2004
    summary = f"policy statement {index}{sid} allows {who} {what}"
    return Evidence("policy", f"/Statement/{index}", Effect.GRANTS, summary)


def _blockers(record: BucketRecord, actor: Actor, *, public: bool | None) -> tuple[Blocker, ...]:
    named = actor == Actor.OUTSIDER
    found = [blocks.restrict_public_buckets(record, public=public, named=named)]
    if actor == Actor.ANONYMOUS:
        found.append(blocks.requester_pays(record))
    return tuple(found)


def _witness(
    record: BucketRecord, statement: PolicyStatement, capability: Capability, actor: Actor
) -> Witness:
    signed = actor != Actor.ANONYMOUS
    if capability == Capability.LIST:
        return record.witness("GET", query="list-type=2&max-keys=10", signed=signed)
    if capability == Capability.READ:
        return record.witness("GET", key=_key(record, statement), signed=signed)
    if capability == Capability.WRITE:
        return record.witness("PUT", key="cachescan-witness", signed=signed)
    return record.witness("PUT", query="policy", signed=signed)


def _key(record: BucketRecord, statement: PolicyStatement) -> str:
    """Return a key that the statement covers: one that exists if any is known."""
    arn = record.ref.uid
    known = record.key_for(
        lambda key: any(resource_matches(p, f"{arn}/{key}") for p in statement.Resource)
    )
    if known:
        return known
    rests = sorted(r for p in statement.Resource for r in rest_after(p, f"{arn}/"))
    literal = rests[-1].split("*")[0].replace("?", "x") if rests else ""
    return literal if rests and "*" not in rests[-1] else literal + PLACEHOLDER_KEY


def _unread(record: BucketRecord, gap: Gap) -> Iterator[Grant]:
    """Yield the open grants of a policy that was not read, narrowed by what was."""
    status = record.policy_status
    public = None if isinstance(status, Gap) else status.IsPublic
    evidence = Evidence("policy", "", Effect.UNREAD, f"{gap.call or 'policy'}: {gap.reason}")
    for actor in Actor:
        narrowed = public is False and actor != Actor.OUTSIDER
        for capability in Capability:
            yield Grant(
                actor=actor,
                capability=capability,
                via="bucket-policy",
                low=Grade.NO,
                high=Grade.RESTRICTED if narrowed else Grade.YES,
                evidence=(evidence,),
                blockers=_blockers(record, actor, public=public),
                gaps=(gap,),
            )
