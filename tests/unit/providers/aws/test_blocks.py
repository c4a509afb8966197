"""Block Public Access, ownership and Requester Pays (docs/semantics.md, sections 1.1, 1.5, 1.6)."""

from __future__ import annotations

from itertools import product

import pytest
from msgspec import structs
from tests.support.buckets import (
    ALL_USERS,
    AUTHENTICATED,
    FOREIGN,
    STRANGER,
    Cells,
    allow,
    both,
    bucket,
    cells,
    exposure,
    gap,
    only,
    user,
)

from cachescan.model import Actor, Capability, Effect, GapReason

OPEN = "no..yes"
SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
PUBLIC = allow("s3:GetObject")
NAMED = allow("s3:GetObject", Principal={"AWS": FOREIGN})
OWNERSHIPS = ["", "ObjectWriter", "BucketOwnerPreferred", "BucketOwnerEnforced"]


# --- the decision table of section 1.5 ----------------------------------------------------------


@pytest.mark.parametrize("status", [None, "as it is"])
@pytest.mark.parametrize("ownership", OWNERSHIPS)
@pytest.mark.parametrize(
    ("policy_public", "acl_public", "restrict", "ignore"),
    list(product([True, False], repeat=4)),
)
def test_the_decision_table_of_block_public_access(
    policy_public: bool,  # noqa: FBT001
    acl_public: bool,  # noqa: FBT001
    restrict: bool,  # noqa: FBT001
    ignore: bool,  # noqa: FBT001
    ownership: str,
    status: str | None,
) -> None:
    """Stored policy and ACL against the merged switches and ownership, all of its rows."""
    on = [
        s
        for s, is_on in (("RestrictPublicBuckets", restrict), ("IgnorePublicAcls", ignore))
        if is_on
    ]
    resource = bucket(
        *([PUBLIC] if policy_public else []),
        acl=[(ALL_USERS, "WRITE")] if acl_public else [],
        block=on,
        ownership=ownership,
        status=policy_public if status else None,
    )

    expected: Cells = {}
    if policy_public and not restrict:
        expected |= both("read")
    if acl_public and not ignore and ownership != "BucketOwnerEnforced":
        # Beside a public policy that is cut off, the ACL's part is not settled.
        expected |= both("write", grade=OPEN if policy_public and restrict else "yes")
    assert cells(resource) == expected


@pytest.mark.parametrize("switch", ["BlockPublicAcls", "BlockPublicPolicy"])
def test_the_other_two_switches_do_nothing_to_what_is_stored(switch: str) -> None:
    """They refuse new grants; old ones stay open, which is what people overlook."""
    resource = bucket(PUBLIC, acl=[(ALL_USERS, "READ")], block=[switch], account_block=[switch])

    assert cells(resource) == both("read", "list")


@pytest.mark.parametrize("levels", [("block",), ("account_block",), ("block", "account_block")])
@pytest.mark.parametrize(
    ("switch", "left"),
    [("RestrictPublicBuckets", both("list", grade=OPEN)), ("IgnorePublicAcls", both("read"))],
)
def test_a_switch_is_on_if_it_is_on_at_any_level(
    levels: tuple[str, ...], switch: str, left: Cells
) -> None:
    how = {level: [switch] for level in levels}

    assert cells(bucket(PUBLIC, acl=[(ALL_USERS, "READ")], **how)) == left  # type: ignore[arg-type]


def test_different_switches_at_different_levels_are_merged() -> None:
    """Neither level alone closes it; both together do."""
    resource = bucket(
        PUBLIC,
        acl=[(ALL_USERS, "READ")],
        block=["RestrictPublicBuckets"],
        account_block=["IgnorePublicAcls"],
    )

    assert cells(resource) == {}


# --- levels that were not read ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unread", "block", "account_block", "grade"),
    [
        (["public_access_block"], [], [], OPEN),
        (["account_public_access_block"], [], [], OPEN),
        (["public_access_block", "account_public_access_block"], [], [], OPEN),
        (["public_access_block"], [], ["RestrictPublicBuckets"], None),
        (["account_public_access_block"], ["RestrictPublicBuckets"], [], None),
        (["account_public_access_block"], ["IgnorePublicAcls"], [], OPEN),
    ],
)
def test_a_level_that_was_not_read_is_open_unless_the_other_is_on(
    unread: list[str], block: list[str], account_block: list[str], grade: str | None
) -> None:
    """Never taken for off, and not needed where the other level decides."""
    resource = bucket(PUBLIC, unread=unread, block=block, account_block=account_block)

    assert cells(resource) == (both("read", grade=grade) if grade else {})


def test_an_unread_level_is_named_as_the_reason() -> None:
    resource = bucket(PUBLIC, unread=["account_public_access_block"], status=True)

    bounds = exposure(resource).cells[Capability.READ][Actor.ANONYMOUS]
    assert bounds.open_because == (gap("account_public_access_block"),)


@pytest.mark.parametrize("facet", ["public_access_block", "ownership_controls", "request_payment"])
def test_what_another_store_does_not_implement_stops_nobody(facet: str) -> None:
    """It says so itself. AWS says no such thing: there it stays a gap."""
    missing = gap(facet, GapReason.UNSUPPORTED)
    statements = (PUBLIC,)
    acl = [(ALL_USERS, "READ")]

    elsewhere = bucket(*statements, acl=acl, unread=[missing], endpoint="https://s.example.com")
    at_aws = bucket(*statements, acl=acl, unread=[missing])

    assert cells(elsewhere) == both("read", "list")
    assert OPEN in cells(at_aws).values()


