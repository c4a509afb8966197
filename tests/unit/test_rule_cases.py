"""The kit that holds rules to their cases: it must refuse what a rule does not really show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.support.boxes import KINDS, OPEN, UNLOCKED, box

from cachescan.errors import ConfigError
from cachescan.rules import check
from cachescan.testing import check_folder, complaints, read_cases
from cachescan.testing.cases import merge_patch, neutral_facets
from cachescan.testing.fake import BOX, FakeProvider

if TYPE_CHECKING:
    from pathlib import Path

    from cachescan.model import Rule

FAIL: dict[str, Any] = {"name": "open lock", "expect": "fail"}
PASS: dict[str, Any] = {"name": "locked", "merge": {"lock": {"Locked": True}}, "expect": "pass"}
UNKNOWN: dict[str, Any] = {"name": "denied", "gaps": ["lock"], "expect": "unknown"}
ALL = [FAIL, PASS, UNKNOWN]


def said(folder: Path, cases: list[dict[str, Any]], rule: Rule = UNLOCKED) -> list[str]:
    """Return what the kit complains about."""
    (folder / "legacy.json").write_bytes(msgspec.json.encode(box()))
    path = folder / "x.test.yaml"
    path.write_text(yaml.safe_dump({"cases": cases}))
    return list(complaints(check(rule, KINDS), read_cases(path), FakeProvider({}), folder))


def test_a_rule_that_shows_what_it_says_has_no_complaint(tmp_path: Path) -> None:
    assert said(tmp_path, ALL) == []


@pytest.mark.parametrize(
    ("cases", "complaint"),
    [
        ([PASS, UNKNOWN], "no case expects fail"),
        ([FAIL, UNKNOWN], "no case expects pass"),
        ([FAIL, PASS], "no case expects unknown"),
        ([*ALL, {**FAIL, "expect": "pass"}], "expected pass, got fail box is not locked"),
        ([*ALL, {**PASS, "expect": "fail"}], "expected fail, got pass"),
        ([*ALL, {**FAIL, "evidence": ["lock#/Nope"]}], "evidence lock#/Nope is missing"),
        ([*ALL, {**PASS, "evidence": ["lock#/Locked"]}], "evidence lock#/Locked is missing"),
        ([*ALL, {**FAIL, "merge": {"lokc": {}}}], "has no facet 'lokc'"),
        ([*ALL, {**FAIL, "gaps": ["lokc"]}], "has no facet 'lokc'"),
        ([*ALL, {**FAIL, "merge": {"lock": {"Loked": True}}}], "fields that the schema has not"),
        ([*ALL, {**FAIL, "merge": {"lock": {"Locked": "yes"}}}], "facet lock: Expected `bool`"),
        ([*ALL, {**FAIL, "from": "nowhere"}], "nowhere.json: not a base record"),
    ],
)
def test_a_rule_that_does_not_is_told(
    tmp_path: Path, cases: list[dict[str, Any]], complaint: str
) -> None:
    """One complaint for each fault, by the name of the case."""
    (only,) = said(tmp_path, cases)

    assert complaint in only
    assert only.startswith("fake-box-unlocked: ")


def test_evidence_is_asked_for_by_facet_and_pointer(tmp_path: Path) -> None:
    assert said(tmp_path, [{**FAIL, "evidence": ["lock#/Locked"]}, PASS, UNKNOWN]) == []


def test_a_case_may_bring_a_census_a_region_and_a_name(tmp_path: Path) -> None:
    rule = msgspec.structs.replace(
        UNLOCKED, fail="census.counts.draft > 0 && region == 'there' && name == 'other'"
    )
    here = {"region": "there", "bucket_name": "other"}
    cases: list[dict[str, Any]] = [
        {**here, "name": "a", "census": {"counts": {"draft": 1}}, "expect": "fail"},
        {**here, "name": "b", "census": {"counts": {"draft": 0}}, "expect": "pass"},
        {**here, "name": "c", "expect": "unknown"},
        {"name": "d", "expect": "pass"},
    ]

    assert said(tmp_path, cases, rule) == []


def test_a_gap_is_a_gap_of_the_exposure_as_well(tmp_path: Path) -> None:
    cases: list[dict[str, Any]] = [
        {"name": "a", "merge": {"door": {"Open": True}}, "expect": "fail"},
        {"name": "b", "expect": "pass"},
        {"name": "c", "gaps": ["door"], "expect": "unknown"},
    ]

    assert said(tmp_path, cases, OPEN) == []


@pytest.mark.parametrize(
    "content",
    [
        {"cases": [{"name": "x"}]},
        {"cases": [{"name": "x", "expect": "maybe"}]},
        {"cases": [{**FAIL, "expects": "fail"}]},
        {"case": []},
        [],
        None,
    ],
)
def test_a_file_of_cases_with_a_fault_is_refused_by_name(tmp_path: Path, content: object) -> None:
    path = tmp_path / "odd.test.yaml"
    path.write_text(yaml.safe_dump(content))

    with pytest.raises(ConfigError, match=r"odd\.test\.yaml"):
        read_cases(path)


def test_a_pack_about_a_kind_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    """In a sentence, not with a fault of ours."""
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(msgspec.to_builtins(UNLOCKED)))
    (tmp_path / "x.test.yaml").write_text(yaml.safe_dump({"cases": ALL}))

    with pytest.raises(ConfigError, match="unknown kind 'fake/box'"):
        list(check_folder(tmp_path))


def test_a_rule_without_cases_is_a_complaint(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(msgspec.to_builtins(UNLOCKED)))

    (result,) = check_folder(tmp_path)

    assert (result.cases, result.complaints) == (0, ("fake-box-unlocked: there is no x.test.yaml",))


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_its_rfc_says(
    target: object, patch: object, merged: object
) -> None:
    """The examples of RFC 7386, appendix A."""
    assert merge_patch(target, patch) == merged


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=5,
)


@given(JSON, JSON)
def test_a_merge_patch_applied_twice_is_applied_once(target: Any, patch: Any) -> None:  # noqa: ANN401
    once = merge_patch(target, patch)

    assert merge_patch(once, patch) == once


def test_neutral_facets_are_what_not_set_looks_like() -> None:
    assert neutral_facets(BOX) == {"lock": {"Locked": False}, "door": {"Open": False}}
