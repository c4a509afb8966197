"""Run ministack plus the few calls it lacks; a script for the demo server's own environment.

``server.py`` starts this file with that environment's Python and a listening socket; nothing of
cachescan imports it. ministack answers an unknown bucket sub-resource with a listing, and has no
account-level Block Public Access at all (measured: docs/adr/0010-demo-cloud.md). Without that one
fact no exposure can be decided, so the calls are added here, behind ministack's own
authentication and authorisation, and enforced where they have an effect.

The names patched are private ones of a version pinned by hash: a missing one stops the start.
"""
# ruff: noqa: SLF001

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Answer = tuple[int, dict[str, str], Any]
Headers = dict[str, str]
Query = dict[str, list[str]]
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

ACCOUNT_BLOCK_PATH = "/v20180820/configuration/publicAccessBlock"
ACCOUNT_BLOCK_ROUTE = (
    "*",
    "",
    "PUBLICACCESSBLOCK",
    {
        "GET": "s3:GetAccountPublicAccessBlock",
        "PUT": "s3:PutAccountPublicAccessBlock",
        "DELETE": "s3:PutAccountPublicAccessBlock",
    },
)
SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
NAMED = {
    "analytics": ("AnalyticsConfiguration", "ListBucketAnalyticsConfigurationResult"),
    "inventory": ("InventoryConfiguration", "ListInventoryConfigurationsResult"),
    "metrics": ("MetricsConfiguration", "ListMetricsConfigurationsResult"),
}
"""Sub-resource to the root of one configuration and of the list, as the API reference has them."""
CONTROL_XMLNS = "http://awss3control.amazonaws.com/doc/2018-08-20/"
XML = {"Content-Type": "application/xml"}


def document(root: str, xmlns: str, inner: str) -> Answer:
    """Answer 200 with one XML document."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{xmlns}">{inner}</{root}>'
    return 200, dict(XML), text.encode()


def policy_status(s3: Any, bucket: str) -> Answer:  # noqa: ANN401 -- a module of another environment
    """Answer GetBucketPolicyStatus with ministack's own judgement of a public policy."""
    answer: Answer = s3._get_bucket_policy(bucket)
    if answer[0] != 200:  # noqa: PLR2004
        return answer
    public = str(s3._policy_is_public(s3._bucket_policies[bucket])).lower()
    return document("PolicyStatus", s3.S3_NS, f"<IsPublic>{public}</IsPublic>")


def signed(headers: Headers, query: Query) -> bool:
    """Tell whether a request carries a signature at all, in a header or presigned."""
    return "authorization" in headers or "X-Amz-Signature" in query


class NamedConfigurations:
    """Keep a bucket's inventory, metrics and analytics configurations by id, as they were put."""

    def __init__(self, s3: Any) -> None:  # noqa: ANN401
        self.s3 = s3
        self.stored: dict[tuple[str, str], dict[str, str]] = {}

    def answer(self, method: str, bucket: str, kind: str, body: bytes, query: Query) -> Answer:
        """Get, list, put or delete configurations of one kind."""
        if bucket not in self.s3._buckets:
            return self.s3._no_such_bucket(bucket)  # type: ignore[no-any-return]
        known = self.stored.setdefault((bucket, kind), {})
        name = query.get("id", [""])[0]
        root, listing = NAMED[kind]
        if method == "PUT":
            self.s3.fromstring(body)  # refuses what is not XML
            text = body.decode()
            known[name] = text[text.index(f"<{root}") :]
            return 200, {}, b""
        if method == "DELETE":
            known.pop(name, None)
            return 204, {}, b""
        if not name:
            inner = "".join(known.values()) + "<IsTruncated>false</IsTruncated>"
            return document(listing, self.s3.S3_NS, inner)
        if name in known:
            return 200, dict(XML), known[name].encode()
        message = "The specified configuration does not exist."
        return self.s3._error("NoSuchConfiguration", message, 404)  # type: ignore[no-any-return]


