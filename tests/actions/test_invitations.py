"""Who is invited, and when again."""

from __future__ import annotations

import msgspec
import pytest

from rosterd.actions import invitations
from rosterd.directory.model import Role, User
from rosterd.store import outbox
from rosterd.store import users as user_rows
from tests.actions.acting import House, refused

pytestmark = pytest.mark.anyio


async def invited(house: House) -> list[str]:
    """For whom there are invitations, in order."""
    async with house.store.read() as tx:
        entries = await outbox.page(tx, house.org.id, dead=False)
    return [entry.subject_id for entry in entries if entry.kind == "invitation"]


async def invite(house: House, user: User) -> None:
    async with house.store.write() as tx:
        await invitations.invite_again(tx, house.org, user, actor=house.actor)


async def test_people_are_invited_in_the_transaction_that_makes_them(house: House) -> None:
    ann = await house.create("ann")
    guest = await house.create("gus", guest=True)
    assert await invited(house) == [ann.id, guest.id]
    async with refused(house.store, "email_taken"):
        await house.create("other", email="ann@example.com")


async def test_whoever_is_made_inactive_is_invited_when_they_become_active(house: House) -> None:
    ann = await house.create("ann", active=False)
    await house.create("robot", Role.BOT)
    assert await invited(house) == []
    await house.change(ann, active=True)
    assert await invited(house) == [ann.id]
    await house.change(ann, display_name="Annie")
    assert await invited(house) == [ann.id]


async def test_whoever_has_signed_in_is_not_invited_when_they_come_back(house: House) -> None:
    ann = await house.create("ann", active=False)
    async with house.store.write() as tx:
        await user_rows.update(tx, msgspec.structs.replace(ann, date_claimed=1))
    await house.change(ann, active=True)
    assert await invited(house) == []


async def test_an_invitation_can_be_sent_again(house: House) -> None:
    ann = await house.create("ann")
    await invite(house, ann)
    assert await invited(house) == [ann.id, ann.id]
    assert (await house.actions_of(ann.id))[-1] == "user_invited"


async def test_nobody_is_invited_again_who_has_signed_in_or_is_gone_or_ranks_higher(house: House) -> None:
    async with refused(house.store, "already_in_team"):
        await invite(house, house.owner)
    gone = await house.change(await house.create("gone"), active=False)
    async with refused(house.store, "account_inactive"):
        await invite(house, gone)
    admin, owner = await house.create("admin", Role.ADMIN), await house.create("second", Role.OWNER)
    async with refused(house.store, "cannot_modify_owner"):
        await invite(house.acting(admin), owner)


async def test_nothing_waits_for_whoever_is_forgotten(house: House) -> None:
    ann, bob = await house.create("ann"), await house.create("bob")
    await house.erase(ann)
    assert await invited(house) == [bob.id]
