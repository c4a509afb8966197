"""Rules are data: load them, refuse what cannot work, index by kind, compute demand."""

from __future__ import annotations

import difflib
import fnmatch
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml
from msgspec import Struct

from cachescan.errors import ConfigError
from cachescan.expression import Expression, Reference, compile_expression
from cachescan.fingerprint import digest
from cachescan.model import PERSONAS, Actor, Capability, Kind, Persona, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ALWAYS_BOUND = frozenset({"name", "region", "scope", "uid"})
"""Variables every resource has."""

DERIVED = frozenset({"exposure", "exposed", "census"})
"""Variables computed from facets and listings rather than read."""

_DERIVED_FACTS = {
    "exposure": "exposure.<capability>.<actor>",
    "exposed": "exposed.<capability>.<actor>",
    "census": "census.counts.<category>, .listed, .bytes or .complete",
}
_CELLS = frozenset((c.value, a.value) for c in Capability for a in Actor)
_CENSUS = frozenset({("listed",), ("bytes",), ("complete",)})

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_HAS = re.compile(r"\bhas\s*\(")
PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.\w+)*)\}")
"""A hole of a message: a dotted path into the variables, never an attribute of an object."""

_NOT_RULES = frozenset({"names", "frameworks", "coverage"})


class CompiledRule(Struct, frozen=True):
    """A rule with its expressions compiled.

    Attributes:
        rule: as it was written.
        when: None for the rule that always applies.
        fail: what must not be.
        identity: what tells findings of one rule on one resource apart.
        references: every path that the rule looks at.
    """

    rule: Rule
    when: Expression | None
    fail: Expression
    identity: tuple[Expression, ...]
    references: tuple[Reference, ...]

    @property
    def variables(self) -> frozenset[str]:
        """Everything the rule looks at."""
        return frozenset(reference.root for reference in self.references)


class KindRules(Struct, frozen=True):
    """The rules of one kind, and what they ask for.

    Attributes:
        rules: sorted by id.
        demand: facets to read: those that rules name, those that the exposure they use needs, and
            those that the listing gives anyhow.
        census: whether any rule asks what lies inside.
    """

    rules: tuple[CompiledRule, ...]
    demand: frozenset[str]
    census: bool


class RuleSet(Struct, frozen=True):
    """Rules ready to judge, sorted by id, with the digest that names exactly this choice."""

    rules: tuple[CompiledRule, ...]
    digest: str

    def of_kind(self, kind: Kind) -> KindRules:
        """Return the rules of one kind, with what they ask for."""
        rules = tuple(compiled for compiled in self.rules if compiled.rule.kind == kind.name)
        wanted = frozenset().union(*(compiled.variables for compiled in rules))
        demand = wanted & {facet.name for facet in kind.facets}
        if wanted & DERIVED:
            demand |= frozenset(kind.exposure)
        listed = frozenset(facet.name for facet in kind.facets if facet.listed)
        return KindRules(rules, demand | listed, census="census" in wanted)


def builtin_rules() -> Path:
    """Return the folder of the rules that ship with the package.

    A wheel carries them as ``cachescan/_rules``; an editable install does not see that folder
    and uses the checkout's ``rules/``.
    """
    package = Path(__file__).parent
    packed = package / "_rules"
    return packed if packed.is_dir() else package.parents[1] / "rules"


def load_rules(
    folders: Sequence[Path],
    kinds: Mapping[str, Kind],
    *,
    select: Sequence[str] = (),
    skip: Sequence[str] = (),
    persona: Persona = Persona.AUDITOR,
) -> RuleSet:
    """Load, lint and choose rules.

    Args:
        folders: folders of rule files, searched recursively.
        kinds: every kind known, by name.
        select: ids, aliases or globs to keep; empty keeps all.
        skip: ids or globs to leave out.
        persona: keep the rules of this persona and of the less demanding ones.

    Raises:
        ConfigError: a file does not parse, a rule fails the linter, or a choice matches nothing.
    """
    rules = [rule for folder in folders for path in rule_files(folder) for rule in read_rule(path)]
    compiled = sorted((check(rule, kinds) for rule in rules), key=lambda c: c.rule.id)
    _refuse_duplicates(compiled)
    chosen = [rule for rule in compiled if _chosen(rule.rule, select, skip, persona)]
    _refuse_empty_choice(compiled, select)
    return RuleSet(tuple(chosen), digest(rule.rule for rule in chosen))


def rule_files(folder: Path) -> Iterator[Path]:
    """Yield the rule files below a folder, sorted; raises ConfigError if there is no folder."""
    if not folder.is_dir():
        message = f"no such folder of rules: {folder}"
        raise ConfigError(message)
    for path in sorted(folder.rglob("*.yaml")):
        inside = path.relative_to(folder).parts[0]
        if not path.name.endswith(".test.yaml") and inside not in _NOT_RULES:
            yield path


