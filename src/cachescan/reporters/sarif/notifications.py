"""What a run could not say in results: gaps, undecided verdicts, faulty rules, results left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachescan.model import GapReason, Verdict
from cachescan.reporters.base import gap_groups
from cachescan.textsafe import sarif_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cachescan.model import Finding, Gap
    from cachescan.reporters.base import GapGroup
    from cachescan.reporters.sarif.parts import Part

_DETAIL = 300
_NAMED = 5


def _notification(name: str, text: str) -> dict[str, Any]:
    words = "".join(word.capitalize() for word in name.split("-"))
    return {
        "id": name,
        "name": words,
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "help": {"text": text},
    }


_SCOPE_GAP, _GAP, _UNKNOWN, _ERROR, _CUT = range(5)
NOTIFICATIONS: list[dict[str, Any]] = [
    _notification("scope-gap", "Something about a whole account or the whole run was not read."),
    _notification(
        "fact-gap", "Facts about resources were not read; nothing is assumed about them."
    ),
    _notification(
        "verdict-unknown", "Verdicts are unknown, because facts that decide were not read."
    ),
    _notification("rule-error", "A rule could not be evaluated."),
    _notification("results-cut", "More results than the consumer keeps; the most severe are here."),
]
"""The driver's notification descriptors; the order is that of the constants above."""


def notifications(
    part: Part, rules: Mapping[str, int], *, undecided: bool, cut: tuple[int, int]
) -> Iterator[dict[str, Any]]:
    """Yield the notifications of a run.

    Args:
        part: what the run reports.
        rules: rule id to position.
        undecided: whether unknown verdicts are told here, not as results.
        cut: how many results are in the run, and how many there were.
    """
    kept, wanted = cut
    if kept < wanted:
        text = f"Only the {kept} most severe of {wanted} results are listed"
        yield _notice(_CUT, "warning", f"{text}; the JSON report has them all.")
    for gap in sorted(part.gaps):
        yield _notice(_SCOPE_GAP, "error", _gap_text(gap))
    for group in gap_groups(part.resources, part.findings):
        yield _notice(_GAP, "error", _group_text(group))
    yield from _verdicts(part, rules, undecided=undecided)


def _verdicts(part: Part, rules: Mapping[str, int], *, undecided: bool) -> Iterator[dict[str, Any]]:
    by_rule: dict[tuple[int, str], list[Finding]] = {}
    for finding in part.findings:
        if finding.verdict == Verdict.UNKNOWN and undecided:
            by_rule.setdefault((_UNKNOWN, finding.rule), []).append(finding)
        elif finding.verdict == Verdict.ERROR:
            by_rule.setdefault((_ERROR, finding.rule), []).append(finding)
    for (kind, rule), findings in sorted(by_rule.items()):
        level = "error" if kind == _ERROR else "warning"
        named = _names(sorted({finding.ref.name for finding in findings}))
        said = "could not be evaluated" if kind == _ERROR else "is undecided"
        reason = f": {sarif_text(findings[0].message, _DETAIL)}" if kind == _ERROR else ""
        text = (
            f"{sarif_text(rule)} {said} for {_count(len(findings), 'resource')} ({named}){reason}."
        )
        yield _notice(kind, level, text) | {
            "associatedRule": {"id": rule, "index": rules[rule]},
        }


def _notice(kind: int, level: str, text: str) -> dict[str, Any]:
    descriptor = {"id": NOTIFICATIONS[kind]["id"], "index": kind}
    return {"descriptor": descriptor, "level": level, "message": {"text": text}}


def _gap_text(gap: Gap) -> str:
    place = f" in {sarif_text(gap.scope)}" if gap.scope else ""
    detail = f" ({sarif_text(gap.detail, _DETAIL)})" if gap.detail else ""
    return f"{sarif_text(gap.call or gap.facet)}{place}: {gap.reason}{detail}{_needs(gap)}."


def _group_text(group: GapGroup) -> str:
    cost = f", {_count(group.verdicts, 'verdict')} unknown" if group.verdicts else ""
    facts = f"{_count(group.facts, 'fact')} not known ({_names(group.resources)}){cost}"
    return f"{sarif_text(group.call)}: {group.reason}: {facts}{_needs(group)}."


def _needs(cause: Gap | GapGroup) -> str:
    denied = cause.reason in (GapReason.PERMISSION_DENIED, GapReason.UNAUTHENTICATED)
    return f"; needs {sarif_text(cause.permission)}" if denied and cause.permission else ""


def _names(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(sarif_text(name, _DETAIL) for name in names[:_NAMED]) + more


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
