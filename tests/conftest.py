"""Settings that every test shares."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# The same examples on every run: a property that fails in CI fails on the developer's machine.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
# Fresh examples, many of them: HYPOTHESIS_PROFILE=search python -m pytest tests/unit
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session", autouse=True)
def _as_a_user_runs_it() -> None:
    """Let the programs under test buffer their output, whatever the runner's own habit."""
    os.environ.pop("PYTHONUNBUFFERED", None)
