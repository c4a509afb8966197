"""Where a request can come from: the internet, a VPC endpoint, or through an access point.

The three exclude each other in their keys: through an endpoint there is no aws:SourceIp, elsewhere
there is no aws:SourceVpce. Everybody can have a VPC endpoint and an access point of their own.
"""

from __future__ import annotations

import ipaddress
import itertools
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from cachescan.providers.aws.policy import operators
from cachescan.providers.aws.policy.decide import Values, meets
from cachescan.providers.aws.policy.domains import Cell, distinct
from cachescan.providers.aws.policy.patterns import (
    DIGIT,
    MANY_IN_FIELD,
    MANY_IN_NAME,
    MANY_OF_ID,
    ONE_IN_NAME,
    ONE_OF_ID,
    Budget,
    cells,
    within,
)
from cachescan.providers.aws.policy.terms import conditions_on, patterns_on, raws_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cachescan.providers.aws.policy.facts import Facts
    from cachescan.providers.aws.policy.ir import Condition, Statement

INTERNET, ENDPOINT, POINT = "internet", "endpoint", "access point"
ENDPOINT_KEYS = ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip")
POINT_KEYS = ("s3:dataaccesspointaccount", "s3:dataaccesspointarn", "s3:accesspointnetworkorigin")
WIDE_V4, WIDE_V6 = 1 << 24, 1 << 96
"""A /8 and a /32: AWS calls what is broader public, and whoever wants can be somewhere in it."""

_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "224.0.0.0/3", "fc00::/7", "fe80::/10"),
    )
)
_PREFERRED = tuple(
    int(ipaddress.ip_address(text))
    for text in ("198.51.100.7", "203.0.113.7", "192.0.2.7", "8.8.8.8")
)
_PREFERRED_V6 = int(ipaddress.IPv6Address("2001:db8::7"))
Range = tuple[int, int, int]
"""IP version, first and last address."""


class _Piece(Struct):
    """Addresses that all conditions answer alike, collected over many ranges."""

    values: Values
    ranges: list[Range]


def addresses(policy: Sequence[Statement], budget: Budget) -> list[Cell]:
    """Return the cells of aws:SourceIp, exact to the address; raises TooComplexError."""
    return _addresses(policy, "aws:sourceip", budget)


def _addresses(policy: Sequence[Statement], name: str, budget: Budget) -> list[Cell]:
    conditions = list(dict.fromkeys(conditions_on(policy, name)))
    if not conditions:
        return list(_plain(name))
    return _cut(name, conditions, budget)


@lru_cache(maxsize=8)
def _plain(name: str) -> tuple[Cell, ...]:
    """Return the cells where no condition tells addresses apart."""
    return tuple(_cut(name, (), Budget(10_000)))


