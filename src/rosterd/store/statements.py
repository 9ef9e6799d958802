"""One text of SQL, compiled for the engine that runs it.

Statements are written in PostgreSQL's manner (see :mod:`rosterd.store.contract`). What differs:

================  ===========================================  ==========================
written           SQLite                                       PostgreSQL
================  ===========================================  ==========================
``$2``            ``?2``                                       as is
``each($2)``      ``(SELECT value FROM json_each(?2))``        ``(SELECT unnest($2::text[]) AS value)``
``FOR UPDATE``    nothing: there is one writer                 as is
================  ===========================================  ==========================

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
_ARGUMENT = re.compile(r"\$(\d+)")
_LOCK = re.compile(r"\s+FOR (?:UPDATE|SHARE)(?: OF \w+(?:, \w+)*)?(?: NOWAIT| SKIP LOCKED)?\b")


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
    return Statement(_ARGUMENT.sub(r"?\1", text), tuple(lists))


@lru_cache(maxsize=2048)
def for_postgresql(sql: str) -> str:
    """The statement as PostgreSQL takes it.

    >>> for_postgresql("SELECT value FROM each($1) AS e")
    'SELECT value FROM (SELECT unnest($1::text[]) AS value) AS e'
    """
    return _EACH.sub(r"(SELECT unnest($\1::text[]) AS value)", sql)


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
