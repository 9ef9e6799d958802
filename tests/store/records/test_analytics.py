"""What analytics read of people: who was there, since when they are gone, slice by slice."""

from __future__ import annotations

import pytest

from rosterd.directory.analytics import MemberDay
from rosterd.directory.events import Event
from rosterd.directory.model import DIRECTLY, Profile, Role, TeamId, UserId, Workspace
from rosterd.store import workspaces
from rosterd.store.belonging import places
from rosterd.store.engine import Store, Tx
from rosterd.store.records import activity, analytics, audit
from rosterd.store.records.activity import DAY, Note
from rosterd.store.records.analytics import LONG_AGO, Filter
from rosterd.store.uuids import Growing
from tests.store.rows import ACTOR, E1, E2, a_user, found, settle

pytestmark = pytest.mark.anyio

TODAY = 20_000
EVERYBODY = Filter(tuple(Role))


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a start: the ids of a process only grow, and these tests write in another time."""
    monkeypatch.setattr(audit, "_ids", Growing())


async def ended(tx: Tx, day: int, action: str, *ids: str) -> None:
    for step in audit.entries(day * DAY * 1_000_000, [Event(action, "user", id) for id in ids], ACTOR):
        await tx.together([step])


async def test_a_day_has_everybody_who_was_here_by_its_end(store: Store) -> None:
    async with store.write() as tx:
        await found(tx, 0)
        await found(tx, 0, E2)
        midnight = (TODAY + 1) * DAY * 1_000_000
        await settle(
            tx,
            a_user(1, profile=Profile(employee_number="701", title="Chef"), date_claimed=5),
            a_user(2, role=Role.MULTI_CHANNEL_GUEST),
            a_user(3, role=Role.BOT),
            a_user(4, erased=True, deactivated=True),
            a_user(5, deactivated=True),
            a_user(6, deactivated=True),
            a_user(7, created=midnight - 1),
            a_user(8, created=midnight),
            a_user(9, E2),
        )
        await ended(tx, TODAY - 9, "user_deactivated", "W6")
        await ended(tx, TODAY - 8, "user_reactivated", "W6")
        await ended(tx, TODAY - 7, "guest_expired", "W6", "W1")
        await activity.note(
            tx,
            [
                Note(E1, TODAY, UserId("W1"), signed_in=True),
                Note(E1, TODAY, UserId("W2"), by_app=True),
                Note(E1, TODAY - 1, UserId("W7"), True, True),
            ],
        )
        seen = await analytics.days(tx, E1, TODAY, "", 100)
        assert seen == [
            MemberDay(UserId("W1"), "User1@example.com", Role.MEMBER, 5, "701", True, False, None),
            MemberDay(
                UserId("W2"), "User2@example.com", Role.MULTI_CHANNEL_GUEST, None, None, False, True, None
            ),
            MemberDay(UserId("W5"), "User5@example.com", Role.MEMBER, None, None, False, False, LONG_AGO),
            MemberDay(UserId("W6"), "User6@example.com", Role.MEMBER, None, None, False, False, TODAY - 7),
            MemberDay(UserId("W7"), "User7@example.com", Role.MEMBER, None, None, False, False, None),
        ]
        assert await analytics.days(tx, E1, TODAY, "", 2) == seen[:2]
        assert await analytics.days(tx, E1, TODAY, "W2", 2) == seen[2:4]
        assert await analytics.days(tx, E1, TODAY, "W7", 2) == []


async def test_members_are_found_by_role_and_workspace(store: Store) -> None:
    team = TeamId("T1")

    async def ids(wanted: Filter, *, deactivated: bool = False, after: str = "", count: int = 9) -> list[str]:
        seen = await analytics.members(tx, E1, wanted, deactivated=deactivated, after=after, count=count)
        return [member.id for member in seen]

    async with store.write() as tx:
        await found(tx, 0)
        await settle(
            tx,
            a_user(1, role=Role.OWNER),
            a_user(2),
            a_user(3, profile=Profile(title="Chef")),
            a_user(4, deactivated=True),
            a_user(5, deactivated=True, erased=True),
        )
        for name in (team, TeamId("T2")):
            await workspaces.insert(tx, Workspace(E1, name, 1, name, name.lower()))
        await workspaces.set_role(tx, E1, team, UserId("W3"), Role.ADMIN)
        await places.add(tx, places.WORKSPACE, E1, team, [UserId("W2"), UserId("W3")], DIRECTLY)
        await places.add(tx, places.WORKSPACE, E1, team, [UserId("W2")], "S1")
        assert await ids(EVERYBODY) == ["W1", "W2", "W3"]
        assert await ids(EVERYBODY, deactivated=True) == ["W1", "W2", "W3", "W4"]
        assert await ids(EVERYBODY, after="W1", count=1) == ["W2"]
        assert await ids(Filter([Role.OWNER])) == ["W1"]
        assert await ids(Filter([])) == []
        assert await ids(Filter([], ["admin"])) == ["W3"]
        assert await ids(Filter([], ["owner"])) == []
        assert await ids(Filter(tuple(Role), (), team)) == ["W2", "W3"]
        assert await ids(Filter([], ["admin"], team)) == ["W3"]
        assert await ids(Filter([], ["admin"], TeamId("T2"))) == []
        [chef] = await analytics.members(tx, E1, Filter([], ["admin"]), deactivated=False, after="", count=9)
        assert (chef.full_name, chef.profile.title, chef.deactivated_on) == ("Person 3", "Chef", None)
