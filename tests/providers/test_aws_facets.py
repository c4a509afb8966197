"""Every facet read through the wire is what boto3 makes of the same answer.

moto answers most calls; for those it does not know, a canned server sends what the Amazon S3 API
reference shows.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from msgspec import Struct
from tests.support import moto_estate
from tests.support.canned import Asked, Reply, answering

from cachescan.model import ResourceRef, Scope
from cachescan.providers.aws import AwsProvider, factory
from cachescan.providers.aws.bucket import CALLS
from cachescan.providers.aws.errors import Malformed, WireError
from cachescan.providers.aws.kinds import ACCOUNT, ACCOUNT_BLOCK, BUCKET
from cachescan.providers.aws.policy import document
from cachescan.providers.base import NotSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachescan.model import Facet

ACCOUNT_ID = moto_estate.ACCOUNT
OWNER = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"
EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

# moto replies with a listing of objects to what it does not know.
UNKNOWN_TO_MOTO = {"request_payment", "metrics", "analytics", "intelligent_tiering"}
FACETS = [facet for facet in BUCKET.facets if facet.name in CALLS]
BY_MOTO = [facet for facet in FACETS if facet.name not in UNKNOWN_TO_MOTO]

CONFIGURATION: dict[str, dict[str, Any]] = {
    "put_bucket_versioning": {"VersioningConfiguration": {"Status": "Enabled"}},
    "put_bucket_acl": {
        "AccessControlPolicy": {
            "Owner": {"ID": OWNER, "DisplayName": "webfile"},
            "Grants": [
                {"Grantee": {"Type": "Group", "URI": EVERYONE}, "Permission": "READ"},
                {"Grantee": {"Type": "CanonicalUser", "ID": OWNER}, "Permission": "FULL_CONTROL"},
            ],
        }
    },
    "put_bucket_policy": {
        "Policy": json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": "arn:aws:s3:::full/*",
                },
            }
        )
    },
    "put_public_access_block": {
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": False,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": False,
        }
    },
    "put_bucket_ownership_controls": {
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    },
    "put_bucket_encryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": "arn:aws:kms:eu-west-1:123456789012:key/example",
                    },
                    "BucketKeyEnabled": True,
                }
            ]
        }
    },
    "put_bucket_logging": {
        "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "s3/"}}
    },
    "put_bucket_website": {
        "WebsiteConfiguration": {
            "IndexDocument": {"Suffix": "index.html"},
            "ErrorDocument": {"Key": "error.html"},
            "RoutingRules": [
                {
                    "Condition": {"KeyPrefixEquals": "old/"},
                    "Redirect": {"HostName": "www.example.com", "Protocol": "https"},
                }
            ],
        }
    },
    "put_bucket_cors": {
        "CORSConfiguration": {
            "CORSRules": [
                {
                    "ID": "any",
                    "AllowedOrigins": ["*"],
                    "AllowedMethods": ["GET", "PUT"],
                    "AllowedHeaders": ["*"],
                    "ExposeHeaders": ["ETag"],
                    "MaxAgeSeconds": 30,
                },
                {"AllowedOrigins": ["https://example.com"], "AllowedMethods": ["GET"]},
            ]
        }
    },
    "put_bucket_replication": {
        "ReplicationConfiguration": {
            "Role": "arn:aws:iam::123456789012:role/replication",
            "Rules": [
                {
                    "ID": "all",
                    "Priority": 1,
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "Destination": {"Bucket": "arn:aws:s3:::logs", "Account": ACCOUNT_ID},
                }
            ],
        }
    },
    "put_bucket_lifecycle_configuration": {
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "ID": "old",
                    "Status": "Enabled",
                    "Filter": {"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}]}},
                    "Expiration": {"Days": 30},
                    "Transitions": [{"Days": 10, "StorageClass": "GLACIER"}],
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
                },
                {
                    "ID": "dated",
                    "Status": "Disabled",
                    "Filter": {"Prefix": ""},
                    "Expiration": {"Date": "2030-01-01T00:00:00Z"},
                },
            ]
        }
    },
    "put_object_lock_configuration": {
        "ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}},
        }
    },
    "put_bucket_notification_configuration": {
        "NotificationConfiguration": {
            "TopicConfigurations": [
                {
                    "Id": "t",
                    "TopicArn": "arn:aws:sns:eu-west-1:123456789012:topic",
                    "Events": ["s3:ObjectCreated:*"],
                }
            ],
            "LambdaFunctionConfigurations": [
                {
                    "Id": "l",
                    "LambdaFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
                    "Events": ["s3:ObjectRemoved:*", "s3:ObjectCreated:*"],
                }
            ],
        }
    },
    "put_bucket_tagging": {
        "Tagging": {
            "TagSet": [{"Key": "owner", "Value": "a <&> b \u202e"}, {"Key": "k", "Value": ""}]
        }
    },
    "put_bucket_accelerate_configuration": {"AccelerateConfiguration": {"Status": "Enabled"}},
    "put_bucket_inventory_configuration": {
        "Id": "daily",
        "InventoryConfiguration": {
            "Id": "daily",
            "IsEnabled": True,
            "IncludedObjectVersions": "All",
            "Destination": {
                "S3BucketDestination": {
                    "AccountId": ACCOUNT_ID,
                    "Bucket": "arn:aws:s3:::logs",
                    "Format": "Parquet",
                    "Prefix": "inventory",
                }
            },
            "Schedule": {"Frequency": "Daily"},
            "OptionalFields": ["Size", "ETag"],
        },
    },
}

# What Amazon S3 sends: API reference, "Response Syntax" and the examples of each call.
DOCUMENTED: dict[str, str] = {
    "versioning": "<Status>Suspended</Status><MfaDelete>Enabled</MfaDelete>",
    "accelerate": "<Status>Suspended</Status>",
    "request_payment": "<Payer>Requester</Payer>",
    "notification": "<EventBridgeConfiguration/><QueueConfiguration><Id>q</Id>"
    "<Queue>arn:aws:sqs:eu-west-1:123456789012:q</Queue><Event>s3:ObjectCreated:Put</Event>"
    "</QueueConfiguration>",
    "encryption": "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
    "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled>"
    "<BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule>",
    "logging": "<LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix/><TargetGrants>"
    '<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">'
    f"<URI>{EVERYONE}</URI></Grantee><Permission>READ</Permission></Grant></TargetGrants>"
    "</LoggingEnabled>",
    "inventory": "<IsTruncated>false</IsTruncated><InventoryConfiguration><Id>one</Id>"
    "<IsEnabled>true</IsEnabled><Destination><S3BucketDestination><Format>CSV</Format>"
    "<AccountId>123456789012</AccountId><Bucket>arn:aws:s3:::logs</Bucket><Encryption><SSE-S3/>"
    "</Encryption></S3BucketDestination></Destination><OptionalFields><Field>Size</Field>"
    "</OptionalFields></InventoryConfiguration>",
    "metrics": "<IsTruncated>false</IsTruncated><MetricsConfiguration><Id>EntireBucket</Id>"
    "</MetricsConfiguration><MetricsConfiguration><Id>two</Id></MetricsConfiguration>",
    "analytics": "<IsTruncated>false</IsTruncated><AnalyticsConfiguration><Id>one</Id>"
    "<Filter><Prefix>x</Prefix></Filter><StorageClassAnalysis/></AnalyticsConfiguration>",
    "intelligent_tiering": "<IsTruncated>false</IsTruncated><IntelligentTieringConfiguration>"
    "<Id>one</Id><Status>Enabled</Status><Tiering><AccessTier>ARCHIVE_ACCESS</AccessTier>"
    "<Days>90</Days></Tiering></IntelligentTieringConfiguration>",
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    with moto_estate.moto() as endpoint:
        client = moto_estate.client(endpoint, region="eu-west-1")
        here = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
        for name in ("full", "empty", "logs"):
            client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=name == "full", **here)
        client.put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Enabled"})
        client.put_bucket_acl(Bucket="logs", ACL="log-delivery-write")
        for call, arguments in CONFIGURATION.items():
            getattr(client, call)(Bucket="full", **arguments)
        yield endpoint


@contextmanager
def provider_of(endpoint: str) -> Iterator[AwsProvider]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in moto_estate.CREDENTIALS.items():
            environment.setenv(name, value)
        yield factory({"endpoint_url": endpoint})


@pytest.fixture(scope="module")
def provider(cloud: str) -> Iterator[AwsProvider]:
    with provider_of(cloud) as made:
        yield made


@pytest.fixture(scope="module")
def amazon() -> Iterator[tuple[str, AwsProvider]]:
    with answering(documented) as server, provider_of(server.url) as made:
        yield server.url, made


@cache
def scope_of(provider: AwsProvider) -> str:
    (scope,) = provider.scopes()
    return scope.id


def read(provider: AwsProvider, facet: Facet, bucket: str) -> Struct | NotSet:
    """Read one facet, as the engine does: an error is what the provider says it means."""
    ref = ResourceRef("aws", "aws/bucket", f"arn:aws:s3:::{bucket}", bucket, scope_of(provider))

    async def inside() -> Struct:
        try:
            value = provider.read(ref, facet, {})
            assert not isinstance(value, Struct)
            return await value
        finally:
            await provider.close()

    try:
        return asyncio.run(inside())
    except WireError as error:
        meaning = provider.classify(error, facet)
        if not isinstance(meaning, NotSet):
            raise
        return meaning


def control_of(endpoint: str) -> Any:  # noqa: ANN401 (a client made at run time)
    """Return an S3 Control client that does not put the account before the host's address."""
    client = moto_estate.client(endpoint, "s3control")
    client.meta.events.register(
        "request-created.s3-control",
        lambda request, **_: setattr(request, "url", request.url.replace(f"{ACCOUNT_ID}.", "")),
    )
    return client


