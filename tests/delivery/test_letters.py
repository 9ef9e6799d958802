"""What is written to whom: decided when it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from rosterd.actions import channels, invitations, workspaces
from rosterd.delivery.letters import LINK_SECONDS, Letter, Writer
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.errors import NotAllowed
from rosterd.directory.model import Org, Profile, Role, User
from rosterd.store import outbox
from rosterd.store import users as user_rows
from rosterd.store.engine import Tx
from rosterd.store.outbox import Entry
from tests.actions.acting import House

pytestmark = pytest.mark.anyio

BASE = "https://scim.example.org"


async def mint(tx: Tx, org: Org, user: User) -> str:
    if user.role is Role.BOT:
        raise NotAllowed("permission_denied")
    return f"{BASE}/signin/{org.domain}/link?key={user.username}"


@dataclass(frozen=True, slots=True)
class Desk:
    """Errands of one organisation, and the letters that they become."""

    house: House

    async def letter(self, kind: Kind, user: User, /, **arguments: Any) -> Letter | None:
        house = self.house
        async with house.store.write() as tx:
            await outbox.add(tx, house.org.id, [Errand(kind, user.id, arguments)])
            newest = (await outbox.page(tx, house.org.id, dead=False))[-1]
        return await Writer(house.store, BASE, mint).letter(newest)

    async def invited(self, name: str, **fields: Any) -> User:
        return await self.house.create(name, **fields)

    async def claimed(self, name: str, **fields: Any) -> User:
        """Somebody who has signed in."""
        user = msgspec.structs.replace(await self.house.create(name, **fields), date_claimed=1)
        async with self.house.store.write() as tx:
            await user_rows.update(tx, user)
        return user


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(house)


async def test_whoever_is_created_is_invited(desk: Desk) -> None:
    profile = Profile(given_name="Ann", family_name="Smith")
    await desk.invited("ann", profile=profile)
    async with desk.house.store.read() as tx:
        (entry,) = await outbox.page(tx, desk.house.org.id, dead=False)
    letter = await Writer(desk.house.store, BASE, mint).letter(entry)
    org = desk.house.org
    assert letter == Letter(
        org, "Ann Smith", "ann@example.com", f"You are invited to {org.name}",
        f"Hello Ann Smith,\n\n{org.name} has made an account for you.\nYour username is ann.\n\n"
        f"Sign in for the first time: {BASE}/signin/{org.domain}\n\n"
        "Until you do, you get a mail when somebody writes to you,\n"
        "or adds you to a workspace or channel.\n",
    )  # fmt: skip


async def test_an_invitation_says_what_was_said_beside_it(desk: Desk) -> None:
    house, said = desk.house, "Come!\nSubject: Money"
    async with house.store.write() as tx:
        team = house.org.team_id
        channel = await channels.create(tx, house.org, "bread", [team], actor=house.actor)
        user = await invitations.invite(
            tx, house.org, team, "ann@mail.example", [channel.id], greeting=said, actor=house.actor
        )
        pending = await outbox.page(tx, house.org.id, dead=False)
    [entry] = [each for each in pending if each.kind == Kind.INVITATION and each.subject_id == user.id]
    letter = await Writer(house.store, BASE, mint).letter(entry)
    assert letter is not None
    assert "Your username is ann.\n\n> Come!\n> Subject: Money\n\nSign in" in letter.text
    assert "Money" not in letter.subject


@pytest.mark.parametrize("kind", [Kind.INVITATION, Kind.DIGEST, Kind.MESSAGE, Kind.SIGNIN_LINK])
async def test_nobody_deactivated_or_erased_or_unknown_gets_anything(desk: Desk, kind: Kind) -> None:
    author = await desk.invited("author")
    said = {"author": author.id, "text": "x", "channel": None, "places": [desk.house.org.team_id]}
    ann = await desk.house.change(await desk.invited("ann"), active=False)
    assert await desk.letter(kind, ann, **said) is None
    bob = await desk.house.erase(await desk.invited("bob"))
    assert await desk.letter(kind, bob, **said) is None
    stranger = msgspec.structs.replace(ann, id="W0000000000")
    assert await desk.letter(kind, stranger, **said) is None


@pytest.mark.parametrize("kind", [Kind.INVITATION, Kind.DIGEST, Kind.MESSAGE])
async def test_whoever_has_signed_in_sees_it_there(desk: Desk, kind: Kind) -> None:
    ann = await desk.claimed("ann")
    said = {"author": ann.id, "text": "x", "channel": None, "places": [desk.house.org.team_id]}
    assert await desk.letter(kind, ann, **said) is None


async def test_a_digest_names_where_they_still_are(desk: Desk) -> None:
    house, ann = desk.house, await desk.invited("ann")
    async with house.store.write() as tx:
        team = await workspaces.create(tx, house.org, "north", "North", actor=house.actor)
        alpha, beta = [
            await channels.create(tx, house.org, name, [team.id], actor=house.actor)
            for name in ("alpha", "beta")
        ]
        await workspaces.assign(tx, house.org, team.id, ann.id, actor=house.actor)
        await channels.invite(tx, house.org, alpha.id, [ann.id], actor=house.actor)
    letter = await desk.letter(Kind.DIGEST, ann, places=[team.id, alpha.id, beta.id, "C0000000000"])
    assert letter is not None
    assert letter.subject == f"{house.org.name}: you were added to 1 workspace and 1 channel"
    assert "Workspaces:\n  North\n\nChannels:\n  #alpha\n" in letter.text
    async with house.store.write() as tx:
        await workspaces.remove(tx, house.org, team.id, ann.id, actor=house.actor)
    assert await desk.letter(Kind.DIGEST, ann, places=[team.id, alpha.id]) is None


async def test_a_message_is_shown_as_people_read_it(desk: Desk) -> None:
    ann, bob = await desk.invited("ann", display_name="Annie"), await desk.claimed("bob")
    text = f"Hi <@{ann.id}>, <@W0000000000|x>: 1 &lt; 2 &amp;&amp; 3\nsecond line"
    letter = await desk.letter(Kind.MESSAGE, ann, author=bob.id, text=text, channel=None)
    assert letter is not None
    assert letter.subject == f"bob sent you a message ({desk.house.org.name})"
    assert "\n> Hi @Annie, @W0000000000: 1 < 2 && 3\n> second line\n" in letter.text


async def test_a_mention_is_for_members_of_the_channel(desk: Desk) -> None:
    house, ann, bob = desk.house, await desk.invited("ann"), await desk.claimed("bob")
    async with house.store.write() as tx:
        team = house.org.team_id
        await workspaces.assign(tx, house.org, team, ann.id, actor=house.actor)
        made = await channels.create(tx, house.org, "secret", [team], is_private=True, actor=house.actor)
    said = {"author": bob.id, "text": "psst", "channel": made.id}
    assert await desk.letter(Kind.MESSAGE, ann, **said) is None
    async with house.store.write() as tx:
        await channels.invite(tx, house.org, made.id, [ann.id], actor=house.actor)
    letter = await desk.letter(Kind.MESSAGE, ann, **said)
    assert letter is not None
    assert letter.subject == f"bob mentioned you in #secret ({house.org.name})"


async def test_a_link_is_made_when_it_is_sent_and_not_long_after_it_was_asked_for(desk: Desk) -> None:
    ann = await desk.claimed("ann")
    letter = await desk.letter(Kind.SIGNIN_LINK, ann)
    assert letter is not None
    assert f"\n{BASE}/signin/{desk.house.org.domain}/link?key=ann\n" in letter.text
    async with desk.house.store.read() as tx:
        entry: Entry = (await outbox.page(tx, desk.house.org.id, dead=False))[-1]
    bot = await desk.house.create("bot", Role.BOT)
    assert await desk.letter(Kind.SIGNIN_LINK, bot) is None
    old = msgspec.structs.replace(entry, created=entry.created - (LINK_SECONDS + 1) * 1_000_000)
    assert await Writer(desk.house.store, BASE, mint).letter(old) is None
