"""The table of the demo's estate: it hangs together, and is the same every time."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from cachescan.demo.assets import (
    DRAFT_KEY,
    LOOKALIKE_ASSETS,
    ORDINARY_ASSETS,
    SENSITIVE_ASSETS,
    body,
    cms_keys,
    content_type,
)
from cachescan.demo.buckets import estate
from cachescan.demo.estate import AUDITOR_ACTIONS
from cachescan.demo.names import ACCESS_LOGS_BUCKET, HOSTILE_KEYS, Bucket

BUCKETS = {bucket.name: bucket for bucket in estate()}


def arguments(bucket: Bucket, method: str) -> list[dict[str, object]]:
    return [dict(given) for name, given in bucket.settings if name == method]


def test_the_estate_is_the_same_every_time() -> None:
    assert estate() == estate()
    assert cms_keys() == cms_keys()
    assert body("img/a.png") == body("img/a.png")


def test_names_and_keys_are_unique() -> None:
    names = Counter(bucket.name for bucket in estate())
    keys = Counter((bucket.name, key) for bucket in estate() for key in bucket.keys)

    assert len(BUCKETS) >= 30
    assert max(names.values()) == max(keys.values()) == 1


def test_the_draft_and_a_few_more_hide_among_thousands() -> None:
    keys = cms_keys()

    assert {DRAFT_KEY, *SENSITIVE_ASSETS, *LOOKALIKE_ASSETS} <= set(keys)
    assert len(keys) - ORDINARY_ASSETS == 1 + len(SENSITIVE_ASSETS) + len(LOOKALIKE_ASSETS)


@pytest.mark.parametrize(
    ("key", "start", "media_type"),
    [
        (DRAFT_KEY, b"<!doctype html>", "text/html; charset=utf-8"),
        ("img/a.png", b"\x89PNG", "image/png"),
        ("papers/a.pdf", b"%PDF", "application/pdf"),
        ("model.safetensors", b"/* Nova Lab", "application/octet-stream"),
        (HOSTILE_KEYS[0], b"/* Nova Lab", "application/octet-stream"),
    ],
)
def test_bodies_are_what_their_names_say(key: str, start: bytes, media_type: str) -> None:
    assert body(key).startswith(start)
    assert body(key).isascii() or start != b"/* Nova Lab"
    assert content_type(key) == media_type


@pytest.mark.parametrize("bucket", estate(), ids=lambda bucket: bucket.name)
def test_targets_exist_where_the_service_wants_them(bucket: Bucket) -> None:
    for given in arguments(bucket, "put_bucket_logging"):
        target = given["BucketLoggingStatus"]["LoggingEnabled"]["TargetBucket"]  # type: ignore[index]
        assert target.startswith(ACCESS_LOGS_BUCKET)
        assert BUCKETS[target].region == bucket.region
    for given in arguments(bucket, "put_bucket_replication"):
        rule = given["ReplicationConfiguration"]["Rules"][0]  # type: ignore[index]
        target = BUCKETS[rule["Destination"]["Bucket"].removeprefix("arn:aws:s3:::")]
        assert target.region != bucket.region
        assert arguments(target, "put_bucket_versioning")
    for given in arguments(bucket, "put_bucket_policy"):
        text = str(given["Policy"])
        assert json.loads(text)["Statement"]
        assert f"arn:aws:s3:::{bucket.name}" in text


def test_the_auditor_may_read_configuration_only() -> None:
    actions = {action.partition(":")[2] for action in AUDITOR_ACTIONS}

    assert all(action.startswith(("Get", "List", "Describe")) for action in actions)
    assert not any(action.startswith("GetObject") or action in {"*", "Get*"} for action in actions)