def by_boto3(endpoint: str, facet: Facet, bucket: str) -> Struct | NotSet:
    """Return what boto3 makes of the call: its own special cases spelled out by hand."""
    if facet.name == ACCOUNT_BLOCK.name:
        client, arguments = control_of(endpoint), {"AccountId": ACCOUNT_ID}
    else:
        client, arguments = moto_estate.client(endpoint), {"Bucket": bucket}
    operation = CALLS[facet.name].operation
    try:
        answer = getattr(client, xform_name(operation))(**arguments)
    except ClientError as error:
        meaning = factory({}).classify(error, facet)
        if not isinstance(meaning, NotSet):
            raise
        return meaning
    if facet.name == "policy":
        return document.parse(answer["Policy"])
    if facet.name == "location":
        answer["LocationConstraint"] = answer["LocationConstraint"] or "us-east-1"
    if facet.name == "notification":
        answer["EventBridge"] = "EventBridgeConfiguration" in answer
    payload = client.meta.service_model.operation_model(operation).output_shape.serialization
    answer = answer[payload["payload"]] if "payload" in payload else answer
    return msgspec.convert(answer, facet.schema)


@pytest.mark.parametrize("facet", BY_MOTO, ids=lambda f: f.name)
@pytest.mark.parametrize("bucket", ["full", "empty"])
def test_the_wire_reads_what_boto3_reads(
    cloud: str, provider: AwsProvider, bucket: str, facet: Facet
) -> None:
    if facet.name == ACCOUNT_BLOCK.name:
        block = CONFIGURATION["put_public_access_block"]["PublicAccessBlockConfiguration"]
        control = control_of(cloud)
        if bucket == "full":
            control.put_public_access_block(
                AccountId=ACCOUNT_ID, PublicAccessBlockConfiguration=block
            )
        else:
            control.delete_public_access_block(AccountId=ACCOUNT_ID)

    ours = read(provider, facet, bucket)

    assert ours == by_boto3(cloud, facet, bucket)
    if bucket == "full":
        assert ours not in (NotSet(), facet.neutral)


