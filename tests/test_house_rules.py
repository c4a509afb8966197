"""The sizes and gates of the house, measured on the source itself.

Every gate is a function from sources to violations. The tests run it twice: over `src/cachescan`,
where it must find nothing, and over a snippet that breaks it, where it must find just that.
"""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "cachescan"
RULES = ROOT / "rules"

FILE_CAP, FILE_P50, FILE_P90 = 500, 150, 350
FUNCTION_CAP, FUNCTION_P50, FUNCTION_P90 = 60, 12, 40
PARAMETER_CAP = 6
PIPELINE_CAP, COMMAND_CAP, KIND_CAP, RULE_CAP = 100, 80, 300, 45

BROAD_EXCEPT_FILES = ("cli/__init__.py", "engine.py")
CONCURRENCY = ("_thread", "asyncio", "concurrent", "threading")
# What only some files may import, as patterns over paths relative to the package.
RESERVED_IMPORTS = {
    "rich": r"cli/_console\.py|reporters/terminal(/\w+)?\.py",
    "cel": r"expression\.py",
    "aiohttp": r"engine\.py|providers/\w+/wire\.py",
    # The demo's supplement is a script for the emulator's own process and environment.
    **dict.fromkeys(CONCURRENCY, r"engine\.py|demo/supplement\.py"),
}
# Files of a provider that are not about one kind of resource.
NOT_A_KIND = frozenset({"__init__.py", "schemas.py", "session.py", "wire.py"})

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """One module: its path relative to the package, and its text."""

    path: str
    text: str

    @property
    def lines(self) -> int:
        """Count physical lines."""
        return len(self.text.splitlines())

    @property
    def tree(self) -> ast.Module:
        """Parse the text."""
        return ast.parse(self.text)

    def functions(self) -> Iterator[tuple[Function, bool]]:
        """Yield every function, nested ones too, with whether its first parameter is bound."""
        for parent in ast.walk(self.tree):
            for node in ast.iter_child_nodes(parent):
                if isinstance(node, Function):
                    static = _decorated(node, "staticmethod")
                    yield node, isinstance(parent, ast.ClassDef) and not static


