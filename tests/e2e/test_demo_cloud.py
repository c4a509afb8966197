"""The demo cloud: what it serves, what it refuses and to whom, and that nothing of it remains."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
import urllib.parse
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKey

from cachescan.demo import Credentials, DemoCloud, running
from cachescan.demo.assets import DRAFT_KEY, DRAFT_TITLE
from cachescan.demo.buckets import estate
from cachescan.demo.names import (
    CHECKPOINTS_BUCKET,
    CMS_BUCKET,
    CONDITIONED_BUCKET,
    CROSS_ACCOUNT_BUCKET,
    DROPBOX_BUCKET,
    HOSTILE_BUCKET,
    HOSTILE_KEYS,
    HOSTILE_TAGS,
    LOCKED_BUCKET,
    LOG_ARCHIVE_BUCKET,
    OFFICE_BUCKET,
    PARTNER_ACCOUNT,
    PREPRINTS_BUCKET,
    PRIVATE_BUCKET,
    RESTRICTED_BUCKET,
    TAKEOVER_BUCKET,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

STRANGER_ACCOUNT = "444455556666"
REGIONS = {bucket.name: bucket.region for bucket in estate()}
FIRST_KEYS = {bucket.name: bucket.keys[0] for bucket in estate() if bucket.keys}
CONTROL = "/v20180820/configuration/publicAccessBlock"
ALL_ON = b"".join(
    b"<%b>true</%b>" % (switch, switch)
    for switch in (
        b"BlockPublicAcls",
        b"IgnorePublicAcls",
        b"BlockPublicPolicy",
        b"RestrictPublicBuckets",
    )
)
# Sub-resource to the root element that the API reference gives, on a bucket that has everything.
ROOTS = {
    "location": "LocationConstraint",
    "acl": "AccessControlPolicy",
    "policyStatus": "PolicyStatus",
    "publicAccessBlock": "PublicAccessBlockConfiguration",
    "ownershipControls": "OwnershipControls",
    "encryption": "ServerSideEncryptionConfiguration",
    "versioning": "VersioningConfiguration",
    "logging": "BucketLoggingStatus",
    "replication": "ReplicationConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "object-lock": "ObjectLockConfiguration",
    "notification": "NotificationConfiguration",
    "requestPayment": "RequestPaymentConfiguration",
    "tagging": "Tagging",
    "inventory": "ListInventoryConfigurationsResult",
    "metrics": "ListMetricsConfigurationsResult",
    "analytics": "ListBucketAnalyticsConfigurationResult",
    "list-type=2": "ListBucketResult",
}
NOT_SET = {
    "policy": "NoSuchBucketPolicy",
    "policyStatus": "NoSuchBucketPolicy",
    "website": "NoSuchWebsiteConfiguration",
    "cors": "NoSuchCORSConfiguration",
    "replication": "ReplicationConfigurationNotFoundError",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "object-lock": "ObjectLockConfigurationNotFoundError",
    "tagging": "NoSuchTagSet",
}


class Answer(NamedTuple):
    """A status and a body, with the two names that an S3 body is told by."""

    status: int
    body: bytes

    @property
    def document(self) -> ET.Element:
        return ET.fromstring(self.body)  # noqa: S314 -- our own server's

    @property
    def root(self) -> str:
        return self.document.tag.rpartition("}")[2]

    def text(self, name: str) -> str | None:
        return self.document.findtext(f".//{{*}}{name}")

    def texts(self, name: str) -> list[str]:
        return [element.text or "" for element in self.document.iterfind(f".//{{*}}{name}")]


def ask(cloud: DemoCloud, path: str, method: str = "GET", body: bytes | None = None) -> Answer:
    """Send one unsigned request, as a pasted curl line does."""
    return send(cloud, AWSRequest(method, cloud.endpoint + path, data=body))


def ask_as(
    cloud: DemoCloud, key: Credentials, path: str, method: str = "GET", body: bytes | None = None
) -> Answer:
    """Send one request signed for the region of the bucket in its path."""
    bucket = urllib.parse.urlsplit(path).path.split("/")[1]
    request = AWSRequest(method, cloud.endpoint + path, data=body)
    request.headers["x-amz-account-id"] = cloud.account
    signer = SigningKey(key.access_key_id, key.secret_access_key)
    S3SigV4Auth(signer, "s3", REGIONS.get(bucket, cloud.region)).add_auth(request)
    return send(cloud, request)


def send(cloud: DemoCloud, request: AWSRequest) -> Answer:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(cloud.endpoint).netloc)
    try:
        path = str(request.url).removeprefix(cloud.endpoint)
        method = str(request.method)
        connection.request(method, path, request.data or None, dict(request.headers))
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def first_object(bucket: str) -> str:
    return f"/{bucket}/{urllib.parse.quote(FIRST_KEYS[bucket])}"


def root_of(account: str) -> Credentials:
    """Return the key of another account's root, which the emulator knows by its number."""
    return Credentials(account, "test")


