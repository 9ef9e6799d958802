"""What administrators do to a person. What matters is asked once more, on a page that says what follows.

Each form is drawn of the person as they were (`seen`): whoever was slower than somebody else is told so, and
sees how they are now. Each counts once. No rule lives here: :mod:`rosterd.actions` refuses.
"""

from __future__ import annotations

from rosterd.actions import guests, invitations, workspaces
from rosterd.actions import users as actions
from rosterd.actions.doors import signin
from rosterd.dashboard.admin import days
from rosterd.dashboard.admin.frame import Done, Look, check_stamp, form, page
from rosterd.dashboard.admin.fresh import again_link, check_fresh
from rosterd.dashboard.admin.members.member import member, nobody, of_user, offers, roles_for
from rosterd.dashboard.pages import Page
from rosterd.dashboard.words import ROLES, WORDS, of_others
from rosterd.directory import access
from rosterd.directory import users as rules
from rosterd.directory.errors import DirectoryError, Invalid, NotFound
from rosterd.directory.model import Role, TeamId, User, UserId
from rosterd.directory.names import folded
from rosterd.directory.users import UserChange
from rosterd.store import users
from rosterd.store import workspaces as places
from rosterd.store.belonging import whereabouts
from rosterd.store.doors import sessions, tokens
from rosterd.store.engine import Tx

MEMBER = ("admin", "members", "*")

WORD_OF_HANDOVER = "confirm"
"""The field into which the name of the next primary owner is typed."""


async def _ask(look: Look, user_id: str, change: str) -> Page:
    """A page that says what a change means, with its form; their own page, where it cannot be."""
    async with look.desk.store.scan() as tx:
        user = await users.find(tx, look.org.id, UserId(user_id))
        if user is None:
            return nobody(look)
        offered = offers(look, user)
        stays = (await whereabouts.of_person(tx, look.org.id, user)).stays
        open_sessions = await sessions.of_user(tx, look.org.id, user.id)
        open_tokens = [
            each for each in await tokens.of_user(tx, look.org.id, user.id) if each.revoked is None
        ]
    if change not in offered:
        look.alert = look.alert or WORDS[_why_not(look, user, change)]
        return await member(look, user_id)
    return look.render(
        f"member_{change}.html",
        **of_user(user),
        roles=roles_for(look, user),
        again=again_link(look),
        teams=[each for each in stays if each.place_id.startswith("T")],
        channels=[each for each in stays if each.place_id.startswith("C")],
        sessions=len(open_sessions),
        tokens=len(open_tokens),
        expires="" if user.guest_expires is None else days.of(user.guest_expires),
    )


def _why_not(look: Look, user: User, change: str) -> str:
    """The code of what stands in the way of a change that is not offered."""
    try:
        rules.check_changeable(look.actor, user)
        if change == "deactivate":
            rules.check_deactivatable(user)
    except DirectoryError as error:
        return error.code
    return "permission_denied"


@page(*MEMBER, "deactivate")
async def ask_to_deactivate(look: Look, user_id: str) -> Page:
    """What a deactivation means."""
    return await _ask(look, user_id, "deactivate")


@page(*MEMBER, "reactivate")
async def ask_to_reactivate(look: Look, user_id: str) -> Page:
    """What a reactivation means."""
    return await _ask(look, user_id, "reactivate")


@page(*MEMBER, "role")
async def choose_role(look: Look, user_id: str) -> Page:
    """Which role, and what each means."""
    return await _ask(look, user_id, "role")


@page(*MEMBER, "guest")
async def ask_to_convert(look: Look, user_id: str) -> Page:
    """What it means to become a guest, or a full member."""
    return await _ask(look, user_id, "guest")


@page(*MEMBER, "expiry")
async def choose_expiry(look: Look, user_id: str) -> Page:
    """Until when a guest is here."""
    return await _ask(look, user_id, "expiry")


@form(*MEMBER, "deactivate", shown=member)
async def deactivate(tx: Tx, look: Look, user_id: str) -> Done:
    """They are out."""
    user = await _seen(tx, look, user_id)
    user = await actions.deactivate(tx, look.org, user, actor=look.actor)
    return _done(user, f"{user.full_name} is deactivated, and signed out everywhere.")


@form(*MEMBER, "reactivate", shown=member)
async def reactivate(tx: Tx, look: Look, user_id: str) -> Done:
    """They are back."""
    user = await _seen(tx, look, user_id)
    user = await actions.update(tx, look.org, user, UserChange(active=True), actor=look.actor)
    return _done(user, f"{user.full_name} is back.")


