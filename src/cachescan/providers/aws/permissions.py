"""The least-privilege policy, generated from the facet tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cachescan.model import Kind

_ORGANIZATION = ("organizations:DescribeOrganization", "organizations:ListAccounts")
"""For scanning many accounts; the role to assume there is for its own trust policy to allow."""


def policy(kinds: Iterable[Kind]) -> str:
    """Return an identity policy with every action of a full scan, each of level List or Read.

    One statement each for configuration, object names and the organization, so that a part can
    be left out knowingly.
    """
    kinds = tuple(kinds)
    objects = {kind.objects_permission for kind in kinds if kind.objects_permission}
    facets = {facet.permission for kind in kinds for facet in kind.facets}
    listings = {kind.permission for kind in kinds if kind.permission}
    organization = {p for p in facets if p.startswith("organizations:")} | set(_ORGANIZATION)
    document = {
        "Version": "2012-10-17",
        "Statement": [
            _allow("CachescanConfiguration", (facets | listings) - organization - objects),
            _allow("CachescanObjectNames", objects),
            _allow("CachescanOrganization", organization),
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _allow(sid: str, actions: Iterable[str]) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
