"""An estate of many buckets, no two neighbours alike: what each one has follows from its index."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ACCOUNT = "123456789012"
FOREIGN = "210987654321"
REGION = "us-east-1"
LOGS = "bench-logs"
CREDENTIALS = ("bench", "bench")
"""Access key and secret key; the emulator takes any."""

_ACLS = ("private", "public-read", "public-read-write", "authenticated-read")
_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
_POLICIES: tuple[Mapping[str, Any], ...] = (
    {},
    {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"]},
    {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    },
    {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{FOREIGN}:root"},
        "Action": "s3:GetObject",
    },
    {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
    },
)


def fill(endpoint: str, buckets: int) -> None:
    """Build the estate through the API, the same each time; one bucket takes the others' logs.

    Raises:
        botocore.exceptions.ClientError: the emulator refused something.
    """
    import boto3

    session = boto3.Session(*CREDENTIALS, region_name=REGION)
    client: Any = session.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket=LOGS, ACL="log-delivery-write")
    for index in range(1, buckets):
        name = f"bench-{index:05d}"
        client.create_bucket(Bucket=name, ACL=_ACLS[index // 5 % 4])
        for method, arguments in (*_access(name, index), *_protection(index), *_rest(name, index)):
            getattr(client, method)(Bucket=name, **arguments)


def _access(name: str, index: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the calls that decide what a bucket holds, and who reaches it."""
    # Before the policy: the emulator applies a denial whatever its condition says.
    for number in range(index % 4):
        yield "put_object", {"Key": f"2026/{number:02d}/page.html", "Body": b"x"}
    if _POLICIES[index % 5]:
        resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
        statement = {**_POLICIES[index % 5], "Resource": resources}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        yield "put_bucket_policy", {"Policy": json.dumps(document)}
    if index % 3 == 0:
        block = {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": index % 2 == 0,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": index % 4 == 0,
        }
        yield "put_public_access_block", {"PublicAccessBlockConfiguration": block}
    if index % 7 == 0:
        rule = {"ObjectOwnership": "ObjectWriter" if index % 2 else "BucketOwnerPreferred"}
        yield "put_bucket_ownership_controls", {"OwnershipControls": {"Rules": [rule]}}


def _protection(index: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the calls that protect data: encryption, versions, expiry."""
    if index % 2:
        sse = {"SSEAlgorithm": "AES256"}
        if index % 4 == 1:
            sse = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": _KEY}
        rule = {"ApplyServerSideEncryptionByDefault": sse, "BucketKeyEnabled": index % 8 == 1}
        yield "put_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}
    if index % 3:
        status = "Enabled" if index % 3 == 1 else "Suspended"
        yield "put_bucket_versioning", {"VersioningConfiguration": {"Status": status}}
    if index % 4 == 0:
        lifecycle = {
            "ID": "expire",
            "Status": "Enabled",
            "Filter": {"Prefix": "tmp/"},
            "Expiration": {"Days": 30},
        }
        yield (
            "put_bucket_lifecycle_configuration",
            {"LifecycleConfiguration": {"Rules": [lifecycle]}},
        )


def _rest(name: str, index: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the calls for logging, tags, CORS, website and inventory."""
    if index % 4 == 0:
        target = {"TargetBucket": LOGS, "TargetPrefix": f"{name}/"}
        yield "put_bucket_logging", {"BucketLoggingStatus": {"LoggingEnabled": target}}
    if index % 2 == 0:
        tags = [{"Key": "team", "Value": f"team-{index % 17}"}, {"Key": "stage", "Value": "prod"}]
        yield "put_bucket_tagging", {"Tagging": {"TagSet": tags}}
    if index % 10 == 0:
        rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "PUT"]}
        yield "put_bucket_cors", {"CORSConfiguration": {"CORSRules": [rule]}}
    if index % 10 == 1:
        website = {"IndexDocument": {"Suffix": "index.html"}}
        yield "put_bucket_website", {"WebsiteConfiguration": website}
    if index % 10 == 2:  # noqa: PLR2004 (the third of ten)
        inventory = {
            "Id": "daily",
            "IsEnabled": True,
            "IncludedObjectVersions": "Current",
            "Destination": {
                "S3BucketDestination": {"Bucket": f"arn:aws:s3:::{LOGS}", "Format": "Parquet"}
            },
            "Schedule": {"Frequency": "Daily"},
        }
        yield (
            "put_bucket_inventory_configuration",
            {"Id": "daily", "InventoryConfiguration": inventory},
        )
