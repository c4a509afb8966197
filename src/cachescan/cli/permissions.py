"""``cachescan permissions``: the least that a scan needs."""

from __future__ import annotations

from typing import Any

import click


@click.command("permissions")
@click.argument("provider")
@click.pass_obj
def command(streams: dict[str, Any], provider: str) -> int:
    """Print the least-privilege policy that a full scan of PROVIDER needs.

    It is generated from the table of calls that the scanner makes.
    """
    from cachescan.api import Target, build_provider

    streams["stdout"].write(build_provider(Target(provider)).permissions().encode())
    return 0
