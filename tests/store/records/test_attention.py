"""What an administrator should look at, and nothing that can wait."""

from __future__ import annotations

from typing import Any

import pytest

from rosterd.directory.apps import App
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.model import Role
from rosterd.store import outbox
from rosterd.store.doors import apps, tokens
from rosterd.store.engine import Store, Tx
from rosterd.store.records import attention
from rosterd.store.records.attention import Ending, Used
from tests.store.doors.test_tokens import a_token
from tests.store.rows import E1, E2, a_user, found, settle

pytestmark = pytest.mark.anyio

NOW = 2_000_000_000


async def guests(tx: Tx) -> None:
    guest = Role.MULTI_CHANNEL_GUEST
    await found(tx, 1)
    await found(tx, 1, E2)
    await settle(
        tx,
        a_user(2, role=guest, guest_expires=NOW + 2),
        a_user(3, role=guest, guest_expires=NOW + 1),
        a_user(4, role=guest, guest_expires=NOW + 3),
        a_user(5, role=guest),
        a_user(6, role=guest, guest_expires=NOW, deactivated=True),
        a_user(7, E2, role=guest, guest_expires=NOW),
    )


async def test_guests_whose_time_is_soon_up_come_in_that_order(store: Store) -> None:
    async with store.write() as tx:
        await guests(tx)
    async with store.read() as tx:
        whole = [Ending("W3", "Person 3", NOW + 1), Ending("W2", "Person 2", NOW + 2)]
        assert await attention.guests(tx, E1, NOW + 2, 10) == whole
        assert await attention.guests(tx, E1, NOW + 2, 1) == whole[:1]


async def test_tokens_that_count_are_told_of(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 1)
        now = tx.now // 1_000_000
        app = App("client", E1, "A9", "Okta", (), ("admin",), 1, None)
        await apps.insert(tx, app, "hash")
        given: tuple[dict[str, Any], ...] = (
            {"expires": now + 500, "last_used": 7, "name": "own name"},
            {"expires": now + 400, "last_used": 9, "app_id": "A9"},
            {"expires": now - 1, "last_used": 9},
            {"expires": now + 400, "last_used": 9, "revoked": 1},
            {"last_used": 8},
            {"expires": now + 9_000},
        )
        for number, fields in enumerate(given, 1):
            await tokens.insert(tx, a_token(number, **fields), f"hash-{number}")
    async with store.read() as tx:
        ids = [a_token(number).id for number in range(7)]
        assert await attention.tokens(tx, E1, now + 500, 5) == [
            Ending(ids[2], "Okta", now + 400),
            Ending(ids[1], "own name", now + 500),
        ]
        assert await attention.used(tx, E1, 5) == [
            Used(ids[2], "Okta", 9),
            Used(ids[5], "", 8),
            Used(ids[1], "own name", 7),
        ]
        assert await attention.used(tx, E2, 5) == []


async def test_invitations_are_counted_to_a_limit(store: Store) -> None:
    rows = [(org, "status", status, created, "W") for org, status, created in (
        (E1, "invited", 1), (E1, "invited", 2), (E1, "invited", 3), (E1, "active", 1), (E2, "invited", 1),
    )]  # fmt: skip
    async with store.write() as tx:
        sql = "INSERT INTO facets (org_id, field, value, created, user_id) VALUES ($1, $2, $3, $4, $5)"
        await tx.many(sql, rows)
    async with store.read() as tx:
        assert [await attention.invitations(tx, E1, 3, limit) for limit in (1, 2, 9)] == [1, 2, 2]


async def test_what_was_given_up_is_counted_by_kind(store: Store) -> None:
    async with store.write() as tx:
        kinds = (Kind.WEBHOOK, Kind.WEBHOOK, Kind.INVITATION, Kind.DIGEST)
        await outbox.add(tx, E1, [Errand(kind, "W1") for kind in kinds])
        await tx.run("UPDATE outbox SET dead = 1 WHERE org_id = $1 AND kind <> 'digest'", E1)
    async with store.read() as tx:
        assert await attention.given_up(tx, E1, 9) == {"invitation": 1, "webhook": 2}
        assert await attention.given_up(tx, E2, 9) == {}
