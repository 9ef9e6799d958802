"""The drivers' own speed, without anything around it: one process on the server's core.

``python -m bench.bare WHAT DATABASE SECONDS`` prints a rate per second. WHAT is ``insert``, or the column by
which users are looked up.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import uvloop

from bench.machine import CORES, ROOT, Unmeasured, on
from rosterd.store.engines import postgres_server, sqlite_file
from rosterd.store.engines.postgres import CONNECTIONS

TOGETHER = 32
_MOST = 30_000
"""Rows that are made ready for one second."""


def inserts(database: str, seconds: float) -> float:
    """Rows of users per second into this database, 32 a commit, by the driver of SQLite alone."""
    return _run("insert", database, seconds)


def selects(database: str, column: str, seconds: float) -> float:
    """Users' texts per second by ``id`` or ``username``, on PostgreSQL by as many connections as it has."""
    return _run(column, database, seconds)


def _run(what: str, database: str, seconds: float) -> float:
    command = on(CORES.server, sys.executable, "-m", "bench.bare", what, database, str(seconds))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unmeasured(done.stderr)
    return float(done.stdout)


def fresh_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], mark: str) -> Iterator[list[Any]]:
    """Rows like these for ever, of the same size, each somebody else's.

    >>> list(itertools.islice(fresh_rows(("id", "username", "card"), [("W1", "ann", "{W1}")], "m"), 1))
    [['Wm00000000', 'm00000000', '{Wm00000000}']]
    """
    for number, row in enumerate(itertools.cycle(rows)):
        values = dict(zip(columns, row, strict=True))
        words = {values["id"]: f"W{mark}{number:08}", values["username"]: f"{mark}{number:08}"}
        yield [_renamed(values[name], words) for name in columns]


def _renamed(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, str):
        for word, other in words.items():
            value = value.replace(word, other)
    return value


def _insert(database: str, seconds: float) -> float:
    connection = sqlite_file.connect(sqlite_file.path_of(database))  # the settings of rosterd's own
    found = connection.execute("SELECT * FROM users WHERE role = 'member' LIMIT 64")
    columns = [column[0] for column in found.description]
    source = fresh_rows(columns, found.fetchall(), secrets.token_hex(2))
    rows = list(itertools.islice(source, int(_MOST * seconds)))
    org, name = columns.index("org_id"), columns.index("username")
    connection.execute("BEGIN")
    names = [(row[org], row[name]) for row in rows]
    connection.executemany("INSERT INTO names (org_id, name, kind) VALUES (?, ?, 'user')", names)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    statement = f"INSERT INTO users ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    created = columns.index("created")
    began, done = time.perf_counter(), 0
    while done < len(rows) and time.perf_counter() - began < seconds:
        batch = rows[done : done + TOGETHER]
        for row in batch:
            row[created] = time.time_ns() // 1000
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(statement, batch)
        connection.execute("COMMIT")
        done += len(batch)
    return done / (time.perf_counter() - began)


def _select(database: str, column: str, seconds: float) -> float:
    if postgres_server.is_postgresql(database):
        return uvloop.run(_select_postgresql(database, column, seconds))
    connection = sqlite_file.connect(sqlite_file.path_of(database), read_only=True)
    found = connection.execute(_KEYS.format(column)).fetchall()
    random.shuffle(found)
    statement = _CARD.format(column, "?", "?")
    began, done = time.perf_counter(), 0
    for key in itertools.cycle(found):
        connection.execute(statement, key).fetchone()
        done += 1
        if done % 100 == 0 and time.perf_counter() - began > seconds:
            break
    return done / (time.perf_counter() - began)


async def _select_postgresql(database: str, column: str, seconds: float) -> float:
    async def one() -> int:
        connection = await postgres_server.connect(database)
        sql = _CARD.format(column, "$1", "$2")
        statement = await connection.prepare(sql, name="card")  # without a name it would be planned each time
        done = 0
        while time.perf_counter() < until:
            await statement.fetchrow(*random.choice(found))
            done += 1
        await connection.close()
        return done

    first = await postgres_server.connect(database)
    found = [tuple(row) for row in await first.fetch(_KEYS.format(column))]
    await first.close()
    until = time.perf_counter() + seconds
    return sum(await asyncio.gather(*(one() for _ in range(CONNECTIONS)))) / seconds


_KEYS = "SELECT org_id, {} FROM users LIMIT 100000"
_CARD = "SELECT card FROM users WHERE org_id = {1} AND {0} = {2}"


def main(what: str, database: str, seconds: float) -> None:
    print(_insert(database, seconds) if what == "insert" else _select(database, what, seconds))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
