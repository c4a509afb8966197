"""The wire on loopback: what is sent, what is made of the answers, and what of none."""

from __future__ import annotations

import asyncio
import threading
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from tests.support.canned import Asked, Canned, Reply, answering

from cachescan.model import Census, GapReason, Resource, ResourceRef
from cachescan.providers.aws import factory, wire
from cachescan.providers.aws.errors import Malformed, WireError, classify
from cachescan.providers.aws.kinds import BUCKET
from cachescan.providers.aws.signing import Keys
from cachescan.providers.aws.wire import Answer, Endpoint, Router, Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEYS = Keys("AKIDEXAMPLE", "secret")
VERSIONING = "<VersioningConfiguration/>"
NO_ENVIRONMENT = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NO_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "http_proxy", "HTTP_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def run(work: Callable[[Wire], Awaitable[Answer]]) -> Answer:
    async def inside() -> Answer:
        client = Wire()
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(inside())


def get(url: str, path: str = "/b", query: str = "versioning", *, region: str = "r") -> Answer:
    endpoint = Endpoint(url, region, keys=lambda: KEYS)
    return run(lambda client: client.get(endpoint, path, query))


def fault(url: str) -> WireError:
    with pytest.raises(WireError) as caught:
        get(url)
    return caught.value


def error(code: str, status: int, **headers: str) -> Reply:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no & no</Message></Error>"
    return Reply(body, status, {k.replace("_", "-"): v for k, v in headers.items()})


def test_a_target_is_sent_byte_for_byte_and_signed() -> None:
    path, query = "/b/%2F/../a%20b//c", "x=%2B&a&y=%7e"
    with answering(lambda _: Reply("fine")) as canned:
        answer = get(f"{canned.url}/base/", path, query, region="eu-west-1")

    (asked,) = canned.asked
    assert asked.target == f"/base{path}?{query}"
    assert asked.region == "eu-west-1"
    assert asked.headers["host"] == canned.url.removeprefix("http://")
    assert (answer.status, answer.body) == (200, b"fine")


def test_an_anonymous_request_is_not_signed() -> None:
    with answering(lambda _: Reply("fine")) as canned:
        run(lambda client: client.get(Endpoint(canned.url, "us-east-1"), "/b"))

    assert "authorization" not in canned.asked[0].headers


def test_fixed_headers_are_sent_and_signed() -> None:
    with answering(lambda _: Reply("fine")) as canned:
        endpoint = Endpoint(canned.url, "r", keys=lambda: KEYS, headers={"x-amz-account-id": "1"})
        run(lambda client: client.get(endpoint, "/b"))

    headers = canned.asked[0].headers
    assert headers["x-amz-account-id"] == "1"
    assert "x-amz-account-id" in headers["authorization"].partition("SignedHeaders=")[2]


def test_connections_are_kept() -> None:
    def reply(asked: Asked) -> Reply:
        return Reply(status=404) if "acl" in asked.query else Reply("fine")

    async def twice(client: Wire) -> Answer:
        endpoint = Endpoint(canned.url, "r", keys=lambda: KEYS)
        await client.exchange(endpoint, "/b", "acl")
        return await client.get(endpoint, "/b", "versioning")

    with answering(reply) as canned:
        run(twice)

    assert len(canned.asked) == 2
    assert len({asked.port for asked in canned.asked}) == 1


@pytest.mark.parametrize(
    ("reply", "code", "message"),
    [
        (error("AccessDenied", 403), "AccessDenied", "no & no"),
        (Reply(status=403), "HTTP 403", ""),
        (Reply("<html>busy</html>", 503), "HTTP 503", ""),
        (
            Reply('{"__type": "com.amazonaws#AccessDeniedException", "message": "no"}', 400),
            "AccessDeniedException",
            "no",
        ),
        (Reply("<Error><Code>\xe9</Code></Error>".encode("latin-1"), 400), "\ufffd", ""),
    ],
)
def test_an_error_answer_has_the_code_of_its_body(reply: Reply, code: str, message: str) -> None:
    with answering(lambda _: reply) as canned:
        raised = fault(canned.url)

    assert (raised.status, raised.code, raised.message) == (reply.status, code, message)


