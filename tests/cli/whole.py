"""Databases with all kinds of rows for the commands that copy them, and what is in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from click.testing import Result

from rosterd.actions import groups, orgs, users
from rosterd.app import seal
from rosterd.cli import demo
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import Actor, Org, Origin, Profile, Role, UserId
from rosterd.directory.users import UserChange
from rosterd.provisioning.cards import card
from rosterd.store import copy, names
from rosterd.store import orgs as org_rows
from rosterd.store import users as user_rows
from rosterd.store.engine import Store, Tx, open_store
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
    """The demo organisation with people of every kind, and a channel."""

    async def work(store: Store) -> None:
        await demo.welcome(store, KEY, "http://localhost")
        async with store.write() as tx:
            org = (await org_rows.every(tx))[0]
            await _odd_people(tx, org)
        await seal(store)

    within(url, work)


async def _odd_people(tx: Tx, org: Org) -> None:
    actor = Actor(org.id, UserId("USLACKUSER"), Role.PRIMARY_OWNER, Origin("r", "test", "::1"), None, True)
    await names.add(tx, org.id, "general", "channel", "C0123456789")
    await orgs.add_profile_field(tx, org, "shoe", "Größe des Schuhs", actor=actor)
    profile = Profile(given_name="Åsa", family_name="Ωmega", secondary_email="Second@demo.example")
    odd = UserChange(username="asa", email="Åsa".replace("Å", "A") + "@demo.example", profile=profile)
    asa = await users.create(tx, org, odd, actor=actor)
    gone = await users.create(tx, org, UserChange(username="gone", email="gone@demo.example"), actor=actor)
    await users.erase(tx, org, gone, actor=actor)
    guest_id = await user_rows.find_by_username(tx, org.id, "gus")
    assert guest_id is not None
    guest = await users.existing(tx, org.id, guest_id)
    await users.update(tx, org, guest, UserChange(guest_expires=2_000_000_000), actor=actor)
    team = GroupChange(display_name='Ünï "quoted"', members=Members(add=(asa.id, guest.id)))
    await groups.create(tx, org, team, actor=actor)
