"""The callers that a policy can tell apart, one for every cell of their identity.

Identity keys hang together: the account is part of the ARN, and so is the user's name. So their
conditions are all turned into patterns over the ARN, and cut into cells at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cachescan.providers.aws.policy import sources
from cachescan.providers.aws.policy.decide import Caller, Values
from cachescan.providers.aws.policy.homes import Candidate, Organization, organizations
from cachescan.providers.aws.policy.patterns import (
    DIGIT,
    MANY,
    MANY_IN_FIELD,
    MANY_IN_NAME,
    MANY_OF_IAM,
    MANY_OF_PATH,
    ONE_IN_FIELD,
    ONE_IN_NAME,
    ONE_OF_IAM,
    Budget,
    Tokens,
    cells,
    within,
)
from cachescan.providers.aws.policy.terms import literal_tokens, patterns_on, raws_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cachescan.providers.aws.policy.facts import Facts
    from cachescan.providers.aws.policy.ir import Statement

ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{4,}")
USER_ID, ROLE_ID, SESSION = "AIDACACHESCANWITNESS1", "AROACACHESCANWITNESS1", "witness"

ANONYMOUS, SIGNED, SERVICE = "anonymous", "signed", "service"


def anonymous() -> Candidate:
    """Return the sender of unsigned requests."""
    keys: Values = {
        "aws:principalaccount": ("anonymous",),
        "aws:principaltype": ("Anonymous",),
        "aws:userid": ("anonymous",),
        "aws:principalisawsservice": (),
    }
    return Candidate(Caller("anonymous", keys={k: v for k, v in keys.items() if v}))


def signed(policy: Sequence[Statement], facts: Facts, budget: Budget) -> list[Candidate]:
    """Return the signed callers outside the bucket's account; raises TooComplexError."""
    homes = organizations(policy, budget, "principal")
    identities = list(_identities(policy, facts, budget))
    people = [*identities]
    for named in sources.named_principals(policy, facts):
        canonical = named.caller.kind == "canonical"
        people += _of_account(named, identities) if canonical else [named]
    found: list[Candidate] = []
    for candidate in people:
        budget.spend(5 * len(homes), "principals")
        found += [_member(candidate, home) for home in homes]
    return found


def _of_account(named: Candidate, identities: Sequence[Candidate]) -> Iterator[Candidate]:
    """Yield the identities of a canonical user: an account by another name, but not which."""
    for candidate in identities:
        old = candidate.caller
        caller = Caller("canonical", old.account, old.names, named.caller.principal, old.keys)
        yield Candidate(caller, named.label, old.account, named.doubt or candidate.doubt)


def _member(candidate: Candidate, home: Organization) -> Candidate:
    """Put a caller into an organization: a stranger joins any, of a named account it is unread."""
    old = candidate.caller
    caller = Caller(
        old.kind, old.account, old.names, old.principal, {**old.keys, **home.keys("principal")}
    )
    if candidate.label:
        return Candidate(caller, candidate.label, candidate.variant + home.path, candidate.doubt)
    return Candidate(caller, home.id if home.named else "", "", candidate.doubt)


def _identities(policy: Sequence[Statement], facts: Facts, budget: Budget) -> Iterator[Candidate]:
    named = named_accounts(policy)
    listed = sorted({p.value for s in policy for p in s.principals if p.kind == "identity"})
    exact = set(raws_on(policy, "aws:principalarn")) | set(listed)
    for kind in _kinds(policy):
        for text in _arns(policy, facts, kind, named | {facts.account}, budget):
            account = text.split(":")[4]
            if account == facts.account:
                continue
            label = text if text in exact else account if account in named else ""
            for userid, owner in _user_ids(policy, kind, account, budget):
                doubt = f"whether {owner} belongs to this account is not known" if owner else ""
                plain = _identity(kind, account, text, userid)
                yield Candidate(plain, label or owner, "", doubt)
                for session in _sessions(listed, text) if kind == "role" else ():
                    yield Candidate(_session(plain, session), session, "", doubt)


def named_accounts(policy: Sequence[Statement]) -> set[str]:
    """Return the account ids that a policy spells out about callers."""
    texts = [p.value for s in policy for p in s.principals]
    texts += raws_on(policy, "aws:principalaccount", "aws:principalarn", "aws:userid")
    return {account for text in texts for account in ACCOUNT.findall(text)}


def _kinds(policy: Sequence[Statement]) -> tuple[str, ...]:
    texts = [p.value for s in policy for p in s.principals]
    texts += raws_on(policy, "aws:principalarn", "aws:principaltype")
    federated = any("federated" in text.lower() for text in texts)
    return ("user", "role", "root", *(["federated-user"] if federated else []))


