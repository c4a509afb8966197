"""Boxes: rules, records and whole runs over the fake provider, with no cloud in sight."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from msgspec import structs

from cachescan import pipeline
from cachescan.census.names import NameMatcher, NameRule
from cachescan.collect import Plan
from cachescan.engine import Engine, Settings
from cachescan.fingerprint import digest
from cachescan.model import Fix, Grade, Resource, ResourceRef, Rule, Severity
from cachescan.report import ExitPolicy
from cachescan.reporters.json_report import factory as json_reporter
from cachescan.rules import RuleSet, check
from cachescan.snapshot import Journal
from cachescan.testing.fake import BOX, Door, FakeProvider, Lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from msgspec import Struct

    from cachescan.model import Exposure, Kind, Report, Suppression
    from cachescan.snapshot import Record

NOW = "2026-11-25T08:00:00Z"
KINDS: dict[str, Kind] = {BOX.name: BOX}
SERIAL = Settings(concurrency=1, attempts=2, backoff=0)
MATCHER = NameMatcher((NameRule("draft", "Drafts", Severity.HIGH, tokens=("draft",)),))

UNLOCKED = Rule(
    id="fake-box-unlocked",
    title="Box is not locked",
    kind="fake/box",
    severity=Severity.MEDIUM,
    fail="!lock.Locked",
    message="{name} is not locked",
    what="The box has a lock that is open.",
    why="Anybody may take what is inside.",
    fix=Fix(text="Lock it."),
    status={"stable": "0.1"},
)
OPEN = structs.replace(
    UNLOCKED,
    id="fake-box-open",
    severity=Severity.CRITICAL,
    fail="exposed.read.anonymous",
    message="{name} is open to everybody",
)
DRAFT = structs.replace(
    UNLOCKED,
    id="fake-box-draft",
    severity=Severity.HIGH,
    fail="exposed.read.anonymous && census.counts.draft > 0",
    message="{name} hands out {census.counts.draft} drafts",
)
RULES = (UNLOCKED, OPEN, DRAFT)


def ruleset(*rules: Rule) -> RuleSet:
    """Return rules ready to judge, as the loader would make them."""
    compiled = sorted((check(rule, KINDS) for rule in rules), key=lambda c: c.rule.id)
    return RuleSet(tuple(compiled), digest(c.rule for c in compiled))


def variant(rule: Rule = UNLOCKED, **changes: Any) -> Rule:  # noqa: ANN401 (any field)
    """Return the rule with some fields changed."""
    return structs.replace(rule, **changes)


def ref(name: str = "box", scope: str = "home") -> ResourceRef:
    """Return the name of a box."""
    return ResourceRef("fake", "fake/box", f"fake:{scope}:{name}", name, scope, "here")


def box(*, locked: bool = False, is_open: bool = False) -> Resource:
    """Return the record of a box of which everything was read."""
    facets = {"lock": {"Locked": locked}, "door": {"Open": is_open}}
    return Resource(ref(), facets, collected_at=NOW)


def plan(rules: RuleSet | None = None, *, objects: int = 100) -> Plan:
    """Return what a scan with these rules reads; everything without rules."""
    every = frozenset(facet.name for facet in BOX.facets)
    wants = rules is None or rules.of_kind(BOX).census
    return Plan(
        demand={BOX.name: every if rules is None else rules.of_kind(BOX).demand},
        census=frozenset({BOX.name}) if wants and objects else frozenset(),
        objects=objects,
        matcher=MATCHER,
        clock=lambda: NOW,
    )


def collect(
    provider: FakeProvider,
    what: Plan,
    *,
    journal: Journal | None = None,
    settings: Settings = SERIAL,
) -> Iterator[Record]:
    """Yield the records of one scan."""
    with Engine(settings, seed=0) as engine:
        yield from pipeline.collect(provider, what, engine, journal or Journal())


def judge(
    records: Iterable[Record],
    rules: RuleSet,
    policy: ExitPolicy | None = None,
    suppressions: Sequence[Suppression] = (),
) -> Report:
    """Return the report on records, wherever they come from."""
    providers = {"fake": FakeProvider({})}
    return pipeline.evaluate(records, rules, providers, policy or ExitPolicy(), suppressions)


def scan(
    provider: FakeProvider,
    rules: RuleSet,
    *,
    path: Path | None = None,
    resume: bool = False,
    settings: Settings = SERIAL,
) -> Report:
    """Collect and judge in one pass."""
    journal = Journal(path, resume=resume)
    return judge(collect(provider, plan(rules), journal=journal, settings=settings), rules)


def as_json(report: Report) -> bytes:
    """Return the report as its JSON bytes."""
    out = io.BytesIO()
    json_reporter({}).write(report, out)
    return out.getvalue()


def document(report: Report) -> dict[str, Any]:
    """Return the report as the JSON that users see."""
    found: dict[str, Any] = json.loads(as_json(report))
    return found


def verdicts(report: Report) -> dict[tuple[str, str], str]:
    """Return (rule, box) to verdict, for all that is not a pass."""
    return {(f.rule, f.ref.name): f.verdict.value for f in report.findings}


def estate(
    scopes: int = 3, boxes: int = 10, errors: Mapping[tuple[str, str], Exception] | None = None
) -> dict[str, dict[str, dict[str, Struct | Exception]]]:
    """Return boxes of every sort: locked and not, open and not, some facets with an error."""
    failing = errors or {}
    found: dict[str, dict[str, dict[str, Struct | Exception]]] = {}
    for s in range(scopes):
        found[f"scope-{s}"] = {
            f"box-{s}-{b}": {
                "lock": failing.get((f"box-{s}-{b}", "lock"), Lock(Locked=b % 2 == 0)),
                "door": failing.get((f"box-{s}-{b}", "door"), Door(Open=b % 3 == 0)),
            }
            for b in range(boxes)
        }
    return found


def grades(exposure: Exposure) -> dict[str, dict[str, Grade]]:
    """Return capability to actor to grade."""
    return {
        capability.value: {actor.value: bounds.grade for actor, bounds in row.items()}
        for capability, row in exposure.cells.items()
    }
