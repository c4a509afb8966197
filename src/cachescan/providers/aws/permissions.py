"""The least-privilege IAM policy of a full scan, made from the facet tables."""

from __future__ import annotations

import json

from cachescan.providers.aws.kinds import KINDS


def policy() -> str:
    """Return the policy as JSON text, one permission a line, sorted."""
    needed = {kind.permission for kind in KINDS} | {kind.objects_permission for kind in KINDS}
    needed |= {facet.permission for kind in KINDS for facet in kind.facets}
    statement = {
        "Sid": "CachescanReads",
        "Effect": "Allow",
        "Action": sorted(needed - {""}),
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2) + "\n"
