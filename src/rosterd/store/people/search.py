"""Finding people: by the beginnings of words, by facets, in one of a few orders, page after page.

Rules of this module:

1. A page goes on behind a position in the order, whatever happens before it. What comes back as ``after`` is
   where the last person stands who was looked at.
2. Conditions are asked of the index, which is a moment behind; what is shown of people is as it is now.
   Without conditions the index is not asked.
3. A statement looks at a bounded number of rows. The time is looked at in between.
4. The rarest condition decides on the way to a page (:func:`_way`): its list, which is in order of creation,
   is followed; or its people, if they are few, are sorted; or everybody is gone through in the order wanted,
   with these people in mind if they are not too many. Whatever else is asked is held against what the index
   has of each.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from rosterd.directory.facets import Facet, Fact, Sort, asked, valued
from rosterd.directory.model import OrgId, User, UserId
from rosterd.store import users
from rosterd.store.contract import Tx
from rosterd.store.people import index
from rosterd.store.people.orders import ORDERS, Order, Position, decoded, encoded
from rosterd.store.query import prefix_end

FEW_NEAR = 20_000
"""People who are sorted by creation: the index knows when that was."""
FEW_FAR = 2_000
"""The same by what has to be looked up of each."""
SOME = 60_000
"""People whose ids are kept in mind while everybody is gone through."""
SMALL = 3
"""A list with one in so many people, or more, is no shorter way than to go through all."""
FIRST_SLICE, LARGEST_SLICE = 500, 4_000
FIRST_GLANCE, LARGEST_GLANCE = 2_000, 8_000
"""The same where an index alone tells who they are."""


class Wanted(msgspec.Struct, frozen=True):
    """Who is wanted: with a word for each of these beginnings, and of whom all these facts are true."""

    words: tuple[str, ...] = ()
    facets: tuple[Fact, ...] = ()
    sort: Sort = Sort.NEWEST


class Found(NamedTuple):
    people: list[User]
    after: str | None  # where the next page begins; None: there is no more
    stopped: bool  # time was up before the page was full: a narrower search would have found more


class Named(NamedTuple):
    """The same, of ids: of many people, each of whom may have a large picture."""

    ids: list[UserId]
    after: str | None
    stopped: bool


async def page(
    tx: Tx, org: OrgId, wanted: Wanted, *, after: str | None, limit: int, seconds: float = 0.3
) -> Found:
    """The next people who are wanted, ``limit`` at most, perhaps fewer. Under ``scan``.

    ``after``: of the page before. Raises ``invalid_cursor`` for what is none of this order. Bots are nobody.
    """
    found = await ids(tx, org, wanted, after=after, limit=limit, seconds=seconds)
    people = {user.id: user for user in await users.find_many(tx, org, found.ids)}
    return Found([people[id] for id in found.ids if id in people], found.after, found.stopped)


async def ids(
    tx: Tx, org: OrgId, wanted: Wanted, *, after: str | None, limit: int, seconds: float = 0.3
) -> Named:
    """Who would be on that page."""
    order = ORDERS[wanted.sort]
    position = order.start if after is None else decoded(wanted.sort, after)
    conditions = _conditions(wanted)
    if not conditions:
        found, end, stopped = await _everybody(tx, org, order, position, limit), None, False
    else:
        found, end, stopped = await _fitting(tx, org, order, conditions, position, limit, seconds)
    if len(found) > limit:
        found, end = found[:limit], found[limit - 1][:-1]
    after = None if end is None else encoded(wanted.sort, end)
    return Named([UserId(row[-1]) for row in found], after, stopped)


class _Condition(NamedTuple):
    """A fact, or (``is_word``) the beginning of a word."""

    field: str
    value: str

    @property
    def is_word(self) -> bool:
        return self.field == Facet.WORD

    @property
    def fragment(self) -> str:
        """What an entry's facts have in them if this is true: quotes inside of values are escaped there."""
        text = msgspec.json.encode([self.field, self.value]).decode()
        return text.removesuffix('"]') if self.is_word else text


def _conditions(wanted: Wanted) -> list[_Condition]:
    words = asked(" ".join(wanted.words))
    facts = ((str(field), valued(value.replace("\0", ""))) for field, value in wanted.facets)
    return list(dict.fromkeys(_Condition(*pair) for pair in (*facts, *((str(Facet.WORD), w) for w in words))))


_Place = tuple[Any, ...]
"""A position and, behind it, whose it is."""


async def _everybody(tx: Tx, org: OrgId, order: Order, position: Position, limit: int) -> list[_Place]:
    sql = (
        f"SELECT {order.listed('t')}, t.id FROM users t WHERE t.org_id = $1 AND {order.behind('t', 2)}"
        f" AND t.role <> 'bot' ORDER BY {order.sorting('t')} LIMIT ${2 + len(position)}"
    )
    return [tuple(row) for row in await tx.all(sql, org, *position, limit + 1)]


class _Way(Enum):
    LIST = auto()  # follow the list of the first condition
    SORT = auto()  # sort the people of the first condition
    MIND = auto()  # go through everybody, with the people of the first condition in mind
    ALL = auto()  # go through everybody


