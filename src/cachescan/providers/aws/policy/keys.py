"""The condition keys: what type each has, who controls it, and on which requests it is present.

This table is what lists of "restrictive keys" approximate (docs/semantics.md §1.3). A key that is
not here is a reason for ``unknown``: nobody knows who controls it.

Source: IAM user guide, "AWS global condition context keys"; service authorization reference,
"Actions, resources, and condition keys for Amazon S3" (which key goes with which action).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from cachescan.providers.aws.policy.operators import Operator

CALLER = "caller"
"""Who asks: fixed by the account, organization and identity."""
SOURCE = "source"
"""On whose behalf a service asks: present on a service's own calls only."""
NETWORK = "network"
TRANSPORT = "transport"
CLOCK = "clock"
FIXED = "fixed"
"""Known from the bucket: its account, its region."""
WORLD = "world"
"""A fact of the bucket or its objects that was not read."""
POINT = "point"
"""The access point that the request comes through."""
FREE = "free"
"""Chosen by whoever sends the request, or by the administrator of the sending account."""

ABSENT, OPEN, UNSURE = "absent", "open", "unsure"
"""On an unsigned request: never there; as the caller likes; not documented."""


class Key(Struct, frozen=True):
    """One condition key.

    Attributes:
        type: string, arn, ip, number, date or bool.
        group: who controls it.
        unsigned: how unsigned requests carry it: absent, open, unsure, or the one value it has.
        multiple: whether it has several values.
        choices: all values it can have, where these are few.
        actions: the actions whose requests carry it; empty for all.
        required: whether every signed request carries it.
    """

    type: str = "string"
    group: str = FREE
    unsigned: str = ABSENT
    multiple: bool = False
    choices: tuple[str, ...] = ()
    actions: frozenset[str] = frozenset()
    required: bool = False


def _only(*names: str) -> frozenset[str]:
    return frozenset(f"s3:{name}" for name in names)


_LISTS = _only("ListBucket", "ListBucketVersions")
_PUT = _only("PutObject")
_ACL = _only("PutObject", "PutObjectAcl", "PutObjectVersionAcl", "PutBucketAcl")
_TAGS = _only("PutObject", "PutObjectTagging", "PutObjectVersionTagging")
_VERSIONS = _only(
    "GetObjectVersion", "DeleteObjectVersion", "PutObjectVersionTagging", "PutObjectVersionAcl"
)
_EXISTING = _only(
    "GetObject",
    "GetObjectVersion",
    "PutObjectTagging",
    "PutObjectVersionTagging",
    "PutObjectAcl",
    "PutObjectVersionAcl",
)
_ENCRYPTED = _only("PutObject", "ReplicateObject")


def _header(actions: frozenset[str], kind: str = "string") -> Key:
    return Key(kind, unsigned=OPEN, actions=actions)


