"""Reading each facet of an S3 bucket: which sub-resource, which answer, decoded to its schema.

An answer is believed only if its root element is that of the call: S3-compatible servers reply to
a sub-resource that they do not know with a listing, and status 200. It is then decoded by
botocore's own parser, so a test can hold every facet against what boto3 makes of the same answer.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec
from botocore.parsers import RestXMLParser
from msgspec import Struct

from cachescan.providers.aws import schemas as s
from cachescan.providers.aws.errors import Ignored, Malformed
from cachescan.providers.aws.kinds import ACCOUNT_BLOCK, BUCKET
from cachescan.providers.aws.policy import document

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from botocore.model import ServiceModel, Shape

    Fetch = Callable[[str], Awaitable[bytes]]
    """Takes a query and returns the body of the answer."""

MOST_PAGES: Final = 100
"""AWS keeps at most 1000 configurations of a sort for a bucket and gives 100 a page."""


KEPT_ANSWERS: Final = 1024
KEPT_BYTES: Final = 2048
"""How many decoded answers of at most how many bytes are kept, 2 MiB in all."""


class Call(Struct, frozen=True):
    """How a facet is asked for, and the root element of its answer.

    Attributes:
        query: the sub-resource, or the whole query.
        operation: the SDK's name of the call, whose output shape decodes the answer.
        root: the root element as Amazon documents it; empty if the answer is no XML.
        paged: the answer comes in pages.
    """

    query: str
    operation: str
    root: str
    paged: bool = False

    @property
    def roots(self) -> frozenset[str]:
        """The documented root element, and those that name the call itself, as moto's do."""
        older = self.operation.replace("NotificationConfiguration", "Notification")
        stems = {self.operation, older}
        named = {f"{stem}{end}" for stem in stems for end in ("Response", "Result", "Output")}
        return frozenset({self.root, *named})


CALLS: Final = {
    "location": Call("location", "GetBucketLocation", "LocationConstraint"),
    "acl": Call("acl", "GetBucketAcl", "AccessControlPolicy"),
    "policy": Call("policy", "GetBucketPolicy", ""),
    "policy_status": Call("policyStatus", "GetBucketPolicyStatus", "PolicyStatus"),
    "public_access_block": Call(
        "publicAccessBlock", "GetPublicAccessBlock", "PublicAccessBlockConfiguration"
    ),
    # S3 Control answers with the same document; its path is the session's business.
    ACCOUNT_BLOCK.name: Call("", "GetPublicAccessBlock", "PublicAccessBlockConfiguration"),
    "ownership_controls": Call(
        "ownershipControls", "GetBucketOwnershipControls", "OwnershipControls"
    ),
    "encryption": Call("encryption", "GetBucketEncryption", "ServerSideEncryptionConfiguration"),
    "versioning": Call("versioning", "GetBucketVersioning", "VersioningConfiguration"),
    "logging": Call("logging", "GetBucketLogging", "BucketLoggingStatus"),
    "website": Call("website", "GetBucketWebsite", "WebsiteConfiguration"),
    "cors": Call("cors", "GetBucketCors", "CORSConfiguration"),
    "replication": Call("replication", "GetBucketReplication", "ReplicationConfiguration"),
    "lifecycle": Call("lifecycle", "GetBucketLifecycleConfiguration", "LifecycleConfiguration"),
    "object_lock": Call("object-lock", "GetObjectLockConfiguration", "ObjectLockConfiguration"),
    "notification": Call(
        "notification", "GetBucketNotificationConfiguration", "NotificationConfiguration"
    ),
    "request_payment": Call(
        "requestPayment", "GetBucketRequestPayment", "RequestPaymentConfiguration"
    ),
    "tagging": Call("tagging", "GetBucketTagging", "Tagging"),
    "accelerate": Call("accelerate", "GetBucketAccelerateConfiguration", "AccelerateConfiguration"),
    "inventory": Call(
        "inventory",
        "ListBucketInventoryConfigurations",
        "ListInventoryConfigurationsResult",
        paged=True,
    ),
    "metrics": Call(
        "metrics", "ListBucketMetricsConfigurations", "ListMetricsConfigurationsResult", paged=True
    ),
    "analytics": Call(
        "analytics",
        "ListBucketAnalyticsConfigurations",
        "ListBucketAnalyticsConfigurationResult",
        paged=True,
    ),
    "intelligent_tiering": Call(
        "intelligent-tiering",
        "ListBucketIntelligentTieringConfigurations",
        "ListBucketIntelligentTieringConfigurationsOutput",
        paged=True,
    ),
}
"""Facet name to call. Source: Amazon S3 API reference, "Response Syntax" of each call."""

