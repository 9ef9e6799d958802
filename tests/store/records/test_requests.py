"""Requests that came to nothing, as they are kept."""

from __future__ import annotations

from typing import Any

import pytest

from rosterd import app
from rosterd.directory.model import OrgId
from rosterd.store.engine import Store, Tx
from rosterd.store.records import requests
from rosterd.store.records.activity import DAY
from rosterd.store.records.requests import More, Refusal, Wanted
from rosterd.store.uuids import least_at
from tests.store.rows import E1, E2, UserId, found

pytestmark = pytest.mark.anyio

SECOND = 2_000_001_000


def an_id(number: int) -> str:
    return least_at((SECOND + number) * 1000)


def a_refusal(number: int, org: OrgId = E1, **fields: Any) -> Refusal:
    """Refused so many seconds after 2,000,001,000."""
    given: dict[str, Any] = {
        "org_id": org,
        "id": an_id(number),
        "request_id": f"request-{number}",
        "method": "POST",
        "route": "/scim/v2/Users",
        "target_id": "",
        "status": 409,
        "code": "username_taken",
        "detail": "username_taken (user=ann)",
        "token_id": "A1",
        "actor_id": UserId("W1"),
        "client": "Okta SCIM Client 1.0.0",
        "ip_address": None,
    }
    return Refusal(**(given | fields))


async def kept(tx: Tx, org: OrgId = E1, wanted: Wanted = Wanted()) -> list[str]:  # noqa: B008 - a value
    """The ids of the requests that are known, the newest first."""
    return [row.request_id for row in await requests.page(tx, org, wanted, end="g", since="", limit=100)]


async def test_what_is_noted_is_read_back_the_newest_first(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        await requests.note(tx, [a_refusal(1), a_refusal(2, detail="é")], [])
        await requests.note(tx, [], [])
        assert await requests.page(tx, E1, Wanted(), end="g", since="", limit=9) == [
            a_refusal(2, detail="é"),
            a_refusal(1),
        ]
        assert await requests.page(tx, E1, Wanted(), end=an_id(2), since=an_id(1), limit=9) == [a_refusal(1)]
        assert await requests.page(tx, E1, Wanted(), end="g", since="", limit=1) == [a_refusal(2, detail="é")]
        assert await requests.page(tx, E2, Wanted(), end="g", since="", limit=9) == []


async def test_filters_narrow_together(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        rows = [
            a_refusal(1),
            a_refusal(2, token_id="A2"),
            a_refusal(3, target_id="W1"),
            a_refusal(4, code="x", target_id="W1"),
        ]
        await requests.note(tx, rows, [])
        assert await kept(tx, wanted=Wanted(token="A2")) == ["request-2"]
        assert await kept(tx, wanted=Wanted(target="W1")) == ["request-4", "request-3"]
        assert await kept(tx, wanted=Wanted(target="W1", code="x")) == ["request-4"]
        assert await kept(tx, wanted=Wanted(token="A2", code="x")) == []


async def test_more_of_the_same_are_a_number(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        await requests.note(tx, [a_refusal(1)], [More(E1, an_id(1), 4)])
        await requests.note(tx, [], [More(E1, an_id(1), 5), More(E1, an_id(2), 1)])
        [row] = await requests.page(tx, E1, Wanted(), end="g", since="", limit=9)
        assert row.times == 10


async def test_each_counts_for_its_day(store: Store) -> None:
    tomorrow = DAY
    async with store.write() as tx:
        for org in (E1, E2):
            await found(tx, 0, org)
        await requests.note(tx, [a_refusal(1), a_refusal(2), a_refusal(1, E2)], [More(E1, an_id(1), 7)])
        await requests.note(tx, [a_refusal(3), a_refusal(tomorrow, times=3)], [])
        rows = await tx.all("SELECT org_id, day, action, events FROM day_counts ORDER BY 1, 2")
    day = SECOND // DAY
    assert [(*row,) for row in rows] == [
        ("E1", day, "request_refused", 10),
        ("E1", day + 1, "request_refused", 3),
        ("E2", day, "request_refused", 1),
    ]


async def test_what_is_noted_twice_is_there_once(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        await requests.note(tx, [a_refusal(1)], [])
        await requests.note(tx, [a_refusal(1), a_refusal(2)], [])
        assert await kept(tx) == ["request-2", "request-1"]


async def test_what_was_asked_about_somebody_is_forgotten_with_them(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        await found(tx, 0, E2)
        rows = [
            a_refusal(1, target_id="W1"),
            a_refusal(2, target_id="W2"),
            a_refusal(3, detail="email_taken (user=a_n@x.example, existing_user=W2)"),
            a_refusal(4, detail="email_taken (user=abn@x.example, existing_user=W2)"),
            a_refusal(5, detail="username_taken (user=ann)"),
            a_refusal(6, detail="username_taken (user=anna)"),
            a_refusal(7, E2, target_id="W1"),
        ]
        await requests.note(tx, rows, [])
        await requests.remove_of_user(tx, E1, UserId("W1"), ["a_n@x.example", "ann"])
        assert await kept(tx) == ["request-6", "request-4", "request-2"]
        assert await kept(tx, E2) == ["request-7"]


async def test_what_is_old_is_forgotten_and_what_is_too_much(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MOST_KEPT", 3)
    now = (SECOND + 30 * DAY + 2) * 1_000_000
    async with store.write() as tx:
        for org in (E1, E2):
            await found(tx, 0, org)
        assert await requests.stale(tx, E1, now) is None
        await requests.note(tx, [a_refusal(number) for number in range(1, 4)], [])
        assert await requests.stale(tx, E1, now) == an_id(2)  # the first is older than thirty days
        await requests.note(tx, [a_refusal(number) for number in range(4, 7)], [])
        await requests.note(tx, [a_refusal(1, E2)], [])
        assert await requests.stale(tx, E1, now) == an_id(4)
        assert await requests.prune(tx, E1, an_id(4), limit=2) == 2
        assert await requests.prune(tx, E1, an_id(4), limit=2) == 1
        assert await requests.prune(tx, E1, an_id(4), limit=2) == 0
        assert await requests.stale(tx, E1, now) is None
        assert await kept(tx) == ["request-6", "request-5", "request-4"]
        assert await kept(tx, E2) == ["request-1"]


async def test_the_server_forgets_for_every_organisation(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MOST_KEPT", 1)
    async with store.write() as tx:
        for org in (E1, E2):
            await found(tx, 0, org)
            await requests.note(tx, [a_refusal(number, org) for number in range(1, 4)], [])
    assert await app.prune_requests(store) == 4
    assert await app.prune_requests(store) == 0
