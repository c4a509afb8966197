"""The public entry points, over the fake as if it were a plug-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml
from tests.support.boxes import NOW, RULES, as_json, estate

import cachescan
from cachescan import plugins
from cachescan.api import (
    Judging,
    Reading,
    Target,
    build_provider,
    collect,
    evaluate,
    load_ruleset,
    scan,
)
from cachescan.errors import ConfigError, CredentialsError, SnapshotError
from cachescan.model import GapReason
from cachescan.snapshot import Header, read
from cachescan.testing.fake import FakeError, FakeProvider

if TYPE_CHECKING:
    from pathlib import Path

    from cachescan.model import ResourceRef

BOXES = estate(2, 4)
BUILT: list[FakeProvider] = []


class Watched(FakeProvider):
    """Remembers that it was built, so that a test can see it closed."""

    def __init__(self, boxes: Any, things: Any = None) -> None:  # noqa: ANN401
        super().__init__(boxes, things)
        BUILT.append(self)


class Locked(FakeProvider):
    """Lets nobody in."""

    name = "locked"

    def scopes(self) -> Any:  # noqa: ANN401
        raise CredentialsError("no key for this one")


def watched(config: dict[str, Any]) -> FakeProvider:
    return Watched(config.get("boxes", {}), config.get("things"))


def locked(_config: dict[str, Any]) -> FakeProvider:
    return Locked({})


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the fake, and one that has no credentials."""
    BUILT.clear()
    own = {**plugins.PROVIDERS, "fake": f"{__name__}:watched", "locked": f"{__name__}:locked"}
    monkeypatch.setattr(plugins, "PROVIDERS", own)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Write the rules about boxes."""
    folder = tmp_path / "pack"
    folder.mkdir()
    for rule in RULES:
        (folder / f"{rule.id}.yaml").write_text(yaml.safe_dump(msgspec.to_builtins(rule)))
    return folder


def judging(pack: Path, **how: Any) -> Judging:  # noqa: ANN401
    return Judging(rules=(pack,), select=("fake-*",), **how)


def reading(**how: Any) -> Reading:  # noqa: ANN401
    return Reading(objects=100, now=NOW, **how)


TARGET = Target("fake", {"boxes": BOXES, "things": {"box-0-0": [[b"draft"]]}})


def test_a_scan_is_collecting_and_judging(pack: Path, tmp_path: Path) -> None:
    """Byte for byte, live and from the snapshot of everything."""
    path = tmp_path / "s.ndjson"

    live = scan([TARGET], judging(pack), reading())
    resources, gaps = collect(TARGET, reading(record=path))
    offline = evaluate([path], judging(pack))

    assert (resources, gaps) == (8, 0)
    assert as_json(offline) == as_json(live)
    assert live.run.now == NOW
    assert live.exit_code == 1


def test_connections_are_closed_however_it_ends(pack: Path) -> None:
    scan([TARGET], judging(pack), reading())
    assert [p.closed for p in BUILT if p.calls] == [True]

    BUILT.clear()
    broken = Target("fake", {"boxes": {"home": CredentialsError("expired")}})
    with pytest.raises(CredentialsError):
        scan([broken], judging(pack), reading())
    assert [p.closed for p in BUILT if p.calls] == [True]


def test_collecting_counts_what_could_not_be_read(tmp_path: Path) -> None:
    boxes: dict[str, Any] = {
        "a": {"one": {"lock": FakeError(GapReason.TIMEOUT), "door": FakeError(GapReason.TIMEOUT)}},
        "b": FakeError(GapReason.PERMISSION_DENIED),
    }

    found = collect(Target("fake", {"boxes": boxes}), reading(record=tmp_path / "s.ndjson"))

    # Two facts, one listing, and the census of what may be open; nothing is in that box.
    assert found == (1, 3)


def test_one_provider_that_lets_nobody_in_does_not_cost_the_others(pack: Path) -> None:
    """It is a gap of the run, beside the findings of the rest."""
    report = scan([Target("locked"), TARGET], judging(pack), reading())

    assert report.run.coverage.resources == 8
    (gap,) = report.run.gaps
    assert (gap.reason, gap.call, gap.detail) == (
        GapReason.UNAUTHENTICATED,
        "locked:scopes",
        "no key for this one",
    )


def test_where_it_is_the_only_one_the_scan_ends(pack: Path) -> None:
    with pytest.raises(CredentialsError, match="no key for this one"):
        scan([Target("locked")], judging(pack), reading())


def test_where_nobody_lets_anybody_in_nothing_was_scanned(pack: Path) -> None:
    report = scan([Target("locked"), Target("locked")], judging(pack), reading())

    assert report.exit_code == 4


def test_one_snapshot_holds_one_provider(pack: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"

    with pytest.raises(ConfigError, match="one snapshot holds one provider"):
        scan([TARGET, TARGET], judging(pack), reading(record=path))

    assert not path.exists()


@pytest.mark.parametrize(
    ("targets", "how"),
    [
        ([Target("mars")], {}),
        ([TARGET], {"select": ("fake-nothing",)}),
        ([TARGET], {"rules": "missing"}),
        ([TARGET], {"suppressions": "missing"}),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_read(
    pack: Path, tmp_path: Path, targets: list[Target], how: dict[str, Any]
) -> None:
    places: dict[str, dict[str, Any]] = {
        "rules": {"rules": (tmp_path / "missing",)},
        "suppressions": {"suppressions": tmp_path / "missing.toml"},
    }
    changes = {
        k: v for name, value in how.items() for k, v in places.get(name, {name: value}).items()
    }

    with pytest.raises(ConfigError):
        scan(targets, msgspec.structs.replace(judging(pack), **changes), reading())

    assert not any(provider.calls for provider in BUILT)


def test_a_scan_goes_on_from_its_snapshot(pack: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"
    whole = scan([TARGET], judging(pack), reading(record=path))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]) + lines[4][:9])
    BUILT.clear()

    with pytest.raises(SnapshotError, match="is there already"):
        scan([TARGET], judging(pack), reading(record=path))
    again = scan([TARGET], judging(pack), reading(record=path, resume=True))

    assert as_json(again) == as_json(whole)
    assert sum(provider.calls["fake:GetLock"] for provider in BUILT) == 5


def test_without_an_hour_given_the_clock_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"

    collect(TARGET, Reading(objects=0, record=path))

    (header,) = (record for record in read(path) if isinstance(record, Header))
    assert header.now > NOW[:4]
    assert header.objects == 0
    assert set(header.demand) == {"fake/box"}


def test_progress_is_told_of_each_resource(pack: Path, tmp_path: Path) -> None:
    class Watcher:
        def __init__(self) -> None:
            self.seen = 0

        def resource(self, ref: ResourceRef) -> None:
            self.seen += ref.kind == "fake/box"

    live, collected, offline = Watcher(), Watcher(), Watcher()
    path = tmp_path / "s.ndjson"
    scan([TARGET], judging(pack), reading(), live)
    collect(TARGET, reading(record=path), collected)
    evaluate([path], judging(pack), offline)

    assert live.seen == collected.seen == offline.seen == 8


def test_rules_may_speak_of_every_kind_that_ships() -> None:
    """Also where another provider is scanned."""
    rules = load_ruleset(Judging(), [FakeProvider({})]).rules

    assert {compiled.rule.kind for compiled in rules} >= {"aws/bucket", "aws/account"}
    assert build_provider(Target("aws")).name == "aws"


def test_everything_that_is_exported_is_there() -> None:
    """Loaded on first use."""
    for name in cachescan.__all__:
        assert getattr(cachescan, name) is not None
    with pytest.raises(AttributeError):
        _ = cachescan.nothing


def test_the_scopes_that_were_looked_into_are_told(pack: Path) -> None:
    report = scan([TARGET], judging(pack), reading())

    assert [scope.id for scope in report.run.scopes] == ["scope-0", "scope-1"]
