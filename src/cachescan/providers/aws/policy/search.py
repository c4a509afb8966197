"""Who outside gets what a policy allows: the search for requests that nothing denies.

Per kind of caller, route and action, each Allow is a box of requests, minus the boxes of all
Denies. What is left is graded by what it takes to send one of its requests (semantics.md §6).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from cachescan.providers.aws.policy import (
    boxes,
    callers,
    decide,
    loosen,
    reach,
    sources,
    spaces,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cachescan.providers.aws.policy.facts import Facts
    from cachescan.providers.aws.policy.ir import Statement
    from cachescan.providers.aws.policy.patterns import Budget
    from cachescan.providers.aws.policy.reach import Reach
    from cachescan.providers.aws.policy.spaces import Space

MOST_ASSIGNMENTS = 24
"""How many ways to fill in policy variables are tried; beyond, the rest stays open."""


class Searcher:
    """Searches one policy; raises TooComplexError where the budget ends.

    Args:
        policy: its statements.
        facts: the bucket.
        budget: the work that may be done on all of it.
    """

    def __init__(self, policy: Sequence[Statement], facts: Facts, budget: Budget) -> None:
        self.policy = policy
        self.facts = facts
        self.budget = budget
        self._callers: dict[str, spaces.CallerAxis] = {}
        self._known: dict[object, list[Reach]] = {}

    def action(self, action: str, *, objects: bool) -> list[Reach]:
        """Return who reaches an action on objects, or on the bucket, through which statement."""
        policy = [s for s in self.policy if _may_cover(s, action)]
        if not any(s.allow or s.effect_unclear for s in policy):
            return []
        # Two actions that the same statements cover, with the same keys, come out alike.
        carried = tuple(a for a in spaces.action_keys(policy) if spaces.carried(a, action))
        key = (tuple(s.index for s in policy), objects, carried)
        if key not in self._known:
            self._known[key] = self._judge(policy, action, objects=objects)
        return [r.for_action(action) for r in self._known[key]]

    def _judge(self, policy: Sequence[Statement], action: str, *, objects: bool) -> list[Reach]:
        low = loosen.least(policy)
        found, exact = self._pass(low, action, objects=objects)
        if exact and not any(s.unclear for s in policy):
            return found
        reasons = [reason for s in policy for reason in s.unclear]
        if not exact:
            names = ", ".join(sorted(loosen.variables(policy)))
            reasons.append(f"not every value of the policy variable {names} was tried")
        high, _ = self._pass(loosen.most(policy), action, objects=objects)
        return reach.between(found, high, tuple(reasons))

    def _pass(
        self, policy: Sequence[Statement], action: str, *, objects: bool
    ) -> tuple[list[Reach], bool]:
        """Search one reading of the policy; also tell whether all variables were followed."""
        found: list[Reach] = []
        exact = True
        for kind in self._kinds(policy):
            for route in spaces.routes(policy, kind):
                for bound, space, whole in self._spaces(policy, kind, route, action, objects):
                    exact = exact and whole
                    found += self._search(bound, space) if space else ()
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

    def _spaces(
        self, policy: Sequence[Statement], kind: str, route: str, action: str, objects: bool
    ) -> Iterator[tuple[Sequence[Statement], Space | None, bool]]:
        """Yield policy and space for every way to fill in the variables, and if these are all."""
        whole = self._space(policy, kind, route, action, objects)
        names = sorted(loosen.variables(policy))
        if not names:
            yield policy, whole, True
            return
        options = [spaces.values_of(whole, name) for name in names]
        several = [n for n, values in zip(names, options, strict=True) if len(values) > 1]
        if any(spaces.is_unread(whole, name) for name in several):
            yield policy, None, False
            return
        ways = list(itertools.islice(itertools.product(*options), MOST_ASSIGNMENTS))
        for way in ways:
            values = dict(zip(names, way, strict=True))
            bound = loosen.bind(policy, values)
            space = self._space(bound, kind, route, action, objects)
            yield bound, spaces.fixed(space, values), not several

    def _space(
        self, policy: Sequence[Statement], kind: str, route: str, action: str, objects: bool
    ) -> Space:
        facts, budget = self.facts, self.budget
        single = [spaces.transport(policy, facts), spaces.clock(policy, facts, budget)]
        axes = [
            *spaces.route_axes(policy, route, facts, budget),
            *(axis for axis in single if axis is not None),
            *spaces.free(policy, kind, action, facts, budget),
        ]
        return spaces.Space(
            kind=kind,
            route=route,
            action=action,
            callers=self._callers_of(kind),
            resources=spaces.resources(policy, facts, budget, objects=objects),
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
                    yield _confirmed(found, policy)


def _on_behalf(statement: Statement) -> bool:
    """Tell whether an Allow asks on whose behalf a service comes."""
    return statement.allow and any(c.key in sources.SOURCE_KEYS for c in statement.conditions)


def _may_cover(statement: Statement, action: str) -> bool:
    return decide.covers_action(statement, action) or not (
        statement.actions or statement.but_actions
    )


def _confirmed(found: Reach, policy: Sequence[Statement]) -> Reach:
    """Return a reach that the evaluator bears out; one that it does not is left open, and says so."""
    if decide.decide(policy, found.request) == decide.ALLOW:
        return found
    return found.opened("the evaluator does not confirm the request that was found")
