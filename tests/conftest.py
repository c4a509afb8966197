"""Settings that every test shares."""

from __future__ import annotations

import os

from hypothesis import settings

# The same examples on every run: a property that fails in CI fails on the developer's machine.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
# Fresh examples, many of them: HYPOTHESIS_PROFILE=search python -m pytest tests/unit
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
