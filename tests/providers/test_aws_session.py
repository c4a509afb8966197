"""Credentials, accounts, endpoints and listings, as the AWS SDK and its environment have them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support import moto_estate
from tests.support.canned import Asked, Reply, answering

from cachescan.errors import ConfigError, CredentialsError
from cachescan.model import GapReason, Scope
from cachescan.providers.aws import factory, reader
from cachescan.providers.aws.errors import Malformed, WireError
from cachescan.providers.aws.kinds import ACCOUNT, ACCOUNT_BLOCK, BUCKET
from cachescan.providers.aws.session import Connection
from cachescan.providers.aws.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachescan.model import Discovered
    from cachescan.providers.aws import AwsProvider
    from cachescan.providers.aws.session import Account

OWN = moto_estate.ACCOUNT
CERTIFICATES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
DEFAULTS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*DEFAULTS, "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", *CERTIFICATES):
        monkeypatch.delenv(name, raising=False)
    for name, value in moto_estate.CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_estate.moto() as endpoint:
        yield endpoint


@pytest.fixture
def cloud(server: str) -> str:
    moto_estate.reset(server)
    return server


def buckets(provider: AwsProvider) -> dict[str, Discovered]:
    """Return the buckets of every account by uid."""
    found = [d for scope in provider.scopes() for d in provider.discover(scope, BUCKET, "")]
    return {d.ref.uid: d for d in found}


# --- credentials -----------------------------------------------------------------------------


def test_no_credentials_are_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    provider = factory({})

    with pytest.raises(CredentialsError) as caught:
        list(provider.scopes())

    assert "--profile" in caught.value.hint
    assert provider.classify(caught.value, None) == GapReason.UNAUTHENTICATED


@pytest.mark.parametrize("by_environment", [True, False])
def test_a_missing_profile_is_named_with_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, by_environment: bool
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile audit]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    if by_environment:
        monkeypatch.setenv("AWS_PROFILE", "audti")
    provider = factory({} if by_environment else {"profile": "audti"})

    with pytest.raises(ConfigError, match="'audti'") as caught:
        list(provider.scopes())

    assert caught.value.hint == "there are: audit"


def test_the_region_comes_from_settings_then_profile_then_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile audit]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "credentials").write_text(
        "[audit]\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    regions = [
        Connection(load(config)).region
        for config in ({"profile": "audit", "region": "x"}, {"profile": "audit"}, {})
    ]

    assert regions == ["x", "eu-west-1", "us-east-1"]


def test_a_role_is_assumed_with_its_external_id(cloud: str) -> None:
    provider = factory(
        {
            "endpoint_url": cloud,
            "role_arn": "arn:aws:iam::210987654321:role/audit",
            "external_id": "example",
            "session_name": "nightly",
        }
    )

    (scope,) = provider.scopes()

    assert scope.id == "210987654321"


# --- accounts --------------------------------------------------------------------------------


def test_every_active_account_of_the_organization_is_a_scope(cloud: str) -> None:
    management = moto_estate.client(cloud, "organizations")
    management.create_organization(FeatureSet="ALL")
    ids = {}
    for name in ("workload", "closed"):
        status = management.create_account(AccountName=name, Email=f"{name}@example.com")
        ids[name] = status["CreateAccountStatus"]["AccountId"]
    management.close_account(AccountId=ids["closed"])
    moto_estate.client(cloud).create_bucket(Bucket="of-management")
    role = f"arn:aws:iam::{ids['workload']}:role/audit"
    keys = moto_estate.client(cloud, "sts").assume_role(RoleArn=role, RoleSessionName="test")
    moto_estate.client_of(cloud, keys["Credentials"]).create_bucket(Bucket="of-workload")

    provider = factory({"endpoint_url": cloud, "org_role": "audit"})
    scopes = {scope.id: scope for scope in provider.scopes()}
    found = buckets(provider)

    assert scopes.keys() == {OWN, ids["workload"]}
    assert scopes[ids["workload"]].name == "workload"
    assert {d.ref.name: d.ref.scope for d in found.values()} == {
        "of-management": OWN,
        "of-workload": ids["workload"],
    }


def test_named_buckets_of_an_organization_are_looked_up_in_each_account(cloud: str) -> None:
    moto_estate.client(cloud, "organizations").create_organization(FeatureSet="ALL")
    moto_estate.client(cloud).create_bucket(Bucket="there")
    config = {"endpoint_url": cloud, "org_role": "audit", "buckets": ["there", "elsewhere"]}

    found = buckets(factory(config))

    assert found.keys() == {"arn:aws:s3:::there"}


# --- endpoints -------------------------------------------------------------------------------


def _endpoints(config: dict[str, object], account_id: str = OWN) -> tuple[str, str, str]:
    """Return the URLs of S3 in another region, of S3 Control, and of a custom store."""
    connection = Connection(load(config))
    account = next(iter_accounts(connection))
    account.id = account_id
    return account.s3("eu-south-2").origin, account.control().origin, account.custom_url


def iter_accounts(connection: Connection) -> Iterator[Account]:
    """Make the connection's own account without asking STS who it is."""
    connection._identity = lambda: (OWN, "aws")  # type: ignore[method-assign]
    yield from connection.accounts()


