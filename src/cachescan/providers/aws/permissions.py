"""The least-privilege IAM policy of a full scan, made from the facet tables.

Actions that know resources are limited to them, as far as a scan of every bucket can be; the
partition is ``aws`` and is for the user to replace elsewhere. The role that ``--org-role`` assumes
is for its own trust policy to allow: that is no reading, so it is not here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cachescan.providers.aws import services
from cachescan.providers.aws.kinds import ACCOUNT_BLOCK, BUCKET, ORGANIZATION_BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterable

REGIONS = ("ec2:DescribeRegions",)
"""What finding the regions of regional kinds needs."""

ORGANIZATION = ("organizations:ListAccounts",)
"""What ``--org-role`` needs to find the accounts."""


def policy() -> str:
    """Return the policy as JSON text: one statement for each thing that could be left out."""
    account = {BUCKET.permission, ACCOUNT_BLOCK.permission}
    elsewhere = {source.facet.name for source in services.SOURCES}
    buckets = {f.permission for f in BUCKET.facets if f.name not in elsewhere} - account
    accounts = "arn:aws:organizations::*:account/o-*/*"
    statements = [
        _allow("CachescanAccount", account, "*"),
        _allow("CachescanBuckets", buckets, "arn:aws:s3:::*"),
        _allow("CachescanObjectNames", [BUCKET.objects_permission], "arn:aws:s3:::*"),
        *([_allow("CachescanServices", _of_services(), "*")] if _of_services() else []),
        _allow("CachescanOrganization", ORGANIZATION, "*"),
        _allow("CachescanOrganizationPolicy", [ORGANIZATION_BLOCK.permission], accounts),
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n"


def _of_services() -> set[str]:
    """Return what reading the services beside S3 takes; most of it knows no resources."""
    facets = [source.facet for source in services.SOURCES]
    kinds = [service.kind for service in services.SERVICES]
    facets += [facet for kind in kinds for facet in kind.facets]
    needed = {p for facet in facets for p in (facet.permission, *facet.also)}
    needed |= {kind.permission for kind in kinds}
    return {*needed, *REGIONS} if any(service.regional for service in services.SERVICES) else needed


def _allow(sid: str, actions: Iterable[str], resource: str) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resource}
