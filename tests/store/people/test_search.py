"""Finding people, against a model that looks at everybody: every way to a page shows the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from rosterd.actions.upkeep import indexing
from rosterd.directory.errors import Invalid
from rosterd.directory.facets import Facet, Fact, Sort, asked, words
from rosterd.directory.model import Profile, Role, Status, User, UserId
from rosterd.store import users
from rosterd.store.engine import Store
from rosterd.store.people import search
from rosterd.store.people.orders import encoded
from rosterd.store.people.search import Found, Wanted
from tests.store.rows import E1, E2, a_user, found, gather, settle

pytestmark = pytest.mark.anyio

NAMES = ("Ann", "Anna", "Åsa", "Jean-Luc", "O'Neill", "Lee", "Lea", "müller", "Ångström", "李")
TITLES = ("", "Engineer", "engineer", "Head of Sales", 'a "quoted" one', "x" * 300)
COUNT = 120


def people(seed: int) -> list[User]:
    """Some with the same time of creation, some with the same name; one in ten is a bot."""
    chance = random.Random(seed)
    return [
        a_user(
            number,
            created=number // 3,
            username=f"{chance.choice('abc')}{number}",
            email=f"{chance.choice(('ann.lee', 'anne', 'x'))}+{number}@example.com",
            display_name=f"{chance.choice(NAMES)} {chance.choice(NAMES)}",
            role=chance.choice([Role.MEMBER] * 6 + [Role.ADMIN, Role.MULTI_CHANNEL_GUEST, Role.BOT]),
            deactivated=chance.random() < 0.2,
            date_claimed=chance.choice((None, 5)),
            profile=Profile(title=chance.choice(TITLES), department=chance.choice((None, "IT", "HR"))),
        )
        for number in range(1, COUNT)
    ]


class Model:
    """The same in plain Python."""

    def __init__(self, everybody: Sequence[User], groups: dict[str, set[str]]) -> None:
        self.everybody = [user for user in everybody if user.role is not Role.BOT]
        self.groups = groups

    def found(self, wanted: Wanted) -> list[UserId]:
        key = KEYS[wanted.sort]
        down = wanted.sort is Sort.NEWEST or wanted.sort.startswith("-")
        fitting = [user for user in self.everybody if self._fits(user, wanted)]
        return [user.id for user in sorted(fitting, key=key, reverse=down)]

    def _fits(self, user: User, wanted: Wanted) -> bool:
        profile = user.profile
        names = (user.display_name, profile.given_name, profile.family_name, user.username)
        known = words(names, [user.email])
        starts = all(any(word.startswith(part) for word in known) for part in asked(" ".join(wanted.words)))
        return starts and all(self._is_true(user, *fact) for fact in wanted.facets)

    def _is_true(self, user: User, facet: Facet, value: str) -> bool:
        match facet:
            case Facet.STATUS:
                return user.status == value
            case Facet.ROLE:
                return user.role == value
            case Facet.TITLE:
                return user.profile.title[:200] == value[:200]
            case Facet.DEPARTMENT:
                return user.profile.department == value
            case Facet.GROUP:
                return user.id in self.groups[value]
        raise ValueError(facet)


def creation(user: User) -> tuple[int, str]:
    return user.created, user.id


def name(user: User) -> tuple[str, int, str]:
    return user.display_name.casefold(), user.created, user.id


def username(user: User) -> str:
    return user.username


KEYS: dict[Sort, Callable[[User], Any]] = {
    Sort.NEWEST: creation,
    Sort.OLDEST: creation,
    Sort.NAME: name,
    Sort.NAME_DOWN: name,
    Sort.USERNAME: username,
    Sort.USERNAME_DOWN: username,
}


def searches(seed: int, groups: Sequence[str]) -> Iterator[Wanted]:
    chance = random.Random(seed)
    facts: list[Fact] = [
        *((Facet.STATUS, status) for status in Status),
        *((Facet.ROLE, role) for role in (Role.MEMBER, Role.ADMIN, Role.OWNER)),
        *((Facet.TITLE, title) for title in TITLES if title),
        *((Facet.DEPARTMENT, department) for department in ("IT", "HR", "none", "I")),
        *((Facet.GROUP, group) for group in groups),
    ]
    parts = (
        "a",
        "an",
        "ann",
        "Ann",
        "ann.lee",
        "ann.lee+1",
        "å",
        "jean-luc",
        "luc",
        "o'neill",
        "neill",
        "zz",
    )
    for sort in Sort:
        yield Wanted(sort=sort)
        for _ in range(12):
            some = tuple(chance.sample(facts, chance.choice((0, 1, 1, 2, 3))))
            typed = tuple(chance.sample(parts, chance.choice((0, 0, 1, 2))))
            yield Wanted(typed, some, sort)
        yield Wanted(("李",), (), sort)


async def settled(store: Store, seed: int) -> Model:
    """The people of a seed, two groups of them, and another organisation with people of the same kind."""
    everybody = people(seed)
    async with store.write() as tx:
        await found(tx, 0)
        await settle(tx, *everybody)
        groups = {}
        for number, share in ((1, 2), (2, 7)):
            some = [user.id for user in everybody if user.role is not Role.BOT][::share]
            groups[str(await gather(tx, number, some))] = {str(id) for id in some}
        await found(tx, 5, E2)
    for org in (E1, E2):
        while await indexing.advance(store, org):
            pass
    return Model(everybody, groups)


async def pages(store: Store, wanted: Wanted, limit: int, seconds: float = 9.0) -> list[Found]:
    """Page after page, to the end."""
    shown: list[Found] = []
    after: str | None = None
    while True:
        async with store.scan() as tx:
            shown.append(await search.page(tx, E1, wanted, after=after, limit=limit, seconds=seconds))
        after = shown[-1].after
        assert len(shown[-1].people) == limit or after is None or shown[-1].stopped
        if after is None:
            return shown


def ids(found: Sequence[Found]) -> list[UserId]:
    return [user.id for page in found for user in page.people]


@pytest.mark.parametrize(
    ("seed", "near", "far", "small"),
    [(1, 20_000, 12_000, 3), (2, 0, 0, 3), (3, 10, 5, 1_000), (4, 30, 30, 1)],
    ids=["as it is", "nobody is sorted", "all are gone through", "lists are followed"],
)
async def test_every_way_leads_to_the_people_of_the_model(
    store: Store, seed: int, near: int, far: int, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, value in (
        ("FEW_NEAR", near),
        ("FEW_FAR", far),
        ("SMALL", small),
        ("FIRST_SLICE", 7),
        ("FIRST_GLANCE", 7),
        ("SOME", far * 2),
    ):
        monkeypatch.setattr(search, setting, value)
    model = await settled(store, seed)
    some = 0
    for wanted in searches(seed, list(model.groups)):
        expected = model.found(wanted)
        shown = await pages(store, wanted, limit=11)
        assert ids(shown) == expected, wanted
        assert not any(page.stopped for page in shown)
        some += bool(expected)
    assert some > 40


async def test_people_are_shown_as_they_are_now(store: Store) -> None:
    await settled(store, 1)
    async with store.write() as tx:
        user = await users.find(tx, E1, UserId("W7"))
        assert user is not None
        await tx.run("UPDATE users SET full_name = 'New', deactivated = 1 WHERE org_id = $1", E1)
    async with store.scan() as tx:
        shown = await search.page(tx, E1, Wanted(), after=None, limit=200)
    assert {user.deactivated for user in shown.people} == {True}


async def test_a_search_that_takes_too_long_goes_on_where_it_stopped(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, value in (
        ("FEW_NEAR", 0),
        ("FEW_FAR", 0),
        ("FIRST_SLICE", 5),
        ("LARGEST_SLICE", 5),
        ("FIRST_GLANCE", 5),
        ("LARGEST_GLANCE", 5),
    ):
        monkeypatch.setattr(search, setting, value)
    model = await settled(store, 5)
    for sort in Sort:
        wanted = Wanted(("an",), ((Facet.DEPARTMENT, "IT"),), sort)
        shown = await pages(store, wanted, limit=11, seconds=-1.0)
        assert ids(shown) == model.found(wanted)
        assert [page.stopped for page in shown] == [True] * (len(shown) - 1) + [False]
        assert len(shown) > 5


async def test_whoever_comes_or_goes_moves_nobody_else(store: Store) -> None:
    """Pages go on behind a place: others are neither left out nor shown twice."""
    model = await settled(store, 6)
    for sort in Sort:
        wanted = Wanted(sort=sort)
        expected = model.found(wanted)
        async with store.scan() as tx:
            first = await search.page(tx, E1, wanted, after=None, limit=20)
        newcomer = a_user(1000 + list(Sort).index(sort), username=f"b{sort}".replace("-", "_"))
        async with store.write() as tx:
            await settle(tx, newcomer)
            await tx.run("UPDATE users SET role = 'bot' WHERE org_id = $1 AND id = $2", E1, expected[19])
        async with store.scan() as tx:
            rest = await search.page(tx, E1, wanted, after=first.after, limit=1000)
        left = [user.id for user in rest.people if user.created < 1000]
        assert left == [id for id in expected[20:] if id in left]
        assert set(expected[20:]) - set(left) <= _bots(expected, model)
        async with store.write() as tx:
            await tx.run("UPDATE users SET role = 'member' WHERE org_id = $1 AND id = $2", E1, expected[19])
            await tx.run("UPDATE users SET role = 'bot' WHERE org_id = $1 AND created >= 1000", E1)


def _bots(expected: Sequence[UserId], model: Model) -> set[UserId]:
    return set(expected) - {user.id for user in model.everybody}


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "=====",
        "WyJuZXdlc3QiLDcsIlcxIl0" * 200,
        encoded(Sort.OLDEST, (7, "W1")),
        encoded(Sort.NEWEST, (7,)),
        encoded(Sort.NEWEST, (7, "W1", "more")),
        encoded(Sort.NEWEST, ("7", "W1")),
        encoded(Sort.NEWEST, (7, 1)),
        encoded(Sort.NEWEST, (2**63, "W1")),
        encoded(Sort.NEWEST, (-2, "W1")),
        encoded(Sort.NEWEST, (7, "W\0")),
        "WyJuZXdlc3QiLDcsIlx1ZDgwMCJd",  # a lone surrogate
        "bnVsbA",
        "\u0430",
    ],
)
async def test_what_is_no_place_is_refused(store: Store, after: str) -> None:
    async with store.scan() as tx:
        with pytest.raises(Invalid, match="invalid_cursor"):
            await search.page(tx, E1, Wanted(), after=after, limit=1)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(words=("\0",)),
        Wanted(words=("...",)),
        Wanted(words=("\U0010ffff",)),
        Wanted(words=("\U0010ffff" * 80,)),
        Wanted(words=("a" * 1_000,)),
        Wanted(words=("%", "_", '"]', "'")),
        Wanted(facets=((Facet.TITLE, "\0"),)),
        Wanted(facets=((Facet.TITLE, ""),)),
        Wanted(facets=((Facet.WORD, "an"), (Facet.TITLE, '"],["role","member'))),
    ],
)
async def test_odd_searches_find_nobody_or_everybody(store: Store, wanted: Wanted) -> None:
    await settled(store, 1)
    async with store.scan() as tx:
        found = await search.page(tx, E1, wanted, after=None, limit=500)
    assert len(found.people) in (0, sum(user.role is not Role.BOT for user in people(1)))
