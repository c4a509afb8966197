"""Identity of findings and digests of inputs: stable across runs, hosts and text edits."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cachescan.model import ResourceRef

SCHEME = "1"
"""Changes only when the inputs of a fingerprint do; every stored fingerprint then changes too."""

_BITS = 128


def digest(parts: Iterable[object]) -> str:
    """Return the hexadecimal BLAKE2b-128 of the parts' canonical JSON, unambiguous in length."""
    encoder = msgspec.json.Encoder(order="deterministic")
    return hashlib.blake2b(encoder.encode(list(parts)), digest_size=_BITS // 8).hexdigest()


def fingerprint(rule: str, ref: ResourceRef, identity: Iterable[object] = ()) -> str:
    """Return the finding's fingerprint.

    Severity, title, message, region, evidence and tool version are left out on purpose: editing
    a text must not close a finding and open another (ADR 0007).
    """
    parts = (SCHEME, rule, ref.provider, ref.uid, *identity)
    return f"{SCHEME}:{digest(parts)}"
