"""The AWS adapter keeps the provider contract, for every facet of every kind."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, ClassVar

import pytest
from tests.support import moto_estate
from tests.support.proxy import DENIED, SLOW_DOWN, Answer, Call, Proxy, error, proxying

from cachescan.providers.aws import factory
from cachescan.providers.aws.bucket import CALLS
from cachescan.providers.aws.kinds import ACCOUNT_BLOCK, KINDS, ORGANIZATION_BLOCK
from cachescan.testing import Condition, ProviderContract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachescan.model import Facet, Kind
    from cachescan.providers.base import Provider

BODIES: dict[str, str] = {
    "acl": "<Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee"
    " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='CanonicalUser'><ID>o</ID>"
    "</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>",
    "policy_status": "<IsPublic>true</IsPublic>",
    "public_access_block": "<BlockPublicAcls>true</BlockPublicAcls>",
    "account_public_access_block": "<BlockPublicAcls>true</BlockPublicAcls>",
    "ownership_controls": "<Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>",
    "encryption": "<Rule><BucketKeyEnabled>true</BucketKeyEnabled></Rule>",
    "versioning": "<Status>Enabled</Status>",
    "logging": "<LoggingEnabled><TargetBucket>l</TargetBucket><TargetPrefix/></LoggingEnabled>",
    "website": "<IndexDocument><Suffix>index.html</Suffix></IndexDocument>",
    "cors": "<CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule>",
    "replication": "<Role>r</Role><Rule><Status>Enabled</Status></Rule>",
    "lifecycle": "<Rule><Status>Enabled</Status></Rule>",
    "object_lock": "<ObjectLockEnabled>Enabled</ObjectLockEnabled>",
    "notification": "<EventBridgeConfiguration/>",
    "request_payment": "<Payer>Requester</Payer>",
    "tagging": "<TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet>",
    "accelerate": "<Status>Enabled</Status>",
    "inventory": "<IsTruncated>false</IsTruncated><InventoryConfiguration><Id>i</Id>"
    "</InventoryConfiguration>",
    "metrics": "<IsTruncated>false</IsTruncated><MetricsConfiguration><Id>i</Id>"
    "</MetricsConfiguration>",
    "analytics": "<IsTruncated>false</IsTruncated><AnalyticsConfiguration><Id>i</Id>"
    "</AnalyticsConfiguration>",
    "intelligent_tiering": "<IsTruncated>false</IsTruncated><IntelligentTieringConfiguration>"
    "<Id>i</Id></IntelligentTieringConfiguration>",
}
"""An answer of each call that says something; the least that does."""

ABSENT: dict[str, str] = {
    "policy": "NoSuchBucketPolicy",
    "policy_status": "NoSuchBucketPolicy",
    "public_access_block": "NoSuchPublicAccessBlockConfiguration",
    "account_public_access_block": "NoSuchPublicAccessBlockConfiguration",
    "ownership_controls": "OwnershipControlsNotFoundError",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "website": "NoSuchWebsiteConfiguration",
    "cors": "NoSuchCORSConfiguration",
    "replication": "ReplicationConfigurationNotFoundError",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "object_lock": "ObjectLockConfigurationNotFoundError",
    "tagging": "NoSuchTagSet",
}
"""Calls that say "not set" with an error; the others say it with an empty document."""

FAULTS = {
    Condition.DENIED: DENIED,
    Condition.THROTTLED: SLOW_DOWN,
    Condition.TIMEOUT: Answer(0, drop=True),
    Condition.VANISHED: error("NoSuchBucket", 404),
    Condition.MALFORMED: Answer(200, b"<Half"),
}
POLICY = moto_estate.everyone_may("b", "s3:GetObject").encode()


def document(facet: Facet, content: str) -> Answer:
    """Return an answer with the root element that the call has."""
    root = CALLS[facet.name].root
    return Answer(
        200, f"<{root} xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>{content}</{root}>".encode()
    )


def xml_answer(facet: Facet, condition: Condition) -> Answer:
    """Return what S3 says to the facet's call."""
    if condition is Condition.VALUE:
        return set_answer(facet)
    return absent_answer(facet) if condition is Condition.NOT_SET else FAULTS[condition]


def set_answer(facet: Facet) -> Answer:
    if facet.name == "policy":
        return Answer(200, POLICY)
    if facet.name == "location":
        return Answer(200, b"<LocationConstraint>eu-west-1</LocationConstraint>")
    return document(facet, BODIES[facet.name])


def absent_answer(facet: Facet) -> Answer:
    if facet.name in ABSENT:
        return error(ABSENT[facet.name], 404)
    if facet.name == "location":
        return Answer(200, b"<LocationConstraint/>")
    paged = "<IsTruncated>false</IsTruncated>" if CALLS[facet.name].paged else ""
    return document(facet, "<AccessControlList/>" if facet.name == "acl" else paged)


def organization_answer(condition: Condition) -> Answer:
    """Return what Organizations says to DescribeEffectivePolicy."""
    policy = {"s3_attributes": {"public_access_block_configuration": {"@@assign": "all"}}}
    good = json.dumps({"EffectivePolicy": {"PolicyContent": json.dumps(policy)}})
    codes = {
        Condition.NOT_SET: "AWSOrganizationsNotInUseException",
        Condition.DENIED: "AccessDeniedException",
        Condition.THROTTLED: "TooManyRequestsException",
    }
    kind = {"content-type": "application/x-amz-json-1.1"}
    if condition in codes:
        return Answer(400, json.dumps({"__type": codes[condition]}).encode(), kind)
    if condition is Condition.MALFORMED:
        bad = json.dumps({"EffectivePolicy": {"PolicyContent": "{"}})
        return Answer(200, bad.encode(), kind)
    return Answer(200, good.encode(), kind) if condition is Condition.VALUE else FAULTS[condition]


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[Proxy]:
    with moto_estate.moto() as endpoint, proxying(endpoint) as proxy:
        TestAwsContract.proxy = proxy
        yield proxy


class TestAwsContract(ProviderContract):
    """Every facet, answered in every way that its server can answer."""

    kinds: ClassVar[tuple[Kind, ...]] = KINDS
    proxy: ClassVar[Proxy]

    def applies(self, facet: Facet, condition: Condition) -> bool:
        """Leave out what cannot be: an account does not vanish during its own scan."""
        return not (facet.shared and condition is Condition.VANISHED)

    @contextmanager
    def arrange(self, kind: Kind, facet: Facet, condition: Condition) -> Iterator[Provider]:
        """Answer the facet's call by the condition and whatever it needs by a value."""
        answers = {
            self._operation(kind.facet(name)): xml_answer(kind.facet(name), Condition.VALUE)
            for name in facet.needs
        }
        answers[self._operation(facet)] = (
            organization_answer(condition)
            if facet is ORGANIZATION_BLOCK
            else xml_answer(facet, condition)
        )
        with ExitStack() as stack:
            environment = stack.enter_context(pytest.MonkeyPatch.context())
            for name, value in moto_estate.CREDENTIALS.items():
                environment.setenv(name, value)
            self.proxy.fault = lambda call: self._answer(call, answers)
            yield factory({"endpoint_url": self.proxy.url, "buckets": ["b"]})

    @staticmethod
    def _operation(facet: Facet) -> str:
        if facet is ACCOUNT_BLOCK:
            return "accountPublicAccessBlock"
        if facet is ORGANIZATION_BLOCK:
            return "AWSOrganizationsV20161128.DescribeEffectivePolicy"
        return CALLS[facet.name].query

    @staticmethod
    def _answer(call: Call, answers: dict[str, Answer]) -> Answer | None:
        return answers.get(call.operation)
