"""A whole database in one file: gzip around lines of JSON, the same from either engine.

=========  =====================================================================================
line       holds
=========  =====================================================================================
first      what this is: format, version, schema, time, and every table with its columns and rows
one a row  an array of the row's values; table after table, as the first line lists them
last       ``{"sha256": …}`` over all bytes before it
=========  =====================================================================================

Rules of this module:

1. A file is written under another name, flushed, read back to the end, and only then gets its own:
   whatever was there before stays until something whole replaces it. Only its owner may read it.
2. A reader who comes to the end without an exception has seen exactly what was written.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import secrets
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from rosterd.store import migrate
from rosterd.store.contract import Row, StoreError
from rosterd.store.upkeep.copy import SLICE, Shape, Slice, shapes

T = TypeVar("T")

FORMAT, VERSION = "rosterd-backup", 1


class Table(msgspec.Struct, frozen=True):
    """A table as the first line announces it."""

    name: str
    columns: tuple[str, ...]
    rows: int


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    format: str = FORMAT
    version: int = VERSION
    rosterd: str  # the program's version
    schema: str  # the revision of the tables
    made: str  # ISO 8601
    tables: tuple[Table, ...]

    @property
    def total(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


class _Trailer(msgspec.Struct, frozen=True):
    sha256: str


def header(program: str, made: str, counts: dict[str, int]) -> Header:
    """The first line for a database of this schema with so many rows in each table."""
    tables = tuple(Table(shape.name, shape.columns, counts[shape.name]) for shape in shapes())
    return Header(rosterd=program, schema=migrate.head(), made=made, tables=tables)


async def write(path: Path, head: Header, slices: AsyncIterable[Slice]) -> None:
    """Write a backup and read it back. Raises :class:`StoreError`; then ``path`` is as it was."""
    with replacing(path) as file:
        with gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed:
            await _write_lines(packed, head, slices)
        file.flush()
        with opened(Path(file.name)) as back:
            async for _ in back.slices():
                pass


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file for its owner alone that gets the name ``path`` once the block is done and it is on disk.

    However else the block ends, whatever was there before stays. Raises :class:`StoreError`.
    """
    partial = path.with_name(f"{path.name}.partial-{secrets.token_hex(4)}")
    try:
        with open(partial, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        flush(path.absolute().parent)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


async def _write_lines(file: gzip.GzipFile, head: Header, slices: AsyncIterable[Slice]) -> None:
    encoder, total = msgspec.json.Encoder(), hashlib.sha256()

    def put(lines: bytes) -> None:
        total.update(lines)
        file.write(lines)

    put(encoder.encode(head) + b"\n")
    async for _, rows in slices:
        put(encoder.encode_lines([tuple(row) for row in rows]))
    file.write(encoder.encode(_Trailer(total.hexdigest())) + b"\n")


class Backup:
    """A backup that is open for reading, its first line read."""

    def __init__(self, path: Path, file: gzip.GzipFile) -> None:
        self.path = path
        self._file = file
        self._sum = hashlib.sha256()
        self.header = self._first_line()

    def check_schema(self) -> None:
        """Refuse a backup of other tables than this program's: they would not fit."""
        ours = [(shape.name, shape.columns) for shape in shapes()]
        theirs = [(table.name, table.columns) for table in self.header.tables]
        if self.header.schema != migrate.head() or theirs != ours:
            raise StoreError(
                f"{self.path} has schema {self.header.schema}, this program {migrate.head()}: restore it with"
                f" rosterd {self.header.rosterd}, which made it, then run `rosterd db upgrade` with this one"
            )

    async def slices(self) -> AsyncIterator[Slice]:
        """Every row. At the end the file was whole and as it was written, or an exception says no."""
        for table in self.header.tables:
            shape = Shape(table.name, table.columns, ())
            for start in range(0, table.rows, SLICE):
                yield Slice(shape, self._rows(min(SLICE, table.rows - start), len(table.columns)))
        expected = self._sum.hexdigest()
        if self._decoded(self._lines(1), _Trailer).sha256 != expected or self._lines(1):
            raise self._damaged("its checksum does not fit")

    def _first_line(self) -> Header:
        with self._reading():
            line = self._file.readline(_LONGEST_HEADER)
        self._sum.update(line)
        head = self._decoded(line, Header)
        if (head.format, head.version) != (FORMAT, VERSION):
            raise StoreError(f"{self.path} is a backup of version {head.version}, not {VERSION}")
        return head

    def _rows(self, count: int, width: int) -> list[Row]:
        try:
            rows = _rows.decode_lines(self._lines(count))
        except msgspec.MsgspecError as error:
            raise self._damaged("a row cannot be read") from error
        if len(rows) != count or any(len(row) != width for row in rows):
            raise self._damaged("rows are missing")
        return rows

    def _lines(self, count: int) -> bytes:
        with self._reading():
            lines = [self._line() for _ in range(count)]
        text = b"".join(lines)
        self._sum.update(text)
        return text

    def _line(self) -> bytes:
        line = self._file.readline(_LONGEST_ROW)
        if len(line) == _LONGEST_ROW:
            raise self._damaged("a row is too long")
        return line

    def _decoded(self, line: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(line, type=kind)
        except msgspec.MsgspecError as error:
            raise self._damaged("its first or last line cannot be read") from error

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._damaged("it was cut off or changed") from error
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror}") from error

    def _damaged(self, how: str) -> StoreError:
        return StoreError(f"{self.path} is damaged, or no backup that rosterd made: {how}")


@contextmanager
def opened(path: Path) -> Iterator[Backup]:
    """A backup for reading. Raises :class:`StoreError` where it is none or cannot be opened."""
    try:
        file = gzip.open(path, "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    with file:
        yield Backup(path, file)


_LONGEST_HEADER, _LONGEST_ROW = 1 << 20, 1 << 26  # bytes: a body has 8 MiB, and a row little more than it

_rows = msgspec.json.Decoder(tuple[str | int | None, ...])


def flush(path: Path) -> None:
    """Put a file, or the names in a folder, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
