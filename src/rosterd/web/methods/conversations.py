"""``conversations.*``: channels, and who is in them. Private ones are for those who are in them alone.

Of direct messages there are none here: what would show one is told ``channel_not_found``.

Source: Slack's page of each method; *Conversation object*.
"""

from __future__ import annotations

from typing import Any

from rosterd.actions import channels as actions
from rosterd.directory.errors import NotAllowed, NotFound
from rosterd.directory.model import Channel, ChannelId, UserId
from rosterd.store import channels as rows
from rosterd.store.belonging import places
from rosterd.store.belonging.places import CHANNEL
from rosterd.store.engine import Tx
from rosterd.web.auth import Caller
from rosterd.web.methods import channels, errors
from rosterd.web.methods.call import MethodCall, method
from rosterd.web.methods.cursors import metadata
from rosterd.web.methods.errors import MethodError, invalid_arguments

MOST_INVITED = 100

_WRITE = {False: "channels:write", True: "groups:write"}
"""What changing takes, of public channels and of private ones."""
_READ = {False: channels.SCOPES["public_channel"], True: channels.SCOPES["private_channel"]}
WRITING = tuple(_WRITE.values())


async def _shown(tx: Tx, call: MethodCall, caller: Caller, scopes: dict[bool, str]) -> Channel:
    """The channel that ``channel`` names.

    Raises ``channel_not_found`` if it is not shown to the caller, ``missing_scope`` if the token has not the
    scope of its kind.
    """
    id = ChannelId(call.arguments.required("channel"))
    channel = await rows.find(tx, call.org.id, id)
    if channel is not None and call.team_id is not None:
        homes = await rows.homes(tx, call.org.id, [id])
        channel = channel if call.team_id in {home.team_id for home in homes[id]} else None
    if channel is None or not await actions.may_read(tx, caller.org, channel, actor=caller.actor):
        raise NotFound("no_such_channel")
    _check_scope(call, scopes[channel.is_private])
    return channel


def _check_scope(call: MethodCall, scope: str) -> None:
    if not call.has_scope(scope):
        raise MethodError("missing_scope", needed=scope, provided=",".join(call.token.scopes))


async def _drawn(tx: Tx, call: MethodCall, channel: Channel) -> dict[str, Any]:
    """One channel as the caller sees it."""
    homes = (await rows.homes(tx, call.org.id, [channel.id]))[channel.id]
    there = await places.among(tx, CHANNEL, call.org.id, channel.id, [call.token.user_id])
    return channels.drawn(channel, homes, call.org, call.team_id) | {"is_member": bool(there)}


@method("conversations.create", scope=WRITING, tier=2, errors={"permission_denied": "restricted_action"})
async def conversations_create(call: MethodCall) -> dict[str, Any]:
    """A new channel of a workspace; whoever makes it is in it."""
    given = call.arguments
    name, is_private = given.text("name") or "", given.flag("is_private")
    _check_scope(call, _WRITE[is_private])
    if name != name.lower():  # the page: no upper case; at the command line it is folded
        raise MethodError("invalid_name_specials")
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        team = await call.team(tx)
        channel = await actions.create(
            tx, caller.org, name, [team], is_private=is_private, actor=caller.actor
        )
        return {"channel": await _drawn(tx, call, channel)}


@method("conversations.list", scope=channels.READING, tier=2)
async def conversations_list(call: MethodCall) -> dict[str, Any]:
    """The channels of a workspace: guests are shown those that they are in."""
    page = call.page("channel", default=100)
    wanted = channels.wanted(call, page)
    async with call.store.scan() as tx:
        org, me = call.org.id, call.token.user_id
        team = await call.team(tx)
        public = not call.actor.role.is_guest
        found = await rows.shown_to(tx, org, me, team, wanted, public=public)
        shown = found[: wanted.limit - 1]
        ids = [channel.id for channel in shown]
        homes = await rows.homes(tx, org, ids)
        sizes = await places.count(tx, CHANNEL, org, ids)
        mine = {place for place, _ in await places.of_people(tx, CHANNEL, org, [me])}
    drawn = [
        channels.drawn(channel, homes[channel.id], call.org, team)
        | {"is_member": channel.id in mine, "num_members": sizes[channel.id]}
        for channel in shown
    ]
    behind = channels.position(shown[-1]) if len(found) > len(shown) else None
    return {"channels": drawn} | metadata("channel", behind)


