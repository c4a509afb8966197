"""The least-privilege IAM policy of a full scan, made from the facet tables.

Actions that know resources are limited to them, as far as a scan of every bucket can be; the
partition is ``aws`` and is for the user to replace elsewhere. The role that ``--org-role`` assumes
is for its own trust policy to allow: that is no reading, so it is not here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cachescan.providers.aws.kinds import ACCOUNT_BLOCK, BUCKET, ORGANIZATION_BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterable

ORGANIZATION = ("organizations:ListAccounts",)
"""What ``--org-role`` needs to find the accounts."""


def policy() -> str:
    """Return the policy as JSON text: one statement for each thing that could be left out."""
    account = {BUCKET.permission, ACCOUNT_BLOCK.permission}
    buckets = {facet.permission for facet in BUCKET.facets} - account
    accounts = "arn:aws:organizations::*:account/o-*/*"
    statements = [
        _allow("CachescanAccount", account, "*"),
        _allow("CachescanBuckets", buckets, "arn:aws:s3:::*"),
        _allow("CachescanObjectNames", [BUCKET.objects_permission], "arn:aws:s3:::*"),
        _allow("CachescanOrganization", ORGANIZATION, "*"),
        _allow("CachescanOrganizationPolicy", [ORGANIZATION_BLOCK.permission], accounts),
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n"


def _allow(sid: str, actions: Iterable[str], resource: str) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resource}
