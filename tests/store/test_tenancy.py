"""An organisation could live on a machine of its own: every key says whose a row is, every query asks for it.

PostgreSQL itself is the witness. What its catalog says of keys is held against the rule, and each statement
that the store has is shown to the planner, which tells where it would look for rows and on what conditions.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg
import msgspec
import pytest

from rosterd.directory.apps import App, Code
from rosterd.directory.bulk import Action, Arguments, Batch, State
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.facets import Facet, Sort
from rosterd.directory.model import (
    Channel,
    ChannelId,
    GroupWorkspace,
    Role,
    TeamId,
    Token,
    TokenId,
    UserGroup,
    Workspace,
)
from rosterd.directory.query import Compare, Condition, Constant, Not, Op, Present
from rosterd.directory.signin import IdentityProvider, Link, Means, SessionId
from rosterd.directory.signin import Session as Seating
from rosterd.directory.webhooks import Webhook
from rosterd.provisioning.cards import card
from rosterd.store import (
    batches,
    channels,
    groups,
    names,
    orgs,
    outbox,
    profile_fields,
    query,
    roster,
    user_groups,
    users,
    webhooks,
    workspaces,
)
from rosterd.store.belonging import connections, consequences, listings, places, previews, whereabouts
from rosterd.store.contract import CardOf, Step
from rosterd.store.doors import apps, idps, passwords, sessions, submissions, tokens
from rosterd.store.engine import Row, Tx, open_store
from rosterd.store.engines.statements import for_postgresql
from rosterd.store.people import facts, index, search
from rosterd.store.records import activity, analytics, attention, audit, log, requests, trail, verifications
from rosterd.store.tables import metadata
from tests.servers import Databases
from tests.store.rows import ACTOR, E1, a_group, a_user, an_event, an_org, found, gather

NOUNS = (
    apps,
    activity,
    analytics,
    attention,
    audit,
    batches,
    channels,
    connections,
    consequences,
    facts,
    groups,
    idps,
    index,
    listings,
    log,
    names,
    orgs,
    outbox,
    passwords,
    places,
    previews,
    profile_fields,
    query,
    requests,
    roster,
    search,
    sessions,
    submissions,
    tokens,
    trail,
    user_groups,
    users,
    verifications,
    webhooks,
    whereabouts,
    workspaces,
)
"""The modules that serve requests. Tools that go over the whole database (checks, copies, migrations) may
ask every shard: there is no request to route."""

LEADING = {
    "apps.find",
    "sessions.find",
    "activity.note_tokens",
    "tokens.authenticate",
    "tokens.touch",
    "orgs.find",
    "orgs.every",
    "audit.pending",
    "outbox.pending",
    "outbox.backlog",
}
"""Who asks before the organisation is known: what leads to it, and who goes round where something waits."""

ROUTES = {"apps", "orgs", "sessions", "tokens", "audit_unsealed", "outbox"}
"""The tables that they ask."""

OWNER = {"orgs": "id"}
"""The column that says whose a row is, where it is not ``org_id``."""

TABLES = {table.name for table in metadata.sorted_tables}


class Asked(NamedTuple):
    """A statement, and the function of the store that it is in."""

    function: str
    sql: str


@dataclass(slots=True)
class Recorder:
    """A transaction that notes its statements, and the lines that they were asked from."""

    tx: Tx
    now: int = 1
    card: CardOf = card
    asked: list[Asked] = field(default_factory=list)
    lines: set[tuple[str, int]] = field(default_factory=set)

    async def one(self, sql: str, *args: Any) -> Row | None:
        self._note(sql)
        return await self.tx.one(sql, *args)

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        self._note(sql)
        return await self.tx.all(sql, *args)

    async def known(self, sql: str, *args: Any) -> Sequence[Row]:
        self._note(sql)
        return await self.tx.known(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        self._note(sql)
        return await self.tx.run(sql, *args)

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._note(sql)
        await self.tx.many(sql, rows)

    async def together(self, steps: Sequence[Step]) -> int:
        for sql, _ in steps:
            self._note(sql)
        return await self.tx.together(steps)

    def part(self) -> AbstractAsyncContextManager[None]:
        return self.tx.part()

    def _note(self, sql: str) -> None:
        caller = sys._getframe(2)
        module = caller.f_globals["__name__"].rpartition(".")[2]
        self.asked.append(Asked(f"{module}.{caller.f_code.co_name}", sql))
        self.lines.add((module, caller.f_lineno))


def conditions(fields: dict[str, query.Field]) -> Iterator[Condition]:
    """One for every field and each way to compare it."""
    for name, what in fields.items():
        value: str | int = 1 if what.is_number else "w"
        ops = [Op.EQ] if what.is_negated else [Op.EQ, Op.GT] if what.is_number else list(Op)
        yield from (Compare(name, op, value) for op in ops)
        yield Not(Present(name))
    yield Constant(True)


async def ask_about_people(tx: Tx) -> None:
    """Each function of users, names and tokens."""
    mine = [a_user(number).id for number in (1, 2)]
    await users.insert_whole(tx, a_user(9), ["user9@example.com"], [])
    await users.find(tx, E1, mine[0])
    await users.find(tx, E1, mine[0], lock=True)
    await users.find_many(tx, E1, mine)
    await users.ids(tx, E1, "", 2)
    await users.card(tx, E1, mine[0])
    await users.find_by_username(tx, E1, "user1")
    await users.find_by_email(tx, E1, "user1@example.com")
    await users.primary_owner(tx, E1)
    await users.briefs(tx, E1, mine)
    await users.groups_of(tx, E1, mine)
    await users.update(tx, a_user(1, display_name="Other"))
    await users.remove_email(tx, E1, "user1@example.com", mine[0])
    for condition in (None, *conditions(users.FIELDS)):
        await users.page(tx, E1, condition, 1, 1)
    await names.add_reserved(tx, E1, ["here"])
    await names.kind_of(tx, E1, "here")
    await names.like(tx, E1, "he")
    await names.remove(tx, E1, "here")
    token = Token(TokenId("X1"), E1, mine[0], ("admin",), None, (), 1, None, None, None)
    await tokens.insert(tx, token, "hash")
    await tokens.authenticate(tx, "hash")
    await tokens.of_org(tx, E1)
    await tokens.last_used(tx, E1, 1)
    await tokens.of_app(tx, E1, "A1", 1, 1)
    await tokens.roles_behind(tx, E1, "A1")
    await tokens.find(tx, E1, token.id)
    await tokens.find(tx, E1, token.id, lock=True)
    await tokens.update(tx, token)
    await tokens.of_user(tx, E1, mine[0])
    for ended in (False, True):
        await tokens.page(tx, E1, 1, ended=ended, limit=1)
    await tokens.counts_by_app(tx, E1, 1)
    await tokens.touch(tx, [("hash", 2)])
    await tokens.revoke(tx, E1, token.id, 3)
    await tokens.revoke_of_user(tx, E1, mine[0], 3)
    await tokens.revoke_of_app(tx, E1, "A1", 3)


async def ask_about_groups(tx: Tx) -> None:
    """Each function of groups, orgs and profile_fields."""
    mine = [a_user(number).id for number in (1, 2)]
    group = await gather(tx, 1, mine)
    other = await gather(tx, 2, mine)
    for lock in (None, "share", "update"):
        await groups.find(tx, E1, group, lock=lock)
    await groups.find_by_name(tx, E1, "group 1")
    await groups.update(tx, a_group(1, display_name="Other"))
    await groups.count_members(tx, E1, group)
    await groups.members(tx, E1, group)
    await groups.members_of_many(tx, E1, [group, other])
    await groups.some(tx, E1, group, 1)
    await groups.outranking(tx, E1, group, [Role.OWNER, Role.PRIMARY_OWNER])
    for condition in (None, *conditions(groups.FIELDS)):
        await groups.page(tx, E1, condition, 1, 1)
    await groups.remove_members(tx, E1, group, mine[:1])
    await groups.retain(tx, E1, group, mine[:1])
    await groups.remove_all(tx, E1, group)
    await groups.delete(tx, E1, group)
    await orgs.update(tx, an_org())
    await orgs.find(tx, "e1.example.com")
    await orgs.every(tx)
    await profile_fields.names(tx, E1)
    await profile_fields.every(tx, E1)
    await profile_fields.known(tx, E1)
    await profile_fields.add(tx, E1, "field", "Field", is_scim=True)


async def ask_about_places(tx: Tx) -> None:
    """Each function of workspaces, channels, places, connections and consequences."""
    ann, bob = (a_user(number).id for number in (1, 2))
    group = await gather(tx, 5, [ann, bob])
    team = Workspace(E1, TeamId("T5"), 1, "W", "w")
    await workspaces.insert(tx, team)
    await workspaces.find(tx, E1, team.id)
    await workspaces.find_by_domain(tx, E1, "w")
    await workspaces.find_many(tx, E1, [team.id])
    await workspaces.every(tx, E1)
    await workspaces.page(tx, E1)
    await workspaces.owners(tx, E1, [team.id])
    await workspaces.open_to(tx, E1, ann)
    for role in (Role.ADMIN, Role.MEMBER):
        await workspaces.set_role(tx, E1, team.id, ann, role)
    await workspaces.roles_of(tx, E1, ann)
    await workspaces.roles_in(tx, E1, team.id)
    await workspaces.drop_roles(tx, E1, [ann])
    await names.add(tx, E1, "deals", "channel", "C5")
    channel = Channel(E1, ChannelId("C5"), 1, "deals", ann, is_private=True)
    await channels.insert(tx, channel)
    await channels.add_home(tx, channel, team.id)
    await channels.add_org_wide(tx, E1, team.id)
    for lock in (False, True):
        await channels.find(tx, E1, channel.id, lock=lock)
    await channels.find_many(tx, E1, [channel.id])
    for within in (None, team.id):
        await channels.page(tx, E1, within)
    await channels.homes(tx, E1, [channel.id])
    await channels.shown_to(tx, E1, ann, team.id, channels.Wanted(), public=True)
    for by in channels.ORDERS:
        for descending in (False, True):
            await channels.search(tx, E1, channels.Search(by=by, descending=descending))
    await channels.count(tx, E1, channels.Search())
    await channels.of_person(tx, E1, ann, bob, team.id, channels.Wanted())
    await channels.named(tx, E1, team.id, "deals")
    await channels.set_archived(tx, E1, channel.id, False)
    await channels.of_guests(tx, E1, [ann])
    for kind, place in ((places.WORKSPACE, team.id), (places.CHANNEL, channel.id)):
        await places.add(tx, kind, E1, place, [ann, bob], "")
        await places.among(tx, kind, E1, place, [ann])
        await places.of_people(tx, kind, E1, [ann])
        await places.reasons(tx, kind, E1, ann)
        await places.reasons_at(tx, kind, E1, place, [ann])
        await places.count_behind(tx, kind, E1, place, after="")
        await places.page(tx, kind, E1, place)
        await places.count(tx, kind, E1, [place])
        await places.remove(tx, kind, E1, place, [bob])
        await consequences.held_by(tx, E1, place, group, after="", limit=1)
        await consequences.count_held_by(tx, E1, place, group, after="")
    await places.everywhere(tx, E1, [ann])
    await places.acquainted(tx, E1, ann, [bob])
    await places.acquaintances(tx, E1, ann, team.id)
    await places.suspend(tx, E1, ann)
    await places.former(tx, E1, team.id)
    await places.remember(tx, E1, ann, team.id)
    await places.restore(tx, E1, ann)
    await places.forget(tx, E1, ann)
    await connections.put_workspace(tx, E1, group, GroupWorkspace(team.id, True, True))
    await connections.add_channels(tx, E1, group, [channel.id])
    await connections.allow(tx, E1, channel.id, group)
    await connections.of_group(tx, E1, group)
    await connections.allowlist(tx, E1, channel.id)
    await connections.holding(tx, E1, ann)
    await connections.groups_to_channel(tx, E1, channel.id)
    await connections.leading(tx, E1, team.id, ann)
    await whereabouts.of_person(tx, E1, a_user(1))
    await consequences.lock(tx, E1, [ann])
    await consequences.join_workspaces(tx, E1, [ann], [group])
    await consequences.join_channels(tx, E1, [ann], [group])
    await consequences.join_defaults(tx, E1, [ann])
    await consequences.leave_workspaces(tx, E1, [ann], [group])
    await consequences.leave_channels(tx, E1, [ann], [group])
    for required in (False, True):
        await consequences.end_workspace(tx, E1, team.id, group, [ann], required=required)
    await consequences.end_channel(tx, E1, channel.id, group, [ann])
    await consequences.tidy(tx, E1, [ann])
    await consequences.in_group(tx, E1, group, after="", limit=1)
    await consequences.count_in_group(tx, E1, group, after="")
    await connections.disallow(tx, E1, channel.id, group)
    await connections.remove_channel(tx, E1, group, channel.id)
    await connections.remove_workspace(tx, E1, group, team.id)


async def ask_about_what_would_follow(tx: Tx) -> None:
    """Each function of previews and listings, for a group that leads somewhere, and with people who go."""
    ann, bob = (a_user(number).id for number in (1, 2))
    group, other = await gather(tx, 8, [ann, bob]), await gather(tx, 9, [ann])
    teams = [Workspace(E1, TeamId(f"T{n}"), 1, f"W{n}", f"w{n}") for n in (8, 9)]
    made = [
        Channel(E1, ChannelId(f"C{n}"), 1, f"deals{n}", ann, is_private=True, is_archived=False)
        for n in (8, 9)
    ]
    for each in teams:
        await workspaces.insert(tx, each)
    for channel in made:
        await names.add(tx, E1, channel.name, "channel", channel.id)
        await channels.insert(tx, channel)
        for each in teams:
            await channels.add_home(tx, channel, each.id, is_default=channel is made[0])
    (one, two), (deals, more) = (each.id for each in teams), (each.id for each in made)
    await connections.put_workspace(tx, E1, group, GroupWorkspace(one, True, True))
    for leading in (group, other):
        await connections.add_channels(tx, E1, leading, [deals])
    for kind, place in ((places.WORKSPACE, one), (places.CHANNEL, deals)):
        await places.add(tx, kind, E1, place, [ann], group)
    for required in (False, True):
        to = [GroupWorkspace(one, required, True), GroupWorkspace(two, required, True)]
        await previews.connect_workspaces(tx, E1, group, to)
    await previews.disconnect_workspace(tx, E1, group, one)
    await previews.connect_channels(tx, E1, group, [more])
    await previews.disconnect_channels(tx, E1, group, [deals])
    for _ in range(2):
        await previews.allow(tx, E1, deals, group)
        await previews.disallow(tx, E1, deals, group)
        await connections.allow(tx, E1, deals, other)
    await previews.assign(tx, E1, two, bob)
    await previews.take_out(tx, E1, one, ann)
    for text in ("", "a"):
        await listings.groups(tx, E1, text, limit=1)
        await listings.workspaces(tx, E1, text, limit=1)
        for narrowed in listings.KINDS:
            for team in (None, one):
                await listings.channels(tx, E1, text, kind=narrowed, team=team, limit=1)
    await listings.led(tx, E1, [group])
    await listings.homes(tx, E1, [deals])
    await listings.people_in(tx, E1, [deals], 1)
    await listings.within(tx, E1, [one], 1)
    await listings.leading_to_workspace(tx, E1, one, limit=1)
    await listings.leading_to_channel(tx, E1, deals, limit=1)
    await listings.names_of_groups(tx, E1, [group])
    await listings.requiring(tx, E1, one, [group])
    await listings.leading_among(tx, E1, one, [group])
    await listings.newest_member(tx, E1, group)


async def ask_about_signing_in(tx: Tx) -> None:
    """Each function of sessions, passwords, idps and apps."""
    me = a_user(1).id
    session = Seating(E1, SessionId("X1"), me, Means.LINK, "pytest", None, 1, 1, 9, None)
    await sessions.insert(tx, session, "hash")
    await sessions.find(tx, "hash")
    await sessions.of_user(tx, E1, me)
    await sessions.touch(tx, E1, session.id, 2)
    await sessions.revoke(tx, E1, session.id, 3)
    await sessions.revoke_of_user(tx, E1, me, 3)
    await sessions.remove_expired(tx, E1, me, 3)
    await sessions.add_link(tx, Link(E1, me, 1, 9, None), "hash")
    await sessions.find_link(tx, E1, "hash")
    await sessions.find_link(tx, E1, "hash", lock=True)
    await sessions.revoke_link(tx, E1, "hash", 3)
    await sessions.remove_links(tx, E1, me, before=3)
    await passwords.update(tx, E1, me, "hash")
    await passwords.update_hash(tx, E1, me, "other")
    await passwords.find(tx, E1, me)
    await passwords.of_org(tx, E1)
    await passwords.remove(tx, E1, me)
    await idps.update(tx, IdentityProvider(E1, "https://id.example", "id", "secret", False, 1))
    await idps.find(tx, E1)
    await idps.remove(tx, E1)
    await apps.insert(tx, App("1.2", E1, "A1", "App", ("https://a.example",), ("admin",), 1, None), "hash")
    await apps.find(tx, "1.2")
    await apps.of_org(tx, E1)
    await apps.revoke(tx, E1, "A1", 3)
    await apps.add_code(tx, Code(E1, "1.2", me, None, ("admin",), "", None, 9, None), "hash")
    await apps.find_code(tx, E1, "hash")
    await apps.update_code(tx, E1, "hash", TokenId("A2"))
    await apps.remove_codes(tx, E1, me)
    await apps.remove_expired(tx, E1, 3)


async def ask_about_the_roster(tx: Tx) -> None:
    """Each function of roster."""
    ann = a_user(1).id
    for kinds in ([], list(roster.Kind)):
        await roster.of_org(tx, E1, kinds, active=True, limit=1)
        for active in (False, True):
            await roster.of_workspace(tx, E1, TeamId("T5"), kinds, active=active, after="", limit=1)
    await roster.former_workspaces(tx, E1, [ann])
    await roster.last_active(tx, E1, [ann])
    await roster.deactivations(tx, E1, [ann])
    await users.expired_guests(tx, E1, 1, 1)


async def ask_about_user_groups(tx: Tx) -> None:
    """Each function of user_groups."""
    group = await gather(tx, 7, [a_user(1).id])
    await user_groups.update(tx, E1, group, UserGroup(handle="crew", updated=1, disabled=2))
    for team in (None, TeamId("T5")):
        for disabled in (False, True):
            await user_groups.page(tx, E1, team, disabled=disabled)
    await user_groups.find_many(tx, E1, [group])
    await user_groups.members(tx, E1, [group])
    await user_groups.sizes(tx, E1, [group])
    await user_groups.channels(tx, E1, [group])
    await user_groups.delete(tx, E1, group)


async def ask_about_what_happened(tx: Tx, plain: Tx) -> None:
    """Each function of audit."""
    await audit.append(tx, [an_event(1, {"name": "x"})], ACTOR)
    await audit.append(tx, [an_event(2), an_event(3)], ACTOR)
    await audit.page(tx, E1, before="z", entity="W1")
    await audit.last_events(tx, E1, ["W1"])
    await audit.first(tx, E1, "W1")
    await audit.authors(tx, E1, ["W1"])
    await audit.pending(tx)
    await audit.find_many(tx, E1, await audit.seal(tx, E1))
    await audit.verify(tx, E1)
    await audit.erase(tx, E1, a_user(1).id)
    await audit.verify(tx, E1)
    await audit.append(tx, [an_event(4)], ACTOR)
    await plain.run("DELETE FROM audit_events WHERE entity_id = 'W4'")
    await audit.verify(tx, E1)


async def ask_about_what_is_to_be_done(tx: Tx) -> None:
    """Each function of outbox, webhooks and places."""
    await webhooks.insert(tx, Webhook(E1, "H1", "https://a.example", "s", ("user_created",), 1))
    await webhooks.of_org(tx, E1)
    await webhooks.find(tx, E1, "H1")
    await webhooks.remove(tx, E1, "H1", 2)
    for place in (places.WORKSPACE, places.CHANNEL):
        await places.names_of(tx, place, E1, a_user(1).id, ["T1", "C1"])
    kinds = tuple(Kind)
    errands = [Errand(kind, "W1", {"n": 1}) for kind in kinds]
    await outbox.add(tx, E1, errands[:1])
    await outbox.add(tx, E1, errands)
    await outbox.pending(tx, kinds)
    await outbox.of_subject(tx, E1, "digest", "W1")
    await outbox.backlog(tx)
    entry, *_ = await outbox.claim(tx, E1, errands[0].kind, 1, tx.now + 1, busy=["W2"])
    await outbox.is_held(tx, entry)
    entry = await outbox.advance(tx, entry, {"n": 2}, tx.now + 2)
    await outbox.put_off_others(tx, entry, tx.now + 3, 1)
    await outbox.put_off(tx, entry, tx.now + 4, "no answer")
    await outbox.release(tx, entry)
    await outbox.give_up(tx, entry, "no such mailbox")
    await outbox.page(tx, E1, dead=True)
    await outbox.retry(tx, E1, [entry.id])
    await outbox.drop(tx, E1, [entry.id])
    await outbox.done(tx, entry)
    await outbox.remove_of(tx, E1, "W1")


async def ask_about_batches(tx: Tx) -> None:
    """Each function of batches."""
    batch = Batch(E1, "B1", 1, a_user(1).id, Action.DEACTIVATE, Arguments(), State.DRAFT, 1)
    await batches.insert(tx, batch)
    await batches.add_people(tx, E1, "B1", [batch.actor_id])
    await batches.update(tx, batch)
    for lock in (False, True):
        await batches.find(tx, E1, "B1", lock=lock)
    await batches.page(tx, E1)
    await batches.add_undone(tx, E1, "B1", "B0", after=0, limit=1)
    await batches.undoing(tx, E1, "B1")
    await batches.update_people(tx, E1, "B1", await batches.to_do(tx, E1, "B1", after=0, limit=1))
    for outcome in (None, "done"):
        await batches.people(tx, E1, "B1", outcome=outcome)
    await batches.outcomes(tx, E1, "B1")
    await batches.drafted(tx, E1, 2)
    await batches.expired(tx, E1, 2, 1)
    await batches.remove_people(tx, E1, "B1", 1)
    await batches.delete(tx, E1, "B1")


async def ask_about_the_trail(tx: Tx) -> None:
    """Each function of trail, verifications and attention."""
    for entity, actions in ((None, ["user_created"]), ("W1", None)):
        wanted = trail.Wanted(actions, "W1", entity, 0, 1)
        await trail.page(tx, E1, wanted, before=None, limit=1)
    await trail.names(tx, E1, await audit.page(tx, E1))
    await verifications.add(tx, E1, 1)
    await verifications.update_progress(tx, E1, 1, 1, 1)
    await verifications.update(tx, E1, 1, audit.Verdict(1, 1, 0, None, "", None))
    await verifications.page(tx, E1, 1)
    await attention.guests(tx, E1, 1, 1)
    await attention.tokens(tx, E1, 1, 1)
    await attention.used(tx, E1, 1)
    await attention.invitations(tx, E1, 1, 1)
    await attention.given_up(tx, E1, 1)


async def ask_about_what_was_refused(tx: Tx) -> None:
    """Each function of requests."""
    me = a_user(1).id
    row = (E1, "0", "r", "GET", "/x", me, 404, "no_such_user", "", "A1", me, "", None)
    await requests.note(tx, [requests.Refusal(*row)], [requests.More(E1, "0", 1)])
    for wanted in (requests.Wanted(), requests.Wanted("A1", me, "no_such_user")):
        await requests.page(tx, E1, wanted, end="g", since="", limit=1)
    await requests.stale(tx, E1, 1)
    await requests.prune(tx, E1, "0")
    await requests.remove_of_user(tx, E1, me, ["name"])


async def ask_about_the_log(tx: Tx) -> None:
    """Each function of log."""
    await audit.append(tx, [an_event(1)], msgspec.structs.replace(ACTOR, token_id=TokenId("A1")))
    for target in ("", "W1"):
        wanted = log.Wanted(target=target, token="A1", action="user_created")
        await log.page(tx, E1, wanted, before="f", limit=1)
    entries = await log.since(tx, E1, log.Wanted(), "", 1)
    await log.names(tx, E1, entries)


async def ask_about_who_was_there(tx: Tx) -> None:
    """Each function of activity, submissions and analytics."""
    await activity.note(tx, [activity.Note(E1, 1, a_user(2).id, signed_in=True)])
    await activity.note_tokens(tx, [("hash", 1)])
    await analytics.days(tx, E1, 1, "", 10)
    wanted = analytics.Filter([Role.MEMBER], ["owner"], TeamId("T1"))
    await analytics.members(tx, E1, wanted, deactivated=True, after="", count=10)
    await analytics.deactivations(tx, E1, ["W1"])
    await analytics.public_channels(tx, E1, 1, "", 10)
    await activity.oldest(tx, E1)
    await activity.latest(tx, E1, a_user(1).id)
    await activity.prune(tx, E1, 1)
    await submissions.add(tx, E1, "key", a_user(1).id)
    await submissions.oldest(tx, E1)
    await submissions.prune(tx, E1, 1)
    await activity.remove_of_user(tx, E1, a_user(1).id)


async def ask_about_the_index(tx: Tx) -> None:
    """Each function of index, facts and search."""
    ids = [a_user(number).id for number in (1, 2, 3)]
    assert await index.insert(tx, E1)
    begun = await index.find(tx, E1)
    assert begun is not None
    assert await index.update(tx, E1, begun, index.Progress(index.VERSION, 0, 0, 0, None))
    difference = facts.Difference()
    facts.compare(await facts.find_many(tx, E1, ids), difference)
    await facts.update(tx, E1, difference)
    await index.next_people(tx, E1, "", 1)
    await index.add_days(tx, E1, {(1, "user_created"): 1})
    await index.days(tx, E1, 1)
    await index.is_whole(tx, E1)
    await index.counts(tx, E1, Facet.ROLE, limit=1)
    await index.count_many(tx, E1, Facet.ROLE, ["member"])
    await index.seal_before(tx, E1, 1)
    _, events = await index.seals(tx, E1, 0, 1)
    await index.happenings(tx, E1, events)
    await index.unsealed(tx, E1, 1)
    await facts.in_group(tx, E1, "S1", 1)
    await facts.sources(tx, E1, ids)
    for few in (0, 100):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(search, "FEW_NEAR", few)
            patch.setattr(search, "FEW_FAR", few)
            patch.setattr(search, "FIRST_SLICE", 1)
            for sort in Sort:
                await search.page(tx, E1, search.Wanted(sort=sort), after=None, limit=1)
                for words in ((), ("u",)):
                    for facts_wanted in ((), ((Facet.ROLE, "member"),)):
                        wanted = search.Wanted(words, facts_wanted, sort)
                        await search.page(tx, E1, wanted, after=None, limit=1)
    await facts.remove_of_user(tx, E1, ids[2])
    await index.replace(tx, E1)
    await index.remove_some(tx, E1)


class Session(NamedTuple):
    """What was asked, and what the planner says to each statement."""

    recorder: Recorder
    plans: dict[Asked, dict[str, Any]]


@pytest.fixture(scope="module")
def session(databases: Databases) -> Iterator[Session]:
    with databases.migrated() as url:
        yield asyncio.run(_session(url))


async def _session(url: str) -> Session:
    store = await open_store(url)
    async with store.write() as plain:
        recorder = Recorder(plain)
        await found(recorder, 3)
        await ask_about_people(recorder)
        await ask_about_groups(recorder)
        await ask_about_places(recorder)
        await ask_about_what_would_follow(recorder)
        await ask_about_signing_in(recorder)
        await ask_about_user_groups(recorder)
        await ask_about_the_roster(recorder)
        await ask_about_what_happened(recorder, plain)
        await ask_about_what_is_to_be_done(recorder)
        await ask_about_batches(recorder)
        await ask_about_the_trail(recorder)
        await ask_about_what_was_refused(recorder)
        await ask_about_the_log(recorder)
        await ask_about_who_was_there(recorder)
        await ask_about_the_index(recorder)
    await store.close()
    connection = await asyncpg.connect(url)
    try:
        for setting in (
            "plan_cache_mode = force_generic_plan",
            "enable_hashjoin = off",
            "enable_mergejoin = off",
        ):
            await connection.execute(f"SET {setting}")
        return Session(recorder, {each: await _plan(connection, each.sql) for each in set(recorder.asked)})
    finally:
        await connection.close()


async def _plan(connection: asyncpg.Connection, sql: str) -> dict[str, Any]:
    """How it is done whatever the arguments are."""
    count = max((int(number) for number in re.findall(r"\$(\d+)", sql)), default=0)
    await connection.execute(f"PREPARE asked AS {for_postgresql(sql)}")
    execute = f"EXECUTE asked ({', '.join(['NULL'] * count)})" if count else "EXECUTE asked"
    explained = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {execute}")
    await connection.execute("DEALLOCATE asked")
    plan: dict[str, Any] = json.loads(explained)[0]["Plan"]
    return plan


class Look(NamedTuple):
    """A place in a plan where rows of a table are looked for, and the conditions that they must fulfil."""

    table: str
    alias: str
    conditions: str


def looks(plan: dict[str, Any], outer: str = "") -> Iterator[Look]:
    """Every one in a plan. A join's condition counts for what is below it."""
    parts = plan.get("Plans", [])
    own = " ".join(str(plan[name]) for name in plan if name.endswith(("Cond", "Filter")))
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable":
        own += "".join(str(each["Index Cond"]) for each in parts if each["Node Type"] == "Bitmap Index Scan")
        yield Look(plan["Relation Name"], plan["Alias"], f"{own} {outer}")
    for part in parts:
        yield from looks(part, f"{own} {outer}")


