"""Every row of a database, table by table: what backups and moves are made of.

Rules of this module:

1. Which tables and columns there are comes from :mod:`rosterd.store.tables` alone: a new table is
   copied without a word here. Tables that others refer to come first.
2. Rows are read in slices by primary key, so that memory holds one slice, however many there are.
   The caller gives one snapshot (:meth:`rosterd.store.contract.Store.scan`).
3. SQLAlchemy is imported when something is copied: it would cost every other command its start.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec

from rosterd.store.contract import Row, Tx

SLICE = 500
"""Rows in memory at once. A row has some kilobytes, with a photo in it up to half a megabyte."""


class Shape(msgspec.Struct, frozen=True):
    """A table: its columns in order, and those of its primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


class Slice(NamedTuple):
    """Some rows of one table, in the order of its columns."""

    table: Shape
    rows: Sequence[Row]


@cache
def shapes() -> tuple[Shape, ...]:
    """Every table but the schema's version, those that others refer to first.

    >>> [shape.name for shape in shapes()].index("orgs") < [shape.name for shape in shapes()].index("users")
    True
    """
    from rosterd.store.tables import metadata

    return tuple(
        Shape(str(table.name), _names(table.columns), _names(table.primary_key))
        for table in metadata.sorted_tables
    )


def _names(columns: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(column.name) for column in columns)


async def count(tx: Tx, org: str | None = None) -> dict[str, int]:
    """Table → its rows, of one organisation or all."""
    return {shape.name: await _count(tx, shape, org) for shape in shapes()}


async def slices(tx: Tx) -> AsyncIterator[Slice]:
    """Every row of the database, in the order of `shapes`."""
    for shape in shapes():
        async for rows in by_key(tx, shape.name, shape.columns, shape.key):
            yield Slice(shape, rows)


async def by_key(
    tx: Tx, table: str, columns: Sequence[str], key: Sequence[str], fixed: Mapping[str, Any] | None = None
) -> AsyncIterator[Sequence[Row]]:
    """The rows of a table in order of a unique key (among ``columns``), in slices.

    ``fixed`` are columns with the value that they must have: the key's columns before ``key``.
    """
    values = list((fixed or {}).values())
    tests = [f"{name} = ${number}" for number, name in enumerate(fixed or {}, 1)]
    places = [columns.index(name) for name in key]
    last: list[Any] = []
    while True:
        bounds = [f"${number}" for number in range(len(values) + 1, len(values) + len(last) + 1)]
        after = [f"({', '.join(key)}) > ({', '.join(bounds)})"] if last else []
        where = f" WHERE {' AND '.join(tests + after)}" if tests + after else ""
        rows = await tx.all(
            f"SELECT {', '.join(columns)} FROM {table}{where} ORDER BY {', '.join(key)} LIMIT {SLICE}",
            *values,
            *last,
        )
        if rows:
            yield rows
        if len(rows) < SLICE:
            return
        last = [rows[-1][place] for place in places]


async def _count(tx: Tx, shape: Shape, org: str | None) -> int:
    if org is None:
        row = await tx.one(f"SELECT COUNT(*) FROM {shape.name}")
    else:
        row = await tx.one(f"SELECT COUNT(*) FROM {shape.name} WHERE {org_column(shape)} = $1", org)
    return row[0] if row else 0


def org_column(shape: Shape) -> str:
    """The column that says whose a row is.

    >>> {org_column(shape) for shape in shapes()} == {"id", "org_id"}
    True
    """
    return "org_id" if "org_id" in shape.columns else "id"
