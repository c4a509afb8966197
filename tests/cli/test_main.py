"""The command line as such: help, mistakes, and how every kind of ending is told."""

from __future__ import annotations

import errno
import io
from typing import TYPE_CHECKING

import pytest
from tests.support.buckets import bucket
from tests.support.terminal import run, snapshot

import cachescan
from cachescan.cli import COMMANDS, main
from cachescan.errors import (
    ConfigError,
    CredentialsError,
    ExitCode,
    OutputError,
    SnapshotError,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return snapshot(tmp_path / "s.ndjson", bucket(status=False))


# --- help ---------------------------------------------------------------------------------------


def help_of(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert run(*args, "--help").code == ExitCode.CLEAN
    return capsys.readouterr().out


def test_the_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys)

    for command, line in COMMANDS.items():
        assert command in text
        assert line.split(".")[0][:30] in text
    for code in (0, 1, 2, 3, 4, 5, 70):
        assert f"{code} " in text.partition("Exit codes:")[2]
    assert "\\b" not in text


@pytest.mark.parametrize(
    "command", [*COMMANDS, "collect aws", "rules list", "rules show", "rules test"]
)
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str) -> None:
    text = help_of(capsys, *command.split())

    assert text.startswith(f"Usage: cachescan {command}")
    assert "\\b" not in text


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version").code == ExitCode.CLEAN
    assert capsys.readouterr().out == f"cachescan, version {cachescan.__version__}\n"


@pytest.mark.parametrize("args", [(), ("collect",), ("rules",)])
def test_a_group_without_a_command_shows_its_help(args: tuple[str, ...]) -> None:
    """As lines, not as one escaped string; and it is a mistake."""
    outcome = run(*args)

    assert outcome.code == ExitCode.USAGE
    assert "Commands:\n" in outcome.err
    assert "\\x0a" not in outcome.err


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("evalute",), "No such command 'evalute'"),
        (("--colour",), "No such option"),
        (("aws", "--buckt", "x"), "No such option"),
        (("aws", "--objects", "many"), "is not a valid integer"),
        (("aws", "--objects", "-1"), "-1"),
        (("aws", "--concurrency", "0"), "0"),
        (("aws", "--now", "yesterday"), "is not an instant"),
        (("collect", "aws"), "--record is missing"),
        (("collect", "mars"), "No such command 'mars'"),
        (("permissions", "mars"), "no provider called 'mars'"),
        (("rules", "show", "aws-bucket-pubic-read"), "did you mean 'aws-bucket-public-read'?"),
        (("rules", "test", "/nonexistent"), "/nonexistent"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(args: tuple[str, ...], said: str) -> None:
    outcome = run(*args)

    assert outcome.code == ExitCode.USAGE
    assert said in outcome.err
    assert outcome.err.startswith("cachescan: ")
    assert outcome.out == b""


def test_what_the_user_typed_is_shown_with_its_control_characters_visible() -> None:
    outcome = run("evaluate", "/nonexistent\x1b[2J\u202e\nx")

    assert outcome.code == ExitCode.USAGE
    assert "\x1b" not in outcome.err
    assert "\u202e" not in outcome.err
    assert outcome.err.count("\n") == 1


# --- endings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("odd", hint="mend it"), ExitCode.USAGE, "cachescan: odd\n  mend it\n"),
        (SnapshotError("odd"), ExitCode.USAGE, "cachescan: odd\n"),
        (CredentialsError("no key"), ExitCode.NOTHING_SCANNED, "cachescan: no key\n"),
        (OutputError("full"), ExitCode.OUTPUT_FAILED, "cachescan: full\n"),
        (OSError(errno.ENOSPC, "No space left"), ExitCode.OUTPUT_FAILED, "No space left"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "cachescan: interrupted"),
        (BrokenPipeError(), ExitCode.CLEAN, ""),
        (RuntimeError("odd"), ExitCode.INTERNAL, "internal error: RuntimeError: odd"),
        (OSError(errno.EIO, "odd"), ExitCode.INTERNAL, "internal error: OSError"),
        (RecursionError("deep"), ExitCode.INTERNAL, "internal error: RecursionError"),
    ],
)
def test_every_ending_has_its_code_and_no_traceback(
    made: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def fail(*_args: object) -> None:
        raise error

    monkeypatch.delenv("CACHESCAN_DEBUG", raising=False)
    monkeypatch.setattr("cachescan.api.evaluate", fail)
    outcome = run("evaluate", made)

    assert outcome.code == code
    assert said in outcome.err
    assert "Traceback" not in outcome.err
    assert bool(outcome.err) == bool(said)


def test_the_trace_of_a_fault_of_ours_is_shown_on_demand(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("cachescan.api.evaluate", fail)
    monkeypatch.setenv("CACHESCAN_DEBUG", "1")

    assert "Traceback" in run("evaluate", made).err


def test_an_interrupt_says_how_to_go_on(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cachescan.api.evaluate", fail)

    assert "--resume" in run("evaluate", made).err


class Gone(io.BytesIO):
    """Standard output whose reader has left."""

    def flush(self) -> None:
        raise BrokenPipeError


def test_a_reader_that_leaves_does_not_change_what_was_found(made: Path, tmp_path: Path) -> None:
    """The code is the report's, the other reports are there, and nobody is told anything."""
    path, err = tmp_path / "report.json", io.StringIO()
    args = ["evaluate", str(made), "--rule", "aws-bucket-versioning-off"]
    expected = run(*args)

    code = main([*args, "-o", "json=-", "-o", f"json={path}"], Gone(), err)

    assert code == expected.code
    assert err.getvalue() == ""
    assert path.stat().st_size > 0


def test_options_come_from_the_environment_as_well(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For cron and CI; the command line comes first."""
    monkeypatch.setenv("CACHESCAN_EVALUATE_OUTPUT", "json=-")

    assert run("evaluate", made, "--rule", "aws-bucket-public-read").json["run"]["rules"] == 1


# --- rules and permissions ----------------------------------------------------------------------


def test_rules_are_listed_shown_and_tested() -> None:
    listed = run("rules", "list")
    shown = run("rules", "show", "aws-bucket-public-read")

    assert listed.code == shown.code == ExitCode.CLEAN
    ids = [line.split()[0] for line in listed.out.decode().splitlines()]
    assert ids == sorted(ids)
    assert "aws-bucket-public-read" in ids
    assert b"aws-bucket-public-read" in shown.out


def test_a_rule_pack_without_cases_does_not_pass_its_test(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "id: example-bucket-named\ntitle: x\nkind: aws/bucket\nseverity: low\nfail: name != ''\n"
        "message: x\nwhat: x\nwhy: x\nfix: {text: x}\nstatus: {stable: '0.1'}\n"
    )

    outcome = run("rules", "test", tmp_path)

    assert outcome.code == 1
    assert b"there is no mine.test.yaml" in outcome.out
    assert b"1 rules, 0 cases, 1 faults" in outcome.out


def test_the_permissions_of_a_provider_are_printed() -> None:
    outcome = run("permissions", "aws")

    assert outcome.code == ExitCode.CLEAN
    assert outcome.json["Statement"]
