"""Conditions over named fields, as SQL with bound parameters.

Rules of this module:

1. A text of SQL is built from constants alone: column names from a closed table, values as ``$n``.
   The organisation is always ``$1``, the table's alias always ``t``.
2. Text is compared as it is: who asks has folded it (:func:`rosterd.directory.names.folded`), and
   the columns hold folded text in the order of code points (collation ``C``).
3. Every column is NOT NULL, so that a condition is true or false and ``NOT`` means what it says.
4. Depth is the caller's to bound; any number of parts makes a flat tree here, since SQLite takes
   1,000 levels and a chain of ORs is one level each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rosterd.directory.model import OrgId
from rosterd.directory.query import And, Compare, Condition, Constant, Not, Op, Or, Present
from rosterd.store.contract import Tx

TRUE, FALSE = "1 = 1", "1 = 0"

_ORDER = {Op.EQ: "=", Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}

# Not LIKE: it folds ASCII on SQLite, and its wildcards would have to be escaped.
_CONTAINS = "LENGTH({column}) <> LENGTH(REPLACE({column}, {value}, ''))"
_ENDS = (
    "(LENGTH({column}) >= LENGTH(CAST({value} AS TEXT))"
    " AND SUBSTR({column}, LENGTH({column}) - LENGTH(CAST({value} AS TEXT)) + 1) = {value})"
)

_SURROGATES = (0xD800, 0xDFFF)
_LAST_CHARACTER = "\U0010ffff"
_FARTHEST = 2**62  # an offset that both engines take and nobody reaches


@dataclass(frozen=True, slots=True)
class Field:
    """What a field's name stands for: a column, perhaps of another table that ``within`` looks in."""

    column: str
    within: str = "{}"  # "t.id IN (SELECT … WHERE org_id = $1 AND {})"
    is_number: bool = False
    is_negated: bool = False  # a flag stored as its opposite; compared by ``eq`` only


def where(
    condition: Condition, fields: Mapping[str, Field], first_arg: int = 2
) -> tuple[str, list[str | int]]:
    """The condition as SQL, and its arguments from ``$first_arg`` on.

    Raises `KeyError` for a field that is not in ``fields`` and `TypeError` for an operator that
    the field's kind does not have: both are faults of the program.

    >>> where(Compare("name", Op.SW, "an"), {"name": Field("t.name")})
    ('(t.name >= $2 AND t.name < $3)', ['an', 'ao'])
    """
    writer = _Writer(fields, first_arg)
    return writer.condition(condition), writer.args


def prefix_end(prefix: str) -> str | None:
    """The first text after all that start with ``prefix``; None: there is none.

    >>> prefix_end("ann"), prefix_end("a\\U0010ffff"), prefix_end("\\ud7ff") == "\\ue000", prefix_end("")
    ('ano', 'b', True, None)
    """
    stem = prefix.rstrip(_LAST_CHARACTER)
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    if _SURROGATES[0] <= following <= _SURROGATES[1]:  # no characters, and not encodable
        following = _SURROGATES[1] + 1
    return stem[:-1] + chr(following)


async def page(
    tx: Tx,
    table: str,
    fields: Mapping[str, Field],
    org: OrgId,
    condition: Condition | None,
    start: int,
    count: int,
) -> tuple[list[str], int]:
    """The ids of one page in order of creation, and how many rows fit in all.

    ``start`` counts from 1. Ids come from a narrow index; the total is counted only where the page
    does not tell it.
    """
    sql, args = where(condition, fields) if condition is not None else (TRUE, [])
    fitting = f"FROM {table} t WHERE t.org_id = $1 AND {sql}"
    offset = min(max(start, 1) - 1, _FARTHEST)
    limit = len(args) + 2
    rows = await tx.all(
        f"SELECT t.id {fitting} ORDER BY t.created, t.id LIMIT ${limit} OFFSET ${limit + 1}",
        org, *args, count, offset,
    )  # fmt: skip
    if len(rows) < count and (rows or not offset):
        total = offset + len(rows)
    else:
        counted = await tx.one(f"SELECT COUNT(*) {fitting}", org, *args)
        total = counted[0] if counted else 0
    return [id for (id,) in rows], total


@dataclass(slots=True)
class _Writer:
    fields: Mapping[str, Field]
    first_arg: int
    args: list[str | int] = field(default_factory=list)

    def condition(self, condition: Condition) -> str:
        match condition:
            case Compare():
                return self._compare(condition)
            case Present(name):
                found = self.fields[name]
                return found.within.format(TRUE if found.is_number else f"{found.column} <> ''")
            case And(parts):
                return _balanced([self.condition(part) for part in parts], " AND ", TRUE)
            case Or(parts):
                return _balanced([self.condition(part) for part in parts], " OR ", FALSE)
            case Not(part):
                return f"NOT ({self.condition(part)})"
            case Constant(value):
                return TRUE if value else FALSE

    def _compare(self, compare: Compare) -> str:
        found = self.fields[compare.field]
        if found.is_negated and compare.op is not Op.EQ:
            raise TypeError(f"{compare.field} has no {compare.op}")
        if isinstance(compare.value, str) is found.is_number:
            raise TypeError(f"{compare.field} cannot be compared with {compare.value!r}")
        if isinstance(compare.value, str):
            return found.within.format(self._text(found.column, compare.op, compare.value))
        value = 1 - compare.value if found.is_negated else int(compare.value)
        return found.within.format(f"{found.column} {_ORDER[compare.op]} {self._bind(value)}")

    def _text(self, column: str, op: Op, value: str) -> str:
        if "\0" in value:  # PostgreSQL refuses it, so that no column holds one
            return FALSE
        if op in _ORDER:
            return f"{column} {_ORDER[op]} {self._bind(value)}"
        if not value:  # every text contains, starts and ends with the empty one
            return TRUE
        if op is Op.SW:
            return self._starts_with(column, value)
        template = _CONTAINS if op is Op.CO else _ENDS
        return template.format(column=column, value=self._bind(value))

    def _starts_with(self, column: str, prefix: str) -> str:
        lower = f"{column} >= {self._bind(prefix)}"
        end = prefix_end(prefix)
        return lower if end is None else f"({lower} AND {column} < {self._bind(end)})"

    def _bind(self, value: str | int) -> str:
        self.args.append(value)
        return f"${self.first_arg + len(self.args) - 1}"


def _balanced(parts: Sequence[str], joint: str, empty: str) -> str:
    if len(parts) <= 1:
        return parts[0] if parts else empty
    middle = len(parts) // 2
    return f"({_balanced(parts[:middle], joint, empty)}{joint}{_balanced(parts[middle:], joint, empty)})"
