"""Texts that a stranger might choose, and what none of them may leave on a screen."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st
from tests.unit.reporters.sample import HOSTILE

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

# Surrogates too: a key may have been decoded by somebody careless.
texts = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=()))


def hidden(text: str) -> set[str]:
    """Return the characters that command, reorder or show nothing."""
    return {char for char in text if unicodedata.category(char) in _HIDDEN}
