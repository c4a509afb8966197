"""``cachescan rules``: list, show and test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("rules")
def command() -> None:
    """List, show and test rules."""


@command.command("list")
@click.option("--rules", "folders", type=_FOLDER, multiple=True, help="Folder of more rules.")
@click.pass_obj
def list_(streams: dict[str, Any], folders: tuple[Path, ...]) -> int:
    """List every rule: id, severity, persona, title."""
    for compiled in _load(folders).rules:
        rule = compiled.rule
        line = f"{rule.id:<52} {rule.severity:<13} {rule.persona:<9} {rule.title}\n"
        streams["stdout"].write(line.encode())
    return 0


@command.command("show")
@click.argument("rule_id", metavar="RULE")
@click.option("--rules", "folders", type=_FOLDER, multiple=True, help="Folder of more rules.")
@click.pass_obj
def show(streams: dict[str, Any], rule_id: str, folders: tuple[Path, ...]) -> int:
    """Show one rule: what it says, why, and how to mend it."""
    from cachescan.ruledocs import page

    for compiled in _load(folders, (rule_id,)).rules:
        streams["stdout"].write(page(compiled.rule).encode())
    return 0


@command.command("test")
@click.argument("folders", type=_FOLDER, nargs=-1, metavar="[FOLDER]...")
@click.pass_obj
def test(streams: dict[str, Any], folders: tuple[Path, ...]) -> int:
    """Judge every case beside every rule; without a FOLDER, of the rules that ship."""
    from cachescan.rules import builtin_rules
    from cachescan.testing import check_folder

    faults: list[str] = []
    cases = rules = 0
    for folder in folders or (builtin_rules(),):
        for result in check_folder(folder):
            rules, cases = rules + 1, cases + result.cases
            faults += result.complaints
    for fault in faults:
        streams["stdout"].write(f"{fault}\n".encode())
    streams["stdout"].write(f"{rules} rules, {cases} cases, {len(faults)} faults\n".encode())
    return 1 if faults else 0


def _load(folders: tuple[Path, ...], select: tuple[str, ...] = ()) -> Any:  # noqa: ANN401
    from cachescan.api import Judging, load_ruleset
    from cachescan.model import Persona

    return load_ruleset(Judging(rules=folders, select=select, persona=Persona.AUDITOR), ())
