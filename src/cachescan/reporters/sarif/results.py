"""Findings as SARIF results, each with a place: a made-up path and the real identifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from cachescan.model import Judged, Verdict
from cachescan.reporters.base import path_words, signer
from cachescan.reporters.sarif.rules import LEVELS
from cachescan.textsafe import curl_line, path_segment, printable, sarif_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachescan.model import Evidence, Finding, Hit, Report, ResourceRef, Suppression

_MESSAGE, _DETAIL, _KEY = 600, 300, 160
_PATHS, _HITS = 3, 3


class Index(Struct, frozen=True):
    """Where to look things up: rule id to position, resource uid to its summary."""

    rules: dict[str, int]
    resources: dict[str, Judged]

    @classmethod
    def of(cls, report: Report) -> Index:
        """Index a report."""
        return cls(
            {rule.id: position for position, rule in enumerate(report.rules)},
            {judged.ref.uid: judged for judged in report.resources},
        )


def result(finding: Finding, index: Index, *, everything: bool) -> dict[str, Any]:
    """Return the SARIF result of a failed or undecided finding.

    Args:
        finding: the finding.
        index: of the report.
        everything: also kind, suppression and evidence, which code scanning would ignore.
    """
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index.rules[finding.rule],
        "level": LEVELS[finding.severity],
        "message": {"text": " ".join(_sentences(finding))},
        "locations": [location(finding.ref)],
        "partialFingerprints": {"primaryLocationLineHash": finding.fingerprint},
    }
    if everything:
        if finding.verdict == Verdict.UNKNOWN:
            found |= {"kind": "open", "level": "none"}
        if finding.suppression is not None:
            found["suppressions"] = [_suppression(finding.suppression)]
        found["properties"] = _properties(finding)
    return found


def location(ref: ResourceRef) -> dict[str, Any]:
    """Return the place of a resource.

    Consumers want a file in a checkout; ``cloud/...`` is none, and cannot leave its made-up tree
    whatever the resource is called. The identifier that people know is the logical location.
    """
    segments = (ref.provider, ref.scope, ref.region or "global", service(ref), ref.name)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": "/".join(("cloud", *map(path_segment, segments)))},
            "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2},
        },
        "logicalLocations": [
            {
                "name": printable(ref.name),
                "fullyQualifiedName": printable(ref.uid),
                "kind": "resource",
            }
        ],
    }


def service(ref: ResourceRef) -> str:
    """Return the service's name: the ARN's, or else the last part of the kind."""
    if ref.uid.startswith("arn:") and ref.uid.count(":") > 1:
        return ref.uid.split(":")[2] or ref.kind.rpartition("/")[2]
    return ref.kind.rpartition("/")[2]


def _sentences(finding: Finding) -> Iterator[str]:
    yield _sentence(sarif_text(finding.message, _MESSAGE))
    if finding.verdict == Verdict.UNKNOWN:
        missing = ", ".join(
            sorted({f"{gap.call or gap.facet} ({gap.reason})" for gap in finding.gaps})
        )
        yield _sentence(f"Not decided: {sarif_text(missing, _DETAIL)}")
        return
    provider = finding.ref.provider
    for path in finding.paths[:_PATHS]:
        says = "; ".join(evidence.summary for evidence in path.evidence)
        words = path_words((path,), provider)
        yield _sentence(f"{sarif_text(words, _DETAIL)}: {sarif_text(says, _DETAIL)}")
    if finding.hits:
        yield _sentence(f"Found there: {', '.join(map(_hit, finding.hits[:_HITS]))}")
    if finding.witness is not None:
        shown = next((path for path in finding.paths if path.witness == finding.witness), None)
        line = curl_line(finding.witness, signer(provider, shown))
        # No full stop: it would become part of what is copied.
        yield f"Witness: {sarif_text(line)}"


def _hit(hit: Hit) -> str:
    return f"{sarif_text(hit.key, _KEY)} ({sarif_text(', '.join(hit.categories), _KEY)})"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _suppression(entry: Suppression) -> dict[str, Any]:
    owner = f", accepted by {entry.owner}" if entry.owner else ""
    said = f"{entry.reason} (until {entry.expires}{owner})"
    return {"kind": "external", "status": "accepted", "justification": printable(said)}


def _properties(finding: Finding) -> dict[str, Any]:
    found: dict[str, Any] = {
        "severity": finding.severity,
        "verdict": finding.verdict,
        "evidenceHash": finding.evidence_hash,
        "evidence": [_evidence(evidence) for evidence in finding.evidence],
    }
    if finding.gaps:
        found["gaps"] = [
            {"facet": gap.facet, "reason": gap.reason, "call": gap.call} for gap in finding.gaps
        ]
    return found


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "facet": evidence.facet,
        "pointer": printable(evidence.pointer),
        "effect": evidence.effect,
        "summary": printable(evidence.summary),
    }
