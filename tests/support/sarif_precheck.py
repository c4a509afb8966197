"""What GitHub code scanning refuses or drops, said as checks on a SARIF log.

The standard's schema and the public validators accept files that GitHub rejects as a whole: a
result with a logical location only, an empty or absolute URI, no fingerprint of the one name it
reads, two runs of one category. Sources: GitHub's documentation of SARIF support and limits.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_UPLOAD = 10 * 1024 * 1024
MAX_RUNS, MAX_RULES, KEPT_RESULTS = 20, 25_000, 5_000
MAX_LOCATIONS, KEPT_TAGS = 1_000, 10
MAX_NAME, MAX_DESCRIPTION = 255, 1_024

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_REFERENCE = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")


def complaints(raw: bytes) -> list[str]:
    """Return everything that GitHub would refuse or silently drop; empty if all is well."""
    log = json.loads(raw)
    found = []
    if log.get("version") != "2.1.0":
        found.append("version is not 2.1.0")
    if not log.get("$schema"):
        found.append("no $schema")
    if len(gzip.compress(raw)) > MAX_UPLOAD:
        found.append("larger than 10 MB when compressed")
    runs = log.get("runs", [])
    if len(runs) > MAX_RUNS:
        found.append(f"{len(runs)} runs")
    categories = Counter(_category(run) for run in runs)
    found += [f"two runs of the category {name!r}" for name, n in categories.items() if n > 1]
    for number, run in enumerate(runs):
        found += [f"run {number}: {said}" for said in _run(run)]
    return found


def _category(run: dict[str, Any]) -> tuple[str, str]:
    identifier = run.get("automationDetails", {}).get("id", "")
    return run["tool"]["driver"].get("name", ""), identifier.rpartition("/")[0]


def _run(run: dict[str, Any]) -> Iterator[str]:
    driver = run["tool"]["driver"]
    if not driver.get("name"):
        yield "the driver has no name"
    rules = driver.get("rules", [])
    if len(rules) > MAX_RULES:
        yield f"{len(rules)} rules"
    positions = {rule["id"]: position for position, rule in enumerate(rules)}
    if len(positions) < len(rules):
        yield "two rules of one id"
    for rule in rules:
        yield from (f"rule {rule['id']}: {said}" for said in _rule(rule))
    if "results" not in run:
        yield "no results, not even none"
    results = run.get("results", [])
    if len(results) > KEPT_RESULTS:
        yield f"{len(results)} results"
    prints = Counter((r.get("ruleId"), _fingerprint(r)) for r in results)
    yield from (f"one fingerprint, two results: {key}" for key, n in prints.items() if n > 1)
    for number, result in enumerate(results):
        yield from (f"result {number}: {said}" for said in _result(result, positions))


def _rule(rule: dict[str, Any]) -> Iterator[str]:
    limits = {"shortDescription": MAX_DESCRIPTION, "fullDescription": MAX_DESCRIPTION, "help": None}
    for field, limit in limits.items():
        text = rule.get(field, {}).get("text", "")
        if not text.strip():
            yield f"no {field}.text"
        if limit is not None and len(text) > limit:
            yield f"{field}.text has {len(text)} characters"
    if len(rule.get("name", "")) > MAX_NAME:
        yield "its name is too long"
    properties = rule.get("properties", {})
    tags = properties.get("tags", [])
    if len(tags) > KEPT_TAGS:
        yield f"{len(tags)} tags"
    if "security-severity" in properties:
        if "security" not in tags:
            yield "a security-severity without the tag security"
        if not _is_security_severity(properties["security-severity"]):
            yield f"security-severity {properties['security-severity']!r}"


def _is_security_severity(value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,2}\.\d", value):
        return False
    return 0.0 < float(value) <= 10.0


def _result(result: dict[str, Any], positions: dict[str, int]) -> Iterator[str]:
    if not result.get("message", {}).get("text", "").strip():
        yield "no message"
    rule = result.get("ruleId")
    if rule not in positions:
        yield f"rule {rule!r} is not declared"
    elif result.get("ruleIndex", positions[rule]) != positions[rule]:
        yield "ruleIndex points at another rule"
    if not _fingerprint(result):
        yield "no primaryLocationLineHash"
    locations = result.get("locations", [])
    if not 0 < len(locations) <= MAX_LOCATIONS:
        yield f"{len(locations)} locations"
    for place in (*locations, *result.get("relatedLocations", [])):
        yield from _location(place)


def _fingerprint(result: dict[str, Any]) -> str:
    value: str = result.get("partialFingerprints", {}).get("primaryLocationLineHash", "")
    return value


def _location(place: dict[str, Any]) -> Iterator[str]:
    physical = place.get("physicalLocation", {})
    uri = physical.get("artifactLocation", {}).get("uri", "")
    if "startLine" not in physical.get("region", {}):
        yield "a location without a line"
    if not _REFERENCE.fullmatch(uri):
        yield f"not a URI reference: {uri!r}"
    elif _SCHEME.match(uri) or uri.startswith("/"):
        yield f"not a relative path: {uri!r}"
    # Somebody who decodes before splitting must not be led out of the tree either.
    if "" in uri.split("/") or {".", ".."} & set(re.split(r"[/\\]", unquote(uri))):
        yield f"an empty or dotted segment: {uri!r}"