def test_an_error_answer_says_when_to_come_back() -> None:
    replies = [error("SlowDown", 503, retry_after="7"), error("SlowDown", 503, retry_after="Tue")]
    with answering(lambda _: replies.pop(0)) as canned:
        assert [fault(canned.url).retry_after for _ in range(2)] == [7.0, None]


def test_an_answer_without_end_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LARGEST_ANSWER", 1000)
    with answering(lambda _: Reply("x" * 1000)) as canned:
        assert len(get(canned.url).body) == 1000
    with answering(lambda _: Reply("x" * 1001)) as canned, pytest.raises(Malformed):
        get(canned.url)


def test_no_answer_is_a_timeout_however_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "READ_SECONDS", 0.05)
    patience = threading.Event()

    def hang(_asked: Asked) -> Reply:
        patience.wait(30)
        return Reply("late")

    with answering(lambda _: Reply("cut off in the middle", cut=True)) as canned:
        assert fault(canned.url).code == "ConnectionFailed"
    assert fault(canned.url).code == "ConnectionFailed"  # it listens no longer
    with answering(hang) as canned:
        assert fault(canned.url).code == "Timeout"
        patience.set()


def test_a_server_without_tls_fails_for_good() -> None:
    with answering(lambda _: Reply("fine")) as canned:
        raised = fault(canned.url.replace("http:", "https:"))

    assert raised.code == "TlsFailed"
    assert classify(raised, None) == GapReason.ERROR


def test_a_clock_that_is_wrong_is_set_by_the_server() -> None:
    server_time = 1_000_000_000

    def reply(asked: Asked) -> Reply:
        if not asked.headers["x-amz-date"].startswith("20010909T0146"):
            return error("RequestTimeTooSkewed", 403, date=formatdate(server_time, usegmt=True))
        return Reply(VERSIONING)

    async def twice(client: Wire) -> Answer:
        endpoint = Endpoint(canned.url, "r", keys=lambda: KEYS)
        await client.get(endpoint, "/b", "versioning")
        return await client.get(endpoint, "/b", "versioning")

    with answering(reply) as canned:
        answer = run(twice)

    assert answer.body == VERSIONING.encode()
    assert len(canned.asked) == 3


@pytest.mark.parametrize("date", ["", "yesterday", formatdate(1_000_000_000, usegmt=True)])
def test_a_clock_that_cannot_be_set_is_an_error(date: str) -> None:
    headers = {"date": date} if date else {}
    with answering(lambda _: error("RequestTimeTooSkewed", 403, **headers)) as canned:
        raised = fault(canned.url)

    assert raised.code == "RequestTimeTooSkewed"
    assert len(canned.asked) <= 2


REDIRECTS = [
    error("PermanentRedirect", 301, x_amz_bucket_region="eu-south-2"),
    error("TemporaryRedirect", 307, x_amz_bucket_region="eu-south-2", location="http://[::1]/"),
    error("AuthorizationHeaderMalformed", 400, x_amz_bucket_region="eu-south-2"),
    Reply(
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-south-2</Region></Error>", 400
    ),
]


def routed(canned: Canned, region: str, times: int = 1) -> list[str]:
    """Ask for a bucket through a router; return the regions that were asked, in order."""

    async def work(client: Wire) -> Answer:
        router = Router(client, lambda r: Endpoint(canned.url, r, keys=lambda: KEYS))
        for _ in range(times - 1):
            await router.get("b", region, "versioning")
        return await router.get("b", region, "versioning")

    run(work)
    return [asked.region for asked in canned.asked]


@pytest.mark.parametrize("redirect", REDIRECTS)
def test_a_bucket_is_asked_again_in_its_region_which_is_remembered(redirect: Reply) -> None:
    def reply(asked: Asked) -> Reply:
        return Reply(VERSIONING) if asked.region == "eu-south-2" else redirect

    with answering(reply) as canned:
        assert routed(canned, "us-east-1", times=2) == ["us-east-1", "eu-south-2", "eu-south-2"]


@pytest.mark.parametrize("region", ["us-east-1", "evil.example.com/", "a b", "", "A"])
def test_a_redirect_that_leads_nowhere_is_an_error(region: str) -> None:
    redirect = error("PermanentRedirect", 301, x_amz_bucket_region=region)
    with answering(lambda _: redirect) as canned:
        with pytest.raises(WireError) as caught:
            routed(canned, "us-east-1")
        assert len(canned.asked) == 1

    assert caught.value.code == "PermanentRedirect"


