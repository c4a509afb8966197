"""Rule by resource to verdict: pure, three-valued, with the evidence that decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, structs

from cachescan import expression as cel
from cachescan.answers import Answers
from cachescan.errors import SnapshotError
from cachescan.exposure import as_variables, expose, open_gaps, paths_of
from cachescan.fingerprint import digest, fingerprint
from cachescan.model import (
    Census,
    Effect,
    Evidence,
    Exposure,
    Finding,
    Gap,
    GapReason,
    Grant,
    Hit,
    Judged,
    Kind,
    Path,
    Resource,
    Verdict,
)
from cachescan.rules import PLACEHOLDER, CompiledRule

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence

    from cachescan.model import ResourceRef

_SUMMARY = 160
_MANY = 3


class Subject(Struct, frozen=True):
    """A resource prepared for its rules: variables bound once, exposure computed once."""

    resource: Resource
    exposure: Exposure | None
    variables: dict[str, Any]
    bound: cel.Bound
    gaps: dict[str, tuple[Gap, ...]]
    grants: Callable[[Resource], Iterable[Grant]]


def view(resource: Resource, kind: Kind, demand: frozenset[str], *, census: bool) -> Resource:
    """Return the record as the rules chosen see it: what they ask for, and nothing else.

    A snapshot may hold more than a live scan with these rules would read. Seen so, both are the
    same, to the byte. The region comes from its facet where the listing did not tell it; raises
    SnapshotError if that facet is none of its kind.
    """
    facets = {name: value for name, value in resource.facets.items() if name in demand}
    ref = resource.ref
    if kind.region and not ref.region and kind.region[0] in facets:
        name, member = kind.region
        with _fitting(ref):
            place = msgspec.convert(facets[name], kind.facet(name).schema)
        ref = structs.replace(ref, region=getattr(place, member))
    return Resource(
        ref=ref,
        facets=facets,
        gaps=tuple(gap for gap in resource.gaps if gap.facet in demand),
        collected_at=resource.collected_at,
        census=resource.census if census else None,
    )


def prepare(
    resource: Resource, kind: Kind, grants: Callable[[Resource], Iterable[Grant]]
) -> Subject:
    """Compute the exposure and bind what is known; what is not known stays unbound.

    Raises:
        SnapshotError: a facet that the exposure needs is none of its kind.
    """
    gaps: dict[str, tuple[Gap, ...]] = {}
    for gap in resource.gaps:
        gaps[gap.facet] = (*gaps.get(gap.facet, ()), gap)
    asked = bool(kind.exposure) and {*resource.facets, *gaps}.issuperset(kind.exposure)
    ref = resource.ref
    with _fitting(ref):
        exposure = expose(grants(resource)) if asked else None
    variables: dict[str, Any] = {
        "name": ref.name,
        "region": ref.region,
        "scope": ref.scope,
        "uid": ref.uid,
        **resource.facets,
    }
    if exposure is not None:
        variables.update(as_variables(exposure))
    if resource.census is not None:
        variables["census"] = _census_variable(resource.census)
    for facet in kind.facets:
        if facet.name not in resource.facets and facet.name not in gaps:
            gaps[facet.name] = (_not_collected(facet.name, facet.call),)
    gaps["census"] = _census_gaps(resource.census, kind)
    return Subject(resource, exposure, variables, cel.context(variables), gaps, grants)


@contextmanager
def _fitting(ref: ResourceRef) -> Iterator[None]:
    """Refuse a facet that no adapter could have written: the record was made or changed by hand."""
    try:
        yield
    except msgspec.ValidationError as error:
        message = f"the record of {ref.uid} has a facet that does not fit its kind"
        raise SnapshotError(message, hint=str(error)) from error


def judge(
    subject: Subject, rules: Sequence[CompiledRule], answers: Answers | None = None
) -> tuple[Judged, list[Finding]]:
    """Return the resource's summary and every finding that is not a pass.

    ``answers`` remembers what the rules said of other resources; without it nothing is.
    """
    counts: Counter[Verdict] = Counter()
    findings = []
    answers = answers or Answers()
    numbers = answers.number(subject.variables)
    for compiled in rules:
        answer = answers.ask(compiled, subject.bound, numbers)
        verdict, reason = answer.verdict, answer.reason
        if verdict is None:
            verdict = Verdict.UNKNOWN if _missing(compiled, subject) else Verdict.ERROR
        counts[verdict] += 1
        if verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR):
            findings.append(_finding(compiled, subject, verdict, reason))
    resource = subject.resource
    census_gaps = resource.census.gaps if resource.census else ()
    judged = Judged(
        ref=resource.ref,
        exposure=subject.exposure,
        census=resource.census,
        gaps=tuple(sorted({*resource.gaps, *census_gaps})),
        counts=dict(sorted(counts.items())),
    )
    return judged, findings


def _finding(compiled: CompiledRule, subject: Subject, verdict: Verdict, reason: str) -> Finding:
    rule, ref = compiled.rule, subject.resource.ref
    missing = _missing(compiled, subject) if verdict == Verdict.UNKNOWN else ()
    hits = _hits(compiled, subject) if verdict == Verdict.FAIL else ()
    paths = _paths(compiled, subject, hits) if verdict == Verdict.FAIL else ()
    evidence = _evidence(compiled, subject, paths) if verdict == Verdict.FAIL else ()
    if verdict == Verdict.UNKNOWN:
        evidence = tuple(
            Evidence(gap.facet, "", Effect.UNREAD, f"{gap.call}: {gap.reason}") for gap in missing
        )
    return Finding(
        fingerprint=fingerprint(rule.id, ref, _identity(compiled, subject)),
        evidence_hash=digest((verdict, evidence, missing)),
        rule=rule.id,
        ref=ref,
        verdict=verdict,
        severity=rule.severity,
        message=_message(rule.message, subject) if verdict != Verdict.ERROR else reason,
        evidence=evidence,
        gaps=missing,
        paths=paths,
        witness=next((path.witness for path in paths if path.witness), None),
        hits=hits,
    )


def _identity(compiled: CompiledRule, subject: Subject) -> tuple[Any, ...]:
    """Return what tells this finding from others of its rule; nothing if that was not read."""
    try:
        return tuple(cel.value(expression, subject.bound) for expression in compiled.identity)
    except cel.UndecidedError:
        return ()  # the verdict stands; it is then the resource's


def _missing(compiled: CompiledRule, subject: Subject) -> tuple[Gap, ...]:
    """Return the gaps among what the rule looks at: the facts that would have decided."""
    found: set[Gap] = set()
    for reference in compiled.references:
        if reference.root in ("exposure", "exposed"):
            exposure = subject.exposure
            found.update(
                (_not_collected("exposure", ""),)
                if exposure is None
                else open_gaps(exposure, reference.members)
            )
        elif reference.root == "census":
            found.update(_census_reference_gaps(subject, reference.members))
        else:
            found.update(subject.gaps.get(reference.root, ()))
    return tuple(sorted(found))


def _census_reference_gaps(subject: Subject, members: Sequence[str]) -> tuple[Gap, ...]:
    census = subject.variables.get("census", {})
    bound = census.get("counts", {}) if census else {}
    decided = len(members) > 1 and members[0] == "counts" and members[1] in bound
    return () if decided else subject.gaps["census"]


def _not_collected(facet: str, call: str) -> Gap:
    """Return the gap of a fact that this record was never meant to hold."""
    return Gap(facet, GapReason.NOT_COLLECTED, call, "the snapshot was taken without it")


def _census_variable(census: Census) -> dict[str, Any]:
    """Bind the census; of a listing cut short, neither totals nor what it did not hit are known."""
    counts = {name: n for name, n in census.counts.items() if n or census.complete}
    totals = {"listed": census.listed, "bytes": census.bytes} if census.complete else {}
    return {"complete": census.complete, "counts": counts, **totals}


def _census_gaps(census: Census | None, kind: Kind) -> tuple[Gap, ...]:
    if census is not None:
        return census.gaps
    return (
        Gap(
            facet="census",
            reason=GapReason.NOT_COLLECTED,
            call=kind.objects_call,
            detail="its objects were not listed",
            permission=kind.objects_permission,
        ),
    )


def _paths(compiled: CompiledRule, subject: Subject, hits: tuple[Hit, ...]) -> tuple[Path, ...]:
    """Return the paths that the rule is about, their witnesses aimed at the hits it names."""
    resource, exposure = subject.resource, subject.exposure
    if exposure is None:
        return ()
    if hits and resource.census is not None and hits != resource.census.hits:
        aimed = structs.replace(resource, census=structs.replace(resource.census, hits=hits))
        exposure = expose(subject.grants(aimed))
    found: dict[Path, None] = {}
    for reference in compiled.fail.references:
        if reference.root in ("exposure", "exposed"):
            found.update(dict.fromkeys(paths_of(exposure, reference.members)))
    return tuple(found)


def _evidence(
    compiled: CompiledRule, subject: Subject, paths: Iterable[Path]
) -> tuple[Evidence, ...]:
    found: dict[Evidence, None] = {e: None for path in paths for e in path.evidence}
    deciding = cel.deciding_indices(compiled.fail, subject.bound)
    plain: dict[str, dict[str, None]] = {}
    for reference in compiled.fail.references:
        pointer = "".join(f"/{member}" for member in reference.members)
        if reference in deciding:
            for index in deciding[reference]:
                found[_states(subject, reference.root, f"{pointer}/{index}")] = None
        elif reference.root in subject.resource.facets:
            plain.setdefault(reference.root, {})[pointer] = None
        elif reference.root == "census":
            found[Evidence("census", pointer, Effect.STATES, _census_summary(subject))] = None
    for facet, places in plain.items():
        # A facet that is looked at from many sides is shown once, whole.
        for place in places if len(places) < _MANY else [""]:
            found[_states(subject, facet, place)] = None
    ref = subject.resource.ref
    return tuple(found) or (Evidence("", "", Effect.STATES, f"{ref.kind} {ref.name}"),)


def _states(subject: Subject, facet: str, pointer: str) -> Evidence:
    value: Any = subject.resource.facets[facet]
    reached = ""
    for step in pointer.split("/")[1:]:
        inner = dict(enumerate(value)) if isinstance(value, list) else value
        key = int(step) if step.isdigit() else step
        if not isinstance(inner, dict) or key not in inner:
            break  # the other side of an `||` decided; this one looks for what is not there
        value, reached = inner[key], f"{reached}/{step}"
    text = msgspec.json.encode(value).decode()
    short = text if len(text) <= _SUMMARY else f"{text[: _SUMMARY - 3]}..."
    return Evidence(facet, reached, Effect.STATES, short)


def _census_summary(subject: Subject) -> str:
    census = subject.resource.census
    if census is None:
        return "not listed"
    seen = "all" if census.complete else "the first"
    counts = ", ".join(f"{n} {name}" for name, n in sorted(census.counts.items()) if n)
    return f"{seen} {census.listed} objects listed: {counts or 'no hit'}"


def _hits(compiled: CompiledRule, subject: Subject) -> tuple[Hit, ...]:
    """Return the hits of the categories that the rule asks for."""
    census = subject.resource.census
    asked = {r.members[1] for r in compiled.fail.references if r.members[:1] == ("counts",)}
    if census is None:
        return ()
    return tuple(hit for hit in census.hits if asked.intersection(hit.categories))


def _message(template: str, subject: Subject) -> str:
    """Fill the holes from the variables; a hole that is not known shows as ``?``."""

    def fill(match: re.Match[str]) -> str:
        value: Any = subject.variables
        for step in match[1].split("."):
            value = value.get(step) if isinstance(value, dict) else None
        return "?" if value is None else str(value)

    return PLACEHOLDER.sub(fill, template)
