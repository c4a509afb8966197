"""The first lines and the last: what was scanned, how completely, how it came out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cachescan.errors import ExitCode
from cachescan.model import Severity, Verdict
from cachescan.reporters.base import open_fails, severity_counts
from cachescan.reporters.terminal.page import GAP_STYLE, STYLES, count, words

if TYPE_CHECKING:
    from rich.text import Text

    from cachescan.model import Report
    from cachescan.reporters.terminal.page import Page

_VERDICTS: dict[int, tuple[str, str]] = {
    ExitCode.CLEAN: ("bold green", "Passed"),
    ExitCode.FINDINGS: ("bold red", "Findings"),
    ExitCode.INCOMPLETE: ("bold yellow", "Incomplete"),
    ExitCode.NOTHING_SCANNED: ("bold red", "Nothing was scanned"),
}
_SCOPES = 3


def head(page: Page, report: Report) -> None:
    """Print what was scanned, how completely, and how many findings there are."""
    run, coverage = report.run, report.run.coverage
    scopes = [
        " ".join(filter(None, (scope.provider, scope.id, f"({scope.name})" if scope.name else "")))
        for scope in run.scopes
    ]
    beside = [page.some(scopes, _SCOPES) or "no account", run.now]
    title = page.text(f"cachescan {run.tool_version}", "bold")
    page.line(title, page.text("".join(page.dot + part for part in beside if part), "dim"))
    asked = coverage.facets_read + coverage.facets_missing
    denominators = (
        _kinds(report),
        f"{coverage.facets_read:,} of {asked:,} facts read",
        f"{count(coverage.objects_listed, 'object')} listed",
        count(run.rules, "rule"),
    )
    page.line(page.dot.join(denominators))
    page.line(*_tally(page, report))


def verdict(page: Page, report: Report) -> None:
    """Print the denominators of the verdicts, and what the exit code says."""
    run, code = report.run, int(report.exit_code)
    judged = ", ".join(f"{run.coverage.counts.get(v, 0):,} {words(v)}" for v in Verdict)
    page.blank()
    page.line(f"Judged: {run.coverage.pairs:,} pairs of rule and resource: {judged}")
    if run.accepted_gaps:
        page.line(page.text(f"Accepted gaps: {', '.join(run.accepted_gaps)}", "yellow"))
    style, word = _VERDICTS.get(code, ("bold red", "Failed"))
    if code == ExitCode.FINDINGS and _incomplete(report):
        word = "Findings, and incomplete"
    page.line(page.text(f"{word} (exit {code}): ", style), _conclusion(report))


def _kinds(report: Report) -> str:
    nouns = Counter(judged.ref.kind.rpartition("/")[2] for judged in report.resources)
    return ", ".join(count(number, noun) for noun, number in sorted(nouns.items())) or "no resource"


def _tally(page: Page, report: Report) -> list[Text]:
    """Return a chip for each severity, and for what is unknown or suppressed."""
    found = report.findings
    chips = [(n, name, STYLES[Severity(name)]) for name, n in severity_counts(found).items()]
    chips.append((sum(f.verdict == Verdict.UNKNOWN for f in found), "unknown", GAP_STYLE))
    suppressed = sum(f.suppression is not None for f in found)
    if suppressed:
        chips.append((suppressed, "suppressed", "bold"))
    return [
        part
        for number, name, style in chips
        for part in (page.text(f" {number:,} {name} ", style if number else "dim"), page.text(" "))
    ]


def _incomplete(report: Report) -> bool:
    return bool(report.run.gaps) or any(judged.gaps for judged in report.resources)


def _conclusion(report: Report) -> str:
    incomplete = _incomplete(report)
    if not report.reasons:
        fails = len(open_fails(report.findings))
        read = "only accepted gaps are left" if incomplete else "everything was read"
        found = f"none of {count(fails, 'finding')} is severe enough to fail this run"
        return f"{read}, and {found if fails else 'nothing was found'}."
    # What could not be read comes last, beside what that means.
    ordered = sorted(report.reasons, key=lambda reason: "could not be read" in reason)
    return "; ".join(ordered) + ("; nothing was assumed about them." if incomplete else ".")
