"""JSON Lines: one event per line, for log shippers and SIEMs; described in docs/report.md.

The order is ``run``, then every ``finding``, every ``gap`` of the run, and ``summary`` last, so a
reader that never sees a summary knows that the file was cut.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, ClassVar

from cachescan.reporters.base import (
    SCHEMA_VERSION,
    coverage_fields,
    finding_fields,
    read_options,
    severity_counts,
)
from cachescan.textsafe import json_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cachescan.model import Report
    from cachescan.reporters.base import Reporter


def factory(options: Mapping[str, str]) -> Reporter:
    """Return the JSON Lines reporter; it takes no options and raises ConfigError on any."""
    read_options("jsonl", options, {})
    return JsonLinesReporter()


class JsonLinesReporter:
    """Writes one JSON object per line."""

    name: ClassVar[str] = "jsonl"
    media_type: ClassVar[str] = "application/x-ndjson"

    def write(self, report: Report, out: IO[bytes]) -> None:
        """Write every event, each with the run and its time; raises OSError if the stream does."""
        for kind, fields in _events(report):
            event = {"type": kind, "run": report.run.id, "time": report.run.now, **fields}
            out.write(json_bytes(event) + b"\n")


def _events(report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    run = report.run
    yield (
        "run",
        {
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "cachescan", "version": run.tool_version},
            "rules": run.rules,
            "rules_digest": run.rules_digest,
            "snapshot_digest": run.snapshot_digest,
            "scopes": run.scopes,
            "accepted_gaps": run.accepted_gaps,
            "coverage": coverage_fields(run.coverage),
            "exit_code": int(report.exit_code),
        },
    )
    titles = {rule.id: rule.title for rule in report.rules}
    for finding in report.findings:
        fields = finding_fields(finding)
        title = titles.get(finding.rule, finding.rule)
        yield "finding", {**fields, "title": title, "suppressed": finding.suppression is not None}
    for gap in sorted(run.gaps):
        yield "gap", {"gap": gap}
    yield (
        "summary",
        {
            "exit_code": int(report.exit_code),
            "reasons": report.reasons,
            "severities": severity_counts(report.findings),
            "verdicts": coverage_fields(run.coverage)["verdicts"],
            "missing_permissions": dict(sorted(report.missing_permissions.items())),
            "suppressions_expired": report.suppressions_expired,
            "suppressions_unused": report.suppressions_unused,
        },
    )
