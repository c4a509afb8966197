"""The snapshot: NDJSON, the seam between reading and judging, and the journal of a scan.

Lines: ``header``, then ``resource``, ``gap`` and ``scope-done`` in any order, then ``footer``
with counts and a digest. Snapshots concatenate: each part has its own header and footer. A file
without a footer is one whose scan did not finish; it can be judged (with a gap that says so) and
resumed. Format: docs/snapshot.md.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Self, cast

import msgspec
from msgspec import Struct, field

from cachescan.errors import SnapshotError
from cachescan.model import Gap, GapReason, Resource, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SCHEMA = 1
"""Version of the format; a reader refuses a newer one."""

_FLUSH_EVERY = 16


class Header(Struct, frozen=True, tag_field="type", tag="header", forbid_unknown_fields=True):
    """Opens a part: what wrote it, when, and what it set out to read."""

    schema: int
    tool: str
    provider: str
    now: str
    demand: dict[str, tuple[str, ...]] = field(default_factory=dict)
    objects: int = 0


class GapRecord(Struct, frozen=True, tag_field="type", tag="gap", forbid_unknown_fields=True):
    """A gap that belongs to no resource: a listing that failed."""

    gap: Gap


class ScopeDone(
    Struct, frozen=True, tag_field="type", tag="scope-done", forbid_unknown_fields=True
):
    """Every resource of this scope is in the lines above."""

    scope: Scope


class Footer(Struct, frozen=True, tag_field="type", tag="footer", forbid_unknown_fields=True):
    """Closes a part: how many lines of each type, and the digest of all bytes since its header."""

    resources: int
    gaps: int
    scopes: int
    digest: str


Record = Header | Resource | GapRecord | ScopeDone | Footer
"""One line."""

_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def read(path: Path) -> Iterator[Record]:
    """Yield the records of a snapshot, plain or gzip.

    A line cut off at the end and a missing footer become a ``truncated`` gap.

    Raises:
        SnapshotError: the file cannot be opened, a line in the middle is not a record, the
            format is newer than this program, or a digest does not agree.
    """
    with _reading(path) as source:
        yield from _decode(_lines(source), str(path))


class Journal:
    """Keeps the records of a scan as they come, so that one that is killed can go on from there.

    The file is created with mode 0600: it holds the configuration of an estate. Without a path
    nothing is kept. Use as a context manager.
    """

    def __init__(self, path: Path | None = None, *, resume: bool = False) -> None:
        """Take ``path``; with ``resume`` go on with what is there.

        Raises:
            SnapshotError: the file is there and ``resume`` is not set.
        """
        if path is not None and path.exists() and not resume:
            message = f"{path} is there already"
            raise SnapshotError(message, hint="--resume goes on with it; or choose another name")
        self._path = path
        self._file: IO[bytes] | None = None
        self._raw: IO[bytes] | None = None
        self._unflushed = 0
        self._digest = hashlib.blake2b(digest_size=16)
        self._counts: dict[type[Record], int] = {}
        self._encoder = msgspec.json.Encoder()
        self.done: frozenset[str] = frozenset()
        self.seen: set[str] = set()
        self.complete = False

    def __enter__(self) -> Self:
        """Return the journal; ``start`` opens the file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; without ``finish`` it can be resumed.

        Raises:
            SnapshotError: what was still buffered finds no room.
        """
        with self._guard(), ExitStack() as both:
            for file in (self._raw, self._file):
                if file is not None:
                    both.callback(file.close)

    def start(self, header: Header) -> Iterator[Record]:
        """Yield the header of a new scan, or every record kept of the one that is resumed.

        Raises:
            SnapshotError: the file cannot be read or written, or it set out to read other things.
        """
        old = self._path if self._path is not None and self._path.exists() else None
        if old is not None:
            self._survey(old, header)
        with self._guard():
            self._open()
        for record in read(old) if old is not None else iter([header]):
            if self._keeps(record):
                self.write(record)
                yield record
        with self._guard():
            self._replace()

    def write(self, record: Record) -> None:
        """Append one record; raises SnapshotError if the disk is full."""
        if isinstance(record, Resource):
            self.seen.add(record.ref.uid)
        if self._file is None:
            return
        line = self._encoder.encode(record) + b"\n"
        if isinstance(record, Header):
            self._digest, self._counts = hashlib.blake2b(digest_size=16), {}
        self._counts[type(record)] = self._counts.get(type(record), 0) + 1
        self._digest.update(line)
        with self._guard():
            self._file.write(line)
            self._unflushed += 1
            if self._file is self._raw or self._unflushed >= _FLUSH_EVERY:
                self._file.flush()
                self._unflushed = 0

    def finish(self) -> None:
        """Write the footer."""
        counts = self._counts
        self.write(
            Footer(
                resources=counts.get(Resource, 0),
                gaps=counts.get(GapRecord, 0),
                scopes=counts.get(ScopeDone, 0),
                digest=self._digest.hexdigest(),
            )
        )

    def _survey(self, old: Path, header: Header) -> None:
        """Learn what the old file holds, and refuse one that set out to read other things."""
        done, headers = set(), []
        for record in read(old):
            if isinstance(record, ScopeDone):
                done.add(record.scope.id)
            elif isinstance(record, Header):
                headers.append(record)
            self.complete = isinstance(record, Footer)
        ours = (header.provider, header.demand, header.objects)
        if [(h.provider, h.demand, h.objects) for h in headers] != [ours]:
            message = f"{old} was recorded with other rules or options and cannot be resumed"
            raise SnapshotError(message, hint="repeat the command that wrote it, with --resume")
        self.done = frozenset(done)

    def _keeps(self, record: Record) -> bool:
        """Drop what the resumed scan finds out anew: the cut, and gaps of unfinished scopes."""
        if isinstance(record, GapRecord):
            return self.complete or record.gap.scope in self.done
        return self.complete or not isinstance(record, Footer)

    def _open(self) -> None:
        if self._path is None:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        self._raw = os.fdopen(os.open(self._beside(self._path), flags, 0o600), "wb")
        packed = self._path.suffix == ".gz"
        self._file = self._raw
        if packed:
            gz = gzip.GzipFile(fileobj=self._raw, mode="wb", mtime=0)
            self._file = cast("IO[bytes]", gz)

    def _replace(self) -> None:
        """Put the new file in the old one's place, now that it holds all of it."""
        if self._path is not None and self._file is not None:
            self._file.flush()
            self._beside(self._path).replace(self._path)

    @staticmethod
    def _beside(path: Path) -> Path:
        return path.with_name(f"{path.name}.part")

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"cannot write the snapshot {self._path}: {error.strerror or error}"
            raise SnapshotError(message) from error


@contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            yield cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
    except OSError as error:
        message = f"cannot read the snapshot {path}: {error.strerror or error}"
        raise SnapshotError(message) from error


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    """Yield lines; a gzip stream cut off in the middle ends like a plain file cut off there."""
    try:
        yield from source
    except (EOFError, zlib.error):
        yield b"{"


def _decode(lines: Iterable[bytes], name: str) -> Iterator[Record]:
    digest, open_part, number = hashlib.blake2b(digest_size=16), False, 0
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            yield _cut(f"line {number} is cut off")
            return
        record = _record(line, name, number)
        if isinstance(record, Header):
            if open_part:
                yield _cut(_NO_FOOTER)
            digest, open_part = hashlib.blake2b(digest_size=16), True
        elif not open_part:
            message = f"{name}: line {number} comes before any header: not a snapshot"
            raise SnapshotError(message)
        if isinstance(record, Footer):
            open_part = False
            if record.digest != digest.hexdigest():
                message = f"{name}: the digest at line {number} does not agree with the lines above"
                raise SnapshotError(message, hint="the file was changed after it was written")
        digest.update(line)
        yield record
    if number == 0:
        message = f"{name}: the file is empty: not a snapshot"
        raise SnapshotError(message)
    if open_part:
        yield _cut(_NO_FOOTER)


def _record(line: bytes, name: str, number: int) -> Record:
    try:
        record = _DECODER.decode(line)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        message = f"{name}: line {number} is not a record of a snapshot"
        raise SnapshotError(message, hint=str(error)) from error
    if isinstance(record, Header) and record.schema > SCHEMA:
        message = f"{name}: written in format {record.schema}; this program reads {SCHEMA}"
        raise SnapshotError(message, hint="a newer cachescan is needed")
    return record


_CUT_CALL = "snapshot"
_NO_FOOTER = "there is no footer: the scan that wrote it did not finish"


def _cut(detail: str) -> GapRecord:
    return GapRecord(Gap("", GapReason.TRUNCATED, _CUT_CALL, detail))
