"""What an error of S3, of another AWS service or of the way there means: the only error knowledge.

Sources: "Error responses" of the Amazon S3 API reference; "Common errors" of the AWS services;
the codes that S3-compatible servers were seen to answer.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import botocore.exceptions as sdk
import msgspec
from botocore.parsers import ResponseParserError

from cachescan.errors import CredentialsError
from cachescan.model import GapReason
from cachescan.providers.base import NotSet

if TYPE_CHECKING:
    from cachescan.model import Facet


class Malformed(ValueError):  # noqa: N818 (named after the gap that it becomes)
    """An answer that is not what was asked for; the text says in what."""


class Ignored(Malformed):
    """The bucket's own listing in answer to a sub-resource: the store does not know the call."""


class WireError(Exception):
    """An error answer, or none at all.

    Args:
        status: the HTTP status; 0 if there was no answer.
        code: the server's error code, ``HTTP 503`` if it gave none, or one of ``TRANSPORT``.
        message: the server's words; untrusted text.
        region_hint: the region that the server points to; empty if none.
        retry_after: seconds that the server asks to wait; None if it does not.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str = "",
        *,
        region_hint: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.status = status
        self.code = code
        self.message = message
        self.region_hint = region_hint
        self.retry_after = retry_after


TRANSPORT = {
    "Timeout": GapReason.TIMEOUT,
    "ConnectionFailed": GapReason.TIMEOUT,
    "TlsFailed": GapReason.ERROR,
    "NotHttp": GapReason.MALFORMED,
}
"""The codes of a ``WireError`` without an answer."""

NOT_SET = {
    "NoSuchBucketPolicy": {"policy", "policy_status"},
    "NoSuchPublicAccessBlockConfiguration": {"public_access_block", "account_public_access_block"},
    "OwnershipControlsNotFoundError": {"ownership_controls"},
    "ServerSideEncryptionConfigurationNotFoundError": {"encryption"},
    "NoSuchWebsiteConfiguration": {"website"},
    "NoSuchCORSConfiguration": {"cors"},
    "ReplicationConfigurationNotFoundError": {"replication"},
    "NoSuchLifecycleConfiguration": {"lifecycle"},
    "ObjectLockConfigurationNotFoundError": {"object_lock"},
    "NoSuchTagSet": {"tagging"},
    "NoSuchTagSetError": {"tagging"},
    "AWSOrganizationsNotInUseException": {"organization_public_access_block"},
    "EffectivePolicyNotFoundException": {"organization_public_access_block"},
}
"""Codes that say "not configured", each for the facets whose call may answer so."""

_CODES = {
    GapReason.PERMISSION_DENIED: (
        "AccessDenied AccessDeniedException AccessDeniedForDependencyException AccountProblem "
        "AllAccessDisabled Forbidden InvalidPayer NotAuthorized UnauthorizedAccess "
        "UnauthorizedOperation OptInRequired"
    ),
    GapReason.UNAUTHENTICATED: (
        "AuthFailure AuthorizationHeaderMalformed CredentialsNotSupported ExpiredToken "
        "ExpiredTokenException IncompleteSignature IncompleteSignatureException "
        "InvalidAccessKeyId InvalidClientTokenId InvalidSecurity InvalidSignatureException "
        "InvalidToken MissingAuthenticationToken MissingAuthenticationTokenException "
        "NotSignedUp RequestExpired RequestTimeTooSkewed SignatureDoesNotMatch "
        "TokenRefreshRequired UnrecognizedClientException"
    ),
    GapReason.THROTTLED: (
        "BandwidthLimitExceeded LimitExceededException PriorRequestNotComplete "
        "ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled "
        "RequestThrottledException ServiceUnavailable SlowDown ThrottledException Throttling "
        "ThrottlingException TooManyRequests TooManyRequestsException"
    ),
    GapReason.TIMEOUT: "RequestTimeout RequestTimeoutException",
    GapReason.NOT_FOUND: "AccountNotFoundException NoSuchBucket NoSuchKey",
    GapReason.UNSUPPORTED: (
        "InvalidAction InvalidURI MethodNotAllowed NotImplemented UnknownOperationException "
        "UnsupportedAPIEndpointException UnsupportedArgument UnsupportedOperation"
    ),
}
_REASON_OF_CODE = {code: reason for reason, codes in _CODES.items() for code in codes.split()}

_REASON_OF_STATUS: dict[int, GapReason] = {
    HTTPStatus.UNAUTHORIZED: GapReason.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: GapReason.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: GapReason.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: GapReason.UNSUPPORTED,
    HTTPStatus.REQUEST_TIMEOUT: GapReason.TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS: GapReason.THROTTLED,
    HTTPStatus.NOT_IMPLEMENTED: GapReason.UNSUPPORTED,
    HTTPStatus.SERVICE_UNAVAILABLE: GapReason.THROTTLED,
    HTTPStatus.GATEWAY_TIMEOUT: GapReason.TIMEOUT,
}

# The first match counts, so a class stands before its bases.
_REASON_OF_CLASS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], GapReason], ...] = (
    (
        (
            CredentialsError,
            sdk.NoCredentialsError,
            sdk.PartialCredentialsError,
            sdk.CredentialRetrievalError,
            sdk.MetadataRetrievalError,
            sdk.NoAuthTokenError,
            sdk.TokenRetrievalError,
            sdk.SSOError,
        ),
        GapReason.UNAUTHENTICATED,
    ),
    (sdk.SSLError, GapReason.ERROR),
    (
        (sdk.HTTPClientError, sdk.ConnectionError, TimeoutError, ConnectionError),
        GapReason.TIMEOUT,
    ),
    (Ignored, GapReason.UNSUPPORTED),
    ((ResponseParserError, msgspec.MsgspecError, ValueError), GapReason.MALFORMED),
)


def classify(error: Exception, facet: Facet | None) -> GapReason | NotSet:
    """Say what an error means for a facet; ``facet`` is None for a listing."""
    if isinstance(error, WireError):
        return TRANSPORT.get(error.code) or _answered(error.code, error.status, facet)
    if isinstance(error, sdk.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _answered(code, int(code) if code.isdecimal() else status, facet)
    for classes, reason in _REASON_OF_CLASS:
        if isinstance(error, classes):
            return reason
    return GapReason.ERROR


def _answered(code: str, status: int, facet: Facet | None) -> GapReason | NotSet:
    """Say what an error answer means, by its code, else by its status."""
    if code in NOT_SET:
        # "No such policy" in reply to another question says nothing about what was asked.
        known = facet is not None and facet.name in NOT_SET[code]
        return NotSet() if known else GapReason.MALFORMED
    return _REASON_OF_CODE.get(code) or _REASON_OF_STATUS.get(status, GapReason.ERROR)
