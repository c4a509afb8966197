"""Our signatures against botocore's, for requests nobody would think of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from cachescan.providers.aws.signing import UNSIGNED_PAYLOAD, Keys, Signer, canonical_query

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
PARAMETER = st.tuples(TEXT.filter(bool), TEXT | st.none())
HEADER_VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


def _query(pairs: Sequence[tuple[str, str | None]]) -> str:
    quoted = [
        (quote(k, safe="-_.~"), None if v is None else quote(v, safe="-_.~")) for k, v in pairs
    ]
    return "&".join(k if v is None else f"{k}={v}" for k, v in quoted)


class Case(NamedTuple):
    """One request to sign."""

    keys: Keys
    region: str
    path: str
    query: str
    headers: dict[str, str]
    now: float


CASES = st.builds(
    Case,
    keys=st.builds(
        Keys,
        st.just("AKIDEXAMPLE"),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
        st.sampled_from(["", "tok{0}en/+=="]),
    ),
    region=WORD,
    path=TEXT.map(lambda key: "/bucket/" + quote(key, safe="/-_.~")),
    query=st.lists(PARAMETER, max_size=4).map(_query),
    headers=st.dictionaries(WORD.map("x-amz-meta-{}".format), HEADER_VALUE, max_size=2),
    now=st.floats(0, 4e9),
)


def _botocore(auth: type[SigV4Auth], case: Case, host: str) -> dict[str, str]:
    url = f"https://{host}{case.path}" + (f"?{case.query}" if case.query else "")
    request = AWSRequest("GET", url, headers=dict(case.headers))
    credentials = Credentials(case.keys.access_key, case.keys.secret_key, case.keys.token or None)
    instant = datetime.fromtimestamp(int(case.now), UTC)
    with patch("botocore.auth.get_current_datetime", return_value=instant):
        auth(credentials, "s3", case.region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(CASES)
def test_signatures_equal_those_of_botocore(case: Case) -> None:
    host = f"s3.{case.region}.amazonaws.com"

    ours = Signer(case.region, host, headers=case.headers).sign(
        case.keys, "GET", case.path, case.query, case.now
    )

    assert ours.pop("host") == host
    assert ours == _botocore(S3SigV4Auth, case, host)


@given(path=WORD, pairs=st.lists(st.tuples(WORD, WORD), max_size=3))
def test_a_plain_path_is_signed_as_for_any_service(path: str, pairs: list[tuple[str, str]]) -> None:
    keys, host = Keys("AKIDEXAMPLE", "secret"), "control.example.com"
    headers = {"x-amz-content-sha256": UNSIGNED_PAYLOAD}
    case = Case(keys, "eu-west-1", f"/{path}", _query(pairs), headers, 1.7e9)

    ours = Signer("eu-west-1", host, payload=UNSIGNED_PAYLOAD).sign(
        keys, "GET", case.path, case.query, case.now
    )

    assert ours["authorization"] == _botocore(SigV4Auth, case, host)["authorization"]


def test_the_kept_key_changes_with_the_day_and_the_secret() -> None:
    signer = Signer("us-east-1", "s3.example.com")
    keys, renewed = Keys("A", "first"), Keys("A", "second")
    days = [1.7e9, 1.7e9 + 86_400]

    used = [
        signer.sign(k, "GET", "/", "", now)["authorization"]
        for k in (keys, renewed)
        for now in days
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
