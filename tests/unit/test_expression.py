"""CEL as Kleene logic: what is not bound is not known, and the known half may still decide."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from cachescan.errors import ConfigError
from cachescan.expression import (
    Reference,
    UndecidedError,
    compile_expression,
    context,
    deciding_indices,
    evaluate,
    value,
)

Truth = bool | str
"""What an expression may come to: true, false, or the word unknown."""

KNOWN = {
    "lock": {"Locked": True, "Keys": [{"Id": "a"}, {"Id": "b"}, {"Id": "c"}]},
    "tags": {"team": "x", "tier": "y"},
    "name": "box",
}


def answer(source: str, variables: dict[str, Any] | None = None) -> Truth:
    """Return the truth, or ``unknown``."""
    bound = context(KNOWN if variables is None else variables)
    try:
        return evaluate(compile_expression(source), bound)
    except UndecidedError:
        return "unknown"


TRUTH: dict[Truth, str] = {True: "true", False: "false", "unknown": "gap.On"}


def kleene_or(left: Truth, right: Truth) -> Truth:
    if True in (left, right):
        return True
    return "unknown" if "unknown" in (left, right) else False


@pytest.mark.parametrize("left", TRUTH)
@pytest.mark.parametrize("right", TRUTH)
def test_or_and_and_are_kleenes(left: Truth, right: Truth) -> None:
    """The whole truth table, in both orders; a variable that is not bound is the third value."""
    negated: dict[Truth, Truth] = {True: False, False: True, "unknown": "unknown"}

    assert answer(f"{TRUTH[left]} || {TRUTH[right]}") == kleene_or(left, right)
    conjunction = negated[kleene_or(negated[left], negated[right])]
    assert answer(f"{TRUTH[left]} && {TRUTH[right]}") == conjunction


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("!gap.On", "unknown"),
        ("gap.On == gap.On", "unknown"),
        ("lock.Missing == 'x'", "unknown"),
        ("lock.Locked || lock.Missing == 'x'", True),
        ("lock.Keys.exists(k, k.Id == 'a' || gap.On)", True),
        ("lock.Keys.exists(k, k.Id == 'a' && gap.On)", "unknown"),
        ("lock.Keys.exists(k, k.Id == 'z' && gap.On)", False),
        ("lock.Keys.all(k, k.Id == 'z' && gap.On)", False),
        ("lock.Keys.all(k, k.Id != '' || gap.On)", True),
        ("gap.Keys.exists(k, k.Id == 'a')", "unknown"),
        ("gap.On ? true : true", "unknown"),
        ("lock.Locked ? true : gap.On", True),
        ("size(gap.Keys) == 0", "unknown"),
        ("lock.Keys[7].Id == 'a'", "unknown"),
    ],
)
def test_quantifiers_and_accesses_absorb_what_they_can(source: str, expected: Truth) -> None:
    assert answer(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "lock.Keys.exists(k, k.Id == 'b' || gap.On)",
        "lock.Keys.all(k, k.Id == 'a' && gap.On)",
        "!lock.Keys.exists(k, k.Id == 'b' || gap.On)",
    ],
)
def test_a_quantifier_that_meets_a_gap_before_it_is_decided_says_nothing_wrong(
    source: str,
) -> None:
    """The engine stops at the first gap (ADR 0002): unknown where more was possible, never more."""
    assert answer(source) == "unknown"


@pytest.mark.parametrize(
    "source", ["1 / 0 == 1", "lock.Locked + 1 == 2", "name.matches('(')", "int(name) == 1"]
)
def test_an_expression_that_cannot_be_computed_is_undecided_and_never_raises_its_own_error(
    source: str,
) -> None:
    assert answer(source) == "unknown"


def test_an_answer_that_is_no_truth_value_is_undecided() -> None:
    with pytest.raises(UndecidedError, match="str, not bool"):
        evaluate(compile_expression("name"), context(KNOWN))


def test_the_value_of_an_expression_is_what_the_engine_gives() -> None:
    assert value(compile_expression("name + '!'"), context(KNOWN)) == "box!"
    with pytest.raises(UndecidedError):
        value(compile_expression("gap.On"), context(KNOWN))


@pytest.mark.parametrize("source", ["lock.", "&& true", "lock.Locked = true", "(", "'open", ""])
def test_text_that_does_not_parse_is_refused_with_the_engines_words(source: str) -> None:
    with pytest.raises(ConfigError, match="not a CEL expression") as caught:
        compile_expression(source)

    assert caught.value.hint


@pytest.mark.parametrize(
    ("source", "references"),
    [
        ("lock.Locked", [("lock", "Locked")]),
        ("a.b.c == d.e", [("a", "b", "c"), ("d", "e")]),
        ("name.startsWith('x.y')", [("name",)]),
        ("size(lock.Keys) > 0", [("lock", "Keys")]),
        ("lock.Keys.exists(k, k.Id == tags.team)", [("lock", "Keys"), ("tags", "team")]),
        ("lock.Keys.all(k, k.L.exists(l, l == k.Id))", [("lock", "Keys")]),
        ("lock.Keys[0].Id == 'x'", [("lock", "Keys")]),
        ('name == "lock.Locked && tags"', [("name",)]),
        (r'name == "a\"b.c" || tags.x', [("name",), ("tags", "x")]),
        ("name.matches(r'^x\\.y$')", [("name",)]),
        ("true || false || null == name", [("name",)]),
        ("name in ['a', 'b']", [("name",)]),
        ("!(lock.Locked)", [("lock", "Locked")]),
    ],
)
def test_references_are_the_static_paths_without_strings_macros_and_functions(
    source: str, references: list[tuple[str, ...]]
) -> None:
    """Demand is computed from these, so one that is missed would be a facet never read."""
    expected = tuple(Reference(root, tuple(members)) for root, *members in references)

    expression = compile_expression(source)

    assert expression.references == expected
    assert expression.variables == {reference.root for reference in expected}


@pytest.mark.parametrize(
    ("source", "indices"),
    [
        ("lock.Keys.exists(k, k.Id == 'b')", {("lock", "Keys"): (1,)}),
        ("lock.Keys.exists(k, k.Id in ['a', 'c'])", {("lock", "Keys"): (0, 2)}),
        ("lock.Keys.exists_one(k, k.Id == 'c')", {("lock", "Keys"): (2,)}),
        ("lock.Keys.exists(k, k.Id == ')')", {}),
        ("lock.Keys.exists(k, (k.Id == 'a') && size('(') == 1)", {("lock", "Keys"): (0,)}),
        ("lock.Keys.exists(k, k.Id == gap.On)", {}),
        (
            "lock.Keys.exists(k, k.Id == 'a') || lock.Keys.exists(k, k.Id == 'c')",
            {("lock", "Keys"): (0, 2)},
        ),
        ("lock.Locked", {}),
    ],
)
def test_the_indices_that_decide_an_exists_are_told(
    source: str, indices: dict[tuple[str, ...], tuple[int, ...]]
) -> None:
    expected = {Reference(root, tuple(m)): found for (root, *m), found in indices.items()}

    assert deciding_indices(compile_expression(source), context(KNOWN)) == expected


def test_the_engine_is_loaded_on_use_and_without_its_command_line() -> None:
    """Importing the module loads no engine; compiling loads the extension and no terminal kit."""
    program = (
        "import sys, cachescan.expression as e\n"
        "before = 'cel' in sys.modules or 'cel.cel' in sys.modules\n"
        "e.compile_expression('true')\n"
        "print(before, 'typer' in sys.modules, 'rich' in sys.modules)"
    )

    out = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert out.stdout.split() == [b"False", b"False", b"False"]
