"""Why somebody is where they are, and why not, read from real rows."""

from __future__ import annotations

import pytest

from rosterd.actions import channels, connections, groups, users, workspaces
from rosterd.directory.model import GroupWorkspace, Role, UserId
from rosterd.directory.users import UserChange
from rosterd.directory.whereabouts import sentence
from rosterd.store.belonging import whereabouts
from rosterd.store.engine import Store, Tx
from tests.actions.acme import Acme, acme

pytestmark = pytest.mark.anyio


async def told(tx: Tx, at: Acme, user: UserId) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Place → reasons in words; place → why they are not there. #general left out."""
    found = await whereabouts.of_person(tx, at.org.id, await users.existing(tx, at.org.id, user))
    stays = {
        stay.place_id: [sentence(why) for why in stay.reasons]
        for stay in found.stays
        if stay.name != "general"
    }
    return stays, {absence.place_id: str(absence.why) for absence in found.absences}


async def test_each_reason_has_its_words(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        one, two = await at.workspace(tx, "one"), await at.workspace(tx, "two")
        deals = await at.channel(tx, "deals", one)
        ann = await at.person(tx, "ann")
        sales, staff = await at.group(tx, "Sales", [ann]), await at.group(tx, "Staff", [ann])
        for group, required in ((sales, True), (staff, False)):
            for team in (one, two):
                to = [GroupWorkspace(team, required, True)]
                await connections.connect_workspaces(tx, at.org, group, to, actor=at.owner)
        await channels.invite(tx, at.org, deals, [ann], actor=at.owner)
        await at.leave(tx, staff, ann)
        await groups.delete(tx, at.org, staff, actor=at.owner)
        stays, absences = await told(tx, at, ann)
        gone = f"kept, once because of a group that is gone ({staff})"
        assert {id: sorted(words) for id, words in stays.items()} == {
            one: sorted([gone, "by the group “Sales” (required)"]),
            two: sorted([gone, "by the group “Sales” (required)"]),
            deals: ["directly"],
        }
        assert absences == {}


async def test_each_absence_has_its_reason(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at = await acme(store)
    async with store.write() as tx:
        one, two = await at.workspace(tx, "one"), await at.workspace(tx, "two")
        open_, secret, old = (
            await at.channel(tx, "open", one),
            await at.channel(tx, "secret", one, private=True),
            await at.channel(tx, "old", one),
        )
        ann, bob = await at.person(tx, "ann"), await at.person(tx, "bob")
        sales, other = await at.group(tx, "Sales", [ann]), await at.group(tx, "Other", [bob])
        await connections.allow(tx, at.org, secret, other, actor=at.owner)
        to = [GroupWorkspace(one, True, True), GroupWorkspace(two, False, False)]
        await connections.connect_workspaces(tx, at.org, sales, to, actor=at.owner)
        await connections.connect_channels(tx, at.org, sales, [open_, secret, old], actor=at.owner)
        await channels.kick(tx, at.org, open_, ann, actor=at.owner)
        await channels.kick(tx, at.org, old, ann, actor=at.owner)
        await channels.set_archived(tx, at.org, old, True, actor=at.owner)
        assert (await told(tx, at, ann))[1] == {
            two: "not_at_once", open_: "taken_out", secret: "allowlist", old: "archived",
        }  # fmt: skip
        await at.join(tx, other, ann)
        assert (await told(tx, at, ann))[0][secret] == ["by the group “Sales”"]
        monkeypatch.setattr("rosterd.directory.workspaces.CONSEQUENCES_AT_ONCE", 0)
        await at.join(tx, sales, bob)
        assert set((await told(tx, at, bob))[1].values()) == {"waiting", "not_at_once", "archived"}
    await at.work_off()
    async with store.write() as tx:
        assert (await told(tx, at, bob))[1] == {two: "not_at_once", old: "archived"}
        monkeypatch.undo()
        user = await users.existing(tx, at.org.id, bob)
        user = await users.set_role(tx, at.org, user, Role.SINGLE_CHANNEL_GUEST, actor=at.owner)
        user = await users.update(tx, at.org, user, UserChange(active=False), actor=at.owner)
        assert await told(tx, at, bob) == ({}, dict.fromkeys((one, two, open_, secret, old), "deactivated"))


async def test_a_channel_that_nobody_reaches_is_said_to_be_elsewhere(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        one = await at.workspace(tx, "one")
        deals = await at.channel(tx, "deals", one)
        ann = await at.person(tx, "ann")
        sales = await at.group(tx, "Sales", [ann])
        to = [GroupWorkspace(one, True, False)]
        await connections.connect_workspaces(tx, at.org, sales, to, actor=at.owner)
        await connections.connect_channels(tx, at.org, sales, [deals], actor=at.owner)
        assert (await told(tx, at, ann))[1] == {one: "not_at_once", deals: "not_in_workspace"}
        await workspaces.assign(tx, at.org, one, ann, actor=at.owner)
        stays, absences = await told(tx, at, ann)
        assert (stays, absences) == ({one: ["directly"], deals: ["by the group “Sales”"]}, {})
