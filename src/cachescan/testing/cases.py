"""Rule cases: what stands in a ``<slug>.test.yaml``, and how it is judged."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field

from cachescan.api import Target, build_provider
from cachescan.errors import ConfigError
from cachescan.evaluate import judge, prepare
from cachescan.model import Census, Gap, GapReason, Kind, Resource, Verdict
from cachescan.plugins import PROVIDERS
from cachescan.rules import builtin_rules, check, read_rule, read_yaml, rule_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cachescan.providers.base import Provider
    from cachescan.rules import CompiledRule

REQUIRED = (Verdict.FAIL, Verdict.PASS, Verdict.UNKNOWN)
"""Every rule must show that it can say each of these."""


class Case(Struct, frozen=True, forbid_unknown_fields=True, rename={"base": "from"}):
    """One case of a ``<slug>.test.yaml``.

    Attributes:
        name: what the case shows.
        expect: the verdict.
        base: the record to start from ("from"); without it the kind's neutral facets.
        merge: a JSON merge patch (RFC 7386) applied to the record's facets.
        gaps: facets to take away, as if their call had been denied.
        census: the census to give the record.
        region: the record's region.
        bucket_name: the record's name.
        evidence: ``facet#pointer`` of evidence that must be there.
    """

    name: str
    expect: Verdict
    base: str = ""
    merge: dict[str, Any] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    census: Census | None = None
    region: str = ""
    bucket_name: str = ""
    evidence: tuple[str, ...] = ()


class Cases(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a ``<slug>.test.yaml``."""

    cases: tuple[Case, ...]


def read_cases(path: Path) -> tuple[Case, ...]:
    """Return the cases of a file; raises ConfigError that names the file and the field."""
    try:
        return msgspec.convert(read_yaml(path), Cases).cases
    except msgspec.ValidationError as error:
        message = f"{path}: {error}"
        raise ConfigError(message) from error


def complaints(
    rule: CompiledRule, cases: tuple[Case, ...], provider: Provider, records: Path
) -> Iterator[str]:
    """Yield what is wrong with a rule: wrong verdicts, missing evidence, missing kinds of case."""
    kind = next(k for k in provider.kinds if k.name == rule.rule.kind)
    for case in cases:
        yield from _judge_case(rule, case, kind, provider, records)
    for verdict in REQUIRED:
        if not any(case.expect == verdict for case in cases):
            yield f"{rule.rule.id}: no case expects {verdict}"


def merge_patch(target: Any, patch: Any) -> Any:  # noqa: ANN401 (JSON)
    """Return ``target`` with a JSON merge patch applied (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def neutral_facets(kind: Kind) -> dict[str, Any]:
    """Return every facet of a kind at its "not set" value."""
    return {facet.name: msgspec.to_builtins(facet.neutral) for facet in kind.facets}


def record_for(case: Case, kind: Kind, records: Path) -> Resource:
    """Return the record that a case describes.

    Raises:
        ConfigError: it names a base record or a facet that does not exist, or its facets do not
            fit the kind's schemas.
    """
    path = records / f"{case.base or 'legacy'}.json"
    try:
        base = msgspec.json.decode(path.read_bytes(), type=Resource)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        message = f"{path}: not a base record"
        raise ConfigError(message, hint=str(error)) from error
    facets = merge_patch(copy.deepcopy({**neutral_facets(kind), **base.facets}), case.merge)
    facets = _complete(case, kind, facets)
    gaps = tuple(
        Gap(name, GapReason.PERMISSION_DENIED, kind.facet(name).call, "denied in this case")
        for name in case.gaps
    )
    for name in case.gaps:
        facets.pop(name, None)
    ref = msgspec.structs.replace(
        base.ref,
        region=case.region or base.ref.region,
        name=case.bucket_name or base.ref.name,
    )
    return Resource(ref, facets, tuple(sorted(gaps)), census=case.census)


def _complete(case: Case, kind: Kind, facets: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facets as an adapter writes them; refuse what no adapter could have written.

    A case need not spell out fields at their default, inside lists neither.
    """
    known = {facet.name: facet for facet in kind.facets}
    for name in (*facets, *case.gaps):
        if name not in known:
            message = f"case {case.name!r}: {kind.name} has no facet {name!r}"
            raise ConfigError(message)
    complete = {}
    for name, value in facets.items():
        try:
            complete[name] = msgspec.to_builtins(msgspec.convert(value, known[name].schema))
        except msgspec.ValidationError as error:
            message = f"case {case.name!r}: facet {name}: {error}"
            raise ConfigError(message) from error
        if not _contains(complete[name], value):
            message = f"case {case.name!r}: facet {name} has fields that the schema has not"
            hint = f"{value!r} would be read as {complete[name]!r}"
            raise ConfigError(message, hint=hint)
    return complete


def _contains(whole: Any, part: Any) -> bool:  # noqa: ANN401 (JSON)
    """Tell whether everything that ``part`` says stands in ``whole`` as well."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and _contains(whole[name], part[name]) for name in part)
    if isinstance(whole, list) and isinstance(part, list):
        return len(whole) == len(part) and all(map(_contains, whole, part))
    return bool(whole == part)


def _judge_case(
    rule: CompiledRule, case: Case, kind: Kind, provider: Provider, records: Path
) -> Iterator[str]:
    where = f"{rule.rule.id}: case {case.name!r}"
    try:
        resource = record_for(case, kind, records)
    except ConfigError as error:
        yield f"{where}: {error} {error.hint}"
        return
    judged, findings = judge(prepare(resource, kind, provider.grants), (rule,))
    verdict = next(iter(judged.counts))
    if verdict != case.expect:
        said = findings[0].message if findings else ""
        yield f"{where}: expected {case.expect}, got {verdict} {said}"
    shown = {f"{e.facet}#{e.pointer}" for finding in findings for e in finding.evidence}
    for pointer in case.evidence:
        if pointer not in shown:
            yield f"{where}: evidence {pointer} is missing; there is {sorted(shown)}"


class FolderResult(Struct, frozen=True):
    """How one rule file came out."""

    cases: int
    complaints: tuple[str, ...]


def check_folder(folder: Path) -> Iterator[FolderResult]:
    """Judge every case of every rule below a folder; a rule without cases is a complaint.

    Raises:
        ConfigError: a rule or its cases cannot be read at all.
    """
    providers = {name: build_provider(Target(name)) for name in PROVIDERS}
    kinds = {kind.name: kind for provider in providers.values() for kind in provider.kinds}
    for path in rule_files(folder):
        beside = path.with_name(f"{path.stem}.test.yaml")
        for rule in read_rule(path):
            if not beside.is_file():
                yield FolderResult(0, (f"{rule.id}: there is no {beside.name}",))
                continue
            compiled, cases = check(rule, kinds), read_cases(beside)
            provider = providers[rule.kind.split("/")[0]]
            found = complaints(compiled, cases, provider, _records(folder))
            yield FolderResult(len(cases), tuple(found))


def _records(folder: Path) -> Path:
    """Return the folder of base records: the rule pack's own, or those that ship."""
    own = folder / "records"
    return own if own.is_dir() else builtin_rules() / "records"
