"""The policy that ``cachescan permissions aws`` prints is valid, and gives nothing but reading."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

from cachescan.cli import main
from cachescan.providers.aws.kinds import KINDS
from cachescan.providers.aws.permissions import ORGANIZATION

PARLIAMENT = Path(sys.executable).with_name("parliament")


def printed() -> str:
    out = io.BytesIO()
    assert main(["permissions", "aws"], out, io.StringIO()) == 0
    return out.getvalue().decode()


def actions() -> set[str]:
    return {a for statement in json.loads(printed())["Statement"] for a in statement["Action"]}


def test_it_holds_what_the_facet_tables_need_and_no_more() -> None:
    needed = {facet.permission for kind in KINDS for facet in kind.facets}
    needed |= {p for kind in KINDS for p in (kind.permission, kind.objects_permission) if p}

    assert actions() == needed | set(ORGANIZATION)


def test_parliament_finds_nothing_wrong_with_it() -> None:
    # A process of its own: importing parliament leaves files open.
    checked = subprocess.run(
        [PARLIAMENT, "--string", printed()],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr


def test_every_action_is_of_level_list_or_read() -> None:
    spec = importlib.util.find_spec("parliament")
    assert spec is not None
    assert spec.origin is not None
    services = json.loads(Path(spec.origin).with_name("iam_definition.json").read_text("utf-8"))
    levels = {
        f"{service['prefix']}:{privilege['privilege']}": privilege["access_level"]
        for service in services
        for privilege in service["privileges"]
    }

    assert {levels[action] for action in actions()} == {"List", "Read"}
