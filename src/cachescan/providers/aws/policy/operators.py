"""The condition operators: the only place where their semantics live (docs/semantics.md §1.3).

Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Multivalued context
keys".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from cachescan.providers.aws.policy.patterns import Tokens, matches, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Test = Callable[[str, "Wanted"], bool]

_ARN_FIELDS = 6
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?"
    r"(Z|[+-]\d\d:?\d\d))?)?)?"
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Operator(Struct, frozen=True):
    """One operator as written.

    Attributes:
        base: the name without prefix and suffix, positive: ``StringEquals``.
        family: string, arn, ip, number, date, bool, binary or null.
        negated: whether it is the ``Not`` form.
        if_exists: whether it ends in ``IfExists``.
        quantifier: ``all`` for ForAllValues, ``any`` for ForAnyValue, or empty.
    """

    base: str
    family: str
    negated: bool = False
    if_exists: bool = False
    quantifier: str = ""


class Wanted(Struct, frozen=True, dict=True):
    """One value of the policy, as text and as pattern (variables put in are literal there)."""

    text: str
    pattern: Tokens

    @cached_property
    def span(self) -> tuple[int, int, int]:
        """The range of addresses: IP version, first and last; raises ValueError."""
        found = network(self.text)
        return found.version, int(found.network_address), int(found.broadcast_address)

    @cached_property
    def number(self) -> Decimal:
        """The number; raises ValueError."""
        return number(self.text)

    @cached_property
    def moment(self) -> datetime:
        """The date; raises ValueError."""
        return moment(self.text)


_FAMILIES = {
    "string": ("StringEquals", "StringEqualsIgnoreCase", "StringLike"),
    "arn": ("ArnEquals", "ArnLike"),
    "ip": ("IpAddress",),
    "number": (
        "NumericEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
    ),
    "date": (
        "DateEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
    ),
    "bool": ("Bool",),
    "binary": ("BinaryEquals",),
    "null": ("Null",),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
_FAMILY_OF = {base: family for family, bases in _FAMILIES.items() for base in bases}
_QUANTIFIERS = {"ForAllValues": "all", "ForAnyValue": "any"}


def find(name: str) -> Operator | None:
    """Return the operator of that name; None if the documentation has no such spelling."""
    prefix, colon, rest = name.rpartition(":")
    if colon and prefix not in _QUANTIFIERS:
        return None
    bare = rest.removesuffix("IfExists")
    base = _NEGATED.get(bare, bare)
    if base not in _FAMILY_OF or (base == "Null" and (bare != rest or colon)):
        return None
    return Operator(
        base=base,
        family=_FAMILY_OF[base],
        negated=bare in _NEGATED,
        if_exists=bare != rest,
        quantifier=_QUANTIFIERS.get(prefix, ""),
    )


def check(operator: Operator, value: str) -> None:
    """Raise ValueError if a policy's value is not one that the operator compares with."""
    if operator.family == "ip":
        network(value)
    elif operator.family == "number":
        number(value)
    elif operator.family == "date":
        moment(value)
    elif operator.family in ("bool", "null"):
        if value.lower() not in ("true", "false"):
            raise ValueError(f"{value!r} is neither true nor false")
    elif operator.family == "binary":
        _bytes(value)
    elif operator.family == "arn" and value != "*" and value.count(":") < _ARN_FIELDS - 1:
        raise ValueError(f"{value!r} is no ARN")


def holds(operator: Operator, found: tuple[str, ...] | None, wanted: Sequence[Wanted]) -> bool:
    """Tell whether a condition is met.

    Args:
        operator: the operator.
        found: the request's values of the key; None or empty if it has none.
        wanted: the policy's values; any of them will do, and for a negated operator none may.
    """
    if operator.family == "null":
        is_null = "false" if found else "true"
        return any(value.text.lower() == is_null for value in wanted)
    if not found:
        if operator.quantifier == "any":
            return operator.if_exists
        return operator.if_exists or operator.negated or operator.quantifier == "all"
    test = TESTS[operator.base]
    each = (any(test(value, want) for want in wanted) != operator.negated for value in found)
    return all(each) if operator.quantifier == "all" else any(each)


