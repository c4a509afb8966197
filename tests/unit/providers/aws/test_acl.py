"""What a bucket ACL gives to outsiders (docs/semantics.md, section 1.6)."""

from __future__ import annotations

import pytest
from tests.support.buckets import (
    ALL_USERS,
    AUTHENTICATED,
    GROUP,
    LOG_DELIVERY,
    OWNER,
    STRANGER,
    Cells,
    both,
    bucket,
    cells,
    exposure,
    only,
    user,
)

from cachescan.model import Actor, Capability

OPEN = "no..yes"


@pytest.mark.parametrize(
    ("permission", "capabilities"),
    [
        ("READ", ("list",)),
        ("WRITE", ("write",)),
        ("READ_ACP", ()),
        ("WRITE_ACP", ("takeover",)),
        ("FULL_CONTROL", ("list", "write", "takeover")),
    ],
)
def test_a_permission_on_a_bucket_gives_what_it_gives(
    permission: str, capabilities: tuple[str, ...]
) -> None:
    """READ is the list of names, not the bytes; whoever writes the ACL takes the bucket over."""
    assert cells(bucket(acl=[(ALL_USERS, permission)])) == both(*capabilities)


@pytest.mark.parametrize(
    ("grantee", "expected"),
    [
        (ALL_USERS, both("list")),
        (AUTHENTICATED, only("any_account", "list")),
        (LOG_DELIVERY, {}),
        (user(OWNER), {}),
        (user(STRANGER), only("outsider", "list")),
        (
            {"Type": "AmazonCustomerByEmail", "EmailAddress": "eve@example.com"},
            only("outsider", "list"),
        ),
    ],
)
def test_a_grantee_is_who_it_names(grantee: dict[str, str], expected: Cells) -> None:
    """The group of those with an account is not anonymous; the log service is nobody outside."""
    assert cells(bucket(acl=[(grantee, "READ")])) == expected


@pytest.mark.parametrize(
    ("grantee", "permission"),
    [
        ({"Type": "Group", "URI": f"{GROUP}global/NewGroup"}, "READ"),
        ({"Type": "Group", "URI": ALL_USERS["URI"].lower()}, "READ"),
        ({"Type": "Martian"}, "READ"),
        ({}, "READ"),
        ({"DisplayName": "somebody"}, "READ"),
        (ALL_USERS, "EVERYTHING"),
        (user(STRANGER), ""),
    ],
)
def test_what_is_not_known_is_open_and_never_overlooked(
    grantee: dict[str, str], permission: str
) -> None:
    """A group or a permission that S3 may invent; the gap names it."""
    found = bucket(acl=[(grantee, permission)])

    assert OPEN in cells(found).values()
    assert "yes" not in cells(found).values()
    gaps = {
        gap.detail
        for row in exposure(found).cells.values()
        for bounds in row.values()
        for gap in bounds.open_because
    }
    assert any("not known to be foreign or own" in detail for detail in gaps)


def test_without_an_owner_a_canonical_user_may_be_the_owner() -> None:
    found = bucket(acl=[(user(STRANGER), "READ")])
    found.facets["acl"]["Owner"] = {"ID": ""}

    assert cells(found) == only("outsider", "list", grade=OPEN)


def test_a_named_grantee_is_told_by_name() -> None:
    found = exposure(
        bucket(acl=[(user(STRANGER), "READ"), ({"EmailAddress": "eve@example.com"}, "WRITE")])
    )

    assert found.outsiders == (STRANGER, "eve@example.com")


def test_an_acl_that_was_not_read_leaves_open_what_an_acl_could_give() -> None:
    """Never the bytes of objects: a bucket's ACL cannot give those."""
    found = cells(bucket(unread=["acl"]))

    assert set(found.values()) == {OPEN}
    assert {capability for capability, _ in found} == {"list", "write", "takeover"}
    assert {actor for _, actor in found} == {actor.value for actor in Actor}


@pytest.mark.parametrize("how", [{"ownership": "BucketOwnerEnforced"}])
def test_an_unread_acl_that_is_void_does_not_matter(how: dict[str, str]) -> None:
    """A firm no without the permission to read the ACL."""
    assert cells(bucket(unread=["acl"], **how)) == {}  # type: ignore[arg-type]


def test_an_unread_acl_behind_ignore_public_acls_is_open_to_the_named_only() -> None:
    found = cells(bucket(unread=["acl"], block=["IgnorePublicAcls"]))

    assert {actor for _, actor in found} == {"outsider"}


@pytest.mark.parametrize(
    ("permission", "capability", "method", "query"),
    [
        ("READ", Capability.LIST, "GET", "?list-type=2&max-keys=10"),
        ("WRITE", Capability.WRITE, "PUT", "cachescan-witness"),
        ("WRITE_ACP", Capability.TAKEOVER, "PUT", "?acl"),
    ],
)
@pytest.mark.parametrize(("grantee", "signed"), [(ALL_USERS, False), (AUTHENTICATED, True)])
def test_the_path_names_the_grant_and_shows_the_request(
    grantee: dict[str, str],
    permission: str,
    capability: Capability,
    method: str,
    query: str,
    *,
    signed: bool,
) -> None:
    found = exposure(bucket(acl=[(user(OWNER), "FULL_CONTROL"), (grantee, permission)]))

    (path,) = found.paths
    assert (path.via, path.capability) == ("bucket-acl", capability)
    assert path.evidence[0].pointer == "/Grants/1"
    assert permission in path.evidence[0].summary
    assert path.witness is not None
    assert (path.witness.method, path.witness.signed) == (method, signed)
    assert path.witness.url.endswith(f"/{query}")


def test_a_policy_that_was_not_read_may_deny_what_an_acl_gives() -> None:
    """A Deny ends every request, whoever allowed it."""
    found = cells(bucket(acl=[(ALL_USERS, "READ")], unread=["policy"]))

    assert found["list", "anonymous"] == OPEN
