"""Our signatures against botocore's, for requests nobody would think of."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from cachescan.providers.aws.signing import UNSIGNED_PAYLOAD, Keys, Signer, canonical_query

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20)
WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
PARAMETER = st.tuples(TEXT.filter(bool), TEXT | st.none())
HEADER_VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


def _query(pairs: list[tuple[str, str | None]]) -> str:
    quoted = [(quote(k, safe="-_.~"), None if v is None else quote(v, safe="-_.~")) for k, v in pairs]
    return "&".join(k if v is None else f"{k}={v}" for k, v in quoted)


def _botocore(  # noqa: PLR0913 (the parts of a request)
    auth: type[SigV4Auth], keys: Keys, region: str, url: str, headers: dict[str, str], now: float
) -> dict[str, str]:
    request = AWSRequest("GET", url, headers=dict(headers))
    credentials = Credentials(keys.access_key, keys.secret_key, keys.token or None)
    instant = datetime.fromtimestamp(int(now), UTC)
    with patch("botocore.auth.get_current_datetime", return_value=instant):
        auth(credentials, "s3", region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
    token=st.sampled_from(["", "tok{0}en/+=="]),
    region=WORD,
    key=TEXT,
    pairs=st.lists(PARAMETER, max_size=4),
    headers=st.dictionaries(WORD.map("x-amz-meta-{}".format), HEADER_VALUE, max_size=2),
    now=st.floats(0, 4e9),
)
def test_signatures_equal_those_of_botocore(  # noqa: PLR0913 (one argument for each strategy)
    secret: str,
    token: str,
    region: str,
    key: str,
    pairs: list[tuple[str, str | None]],
    headers: dict[str, str],
    now: float,
) -> None:
    keys = Keys("AKIDEXAMPLE", secret, token)
    path, query = "/bucket/" + quote(key, safe="/-_.~"), _query(pairs)
    url = f"https://s3.{region}.amazonaws.com{path}" + (f"?{query}" if query else "")

    ours = Signer(region, f"s3.{region}.amazonaws.com", headers=headers).sign(
        keys, "GET", path, query, now
    )

    theirs = _botocore(S3SigV4Auth, keys, region, url, headers, now)
    assert ours.pop("host") == f"s3.{region}.amazonaws.com"
    assert ours == theirs


@given(path=WORD, pairs=st.lists(st.tuples(WORD, WORD), max_size=3))
def test_a_plain_path_is_signed_as_for_any_service(path: str, pairs: list[tuple[str, str]]) -> None:
    keys, now = Keys("AKIDEXAMPLE", "secret"), 1.7e9
    query = _query([(k, v) for k, v in pairs])
    url = f"https://control.example.com/{path}" + (f"?{query}" if query else "")
    headers = {"x-amz-content-sha256": UNSIGNED_PAYLOAD}

    ours = Signer("eu-west-1", "control.example.com", payload=UNSIGNED_PAYLOAD).sign(
        keys, "GET", f"/{path}", query, now
    )

    theirs = _botocore(SigV4Auth, keys, "eu-west-1", url, headers, now)
    assert ours["authorization"] == theirs["authorization"]


def test_the_kept_key_changes_with_the_day_and_the_secret() -> None:
    signer = Signer("us-east-1", "s3.example.com")
    keys, renewed = Keys("A", "first"), Keys("A", "second")
    days = [1.7e9, 1.7e9 + 86_400]

    used = [
        signer.sign(k, "GET", "/", "", now)["authorization"] for k in (keys, renewed) for now in days
    ]

    fresh = [
        Signer("us-east-1", "s3.example.com").sign(k, "GET", "/", "", now)["authorization"]
        for k in (keys, renewed)
        for now in days
    ]
    assert used == fresh
    assert len(set(used)) == 4


def test_an_anonymous_request_carries_no_signature() -> None:
    headers = Signer("us-east-1", "s3.example.com", headers={"x-amz-x": "1"}).sign(
        None, "GET", "/", "", 1.7e9
    )

    assert "authorization" not in headers
    assert "x-amz-date" not in headers
    assert headers["x-amz-x"] == "1"


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", ""),
        ("acl", "acl="),
        ("list-type=2", "list-type=2"),
        ("b&a=2&a=1", "a=1&a=2&b="),
        ("a-b=1&a=2", "a=2&a-b=1"),
        ("token=x=y&z", "token=x=y&z="),
    ],
)
def test_a_query_is_sorted_by_name_and_then_by_value(query: str, canonical: str) -> None:
    assert canonical_query(query) == canonical
