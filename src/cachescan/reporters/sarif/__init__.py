"""SARIF 2.1.0 for code scanning: GitHub, Azure DevOps, and everything for everyone else.

What a consumer does with a file decides its shape more than the standard does. GitHub refuses the
whole file for one result without a relative physical path; shows muted results as open, so they
are left out of its profile; keeps 5,000 results per run; refuses two runs of one category. A cloud
resource has no file, so each gets a made-up relative path beside its real identifier.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any, ClassVar

from cachescan.model import Verdict
from cachescan.reporters.base import open_fails, rank, read_options
from cachescan.reporters.sarif.notifications import NOTIFICATIONS, notifications
from cachescan.reporters.sarif.parts import Part, parts
from cachescan.reporters.sarif.profiles import PROFILES, Profile
from cachescan.reporters.sarif.results import Index, result
from cachescan.reporters.sarif.rules import descriptor
from cachescan.textsafe import json_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cachescan.model import Finding, Report
    from cachescan.reporters.base import Reporter

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def factory(options: Mapping[str, str]) -> Reporter:
    """Return the SARIF reporter; raises ConfigError on an unknown option or profile.

    Options:
        profile: ``github`` (default), ``azdo``, or ``full``, which adds suppressed findings,
            unknown verdicts and the evidence.
    """
    name = read_options("sarif", options, {"profile": tuple(PROFILES)})["profile"]
    return SarifReporter(PROFILES[name], os.environ)


class SarifReporter:
    """Writes one SARIF log with a run per scope."""

    name: ClassVar[str] = "sarif"
    media_type: ClassVar[str] = "application/sarif+json"

    def __init__(self, profile: Profile, environment: Mapping[str, str]) -> None:
        """Take the profile and the environment in which a pipeline says who it is."""
        self._profile = profile
        self._environment = environment

    def write(self, report: Report, out: IO[bytes]) -> None:
        """Write the log and a final newline; raises OSError if the stream does."""
        index = Index.of(report)
        rules = [descriptor(rule) for rule in report.rules]
        runs = [self._run(report, part, index, rules) for part in parts(report)]
        log = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
        out.write(json_bytes(log, indent=1) + b"\n")

    def _run(
        self, report: Report, part: Part, index: Index, rules: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        run = report.run
        wanted = self._wanted(part.findings)
        kept = self._most_severe(wanted)
        driver = {
            "name": "cachescan",
            "fullName": f"cachescan {run.tool_version}",
            "version": run.tool_version,
            "rules": rules,
            "notifications": NOTIFICATIONS,
        }
        invocation = {
            "executionSuccessful": part.complete,
            "exitCode": int(report.exit_code),
            "exitCodeDescription": "; ".join(report.reasons) or "complete and clean",
            "endTimeUtc": run.now,
            "toolExecutionNotifications": list(
                notifications(
                    part,
                    index.rules,
                    undecided=not self._profile.everything,
                    cut=(len(kept), len(wanted)),
                )
            ),
        }
        if not run.now:
            del invocation["endTimeUtc"]
        body = {
            "tool": {"driver": driver},
            "automationDetails": self._profile.automation(part, run.id, self._environment),
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "results": [
                result(finding, index, everything=self._profile.everything) for finding in kept
            ],
        }
        return body | ({"properties": _identity(report)} if self._profile.everything else {})

    def _wanted(self, findings: Sequence[Finding]) -> list[Finding]:
        if not self._profile.everything:
            return open_fails(findings)
        return [f for f in findings if f.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]

    def _most_severe(self, findings: Sequence[Finding]) -> list[Finding]:
        """Keep the most severe as far as the profile's cap goes, in the order they came in."""
        if not self._profile.cap or len(findings) <= self._profile.cap:
            return list(findings)
        worst = sorted(findings, key=lambda f: (rank(f.severity), f.fingerprint))
        return sorted(worst[: self._profile.cap], key=lambda f: f.fingerprint)


def _identity(report: Report) -> dict[str, Any]:
    run = report.run
    return {
        "runId": run.id,
        "rulesDigest": run.rules_digest,
        "snapshotDigest": run.snapshot_digest,
        "facetsRead": run.coverage.facets_read,
        "facetsMissing": run.coverage.facets_missing,
        "objectsListed": run.coverage.objects_listed,
        "acceptedGaps": run.accepted_gaps,
    }
