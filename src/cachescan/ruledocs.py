"""The documentation of a rule, made from the rule: one source, so no drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.model import SEVERITIES, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def page(rule: Rule, frameworks: Mapping[str, str] | None = None) -> str:
    """Return the Markdown page of one rule.

    Args:
        rule: the rule.
        frameworks: framework key to its title; the key stands for itself where it is missing.
    """
    titles = frameworks or {}
    parts = [
        f"# {rule.title}",
        " · ".join(
            (
                f"`{rule.id}`",
                rule.kind,
                f"severity **{rule.severity}**",
                f"confidence {rule.confidence}",
                f"persona {rule.persona}",
                _status(rule),
            )
        ),
        f"## What it finds\n\n{rule.what.strip()}",
        f"## Why it matters\n\n{rule.why.strip()}",
        f"## How it decides\n\n{_code(rule.fail, 'cel')}{_applies(rule)}",
        f"## How to mend it\n\n{rule.fix.text.strip()}",
    ]
    if rule.fix.cli:
        parts.append(_code(rule.fix.cli, "sh"))
    if rule.fix.terraform:
        parts.append(_code(rule.fix.terraform, "hcl"))
    if rule.frameworks:
        rows = [
            f"- {titles.get(key, key)}: {', '.join(ids)}"
            for key, ids in sorted(rule.frameworks.items())
        ]
        parts.append("## Evidence for\n\n" + "\n".join(rows))
    if rule.references:
        parts.append("## References\n\n" + "\n".join(f"- <{url}>" for url in rule.references))
    return "\n\n".join(parts) + "\n"


def index(rules: Iterable[Rule]) -> str:
    """Return the Markdown table of all rules, the most severe first within each kind."""
    ranked = sorted(rules, key=lambda r: (r.kind, -SEVERITIES.index(r.severity), r.id))
    lines = [
        "# Rules",
        "",
        f"{len(ranked)} rules. Each page is generated from the rule's file below `rules/`.",
        "",
        "| rule | severity | persona | finds |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| [`{r.id}`]({_name(r)}) | {r.severity} | {r.persona} | {r.title} |" for r in ranked
    ]
    return "\n".join(lines) + "\n"


def coverage(title: str, rows: Sequence[tuple[str, Sequence[str], str]]) -> str:
    """Return the Markdown table that says which rule covers a known check, or why none can.

    Args:
        title: what the checks are about.
        rows: the check's name, the rule ids, and the reason where there are none.
    """
    covered = sum(bool(ids) for _, ids, _ in rows)
    lines = [
        f"# Coverage: {title}",
        "",
        f"{covered} of {len(rows)} known checks are covered by a rule.",
        "",
        "| check | rules | why not |",
        "| --- | --- | --- |",
    ]
    for name, ids, reason in rows:
        links = ", ".join(f"[`{rule}`]({rule}.md)" for rule in ids)
        lines.append(f"| {name} | {links} | {' '.join(reason.split())} |")
    return "\n".join(lines) + "\n"


def _status(rule: Rule) -> str:
    return ", ".join(f"{state} since {version}" for state, version in rule.status.items())


def _applies(rule: Rule) -> str:
    return "" if rule.when == "true" else f"\n\nApplies when\n\n{_code(rule.when, 'cel')}"


def _code(text: str, language: str) -> str:
    return f"```{language}\n{text.strip()}\n```"


def _name(rule: Rule) -> str:
    return f"{rule.id}.md"