def test_every_statement_of_the_store_was_asked(session: Session) -> None:
    missed = [
        f"{module.__name__}:{node.lineno}"
        for module in NOUNS
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if ast.unparse(node.func) in {"tx.one", "tx.all", "tx.known", "tx.run", "tx.many", "tx.together"}
        if session.recorder.lines.isdisjoint(
            (module.__name__.rpartition(".")[2], line)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        )
    ]
    assert missed == []


def test_every_look_at_a_table_is_for_the_organisation_that_is_asked_for(session: Session) -> None:
    strays = [
        f"{function} looks for any organisation's {look.table}: {sql}"
        for (function, sql), plan in session.plans.items()
        for look in looks(plan)
        if function not in LEADING
        if not re.search(rf"\b{OWNER.get(look.table, 'org_id')} = (\$1(?!\d)|\(\$1\)::text)", look.conditions)
    ]
    assert strays == []


def test_what_leads_to_an_organisation_stays_with_it(session: Session) -> None:
    led = [
        (look, sql)
        for (function, sql), plan in session.plans.items()
        for look in looks(plan)
        if function in LEADING and look.table not in ROUTES
    ]
    assert {look.table for look, _ in led} == {"users"}  # of the owner, by the token's row
    assert [
        sql for look, sql in led if not re.search(r"\borg_id = ([ts]\.org_id|o\.id)\b", look.conditions)
    ] == []


