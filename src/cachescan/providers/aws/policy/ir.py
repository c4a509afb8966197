"""The closed intermediate form of a policy: what the engine understands, and reasons for the rest.

Lowering drops nothing. An operator, principal, element or key that is not known becomes a reason
on its statement; the engine then asks what would hold if that part were true, and if it were not.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cachescan.providers.aws.policy import keys, operators
from cachescan.providers.aws.policy.patterns import Tokens, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cachescan.providers.aws.schemas import Policy, PolicyStatement

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_NAMED = re.compile(r"\s*([\w:./+=@-]+)\s*(?:,\s*'([^']*)'\s*)?")
_ACCOUNT = re.compile(r"(?:arn:aws[\w-]*:iam::)?(\d{12})(?::root)?")
_IDENTITY = re.compile(r"arn:aws[\w-]*:(?:iam|sts)::(\d{12}):[^*?]+")
_ORIGIN_ACCESS_IDENTITY = re.compile(r"arn:aws[\w-]*:iam::cloudfront:user/[^*?]+")
_DELETED = re.compile(r"A(?:IDA|ROA|GPA|NPA|IPA)[A-Z0-9]{12,}")
VARIABLES_VERSION = "2012-10-17"


class Variable(Struct, frozen=True, cache_hash=True):
    """A policy variable; with an empty key, a text to be taken literally."""

    key: str
    default: str | None = None


class Term(Struct, frozen=True, cache_hash=True, dict=True):
    """One value of a condition, or one resource: text with variables in it."""

    raw: str
    parts: tuple[str | Variable, ...]

    @cached_property
    def variables(self) -> frozenset[str]:
        """The keys that the term's meaning depends on."""
        return frozenset(p.key for p in self.parts if isinstance(p, Variable) and p.key)

    def bind(self, values: Mapping[str, str | None]) -> Term | None:
        """Return the term with the given keys' values in place; None if it equals nothing then.

        A variable whose key is absent and that has no default is null, and null equals nothing.
        Source: IAM user guide, "Policy variables with no value".
        """
        parts: list[str | Variable] = []
        for part in self.parts:
            if isinstance(part, str) or part.key not in values:
                parts.append(part)
                continue
            value = values[part.key]
            value = part.default if value is None else value
            if value is None:
                return None
            parts.append(Variable("", value))
        return Term(self.raw, tuple(parts))

    @property
    def fixed(self) -> bool:
        """Whether the term stands for one value: no wildcard and no variable."""
        return not self.variables and not {*self.text()} & {*"*?"}

    def text(self) -> str:
        """Return the term as plain text; variables must be bound."""
        return "".join(p if isinstance(p, str) else p.default or "" for p in self.parts)

    def pattern(self) -> Tokens:
        """Return the term as a wildcard pattern; variables must be bound, their values literal."""
        return self._pattern

    @cached_property
    def _pattern(self) -> Tokens:
        if len(self.parts) == 1 and isinstance(self.parts[0], str):
            return tokens(self.parts[0])
        found: list[str] = []
        for part in self.parts:
            found += tokens(part) if isinstance(part, str) else tuple(part.default or "")
        return tuple(found)


class Condition(Struct, frozen=True, cache_hash=True, dict=True):
    """One operator on one key; ``pointer`` is its place in the statement."""

    operator: operators.Operator
    key: str
    values: tuple[Term, ...]
    pointer: str

    @cached_property
    def variables(self) -> frozenset[str]:
        """The keys that the values depend on."""
        return frozenset(name for value in self.values for name in value.variables)

    @cached_property
    def wanted(self) -> tuple[operators.Wanted, ...]:
        """The values to compare with; variables must be bound."""
        return tuple(operators.Wanted(v.text(), v.pattern()) for v in self.values)


class Principal(Struct, frozen=True, cache_hash=True):
    """Whom one entry of a principal element names.

    ``kind`` is one of everybody, account, identity, canonical, service, federated, oai, deleted.
    """

    kind: str
    value: str
    text: str


class Statement(Struct, frozen=True):
    """One statement.

    Attributes:
        index: its place in the document.
        sid: its name, untrusted text.
        allow: Allow or Deny.
        principals: those named; ``but_principals`` makes it everybody else.
        actions: patterns, lower case; ``but_actions`` makes it all others.
        resources: terms; ``but_resources`` makes it all others.
        conditions: all of them must hold.
        unclear: parts that are not understood and thus left out, each with its reason.
        unclear_principal: whether one of these parts is a principal.
        unclear_other: whether one is not.
        unclear_who: whether one could narrow everybody to a named outsider.
        effect_unclear: whether it may be an Allow or a Deny.
    """

    index: int
    sid: str
    allow: bool
    principals: tuple[Principal, ...]
    but_principals: bool
    actions: tuple[Tokens, ...]
    but_actions: bool
    resources: tuple[Term, ...]
    but_resources: bool
    conditions: tuple[Condition, ...]
    unclear: tuple[str, ...] = ()
    unclear_principal: bool = False
    unclear_other: bool = False
    unclear_who: bool = False
    effect_unclear: bool = False


EVERYBODY = Principal("everybody", "*", "*")


def widest(statement: Statement) -> Statement:
    """Return a statement that covers all that this one may cover, whatever is unclear in it."""
    if not statement.unclear:
        return statement
    principals = (EVERYBODY,) if statement.unclear_principal else statement.principals
    return msgspec.structs.replace(
        statement,
        principals=principals,
        but_principals=statement.but_principals and not statement.unclear_principal,
    )


def narrowest(statement: Statement) -> Statement | None:
    """Return a statement that covers only what this one surely covers; None if that is nothing."""
    if statement.unclear_other or (statement.unclear_principal and statement.but_principals):
        return None
    return statement


