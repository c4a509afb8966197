"""The request that shows an opening, as it goes over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import msgspec
from msgspec import UNSET

from cachescan.model import Actor, Capability, Witness
from cachescan.providers.aws.policy.decide import ALLOW, Values, decide

if TYPE_CHECKING:
    from cachescan.providers.aws.policy.facts import Facts
    from cachescan.providers.aws.policy.judge import Judgement, Opening
    from cachescan.providers.aws.policy.reach import Reach
    from cachescan.providers.aws.record import BucketRecord

WITNESS_KEY = "cachescan-witness"
"""The object that a write would create, where the policy leaves the name open."""

_SUBRESOURCES = {
    "s3:PutBucketPolicy": "policy",
    "s3:DeleteBucketPolicy": "policy",
    "s3:PutBucketAcl": "acl",
    "s3:PutObjectAcl": "acl",
    "s3:PutObjectVersionAcl": "acl",
    "s3:PutBucketPublicAccessBlock": "publicAccessBlock",
    "s3:PutBucketOwnershipControls": "ownershipControls",
    "s3:PutReplicationConfiguration": "replication",
    "s3:PutBucketWebsite": "website",
    "s3:PutObjectTagging": "tagging",
    "s3:PutObjectVersionTagging": "tagging",
    "s3:RestoreObject": "restore",
    "s3:ListBucketVersions": "versions",
}
_OF_A_VERSION = frozenset(
    {
        "s3:GetObjectVersion",
        "s3:DeleteObjectVersion",
        "s3:PutObjectVersionAcl",
        "s3:PutObjectVersionTagging",
    }
)
_HEADERS = {
    "aws:referer": "Referer",
    "aws:useragent": "User-Agent",
    "s3:if-match": "If-Match",
    "s3:if-none-match": "If-None-Match",
    "s3:object-lock-mode": "x-amz-object-lock-mode",
    "s3:object-lock-legal-hold": "x-amz-object-lock-legal-hold",
    "s3:object-lock-retain-until-date": "x-amz-object-lock-retain-until-date",
}
"""Condition key to the header that sets it, beside the ``s3:x-amz-`` keys, which are headers."""

_TAG_KEYS = ("aws:tagkeys", "s3:requestobjecttagkeys")
_TAGS = ("aws:requesttag/", "s3:requestobjecttag/")


def witness(record: BucketRecord, opening: Opening, judgement: Judgement, facts: Facts) -> Witness:
    """Return the request that shows an opening; ``facts`` are those it was judged under."""
    reach, action = opening.reach, opening.reach.action
    key = reach.request.resource.removeprefix(facts.arn).removeprefix("/")
    if opening.capability == Capability.WRITE:
        key = _new_key(reach, key, judgement)
    signed = reach.actor != Actor.ANONYMOUS
    found = record.witness(
        _verb(opening.capability, action), key=key, query=_query(reach), signed=signed
    )
    values = reach.request.values
    url = found.url
    if values.get("aws:securetransport") == ("false",):
        url = url.replace("https://", "http://", 1)
    origin = "anywhere"
    if reach.network:
        origin = reach.network
    elif values.get("aws:sourcevpce"):
        origin = "any VPC endpoint"
    headers = _headers(action, values) or UNSET
    return msgspec.structs.replace(found, url=url, origin=origin, headers=headers)


def _new_key(reach: Reach, key: str, judgement: Judgement) -> str:
    """Return a key of our own beside the one found, if the policy lets that be written, too."""
    own = key[: key.rfind("/") + 1] + WITNESS_KEY
    arn = reach.request.resource.removesuffix(key) + own
    asked = msgspec.structs.replace(reach.request, resource=arn)
    return own if decide(judgement.statements, asked) == ALLOW else key


def _query(reach: Reach) -> str:
    if reach.action == "s3:ListBucket":
        return _list_query(reach)
    parts = [_SUBRESOURCES.get(reach.action, "")]
    if reach.action in _OF_A_VERSION:
        # On a bucket that never had versions, each object is the version of that name.
        version = reach.request.values.get("s3:versionid", ("null",))[0]
        parts.append(urlencode({"versionId": version}, quote_via=quote))
    return "&".join(part for part in parts if part)


def _list_query(reach: Reach) -> str:
    """Return the query of a listing that meets the conditions on prefix, delimiter and size."""
    values = reach.request.values
    names = {"s3:prefix": "prefix", "s3:delimiter": "delimiter"}
    given = {short: values[name][0] for name, short in names.items() if values.get(name)}
    most = values.get("s3:max-keys", ("10",))[0]
    pairs = {"list-type": "2", **given, "max-keys": most if most.isdecimal() else "10"}
    return urlencode(pairs, quote_via=quote)


def _verb(capability: Capability, action: str) -> str:
    """Return the HTTP method of an action."""
    if capability in (Capability.READ, Capability.LIST):
        return "GET"
    if action.startswith("s3:Delete") or action == "s3:AbortMultipartUpload":
        return "DELETE"
    return "POST" if action == "s3:RestoreObject" else "PUT"


def _headers(action: str, values: Values) -> dict[str, str]:
    """Return the headers of the caller's choice that meet the conditions."""
    found: dict[str, str] = {}
    tags: dict[str, str] = {}
    for key, given in sorted(values.items()):
        name = key.removeprefix("s3:") if key.startswith("s3:x-amz-") else _HEADERS.get(key, "")
        if name:
            found[name] = given[0]
        elif key in _TAG_KEYS:
            tags |= {tag: tags.get(tag, "") for tag in given}
        elif key.startswith(_TAGS):
            tags[key.partition("/")[2]] = given[0]
    if tags and action == "s3:PutObject":
        found["x-amz-tagging"] = urlencode(tags, quote_via=quote)
    return found
