"""``cachescan aws``: the ad hoc scan."""

from __future__ import annotations

from typing import Any

import click

from cachescan.cli._options import AWS, JUDGING, OUTPUT, READING, judging, options, reading, take

NAMES = (
    "profile",
    "region",
    "role_arn",
    "external_id",
    "session_name",
    "org_role",
    "endpoint_url",
    "buckets",
    "exclude",
)


@click.command("aws")
@options(AWS, READING, JUDGING, OUTPUT)
@click.pass_obj
def command(streams: dict[str, Any], /, **values: Any) -> int:  # noqa: ANN401 (click's values)
    """Scan AWS with the credentials at hand, in every region.

    \b
    cachescan aws
    cachescan aws --profile audit -o sarif=cachescan.sarif -o json=cachescan.json
    cachescan aws --bucket 'cms-*' --rule 'aws-bucket-public-*'
    """
    from cachescan.api import Target, scan
    from cachescan.cli._run import judge_and_report

    target = Target("aws", take(values, *NAMES))
    how, what = reading(values), judging(values)
    return judge_and_report(
        streams,
        values["output"],
        lambda progress: scan((target,), what, how, progress),
        quiet=values["quiet"],
    )
