"""The engine against an SMT solver: another mind, the same grade.

Set ORACLE_POLICIES to try more policies than a run of the tests does.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from tests.support import policy_oracle as oracle
from tests.support.policies import BUCKET, FOREIGN, RANK, Statement, judged, lowered

from cachescan.model import Actor, Capability, Grade
from cachescan.providers.aws.policy.match import BUCKET_ACTIONS, OBJECT_ACTIONS

POLICIES = int(os.environ.get("ORACLE_POLICIES", "0"))
TRIED = settings(
    deadline=None,
    max_examples=POLICIES or 15,
    derandomize=not POLICIES,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,  # the solver gives up often
    ],
)

TRUTH = ("true", "false")
STRINGS = (
    *("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"),
    *("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
)
ARNS = ("ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals")
NUMBERS = tuple(
    f"Numeric{how}"
    for how in (
        *("Equals", "NotEquals", "LessThan", "LessThanEquals"),
        *("GreaterThan", "GreaterThanEquals"),
    )
)
ADDRESSES = ("203.0.113.7/32", "203.0.113.0/24", "0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")
ROLE = f"arn:aws:iam::{FOREIGN}:role/App"

ANY_KEY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "aws:PrincipalOrgID": (STRINGS, ("o-aaaa", "o-*", "o-a*", "O-AAAA")),
    "aws:PrincipalArn": (
        (*ARNS, *STRINGS),
        (
            *("arn:aws:iam::*:role/App", "arn:aws:iam::*:user/*b", "arn:*:iam::*7:*", ROLE),
            f"arn:aws:iam::{FOREIGN}:*",
        ),
    ),
    "aws:PrincipalAccount": (STRINGS, (FOREIGN, "*7777", "anonymous", "?*")),
    "aws:PrincipalType": (STRINGS, ("User", "A*", "Anonymous", "assumedrole")),
    "aws:userid": (STRINGS, ("*", "AIDA*", "AROA*:x", "anonymous")),
    "aws:username": (STRINGS, ("bob", "b*", "?", "*o?")),
    "aws:PrincipalTag/t": (STRINGS, ("1", "*2", "?")),
    "aws:PrincipalIsAWSService": (("Bool",), TRUTH),
    "aws:Referer": (STRINGS, ("http://a.example/*", "http://a.example/x", "*x", "*/?*")),
    "aws:UserAgent": (STRINGS, ("probe", "Probe", "*robe*")),
    "aws:SourceIp": (("IpAddress", "NotIpAddress"), ADDRESSES),
    "aws:SourceVpce": (STRINGS, ("vpce-1a", "vpce-*", "vpce-?")),
    "aws:SourceVpc": (STRINGS, ("vpc-1a", "vpc-*", "vpc-*a")),
    "aws:SecureTransport": (("Bool",), TRUTH),
    "s3:TlsVersion": (NUMBERS, ("1.2", "1.25", "1.3")),
    "aws:CurrentTime": (
        ("DateLessThan", "DateGreaterThan", "DateEquals", "DateNotEquals"),
        ("2026-06-01T12:00:00+00:00", "2026-06-01T12:00:01+00:00", "2020-01-01T00:00:00+00:00"),
    ),
    "aws:ResourceAccount": (STRINGS, ("123456789012", "1234*", FOREIGN)),
}
LIST_KEYS = {
    "s3:prefix": (STRINGS, ("public/", "public/*", "*/")),
    "s3:max-keys": (NUMBERS, ("1", "10", "0")),
}
WRITE_KEYS = {
    "s3:x-amz-acl": (STRINGS, ("private", "p*", "public-read")),
    "s3:x-amz-server-side-encryption": (STRINGS, ("AES256", "aws:*")),
    "aws:TagKeys": (STRINGS, ("a", "b*", "?")),
}
KEYS = {Capability.READ: ANY_KEY, Capability.LIST: LIST_KEYS, Capability.WRITE: WRITE_KEYS}
ACTIONS = {
    Capability.READ: ("s3:GetObject", "s3:Get*", "s3:GetObjectVersion", "s3:*"),
    Capability.LIST: ("s3:ListBucket", "s3:List*", "S3:LISTBUCKETVERSIONS", "*"),
    Capability.WRITE: ("s3:PutObject", "s3:Put*", "s3:DeleteObject*", "s3:*Object*"),
}
RESOURCES: tuple[Statement, ...] = (
    {"Resource": f"{BUCKET}/*"},
    {"Resource": f"{BUCKET}/a/*"},
    {"Resource": [f"{BUCKET}/?/x", f"{BUCKET}/*b*c"]},
    {"NotResource": f"{BUCKET}/a/*"},
    {"NotResource": [f"{BUCKET}/*x", f"{BUCKET}/?"]},
    {"Resource": BUCKET},
    {"Resource": [BUCKET, f"{BUCKET}/*"]},
    {"Resource": "arn:aws:s3:::*"},
)
PRINCIPALS: tuple[Statement, ...] = (
    {"Principal": "*"},
    {"Principal": "*"},
    {"Principal": "*"},
    {"Principal": {"AWS": FOREIGN}},
    {"Principal": {"AWS": [ROLE, FOREIGN]}},
    {"NotPrincipal": {"AWS": [FOREIGN]}},
    {"NotPrincipal": {"AWS": [FOREIGN, ROLE]}},
    {"NotPrincipal": {"AWS": [ROLE]}},
)


@st.composite
def conditions(draw: st.DrawFn, capability: Capability) -> dict[str, dict[str, list[str]]]:
    """Draw one condition block of up to three atoms, of keys that fit."""
    found: dict[str, dict[str, list[str]]] = {}
    for _ in range(draw(st.integers(0, 2))):
        table = draw(st.sampled_from([ANY_KEY, KEYS[capability]]))
        key = draw(st.sampled_from(list(table)))
        names, values = table[key]
        name = draw(st.sampled_from(["Null", *names, *names]))
        if name == "Null":
            values = TRUTH
        else:
            prefixes = ["ForAllValues:", "ForAnyValue:"]
            several = key == "aws:TagKeys"
            name = draw(st.sampled_from(prefixes if several else ["", "", "", *prefixes])) + name
            name += draw(st.sampled_from(["", "", "IfExists"]))
        chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True))
        found.setdefault(name, {})[key] = chosen
    return found


@st.composite
def policies(draw: st.DrawFn, capability: Capability) -> list[Statement]:
    """Draw a policy about one capability."""
    found = []
    for effect in ("Allow", *draw(st.lists(st.sampled_from(["Allow", "Deny"]), max_size=1))):
        element = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
        actions = draw(
            st.lists(st.sampled_from(ACTIONS[capability]), min_size=1, max_size=2, unique=True)
        )
        found.append(
            {
                "Effect": effect,
                **draw(st.sampled_from(PRINCIPALS)),
                element: actions,
                **draw(st.sampled_from(RESOURCES)),
                "Condition": draw(conditions(capability)),
            }
        )
    return found


def _answer(statements: list[Statement], capability: Capability, *actors: Actor) -> Grade:
    """Return the engine's grade, which is a point in this vocabulary."""
    judgement = judged(*statements)
    assert not judgement.unjudged
    best = Grade.NO
    for opening in judgement.openings:
        if opening.capability == capability and opening.reach.actor in actors:
            if opening.reach.actor != Actor.OUTSIDER:  # whose organization is a fact not read
                assert opening.reach.low == opening.reach.high
            best = max(best, opening.reach.high, key=RANK.__getitem__)
    return best


@pytest.mark.parametrize("capability", [Capability.READ, Capability.LIST, Capability.WRITE])
@TRIED
@given(data=st.data())
def test_the_solver_finds_a_request_where_the_engine_does_and_nowhere_else(
    capability: Capability, data: st.DataObject
) -> None:
    """Unsigned requests, accounts of strangers, and whoever signs outside the owner's account."""
    statements = data.draw(policies(capability))
    policy = lowered(*statements)
    assert not any(s.unclear for s in policy)
    actions = [*OBJECT_ACTIONS.get(capability, ()), *BUCKET_ACTIONS.get(capability, ())]

    try:
        unsigned = oracle.grade(policy, oracle.ANONYMOUS, actions)
        stranger = oracle.grade(policy, oracle.STRANGER, actions)
        anybody = oracle.grade(policy, oracle.SIGNED, actions)
    except oracle.UndecidedError:
        reject()  # strings are hard: where the solver gives up there is nothing to compare with

    assert _answer(statements, capability, Actor.ANONYMOUS) == unsigned
    assert _answer(statements, capability, Actor.ANY_ACCOUNT) == stranger
    assert _answer(statements, capability, Actor.ANY_ACCOUNT, Actor.OUTSIDER) == anybody
