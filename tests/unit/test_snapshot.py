"""The snapshot: what was written is read back, and whatever was lost or changed is told."""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
import subprocess
import sys
from typing import IO, TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.boxes import NOW, box, ref

from cachescan.errors import SnapshotError
from cachescan.model import Census, Gap, GapReason, Hit, Resource, Scope
from cachescan.snapshot import SCHEMA, Footer, GapRecord, Header, Journal, ScopeDone, read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cachescan.snapshot import Record

HEADER = Header(SCHEMA, "0.1", "fake", NOW, {"fake/box": ("door", "lock")}, 100)
DENIED = Gap("lock", GapReason.PERMISSION_DENIED, "fake:GetLock", "no", "fake:GetLock", "home")
RECORDS: list[Record] = [
    structs.replace(box(), ref=ref("one"), census=Census(1, 2, hits=(Hit("k", 1, ("draft",)),))),
    Resource(ref("two"), {"door": {"Open": True}}, (DENIED,), NOW),
    GapRecord(DENIED),
    ScopeDone(Scope("fake", "home", "the scope")),
]
NAMES = ["s.ndjson", "s.ndjson.gz"]


def write(
    path: Path, records: Iterable[Record] = RECORDS, *, finish: bool = True, header: Header = HEADER
) -> Path:
    """Write a snapshot."""
    with Journal(path) as journal:
        assert list(journal.start(header)) == [header]
        for record in records:
            journal.write(record)
        if finish:
            journal.finish()
    return path


def raw(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def refusal(path: Path) -> SnapshotError:
    with pytest.raises(SnapshotError) as caught:
        list(read(path))
    return caught.value


# --- writing and reading ------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_is_read_back(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)

    *records, footer = read(path)

    assert records == [HEADER, *RECORDS]
    assert isinstance(footer, Footer)
    assert (footer.resources, footer.gaps, footer.scopes) == (2, 1, 1)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


@st.composite
def a_record(draw: st.DrawFn) -> Record:
    gap = Gap(draw(TEXT), draw(st.sampled_from(GapReason)), draw(TEXT), draw(TEXT), scope="s")
    census = Census(draw(st.integers(0, 9)), 0, hits=(Hit(draw(TEXT), 1, (draw(TEXT),)),))
    facets = draw(st.dictionaries(TEXT, JSON, max_size=3))
    resource = Resource(
        ref(draw(TEXT)), facets, (gap,), draw(TEXT), draw(st.none() | st.just(census))
    )
    records: list[Record] = [resource, GapRecord(gap), ScopeDone(Scope("fake", draw(TEXT)))]
    return draw(st.sampled_from(records))


@settings(max_examples=150)
@given(records=st.lists(a_record(), max_size=5), name=st.sampled_from(NAMES))
def test_any_records_survive_the_round_trip(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], name: str
) -> None:
    """Whatever texts strangers put into them: newlines, quotes, escapes, other alphabets."""
    path = write(tmp_path_factory.mktemp("s") / name, records)

    assert list(read(path))[:-1] == [HEADER, *records]
    assert raw(path).count(b"\n") == len(records) + 2


@pytest.mark.parametrize("name", NAMES)
def test_the_same_records_make_the_same_bytes(tmp_path: Path, name: str) -> None:
    (tmp_path / "other").mkdir()

    first, second = write(tmp_path / name), write(tmp_path / "other" / name)

    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_only_the_owner_may_read_it(tmp_path: Path, name: str) -> None:
    """The configuration of an estate is worth stealing; the umask does not matter."""
    before = os.umask(0)
    try:
        path = write(tmp_path / name)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_record_is_on_disk_when_it_is_written(tmp_path: Path) -> None:
    """A scan that is killed loses nothing that it yielded."""
    path = tmp_path / "s.ndjson"
    with Journal(path) as journal:
        list(journal.start(HEADER))
        for count, record in enumerate(RECORDS, 2):
            journal.write(record)
            assert path.read_bytes().count(b"\n") == count


def test_without_a_path_nothing_is_kept(tmp_path: Path) -> None:
    with Journal() as journal:
        assert list(journal.start(HEADER)) == [HEADER]
        journal.write(box())
        journal.finish()

    assert journal.seen == {"fake:home:box"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_there_is_not_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(SnapshotError, match="is there already") as caught:
        Journal(tmp_path / name)

    assert "--resume" in caught.value.hint
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("place", ["missing/s.ndjson", "file/s.ndjson"])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SnapshotError, match="cannot write the snapshot"):
        write(tmp_path / place)


