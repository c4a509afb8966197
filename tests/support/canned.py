"""A loopback server that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Asked:
    """One request: the target byte for byte as it was sent, and its headers in lower case.

    ``port`` is the client's, so it tells connections apart.
    """

    target: str
    headers: dict[str, str]
    port: int

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]

    @property
    def region(self) -> str:
        """The region that the request was signed for."""
        return self.headers["authorization"].split("/")[2]


@dataclass(frozen=True)
class Reply:
    """What to answer; ``cut`` closes the connection after half of the body."""

    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


class Canned:
    """Where the server answers, and everything that it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []


@contextmanager
def answering(reply: Callable[[Asked], Reply]) -> Iterator[Canned]:
    """Answer every GET by the function, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.path, headers, self.client_address[1])
            canned.asked.append(asked)
            answer = reply(asked)
            body = answer.body.encode() if isinstance(answer.body, str) else answer.body
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if answer.cut else body)
            self.close_connection = answer.cut

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        canned = Canned(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield canned
        finally:
            server.shutdown()
            thread.join()
