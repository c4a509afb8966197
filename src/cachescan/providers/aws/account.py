"""Reading what an account says of all its buckets: its own block, and its organization's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cachescan.providers.aws.errors import Malformed
from cachescan.providers.aws.schemas import PublicAccessBlock

if TYPE_CHECKING:
    from botocore.client import BaseClient

BLOCK_PATH: Final = "/v20180820/configuration/publicAccessBlock"
"""GetPublicAccessBlock of S3 Control; the account is named in a header."""

_ENFORCED = {
    "all": PublicAccessBlock(
        BlockPublicAcls=True,
        IgnorePublicAcls=True,
        BlockPublicPolicy=True,
        RestrictPublicBuckets=True,
    ),
    "none": PublicAccessBlock(),
}


def organization_block(client: BaseClient) -> PublicAccessBlock:
    """Return what the organization's S3 policies enforce on the client's own account.

    Raises:
        botocore.exceptions.ClientError: among others, that there is no organization or policy.
        Malformed: a policy that says something unknown.
    """
    answer = client.describe_effective_policy(PolicyType="S3_POLICY")  # type: ignore[attr-defined]
    return effective_block(answer.get("EffectivePolicy", {}).get("PolicyContent", ""))


def effective_block(content: str) -> PublicAccessBlock:
    """Return the block that an effective S3 policy states; raises Malformed or ValueError.

    Source: "S3 policy syntax and examples" of the Organizations user guide. A policy sets one
    word for all four settings; the effective policy drops the operator around it.
    """
    value: Any = json.loads(content)
    for name in ("s3_attributes", "public_access_block_configuration"):
        if not isinstance(value, dict):
            raise Malformed(f"the S3 policy has no object around {name}")
        value = value.get(name, {})
    if isinstance(value, dict):
        value = value.get("@@assign", "") if value else "none"
    if not isinstance(value, str) or value not in _ENFORCED:
        raise Malformed(f"the S3 policy assigns {value!r}, neither all nor none")
    return _ENFORCED[value]
