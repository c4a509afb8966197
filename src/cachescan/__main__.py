"""``python -m cachescan``."""

from __future__ import annotations

from cachescan.cli import entry

entry()