@pytest.mark.parametrize(
    ("region", "environment", "s3", "control"),
    [
        ("us-east-1", {}, "s3.eu-south-2.amazonaws.com", "s3-control.us-east-1.amazonaws.com"),
        (
            "us-east-1",
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            "s3-fips.eu-south-2.amazonaws.com",
            "s3-control-fips.us-east-1.amazonaws.com",
        ),
        (
            "us-east-1",
            {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
            "s3.dualstack.eu-south-2.amazonaws.com",
            "s3-control.dualstack.us-east-1.amazonaws.com",
        ),
        (
            "cn-north-1",
            {},
            "s3.eu-south-2.amazonaws.com",
            "s3-control.cn-north-1.amazonaws.com.cn",
        ),
    ],
)
def test_endpoints_are_those_of_the_sdk(
    monkeypatch: pytest.MonkeyPatch,
    region: str,
    environment: dict[str, str],
    s3: str,
    control: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert _endpoints({"region": region}) == (f"https://{s3}", f"https://{OWN}.{control}", "")


def test_the_first_region_is_never_the_global_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    account = next(iter_accounts(Connection(load({"region": "us-east-1"}))))
    assert account.s3("").origin == "https://s3.us-east-1.amazonaws.com"

    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    account = next(iter_accounts(Connection(load({"region": "us-east-1"}))))
    assert account.s3("").origin == "https://s3-fips.us-east-1.amazonaws.com"


def test_a_custom_endpoint_serves_everything_and_never_carries_the_account() -> None:
    url = "http://127.0.0.1:9000"

    assert _endpoints({"endpoint_url": f"{url}/base/"}) == (url, url, f"{url}/base/")


def test_the_environment_may_name_an_endpoint_for_each_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")
    s3, control, custom = _endpoints({})
    assert (s3, custom) == ("http://127.0.0.1:9000", "http://127.0.0.1:9000")
    assert control == f"https://{OWN}.s3-control.us-east-1.amazonaws.com"

    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert _endpoints({})[2] == ""


def test_the_owner_is_expected_of_amazons_buckets_only() -> None:
    account = next(iter_accounts(Connection(load({}))))
    store = next(iter_accounts(Connection(load({"endpoint_url": "http://127.0.0.1:9000"}))))

    expected = [a.s3("").signer.sign(None, "GET", "/", "", 0) for a in (account, store)]

    assert [h.get("x-amz-expected-bucket-owner") for h in expected] == [OWN, None]


def test_certificates_are_those_that_the_sdk_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Path(Connection(load({})).ca_bundle).is_file()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/requests.pem")
    assert Connection(load({})).ca_bundle == "/requests.pem"
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path))
    assert Connection(load({})).ca_bundle == str(tmp_path)


# --- listing of buckets ----------------------------------------------------------------------


