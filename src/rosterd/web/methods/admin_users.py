"""``admin.users.*``: who is in which workspace, as what, and until when. For an organisation's token.

Source: Slack's page of each method; keys of *admin.users.list* as observed in answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rosterd.actions import guests, invitations
from rosterd.actions import workspaces as actions
from rosterd.directory import access
from rosterd.directory.errors import NotFound
from rosterd.directory.model import ChannelId, Role, TeamId, User, UserId
from rosterd.store import roster, users, workspaces
from rosterd.store.belonging import places
from rosterd.store.doors import idps
from rosterd.store.engine import Tx
from rosterd.store.roster import Kind, Place
from rosterd.web.methods import people
from rosterd.web.methods.call import ENTERPRISE, PAID, MethodCall, method
from rosterd.web.methods.channels import behind
from rosterd.web.methods.cursors import Page, metadata
from rosterd.web.methods.errors import MethodError, invalid_arguments

_READ, _WRITE = "admin.users:read", "admin.users:write"


def _guest(call: MethodCall) -> Role | None:
    """The kind of guest that is asked for; None: none."""
    if call.arguments.flag("is_ultra_restricted"):
        return Role.SINGLE_CHANNEL_GUEST
    return Role.MULTI_CHANNEL_GUEST if call.arguments.flag("is_restricted") else None


async def _workspace(tx: Tx, call: MethodCall, name: str = "team_id") -> TeamId | None:
    """The workspace that an argument names; None: it names none. Raises ``no_such_team``."""
    id = call.arguments.text(name)
    if not id:
        return None
    if await workspaces.find(tx, call.org.id, TeamId(id)) is None:
        raise NotFound("no_such_team", team=id)
    return TeamId(id)


class Known(NamedTuple):
    """What must be known of people beside their rows, and how they are looked at."""

    teams: Mapping[UserId, Sequence[str]]
    roles: Mapping[UserId, Role]  # in the workspace that is looked at
    deactivated: Mapping[UserId, int]  # seconds
    active: Mapping[UserId, int] | None  # seconds; None: in a workspace that is not told
    has_sso: bool


async def _around(
    tx: Tx, call: MethodCall, ids: Sequence[UserId], team: TeamId | None, *, former: bool, active: bool
) -> Known:
    """What must be known of these people: a few statements, however many they are."""
    org = call.org.id
    there = await places.of_people(tx, places.WORKSPACE, org, ids)
    there |= await roster.former_workspaces(tx, org, ids) if former else set()
    teams: dict[UserId, list[str]] = {id: [] for id in ids}
    for place, user in sorted(there):
        teams[user].append(place)
    return Known(
        teams,
        await workspaces.roles_in(tx, org, team) if team else {},
        {} if active else await roster.deactivations(tx, org, ids),
        None if team else await roster.last_active(tx, org, ids),
        await idps.find(tx, org) is not None,
    )


def drawn(user: User, known: Known) -> dict[str, Any]:
    """One person of ``admin.users.list``. What only an organisation's list shows is left out of others."""
    found = {
        "id": user.id,
        "email": user.email,
        **people.roles(user.role, known.roles.get(user.id)),
        "is_bot": user.role is Role.BOT,
        "expiration_ts": user.guest_expires or 0,
        "username": user.username,
        "full_name": user.full_name,
        "is_active": not user.deactivated,
        "date_created": user.created // 1_000_000,
        "roles": [],
        "workspaces": known.teams[user.id],
    }
    if user.deactivated and user.id in known.deactivated:
        found["deactivated_ts"] = known.deactivated[user.id]
    if known.active is not None:
        found |= {
            "has_2fa": False,
            "has_sso": known.has_sso,
            "last_active_ts": known.active.get(user.id, 0),
        }
    return found


def _kinds(call: MethodCall) -> list[Kind]:
    flags = (("only_guests", Kind.GUESTS), ("include_admins", Kind.ADMINS), ("include_owners", Kind.OWNERS))
    kinds = [kind for name, kind in flags if call.arguments.flag(name)]
    if Kind.GUESTS in kinds and len(kinds) > 1:
        raise invalid_arguments("only_guests cannot be used with include_admins or include_owners")
    return kinds


