"""Bucket policies and their judgement, for the tests of the policy engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cachescan.model import Actor, Capability, Grade
from cachescan.providers.aws.policy import ir
from cachescan.providers.aws.policy.document import parse
from cachescan.providers.aws.policy.facts import Facts
from cachescan.providers.aws.policy.judge import Judgement, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachescan.providers.aws.schemas import Policy

ACCOUNT, FOREIGN, OTHER = "123456789012", "111122223333", "444455556666"
BUCKET = "arn:aws:s3:::example-bucket"
NOW = "2026-06-01T12:00:00Z"
FACTS = Facts(BUCKET, ACCOUNT, "eu-west-1", NOW)
RANK = {Grade.NO: 0, Grade.RESTRICTED: 1, Grade.YES: 2}

Statement = dict[str, Any]
Summary = dict[tuple[Capability, Actor], tuple[Grade, Grade]]


def allow(**changes: object) -> Statement:
    """Return an Allow of reading for everybody, changed as said; None takes an element away."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"{BUCKET}/*",
        **changes,
    }
    return {name: value for name, value in statement.items() if value is not None}


def deny(**changes: object) -> Statement:
    """Return the Deny that takes away all that ``allow`` gives, changed as said."""
    return allow(Effect="Deny", **changes)


def when(operator: str, key: str, *values: object) -> Statement:
    """Return an Allow with one condition."""
    return allow(Condition={operator: {key: list(values)}})


def policy(*statements: Statement, version: str = "2012-10-17") -> Policy:
    """Return a parsed policy."""
    return parse(json.dumps({"Version": version, "Statement": list(statements)}))


def lowered(*statements: Statement, version: str = "2012-10-17") -> tuple[ir.Statement, ...]:
    """Return statements in the engine's form."""
    return ir.lower(policy(*statements, version=version))


def judged(*statements: Statement, facts: Facts = FACTS, version: str = "2012-10-17") -> Judgement:
    """Return what the engine says."""
    return judge(policy(*statements, version=version), facts)


def summary(judgement: Judgement) -> Summary:
    """Return the interval of every capability and actor that is not a firm no."""
    found: Summary = {}
    for opening in judgement.openings:
        key = (opening.capability, opening.reach.actor)
        low, high = found.get(key, (Grade.NO, Grade.NO))
        reach = opening.reach
        found[key] = (
            max(low, reach.low, key=RANK.__getitem__),
            max(high, reach.high, key=RANK.__getitem__),
        )
    for capability in judgement.unjudged:
        found |= {(capability, actor): (Grade.NO, Grade.YES) for actor in Actor}
    return found


def reading(*statements: Statement, facts: Facts = FACTS, version: str = "2012-10-17") -> str:
    """Return who reads, in short: ``anonymous=yes any_account=yes``; intervals as ``no..yes``."""
    found = summary(judged(*statements, facts=facts, version=version))
    unsigned = found.get((Capability.READ, Actor.ANONYMOUS), (Grade.NO, Grade.NO))
    if unsigned[1] != Grade.NO:  # whoever has an account may also leave requests unsigned
        signed = found.get((Capability.READ, Actor.ANY_ACCOUNT), (Grade.NO, Grade.NO))
        best = tuple(max(pair, key=RANK.__getitem__) for pair in zip(unsigned, signed, strict=True))
        found[Capability.READ, Actor.ANY_ACCOUNT] = (best[0], best[1])
    words = []
    for actor in Actor:
        low, high = found.get((Capability.READ, actor), (Grade.NO, Grade.NO))
        if high != Grade.NO:
            words.append(f"{actor}={low if low == high else f'{low}..{high}'}")
    return " ".join(words)


def outsiders(*statements: Statement, facts: Facts = FACTS) -> Sequence[str]:
    """Return the named outsiders that certainly read."""
    return sorted(
        {
            opening.reach.label
            for opening in judged(*statements, facts=facts).openings
            if opening.capability == Capability.READ
            if opening.reach.actor == Actor.OUTSIDER and opening.reach.low != Grade.NO
        }
    )


def gaps(*statements: Statement, facts: Facts = FACTS) -> str:
    """Return the reasons of everything that stayed open."""
    found = judged(*statements, facts=facts)
    texts = {reason for opening in found.openings for reason in opening.reach.reasons}
    return "; ".join(sorted(texts | set(found.unjudged.values())))
