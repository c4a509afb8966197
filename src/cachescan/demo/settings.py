"""What can be done to a bucket of the demo: each function makes one call of the S3 client.

A setting is the name of a client method and its arguments but for the bucket's name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cachescan.demo.server import ACCOUNT, REGION

Setting = tuple[str, Mapping[str, Any]]
Statement = dict[str, object]

ALL_USERS = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'
UNBLOCKED: Setting = ("delete_public_access_block", {})
EVENTS: Setting = (
    "put_bucket_notification_configuration",
    {"NotificationConfiguration": {"EventBridgeConfiguration": {}}},
)
METRICS: Setting = (
    "put_bucket_metrics_configuration",
    {"Id": "EntireBucket", "MetricsConfiguration": {"Id": "EntireBucket"}},
)


def block(*on: str) -> Setting:
    """Set Block Public Access with only the named switches on."""
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    value = {name: name in on for name in names}
    return "put_public_access_block", {"PublicAccessBlockConfiguration": value}


def ownership(kind: str) -> Setting:
    """Set Object Ownership: anything but BucketOwnerEnforced brings ACLs to life."""
    rules = {"Rules": [{"ObjectOwnership": kind}]}
    return "put_bucket_ownership_controls", {"OwnershipControls": rules}


def acl(**grants: str) -> Setting:
    """Replace the bucket's ACL, by a canned ACL or by grants."""
    return "put_bucket_acl", grants


def policy(name: str, *statements: Statement) -> Setting:
    """Attach a policy; a statement covers the bucket and its objects unless it says otherwise."""
    arns = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    parts = [{"Resource": arns, **statement} for statement in statements]
    document = {"Version": "2012-10-17", "Statement": parts}
    return "put_bucket_policy", {"Policy": json.dumps(document)}


def allow(principal: object, *actions: str, **more: object) -> Statement:
    """Write an Allow statement."""
    return {"Effect": "Allow", "Principal": principal, "Action": list(actions), **more}


def anyone_gets(name: str, prefix: str = "", **more: object) -> Statement:
    """Write the statement that publishes the objects under a prefix."""
    return allow("*", "s3:GetObject", Resource=f"arn:aws:s3:::{name}/{prefix}*", **more)


def deny(principal: object, **more: object) -> Statement:
    """Write a statement that denies everything."""
    return {"Effect": "Deny", "Principal": principal, "Action": "s3:*", **more}


def versioning(status: str = "Enabled") -> Setting:
    """Enable or suspend versioning."""
    return "put_bucket_versioning", {"VersioningConfiguration": {"Status": status}}


def logged(name: str, target: str) -> Setting:
    """Send server access logs to another bucket of the same region."""
    enabled = {"TargetBucket": target, "TargetPrefix": f"{name}/"}
    return "put_bucket_logging", {"BucketLoggingStatus": {"LoggingEnabled": enabled}}


def kms(region: str = REGION) -> Setting:
    """Encrypt with a customer-managed KMS key and refuse keys that the caller brings."""
    key = f"arn:aws:kms:{region}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        "BucketKeyEnabled": True,
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    return "put_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def aws_managed_key() -> Setting:
    """Encrypt with the KMS key that AWS keeps, without an S3 Bucket Key."""
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    return "put_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def expiring(days: int, *, noncurrent: bool = False) -> Setting:
    """Expire objects, or only their superseded versions, and tidy up failed uploads."""
    old: dict[str, object] = {"NoncurrentVersionExpiration": {"NoncurrentDays": days}}
    rule = {
        "ID": "tidy",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        **(old if noncurrent else {"Expiration": {"Days": days}}),
    }
    return "put_bucket_lifecycle_configuration", {"LifecycleConfiguration": {"Rules": [rule]}}


def replicated(target: str) -> Setting:
    """Replicate everything to another bucket; both must be versioned."""
    rule = {
        "ID": "to-another-region",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
    }
    role = f"arn:aws:iam::{ACCOUNT}:role/s3-replication"
    configuration = {"ReplicationConfiguration": {"Role": role, "Rules": [rule]}}
    return "put_bucket_replication", configuration


def cors(origin: str, *methods: str) -> Setting:
    """Let pages of an origin call the bucket."""
    rule = {"AllowedOrigins": [origin], "AllowedMethods": list(methods), "AllowedHeaders": ["*"]}
    return "put_bucket_cors", {"CORSConfiguration": {"CORSRules": [rule]}}


def website() -> Setting:
    """Serve the bucket as a static website."""
    pages = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "404.html"}}
    return "put_bucket_website", {"WebsiteConfiguration": pages}


def tags(values: Mapping[str, str]) -> Setting:
    """Tag the bucket."""
    pairs = [{"Key": key, "Value": value} for key, value in values.items()]
    return "put_bucket_tagging", {"Tagging": {"TagSet": pairs}}


def retention(mode: str, days: int) -> Setting:
    """Keep every new object for a while (Object Lock default retention)."""
    rule = {"DefaultRetention": {"Mode": mode, "Days": days}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    return "put_object_lock_configuration", {"ObjectLockConfiguration": configuration}


def requester_pays() -> Setting:
    """Charge whoever downloads, which also refuses unsigned requests."""
    return "put_bucket_request_payment", {"RequestPaymentConfiguration": {"Payer": "Requester"}}


def inventoried(target: str) -> Setting:
    """Write a weekly list of the objects to another bucket."""
    destination = {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{target}", "Format": "Parquet"}}
    value = {
        "Id": "weekly",
        "IsEnabled": True,
        "IncludedObjectVersions": "All",
        "Schedule": {"Frequency": "Weekly"},
        "Destination": destination,
    }
    return "put_bucket_inventory_configuration", {"Id": "weekly", "InventoryConfiguration": value}


def hardened(name: str, logs: str, region: str = REGION) -> tuple[Setting, ...]:
    """Do everything that a careful team does, on top of what AWS sets by itself."""
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    owner = {"owner": "platform@example.com", "classification": "restricted", "env": "prod"}
    return (
        policy(name, deny("*", Sid="TlsOnly", Condition=insecure)),
        versioning(),
        kms(region),
        logged(name, logs),
        expiring(365, noncurrent=True),
        EVENTS,
        METRICS,
        inventoried(logs),
        tags(owner),
    )
