"""Who outside gets what a policy allows: the search for requests that nothing denies.

Per kind of caller, route and action, each Allow is a box of requests, minus the boxes of all
Denies. What is left is graded by what it takes to send one of its requests
(docs/semantics.md §1.3).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cachescan.providers.aws.policy import (
    boxes,
    callers,
    decide,
    loosen,
    reach,
    sources,
    spaces,
)
from cachescan.providers.aws.policy.match import BUCKET_ACTIONS, OBJECT_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cachescan.providers.aws.policy.facts import Facts
    from cachescan.providers.aws.policy.ir import Statement
    from cachescan.providers.aws.policy.patterns import Budget
    from cachescan.providers.aws.policy.reach import Reach
    from cachescan.providers.aws.policy.spaces import ResourceAxis, Space

MOST_ASSIGNMENTS = 24
"""How many ways to fill in policy variables are tried; beyond, the rest stays open."""


ACTIONS = [a for table in (OBJECT_ACTIONS, BUCKET_ACTIONS) for row in table.values() for a in row]
"""Every action that gives a capability."""


class _Plan(Struct, frozen=True):
    """Which requests to search."""

    kind: str
    route: str
    action: str
    objects: bool


class Searcher:
    """Searches one policy; raises TooComplexError where the budget ends.

    Args:
        policy: its statements.
        facts: the bucket.
        budget: the work that may be done on all of it.
    """

    def __init__(self, policy: Sequence[Statement], facts: Facts, budget: Budget) -> None:
        about = [s for s in policy if any(decide.covers_action(s, a) for a in ACTIONS)]
        self.policy = list({_content(s): s for s in reversed(about)}.values())[::-1]
        self.facts = facts
        self.budget = budget
        self._callers: dict[str, spaces.CallerAxis] = {}
        self._resources: dict[object, ResourceAxis] = {}
        self._known: dict[object, list[Reach]] = {}

    def action(self, action: str, *, objects: bool) -> list[Reach]:
        """Return who reaches an action on objects, or on the bucket, through which statement."""
        policy = [s for s in self.policy if decide.covers_action(s, action)]
        if not any(s.allow or s.effect_unclear for s in policy):
            return []
        # Two actions that the same statements cover, with the same keys, come out alike.
        carried = tuple(a for a in spaces.action_keys(policy) if spaces.carried(a, action))
        key = (tuple(s.index for s in policy), objects, carried)
        if key not in self._known:
            self._known[key] = self._judge(policy, action, objects=objects)
        return [r.for_action(action) for r in self._known[key]]

    def _judge(self, policy: Sequence[Statement], action: str, *, objects: bool) -> list[Reach]:
        low, exact = self._pass(loosen.least(policy), action, objects=objects, wide=False)
        if exact and not any(s.unclear for s in policy):
            return low
        reasons = [reason for s in policy for reason in s.unclear]
        if not exact:
            names = ", ".join(sorted(loosen.variables(policy)))
            reasons.append(f"not every value of the policy variable {names} was tried")
        high, _ = self._pass(loosen.most(policy), action, objects=objects, wide=True)
        narrow = {s.index for s in policy if s.unclear_who or not exact}
        return reach.with_named(reach.between(low, high, tuple(reasons)), narrow)

    def _pass(
        self, policy: Sequence[Statement], action: str, *, objects: bool, wide: bool
    ) -> tuple[list[Reach], bool]:
        """Search one reading of the policy; also tell whether all variables were followed."""
        found: list[Reach] = []
        exact = True
        for kind in self._kinds(policy):
            for route in spaces.routes(policy, kind):
                plan = _Plan(kind, route, action, objects)
                ways, whole = self._ways(policy, plan, wide=wide)
                exact = exact and whole
                for bound, space in ways:
                    found += self._search(bound, space)
        return reach.best(found), exact

    def _kinds(self, policy: Sequence[Statement]) -> list[str]:
        found = [callers.ANONYMOUS, callers.SIGNED]
        if any(_on_behalf(s) for s in policy):
            found.append(callers.SERVICE)
        return found

    def _callers_of(self, kind: str) -> spaces.CallerAxis:
        if kind not in self._callers:
            if kind == callers.ANONYMOUS:
                candidates = [callers.anonymous()]
            elif kind == callers.SIGNED:
                candidates = callers.signed(self.policy, self.facts, self.budget)
            else:
                candidates = sources.services(self.policy, self.facts, self.budget)
            self._callers[kind] = spaces.CallerAxis(candidates)
        return self._callers[kind]

    def _resources_of(self, policy: Sequence[Statement], *, objects: bool) -> ResourceAxis:
        key = (objects, *dict.fromkeys((s.resources, s.but_resources) for s in policy))
        if key not in self._resources:
            found = spaces.resources(policy, self.facts, self.budget, objects=objects)
            self._resources[key] = found
        return self._resources[key]

    def _ways(
        self, policy: Sequence[Statement], plan: _Plan, *, wide: bool
    ) -> tuple[list[tuple[Sequence[Statement], Space]], bool]:
        """Return policy and space for ways to fill in the variables, and whether these are all."""
        whole = self._space(policy, plan)
        names = sorted(loosen.variables(policy))
        options = {name: spaces.values_of(whole, name) for name in names}
        several = [name for name in names if len(options[name]) > 1]
        if not several or wide:
            values = {name: options[name][0] for name in names if name not in several}
            bound = loosen.bind(policy, values) if names else policy
            bound = loosen.without_variables(bound) if several else bound
            return [(bound, self._space(bound, plan) if names else whole)], not several
        if any(spaces.is_unread(whole, name) for name in several):
            return [], False
        found: list[tuple[Sequence[Statement], Space]] = []
        for way in itertools.islice(itertools.product(*options.values()), MOST_ASSIGNMENTS):
            values = dict(zip(names, way, strict=True))
            bound = loosen.bind(policy, values)
            found.append((bound, spaces.fixed(self._space(bound, plan), values)))
        return found, False

    def _space(self, policy: Sequence[Statement], plan: _Plan) -> Space:
        facts, budget = self.facts, self.budget
        single = [spaces.transport(policy, facts), spaces.clock(policy, facts, budget)]
        axes = [
            *spaces.route_axes(policy, plan.route, facts, budget),
            *(axis for axis in single if axis is not None),
            *spaces.free(policy, plan.kind, plan.action, facts, budget),
        ]
        return spaces.Space(
            kind=plan.kind,
            route=plan.route,
            action=plan.action,
            callers=self._callers_of(plan.kind),
            resources=self._resources_of(policy, objects=plan.objects),
            axes=tuple(axes),
            constants=spaces.constants(facts),
        )

    def _search(self, policy: Sequence[Statement], space: Space) -> Iterator[Reach]:
        covered = [(s, space.box(s, self.budget)) for s in policy]
        denied = [box for s, box in covered if not s.allow and box is not None]
        for statement, box in covered:
            if statement.allow and box is not None:
                if space.kind == callers.SERVICE and not _on_behalf(statement):
                    continue
                left = boxes.subtract(box, denied, self.budget)
                for found in reach.reaches(space, statement, left, self.budget):
                    self.budget.spend(2 * len(policy), "statements")
                    yield _confirmed(found, policy)


def _content(statement: Statement) -> Statement:
    """Return a statement without its place: the first of equal ones speaks for all."""
    return msgspec.structs.replace(statement, index=0, sid="", unclear=())


def _on_behalf(statement: Statement) -> bool:
    """Tell whether an Allow asks on whose behalf a service comes."""
    return statement.allow and any(c.key in sources.SOURCE_KEYS for c in statement.conditions)


def _confirmed(found: Reach, policy: Sequence[Statement]) -> Reach:
    """Return a reach; one that the evaluator does not bear out is left open, and says so."""
    if decide.decide(policy, found.request) == decide.ALLOW:
        return found
    return found.opened("the evaluator does not confirm the request that was found")
