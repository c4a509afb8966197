"""cachescan: who outside can reach this storage, by which path, and what would they find there.

The public API::

    from cachescan import Judging, Reading, Target, scan

    report = scan([Target("aws", {"profile": "audit"})], Judging(), Reading(objects=10_000))

``cachescan.api`` has the same and the two halves of a scan, ``collect`` and ``evaluate`` (here
those names are modules). Types of what comes back are in ``cachescan.model``, the test kit for
rules and providers in ``cachescan.testing``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cachescan.api import Judging, Reading, Target, load_ruleset, scan
    from cachescan.model import Report

__version__ = "0.1.0"

__all__ = [
    "Judging",
    "Reading",
    "Report",
    "Target",
    "__version__",
    "load_ruleset",
    "scan",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    """Import the API on first use, so that ``cachescan --help`` need not."""
    if name in __all__:
        home = "cachescan.model" if name == "Report" else "cachescan.api"
        return getattr(importlib.import_module(home), name)
    raise AttributeError(name)