def lower(policy: Policy) -> tuple[Statement, ...]:
    """Return the statements of a parsed policy in the closed form."""
    variables = policy.Version == VARIABLES_VERSION
    return tuple(
        _statement(index, statement, variables=variables)
        for index, statement in enumerate(policy.Statement)
    )


def term(raw: str, *, variables: bool) -> Term:
    """Return a text as a term; raises ValueError if a variable in it is malformed."""
    if not variables or "${" not in raw:
        return Term(raw, (raw,))
    parts: list[str | Variable] = []
    at = 0
    for match in _VARIABLE.finditer(raw):
        parts.append(raw[at : match.start()])
        parts.append(_variable(match[1]))
        at = match.end()
    parts.append(raw[at:])
    if any("${" in part for part in parts if isinstance(part, str)):
        raise ValueError(f"the policy variable in {raw!r} is malformed")
    return Term(raw, tuple(part for part in parts if part != ""))


def _variable(name: str) -> Variable:
    if name in ("*", "?", "$"):
        return Variable("", name)
    match = _NAMED.fullmatch(name)
    if match is None or keys.find(match[1].lower()) is None:
        raise ValueError(f"the policy variable ${{{name}}} is not known")
    if keys.key(match[1].lower()).multiple:
        raise ValueError(f"the policy variable ${{{name}}} has more than one value")
    return Variable(match[1].lower(), match[2])


def _statement(index: int, statement: PolicyStatement, *, variables: bool) -> Statement:
    element = statement.NotPrincipal or statement.Principal
    people = [_principal(kind, value) for kind, values in element.items() for value in values]
    known = tuple(p for p in people if isinstance(p, Principal))
    strange = [p for p in people if isinstance(p, str)]
    if statement.Principal and statement.NotPrincipal:
        strange.append("it has both Principal and NotPrincipal")
    other = list(_malformed(statement))
    actions = statement.NotAction or statement.Action
    if statement.Action and statement.NotAction:
        actions = []  # nothing but nothing: every action
        other.append("it has both Action and NotAction")
    resources, faults = _resources(statement, variables=variables)
    other += faults
    conditions: list[Condition] = []
    strange_conditions: list[str] = []
    for found in _conditions(statement, variables=variables):
        if isinstance(found, Condition):
            conditions.append(found)
        else:
            strange_conditions.append(found)
    reasons = (*strange, *other, *strange_conditions)
    return Statement(
        index=index,
        sid=statement.Sid,
        allow=statement.Effect == "Allow",
        principals=known,
        but_principals=bool(statement.NotPrincipal),
        actions=tuple(tokens(action.lower()) for action in actions),
        but_actions=bool(statement.NotAction),
        resources=resources,
        but_resources=bool(statement.NotResource or faults),
        conditions=tuple(conditions),
        unclear=tuple(f"statement {index}: {reason}" for reason in reasons),
        unclear_principal=bool(strange),
        unclear_other=bool(other or strange_conditions),
        unclear_who=bool(strange or strange_conditions),
        effect_unclear=statement.Effect not in ("Allow", "Deny"),
    )


def _malformed(statement: PolicyStatement) -> Iterator[str]:
    if statement.Effect not in ("Allow", "Deny"):
        yield f"the effect {statement.Effect!r} is not known"
    if statement.Other:
        yield f"the element {', '.join(statement.Other)} is not known"


def _resources(
    statement: PolicyStatement, *, variables: bool
) -> tuple[tuple[Term, ...], list[str]]:
    """Return the resources, and faults in them; with a fault, none, so that all are covered."""
    faults: list[str] = []
    found: list[Term] = []
    if statement.Resource and statement.NotResource:
        faults.append("it has both Resource and NotResource")
    for raw in statement.NotResource or statement.Resource:
        try:
            found.append(term(raw, variables=variables))
        except ValueError as error:
            faults.append(str(error))
    return () if faults else tuple(found), faults


def _principal(kind: str, value: str) -> Principal | str:
    if kind == "AWS":
        return _aws(value)
    if kind in ("CanonicalUser", "Service", "Federated") and not ({*value} & {*"*?"}):
        names = {"CanonicalUser": "canonical", "Service": "service", "Federated": "federated"}
        return Principal(names[kind], value, value)
    return f"the principal {kind} {value} has a form that is not known"


def _aws(value: str) -> Principal | str:
    if value == "*":
        return Principal("everybody", value, value)
    account = _ACCOUNT.fullmatch(value)
    if account:
        return Principal("account", account[1], value)
    for kind, form in (
        ("identity", _IDENTITY),
        ("oai", _ORIGIN_ACCESS_IDENTITY),
        ("deleted", _DELETED),
    ):
        if form.fullmatch(value):
            return Principal(kind, value, value)
    return f"the principal {value} has a form that is not known"


def _conditions(statement: PolicyStatement, *, variables: bool) -> Iterator[Condition | str]:
    for name, row in statement.Condition.items():
        operator = operators.find(name)
        for key, raws in row.items():
            if operator is None:
                yield f"the operator {name} is not known"
                continue
            yield _condition(name, operator, key, raws, variables=variables)


def _condition(
    name: str, operator: operators.Operator, key: str, raws: list[str], *, variables: bool
) -> Condition | str:
    misfit = keys.misfit(operator, key)
    if misfit:
        return f"{misfit} ({name})"
    try:
        takes = operator.family in ("string", "arn") and variables
        values = tuple(term(raw, variables=takes) for raw in raws)
        for value in values:
            if not value.variables:
                operators.check(operator, value.text())
    except ValueError as error:
        return f"{error} ({name})"
    escaped = key.replace("~", "~0").replace("/", "~1")
    return Condition(operator, key, values, f"{name}/{escaped}")
