"""Conditions as SQL: what they find, and that lookups use an index."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.directory.model import Profile, Role
from rosterd.directory.query import And, Compare, Condition, Constant, Not, Op, Or, Present
from rosterd.store import groups, query, users
from rosterd.store.engine import Store, Tx
from rosterd.store.query import Field, prefix_end, where
from tests.store.rows import E1, E2, a_user, found, gather, settle

FIELDS = {"name": Field("t.name"), "age": Field("t.age", is_number=True)}


def test_values_never_become_part_of_the_text() -> None:
    sql, args = where(Compare("name", Op.EQ, "'; DROP TABLE users; --"), FIELDS, 5)
    assert (sql, args) == ("t.name = $5", ["'; DROP TABLE users; --"])


def test_arguments_are_numbered_across_parts() -> None:
    name, age = Compare("name", Op.SW, "a"), Compare("age", Op.GE, 3)
    assert where(Not(Or((name, age))), FIELDS) == (
        "NOT (((t.name >= $2 AND t.name < $3) OR t.age >= $4))",
        ["a", "b", 3],
    )


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(KeyError):
        where(Present("password"), FIELDS)


@pytest.mark.parametrize(
    "condition",
    [Compare("age", Op.EQ, "3"), Compare("name", Op.EQ, 3), Compare("active", Op.GT, 0)],
)
def test_an_operator_that_the_kind_does_not_have_is_refused(condition: Condition) -> None:
    with pytest.raises(TypeError):
        where(condition, FIELDS | {"active": users.FIELDS["active"]})


@pytest.mark.parametrize("none", [And(()), Or(())])
def test_no_parts_are_true_for_and_and_false_for_or(none: And | Or) -> None:
    assert where(none, FIELDS)[0] == ("1 = 1" if isinstance(none, And) else "1 = 0")


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_the_end_of_a_prefix_divides_what_starts_with_it_from_what_comes_after(
    prefix: str, other: str
) -> None:
    end = prefix_end(prefix)

    def inside(text: str) -> bool:
        return prefix <= text and (end is None or text < end)

    assert inside(prefix + other)
    assert inside(other) == other.startswith(prefix)


WORDS = (
    "",
    "a",
    "ab",
    "aba",
    "b",
    "100%",
    "a_b",
    "axb",
    "é",
    "\ud7ff",
    "\ue000",
    "z\U0010ffff",
    "z\U0010ffffa",
    "日本語",
)

MEANING: dict[Op, Callable[[str, str], bool]] = {
    Op.EQ: operator.eq,
    Op.CO: operator.contains,
    Op.SW: str.startswith,
    Op.EW: str.endswith,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.LT: operator.lt,
    Op.LE: operator.le,
}
ASKED = (*WORDS, "_", "%", "bab", "z", "\U0010ffff", "本", "nul\0", "a\0")


@pytest.mark.anyio
async def test_operators_mean_on_text_what_python_means(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        await settle(tx, *(a_user(n, display_name=word) for n, word in enumerate(WORDS, 1)))
    async with store.read() as tx:
        for op in Op:
            for asked in ASKED:
                expected = [n for n, word in enumerate(WORDS, 1) if MEANING[op](word, asked)]
                if "\0" in asked:  # refused: no stored text holds one
                    expected = []
                assert await numbers(tx, Compare("display_name", op, asked)) == expected, (op, asked)


async def numbers(tx: Tx, condition: Condition) -> list[int]:
    ids, total = await query.page(tx, "users", users.FIELDS, E1, condition, 1, 100)
    assert total == len(ids)
    return [int(id[1:]) for id in ids]


CASES: list[tuple[Condition, list[int]]] = [
    (Compare("id", Op.EQ, "W2"), [2]),
    (Compare("username", Op.SW, "user"), [1, 2, 3]),
    (Compare("email", Op.EQ, "second@example.com"), [2]),  # a secondary address counts
    (Compare("primary_email", Op.EQ, "second@example.com"), []),
    (Compare("primary_email", Op.EQ, "user1@example.com"), [1]),
    (Not(Compare("email", Op.CO, "second")), [1, 3]),
    (Compare("email", Op.EW, "@example.com"), [1, 2, 3]),
    (Compare("role", Op.EQ, "admin"), [3]),
    (Compare("active", Op.EQ, 1), [1, 2]),
    (Compare("active", Op.EQ, 0), [3]),
    (Not(Compare("active", Op.EQ, True)), [3]),
    (Compare("created", Op.GE, 2), [2, 3]),
    (Present("display_name"), [1, 2]),
    (Not(Present("display_name")), [3]),
    (Present("email"), [1, 2, 3]),
    (Constant(True), [1, 2, 3]),
    (Constant(False), []),
    (And((Compare("active", Op.EQ, 1), Not(Compare("username", Op.EQ, "user1")))), [2]),
    (Or((Compare("role", Op.EQ, "admin"), Compare("id", Op.EQ, "W1"))), [1, 3]),
    (Or(tuple(Compare("username", Op.EQ, f"user{n}") for n in range(1, 3001))), [1, 2, 3]),
]


@pytest.mark.anyio
async def test_conditions_on_users_find_the_users_that_fit(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        await settle(
            tx,
            a_user(2, profile=Profile(secondary_email="Second@example.com")),
            a_user(3, display_name="", role=Role.ADMIN, deactivated=True),
        )
        await found(tx, 3, E2)
    async with store.read() as tx:
        for condition, expected in CASES:
            assert await numbers(tx, condition) == expected, condition


@pytest.mark.anyio
async def test_groups_are_found_by_their_members(store: Store) -> None:
    async with store.write() as tx:
        ann, ben = await found(tx, 2)
        both = await gather(tx, 1, [ann, ben])
        await gather(tx, 2, [ben])
    async with store.read() as tx:
        page, total = await groups.page(tx, E1, Compare("member", Op.EQ, ann), 1, 10)
    assert ([group.id for group in page], total) == ([both], 1)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("start", "count", "ids"),
    [
        (1, 3, ["W1", "W2", "W3"]),
        (3, 2, ["W3", "W4"]),
        (5, 10, ["W5"]),
        (6, 10, []),
        (2**70, 10, []),
        (1, 0, []),
        (-3, 1, ["W1"]),
    ],
)
async def test_a_page_has_its_ids_in_order_of_creation_and_the_total(
    store: Store, start: int, count: int, ids: list[str]
) -> None:
    async with store.write() as tx:
        await found(tx, 5)
        await found(tx, 5, E2)
    async with store.read() as tx:
        assert await query.page(tx, "users", users.FIELDS, E1, None, start, count) == (ids, 5)
