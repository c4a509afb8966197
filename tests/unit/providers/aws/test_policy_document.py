"""A policy to its regular form: every spelling alike, and nothing dropped on the way."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachescan.providers.aws.policy.document import PolicyError, parse
from cachescan.providers.aws.schemas import Policy, PolicyStatement

ALLOW = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::b/*",
}
REGULAR = PolicyStatement(
    Effect="Allow",
    Principal={"AWS": ["*"]},
    Action=["s3:GetObject"],
    Resource=["arn:aws:s3:::b/*"],
)


def policy(*statements: Any, **more: Any) -> Policy:  # noqa: ANN401
    return parse(json.dumps({"Statement": list(statements), **more}))


@pytest.mark.parametrize(
    "spelling",
    [
        {},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["*"]}},
        {"Action": ["s3:GetObject"]},
        {"Resource": ["arn:aws:s3:::b/*"]},
        {"Sid": "", "Condition": {}},
    ],
)
def test_every_spelling_of_a_statement_has_one_form(spelling: dict[str, Any]) -> None:
    assert policy({**ALLOW, **spelling}).Statement == [REGULAR]


def test_a_single_statement_need_not_be_in_a_list() -> None:
    """The grammar allows it, and a scanner that forgets it crashes or passes."""
    assert parse(json.dumps({"Statement": ALLOW})) == policy(ALLOW)


def test_every_element_is_kept() -> None:
    statement = {
        "Sid": "One",
        "Effect": "Deny",
        "NotPrincipal": {"AWS": "123456789012", "Service": ["a", "b"]},
        "NotAction": ["s3:*", "x"],
        "NotResource": "arn:aws:s3:::b",
        "Condition": {"StringLike": {"aws:Referer": ["x*", "y"], "s3:prefix": "p"}},
    }

    (found,) = policy(statement).Statement

    assert found == PolicyStatement(
        Sid="One",
        Effect="Deny",
        NotPrincipal={"AWS": ["123456789012"], "Service": ["a", "b"]},
        NotAction=["s3:*", "x"],
        NotResource=["arn:aws:s3:::b"],
        Condition={"StringLike": {"aws:referer": ["x*", "y"], "s3:prefix": ["p"]}},
    )


def test_elements_that_the_grammar_does_not_know_are_named() -> None:
    """So that the judge can say ``unknown`` instead of overlooking them; case counts."""
    (found,) = policy({**ALLOW, "action": "s3:*", "Extra": 1}).Statement

    assert found.Other == ["Extra", "action"]
    assert found.Action == ["s3:GetObject"]


def test_a_statement_cannot_bring_an_other_of_its_own() -> None:
    (found,) = policy({**ALLOW, "Other": ["x"]}).Statement

    assert found.Other == ["Other"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (7, "7"), (1.5, "1.5"), ("x", "x"), ("", "")],
)
def test_scalars_are_texts(value: object, text: str) -> None:
    """IAM reads ``true`` and ``"true"`` alike."""
    (found,) = policy({**ALLOW, "Condition": {"Bool": {"aws:SecureTransport": value}}}).Statement

    assert found.Condition == {"Bool": {"aws:securetransport": [text]}}


def test_the_version_of_a_policy_that_names_none_is_the_old_one() -> None:
    """There, ``${...}`` is no variable."""
    assert policy(ALLOW).Version == "2008-10-17"
    assert policy(ALLOW, Version="2012-10-17", Id="x") == Policy(
        Version="2012-10-17", Id="x", Statement=[REGULAR]
    )


@pytest.mark.parametrize("text", ['{"Statement": []}', ' {"Statement":[]}\n'])
def test_a_policy_without_statements_allows_nothing(text: str) -> None:
    assert parse(text) == Policy()


BROKEN = {
    "": "not JSON",
    "not JSON": "not JSON",
    '{"Statement": [': "not JSON",
    '{"Statement": []} x': "not JSON",
    "\ufeff{}": "not JSON",
    "[" * 100_000: "not JSON",
    '{"Statement":' * 50_000: "not JSON",
    '{"Statement": [{"Sid": ' + "9" * 5000 + "}]}": "not JSON",
    '{"Statement": [{"Sid": NaN}]}': "NaN is no value",
    '{"Statement": [{"Sid": Infinity}]}': "Infinity is no value",
    '{"Statement": [{"Sid": -Infinity}]}': "-Infinity is no value",
    '{"Statement": [{"Sid": "\\ud800"}]}': "surrogates not allowed",
    '{"Statement": [], "\\udfff": 1}': "surrogates not allowed",
    "null": "a policy is an object, not null",
    '"Statement"': "a policy is an object, not a string",
    "[]": "a policy is an object, not a list",
    "7": "a policy is an object, not a number",
    "{}": "there is no Statement",
    '{"statement": []}': "there is no Statement",
    '{"Error": {"Code": "AccessDenied"}}': "there is no Statement",
    '{"Statement": null}': "Statement is null",
    '{"Statement": "x"}': "Statement is a string",
    '{"Statement": [null]}': "Statement 0 is null",
    '{"Statement": [{}, []]}': "Statement 1 is a list",
    '{"Statement": [{"Principal": "x"}]}': "Principal is a string",
    '{"Statement": [{"Principal": null}]}': "Principal is null",
    '{"Statement": [{"Principal": ["*"]}]}': "Principal is a list",
    '{"Statement": [{"NotPrincipal": {"AWS": [null]}}]}': "NotPrincipal.AWS holds null",
    '{"Statement": [{"Action": null}]}': "Action holds null",
    '{"Statement": [{"Action": [["x"]]}]}': "Action holds a list",
    '{"Statement": [{"Resource": {"x": 1}}]}': "Resource holds an object",
    '{"Statement": [{"Effect": null}]}': "Effect holds null",
    '{"Statement": [{"Condition": null}]}': "Condition is null",
    '{"Statement": [{"Condition": {"Bool": "x"}}]}': "Condition.Bool is a string",
    '{"Statement": [{"Condition": {"Bool": {"x": null}}}]}': "Condition.Bool.x holds null",
    '{"Statement": [], "Version": null}': "Version holds null",
    '{"Statement": [], "Id": []}': "Id holds a list",
    '{"Statement": [], "Statement": []}': "the key 'Statement' occurs twice",
    '{"Statement": [{"Effect": "Deny", "Effect": "Allow"}]}': "the key 'Effect' occurs twice",
    '{"Statement": [{"Principal": {"AWS": "x", "AWS": "*"}}]}': "the key 'AWS' occurs twice",
    '{"Statement": [{"Condition": {"Bool": {"A:b": 1, "a:B": 2}}}]}': "names 'a:B' twice",
}


@pytest.mark.parametrize("text", BROKEN, ids=[said.replace(" ", "-") for said in BROKEN.values()])
def test_what_is_no_policy_is_refused_and_not_taken_for_an_empty_one(text: str) -> None:
    """Two readers of a document with a key twice need not agree on what it says."""
    with pytest.raises(PolicyError) as caught:
        parse(text)

    assert BROKEN[text] in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
ELEMENT = st.sampled_from([*PolicyStatement.__struct_fields__, "Extra"])


@given(st.dictionaries(ELEMENT, VALUES), VALUES)
def test_any_document_is_a_policy_or_refused(statement: dict[str, Any], version: object) -> None:
    """Never another error; and what is accepted can be kept in a snapshot and read back."""
    text = json.dumps({"Statement": [statement], "Version": version})

    try:
        found = parse(text)
    except PolicyError:
        return

    assert msgspec.json.decode(msgspec.json.encode(found), type=Policy) == found


def test_a_thousand_statements_are_parsed() -> None:
    statements = [{**ALLOW, "Sid": str(number)} for number in range(1000)]

    assert [s.Sid for s in policy(*statements).Statement] == [str(n) for n in range(1000)]
