"""What follows for people from their groups: joining, leaving, and what each reason means."""

from __future__ import annotations

from typing import Any

import pytest

from rosterd.actions import channels, connections, consequences, groups, users, workspaces
from rosterd.directory.errors import DirectoryError
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import GroupWorkspace, Plan, Role, UserId
from rosterd.directory.users import UserChange
from rosterd.store import outbox
from rosterd.store.belonging import connections as connection_rows
from rosterd.store.belonging import places
from rosterd.store.belonging.places import CHANNEL, WORKSPACE
from rosterd.store.engine import Store, Tx
from tests.actions.acme import Acme, acme, operator

pytestmark = pytest.mark.anyio


async def connected(tx: Tx, at: Acme, *, required: bool = True, auto: bool = True) -> dict[str, Any]:
    """A workspace with a channel, a group that leads to both, and two people, of whom ann is in the group."""
    team = await at.workspace(tx, "sales")
    channel = await at.channel(tx, "deals", team)
    ann, bob = await at.person(tx, "ann"), await at.person(tx, "bob")
    group = await at.group(tx, "Sales", [ann])
    to = [GroupWorkspace(team, required, auto)]
    await connections.connect_workspaces(tx, at.org, group, to, actor=at.owner)
    if required:
        await connections.connect_channels(tx, at.org, group, [channel], actor=at.owner)
    return {"team": team, "channel": channel, "group": group, "ann": ann, "bob": bob}


