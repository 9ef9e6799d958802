"""What a batch does to one person, and how it is taken back: by the same actions as when it is done alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from msgspec import UNSET

from rosterd.actions import guests, invitations, users, workspaces
from rosterd.directory import bulk as rules
from rosterd.directory import users as user_rules
from rosterd.directory.bulk import Action, Arguments, Batch, Standing
from rosterd.directory.errors import NotAllowed, Taken
from rosterd.directory.model import Actor, Org, OrgId, Role, TeamId, User
from rosterd.directory.users import UserChange
from rosterd.store import workspaces as store_workspaces
from rosterd.store.batches import Person
from rosterd.store.belonging import places
from rosterd.store.belonging.places import WORKSPACE
from rosterd.store.engine import Tx


async def change(
    tx: Tx, org: Org, batch: Batch, person: Person, *, actor: Actor
) -> tuple[Standing, Standing]:
    """Do to somebody what the batch is about. How they stood before, and how they stand.

    Raises what the action raises, ``cannot_change_yourself`` and, when something is taken back,
    ``changed_meanwhile`` and ``not_undoable``.
    """
    rules.check_not_oneself(actor, person.user_id)
    user = await users.existing(tx, org.id, person.user_id)
    team = batch.arguments.team_id
    before = await _standing(tx, org.id, user, team)
    if batch.action is not Action.UNDO:
        await _STEPS[batch.action](tx, org, user, batch.arguments, actor)
    elif person.before is not None and person.after is not None:
        rules.check_as_left(before, person.before)
        await _restore(tx, org, user, before, person.after, team, actor)
    user = await users.existing(tx, org.id, person.user_id)
    return before, await _standing(tx, org.id, user, team)


async def _standing(tx: Tx, org_id: OrgId, user: User, team: TeamId | None) -> Standing:
    if team is None:
        return Standing(user.role, user.deactivated, user.guest_expires)
    reasons = (await places.reasons(tx, WORKSPACE, org_id, user.id)).get(team, [])
    role = (await store_workspaces.roles_of(tx, org_id, user.id)).get(team)
    sources = tuple(sorted(each.source_id for each in reasons))
    return Standing(user.role, user.deactivated, user.guest_expires, sources, role)


async def _deactivate(tx: Tx, org: Org, user: User, given: Arguments, actor: Actor) -> None:
    await users.deactivate(tx, org, user, actor=actor)


async def _reactivate(tx: Tx, org: Org, user: User, given: Arguments, actor: Actor) -> None:
    await users.update(tx, org, user, UserChange(active=True), actor=actor)


async def _set_role(tx: Tx, org: Org, user: User, given: Arguments, actor: Actor) -> None:
    """Of full members alone: nobody becomes one, and is paid for, because they were among others."""
    user_rules.check_changeable(actor, user)
    if user.role.is_guest:
        raise NotAllowed("invalid_role_for_user", user=user.username)
    if given.role is not None and given.role is not user.role:
        await workspaces.set_org_role(tx, org, user.id, given.role, actor=actor)


async def _make_guest(tx: Tx, org: Org, user: User, given: Arguments, actor: Actor) -> None:
    await _convert(tx, org, user, actor, guest=True)


async def _make_member(tx: Tx, org: Org, user: User, given: Arguments, actor: Actor) -> None:
    await _convert(tx, org, user, actor, guest=False)


async def _convert(
    tx: Tx, org: Org, user: User, actor: Actor, *, guest: bool, expires: int | None = None
) -> None:
    """A guest or a full member from now on. Whoever is deactivated stays so: by SCIM alone they would not."""
    change = UserChange(guest=guest, active=not user.deactivated, guest_expires=expires or UNSET)
    await users.update(tx, org, user, change, actor=actor)


async def _set_expiry(tx: Tx, org: Org, user: User, given: Arguments, actor: Actor) -> None:
    await guests.set_expiration(tx, org, user.id, given.expires, actor=actor)


async def _clear_expiry(tx: Tx, org: Org, user: User, given: Arguments, actor: Actor) -> None:
    await guests.set_expiration(tx, org, user.id, None, actor=actor)


async def _resend(tx: Tx, org: Org, user: User, given: Arguments, actor: Actor) -> None:
    await invitations.invite_again(tx, org, user, actor=actor)


async def _add(tx: Tx, org: Org, user: User, given: Arguments, actor: Actor) -> None:
    """Nobody is reactivated by it, and whoever is there by a group is there."""
    assert given.team_id is not None, "the rules ask for it"
    user_rules.check_changeable(actor, user)
    if user.deactivated:
        raise NotAllowed("account_inactive", user=user.username)
    if await places.among(tx, WORKSPACE, org.id, given.team_id, [user.id]):
        raise Taken("user_already_team_member")
    await workspaces.assign(tx, org, given.team_id, user.id, actor=actor)


async def _remove(tx: Tx, org: Org, user: User, given: Arguments, actor: Actor) -> None:
    assert given.team_id is not None, "the rules ask for it"
    await workspaces.remove(tx, org, given.team_id, user.id, actor=actor)


_Step = Callable[[Tx, Org, User, Arguments, Actor], Awaitable[None]]

_STEPS: Mapping[Action, _Step] = {
    Action.DEACTIVATE: _deactivate,
    Action.REACTIVATE: _reactivate,
    Action.SET_ROLE: _set_role,
    Action.MAKE_GUEST: _make_guest,
    Action.MAKE_MEMBER: _make_member,
    Action.SET_EXPIRY: _set_expiry,
    Action.CLEAR_EXPIRY: _clear_expiry,
    Action.RESEND_INVITATION: _resend,
    Action.ADD_TO_WORKSPACE: _add,
    Action.REMOVE_FROM_WORKSPACE: _remove,
}


async def _restore(
    tx: Tx, org: Org, user: User, now: Standing, wanted: Standing, team: TeamId | None, actor: Actor
) -> None:
    """Somebody stands as they stood before."""
    if now.role is not wanted.role:
        await _restore_role(tx, org, user, wanted, actor)
    elif now.deactivated is not wanted.deactivated:
        # Whoever is back is not to be gone within the hour: their expiry, if it is over, stays away.
        keeps_expiry = wanted.deactivated and user.role is Role.MULTI_CHANNEL_GUEST
        expires = wanted.guest_expires if keeps_expiry else UNSET
        back = UserChange(active=not wanted.deactivated, guest_expires=expires)
        await users.update(tx, org, user, back, actor=actor)
    elif now.guest_expires != wanted.guest_expires:
        await guests.set_expiration(tx, org, user.id, wanted.guest_expires, actor=actor)
    elif team is not None:
        await _restore_place(tx, org, user, now, wanted, team, actor)


async def _restore_role(tx: Tx, org: Org, user: User, wanted: Standing, actor: Actor) -> None:
    if user.role.is_guest is wanted.role.is_guest:
        await users.set_role(tx, org, user, wanted.role, actor=actor)
    elif wanted.role is Role.SINGLE_CHANNEL_GUEST:  # which of their channels it was nobody knows any more
        raise NotAllowed("not_undoable")
    else:
        guest = wanted.role.is_guest
        await _convert(tx, org, user, actor, guest=guest, expires=wanted.guest_expires)


async def _restore_place(
    tx: Tx, org: Org, user: User, now: Standing, wanted: Standing, team: TeamId, actor: Actor
) -> None:
    """In a workspace again, or not any more. Of its channels they are in those that everybody is in."""
    if now.sources and not wanted.sources:
        await workspaces.remove(tx, org, team, user.id, actor=actor)
    elif wanted.sources and not now.sources:
        await workspaces.assign(tx, org, team, user.id, actor=actor)
        if wanted.workspace_role is not None:
            await workspaces.set_role(tx, org, team, user.id, wanted.workspace_role, actor=actor)