def _listing(names: list[str], token: str = "", *, region: str = "") -> Reply:
    where = f"<BucketRegion>{region}</BucketRegion>" if region else ""
    entries = "".join(f"<Bucket><Name>{n}</Name>{where}</Bucket>" for n in names)
    after = f"<ContinuationToken>{token}</ContinuationToken>" if token else ""
    return Reply(
        f"<ListAllMyBucketsResult><Buckets>{entries}</Buckets>{after}</ListAllMyBucketsResult>"
    )


def test_the_listing_tells_the_region_of_each_bucket() -> None:
    with answering(lambda _: _listing(["b"], region="eu-south-2")) as server:
        (found,) = buckets(factory({"endpoint_url": server.url})).values()

    assert found.ref.region == "eu-south-2"
    assert found.facets["location"].LocationConstraint == "eu-south-2"  # type: ignore[attr-defined]


def test_the_listing_is_read_over_all_pages() -> None:
    def reply(asked: Asked) -> Reply:
        return _listing(["b"]) if "continuation-token" in asked.query else _listing(["a"], "t")

    with answering(reply) as server:
        found = buckets(factory({"endpoint_url": server.url}))

    assert found.keys() == {"arn:aws:s3:::a", "arn:aws:s3:::b"}


def test_a_page_that_is_cut_off_in_silence_is_asked_for_again(
    cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "LISTING_PAGE", 2)
    for name in ("aaa", "bbb", "ccc"):
        moto_estate.client(cloud).create_bucket(Bucket=name)

    assert len(buckets(factory({"endpoint_url": cloud}))) == 3


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (_listing(["a"], "t"), "repeats itself"),
        (Reply("<ListBucketResult><Name>b</Name></ListBucketResult>"), "no listing of buckets"),
        (Reply("<ListAllMyBucketsResult/>"), "no listing of buckets"),
        (Reply(""), "no listing of buckets"),
    ],
)
def test_a_listing_that_is_none_is_malformed(reply: Reply, said: str) -> None:
    with answering(lambda _: reply) as server:
        provider = factory({"endpoint_url": server.url})
        with pytest.raises(Malformed, match=said):
            buckets(provider)


def test_buckets_named_in_full_are_not_listed() -> None:
    with answering(lambda _: Reply(status=500)) as server:
        provider = factory({"endpoint_url": server.url, "buckets": ["b", "a"], "exclude": ["a"]})
        found = buckets(provider)

    assert server.asked == []
    assert found.keys() == {"arn:aws:s3:::b"}
    assert found["arn:aws:s3:::b"].ref.region == ""
    assert found["arn:aws:s3:::b"].facets.keys() == {"bucket"}


def test_buckets_are_chosen_by_glob(cloud: str) -> None:
    for name in ("cms-a", "cms-b", "logs"):
        moto_estate.client(cloud).create_bucket(Bucket=name)

    found = buckets(factory({"endpoint_url": cloud, "buckets": "cms-*", "exclude": ["*-b"]}))

    assert found.keys() == {"arn:aws:s3:::cms-a"}


def test_the_account_names_itself_in_a_header_of_its_block() -> None:
    with answering(lambda _: Reply("<Error><Code>AccessDenied</Code></Error>", 403)) as server:
        provider = factory({"endpoint_url": server.url})
        (scope,) = provider.scopes()
        (account,) = provider.discover(scope, ACCOUNT, "")

        async def read() -> None:
            try:
                await provider.read(account.ref, ACCOUNT_BLOCK, {})  # type: ignore[misc]
            finally:
                await provider.close()

        with pytest.raises(WireError, match="AccessDenied"):
            asyncio.run(read())

    (asked,) = server.asked
    assert asked.target == "/v20180820/configuration/publicAccessBlock"
    assert asked.headers["x-amz-account-id"] == scope.id


def test_a_resource_can_be_read_without_listing_its_account_first(cloud: str) -> None:
    moto_estate.client(cloud).create_bucket(Bucket="there")
    provider = factory({"endpoint_url": cloud})

    (found,) = provider.discover(Scope("aws", OWN), BUCKET, "")

    assert found.ref.name == "there"
    with pytest.raises(KeyError):
        list(provider.discover(Scope("aws", "000000000000"), BUCKET, ""))
