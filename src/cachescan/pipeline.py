"""The straight line. Read this first.

    scopes -> discover -> collect -> exposure -> census -> [snapshot] -> evaluate -> report

``collect`` yields snapshot records, ``evaluate`` takes them, live or from a file, and cannot tell
which: a record holds exactly what its line in a snapshot decodes to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan import __version__
from cachescan.answers import Answers
from cachescan.clock import date_of
from cachescan.collect import Collector
from cachescan.errors import SnapshotError
from cachescan.evaluate import judge, prepare, view
from cachescan.model import Resource
from cachescan.report import Tally
from cachescan.snapshot import SCHEMA, GapRecord, Header, Journal, ScopeDone
from cachescan.suppress import Suppressor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cachescan.collect import Plan
    from cachescan.engine import Engine
    from cachescan.model import Report, Suppression
    from cachescan.progress import Progress
    from cachescan.providers.base import Provider
    from cachescan.report import ExitPolicy
    from cachescan.rules import RuleSet
    from cachescan.snapshot import Record


def collect(provider: Provider, plan: Plan, engine: Engine, journal: Journal) -> Iterator[Record]:
    """Yield the records of one provider as they are read, each kept in the journal first.

    Raises:
        CachescanError: no credentials, or a journal that cannot be written.
    """
    header = Header(
        schema=SCHEMA,
        tool=__version__,
        provider=provider.name,
        now=plan.clock(),
        demand={kind: tuple(sorted(names)) for kind, names in sorted(plan.demand.items())},
        objects=plan.objects,
    )
    with journal:
        yield from journal.start(header)
        if journal.complete:
            return
        collector = Collector(provider, engine, plan)
        for record in collector.records(done=journal.done, seen=frozenset(journal.seen)):
            journal.write(record)
            yield record
        journal.finish()


def evaluate(
    records: Iterable[Record],
    ruleset: RuleSet,
    providers: Mapping[str, Provider],
    policy: ExitPolicy,
    suppressions: Sequence[Suppression] = (),
    progress: Progress | None = None,
) -> Report:
    """Judge each record by the rules of its kind and put the report together. Pure.

    Raises:
        SnapshotError: from ``records``, or they hold what no provider here has.
        ConfigError: their header's clock is none.
    """
    tally, answers = Tally(), Answers()
    suppressor = Suppressor(suppressions)
    known = {k.name: (p, k, ruleset.of_kind(k)) for p in providers.values() for k in p.kinds}
    aliases = {rule.rule.id: rule.rule.aliases for rule in ruleset.rules}
    for record in records:
        if isinstance(record, Header):
            tally.now = max(tally.now, record.now)
            suppressor.today = date_of(tally.now)
        elif isinstance(record, GapRecord):
            tally.gap(record.gap)
        elif isinstance(record, ScopeDone):
            tally.scope(record.scope)
        elif isinstance(record, Resource):
            if record.ref.kind not in known:
                raise SnapshotError(f"resources of the kind {record.ref.kind!r} are not known")
            provider, kind, asked = known[record.ref.kind]
            if asked.rules:
                seen = view(record, kind, asked.demand, census=asked.census)
                judged, findings = judge(prepare(seen, kind, provider.grants), asked.rules, answers)
                marked = [suppressor.apply(f, aliases[f.rule]) for f in findings]
                tally.resource(seen, judged, marked)
            if progress:
                progress.resource(record.ref)
    return tally.report(ruleset, suppressor, policy, __version__)
