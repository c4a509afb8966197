"""Make the base records that the cases of the AWS rules start from.

Run it after a change of a schema: ``python tests/recordings/make_aws.py``; with ``--check`` it
only says whether the files under ``rules/records`` are what it would write.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cachescan.model import Resource, ResourceRef
from cachescan.providers.aws import schemas as s
from cachescan.providers.aws.kinds import ACCOUNT, BUCKET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cachescan.model import Kind

RECORDS = Path(__file__).parents[2] / "rules" / "records"
ACCOUNT_ID, REGION = "123456789012", "eu-west-1"
# The canonical user id that Amazon's documentation uses for an example owner.
OWNER = s.CanonicalUser(ID="75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a")
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
EVERYTHING_ON = s.PublicAccessBlock(
    BlockPublicAcls=True,
    IgnorePublicAcls=True,
    BlockPublicPolicy=True,
    RestrictPublicBuckets=True,
)


def records() -> dict[str, Resource]:
    """Return the base records by file name."""
    return {
        "locked": _bucket("example-locked", "2026-01-15T09:30:00", _locked("example-locked")),
        "legacy": _bucket("example-legacy", "2019-03-02T16:05:00", {}),
        "account": _record(
            ACCOUNT,
            ResourceRef(
                "aws", ACCOUNT.name, f"arn:aws:iam::{ACCOUNT_ID}:root", ACCOUNT_ID, ACCOUNT_ID
            ),
            {"account_public_access_block": EVERYTHING_ON},
        ),
    }


def main(arguments: list[str]) -> int:
    """Write the records, or compare them; return the exit code."""
    stale = []
    for name, record in records().items():
        path = RECORDS / f"{name}.json"
        text = msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=2) + b"\n"
        if not path.is_file() or path.read_bytes() != text:
            stale.append(path.name)
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
    if "--check" in arguments and stale:
        sys.stderr.write(f"not current: {', '.join(stale)}\n")
        return 1
    return 0


def _record(kind: Kind, ref: ResourceRef, facets: Mapping[str, msgspec.Struct]) -> Resource:
    every = {facet.name: facet.neutral for facet in kind.facets} | dict(facets)
    return Resource(
        ref,
        {name: msgspec.to_builtins(value) for name, value in every.items()},
        collected_at="2026-06-01T12:00:00Z",
    )


def _bucket(name: str, created: str, facets: Mapping[str, msgspec.Struct]) -> Resource:
    """Return a bucket as AWS makes one, its owner in control of it, with ``facets`` set."""
    born = datetime.fromisoformat(created).replace(tzinfo=UTC)
    owner = s.AclGrant(
        Grantee=s.AclGrantee(Type="CanonicalUser", ID=OWNER.ID), Permission="FULL_CONTROL"
    )
    given = {
        "bucket": s.Bucket(Name=name, CreationDate=born, BucketRegion=REGION),
        "location": s.Location(LocationConstraint=REGION),
        "acl": s.Acl(Grants=[owner], Owner=OWNER),
    }
    ref = ResourceRef("aws", BUCKET.name, f"arn:aws:s3:::{name}", name, ACCOUNT_ID, REGION)
    return _record(BUCKET, ref, given | dict(facets))


def _locked(name: str) -> dict[str, msgspec.Struct]:
    """Return every facet of a bucket that is set up with care."""
    return {**_closed(name), **_durable(name), **_observed()}


def _closed(name: str) -> dict[str, msgspec.Struct]:
    bucket, objects = f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"
    denies = (
        ("PlainHttp", "s3:*", {"Bool": {"aws:securetransport": ["false"]}}),
        ("OldTls", "s3:*", {"NumericLessThan": {"s3:tlsversion": ["1.2"]}}),
        ("OldSignatures", "s3:*", {"NumericGreaterThan": {"s3:signatureage": ["600000"]}}),
        (
            "OnlyKms",
            "s3:PutObject",
            {"StringNotEquals": {"s3:x-amz-server-side-encryption": ["aws:kms"]}},
        ),
    )
    statements = [
        s.PolicyStatement(
            Sid=sid,
            Effect="Deny",
            Principal={"AWS": ["*"]},
            Action=[action],
            Resource=[objects] if action == "s3:PutObject" else [bucket, objects],
            Condition=condition,
        )
        for sid, action, condition in denies
    ]
    encryption = s.EncryptionRule(
        ApplyServerSideEncryptionByDefault=s.EncryptionDefault(
            SSEAlgorithm="aws:kms", KMSMasterKeyID=KEY
        ),
        BucketKeyEnabled=True,
        BlockedEncryptionTypes=s.BlockedTypes(EncryptionType=["SSE-C"]),
    )
    return {
        "policy": s.Policy(Version="2012-10-17", Statement=statements),
        "public_access_block": EVERYTHING_ON,
        "account_public_access_block": EVERYTHING_ON,
        "ownership_controls": s.OwnershipControls(
            Rules=[s.OwnershipRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        "encryption": s.Encryption(Rules=[encryption]),
    }


def _durable(name: str) -> dict[str, msgspec.Struct]:
    lifecycle = s.LifecycleRule(
        ID="tidy",
        Status="Enabled",
        NoncurrentVersionExpiration=s.OldVersionExpiry(NoncurrentDays=90),
        AbortIncompleteMultipartUpload=s.AbortUploads(DaysAfterInitiation=7),
    )
    replication = s.ReplicationRule(
        ID="elsewhere",
        Priority=1,
        Status="Enabled",
        Destination=s.ReplicationDestination(
            Bucket=f"arn:aws:s3:::{name}-replica", Account=ACCOUNT_ID
        ),
    )
    return {
        "versioning": s.Versioning(Status="Enabled", MFADelete="Enabled"),
        "lifecycle": s.Lifecycle(Rules=[lifecycle]),
        "replication": s.Replication(
            Role=f"arn:aws:iam::{ACCOUNT_ID}:role/replication", Rules=[replication]
        ),
        "object_lock": s.ObjectLock(
            ObjectLockEnabled="Enabled",
            Rule=s.ObjectLockRule(DefaultRetention=s.Retention(Mode="COMPLIANCE", Days=365)),
        ),
    }


def _observed() -> dict[str, msgspec.Struct]:
    inventory = s.InventoryConfiguration(
        Id="weekly",
        IsEnabled=True,
        IncludedObjectVersions="All",
        Destination=s.InventoryDestination(
            S3BucketDestination=s.InventoryBucket(
                AccountId=ACCOUNT_ID, Bucket="arn:aws:s3:::example-inventory", Format="Parquet"
            )
        ),
    )
    return {
        "logging": s.Logging(
            LoggingEnabled=s.LogTarget(TargetBucket="example-logs", TargetPrefix="locked/")
        ),
        "notification": s.Notification(EventBridge=True),
        "tagging": s.Tagging(TagSet=[s.Tag(Key="owner", Value="records@example.com")]),
        "accelerate": s.Accelerate(Status="Enabled"),
        "inventory": s.Inventory(InventoryConfigurationList=[inventory]),
        "metrics": s.Metrics(MetricsConfigurationList=[s.Identified(Id="all")]),
        "analytics": s.Analytics(AnalyticsConfigurationList=[s.Identified(Id="all")]),
        "intelligent_tiering": s.IntelligentTiering(
            IntelligentTieringConfigurationList=[s.Identified(Id="archive")]
        ),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
