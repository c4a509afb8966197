"""Every operator by a table of cases, and that the table would notice any operator going wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from cachescan.providers.aws.policy import operators
from cachescan.providers.aws.policy.operators import Wanted
from cachescan.providers.aws.policy.patterns import tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    Mutant = Callable[[str, Wanted], bool]

Case = tuple[str, tuple[str, ...], tuple[str, ...], bool]
ROLE = "arn:aws:iam::111122223333:role/App"

# operator, the request's values (none: the key is absent), the policy's values, whether it holds
CASES: list[Case] = [
    ("StringEquals", ("a",), ("a",), True),
    ("StringEquals", ("a",), ("b", "a"), True),
    ("StringEquals", ("A",), ("a",), False),
    ("StringEquals", ("ab",), ("a*",), False),
    ("StringEquals", ("a*",), ("a*",), True),
    ("StringEquals", (), ("a",), False),
    ("StringNotEquals", ("b",), ("a",), True),
    ("StringNotEquals", ("a",), ("b", "a"), False),
    ("StringNotEquals", (), ("a",), True),
    ("StringEqualsIgnoreCase", ("Ab",), ("aB",), True),
    ("StringEqualsIgnoreCase", ("b",), ("a",), False),
    ("StringNotEqualsIgnoreCase", ("Ab",), ("aB",), False),
    ("StringNotEqualsIgnoreCase", ("b",), ("a",), True),
    ("StringLike", ("abc",), ("a*c",), True),
    ("StringLike", ("ac",), ("a?c",), False),
    ("StringLike", ("a/b:c",), ("a*c",), True),
    ("StringLike", ("Abc",), ("a*",), False),
    ("StringLike", (), ("*",), False),
    ("StringNotLike", ("abc",), ("a*c",), False),
    ("StringNotLike", ("xbc",), ("a*c",), True),
    ("StringNotLike", (), ("*",), True),
    ("StringEqualsIfExists", (), ("a",), True),
    ("StringEqualsIfExists", ("b",), ("a",), False),
    ("StringNotEqualsIfExists", ("a",), ("a",), False),
    ("StringNotEqualsIfExists", (), ("a",), True),
    ("ArnEquals", (ROLE,), ("arn:aws:iam::*:role/App",), True),
    ("ArnEquals", (ROLE,), ("arn:aws:iam::*:role/Other",), False),
    ("ArnLike", (ROLE,), ("arn:aws:iam::111122223333:*",), True),
    ("ArnLike", (ROLE,), ("arn:*:role/App",), False),
    ("ArnLike", (ROLE,), ("*",), True),
    ("ArnLike", ("not-an-arn",), ("*",), False),
    ("ArnLike", ("arn:aws:sns:us-east-1:1:a:b",), ("arn:aws:sns:*:1:a*",), True),
    ("ArnLike", (), ("*",), False),
    ("ArnNotEquals", (ROLE,), (ROLE,), False),
    ("ArnNotEquals", (), (ROLE,), True),
    ("ArnNotLike", (ROLE,), ("arn:aws:iam::*:role/*",), False),
    ("ArnNotLike", (ROLE,), ("arn:aws:iam::*:user/*",), True),
    ("IpAddress", ("203.0.113.7",), ("203.0.113.0/24",), True),
    ("IpAddress", ("203.0.113.7",), ("203.0.113.7",), True),
    ("IpAddress", ("203.0.114.7",), ("203.0.113.0/24",), False),
    ("IpAddress", ("203.0.113.7",), ("203.0.113.9/24",), True),
    ("IpAddress", ("2001:db8::1",), ("2001:db8::/32",), True),
    ("IpAddress", ("2001:db8::1",), ("0.0.0.0/0",), False),
    ("IpAddress", ("203.0.113.7",), ("::/0",), False),
    ("IpAddress", ("::ffff:203.0.113.7",), ("203.0.113.0/24",), True),
    ("IpAddress", ("203.0.113.7",), ("::ffff:203.0.113.0/120",), True),
    ("IpAddress", ("nonsense",), ("0.0.0.0/0",), False),
    ("IpAddress", (), ("0.0.0.0/0",), False),
    ("NotIpAddress", ("203.0.113.7",), ("203.0.113.0/24",), False),
    ("NotIpAddress", ("203.0.114.7",), ("203.0.113.0/24",), True),
    ("NotIpAddress", (), ("0.0.0.0/0",), True),
    ("NumericEquals", ("10",), ("10.0",), True),
    ("NumericEquals", ("10",), ("11",), False),
    ("NumericNotEquals", ("10",), ("10.0",), False),
    ("NumericNotEquals", ("11",), ("10",), True),
    ("NumericLessThan", ("9",), ("10",), True),
    ("NumericLessThan", ("10",), ("10",), False),
    ("NumericLessThan", ("x",), ("10",), False),
    ("NumericLessThanEquals", ("10",), ("10",), True),
    ("NumericLessThanEquals", ("11",), ("10",), False),
    ("NumericGreaterThan", ("11",), ("10",), True),
    ("NumericGreaterThan", ("10",), ("10",), False),
    ("NumericGreaterThanEquals", ("10",), ("10",), True),
    ("NumericGreaterThanEquals", ("9",), ("10",), False),
    ("DateEquals", ("2026-06-01T00:00:00Z",), ("2026-06-01",), True),
    ("DateEquals", ("2026-06-01T00:00:00Z",), ("2026-06",), True),
    ("DateEquals", ("2026-01-01T00:00:00Z",), ("2026",), True),
    ("DateEquals", ("2026-06-01T12:00:00Z",), ("2026-06-01T14:00+02:00",), True),
    ("DateEquals", ("2026-06-01T12:00:00.500Z",), ("2026-06-01T12:00:00.5Z",), True),
    ("DateEquals", ("2026-06-01T12:00:00Z",), ("1780315200",), True),
    ("DateEquals", ("2026-06-01T00:00:01Z",), ("2026-06-01",), False),
    ("DateNotEquals", ("2026-06-01T00:00:00Z",), ("2026-06-01",), False),
    ("DateNotEquals", ("2026-06-02T00:00:00Z",), ("2026-06-01",), True),
    ("DateLessThan", ("2026-05-31T23:59:59Z",), ("2026-06-01",), True),
    ("DateLessThan", ("2026-06-01T00:00:00Z",), ("2026-06-01",), False),
    ("DateLessThanEquals", ("2026-06-01T00:00:00Z",), ("2026-06-01",), True),
    ("DateLessThanEquals", ("2026-06-01T00:00:01Z",), ("2026-06-01",), False),
    ("DateGreaterThan", ("2026-06-01T00:00:01Z",), ("2026-06-01",), True),
    ("DateGreaterThan", ("2026-06-01T00:00:00Z",), ("2026-06-01",), False),
    ("DateGreaterThanEquals", ("2026-06-01T00:00:00Z",), ("2026-06-01",), True),
    ("DateGreaterThanEquals", ("2026-05-31T00:00:00Z",), ("2026-06-01",), False),
    ("NumericLessThanEquals", ("9",), ("10",), True),
    ("NumericGreaterThanEquals", ("11",), ("10",), True),
    ("DateEquals", ("2026-05-31T23:59:59Z",), ("2026-06-01",), False),
    ("DateLessThanEquals", ("2026-05-31T00:00:00Z",), ("2026-06-01",), True),
    ("DateGreaterThanEquals", ("2026-06-02T00:00:00Z",), ("2026-06-01",), True),
    ("Bool", ("true",), ("true",), True),
    ("Bool", ("true",), ("True",), True),
    ("Bool", ("true",), ("false",), False),
    ("Bool", (), ("false",), False),
    ("BoolIfExists", (), ("false",), True),
    ("BinaryEquals", ("aGk=",), ("aGk=",), True),
    ("BinaryEquals", ("aGk=",), ("aG8=",), False),
    ("BinaryEquals", ("?",), ("aG8=",), False),
    ("Null", (), ("true",), True),
    ("Null", (), ("false",), False),
    ("Null", ("x",), ("true",), False),
    ("Null", ("x",), ("false",), True),
    ("Null", ("x",), ("true", "false"), True),
    ("ForAllValues:StringEquals", (), ("a",), True),
    ("ForAllValues:StringEquals", ("a", "b"), ("a", "b", "c"), True),
    ("ForAllValues:StringEquals", ("a", "d"), ("a", "b", "c"), False),
    ("ForAllValues:StringNotEquals", ("a", "d"), ("a",), False),
    ("ForAllValues:StringNotEquals", ("d",), ("a",), True),
    ("ForAnyValue:StringEquals", (), ("a",), False),
    ("ForAnyValue:StringEquals", ("a", "d"), ("a",), True),
    ("ForAnyValue:StringEquals", ("d",), ("a",), False),
    ("ForAnyValue:StringNotEquals", (), ("a",), False),
    ("ForAnyValue:StringNotEquals", ("a", "d"), ("a",), True),
    ("ForAnyValue:StringEqualsIfExists", (), ("a",), True),
    ("StringEquals", ("a",), (), False),
    ("StringNotEquals", ("a",), (), True),
]


def _holds(name: str, found: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    operator = operators.find(name)
    assert operator is not None
    return operators.holds(operator, found, [Wanted(w, tokens(w)) for w in wanted])


def _wrong() -> list[Case]:
    return [case for case in CASES if _holds(*case[:3]) != case[3]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}")
def test_an_operator_holds_as_documented(case: Case) -> None:
    assert _holds(*case[:3]) == case[3]


def test_every_operator_has_a_case() -> None:
    bases = {found.base for case in CASES if (found := operators.find(case[0]))}

    assert bases == {*operators.TESTS, "Null"}


@pytest.mark.parametrize("base", list(operators.TESTS))
def test_a_mutated_operator_is_caught(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Always true, always false, turned round, and swapped with each of its kind."""
    right = operators.TESTS[base]
    family = {b: t for b, t in operators.TESTS.items() if b.startswith(base[:4]) and b != base}
    same = {"ArnLike": "ArnEquals", "ArnEquals": "ArnLike"}
    mutants: list[Mutant] = [
        lambda _value, _want: True,
        lambda _value, _want: False,
        lambda value, want: not right(value, want),
        *(test for name, test in family.items() if name != same.get(base)),
    ]
    for mutant in mutants:
        monkeypatch.setitem(operators.TESTS, base, mutant)
        assert _wrong(), f"a mutant of {base} goes unnoticed"


