"""One answer to one call: believed if it is that call's, and malformed if it is not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import botocore.session
import msgspec
import pytest
from botocore.parsers import ResponseParserError

from cachescan.model import GapReason
from cachescan.providers.aws import schemas as s
from cachescan.providers.aws.bucket import CALLS, MOST_PAGES, BucketReader
from cachescan.providers.aws.errors import Ignored, Malformed, classify
from cachescan.providers.aws.kinds import BUCKET

if TYPE_CHECKING:
    from msgspec import Struct

LISTING = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult><Name>b</Name>'
    "<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"
)
XML_CALLS = sorted(name for name, call in CALLS.items() if call.root)
PAGED = sorted(name for name, call in CALLS.items() if call.paged)


@pytest.fixture(scope="module")
def reader() -> BucketReader:
    return BucketReader(botocore.session.Session().get_service_model("s3"))


def _decode(reader: BucketReader, name: str, body: str) -> Struct:
    async def fetch(_query: str) -> bytes:
        return body.encode()

    return asyncio.run(reader.read(name, fetch))


def _malformed(reader: BucketReader, name: str, body: bytes) -> str:
    async def fetch(_query: str) -> bytes:
        return body

    with pytest.raises((ValueError, msgspec.MsgspecError, ResponseParserError)) as caught:
        asyncio.run(reader.read(name, fetch))
    assert classify(caught.value, BUCKET.facet(name)) == GapReason.MALFORMED
    return str(caught.value)


def test_every_facet_of_a_bucket_has_a_call() -> None:
    assert set(CALLS) == {facet.name for facet in BUCKET.facets if not facet.listed}


@pytest.mark.parametrize("name", sorted(set(XML_CALLS) - {"acl", "policy_status"}))
def test_an_empty_answer_of_the_right_sort_means_not_set(reader: BucketReader, name: str) -> None:
    root = CALLS[name].root
    body = f'<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'

    assert _decode(reader, name, body) == BUCKET.facet(name).neutral


@pytest.mark.parametrize("name", ["acl", "policy_status"])
def test_an_empty_answer_is_malformed_where_it_would_read_as_safe(
    reader: BucketReader, name: str
) -> None:
    assert "missing required field" in _malformed(reader, name, f"<{CALLS[name].root}/>".encode())


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"<html><body>Welcome</body></html>",
        b'{"message": "ok"}',
        b"\xff\xfe\x00",
        b"<Error><Code>InternalError</Code></Error>",
    ],
)
def test_an_answer_to_another_call_is_malformed(
    reader: BucketReader, name: str, body: bytes
) -> None:
    _malformed(reader, name, body)


@pytest.mark.parametrize("name", XML_CALLS)
def test_the_bucket_s_own_listing_means_that_the_store_ignores_the_call(
    reader: BucketReader, name: str
) -> None:
    with pytest.raises(Ignored, match="the answer is a ListBucketResult") as caught:
        _decode(reader, name, LISTING)

    assert classify(caught.value, BUCKET.facet(name)) == GapReason.UNSUPPORTED


def test_a_listing_is_no_policy(reader: BucketReader) -> None:
    assert "not JSON" in _malformed(reader, "policy", LISTING.encode())


def test_answers_alike_are_decoded_once(reader: BucketReader) -> None:
    body = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"

    assert _decode(reader, "versioning", body) is _decode(reader, "versioning", body)
    # The same bytes are another facet's answer too, and are judged as such.
    _malformed(reader, "accelerate", body.encode())


@pytest.mark.parametrize("name", XML_CALLS)
def test_an_answer_that_is_cut_off_is_malformed(reader: BucketReader, name: str) -> None:
    _malformed(reader, name, f"<?xml version='1.0'?><{CALLS[name].root}><".encode())


@pytest.mark.parametrize("name", XML_CALLS)
def test_a_document_type_is_refused(reader: BucketReader, name: str) -> None:
    root = CALLS[name].root
    bomb = f'<!DOCTYPE {root} [<!ENTITY a "aaaaaaaaaa">]><{root}>&a;</{root}>'

    assert _malformed(reader, name, bomb.encode()) == "the answer is not XML"


def test_a_root_element_may_name_the_call_and_carry_a_prefix(reader: BucketReader) -> None:
    enabled = s.Versioning(Status="Enabled")
    body = "<Status>Enabled</Status>"

    for root in ("VersioningConfiguration", "GetBucketVersioningResponse"):
        assert _decode(reader, "versioning", f"<{root}>{body}</{root}>") == enabled
    prefixed = (
        "\ufeff<?xml version='1.0'?>\n<!-- proxy --><s3:VersioningConfiguration xmlns:s3='x'>"
        "<s3:Status>Enabled</s3:Status></s3:VersioningConfiguration>"
    )
    assert _decode(reader, "versioning", prefixed) == enabled


@pytest.mark.parametrize(
    ("body", "region"),
    [
        ("<LocationConstraint/>", "us-east-1"),
        ('<LocationConstraint xmlns="x" />', "us-east-1"),
        ("<LocationConstraint></LocationConstraint>", "us-east-1"),
        ('<LocationConstraint xmlns="x">EU</LocationConstraint>', "eu-west-1"),
        ("<LocationConstraint>\n ap-south-2 </LocationConstraint>", "ap-south-2"),
    ],
)
def test_the_location_speaks_of_regions(reader: BucketReader, body: str, region: str) -> None:
    assert _decode(reader, "location", body) == s.Location(LocationConstraint=region)


@pytest.mark.parametrize("word", ["TRUE", "True", " true\n"])
def test_a_boolean_is_read_whatever_its_case(reader: BucketReader, word: str) -> None:
    body = f"<PolicyStatus><IsPublic>{word}</IsPublic></PolicyStatus>"

    assert _decode(reader, "policy_status", body) == s.PolicyStatus(IsPublic=True)


@pytest.mark.parametrize(
    "inner",
    [
        "<IsPublic>yes</IsPublic>",
        "<IsPublic/>",
        "<IsPublic>true</IsPublic><IsPublic>true</IsPublic>",
    ],
)
def test_a_boolean_that_is_none_is_not_false(reader: BucketReader, inner: str) -> None:
    _malformed(reader, "policy_status", f"<PolicyStatus>{inner}</PolicyStatus>".encode())


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("lifecycle", "<Rule><Expiration><Days>soon</Days></Expiration></Rule>"),
        ("lifecycle", "<Rule><Expiration><Date>soon</Date></Expiration></Rule>"),
        ("versioning", "<Status>Enabled</Status><Status>Suspended</Status>"),
        ("tagging", "<TagSet/><TagSet/>"),
    ],
)
def test_nonsense_inside_is_malformed(reader: BucketReader, name: str, body: str) -> None:
    root = CALLS[name].root

    _malformed(reader, name, f"<{root}>{body}</{root}>".encode())


@pytest.mark.parametrize(("inner", "on"), [("", False), ("<EventBridgeConfiguration/>", True)])
def test_an_empty_element_turns_eventbridge_on(
    reader: BucketReader, inner: str, *, on: bool
) -> None:
    body = f"<NotificationConfiguration>{inner}</NotificationConfiguration>"

    assert _decode(reader, "notification", body) == s.Notification(EventBridge=on)


def test_a_policy_is_parsed(reader: BucketReader) -> None:
    body = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}}'

    policy = _decode(reader, "policy", body)

    assert isinstance(policy, s.Policy)
    assert policy.Statement[0].Principal == {"AWS": ["*"]}


def _pages(reader: BucketReader, name: str, bodies: dict[str, str]) -> Struct:
    async def fetch(query: str) -> bytes:
        assert query.partition("&")[0] == CALLS[name].query
        return bodies[parse_qs(query).get("continuation-token", [""])[0]].encode()

    return asyncio.run(reader.read(name, fetch))


def _configurations(name: str, ids: list[str], token: str = "", more: str = "") -> str:
    root, (entries,) = CALLS[name].root, BUCKET.facet(name).schema.__struct_fields__
    element = entries.removesuffix("List")
    return (
        f"<{root}><IsTruncated>{more or str(bool(token)).lower()}</IsTruncated>"
        + "".join(f"<{element}><Id>{i}</Id></{element}>" for i in ids)
        + (f"<NextContinuationToken>{token}</NextContinuationToken>" if token else "")
        + f"</{root}>"
    )


@pytest.mark.parametrize("name", PAGED)
def test_configurations_are_read_over_all_pages(reader: BucketReader, name: str) -> None:
    bodies = {
        "": _configurations(name, ["a", "b"], "x/1+=&amp;"),
        "x/1+=&": _configurations(name, ["c"]),
    }

    facet = msgspec.to_builtins(_pages(reader, name, bodies))

    assert [entry["Id"] for entries in facet.values() for entry in entries] == ["a", "b", "c"]


@pytest.mark.parametrize("name", PAGED)
def test_configurations_without_end_are_malformed(reader: BucketReader, name: str) -> None:
    endless = {str(i): _configurations(name, [], str(i + 1)) for i in range(MOST_PAGES + 2)}
    for bodies in (
        {"": _configurations(name, ["a"], "t"), "t": _configurations(name, ["b"], "t")},
        {"": _configurations(name, ["a"], more="true")},
        {"": _configurations(name, [], "0"), **endless},
    ):
        with pytest.raises(Malformed, match=r"leads nowhere|pages"):
            _pages(reader, name, bodies)
