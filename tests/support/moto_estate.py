"""An emulated AWS for tests: moto in this process, filled through the AWS API."""

from __future__ import annotations

import json
import logging
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = "123456789012"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}
DRAFT = "press/2026/launch-announcement-DRAFT.md"
CLOSED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


@contextmanager
def moto() -> Iterator[str]:
    """Run moto on a free port and yield its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        reset(f"http://{host}:{port}")
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def reset(endpoint: str) -> None:
    """Empty the emulator, whose state is that of the whole process."""
    request = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")  # noqa: S310
    with urllib.request.urlopen(request):  # noqa: S310 (an address of our own)
        pass


def client(endpoint: str, service: str = "s3", region: str = "us-east-1") -> Any:  # noqa: ANN401
    """Return a boto3 client of the emulator."""
    session = boto3.Session("test", "test", region_name=region)
    return session.client(service, endpoint_url=endpoint)


def client_of(endpoint: str, keys: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return an S3 client with the credentials that AssumeRole gave."""
    session = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name="us-east-1"
    )
    return session.client("s3", endpoint_url=endpoint)


def everyone_may(bucket: str, *actions: str) -> str:
    """Return a policy that opens a bucket to everybody."""
    arn = f"arn:aws:s3:::{bucket}"
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Sid": "Open",
                "Effect": "Allow",
                "Principal": "*",
                "Action": list(actions),
                "Resource": [arn, f"{arn}/*"],
            },
        }
    )


def fill(endpoint: str) -> None:
    """Make six buckets, each telling its story by its name.

    ``assets`` is open by policy with a draft inside, ``dropbox`` by ACL, ``hostile`` has tags that
    attack a reader, ``shared`` may be read by a foreign account.
    """
    s3 = client(endpoint)
    for name in ("assets", "dropbox", "locked", "legacy", "hostile", "shared"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(
        Bucket="assets", Policy=everyone_may("assets", "s3:GetObject", "s3:ListBucket")
    )
    for key in (DRAFT, "img/logo.png", "css/site.css"):
        s3.put_object(Bucket="assets", Key=key, Body=b"x" * 10)
    s3.put_bucket_acl(Bucket="dropbox", ACL="public-read")
    s3.put_public_access_block(Bucket="locked", PublicAccessBlockConfiguration=CLOSED)
    s3.put_bucket_versioning(Bucket="locked", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(
        Bucket="hostile",
        Tagging={"TagSet": [{"Key": "<script>alert(1)</script>", "Value": "=cmd|' /C calc'!A0"}]},
    )
    s3.put_bucket_policy(
        Bucket="shared",
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
                        "Action": "s3:GetObject",
                        "Resource": "arn:aws:s3:::shared/*",
                    }
                ],
            }
        ),
    )
