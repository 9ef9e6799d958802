"""Inviting somebody once more. The first invitation comes with the account (`rosterd.actions.users`)."""

from __future__ import annotations

from rosterd.directory import users as rules
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.errors import NotAllowed
from rosterd.directory.events import Event
from rosterd.directory.model import Actor, Org, User
from rosterd.store import audit, outbox
from rosterd.store.engine import Tx


async def invite_again(tx: Tx, org: Org, user: User, *, actor: Actor) -> None:
    """Another mail to somebody who has not signed in yet.

    Raises ``already_in_team`` (Slack, *admin.users.invite*) for whoever has, and ``account_inactive``.
    """
    rules.check_changeable(actor, user)
    if user.deactivated:
        raise NotAllowed("account_inactive", user=user.username)
    if not rules.is_invited(user):
        raise NotAllowed("already_in_team", user=user.username)
    await outbox.add(tx, org.id, [Errand(Kind.INVITATION, user.id)])
    await audit.append(tx, [Event("user_invited", "user", user.id)], actor)
