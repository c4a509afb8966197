"""A small world of policies and requests, written down apart from the engine's cells.

The vocabulary draws policies; the world holds, for each atom of the vocabulary, values on both
sides of it, and ``grade`` asks the evaluator about every request.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from tests.support.policies import BUCKET, FOREIGN, Statement

from cachescan.model import Grade
from cachescan.providers.aws.policy.decide import ALLOW, Caller, Request, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachescan.providers.aws.policy import ir
    from cachescan.providers.aws.policy.decide import Values

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


def user(account: str, kind: str, name: str, org: str) -> Caller:
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
    user(account, kind, name, org)
    for account in (STRANGER, "555566660000")
    for kind, name in IDENTITIES
    for org in ("", "o-azzz", "o-zzzz")
]
MEMBERS = {
    org: [
        user(account, kind, name, org)
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


def networks() -> Iterator[tuple[Values, bool]]:
    """Yield where from, and whether anybody can be there."""
    for ip in (*NARROW, *WIDE):
        # A /32 of IPv6 is a named network to AWS; the documentation range is one.
        yield {"aws:sourceip": (ip,)}, ip in WIDE and not ip.startswith("2001:db8")
    yield {"aws:sourcevpce": ("vpce-1",)}, False
    yield {"aws:sourcevpce": ("vpce-z",)}, True


def grade(policy: tuple[ir.Statement, ...], callers: list[Caller]) -> Grade:
    """Return the best that any of some callers gets, by asking about every request."""
    used = {c.key for s in policy for c in s.conditions}
    referers = REFERERS if "aws:referer" in used else ("",)
    secure = TRUTH if "aws:securetransport" in used else ("true",)
    best = Grade.NO
    for caller in callers:
        tags = TAGS if "aws:principaltag/t" in used and caller.kind != "anonymous" else ("",)
        for (network, free), referer, tag, tls, key in itertools.product(
            list(networks()), referers, tags, secure, KEYS
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
