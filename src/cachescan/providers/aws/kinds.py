"""The facet tables of AWS: which call reads what, what it needs, what "not set" looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.model import Facet, Kind
from cachescan.providers.aws import schemas as s
from cachescan.providers.aws import services

if TYPE_CHECKING:
    from msgspec import Struct


def _read(name: str, call: str, neutral: Struct, permission: str = "") -> Facet:
    """Declare a facet read by one S3 call; the permission is the call's name unless given."""
    return Facet(
        name=name,
        call=f"s3:{call}",
        permission=f"s3:{permission or call}",
        schema=type(neutral),
        neutral=neutral,
    )


ACCOUNT_BLOCK = Facet(
    name="account_public_access_block",
    call="s3control:GetPublicAccessBlock",
    permission="s3:GetAccountPublicAccessBlock",
    schema=s.PublicAccessBlock,
    neutral=s.PublicAccessBlock(),
    shared=True,
)
"""Account-level Block Public Access; shows what the organization enforces as well."""

ORGANIZATION_BLOCK = Facet(
    name="organization_public_access_block",
    call="organizations:DescribeEffectivePolicy",
    permission="organizations:DescribeEffectivePolicy",
    schema=s.PublicAccessBlock,
    neutral=s.PublicAccessBlock(),
    shared=True,
    blocking=True,
)
"""The organization's S3 policy in effect for this account, where it may be read."""

BUCKET_LISTING = Facet(
    name="bucket",
    call="s3:ListBuckets",
    permission="s3:ListAllMyBuckets",
    schema=s.Bucket,
    neutral=s.Bucket(Name=""),
    listed=True,
)

POLICY_STATUS = Facet(
    name="policy_status",
    call="s3:GetBucketPolicyStatus",
    permission="s3:GetBucketPolicyStatus",
    schema=s.PolicyStatus,
    neutral=s.PolicyStatus(IsPublic=False),
    needs=("policy",),
)

BUCKET = Kind(
    name="aws/bucket",
    title="bucket",
    call="s3:ListBuckets",
    permission="s3:ListAllMyBuckets",
    objects_call="s3:ListObjectsV2",
    objects_permission="s3:ListBucket",
    region=("location", "LocationConstraint"),
    exposure=(
        "bucket",
        "location",
        "acl",
        "policy",
        "policy_status",
        "public_access_block",
        "account_public_access_block",
        "ownership_controls",
        "request_payment",
        *(source.facet.name for source in services.SOURCES),
    ),
    facets=(
        BUCKET_LISTING,
        _read("location", "GetBucketLocation", s.Location()),
        _read("acl", "GetBucketAcl", s.Acl(Grants=[])),
        _read("policy", "GetBucketPolicy", s.Policy()),
        POLICY_STATUS,
        _read(
            "public_access_block",
            "GetPublicAccessBlock",
            s.PublicAccessBlock(),
            "GetBucketPublicAccessBlock",
        ),
        ACCOUNT_BLOCK,
        _read("ownership_controls", "GetBucketOwnershipControls", s.OwnershipControls()),
        _read("encryption", "GetBucketEncryption", s.Encryption(), "GetEncryptionConfiguration"),
        _read("versioning", "GetBucketVersioning", s.Versioning()),
        _read("logging", "GetBucketLogging", s.Logging()),
        _read("website", "GetBucketWebsite", s.Website()),
        _read("cors", "GetBucketCors", s.Cors(), "GetBucketCORS"),
        _read(
            "replication", "GetBucketReplication", s.Replication(), "GetReplicationConfiguration"
        ),
        _read(
            "lifecycle",
            "GetBucketLifecycleConfiguration",
            s.Lifecycle(),
            "GetLifecycleConfiguration",
        ),
        _read(
            "object_lock",
            "GetObjectLockConfiguration",
            s.ObjectLock(),
            "GetBucketObjectLockConfiguration",
        ),
        _read(
            "notification",
            "GetBucketNotificationConfiguration",
            s.Notification(),
            "GetBucketNotification",
        ),
        _read("request_payment", "GetBucketRequestPayment", s.RequestPayment()),
        _read("tagging", "GetBucketTagging", s.Tagging()),
        _read(
            "accelerate",
            "GetBucketAccelerateConfiguration",
            s.Accelerate(),
            "GetAccelerateConfiguration",
        ),
        _read(
            "inventory",
            "ListBucketInventoryConfigurations",
            s.Inventory(),
            "GetInventoryConfiguration",
        ),
        _read("metrics", "ListBucketMetricsConfigurations", s.Metrics(), "GetMetricsConfiguration"),
        _read(
            "analytics",
            "ListBucketAnalyticsConfigurations",
            s.Analytics(),
            "GetAnalyticsConfiguration",
        ),
        _read(
            "intelligent_tiering",
            "ListBucketIntelligentTieringConfigurations",
            s.IntelligentTiering(),
            "GetIntelligentTieringConfiguration",
        ),
        *(source.facet for source in services.SOURCES),
    ),
)
"""S3 general purpose buckets."""

ACCOUNT = Kind(
    name="aws/account",
    title="account",
    call="",
    permission="",
    facets=(ACCOUNT_BLOCK, ORGANIZATION_BLOCK),
)
"""An AWS account, as far as storage hangs on it."""

KINDS = (ACCOUNT, BUCKET, *(service.kind for service in services.SERVICES))
"""In the order in which they are discovered: the small one first."""