@pytest.fixture(scope="module")
def cloud() -> Iterator[DemoCloud]:
    with running(lambda _message: None) as running_cloud:
        yield running_cloud


def test_anyone_fetches_the_draft_over_plain_http(cloud: DemoCloud) -> None:
    path = cloud.url(CMS_BUCKET, DRAFT_KEY).removeprefix(cloud.endpoint)

    answer = ask(cloud, path)

    assert answer.status == 200
    assert f"<title>{DRAFT_TITLE}</title>" in answer.body.decode()


def test_anyone_finds_the_draft_among_thousands_of_names(cloud: DemoCloud) -> None:
    page = ask(cloud, f"/{CMS_BUCKET}?list-type=2&prefix=uploads/2026/11/")

    assert DRAFT_KEY.encode() in page.body
    assert ask(cloud, f"/{CMS_BUCKET}?list-type=2").text("KeyCount") == "1000"


@pytest.mark.parametrize(
    "bucket",
    [PRIVATE_BUCKET, LOCKED_BUCKET, LOG_ARCHIVE_BUCKET, RESTRICTED_BUCKET, OFFICE_BUCKET],
)
def test_a_closed_bucket_refuses_strangers(cloud: DemoCloud, bucket: str) -> None:
    assert ask(cloud, first_object(bucket)).status == 403
    assert ask(cloud, f"/{bucket}?list-type=2").status == 403
    assert ask(cloud, f"/{bucket}/planted.txt", "PUT", b"x").status == 403


def test_the_account_does_not_list_its_buckets_to_strangers(cloud: DemoCloud) -> None:
    assert ask(cloud, "/").status == 403


def test_each_open_bucket_is_open_in_its_own_way(cloud: DemoCloud) -> None:
    assert ask(cloud, first_object(CHECKPOINTS_BUCKET)).status == 200
    assert ask(cloud, f"/{CHECKPOINTS_BUCKET}?list-type=2").status == 200
    assert ask(cloud, first_object(CONDITIONED_BUCKET)).status == 200
    assert ask(cloud, f"/{DROPBOX_BUCKET}/inbox/planted.txt", "PUT", b"x").status == 200
    assert ask(cloud, f"/{TAKEOVER_BUCKET}?acl").root == "AccessControlPolicy"


def test_grants_to_other_accounts_reach_them_and_nobody_else(cloud: DemoCloud) -> None:
    partner, stranger = root_of(PARTNER_ACCOUNT), root_of(STRANGER_ACCOUNT)

    assert ask_as(cloud, partner, first_object(CROSS_ACCOUNT_BUCKET)).status == 200
    assert ask_as(cloud, stranger, first_object(CROSS_ACCOUNT_BUCKET)).status == 403
    assert ask_as(cloud, stranger, f"/{PREPRINTS_BUCKET}?list-type=2").status == 200
    assert ask(cloud, f"/{PREPRINTS_BUCKET}?list-type=2").status == 403


@pytest.mark.parametrize("call", [*ROOTS, "policy", "website", "cors"])
def test_the_auditor_is_denied_every_call_on_the_log_archive(cloud: DemoCloud, call: str) -> None:
    answer = ask_as(cloud, cloud.auditor, f"/{LOG_ARCHIVE_BUCKET}?{call}")

    assert (answer.status, answer.text("Code")) == (403, "AccessDenied")


@pytest.mark.parametrize(("call", "root"), ROOTS.items())
def test_the_auditor_reads_what_is_set(cloud: DemoCloud, call: str, root: str) -> None:
    answer = ask_as(cloud, cloud.auditor, f"/{LOCKED_BUCKET}?{call}")

    assert (answer.status, answer.root) == (200, root)


@pytest.mark.parametrize(("call", "code"), NOT_SET.items())
def test_the_auditor_is_told_what_is_not_set(cloud: DemoCloud, call: str, code: str) -> None:
    answer = ask_as(cloud, cloud.auditor, f"/{PRIVATE_BUCKET}?{call}")

    assert (answer.status, answer.text("Code")) == (404, code)


