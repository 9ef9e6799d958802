"""The file behind a SQLite store: where it is, how it is opened, what its errors mean.

Rules of this module:

1. A commit is on disk when it returns: write-ahead log with ``synchronous=FULL``, and on macOS the
   kind of flush that reaches the medium (https://sqlite.org/pragma.html, headings *synchronous*
   and *fullfsync*).
2. The file is its owner's alone (mode 0600); SQLite gives the log beside it the same mode.
3. A connection belongs to one task or one thread at a time; which one is the caller's business.
4. Who only reads maps the file into memory (https://sqlite.org/mmap.html): a page costs no system call
   and no copy, and belongs to the system's cache. So a disk that fails to read ends the process.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from rosterd.store.contract import Conflict, StoreError, StoreUnavailable
from rosterd.store.engines.waiting import naps

PATIENCE = 15.0
"""Seconds to wait for a file that another process has locked."""

_PREFIX = "sqlite:///"

# RETURNING came with 3.35 (https://sqlite.org/lang_returning.html), json_each into the core with 3.38.
_OLDEST_SQLITE = (3, 38)

_SETTINGS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is erased is overwritten
    "PRAGMA wal_autocheckpoint = 8192",  # pages: a page that is written often goes to the file once
    "PRAGMA temp_store = MEMORY",
    "PRAGMA journal_size_limit = 67108864",
)
_MAPPED = 1 << 40
"""Bytes; SQLite takes the most that it was built for, 2 GiB usually, and reads the rest as ever."""

# https://sqlite.org/rescode.html: primary codes that say "not now" rather than "never".
_NOT_NOW = frozenset({
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
})  # fmt: skip
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CONFLICTS = frozenset({
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
})  # fmt: skip


def path_of(url: str) -> Path:
    """The file that a URL names; a relative one is taken from the working directory.

    Raises :class:`StoreError` where the URL names no file.

    >>> path_of("sqlite:///rosterd.db"), path_of("sqlite:////var/lib/rosterd.db")
    (PosixPath('rosterd.db'), PosixPath('/var/lib/rosterd.db'))
    """
    path = url.removeprefix(_PREFIX)
    if path == url or path in ("", ":memory:") or "?" in path:
        raise StoreError(
            f"{url!r} names no SQLite file: write sqlite:///FILE, or sqlite:////FILE from the root"
        )
    return Path(path)


def connect(path: Path, *, read_only: bool = False, wait: float = 0.0, cache: int = 32) -> sqlite3.Connection:
    """A connection to an existing file, in autocommit mode, usable from any thread.

    ``wait`` is how many seconds a statement may block on another process's lock, ``cache`` how many
    MiB of pages it keeps. Blocks while it opens: to be called in a thread. Raises :class:`StoreError`.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        _prepare(connection, read_only=read_only, wait=wait)
        connection.execute(f"PRAGMA cache_size = {-1024 * cache}")  # KiB, with the minus
    except sqlite3.Error as error:
        raise explained(error, f"cannot open {path}") from error
    return connection


def _prepare(connection: sqlite3.Connection, *, read_only: bool, wait: float) -> None:
    mode = _write_ahead(connection)
    if mode != "wal":
        raise StoreError(
            f"SQLite refused its write-ahead log (journal mode {mode}): is the file on a network disk?"
        )
    for setting in _SETTINGS:
        connection.execute(setting)
    connection.execute(f"PRAGMA query_only = {int(read_only)}")
    connection.execute(f"PRAGMA mmap_size = {_MAPPED if read_only else 0}")
    connection.execute(f"PRAGMA busy_timeout = {int(wait * 1000)}")


def _write_ahead(connection: sqlite3.Connection) -> str:
    """Turn the write-ahead log on; returns the journal mode that is on now."""
    for nap in naps(PATIENCE):
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
        time.sleep(nap)  # the busy timeout does not cover this pragma while another process creates the file
    return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])


def create_file(path: Path) -> None:
    """An empty file for the owner alone, unless there is one. Raises :class:`StoreError`."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: 3.38 or later is needed")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"cannot create {path}: {error.strerror}") from error


def is_locked(error: sqlite3.Error) -> bool:
    """Whether another connection holds what the statement needed, so that it may be tried again."""
    return _code(error) & 0xFF in _LOCKED


def explained(error: sqlite3.Error, doing: str = "SQLite") -> Exception:
    """The store's error for one of SQLite's; the same one back where the statement is at fault."""
    code = _code(error)
    if code in _CONFLICTS:
        return Conflict(str(error))
    if code & 0xFF in _NOT_NOW:
        return StoreUnavailable(f"{doing}: {error}")
    if code & 0xFF in _DAMAGED:
        return StoreError(f"{doing}: {error}: restore the file from a backup")
    return error


def _code(error: sqlite3.Error) -> int:
    # Errors of the Python module itself, such as a closed connection, carry no code of SQLite's.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
