"""The engine against the evaluator itself: every request of a small world, both directions.

The world is written down here and knows nothing of the engine's cells: it holds, for each atom of
the vocabulary, values on both sides of it. Beside it the laws that hold for any policy.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.policies import (
    BUCKET,
    FOREIGN,
    RANK,
    Statement,
    judged,
    lowered,
    summary,
)

from cachescan.model import Actor, Capability, Grade
from cachescan.providers.aws.policy.decide import ALLOW, Caller, Request, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachescan.providers.aws.policy import ir
    from cachescan.providers.aws.policy.decide import Values

SLOW = settings(
    deadline=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
STRANGER = "999988887777"
ORG, PATHS, ARN = "aws:principalorgid", "aws:principalorgpaths", "aws:principalarn"

# --- the vocabulary -----------------------------------------------------------------------------

TEXTS = {
    "aws:PrincipalOrgID": ("o-aaaa", "o-bbbb", "o-*", "o-a*"),
    "aws:username": ("bob", "b*", "?"),
    "aws:Referer": ("http://a.example/*", "http://a.example/x", "*x"),
    "aws:PrincipalTag/t": ("1", "*2"),
    "aws:SourceVpce": ("vpce-1", "vpce-*"),
    "aws:PrincipalArn": (
        "arn:aws:iam::*:role/App",
        f"arn:aws:iam::{FOREIGN}:*",
        "arn:aws:iam::*:user/b*",
        "*",
    ),
    "aws:PrincipalAccount": (FOREIGN, "*7777", "anonymous"),
}
STRINGS = (
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIgnoreCase",
)
RANGES = ("203.0.113.7/32", "203.0.113.0/24", "0.0.0.0/1", "128.0.0.0/1", "2001:db8::/32")
TRUTH = ("true", "false")


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, dict[str, list[str]]]:
    """Draw one condition block of up to two atoms."""
    found: dict[str, dict[str, list[str]]] = {}
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(["text", "text", "text", "ip", "bool", "null"]))
        if kind == "ip":
            operator = draw(st.sampled_from(["IpAddress", "NotIpAddress"]))
            key, values = "aws:SourceIp", RANGES
        elif kind == "bool":
            operator, key, values = "Bool", "aws:SecureTransport", TRUTH
        elif kind == "null":
            operator, values = "Null", TRUTH
            key = draw(st.sampled_from([*TEXTS, "aws:SourceIp"]))
        else:
            key = draw(st.sampled_from(list(TEXTS)))
            values = TEXTS[key]
            arn = key == "aws:PrincipalArn" and draw(st.booleans())
            operator = draw(st.sampled_from(["ArnLike", "ArnNotLike"] if arn else STRINGS))
            prefix = draw(st.sampled_from(["", "", "", "ForAllValues:", "ForAnyValue:"]))
            operator = prefix + operator
        if kind != "null" and draw(st.integers(0, 3)) == 0:
            operator += "IfExists"
        chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True))
        found.setdefault(operator, {})[key] = chosen
    return found


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> Statement:
    """Draw a statement of the vocabulary."""
    arn = f"arn:aws:iam::{FOREIGN}:role/App"
    who = draw(
        st.sampled_from(
            [
                {"Principal": "*"},
                {"Principal": "*"},
                {"Principal": {"AWS": FOREIGN}},
                {"Principal": {"AWS": [arn]}},
                {"NotPrincipal": {"AWS": [FOREIGN]}},
                {"NotPrincipal": {"AWS": [FOREIGN, arn]}},
            ]
        )
    )
    what = draw(
        st.sampled_from(
            [
                {"Action": "s3:GetObject"},
                {"Action": "s3:Get*"},
                {"NotAction": "s3:PutObject"},
                {"NotAction": ["s3:GetObject", "s3:Put*"]},
            ]
        )
    )
    where = draw(
        st.sampled_from(
            [
                {"Resource": f"{BUCKET}/*"},
                {"Resource": f"{BUCKET}/a/*"},
                {"Resource": [f"{BUCKET}/?/x", f"{BUCKET}/b/*"]},
                {"NotResource": f"{BUCKET}/a/*"},
                {"Resource": BUCKET},
            ]
        )
    )
    effect = effect or draw(st.sampled_from(["Allow", "Allow", "Deny"]))
    return {"Effect": effect, **who, **what, **where, "Condition": draw(conditions())}


POLICIES = st.lists(statements(), min_size=1, max_size=4)

# --- the world ----------------------------------------------------------------------------------


def _user(account: str, kind: str, name: str, org: str) -> Caller:
    arn = f"arn:aws:iam::{account}:{kind}" + (f"/{name}" if name else "")
    types = {"user": "User", "role": "AssumedRole", "root": "Account"}
    keys: Values = {
        ARN: (arn,),
        "aws:principalaccount": (account,),
        "aws:principaltype": (types[kind],),
        "aws:principalisawsservice": ("false",),
    }
    if kind == "user":
        keys["aws:username"] = (name,)
    if org:
        keys |= {ORG: (org,), PATHS: (f"{org}/r-1/",)}
    return Caller("iam", account, (arn,), "", keys)


ANONYMOUS = Caller(
    "anonymous",
    keys={"aws:principalaccount": ("anonymous",), "aws:principaltype": ("Anonymous",)},
)
IDENTITIES = [("user", "bob"), ("user", "bx"), ("user", "q"), ("user", "other")]
IDENTITIES += [("role", "App"), ("role", "other"), ("root", "")]
STRANGERS = [
    _user(account, kind, name, org)
    for account in (STRANGER, "555566660000")
    for kind, name in IDENTITIES
    for org in ("", "o-azzz", "o-zzzz")
]
MEMBERS = {
    org: [
        _user(account, kind, name, org)
        for account in (STRANGER, "555566660000")
        for kind, name in IDENTITIES
    ]
    for org in ("o-aaaa", "o-bbbb")
}
NARROW = ("203.0.113.7", "203.0.113.9")
WIDE = ("8.8.8.8", "200.1.1.1", "2600::1", "2001:db8::1")
REFERERS = ("", "http://a.example/x", "http://a.example/q", "http://a.example/*", "*x", "zx", "z")
TAGS = ("", "1", "2", "12", "*2", "z")
KEYS = ("a/x", "a/y", "b/x", "b/y", "c/x", "c/y")


def _networks() -> Iterator[tuple[Values, bool]]:
    """Yield where from, and whether anybody can be there."""
    for ip in (*NARROW, *WIDE):
        # A /32 of IPv6 is a named network to AWS; the documentation range is one.
        yield {"aws:sourceip": (ip,)}, ip in WIDE and not ip.startswith("2001:db8")
    yield {"aws:sourcevpce": ("vpce-1",)}, False
    yield {"aws:sourcevpce": ("vpce-z",)}, True


def _grade(policy: tuple[ir.Statement, ...], callers: list[Caller]) -> Grade:
    """Return the best that any of some callers gets, by asking about every request."""
    used = {c.key for s in policy for c in s.conditions}
    referers = REFERERS if "aws:referer" in used else ("",)
    secure = TRUTH if "aws:securetransport" in used else ("true",)
    best = Grade.NO
    for caller in callers:
        tags = TAGS if "aws:principaltag/t" in used and caller.kind != "anonymous" else ("",)
        for (network, free), referer, tag, tls, key in itertools.product(
            list(_networks()), referers, tags, secure, KEYS
        ):
            context: Values = {**network, "aws:securetransport": (tls,)}
            context |= {"aws:referer": (referer,)} if referer else {}
            context |= {"aws:principaltag/t": (tag,)} if tag else {}
            request = Request(caller, "s3:GetObject", f"{BUCKET}/{key}", context)
            if decide(policy, request) == ALLOW:
                if free:
                    return Grade.YES
                best = Grade.RESTRICTED
    return best


def _answer(policy: list[Statement], actor: Actor, label: str = "") -> tuple[Grade, Grade]:
    low = high = Grade.NO
    for opening in judged(*policy).openings:
        reach = opening.reach
        wanted = opening.capability == Capability.READ and "s3:GetObject" in opening.actions
        if wanted and reach.actor == actor and (not label or reach.label == label):
            low = max(low, reach.low, key=RANK.__getitem__)
            high = max(high, reach.high, key=RANK.__getitem__)
    return low, high


def _only_get_object(policy: list[Statement]) -> list[Statement]:
    """Leave one action to ask about: GetObjectVersion would be another way to read."""
    return [*policy, {**_deny_all(), "NotAction": "s3:GetObject"}]


def _deny_all() -> Statement:
    return {"Effect": "Deny", "Principal": "*", "Resource": "*"}


@SLOW
@given(policy=POLICIES)
def test_unsigned_requests_get_exactly_what_the_evaluator_allows(policy: list[Statement]) -> None:
    policy = _only_get_object(policy)

    truth = _grade(lowered(*policy), [ANONYMOUS])

    assert _answer(policy, Actor.ANONYMOUS) == (truth, truth)


@SLOW
@given(policy=POLICIES)
def test_accounts_of_strangers_get_exactly_what_the_evaluator_allows(
    policy: list[Statement],
) -> None:
    policy = _only_get_object(policy)

    truth = _grade(lowered(*policy), STRANGERS)

    assert _answer(policy, Actor.ANY_ACCOUNT) == (truth, truth)


@SLOW
@given(policy=POLICIES, org=st.sampled_from(["o-aaaa", "o-bbbb"]))
def test_a_named_organization_gets_what_the_evaluator_allows(
    policy: list[Statement], org: str
) -> None:
    """It is not mentioned where it gets no more than every stranger."""
    policy = _only_get_object(policy)

    truth = _grade(lowered(*policy), MEMBERS[org])

    everybody = _answer(policy, Actor.ANY_ACCOUNT)[0]
    named = _answer(policy, Actor.OUTSIDER, org)
    for found in named:
        best = max(found, everybody, key=RANK.__getitem__)
        assert best == max(truth, everybody, key=RANK.__getitem__)


@SLOW
@given(policy=POLICIES)
def test_every_request_that_is_shown_is_allowed(policy: list[Statement]) -> None:
    for opening in judged(*policy).openings:
        if opening.reach.low != Grade.NO:
            assert decide(lowered(*policy), opening.reach.request) == ALLOW


# --- laws ---------------------------------------------------------------------------------------


def _within(smaller: list[Statement], larger: list[Statement]) -> bool:
    """Tell whether one policy opens no more than another, in what is certain and what is not.

    Certain to a named outsider counts as covered where everybody is let in by the larger one.
    """
    less, more = _cells(smaller), _cells(larger)
    return all(
        RANK[mine[i]] <= RANK[more.get(key, (Grade.NO, Grade.NO))[i]]
        for key, mine in less.items()
        for i in (0, 1)
    )


def _cells(policy: list[Statement]) -> dict[Any, tuple[Grade, Grade]]:
    found: dict[Any, tuple[Grade, Grade]] = dict(summary(judged(*policy)))
    for capability in Capability:
        everybody = found.get((capability, Actor.ANY_ACCOUNT), (Grade.NO, Grade.NO))
        named = found.get((capability, Actor.OUTSIDER), (Grade.NO, Grade.NO))
        best = [max(pair, key=RANK.__getitem__) for pair in zip(everybody, named, strict=True)]
        found[capability, Actor.OUTSIDER] = (best[0], best[1])
    return found


@SLOW
@given(policy=POLICIES, extra=statements("Deny"))
def test_adding_a_deny_never_widens(policy: list[Statement], extra: Statement) -> None:
    before, after = _cells(policy), _cells([*policy, extra])

    for actor in (Actor.ANONYMOUS, Actor.ANY_ACCOUNT):
        key = (Capability.READ, actor)
        none = (Grade.NO, Grade.NO)
        assert RANK[after.get(key, none)[1]] <= RANK[before.get(key, none)[1]]


@SLOW
@given(policy=POLICIES, extra=statements("Allow"))
def test_adding_an_allow_never_narrows(policy: list[Statement], extra: Statement) -> None:
    assert _within(policy, [*policy, extra])


@SLOW
@given(policy=POLICIES, data=st.data())
def test_order_copies_and_spelling_do_not_matter(
    policy: list[Statement], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations([*policy, policy[0]]))

    assert _cells([_respelled(s) for s in shuffled]) == _cells(policy)


def _respelled(statement: Statement) -> Statement:
    """Change the case of keys and actions, and scalars to lists."""
    found = dict(statement)
    for name in ("Action", "NotAction"):
        if name in found:
            values = found[name] if isinstance(found[name], list) else [found[name]]
            found[name] = [value.upper() for value in values]
    for name in ("Resource", "NotResource"):
        if isinstance(found.get(name), str):
            found[name] = [found[name]]
    found["Condition"] = {
        operator: {
            key.upper(): values[0] if len(values) == 1 else values for key, values in row.items()
        }
        for operator, row in statement["Condition"].items()
    }
    return found


@SLOW
@given(policy=POLICIES, key=st.sampled_from(list(TEXTS)))
def test_a_further_condition_never_widens_an_allow(policy: list[Statement], key: str) -> None:
    closed = [
        {**s, "Condition": {**s["Condition"], "Null": {key: "false"}}}
        if s["Effect"] == "Allow" and "Null" not in s["Condition"]
        else s
        for s in policy
    ]

    assert _within(closed, policy)