@method("admin.users.list", scope=_READ, tier=4, plans=ENTERPRISE, org_token=True)
async def admin_users_list(call: MethodCall) -> dict[str, Any]:
    """People of the organisation in order of creation, or of a workspace in order of id."""
    kinds, active = _kinds(call), call.arguments.flag("is_active", True)
    former = call.arguments.flag("include_deactivated_user_workspaces")
    asked = "user" if call.arguments.text("team_id") else "member"
    page = call.page(asked, default=100, most=100)
    async with call.store.scan() as tx:
        team = await _workspace(tx, call)
        if team is not None and former:
            raise MethodError("include_deactivated_user_workspaces_invalid")
        ids, end = await _page(tx, call, team, kinds, page, active=active)
        found = {user.id: user for user in await users.find_many(tx, call.org.id, ids)}
        known = await _around(tx, call, ids, team, former=former, active=active)
    return {"users": [drawn(found[id], known) for id in ids if id in found]} | metadata(asked, end)


async def _page(
    tx: Tx, call: MethodCall, team: TeamId | None, kinds: Sequence[Kind], page: Page, *, active: bool
) -> tuple[list[UserId], str | None]:
    """Who is on a page, and behind what the next one begins; None: there is none."""
    org, limit = call.org.id, page.limit or 100
    if team is not None:
        ids = await roster.of_workspace(
            tx, org, team, kinds, active=active, after=page.after or "", limit=limit + 1
        )
        return ids[:limit], ids[limit - 1] if len(ids) > limit else None
    created, id = behind(page)
    after = Place(created, UserId(id))
    listed = await roster.of_org(tx, org, kinds, active=active, after=after, limit=limit + 1)
    last = f"{listed[limit - 1].created}:{listed[limit - 1].id}" if len(listed) > limit else None
    return [each.id for each in listed[:limit]], last


@method(
    "admin.users.assign",
    scope=_WRITE,
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors={
        "cannot_make_user_guest": "invalid_role_for_user",
        "no_such_channel": "invitor_cannot_see_channel",
        "restricted_by_allowlist": "invitor_cannot_see_channel",
        "single_channel_guest_needs_one_channel": "requires_one_channel",
    },
)
async def admin_users_assign(call: MethodCall) -> dict[str, Any]:
    """Somebody is in a workspace, and in some of its channels; if need be active again, or a guest."""
    team_id, user_id = TeamId(call.arguments.required("team_id")), UserId(call.arguments.required("user_id"))
    guest, channel_ids = _guest(call), _channels(call)
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        await actions.assign(
            tx, caller.org, team_id, user_id, guest=guest, channel_ids=channel_ids, actor=caller.actor
        )
    return {}


def _channels(call: MethodCall) -> list[ChannelId]:
    return [ChannelId(id) for id in call.arguments.listed("channel_ids") or ()]


@method(
    "admin.users.remove",
    scope=_WRITE,
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    admins_only="invalid_permissions",
    errors={
        "cannot_modify_owner": "failed_to_remove_user_from_workspace",
        "not_in_workspace": "user_already_deleted",
        "required_by_group": "failed_to_remove_user_from_workspace",
    },
)
async def admin_users_remove(call: MethodCall) -> dict[str, Any]:
    """Somebody is not in a workspace any more."""
    team_id, user_id = TeamId(call.arguments.required("team_id")), UserId(call.arguments.required("user_id"))
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        await actions.remove(tx, caller.org, team_id, user_id, actor=caller.actor)
    return {}


@method(
    "admin.users.invite",
    scope=_WRITE,
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors={
        "bad_email_address": "invalid_email",
        "email_empty": "invalid_email",
        "email_taken": "already_in_team",
        "invalid_expiration": "failed_to_validate_expiration",
        "invalid_greeting": "failed_to_validate_custom_message",
        "no_channels": "failed_to_validate_channels",
        "no_such_channel": "failed_to_validate_channels",
        "restricted_by_allowlist": "failed_to_validate_channels",
        "single_channel_guest_needs_one_channel": "failed_to_validate_channels",
        "username_invalid": "invalid_email",
        "username_not_allowed": "invalid_email",
    },
)
async def admin_users_invite(call: MethodCall) -> dict[str, Any]:
    """Somebody with this address is in a workspace, if need be with a new account, and is told by mail."""
    given = call.arguments
    team_id, email = TeamId(given.required("team_id")), given.required("email")
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        await invitations.invite(
            tx,
            caller.org,
            team_id,
            email,
            _channels(call),
            name=given.text("real_name") or "",
            guest=_guest(call),
            expires=_timestamp(given.text("guest_expiration_ts")),
            greeting=given.text("custom_message") or "",
            again=given.flag("resend"),
            actor=caller.actor,
        )
    return {}


