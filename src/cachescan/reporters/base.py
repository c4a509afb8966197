"""The reporter protocol (docs/design.md §5), and what several formats say alike."""

from __future__ import annotations

import difflib
from collections import Counter
from typing import IO, TYPE_CHECKING, Any, ClassVar, Protocol

from msgspec import Struct

from cachescan.errors import ConfigError
from cachescan.model import (
    SEVERITIES,
    Actor,
    Capability,
    Coverage,
    Finding,
    GapReason,
    Grade,
    Judged,
    Path,
    Report,
    Severity,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cachescan.model import Gap

SCHEMA_VERSION = 1
"""Version of the JSON and JSONL shapes; a field is added without changing it, none is removed."""

_DEEDS = {
    Capability.READ: "read objects",
    Capability.LIST: "list what is there",
    Capability.WRITE: "create, overwrite or delete objects",
    Capability.TAKEOVER: "change who has access",
}
_CLOUDS = {"aws": "AWS", "gcp": "Google Cloud", "azure": "Azure"}


class Reporter(Protocol):
    """Turns a report into bytes of one format; found by entry point ``cachescan.reporters``.

    The entry point names a factory ``factory(options: Mapping[str, str]) -> Reporter``; options
    are the reporter's own (``sarif`` takes ``profile=github|azdo|full``) and unknown ones raise
    ConfigError.
    """

    name: ClassVar[str]
    media_type: ClassVar[str]

    def write(self, report: Report, out: IO[bytes]) -> None:
        """Write the whole report to ``out``; raises OSError if the stream does."""
        ...


class GapGroup(Struct, frozen=True):
    """Gaps with one cause, over many resources.

    Attributes:
        call: the provider's call that did not answer.
        reason: why.
        permission: what the caller would need; empty if none helps.
        facts: how many facts are missing.
        resources: names of the resources they are missing of, sorted.
        details: what the server said, each text once, sorted.
        verdicts: how many verdicts became unknown for lack of one of them.
        rules: the ids of those verdicts' rules, sorted.
    """

    call: str
    reason: GapReason
    permission: str
    facts: int
    resources: tuple[str, ...]
    details: tuple[str, ...]
    verdicts: int
    rules: tuple[str, ...]


def read_options(
    reporter: str, options: Mapping[str, str], known: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Return the value of each known option, given or default.

    Args:
        reporter: its name, for the message.
        options: what the user gave.
        known: option to its allowed values, the default first; one value alone allows any.

    Raises:
        ConfigError: an option that is not known, or a value that is not allowed.
    """
    for option, value in options.items():
        if option not in known:
            near = difflib.get_close_matches(option, known, n=1)
            takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            message = f"the {reporter} report has no option {option!r}"
            raise ConfigError(message, hint=f"did you mean {near[0]!r}?" if near else takes)
        if len(known[option]) > 1 and value not in known[option]:
            message = f"{option} of the {reporter} report cannot be {value!r}"
            raise ConfigError(message, hint=f"one of {', '.join(known[option])}")
    return {option: options.get(option, values[0]) for option, values in known.items()}


def open_fails(findings: Iterable[Finding]) -> list[Finding]:
    """Return the failed findings that no suppression covers, in their order."""
    return [f for f in findings if f.verdict == Verdict.FAIL and f.suppression is None]


def severity_counts(findings: Iterable[Finding]) -> dict[str, int]:
    """Count open failed findings by severity, the most severe first, zeros included."""
    counts = Counter(finding.severity for finding in open_fails(findings))
    return {severity.value: counts[severity] for severity in reversed(SEVERITIES)}


def rank(severity: Severity) -> int:
    """Return the sort key of a severity; the most severe comes first."""
    return -SEVERITIES.index(severity)


def gap_groups(resources: Iterable[Judged], findings: Iterable[Finding]) -> list[GapGroup]:
    """Group the gaps of resources, and those that only a verdict ran into, by cause.

    The group that cost most verdicts comes first.
    """
    facts: dict[tuple[str, GapReason, str], set[tuple[str, str, Gap]]] = {}
    undecided: dict[tuple[str, GapReason, str], list[str]] = {}
    for judged in resources:
        for gap in judged.gaps:
            facts.setdefault(_cause(gap), set()).add((judged.ref.uid, judged.ref.name, gap))
    for finding in findings:
        if finding.verdict == Verdict.UNKNOWN:
            for gap in finding.gaps:
                facts.setdefault(_cause(gap), set()).add((finding.ref.uid, finding.ref.name, gap))
            for cause in {_cause(gap) for gap in finding.gaps}:
                undecided.setdefault(cause, []).append(finding.rule)
    groups = [
        GapGroup(
            *cause,
            facts=len(missing),
            resources=tuple(name for _, name in sorted({(uid, name) for uid, name, _ in missing})),
            details=tuple(sorted({gap.detail for _, _, gap in missing if gap.detail})),
            verdicts=len(undecided.get(cause, ())),
            rules=tuple(sorted(set(undecided.get(cause, ())))),
        )
        for cause, missing in facts.items()
    ]
    return sorted(groups, key=lambda g: (-g.verdicts, -g.facts, g.call, g.reason, g.permission))


def path_words(paths: Sequence[Path], provider: str) -> str:
    """Return ways in that differ in capability only as a sentence without its full stop.

    Untrusted text in it is not escaped.
    """
    path = paths[0]
    near = ", from a named network only" if path.grade == Grade.RESTRICTED else ""
    if path.grade == Grade.YES and path.witness and path.witness.origin != "anywhere":
        near = f", from {path.witness.origin}"
    mechanism = path.via.replace("-", " ").replace("acl", "ACL")
    *deeds, last = [_DEEDS[path.capability] for path in paths]
    can = f"{', '.join(deeds)} and {last}" if deeds else last
    return f"{who(path, provider)} can {can}{near}, through the {mechanism}"


def who(path: Path, provider: str) -> str:
    """Return the subject of a way in: everybody, everybody with an account, or a named one."""
    if path.actor == Actor.ANONYMOUS:
        return "Anyone on the internet"
    if path.actor == Actor.ANY_ACCOUNT:
        cloud = _CLOUDS.get(provider, provider)
        return f"Anyone with {'an' if cloud[:1] in 'AEIOU' else 'a'} {cloud} account"
    return path.principal or "A named outsider"


def signer(provider: str, path: Path | None = None) -> str:
    """Return who can sign a witness that must be signed, as far as its path says so."""
    if path is not None and path.principal:
        return path.principal
    return f"any {_CLOUDS.get(provider, provider)} account"


def coverage_fields(coverage: Coverage) -> dict[str, Any]:
    """Return the JSON shape of the denominators."""
    return {
        "resources": coverage.resources,
        "facets_read": coverage.facets_read,
        "facets_missing": coverage.facets_missing,
        "objects_listed": coverage.objects_listed,
        "pairs": coverage.pairs,
        "verdicts": {verdict.value: coverage.counts.get(verdict, 0) for verdict in Verdict},
    }


def finding_fields(finding: Finding) -> dict[str, Any]:
    """Return the JSON shape of a finding."""
    return {
        "fingerprint": finding.fingerprint,
        "evidence_hash": finding.evidence_hash,
        "rule": finding.rule,
        "severity": finding.severity,
        "verdict": finding.verdict,
        "message": finding.message,
        "resource": finding.ref,
        "evidence": finding.evidence,
        "gaps": finding.gaps,
        "witness": finding.witness,
        "hits": finding.hits,
        "suppression": finding.suppression,
    }


def _cause(gap: Gap) -> tuple[str, GapReason, str]:
    return gap.call or gap.facet, gap.reason, gap.permission
