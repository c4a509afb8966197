"""The public entry points: scan, collect, evaluate. The command line is a thin skin over these."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from cachescan import pipeline, plugins, snapshot
from cachescan.census.names import load_names
from cachescan.clock import current
from cachescan.collect import Plan
from cachescan.engine import Engine, Settings
from cachescan.errors import ConfigError, CredentialsError
from cachescan.model import Gap, GapReason, Kind, Persona, Resource
from cachescan.report import ExitPolicy
from cachescan.rules import KindRules, RuleSet, builtin_rules, load_rules
from cachescan.snapshot import Journal
from cachescan.suppress import load_suppressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cachescan.model import Report
    from cachescan.progress import Progress
    from cachescan.providers.base import Provider
    from cachescan.snapshot import Record


class Target(Struct, frozen=True):
    """A provider to scan and its own settings."""

    provider: str
    config: Mapping[str, Any] = field(default_factory=dict)


class Judging(Struct, frozen=True):
    """Which rules judge, what is accepted, and what makes the exit code.

    Attributes:
        rules: folders of further rules, beside those that ship.
        select: rule ids or globs to keep.
        skip: rule ids or globs to leave out.
        persona: whose rules.
        suppressions: file of accepted findings.
        policy: when the run is to fail.
    """

    rules: tuple[Path, ...] = ()
    select: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    persona: Persona = Persona.REGULAR
    suppressions: Path | None = None
    policy: ExitPolicy = ExitPolicy()


class Reading(Struct, frozen=True):
    """How to read.

    Attributes:
        objects: objects to list of each resource that outsiders reach; 0 lists none.
        record: snapshot to keep.
        resume: go on with that snapshot.
        now: RFC 3339 instant that stands for the clock; the clock's own time if empty.
        settings: concurrency and retries.
    """

    objects: int
    record: Path | None = None
    resume: bool = False
    now: str = ""
    settings: Settings = Settings()


def build_provider(target: Target) -> Provider:
    """Return the provider; raises ConfigError for an unknown name or setting. No I/O."""
    build = plugins.factory("cachescan.providers", plugins.PROVIDERS, target.provider)
    provider: Provider = build(target.config)
    return provider


def load_ruleset(judging: Judging, providers: Iterable[Provider]) -> RuleSet:
    """Load the rules that ship and the user's own; raises ConfigError."""
    return load_rules(
        (builtin_rules(), *judging.rules),
        _kinds(providers),
        select=judging.select,
        skip=judging.skip,
        persona=judging.persona,
    )


def scan(
    targets: Sequence[Target],
    judging: Judging,
    reading: Reading,
    progress: Progress | None = None,
) -> Report:
    """Read every target and judge it in one pass, in flat memory.

    Raises:
        ConfigError: rules, suppressions or settings; before anything is read.
        CredentialsError: no provider let us in.
        SnapshotError: the snapshot cannot be kept.
    """
    providers = [build_provider(target) for target in targets]
    if reading.record and len(providers) > 1:
        message = "one snapshot holds one provider; collect them one by one"
        raise ConfigError(message)
    ruleset = load_ruleset(judging, providers)
    accepted = load_suppressions(judging.suppressions) if judging.suppressions else ()
    one_by_one = _records if len(providers) == 1 else _records_or_gap
    records = (r for p in providers for r in one_by_one(p, ruleset, reading))
    by_name = {provider.name: provider for provider in providers}
    return pipeline.evaluate(records, ruleset, by_name, judging.policy, accepted, progress)


def collect(target: Target, reading: Reading, progress: Progress | None = None) -> tuple[int, int]:
    """Read everything a provider has facets for into a snapshot, whatever the rules ask.

    Returns:
        the number of resources and of gaps.

    Raises:
        ConfigError, CredentialsError, SnapshotError: as ``scan``.
    """
    resources = gaps = 0
    for record in _records(build_provider(target), None, reading):
        if isinstance(record, Resource):
            resources += 1
            gaps += len(record.gaps) + (len(record.census.gaps) if record.census else 0)
            if progress:
                progress.resource(record.ref)
        elif isinstance(record, snapshot.GapRecord):
            gaps += 1
    return resources, gaps


def evaluate(
    snapshots: Sequence[Path], judging: Judging, progress: Progress | None = None
) -> Report:
    """Judge snapshots, without any cloud; raises ConfigError or SnapshotError."""
    names = sorted({header for path in snapshots for header in _providers_of(path)})
    by_name = {name: build_provider(Target(name)) for name in names}
    ruleset = load_ruleset(judging, by_name.values())
    accepted = load_suppressions(judging.suppressions) if judging.suppressions else ()
    records = (record for path in snapshots for record in snapshot.read(path))
    return pipeline.evaluate(records, ruleset, by_name, judging.policy, accepted, progress)


def _records(provider: Provider, ruleset: RuleSet | None, reading: Reading) -> Iterator[Record]:
    asked = {kind.name: _asked(kind, ruleset) for kind in provider.kinds}
    wanted = {name: ask for name, ask in asked.items() if ruleset is None or ask.rules}
    plan = Plan(
        demand={name: ask.demand for name, ask in wanted.items()},
        census=frozenset(name for name, ask in wanted.items() if ask.census and reading.objects),
        objects=reading.objects,
        matcher=load_names(builtin_rules() / "names"),
        clock=(lambda: reading.now) if reading.now else current,
    )
    journal = Journal(reading.record, resume=reading.resume)
    with Engine(reading.settings) as engine:
        try:
            yield from pipeline.collect(provider, plan, engine, journal)
        finally:
            engine.run(provider.close())


def _records_or_gap(
    provider: Provider, ruleset: RuleSet | None, reading: Reading
) -> Iterator[Record]:
    """Yield a provider's records; one that lets nobody in must not keep the others from us."""
    try:
        yield from _records(provider, ruleset, reading)
    except CredentialsError as error:
        gap = Gap("", GapReason.UNAUTHENTICATED, f"{provider.name}:scopes", str(error))
        yield snapshot.GapRecord(gap)


def _asked(kind: Kind, ruleset: RuleSet | None) -> KindRules:
    """Return what the rules ask of a kind; without rules, everything that there is."""
    if ruleset is not None:
        return ruleset.of_kind(kind)
    return KindRules((), frozenset(facet.name for facet in kind.facets), census=True)


def _kinds(providers: Iterable[Provider]) -> dict[str, Kind]:
    """Return every kind that rules may speak of: those in use and those that ship."""
    known = {kind.name: kind for provider in providers for kind in provider.kinds}
    for name in plugins.PROVIDERS:
        for kind in build_provider(Target(name)).kinds:
            known.setdefault(kind.name, kind)
    return known


def _providers_of(path: Path) -> Iterator[str]:
    for record in snapshot.read(path):
        if isinstance(record, snapshot.Header):
            yield record.provider
