from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from msgspec import structs
from tests.support import strangers
from tests.unit.reporters import sample

from cachescan.model import Actor, Capability, Grade
from cachescan.reporters import json_report

if TYPE_CHECKING:
    from cachescan.model import Report

DOCUMENTED = Path(__file__).parents[3] / "docs" / "report.md"


def written(report: Report) -> bytes:
    out = io.BytesIO()
    json_report.factory({}).write(report, out)
    return out.getvalue()


def read(report: Report) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(written(report))
    return document


def resource(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(r for r in document["resources"] if r["name"] == name)
    return found


def test_the_document_is_indented_and_ends_in_a_newline() -> None:
    raw = written(sample.report())

    assert raw.startswith(b'{\n  "schema_version": 1,\n')
    assert raw.endswith(b"}\n")


def test_the_same_report_gives_the_same_bytes() -> None:
    assert written(sample.report()) == written(sample.report())


def test_no_clock_is_in_the_document() -> None:
    report = sample.report()
    later = structs.replace(report, run=structs.replace(report.run, now="2027-01-01T00:00:00Z"))

    assert written(later) == written(report)
    assert b"2026-11-25" not in written(report)


def test_an_exposure_has_every_cell_its_paths_and_what_keeps_it_open() -> None:
    document = read(sample.report())
    cms = resource(document, "novalab-cms-media")["exposure"]

    grades = {c: cms[c] for c in ("read", "list", "write", "takeover")}
    assert grades["read"] == {"anonymous": "yes", "any_account": "yes", "outsider": "no"}
    assert grades["write"] == {"anonymous": "no", "any_account": "no", "outsider": "no"}
    assert set(cms) == {*grades, "paths", "blocked", "outsiders", "open_because"}
    assert cms["paths"][0] == {
        "actor": "anonymous",
        "capability": "read",
        "grade": "yes",
        "via": "bucket-policy",
        "evidence": [
            {
                "facet": "policy",
                "pointer": "/Statement/0",
                "effect": "grants",
                "summary": "policy statement 0 (Cms) allows everybody s3:GetObject",
            },
            {
                "facet": "public_access_block",
                "pointer": "/RestrictPublicBuckets",
                "effect": "states",
                "summary": "RestrictPublicBuckets is off for the bucket and for the account",
            },
        ],
        "witness": {
            "method": "GET",
            "url": "https://novalab-cms-media.s3.eu-west-1.amazonaws.com/press/draft%20one.md",
            "signed": False,
            "from": "anywhere",
        },
        "principal": "",
    }


def test_an_undecided_grade_is_unknown_and_names_the_fact_with_its_interval() -> None:
    logs = resource(read(sample.report()), "novalab-logs-archive")["exposure"]

    assert logs["read"] == {"anonymous": "unknown", "any_account": "unknown", "outsider": "no"}
    assert logs["open_because"] == [
        {
            "facet": "policy",
            "reason": "permission-denied",
            "call": "s3:GetBucketPolicy",
            "detail": "AccessDenied: not authorized to perform s3:GetBucketPolicy",
            "permission": "s3:GetBucketPolicy",
            "opens": {"read": {"anonymous": ["no", "yes"], "any_account": ["no", "yes"]}},
        }
    ]


def test_named_outsiders_and_blocked_grants_are_listed() -> None:
    partner = resource(read(sample.report()), "novalab-partner")["exposure"]

    assert partner["outsiders"] == ["arn:aws:iam::111122223333:role/Partner"]
    assert [(p["actor"], p["grade"], p["witness"]) for p in partner["blocked"]] == [
        ("anonymous", "no", None)
    ]


def test_a_resource_without_exposure_or_census_says_null() -> None:
    account = resource(read(sample.report()), sample.ACCOUNT)

    assert account["exposure"] is None
    assert account["census"] is None


def test_a_census_is_given_whole() -> None:
    census = resource(read(sample.report()), "novalab-cms-media")["census"]

    assert census["counts"] == {"backup": 7, "draft": 1, "embargo": 2, "secret": 0}
    assert (census["listed"], census["complete"]) == (10_000, False)
    assert [gap["reason"] for gap in census["gaps"]] == ["truncated"]


def test_findings_keep_their_order_and_their_suppression() -> None:
    report = sample.report()
    findings = read(report)["findings"]

    assert [f["fingerprint"] for f in findings] == [f.fingerprint for f in report.findings]
    accepted = [f for f in findings if f["suppression"]]
    assert [f["resource"]["name"] for f in accepted] == ["novalab-www-assets"]
    assert accepted[0]["suppression"]["reason"] == "the public web site"


def test_rules_are_counted_over_findings() -> None:
    rules = {rule["id"]: rule for rule in read(sample.report())["rules"]}

    assert rules["aws-bucket-public-read"] == {
        "id": "aws-bucket-public-read",
        "title": "Anyone can read objects",
        "kind": "aws/bucket",
        "severity": "high",
        "fail": 3,
        "unknown": 2,
        "error": 0,
        "suppressed": 1,
    }
    assert rules["aws-bucket-broken"]["error"] == 1


def test_suppressions_are_told_by_what_became_of_them() -> None:
    told = read(sample.report())["suppressions"]

    assert [(entry["resource"], entry["findings"]) for entry in told["used"]] == [
        ("novalab-www-*", 1)
    ]
    assert [entry["expires"] for entry in told["expired"]] == ["2026-01-31"]
    assert [entry["resource"] for entry in told["unused"]] == ["novalab-gone"]


def test_the_end_says_why_and_what_is_missing() -> None:
    document = read(sample.report())

    assert document["exit_code"] == 1
    assert len(document["reasons"]) == 4
    assert document["missing_permissions"]["s3:GetBucketPolicy"] == 1
    assert [gap["call"] for gap in document["gaps"]] == [
        "s3:ListBuckets",
        "organizations:ListAccounts",
    ]
    assert document["coverage"]["facets_read"] == 1234
    assert document["coverage"]["verdicts"] == {
        "pass": 480,
        "fail": 21,
        "unknown": 3,
        "error": 1,
        "notapplicable": 12,
    }


def test_every_field_is_documented() -> None:
    documentation = DOCUMENTED.read_text("utf-8")
    document = read(sample.report())

    fields = {
        *document,
        *document["run"],
        *document["coverage"],
        *document["rules"][0],
        *document["findings"][0],
        *document["gaps"][0],
        *resource(document, "novalab-cms-media"),
        *resource(document, "novalab-cms-media")["exposure"],
        *resource(document, "novalab-cms-media")["census"],
    }
    missing = [f for f in fields if f"`{f}`" not in documentation and f'"{f}"' not in documentation]
    assert missing == []


@given(strangers.texts)
def test_a_strangers_text_neither_breaks_the_document_nor_hides_in_it(text: str) -> None:
    raw = written(sample.hostile(text))

    shown = raw.decode().replace("\n", "")
    assert strangers.hidden(shown) == set()
    name = json.loads(raw)["resources"][0]["name"]
    assert name == text.encode("utf-8", "backslashreplace").decode()


@pytest.mark.parametrize("grade", list(Grade))
def test_paths_are_sorted_by_actor_and_capability(grade: Grade) -> None:
    exposure = sample.public("b")
    shuffled = structs.replace(
        exposure, paths=tuple(structs.replace(p, grade=grade) for p in reversed(exposure.paths))
    )
    report = sample.assemble([sample.judged(sample.bucket("b"), shuffled)], [])

    paths = read(report)["resources"][0]["exposure"]["paths"]

    assert [(p["actor"], p["capability"]) for p in paths] == [
        (Actor.ANONYMOUS, Capability.READ),
        (Actor.ANONYMOUS, Capability.LIST),
    ]


def test_fifty_thousand_findings_are_written_whole() -> None:
    assert len(read(sample.many(50_000))["findings"]) == 50_000
