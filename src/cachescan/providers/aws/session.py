"""Credentials, accounts and endpoints: everything that stays the AWS SDK's business.

One botocore session serves a run: a further one would cost 110 ms and 12 MB. What an account adds
is its credentials; a client for it is made where it is needed and dropped again, on data files
that all sessions share.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import get_cert_path
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from cachescan.errors import ConfigError, CredentialsError
from cachescan.providers.aws.signing import Keys
from cachescan.providers.aws.wire import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.client import BaseClient
    from botocore.credentials import Credentials
    from botocore.model import ServiceModel

    from cachescan.providers.aws.settings import Settings

DEFAULT_REGION: Final = "us-east-1"
FRESH_SECONDS: Final = 30
"""How long frozen credentials are used before botocore is asked again; it renews its own at least
ten minutes before they expire."""

_ACCOUNT_DIGITS: Final = 12
_UNCONFIGURED: dict[str, Any] = {"ignore_configured_endpoint_urls": True}
_IMPATIENT: dict[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 10,
    "retries": {"total_max_attempts": 2},
}


class Account:
    """One account: who it is, and how it is reached."""

    def __init__(self, connection: Connection, credentials: Credentials, *, own: bool) -> None:
        """Belong to a connection; ``own`` is the account that the connection itself is in."""
        self.id = ""
        self.partition = "aws"
        self.name = ""
        self._own = own
        self._connection = connection
        self._credentials = credentials
        self._keys = Keyring(credentials)
        self._endpoints: dict[str, Endpoint] = {}
        self._regions: set[str] | None = None

    @property
    def uid(self) -> str:
        """The ARN of the account's root."""
        return f"arn:{self.partition}:iam::{self.id}:root"

    @property
    def custom_url(self) -> str:
        """The S3 endpoint that is used in place of AWS's own; empty for AWS's own."""
        connection = self._connection
        return connection.url("s3", connection.region) if connection.custom("s3") else ""

    @property
    def is_aws(self) -> bool:
        """Whether this is an account with AWS's other services, and not a store that speaks S3."""
        return len(self.id) == _ACCOUNT_DIGITS and self.id.isdecimal()

    def client(self, service: str, region: str = "") -> BaseClient:
        """Return a new client of the SDK with the account's credentials.

        Args:
            service: the SDK's name.
            region: the region; the connection's own if empty.
        """
        connection = self._connection
        if self._own:
            return connection.create(connection.session, service, region)
        return connection.create(connection.session_with(self._credentials), service, region)

    def regions(self, service: str) -> list[str]:
        """Return the enabled regions that have a service, sorted; raises the SDK's own error.

        Source: DescribeRegions of the EC2 API reference, which leaves out what is not opted in.
        """
        if self._regions is None:
            answer = self.client("ec2").describe_regions()  # type: ignore[attr-defined]
            self._regions = {entry["RegionName"] for entry in answer["Regions"]}
        session = self._connection.session
        having = session.get_available_regions(service, partition_name=self.partition)
        return sorted(self._regions.intersection(having))

    def s3(self, region: str) -> Endpoint:
        """Return the S3 endpoint of a region; of the connection's own if empty."""
        region = region or self._connection.region
        if region not in self._endpoints:
            # Keeps us from reading a bucket that somebody else took over between two calls.
            owner = {"x-amz-expected-bucket-owner": self.id}
            real = self.is_aws and not self._connection.custom("s3")
            url = self._connection.url("s3", region)
            self._endpoints[region] = self._endpoint(url, region, owner if real else {})
        return self._endpoints[region]

    def control(self) -> Endpoint:
        """Return the S3 Control endpoint: AWS's own carries the account in its host name."""
        connection = self._connection
        url = connection.url("s3control", connection.region)
        if not connection.custom("s3control"):
            url = url.replace("://", f"://{self.id}.", 1)
        return self._endpoint(url, connection.region, {"x-amz-account-id": self.id})

    def _endpoint(self, url: str, region: str, headers: dict[str, str]) -> Endpoint:
        return Endpoint(url, region, keys=self._keys, headers=headers, proxy=proxy_for(url))