class SmallDisk(io.RawIOBase):
    """A file on a disk with room for so many bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if len(data) > self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._room -= len(data)
        return len(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_fills_up_at_any_point_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """While writing, while closing; as the error it is, never as a fault of ours."""
    needed = len(write(tmp_path / f"whole-{name}").read_bytes())

    for room in range(needed):

        def small(handle: int, _mode: str, room: int = room) -> IO[bytes]:
            os.close(handle)
            return io.BufferedWriter(SmallDisk(room))  # type: ignore[type-var]

        path = tmp_path / name
        with monkeypatch.context() as patched:
            patched.setattr("cachescan.snapshot.os.fdopen", small)
            with pytest.raises(SnapshotError, match="No space left on device"):
                write(path)
        path.unlink(missing_ok=True)


# --- what is not as it was written --------------------------------------------------------------


def test_a_plain_file_cut_anywhere_is_told(tmp_path: Path) -> None:
    """At every byte: a refusal or a gap, and the records before the cut as they were."""
    whole = write(tmp_path / "whole.ndjson").read_bytes()
    path = tmp_path / "cut.ndjson"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        told_or_refused(path, kept=whole[:length].count(b"\n"))


def test_a_packed_file_cut_anywhere_is_told(tmp_path: Path) -> None:
    """Even inside the check sum at its end, where every record is still there."""
    whole = write(tmp_path / "whole.ndjson.gz").read_bytes()
    path = tmp_path / "cut.ndjson.gz"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        told_or_refused(path)


def told_or_refused(path: Path, kept: int | None = None) -> None:
    """Hold that a cut file says so, whether it can still be used or not."""
    try:
        found = list(read(path))
    except SnapshotError:
        assert str(path) in str(refusal(path))
        assert kept in (0, None)
        return
    last = found[-1]
    assert isinstance(last, GapRecord)
    assert last.gap.reason == GapReason.TRUNCATED
    expected: list[Record] = [HEADER, *RECORDS]
    records = [record for record in found[:-1] if not isinstance(record, Footer)]
    assert records == expected[: len(records)]
    if kept is not None:
        assert len(found) - 1 == kept


def test_a_packed_file_with_any_byte_changed_is_refused(tmp_path: Path) -> None:
    """Or says that it is cut, or is unchanged in meaning; never other records."""
    whole = write(tmp_path / "whole.ndjson.gz").read_bytes()
    path = tmp_path / "odd.ndjson.gz"
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            found = list(read(path))
        except SnapshotError:
            continue
        records = [r for r in found if not isinstance(r, Footer) and r != found[-1]]
        assert records == [HEADER, *RECORDS][: len(records)]
        assert len(records) == 1 + len(RECORDS) or isinstance(found[-1], GapRecord)


def test_a_plain_file_with_any_letter_changed_is_refused(tmp_path: Path) -> None:
    """By its digest, if it is still a record at all; the header is not covered."""
    whole = write(tmp_path / "whole.ndjson").read_bytes()
    path, start = tmp_path / "odd.ndjson", whole.index(b"\n") + 1
    for place in range(start, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
        try:
            found = list(read(path))
        except SnapshotError:
            continue
        # Only the counts of the footer, which nothing relies on, may be changed unnoticed.
        assert found[:-1] == [HEADER, *RECORDS]


LINES = {
    "unknown key": b'{"type":"scope-done","scope":{"provider":"fake","id":"x"},"extra":1}',
    "unknown key inside": b'{"type":"scope-done","scope":{"provider":"fake","id":"x","extra":1}}',
    "unknown type": b'{"type":"other"}',
    "no type": b'{"scope":{"provider":"fake","id":"x"}}',
    "wrong type of a field": b'{"type":"scope-done","scope":{"provider":"fake","id":7}}',
    "missing field": b'{"type":"scope-done","scope":{"provider":"fake"}}',
    "unknown reason": b'{"type":"gap","gap":{"facet":"","reason":"because","call":""}}',
    "no object": b"[]",
    "no JSON": b"hello",
    "half a record": b'{"type":"scope-d',
    "empty line": b"",
    "no text": b"\xff\xfe",
    "nested without end": b"[" * 100_000,
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
@pytest.mark.parametrize("name", NAMES)
def test_a_line_in_the_middle_that_is_no_record_is_refused_with_its_number(
    tmp_path: Path, name: str, line: bytes
) -> None:
    """A half line at the end is a cut; in the middle, somebody changed the file."""
    path = write(tmp_path / "s.ndjson")
    first, rest = path.read_bytes().split(b"\n", 1)
    pack = gzip.compress if name.endswith(".gz") else bytes
    (tmp_path / f"odd-{name}").write_bytes(pack(first + b"\n" + line + b"\n" + rest))

    assert "line 2 is not a record" in str(refusal(tmp_path / f"odd-{name}"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n", "line 1 is not a record"),
        (b'{"type":"scope-done","scope":{"provider":"f","id":"x"}}\n', "before any header"),
        (b'{"type":"footer","resources":0,"gaps":0,"scopes":0,"digest":""}\n', "before any header"),
        (b"\x1f\x8b", ""),
        (b"\x1f\x8b" + b"x" * 100, "cannot read the snapshot"),
        (b"PK\x03\x04\n", "line 1 is not a record"),
        (b"some words", ""),
    ],
)
def test_another_file_is_not_taken_for_a_snapshot(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)

    if said:
        assert said in str(refusal(path))
    else:
        told_or_refused(path)


def test_a_file_that_is_not_there_or_none_is_refused(tmp_path: Path) -> None:
    assert "No such file" in str(refusal(tmp_path / "gone"))
    assert "cannot read the snapshot" in str(refusal(tmp_path))


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "s.ndjson", header=structs.replace(HEADER, schema=SCHEMA + 1))

    error = refusal(path)

    assert f"format {SCHEMA + 1}; this program reads {SCHEMA}" in str(error)
    assert "newer cachescan" in error.hint


def test_lines_that_are_missing_or_swapped_do_not_agree_with_the_digest(tmp_path: Path) -> None:
    lines = write(tmp_path / "s.ndjson").read_bytes().splitlines(keepends=True)
    path = tmp_path / "odd.ndjson"

    for odd in (
        lines[:1] + lines[2:],
        [lines[0], lines[2], lines[1], *lines[3:]],
        [*lines[:2], lines[1], *lines[2:]],
    ):
        path.write_bytes(b"".join(odd))
        error = refusal(path)
        assert "does not agree" in str(error)
        assert "changed after it was written" in error.hint


# --- several parts ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_snapshots_concatenate(tmp_path: Path, name: str) -> None:
    """Each part keeps its header and footer, and its digest covers itself alone."""
    other = structs.replace(HEADER, now="2026-12-01T00:00:00Z")
    first, second = write(tmp_path / f"a-{name}"), write(tmp_path / f"b-{name}", header=other)
    both = tmp_path / f"both-{name}"
    both.write_bytes(first.read_bytes() + second.read_bytes())

    found = list(read(both))

    assert found == [*read(first), *read(second)]
    assert [record for record in found if isinstance(record, Header)] == [HEADER, other]


def test_an_unfinished_part_before_another_is_told(tmp_path: Path) -> None:
    """A killed shard must not hide behind one that finished."""
    first = write(tmp_path / "a.ndjson", finish=False)
    second = write(tmp_path / "b.ndjson")
    both = tmp_path / "both.ndjson"
    both.write_bytes(first.read_bytes() + second.read_bytes())

    assert sum(isinstance(record, GapRecord) for record in read(both)) == 3


# --- going on -----------------------------------------------------------------------------------


def resume(path: Path, header: Header = HEADER) -> tuple[Journal, list[Record]]:
    """Take up a snapshot, without adding anything."""
    with Journal(path, resume=True) as journal:
        return journal, list(journal.start(header))


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_journal_yields_what_it_keeps_and_knows_what_is_done(
    tmp_path: Path, name: str
) -> None:
    """The gap of a scope that is done stays; the others are found out anew."""
    open_gap = GapRecord(structs.replace(DENIED, scope="away"))
    path = write(tmp_path / name, [*RECORDS, open_gap, box()], finish=False)

    journal, kept = resume(path)

    assert kept == [HEADER, *RECORDS, box()]
    assert journal.done == {"home"}
    assert journal.seen == {"fake:home:one", "fake:home:two", "fake:home:box"}
    assert not journal.complete


@pytest.mark.parametrize("name", NAMES)
def test_a_journal_that_is_complete_is_only_read(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    before = raw(path)

    journal, kept = resume(path)

    assert journal.complete
    assert kept == list(read(path))
    assert raw(path) == before


def test_a_half_line_and_a_half_pack_are_dropped(tmp_path: Path) -> None:
    """What was written after them continues a file that is whole again."""
    plain = write(tmp_path / "s.ndjson", finish=False)
    plain.write_bytes(plain.read_bytes() + b'{"type":"reso')
    packed = write(tmp_path / "s.ndjson.gz")
    packed.write_bytes(packed.read_bytes()[:-4])

    for path in (plain, packed):
        with Journal(path, resume=True) as journal:
            list(journal.start(HEADER))
            assert not journal.complete
            journal.write(box())
            journal.finish()
        *records, footer = read(path)
        assert records == [HEADER, *RECORDS, box()]
        assert isinstance(footer, Footer)


def test_rubbish_behind_a_footer_is_dropped_with_it(tmp_path: Path) -> None:
    """A second part that was cut in its first line: the file is whole again after resuming."""
    path = write(tmp_path / "s.ndjson")
    path.write_bytes(path.read_bytes() + b'{"type":"head')

    with Journal(path, resume=True) as journal:
        list(journal.start(HEADER))
        journal.finish()

    *records, footer = read(path)
    assert records == [HEADER, *RECORDS]
    assert isinstance(footer, Footer)


@pytest.mark.parametrize(
    "change",
    [
        {"provider": "other"},
        {"demand": {"fake/box": ("lock",)}},
        {"demand": {}},
        {"objects": 5},
    ],
)
def test_a_scan_with_other_rules_or_options_does_not_go_on(
    tmp_path: Path, change: dict[str, object]
) -> None:
    """Half of the records would lack what the rest has."""
    path = write(tmp_path / "s.ndjson", finish=False)
    before = path.read_bytes()

    with pytest.raises(SnapshotError, match="cannot be resumed"):
        resume(path, structs.replace(HEADER, **change))

    assert path.read_bytes() == before


def test_another_version_or_hour_goes_on(tmp_path: Path) -> None:
    path = write(tmp_path / "s.ndjson", finish=False)

    _, kept = resume(path, structs.replace(HEADER, now="2027-01-01T00:00:00Z", tool="9"))

    assert kept[0] == HEADER


def test_several_parts_are_not_resumed(tmp_path: Path) -> None:
    path = write(tmp_path / "s.ndjson")
    path.write_bytes(path.read_bytes() * 2)

    with pytest.raises(SnapshotError, match="cannot be resumed"):
        resume(path)


@pytest.mark.parametrize("content", [b"", b"mine", b"mine\n"])
def test_another_file_is_not_resumed_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.ndjson"
    path.write_bytes(content)

    with pytest.raises(SnapshotError):
        resume(path)

    assert path.read_bytes() == content


def test_resuming_nothing_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"

    _, kept = resume(path)

    assert kept == [HEADER]
    assert next(iter(read(path))) == HEADER


def test_an_interruption_while_resuming_keeps_the_old_file(tmp_path: Path) -> None:
    """The new one takes its place only once it holds all of it."""
    path = write(tmp_path / "s.ndjson", finish=False)
    before = path.read_bytes()

    with Journal(path, resume=True) as journal:
        kept = journal.start(HEADER)
        next(kept)
        next(kept)

    assert path.read_bytes() == before


def test_a_killed_process_leaves_whole_lines(tmp_path: Path) -> None:
    """Without a close, a flush or an exit handler."""
    path = tmp_path / "s.ndjson"
    program = (
        "import os, sys, pathlib\n"
        "from cachescan.snapshot import Header, Journal, ScopeDone\n"
        "from cachescan.model import Scope\n"
        "with Journal(pathlib.Path(sys.argv[1])) as journal:\n"
        "    list(journal.start(Header(1, '0', 'fake', 'now')))\n"
        "    for n in range(3): journal.write(ScopeDone(Scope('fake', str(n))))\n"
        "    os._exit(9)\n"
    )

    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)

    assert done.returncode == 9
    assert path.read_bytes().count(b"\n") == 4
    assert [type(record) for record in read(path)] == [Header, *[ScopeDone] * 3, GapRecord]


def test_a_line_is_json_that_others_read(tmp_path: Path) -> None:
    """The format is an interface: every line has its type first."""
    for line in raw(write(tmp_path / "s.ndjson")).splitlines():
        assert line.startswith(b'{"type":"')
        assert msgspec.json.decode(line)["type"] in (
            "header",
            "resource",
            "gap",
            "scope-done",
            "footer",
        )
