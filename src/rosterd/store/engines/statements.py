"""One text of SQL, compiled for the engine that runs it.

Statements are written in PostgreSQL's manner (see :mod:`rosterd.store.contract`). What differs:

================  ===========================================  ==========================
written           SQLite                                       PostgreSQL
================  ===========================================  ==========================
``$2``            ``?2``                                       as is
``each($2)``      ``(SELECT value FROM json_each(?2))``        ``(SELECT unnest($2::text[]) AS value)``
``part(v, 1)``    ``json_extract(v, '$[1]')``                  ``(CAST(v AS json) ->> 1)``
``FOR UPDATE``    nothing: there is one writer                 as is
================  ===========================================  ==========================

``part(v, n)`` is the n-th value (from 0) of a list that column ``v`` holds as JSON. With ``each`` it takes
rows of several columns in one statement, which costs a hop to a thread once; a number is to be cast.

A statement is a constant of the program or built from constants, never from what a client sent:
what is between quotes in it is not looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LARGE_SET = 500
"""A list argument with more elements makes a statement that may take over 5 ms."""

_EACH = re.compile(r"\beach\(\$(\d+)\)")
_PART = re.compile(r"\bpart\(([\w.]+), (\d+)\)")
_ARGUMENT = re.compile(r"\$(\d+)")
_KNOWN = re.compile(r"\b(?:orgs|users|emails|tokens|profile_fields)\b")
_CHANGES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_VALUES = re.compile(r"\bVALUES \(([^()]*)\)")
_NOT_PLAIN = re.compile(r"\beach\(|\bFOR (?:NO KEY )?(?:UPDATE|SHARE)\b|\bLIMIT \$|\bOFFSET\b")
_LOCK = re.compile(r"\s+FOR (?:NO KEY )?(?:UPDATE|SHARE)(?: OF \w+(?:, \w+)*)?(?: NOWAIT| SKIP LOCKED)?\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """Text for SQLite, and which arguments (counted from 0) travel as JSON lists."""

    text: str
    lists: tuple[int, ...]


@lru_cache(maxsize=2048)
def for_sqlite(sql: str) -> Statement:
    """The statement as SQLite takes it.

    >>> for_sqlite("SELECT id FROM users WHERE id IN each($1) FOR UPDATE")
    Statement(text='SELECT id FROM users WHERE id IN (SELECT value FROM json_each(?1))', lists=(0,))
    """
    lists = sorted({int(number) - 1 for number in _EACH.findall(sql)})
    text = _LOCK.sub("", sql)
    text = _EACH.sub(r"(SELECT value FROM json_each(?\1))", text)
    text = _PART.sub(r"json_extract(\1, '$[\2]')", text)
    return Statement(_ARGUMENT.sub(r"?\1", text), tuple(lists))


@lru_cache(maxsize=2048)
def alters_known(sql: str) -> bool:
    """Whether a row that `Tx.known` is about may not be after this what it was before.

    >>> [alters_known(sql) for sql in ("UPDATE users SET role = $1", "INSERT INTO users (id) VALUES ($1)")]
    [True, False]
    >>> alters_known("DELETE FROM members WHERE group_id = $1"), alters_known("SELECT 1 FROM tokens")
    (False, False)
    >>> alters_known("INSERT INTO members SELECT id FROM users ON CONFLICT (id) DO UPDATE SET n = 0")
    False
    """
    changed = _CHANGES.match(sql)
    if changed is None:
        return _KNOWN.search(sql) is not None and not sql.startswith("SELECT ")
    only_adds = sql.startswith("INSERT") and "DO UPDATE" not in sql
    return _KNOWN.fullmatch(changed[1]) is not None and not only_adds


@lru_cache(maxsize=2048)
def for_postgresql(sql: str) -> str:
    """The statement as PostgreSQL takes it.

    >>> for_postgresql("SELECT value FROM each($1) AS e")
    'SELECT value FROM (SELECT unnest($1::text[]) AS value) AS e'
    >>> for_postgresql("SELECT part(e.value, 1) FROM each($1) AS e")
    'SELECT (CAST(e.value AS json) ->> 1) FROM (SELECT unnest($1::text[]) AS value) AS e'
    """
    text = _PART.sub(r"(CAST(\1 AS json) ->> \2)", sql)
    return _EACH.sub(r"(SELECT unnest($\1::text[]) AS value)", text)


@lru_cache(maxsize=2048)
def is_plain(sql: str) -> bool:
    """Whether this only reads, and takes only single values, where a column could stand too.

    >>> [is_plain(f"SELECT id FROM users {rest}") for rest in ("WHERE id = $1", "WHERE id IN each($1)")]
    [True, False]
    """
    return sql.startswith("SELECT ") and not _NOT_PLAIN.search(sql)


def gathered(sql: str, types: Sequence[str]) -> str:
    """A plain statement over many arguments at once: one list for each, of these types.

    Its rows are the statement's, each with a number before it: whose arguments (from 1) it answers.
    Those of one number stand in the statement's order.

    >>> gathered("SELECT id FROM users WHERE id = $1", ["text"])  # doctest: +NORMALIZE_WHITESPACE
    'SELECT asked.n, found.* FROM unnest($1::text[]) WITH ORDINALITY AS asked (a1, n)
     CROSS JOIN LATERAL (SELECT id FROM users WHERE id = asked.a1 OFFSET 0) AS found'
    """
    lists = ", ".join(f"${n}::{type}[]" for n, type in enumerate(types, 1))
    names = ", ".join(f"a{n}" for n in range(1, len(types) + 1))
    # OFFSET 0 keeps the planner from mixing it with the list: it is looked up as it would be alone, once
    # for each, so that its order stays as well.
    each = _ARGUMENT.sub(r"asked.a\1", sql)
    return (
        f"SELECT asked.n, found.* FROM unnest({lists}) WITH ORDINALITY AS asked ({names}, n)"
        f" CROSS JOIN LATERAL ({each} OFFSET 0) AS found"
    )


@lru_cache(maxsize=256)
def chained(inserts: tuple[str, ...]) -> str:
    """Inserts of one row each as one statement for PostgreSQL: each only if all before it did.

    Each is ``INSERT INTO … VALUES (…)``, perhaps with ``ON CONFLICT`` at its end. The arguments are
    those of the first, then of the second, and so on. The one row that comes has the number of rows
    inserted. Keys are checked as if one ran after the other, foreign keys when all are done.

    >>> chained(("INSERT INTO a VALUES ($1)", "INSERT INTO b VALUES ($1)"))  # doctest: +NORMALIZE_WHITESPACE
    'WITH i1 AS (INSERT INTO a VALUES ($1) RETURNING 1),
     i2 AS (INSERT INTO b SELECT $2 WHERE EXISTS (SELECT FROM i1) RETURNING 1)
     SELECT (SELECT COUNT(*) FROM i1) + (SELECT COUNT(*) FROM i2)'
    """
    first, *others = inserts
    parts, before = [f"i1 AS ({first} RETURNING 1)"], _arguments(first)
    for n, sql in enumerate(others, 2):
        shifted = _ARGUMENT.sub(lambda found, by=before: f"${int(found[1]) + by}", sql)  # type: ignore[misc]
        gated = _VALUES.sub(rf"SELECT \1 WHERE EXISTS (SELECT FROM i{n - 1})", shifted)
        parts.append(f"i{n} AS ({gated} RETURNING 1)")
        before += _arguments(sql)
    counts = " + ".join(f"(SELECT COUNT(*) FROM i{n})" for n in range(1, len(parts) + 1))
    return f"WITH {', '.join(parts)} SELECT {counts}"


def _arguments(sql: str) -> int:
    return max((int(number) for number in _ARGUMENT.findall(sql)), default=0)


def with_lists(statement: Statement, args: Sequence[Any]) -> tuple[Sequence[Any], bool]:
    """The arguments with lists as JSON, and whether one of them is large.

    >>> with_lists(Statement("…", lists=(1,)), ["E1", ["U1", "U2"]])
    (['E1', '["U1", "U2"]'], False)
    """
    if not statement.lists:
        return args, False
    bound = list(args)
    for place in statement.lists:
        bound[place] = json.dumps(list(args[place]))
    return bound, any(len(args[place]) > LARGE_SET for place in statement.lists)
