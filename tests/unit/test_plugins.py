"""Plug-ins: ours by name, others by entry point, and a fault of one is told by its name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from cachescan import plugins
from cachescan.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

PROVIDERS = "cachescan.providers"
OWN = {"lock": "cachescan.testing.fake:Lock"}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a distribution with one plug-in that works and two that do not."""
    metadata = tmp_path / "example_plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: example-plugin\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text(
        f"[{PROVIDERS}]\n"
        "works = example_plugin_module:factory\n"
        "gone = example_plugin_missing:factory\n"
        "hollow = example_plugin_module:nothing\n"
        "lock = example_plugin_module:nothing\n"
    )
    (tmp_path / "example_plugin_module.py").write_text("def factory(config): return config\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_our_own_are_built_without_looking_at_what_is_installed(installed: Path) -> None:
    """And another package cannot take the name of one of ours."""
    build = plugins.factory(PROVIDERS, OWN, "lock")

    assert build.__module__ == "cachescan.testing.fake"
    assert str(installed) in sys.path


def test_a_plug_in_of_others_is_found_by_its_entry_point(installed: Path) -> None:
    build = plugins.factory(PROVIDERS, OWN, "works")

    assert build({"a": 1}) == {"a": 1}
    assert str(installed) in sys.path


@pytest.mark.parametrize(
    ("name", "value"),
    [("gone", "example_plugin_missing:factory"), ("hollow", "example_plugin_module:nothing")],
)
@pytest.mark.usefixtures("installed")
def test_a_plug_in_that_does_not_load_is_told_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"the plug-in {value}") as caught:
        plugins.factory(PROVIDERS, OWN, name)

    assert caught.value.hint


@pytest.mark.usefixtures("installed")
def test_an_unknown_name_gets_the_nearest_one_or_all_there_are() -> None:
    with pytest.raises(ConfigError, match="there is no provider called 'wrks'") as near:
        plugins.factory(PROVIDERS, OWN, "wrks")
    with pytest.raises(ConfigError, match="there is no provider called 'zzz'") as far:
        plugins.factory(PROVIDERS, OWN, "zzz")

    assert near.value.hint == "did you mean 'works'?"
    assert "lock" in far.value.hint
    assert "works" in far.value.hint


@pytest.mark.parametrize(
    ("group", "own"),
    [(PROVIDERS, plugins.PROVIDERS), ("cachescan.reporters", plugins.REPORTERS)],
)
def test_everything_that_is_named_can_be_built(group: str, own: dict[str, str]) -> None:
    for name in own:
        assert plugins.factory(group, own, name)({}).name == name
