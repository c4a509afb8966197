"""What is not known, as loudly as what was found: gaps, unknown verdicts, suppressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.model import GapReason, Verdict
from cachescan.reporters.base import gap_groups
from cachescan.reporters.terminal.page import GAP_STYLE, count, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cachescan.model import Finding, Gap, Report, Suppression
    from cachescan.reporters.base import GapGroup
    from cachescan.reporters.terminal.page import Page

_DENIALS = (GapReason.PERMISSION_DENIED, GapReason.UNAUTHENTICATED)
_PARTIAL = (GapReason.TRUNCATED, GapReason.UNSUPPORTED, GapReason.NOT_COLLECTED)
"""Something was read, but not to its end or not understood: no permission would help."""

_RULES, _RULE_NAMES, _DETAILS = 8, 3, 1


def gaps(page: Page, report: Report) -> None:
    """Print what was not read: the resources and the reason, then each call with its cost."""
    groups = gap_groups(report.resources, report.findings)
    unread = [group for group in groups if group.reason not in _PARTIAL]
    partly = [group for group in groups if group.reason in _PARTIAL]
    whole: dict[tuple[str, GapReason, str], list[Gap]] = {}
    for gap in report.run.gaps:
        whole.setdefault((gap.call or gap.facet, gap.reason, gap.permission), []).append(gap)
    missing = sum(group.facts for group in unread) + len(report.run.gaps)
    _heading(page, "COULD NOT BE READ", missing)
    for (call, reason, permission), alike in whole.items():
        _where(page, reason, page.some(_place(gap) for gap in alike))
        _call(page, call, reason, permission, "")
        _details(page, {gap.detail for gap in alike})
    _clusters(page, unread)
    _heading(page, "KNOWN ONLY IN PART", sum(group.facts for group in partly))
    _clusters(page, partly)


def undecided(page: Page, report: Report) -> None:
    """Print which rules have unknown verdicts, or could not be evaluated at all."""
    _verdicts(page, report, Verdict.UNKNOWN, "UNDECIDED")
    _verdicts(page, report, Verdict.ERROR, "RULES THAT FAILED TO RUN")


def suppressions(page: Page, report: Report) -> None:
    """Print which suppressions hid something, and which no longer do anything."""
    used = [finding.suppression for finding in report.findings if finding.suppression]
    rows = [("used", entry, used.count(entry)) for entry in dict.fromkeys(used)]
    rows += [("expired", entry, 0) for entry in report.suppressions_expired]
    rows += [("unused", entry, 0) for entry in report.suppressions_unused]
    if rows:
        page.heading("SUPPRESSIONS", f"{count(len(used), 'finding')} accepted", "bold")
    for state, entry, hidden in rows:
        _suppression(page, state, entry, hidden)


def _heading(page: Page, title: str, missing: int) -> None:
    if missing:
        said = f"{count(missing, 'fact')}{page.dot}nothing is assumed about them"
        page.heading(title, said, GAP_STYLE)


def _clusters(page: Page, groups: Sequence[GapGroup]) -> None:
    """Print together what is missing of the same resources for the same reason."""
    clusters: dict[tuple[GapReason, tuple[str, ...]], list[GapGroup]] = {}
    for group in groups:
        clusters.setdefault((group.reason, group.resources), []).append(group)
    for (reason, resources), alike in clusters.items():
        _where(page, reason, f"{count(len(resources), 'resource')}: {page.some(resources)}")
        for group in alike:
            cost = f"  {count(group.facts, 'fact')}"
            if group.verdicts:
                rules = count(len(group.rules), "rule")
                cost += f"{page.dot}{count(group.verdicts, 'verdict')} of {rules} unknown"
            _call(page, group.call, reason, group.permission, cost)
        _details(page, {detail for group in alike for detail in group.details})


def _where(page: Page, reason: GapReason, where: str) -> None:
    page.line(page.text(words(reason), "bold yellow"), f"  {where}", indent=2)


def _call(page: Page, call: str, reason: GapReason, permission: str, cost: str) -> None:
    """Print what would help where it was denied, and else the call, with the cost."""
    if permission and reason in _DENIALS:
        name = page.text("needs ", "yellow") + page.text(permission, "bold")
    else:
        name = page.text(call, "bold")
    page.line(name, cost, indent=4)


def _details(page: Page, details: Iterable[str]) -> None:
    said = sorted(filter(None, details))
    shown = said if page.verbose else said[:_DETAILS]
    for detail in shown:
        page.line(page.text(detail, "dim"), indent=4)
    page.rest(len(said) - len(shown), "other answer", " like it", indent=4)


def _place(gap: Gap) -> str:
    return f"account {gap.scope}" if gap.scope else "the whole run"


def _verdicts(page: Page, report: Report, verdict: Verdict, title: str) -> None:
    found: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if finding.verdict == verdict:
            found.setdefault(finding.rule, []).append(finding)
    if not found:
        return
    page.heading(title, count(sum(map(len, found.values())), "verdict"), GAP_STYLE)
    rules = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    shown = rules if page.verbose else rules[:_RULES]
    for rule, findings in shown:
        names = page.some(sorted(finding.ref.name for finding in findings), _RULE_NAMES)
        number = count(len(findings), "resource")
        page.line(page.text(rule, "bold"), f"  {number}: {names}", indent=2)
        if verdict == Verdict.ERROR:
            page.line(page.text(findings[0].message, "dim"), indent=4)
    page.rest(len(rules) - len(shown), "more rule", indent=2)


def _suppression(page: Page, state: str, entry: Suppression, hidden: int) -> None:
    shown = page.text(f"  {state}", "" if state == "used" else "bold yellow")
    page.line(page.text(f"{entry.rule} on {entry.resource}", "bold"), shown, indent=2)
    number = f"{count(hidden, 'finding')}, " if hidden else ""
    until = "ended" if state == "expired" else "until"
    owner = f", {entry.owner}" if entry.owner else ""
    said = f"{number}{until} {entry.expires}{owner}: {entry.reason}"
    page.line(page.text(said, "dim"), indent=4)
