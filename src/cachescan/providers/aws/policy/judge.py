"""Judges a bucket policy: per capability, who gets how much through which statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cachescan.model import Actor, Capability
from cachescan.providers.aws.policy import ir
from cachescan.providers.aws.policy.match import BUCKET_ACTIONS, OBJECT_ACTIONS
from cachescan.providers.aws.policy.patterns import Budget, TooComplexError
from cachescan.providers.aws.policy.reach import Reach, best
from cachescan.providers.aws.policy.search import Searcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachescan.providers.aws.policy.facts import Facts
    from cachescan.providers.aws.schemas import Policy

WORK = 500_000
"""How much work one policy is given: about half a second."""


class Opening(Struct, frozen=True):
    """What an actor gets of a capability through one statement, by any of its actions."""

    capability: Capability
    reach: Reach
    actions: tuple[str, ...]


class Judgement(Struct, frozen=True):
    """The statements in the form they were judged in, and what they open.

    ``unjudged`` holds the capabilities that the work did not suffice for, each with the reason.
    """

    statements: tuple[ir.Statement, ...]
    openings: tuple[Opening, ...]
    unjudged: dict[Capability, str]


def judge(policy: Policy, facts: Facts, work: int = WORK) -> Judgement:
    """Return what a policy opens to outsiders; never raises for any policy."""
    statements = ir.lower(policy)
    searcher = Searcher(statements, facts, Budget(work))
    openings: list[Opening] = []
    unjudged: dict[Capability, str] = {}
    for capability in Capability:
        try:
            openings += _openings(searcher, capability)
        except TooComplexError as error:
            unjudged[capability] = str(error)
    return Judgement(statements, tuple(openings), unjudged)


def _openings(searcher: Searcher, capability: Capability) -> Iterator[Opening]:
    found: list[Reach] = []
    for action in OBJECT_ACTIONS.get(capability, ()):
        found += searcher.action(action, objects=True)
    for action in BUCKET_ACTIONS.get(capability, ()):
        found += searcher.action(action, objects=False)
    actions: dict[tuple[int, Actor, str], list[str]] = {}
    for reach in found:
        actions.setdefault(reach.who, []).append(reach.action)
    for reach in best(found):
        named = dict.fromkeys((reach.action, *actions[reach.who]))
        yield Opening(capability, _tidy(reach), tuple(named))


def _tidy(reach: Reach) -> Reach:
    """Name each reason once, and none where nothing is open."""
    reasons = () if reach.low == reach.high else tuple(dict.fromkeys(reach.reasons))
    return msgspec.structs.replace(reach, reasons=reasons)
