"""The identity of a finding: stable over text edits, hosts and runs, and never ambiguous."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from cachescan.fingerprint import digest, fingerprint
from cachescan.model import ResourceRef

REF = ResourceRef("aws", "aws/bucket", "arn:aws:s3:::b", "b", "123456789012", "eu-west-1")
TEXTS = st.lists(st.text(max_size=5), max_size=4)


def test_a_fingerprint_stays_what_it_is() -> None:
    """Users keep these in tickets: a change here closes every finding and opens another."""
    known = fingerprint("aws-bucket-public-read", REF)

    assert known == "1:" + digest(("1", "aws-bucket-public-read", "aws", "arn:aws:s3:::b"))
    assert known == "1:c4c070ec832e0ba860b5cc8df693d07a"
    assert re.fullmatch(r"1:[0-9a-f]{32}", known)


def test_what_is_told_differently_is_the_same_finding() -> None:
    """Region, name and account are not in it: they follow from the uid."""
    moved = structs.replace(REF, region="", name="other", scope="x", kind="x")

    assert fingerprint("r", moved) == fingerprint("r", REF)


def test_another_rule_resource_provider_or_identity_is_another_finding() -> None:
    found = {
        fingerprint("r", REF),
        fingerprint("s", REF),
        fingerprint("r", structs.replace(REF, uid="arn:aws:s3:::c")),
        fingerprint("r", structs.replace(REF, provider="gcp")),
        fingerprint("r", REF, ["a"]),
        fingerprint("r", REF, ["a", "b"]),
        fingerprint("r", REF, [["a", "b"]]),
        fingerprint("r", REF, [1]),
        fingerprint("r", REF, ["1"]),
    }

    assert len(found) == 9


@given(TEXTS, TEXTS)
def test_two_lists_of_texts_have_one_digest_only_if_they_are_equal(
    left: list[str], right: list[str]
) -> None:
    """Lengths are part of it: ``ab, c`` is not ``a, bc``."""
    assert (digest(left) == digest(right)) == (left == right)


def test_the_order_of_keys_does_not_show() -> None:
    assert digest([{"a": 1, "b": 2}]) == digest([{"b": 2, "a": 1}])