def _name(node: ast.expr) -> str:
    """Return the last part of a possibly dotted or called name, or nothing."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _decorated(node: Definition, decorator: str) -> bool:
    """Tell whether a definition carries a decorator of that name."""
    return any(_name(d) == decorator for d in node.decorator_list)


def _length(node: Definition) -> int:
    """Count the lines of a definition, docstring included and decorators not."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _percentile(values: Sequence[int], percent: int) -> int:
    """Return the smallest value that `percent` of the values do not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0


def _over(sizes: Sequence[int], p50: int, p90: int) -> list[str]:
    """Compare the median and the 90th percentile of sizes with their limits."""
    measured = ((50, _percentile(sizes, 50), p50), (90, _percentile(sizes, 90), p90))
    return [f"p{p} is {value}, limit {limit}" for p, value, limit in measured if value > limit]


def long_files(sources: Sequence[Source]) -> list[str]:
    """Report files over the cap, and a distribution that leans to long files."""
    over = [f"{s.path}: {s.lines} lines" for s in sources if s.lines > FILE_CAP]
    return over + _over([s.lines for s in sources], FILE_P50, FILE_P90)


def long_functions(sources: Sequence[Source]) -> list[str]:
    """Report functions over the cap, and a distribution that leans to long functions."""
    sized = [(s.path, f, _length(f)) for s in sources for f, _ in s.functions()]
    over = [f"{p}: {f.name} has {size} lines" for p, f, size in sized if size > FUNCTION_CAP]
    return over + _over([size for _, _, size in sized], FUNCTION_P50, FUNCTION_P90)


def long_special_files(sources: Sequence[Source]) -> list[str]:
    """Report files whose place in the tree gives them a tighter cap."""
    return [
        f"{s.path}: {s.lines} lines, limit {cap}"
        for s in sources
        for cap in [_special_cap(s.path)]
        if s.lines > cap
    ]


def _special_cap(path: str) -> int:
    """Return the cap of a file by its place: pipeline, CLI command, kind of a provider, any."""
    *folders, name = path.split("/")
    if path == "pipeline.py":
        return PIPELINE_CAP
    if folders == ["cli"] and not name.startswith("_"):
        return COMMAND_CAP
    if len(folders) == 2 and folders[0] == "providers" and name not in NOT_A_KIND:
        return KIND_CAP
    return FILE_CAP


def many_parameters(sources: Sequence[Source]) -> list[str]:
    """Report functions with too many parameters, `self` and `cls` not counted."""
    return [
        f"{s.path}: {f.name} has {count} parameters"
        for s in sources
        for f, bound in s.functions()
        for count in [_parameters(f.args) - bound]
        if count > PARAMETER_CAP
    ]


def _parameters(args: ast.arguments) -> int:
    """Count every parameter; `*args` and `**kwargs` are one each."""
    named = len(args.posonlyargs) + len(args.args) + len(args.kwonlyargs)
    return named + (args.vararg is not None) + (args.kwarg is not None)


def missing_docstrings(sources: Sequence[Source]) -> list[str]:
    """Report modules, public classes and public functions without a docstring."""
    return [
        f"{s.path}: {'module' if isinstance(node, ast.Module) else node.name}"
        for s in sources
        for node in (s.tree, *_public(s.tree))
        if not ast.get_docstring(node)
    ]


def _public(scope: ast.AST) -> Iterator[Definition]:
    """Yield public definitions; what is inside functions or private classes is not public."""
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, Definition):
            yield from _public(node)
        elif not (node.name.startswith("_") or _decorated(node, "overload")):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def missing_returns(sources: Sequence[Source]) -> list[str]:
    """Report functions without a return annotation."""
    return [f"{s.path}: {f.name}" for s in sources for f, _ in s.functions() if f.returns is None]


def broad_excepts(sources: Sequence[Source]) -> list[str]:
    """Report broad handlers anywhere but once in each file that may have one."""
    found = [s.path for s in sources for node in ast.walk(s.tree) if _is_broad(node)]
    wrong = [f"{path}: broad except" for path in found if path not in BROAD_EXCEPT_FILES]
    many = [p for p in BROAD_EXCEPT_FILES if found.count(p) > 1]
    return wrong + [f"{path}: more than one broad except" for path in many]


def _is_broad(node: ast.AST) -> bool:
    """Tell whether a node catches everything: a handler, or `contextlib.suppress`."""
    if isinstance(node, ast.ExceptHandler):
        caught = [node.type]
    elif isinstance(node, ast.Call) and _name(node.func) == "suppress":
        caught = [*node.args]
    else:
        return False
    flat = [e for c in caught for e in (c.elts if isinstance(c, ast.Tuple) else [c])]
    return any(e is None or _name(e) in {"Exception", "BaseException"} for e in flat)


def unfinished(sources: Sequence[Source]) -> list[str]:
    """Report markers of unfinished work."""
    return [
        f"{s.path}:{number}: {line.strip()}"
        for s in sources
        for number, line in enumerate(s.text.splitlines(), start=1)
        if re.search(r"\b(TODO|FIXME|XXX)\b", line)
    ]


def prints(sources: Sequence[Source]) -> list[str]:
    """Report `print` outside the command line."""
    return [
        f"{s.path}:{node.lineno}: print()"
        for s in sources
        if not s.path.startswith("cli/")
        for node in ast.walk(s.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "print"
    ]


def misplaced_imports(sources: Sequence[Source]) -> list[str]:
    """Report imports, lazy ones too, of modules that are reserved to other files."""
    return [
        f"{s.path}: imports {module}"
        for s in sources
        for module in sorted(_imported(s.tree) & RESERVED_IMPORTS.keys())
        if not re.fullmatch(RESERVED_IMPORTS[module], s.path)
    ]


def _imported(tree: ast.Module) -> set[str]:
    """Return the top-level names of everything a module imports absolutely."""
    names = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    froms = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) if not n.level]
    return {name.partition(".")[0] for name in names + froms}


def long_rules(sources: Sequence[Source]) -> list[str]:
    """Report rule files over the cap; cases, name lists, frameworks and coverage have none."""
    rules = [
        s
        for s in sources
        if not s.path.endswith(".test.yaml")
        if s.path.partition("/")[0] not in {"names", "frameworks", "coverage"}
    ]
    return [f"{s.path}: {s.lines} lines" for s in rules if s.lines > RULE_CAP]


def _read(root: Path, pattern: str) -> list[Source]:
    """Read every file under a folder that matches, in a stable order."""
    paths = sorted(path for path in root.rglob(pattern) if "__pycache__" not in path.parts)
    return [Source(p.relative_to(root).as_posix(), p.read_text(encoding="utf-8")) for p in paths]


def _function(lines: int) -> str:
    """Write a function of so many lines."""
    return "def f() -> None:\n" + "    pass\n" * (lines - 1)


# gate, file, text that breaks the gate, what the gate says of it
BROKEN = [
    (long_files, "a.py", "x = 1\n" * 501, "a.py: 501 lines"),
    (long_files, "a.py", "x = 1\n" * 151, "p50 is 151, limit 150"),
    (long_files, "a.py", "x = 1\n" * 351, "p90 is 351, limit 350"),
    (long_functions, "a.py", _function(61), "a.py: f has 61 lines"),
    (long_functions, "a.py", _function(13), "p50 is 13, limit 12"),
    (long_functions, "a.py", _function(41), "p90 is 41, limit 40"),
    (long_special_files, "pipeline.py", "x = 1\n" * 101, "pipeline.py: 101 lines, limit 100"),
    (long_special_files, "cli/aws.py", "x = 1\n" * 81, "cli/aws.py: 81 lines, limit 80"),
    (
        long_special_files,
        "providers/aws/bucket.py",
        "x = 1\n" * 301,
        "providers/aws/bucket.py: 301 lines, limit 300",
    ),
    (
        many_parameters,
        "a.py",
        "class C:\n    def f(self, a, b, /, c, *d, e, f, g): ...",
        "a.py: f has 7 parameters",
    ),
    (many_parameters, "a.py", "async def f(a, b, c, d, e, *, f, **g): ...", "a.py: f has 7 param"),
    (missing_docstrings, "a.py", "x = 1", "a.py: module"),
    (missing_docstrings, "a.py", '"""M."""\nclass C: ...', "a.py: C"),
    (
        missing_docstrings,
        "a.py",
        '"""M."""\nclass C:\n    """C."""\n    def f(self): ...',
        "a.py: f",
    ),
    (missing_docstrings, "a.py", '"""M."""\nif x:\n    def f(): ...', "a.py: f"),
    (missing_returns, "a.py", "def f() -> None:\n    def _g(): ...", "a.py: _g"),
    (broad_excepts, "a.py", "try: x\nexcept: y", "a.py: broad except"),
    (broad_excepts, "a.py", "try: x\nexcept (OSError, Exception): y", "a.py: broad except"),
    (broad_excepts, "a.py", "with contextlib.suppress(BaseException): y", "a.py: broad except"),
    (broad_excepts, "engine.py", "try: x\nexcept Exception: y\n" * 2, "engine.py: more than one"),
    (unfinished, "a.py", "x = 1  # TODO: later", "a.py:1: x = 1  # TODO: later"),
    (unfinished, "a.py", '\n"""FIXME."""', "a.py:2:"),
    (prints, "a.py", "\nprint(1)", "a.py:2: print()"),
    (misplaced_imports, "cli/aws.py", "def f():\n    from rich.table import Table", "imports rich"),
    (misplaced_imports, "rules.py", "import cel", "rules.py: imports cel"),
    (misplaced_imports, "collect.py", "import concurrent.futures", "imports concurrent"),
    (misplaced_imports, "providers/aws/wire.py", "import asyncio", "imports asyncio"),
    (misplaced_imports, "providers/aws/bucket.py", "import aiohttp", "imports aiohttp"),
    (long_rules, "aws/bucket/a.yaml", "x: 1\n" * 46, "aws/bucket/a.yaml: 46 lines"),
]

# gate, file, text that comes close and is fine
FINE = [
    (long_files, "a.py", "x = 1\n" * 150),
    (long_functions, "a.py", "@deco\n" * 60 + _function(12)),
    (long_special_files, "cli/__init__.py", "x = 1\n" * 200),
    (long_special_files, "providers/aws/wire.py", "x = 1\n" * 400),
    (long_special_files, "providers/aws/policy/match.py", "x = 1\n" * 400),
    (many_parameters, "a.py", "class C:\n    def f(self, a, b, c, d, e, *f): ..."),
    (missing_docstrings, "a.py", '"""M."""\ndef _f(): ...\nclass _C:\n    def g(self): ...'),
    (missing_docstrings, "a.py", '"""M."""\ndef f():\n    """F."""\n    def g(): ...'),
    (broad_excepts, "engine.py", "try: x\nexcept Exception: y"),
    (broad_excepts, "a.py", "try: x\nexcept OSError: raise"),
    (prints, "cli/_console.py", "print(1)"),
    (misplaced_imports, "reporters/terminal.py", "import rich"),
    (misplaced_imports, "providers/aws/wire.py", "import aiohttp"),
    (misplaced_imports, "cli/aws.py", "from . import rich"),
    (long_rules, "aws/bucket/a.test.yaml", "x: 1\n" * 90),
    (long_rules, "names/secrets.yaml", "x: 1\n" * 90),
]

CODE_GATES = [
    long_files,
    long_functions,
    long_special_files,
    many_parameters,
    missing_docstrings,
    missing_returns,
    broad_excepts,
    unfinished,
    prints,
    misplaced_imports,
]


@pytest.mark.parametrize("gate", CODE_GATES)
def test_the_package_keeps_the_house_rule(gate: Callable[[Sequence[Source]], list[str]]) -> None:
    assert gate(_read(PACKAGE, "*.py")) == []


def test_rule_files_stay_short() -> None:
    assert long_rules(_read(RULES, "*.yaml")) == []


def test_the_package_and_its_metadata_state_one_version() -> None:
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    root = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    stated = re.search(r'^__version__ = "(.+)"$', root, re.MULTILINE)

    assert stated is not None
    assert stated[1] == metadata["project"]["version"]


@pytest.mark.parametrize(("gate", "path", "text", "said"), BROKEN)
def test_a_gate_reports_what_breaks_it(
    gate: Callable[[Sequence[Source]], list[str]], path: str, text: str, said: str
) -> None:
    assert [v for v in gate([Source(path, text)]) if said in v]


@pytest.mark.parametrize(("gate", "path", "text"), FINE)
def test_a_gate_is_silent_on_what_is_allowed(
    gate: Callable[[Sequence[Source]], list[str]], path: str, text: str
) -> None:
    assert gate([Source(path, text)]) == []