def test_a_denied_level_of_another_store_stays_a_gap() -> None:
    resource = bucket(
        PUBLIC,
        unread=[
            gap("public_access_block"),
            gap("account_public_access_block", GapReason.UNSUPPORTED),
        ],
        endpoint="https://s.example.com",
    )

    assert cells(resource) == both("read", grade=OPEN)


# --- RestrictPublicBuckets and whom it leaves ---------------------------------------------------


def test_restrict_cuts_named_outsiders_off_as_well_if_the_policy_is_public() -> None:
    """Only services and the owner's account are left."""
    resource = bucket(PUBLIC, NAMED, block=["RestrictPublicBuckets"], status=True)

    assert cells(resource) == {}


def test_restrict_does_nothing_to_a_policy_that_is_not_public() -> None:
    resource = bucket(NAMED, block=["RestrictPublicBuckets"], status=False)

    assert cells(resource) == only("outsider", "read")


def test_a_policy_is_public_by_any_one_statement() -> None:
    """Also where the other statements name somebody, and without AWS's word."""
    resource = bucket(NAMED, PUBLIC, block=["RestrictPublicBuckets"])

    assert cells(resource) == {}


@pytest.mark.parametrize(
    ("status", "named", "listed"),
    [(None, OPEN, OPEN), (False, "yes", "yes"), (True, None, OPEN)],
)
def test_what_restrict_leaves_hangs_on_whether_the_policy_is_public(
    status: bool | None,  # noqa: FBT001
    named: str | None,
    listed: str,
) -> None:
    """Where AWS's word was not read and ours is open, nothing that hangs on it is certain."""
    network = allow("s3:GetObject", Condition={"StringEquals": {"aws:NewKey": "x"}})
    resource = bucket(
        network,
        NAMED,
        acl=[(ALL_USERS, "READ")],
        block=["RestrictPublicBuckets"],
        status=status,
    )

    assert cells(resource).get(("read", "outsider")) == named
    assert cells(resource)["list", "anonymous"] == listed


# --- IgnorePublicAcls, ownership, Requester Pays ------------------------------------------------


def test_ignore_voids_the_groups_and_not_the_named() -> None:
    acl = [(ALL_USERS, "READ"), (AUTHENTICATED, "WRITE"), (user(STRANGER), "FULL_CONTROL")]

    found = cells(bucket(acl=acl, block=["IgnorePublicAcls"]))

    assert found == only("outsider", "list", "write", "takeover")


@pytest.mark.parametrize("ownership", OWNERSHIPS)
def test_acls_count_unless_the_owner_is_enforced(ownership: str) -> None:
    """A legacy bucket without the setting has live ACLs."""
    acl = [(ALL_USERS, "READ"), (user(STRANGER), "WRITE")]

    found = cells(bucket(acl=acl, ownership=ownership))

    enforced = ownership == "BucketOwnerEnforced"
    assert found == ({} if enforced else both("list") | only("outsider", "write"))


def test_ownership_does_not_touch_the_policy() -> None:
    assert cells(bucket(PUBLIC, ownership="BucketOwnerEnforced")) == both("read")


def test_an_unread_ownership_leaves_acls_open() -> None:
    resource = bucket(PUBLIC, acl=[(ALL_USERS, "READ")], unread=["ownership_controls"])

    assert cells(resource) == both("read") | both("list", grade=OPEN)


def test_requester_pays_refuses_who_does_not_sign() -> None:
    """Whoever has an account pays and reads."""
    resource = bucket(PUBLIC, acl=[(ALL_USERS, "READ")], payer="Requester")

    assert cells(resource) == only("any_account", "read", "list")


def test_an_unread_payer_leaves_only_anonymous_open() -> None:
    resource = bucket(PUBLIC, unread=["request_payment"])

    assert cells(resource) == {("read", "anonymous"): OPEN, ("read", "any_account"): "yes"}


# --- evidence -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "facet", "said"),
    [
        ({"block": ["IgnorePublicAcls"]}, "public_access_block", "bucket level"),
        ({"account_block": ["IgnorePublicAcls"]}, "account_public_access_block", "account level"),
        ({"ownership": "BucketOwnerEnforced"}, "ownership_controls", "ACLs are void"),
    ],
)
def test_what_blocks_a_grant_is_shown_with_its_level(
    how: dict[str, object], facet: str, said: str
) -> None:
    found = exposure(bucket(acl=[(ALL_USERS, "READ")], **how))  # type: ignore[arg-type]

    assert found.paths == ()
    (evidence,) = {e for p in found.blocked for e in p.evidence if e.effect == Effect.BLOCKS}
    assert evidence.facet == facet
    assert said in evidence.summary


def test_what_does_not_block_is_part_of_the_path() -> None:
    (path,) = exposure(bucket(PUBLIC, status=True)).paths

    shown = {(e.facet, e.effect) for e in path.evidence}
    assert ("public_access_block", Effect.STATES) in shown
    assert ("request_payment", Effect.STATES) in shown


@pytest.mark.parametrize("switches", list(product([False, True], repeat=4)))
def test_all_four_switches_leave_nothing_to_the_public(switches: tuple[bool, ...]) -> None:
    """Whatever else is stored, with Ignore and Restrict on nobody unnamed gets in."""
    on = [name for name, is_on in zip(SWITCHES, switches, strict=True) if is_on]
    resource = bucket(allow("*"), acl=[(ALL_USERS, "FULL_CONTROL")], block=on)

    closed = {"IgnorePublicAcls", "RestrictPublicBuckets"} <= set(on)
    assert (cells(resource) == {}) == closed


def test_other_kinds_have_no_grants() -> None:
    """An account has blocks, and nothing that could be open."""
    resource = bucket(PUBLIC)
    account = structs.replace(resource, ref=structs.replace(resource.ref, kind="aws/account"))

    assert cells(account) == {}