def test_a_redirect_is_followed_once() -> None:
    def reply(asked: Asked) -> Reply:
        return error("PermanentRedirect", 301, x_amz_bucket_region=asked.region + "-x")

    with answering(reply) as canned, pytest.raises(WireError) as caught:
        routed(canned, "a")

    assert [asked.region for asked in canned.asked] == ["a", "a-x"]
    assert caught.value.region_hint == "a-x-x"


def test_a_bucket_name_is_one_segment_of_the_path() -> None:
    async def work(client: Wire) -> Answer:
        router = Router(client, lambda r: Endpoint(canned.url, r, keys=lambda: KEYS))
        return await router.get("../a?b#c/é", "r", "acl")

    with answering(lambda _: Reply("fine")) as canned:
        run(work)

    assert canned.asked[0].target == "/..%2Fa%3Fb%23c%2F%C3%A9?acl"


def test_a_proxy_of_the_environment_is_used_unless_it_is_ruled_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cachescan.providers.aws.session import proxy_for

    with answering(lambda _: Reply("from the proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("://", "://user:pass@"))
        monkeypatch.setenv("no_proxy", "inside.example.com")
        url = "http://bucket.example.com:8080"
        endpoint = Endpoint(url, "r", keys=lambda: KEYS, proxy=proxy_for(url))
        answer = run(lambda client: client.get(endpoint, "/b", "acl"))
        direct = proxy_for("http://inside.example.com")

    assert answer.body == b"from the proxy"
    assert proxy.asked[0].target == f"{url}/b?acl"
    assert proxy.asked[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
    assert direct == ""


def bucket(name: str = "b") -> Resource:
    ref = ResourceRef("aws", "aws/bucket", f"arn:aws:s3:::{name}", name, "")
    return Resource(ref, {}, census=Census())


def test_a_store_without_sts_is_scanned_under_its_own_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    listing = "<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name></Bucket></Buckets></ListAllMyBucketsResult>"  # noqa: E501
    with answering(
        lambda asked: Reply(VERSIONING if asked.query == "versioning" else listing)
    ) as c:
        provider = factory({"endpoint_url": c.url})
        (scope,) = provider.scopes()
        (found,) = provider.discover(scope, BUCKET, "")

        async def read() -> object:
            value = provider.read(found.ref, BUCKET.facet("versioning"), {})
            try:
                return await value  # type: ignore[misc]
            finally:
                await provider.close()

        value = asyncio.run(read())

    assert scope.id == c.url.removeprefix("http://")
    assert found.ref.uid == "arn:aws:s3:::b"
    assert found.facets["bucket"].Endpoint == c.url  # type: ignore[attr-defined]
    assert value == BUCKET.facet("versioning").neutral
    assert "x-amz-expected-bucket-owner" not in c.asked[-1].headers


def test_objects_are_listed_to_the_end_over_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    keys = ["a//b", "/../x", "/", "&#x1;", "a&#xA;b", "&amp;amp;", "\u202ex", "k" * 1024]

    def page(asked: Asked) -> Reply:
        at = int(asked.query.partition("continuation-token=")[2] or 0)
        more = f"<NextContinuationToken>{at + 1}</NextContinuationToken>"
        return Reply(
            f"<ListBucketResult><IsTruncated>{str(at + 1 < len(keys)).lower()}</IsTruncated>"
            f"<Contents><Key>{keys[at]}</Key><Size>{at}</Size></Contents>"
            f"{more if at + 1 < len(keys) else ''}</ListBucketResult>"
        )

    async def listed(url: str) -> list[bytes]:
        provider = factory({"endpoint_url": url})
        (scope,) = provider.scopes()
        resource = bucket()
        ref = ResourceRef("aws", "aws/bucket", resource.ref.uid, "b", scope.id)
        found = [k async for p in provider.objects(Resource(ref, {})) for k in p.keys]
        await provider.close()
        return found

    with answering(page) as canned:
        found = asyncio.run(listed(canned.url))

    plain = ["a//b", "/../x", "/", "\x01", "a\nb", "&amp;", "\u202ex", "k" * 1024]
    assert found == [key.encode() for key in plain]
    assert canned.asked[0].target == "/b?list-type=2&max-keys=1000"
