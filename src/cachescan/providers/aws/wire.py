"""The lean client of the hot S3 reads: one pooled HTTP session, signed by our own signer.

Credentials, regions and endpoints are the AWS SDK's (``session.py``); this file moves bytes. The
SDK's own client costs seven times the CPU for each call and gets slower with threads (ADR 0004).
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import aiohttp
from msgspec import Struct
from yarl import URL

from cachescan.providers.aws.errors import Malformed, WireError
from cachescan.providers.aws.signing import Signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cachescan.providers.aws.signing import Keys

LARGEST_ANSWER: Final = 8 << 20
"""Bytes. A page of 1000 keys of 1024 bytes, every byte escaped, is under 7 MiB."""

CONNECT_SECONDS: Final = 10
READ_SECONDS: Final = 60
WHOLE_SECONDS: Final = 300
"""Bounds a server that sends a byte now and then."""

CONNECTIONS: Final = 512
IDLE_SECONDS: Final = 15
"""S3 closes idle connections after some 20 seconds; closing first avoids the race."""

_PORTS = {"http": 80, "https": 443}
_CODE = re.compile(rb'<Code>([^<]*)</Code>|"(?:__type|[Cc]ode)"\s*:\s*"([^"]*)"')
_MESSAGE = re.compile(rb'<Message>([^<]*)</Message>|"[Mm]essage"\s*:\s*"([^"]*)"')
_REGION = re.compile(rb"<Region>([^<]*)</Region>")
_REGION_NAME = re.compile(r"[a-z0-9-]{1,64}")
_ELSEWHERE = {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.BAD_REQUEST}
_REGION_HEADER = "x-amz-bucket-region"
_SKEWED = b"<Code>RequestTimeTooSkewed</Code>"


class Answer(Struct, frozen=True):
    """An HTTP answer; header names are compared without case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def region_hint(self) -> str:
        """The region that the server points to, if it refuses this one; empty otherwise."""
        if self.status not in _ELSEWHERE:
            return ""
        named = self.headers.get(_REGION_HEADER) or _first(_REGION, self.body)
        # It becomes part of a host name, so only what looks like a region is believed.
        return named if _REGION_NAME.fullmatch(named) else ""


class Endpoint:
    """Where requests of one account, service and region go, and how they are signed.

    Args:
        url: scheme, host, port and base path.
        region: the region to sign for.
        keys: gives the credentials of the moment; None for anonymous requests.
        headers: fixed headers, sent and signed with every request, names in lower case.
        proxy: URL of the proxy, with its user and password if it wants them; empty for none.
    """

    def __init__(
        self,
        url: str,
        region: str,
        *,
        keys: Callable[[], Keys | None] = lambda: None,
        headers: Mapping[str, str] | None = None,
        proxy: str = "",
    ) -> None:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        if parts.port and parts.port != _PORTS.get(parts.scheme):
            host = f"{host}:{parts.port}"
        self.region = region
        self.host = host
        self.secure = parts.scheme == "https"
        self.origin = f"{parts.scheme}://{host}"
        self.base = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._")
        self.keys = keys
        self.proxy = proxy or None
        self.signer = Signer(region, host, headers=headers)


