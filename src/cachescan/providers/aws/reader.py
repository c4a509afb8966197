"""The provider at work: listing accounts and buckets, reading facets, listing objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from cachescan.model import Discovered, Facet, Kind, ResourceRef, Scope
from cachescan.providers.aws import objects, schemas, services
from cachescan.providers.aws.account import BLOCK_PATH, organization_block
from cachescan.providers.aws.bucket import BucketReader
from cachescan.providers.aws.errors import Malformed
from cachescan.providers.aws.kinds import ACCOUNT, ACCOUNT_BLOCK, BUCKET
from cachescan.providers.aws.session import Connection
from cachescan.providers.aws.wire import Router, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping

    from msgspec import Struct

    from cachescan.providers.aws.session import Account
    from cachescan.providers.aws.settings import Settings
    from cachescan.providers.base import ObjectPage

LISTING_PAGE: Final = 10_000
"""Buckets a page, the most there is. Without a number AWS leaves out each bucket's region."""


class AwsReader:
    """Reads what the settings let it see; raises ConfigError or CredentialsError if nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = Connection(settings)
        self._wire = Wire(self._connection.ca_bundle)
        self._buckets = BucketReader(self._connection.s3_model)
        self._accounts: dict[str, Account] = {}
        self._routers: dict[str, Router] = {}

    def scopes(self) -> Iterator[Scope]:
        """Yield the accounts; raises the SDK's own error."""
        for account in self._connection.accounts():
            self._accounts[account.id] = account
            yield Scope("aws", account.id, account.name, account.uid)

    def places(self, scope: Scope, kind: Kind) -> Iterator[str]:
        """Yield the regions of a regional kind, else one empty text; raises the SDK's own error."""
        account, service = self._account(scope.id), services.service(kind.name)
        if service is None:
            yield ""
        elif account.is_aws:  # a store that only speaks S3 has nothing else
            yield from account.regions(service.name) if service.regional else ("",)

    def discover(self, scope: Scope, kind: Kind, place: str) -> Iterator[Discovered]:
        """Yield the account itself, its buckets, or what a service has in a region.

        Raises the SDK's own error or Malformed.
        """
        account = self._account(scope.id)
        service = services.service(kind.name)
        if service is not None:
            yield from service.discover(account, place)
        elif kind.name == ACCOUNT.name:
            name = account.name or account.id
            yield Discovered(ResourceRef("aws", kind.name, account.uid, name, account.id))
        elif kind.name == BUCKET.name:
            yield from self._discover_buckets(account)

    def read(
        self, ref: ResourceRef, facet: Facet, known: Mapping[str, Any]
    ) -> Struct | Awaitable[Struct]:
        """Return the facet, directly if it is a blocking one; raises the SDK's or wire's error."""
        account = self._account(ref.scope)
        service, source = services.service(ref.kind), services.source(facet.name)
        if service is not None:
            return service.read(account, ref, facet, known)
        if source is not None:
            return source.read(account, ref, known) if account.is_aws else facet.neutral
        if facet.blocking:
            return organization_block(account.client("organizations"))
        if facet.name == ACCOUNT_BLOCK.name:
            return self._read_account_block(account)
        return self._read_bucket(account, ref, facet)

    def objects(self, ref: ResourceRef) -> AsyncIterator[ObjectPage]:
        """Yield the pages of a bucket's listing; raises the wire's error or Malformed."""
        router = self._router(self._account(ref.scope))

        async def fetch(query: str) -> bytes:
            return (await router.get(ref.name, ref.region, query)).body

        return objects.pages(fetch)

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    async def _read_bucket(self, account: Account, ref: ResourceRef, facet: Facet) -> Struct:
        router = self._router(account)

        async def fetch(query: str) -> bytes:
            return (await router.get(ref.name, ref.region, query)).body

        return await self._buckets.read(facet.name, fetch)

    async def _read_account_block(self, account: Account) -> Struct:
        answer = await self._wire.get(account.control(), BLOCK_PATH)
        return self._buckets.decode(ACCOUNT_BLOCK.name, answer.body)

    def _discover_buckets(self, account: Account) -> Iterator[Discovered]:
        # Which account a bucket that is only named belongs to, only a single account leaves open.
        named = () if self._settings.org_role else self._settings.names
        entries = ({"Name": name} for name in named) if named else self._list(account)
        url = account.custom_url
        for entry in entries:
            bucket = msgspec.convert({**entry, "Endpoint": url}, schemas.Bucket)
            if self._settings.wants(bucket.Name):
                yield _discovered(account, bucket)

    def _list(self, account: Account) -> Iterator[dict[str, Any]]:
        client: Any = account.client("s3")
        request: dict[str, Any] = {"MaxBuckets": LISTING_PAGE}
        seen: set[str] = set()
        while True:
            answer = client.list_buckets(**request)
            token = answer.get("ContinuationToken", "")
            buckets = _buckets(answer)
            if account.custom_url and not token and len(buckets) == LISTING_PAGE:
                # A server that cuts the page off at the number asked for and says nothing of it.
                buckets = max(buckets, _buckets(client.list_buckets()), key=len)
            yield from buckets
            if not token:
                return
            if token in seen:
                raise Malformed("the listing of buckets repeats itself")
            seen.add(token)
            request["ContinuationToken"] = token

    def _account(self, account_id: str) -> Account:
        """Return an account of ``scopes``, which need not have been asked for before."""
        if account_id not in self._accounts:
            for scope in self.scopes():
                if scope.id == account_id:
                    break
        return self._accounts[account_id]

    def _router(self, account: Account) -> Router:
        if account.id not in self._routers:
            self._routers[account.id] = Router(self._wire, account.s3)
        return self._routers[account.id]


def _buckets(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a page; raises Malformed for an answer to something else."""
    if "Buckets" not in answer:
        raise Malformed("the answer is no listing of buckets")
    entries: list[dict[str, Any]] = answer["Buckets"]
    return entries


def _discovered(account: Account, bucket: schemas.Bucket) -> Discovered:
    ref = ResourceRef(
        provider="aws",
        kind=BUCKET.name,
        uid=f"arn:{account.partition}:s3:::{bucket.Name}",
        name=bucket.Name,
        scope=account.id,
        region=bucket.BucketRegion,
    )
    facets: dict[str, Struct] = {"bucket": bucket}
    if bucket.BucketRegion:
        facets["location"] = schemas.Location(LocationConstraint=bucket.BucketRegion)
    return Discovered(ref, facets)
