"""The JSON report: the stable machine interface, described in docs/report.md.

Nothing in it depends on a clock: two scans of an unchanged estate give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, ClassVar

from cachescan.model import Actor, Capability, Verdict
from cachescan.reporters.base import (
    SCHEMA_VERSION,
    coverage_fields,
    finding_fields,
    read_options,
    severity_counts,
)
from cachescan.textsafe import json_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cachescan.model import (
        Census,
        Exposure,
        Finding,
        Gap,
        Judged,
        Path,
        Report,
        Suppression,
    )
    from cachescan.reporters.base import Reporter

_INDENT = 2
_ACTORS = list(Actor)
_CAPABILITIES = list(Capability)


def factory(options: Mapping[str, str]) -> Reporter:
    """Return the JSON reporter; it takes no options and raises ConfigError on any."""
    read_options("json", options, {})
    return JsonReporter()


class JsonReporter:
    """Writes one indented JSON document."""

    name: ClassVar[str] = "json"
    media_type: ClassVar[str] = "application/json"

    def write(self, report: Report, out: IO[bytes]) -> None:
        """Write the document and a final newline; raises OSError if the stream does.

        Long lists are written item by item: the memory of a report does not grow with its text.
        """
        separator = b"{\n"
        for name, value in _fields(report).items():
            out.write(separator + b" " * _INDENT + json_bytes(name) + b": ")
            if isinstance(value, Iterator):
                _write_list(value, out)
            else:
                out.write(_indented(value, _INDENT))
            separator = b",\n"
        out.write(b"\n}\n")


def _write_list(items: Iterator[dict[str, Any]], out: IO[bytes]) -> None:
    before = b"[\n"
    for item in items:
        out.write(before + b" " * 2 * _INDENT + _indented(item, 2 * _INDENT))
        before = b",\n"
    out.write(b"[]" if before == b"[\n" else b"\n" + b" " * _INDENT + b"]")


def _indented(value: object, depth: int) -> bytes:
    """Return JSON whose further lines stand ``depth`` spaces in."""
    return json_bytes(value, indent=_INDENT).replace(b"\n", b"\n" + b" " * depth)


def _fields(report: Report) -> dict[str, Any]:
    """Return the fields of the document in the order of docs/report.md; long lists as iterators."""
    run = report.run
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "cachescan", "version": run.tool_version},
        "exit_code": int(report.exit_code),
        "reasons": report.reasons,
        "run": {
            "id": run.id,
            "rules_digest": run.rules_digest,
            "snapshot_digest": run.snapshot_digest,
            "rules": run.rules,
            "scopes": run.scopes,
            "accepted_gaps": run.accepted_gaps,
        },
        "coverage": coverage_fields(run.coverage),
        "severities": severity_counts(report.findings),
        "missing_permissions": dict(sorted(report.missing_permissions.items())),
        "gaps": sorted(run.gaps),
        "suppressions": {
            "used": _used(report.findings),
            "expired": report.suppressions_expired,
            "unused": report.suppressions_unused,
        },
        "rules": list(_rules(report)),
        "resources": map(_resource, report.resources),
        "findings": map(finding_fields, report.findings),
    }


def _used(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    used: Counter[Suppression] = Counter(f.suppression for f in findings if f.suppression)
    return [
        {
            "rule": entry.rule,
            "resource": entry.resource,
            "reason": entry.reason,
            "expires": entry.expires,
            "owner": entry.owner,
            "findings": count,
        }
        for entry, count in sorted(used.items(), key=lambda item: (item[0].rule, item[0].resource))
    ]


def _rules(report: Report) -> Iterable[dict[str, Any]]:
    verdicts = Counter((finding.rule, finding.verdict) for finding in report.findings)
    suppressed = Counter(finding.rule for finding in report.findings if finding.suppression)
    for rule in report.rules:
        yield {
            "id": rule.id,
            "title": rule.title,
            "kind": rule.kind,
            "severity": rule.severity,
            "fail": verdicts[rule.id, Verdict.FAIL],
            "unknown": verdicts[rule.id, Verdict.UNKNOWN],
            "error": verdicts[rule.id, Verdict.ERROR],
            "suppressed": suppressed[rule.id],
        }


def _resource(judged: Judged) -> dict[str, Any]:
    return {
        "provider": judged.ref.provider,
        "kind": judged.ref.kind,
        "uid": judged.ref.uid,
        "name": judged.ref.name,
        "scope": judged.ref.scope,
        "region": judged.ref.region,
        "exposure": _exposure(judged.exposure) if judged.exposure else None,
        "census": _census(judged.census) if judged.census else None,
        "gaps": sorted(judged.gaps),
        "verdicts": {verdict.value: judged.counts.get(verdict, 0) for verdict in Verdict},
    }


def _exposure(exposure: Exposure) -> dict[str, Any]:
    grades = {
        capability.value: {actor.value: row[actor].grade for actor in Actor}
        for capability in Capability
        for row in [exposure.cells[capability]]
    }
    return {
        **grades,
        "paths": sorted(exposure.paths, key=_path_order),
        "blocked": sorted(exposure.blocked, key=_path_order),
        "outsiders": sorted(exposure.outsiders),
        "open_because": _open_because(exposure),
    }


def _path_order(path: Path) -> tuple[int, int]:
    """Order by who and what; among equals the provider's own order stays."""
    return _ACTORS.index(path.actor), _CAPABILITIES.index(path.capability)


def _open_because(exposure: Exposure) -> list[dict[str, Any]]:
    """List each missing fact once, with the interval of every grade that it keeps open."""
    opens: dict[Gap, dict[str, dict[str, list[str]]]] = {}
    for capability in Capability:
        for actor in Actor:
            bounds = exposure.cells[capability][actor]
            for gap in bounds.open_because:
                row = opens.setdefault(gap, {}).setdefault(capability.value, {})
                row[actor.value] = [bounds.low.value, bounds.high.value]
    return [
        {
            "facet": gap.facet,
            "reason": gap.reason,
            "call": gap.call,
            "detail": gap.detail,
            "permission": gap.permission,
            "opens": cells,
        }
        for gap, cells in sorted(opens.items())
    ]


def _census(census: Census) -> dict[str, Any]:
    return {
        "listed": census.listed,
        "bytes": census.bytes,
        "complete": census.complete,
        "counts": dict(sorted(census.counts.items())),
        "hits": census.hits,
        "example": census.example,
        "gaps": sorted(census.gaps),
    }