# A document type is not passed over: S3 never sends one, and entities are an attack on parsers.
_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*<(?:[\w.-]+:)?([\w.-]+)", re.DOTALL
)
_LOCATION = re.compile(rb"<LocationConstraint\b[^>]*?(?:/>|>\s*([^<]*?)\s*</LocationConstraint>)")
_LISTING = b"ListBucketResult"
_LEGACY_REGIONS = {"": "us-east-1", "EU": "eu-west-1"}
_BOOLEANS = {"true": True, "false": False}


class BucketReader:
    """Decodes the answers to the calls on a bucket.

    Args:
        model: botocore's model of S3.
    """

    def __init__(self, model: ServiceModel) -> None:
        self._parser = _StrictParser()
        self._shapes: dict[str, Shape] = {}
        for name, call in CALLS.items():
            shape = model.operation_model(call.operation).output_shape
            if shape is not None:
                self._shapes[name] = shape
        self._roots = {name: call.roots for name, call in CALLS.items()}
        self._schemas = {facet.name: facet.schema for facet in BUCKET.facets}
        # Most buckets of an account answer alike, byte for byte, and decoding takes a third of a
        # call's time. Values are frozen, so they can be shared.
        self._decode_once = lru_cache(KEPT_ANSWERS)(self._decode)

    async def read(self, name: str, fetch: Fetch) -> Struct:
        """Return the facet of that name.

        Raises:
            Malformed: the answer is not one to this call.
            botocore.parsers.ResponseParserError, msgspec.ValidationError, ValueError: likewise.
            Exception: whatever ``fetch`` raises.
        """
        call = CALLS[name]
        if call.paged:
            return await self._pages(name, call, fetch)
        return self.decode(name, await fetch(call.query))

    def decode(self, name: str, body: bytes) -> Struct:
        """Return the facet that one answer states; raises as ``read``."""
        return (self._decode_once if len(body) <= KEPT_BYTES else self._decode)(name, body)

    def _decode(self, name: str, body: bytes) -> Struct:
        if name == "policy":
            return document.parse(body.decode())
        if name == "location":
            return self._location(body)
        return msgspec.convert(self._parsed(name, body), self._schemas[name])

    async def _pages(self, name: str, call: Call, fetch: Fetch) -> Struct:
        """Return the facet over all pages; raises Malformed if they do not come to an end."""
        (entries,) = self._schemas[name].__struct_fields__
        found: list[Any] = []
        seen: set[str] = set()
        query = call.query
        while len(seen) < MOST_PAGES:
            page = self._parsed(name, await fetch(query))
            found += page.get(entries, ())
            if not page.get("IsTruncated", False):
                return msgspec.convert({entries: found}, self._schemas[name])
            token = page.get("NextContinuationToken", "")
            if not token or token in seen:
                raise Malformed("a further page is announced with a token that leads nowhere")
            seen.add(token)
            query = f"{call.query}&continuation-token={quote(token, safe='')}"
        raise Malformed(f"more than {MOST_PAGES} pages")

    def _parsed(self, name: str, body: bytes) -> dict[str, Any]:
        """Return the answer in the SDK's form, without the wrapper of a payload."""
        self._check_root(name, body)
        shape = self._shapes[name]
        answer = {"status_code": 200, "headers": {}, "body": body}
        parsed: dict[str, Any] = self._parser.parse(answer, shape)
        if "payload" in shape.serialization:
            parsed = parsed[shape.serialization["payload"]]
        if name == "notification":
            parsed["EventBridge"] = "EventBridgeConfiguration" in parsed
        return parsed

    def _check_root(self, name: str, body: bytes) -> None:
        root = _ROOT.match(body)
        if root is None:
            raise Malformed("the answer is not XML")
        if root[1].decode() not in self._roots[name]:
            fault = Ignored if root[1] == _LISTING else Malformed
            raise fault(f"the answer is a {root[1].decode()}, not a {CALLS[name].root}")

    def _location(self, body: bytes) -> s.Location:
        """Return the region; its answer is the one that botocore's shape does not describe."""
        self._check_root("location", body)
        found = _LOCATION.search(body)
        if found is None:
            raise Malformed("the answer names no location")
        region = (found[1] or b"").decode()
        return s.Location(LocationConstraint=_LEGACY_REGIONS.get(region, region))


class _StrictParser(RestXMLParser):
    """Botocore's parser, without its leniency where that would turn nonsense into "off"."""

    def _parse_shape(self, shape: Shape, node: Any) -> Any:  # noqa: ANN401 (botocore's)
        # Elements that occur twice arrive as a list; of a boolean botocore would make False.
        if isinstance(node, list) and not shape.serialization.get("flattened"):
            raise Malformed(f"{shape.name} occurs {len(node)} times")
        return super()._parse_shape(shape, node)  # type: ignore[misc]  # not in the stubs

    def _handle_boolean(self, shape: Shape, node: Any) -> bool:  # noqa: ANN401 (botocore's)
        text = (getattr(node, "text", node) or "").strip().lower()
        if text not in _BOOLEANS:
            raise Malformed(f"{shape.name} is {text!r}, neither true nor false")
        return _BOOLEANS[text]
