"""Options that several commands share, and how they become requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cachescan.config import DEFAULT_OBJECTS
from cachescan.model import PERSONAS, SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from cachescan.api import Judging, Reading

F = TypeVar("F", bound="Callable[..., Any]")

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

AWS = (
    click.option("--profile", help="Profile of the AWS configuration."),
    click.option("--region", help="Region for the first calls; every region is scanned."),
    click.option("--role-arn", help="Role to assume before scanning."),
    click.option("--external-id", help="External id for that role."),
    click.option("--session-name", help="Name of the role's session."),
    click.option(
        "--org-role",
        help="Scan every account of the organization through this role's name.",
    ),
    click.option("--endpoint-url", help="Another endpoint, for S3-compatible stores."),
    click.option(
        "--bucket",
        "buckets",
        multiple=True,
        help="Bucket name or glob to scan; repeatable.",
    ),
    click.option("--exclude", multiple=True, help="Bucket name or glob to leave out; repeatable."),
)

READING = (
    click.option(
        "--objects",
        type=click.IntRange(min=0),
        default=DEFAULT_OBJECTS,
        show_default=True,
        help="Objects to list of each bucket that outsiders reach.",
    ),
    click.option(
        "--record",
        type=_FILE,
        help="Keep a snapshot here (.ndjson or .ndjson.gz).",
    ),
    click.option("--resume", is_flag=True, help="Go on with the snapshot of --record."),
    click.option(
        "--concurrency",
        type=click.IntRange(1, 1024),
        default=128,
        show_default=True,
        help="Resources read at once.",
    ),
    click.option("--now", help="Instant that stands for the clock, RFC 3339."),
)

JUDGING = (
    click.option("--rules", type=_FOLDER, multiple=True, help="Folder of more rules; repeatable."),
    click.option("--rule", "select", multiple=True, help="Rule id or glob to run; repeatable."),
    click.option("--skip-rule", "skip", multiple=True, help="Rule id or glob to leave out."),
    click.option(
        "--persona",
        type=click.Choice([p.value for p in PERSONAS]),
        default="regular",
        show_default=True,
        help="Whose rules: regular, and then pedantic, and then auditor.",
    ),
    click.option("--suppressions", type=_FILE, help="File of accepted findings."),
    click.option(
        "--fail-on",
        type=click.Choice([*(s.value for s in SEVERITIES), "none"]),
        default="high",
        show_default=True,
        help="Least severity that makes the exit code 1.",
    ),
    click.option(
        "--accept-gaps",
        multiple=True,
        metavar="REASON[:FACET]",
        help="Gaps that do not make the run incomplete, such as permission-denied:acl.",
    ),
)

OUTPUT = (
    click.option(
        "-o",
        "--output",
        multiple=True,
        metavar="FORMAT[:OPTION=VALUE]=PATH",
        help="Write a report: text, json, jsonl, sarif; - is stdout; repeatable.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing when complete and clean."),
)


def options(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    """Return a decorator that adds every option of the groups, in their order."""

    def add(function: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return add


def take(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """Remove the named values and return those that were given."""
    found = {name: values.pop(name) for name in names}
    return {name: value for name, value in found.items() if value not in (None, ())}


def judging(values: dict[str, Any]) -> Judging:
    """Remove the judging options from the values and make the request of them."""
    from cachescan.api import Judging
    from cachescan.model import Persona
    from cachescan.report import ExitPolicy, parse_fail_on

    return Judging(
        rules=tuple(values.pop("rules")),
        select=tuple(values.pop("select")),
        skip=tuple(values.pop("skip")),
        persona=Persona(values.pop("persona")),
        suppressions=values.pop("suppressions"),
        policy=ExitPolicy(
            fail_on=parse_fail_on(values.pop("fail_on")),
            accept_gaps=tuple(values.pop("accept_gaps")),
        ),
    )


def reading(values: dict[str, Any]) -> Reading:
    """Remove the reading options from the values and make the request of them."""
    from cachescan.api import Reading
    from cachescan.clock import parse_instant
    from cachescan.engine import Settings

    now = values.pop("now")
    return Reading(
        objects=values.pop("objects"),
        record=values.pop("record"),
        resume=values.pop("resume"),
        now=parse_instant(now) if now else "",
        settings=Settings(concurrency=values.pop("concurrency")),
    )
