"""``cachescan.toml``: what a scheduled scan looks at, with which rules, and where reports go."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from cachescan.errors import ConfigError
from cachescan.model import Persona, Severity

DEFAULT_OBJECTS = 10_000


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a scan; the command line's flags come before the file's.

    Attributes:
        provider: one table per provider to scan: ``name`` and that provider's own settings.
        rules: folders of further rules.
        select: rule ids or globs to keep; empty keeps all.
        skip: rule ids or globs to leave out.
        persona: regular, pedantic or auditor.
        objects: how many objects to list of each resource that outsiders reach.
        fail_on: least severity that makes the exit code 1, or ``none``.
        accept_gaps: ``reason`` or ``reason:facet`` that do not make a run incomplete.
        suppressions: file of accepted findings.
        output: ``format=path`` entries.
        record: snapshot file to keep, ``.ndjson`` or ``.ndjson.gz``.
    """

    provider: tuple[dict[str, Any], ...] = ()
    rules: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    persona: Persona = Persona.REGULAR
    objects: int = DEFAULT_OBJECTS
    fail_on: str = Severity.HIGH.value
    accept_gaps: tuple[str, ...] = ()
    suppressions: str = ""
    output: tuple[str, ...] = field(default_factory=tuple)
    record: str = ""


def find_config(given: str | None) -> Path:
    """Return the configuration file to use: the one named, else the first of the usual places.

    Raises:
        ConfigError: the one named is not there, or there is none at all.
    """
    named = given or os.environ.get("CACHESCAN_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            message = f"no such configuration file: {path}"
            raise ConfigError(message)
        return path
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for path in (Path("cachescan.toml"), Path("pyproject.toml"), base / "cachescan/config.toml"):
        if path.is_file() and (path.name != "pyproject.toml" or "cachescan" in _tool(path)):
            return path
    message = "no configuration found"
    raise ConfigError(message, hint="name one with -c, or write cachescan.toml")


def load_config(path: Path) -> Config:
    """Read and check a configuration; paths in it are relative to its folder.

    Raises:
        ConfigError: unreadable, an unknown key (with a suggestion), or a value that cannot be.
    """
    content = _tool(path).get("cachescan", {}) if path.name == "pyproject.toml" else _toml(path)
    try:
        config = msgspec.convert(content, Config)
    except msgspec.ValidationError as error:
        message = f"{path}: {error}"
        raise ConfigError(message, hint=_hint(str(error))) from error
    if not config.provider:
        message = f"{path}: no [[provider]] to scan"
        raise ConfigError(message, hint='add [[provider]] with name = "aws"')
    for entry in config.provider:
        if not isinstance(entry.get("name"), str):
            message = f'{path}: a [[provider]] has no name; write name = "aws"'
            raise ConfigError(message)
    return config


def _tool(path: Path) -> dict[str, Any]:
    tool = _toml(path).get("tool", {})
    return tool if isinstance(tool, dict) else {}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not readable as TOML"
        raise ConfigError(message, hint=str(error)) from error


def _hint(error: str) -> str:
    unknown = re.search(r"unknown field `(\w+)`", error)
    near = difflib.get_close_matches(unknown[1], Config.__struct_fields__, 1) if unknown else []
    return f"did you mean {near[0]!r}?" if near else ""
