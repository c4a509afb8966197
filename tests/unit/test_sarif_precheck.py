"""The pre-check itself: each thing it exists for, done to a good log, is found."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.sarif_precheck import complaints
from tests.unit.reporters import sample

from cachescan.reporters import sarif

if TYPE_CHECKING:
    from collections.abc import Callable


def good() -> dict[str, Any]:
    out = io.BytesIO()
    sarif.factory({}).write(sample.report(), out)
    log: dict[str, Any] = json.loads(out.getvalue())
    return log


def result(log: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = log["runs"][1]["results"][0]
    return found


def rule(log: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = log["runs"][1]["tool"]["driver"]["rules"][0]
    return found


def physical(log: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = result(log)["locations"][0]["physicalLocation"]
    return found


def uri(text: str) -> Callable[[dict[str, Any]], Any]:
    return lambda log: physical(log)["artifactLocation"].update(uri=text)


DAMAGES: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("version", lambda log: log.update(version="2.0.0"), "version"),
    ("schema", lambda log: log.pop("$schema"), "$schema"),
    ("runs", lambda log: log.update(runs=log["runs"] * 11), "22 runs"),
    ("category", lambda log: log["runs"].append(log["runs"][0]), "two runs of the category"),
    ("no results", lambda log: log["runs"][0].pop("results"), "no results"),
    ("twice", lambda log: log["runs"][1]["results"].append(result(log)), "one fingerprint, two"),
    ("many", lambda log: log["runs"][1].update(results=[result(log)] * 5001), "5001 results"),
    ("logical only", lambda log: result(log)["locations"][0].pop("physicalLocation"), "not a URI"),
    ("no location", lambda log: result(log).update(locations=[]), "0 locations"),
    ("empty uri", uri(""), "not a URI reference"),
    ("arn", uri("arn:aws:s3:::b"), "not a relative path"),
    ("absolute", uri("/cloud/b"), "not a relative path"),
    ("space", uri("cloud/a b"), "not a URI reference"),
    ("stray percent", uri("cloud/50%"), "not a URI reference"),
    ("encoded dots", uri("cloud/%2e%2E/b"), "dotted segment"),
    ("hidden dots", uri("cloud/a%2F..%2Fb"), "dotted segment"),
    ("empty segment", uri("cloud//b"), "empty or dotted"),
    ("no line", lambda log: physical(log)["region"].pop("startLine"), "without a line"),
    ("no print", lambda log: result(log).pop("partialFingerprints"), "primaryLocationLineHash"),
    ("other rule", lambda log: result(log).update(ruleIndex=0), "another rule"),
    ("no rule", lambda log: result(log).update(ruleId="x"), "not declared"),
    ("no message", lambda log: result(log)["message"].update(text=" "), "no message"),
    ("no help", lambda log: rule(log).pop("help"), "no help.text"),
    ("long", lambda log: rule(log)["fullDescription"].update(text="x" * 1025), "1025 characters"),
    ("name", lambda log: rule(log).update(name="x" * 256), "name is too long"),
    ("tags", lambda log: rule(log)["properties"].update(tags=["security"] * 11), "11 tags"),
    ("untagged", lambda log: rule(log)["properties"].update(tags=[]), "without the tag security"),
    ("score", lambda log: rule(log)["properties"].update({"security-severity": 5.5}), "5.5"),
    ("zero", lambda log: rule(log)["properties"].update({"security-severity": "0.0"}), "'0.0'"),
    ("eleven", lambda log: rule(log)["properties"].update({"security-severity": "11.0"}), "'11.0'"),
    ("anonymous", lambda log: log["runs"][0]["tool"]["driver"].pop("name"), "no name"),
]


def test_a_good_log_is_accepted() -> None:
    assert complaints(json.dumps(good()).encode()) == []


@pytest.mark.parametrize(("damage", "said"), [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES])
def test_a_damaged_log_is_found_out(damage: Callable[[dict[str, Any]], Any], said: str) -> None:
    log = good()
    damage(log)

    assert [c for c in complaints(json.dumps(log).encode()) if said in c]
