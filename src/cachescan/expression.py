"""CEL behind a few functions: the only module that knows the engine (ADR 0002).

A fact that was not read is a variable that is not bound. CEL's ``&&`` and ``||`` then give the
Kleene answer by themselves: if the known half decides, there is an answer; otherwise evaluation
raises, and the caller says ``unknown`` (docs/design.md §4).
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from cachescan.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_STRING = re.compile(r'r?"(?:\\.|[^"\\])*"|r?\'(?:\\.|[^\'\\])*\'')
_PATH = re.compile(r"(?<![\w.\]\)])([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)(\s*\()?")
_QUANTIFIER = re.compile(r"(?<![\w.\]\)])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.exists(?:_one)?\(")
_BINDER = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")
_RESERVED = frozenset({"true", "false", "null", "in"})


class UndecidedError(Exception):
    """The expression could not be evaluated; the text is the engine's own."""


class Reference(Struct, frozen=True, order=True):
    """A static path of an expression: ``versioning.Status`` is root and members."""

    root: str
    members: tuple[str, ...]


class Expression(Struct, frozen=True):
    """A compiled expression and what it looks at.

    Attributes:
        source: the CEL text.
        program: the engine's compiled form.
        references: every static path, roots bound by a macro left out.
        quantified: for each ``list.exists(x, p)``, the list's path and ``list.map(x, p)``, which
            tells the index that decided.
    """

    source: str
    program: Any
    references: tuple[Reference, ...]
    quantified: tuple[tuple[Reference, Any], ...]

    @property
    def variables(self) -> frozenset[str]:
        """The free variables."""
        return frozenset(reference.root for reference in self.references)


@cache
def _engine() -> Any:  # noqa: ANN401 (an extension module without types)
    """Load the engine's extension alone.

    Its package imports a command line with a terminal toolkit, 150 ms for nothing.
    """
    if "cel" in sys.modules:
        return sys.modules["cel"]
    spec = importlib.util.find_spec("cel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for suffix in importlib.machinery.EXTENSION_SUFFIXES:
            path = Path(folder) / f"cel{suffix}"
            if path.is_file():
                loader = importlib.machinery.ExtensionFileLoader("cel.cel", str(path))
                found = importlib.util.spec_from_loader("cel.cel", loader)
                if found is not None:
                    module = importlib.util.module_from_spec(found)
                    loader.exec_module(module)
                    return module
    return importlib.import_module("cel")


def compile_expression(source: str) -> Expression:
    """Compile CEL text; raises ConfigError with the engine's message if it does not parse."""
    engine = _engine()
    try:
        program = engine.compile(source)
    except ValueError as error:
        message = f"not a CEL expression: {source!r}"
        raise ConfigError(message, hint=str(error)) from error
    references = tuple(sorted(set(_references(source))))
    return Expression(
        source=source,
        program=program,
        references=references,
        quantified=tuple(_quantified(source, references, engine)),
    )


class Bound:
    """Variables on their way into the engine: converted once, and only if they are needed."""

    __slots__ = ("_native", "variables")

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.variables = variables
        self._native: Any = None

    @property
    def native(self) -> Any:  # noqa: ANN401 (the engine's own type)
        """The engine's own form."""
        if self._native is None:
            self._native = _engine().Context(dict(self.variables))
        return self._native


def context(variables: Mapping[str, Any]) -> Bound:
    """Bind variables for many expressions: converting them is much of the cost."""
    return Bound(variables)


def evaluate(expression: Expression, bound: Bound) -> bool:
    """Return the truth of an expression; raises UndecidedError if a needed fact is not bound."""
    answer = _run(expression.program, bound)
    if not isinstance(answer, bool):
        message = f"the expression gives {type(answer).__name__}, not bool"
        raise UndecidedError(message)
    return answer


def value(expression: Expression, bound: Bound) -> Any:  # noqa: ANN401 (a value of any type)
    """Return the value of an expression; raises UndecidedError like ``evaluate``."""
    return _run(expression.program, bound)


def deciding_indices(expression: Expression, bound: Bound) -> dict[Reference, tuple[int, ...]]:
    """Return for each quantified list the indices whose element satisfies the predicate."""
    found: dict[Reference, tuple[int, ...]] = {}
    for reference, program in expression.quantified:
        try:
            answers = _run(program, bound)
        except UndecidedError:
            continue
        hits = tuple(index for index, answer in enumerate(answers) if answer is True)
        if hits:
            found[reference] = tuple(sorted({*found.get(reference, ()), *hits}))
    return found


def _run(program: Any, bound: Bound) -> Any:  # noqa: ANN401 (a value of any type)
    try:
        return program.execute(bound.native)
    except (RuntimeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise UndecidedError(str(error)) from error


def _blank(source: str) -> str:
    """Replace string literals by spaces of the same length, so that offsets stay."""
    return _STRING.sub(lambda match: " " * len(match[0]), source)


def _references(source: str) -> Iterator[Reference]:
    text = _blank(source)
    bound = set(_BINDER.findall(text))
    for match in _PATH.finditer(text):
        root, rest, call = match[1], match[2].split(".")[1:], bool(match[3])
        if call and not rest:
            continue  # a function, not a variable
        if root in bound or root in _RESERVED:
            continue
        yield Reference(root, tuple(rest[:-1] if call else rest))


def _quantified(
    source: str,
    references: Iterable[Reference],
    engine: Any,  # noqa: ANN401
) -> Iterator[tuple[Reference, Any]]:
    text, known = _blank(source), set(references)
    for match in _QUANTIFIER.finditer(text):
        root, *members = match[1].split(".")
        reference = Reference(root, tuple(members))
        end = _closing(text, match.end())
        if reference in known and end is not None:
            body = source[match.end() : end]
            yield reference, engine.compile(f"{match[1]}.map({body})")


def _closing(text: str, start: int) -> int | None:
    """Return the offset of the parenthesis that closes the one before ``start``."""
    depth = 1
    for offset in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[offset], 0)
        if depth == 0:
            return offset
    return None
