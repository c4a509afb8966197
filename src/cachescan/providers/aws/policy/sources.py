"""Callers whose identity is no IAM principal, and services that act on somebody's behalf."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cachescan.providers.aws.policy.decide import Caller, Values
from cachescan.providers.aws.policy.homes import Candidate, organizations
from cachescan.providers.aws.policy.patterns import (
    DIGIT,
    MANY,
    MANY_IN_FIELD,
    MANY_IN_NAME,
    ONE,
    ONE_IN_FIELD,
    ONE_IN_NAME,
    Budget,
    cells,
    within,
)
from cachescan.providers.aws.policy.terms import patterns_on, raws_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cachescan.providers.aws.policy.facts import Facts
    from cachescan.providers.aws.policy.ir import Principal, Statement

_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
SOURCE_KEYS = (
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
)
_STRANGER = "the-service.amazonaws.com"
_LIKENESS = "000000000000"
"""No account has this id."""


def named_principals(policy: Sequence[Statement], facts: Facts) -> Iterator[Candidate]:
    """Yield canonical users, CloudFront identities and federated sessions that are named."""
    for principal in dict.fromkeys(p for s in policy for p in s.principals):
        doubt = _doubt(principal, facts)
        if doubt is not None:
            caller = Caller(
                principal.kind,
                names=(principal.value,),
                principal=principal.value,
                keys={"aws:principalisawsservice": ("false",)},
            )
            yield Candidate(caller, principal.text, "", doubt)


def _doubt(principal: Principal, facts: Facts) -> str | None:
    """Return what is not known of a named principal; None if it is nobody outside."""
    value = principal.value
    if principal.kind == "canonical":
        if value == facts.owner:
            return None
        return "" if facts.owner else "the bucket's owner was not read"
    if principal.kind == "oai":
        return "CloudFront distributions are not read yet"
    if principal.kind == "federated":
        own = facts.account and f"::{facts.account}:" in value
        return None if own else "federated sessions are not judged yet"
    return None


def services(policy: Sequence[Statement], facts: Facts, budget: Budget) -> list[Candidate]:
    """Return services that act for somebody outside the account; raises TooComplexError."""
    spelled = [p.value for s in policy for p in s.principals if p.kind == "service"]
    spelled += raws_on(policy, "aws:principalservicename", "aws:principalservicenameslist")
    names = sorted({n for n in spelled if not {*n} & {*"*?"}} | {_STRANGER})
    homes = organizations(policy, budget, "source")
    found = []
    for arn, account, label, doubt in _owners(policy, facts, budget):
        for home in homes:
            for name in names:
                budget.spend(5, "services")
                keys: Values = {
                    "aws:principalisawsservice": ("true",),
                    "aws:principalservicename": (name,),
                    "aws:principalservicenameslist": (name,),
                    "aws:sourcearn": (arn,),
                    "aws:sourceaccount": (account,),
                    "aws:sourceowner": (account,),
                    **home.keys("source"),
                }
                who = label or (home.id if home.named else "")
                variant = home.path if label else ""
                caller = Caller("service", principal=name, keys=keys)
                found.append(Candidate(caller, who, variant, doubt))
    return found


def _owners(
    policy: Sequence[Statement], facts: Facts, budget: Budget
) -> Iterator[tuple[str, str, str, str]]:
    """Yield source ARN and account, what fixes them, and what is not certain about that."""
    texts = list(raws_on(policy, *SOURCE_KEYS))
    named = {account for text in texts for account in _ACCOUNT.findall(text)}
    for arn in _arns(policy, named | {facts.account}, budget):
        account = arn.split(":")[4]
        if account == facts.account:
            continue
        exact = arn if arn in texts else ""
        yield arn, account, exact or (account if account in named else ""), ""
    for arn in _bucket_arns(policy, facts, budget):
        if arn == facts.arn:
            continue
        exact = arn if arn in texts else ""
        doubt = f"whether {arn} belongs to this account is not known" if exact else ""
        for account in ("", *sorted(named - {facts.account})):
            yield arn, account or _LIKENESS, exact or account, doubt


def _arns(policy: Sequence[Statement], accounts: Iterable[str], budget: Budget) -> list[str]:
    field = (MANY_IN_FIELD, ":")
    over = list(patterns_on(policy, "aws:sourcearn"))
    over += [("a", "r", "n", ":", *field * 3, *a, ":", MANY) for a in sorted(accounts) if a]
    for key in ("aws:sourceaccount", "aws:sourceowner"):
        for pattern in patterns_on(policy, key):
            number = within(pattern, one=ONE_IN_FIELD, many=MANY_IN_FIELD)
            over.append(("a", "r", "n", ":", *field * 3, *number, ":", MANY))
    shape = ("a", "r", "n", ":", *field * 3, *[DIGIT] * 12, ":", ONE, MANY)
    return [cell.text for cell in cells(over, shape, budget)]


def _bucket_arns(policy: Sequence[Statement], facts: Facts, budget: Budget) -> list[str]:
    """Return ARNs of buckets, which name no account."""
    over = list(patterns_on(policy, "aws:sourcearn"))
    if not over:
        return []
    over.append(tuple(facts.arn))
    shape = (*f"arn:{facts.partition}:s3:::", ONE_IN_NAME, MANY_IN_NAME)
    return [cell.text for cell in cells(over, shape, budget)]