def test_what_is_inserted_says_whose_it_is(session: Session) -> None:
    inserts = [sql for _, sql in session.recorder.asked if sql.startswith("INSERT")]
    assert inserts
    for sql in inserts:
        table, columns = re.match(r"INSERT INTO (\w+) \(([^)]*)\)", sql).groups()  # type: ignore[union-attr]
        assert OWNER.get(table, "org_id") in columns.split(", ")


KEYS = """
    SELECT t.relname AS table, c.relname AS key, a.attname AS first
    FROM pg_index i
    JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
    WHERE t.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT t.relname, c.conname, a.attname
    FROM pg_constraint c
    JOIN pg_class t ON t.oid = c.conrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
    WHERE t.relnamespace = 'public'::regnamespace AND c.contype IN ('p', 'u', 'f')
"""
LEADING_KEYS = {
    "orgs_pk",
    "orgs_domain",
    "tokens_pk",
    "apps_pk",
    "oauth_codes_pk",
    "sessions_pk",
    "signin_links_pk",
    "alembic_version_pkc",
}


def test_every_key_that_postgresql_has_begins_with_the_organisation(databases: Databases) -> None:
    async def keys(url: str) -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            rows: list[Any] = await connection.fetch(KEYS)
            return rows
        finally:
            await connection.close()

    with databases.migrated() as url:
        rows = asyncio.run(keys(url))
    assert {row["table"] for row in rows} == {*TABLES, "alembic_version"}
    assert {row["key"] for row in rows if row["first"] != "org_id"} == LEADING_KEYS
