"""The configuration of a scheduled scan: found where people look, refused where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachescan.config import Config, find_config, load_config
from cachescan.errors import ConfigError
from cachescan.model import Persona

MINIMAL = '[[provider]]\nname = "aws"\n'


def write(path: Path, text: str = MINIMAL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with an empty home."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("CACHESCAN_CONFIG", raising=False)
    return tmp_path


def test_what_is_not_said_has_its_default(nowhere: Path) -> None:
    config = load_config(write(nowhere / "c.toml"))

    assert config == Config(provider=({"name": "aws"},))
    assert (config.persona, config.fail_on, config.objects) == (Persona.REGULAR, "high", 10_000)


def test_everything_can_be_said(nowhere: Path) -> None:
    text = """
        rules = ["packs"]
        select = ["aws-*"]
        skip = ["aws-bucket-x"]
        persona = "auditor"
        objects = 5
        fail_on = "none"
        accept_gaps = ["permission-denied:acl"]
        suppressions = "accepted.toml"
        output = ["sarif=x.sarif"]
        record = "s.ndjson.gz"
        [[provider]]
        name = "aws"
        org_role = "audit"
        [[provider]]
        name = "aws"
    """

    config = load_config(write(nowhere / "c.toml", text))

    assert config.provider == ({"name": "aws", "org_role": "audit"}, {"name": "aws"})
    assert (config.rules, config.skip, config.record) == (
        ("packs",),
        ("aws-bucket-x",),
        "s.ndjson.gz",
    )


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("selct = []\n" + MINIMAL, "unknown field `selct`", "did you mean 'select'?"),
        ("zzz = 1\n" + MINIMAL, "unknown field `zzz`", ""),
        ('select = "aws-*"\n' + MINIMAL, "Expected `array`", ""),
        ('persona = "root"\n' + MINIMAL, "Invalid enum value", ""),
        ("objects = true\n" + MINIMAL, "Expected `int`", ""),
        ("", "no [[provider]]", 'add [[provider]] with name = "aws"'),
        ("provider = []", "no [[provider]]", 'add [[provider]] with name = "aws"'),
        ("[[provider]]\nregion = 'x'", "has no name", ""),
        ("[[provider]]\nname = 7", "has no name", ""),
        ("[provider]\nname = 'aws'", "Expected `array`", ""),
        ("[[provider", "not readable as TOML", ""),
    ],
)
def test_a_fault_is_refused_with_the_nearest_key(
    nowhere: Path, text: str, said: str, hint: str
) -> None:
    path = write(nowhere / "c.toml", text)

    with pytest.raises(ConfigError) as caught:
        load_config(path)

    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    if hint:
        assert caught.value.hint == hint


def test_bytes_that_are_no_text_are_refused(nowhere: Path) -> None:
    path = nowhere / "c.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="not readable as TOML"):
        load_config(path)


def test_a_project_file_keeps_its_settings_under_tool(nowhere: Path) -> None:
    path = write(nowhere / "pyproject.toml", '[tool.cachescan]\nprovider = [{name = "aws"}]')

    assert load_config(path) == Config(provider=({"name": "aws"},))


@pytest.mark.parametrize("text", ['tool = "x"', "[tool.other]", ""])
def test_a_project_file_without_settings_is_none(nowhere: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"no \[\[provider\]\]"):
        load_config(write(nowhere / "pyproject.toml", text))


def test_the_first_file_found_is_used(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one named, the environment's, this folder's, the project's, the user's."""
    with pytest.raises(ConfigError, match="no configuration found"):
        find_config(None)

    user = write(nowhere / "home/.config/cachescan/config.toml")
    assert find_config(None) == user
    moved = write(nowhere / "xdg/cachescan/config.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(nowhere / "xdg"))
    assert find_config(None) == moved
    write(Path("pyproject.toml"), "[tool.other]")
    assert find_config(None) == moved
    write(Path("pyproject.toml"), "[tool.cachescan]")
    assert find_config(None) == Path("pyproject.toml")
    write(Path("cachescan.toml"))
    assert find_config(None) == Path("cachescan.toml")
    other = write(nowhere / "other.toml")
    monkeypatch.setenv("CACHESCAN_CONFIG", str(other))
    assert find_config(None) == other
    named = write(nowhere / "named.toml")
    assert find_config(str(named)) == named


def test_a_file_that_was_named_and_is_not_there_is_refused(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one found further on would be a scan that nobody asked for."""
    write(Path("cachescan.toml"))

    with pytest.raises(ConfigError, match=r"no such configuration file: gone\.toml"):
        find_config("gone.toml")
    monkeypatch.setenv("CACHESCAN_CONFIG", str(nowhere))
    with pytest.raises(ConfigError, match="no such configuration file"):
        find_config(None)