class Wire:
    """One HTTP session for every account and region of a run, opened by the first call.

    Args:
        ca_bundle: path of a file or folder of certificates; empty for the system's own.
    """

    def __init__(self, ca_bundle: str = "") -> None:
        self._ca_bundle = ca_bundle
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None
        self._skew: dict[str, float] = {}

    async def get(self, endpoint: Endpoint, path: str, query: str = "") -> Answer:
        """Return the answer to a GET; raises WireError if it is an error, else Malformed.

        Args:
            endpoint: where to.
            path: percent-encoded, sent byte for byte.
            query: percent-encoded, without the question mark, sent byte for byte.
        """
        return checked(await self.exchange(endpoint, path, query))

    async def exchange(self, endpoint: Endpoint, path: str, query: str = "") -> Answer:
        """Return whatever is answered, errors too; raises WireError if nothing is.

        If the server finds our clock wrong, its own is used from then on, and the call repeated.
        """
        answer = await self._send(endpoint, path, query)
        skewed = answer.status == HTTPStatus.FORBIDDEN and _SKEWED in answer.body
        if skewed and self._learn_clock(endpoint, answer):
            answer = await self._send(endpoint, path, query)
        return answer

    async def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, endpoint: Endpoint, path: str, query: str) -> Answer:
        path = endpoint.base + path
        now = time.time() + self._skew.get(endpoint.host, 0.0)
        headers = endpoint.signer.sign(endpoint.keys(), "GET", path, query, now)
        target = f"{endpoint.origin}{path}?{query}" if query else endpoint.origin + path
        try:
            async with self._open().get(
                URL(target, encoded=True),
                headers=headers,
                allow_redirects=False,
                proxy=endpoint.proxy,
                ssl=self._context() if endpoint.secure else True,
            ) as response:
                return Answer(response.status, response.headers, await _body(response))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WireError(0, _transport_code(error), str(error)) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS, ttl_dns_cache=300
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Compressed answers would have to be bounded twice.
                headers={"user-agent": "cachescan", "accept-encoding": "identity"},
                skip_auto_headers=("accept",),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(
                    total=WHOLE_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS
                ),
            )
        return self._session

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            # Without either of the two the system's own certificates are loaded.
            path = self._ca_bundle or None
            folder = path is not None and Path(path).is_dir()
            self._tls = ssl.create_default_context(
                cafile=None if folder else path, capath=path if folder else None
            )
        return self._tls

    def _learn_clock(self, endpoint: Endpoint, answer: Answer) -> bool:
        date = parsedate_tz(answer.headers.get("date", ""))
        if date is not None:
            self._skew[endpoint.host] = mktime_tz(date) - time.time()
        return date is not None


class Router:
    """Sends bucket requests to the bucket's region, and learns where the server says that is.

    Args:
        wire: the client.
        endpoint: gives the endpoint of a region.
    """

    def __init__(self, wire: Wire, endpoint: Callable[[str], Endpoint]) -> None:
        self._wire = wire
        self._endpoint = endpoint
        self._regions: dict[str, str] = {}

    async def get(self, bucket: str, region: str, query: str) -> Answer:
        """Return the answer to a GET on a bucket, path-style; raises as ``Wire.get``.

        Args:
            bucket: its name, as the server gave it.
            region: where it is thought to be.
            query: percent-encoded.
        """
        region = self._regions.get(bucket, region)
        path = f"/{quote(bucket, safe='')}"
        answer = await self._wire.exchange(self._endpoint(region), path, query)
        hint = answer.region_hint
        if hint and hint != region:
            self._regions[bucket] = hint
            answer = await self._wire.exchange(self._endpoint(hint), path, query)
        return checked(answer)


def checked(answer: Answer) -> Answer:
    """Return a good answer; raises WireError for an error answer."""
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    wait = answer.headers.get("retry-after", "")
    raise WireError(
        answer.status,
        _first(_CODE, answer.body).rpartition("#")[2] or f"HTTP {answer.status}",
        _first(_MESSAGE, answer.body),
        region_hint=answer.region_hint,
        retry_after=float(wait) if wait.isdecimal() else None,
    )


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """Return the body; raises Malformed beyond ``LARGEST_ANSWER``."""
    chunks = []
    left = LARGEST_ANSWER
    while chunk := await response.content.readany():
        left -= len(chunk)
        if left < 0:
            response.close()
            raise Malformed(f"the answer is longer than {LARGEST_ANSWER} bytes")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _first(pattern: re.Pattern[bytes], text: bytes) -> str:
    found = pattern.search(text)
    return found[found.lastindex or 0].decode("utf-8", "replace") if found else ""


def _transport_code(error: Exception) -> str:
    """Name what kept an answer from coming; the names are the keys of ``errors.TRANSPORT``."""
    if isinstance(error, TimeoutError):
        return "Timeout"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TlsFailed"
    # A garbled status line; ClientHttpProxyError, its sibling, is a proxy that refuses.
    garbled = type(error) is aiohttp.ClientResponseError
    return "NotHttp" if garbled else "ConnectionFailed"
