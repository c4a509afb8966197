"""Rules as SARIF reporting descriptors: the same for every run, so no resource is named here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cachescan.model import Confidence, Severity
from cachescan.textsafe import printable, sarif_text

if TYPE_CHECKING:
    from cachescan.model import Rule

LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFORMATIONAL: "note",
}
# The middle of GitHub's bands: a value at an edge is one rounding away from the next severity.
_SECURITY_SEVERITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
}
_PRECISION = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}
_NAME, _DESCRIPTION = 255, 1024
_MAX_TAGS = 10
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#@!$&()*+,;=%]+")
_MARKDOWN_SPECIAL = re.compile(r"[\\\[\]<>*_`]")


def descriptor(rule: Rule) -> dict[str, Any]:
    """Return the reporting descriptor of a rule; its text may be a stranger's, so it is escaped."""
    found: dict[str, Any] = {
        "id": rule.id,
        "name": _pascal(rule.id)[:_NAME],
        "shortDescription": {"text": sarif_text(rule.title, _DESCRIPTION)},
        "fullDescription": {"text": sarif_text(_joined(rule.what), _DESCRIPTION)},
        "help": {"text": _help_text(rule), "markdown": _help_markdown(rule)},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": _properties(rule),
    }
    if rule.references and _URL.fullmatch(rule.references[0]):
        found["helpUri"] = rule.references[0]
    if rule.aliases:
        found["deprecatedIds"] = rule.aliases
    return found


def _properties(rule: Rule) -> dict[str, Any]:
    found: dict[str, Any] = {
        "precision": _PRECISION[rule.confidence],
        "tags": _tags(rule),
    }
    if rule.severity in _SECURITY_SEVERITY:
        found["security-severity"] = _SECURITY_SEVERITY[rule.severity]
    return found


def _tags(rule: Rule) -> list[str]:
    tags = ["security", *rule.kind.split("/"), *sorted(rule.frameworks)]
    return [printable(tag) for tag in dict.fromkeys(tags)][:_MAX_TAGS]


def _help_text(rule: Rule) -> str:
    blocks = [
        rule.what,
        rule.why,
        rule.fix.text,
        rule.fix.cli,
        rule.fix.terraform,
        *rule.references,
    ]
    return "\n\n".join(_lines(block) for block in blocks if block.strip())


def _help_markdown(rule: Rule) -> str:
    blocks = [_markdown(rule.what), _markdown(rule.why), "**Fix**", _markdown(rule.fix.text)]
    for language, code in (("sh", rule.fix.cli), ("hcl", rule.fix.terraform)):
        if code.strip():
            blocks.append(_fenced(language, code))
    blocks += [f"- <{url}>" for url in rule.references if _URL.fullmatch(url)]
    return "\n\n".join(block for block in blocks if block)


def _fenced(language: str, code: str) -> str:
    """Fence code with more backticks than any run of them inside."""
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    body = "\n".join(printable(line) for line in code.strip().splitlines())
    return f"{fence}{language}\n{body}\n{fence}"


def _markdown(text: str) -> str:
    return _MARKDOWN_SPECIAL.sub(r"\\\g<0>", printable(_joined(text)))


def _lines(text: str) -> str:
    return "\n".join(sarif_text(line) for line in text.strip().splitlines())


def _joined(text: str) -> str:
    return " ".join(text.split())


def _pascal(text: str) -> str:
    """Return the id as the opaque name that SARIF2012 asks for."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", text))
