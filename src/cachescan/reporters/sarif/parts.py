"""Cut a report into the parts that become SARIF runs: one per scope, as far as that is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from cachescan.model import Finding, Gap, Judged, Verdict

if TYPE_CHECKING:
    from cachescan.model import Report

MAX_RUNS = 20
"""GitHub refuses a file with more runs."""


class Part(Struct, frozen=True):
    """What one run reports.

    Attributes:
        provider: whose scope it is; empty when the part holds all of them.
        scope: the account or project; empty when the part holds all of them.
        findings: every finding of the scope, in the report's order.
        resources: every resource of the scope.
        gaps: gaps of the scope as a whole, and those of no scope.
    """

    provider: str
    scope: str
    findings: tuple[Finding, ...]
    resources: tuple[Judged, ...]
    gaps: tuple[Gap, ...]

    @property
    def complete(self) -> bool:
        """Whether every fact was read, every verdict decided and every rule evaluated."""
        undecided = any(f.verdict in (Verdict.UNKNOWN, Verdict.ERROR) for f in self.findings)
        return not (self.gaps or undecided or any(judged.gaps for judged in self.resources))


def parts(report: Report) -> list[Part]:
    """Return one part per scope, or a single part where a file could not hold so many runs.

    Runs of one category are refused, not merged, so a scope is never cut in two.
    """
    refs = [
        *(finding.ref for finding in report.findings),
        *(judged.ref for judged in report.resources),
    ]
    scopes = {(scope.provider, scope.id) for scope in report.run.scopes}
    scopes.update((ref.provider, ref.scope) for ref in refs)
    if not 0 < len(scopes) <= MAX_RUNS:
        return [Part("", "", report.findings, report.resources, report.run.gaps)]
    findings: dict[tuple[str, str], list[Finding]] = {scope: [] for scope in scopes}
    resources: dict[tuple[str, str], list[Judged]] = {scope: [] for scope in scopes}
    for finding in report.findings:
        findings[finding.ref.provider, finding.ref.scope].append(finding)
    for judged in report.resources:
        resources[judged.ref.provider, judged.ref.scope].append(judged)
    known = {scope for _, scope in scopes}
    return [
        Part(
            provider=provider,
            scope=scope,
            findings=tuple(findings[provider, scope]),
            resources=tuple(resources[provider, scope]),
            # A gap of a scope that shows up nowhere else must not get lost: every run has it.
            gaps=tuple(g for g in report.run.gaps if g.scope == scope or g.scope not in known),
        )
        for provider, scope in sorted(scopes)
    ]
