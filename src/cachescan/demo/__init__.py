"""The demo cloud: an emulated AWS on loopback with a believable estate, scanned like any other.

    with running(print) as cloud:
        subprocess.run(["aws", "s3", "ls"], env={**os.environ, **cloud.environment()})

What it is made of and what it does not imitate: docs/adr/0010-demo-cloud.md.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from cachescan.demo.assets import DRAFT_KEY, DRAFT_TITLE
from cachescan.demo.estate import build
from cachescan.demo.names import CMS_BUCKET, LOG_ARCHIVE_BUCKET, PRIVATE_BUCKET
from cachescan.demo.server import ACCOUNT, REGION, Credentials, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "ACCOUNT",
    "CMS_BUCKET",
    "DRAFT_KEY",
    "DRAFT_TITLE",
    "LOG_ARCHIVE_BUCKET",
    "PRIVATE_BUCKET",
    "REGION",
    "Credentials",
    "DemoCloud",
    "running",
]


@dataclass(frozen=True)
class DemoCloud:
    """A running demo cloud, and the two identities that it knows.

    Attributes:
        endpoint: where it answers, http://127.0.0.1:PORT.
        admin: the account's root; it built the estate and may do anything.
        auditor: a read-only IAM user; the demo scans as this one.
        log: the server's log, while it runs.
    """

    endpoint: str
    admin: Credentials
    auditor: Credentials
    log: Path
    account: str = ACCOUNT
    region: str = REGION

    def environment(self, identity: Credentials | None = None) -> dict[str, str]:
        """Return the variables with which any AWS tool talks to this cloud.

        Args:
            identity: who talks; the auditor by default.
        """
        caller = identity or self.auditor
        return {
            "AWS_ACCESS_KEY_ID": caller.access_key_id,
            "AWS_SECRET_ACCESS_KEY": caller.secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def url(self, bucket: str, key: str = "") -> str:
        """Return the path-style address of a bucket or an object."""
        return f"{self.endpoint}/{bucket}/{quote(key)}" if key else f"{self.endpoint}/{bucket}"


@contextmanager
def running(say: Callable[[str], None], *, cache: Path | None = None) -> Iterator[DemoCloud]:
    """Run the demo cloud with its estate built; it is gone when the block is left.

    Args:
        say: takes one progress message.
        cache: where the server's environment is kept; the user's cache folder by default.

    Raises:
        CachescanError: the server could not be installed or started.
    """
    with serving(say, cache=cache) as server:
        auditor = build(server.endpoint, server.admin, say)
        yield DemoCloud(server.endpoint, server.admin, auditor, server.log)
