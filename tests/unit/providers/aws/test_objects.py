"""Pages of a listing: hostile keys come through unchanged, broken pages do not come through."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachescan.providers.aws.errors import Malformed
from cachescan.providers.aws.objects import MOST_EMPTY_PAGES, pages, parse, unescape

if TYPE_CHECKING:
    from cachescan.providers.base import ObjectPage

HOSTILE = [
    b"a//b",
    b"//",
    b"/leading",
    b"trailing/",
    b"a/./b",
    b"a/../b",
    b"..",
    b"\x01",
    b"a\nb",
    b"a\rb",
    b"&amp;",
    b"&#x1;",
    b"a & b < c > d \" e ' f",
    b"</Key><Key>forged</Key>",
    b"<IsTruncated>false</IsTruncated>",
    b"]]>",
    "\u202eexe.txt".encode(),
    "\u200b\ufeff\u2028".encode(),
    "café/cafe\u0301".encode(),
    "\U0001f512".encode(),
    b"%2F%00",
    b" leading and trailing ",
    b"x" * 1024,
    b"&" * 1024,
]


def _escaped(key: bytes) -> bytes:
    """Write a key as S3 does: control characters as references that XML 1.0 forbids."""
    text = escape(key.decode(), {'"': "&quot;", "'": "&apos;"})
    return re.sub(r"[\x00-\x1f]", lambda c: f"&#x{ord(c[0]):X};", text).encode()


def page(keys: list[bytes], token: bytes = b"", *, truncated: bool | None = None) -> bytes:
    entries = b"".join(
        b"<Contents><Key>%b</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        b"<Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>" % (_escaped(k), i)
        for i, k in enumerate(keys)
    )
    more = bool(token) if truncated is None else truncated
    after = b"<NextContinuationToken>%b</NextContinuationToken>" % _escaped(token) if token else b""
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
        b"<IsTruncated>%b</IsTruncated>%b%b</ListBucketResult>"
        % (str(more).lower().encode(), entries, after)
    )


def listed(bodies: dict[str, bytes]) -> list[ObjectPage]:
    """List from a server that maps continuation tokens to pages."""

    async def fetch(query: str) -> bytes:
        return bodies[parse_qs(query).get("continuation-token", [""])[0]]

    async def run() -> list[ObjectPage]:
        return [p async for p in pages(fetch)]

    return asyncio.run(run())


def test_hostile_keys_come_through_unchanged() -> None:
    found = parse(page(HOSTILE))

    assert found.keys == HOSTILE
    assert found.sizes == list(range(len(HOSTILE)))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)))
def test_any_key_comes_through_unchanged(keys: list[str]) -> None:
    encoded = [key.encode() for key in keys]

    assert parse(page(encoded)).keys == encoded


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (b"&amp;lt;", b"&lt;"),
        (b"&#x1;&#1;&#13;", b"\x01\x01\r"),
        (b"&#x1F512;&#128274;", "\U0001f512\U0001f512".encode()),
        (b"&#xD800;", b"&#xD800;"),
        (b"&#x110000;", b"&#x110000;"),
        (b"&copy;&nbsp;&AMP;", b"&copy;&nbsp;&AMP;"),
        (b"a & b &; &#; &#x; &amp", b"a & b &; &#; &#x; &amp"),
        (b"&#x99999999999;", b"&#x99999999999;"),
    ],
)
def test_only_the_entities_of_xml_are_resolved(text: bytes, plain: bytes) -> None:
    assert unescape(text) == plain


def test_pages_follow_the_token_as_the_server_gave_it() -> None:
    token = "1/a b&c+d=="

    found = listed({"": page([b"a"], token.encode()), token: page([b"b"])})

    assert [p.keys for p in found] == [[b"a"], [b"b"]]
    assert [p.more for p in found] == [True, False]


def test_an_empty_bucket_is_one_empty_page() -> None:
    (only,) = listed({"": page([])})

    assert (only.keys, only.sizes, only.more) == ([], [], False)


@pytest.mark.parametrize(
    "bodies",
    [
        pytest.param({"": page([b"a"], b"t"), "t": page([b"b"], b"t")}, id="token repeats"),
        pytest.param(
            {"": page([b"a"], b"t"), "t": page([b"b"], b"u"), "u": page([b"a"], b"t")},
            id="tokens go round",
        ),
        pytest.param({"": page([b"a"], truncated=True)}, id="no token"),
        pytest.param(
            {"": page([], b"0")}
            | {str(i): page([], str(i + 1).encode()) for i in range(MOST_EMPTY_PAGES + 5)},
            id="empty pages without end",
        ),
    ],
)
def test_a_listing_without_end_is_malformed(bodies: dict[str, bytes]) -> None:
    with pytest.raises(Malformed, match="leads nowhere"):
        listed(bodies)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (page([b"a", b"b"])[:-20], "does not end"),
        (b"", "does not end"),
        (b"<Error><Code>AccessDenied</Code></Error>", "does not end"),
        (page([b"a"]).replace(b"IsTruncated", b"Truncated"), "the last"),
        (page([b"a"]).replace(b"<Key>a</Key>", b""), "1 objects with 0 keys"),
        (page([b"a"]).replace(b"<Size>0</Size>", b"<Size>-1</Size>"), "0 sizes"),
        (page([b"a"]).replace(b"<Key>a", b"<Key><![CDATA[a]]>"), "1 objects with 0 keys"),
    ],
)
def test_a_page_that_contradicts_itself_is_malformed(body: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        parse(body)
