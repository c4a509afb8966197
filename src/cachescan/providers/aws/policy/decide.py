"""What a policy says of one concrete request: docs/semantics.md §1.2 and §1.3 in code.

The search of the engine reports nothing that this function has not confirmed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from cachescan.providers.aws.policy import operators
from cachescan.providers.aws.policy.operators import Wanted
from cachescan.providers.aws.policy.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cachescan.providers.aws.policy.ir import Condition, Principal, Statement, Term

Values = dict[str, tuple[str, ...]]
"""Condition key to the values that a request has for it; a key that is not there is absent."""

ALLOW, DENY, NONE = "allow", "deny", "none"

_OF_ACCOUNTS = ("iam", "canonical")
"""A canonical user is an account by another name."""


class Caller(Struct, frozen=True):
    """Who sends a request.

    Attributes:
        kind: anonymous, iam, canonical, federated, oai or service.
        account: the account id; empty where there is none.
        names: every ARN by which a Principal element can name the caller.
        principal: the canonical id, identity provider, or service.
        keys: the condition keys that go with the identity.
    """

    kind: str
    account: str = ""
    names: tuple[str, ...] = ()
    principal: str = ""
    keys: Values = {}


class Request(Struct, frozen=True):
    """One request: who, which action, on what, with which further condition keys."""

    caller: Caller
    action: str
    resource: str
    context: Values

    @property
    def values(self) -> Values:
        """All condition keys of the request."""
        return {**self.context, **self.caller.keys}


def decide(policy: Iterable[Statement], request: Request) -> str:
    """Return ``allow``, ``deny`` or ``none``: a Deny that applies wins over every Allow.

    Parts of a statement that are not understood are left out of it; see ``Statement.unclear``.
    """
    answer = NONE
    for statement in policy:
        if applies(statement, request):
            if not statement.allow:
                return DENY
            answer = ALLOW
    return answer


def applies(statement: Statement, request: Request) -> bool:
    """Tell whether every element of a statement covers the request."""
    values = request.values
    return (
        covers_action(statement, request.action)
        and names(statement, request.caller)
        and covers_resource(statement, request.resource, values)
        and all(meets(condition, values) for condition in statement.conditions)
    )


def covers_action(statement: Statement, action: str) -> bool:
    """Tell whether Action or NotAction covers an action; their case does not matter."""
    found = any(matches(pattern, action.lower()) for pattern in statement.actions)
    return found != statement.but_actions


def covers_resource(statement: Statement, arn: str, values: Mapping[str, tuple[str, ...]]) -> bool:
    """Tell whether Resource or NotResource covers an ARN, its policy variables put in."""
    found = any(
        matches(bound.pattern(), arn)
        for bound in (_bound(resource, values) for resource in statement.resources)
        if bound is not None
    )
    return found != statement.but_resources


def meets(condition: Condition, values: Mapping[str, tuple[str, ...]]) -> bool:
    """Tell whether one condition holds."""
    found = values.get(condition.key)
    if not condition.variables:
        return operators.holds(condition.operator, found, condition.wanted)
    bound = (_bound(value, values) for value in condition.values)
    wanted = [Wanted(term.text(), term.pattern()) for term in bound if term is not None]
    return operators.holds(condition.operator, found, wanted)


def names(statement: Statement, caller: Caller) -> bool:
    """Tell whether Principal or NotPrincipal covers a caller."""
    listed = any(is_named(principal, caller) for principal in statement.principals)
    if not statement.but_principals:
        return listed
    if statement.allow or not listed:
        return not listed
    return not _escapes(statement.principals, caller)


def _escapes(principals: Iterable[Principal], caller: Caller) -> bool:
    """Tell whether a Deny with NotPrincipal spares a caller that it lists in some way.

    A user or role is spared only if it and its account are both listed, a session only if its
    role is, too. Source: IAM user guide, "NotPrincipal".
    """
    own = caller.kind, caller.principal
    if any(p.kind == "everybody" or (p.kind, p.value) == own for p in principals):
        return True
    if caller.kind not in _OF_ACCOUNTS:
        return True
    account = any(p.kind == "account" and p.value == caller.account for p in principals)
    spared = {p.value for p in principals if p.kind == "identity"}
    root = all(name.endswith(":root") for name in caller.names)
    return account and (root or spared.issuperset(caller.names))


def is_named(principal: Principal, caller: Caller) -> bool:
    """Tell whether one entry of a principal element is about a caller."""
    if principal.kind == "everybody":
        return True
    if principal.kind == "account":
        return caller.kind in _OF_ACCOUNTS and caller.account == principal.value
    if principal.kind in ("identity", "oai"):
        return principal.value in caller.names
    return caller.kind == principal.kind and caller.principal == principal.value


def _bound(term: Term, values: Mapping[str, tuple[str, ...]]) -> Term | None:
    if not term.variables:
        return term
    found = {name: values.get(name) for name in term.variables}
    return term.bind({name: value[0] if value else None for name, value in found.items()})
