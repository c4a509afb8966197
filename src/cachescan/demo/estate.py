"""Build the demo's estate through the AWS API: buckets, objects, and the auditor who scans it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from cachescan.demo.assets import body, content_type
from cachescan.demo.buckets import estate
from cachescan.demo.names import AUDITOR_NAME, Bucket
from cachescan.demo.server import REGION, Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

AUDITOR_ACTIONS = (
    "iam:ListAccountAliases",
    "organizations:Describe*",
    "organizations:List*",
    "s3:GetAccountPublicAccessBlock",
    "s3:GetAnalyticsConfiguration",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:GetInventoryConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetMetricsConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListAccessPoints",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "sts:GetCallerIdentity",
)
"""Configuration and names, never contents: s3:GetObject is not among them."""


class Estate:
    """The AWS account under construction, and one S3 client per region."""

    def __init__(self, endpoint: str, admin: Credentials) -> None:
        self.endpoint = endpoint
        self.admin = admin
        self.regional: dict[str, Any] = {}

    # Any: boto3 makes its client classes at run time.
    def client(self, service: Literal["iam", "s3"], region: str = REGION) -> Any:  # noqa: ANN401
        """Return a client of the account's root."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.admin.access_key_id,
            aws_secret_access_key=self.admin.secret_access_key,
            config=Config(
                request_checksum_calculation="when_required",
                s3={"addressing_style": "path"},
            ),
        )

    def s3(self, region: str) -> Any:  # noqa: ANN401
        """Return the S3 client of a region, made once: a client costs more than a request."""
        if region not in self.regional:
            self.regional[region] = self.client("s3", region)
        return self.regional[region]

    def close(self) -> None:
        """Close the connections that the clients keep open."""
        for client in self.regional.values():
            client.close()


def build(endpoint: str, admin: Credentials, say: Callable[[str], None]) -> Credentials:
    """Make every bucket, object and setting of the estate; return the auditor's access key.

    Raises:
        botocore.exceptions.ClientError: the server refused a call that the estate needs.
    """
    account = Estate(endpoint, admin)
    buckets = estate()
    objects = sum(len(bucket.keys) for bucket in buckets)
    say(f"Building the estate of Nova Lab: {len(buckets)} buckets, {objects:,} objects")
    auditor = make_auditor(account)
    # Every bucket first: they name each other as targets of logs and replication.
    for bucket in buckets:
        create(account, bucket)
    # One after the other: threads gain a second at most, boto3 being bound by this process.
    for bucket in buckets:
        configure(account, bucket)
        fill(account, bucket)
    account.close()
    return auditor


def create(account: Estate, bucket: Bucket) -> None:
    """Create one bucket in its region."""
    # us-east-1 is the one region that CreateBucket does not accept by name.
    place: dict[str, Any] = (
        {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
        if bucket.region != "us-east-1"
        else {}
    )
    account.s3(bucket.region).create_bucket(
        Bucket=bucket.name, ObjectLockEnabledForBucket=bucket.object_lock, **place
    )


def configure(account: Estate, bucket: Bucket) -> None:
    """Apply a bucket's settings in their order."""
    client = account.s3(bucket.region)
    for method, arguments in bucket.settings:
        getattr(client, method)(Bucket=bucket.name, **arguments)


def fill(account: Estate, bucket: Bucket) -> None:
    """Upload a bucket's objects."""
    client = account.s3(bucket.region)
    for key in bucket.keys:
        client.put_object(
            Bucket=bucket.name, Key=key, Body=body(key), ContentType=content_type(key)
        )


def make_auditor(account: Estate) -> Credentials:
    """Create the read-only identity that the demo scans as, and return its access key."""
    iam = account.client("iam")
    statement = {"Effect": "Allow", "Action": list(AUDITOR_ACTIONS), "Resource": "*"}
    iam.create_account_alias(AccountAlias="novalab")
    iam.create_user(UserName=AUDITOR_NAME)
    iam.put_user_policy(
        UserName=AUDITOR_NAME,
        PolicyName="read-configuration",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    key = iam.create_access_key(UserName=AUDITOR_NAME)["AccessKey"]
    iam.close()
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])
