"""The interval law on records of buckets: a fact taken away never makes an answer wrong.

A full record is drawn, some of its facts are turned into gaps, and what the full record says must
lie within what is said without them.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.buckets import (
    ACCOUNT,
    ALL_USERS,
    ARN,
    AUTHENTICATED,
    EXPOSURE_FACETS,
    FOREIGN,
    LOG_DELIVERY,
    OWNER,
    STRANGER,
    allow,
    bucket,
    exposure,
    gap,
    user,
)

from cachescan.exposure import as_variables
from cachescan.model import Actor, Capability, Exposure, GapReason, Grade

if TYPE_CHECKING:
    from cachescan.model import Resource

RANK = {Grade.NO: 0, Grade.RESTRICTED: 1, Grade.YES: 2}
SWITCHES = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
EVERYBODY: list[Any] = ["*", {"AWS": "*"}]
SOMEBODY: list[Any] = [
    {"AWS": FOREIGN},
    {"AWS": f"arn:aws:iam::{FOREIGN}:role/App"},
    {"AWS": ACCOUNT},
    {"AWS": "AIDAEXAMPLEEXAMPLE01"},
    {"CanonicalUser": OWNER},
    {"CanonicalUser": STRANGER},
    {"Service": "logging.s3.amazonaws.com"},
]
ACTIONS = [
    "s3:*",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:Put*",
    "s3:PutBucketPolicy",
    "s3:GetBucketAcl",
]
RESOURCES = [[ARN, f"{ARN}/*"], f"{ARN}/*", ARN, f"{ARN}*", f"{ARN}/pub/*", "arn:aws:s3:::other/*"]
PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}
DENIES = [
    allow("s3:*", Effect="Deny", Condition=PLAIN_HTTP),
    allow("s3:*", Effect="Deny", Principal={"AWS": ACCOUNT}),
]
GRANTEES = [ALL_USERS, AUTHENTICATED, LOG_DELIVERY, user(OWNER), user(STRANGER)]
PERMISSIONS = ["READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"]
some_switches = st.lists(st.sampled_from(SWITCHES), unique=True)


@st.composite
def full_records(draw: st.DrawFn) -> Resource:
    """Draw a bucket of which everything was read, without conditions in its policy."""
    statements = draw(
        st.lists(
            st.builds(
                allow,
                st.sampled_from(ACTIONS),
                Principal=st.sampled_from(EVERYBODY + SOMEBODY),
                Resource=st.sampled_from(RESOURCES),
            )
            | st.sampled_from(DENIES),
            max_size=3,
        )
    )
    grants = st.tuples(st.sampled_from(GRANTEES), st.sampled_from(PERMISSIONS))
    allows = [s for s in statements if s["Effect"] == "Allow"]
    return bucket(
        *statements,
        acl=draw(st.lists(grants, max_size=3)),
        block=draw(some_switches),
        account_block=draw(some_switches),
        ownership=draw(st.sampled_from(["", "ObjectWriter", "BucketOwnerEnforced"])),
        payer=draw(st.sampled_from(["BucketOwner", "Requester"])),
        status=any(s["Principal"] in EVERYBODY for s in allows),
        endpoint=draw(st.sampled_from(["", "https://store.example.com"])),
    )


def without(resource: Resource, *facets: str, reason: GapReason | None = None) -> Resource:
    """Return the record as it is if these facets were not read."""
    return structs.replace(
        resource,
        facets={n: v for n, v in resource.facets.items() if n not in facets},
        gaps=tuple(gap(name, reason or GapReason.PERMISSION_DENIED) for name in sorted(facets)),
    )


def lies_within(inner: Exposure, outer: Exposure) -> None:
    """Hold that every interval of one exposure is inside that of the other."""
    for capability in Capability:
        for actor in Actor:
            one, other = inner.cells[capability][actor], outer.cells[capability][actor]
            assert RANK[other.low] <= RANK[one.low], (capability, actor)
            assert RANK[one.high] <= RANK[other.high], (capability, actor)


def no_wider(inner: Exposure, outer: Exposure) -> None:
    """Hold that at both ends nobody reaches further in one exposure than in the other."""
    for capability in Capability:
        for actor in Actor:
            one, other = inner.cells[capability][actor], outer.cells[capability][actor]
            assert RANK[one.low] <= RANK[other.low], (capability, actor)
            assert RANK[one.high] <= RANK[other.high], (capability, actor)


@settings(max_examples=400)
@given(full_records(), st.sets(st.sampled_from(EXPOSURE_FACETS)))
def test_what_the_full_record_says_lies_within_what_is_said_without_some_facts(
    record: Resource, missing: set[str]
) -> None:
    lies_within(exposure(record), exposure(without(record, *missing)))


CORNERS = {
    "public policy": bucket(allow("*"), status=True),
    "named policy": bucket(allow("*", Principal={"AWS": FOREIGN}), status=False),
    "both": bucket(allow("*"), allow("*", Principal={"AWS": FOREIGN}), status=True),
    "public policy, restricted": bucket(allow("*"), block=SWITCHES, status=True),
    "named policy, restricted": bucket(
        allow("*", Principal={"AWS": FOREIGN}), account_block=SWITCHES, status=False
    ),
    "public ACL": bucket(acl=[(ALL_USERS, "FULL_CONTROL")], status=False),
    "public ACL, ignored": bucket(
        acl=[(ALL_USERS, "FULL_CONTROL"), (user(STRANGER), "READ")], block=SWITCHES, status=False
    ),
    "public ACL, enforced": bucket(
        acl=[(AUTHENTICATED, "FULL_CONTROL")], ownership="BucketOwnerEnforced", status=False
    ),
    "everything": bucket(
        allow("*"), acl=[(ALL_USERS, "FULL_CONTROL")], block=SWITCHES[3:], status=True
    ),
    "requester pays": bucket(allow("*"), acl=[(ALL_USERS, "READ")], payer="Requester", status=True),
    "canonical owner": bucket(allow("*", Principal={"CanonicalUser": OWNER}), status=False),
    "nothing": bucket(status=False),
}


@pytest.mark.parametrize("record", CORNERS.values(), ids=CORNERS.keys())
def test_every_way_of_not_reading_some_facts_is_covered(record: Resource) -> None:
    """All sets of missing facts that decide anything, on the corners of the decision table."""
    full, deciding = exposure(record), sorted(set(EXPOSURE_FACETS) - {"bucket", "location"})
    for size in range(len(deciding) + 1):
        for missing in combinations(deciding, size):
            lies_within(full, exposure(without(record, *missing)))


@given(full_records(), st.sets(st.sampled_from(EXPOSURE_FACETS)), st.sampled_from(EXPOSURE_FACETS))
def test_one_more_missing_fact_never_narrows(
    record: Resource, missing: set[str], more: str
) -> None:
    """Knowing less, less is certain."""
    lies_within(exposure(without(record, *missing)), exposure(without(record, *(missing | {more}))))


@given(full_records(), st.sets(st.sampled_from(EXPOSURE_FACETS)))
def test_an_open_answer_names_a_missing_fact_and_a_full_record_has_few(
    record: Resource, missing: set[str]
) -> None:
    """What keeps an answer open is among the gaps, or is a limit of the engine and says so."""
    found = exposure(without(record, *missing))
    for row in found.cells.values():
        for bounds in row.values():
            assert bool(bounds.open_because) == (bounds.low != bounds.high)
            for reason in bounds.open_because:
                assert reason.facet in missing or reason.reason == GapReason.UNSUPPORTED


@given(full_records(), st.sets(st.sampled_from(EXPOSURE_FACETS)))
def test_whoever_has_an_account_can_do_what_anonymous_can(
    record: Resource, missing: set[str]
) -> None:
    for row in exposure(without(record, *missing)).cells.values():
        assert RANK[row[Actor.ANONYMOUS].low] <= RANK[row[Actor.ANY_ACCOUNT].low]
        assert RANK[row[Actor.ANONYMOUS].high] <= RANK[row[Actor.ANY_ACCOUNT].high]


def with_switch(record: Resource, level: str, switch: str, *, on: bool) -> Resource:
    block = {**record.facets[level], switch: on}
    return structs.replace(record, facets={**record.facets, level: block})


@settings(max_examples=200)
@given(
    full_records(),
    st.sampled_from(["public_access_block", "account_public_access_block"]),
    st.sampled_from(SWITCHES),
    st.sets(st.sampled_from(["policy", "policy_status", "acl", "ownership_controls"])),
)
def test_turning_a_switch_on_never_widens(
    record: Resource, level: str, switch: str, missing: set[str]
) -> None:
    """With everything read, and with facts missing."""
    off = without(with_switch(record, level, switch, on=False), *missing)
    on = without(with_switch(record, level, switch, on=True), *missing)

    no_wider(exposure(on), exposure(off))


@given(full_records())
def test_enforcing_the_owner_and_making_requesters_pay_never_widen(record: Resource) -> None:
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    enforced = {**record.facets, "ownership_controls": rules}
    paying = {**record.facets, "request_payment": {"Payer": "Requester"}}

    no_wider(exposure(structs.replace(record, facets=enforced)), exposure(record))
    no_wider(exposure(structs.replace(record, facets=paying)), exposure(record))


def with_statements(record: Resource, statements: list[dict[str, Any]]) -> Resource:
    policy = {**record.facets["policy"], "Statement": statements}
    return structs.replace(record, facets={**record.facets, "policy": policy})


@given(full_records(), st.data())
def test_a_deny_never_widens_and_the_order_of_statements_does_not_matter(
    record: Resource, data: st.DataObject
) -> None:
    statements = record.facets["policy"]["Statement"]
    refused = bucket(
        allow(
            data.draw(st.sampled_from(ACTIONS)),
            Effect="Deny",
            Principal=data.draw(st.sampled_from(EVERYBODY + SOMEBODY)),
        )
    ).facets["policy"]["Statement"]
    shuffled = data.draw(st.permutations(statements))

    no_wider(exposure(with_statements(record, statements + refused)), exposure(record))
    assert exposure(with_statements(record, shuffled)).cells == exposure(record).cells
    assert exposure(with_statements(record, statements * 2)).cells == exposure(record).cells


@given(full_records(), st.sets(st.sampled_from(EXPOSURE_FACETS)))
def test_a_rule_never_sees_more_than_is_known(record: Resource, missing: set[str]) -> None:
    """What is bound for rules without some facts is bound to the same with all of them."""
    less = as_variables(exposure(without(record, *missing)))
    full = as_variables(exposure(record))

    for name in ("exposure", "exposed"):
        for capability, row in less[name].items():
            for actor, value in row.items():
                if actor in full[name][capability]:
                    assert full[name][capability][actor] == value


@given(full_records(), st.sampled_from(["public_access_block", "account_public_access_block"]))
def test_nobody_reads_from_anywhere_behind_restrict_whatever_else_was_not_read(
    record: Resource, level: str
) -> None:
    """The firm answer that needs one permission only."""
    closed = with_switch(record, level, "RestrictPublicBuckets", on=True)
    blind = without(closed, *(set(EXPOSURE_FACETS) - {level}))

    assert as_variables(exposure(blind))["exposed"]["read"]["anonymous"] is False


@given(full_records(), st.sets(st.sampled_from(EXPOSURE_FACETS)), st.sampled_from(GapReason))
def test_why_a_fact_is_missing_does_not_change_the_answer_at_aws(
    record: Resource, missing: set[str], reason: GapReason
) -> None:
    """Denied, throttled, malformed: not read is not read."""
    at_aws = with_endpoint(record, "")

    assert [
        [(b.low, b.high) for b in row.values()]
        for row in exposure(without(at_aws, *missing, reason=reason)).cells.values()
    ] == [
        [(b.low, b.high) for b in row.values()]
        for row in exposure(without(at_aws, *missing)).cells.values()
    ]


def with_endpoint(record: Resource, endpoint: str) -> Resource:
    listing = {**record.facets["bucket"], "Endpoint": endpoint}
    return structs.replace(record, facets={**record.facets, "bucket": listing})
