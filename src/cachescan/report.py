"""From judged resources to the report and the exit code: counting, sorting, nothing else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from cachescan.errors import PRECEDENCE, ConfigError, ExitCode
from cachescan.fingerprint import digest
from cachescan.model import (
    SEVERITIES,
    Coverage,
    Finding,
    Gap,
    GapReason,
    Judged,
    Report,
    Resource,
    Run,
    Scope,
    Severity,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cachescan.rules import RuleSet
    from cachescan.suppress import Suppressor


class ExitPolicy(Struct, frozen=True):
    """When a run is to fail.

    Attributes:
        fail_on: the least severity that counts as findings; None never does.
        accept_gaps: ``reason`` or ``reason:facet``; gaps accepted explicitly, and printed.
    """

    fail_on: Severity | None = Severity.HIGH
    accept_gaps: tuple[str, ...] = ()

    def accepts(self, gap: Gap) -> bool:
        """Tell whether the user accepted this gap."""
        return gap.reason in self.accept_gaps or f"{gap.reason}:{gap.facet}" in self.accept_gaps


def parse_fail_on(text: str) -> Severity | None:
    """Return the severity a user named, None for ``none``; raises ConfigError otherwise."""
    if text == "none":
        return None
    if text not in SEVERITIES:
        message = f"fail_on = {text!r} is not a severity"
        raise ConfigError(message, hint=f"one of {', '.join(SEVERITIES)}, none")
    return Severity(text)


class Tally:
    """Collects what the stages yield; holds findings and summaries, not records."""

    def __init__(self) -> None:
        self._judged: list[Judged] = []
        self._findings: list[Finding] = []
        self._gaps: list[Gap] = []
        self._scopes: set[Scope] = set()
        self._digests: list[str] = []
        self._read = self._missing = self._listed = 0
        self.now = ""

    def resource(self, resource: Resource, judged: Judged, findings: Iterable[Finding]) -> None:
        """Add one judged resource."""
        self._judged.append(judged)
        self._findings.extend(findings)
        self._read += len(resource.facets)
        self._missing += len(resource.gaps)
        self._listed += resource.census.listed if resource.census else 0
        facts = (resource.ref, resource.facets, resource.gaps, resource.census)
        self._digests.append(digest(facts))

    def gap(self, gap: Gap) -> None:
        """Add a gap of the whole run."""
        self._gaps.append(gap)

    def scope(self, scope: Scope) -> None:
        """Add a scope that was looked into."""
        self._scopes.add(scope)

    def report(
        self, ruleset: RuleSet, suppressor: Suppressor, policy: ExitPolicy, version: str
    ) -> Report:
        """Return the report, everything sorted, with its exit code and the reasons for it."""
        counts: Counter[Verdict] = Counter()
        for judged in self._judged:
            counts.update(judged.counts)
        gaps = tuple(sorted(self._gaps))
        scopes = tuple(sorted(self._scopes, key=lambda s: (s.provider, s.id)))
        facts = digest(sorted(self._digests))
        run = Run(
            id=digest((version, ruleset.digest, facts, gaps)),
            tool_version=version,
            rules_digest=ruleset.digest,
            snapshot_digest=facts,
            scopes=scopes,
            gaps=gaps,
            coverage=Coverage(
                resources=len(self._judged),
                facets_read=self._read,
                facets_missing=self._missing,
                objects_listed=self._listed,
                counts={verdict: counts[verdict] for verdict in Verdict},
            ),
            now=self.now,
            accepted_gaps=policy.accept_gaps,
            rules=len(ruleset.rules),
        )
        findings = tuple(sorted(self._findings, key=lambda f: f.fingerprint))
        every_gap = [*gaps, *(gap for judged in self._judged for gap in judged.gaps)]
        claims = _claims(findings, every_gap, len(self._judged), policy)
        return Report(
            run=run,
            findings=findings,
            resources=tuple(sorted(self._judged, key=lambda j: j.ref.uid)),
            rules=tuple(compiled.rule for compiled in ruleset.rules),
            missing_permissions=_missing_permissions(every_gap),
            suppressions_expired=suppressor.expired,
            suppressions_unused=suppressor.unused,
            reasons=tuple(reason for _, reason in claims),
            exit_code=exit_code(code for code, _ in claims),
        )


def exit_code(claims: Iterable[ExitCode]) -> ExitCode:
    """Return the code that wins among those claimed (docs/design.md §10)."""
    claimed = set(claims)
    return next((code for code in PRECEDENCE if code in claimed), ExitCode.CLEAN)


def _claims(
    findings: Sequence[Finding], gaps: Sequence[Gap], resources: int, policy: ExitPolicy
) -> list[tuple[ExitCode, str]]:
    """Return every code that this run claims, with its reason in words."""
    claims = []
    failed = [f for f in findings if _counts(f, policy)]
    if failed:
        worst = max(failed, key=lambda f: SEVERITIES.index(f.severity)).severity
        found = _count(len(failed), "finding")
        said = f"{found} of severity {policy.fail_on} or worse; the worst is {worst}"
        claims.append((ExitCode.FINDINGS, said))
    open_gaps = [gap for gap in gaps if not policy.accepts(gap)]
    if open_gaps:
        claims.append((ExitCode.INCOMPLETE, f"{_count(len(open_gaps), 'fact')} could not be read"))
    unknown = sum(_undecided(f, policy) for f in findings)
    if unknown:
        claims.append((ExitCode.INCOMPLETE, f"{_count(unknown, 'verdict')} left unknown"))
    errors = sum(f.verdict == Verdict.ERROR for f in findings)
    if errors:
        claims.append((ExitCode.INCOMPLETE, f"{_count(errors, 'rule')} could not be evaluated"))
    if not resources and any(gap.reason != GapReason.TRUNCATED for gap in gaps):
        claims.append((ExitCode.NOTHING_SCANNED, "nothing could be scanned"))
    return claims


def _counts(finding: Finding, policy: ExitPolicy) -> bool:
    if finding.verdict != Verdict.FAIL or finding.suppression or policy.fail_on is None:
        return False
    return SEVERITIES.index(finding.severity) >= SEVERITIES.index(policy.fail_on)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _undecided(finding: Finding, policy: ExitPolicy) -> bool:
    """Tell whether a verdict is open for a reason that nobody accepted."""
    return finding.verdict == Verdict.UNKNOWN and any(
        not policy.accepts(gap) for gap in finding.gaps
    )


def _missing_permissions(gaps: Iterable[Gap]) -> dict[str, int]:
    """Count, for each permission, the facts that a denial of it cost."""
    denied = (g for g in gaps if g.reason == GapReason.PERMISSION_DENIED and g.permission)
    return dict(sorted(Counter(gap.permission for gap in denied).items()))
