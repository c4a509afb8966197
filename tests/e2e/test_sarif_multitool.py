"""SARIF held against the published schema and Microsoft's validator, hostile names included.

Traps of the validator: its npm shim splits options at the semicolon; it exits with 0 whatever it
finds; it skips files over a size and says so only in its count; most of what GitHub demands is off
unless a configuration turns it on.
"""

from __future__ import annotations

import io
import json
import os
import re
import stat
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from tests.unit.reporters import sample

from cachescan.reporters.sarif import SarifReporter
from cachescan.reporters.sarif.profiles import PROFILES

if TYPE_CHECKING:
    from cachescan.model import Report

pytestmark = pytest.mark.e2e

NODE_MODULES = Path(__file__).parents[2] / ".e2e" / "node_modules"
PACKAGE = Path("@microsoft", "sarif-multitool-linux")
# GH1001 crashes, and GH1004 checks limits that GitHub gave up; all others are turned on.
GITHUB_RULES = (
    "GH1002.InlineThreadFlowLocations",
    "GH1003.ProvideRequiredRegionProperties",
    "GH1005.LocationsMustBeRelativeUrisOrFilePaths",
    "GH1006.ProvideCheckoutPath",
    "GH1007.ProvideFullyFormattedMessageStrings",
    "GH1011.GhasReferenceFinalSchema",
    "GH1013.GhProvideRequiredSarifLogProperties",
    "GH1014.GhasProvideRequiredRunProperties",
    "GH1015.GhasProvideRequiredResultProperties",
    "GH1016.GhasProvideRequiredLocationProperties",
    "GH1017.GhasProvideRequiredPhysicalLocationProperties",
    "GH1018.GhasProvideToolDriver",
    "GH2012.GhasProvideRequiredReportingDescriptorProperties",
)
PIPELINE = {
    "TF_BUILD": "True",
    "SYSTEM_DEFINITIONID": "12",
    "BUILD_DEFINITIONNAME": "nightly/scan",
    "SYSTEM_PHASEID": "3a3a2a60-14c7-570b-14a4-fa42ad92f52a",
    "SYSTEM_PHASENAME": "Job",
}


def reports() -> dict[str, Report]:
    every = " ".join(sample.HOSTILE)
    found = {"sample": sample.report(), "clean": sample.clean(), "accounts": sample.many(60, 20)}
    hostile = {f"hostile-{n:02}": sample.hostile(t) for n, t in enumerate((*sample.HOSTILE, every))}
    return {**found, **hostile}


def written(report: Report, profile: str, environment: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    SarifReporter(PROFILES[profile], environment or {}).write(report, out)
    return out.getvalue()


@pytest.fixture(scope="module")
def package() -> Path:
    """Return the unpacked npm package."""
    root = Path(os.environ.get("CACHESCAN_E2E_NODE") or NODE_MODULES) / PACKAGE
    if not root.is_dir():
        pytest.fail(f"no {PACKAGE} in {root.parents[1]}: `make e2e` installs it")
    return root


@pytest.fixture(scope="module")
def multitool(package: Path) -> Path:
    """Return the program; npm may have been told not to run the script that makes it one."""
    program = package / "Sarif.Multitool"
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def errors(multitool: Path, folder: Path, rules: str) -> list[str]:
    """Validate every log of a folder; return the errors, each with its rule and file."""
    config, said = folder / "config.json", folder / "said.json"
    enabled = {f"{rule}.Options": {"RuleEnabled": "Error"} for rule in GITHUB_RULES}
    config.write_text(json.dumps(enabled), "utf-8")
    logs = sorted(folder.glob("*.sarif"))
    done = subprocess.run(
        [
            *(multitool, "validate", *logs, "--config", config, "--rule-kind", rules),
            *("--level", "Error", "--max-file-size-in-kb", "200000"),
            *("--output", said, "--log", "ForceOverwrite"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    scanned = re.search(r"(\d+) files? scanned", done.stdout)
    assert scanned is not None, done.stdout
    assert int(scanned[1]) == len(logs)
    (run,) = json.loads(said.read_text("utf-8-sig"))["runs"]
    return [_error(result) for result in run.get("results", []) if result["level"] == "error"]


def _error(result: dict[str, Any]) -> str:
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    arguments = " ".join(result["message"].get("arguments", ()))
    return f"{result['ruleId']} {place.rpartition('/')[2]}: {arguments}"


@pytest.mark.parametrize("profile", list(PROFILES))
def test_every_log_conforms_to_the_schema(package: Path, profile: str) -> None:
    schema = json.loads((package / "sarif-2.1.0.json").read_text("utf-8-sig"))
    kind = jsonschema.validators.validator_for(schema)
    validator = kind(schema, format_checker=kind.FORMAT_CHECKER)

    found = Counter(
        f"{name}: {error.json_path}: {error.message[:200]}"
        for name, report in reports().items()
        for error in validator.iter_errors(json.loads(written(report, profile)))
    )

    assert found == Counter()


def test_the_schema_is_checked_with_its_formats(package: Path) -> None:
    schema = json.loads((package / "sarif-2.1.0.json").read_text("utf-8-sig"))
    kind = jsonschema.validators.validator_for(schema)
    log = json.loads(written(sample.report(), "github"))
    place = log["runs"][1]["results"][0]["locations"][0]["physicalLocation"]
    place["artifactLocation"]["uri"] = "cloud/a b<"

    found = list(kind(schema, format_checker=kind.FORMAT_CHECKER).iter_errors(log))

    assert [error.validator for error in found] == ["format"]


@pytest.mark.parametrize(
    ("profile", "rules", "environment"),
    [
        ("github", "Sarif;Ghas", {}),
        ("full", "Sarif;Ghas", {}),
        ("azdo", "Sarif;Ghas;GHAzDO", {}),
        ("azdo", "Sarif;Ghas;GHAzDO", PIPELINE),
    ],
    ids=["github", "full", "azdo", "azdo in a pipeline"],
)
def test_the_validator_finds_no_error(
    multitool: Path, tmp_path: Path, profile: str, rules: str, environment: dict[str, str]
) -> None:
    for name, report in reports().items():
        (tmp_path / f"{name}.sarif").write_bytes(written(report, profile, environment))

    assert errors(multitool, tmp_path, rules) == []


def test_the_validator_finds_a_bad_log(multitool: Path, tmp_path: Path) -> None:
    log = json.loads(written(sample.report(), "github"))
    first, second = log["runs"][1]["results"][:2]
    place = first["locations"][0]["physicalLocation"]
    place["artifactLocation"]["uri"] = "arn:aws:s3:::b"
    second["locations"] = []
    (tmp_path / "bad.sarif").write_text(json.dumps(log), "utf-8")

    found = {error.split()[0] for error in errors(multitool, tmp_path, "Sarif;Ghas")}

    assert {"GH1005", "GH1015"} <= found