@pytest.mark.parametrize(
    "change",
    [
        *({"negated": True}, {"negated": False}, {"if_exists": True}, {"if_exists": False}),
        *({"quantifier": "all"}, {"quantifier": "any"}, {"quantifier": ""}),
    ],
)
def test_a_mutated_prefix_or_suffix_is_caught(
    change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = operators.find

    def mutated(name: str) -> operators.Operator | None:
        found = right(name)
        return found and msgspec.structs.replace(found, **change)

    monkeypatch.setattr(operators, "find", mutated)

    assert _wrong()


@pytest.mark.parametrize(
    "name",
    [
        "stringEquals",
        "StringEqual",
        "StringMatches",
        "NullIfExists",
        "ForAllValues:Null",
        "ForEachValue:StringEquals",
        "StringEqualsIfExistsIfExists",
        "NotIpAddresses",
        "",
    ],
)
def test_another_spelling_is_no_operator(name: str) -> None:
    assert operators.find(name) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IpAddress", "203.0.113.0/33"),
        ("NumericEquals", "NaN"),
        ("NumericEquals", ""),
        ("DateEquals", "2026-13"),
        ("DateEquals", "2026-06-01T12:00"),
        ("DateEquals", "9" * 40),
        ("Bool", "yes"),
        ("Null", ""),
        ("BinaryEquals", "a"),
        ("ArnLike", "arn:aws:s3"),
    ],
)
def test_a_value_that_an_operator_cannot_compare_is_refused(name: str, value: str) -> None:
    operator = operators.find(name)
    assert operator is not None

    with pytest.raises(ValueError, match=r"."):
        operators.check(operator, value)
