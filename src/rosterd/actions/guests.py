"""What can be done to guests: when they expire, and that they have.

Source: Slack, *admin.users.setExpiration*: *sets the expiration of a single-channel or multi-channel guest,
processed on an hourly schedule*.
"""

from __future__ import annotations

import msgspec

from rosterd.actions import users
from rosterd.directory import users as rules
from rosterd.directory.errors import NotAllowed
from rosterd.directory.model import Actor, Org, User, UserId
from rosterd.store import users as store
from rosterd.store.engine import Tx


async def set_expiration(tx: Tx, org: Org, user_id: UserId, expires: int | None, *, actor: Actor) -> User:
    """When a guest's account ends (seconds); None: it does not.

    Raises ``no_such_user``, ``user_is_not_a_guest``, ``user_is_deactivated`` and ``invalid_expiration``.
    """
    user = await users.existing(tx, org.id, user_id)
    rules.check_changeable(actor, user)
    if not user.role.is_guest:
        raise NotAllowed("user_is_not_a_guest", user=user.username)
    if user.deactivated:
        raise NotAllowed("user_is_deactivated", user=user.username)
    if expires is not None:
        rules.check_expiry(expires, tx.now // 1_000_000)
    desired = msgspec.structs.replace(user, guest_expires=expires)
    await users.write(tx, user, desired, rules.events_of_change(user, desired), actor=actor)
    return desired


async def expire(tx: Tx, org: Org, user_id: UserId, *, actor: Actor) -> bool:
    """A guest deactivated because their time is up. False: it is not, or they are already."""
    user = await store.find(tx, org.id, user_id, lock=True)
    if user is None or user.deactivated or not rules.has_expired(user, tx.now // 1_000_000):
        return False
    desired = msgspec.structs.replace(user, deactivated=True)
    await users.write(tx, user, desired, [rules.event_of_expiry(user)], actor=actor)
    return True
