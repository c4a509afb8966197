"""Who a policy's Principal element names (docs/semantics.md §1.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from cachescan.model import Actor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ACCOUNT = re.compile(r"(?:arn:aws[\w-]*:(?:iam|sts)::)?(\d{12})(?::.+)?")
_DELETED = re.compile(r"A(?:IDA|ROA|GPA|NPA|IPA)[A-Z0-9]{12,}")
_ORIGIN_ACCESS_IDENTITY = re.compile(r"arn:aws[\w-]*:iam::cloudfront:user/.+")

EVERYBODY = (Actor.ANONYMOUS, Actor.ANY_ACCOUNT)


class Party(Struct, frozen=True):
    """Whom one principal admits.

    Attributes:
        actors: who it may be; empty for insiders, services and deleted principals.
        principal: the named outsider.
        unclear: why that is not certain; empty if it is.
    """

    actors: tuple[Actor, ...]
    principal: str = ""
    unclear: str = ""


def parties(element: Mapping[str, list[str]], account: str, owner: str | None) -> Iterator[Party]:
    """Yield the outsiders that a Principal element names.

    Args:
        element: kind of principal to values.
        account: the bucket owner's account id.
        owner: the bucket owner's canonical id; None if it was not read.
    """
    for kind, values in element.items():
        for value in values:
            party = _party(kind, value, account, owner)
            if party.actors:
                yield party


def _party(kind: str, value: str, account: str, owner: str | None) -> Party:
    if kind == "AWS":
        return _aws(value, account)
    if kind == "Service":
        return Party(())
    if kind == "CanonicalUser":
        if owner is None:
            return Party((Actor.OUTSIDER,), value, "the bucket's owner was not read")
        return Party(() if value == owner else (Actor.OUTSIDER,), value)
    if kind == "Federated":
        return Party((Actor.OUTSIDER,), value, "federated sessions are not judged yet")
    return Party(tuple(Actor), value, f"principals of type {kind} are not known")


def _aws(value: str, account: str) -> Party:
    if value == "*":
        return Party(EVERYBODY)
    if _ORIGIN_ACCESS_IDENTITY.fullmatch(value):
        return Party((Actor.OUTSIDER,), value, "CloudFront distributions are not read yet")
    if _DELETED.fullmatch(value):
        return Party(())
    match = _ACCOUNT.fullmatch(value)
    if match and "*" not in value:
        return Party(() if match[1] == account else (Actor.OUTSIDER,), value)
    return Party(tuple(Actor), value, f"the principal {value} has a form that is not known")
