from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support import strangers
from tests.support.sarif_precheck import complaints
from tests.unit.reporters import sample

from cachescan.model import Fix, Severity
from cachescan.reporters import sarif
from cachescan.reporters.sarif.profiles import PROFILES
from cachescan.reporters.sarif.rules import descriptor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cachescan.model import Report

PIPELINE = {
    "TF_BUILD": "True",
    "SYSTEM_DEFINITIONID": "12",
    "BUILD_DEFINITIONNAME": "nightly/scan",
    "SYSTEM_PHASEID": "3a3a2a60-14c7-570b-14a4-fa42ad92f52a",
    "SYSTEM_PHASENAME": "Job",
}


def written(
    report: Report, profile: str = "github", environment: Mapping[str, str] | None = None
) -> bytes:
    out = io.BytesIO()
    sarif.SarifReporter(PROFILES[profile], environment or {}).write(report, out)
    return out.getvalue()


def runs(
    report: Report, profile: str = "github", environment: Mapping[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    log = json.loads(written(report, profile, environment))
    return {run["automationDetails"]["id"].split("/")[-2]: run for run in log["runs"]}


def own(report: Report, profile: str = "github") -> dict[str, Any]:
    return runs(report, profile)[sample.ACCOUNT]


def notices(run: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (notice["descriptor"]["id"], notice["message"]["text"])
        for notice in run["invocations"][0]["toolExecutionNotifications"]
    ]


@pytest.mark.parametrize("profile", list(PROFILES))
@pytest.mark.parametrize(
    "report",
    [sample.report(), sample.clean(), sample.many(120, 20), sample.many(60, 21)],
    ids=["sample", "clean", "20 accounts", "21 accounts"],
)
def test_no_consumer_refuses_the_log(report: Report, profile: str) -> None:
    assert complaints(written(report, profile)) == []


@given(strangers.texts, st.sampled_from(list(PROFILES)))
def test_a_strangers_text_cannot_make_a_log_that_is_refused(text: str, profile: str) -> None:
    raw = written(sample.hostile(text), profile)

    assert complaints(raw) == []
    assert strangers.hidden(raw.decode().replace("\n", "")) == set()


@given(strangers.texts)
def test_a_strangers_text_makes_no_link(text: str) -> None:
    run = next(iter(json.loads(written(sample.hostile(text)))["runs"]))

    texts = [result["message"]["text"] for result in run["results"]]
    texts += [notice for _, notice in notices(run)]
    for rule in run["tool"]["driver"]["rules"]:
        texts += [rule[field]["text"] for field in ("shortDescription", "fullDescription", "help")]
    for said in texts:
        bare = said.replace("\\\\", "").replace("\\[", "").replace("\\]", "")
        assert not set("[]\\") & set(bare)


def test_the_same_report_gives_the_same_bytes() -> None:
    assert written(sample.report(), "full") == written(sample.report(), "full")


def test_the_default_profile_is_github() -> None:
    out = io.BytesIO()
    sarif.factory({}).write(sample.report(), out)

    assert out.getvalue() == written(sample.report(), "github")


def test_a_resource_lies_at_a_relative_path_beside_its_identifier() -> None:
    result = next(r for r in own(sample.report())["results"] if "draft" in r["ruleId"])

    place = result["locations"][0]
    uri = place["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "cloud/aws/123456789012/eu-west-1/s3/novalab-cms-media"
    assert place["physicalLocation"]["region"] == {
        "startLine": 1,
        "startColumn": 1,
        "endLine": 1,
        "endColumn": 2,
    }
    assert place["logicalLocations"] == [
        {
            "name": "novalab-cms-media",
            "fullyQualifiedName": "arn:aws:s3:::novalab-cms-media",
            "kind": "resource",
        }
    ]


def test_a_resource_of_no_region_and_no_arn_has_a_path_too() -> None:
    ref = structs.replace(sample.bucket("b", region=""), uid="//storage.example.com/b")
    report = sample.assemble([], [sample.fail("aws-bucket-no-tags", ref)])

    place = own(report)["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "cloud/aws/123456789012/global/bucket/b"


def test_a_result_tells_the_way_in_what_lies_there_and_the_request() -> None:
    result = next(r for r in own(sample.report())["results"] if "draft" in r["ruleId"])

    text = result["message"]["text"]
    assert text.startswith("novalab-cms-media is affected. Anyone on the internet can read")
    assert "Meridian-3 launch DRAFT.docx (draft, embargo)" in text
    assert text.endswith(
        "Witness: curl -sS 'https://novalab-cms-media.s3.eu-west-1.amazonaws.com/press/draft%20one.md'"
    )
    assert result["level"] == "error"


def test_a_witness_of_a_named_outsider_is_signed_by_it() -> None:
    result = next(r for r in own(sample.report())["results"] if "outside" in r["ruleId"])

    assert result["message"]["text"].endswith("signed by arn:aws:iam::111122223333:role/Partner")


def test_the_fingerprint_is_the_findings_own() -> None:
    prints = {f.fingerprint for f in sample.report().findings}

    for result in own(sample.report())["results"]:
        assert result["partialFingerprints"]["primaryLocationLineHash"] in prints


@pytest.mark.parametrize("profile", ["github", "azdo"])
def test_code_scanning_gets_open_fails_only(profile: str) -> None:
    found = runs(sample.report(), profile)

    results = [result for run in found.values() for result in run["results"]]
    assert len(results) == 20
    assert not any({"kind", "suppressions", "properties"} & set(result) for result in results)
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results]
    assert not any("www" in uri or "logs" in uri for uri in uris)


def test_the_full_profile_has_suppressed_and_undecided_results_and_evidence() -> None:
    results = own(sample.report(), "full")["results"]

    undecided = [result for result in results if result.get("kind") == "open"]
    assert len(undecided) == 3
    assert {result["level"] for result in undecided} == {"none"}
    assert "Not decided: s3:GetBucketPolicy (permission-denied)" in " ".join(
        result["message"]["text"] for result in undecided
    )
    (accepted,) = [result for result in results if "suppressions" in result]
    assert accepted["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "the public web site (until 2027-06-30, accepted by web@example.com)",
        }
    ]
    assert all(result["properties"]["evidenceHash"] for result in results)


def test_there_is_one_run_per_account_each_with_its_own_category() -> None:
    found = runs(sample.report())

    assert {run["automationDetails"]["id"] for run in found.values()} == {
        f"cachescan/aws/{account}/{sample.report().run.id}"
        for account in (sample.ACCOUNT, sample.SISTER)
    }
    assert [r["ruleId"] for r in found[sample.SISTER]["results"]] == ["aws-bucket-public-read"]


def test_more_accounts_than_a_file_may_have_runs_share_one() -> None:
    (run,) = runs(sample.many(63, 21)).values()

    assert run["automationDetails"]["id"].startswith("cachescan/all/")
    assert len(run["results"]) == 63


def test_a_report_of_nothing_is_still_a_run() -> None:
    report = sample.assemble([], [])
    nothing = structs.replace(report, run=structs.replace(report.run, scopes=()))

    (run,) = runs(nothing).values()

    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"] is False


def test_only_the_most_severe_results_are_kept_and_that_is_said() -> None:
    (run,) = runs(sample.many(6_000)).values()

    levels = [result["level"] for result in run["results"]]
    assert len(levels) == 5_000
    # 1,200 of each severity; of the 2,400 notes, 1,400 are left.
    assert (levels.count("error"), levels.count("warning"), levels.count("note")) == (
        2_400,
        1_200,
        1_400,
    )
    assert notices(run)[0] == (
        "results-cut",
        "Only the 5000 most severe of 6000 results are listed; the JSON report has them all.",
    )


def test_the_full_profile_keeps_every_result() -> None:
    (run,) = runs(sample.many(6_000), "full").values()

    assert len(run["results"]) == 6_000
    assert notices(run) == []


def test_what_was_not_read_makes_the_execution_unsuccessful_and_is_told() -> None:
    found = runs(sample.report())
    run = found[sample.ACCOUNT]

    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["exitCode"] == 1
    assert run["invocations"][0]["endTimeUtc"] == sample.NOW
    told = notices(run)
    assert (
        "scope-gap",
        "organizations:ListAccounts: throttled (TooManyRequestsException).",
    ) in told
    assert (
        "fact-gap",
        (
            "s3:GetBucketPolicy: permission-denied: 1 fact not known (novalab-logs-archive), "
            "2 verdicts unknown; needs s3:GetBucketPolicy."
        ),
    ) in told
    assert (
        "verdict-unknown",
        (
            "aws-bucket-public-read is undecided for 2 resources "
            "(novalab-docs-preview, novalab-logs-archive)."
        ),
    ) in told
    assert (
        "rule-error",
        (
            "aws-bucket-broken could not be evaluated for 1 resource (novalab-finance-ledger): "
            "no such key: Statuss."
        ),
    ) in told
    assert "s3:ListBuckets" not in str(told)
    assert "s3:ListBuckets in 111122223333: permission-denied" in str(notices(found[sample.SISTER]))


def test_a_gap_of_an_account_that_never_turned_up_is_told_in_every_run() -> None:
    lost = structs.replace(sample.SISTER_DENIED, scope="210987654321")
    report = sample.assemble([], [], gaps=(lost,))

    for run in runs(report).values():
        assert [name for name, _ in notices(run)] == ["scope-gap"]


def test_the_full_profile_tells_unknown_verdicts_as_results_only() -> None:
    told = notices(own(sample.report(), "full"))

    assert "verdict-unknown" not in {name for name, _ in told}
    assert "rule-error" in {name for name, _ in told}


def test_a_complete_run_is_successful_and_has_nothing_to_tell() -> None:
    for run in runs(sample.clean()).values():
        assert run["invocations"][0]["executionSuccessful"] is True
        assert run["invocations"][0]["exitCodeDescription"] == "complete and clean"
        assert notices(run) == []


def test_notifications_point_at_their_descriptor() -> None:
    run = own(sample.report())
    declared = run["tool"]["driver"]["notifications"]

    for notice in run["invocations"][0]["toolExecutionNotifications"]:
        assert declared[notice["descriptor"]["index"]]["id"] == notice["descriptor"]["id"]


def test_severities_become_levels_and_scores() -> None:
    rules = {rule.severity: descriptor(rule) for rule in sample.RULES}

    said = {
        severity: (
            rule["defaultConfiguration"]["level"],
            rule["properties"].get("security-severity"),
        )
        for severity, rule in rules.items()
    }
    assert said == {
        Severity.CRITICAL: ("error", "9.5"),
        Severity.HIGH: ("error", "8.0"),
        Severity.MEDIUM: ("warning", "5.5"),
        Severity.LOW: ("note", "2.0"),
        Severity.INFORMATIONAL: ("note", None),
    }


def test_a_rule_has_tags_precision_aliases_and_help() -> None:
    rule = descriptor(next(r for r in sample.RULES if r.aliases))

    assert rule["name"] == "AwsBucketNoTags"
    assert rule["properties"]["precision"] == "low"
    assert rule["properties"]["tags"] == [
        "security",
        "aws",
        "bucket",
        "cis-aws-7.0",
        "nist-800-53-r5",
    ]
    assert rule["deprecatedIds"] == ("aws-bucket-untagged",)
    assert "```hcl\nresource " in rule["help"]["markdown"]


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("https://docs.example.com/a", True),
        ("Security handbook, page 7", False),
        ("javascript:alert(1)", False),
        ("https://docs.example.com/a b", False),
    ],
)
def test_a_help_uri_is_given_if_it_is_one(reference: str, shown: object) -> None:
    rule = descriptor(structs.replace(sample.RULES[0], references=(reference,)))

    assert rule.get("helpUri") == (reference if shown else None)