@method("conversations.info", scope=channels.READING, tier=3)
async def conversations_info(call: MethodCall) -> dict[str, Any]:
    """One channel."""
    with_locale, with_size = (call.arguments.flag(name) for name in ("include_locale", "include_num_members"))
    async with call.store.scan() as tx:
        channel = await _shown(tx, call, Caller(call.actor, call.org), _READ)
        drawn = await _drawn(tx, call, channel)
        if with_locale:
            drawn["locale"] = "en-US"
        if with_size:
            drawn["num_members"] = (await places.count(tx, CHANNEL, call.org.id, [channel.id]))[channel.id]
    return {"channel": drawn}


@method("conversations.members", scope=channels.READING, tier=4)
async def conversations_members(call: MethodCall) -> dict[str, Any]:
    """Who is in a channel, in order of id."""
    page = call.page("user", default=100)
    limit = page.limit or 100
    async with call.store.scan() as tx:
        channel = await _shown(tx, call, Caller(call.actor, call.org), _READ)
        found = await places.page(
            tx, CHANNEL, call.org.id, channel.id, after=page.after or "", limit=limit + 1
        )
    shown = found[:limit]
    return {"members": shown} | metadata("user", shown[-1] if len(found) > limit else None)


@method(
    "conversations.invite",
    scope=WRITING,
    tier=3,
    errors={
        "not_in_workspace": "org_user_not_in_team",
        "permission_denied": "restricted_action",
        "restricted_by_allowlist": "cant_invite",
    },
)
async def conversations_invite(call: MethodCall) -> dict[str, Any]:
    """People are in a channel that the caller is in: all of them or, without ``force``, nobody."""
    people = call.arguments.listed("users") or []
    if not people:
        raise MethodError("no_user")
    if len(people) > MOST_INVITED:
        raise invalid_arguments(f"must be no more than {MOST_INVITED} items [json-pointer:/users]")
    force = call.arguments.flag("force")
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        channel = await _shown(tx, call, caller, _WRITE)
        me = caller.actor.user_id
        if me not in await places.among(tx, CHANNEL, call.org.id, channel.id, [me]):
            raise NotAllowed("not_in_channel")
        channel, refused = await actions.invite_each(
            tx, caller.org, channel.id, [UserId(id) for id in people], actor=caller.actor
        )
        problems = [
            {"user": id, "ok": False, "error": errors.word(error, call.method.errors)}
            for id, error in refused.items()
        ]
        if problems and (not force or len(problems) == len(people)):
            raise MethodError(str(problems[0]["error"]), errors=problems)
        drawn = {"channel": await _drawn(tx, call, channel)}
    return drawn | ({"errors": problems} if problems else {})


@method("conversations.kick", scope=WRITING, tier=3, errors={"permission_denied": "restricted_action"})
async def conversations_kick(call: MethodCall) -> dict[str, Any]:
    """Somebody is not in a channel any more."""
    user = UserId(call.arguments.required("user"))
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        channel = await _shown(tx, call, caller, _WRITE)
        await actions.kick(tx, caller.org, channel.id, user, actor=caller.actor)
    return {"errors": {}}


@method(
    "conversations.join",
    scope="channels:write",
    tier=3,
    errors={"not_in_workspace": "channel_not_found", "permission_denied": "restricted_action"},
)
async def conversations_join(call: MethodCall) -> dict[str, Any]:
    """The caller joins a public channel; it is no error to be there already."""
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        channel = await _shown(tx, call, caller, {False: "channels:write", True: "channels:write"})
        joined = await actions.join(tx, caller.org, channel.id, actor=caller.actor)
        drawn: dict[str, Any] = {"channel": await _drawn(tx, call, channel)}
    return drawn if joined else drawn | _warning("already_in_channel")


def _warning(code: str) -> dict[str, Any]:
    """*Web API*, heading *Evaluating responses*."""
    return {"warning": code, "response_metadata": {"warnings": [code]}}


@method("conversations.leave", scope=WRITING, tier=3)
async def conversations_leave(call: MethodCall) -> dict[str, Any]:
    """The caller leaves a channel. Where they were not they are told so, which the page has as no error."""
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        channel = await _shown(tx, call, caller, _WRITE)
        left = await actions.leave(tx, caller.org, channel.id, actor=caller.actor)
    return {} if left else {"ok": False, "not_in_channel": True}