async def _way(
    tx: Tx, org: OrgId, order: Order, conditions: Sequence[_Condition]
) -> tuple[_Way, list[_Condition]] | None:
    """How to come to a page, and the conditions, the rarest first. None: there is nobody."""
    few = FEW_NEAR if order.is_near else FEW_FAR
    most = few if order.is_near else SOME
    counted = sorted([(await _count(tx, org, each, most + 1), each) for each in conditions])
    ordered = [condition for _, condition in counted]
    least, rarest = counted[0]
    if not least:
        return None
    if least <= few and (rarest.is_word or not order.is_near):
        return _Way.SORT, ordered
    if least <= most and not order.is_near:
        return _Way.MIND, ordered
    lists = [(count, each) for count, each in counted if not each.is_word]
    if not order.is_near or not lists:
        return _Way.ALL, ordered
    shortest, condition = lists[0]
    if len(conditions) > 1:
        everybody = sum(each.total for each in await index.counts(tx, org, Facet.STATUS, limit=9))
        if shortest * SMALL > everybody:
            return _Way.ALL, ordered
    return _Way.LIST, [condition, *(each for each in ordered if each != condition)]


async def _count(tx: Tx, org: OrgId, condition: _Condition, most: int) -> int:
    """How many people fulfil a condition; of words, which are not counted, ``most`` or more are ``most``."""
    if not condition.is_word:
        return (await index.count(tx, org, Facet(condition.field), condition.value)).total
    row = await tx.one(_COUNT_WORDS, org, condition.value, _end(condition), most)
    return int(row[0]) if row else 0


async def _fitting(
    tx: Tx,
    org: OrgId,
    order: Order,
    conditions: Sequence[_Condition],
    position: Position,
    limit: int,
    seconds: float,
) -> tuple[list[_Place], Position | None, bool]:
    """People who fit (perhaps one too many), where to go on (None: nowhere), and whether time was up."""
    deadline = time.monotonic() + seconds
    found = await _way(tx, org, order, conditions)
    if found is None:
        return [], None, False
    way, (first, *others) = found
    sizes = (FIRST_SLICE, LARGEST_SLICE)
    match way:
        case _Way.SORT:
            bounds = (first.field, first.value, _end(first))
            sql = _sorted(order, first.is_word, len(others))
            rows = await tx.all(sql, org, *bounds, *position, limit + 1, *_fragments(others))
            return [tuple(row) for row in rows], None, False
        case _Way.MIND:
            # Who is frequent is found among the first already.
            look = _in_slices(tx, org, order, (), [first, *others])
            begun, on, goes_on = await _gone_through(look, position, limit, sizes, -1)
            if on is None or not goes_on:
                return begun, on, goes_on
            look, sizes = await _in_mind(tx, org, order, first, others), (FIRST_GLANCE, LARGEST_GLANCE)
            places, end, stopped = await _gone_through(look, on, limit - len(begun), sizes, deadline)
            return begun + places, end, stopped
        case _Way.LIST:
            look = _in_slices(tx, org, order, (first.field, first.value), others)
            sizes = sizes if others else (limit + 1, limit + 1)
        case _Way.ALL:
            look = _in_slices(tx, org, order, (), [first, *others])
    return await _gone_through(look, position, limit, sizes, deadline)


_Look = Callable[[Position, int], Awaitable[tuple[Sequence[_Place], list[_Place]]]]
"""The next so many people behind a position, and those of them who fit."""


async def _gone_through(
    look: _Look, position: Position, limit: int, sizes: tuple[int, int], deadline: float
) -> tuple[list[_Place], Position | None, bool]:
    places: list[_Place] = []
    size, largest = sizes
    while True:
        seen, fitting = await look(position, size)
        places += fitting
        if len(places) > limit or len(seen) < size:
            return places, None, False
        position = seen[-1][:-1]
        if time.monotonic() > deadline:
            return places, position, True
        size = min(2 * size, largest)


def _in_slices(
    tx: Tx, org: OrgId, order: Order, source: tuple[str, ...], others: Sequence[_Condition]
) -> _Look:
    """``source``: the fact whose list is followed; nothing: everybody."""
    sql = _slice(order, bool(source), len(others))

    async def look(position: Position, size: int) -> tuple[Sequence[_Place], list[_Place]]:
        rows = await tx.all(sql, org, *source, *position, size, *_fragments(others))
        return [tuple(row[:-1]) for row in rows], [tuple(row[:-1]) for row in rows if row[-1]]

    return look


async def _in_mind(
    tx: Tx, org: OrgId, order: Order, first: _Condition, others: Sequence[_Condition]
) -> _Look:
    sql = _MINDED.format(_value(first.is_word))
    minded = {id for (id,) in await tx.all(sql, org, first.field, first.value, _end(first))}
    glance, held = _glance(order), _HELD.format(_true("i.facts", 3, len(others)))

    async def look(position: Position, size: int) -> tuple[Sequence[_Place], list[_Place]]:
        rows = [tuple(row) for row in await tx.all(glance, org, *position, size)]
        fitting = [row for row in rows if row[-1] in minded]
        if others and fitting:
            ids = [row[-1] for row in fitting]
            right = {id for (id,) in await tx.all(held, org, ids, *_fragments(others))}
            fitting = [row for row in fitting if row[-1] in right]
        return rows, fitting

    return look