def _arns(
    policy: Sequence[Statement], facts: Facts, kind: str, accounts: set[str], budget: Budget
) -> list[str]:
    """Return the ARN of one caller of a kind for every cell."""
    service = "sts" if kind == "federated-user" else "iam"
    head = tuple(f"arn:{facts.partition}:{service}::")
    word = (ONE_OF_IAM, MANY_OF_IAM)
    over = list(patterns_on(policy, "aws:principalarn"))
    over += [(*head, *account, ":", MANY) for account in sorted(accounts) if account]
    for pattern in patterns_on(policy, "aws:principalaccount"):
        over.append((*head, *within(pattern, one=ONE_IN_FIELD, many=MANY_IN_FIELD), ":", MANY))
    listed = {p.value for s in policy for p in s.principals if p.kind == "identity"}
    over += [literal_tokens(_arn_of(value)) for value in sorted(listed)]
    if kind == "root":
        for pattern in patterns_on(policy, "aws:userid"):
            number = within(pattern, one=ONE_IN_FIELD, many=MANY_IN_FIELD)
            over.append((*head, *number, ":", MANY))
        return [cell.text for cell in cells(over, (*head, *[DIGIT] * 12, *":root"), budget)]
    if kind == "user":
        over += _by_user_name(policy, head)
    path: Tokens = (MANY_OF_PATH,) if over else ()
    shape = (*head, *[DIGIT] * 12, *f":{kind}/", *path, *word)
    return [cell.text for cell in cells(over, shape, budget)]


def _by_user_name(policy: Sequence[Statement], head: Tokens) -> Iterator[Tokens]:
    for pattern in patterns_on(policy, "aws:username"):
        name = within(pattern, one=ONE_IN_NAME, many=MANY_IN_NAME)
        yield (*head, *[DIGIT] * 12, *":user/", *name)
        yield (*head, *[DIGIT] * 12, *":user/", MANY_IN_FIELD, "/", *name)


def _arn_of(principal: str) -> str:
    """Return the role's ARN for a session's, as aws:PrincipalArn has it; others as they are."""
    session = re.fullmatch(r"(arn:[\w-]+:)sts(::\d{12}:)assumed-role/([^/]+)/.+", principal)
    return f"{session[1]}iam{session[2]}role/{session[3]}" if session else principal


def _user_ids(
    policy: Sequence[Statement], kind: str, account: str, budget: Budget
) -> Iterator[tuple[str, str]]:
    """Yield user ids, each with the unique id that fixes it if the policy spells one out."""
    if kind == "root":
        yield account, ""
        return
    raws = list(raws_on(policy, "aws:userid"))
    known = sorted({m for raw in raws for m in _UNIQUE_ID.findall(raw)})
    over = list(patterns_on(policy, "aws:userid"))
    fresh = {"user": USER_ID, "role": ROLE_ID}.get(kind, account)
    for unique in (fresh, *(k for k in known if k.startswith(fresh[:4]))):
        shape: Tokens = tuple(unique)
        if kind != "user":
            shape = (*shape, ":", ONE_OF_IAM, MANY_OF_IAM)
        for cell in cells(over, shape, budget):
            plain = kind == "role" and not over
            text = f"{unique}:{SESSION}" if plain else cell.text
            yield text, "" if unique == fresh else unique


def _identity(kind: str, account: str, arn: str, userid: str) -> Caller:
    types = {"user": "User", "role": "AssumedRole", "root": "Account"}
    keys: Values = {
        "aws:principalarn": (arn,),
        "aws:principalaccount": (account,),
        "aws:principaltype": (types.get(kind, "FederatedUser"),),
        "aws:userid": (userid,),
        "aws:principalisawsservice": ("false",),
    }
    if kind == "user":
        keys["aws:username"] = (arn.rpartition("/")[2],)
    return Caller("iam", account, (arn,), "", keys)


def _sessions(listed: Sequence[str], arn: str) -> list[str]:
    return sorted({n for n in listed if ":assumed-role/" in n and _arn_of(n) == arn})


def _session(role: Caller, name: str) -> Caller:
    """Return a role's caller in the session of that ARN: it is named by both."""
    unique = role.keys["aws:userid"][0].partition(":")[0]
    keys = {**role.keys, "aws:userid": (f"{unique}:{name.rpartition('/')[2]}",)}
    return Caller(role.kind, role.account, (*role.names, name), "", keys)
