"""Judge a policy once for all buckets that have it: estates are made from templates.

A policy that speaks of its own bucket only by the ARN it sits on means the same for every bucket.
It is judged under a stand-in's name, and the judgement is kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from cachescan.providers.aws.policy.judge import Judgement, judge
from cachescan.providers.aws.schemas import Policy

if TYPE_CHECKING:
    from cachescan.providers.aws.policy.facts import Facts

STAND_IN = "stand-in-for-the-bucket"
_KEPT = 2048


def judged(policy: Policy, facts: Facts) -> tuple[Judgement, Facts]:
    """Return the judgement, and the facts under whose names it speaks."""
    raw = msgspec.json.encode(policy)
    if b"time" not in raw.lower():  # no key of the clock: the instant cannot matter
        facts = msgspec.structs.replace(facts, now="")
    head, _, name = facts.arn.rpartition(":")
    if name and _only_as_own_arn(policy, raw, facts.arn, name):
        raw = raw.replace(name.encode(), STAND_IN.encode())
        facts = msgspec.structs.replace(facts, arn=f"{head}:{STAND_IN}")
    return _kept(raw, facts), facts


@lru_cache(maxsize=_KEPT)
def _kept(raw: bytes, facts: Facts) -> Judgement:
    return judge(msgspec.json.decode(raw, type=Policy), facts)


def _only_as_own_arn(policy: Policy, raw: bytes, arn: str, name: str) -> bool:
    """Tell whether the bucket's name stands nowhere but in its ARN, and no wildcard covers it."""
    patterns = [p for s in policy.Statement for p in (*s.Resource, *s.NotResource) if p != "*"]
    own = all(p.startswith(arn) and p[len(arn) : len(arn) + 1] in ("", "/", "*") for p in patterns)
    return own and raw.count(name.encode()) == len(patterns)
