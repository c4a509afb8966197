"""Write the generated pages of docs/, or with --check fail if one is not current."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cachescan.api import Judging, Target, build_provider, load_ruleset
from cachescan.cli import COMMANDS, cli
from cachescan.model import Kind, Persona
from cachescan.plugins import PROVIDERS
from cachescan.ruledocs import coverage, index, page
from cachescan.rules import builtin_rules, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
WIDTH = 96


def generated() -> Iterator[tuple[Path, str]]:
    """Yield every generated page and its text."""
    rules = [c.rule for c in load_ruleset(Judging(persona=Persona.AUDITOR), ()).rules]
    titles = {
        path.stem: read_yaml(path)["title"]
        for path in sorted((builtin_rules() / "frameworks").glob("*.yaml"))
    }
    for rule in rules:
        yield DOCS / "rules" / f"{rule.id}.md", page(rule, titles)
    yield DOCS / "rules" / "index.md", index(rules)
    for path in sorted((builtin_rules() / "coverage").glob("*.yaml")):
        yield DOCS / "rules" / f"coverage-{path.stem}.md", _coverage(path)
    for name in PROVIDERS:
        kinds = build_provider(Target(name)).kinds
        yield DOCS / "providers" / f"{name}.md", _provider(name, kinds)
    yield DOCS / "cli.md", _cli()


def _coverage(path: Path) -> str:
    content = read_yaml(path)
    rows = []
    for name, entry in content["checks"].items():
        ids = entry.get("rules", []) if isinstance(entry, dict) else entry
        reason = entry.get("reason", "") if isinstance(entry, dict) else ""
        rows.append((name, [ids] if isinstance(ids, str) else ids, reason))
    return coverage(content["title"], rows)


def _provider(name: str, kinds: tuple[Kind, ...]) -> str:
    lines = [f"# Provider {name}", "", "Generated from the facet tables.", ""]
    for kind in kinds:
        lines += [f"## {kind.name}", ""]
        if kind.call:
            lines += [f"Listed by `{kind.call}` (`{kind.permission}`).", ""]
        if kind.objects_call:
            inside = f"Objects inside by `{kind.objects_call}` (`{kind.objects_permission}`)."
            lines += [inside, ""]
        lines += ["| facet | call | permission | used by the exposure |", "| --- |" + " --- |" * 3]
        for facet in kind.facets:
            used = "yes" if facet.name in kind.exposure else ""
            lines.append(f"| `{facet.name}` | `{facet.call}` | `{facet.permission}` | {used} |")
        lines.append("")
    return "\n".join(lines)


def _cli() -> str:
    parts = ["# Command line", "", "Generated from `--help`.", ""]
    parts += ["```text", _help(cli, "cachescan"), "```", ""]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        if command is not None:
            parts += [f"## {name}", "", "```text", _help(command, f"cachescan {name}"), "```", ""]
    return "\n".join(parts)


def _help(command: click.Command, path: str) -> str:
    context = click.Context(command, info_name=path, max_content_width=WIDTH, terminal_width=WIDTH)
    return command.get_help(context)


def main() -> int:
    """Write or check; return the exit code."""
    stale, pages = [], dict(generated())
    for path, text in pages.items():
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(path)
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    orphans = [p for p in sorted((DOCS / "rules").glob("*.md")) if p not in pages]
    for path in orphans:
        if "--check" not in sys.argv:
            path.unlink()
    changed = [*stale, *orphans]
    for path in changed:
        print(f"{'stale' if '--check' in sys.argv else 'wrote'}: {path.relative_to(ROOT)}")
    return 1 if changed and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