class Connection:
    """The way into AWS that the settings describe.

    Raises:
        ConfigError: there is no such profile.
        CredentialsError: there are no credentials.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._urls: dict[tuple[str, str], str] = {}
        self._custom: dict[str, bool] = {}
        self.session = _session(settings.profile)
        self.region = (
            settings.region or self.session.get_config_variable("region") or DEFAULT_REGION
        )
        credentials = self.session.get_credentials()
        if credentials is None:
            raise CredentialsError(
                "no AWS credentials",
                hint="name a profile with --profile, or set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`",
            )
        self._credentials: Credentials = credentials
        if settings.role_arn:
            self._credentials = self._assume(settings.role_arn)
            self.session = self.session_with(self._credentials)

    @property
    def ca_bundle(self) -> str:
        """The certificates that the SDK trusts, as a path."""
        configured = self.session.get_config_variable("ca_bundle")
        return str(configured or os.environ.get("REQUESTS_CA_BUNDLE") or get_cert_path(True))  # noqa: FBT003 (botocore's)

    @property
    def s3_model(self) -> ServiceModel:
        """The SDK's model of S3."""
        return self.session.get_service_model("s3")

    def accounts(self) -> Iterator[Account]:
        """Yield the accounts to scan: our own, or with ``org_role`` every active one.

        Our own is read with the credentials at hand and not through the role: Organizations
        creates its role in member accounts, not in the management account.

        Raises:
            botocore.exceptions.ClientError, BotoCoreError: the SDK's own.
        """
        own = Account(self, self._credentials, own=True)
        own.id, own.partition = self._identity()
        if not self._settings.org_role:
            yield own
            return
        client = self.create(self.session, "organizations")
        for page in client.get_paginator("list_accounts").paginate():
            for entry in page["Accounts"]:
                # AWS replaced Status by State in 2026; what says neither is not skipped.
                if entry.get("State", entry.get("Status", "ACTIVE")) == "ACTIVE":
                    yield self._member(own, entry)

    def create(
        self, session: botocore.session.Session, service: str, region: str = "", **options: object
    ) -> BaseClient:
        """Return a new client in a region, or our own, at the endpoint that the user gave."""
        return session.create_client(
            service,
            region_name=region or self.region,
            endpoint_url=self._settings.endpoint_url or None,
            config=_config(**options),
        )

    def session_with(self, credentials: Credentials) -> botocore.session.Session:
        """Return a session with these credentials, on the data files already loaded."""
        session = _session(self._settings.profile)
        session.register_component("data_loader", self.session.get_component("data_loader"))
        session.register_component(
            "credential_provider", CredentialResolver(providers=[_Given(credentials)])
        )
        return session

    def url(self, service: str, region: str) -> str:
        """Return the URL at which the SDK would call a service in a region."""
        key = (service, region)
        if key not in self._urls:
            self._urls[key] = self._settings.endpoint_url or self._url(service, region)
        return self._urls[key]

    def custom(self, service: str) -> bool:
        """Tell whether the user, the environment or a profile named another endpoint."""
        if service not in self._custom:
            own = self._url(service, self.region, **_UNCONFIGURED)
            self._custom[service] = self.url(service, self.region) != own
        return self._custom[service]

    def _url(self, service: str, region: str, **options: object) -> str:
        client = self.session.create_client(service, region_name=region, config=_config(**options))
        return str(client.meta.endpoint_url)

    def _member(self, own: Account, entry: dict[str, Any]) -> Account:
        if entry["Id"] == own.id:
            own.name = entry.get("Name", "")
            return own
        role = f"arn:{own.partition}:iam::{entry['Id']}:role/{self._settings.org_role}"
        member = Account(self, self._assume(role), own=False)
        member.id, member.partition = entry["Id"], own.partition
        member.name = entry.get("Name", "")
        return member

    def _assume(self, role_arn: str) -> DeferredRefreshableCredentials:
        """Return credentials of a role, fetched on first use and renewed by botocore."""
        arguments = {"RoleSessionName": self._settings.session_name}
        if self._settings.external_id:
            arguments["ExternalId"] = self._settings.external_id
        session = self.session
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=lambda service, **keys: session.create_client(
                service,
                region_name=self.region,
                endpoint_url=self._settings.endpoint_url or None,
                config=_config(),
                **keys,
            ),
            source_credentials=self._credentials,
            role_arn=role_arn,
            extra_args=arguments,
        )
        return DeferredRefreshableCredentials(
            refresh_using=fetcher.fetch_credentials, method="assume-role"
        )

    def _identity(self) -> tuple[str, str]:
        """Return the account and partition that the credentials belong to."""
        if not self.custom("s3"):
            answer = self.create(self.session, "sts").get_caller_identity()  # type: ignore[attr-defined]
            return answer["Account"], answer["Arn"].split(":")[1]
        # Stores that only speak S3 have no STS, or AWS's STS does not know their keys. Whether the
        # credentials are good, the store itself will say.
        client = self.create(self.session, "sts", **_IMPATIENT)
        try:
            answer = client.get_caller_identity()  # type: ignore[attr-defined]
        except (ClientError, BotoCoreError, ResponseParserError):
            answer = {}
        store = urlsplit(self.url("s3", self.region)).netloc.rpartition("@")[2]
        account, arn = answer.get("Account") or store, answer.get("Arn", "")
        return account, arn.split(":")[1] if arn.count(":") > 1 else "aws"


class Keyring:
    """Gives the credentials of the moment, as values that do not change under a signature.

    Renewing them is a blocking call, rare enough (once an hour for a role) to be made in place.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._keys = Keys("", "")
        self._until = 0.0

    def __call__(self) -> Keys:
        """Return them; raises the SDK's own error if they cannot be had."""
        now = time.monotonic()
        if now >= self._until:
            frozen = self._credentials.get_frozen_credentials()
            self._keys = Keys(frozen.access_key or "", frozen.secret_key or "", frozen.token or "")
            self._until = now + FRESH_SECONDS
        return self._keys


class _Given(CredentialProvider):
    """Provides credentials that we already have."""

    METHOD = "cachescan"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        return self._credentials


def proxy_for(url: str) -> str:
    """Return the proxy that the environment names for a URL, as the SDK reads it; else empty."""
    proxy = get_environ_proxies(url).get(urlsplit(url).scheme, "")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _config(**options: Any) -> Config:  # noqa: ANN401 (botocore's options)
    """Return a new configuration: botocore writes into the one that it is given."""
    # Without the setting us-east-1 is named by the global endpoint, and under FIPS by a host that
    # does not exist.
    return Config(
        user_agent_extra="cachescan", s3={"us_east_1_regional_endpoint": "regional"}, **options
    )


def _session(profile: str) -> botocore.session.Session:
    """Return a session of a profile; raises ConfigError if there is none of that name."""
    session = botocore.session.Session(profile=profile or None)
    named = session.get_config_variable("profile")
    if named and named not in session.available_profiles:
        known = ", ".join(session.available_profiles)
        raise ConfigError(
            f"there is no AWS profile {named!r}",
            hint=f"there are: {known}" if known else "no profile is configured",
        )
    return session
