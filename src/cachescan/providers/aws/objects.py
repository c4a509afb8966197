"""Listing the objects of a bucket: keys as the server's own bytes, whatever is in them.

XML parsers refuse keys that S3 allows (``&#x1;``) and listers built on paths choke on ``//``; a
scanner that a hostile key can blind is none. So keys are what stands between ``<Key>`` and
``</Key>``, and a page is believed only if it is whole and its counts agree.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes

from cachescan.providers.aws.errors import Malformed
from cachescan.providers.base import ObjectPage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Fetch = Callable[[str], Awaitable[bytes]]
    """Takes a query and returns the body of the answer."""

FIRST_PAGE: Final = "list-type=2&max-keys=1000"
MOST_EMPTY_PAGES: Final = 100
"""Pages in a row without a key; a server may send some while it skips deleted versions."""

_END: Final = b"</ListBucketResult>"
_KEY = re.compile(rb"<Key>([^<]*)</Key>")
_SIZE = re.compile(rb"<Size>([0-9]+)</Size>")
_TRUNCATED = re.compile(rb"<IsTruncated>\s*(true|false)\s*</IsTruncated>", re.IGNORECASE)
_TOKEN = re.compile(rb"<NextContinuationToken>([^<]*)</NextContinuationToken>")
_ENTITY = re.compile(rb"&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));")
_NAMED: Final = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
_HIGHEST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


async def pages(fetch: Fetch) -> AsyncIterator[ObjectPage]:
    """Yield the pages of a bucket's listing to its end.

    Raises:
        Malformed: a page is cut off or contradicts itself, or the pages do not come to an end.
        Exception: whatever ``fetch`` raises.
    """
    query = FIRST_PAGE
    seen: set[bytes] = set()
    empty = 0
    while True:
        body = await fetch(query)
        page = parse(body)
        yield page
        if not page.more:
            return
        found = _TOKEN.search(body)
        token = unescape(found[1]) if found else b""
        empty = 0 if page.keys else empty + 1
        if not token or token in seen or empty > MOST_EMPTY_PAGES:
            raise Malformed("a further page is announced with a token that leads nowhere")
        seen.add(token)
        query = f"{FIRST_PAGE}&continuation-token={quote_from_bytes(token, safe='')}"


def parse(body: bytes) -> ObjectPage:
    """Return one page; raises Malformed unless it is whole and every object has key and size."""
    if not body.rstrip().endswith(_END):
        raise Malformed("the page does not end as a ListBucketResult")
    truncated = _TRUNCATED.search(body)
    if truncated is None:
        raise Malformed("the page does not say whether it is the last")
    keys = _KEY.findall(body)
    sizes = _SIZE.findall(body)
    objects = body.count(b"<Contents>")
    if not len(keys) == len(sizes) == objects:
        raise Malformed(f"{objects} objects with {len(keys)} keys and {len(sizes)} sizes")
    return ObjectPage(
        keys=[unescape(key) if b"&" in key else key for key in keys],
        sizes=[int(size) for size in sizes],
        more=truncated[1].lower() == b"true",
    )


def unescape(text: bytes) -> bytes:
    """Return the text with XML's five entities and numeric references resolved, and no others.

    ``html.unescape`` will not do: it drops ``&#x1;`` and rewrites code points as browsers do.
    What is no reference, or names no character, stays as it is: nothing may be lost.
    """
    return _ENTITY.sub(_resolve, text)


def _resolve(found: re.Match[bytes]) -> bytes:
    name, decimal, hexadecimal = found.groups()
    if name:
        return _NAMED[name]
    point = int(decimal) if decimal else int(hexadecimal, 16)
    if point > _HIGHEST or point in _SURROGATES:
        return found[0]
    return chr(point).encode()
