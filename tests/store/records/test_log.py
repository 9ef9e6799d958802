"""The provisioning log: what changed something and what was refused, as one list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from rosterd.directory.events import Event
from rosterd.directory.model import Actor, OrgId, Origin, Role, TokenId, UserId
from rosterd.store.engine import Store, Tx
from rosterd.store.records import audit, log, requests
from rosterd.store.records.log import Entry, Page, Wanted
from rosterd.store.uuids import Growing
from tests.store.records.test_requests import SECOND, a_refusal, an_id
from tests.store.rows import E1, E2, found

pytestmark = pytest.mark.anyio

OKTA = "Okta SCIM Client 1.0.0"


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a start: the ids of a process only grow, and these tests write in another time."""
    monkeypatch.setattr(audit, "_ids", Growing())


def by(request_id: str, token: str | None = "A1", client: str = "curl/8.7.1", org: OrgId = E1) -> Actor:
    origin = Origin(request_id, client, "192.0.2.7")
    return Actor(org, UserId("W1"), Role.OWNER, origin, TokenId(token) if token else None)


async def write(
    tx: Tx, at: int, actor: Actor, *about: str, action: str = "user_created", personal: Any = None
) -> None:
    """A request that changed each of these, so many seconds after the first."""
    events = [Event(action, "user", id, {}, personal or {}, UserId(id)) for id in about]
    for step in audit.entries((SECOND + at) * 1_000_000, events, actor):
        await tx.together([step])


@pytest.fixture
async def written(store: Store) -> Store:
    """A change at 1, 3 and 5 seconds, a refusal at 2, 4 and 6, and what is no program's."""
    async with store.write() as tx:
        await found(tx, 3)
        await found(tx, 0, E2)
        await write(tx, 1, by("request-1", client=OKTA), "W1", "W2")
        await write(tx, 3, by("request-3", "A2"), "W2", action="user_deactivated")
        await write(tx, 4, by("command", None), "W1")
        await write(tx, 5, by("request-5", client=OKTA), "W3")
        await write(tx, 5, by("other", org=E2), "W3")
        rows = [
            a_refusal(2, target_id="W2"),
            a_refusal(4, token_id="A2", client="curl/8.7.1", code="no_such_user"),
            a_refusal(6),
            a_refusal(6, E2),
        ]
        await requests.note(tx, rows, [])
    return store


async def pages(store: Store, wanted: Wanted, limit: int) -> list[Page]:
    """Page after page, to the end."""
    found: list[Page] = []
    async with store.scan() as tx:
        while not found or found[-1].end is not None:
            before = found[-1].end if found else None
            found.append(await log.page(tx, E1, wanted, before=before, limit=limit))
    return found


async def logged(store: Store, limit: int = 100, **wanted: Any) -> list[str]:
    """The requests that are found, page by page."""
    return [
        entry.request_id for page in await pages(store, Wanted(**wanted), limit) for entry in page.entries
    ]


ALL = ["request-6", "request-5", "request-4", "request-3", "request-2", "request-1"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7])
async def test_pages_of_any_size_have_every_request_once_the_newest_first(written: Store, limit: int) -> None:
    assert await logged(written, limit) == ALL


async def test_filters_narrow_together(written: Store) -> None:
    assert await logged(written, outcome="changed") == ["request-5", "request-3", "request-1"]
    assert await logged(written, outcome="refused") == ["request-6", "request-4", "request-2"]
    assert await logged(written, token="A2") == ["request-4", "request-3"]
    assert await logged(written, target="W2") == ["request-3", "request-2", "request-1"]
    assert await logged(written, action="user_deactivated") == ["request-3"]
    assert await logged(written, action="no_such_user") == ["request-4"]
    assert await logged(written, connector="script") == ["request-4", "request-3"]
    assert await logged(written, connector="okta", outcome="changed", target="W3") == ["request-5"]
    assert await logged(written, oldest=SECOND + 2, latest=SECOND + 4) == ALL[2:5]
    assert await logged(written, target="W9") == []


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_filters_hold_on_every_page(written: Store, limit: int) -> None:
    assert await logged(written, limit, connector="okta") == [
        "request-6",
        "request-5",
        "request-2",
        "request-1",
    ]
    assert await logged(written, limit, target="W2") == ["request-3", "request-2", "request-1"]