def _timestamp(text: str | None) -> int | None:
    """Seconds of a timestamp, which may have a fraction (the page's own example has one)."""
    if not text:
        return None
    if (found := re.fullmatch(r"([0-9]{1,15})(?:\.[0-9]{1,9})?", text)) is None:
        raise MethodError("failed_to_validate_expiration")
    return int(found[1])


async def _set_role(call: MethodCall, role: Role) -> dict[str, Any]:
    """Somebody's role in a workspace or, by the organisation's own id, in all of the organisation."""
    place, user_id = call.arguments.required("team_id"), UserId(call.arguments.required("user_id"))
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        if role is Role.OWNER and access.RANK[caller.actor.role] < access.RANK[Role.OWNER]:
            raise MethodError("not_an_owner")
        if place == caller.org.id:
            await actions.set_org_role(tx, caller.org, user_id, role, actor=caller.actor)
        else:
            await actions.set_role(tx, caller.org, TeamId(place), user_id, role, actor=caller.actor)
    return {}


@method(
    "admin.users.setRegular",
    scope=_WRITE,
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors={"cannot_modify_owner": "failed_to_set_user_to_regular", "not_in_workspace": "user_not_found"},
)
async def admin_users_set_regular(call: MethodCall) -> dict[str, Any]:
    """An owner, admin or guest is a full member, and no more than that."""
    return await _set_role(call, Role.MEMBER)


@method(
    "admin.users.setAdmin",
    scope=_WRITE,
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors={"cannot_modify_owner": "invalid_permissions", "not_in_workspace": "user_not_found"},
)
async def admin_users_set_admin(call: MethodCall) -> dict[str, Any]:
    """A member or owner is an admin."""
    return await _set_role(call, Role.ADMIN)


@method(
    "admin.users.setOwner",
    scope=_WRITE,
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    errors={"not_in_workspace": "user_must_be_in_workspace"},
)
async def admin_users_set_owner(call: MethodCall) -> dict[str, Any]:
    """A member or admin is an owner. For owners of the organisation alone."""
    return await _set_role(call, Role.OWNER)


@method(
    "admin.users.setExpiration",
    scope=_WRITE,
    tier=2,
    plans=ENTERPRISE,
    org_token=True,
    admins_only="failed_to_validate_caller",
    errors={"invalid_expiration": "failed_to_validate_expiration"},
)
async def admin_users_set_expiration(call: MethodCall) -> dict[str, Any]:
    """When a guest's account ends; 0: it does not. It is the same in all workspaces."""
    user_id, expires = UserId(call.arguments.required("user_id")), call.arguments.number("expiration_ts")
    if expires is None:
        raise invalid_arguments("missing required field: expiration_ts")
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        await _workspace(tx, call)
        await guests.set_expiration(tx, caller.org, user_id, expires or None, actor=caller.actor)
    return {}


@method(
    "admin.users.getExpiration",
    scope=_READ,
    tier=4,
    plans=PAID,
    plan_error="paid_teams_only",
    org_token=True,
    admins_only="no_perms",
    errors={"no_such_team": "target_team_not_on_org"},
)
async def admin_users_get_expiration(call: MethodCall) -> dict[str, Any]:
    """When a guest's account ends; 0: it does not."""
    user_id = call.arguments.text("user_id") or call.arguments.required(
        "user"
    )  # as the page's example has it
    async with call.store.read() as tx:
        await _workspace(tx, call, "target_team")
        user = await users.find(tx, call.org.id, UserId(user_id))
    if user is None:
        raise NotFound("no_such_user")
    if not user.role.is_guest:
        raise MethodError("user_is_not_guest")
    shown = {
        "id": user.id,
        "email": user.email,
        "is_restricted": user.role is Role.MULTI_CHANNEL_GUEST,
        "is_ultra_restricted": user.role is Role.SINGLE_CHANNEL_GUEST,
        "expiration_ts": user.guest_expires or 0,
    }
    return {"user": shown}