def read_yaml(path: Path) -> Any:  # noqa: ANN401 (YAML holds anything)
    """Return the parsed YAML file; raises ConfigError with the position of the fault."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506 (a safe loader, in C)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{path}: not readable as YAML"
        raise ConfigError(message, hint=str(error)) from error


def read_rule(path: Path) -> Iterator[Rule]:
    """Yield the rule of one file; raises ConfigError that names the file and the field."""
    try:
        yield msgspec.convert(read_yaml(path), Rule)
    except msgspec.ValidationError as error:
        message = f"{path}: {error}"
        raise ConfigError(message, hint=_field_hint(str(error), Rule)) from error


def check(rule: Rule, kinds: Mapping[str, Kind]) -> CompiledRule:
    """Lint one rule and compile it; raises ConfigError that names the rule."""
    kind = kinds.get(rule.kind)
    if kind is None:
        raise _refused(rule, f"unknown kind {rule.kind!r}", rule.kind, kinds)
    if not _ID.fullmatch(rule.id):
        raise _refused(rule, "an id is lower-case words joined by hyphens")
    when = None if rule.when == "true" else compile_expression(rule.when)
    fail = compile_expression(rule.fail)
    identity = tuple(compile_expression(source) for source in rule.identity)
    looked_at = (*(when.references if when else ()), *fail.references)
    references = {*looked_at, *(r for expression in identity for r in expression.references)}
    compiled = CompiledRule(rule, when, fail, identity, tuple(sorted(references)))
    allowed = {facet.name for facet in kind.facets} | ALWAYS_BOUND | DERIVED
    for name in sorted(compiled.variables - allowed):
        raise _refused(rule, f"unknown variable {name!r}", name, allowed)
    for reference in compiled.references:
        if not _names_one_fact(reference):
            path = ".".join((reference.root, *reference.members))
            raise _refused(rule, f"{path} is no fact; write {_DERIVED_FACTS[reference.root]}")
    if _HAS.search(rule.fail) or _HAS.search(rule.when):
        raise _refused(rule, "has() would turn a fact that was not read into an answer")
    for hole in PLACEHOLDER.findall(rule.message):
        if hole.split(".")[0] not in allowed:
            raise _refused(rule, f"unknown placeholder {hole!r} in its message", hole, allowed)
    return compiled


def _names_one_fact(reference: Reference) -> bool:
    """Tell whether a derived variable is named down to one fact.

    A grade that is open is not bound. ``in``, ``size`` and the macros over the whole would take
    that for an answer, as ``has()`` would.
    """
    members = reference.members
    if reference.root in ("exposure", "exposed"):
        return members in _CELLS
    if reference.root == "census":
        return members in _CENSUS or (members[:1] == ("counts",) and len(members) == 2)  # noqa: PLR2004
    return True


def _chosen(rule: Rule, select: Sequence[str], skip: Sequence[str], persona: Persona) -> bool:
    names = (rule.id, *rule.aliases)
    if any(fnmatch.fnmatchcase(name, glob) for name in names for glob in skip):
        return False
    if select:  # a rule asked for by name runs whoever it is for
        return any(fnmatch.fnmatchcase(name, glob) for name in names for glob in select)
    return PERSONAS.index(rule.persona) <= PERSONAS.index(persona)


def _refuse_empty_choice(compiled: Iterable[CompiledRule], select: Sequence[str]) -> None:
    names = {name for rule in compiled for name in (rule.rule.id, *rule.rule.aliases)}
    for glob in select:
        if not any(fnmatch.fnmatchcase(name, glob) for name in names):
            message = f"no rule is called {glob!r}"
            raise ConfigError(message, hint=_suggest(glob, names))


def _refuse_duplicates(compiled: Iterable[CompiledRule]) -> None:
    seen: set[str] = set()
    for rule in compiled:
        for name in (rule.rule.id, *rule.rule.aliases):
            if name in seen:
                message = f"two rules are called {name!r}; ids are never reused"
                raise ConfigError(message)
            seen.add(name)


def _refused(rule: Rule, why: str, got: str = "", known: Iterable[str] = ()) -> ConfigError:
    return ConfigError(f"rule {rule.id}: {why}", hint=_suggest(got, known))


def _suggest(got: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(got, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def _field_hint(error: str, schema: type[Struct]) -> str:
    unknown = re.search(r"unknown field `(\w+)`", error)
    return _suggest(unknown[1], schema.__struct_fields__) if unknown else ""
