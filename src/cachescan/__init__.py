"""cachescan: who outside can reach this storage, by which path, and what would they find there."""

from __future__ import annotations

__version__ = "0.1.0"
