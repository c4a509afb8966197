"""A caller to try, and the organizations that a policy can tell apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from cachescan.providers.aws.policy.decide import Caller, Values
from cachescan.providers.aws.policy.patterns import (
    MANY_IN_FIELD,
    MANY_IN_NAME,
    MANY_OF_ID,
    MANY_OF_PATH,
    ONE_IN_NAME,
    ONE_OF_ID,
    Budget,
    cells,
    within,
)
from cachescan.providers.aws.policy.terms import conditions_on, patterns_on, raws_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachescan.providers.aws.policy.ir import Statement

_ORGANIZATION = re.compile(r"o-[a-z0-9]+")


class Candidate(Struct, frozen=True):
    """A caller to try.

    Attributes:
        caller: the caller.
        label: what fixes it, in the policy's words; empty if anyone can be it.
        variant: a fact about it that nobody outside chooses and that was not read.
        doubt: why it is not certain that it is an outsider, or what its keys are.
    """

    caller: Caller
    label: str = ""
    variant: str = ""
    doubt: str = ""


class Organization(Struct, frozen=True):
    """Where in which organization an account is; all empty for an account in none."""

    path: str = ""
    named: bool = False

    @property
    def id(self) -> str:
        """The organization's id."""
        return self.path.partition("/")[0]

    def keys(self, prefix: str) -> Values:
        """Return the condition keys that say so, of a principal or of a source."""
        if not self.path:
            return {}
        return {f"aws:{prefix}orgid": (self.id,), f"aws:{prefix}orgpaths": (self.path,)}


def organizations(policy: Sequence[Statement], budget: Budget, prefix: str) -> list[Organization]:
    """Return one organization of every cell; raises TooComplexError."""
    ids, paths = f"aws:{prefix}orgid", f"aws:{prefix}orgpaths"
    over = list(patterns_on(policy, paths))
    for pattern in patterns_on(policy, ids):
        name = within(pattern, one=ONE_IN_NAME, many=MANY_IN_NAME)
        over.append((*name, "/", MANY_IN_FIELD))
    if not any(conditions_on(policy, ids, paths)):
        return [Organization()]
    known = {m for raw in raws_on(policy, ids, paths) for m in _ORGANIZATION.findall(raw.lower())}
    over += [(*org, "/", MANY_IN_FIELD) for org in sorted(known)]
    word = (ONE_OF_ID, MANY_OF_ID)
    shape = ("o", "-", *word, "/", "r", "-", *word, MANY_OF_PATH, "/")
    found = [Organization()]
    for cell in cells(over, shape, budget):
        org = cell.text.partition("/")[0]
        found.append(Organization(cell.text, org in known))
    return found
