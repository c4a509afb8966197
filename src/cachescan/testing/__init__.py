"""Public test kit: rule cases, a fake provider, and the contract that every provider must keep."""

from __future__ import annotations

from cachescan.testing.cases import Case, check_folder, complaints, read_cases
from cachescan.testing.contract import CONDITIONS, Condition, ProviderContract
from cachescan.testing.fake import FakeError, FakeProvider

__all__ = [
    "CONDITIONS",
    "Case",
    "Condition",
    "FakeError",
    "FakeProvider",
    "ProviderContract",
    "check_folder",
    "complaints",
    "read_cases",
]
