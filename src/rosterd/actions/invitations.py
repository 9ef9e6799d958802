"""Inviting people to a workspace, and once more. The provisioned are invited by `rosterd.actions.users`."""

from __future__ import annotations

from collections.abc import Sequence

from rosterd.actions import guests, users, workspaces
from rosterd.directory import names, plans
from rosterd.directory import users as rules
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.errors import Invalid, NotAllowed, Taken
from rosterd.directory.events import Event
from rosterd.directory.model import Actor, ChannelId, Org, Profile, Role, TeamId, User, UserId
from rosterd.directory.users import UserChange
from rosterd.store import outbox
from rosterd.store import users as store
from rosterd.store.belonging import places
from rosterd.store.belonging.places import WORKSPACE
from rosterd.store.engine import Tx
from rosterd.store.records import audit

GREETING_LENGTH = 1_000
"""Characters of what somebody says beside an invitation. Slack states no length; this is ours."""


async def invite(
    tx: Tx,
    org: Org,
    team_id: TeamId,
    email: str,
    channel_ids: Sequence[ChannelId],
    *,
    name: str = "",
    guest: Role | None = None,
    expires: int | None = None,
    greeting: str = "",
    again: bool = False,
    actor: Actor,
) -> User:
    """Somebody with this address is in a workspace and these channels of it, if need be with a new account.

    ``guest``: of this kind, until ``expires`` (seconds). Whoever is there already is not invited, but, with
    ``again``, written to once more if they have never signed in. Raises the errors of a bad address,
    ``already_in_team``, ``already_in_team_invited_user``, ``account_inactive``, ``no_channels``,
    ``invalid_greeting``, ``invalid_expiration``, and what :func:`rosterd.actions.workspaces.assign` does.
    """
    await workspaces.check_runs(tx, org, team_id, actor=actor)
    _check_invitation(channel_ids, guest, expires, greeting)
    address = names.email_address(email)
    await workspaces.locked_channels(tx, org, team_id, channel_ids)
    holder = await store.find_by_email(tx, org.id, names.account_key(address))
    if holder is not None:
        known = await users.existing(tx, org.id, holder)
        if await _is_settled(tx, org, team_id, known, again=again, actor=actor):
            return known
    else:
        holder = await _account(tx, org, address, name, guest, greeting, actor=actor)
    user = await workspaces.assign(
        tx, org, team_id, holder, guest=guest, channel_ids=channel_ids, actor=actor
    )
    if expires is not None:
        user = await guests.set_expiration(tx, org, user.id, expires, actor=actor)
    return user


def _check_invitation(
    channel_ids: Sequence[ChannelId], guest: Role | None, expires: int | None, greeting: str
) -> None:
    if not channel_ids:
        raise Invalid("no_channels")
    if len(greeting) > GREETING_LENGTH:
        raise Invalid("invalid_greeting")
    if expires is not None and guest is None:
        raise Invalid("invalid_expiration")


async def _is_settled(tx: Tx, org: Org, team_id: TeamId, user: User, *, again: bool, actor: Actor) -> bool:
    """Whether nothing is left to do for somebody who has an account, but to write to them once more."""
    if user.deactivated:
        raise NotAllowed("account_inactive", user=user.username)
    if not await places.among(tx, WORKSPACE, org.id, team_id, [user.id]):
        return False
    if not rules.is_invited(user):
        raise Taken("already_in_team", user=user.username)
    if not again:
        raise Taken("already_in_team_invited_user", user=user.username)
    await invite_again(tx, org, user, actor=actor)
    return True


async def _account(
    tx: Tx, org: Org, address: str, name: str, guest: Role | None, greeting: str, *, actor: Actor
) -> UserId:
    """A new account for an address, called as it is but for its local part."""
    if guest is not None:
        plans.check_guests(org.plan)
    given, _, family = name.strip().partition(" ")
    profile = Profile(given_name=given, family_name=family.strip())
    change = UserChange(username=address, email=address, profile=profile)
    role = guest or Role.MEMBER
    return (await users.create(tx, org, change, role=role, greeting=greeting, actor=actor)).id


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
