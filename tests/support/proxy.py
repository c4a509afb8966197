"""A loopback proxy in front of an emulator: counts calls and answers some of them badly."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass(frozen=True)
class Call:
    """One request as the proxy saw it."""

    method: str
    path: str
    query: tuple[str, ...]
    host: str
    target: str = ""

    @property
    def operation(self) -> str:
        """The sub-resource (``acl``), ``ListBuckets``, ``ListObjectsV2``, or the bare path."""
        if self.method == "POST":
            return self.target or "POST"
        if self.path.startswith("/v20180820/"):
            return "accountPublicAccessBlock"
        if "list-type" in self.query:
            return "ListObjectsV2"
        if self.path == "/":
            return "ListBuckets"
        return next((name for name in self.query if name != "x-id"), self.path)

    @property
    def bucket(self) -> str:
        """The first segment of the path."""
        return self.path.split("/")[1]


@dataclass(frozen=True)
class Answer:
    """What the proxy says instead of the server behind it.

    ``cut`` closes the connection in the middle of the body, ``drop`` before any answer, ``hang``
    waits so many seconds first.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    drop: bool = False
    hang: float = 0.0


def error(code: str, status: int, message: str = "made by the test") -> Answer:
    """Return an S3 error answer."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, body.encode(), {"content-type": "application/xml"})


DENIED = error("AccessDenied", 403)
SLOW_DOWN = error("SlowDown", 503)


class Proxy:
    """What a test asks: the address, the calls so far, and the fault to make next."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.calls: list[Call] = []
        self.fault: Callable[[Call], Answer | None] = lambda _call: None
        self.url = ""
        self.lock = threading.Lock()
        self.closing = threading.Event()

    @property
    def counts(self) -> Counter[str]:
        """Operation to number of calls."""
        with self.lock:
            return Counter(call.operation for call in self.calls)

    def deny(self, *operations: str, bucket: str | None = None) -> None:
        """Answer 403 to these operations from now on, of one bucket or of all."""
        self.fault = lambda call: (
            DENIED if call.operation in operations and bucket in (None, call.bucket) else None
        )


@contextmanager
def proxying(upstream: str) -> Iterator[Proxy]:
    """Run a proxy on a free port in front of ``upstream`` while the block lasts."""
    proxy = Proxy(upstream)

    class Handler(_Handler):
        state = proxy

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = _quietly  # type: ignore[method-assign]  # a killed client is no news
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _quietly(*_: object) -> None:
    """Keep a connection that the client dropped out of the test's output."""


def _stand_in(call: Call) -> Answer | None:
    """Answer what moto does not implement, as an account outside any organization would be."""
    if not call.target.endswith(".DescribeEffectivePolicy"):
        return None
    body = b'{"__type": "AWSOrganizationsNotInUseException", "Message": "no organization"}'
    return Answer(400, body, {"content-type": "application/x-amz-json-1.1"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Proxy

    def _serve(self) -> None:
        split = urlsplit(self.path)
        names = tuple(name for name, _ in parse_qsl(split.query, keep_blank_values=True))
        target = self.headers.get("x-amz-target", "")
        call = Call(self.command, split.path, names, self.headers.get("host", ""), target)
        with self.state.lock:
            self.state.calls.append(call)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        answer = self.state.fault(call) or _stand_in(call) or self._forward(body)
        if answer.hang:
            self.state.closing.wait(answer.hang)
        if answer.drop:
            self.close_connection = True
        else:
            self._answer(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 (http.server's names)

    def _forward(self, body: bytes) -> Answer:
        upstream = self.state.upstream
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        try:
            connection.request(self.command, self.path, body or None, headers)
            response = connection.getresponse()
            kept = {k: v for k, v in response.getheaders() if k.lower() not in HOP_BY_HOP}
            return Answer(response.status, response.read(), kept)
        finally:
            connection.close()

    def _answer(self, answer: Answer) -> None:
        try:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(
                    answer.body[: len(answer.body) // 2] if answer.cut else answer.body
                )
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        if answer.cut:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""
