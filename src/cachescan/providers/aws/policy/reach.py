"""Grades what is left of an Allow: who can send such a request, and what it takes.

Facts that nobody outside chooses (an object's tags, a named account's organization) are worlds:
what holds in all of them is certain, what holds in one is possible.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cachescan.model import Actor, Grade
from cachescan.providers.aws.policy import callers, networks
from cachescan.providers.aws.policy.decide import Request, _is
from cachescan.providers.aws.policy.spaces import _FIRST_AXIS, Space, lowest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cachescan.providers.aws.policy.boxes import Box
    from cachescan.providers.aws.policy.ir import Statement
    from cachescan.providers.aws.policy.patterns import Budget

_RANK = {Grade.NO: 0, Grade.RESTRICTED: 1, Grade.YES: 2}
_MOST_WORLDS = 64
