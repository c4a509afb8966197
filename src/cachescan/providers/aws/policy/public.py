"""Whether AWS calls a policy public, by its own definition (docs/semantics.md §1.4).

This is not whether outsiders get in: AWS asks if access is granted solely to fixed values of some
keys. It matters because RestrictPublicBuckets goes by it. What the documentation leaves open is
answered with None and the reason.
Source: Amazon S3 user guide, "The meaning of 'public'".
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from cachescan.providers.aws.policy import ir, operators

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cachescan.providers.aws.policy.ir import Condition, Statement

_COUNTED = frozenset(
    {
        "aws:principalorgid",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "aws:userid",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
_UNSETTLED = ("aws:principalorgpaths", "aws:username", "aws:principaltype", "aws:principaltag/")
_POSITIVE = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"}
)
_POINT_NAME = re.compile(r"arn:[\w-]+:s3:[^:*?]*:\d{12}:accesspoint/[^:]+")
_MOST_V4, _MOST_V6 = 1 << 24, 1 << 96
_CALLERS_CHOICE = frozenset({"aws:securetransport", "s3:tlsversion"})


class Public(Struct, frozen=True):
    """The answer, and why: ``answer`` is None where the documentation does not settle it."""

    answer: bool | None
    reason: str


def is_public(statements: Sequence[Statement]) -> Public:
    """Tell whether AWS calls a policy public; one public statement is enough."""
    found = [_allows(s) for s in statements if s.allow or s.effect_unclear]
    certain = next((p for p in found if p.answer), None)
    open_ones = next((p for p in found if p.answer is None), None)
    if certain is not None:
        guard = next((s for s in statements if not s.allow and _may_rescue(s)), None)
        if guard is None:
            return certain
        reason = f"{certain.reason}; whether AWS counts the Deny in statement {guard.index}"
        return Public(None, f"{reason} is not documented")
    return open_ones or Public(answer=False, reason="every statement is for fixed principals")


def _allows(statement: Statement) -> Public:
    where = f"statement {statement.index}"
    kinds = {p.kind for p in statement.principals}
    web = any(
        p.kind == "federated" and not p.value.startswith("arn:") for p in statement.principals
    )
    if statement.unclear:
        return Public(None, statement.unclear[0])
    if statement.but_principals or web:
        said = "everybody but some" if statement.but_principals else "an identity provider for all"
        return Public(answer=True, reason=f"{where} is for {said}")
    if "federated" in kinds:
        return Public(None, f"{where} is for a federation, of which the documentation says nothing")
    if "everybody" not in kinds:
        return Public(answer=False, reason=f"{where} is for fixed principals")
    return _conditioned(statement, where)


def _conditioned(statement: Statement, where: str) -> Public:
    answers = [(condition.key, _pins(condition)) for condition in statement.conditions]
    if any(answer for _, answer in answers):
        return Public(answer=False, reason=f"{where} is for fixed values of a key that counts")
    unsettled = [key for key, answer in answers if answer is None]
    if unsettled:
        return Public(None, f"{where}: AWS does not say whether {unsettled[0]} counts so")
    return Public(answer=True, reason=f"{where} is for everybody")


def _pins(condition: Condition) -> bool | None:
    """Tell whether a condition alone keeps a statement from being public."""
    operator = condition.operator
    loose = operator.negated or operator.if_exists or operator.quantifier == "all"
    if loose or not condition.values:
        return False
    if operator.base == "IpAddress" and condition.key == "aws:sourceip":
        return _narrow(condition)
    if operator.base not in _POSITIVE:
        return False
    fixed = all(_is_fixed(condition.key, value) for value in condition.values)
    if condition.key.startswith(_UNSETTLED):
        return None
    if condition.key == "aws:userid" and not fixed:
        return None if any(":*" in value.raw for value in condition.values) else False
    return condition.key in _COUNTED and fixed


def _is_fixed(key: str, value: ir.Term) -> bool:
    if key == "s3:dataaccesspointarn" and not value.variables:
        return _POINT_NAME.fullmatch(value.raw) is not None
    return value.fixed


def _narrow(condition: Condition) -> bool | None:
    """Tell whether address ranges are fixed: none broader than a /8 or /32, counted together."""
    ranges = [operators.network(v.text()) for v in condition.values if not v.variables]
    public = [r for r in ranges if not _is_private(r)]
    if any(r.num_addresses > _most(r) for r in public):
        return False
    v4 = ipaddress.collapse_addresses(r for r in public if isinstance(r, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(r for r in public if isinstance(r, ipaddress.IPv6Network))
    return None if _total(v4) > _MOST_V4 or _total(v6) > _MOST_V6 else True


def _is_private(network: operators.Network) -> bool:
    private = (ipaddress.ip_network(t) for t in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
    return isinstance(network, ipaddress.IPv4Network) and any(
        network.subnet_of(p) for p in private if isinstance(p, ipaddress.IPv4Network)
    )


def _most(network: operators.Network) -> int:
    return _MOST_V4 if network.version == 4 else _MOST_V6  # noqa: PLR2004 (IP version)


def _total(networks: Iterable[operators.Network]) -> int:
    return sum(network.num_addresses for network in networks)


def _may_rescue(statement: Statement) -> bool:
    """Tell whether a Deny could stop what is public; not if the caller can always avoid it."""
    if statement.unclear:
        return True
    fixed = statement.principals and not statement.but_principals
    if fixed and not any(p.kind == "everybody" for p in statement.principals):
        return False
    avoidable = any(c.key in _CALLERS_CHOICE for c in statement.conditions)
    return not avoidable