async def test_one_page_looks_at_so_much_and_the_next_goes_on(
    written: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "SLICES", (1, 1))
    for wanted in (Wanted(), Wanted(connector="okta"), Wanted(target="W2"), Wanted(outcome="changed")):
        seen = [entry for page in await pages(written, wanted, 10) for entry in page.entries]
        assert [entry.id for entry in seen] == sorted({entry.id for entry in seen}, reverse=True)
    assert await logged(written, connector="okta") == ["request-6", "request-5", "request-2", "request-1"]
    assert await logged(written) == ALL


async def test_an_entry_says_all_that_a_request_did(store: Store) -> None:
    personal = {"before": {"title": "a"}, "after": {"title": "b"}}
    async with store.write() as tx:
        await found(tx, 1)
        await write(tx, 1, by("request-1", client=OKTA), "W1", "W2", personal=personal)
        await write(tx, 1, by("request-2"), "W3")
    [page] = await pages(store, Wanted(target="W2"), 10)
    [entry] = page.entries
    assert (entry.connector, entry.token_id, entry.actor_id, entry.ip_address) == (
        "okta", "A1", "W1", "192.0.2.7",
    )  # fmt: skip
    assert [event.entity_id for event in entry.events] == ["W1", "W2"]
    assert [msgspec.json.decode(event.personal or "") for event in entry.events] == [personal, personal]
    assert (entry.count, entry.refusal, entry.target) == (2, None, ("user", "W1"))
    assert int(entry.seconds) == SECOND + 1


async def test_a_refusal_is_an_entry(written: Store) -> None:
    [page] = await pages(written, Wanted(target="W2", outcome="refused"), 10)
    [entry] = page.entries
    assert entry == Entry(an_id(2), "request-2", "A1", UserId("W1"), OKTA, None, (), 0, entry.refusal)
    assert entry.refusal == a_refusal(2, target_id="W2")
    assert entry.target == ("user", "W2")


async def test_requests_at_once_are_not_mixed_up_and_none_comes_twice(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        for round_ in range(3):
            for number in range(3):
                await write(tx, 1, by(f"request-{number}"), f"W{round_}")
    for limit in (1, 2, 3):
        assert await logged(store, limit) == ["request-2", "request-1", "request-0"]
    [page] = await pages(store, Wanted(), 3)
    assert [[event.entity_id for event in entry.events] for entry in page.entries] == [["W0", "W1", "W2"]] * 3


async def test_what_changed_a_great_deal_is_cut_and_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "EVENTS_SHOWN", 2)
    monkeypatch.setattr(log, "LONGEST", 40)
    async with store.write() as tx:
        await found(tx, 0)
        await write(tx, 1, by("request-1"), "W1", "W2", "W3")
        await write(tx, 2, by("request-2"), "W1", personal={"after": {"photo": "x" * 100}})
    [page] = await pages(store, Wanted(), 10)
    assert [(len(entry.events), entry.count) for entry in page.entries] == [(1, 1), (2, 3)]
    assert page.entries[0].events[0].personal == ""


async def seen_since(store: Store, after: str, limit: int = 100, **wanted: Any) -> Sequence[str]:
    async with store.scan() as tx:
        return [entry.request_id for entry in await log.since(tx, E1, Wanted(**wanted), after, limit)]


async def test_what_came_since_is_told_in_its_order(written: Store) -> None:
    assert await seen_since(written, an_id(4)) == ["request-4", "request-5", "request-6"]
    assert await seen_since(written, an_id(4), outcome="changed") == ["request-5"]
    assert await seen_since(written, an_id(0), limit=2) == ["request-5", "request-6"]
    assert await seen_since(written, an_id(7)) == []


async def test_names_are_found_for_all_that_entries_are_about(written: Store) -> None:
    async with written.scan() as tx:
        page = await log.page(tx, E1, Wanted(), before=None, limit=10)
        names = await log.names(tx, E1, page.entries)
    assert {id: person.name for id, person in names.people.items()} == {
        "W1": "Person 1",
        "W2": "Person 2",
        "W3": "Person 3",
    }