@form(*MEMBER, "role", shown=choose_role)
async def set_role(tx: Tx, look: Look, user_id: str) -> Done:
    """They have another role; after a fresh sign-in alone, if it has more permissions: those open every door.

    Whoever hands the organisation over types the name of the next owner.
    """
    user = await _seen(tx, look, user_id)
    role = _role(look.fields.get("role", ""))
    if access.RANK[role] > access.RANK[user.role]:
        check_fresh(look)
    if role is not Role.PRIMARY_OWNER:
        await workspaces.set_org_role(tx, look.org, user.id, role, actor=look.actor)
        return _done(user, f"{user.full_name} is now: {ROLES[role]}.")
    if _compared(look.fields.get(WORD_OF_HANDOVER, "")) != _compared(user.full_name):
        raise Invalid("not_confirmed")
    await actions.set_role(tx, look.org, user, role, actor=look.actor)
    return _done(user, f"{user.full_name} is now the primary owner, and you are an owner.")


@form(*MEMBER, "guest", shown=member)
async def convert(tx: Tx, look: Look, user_id: str) -> Done:
    """A member becomes a guest, or a guest a member."""
    user = await _seen(tx, look, user_id)
    change = UserChange(guest=not user.role.is_guest)
    user = await actions.update(tx, look.org, user, change, actor=look.actor)
    return _done(user, f"{user.full_name} is now: {ROLES[user.role]}.")


@form(*MEMBER, "expiry", shown=choose_expiry)
async def set_expiry(tx: Tx, look: Look, user_id: str) -> Done:
    """A guest is here until the end of a day, or without an end."""
    user = await _seen(tx, look, user_id)
    expires = None if "clear" in look.fields else days.last_second(look.fields.get("day", "").strip())
    if expires is None and "clear" not in look.fields:
        raise Invalid("invalid_expiration")
    user = await guests.set_expiration(tx, look.org, user.id, expires, actor=look.actor)
    until = "without an end" if expires is None else f"until the end of {days.of(expires)} (UTC)"
    return _done(user, f"{user.full_name} is a guest {until}.")


@form(*MEMBER, "invite", shown=member)
async def invite_again(tx: Tx, look: Look, user_id: str) -> Done:
    """They get another mail."""
    user = await _seen(tx, look, user_id)
    await invitations.invite_again(tx, look.org, user, actor=look.actor)
    return _done(user, f"Another invitation is on its way to {user.email}.")


@form(*MEMBER, "signout", shown=member)
async def end_sessions(tx: Tx, look: Look, user_id: str) -> Done:
    """They are signed out everywhere."""
    user = await actions.existing(tx, look.org.id, UserId(user_id))
    ended = await signin.end_sessions_of(tx, look.org, user, actor=look.actor)
    amount = "1 session was" if len(ended) == 1 else f"{len(ended)} sessions were"
    return _done(user, f"{user.full_name} is signed out everywhere: {amount} ended.", "sessions")


@form(*MEMBER, "assign", shown=member)
async def assign(tx: Tx, look: Look, user_id: str) -> Done:
    """They are in a workspace, because an administrator says so."""
    user = await _seen(tx, look, user_id)
    domain = look.fields.get("workspace", "").strip().lower()
    team = await places.find_by_domain(tx, look.org.id, domain) if "\0" not in domain else None
    if team is None:
        raise NotFound("no_such_team", team=domain[:40])
    await workspaces.assign(tx, look.org, team.id, user.id, actor=look.actor)
    return _done(user, f"{user.full_name} is in the workspace {team.name}.", "places")


@form(*MEMBER, "remove", shown=member)
async def remove(tx: Tx, look: Look, user_id: str) -> Done:
    """They are not in a workspace any more."""
    user = await _seen(tx, look, user_id)
    named = look.fields.get("team", "")
    team = await places.find(tx, look.org.id, TeamId(named)) if "\0" not in named else None
    if team is None:
        raise NotFound("no_such_team")
    try:
        await workspaces.remove(tx, look.org, team.id, user.id, actor=look.actor)
    except DirectoryError as error:
        raise of_others(error) from error
    return _done(user, f"{user.full_name} is not in the workspace {team.name} any more.", "places")


async def _seen(tx: Tx, look: Look, user_id: str) -> User:
    """The person, locked, and as they were when the form was drawn."""
    user = await actions.existing(tx, look.org.id, UserId(user_id))
    check_stamp(look, user)
    return user


def _done(user: User, notice: str, tab: str = "") -> Done:
    return Done(f"/admin/members/{user.id}{f'?tab={tab}' if tab else ''}", notice)


def _compared(name: str) -> str:
    """A name as it is compared: no more of it than somebody would type."""
    return folded(name.strip()[:256])


def _role(text: str) -> Role:
    if text not in ROLES or Role(text) in (Role.BOT, Role.MULTI_CHANNEL_GUEST, Role.SINGLE_CHANNEL_GUEST):
        raise Invalid("invalid_form_data")
    return Role(text)