async def test_whoever_is_in_a_group_is_where_it_leads_whenever_they_joined(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        await at.join(tx, made["group"], made["bob"])
        everywhere = {made["team"]: [made["group"]], made["channel"]: [made["group"]]}
        assert await at.where(tx, made["ann"]) == everywhere
        assert await at.where(tx, made["bob"]) == everywhere
        assert await at.actions(tx, made["bob"]) == [
            "user_created", "user_added_to_usergroup", "user_joined_workspace",
        ]  # fmt: skip


async def test_everybody_in_a_workspace_is_in_its_general_channel_but_no_guest(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        team = await at.workspace(tx, "sales")
        ann = await at.person(tx, "ann")
        gus = await users.create(
            tx, at.org, UserChange(username="gus", email="gus@x.example", guest=True), actor=at.owner
        )
        for person in (ann, gus.id):
            await workspaces.assign(tx, at.org, team, person, actor=at.owner)
        reasons = await places.reasons(tx, CHANNEL, at.org.id, ann)
        assert [[reason.source_id for reason in found] for found in reasons.values()] == [[team]]
        assert await places.reasons(tx, CHANNEL, at.org.id, gus.id) == {}


@pytest.mark.parametrize("kind", [Role.MULTI_CHANNEL_GUEST, Role.SINGLE_CHANNEL_GUEST])
async def test_a_guest_who_becomes_a_member_is_in_the_default_channels(store: Store, kind: Role) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        gus = await at.person(tx, "gus", role=kind)
        await workspaces.assign(tx, at.org, made["team"], gus, channel_ids=[made["channel"]], actor=at.owner)
        assert len(await places.reasons(tx, CHANNEL, at.org.id, gus)) == 1
    async with store.write() as tx:
        await workspaces.set_role(tx, at.org, made["team"], gus, Role.MEMBER, actor=at.owner)
        assert await default_channels(tx, at, gus) == {made["team"]}


async def default_channels(tx: Tx, at: Acme, user: UserId) -> set[str]:
    """The workspaces whose default channels somebody is in."""
    found = await places.reasons(tx, CHANNEL, at.org.id, user)
    return {each.source_id for reasons in found.values() for each in reasons if each.source_id[:1] == "T"}


async def test_a_single_channel_guest_who_becomes_a_member_is_where_their_groups_lead(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        lobby, gus = await at.channel(tx, "lobby", made["team"]), await at.person(tx, "gus")
        await at.join(tx, made["group"], gus)
        await workspaces.assign(
            tx, at.org, made["team"], gus,
            guest=Role.SINGLE_CHANNEL_GUEST, channel_ids=[lobby], actor=at.owner,
        )  # fmt: skip
        assert await places.of_people(tx, CHANNEL, at.org.id, [gus]) == {(lobby, gus)}
    async with store.write() as tx:
        await workspaces.set_role(tx, at.org, made["team"], gus, Role.MEMBER, actor=at.owner)
        assert made["channel"] in await at.where(tx, gus)


async def test_whoever_leaves_a_group_leaves_where_it_required_them(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        await at.leave(tx, made["group"], made["ann"])
        assert await at.where(tx, made["ann"]) == {}
        assert (await at.actions(tx, made["ann"]))[-2:] == [
            "user_removed_from_usergroup", "user_left_workspace",
        ]  # fmt: skip
        assert await places.reasons(tx, CHANNEL, at.org.id, made["ann"]) == {}  # nor in #general


async def test_whoever_leaves_a_group_stays_where_it_did_not_require_them(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at, required=False)
        await at.leave(tx, made["group"], made["ann"])
        assert await at.where(tx, made["ann"]) == {made["team"]: [f"({made['group']})"]}
        await at.join(tx, made["group"], made["ann"])
        assert await at.where(tx, made["ann"]) == {made["team"]: [made["group"]]}


@pytest.mark.parametrize("required", [True, False])
async def test_who_was_assigned_stays_whatever_groups_do(store: Store, required: bool) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at, required=required)
        await workspaces.assign(tx, at.org, made["team"], made["bob"], actor=at.owner)
        await at.join(tx, made["group"], made["bob"])
        await at.leave(tx, made["group"], made["bob"])
        left = (await at.where(tx, made["bob"]))[made["team"]]
        assert "" in left


async def test_two_groups_hold_somebody_until_both_let_go(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        other = await at.group(tx, "Other", [made["ann"]])
        to = [GroupWorkspace(made["team"], True, True)]
        await connections.connect_workspaces(tx, at.org, other, to, actor=at.owner)
        await at.leave(tx, made["group"], made["ann"])
        assert await at.where(tx, made["ann"]) == {made["team"]: [other]}
        await at.leave(tx, other, made["ann"])
        assert await at.where(tx, made["ann"]) == {}


@pytest.mark.parametrize("required", [True, False])
async def test_disconnecting_a_workspace_takes_out_whom_it_required(store: Store, required: bool) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at, required=required)
        await connections.disconnect_workspace(tx, at.org, made["group"], made["team"], actor=at.owner)
        kept = {} if required else {made["team"]: [f"({made['group']})"]}
        assert await at.where(tx, made["ann"]) == kept
        assert (await connection_rows.of_group(tx, at.org.id, made["group"])).size == 0


async def test_a_group_that_is_deleted_leads_nowhere(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        await groups.delete(tx, at.org, made["group"], actor=at.owner)
        assert await at.where(tx, made["ann"]) == {}


async def test_a_group_need_not_put_its_members_anywhere(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at, required=False, auto=False)
        assert await at.where(tx, made["ann"]) == {}
        ann = await users.existing(tx, at.org.id, made["ann"])
        actor = type(at.owner)(at.org.id, ann.id, ann.role, at.owner.origin)
        await workspaces.join(tx, at.org, made["team"], actor=actor)
        assert await at.where(tx, made["ann"]) == {made["team"]: [made["group"]]}
        with pytest.raises(DirectoryError, match="not_allowed"):
            bob = type(at.owner)(at.org.id, made["bob"], Role.MEMBER, at.owner.origin)
            await workspaces.join(tx, at.org, made["team"], actor=bob)


async def test_a_channel_is_connected_only_where_a_required_workspace_has_it(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at, required=False)
        with pytest.raises(DirectoryError, match="channel_not_in_required_workspace"):
            await connections.connect_channels(tx, at.org, made["group"], [made["channel"]], actor=at.owner)


async def test_a_group_leads_to_a_hundred_channels_and_no_more(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        more = [await at.channel(tx, f"c{n}", made["team"]) for n in range(100)]
        await connections.connect_channels(tx, at.org, made["group"], more[:99], actor=at.owner)
        with pytest.raises(DirectoryError, match="too_many_channels"):
            await connections.connect_channels(tx, at.org, made["group"], more[99:], actor=at.owner)
        assert len(await at.where(tx, made["ann"])) == 101


async def test_a_deactivated_person_is_nowhere_and_comes_back_to_what_holds_then(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        direct = await at.workspace(tx, "direct")
        own = await at.channel(tx, "own", direct)
        await workspaces.assign(tx, at.org, direct, made["ann"], channel_ids=[own], actor=at.owner)
        other = await at.group(tx, "Other", [made["ann"]])
        ann = await users.existing(tx, at.org.id, made["ann"])
        ann = await users.deactivate(tx, at.org, ann, actor=at.owner)
        for kind in (WORKSPACE, CHANNEL):
            assert await places.reasons(tx, kind, at.org.id, ann.id) == {}
        await at.leave(tx, made["group"], ann.id)
        to = [GroupWorkspace(made["team"], True, True)]
        await connections.connect_workspaces(tx, at.org, other, to, actor=at.owner)
        assert await at.where(tx, ann.id) == {}
        await users.update(tx, at.org, ann, UserChange(active=True), actor=at.owner)
        assert await at.where(tx, ann.id) == {direct: [""], own: [""], made["team"]: [other]}


async def restricted(tx: Tx, at: Acme) -> dict[str, Any]:
    """A private channel with ann and bob in it and an allowlist of a group with ann in it."""
    team = await at.workspace(tx, "sales")
    secret = await at.channel(tx, "secret", team, private=True)
    ann, bob = await at.person(tx, "ann"), await at.person(tx, "bob")
    for person in (ann, bob):
        await workspaces.assign(tx, at.org, team, person, channel_ids=[secret], actor=at.owner)
    group = await at.group(tx, "Secret", [ann])
    await connections.allow(tx, at.org, secret, group, actor=at.owner)
    return {"team": team, "secret": secret, "group": group, "ann": ann, "bob": bob}


async def test_the_first_group_on_an_allowlist_removes_all_others(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await restricted(tx, at)
        assert await at.where(tx, made["ann"]) == {made["team"]: [""], made["secret"]: [""]}
        assert await at.where(tx, made["bob"]) == {made["team"]: [""]}


async def test_nobody_beyond_the_allowlist_can_be_invited_and_nobody_on_it_joins_by_that(
    store: Store,
) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await restricted(tx, at)
        with pytest.raises(DirectoryError, match="restricted_by_allowlist"):
            await channels.invite(tx, at.org, made["secret"], [made["bob"]], actor=at.owner)
        await at.join(tx, made["group"], made["bob"])
        assert await at.where(tx, made["bob"]) == {made["team"]: [""]}
        await channels.invite(tx, at.org, made["secret"], [made["bob"]], actor=at.owner)
        assert made["secret"] in await at.where(tx, made["bob"])


async def test_whoever_leaves_the_last_allowed_group_leaves_the_channel(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await restricted(tx, at)
        second = await at.group(tx, "Second", [made["ann"]])
        await connections.allow(tx, at.org, made["secret"], second, actor=at.owner)
        await at.leave(tx, made["group"], made["ann"])
        assert made["secret"] in await at.where(tx, made["ann"])
        await connections.disallow(tx, at.org, made["secret"], made["group"], actor=at.owner)
        assert made["secret"] in await at.where(tx, made["ann"])
        await at.leave(tx, second, made["ann"])
        assert made["secret"] not in await at.where(tx, made["ann"])


async def test_a_channel_without_an_allowlist_again_is_like_any_other(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await restricted(tx, at)
        leading = await at.group(tx, "Leading", [made["bob"]])
        to = [GroupWorkspace(made["team"], True, True)]
        await connections.connect_workspaces(tx, at.org, leading, to, actor=at.owner)
        await connections.connect_channels(tx, at.org, leading, [made["secret"]], actor=at.owner)
        assert made["secret"] not in await at.where(tx, made["bob"])
        await connections.disallow(tx, at.org, made["secret"], made["group"], actor=at.owner)
        assert (await at.where(tx, made["bob"]))[made["secret"]] == [leading]


async def test_a_group_on_an_allowlist_cannot_be_deleted(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await restricted(tx, at)
        with pytest.raises(DirectoryError, match="idp_group_linked_to_channels"):
            await groups.delete(tx, at.org, made["group"], actor=at.owner)
        await connections.disallow(tx, at.org, made["secret"], made["group"], actor=at.owner)
        await groups.delete(tx, at.org, made["group"], actor=at.owner)


@pytest.mark.parametrize("plan", [Plan.BUSINESS_PLUS, Plan.PRO])
async def test_elsewhere_everybody_is_in_the_one_workspace_and_groups_lead_nowhere(
    store: Store, plan: Plan
) -> None:
    at = await acme(store, plan)
    async with store.write() as tx:
        ann = await at.person(tx, "ann")
        assert await at.where(tx, ann) == {at.first: [""]}
        group = await at.group(tx, "Sales", [ann])
        to = [GroupWorkspace(at.first, True, True)]
        with pytest.raises(DirectoryError, match="feature_not_enabled"):
            await connections.connect_workspaces(tx, at.org, group, to, actor=at.owner)
        with pytest.raises(DirectoryError, match="feature_not_enabled"):
            await at.workspace(tx, "second")


async def test_who_is_created_inactive_joins_the_one_workspace_once_they_are_active(store: Store) -> None:
    at = await acme(store, Plan.BUSINESS_PLUS)
    async with store.write() as tx:
        change = UserChange(username="ann", email="ann@x.example", active=False)
        ann = await users.create(tx, at.org, change, actor=at.owner)
        assert await at.where(tx, ann.id) == {}
        await users.update(tx, at.org, ann, UserChange(active=True), actor=at.owner)
        assert await at.where(tx, ann.id) == {at.first: [""]}


async def crowd(tx: Tx, at: Acme, count: int) -> list[UserId]:
    return [await at.person(tx, f"p{n}") for n in range(count)]


async def test_more_than_a_thousand_consequences_are_work_for_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rosterd.directory.workspaces.CONSEQUENCES_AT_ONCE", 10)
    at = await acme(store)
    async with store.write() as tx:
        people = await crowd(tx, at, 12)
        team, group = await at.workspace(tx, "big"), await at.group(tx, "Everybody", people)
        to = [GroupWorkspace(team, True, True)]
        await connections.connect_workspaces(tx, at.org, group, to, actor=at.owner)
        assert await at.where(tx, people[0]) == {}
        assert (await at.actions(tx, UserId(group)))[-1] == "usergroup_add_to_team_enqueued"
    assert await at.work_off() > 2
    async with store.write() as tx:
        for person in people:
            assert await at.where(tx, person) == {team: [group]}
        assert (await at.actions(tx, UserId(group)))[-1] == "usergroup_added_to_team"
        await groups.delete(tx, at.org, group, actor=at.owner)
        assert await at.where(tx, people[0]) == {team: [group]}
    await at.work_off()
    async with store.read() as tx:
        for person in people:
            assert await at.where(tx, person) == {}
        assert (await at.actions(tx, UserId(group)))[-1] == "usergroup_removed_from_team"


async def test_many_who_join_at_once_are_put_there_portion_by_portion(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rosterd.directory.workspaces.CONSEQUENCES_AT_ONCE", 4)
    monkeypatch.setattr("rosterd.actions.consequences.PORTION", 3)
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        people = await crowd(tx, at, 8)
        await at.join(tx, made["group"], *people)
        await at.leave(tx, made["group"], people[0])  # before the work is done
        waiting = [
            each for each in await outbox.page(tx, at.org.id, dead=False) if each.kind == "consequences"
        ]
        assert sorted(len(each.arguments["users"]) for each in waiting) == [2, 3, 3]
    await at.work_off()
    async with store.read() as tx:
        assert await at.where(tx, people[0]) == {}
        for person in people[1:]:
            assert await at.where(tx, person) == {
                made["team"]: [made["group"]], made["channel"]: [made["group"]]
            }  # fmt: skip
        assert (await at.actions(tx, UserId(made["group"]))).count("usergroup_updated") == 2


async def test_a_slice_that_is_done_twice_changes_nothing_the_second_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rosterd.directory.workspaces.CONSEQUENCES_AT_ONCE", 4)
    at = await acme(store)
    async with store.write() as tx:
        people = await crowd(tx, at, 6)
        team, group = await at.workspace(tx, "big"), await at.group(tx, "Everybody", people)
        to = [GroupWorkspace(team, True, True)]
        await connections.connect_workspaces(tx, at.org, group, to, actor=at.owner)
        [entry] = await outbox.claim(tx, at.org.id, "consequences", 9, tx.now)
        for _ in range(2):
            await consequences.work(tx, at.org.id, entry.arguments)
        first = min(people)
        assert (await at.actions(tx, first)).count("user_joined_workspace") == 1


async def test_more_than_a_thousand_people_are_not_taken_out_of_a_linked_group_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rosterd.directory.plans.REMOVALS_FROM_LINKED", 3)
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        people = await crowd(tx, at, 4)
        await at.join(tx, made["group"], *people)
        with pytest.raises(DirectoryError, match="failed_to_remove_users_for_linked_subteam"):
            await groups.update(
                tx, at.org, made["group"], GroupChange(members=Members(replace=())), actor=at.owner
            )


async def test_invited_people_get_one_digest_of_all_that_they_joined_by_a_change(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        general = [
            p for p in await places.reasons(tx, CHANNEL, at.org.id, made["ann"]) if p != made["channel"]
        ]
        carl = await at.person(tx, "carl")
        dora = await users.create(
            tx, at.org, UserChange(username="dora", email="dora@x.example"), claimed=True,
            actor=operator(at.org),
        )  # fmt: skip
        await at.join(tx, made["group"], carl, dora.id)
        digests = [each for each in await outbox.page(tx, at.org.id, dead=False) if each.kind == "digest"]
        mine = [each.arguments for each in digests if each.subject_id == carl]
        assert mine == [{"places": [made["team"], *sorted([made["channel"], *general])]}]
        assert dora.id not in {each.subject_id for each in digests}


async def test_connecting_a_group_to_several_places_at_once_tells_the_invited_once(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        ann = await at.person(tx, "ann")
        group = await at.group(tx, "Sales", [ann])
        teams = [await at.workspace(tx, domain) for domain in ("east", "west")]
        to = [GroupWorkspace(team, True, True) for team in teams]
        await connections.connect_workspaces(tx, at.org, group, to, actor=at.owner)
        new = [await at.channel(tx, name, teams[0]) for name in ("deals", "leads", "wins")]
        await connections.connect_channels(tx, at.org, group, new, actor=at.owner)
        digests = [each for each in await outbox.page(tx, at.org.id, dead=False) if each.kind == "digest"]
        assert [len(each.arguments["places"]) for each in digests] == [4, 3]  # each with its #general
        told = (await at.actions(tx, UserId(group)))[1:]
        assert told == ["usergroup_added_to_team"] * 2 + ["default_channel_added_to_usergroup"] * 3


async def test_a_group_is_deleted_soon_however_many_of_its_former_members_still_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await acme(store)
    async with store.write() as tx:
        people = await crowd(tx, at, 12)
        team, group = await at.workspace(tx, "big"), await at.group(tx, "Everybody", people)
        to = [GroupWorkspace(team, True, True)]
        await connections.connect_workspaces(tx, at.org, group, to, actor=at.owner)
        monkeypatch.setattr("rosterd.directory.workspaces.CONSEQUENCES_AT_ONCE", 10)
        nobody = GroupChange(members=Members(replace=()))
        await groups.update(tx, at.org, group, nobody, actor=at.owner)
        await groups.delete(tx, at.org, group, actor=at.owner)
        assert await at.where(tx, people[0]) == {team: [group]}
    await at.work_off()
    async with store.read() as tx:
        assert [await at.where(tx, person) for person in people] == [{}] * 12


async def test_whoever_left_a_group_while_it_led_nowhere_is_not_there_when_it_leads_there_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await acme(store)
    async with store.write() as tx:
        people = await crowd(tx, at, 12)
        team, group = await at.workspace(tx, "big"), await at.group(tx, "Everybody", people)
        to = [GroupWorkspace(team, True, True)]
        await connections.connect_workspaces(tx, at.org, group, to, actor=at.owner)
        monkeypatch.setattr("rosterd.directory.workspaces.CONSEQUENCES_AT_ONCE", 10)
        await connections.disconnect_workspace(tx, at.org, group, team, actor=at.owner)
        await at.leave(tx, group, people[0])
        await connections.connect_workspaces(tx, at.org, group, to, actor=at.owner)
    await at.work_off()
    async with store.read() as tx:
        assert await at.where(tx, people[0]) == {}
        assert await at.where(tx, people[1]) == {team: [group]}


async def test_whoever_was_taken_out_is_not_put_back_by_another_connection(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
    async with store.write() as tx:  # what was joined in the same transaction would count as new
        await channels.kick(tx, at.org, made["channel"], made["ann"], actor=at.owner)
        more = await at.channel(tx, "more", made["team"])
        await connections.connect_channels(tx, at.org, made["group"], [more], actor=at.owner)
        assert await at.where(tx, made["ann"]) == {made["team"]: [made["group"]], more: [made["group"]]}


async def test_a_workspace_that_is_not_required_any_more_ends_the_ways_to_its_channels(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await connected(tx, at)
        to = [GroupWorkspace(made["team"], False, True)]
        await connections.connect_workspaces(tx, at.org, made["group"], to, actor=at.owner)
        assert await at.where(tx, made["ann"]) == {made["team"]: [made["group"]]}
        assert (await connection_rows.of_group(tx, at.org.id, made["group"])).channels == ()


async def test_a_further_group_on_an_allowlist_lets_in_whom_others_lead_there(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        made = await restricted(tx, at)
        leading = await at.group(tx, "Leading", [made["bob"]])
        to = [GroupWorkspace(made["team"], True, True)]
        await connections.connect_workspaces(tx, at.org, leading, to, actor=at.owner)
        await connections.connect_channels(tx, at.org, leading, [made["secret"]], actor=at.owner)
        await connections.allow(tx, at.org, made["secret"], leading, actor=at.owner)
        assert (await at.where(tx, made["bob"]))[made["secret"]] == [leading]


async def test_a_default_channel_is_left_with_its_workspace_though_another_has_it(store: Store) -> None:
    at = await acme(store)
    async with store.write() as tx:
        one, two = await at.workspace(tx, "one"), await at.workspace(tx, "two")
        ann = await at.person(tx, "ann")
        await workspaces.assign(tx, at.org, two, ann, actor=at.owner)
        both = await channels.create(tx, at.org, "both", [one, two], is_default=True, actor=operator(at.org))
    async with store.write() as tx:
        await workspaces.assign(tx, at.org, one, ann, actor=at.owner)
        assert both.id in await places.reasons(tx, CHANNEL, at.org.id, ann)
        await workspaces.remove(tx, at.org, one, ann, actor=at.owner)
        assert both.id not in await places.reasons(tx, CHANNEL, at.org.id, ann)