def test_the_markdown_of_a_strangers_rule_stays_text() -> None:
    evil = Fix("[x](javascript:alert(1)) <img src=x>", cli="echo\n```\n# out", terraform="")
    rule = descriptor(structs.replace(sample.RULES[0], fix=evil))

    markdown = rule["help"]["markdown"]
    assert r"\[x\](javascript:alert(1)) \<img src=x\>" in markdown
    assert "````sh\necho\n```\n# out\n````" in markdown


def test_a_long_description_is_cut() -> None:
    rule = descriptor(structs.replace(sample.RULES[0], what="[" * 2_000, title="t" * 2_000))

    assert len(rule["fullDescription"]["text"]) <= 1_024
    assert len(rule["shortDescription"]["text"]) == 1_024


def test_azure_gets_its_own_identity_from_the_pipeline() -> None:
    run = runs(sample.report(), "azdo", PIPELINE)[sample.ACCOUNT]

    details = run["automationDetails"]
    assert details["id"] == (
        "azuredevops/pipeline/build/12/3a3a2a60-14c7-570b-14a4-fa42ad92f52a/cachescan/aws/"
        f"{sample.ACCOUNT}/{sample.report().run.id}"
    )
    assert details["properties"] == {
        "azuredevops/pipeline/build/buildDefinitionId": "12",
        "azuredevops/pipeline/build/buildDefinitionName": "nightly/scan",
        "azuredevops/pipeline/build/phaseId": "3a3a2a60-14c7-570b-14a4-fa42ad92f52a",
        "azuredevops/pipeline/build/phaseName": "Job",
    }


def test_outside_a_pipeline_its_variables_mean_nothing() -> None:
    run = runs(sample.report(), "azdo", {**PIPELINE, "TF_BUILD": ""})[sample.ACCOUNT]

    bag = run["automationDetails"]["properties"]
    assert bag["azuredevops/pipeline/build/buildDefinitionId"] == "-1"
    assert bag["azuredevops/pipeline/build/phaseId"].count("-") == 4


def test_a_report_without_a_time_has_no_time() -> None:
    report = sample.report()
    timeless = structs.replace(report, run=structs.replace(report.run, now=""))

    assert "endTimeUtc" not in own(timeless)["invocations"][0]
