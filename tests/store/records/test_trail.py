"""The audit trail as its readers page through it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rosterd.directory.events import Event
from rosterd.directory.model import Actor, Role, TeamId, Token, TokenId, UserId, Workspace
from rosterd.store import orgs, workspaces
from rosterd.store.doors import tokens
from rosterd.store.engine import Store, Tx
from rosterd.store.records import audit, trail
from rosterd.store.records.audit import Record
from rosterd.store.records.trail import Page, Wanted
from rosterd.store.uuids import Growing, least_at, moment
from tests.store.rows import ACTOR, E1, E2, ORIGIN, a_user, an_org, found, gather, settle

pytestmark = pytest.mark.anyio

SECOND = 1_000_000
ACTIONS = ("user_created", "user_deactivated")


async def write(tx: Tx, *entities: str, at: int, action: str = "user_created", actor: Actor = ACTOR) -> None:
    """An event about each of these, at a time in seconds, in this order."""
    for step in audit.entries(at * SECOND, [Event(action, "user", id) for id in entities], actor):
        await tx.together([step])


async def pages(store: Store, wanted: Wanted, limit: int) -> list[Page]:
    """Page after page, to the end."""
    found: list[Page] = []
    async with store.scan() as tx:
        while not found or found[-1].end is not None:
            before = found[-1].end if found else None
            found.append(await trail.page(tx, E1, wanted, before=before, limit=limit))
    return found


async def entities(store: Store, limit: int = 100, actions: Any = ACTIONS, **asked: Any) -> list[str]:
    """Whom the events are about that are found, page by page."""
    return [
        record.entity_id
        for page in await pages(store, Wanted(actions, **asked), limit)
        for record in page.records
    ]


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a start: the ids of a process only grow, and these tests write in another time."""
    monkeypatch.setattr(audit, "_ids", Growing())


@pytest.fixture
async def written(store: Store) -> Store:
    """Events about W1 … W6, one a second from 2,000,001,000 on, the even ones a deactivation by W9."""
    other = msgspec.structs.replace(ACTOR, user_id=UserId("W9"))
    async with store.write() as tx:
        for number in range(1, 7):
            odd = number % 2
            at = 2_000_000_999 + number
            await write(tx, f"W{number}", at=at, action=ACTIONS[1 - odd], actor=ACTOR if odd else other)
        await write(tx, "W1", at=2_000_001_009, actor=msgspec.structs.replace(ACTOR, org_id=E2))
        await write(tx, "W7", at=2_000_001_009, action="organization_imported")
    return store


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 7])
async def test_pages_of_any_size_have_every_event_once_the_newest_first(written: Store, limit: int) -> None:
    assert await entities(written, limit) == ["W6", "W5", "W4", "W3", "W2", "W1"]


async def test_filters_narrow_together(written: Store) -> None:
    assert await entities(written, actions=ACTIONS[:1]) == ["W5", "W3", "W1"]
    assert await entities(written, actor="W9") == ["W6", "W4", "W2"]
    assert await entities(written, entity="W3") == ["W3"]
    assert await entities(written, actor="W9", entity="W3") == []
    assert await entities(written, actions=()) == []
    assert await entities(written, oldest=2_000_001_002, latest=2_000_001_003, actor="W1") == ["W3"]


async def test_both_ends_of_a_range_are_in_it(written: Store) -> None:
    assert await entities(written, oldest=2_000_001_001, latest=2_000_001_003) == ["W4", "W3", "W2"]
    assert await entities(written, oldest=2_000_001_005) == ["W6"]
    assert await entities(written, latest=2_000_001_000) == ["W1"]
    assert await entities(written, latest=2_000_000_999) == []
    assert await entities(written, latest=10**12) == ["W6", "W5", "W4", "W3", "W2", "W1"]


async def test_one_page_looks_at_so_many_events_and_the_next_goes_on(
    written: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "SLICE", 1)
    monkeypatch.setattr(trail, "LOOKED_AT", 2)
    found = await pages(written, Wanted(ACTIONS[:1], actor="W1", oldest=2_000_001_000), 10)
    assert [[record.entity_id for record in page.records] for page in found] == [[], ["W5"], ["W3"], ["W1"]]
    assert await entities(written, 1, entity="W1") == ["W1"]


async def test_the_time_is_in_the_id(written: Store) -> None:
    [page] = await pages(written, Wanted(ACTIONS), 10)
    assert [moment(record.id) // 1000 for record in page.records] == [
        2_000_001_000 + number for number in range(5, -1, -1)
    ]
    assert least_at(2_000_001_000_000) <= page.records[-1].id < least_at(2_000_001_001_000)
    assert (least_at(-1), least_at(2**60)) == (least_at(0), "ffffffff-ffff-7000-8000-000000000000")


def about(entity_type: str, entity_id: str, token_id: str | None = None) -> Record:
    return Record(
        E1, "", 0, "x", UserId("W1"), token_id, entity_type, entity_id, "", "", None, "{}", *[None] * 4
    )


async def test_names_are_found_for_all_that_events_are_about(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 2)
        await found(tx, 0, E2)
        await settle(tx, a_user(3, E2))
        group = await gather(tx, 1, [])
        await workspaces.insert(tx, Workspace(E1, TeamId("T1"), 1, "Team", "team"))
        token = Token(TokenId("A1"), E1, UserId("W2"), ("admin",), TeamId("T1"), (), 1, None, None, None)
        await tokens.insert(tx, token, "hash")
        installed = msgspec.structs.replace(token, id=TokenId("A2"), app_id="A9", team_id=None)
        await tokens.insert(tx, installed, "hash2")
        await tx.run(
            "INSERT INTO apps (client_id, org_id, id, name, secret_hash, redirect_uris, scopes, created)"
            " VALUES ('1.1', 'E1', 'A9', 'Connector', '', '[]', '[\"admin\"]', 1)"
        )
        await tx.run("INSERT INTO names (org_id, name, kind) VALUES ('E1', 'sales', 'channel')")
        await tx.run(
            "INSERT INTO channels (org_id, id, created, name, creator_id, is_private, is_archived,"
            " is_org_wide, topic, purpose) VALUES ('E1', 'C1', 1, 'sales', 'W1', 1, 0, 0, '', '')"
        )
        await tx.run(
            "INSERT INTO channel_workspaces (org_id, channel_id, team_id, name, is_default, is_general)"
            " VALUES ('E1', 'C1', 'T1', 'sales', 0, 0)"
        )
        names = await trail.names(
            tx,
            E1,
            [
                about("user", "W2", "A1"),
                about("user", "W3", "A2"),
                about("usergroup", group),
                about("channel", "C1"),
                about("app", "A9"),
                about("enterprise", "E1"),
            ],
        )
    assert names.people == {
        "W1": ("Person 1", "User1@example.com"),
        "W2": ("Person 2", "User2@example.com"),
    }
    assert names.groups == {group: "Group 1"}
    assert names.workspaces == {"T1": ("Team", "team")}
    assert names.channels == {"C1": ("sales", True, ("T1",))}
    assert names.apps == {
        "A1": ("A1", "", ("admin",), "W2", "T1"),
        "A2": ("A9", "Connector", ("admin",), "W2", None),
        "A9": ("A9", "Connector", ("admin",), "", None),
    }


async def test_a_role_is_no_filter(store: Store) -> None:
    async with store.write() as tx:
        await orgs.insert(tx, an_org())
        await write(tx, "W1", at=2_000_001_000, actor=Actor(E1, UserId("USLACKUSER"), Role.OWNER, ORIGIN))
    assert await entities(store, actor="USLACKUSER") == ["W1"]
