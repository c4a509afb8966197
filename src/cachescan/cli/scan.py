"""``cachescan scan``: what a configuration file names, for cron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from cachescan.api import Judging, Reading, Target
    from cachescan.config import Config


@click.command("scan")
@click.option("-c", "--config", metavar="FILE", help="cachescan.toml, or pyproject.toml.")
@click.option("--resume", is_flag=True, help="Go on with the configured snapshot.")
@click.option("--now", help="Instant that stands for the clock, RFC 3339.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing when complete and clean.")
@click.pass_obj
def command(
    streams: dict[str, Any], config: str | None, now: str | None, *, resume: bool, quiet: bool
) -> int:
    """Scan every [[provider]] of a configuration file with its rules and outputs.

    Without -c: $CACHESCAN_CONFIG, ./cachescan.toml, ./pyproject.toml [tool.cachescan], then the
    user's own configuration folder.
    """
    from cachescan.api import scan
    from cachescan.cli._run import judge_and_report
    from cachescan.config import find_config, load_config

    path = find_config(config)
    settings = load_config(path)
    targets, what, how = _requests(settings, path.parent, now, resume=resume)
    return judge_and_report(
        streams,
        settings.output,
        lambda progress: scan(targets, what, how, progress),
        quiet=quiet,
    )


def _requests(
    config: Config, base: Path, now: str | None, *, resume: bool
) -> tuple[list[Target], Judging, Reading]:
    from cachescan.api import Judging, Reading, Target
    from cachescan.clock import parse_instant
    from cachescan.report import ExitPolicy, parse_fail_on

    targets = [
        Target(entry["name"], {k: v for k, v in entry.items() if k != "name"})
        for entry in config.provider
    ]
    what = Judging(
        rules=tuple(base / folder for folder in config.rules),
        select=config.select,
        skip=config.skip,
        persona=config.persona,
        suppressions=base / config.suppressions if config.suppressions else None,
        policy=ExitPolicy(parse_fail_on(config.fail_on), config.accept_gaps),
    )
    how = Reading(
        objects=config.objects,
        record=base / config.record if config.record else None,
        resume=resume,
        now=parse_instant(now) if now else "",
    )
    return targets, what, how