_KEYS: dict[str, Key] = {
    "aws:principalarn": Key("arn", CALLER),
    "aws:principalaccount": Key(group=CALLER),
    "aws:principaltype": Key(group=CALLER),
    "aws:principalorgid": Key(group=CALLER),
    "aws:principalorgpaths": Key(group=CALLER, multiple=True),
    "aws:userid": Key(group=CALLER),
    "aws:username": Key(group=CALLER),
    "aws:principalisawsservice": Key("bool", CALLER),
    "aws:principalservicename": Key(group=SOURCE),
    "aws:principalservicenameslist": Key(group=SOURCE, multiple=True),
    "aws:sourcearn": Key("arn", SOURCE),
    "aws:sourceaccount": Key(group=SOURCE),
    "aws:sourceowner": Key(group=SOURCE),
    "aws:sourceorgid": Key(group=SOURCE),
    "aws:sourceorgpaths": Key(group=SOURCE, multiple=True),
    "aws:sourceip": Key("ip", NETWORK),
    "aws:vpcsourceip": Key("ip", NETWORK),
    "aws:sourcevpc": Key(group=NETWORK),
    "aws:sourcevpce": Key(group=NETWORK),
    "aws:securetransport": Key("bool", TRANSPORT),
    "s3:tlsversion": Key("number", TRANSPORT),
    "aws:currenttime": Key("date", CLOCK),
    "aws:epochtime": Key("date", CLOCK),
    "aws:requestedregion": Key(group=FIXED),
    "aws:resourceaccount": Key(group=FIXED),
    "s3:resourceaccount": Key(group=FIXED),
    "aws:resourceorgid": Key(group=WORLD),
    "aws:resourceorgpaths": Key(group=WORLD, multiple=True),
    "s3:dataaccesspointaccount": Key(group=POINT),
    "s3:dataaccesspointarn": Key("arn", POINT),
    "s3:accesspointnetworkorigin": Key(group=POINT, choices=("Internet", "VPC")),
    "aws:referer": Key(unsigned=OPEN),
    "aws:useragent": Key(unsigned=OPEN),
    "aws:viaawsservice": Key("bool", unsigned="false", choices=("false", "true"), required=True),
    "aws:calledvia": Key(multiple=True),
    "aws:calledviafirst": Key(),
    "aws:calledvialast": Key(),
    "aws:federatedprovider": Key(),
    "aws:multifactorauthage": Key("number"),
    "aws:multifactorauthpresent": Key("bool"),
    "aws:sourceidentity": Key(),
    "aws:tokenissuetime": Key("date"),
    "aws:tagkeys": Key(multiple=True, unsigned=OPEN, actions=_TAGS),
    "s3:authtype": Key(
        unsigned=UNSURE, choices=("REST-HEADER", "REST-QUERY-STRING", "POST"), required=True
    ),
    "s3:signatureversion": Key(
        unsigned=UNSURE,
        choices=("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "AWS"),
        required=True,
    ),
    "s3:signatureage": Key("number", unsigned=UNSURE),
    "s3:x-amz-content-sha256": Key(unsigned=OPEN),
    "s3:prefix": _header(_LISTS),
    "s3:delimiter": _header(_LISTS),
    "s3:max-keys": _header(_LISTS, "number"),
    "s3:versionid": _header(_VERSIONS),
    "s3:if-match": _header(_only("GetObject", "PutObject")),
    "s3:if-none-match": _header(_only("GetObject", "PutObject")),
    "s3:objectcreationoperation": Key(
        "bool", unsigned=OPEN, choices=("true", "false"), actions=_PUT
    ),
    "s3:requestobjecttagkeys": Key(multiple=True, unsigned=OPEN, actions=_TAGS),
    "s3:x-amz-acl": _header(_ACL),
    "s3:x-amz-grant-full-control": _header(_ACL),
    "s3:x-amz-grant-read": _header(_ACL),
    "s3:x-amz-grant-read-acp": _header(_ACL),
    "s3:x-amz-grant-write": _header(_ACL),
    "s3:x-amz-grant-write-acp": _header(_ACL),
    "s3:x-amz-copy-source": _header(_PUT),
    "s3:x-amz-metadata-directive": _header(_PUT),
    "s3:x-amz-server-side-encryption": _header(_ENCRYPTED),
    "s3:x-amz-server-side-encryption-aws-kms-key-id": _header(_ENCRYPTED, "arn"),
    "s3:x-amz-server-side-encryption-customer-algorithm": _header(_ENCRYPTED),
    "s3:x-amz-storage-class": _header(_only("PutObject", "PutObjectAcl", "PutObjectVersionAcl")),
    "s3:x-amz-website-redirect-location": _header(_PUT),
    "s3:object-lock-mode": _header(_PUT),
    "s3:object-lock-legal-hold": _header(_PUT),
    "s3:object-lock-retain-until-date": _header(_PUT, "date"),
    "s3:object-lock-remaining-retention-days": _header(_PUT, "number"),
}

_FAMILIES: dict[str, Key] = {
    "aws:principaltag/": Key(),
    "aws:requesttag/": Key(unsigned=OPEN, actions=_TAGS),
    "s3:requestobjecttag/": Key(unsigned=OPEN, actions=_TAGS),
    "s3:existingobjecttag/": Key(group=WORLD, actions=_EXISTING),
    "aws:resourcetag/": Key(group=WORLD),
    "s3:buckettag/": Key(group=WORLD),
}
"""Keys that carry a tag's name after a slash."""

_FITTING = {
    "string": ("string", "arn", "bool"),
    "arn": ("arn",),
    "ip": ("ip",),
    "number": ("number",),
    "date": ("date",),
    "bool": ("bool",),
    "binary": (),
}


def find(name: str) -> Key | None:
    """Return the key of that lower-case name; None if it is not known."""
    if name in _KEYS:
        return _KEYS[name]
    prefix, slash, rest = name.partition("/")
    return _FAMILIES.get(prefix + slash) if rest else None


def key(name: str) -> Key:
    """Return the key of that lower-case name; raises KeyError if it is not known."""
    found = find(name)
    if found is None:
        raise KeyError(name)
    return found


def misfit(operator: Operator, name: str) -> str:
    """Return why an operator on a key is not judged; empty if it is."""
    found = find(name)
    if found is None:
        return f"the condition key {name} is not known"
    if operator.family == "null":
        return ""
    exact = operator.base in ("StringEquals", "StringEqualsIgnoreCase")
    if found.type not in _FITTING[operator.family]:
        numeric = operator.family == "number" and name == "aws:epochtime"
        if not numeric and not (exact and found.type == "number"):
            return f"{operator.base} does not fit the condition key {name}"
    if found.multiple and not operator.quantifier:
        return f"the condition key {name} has several values and no ForAllValues or ForAnyValue"
    return ""


def carried(name: str, action: str) -> bool:
    """Tell whether requests for an action can carry a key."""
    actions = key(name).actions
    return not actions or action in actions
