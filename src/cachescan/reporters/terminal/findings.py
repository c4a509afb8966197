"""Findings, the most severe first: by which way in, the request that shows it, what lies there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from cachescan.model import Effect, Severity
from cachescan.reporters.base import open_fails, path_words, rank, signer
from cachescan.reporters.terminal.page import STYLES, count, size
from cachescan.textsafe import curl_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from cachescan.model import Finding, Hit, Judged, Path, Report, Rule
    from cachescan.reporters.terminal.page import Page

_LOUD = (Severity.CRITICAL, Severity.HIGH)
_LABELS = {
    Effect.GRANTS: "granted by",
    Effect.BLOCKS: "blocked by",
    Effect.LIMITS: "limited by",
    Effect.UNREAD: "not read",
    Effect.STATES: "not stopped",
}
# How much is shown unless everything is asked for.
_DETAILED, _HITS = 4, 5
_META = 34
_SEE = " (see -o json=report.json)"


def show(page: Page, report: Report) -> None:
    """Print the open findings by severity and rule."""
    fails = open_fails(report.findings)
    groups = _Groups(page, report)
    for severity in sorted({f.severity for f in fails}, key=rank):
        by_rule: dict[str, list[Finding]] = {}
        here = [f for f in fails if f.severity == severity]
        for finding in sorted(here, key=lambda f: (f.rule, f.ref.name, f.fingerprint)):
            by_rule.setdefault(finding.rule, []).append(finding)
        page.heading(severity.value.upper(), count(len(here), "finding"), STYLES[severity])
        groups.start()
        # The rules that say what was found behind the door come before those about the door.
        for rule in sorted(by_rule, key=lambda rule: _telling(by_rule[rule])):
            groups.show(rule, by_rule[rule])


def _telling(findings: Sequence[Finding]) -> tuple[bool, int, str]:
    """Sort what was found behind the door before the door, and what concerns many before few."""
    return not findings[0].hits, -len(findings), findings[0].rule


class _Groups:
    """Prints rule by rule; remembers what has been shown, so that nothing is told twice."""

    def __init__(self, page: Page, report: Report) -> None:
        self._page = page
        self._rules = {rule.id: rule for rule in report.rules}
        self._judged = {judged.ref.uid: judged for judged in report.resources}
        self._many_scopes = len(report.run.scopes) > 1
        self._told: dict[tuple[str, Path], str] = {}
        self._listed: dict[tuple[str, Hit], Severity] = {}
        self._counted: set[str] = set()
        self._was_loud = False

    def start(self) -> None:
        """Begin a section."""
        self._was_loud = False

    def show(self, rule_id: str, findings: Sequence[Finding]) -> None:
        page, rule = self._page, self._rules.get(rule_id)
        loud = findings[0].severity in _LOUD or page.verbose or any(map(self._news, findings))
        if loud or self._was_loud:
            page.blank()
        self._was_loud = loud
        page.title(rule.title if rule else rule_id, rule_id)
        if loud:
            self._detailed(findings)
            if rule is not None:
                self._fix(rule)
        else:
            page.line(page.some(finding.ref.name for finding in findings), indent=4)

    def _detailed(self, findings: Sequence[Finding]) -> None:
        page = self._page
        told: list[Finding] = []
        news: list[Finding] = []
        for finding in findings:
            known = finding.paths and not self._news(finding)
            (told if known else news).append(finding)
        # A way in is worth a look each time; a setting looks the same everywhere.
        worth = any(finding.hits or finding.paths for finding in news[:1])
        most = len(news) if page.verbose else _DETAILED if worth else 1
        for finding in news[:most]:
            self._finding(finding)
        rest = [finding.ref.name for finding in news[most:]]
        page.rest(len(rest), "more resource", f": {page.some(rest)}", indent=4)
        if told:
            names = page.text(page.some(finding.ref.name for finding in told), "bold")
            page.line(page.text("as shown above: ", "dim"), names, indent=4)

    def _news(self, finding: Finding) -> bool:
        """Tell whether the finding has a way in or an object that was not shown yet."""
        uid, rule = finding.ref.uid, finding.rule
        ways = (self._told.get((uid, _door(path)), rule) == rule for path in finding.paths)
        return any(ways) or bool(self._new_hits(finding))

    def _new_hits(self, finding: Finding) -> list[Hit]:
        """Return the hits not shown yet, or only under a rule of the same severity."""
        uid, severity = finding.ref.uid, finding.severity
        return [h for h in finding.hits if self._listed.get((uid, h), severity) == severity]

    def _finding(self, finding: Finding) -> None:
        page, ref = self._page, finding.ref
        beside = [word for word in (ref.region, ref.scope if self._many_scopes else "") if word]
        name = page.text(ref.name, "bold")
        page.line(name, page.text("".join(f"  {word}" for word in beside), "dim"), indent=4)
        ways: dict[tuple[object, ...], list[Path]] = {}
        for path in finding.paths:
            if self._told.setdefault((ref.uid, _door(path)), finding.rule) == finding.rule:
                same = (path.actor, path.principal, path.grade, path.via, path.evidence)
                ways.setdefault(same, []).append(path)
        for alike in ways.values():
            self._way(alike, ref.provider)
        if not finding.paths:
            self._facts(finding)
        self._hits(finding)

    def _way(self, paths: Sequence[Path], provider: str) -> None:
        """Print what one statement or grant gives, and the request for each thing it gives."""
        page = self._page
        page.line(path_words(paths, provider), indent=6)
        before = ""
        for evidence in paths[0].evidence:
            label = _LABELS[evidence.effect]
            page.line(evidence.summary, indent=8, label=label if label != before else " ")
            before = label
        for path in paths:
            if path.witness is not None:
                line = curl_line(path.witness, signer(provider, path))
                page.uncut(line, indent=8, style="green")

    def _facts(self, finding: Finding) -> None:
        page = self._page
        page.line(finding.message, indent=6)
        for evidence in finding.evidence:
            label = "fact" if evidence.effect == Effect.STATES else _LABELS[evidence.effect]
            place = f"{evidence.facet}{evidence.pointer}: " if evidence.facet else ""
            page.line(f"{place}{evidence.summary}", indent=8, label=label, whole=page.verbose)
        if finding.witness is not None:
            line = curl_line(finding.witness, signer(finding.ref.provider))
            page.uncut(line, indent=8, style="green")

    def _hits(self, finding: Finding) -> None:
        page, uid = self._page, finding.ref.uid
        new = self._new_hits(finding)
        if not new:
            return
        for hit in new:
            self._listed.setdefault((uid, hit), finding.severity)
        among = "" if uid in self._counted else _among(self._judged.get(uid))
        self._counted.add(uid)
        page.line(f"What lies there{among}", indent=6)
        shown = new if page.verbose else new[:_HITS]
        keys = [page.text(hit.key) for hit in shown]
        room = page.width - 8 - _META
        column = max((key.cell_len for key in keys if key.cell_len <= room), default=0)
        for hit, key in zip(shown, keys, strict=True):
            self._hit(hit, key, column)
        page.rest(len(new) - len(shown), "more object", _SEE, indent=8)

    def _hit(self, hit: Hit, key: Text, column: int) -> None:
        page = self._page
        volume = page.text(f"{size(hit.size):>10}  ", "dim")
        categories = page.text(", ".join(hit.categories), "magenta")
        if key.cell_len > column:
            page.line(key, indent=8)
            page.line(volume, categories, indent=8)
        else:
            page.line(key, " " * (column - key.cell_len), volume, categories, indent=8)

    def _fix(self, rule: Rule) -> None:
        page = self._page
        said = " ".join(rule.fix.text.split())
        page.line(page.text("Fix  ", "bold green"), said, indent=4)
        if page.verbose:
            for code in (rule.fix.cli, rule.fix.terraform):
                for row in code.strip().splitlines():
                    page.uncut(row, indent=6, style="dim")


def _door(path: Path) -> Path:
    """Return the way in without its request, which differs with what a finding is about."""
    return structs.replace(path, witness=None)


def _among(judged: Judged | None) -> str:
    """Say how many hits of each category there are, and among how many objects."""
    if judged is None or judged.census is None:
        return ""
    census = judged.census
    counts = ", ".join(f"{n:,} {name}" for name, n in sorted(census.counts.items()) if n)
    seen = "" if census.complete else "first "
    return f": {counts or 'no hit'} among the {seen}{census.listed:,} objects"
