"""PostgreSQL's own benchmark, inserting what rosterd inserts: the same table, rows of the same size.

Its clients are on the server's core, for they are in the server's place; the backends are where they always
are. Values travel as parameters of a prepared statement, as rosterd's do. The names that the rows refer to
are there beforehand.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from bench import postgres
from bench.machine import CORES, Unmeasured, on

CLIENTS = 32
_MOST = 1_200
"""Rows that are made ready for each client and second."""

_TPS = re.compile(r"^tps = ([\d.]+) \(without", re.MULTILINE)


def inserts(url: str, seconds: float) -> float:
    """Rows of users per second into this database, one a transaction, by 32 clients at once."""
    mark = secrets.token_hex(2)
    rounded = max(1, round(seconds))
    program = postgres.programs() / "pgbench"
    columns, row = asyncio.run(_made_ready(url, mark, rounded * _MOST))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "insert.sql"
        script.write_text(_script(columns, row, mark))
        done = subprocess.run(
            on(CORES.server, program, f"--file={script}", *_options(url, rounded, columns, row)),
            capture_output=True,
            text=True,
            check=False,
        )
    found = _TPS.search(done.stdout)
    if done.returncode or found is None or "number of failed transactions: 0 " not in done.stdout:
        raise Unmeasured(f"pgbench: {done.stdout}{done.stderr}")
    return float(found[1])


async def _made_ready(url: str, mark: str, each: int) -> tuple[list[str], Sequence[Any]]:
    """Take the names; what a row looks like."""
    connection = await asyncpg.connect(url)
    try:
        record = await connection.fetchrow("SELECT * FROM users WHERE role = 'member' LIMIT 1")
        names = [
            (record["org_id"], f"{mark}{client:02}{number:06}", "user", None)
            for client in range(CLIENTS)
            for number in range(1, each + 1)
        ]
        columns = ("org_id", "name", "kind", "holder_id")
        await connection.copy_records_to_table("names", records=names, columns=columns)
        return list(record.keys()), list(record.values())
    finally:
        await connection.close()


def _script(columns: Sequence[str], row: Sequence[Any], mark: str) -> str:
    """The transaction: the row once more, with a key, a username and a time of its own."""
    name = f"'{mark}' || lpad(:client_id::text, 2, '0') || lpad(:n::text, 6, '0')"
    new = {
        "id": f"'W' || upper({name})",
        "username": name,
        "created": "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
    }
    values = ", ".join(
        new.get(column) or _parameter(column, was) for column, was in zip(columns, row, strict=True)
    )
    return f"\\set n :n + 1\nINSERT INTO users ({', '.join(columns)}) VALUES ({values});\n"


def _parameter(column: str, was: Any) -> str:
    return f":v_{column}" if isinstance(was, str) else "NULL" if was is None else str(was)


def _options(url: str, seconds: int, columns: Sequence[str], row: Sequence[Any]) -> list[str]:
    parts = urlsplit(url)
    texts = [
        f"--define=v_{name}={text}" for name, text in zip(columns, row, strict=True) if isinstance(text, str)
    ]
    return [
        "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", "--jobs=1", f"--time={seconds}",
        f"--host={parse_qs(parts.query)['host'][0]}", f"--username={parts.username}",
        "--define=n=0", *texts, parts.path.removeprefix("/"),
    ]  # fmt: skip
