"""Nothing that is said of an erased person is left in any table, but in what they did as an administrator."""

from __future__ import annotations

from typing import Any

import pytest

from rosterd.actions import channels, erasure, groups, users, workspaces
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import Profile, Role
from rosterd.directory.users import UserChange
from rosterd.store import outbox
from rosterd.store.engine import Store, Tx
from rosterd.store.records import audit, requests
from rosterd.store.tables import metadata
from rosterd.store.upkeep import fsck
from tests.actions.acme import Acme, acme, operator

pytestmark = pytest.mark.anyio

WORDS = ("vera", "veryown", "2001:db8::7", "own browser", "own words", "their words", "+49 30 1234")
"""What is known of her, each as it would be found."""


async def vera(tx: Tx, at: Acme) -> str:
    """Somebody who has been everywhere and left something in every table that can hold it."""
    profile = Profile(given_name="Vera", family_name="Veryown", primary_phone="+49 30 1234")
    change = UserChange(username="vera", email="vera@acme.example", profile=profile)
    user = await users.create(tx, at.org, change, actor=at.owner)
    team = await at.workspace(tx, "sales")
    room = await at.channel(tx, "deals", team)
    await workspaces.assign(tx, at.org, team, user.id, channel_ids=[room], actor=at.owner)
    await workspaces.set_role(tx, at.org, team, user.id, Role.ADMIN, actor=at.owner)
    made = GroupChange(display_name="Sales", members=Members(add=(user.id,)))
    await groups.create(tx, at.org, made, actor=at.owner)
    await channels.create(tx, at.org, "own", [team], actor=operator(at.org))
    for sql in (
        "INSERT INTO sessions VALUES ('h', $1, 'X', $2, 'oidc', 'own browser', '2001:db8::7', 1, 1, 9, 2, 1)",
        "INSERT INTO signin_links VALUES ('h2', $1, $2, 1, 9, NULL)",
        "INSERT INTO oauth_codes VALUES ('h3', $1, '1.1', $2, NULL, '[]', 'x', NULL, 9, NULL)",
        "INSERT INTO activity VALUES ($1, 20000, $2, 1, 1)",
    ):
        await tx.run(sql, at.org.id, user.id)
    said: list[Errand] = [
        Errand(Kind.MESSAGE, user.id, {"channel": None, "author": at.owner.user_id, "text": "their words"}),
        Errand(Kind.MESSAGE, at.owner.user_id, {"channel": None, "author": user.id, "text": "own words"}),
        Errand(
            Kind.MESSAGE, at.owner.user_id, {"channel": None, "author": at.owner.user_id, "text": "hello"}
        ),
    ]
    await outbox.add(tx, at.org.id, said)
    for number, target, detail in (
        (1, user.id, "invalid_name_specials (user=veryown)"),
        (2, "", f"email_taken (user=vera@acme.example, existing_user={at.owner.user_id})"),
        (3, "", "username_taken (user=vera)"),
    ):
        row = (at.org.id, str(number), "r", "POST", "/x", target, 409, "x", detail, "A1", user.id, "", None)
        await requests.note(tx, [requests.Refusal(*row)], [])
    return user.id


async def found(tx: Tx, *words: str) -> set[str]:
    """The tables in which one of these stands, in capitals or not."""
    tables: set[str] = set()
    for table in metadata.sorted_tables:
        rows: Any = await tx.all(f"SELECT * FROM {table.name}")
        texts = [str(value).lower() for row in rows for value in row]
        if any(word in text for word in words for text in texts):
            tables.add(table.name)
    return tables


async def test_nothing_is_left_and_the_trail_verifies(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        id = await vera(tx, at)
    async with store.read() as tx:
        assert await found(tx, *WORDS) == {
            "audit_events", "emails", "names", "outbox", "requests", "sessions", "users",
        }  # fmt: skip
    async with store.write() as tx:
        await audit.seal(tx, at.org.id)
    async with store.write() as tx:
        user = await users.existing(tx, at.org.id, id)  # type: ignore[arg-type]
        await erasure.erase(tx, at.org, user, actor=at.owner)
    async with store.scan() as tx:
        assert await found(tx, *WORDS) == set()
        # The id stays, where it says who was a member and what happened.
        assert await found(tx, id.lower()) == {"audit_events", "emails", "members", "names", "users"}
        assert [entry.arguments["text"] for entry in await outbox.page(tx, at.org.id, dead=False)] == [
            "hello"
        ]
        assert (await audit.verify(tx, at.org.id)).ok
        assert await fsck.check(tx) == []
