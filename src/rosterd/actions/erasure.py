"""Somebody forgotten: whatever keeps something personal of people is named here."""

from __future__ import annotations

from rosterd.actions import users
from rosterd.directory import users as rules
from rosterd.directory.errors import Taken
from rosterd.directory.events import Event
from rosterd.directory.model import Actor, Org, User
from rosterd.store import names, outbox
from rosterd.store.doors import sessions
from rosterd.store.engine import Tx
from rosterd.store.people import facts
from rosterd.store.records import activity, audit, requests


async def erase(tx: Tx, org: Org, user: User, *, actor: Actor) -> User:
    """Everything personal about ``user`` forgotten: in the directory, the audit trail, sessions, the outbox.

    What stays in the trail is what they did themselves, with the address and client that they did
    it from. The account stays, deactivated and empty: its id is in the trail.
    It may not be modified any more.
    """
    rules.check_changeable(actor, user)
    rules.check_deactivatable(user)
    desired = rules.erased(user)
    forgotten = Event("user_profile_deleted", "user", user.id, {}, {}, user.id)
    if not await names.add(tx, org.id, desired.username, "user", user.id):
        raise Taken("username_taken", user=desired.username)
    await users.write(tx, user, desired, [forgotten], actor=actor)
    await audit.erase(tx, org.id, user.id)
    await outbox.remove_of(tx, org.id, user.id)
    await activity.remove_of_user(tx, org.id, user.id)
    await facts.remove_of_user(tx, org.id, user.id)
    await requests.remove_of_user(tx, org.id, user.id, sorted({user.username, user.email}))
    await sessions.remove_expired(tx, org.id, user.id, users.FOREVER)  # all of them: they have ended
    return desired
