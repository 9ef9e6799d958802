"""Databases with all kinds of rows for the commands that copy them, and what is in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from click.testing import Result

from rosterd.actions import channels, connections, consequences, erasure, groups, orgs, users, workspaces
from rosterd.app import index, seal
from rosterd.cli import demo
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import Actor, GroupId, GroupWorkspace, Org, Origin, Profile, Role, UserId
from rosterd.directory.users import UserChange
from rosterd.provisioning.cards import card
from rosterd.store import names, outbox
from rosterd.store import orgs as org_rows
from rosterd.store import users as user_rows
from rosterd.store.engine import Store, Tx, open_store
from rosterd.store.upkeep import copy
from tests.cli.shell import Shell

KEY = b"0123456789abcdef"

T = TypeVar("T")


def rosterd(*words: str, url: str = "", **environment: str) -> Result:
    """A command's end; ``url`` names the database."""
    return Shell(Path("nowhere.db")).run(*words, *(("--database", url) if url else ()), **environment)


def printed(result: Result) -> dict[str, Any]:
    """The one JSON object that a command which succeeded has printed."""
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refusal(result: Result) -> str:
    """The last line on stderr of a command that failed; on stdout it printed nothing."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    return result.stderr.splitlines()[-1]


def within(url: str, work: Any) -> Any:
    """What an async function gives for the open store."""

    async def session() -> Any:
        store = await open_store(url, card=card)
        try:
            return await work(store)
        finally:
            await store.close()

    made: Coroutine[Any, Any, Any] = session()
    return asyncio.run(made)


def rows(url: str) -> dict[str, set[tuple[object, ...]]]:
    """Every row of the database, by table."""

    async def read(store: Store) -> dict[str, set[tuple[object, ...]]]:
        found: dict[str, set[tuple[object, ...]]] = {shape.name: set() for shape in copy.shapes()}
        async with store.scan() as tx:
            async for table, some in copy.slices(tx):
                found[table.name] |= {tuple(row) for row in some}
        return found

    return within(url, read)  # type: ignore[no-any-return]


def populate(url: str) -> None:
    """The demo organisation with rows in every table: nothing that somebody may have is missing."""

    async def work(store: Store) -> None:
        await demo.welcome(store, KEY, "http://localhost", "mail")
        async with store.write() as tx:
            org = (await org_rows.every(tx))[0]
            await _odd_people(tx, org)
        async with store.write() as tx:
            await _odd_places(tx, org)
            await _secrets(tx, org)
            await _desk(tx, org)
        await seal(store)
        await index(store)

    within(url, work)


async def _odd_people(tx: Tx, org: Org) -> None:
    actor = Actor(org.id, UserId("USLACKUSER"), Role.PRIMARY_OWNER, Origin("r", "test", "::1"), None, True)
    await names.add(tx, org.id, "of-another-time", "channel", "C0123456789")
    await orgs.add_profile_field(tx, org, "shoe", "Größe des Schuhs", actor=actor)
    profile = Profile(given_name="Åsa", family_name="Ωmega", secondary_email="Second@demo.example")
    odd = UserChange(username="asa", email="Åsa".replace("Å", "A") + "@demo.example", profile=profile)
    asa = await users.create(tx, org, odd, actor=actor)
    gone = await users.create(tx, org, UserChange(username="gone", email="gone@demo.example"), actor=actor)
    await erasure.erase(tx, org, gone, actor=actor)
    guest_id = await user_rows.find_by_username(tx, org.id, "gus")
    assert guest_id is not None
    guest = await users.existing(tx, org.id, guest_id)
    await users.update(tx, org, guest, UserChange(guest_expires=2_000_000_000), actor=actor)
    team = GroupChange(display_name='Ünï "quoted"', members=Members(add=(asa.id, guest.id)))
    await groups.create(tx, org, team, actor=actor)


async def _odd_places(tx: Tx, org: Org) -> None:
    """Every reason to be somewhere, every way to lead somewhere, and work that waits."""
    actor = Actor(org.id, UserId("USLACKUSER"), Role.PRIMARY_OWNER, Origin("r", "test", "::1"), None, True)
    ids = [await user_rows.find_by_username(tx, org.id, name) for name in ("ines", "kofi", "felix", "gus")]
    ines, kofi, felix, gus = (id for id in ids if id is not None)
    team = await workspaces.create(tx, org, "odd", "Ödd", description="Wörk", actor=actor)
    lobby = await channels.create(tx, org, "lobby", [], is_org_wide=True, purpose="All", actor=actor)
    twin = await channels.create(tx, org, "lunch", [org.team_id], is_default=True, actor=actor)
    await channels.create(tx, org, "lunch", [team.id], actor=actor)
    vault = await channels.create(tx, org, "vault", [team.id], is_private=True, actor=actor)
    await channels.create(tx, org, "empty", [team.id], actor=actor)
    for person in (ines, kofi, felix, gus):
        await workspaces.assign(tx, org, team.id, person, channel_ids=[lobby.id], actor=actor)
    await workspaces.set_role(tx, org, team.id, ines, Role.ADMIN, actor=actor)
    await channels.set_archived(tx, org, twin.id, True, actor=actor)
    keys = await groups.create(
        tx, org, GroupChange(display_name="Keys", members=Members(add=(ines, kofi))), actor=actor
    )
    loose = [GroupWorkspace(org.team_id, False, True), GroupWorkspace(team.id, True, True)]
    await connections.connect_workspaces(tx, org, keys.id, loose, actor=actor)
    await connections.connect_channels(tx, org, keys.id, [lobby.id, vault.id], actor=actor)
    await connections.allow(tx, org, vault.id, keys.id, actor=actor)
    await groups.update(tx, org, keys.id, GroupChange(members=Members(remove=(kofi,))), actor=actor)
    former = await users.existing(tx, org.id, felix)
    await users.deactivate(tx, org, former, actor=actor)
    await _work_that_waits(tx, org, keys.id, actor)
    await tx.run(
        "INSERT INTO user_groups VALUES ($1, $2, 'keys', 'Who has one', 'U1', 'U1', 5, NULL)", org.id, keys.id
    )
    await names.add(tx, org.id, "keys", "group", keys.id)
    await tx.run("INSERT INTO activity VALUES ($1, 20000, $2, 1, 0)", org.id, ines)


async def _desk(tx: Tx, org: Org) -> None:
    """What the dashboard keeps, but for the index."""
    ann = await user_rows.primary_owner(tx, org.id)
    for sql, args in (
        ("INSERT INTO passwords VALUES ($1, $2, 'a hash of a password', 1)", (org.id, ann)),
        (
            (
                "INSERT INTO requests VALUES ($1, 'r1', 'r', 'POST', '/Users', $2, 409, 'email_taken',"
                " 'a detail of a request', 'X', $2, 'c', NULL, 1)"
            ),
            (org.id, ann),
        ),
        ("INSERT INTO submissions VALUES ($1, 'k', $2, 1)", (org.id, ann)),
        (
            (
                "INSERT INTO batches"
                " VALUES ($1, 'b1', 1, $2, 'deactivate', '{}', 'ended', 1, 1, 1, 1, 0, 0, NULL, 2)"
            ),
            (org.id, ann),
        ),
        ("INSERT INTO verifications VALUES ($1, 1, 2, 2, 1, 1, 0, 'head', NULL)", (org.id,)),
        ("INSERT INTO batch_people VALUES ($1, 'b1', 1, $2, 'done', '{}', '{}')", (org.id, ann)),
    ):
        await tx.run(sql, *args)


async def _work_that_waits(tx: Tx, org: Org, group: GroupId, actor: Actor) -> None:
    task = consequences.Task(do="follow", group_id=group, actor=actor, users=(UserId("W0000000009"),))
    arguments = json.loads(msgspec.json.encode(task))
    await outbox.add(tx, org.id, [Errand(Kind.CONSEQUENCES, group, arguments)])


SECRETS = (
    "a secret of an app",
    "a secret of a provider",
    "a secret of a hook",
    "a code",
    "a session",
    "a link",
    "a hash of a password",
    "a detail of a request",
)


async def _secrets(tx: Tx, org: Org) -> None:
    """What lets somebody in, and what tells others."""
    owner = await user_rows.primary_owner(tx, org.id)
    app, provider, hook, code, session, link, *_ = SECRETS
    for sql, args in (
        ("INSERT INTO apps VALUES ('1.1', $1, 'A1', 'App', $2, '[]', '[]', 1, NULL)", (org.id, app)),
        ("INSERT INTO idps VALUES ($1, 'https://id.example', 'c', $2, 0, 1)", (org.id, provider)),
        ("INSERT INTO webhooks VALUES ($1, 'B1', 'https://h.example', $2, '[]', 1, NULL)", (org.id, hook)),
        (
            "INSERT INTO oauth_codes VALUES ($2, $1, '1.1', $3, NULL, '[]', 'x', NULL, 1, NULL)",
            (org.id, code, owner),
        ),
        (
            "INSERT INTO sessions VALUES ($2, $1, 'X1', $3, 'link', 'c', '::1', 1, 1, 1, NULL, NULL)",
            (org.id, session, owner),
        ),
        ("INSERT INTO signin_links VALUES ($2, $1, $3, 1, 1, NULL)", (org.id, link, owner)),
    ):
        await tx.run(sql, *args)
    await outbox.add(tx, org.id, [Errand(Kind.WEBHOOK, "B1", {"action": "user_created"})])
