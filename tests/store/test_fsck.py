"""The check of the whole database finds what is wrong and nothing else, on both engines."""

from __future__ import annotations

import contextlib

import pytest

from rosterd.directory.model import Profile, Role
from rosterd.store import audit, fsck, names, tokens
from rosterd.store.engine import Store, Tx
from tests.store.rows import ACTOR, E1, E2, a_user, an_event, found, gather, settle
from tests.store.test_tokens import a_token

pytestmark = pytest.mark.anyio


async def fill(tx: Tx) -> None:
    """Two organisations with everything that is checked, and nothing wrong."""
    for org in (E1, E2):
        await gather(tx, 1, await found(tx, 3, org), org)
        await names.add_reserved(tx, org, {"everyone"})
        await names.add(tx, org, "general", "channel", "C1")
    await settle(
        tx,
        a_user(4, role=Role.PRIMARY_OWNER, display_name="Straße É"),
        a_user(5, role=Role.MULTI_CHANNEL_GUEST, guest_expires=5, deactivated=True),
        a_user(6, profile=Profile(secondary_email="Other@example.com")),
        a_user(7, role=Role.BOT, email=""),
    )
    await tokens.insert(tx, a_token(1), "hash-1")
    await audit.append(tx, [an_event(1)], ACTOR)


async def test_a_sound_database_has_no_problems(store: Store) -> None:
    async with store.write() as tx:
        await fill(tx)
    async with store.scan() as tx:
        assert await fsck.check(tx) == []


# What foreign keys do not forbid, on both engines.
DAMAGE = [
    (
        "UPDATE names SET holder_id = 'W2' WHERE org_id = 'E1' AND name = 'user1'",
        [
            "E1: the name 'user1' is held for user W2, who does not have it",
            "E1: user W1 has the username 'user1', which is not held for that user",
        ],
    ),
    (
        "UPDATE names SET kind = 'channel' WHERE org_id = 'E1' AND name = 'user1'",
        ["E1: user W1 has the username 'user1', which is not held for that user"],
    ),
    (
        "INSERT INTO names (org_id, name, kind, holder_id) VALUES ('E2', 'gone', 'user', 'W9')",
        ["E2: the name 'gone' is held for user W9, who does not have it"],
    ),
    (
        "UPDATE users SET role = 'king' WHERE org_id = 'E1' AND id = 'W1'",
        ["E1: user W1 has the unknown role 'king'"],
    ),
    (
        "UPDATE users SET guest_expires = 5 WHERE org_id = 'E1' AND id = 'W1'",
        ["E1: user W1 is no guest and has a guest's expiry"],
    ),
    (
        "UPDATE users SET deactivated = 1, card = '' WHERE org_id = 'E1' AND id = 'W4'",
        ["E1: user W4 is the primary owner and deactivated"],
    ),
    (
        "UPDATE users SET full_name = 'Mallory' WHERE org_id = 'E1' AND id = 'W1'",
        ["E1: user W1 is shown in groups as 'Mallory' instead of 'Person 1'"],
    ),
    (
        "UPDATE users SET email_folded = 'x' WHERE org_id = 'E1' AND id = 'W1'",
        ["E1: user W1 has a e-mail address that is not folded as 'User1@example.com' should be"],
    ),
    (
        "UPDATE users SET display_folded = 'x' WHERE org_id = 'E1' AND id = 'W1'",
        ["E1: user W1 has a display name that is not folded as 'Person 1' should be"],
    ),
    (
        "UPDATE users SET profile = '{' WHERE org_id = 'E1' AND id = 'W1'",
        ["E1: user W1 has a profile that cannot be read: Input data was truncated"],
    ),
    (
        "UPDATE users SET card = '3{}' WHERE org_id = 'E1' AND id = 'W1'",
        ["E1: user W1 has a card that does not fit the row"],
    ),
    ("UPDATE users SET card = '' WHERE org_id = 'E1' AND id = 'W1'", []),
    (
        "UPDATE groups SET display_folded = 'x' WHERE org_id = 'E1'",
        ["E1: group S1 is not folded as 'Group 1' should be"],
    ),
    (
        "DELETE FROM emails WHERE org_id = 'E1' AND email = 'other@example.com'",
        ["E1: user W6 has the address 'other@example.com', which does not belong to that user"],
    ),
    (
        "UPDATE emails SET user_id = 'W2' WHERE org_id = 'E1' AND email = 'user1@example.com'",
        [
            "E1: user W1 has the address 'user1@example.com', which does not belong to that user",
            "E1: user W2 owns the address 'user1@example.com' without having it",
        ],
    ),
    (
        "DELETE FROM audit_events",
        ["E1: audit event ID waits for a seal, but there is no such event"],
    ),
]


@pytest.mark.parametrize(("damage", "expected"), DAMAGE)
async def test_damage_is_named(store: Store, damage: str, expected: list[str]) -> None:
    async with store.write() as tx:
        await fill(tx)
        row = await tx.one("SELECT event_id FROM audit_unsealed")
        await tx.run(damage)
    assert row is not None
    async with store.scan() as tx:
        problems = await fsck.check(tx)
    assert sorted(problem.replace(row[0], "ID") for problem in problems) == expected


async def test_one_organisation_is_checked_alone(store: Store) -> None:
    async with store.write() as tx:
        await fill(tx)
        await tx.run("UPDATE users SET full_name = 'Mallory', guest_expires = 5 WHERE id = 'W1'")
        await tx.run("UPDATE groups SET display_folded = 'x'")
        await tx.run("UPDATE emails SET user_id = 'W2' WHERE email = 'user1@example.com'")
    async with store.scan() as tx:
        everywhere = await fsck.check(tx)
        apart = [await fsck.check(tx, org) for org in (E1, E2)]
    assert [len(problems) for problems in apart] == [5, 5]
    assert sorted(everywhere) == sorted(apart[0] + apart[1])
    assert {problem[:2] for problem in apart[1]} == {"E2"}


# What foreign keys forbid, but a file edited without them may hold.
ORPHANS = [
    (
        "DELETE FROM groups WHERE org_id = 'E2'",
        [f"E2: group S1 has the member W{number}, but there is no such group" for number in (1, 2, 3)],
    ),
    (
        "DELETE FROM users WHERE org_id = 'E1' AND id = 'W1'",
        [
            "E1: group S1 has the member W1, who is no user",
            "E1: the address 'user1@example.com' belongs to W1, who is no user",
            "E1: the name 'user1' is held for user W1, who does not have it",
            "E1: token K1 belongs to W1, who is no user",
        ],
    ),
]


@pytest.mark.parametrize(("damage", "expected"), ORPHANS)
async def test_rows_without_what_they_refer_to_are_named(
    store: Store, damage: str, expected: list[str]
) -> None:
    with contextlib.suppress(Undone):
        async with store.write() as tx:
            await fill(tx)
            await without_foreign_keys(tx, sqlite=store.url.startswith("sqlite"))
            await tx.run(damage)
            problems = await fsck.check(tx)
            raise Undone  # such a transaction could not be committed
    assert sorted(problems) == expected


class Undone(Exception):
    """Ends a transaction that is to leave nothing."""


async def without_foreign_keys(tx: Tx, *, sqlite: bool) -> None:
    """Let this transaction break foreign keys: put off on SQLite, without triggers on PostgreSQL."""
    await tx.run(
        "PRAGMA defer_foreign_keys = ON" if sqlite else "SET LOCAL session_replication_role = replica"
    )
