"""The demo's server process: what happens when it cannot be installed or started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cachescan.demo import environment, server
from cachescan.errors import CachescanError


def silent(_message: str) -> None:
    return


def test_a_cache_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.touch()

    with pytest.raises(CachescanError, match="cache folder") as caught:
        environment.prepared(silent, cache=taken)

    assert "XDG_CACHE_HOME" in caught.value.hint


def test_a_failed_installation_shows_the_end_of_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nseq 100 >&2\nexit 1\n")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    said: list[str] = []

    with pytest.raises(CachescanError, match="create an environment") as caught:
        environment.prepared(said.append, cache=tmp_path / "cache")

    assert len(said) == 1
    assert str(caught.value).endswith("\n99\n100")
    assert len(str(caught.value).splitlines()) == 1 + environment.TAIL_LINES


def test_an_environment_is_made_once_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def pretend(command: list[str], _purpose: str) -> None:
        commands.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir()

    monkeypatch.setattr(environment, "_run", pretend)
    first = environment.prepared(silent, cache=tmp_path)
    second = environment.prepared(silent, cache=tmp_path)

    assert first == second
    assert [command[2] for command in commands] == ["venv", "pip"]
    assert "--require-hashes" in commands[1]


def test_an_interrupted_installation_starts_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class InterruptedTestError(Exception):
        pass

    def interrupted(command: list[str], _purpose: str) -> None:
        if "pip" in command:
            raise InterruptedTestError
        Path(command[-1]).mkdir()  # fails if the half-made environment is still there

    monkeypatch.setattr(environment, "_run", interrupted)
    for _ in range(2):
        with pytest.raises(InterruptedTestError):
            environment.prepared(silent, cache=tmp_path)


@pytest.mark.parametrize(
    ("given", "used"),
    [("/var/cache/x", "/var/cache/x"), ("relative", "~/.cache"), ("", "~/.cache")],
)
def test_the_cache_folder_follows_the_xdg_specification(
    given: str, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", given)

    assert environment.cache_root() == Path(used).expanduser() / "cachescan"


def test_a_server_that_does_not_start_shows_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    # This interpreter has no ministack: the server's script ends at once, with a traceback.
    monkeypatch.setattr(server, "prepared", lambda *_args, **_more: Path(sys.executable))

    with (
        pytest.raises(CachescanError, match="No module named 'ministack'"),
        server.serving(silent),
    ):
        pytest.fail("the server started without ministack")


def test_the_server_sees_nothing_of_the_users_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of the user")
    admin = server.Credentials(server.ACCOUNT, "secret")

    given = server._environment(tmp_path, 1, admin)

    assert "of the user" not in given.values()
    assert given["AUTH"] == "true"
    assert "secret" not in repr(admin)


def test_requirements_are_pinned_and_hashed_and_name_no_place() -> None:
    text = environment.REQUIREMENTS.read_text()
    pins = [line for line in text.splitlines() if line[:1].isalpha()]

    assert any(pin.startswith("ministack==") for pin in pins)
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text
    assert "--find-links" not in text