def supplement_buckets(s3: Any) -> None:  # noqa: ANN401
    """Answer the bucket sub-resources that ministack would answer with a listing.

    Also refuse an unsigned ListBuckets, the one anonymous call that it lets through.
    """
    dispatch = s3._dispatch
    named = NamedConfigurations(s3)

    def supplemented(
        method: str, bucket: str, key: str, headers: Headers, body: bytes, query: Query
    ) -> Answer:
        if not bucket and not signed(headers, query):
            return s3._error("AccessDenied", "Access Denied", 403)  # type: ignore[no-any-return]
        if bucket and not key:
            if method == "GET" and "policyStatus" in query:
                return policy_status(s3, bucket)
            if method == "GET" and "requestPayment" in query:
                return s3._get_bucket_request_payment(bucket)  # type: ignore[no-any-return]
            for kind in NAMED.keys() & query.keys():
                return named.answer(method, bucket, kind, body, query)
        return dispatch(method, bucket, key, headers, body, query)  # type: ignore[no-any-return]

    s3._dispatch = supplemented


def supplement_account(s3: Any) -> None:  # noqa: ANN401
    """Add account-level Block Public Access: get, put, delete, and its effect on every bucket."""
    blocks: dict[str, dict[str, bool]] = {}
    in_family, route_of = s3.is_access_point_control_path, s3.access_point_control_route
    handle, blocked = s3.handle_access_point_control, s3._public_access_blocked

    def is_block(path: str) -> bool:
        return path.rstrip("/") == ACCOUNT_BLOCK_PATH

    def answer(method: str, path: str, headers: Headers, body: bytes, query: Query) -> Answer:
        if not is_block(path):
            return handle(method, path, headers, body, query)  # type: ignore[no-any-return]
        account = s3.get_account_id()
        if method == "PUT":
            asked = s3._parse_pab(s3.fromstring(body))
            blocks[account] = {switch: bool(asked.get(switch)) for switch in SWITCHES}
            return 200, {}, b""
        if method == "DELETE":
            blocks.pop(account, None)
            return 204, {}, b""
        if account not in blocks:
            message = "The public access block configuration was not found"
            code = "NoSuchPublicAccessBlockConfiguration"
            return s3.s3control_error(code, message, 404)  # type: ignore[no-any-return]
        switches = (f"<{n}>{str(v).lower()}</{n}>" for n, v in blocks[account].items())
        return document("PublicAccessBlockConfiguration", CONTROL_XMLNS, "".join(switches))

    def is_blocked(owner: str, bucket: str, switch: str) -> bool:
        return blocks.get(owner, {}).get(switch, False) or blocked(owner, bucket, switch)

    s3.is_access_point_control_path = lambda path: is_block(path) or in_family(path)
    s3.access_point_control_route = lambda path: (
        ACCOUNT_BLOCK_ROUTE if is_block(path) else route_of(path)
    )
    s3.handle_access_point_control = answer
    s3._public_access_blocked = is_blocked


def supplement_organization(organizations: Any) -> None:  # noqa: ANN401
    """Answer DescribeEffectivePolicy with AWS's "there is none": nothing here enforces one."""
    organizations._DISPATCH["DescribeEffectivePolicy"] = lambda _payload: (
        organizations.error_response_json(
            "EffectivePolicyNotFoundException", "No effective policy of this type.", 400
        )
    )


def over_tls(app: App) -> App:
    """Let loopback HTTP stand for TLS.

    A bucket that denies plain HTTP, the commonest hardening there is, would otherwise deny
    every request of the demo.
    """

    async def wrapped(scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401
        if scope["type"] == "http":
            scope["headers"] = [*scope["headers"], (b"x-forwarded-proto", b"https")]
        await app(scope, receive, send)

    return wrapped


def exit_with_parent(folder: str) -> None:
    """End when the other end of standard input closes, however the parent ended.

    The folder goes first: a parent that was killed cannot tidy it up.
    """
    os.read(0, 1)  # not sys.stdin: a thread that holds its lock upsets a failing start
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def main() -> None:
    """Serve on an inherited socket; arguments: its descriptor, and this run's own folder."""
    threading.Thread(target=exit_with_parent, args=(sys.argv[2],), daemon=True).start()
    s3 = importlib.import_module("ministack.services.s3")
    supplement_buckets(s3)
    supplement_account(s3)
    supplement_organization(importlib.import_module("ministack.services.organizations"))
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{int(sys.argv[1])}"]
    config.loglevel = "WARNING"
    serve = importlib.import_module("hypercorn.asyncio").serve
    asyncio.run(serve(over_tls(importlib.import_module("ministack.app").app), config))


if __name__ == "__main__":
    main()
