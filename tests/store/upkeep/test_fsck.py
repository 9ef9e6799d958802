"""The check of the whole database finds what is wrong and nothing else, on both engines."""

from __future__ import annotations

import contextlib

import pytest

from rosterd.directory.model import Profile, Role
from rosterd.store import names
from rosterd.store.doors import tokens
from rosterd.store.engine import Store, Tx
from rosterd.store.records import audit
from rosterd.store.upkeep import fsck
from tests.store.doors.test_tokens import a_token
from tests.store.rows import ACTOR, E1, E2, a_user, an_event, found, gather, settle

pytestmark = pytest.mark.anyio


async def fill(tx: Tx) -> None:
    """Two organisations with everything that is checked, and nothing wrong."""
    for org in (E1, E2):
        await gather(tx, 1, await found(tx, 3, org), org)
        await names.add_reserved(tx, org, {"everyone"})
        await settle_places(tx, org)
    await settle(
        tx,
        a_user(4, role=Role.PRIMARY_OWNER, display_name="Straße É"),
        a_user(5, role=Role.MULTI_CHANNEL_GUEST, guest_expires=5, deactivated=True),
        a_user(6, profile=Profile(secondary_email="Other@example.com")),
        a_user(7, role=Role.BOT, email=""),
    )
    await tokens.insert(tx, a_token(1), "hash-1")
    await audit.append(tx, [an_event(1)], ACTOR)


