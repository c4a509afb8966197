"""What each error means; the table is the documentation of S3 and of the servers seen."""

from __future__ import annotations

import json

import botocore.exceptions as sdk
import msgspec
import pytest
from botocore.parsers import ResponseParserError

from cachescan.errors import CredentialsError
from cachescan.model import Facet, GapReason
from cachescan.providers.aws.errors import NOT_SET, Malformed, WireError, classify
from cachescan.providers.aws.kinds import ACCOUNT, BUCKET
from cachescan.providers.base import NotSet

FACETS = {facet.name: facet for kind in (BUCKET, ACCOUNT) for facet in kind.facets}
ACL = FACETS["acl"]

CODES = [
    ("AccessDenied", 403, "permission-denied"),
    ("AllAccessDisabled", 403, "permission-denied"),
    ("AccessDeniedException", 400, "permission-denied"),
    ("SomeNewRefusal", 403, "permission-denied"),
    ("HTTP 403", 403, "permission-denied"),
    ("InvalidAccessKeyId", 403, "unauthenticated"),
    ("SignatureDoesNotMatch", 403, "unauthenticated"),
    ("ExpiredToken", 400, "unauthenticated"),
    ("RequestTimeTooSkewed", 403, "unauthenticated"),
    ("InvalidClientTokenId", 403, "unauthenticated"),
    ("HTTP 401", 401, "unauthenticated"),
    ("SlowDown", 503, "throttled"),
    ("Throttling", 400, "throttled"),
    ("TooManyRequestsException", 400, "throttled"),
    ("RequestLimitExceeded", 503, "throttled"),
    ("HTTP 503", 503, "throttled"),
    ("HTTP 429", 429, "throttled"),
    ("RequestTimeout", 400, "timeout"),
    ("HTTP 504", 504, "timeout"),
    ("NoSuchBucket", 404, "not-found"),
    ("HTTP 404", 404, "not-found"),
    ("NotImplemented", 501, "unsupported"),
    ("InternalFailure", 501, "unsupported"),
    ("MethodNotAllowed", 405, "unsupported"),
    ("InvalidURI", 400, "unsupported"),
    ("UnsupportedOperation", 400, "unsupported"),
    ("InternalError", 500, "error"),
    ("InvalidArgument", 400, "error"),
    ("PermanentRedirect", 301, "error"),
]


def client_error(code: str, status: int) -> sdk.ClientError:
    return sdk.ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "GetBucketAcl",
    )


@pytest.mark.parametrize(("code", "status", "reason"), CODES)
@pytest.mark.parametrize("facet", [ACL, None])
def test_an_error_answer_means_the_same_from_the_wire_and_from_the_sdk(
    code: str, status: int, reason: str, facet: Facet | None
) -> None:
    from_sdk = client_error(code.removeprefix("HTTP "), status)

    assert classify(WireError(status, code), facet) == GapReason(reason)
    assert classify(from_sdk, facet) == GapReason(reason)


@pytest.mark.parametrize("code", sorted(NOT_SET))
def test_not_configured_is_an_answer_only_to_the_call_that_asked(code: str) -> None:
    meanings = {name: classify(WireError(404, code), facet) for name, facet in FACETS.items()}

    assert {name for name, m in meanings.items() if m == NotSet()} == NOT_SET[code]
    assert set(meanings.values()) - {NotSet()} <= {GapReason.MALFORMED}
    assert classify(client_error(code, 404), None) == GapReason.MALFORMED


def _json_error() -> Exception:
    try:
        json.loads("{")
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (sdk.NoCredentialsError(), "unauthenticated"),
        (sdk.PartialCredentialsError(provider="env", cred_var="x"), "unauthenticated"),
        (sdk.CredentialRetrievalError(provider="x", error_msg="y"), "unauthenticated"),
        (sdk.UnauthorizedSSOTokenError(), "unauthenticated"),
        (CredentialsError("none"), "unauthenticated"),
        (sdk.ConnectTimeoutError(endpoint_url="http://127.0.0.1"), "timeout"),
        (sdk.ReadTimeoutError(endpoint_url="http://127.0.0.1"), "timeout"),
        (sdk.EndpointConnectionError(endpoint_url="http://127.0.0.1"), "timeout"),
        (sdk.ConnectionClosedError(endpoint_url="http://127.0.0.1"), "timeout"),
        (sdk.SSLError(endpoint_url="https://127.0.0.1", error=ValueError("self-signed")), "error"),
        (TimeoutError(), "timeout"),
        (ConnectionResetError(), "timeout"),
        (WireError(0, "Timeout"), "timeout"),
        (WireError(0, "ConnectionFailed"), "timeout"),
        (WireError(0, "TlsFailed"), "error"),
        (WireError(0, "NotHttp"), "malformed"),
        (Malformed("x"), "malformed"),
        (ResponseParserError("x"), "malformed"),
        (msgspec.ValidationError("x"), "malformed"),
        (_json_error(), "malformed"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), "malformed"),
        (sdk.NoRegionError(), "error"),
        (KeyError("x"), "error"),
    ],
)
def test_an_error_without_an_answer_has_a_reason(error: Exception, reason: str) -> None:
    assert classify(error, ACL) == GapReason(reason)
