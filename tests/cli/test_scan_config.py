"""``cachescan scan -c``: a configuration file against an emulator."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from tests.support import moto_estate

from cachescan.cli import main
from cachescan.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    with moto_estate.moto() as endpoint:
        moto_estate.fill(endpoint)
        yield endpoint


@pytest.fixture(autouse=True)
def _environment(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in moto_estate.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud)


def scan(path: Path, *args: str) -> tuple[int, str, str]:
    out, err = io.BytesIO(), io.StringIO()
    code = main(["scan", "-c", str(path), *args], out, err)
    return code, out.getvalue().decode(), err.getvalue()


def config(folder: Path, text: str) -> Path:
    path = folder / "cachescan.toml"
    path.write_text(text, "utf-8")
    return path


def test_every_provider_is_scanned_with_the_files_rules_and_outputs(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    path = config(
        tmp_path,
        f"""
        select = ["aws-bucket-versioning-off"]
        fail_on = "none"
        output = ["json={report}"]

        [[provider]]
        name = "aws"
        buckets = ["locked"]

        [[provider]]
        name = "aws"
        buckets = ["legacy"]
        """,
    )

    code, text, _ = scan(path)

    assert code == ExitCode.CLEAN
    assert "Versioning" in text
    assert {r["name"] for r in json.loads(report.read_text())["resources"]} == {"locked", "legacy"}


def test_quiet_says_nothing_when_complete_and_clean(tmp_path: Path) -> None:
    text = 'select = ["aws-bucket-versioning-off"]\n[[provider]]\nname = "aws"\nbuckets = ["{}"]\n'

    clean = scan(config(tmp_path, text.format("locked")), "--quiet")
    worse = scan(config(tmp_path, 'fail_on = "low"\n' + text.format("legacy")), "--quiet")

    assert clean == (ExitCode.CLEAN, "", "")
    assert worse[0] == ExitCode.FINDINGS
    assert "legacy" in worse[1]


def test_accepted_findings_do_not_fail_the_run(tmp_path: Path) -> None:
    (tmp_path / "accepted.toml").write_text(
        '[[suppress]]\nrule = "aws-bucket-versioning-off"\nresource = "legacy"\n'
        'reason = "a scratch bucket"\nexpires = "2099-01-01"\n',
        "utf-8",
    )
    path = config(
        tmp_path,
        'select = ["aws-bucket-versioning-off"]\nfail_on = "low"\nsuppressions = "accepted.toml"\n'
        '[[provider]]\nname = "aws"\nbuckets = ["legacy"]\n',
    )

    code, text, _ = scan(path)

    assert code == ExitCode.CLEAN
    assert "a scratch bucket" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('persona = "regular"\n', "no [[provider]]"),
        ('[[provider]]\nprofile = "x"\n', "has no name"),
        ('[[provider]]\nname = "aws"\nregoin = "x"\n', "region"),
        ('selcet = []\n[[provider]]\nname = "aws"\n', "did you mean 'select'?"),
        ('fail_on = "hihg"\n[[provider]]\nname = "aws"\n', "is not a severity"),
        ('[[provider]]\nname = "asw"\n', "did you mean 'aws'?"),
        ("[[provider]\n", "not readable as TOML"),
        ('rules = ["nowhere"]\n[[provider]]\nname = "aws"\n', "no such folder of rules"),
    ],
)
def test_a_fault_in_the_file_is_said_before_anything_is_read(
    tmp_path: Path, text: str, said: str
) -> None:
    code, out, err = scan(config(tmp_path, text))

    assert code == ExitCode.USAGE
    assert said in err
    assert out == ""


def test_a_provider_that_lets_nobody_in_does_not_keep_the_others_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    credentials = tmp_path / "credentials"
    credentials.write_text(
        "[good]\naws_access_key_id = test\naws_secret_access_key = test\n[none]\n", "utf-8"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    path = config(
        tmp_path,
        'select = ["aws-bucket-versioning-off"]\nfail_on = "none"\n'
        '[[provider]]\nname = "aws"\nprofile = "none"\n'
        '[[provider]]\nname = "aws"\nprofile = "good"\nbuckets = ["locked"]\n',
    )

    code, text, _ = scan(path)

    assert code == ExitCode.INCOMPLETE
    assert "unauthenticated" in text
    assert "no AWS credentials" in text
