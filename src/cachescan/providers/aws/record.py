"""A bucket's record with types: each fact is its Struct, or the gap that stands in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from cachescan.model import Gap, GapReason, Resource, Witness
from cachescan.providers.aws import schemas as s

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T", bound=s.Facts)

_DOMAINS = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
PLACEHOLDER_KEY = "KEY"
"""Stands in a witness for an object whose name is not known."""


class BucketRecord:
    """Typed, read-only view of one ``aws/bucket`` record."""

    def __init__(self, resource: Resource) -> None:
        self.ref = resource.ref
        self.census = resource.census
        self.now = resource.collected_at
        self._facets = resource.facets
        self._gaps = {gap.facet: gap for gap in resource.gaps}
        self.acl = self._fact("acl", s.Acl)
        self.policy = self._fact("policy", s.Policy)
        self.policy_status = self._fact("policy_status", s.PolicyStatus)
        self.ownership = self._fact("ownership_controls", s.OwnershipControls)
        self.request_payment = self._fact("request_payment", s.RequestPayment)
        self.blocks = {
            "bucket": self._fact("public_access_block", s.PublicAccessBlock),
            "account": self._fact("account_public_access_block", s.PublicAccessBlock),
        }
        listing = self._fact("bucket", s.Bucket)
        self.endpoint = "" if isinstance(listing, Gap) else listing.Endpoint

    @property
    def partition(self) -> str:
        """The ARN partition: ``aws``, ``aws-cn``, ``aws-us-gov``."""
        return self.ref.uid.split(":")[1]

    def _fact(self, name: str, schema: type[T]) -> T | Gap:
        if name in self._facets:
            return msgspec.convert(self._facets[name], schema)
        return self._gaps.get(name) or Gap(name, GapReason.NOT_COLLECTED, "", "not in the record")

    def key_for(self, covers: Callable[[str], bool]) -> str:
        """Return the most telling known key that the grant covers; a placeholder if none is."""
        census = self.census
        known = [*(hit.key for hit in census.hits), census.example] if census else []
        return next((key for key in known if key and covers(key)), "")

    def url(self, key: str = "", query: str = "") -> str:
        """Return the URL of the bucket or of an object in it, ready to be requested."""
        name, path = self.ref.name, quote(key, safe="/-_.~")
        suffix = f"?{query}" if query else ""
        if self.endpoint:
            return f"{self.endpoint.rstrip('/')}/{name}/{path}{suffix}"
        domain = _DOMAINS.get(self.partition, "amazonaws.com")
        host = f"s3.{self.ref.region or 'us-east-1'}.{domain}"
        if "." in name:  # a wildcard certificate covers one label only
            return f"https://{host}/{name}/{path}{suffix}"
        return f"https://{name}.{host}/{path}{suffix}"

    def witness(self, method: str, *, key: str = "", query: str = "", signed: bool) -> Witness:
        """Return the request that shows a grant."""
        return Witness(method=method, url=self.url(key, query), signed=signed)
