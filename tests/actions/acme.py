"""An Enterprise organisation with workspaces, channels and groups, made by the actions themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rosterd.actions import channels, consequences, groups, orgs, users, workspaces
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import (
    Actor,
    Channel,
    ChannelId,
    Group,
    GroupId,
    Org,
    Origin,
    Plan,
    Role,
    TeamId,
    UserId,
)
from rosterd.directory.users import UserChange
from rosterd.store import outbox
from rosterd.store.belonging import places
from rosterd.store.belonging.places import CHANNEL, WORKSPACE
from rosterd.store.engine import Store, Tx
from rosterd.store.records import audit

ORIGIN = Origin("request-1", "pytest", "127.0.0.1")


@dataclass
class Acme:
    """The organisation, who acts in it, and a store that is open on it."""

    store: Store
    org: Org
    owner: Actor
    first: TeamId

    async def person(self, tx: Tx, name: str, **fields: object) -> UserId:
        change = UserChange(username=name, email=f"{name}@acme.example")
        user = await users.create(tx, self.org, change, actor=self.owner, **fields)  # type: ignore[arg-type]
        return user.id

    async def workspace(self, tx: Tx, domain: str) -> TeamId:
        return (await workspaces.create(tx, self.org, domain, domain.title(), actor=operator(self.org))).id

    async def channel(self, tx: Tx, name: str, *teams: TeamId, private: bool = False) -> ChannelId:
        actor = operator(self.org)
        made: Channel = await channels.create(tx, self.org, name, teams, is_private=private, actor=actor)
        return made.id

    async def group(self, tx: Tx, name: str, members: Sequence[UserId] = ()) -> GroupId:
        change = GroupChange(display_name=name, members=Members(add=tuple(members)))
        made: Group = await groups.create(tx, self.org, change, actor=self.owner)
        return made.id

    async def join(self, tx: Tx, group: GroupId, *people: UserId) -> None:
        await groups.update(tx, self.org, group, GroupChange(members=Members(add=people)), actor=self.owner)

    async def leave(self, tx: Tx, group: GroupId, *people: UserId) -> None:
        await groups.update(
            tx, self.org, group, GroupChange(members=Members(remove=people)), actor=self.owner
        )

    async def where(self, tx: Tx, user: UserId) -> dict[str, list[str]]:
        """Place → sources, those that are only kept in brackets; #general left out."""
        found: dict[str, list[str]] = {}
        for kind in (WORKSPACE, CHANNEL):
            for place, reasons in (await places.reasons(tx, kind, self.org.id, user)).items():
                if not any(reason.source_id.startswith("T") for reason in reasons):
                    found[place] = [f"({r.source_id})" if r.kept else r.source_id for r in reasons]
        return found

    async def actions(self, tx: Tx, user: UserId) -> list[str]:
        """What the trail says of somebody, the oldest first."""
        return [record.action for record in reversed(await audit.page(tx, self.org.id, entity=user))]

    async def work_off(self) -> int:
        """Do every task that waits in the outbox. How many slices it took."""
        slices = 0
        while True:
            async with self.store.write() as tx:
                claimed = await outbox.claim(tx, self.org.id, "consequences", 100, tx.now)
                for entry in claimed:
                    slices += 1
                    left = await consequences.work(tx, self.org.id, entry.arguments)
                    if left is None:
                        await outbox.done(tx, entry)
                    else:
                        await outbox.advance(tx, entry, left, tx.now)
            if not claimed:
                return slices


def operator(org: Org) -> Actor:
    return orgs.operator(org.id, ORIGIN)


async def acme(store: Store, plan: Plan = Plan.ENTERPRISE) -> Acme:
    async with store.write() as tx:
        org, owner = await orgs.create(tx, "Acme", "acme", plan, "owner@acme.example", origin=ORIGIN)
    return Acme(store, org, Actor(org.id, owner.id, Role.PRIMARY_OWNER, ORIGIN), org.team_id)
