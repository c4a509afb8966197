"""What a run asked of the cloud, from the server's own log."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Calls:
    """The requests of one run.

    Attributes:
        operations: name to number.
        uncached: how many the emulator answered itself.
        failed: how many were answered by a status of 500 and above.
    """

    operations: Counter[str]
    uncached: int
    failed: int

    @property
    def total(self) -> int:
        """The number of requests."""
        return self.operations.total()


def since(log: Path, offset: int) -> Calls:
    """Return the requests logged behind an offset in bytes."""
    with log.open("rb") as lines:
        lines.seek(offset)
        entries = [json.loads(line) for line in lines]
    return Calls(
        operations=Counter(map(_operation, entries)),
        uncached=sum(entry["cache"] == "MISS" for entry in entries),
        failed=sum(entry["status"] >= 500 for entry in entries),  # noqa: PLR2004 (HTTP)
    )


def _operation(entry: dict[str, Any]) -> str:
    """Return a name for a call: its action, or the sub-resource of a bucket."""
    if entry["method"] == "POST":
        named = (
            entry["action"].rpartition(".")[2] or parse_qs(entry["body"]).get("Action", ["?"])[0]
        )
        return str(named)
    target = urlsplit(entry["target"])
    if target.path.startswith("/v20180820/"):
        return "account publicAccessBlock"
    if target.path == "/":
        return "list buckets"
    # The SDK adds the name of the call to some queries.
    names = [name for name, _ in parse_qsl(target.query, keep_blank_values=True) if name != "x-id"]
    if "list-type" in names:
        return "list objects"
    return f"{'HEAD ' if entry['method'] == 'HEAD' else ''}{names[0] if names else 'bucket'}"