async def settle_places(tx: Tx, org: str) -> None:
    """The first workspace with its #general, W1 to W3 in both, and a second one where S1 leads to."""
    for sql in (
        "INSERT INTO workspaces VALUES ('{org}', 'T{org}', 'First', 'first', 1, '', 'open')",
        "INSERT INTO workspaces VALUES ('{org}', 'T2', 'Second', 'second', 2, '', 'open')",
        "INSERT INTO names VALUES ('{org}', 'general', 'channel', 'C1')",
        "INSERT INTO names VALUES ('{org}', 'vault', 'channel', 'C3')",
        "INSERT INTO names VALUES ('{org}', 'all', 'channel', 'C4')",
        "INSERT INTO names VALUES ('{org}', 'crew', 'group', 'S1')",
        "INSERT INTO channels VALUES ('{org}', 'C1', 1, 'general', 'W1', 0, 0, 0, '', '')",
        "INSERT INTO channels VALUES ('{org}', 'C2', 2, 'general', 'W1', 0, 0, 0, '', '')",
        "INSERT INTO channels VALUES ('{org}', 'C3', 3, 'vault', 'W1', 1, 0, 0, '', '')",
        "INSERT INTO channels VALUES ('{org}', 'C4', 4, 'all', 'W1', 0, 0, 1, '', '')",
        "INSERT INTO channel_workspaces VALUES ('{org}', 'C1', 'T{org}', 'general', 1, 1)",
        "INSERT INTO channel_workspaces VALUES ('{org}', 'C2', 'T2', 'general', 1, 1)",
        "INSERT INTO channel_workspaces VALUES ('{org}', 'C3', 'T2', 'vault', 0, 0)",
        "INSERT INTO channel_workspaces VALUES ('{org}', 'C4', 'T{org}', 'all', 0, 0)",
        "INSERT INTO channel_workspaces VALUES ('{org}', 'C4', 'T2', 'all', 0, 0)",
        "INSERT INTO group_workspaces VALUES ('{org}', 'S1', 'T2', 1, 1, 1)",
        "INSERT INTO group_channels VALUES ('{org}', 'S1', 'C3', 1)",
        "INSERT INTO channel_allowlist VALUES ('{org}', 'C3', 'S1', 1)",
        "INSERT INTO workspace_members VALUES ('{org}', 'T{org}', 'W1', '', 0, 1)",
        "INSERT INTO workspace_members VALUES ('{org}', 'T{org}', 'W2', 'S9', 1, 1)",
        "INSERT INTO workspace_members VALUES ('{org}', 'T2', 'W1', 'S1', 0, 1)",
        "INSERT INTO workspace_roles VALUES ('{org}', 'T2', 'W1', 'admin')",
        "INSERT INTO channel_members VALUES ('{org}', 'C1', 'W1', 'T{org}', 0, 1)",
        "INSERT INTO channel_members VALUES ('{org}', 'C3', 'W1', 'S1', 0, 1)",
        "INSERT INTO user_groups VALUES ('{org}', 'S1', 'crew', '', 'W1', 'W1', 1, NULL)",
        "INSERT INTO outbox VALUES ('{org}', 'O1', 1, 'digest', 'W1', '{{}}', 1, 0, NULL, 0)",
        "INSERT INTO outbox VALUES ('{org}', 'O2', 1, 'consequences', 'S9', '{{}}', 1, 0, NULL, 0)",
    ):
        await tx.run(sql.format(org=org))


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
        "UPDATE orgs SET team_id = 'T9' WHERE id = 'E1'",
        ["E1: the first workspace, T9, is not there"],
    ),
    (
        "UPDATE orgs SET plan = 'business_plus' WHERE id = 'E1'",
        [
            "E1: group S1 has C3 in channel_allowlist, which the plan does not include",
            "E1: group S1 has T2 in group_workspaces, which the plan does not include",
            "E1: the plan has one workspace, and T2 is another one",
            "E1: user W1 has a role in workspace T2, which the plan does not include",
            *(f"E1: user {id} is active and not in the one workspace" for id in ("W3", "W4", "W6")),
        ],
    ),
    (
        """DELETE FROM workspace_roles WHERE org_id = 'E1'; DELETE FROM channel_allowlist WHERE org_id = 'E1';
        DELETE FROM group_workspaces WHERE org_id = 'E1'; UPDATE orgs SET plan = 'pro' WHERE id = 'E1';
        UPDATE group_channels SET channel_id = 'C4' WHERE org_id = 'E1';
        UPDATE workspace_members SET source_id = '' WHERE org_id = 'E1';
        DELETE FROM channel_members WHERE org_id = 'E1' AND channel_id = 'C3';
        INSERT INTO workspace_members SELECT 'E1', 'TE1', id, '', 0, 1 FROM users WHERE org_id = 'E1'
        AND id IN ('W3', 'W4', 'W6')""",
        ["E1: the plan has one workspace, and T2 is another one"],
    ),
    (
        "UPDATE channel_workspaces SET is_general = 0 WHERE org_id = 'E1' AND channel_id = 'C2'",
        ["E1: workspace T2 has no channel that everybody is in"],
    ),
    (
        "UPDATE channel_workspaces SET is_general = 1, is_default = 1 WHERE org_id = 'E1' AND name = 'vault'",
        [
            "E1: channel C3 is private and a default channel of workspace T2",
            "E1: workspace T2 has a second channel that everybody is in, C3",
        ],
    ),
    (
        "UPDATE channels SET is_archived = 1 WHERE org_id = 'E1' AND id = 'C2'",
        ["E1: everybody in workspace T2 is in channel C2, which is archived or no default channel"],
    ),
    (
        "DELETE FROM channel_workspaces WHERE org_id = 'E1' AND channel_id = 'C4' AND team_id = 'T2'",
        ["E1: workspace T2 does not have channel C4, which every one has"],
    ),
    (
        "INSERT INTO workspace_members VALUES ('E1', 'T2', 'W5', '', 0, 1)",
        ["E1: workspace T2 has the member W5, who is nobody active"],
    ),
    (
        "DELETE FROM workspace_members WHERE org_id = 'E1' AND team_id = 'T2'",
        [
            "E1: user W1 has a role in workspace T2 without being in it",
            "E1: user W1 is in channel C3, but in none of its workspaces",
        ],
    ),
    (
        "UPDATE workspace_roles SET role = 'king' WHERE org_id = 'E1'",
        ["E1: user W1 has the unknown role 'king' in workspace T2"],
    ),
    (
        "INSERT INTO former_members VALUES ('E1', 'W1', 'C9', '', 0)",
        [
            "E1: user W1 is to come back to C9 without being deactivated",
            "E1: user W1 is to come back to C9, which is not there",
        ],
    ),
    (
        "UPDATE names SET kind = 'reserved' WHERE org_id = 'E1' AND name = 'vault'",
        ["E1: channel C3 has the name 'vault', which is not held for channels"],
    ),
    (
        "DELETE FROM channel_workspaces WHERE org_id = 'E1' AND channel_id = 'C3'",
        [
            "E1: channel C3 is in no workspace",
            "E1: group S1 leads to channel C3, which is not within its reach",
            "E1: user W1 is in channel C3, but in none of its workspaces",
        ],
    ),
    (
        "UPDATE channel_workspaces SET name = 'x' WHERE org_id = 'E1' AND channel_id = 'C3'",
        ["E1: workspace T2 has channel C3 as 'x', which is not its name"],
    ),
    (
        "UPDATE channels SET is_private = 1 WHERE org_id = 'E1' AND id = 'C1'",
        ["E1: channel C1 is private and a default channel of workspace TE1"],
    ),
    (
        "INSERT INTO channel_members VALUES ('E1', 'C4', 'W5', '', 0, 1)",
        [
            "E1: channel C4 has the member W5, who is nobody active",
            "E1: user W5 is in channel C4, but in none of its workspaces",
        ],
    ),
    (
        "UPDATE channel_members SET source_id = 'T2' WHERE org_id = 'E1' AND channel_id = 'C1'",
        ["E1: user W1 is in channel C1 by workspace T2, which is not theirs or not the reason"],
    ),
    (
        "DELETE FROM members WHERE org_id = 'E1' AND user_id = 'W1'",
        [
            "E1: user W1 is in channel C3 by group S1, which they are not in or which does not lead there",
            "E1: user W1 is in channel C3, whose allowlist does not allow them",
            "E1: user W1 is in workspace T2 by group S1, which they are not in or which does not lead there",
        ],
    ),
    (
        "DELETE FROM group_channels WHERE org_id = 'E1'",
        ["E1: user W1 is in channel C3 by group S1, which they are not in or which does not lead there"],
    ),
    (
        "UPDATE workspace_members SET source_id = 'T2' WHERE org_id = 'E1' AND user_id = 'W2'",
        ["E1: user W2 is in TE1 because of 'T2', which is no reason in workspace_members"],
    ),
    (
        "UPDATE group_workspaces SET is_required = 0 WHERE org_id = 'E1'",
        ["E1: group S1 leads to channel C3, which is not within its reach"],
    ),
    (
        "INSERT INTO channel_allowlist VALUES ('E1', 'C4', 'S1', 1)",
        ["E1: channel C4 has group S1 on its allowlist and is public"],
    ),
    (
        "UPDATE user_groups SET handle = 'x' WHERE org_id = 'E1'",
        [
            "E1: group S1 has the handle 'x', which is not held for it",
            "E1: the name 'crew' is held for group S1, which does not have it",
        ],
    ),
    (
        "INSERT INTO sessions VALUES ('h', 'E1', 'X1', 'W5', 'link', '', NULL, 1, 1, 1, NULL, 1)",
        ["E1: session X1 of W5 counts, who is deactivated"],
    ),
    (
        "UPDATE tokens SET user_id = 'W5' WHERE org_id = 'E1'",
        ["E1: token K1 of W5 counts, who is deactivated"],
    ),
    (
        "UPDATE outbox SET kind = 'pigeon' WHERE org_id = 'E1' AND id = 'O1'",
        ["E1: errand O1 is of the unknown kind 'pigeon'"],
    ),
    (
        "UPDATE outbox SET subject_id = 'W9', arguments = '[]' WHERE org_id = 'E1' AND id = 'O1'",
        ["E1: errand O1 has arguments that cannot be read", "E1: errand O1 is for W9, who is no user"],
    ),
    (
        """INSERT INTO names VALUES ('E1', 'a b', 'channel', NULL);
        UPDATE channels SET name = 'a b' WHERE org_id = 'E1' AND id = 'C4';
        UPDATE channel_workspaces SET name = 'a b' WHERE org_id = 'E1' AND channel_id = 'C4'""",
        ["E1: channel C4 has the name 'a b', which no channel can have"],
    ),
    (
        "INSERT INTO passwords VALUES ('E1', 'W1', 'hash', 1), ('E1', 'W4', 'hash', 1)",
        ["E1: user W1 has a password and is no administrator"],
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
        for part in damage.split(";"):
            await tx.run(part)
    assert row is not None
    async with store.scan() as tx:
        problems = await fsck.check(tx)
    assert sorted(problem.replace(row[0], "ID") for problem in problems) == expected


async def test_whom_waiting_work_is_about_is_not_where_they_should_not_be(store: Store) -> None:
    async with store.write() as tx:
        await fill(tx)
        await tx.run("DELETE FROM members WHERE org_id = 'E1' AND user_id = 'W1'")
        await tx.run("UPDATE outbox SET subject_id = 'S1' WHERE org_id = 'E1' AND id = 'O2'")
        await tx.run("DELETE FROM channel_allowlist WHERE org_id = 'E2'")
        await gather(tx, 2, [], E2)
        await tx.run("INSERT INTO channel_allowlist VALUES ('E2', 'C3', 'S2', 1)")
    async with store.scan() as tx:
        assert await fsck.check(tx) == ["E2: user W1 is in channel C3, whose allowlist does not allow them"]
    async with store.write() as tx:
        await tx.run(
            "UPDATE outbox SET arguments = '{\"place_id\":\"C3\"}' WHERE org_id = 'E2' AND id = 'O2'"
        )
    async with store.scan() as tx:
        assert await fsck.check(tx) == []


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
        [
            *(
                f"E2: a row of {table} is about 'S1', which is not in groups"
                for table in ("channel_allowlist", "group_channels", "group_workspaces", "user_groups")
            ),
            *(f"E2: group S1 has the member W{number}, but there is no such group" for number in (1, 2, 3)),
        ],
    ),
    (
        "DELETE FROM users WHERE org_id = 'E1' AND id = 'W1'",
        [
            "E1: a row of workspace_roles is about 'W1', which is not in users",
            "E1: channel C1 has the member W1, who is nobody active",
            "E1: channel C3 has the member W1, who is nobody active",
            "E1: errand O1 is for W1, who is no user",
            "E1: group S1 has the member W1, who is no user",
            "E1: the address 'user1@example.com' belongs to W1, who is no user",
            "E1: the name 'user1' is held for user W1, who does not have it",
            "E1: token K1 belongs to W1, who is no user",
            "E1: workspace T2 has the member W1, who is nobody active",
            "E1: workspace TE1 has the member W1, who is nobody active",
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