@pytest.mark.parametrize(
    ("bucket", "public"),
    [(CMS_BUCKET, "true"), (RESTRICTED_BUCKET, "true"), (OFFICE_BUCKET, "false")],
)
def test_the_policy_status_agrees_with_the_policy(
    cloud: DemoCloud, bucket: str, public: str
) -> None:
    assert ask_as(cloud, cloud.auditor, f"/{bucket}?policyStatus").text("IsPublic") == public


def test_a_stored_inventory_configuration_is_listed(cloud: DemoCloud) -> None:
    answer = ask_as(cloud, cloud.auditor, f"/{LOCKED_BUCKET}?inventory")

    assert (answer.text("Id"), answer.text("Frequency")) == ("weekly", "Weekly")


def test_the_auditor_reads_no_contents_and_changes_nothing(cloud: DemoCloud) -> None:
    versioning = f"/{PRIVATE_BUCKET}?versioning"

    assert ask_as(cloud, cloud.auditor, first_object(PRIVATE_BUCKET)).status == 403
    assert ask_as(cloud, cloud.auditor, versioning, "PUT", b"<x/>").status == 403
    assert ask_as(cloud, cloud.auditor, CONTROL, "PUT", b"<x/>").status == 403


def test_a_wrong_secret_is_refused(cloud: DemoCloud) -> None:
    forged = Credentials(cloud.auditor.access_key_id, "wrong")

    assert ask_as(cloud, forged, f"/{PRIVATE_BUCKET}?acl").status == 403


def test_the_block_of_the_account_is_not_set_and_closes_the_draft_when_it_is(
    cloud: DemoCloud,
) -> None:
    draft = f"/{CMS_BUCKET}/{DRAFT_KEY}"
    unset = ask_as(cloud, cloud.auditor, CONTROL)
    block = b"<PublicAccessBlockConfiguration>" + ALL_ON + b"</PublicAccessBlockConfiguration>"

    ask_as(cloud, cloud.admin, CONTROL, "PUT", block)
    read, refused = ask_as(cloud, cloud.auditor, CONTROL), ask(cloud, draft)
    ask_as(cloud, cloud.admin, CONTROL, "DELETE")

    assert unset.text("Code") == "NoSuchPublicAccessBlockConfiguration"
    assert read.text("RestrictPublicBuckets") == "true"
    assert refused.status == 403
    assert ask(cloud, draft).status == 200


def test_hostile_names_and_tags_arrive_as_they_were_meant(cloud: DemoCloud) -> None:
    listing = ask_as(cloud, cloud.auditor, f"/{HOSTILE_BUCKET}?encoding-type=url&list-type=2")
    tagging = ask_as(cloud, cloud.auditor, f"/{HOSTILE_BUCKET}?tagging")

    assert set(map(urllib.parse.unquote, listing.texts("Key"))) == set(HOSTILE_KEYS)
    assert set(tagging.texts("Value")) == set(HOSTILE_TAGS.values())


def test_the_environment_names_the_auditor_or_whom_it_is_asked_for(cloud: DemoCloud) -> None:
    assert cloud.environment()["AWS_ACCESS_KEY_ID"] == cloud.auditor.access_key_id
    assert cloud.environment(cloud.admin)["AWS_ACCESS_KEY_ID"] == cloud.account
    assert cloud.environment()["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert cloud.auditor.secret_access_key not in repr(cloud)


def refuses_connections(endpoint: str) -> bool:
    """Tell whether nobody listens any more; wait for a dying process as long as it may take."""
    patience = time.monotonic() + 30
    while time.monotonic() < patience:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(endpoint).netloc)
        try:
            connection.connect()
        except ConnectionRefusedError:
            return True
        finally:
            connection.close()
        time.sleep(0.05)
    return False


SERVE = """
import json, sys
from cachescan.demo.server import serving
said = []
with serving(said.append) as server:
    print(json.dumps({"endpoint": server.endpoint, "pid": server.pid, "log": str(server.log)}))
    sys.stdout.flush()
    sys.stdin.readline()
"""


@pytest.mark.parametrize("end", ["leaves the block", "is killed"])
def test_nothing_is_left_running_when_the_program(end: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        server = json.loads(program.stdout.readline())
        if end == "is killed":
            program.send_signal(signal.SIGKILL)
        else:
            program.stdin.write("\n")
            program.stdin.flush()
        program.wait()

    assert refuses_connections(server["endpoint"])
    assert not Path(server["log"]).exists()
