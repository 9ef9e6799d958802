"""Organisations, people and groups for tests of the store, with as little said as possible."""

from __future__ import annotations

from typing import Any

from rosterd.directory.events import Event
from rosterd.directory.model import (
    Actor,
    Group,
    GroupId,
    Org,
    OrgId,
    Origin,
    Plan,
    Profile,
    Role,
    TeamId,
    User,
)
from rosterd.directory.model import UserId as UserId
from rosterd.directory.names import folded
from rosterd.store import groups, names, orgs, users
from rosterd.store.engine import Tx

E1, E2 = OrgId("E1"), OrgId("E2")
ORIGIN = Origin("request-1", "pytest", "127.0.0.1")
ACTOR = Actor(E1, UserId("W1"), Role.OWNER, ORIGIN)


def an_org(id: OrgId = E1, **fields: Any) -> Org:
    return Org(id, TeamId(f"T{id}"), f"Org {id}", f"{id.lower()}.example.com", Plan.ENTERPRISE, 1, **fields)


def a_user(number: int, org: OrgId = E1, **fields: Any) -> User:
    """User ``W<number>``, created at ``number`` microseconds."""
    given: dict[str, Any] = {
        "org_id": org,
        "id": UserId(f"W{number}"),
        "created": number,
        "username": f"user{number}",
        "email": f"User{number}@example.com",
        "display_name": f"Person {number}",
        "role": Role.MEMBER,
        "deactivated": False,
        "date_claimed": None,
        "guest_expires": None,
        "erased": False,
        "profile": Profile(),
    }
    return User(**(given | fields))


def a_group(number: int, org: OrgId = E1, **fields: Any) -> Group:
    """Group ``S<number>``, created at ``number`` microseconds."""
    given: dict[str, Any] = {
        "org_id": org,
        "id": GroupId(f"S{number}"),
        "created": number,
        "display_name": f"Group {number}",
    }
    return Group(**(given | fields))


def an_event(number: int, personal: dict[str, Any] | None = None) -> Event:
    return Event("user_created", "user", f"W{number}", {"n": number}, personal or {}, UserId(f"W{number}"))


async def settle(tx: Tx, *people: User) -> None:
    """Store people with their names and addresses, as an action does."""
    for user in people:
        assert await names.add(tx, user.org_id, user.username, "user", user.id)
        assert await users.insert(tx, user)
        for address in (user.email, user.profile.secondary_email):
            if address:
                assert await users.add_email(tx, user.org_id, folded(address), user.id)


async def found(tx: Tx, count: int, org: OrgId = E1) -> list[UserId]:
    """A new organisation with users W1 … W<count>. Returns their ids."""
    assert await orgs.insert(tx, an_org(org))
    people = [a_user(number, org) for number in range(1, count + 1)]
    await settle(tx, *people)
    return [user.id for user in people]


async def gather(tx: Tx, number: int, members: list[UserId], org: OrgId = E1) -> GroupId:
    """A new group S<number> with these members. Returns its id."""
    group = a_group(number, org)
    assert await groups.insert(tx, group)
    await groups.add_members(tx, org, group.id, members)
    return group.id