@pytest.mark.parametrize("name", sorted(UNKNOWN_TO_MOTO))
def test_a_listing_in_place_of_the_answer_is_malformed(provider: AwsProvider, name: str) -> None:
    with pytest.raises(Malformed, match="the answer is a ListBucketResult"):
        read(provider, BUCKET.facet(name), "full")


def documented(asked: Asked) -> Reply:
    """Answer as Amazon S3 does."""
    (sub_resource,) = re.findall(r"^[\w-]+", asked.query)
    (name,) = [n for n, call in CALLS.items() if call.query == sub_resource]
    root = CALLS[name].root
    return Reply(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {NAMESPACE}>{DOCUMENTED[name]}</{root}>'
    )


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_the_wire_reads_what_boto3_reads_of_documented_answers(
    amazon: tuple[str, AwsProvider], name: str
) -> None:
    (url, provider), facet = amazon, BUCKET.facet(name)

    ours = read(provider, facet, "b")

    assert ours == by_boto3(url, facet, "b")
    assert ours != facet.neutral


def test_every_facet_is_held_against_boto3_with_a_value() -> None:
    assert {facet.name for facet in BY_MOTO} | DOCUMENTED.keys() == set(CALLS)


def test_accounts_and_buckets_are_discovered(cloud: str, provider: AwsProvider) -> None:
    (scope,) = provider.scopes()
    (account,) = provider.discover(scope, ACCOUNT, "")
    found = {d.ref.name: d for d in provider.discover(scope, BUCKET, "")}

    root = f"arn:aws:iam::{ACCOUNT_ID}:root"
    assert scope == Scope("aws", ACCOUNT_ID, "", root)
    assert (account.ref.uid, account.ref.name) == (root, ACCOUNT_ID)
    assert found.keys() == {"full", "empty", "logs"}
    assert found["full"].ref.uid == "arn:aws:s3:::full"
    listed = msgspec.to_builtins(found["full"].facets["bucket"])
    assert (listed["Name"], listed["Endpoint"]) == ("full", cloud)
    assert listed["CreationDate"]