def _cut(name: str, conditions: Sequence[Condition], budget: Budget) -> list[Cell]:
    texts = [v.text() for c in conditions for v in c.values if c.operator.family == "ip"]
    budget.spend(8 * len(texts), "address ranges")
    found: dict[tuple[bool, ...], _Piece] = {}
    for piece in _intervals(texts):
        budget.spend(5 + len(texts) // 3, "address ranges")
        values: Values = {name: (_example(piece),)}
        key = (*(meets(c, values) for c in conditions), _private(piece))
        found.setdefault(key, _Piece(values, [])).ranges.append(piece)
    return [Cell(p.values, ranges=tuple(p.ranges)) for p in found.values()]


def _intervals(texts: Iterable[str]) -> Iterator[Range]:
    """Yield all addresses, cut at both ends of every range: version, first, last."""
    networks = [*(operators.network(text) for text in dict.fromkeys(texts)), *_PRIVATE]
    for version, bits in ((4, 32), (6, 128)):
        cuts = {0, 1 << bits}
        for network in networks:
            if network.version == version:
                cuts.add(int(network.network_address))
                cuts.add(int(network.broadcast_address) + 1)
        points = sorted(cuts)
        for first, after in itertools.pairwise(points):
            yield version, first, after - 1


def _example(piece: Range) -> str:
    version, first, last = piece
    if version == 4:  # noqa: PLR2004 (IP version)
        first = next((p for p in _PREFERRED if first <= p <= last), first)
        return str(ipaddress.IPv4Address(first))
    first = _PREFERRED_V6 if first <= _PREFERRED_V6 <= last else first
    return str(ipaddress.IPv6Address(first))


def _private(piece: Range) -> bool:
    version, first, last = piece
    return any(
        n.version == version
        and int(n.network_address) <= first
        and last <= int(n.broadcast_address)
        for n in _PRIVATE
    )


def is_wide(ranges: Iterable[Range]) -> bool:
    """Tell whether public address ranges are too many to name a network."""
    size = {4: 0, 6: 0}
    for piece in ranges:
        if not _private(piece):
            size[piece[0]] += piece[2] - piece[1] + 1
    return size[4] > WIDE_V4 or size[6] > WIDE_V6


def in_words(ranges: Iterable[Range], most: int = 3) -> str:
    """Return address ranges in CIDR notation, joined where they touch."""
    found: list[str] = []
    for version, first, last in sorted(_joined(ranges)):
        kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address  # noqa: PLR2004
        found += map(str, ipaddress.summarize_address_range(kind(first), kind(last)))
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def _joined(ranges: Iterable[Range]) -> list[Range]:
    found: list[Range] = []
    for version, first, last in sorted(ranges):
        if found and found[-1][0] == version and found[-1][2] + 1 == first:
            found[-1] = (version, found[-1][1], last)
        else:
            found.append((version, first, last))
    return found


def endpoint(policy: Sequence[Statement], name: str, budget: Budget) -> list[Cell]:
    """Return the cells of one key of requests through a VPC endpoint; raises TooComplexError."""
    if name == "aws:vpcsourceip":  # whoever owns a VPC numbers it as they like
        return [Cell(c.values) for c in _addresses(policy, name, budget)]
    prefix = name.removeprefix("aws:source")
    conditions = list(dict.fromkeys(conditions_on(policy, name)))
    exact = {raw.lower() for raw in raws_on(policy, name)}
    shape = (*f"{prefix}-", ONE_OF_ID, MANY_OF_ID)
    texts = [c.text for c in cells(list(patterns_on(policy, name)), shape, budget)]
    found = distinct(conditions, [{name: (text,)} for text in texts], budget)
    return [
        Cell(cell.values, network=text if text in exact else "")
        for cell in found
        for text in cell.values[name]
    ]


def access_points(policy: Sequence[Statement], facts: Facts, budget: Budget) -> list[Cell]:
    """Return access points to come through; raises TooComplexError.

    Whoever owns the account of a foreign access point decides by its policy who passes, so one in
    an account that the policy spells out stays open, and one of the bucket's account as well.
    """
    raws = list(raws_on(policy, *POINT_KEYS))
    head = tuple(f"arn:{facts.partition}:s3:")
    over = list(patterns_on(policy, "s3:dataaccesspointarn"))
    for pattern in patterns_on(policy, "s3:dataaccesspointaccount"):
        number = within(pattern, one=ONE_IN_NAME, many=MANY_IN_NAME)
        over.append((*head, MANY_IN_FIELD, ":", *number, ":", MANY_IN_FIELD))
    over.append((*head, MANY_IN_FIELD, ":", *facts.account, ":", MANY_IN_FIELD))
    region = tuple(facts.region) or (ONE_IN_NAME, MANY_IN_NAME)
    shape = (*head, *region, ":", *[DIGIT] * 12, *":accesspoint/", ONE_IN_NAME, MANY_IN_NAME)
    found = []
    for cell in cells(over, shape, budget):
        account = cell.text.split(":")[4]
        doubt = ""
        if account == facts.account:
            doubt = "the access points of this account are not read yet"
        elif any(account in raw for raw in raws):
            doubt = f"account {account} decides who passes its access points"
        for origin in ("Internet", "VPC"):
            values: Values = dict(
                zip(POINT_KEYS, ((account,), (cell.text,), (origin,)), strict=True)
            )
            found.append(Cell(values, doubt=doubt))
    return found