def _fragments(conditions: Sequence[_Condition]) -> list[str]:
    return [each.fragment for each in conditions]


def _end(condition: _Condition) -> str:
    """What comes behind all words that begin so."""
    return prefix_end(condition.value) or "\U0010ffff" * 100 if condition.is_word else ""


@lru_cache
def _slice(order: Order, is_list: bool, others: int) -> str:
    """The next people of a list or of all, and of each whether the others are true."""
    size = (4 if is_list else 2) + len(order.columns)
    if is_list:
        order = order.of("user_id")
        inner = (
            f"SELECT {order.listed('t')} FROM facets t WHERE t.org_id = $1 AND t.field = $2 AND t.value = $3"
        )
    elif order.is_near:
        order = order.of("user_id")
        inner = "SELECT t.created, t.user_id, t.facts FROM indexed_people t WHERE t.org_id = $1"
    else:
        columns = ", ".join(f"t.{each}" for each in dict.fromkeys((*order.columns, "created", "id")))
        inner = f"SELECT {columns} FROM users t WHERE t.org_id = $1"
    inner += f" AND {order.behind('t', 4 if is_list else 2)} ORDER BY {order.sorting('t')} LIMIT ${size}"
    has_facts = order.is_near and not is_list
    fits = f"CASE WHEN {_true('s.facts' if has_facts else 'i.facts', size + 1, others)} THEN 1 ELSE 0 END"
    # From the left, so that the slice comes first.
    entry = f" LEFT JOIN indexed_people i ON {_SAME.format(alias='s', id=order.id)}"
    return (
        f"SELECT {order.listed('s')}, s.{order.id}, {fits} FROM ({inner}) s"
        f"{entry if others and not has_facts else ''} ORDER BY {order.sorting('s')}"
    )


@lru_cache
def _sorted(order: Order, is_word: bool, others: int) -> str:
    """Those with a fact, or with a word between two, of whom the others are true, in order."""
    size = 5 + len(order.columns)
    joined = f" LEFT JOIN indexed_people i ON {_SAME.format(alias='t', id='user_id')}" if others else ""
    if order.is_near:
        alias, order = "t", order.of("user_id")
    else:
        alias = "u"
        joined += " JOIN users u ON u.org_id = $1 AND u.id = t.user_id"
    return (
        f"SELECT DISTINCT {order.listed(alias)}, {alias}.{order.id} FROM facets t{joined}"
        f" WHERE t.org_id = $1 AND t.field = $2 AND {_value(is_word)} AND {order.behind(alias, 5)}"
        f" AND {_true('i.facts', size + 1, others)} ORDER BY {order.sorting(alias)} LIMIT ${size}"
    )


def _value(is_word: bool) -> str:
    """SQL for the value of a condition, between ``$3`` and ``$4`` if it is a word."""
    return "t.value >= $3 AND t.value < $4" if is_word else "t.value = $3 AND $4 = ''"


@lru_cache
def _glance(order: Order) -> str:
    """The next of everybody, from an index alone."""
    if order.columns == ("username",):
        return (
            "SELECT t.name, t.holder_id FROM names t WHERE t.org_id = $1 AND t.name "
            f"{'<' if order.is_down else '>'} $2 AND t.kind = 'user'"
            f" ORDER BY t.name{' DESC' if order.is_down else ''} LIMIT $3"
        )
    return (
        f"SELECT {order.listed('t')}, t.id FROM users t WHERE t.org_id = $1 AND {order.behind('t', 2)}"
        f" ORDER BY {order.sorting('t')} LIMIT ${2 + len(order.columns)}"
    )


def _true(facts: str, first: int, count: int) -> str:
    """SQL for having every fragment, in the arguments from ``$first`` on."""
    tests = (f"LENGTH({facts}) <> LENGTH(REPLACE({facts}, ${first + n}, ''))" for n in range(count))
    return " AND ".join(tests) or "1 = 1"


_SAME = "i.org_id = $1 AND i.created = {alias}.created AND i.user_id = {alias}.{id}"
_MINDED = "SELECT t.user_id FROM facets t WHERE t.org_id = $1 AND t.field = $2 AND {}"
_HELD = (
    "SELECT u.id FROM users u JOIN indexed_people i ON i.org_id = $1 AND i.created = u.created"
    " AND i.user_id = u.id WHERE u.org_id = $1 AND u.id IN each($2) AND {}"
)
_COUNT_WORDS = (
    "SELECT COUNT(*) FROM (SELECT t.user_id FROM facets t WHERE t.org_id = $1 AND t.field = 'word'"
    " AND t.value >= $2 AND t.value < $3 LIMIT $4) q"
)
