"""Findings, the most severe first: by which way in, the request that shows it, what lies there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.model import Effect, Severity
from cachescan.reporters.base import open_fails, path_words, paths_behind, rank, signer
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
_MORE = "more (see -o json=report.json)"


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
        # The rules that say what was found behind the door come before those about the door.
        for rule in sorted(by_rule, key=lambda rule: (not by_rule[rule][0].hits, rule)):
            groups.show(rule, by_rule[rule])


class _Groups:
    """Prints rule by rule; remembers what has been shown, so that nothing is told twice."""

    def __init__(self, page: Page, report: Report) -> None:
        self._page = page
        self._rules = {rule.id: rule for rule in report.rules}
        self._judged = {judged.ref.uid: judged for judged in report.resources}
        self._many_scopes = len(report.run.scopes) > 1
        self._told: dict[tuple[str, Path], str] = {}
        self._listed: set[tuple[str, Hit]] = set()

    def show(self, rule_id: str, findings: Sequence[Finding]) -> None:
        page, rule = self._page, self._rules.get(rule_id)
        loud = findings[0].severity in _LOUD or any(f.witness or f.hits for f in findings)
        if loud or page.verbose:
            page.blank()
        page.title(rule.title if rule else rule_id, rule_id)
        if not loud and not page.verbose:
            page.line(page.some(finding.ref.name for finding in findings), indent=4)
            return
        shown = findings if page.verbose else findings[:_DETAILED]
        for finding in shown:
            self._finding(finding)
        rest = [finding.ref.name for finding in findings[len(shown) :]]
        page.rest(len(rest), f"more: {page.some(rest)}", indent=4)
        if rule is not None:
            self._fix(rule)

    def _finding(self, finding: Finding) -> None:
        page, ref = self._page, finding.ref
        judged = self._judged.get(ref.uid)
        paths = paths_behind(finding, judged)
        told = {self._told.setdefault((ref.uid, path), finding.rule) for path in paths}
        told.discard(finding.rule)
        where = [ref.region, ref.scope if self._many_scopes else ""]
        if told:
            where.append(f"as shown under {', '.join(sorted(told))}")
        beside = "".join(f"  {word}" for word in where if word)
        page.line(page.text(ref.name, "bold"), page.text(beside, "dim"), indent=4)
        for path in paths:
            if self._told[ref.uid, path] == finding.rule:
                self._path(path, ref.provider)
        if not paths:
            self._facts(finding)
        self._hits(finding, judged)

    def _path(self, path: Path, provider: str) -> None:
        page = self._page
        page.line(path_words(path, provider), indent=6)
        for evidence in path.evidence:
            page.line(evidence.summary, indent=8, label=_LABELS[evidence.effect])
        if path.witness is not None:
            line = curl_line(path.witness, signer(provider, path))
            page.uncut(line, indent=8, style="green")

    def _facts(self, finding: Finding) -> None:
        page = self._page
        page.line(finding.message, indent=6)
        for evidence in finding.evidence:
            label = "fact" if evidence.effect == Effect.STATES else _LABELS[evidence.effect]
            place = f"{evidence.facet}{evidence.pointer}: " if evidence.facet else ""
            page.line(f"{place}{evidence.summary}", indent=8, label=label)
        if finding.witness is not None:
            line = curl_line(finding.witness, signer(finding.ref.provider))
            page.uncut(line, indent=8, style="green")

    def _hits(self, finding: Finding, judged: Judged | None) -> None:
        page, uid = self._page, finding.ref.uid
        new = [hit for hit in finding.hits if (uid, hit) not in self._listed]
        if not new:
            return
        self._listed.update((uid, hit) for hit in new)
        page.line(f"What lies there{_among(judged)}", indent=6)
        shown = new if page.verbose else new[:_HITS]
        keys = [page.text(hit.key) for hit in shown]
        room = page.width - 8 - _META
        column = max((key.cell_len for key in keys if key.cell_len <= room), default=0)
        for hit, key in zip(shown, keys, strict=True):
            self._hit(hit, key, column)
        page.rest(len(new) - len(shown), _MORE, indent=8)

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


def _among(judged: Judged | None) -> str:
    """Say how many hits of each category there are, and among how many objects."""
    if judged is None or judged.census is None:
        return ""
    census = judged.census
    counts = ", ".join(f"{n:,} {name}" for name, n in sorted(census.counts.items()) if n)
    seen = "" if census.complete else "first "
    return f": {counts or 'no hit'} among the {seen}{census.listed:,} objects"
