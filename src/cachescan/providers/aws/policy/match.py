"""Wildcard patterns of actions and resources (docs/semantics.md §1.2)."""

from __future__ import annotations

import re
from functools import lru_cache

from cachescan.model import Capability

OBJECT_ACTIONS: dict[Capability, tuple[str, ...]] = {
    Capability.READ: ("s3:GetObject", "s3:GetObjectVersion"),
    Capability.WRITE: (
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:RestoreObject",
        "s3:AbortMultipartUpload",
        "s3:ReplicateObject",
        "s3:ReplicateDelete",
        "s3:PutObjectTagging",
        "s3:PutObjectVersionTagging",
    ),
    Capability.TAKEOVER: ("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
}
"""Actions on ``bucket/key`` that give the capability."""

BUCKET_ACTIONS: dict[Capability, tuple[str, ...]] = {
    Capability.LIST: ("s3:ListBucket", "s3:ListBucketVersions"),
    Capability.TAKEOVER: (
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "s3:PutBucketAcl",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketOwnershipControls",
        "s3:PutReplicationConfiguration",
        "s3:PutBucketWebsite",
    ),
}
"""Actions on the bucket itself that give the capability."""


@lru_cache(maxsize=4096)
def _compiled(pattern: str, *, fold: bool) -> re.Pattern[str]:
    """Return a regular expression that never goes back into an earlier ``*``.

    The first match of what follows a ``*`` is as good as any later one, so each is atomic;
    otherwise a dozen stars in a hostile policy would take longer than the scan.
    """
    first, *rest = (
        "".join("." if char == "?" else re.escape(char) for char in piece)
        for piece in pattern.split("*")
    )
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    end = f".*{rest[-1]}" if rest else ""
    return re.compile(f"{first}{middle}{end}", re.DOTALL | (re.IGNORECASE if fold else 0))


def action_matches(pattern: str, action: str) -> bool:
    """Tell whether an action pattern, case-insensitive, covers an action."""
    return _compiled(_squeeze(pattern), fold=True).fullmatch(action) is not None


def resource_matches(pattern: str, arn: str) -> bool:
    """Tell whether a resource pattern, case-sensitive, covers an ARN."""
    return _compiled(_squeeze(pattern), fold=False).fullmatch(arn) is not None


def rest_after(pattern: str, prefix: str) -> frozenset[str]:
    """Return what is left of a pattern once it has matched ``prefix``, in every possible way.

    ``rest_after("arn:aws:s3:::b/pub*", "arn:aws:s3:::b/")`` is ``{"pub*"}``: a non-empty rest
    is a pattern over object keys. Empty set: the pattern matches nothing that starts so.
    """
    pattern = _squeeze(pattern)
    states = _skip({0}, pattern)
    for char in prefix:
        step = set()
        for at in states:
            if at < len(pattern) and pattern[at] == "*":
                step.add(at)
            elif at < len(pattern) and pattern[at] in ("?", char):
                step.add(at + 1)
        states = _skip(step, pattern)
        if not states:
            return frozenset()
    return frozenset(pattern[at:] for at in states if at < len(pattern))


def _skip(states: set[int], pattern: str) -> set[int]:
    """Add the states reached by letting a ``*`` match nothing."""
    found = set(states)
    for at in states:
        while at < len(pattern) and pattern[at] == "*":
            at += 1  # noqa: PLW2901 (walking over the stars is the point)
            found.add(at)
    return found


def _squeeze(pattern: str) -> str:
    """Make ``**`` one ``*``: the same language, and no regular expression that explodes."""
    return re.sub(r"\*+", "*", pattern)