def number(text: str) -> Decimal:
    """Return a number; raises ValueError."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no number") from error
    if not value.is_finite():
        raise ValueError(f"{text!r} is no number")
    return value


def moment(text: str) -> datetime:
    """Return a date: W3C's forms of ISO 8601, or seconds since 1970; raises ValueError."""
    match = _DATE.fullmatch(text)
    try:
        if match is None:
            return datetime.fromtimestamp(float(number(text)), UTC)
        if text.isdecimal() and len(text) > 4:  # noqa: PLR2004 (a year has four digits)
            return datetime.fromtimestamp(int(text), UTC)
        year, month, day, hour, minute, second, fraction, zone = match.groups()
        micro = int((fraction or "0")[:6].ljust(6, "0"))
        clock = (int(hour or 0), int(minute or 0), int(second or 0), micro)
        return datetime(int(year), int(month or 1), int(day or 1), *clock, tzinfo=_zone(zone))
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{text!r} is no date") from error


def _zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    assert text is not None  # noqa: S101 (for the type checker)
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-ahead if text[0] == "-" else ahead)


def network(text: str) -> Network:
    """Return a range; an IPv4-mapped one is the IPv4 range it stands for; raises ValueError."""
    found = ipaddress.ip_network(text, strict=False)
    if isinstance(found, ipaddress.IPv6Network) and found.prefixlen >= 96:  # noqa: PLR2004
        mapped = found.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((mapped, found.prefixlen - 96))
    return found


def address(text: str) -> Address:
    """Return an address; an IPv4-mapped one is the IPv4 address; raises ValueError."""
    found = ipaddress.ip_address(text)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _in_network(value: str, want: Wanted) -> bool:
    try:
        version, here = _place(value)
    except ValueError:
        return False
    family, first, last = want.span
    return version == family and first <= here <= last


@lru_cache(maxsize=8192)
def _place(text: str) -> tuple[int, int]:
    found = address(text)
    return found.version, int(found)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"{text!r} is not base64") from error


def _same_bytes(value: str, want: Wanted) -> bool:
    try:
        return _bytes(value) == _bytes(want.text)
    except ValueError:
        return False


def _arn_like(value: str, want: Wanted) -> bool:
    """Compare field by field; a lone ``*`` is every ARN."""
    fields = value.split(":", _ARN_FIELDS - 1)
    if len(fields) < _ARN_FIELDS:
        return False
    if want.pattern == tokens("*"):
        return True
    parts: list[list[str]] = [[]]
    for part in want.pattern:
        if part == ":" and len(parts) < _ARN_FIELDS:
            parts.append([])
        else:
            parts[-1].append(part)
    return len(parts) == _ARN_FIELDS and all(
        matches(tuple(wanted), field) for wanted, field in zip(parts, fields, strict=True)
    )


def _numeric(compare: Callable[[Decimal, Decimal], bool]) -> Test:
    def test(value: str, want: Wanted) -> bool:
        try:
            return compare(number(value), want.number)
        except ValueError:
            return False

    return test


def _dated(compare: Callable[[datetime, datetime], bool]) -> Test:
    def test(value: str, want: Wanted) -> bool:
        try:
            return compare(moment(value), want.moment)
        except ValueError:
            return False

    return test


TESTS: dict[str, Test] = {
    "StringEquals": lambda value, want: value == want.text,
    "StringEqualsIgnoreCase": lambda value, want: value.lower() == want.text.lower(),
    "StringLike": lambda value, want: matches(want.pattern, value),
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "IpAddress": _in_network,
    "NumericEquals": _numeric(lambda a, b: a == b),
    "NumericLessThan": _numeric(lambda a, b: a < b),
    "NumericLessThanEquals": _numeric(lambda a, b: a <= b),
    "NumericGreaterThan": _numeric(lambda a, b: a > b),
    "NumericGreaterThanEquals": _numeric(lambda a, b: a >= b),
    "DateEquals": _dated(lambda a, b: a == b),
    "DateLessThan": _dated(lambda a, b: a < b),
    "DateLessThanEquals": _dated(lambda a, b: a <= b),
    "DateGreaterThan": _dated(lambda a, b: a > b),
    "DateGreaterThanEquals": _dated(lambda a, b: a >= b),
    "Bool": lambda value, want: value.lower() == want.text.lower(),
    "BinaryEquals": _same_bytes,
}
"""Positive operator to its test of one value of the request against one of the policy."""
