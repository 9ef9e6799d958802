"""Where a group leads, changed: first a page that says who would join and leave, then a form that does it.

What is to be changed stands in the address of the page. Its form carries a stamp of what that depends on:
where the group leads, who joined it last, the channels and their allowlists. If that has changed since,
nothing is done, and there is a new preview. All sides (group, workspace, channel) come here, and say by
``back`` where to go on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rosterd.actions import connections as actions
from rosterd.actions import consequences
from rosterd.dashboard import pages
from rosterd.dashboard.admin.frame import Done, Look, check_stamp, form, page, stamp
from rosterd.dashboard.pages import Page, link
from rosterd.dashboard.words import UNEXPLAINED, WORDS
from rosterd.directory import channels as channel_rules
from rosterd.directory import workspaces as workspace_rules
from rosterd.directory.errors import DirectoryError, Invalid, NotFound
from rosterd.directory.model import (
    Actor,
    Channel,
    ChannelId,
    Group,
    GroupId,
    GroupWorkspace,
    Org,
    TeamId,
    Workspace,
)
from rosterd.directory.previews import WORDS as FATES
from rosterd.directory.previews import Fate, Preview
from rosterd.store import channels, groups, workspaces
from rosterd.store.belonging import connections, listings, previews
from rosterd.store.belonging.connections import Connections
from rosterd.store.channels import Home
from rosterd.store.engine import Tx

MOST = 50
"""Places that are connected at once."""

_TICK = "to."
"""A place's box in the form that chooses them: ``to.t0123=1`` (names of parameters are in lower case)."""


class Step(NamedTuple):
    """What is to be changed."""

    do: str  # a name of `DOINGS`
    group: Group
    to: tuple[GroupWorkspace, ...] = ()
    channels: tuple[ChannelId, ...] = ()


class Seen(NamedTuple):
    """What it depends on, and what its page is drawn of."""

    led: Connections
    newest: int
    teams: Mapping[str, Workspace]
    channels: Mapping[str, Channel]
    homes: Mapping[ChannelId, Sequence[Home]]
    lists: Mapping[ChannelId, Sequence[GroupId]]


class Doing(NamedTuple):
    """A kind of change: what it is called, looked ahead of and done by, and what would be refused."""

    title: str
    button: str
    done: str
    foresee: Callable[[Tx, Org, Step], Awaitable[Preview]]
    act: Callable[[Tx, Org, Step, Actor], Awaitable[None]]
    check: Callable[[Org, Step, Seen], None]
    is_danger: bool = False


@page("admin", "groups", "*", "preview")
async def preview(look: Look, group_id: str) -> Page:
    """Who would join and who would leave; or what is wrong with the change."""
    if (tidy := tidied(look.params)) is not None:
        return pages.redirect(link(f"/admin/groups/{group_id}/preview", tidy))
    async with look.desk.store.scan() as tx:
        group = await groups.find(tx, look.org.id, GroupId(group_id))
        if group is None:
            return missing(look, "group")
        try:
            step = await _step(tx, look, group)
            seen = await _seen(tx, look.org, step)
            doing = _doing(step, seen)
            doing.check(look.org, step, seen)
        except DirectoryError as error:
            look.alert = look.alert or WORDS.get(error.code, UNEXPLAINED)
            return look.render("preview_refused.html", group=group, back=_back(look, group))
        foreseen = await doing.foresee(tx, look.org, step)
        remaining = await consequences.remaining(tx, look.org.id, group.id)
    return look.render(
        "preview.html",
        group=group,
        step=step,
        doing=doing,
        title=doing.title.format(group=group.display_name, places=_places(step, seen)),
        ways=_ways(look, step),
        channels=seen.channels,
        preview=foreseen,
        words=FATES,
        Fate=Fate,
        is_same=_is_same(step, seen),
        remaining=remaining,
        state=look.params,
        seen=_stamp(step, seen),
        back=_back(look, group),
        most=workspace_rules.CONSEQUENCES_AT_ONCE,
    )


@form("admin", "groups", "*", "preview", shown=preview)
async def change(tx: Tx, look: Look, group_id: str) -> Done:
    """It is done as it was previewed, or not at all."""
    group = await groups.find(tx, look.org.id, GroupId(group_id), lock="update")
    if group is None:
        raise NotFound("no_such_group")
    step = await _step(tx, look, group)
    seen = await _seen(tx, look.org, step)
    check_stamp(look, *_depends(step, seen))
    doing = DOINGS[step.do]
    await doing.act(tx, look.org, step, look.actor)
    said = doing.done.format(group=group.display_name, places=_places(step, seen))
    return Done(_back(look, group), said)


def missing(look: Look, kind: str) -> Page:
    """There is no such thing here; of another organisation it is as unknown as of none."""
    return look.render("missing.html", 404, kind=kind)


def tidied(params: Mapping[str, str]) -> Mapping[str, str] | None:
    """The parameters with ticked places in one, and what was said of all said of each; None: they are so.

    >>> tidied({"do": "connect", "to.t1": "1", "to.t2": "1", "required": "no"})
    {'do': 'connect', 'places': 'T1,T2', 'optional': 'T1,T2'}
    >>> tidied({"do": "connect", "places": "T1"}) is None
    True
    """
    ticked = [name.removeprefix(_TICK).upper() for name in params if name.startswith(_TICK)]
    dropped = {"required", "at_once"}
    kept = {
        name: value
        for name, value in params.items()
        if value and not name.startswith(_TICK) and name not in dropped
    }
    if kept == dict(params):
        return None
    if ticked:
        kept["places"] = ",".join(ticked)
    for name, short in (("required", "optional"), ("at_once", "later")):
        if params.get(name) == "no":
            kept[short] = kept.get("places", "")
    return kept


async def _step(tx: Tx, look: Look, group: Group) -> Step:
    """What the address says. Raises ``invalid_query``, ``no_such_team`` and ``no_such_channel``."""
    params = look.params
    do, places = params.get("do", ""), _ids(params, "places")
    if do not in DOINGS or len(places) > MOST:
        raise Invalid("invalid_query")
    if not places:
        raise Invalid("nothing_chosen")
    if do in ("connect", "disconnect"):
        optional, later = _ids(params, "optional"), _ids(params, "later")
        teams = [TeamId(id) for id in places]
        return Step(do, group, tuple(GroupWorkspace(id, id not in optional, id not in later) for id in teams))
    return Step(do, group, channels=tuple(ChannelId(id) for id in places))


def _ids(params: Mapping[str, str], name: str) -> list[str]:
    text = params.get(name, "")
    if not all(id.isascii() and id.isalnum() for id in text.split(",")) and text:
        raise Invalid("invalid_query")
    return [*dict.fromkeys(text.split(","))] if text else []


async def _seen(tx: Tx, org: Org, step: Step) -> Seen:
    teams = [each.team_id for each in step.to]
    found = {each.id: each for each in await workspaces.find_many(tx, org.id, teams)}
    made = {each.id: each for each in await channels.find_many(tx, org.id, step.channels)}
    for team in teams:
        if team not in found:
            raise NotFound("no_such_team")
    for channel in step.channels:
        if channel not in made:
            raise NotFound("no_such_channel")
    return Seen(
        await connections.of_group(tx, org.id, step.group.id),
        await listings.newest_member(tx, org.id, step.group.id),
        {str(id): each for id, each in found.items()},
        {str(id): each for id, each in made.items()},
        await channels.homes(tx, org.id, step.channels),
        {id: await connections.allowlist(tx, org.id, id) for id in step.channels},
    )


def _depends(step: Step, seen: Seen) -> tuple[Any, ...]:
    flags = [(each.id, each.is_archived, each.is_private) for each in seen.channels.values()]
    return step, seen.led, seen.newest, flags, seen.homes, seen.lists


def _stamp(step: Step, seen: Seen) -> str:
    return stamp(*_depends(step, seen))


class Way(NamedTuple):
    """How a group is to lead to a workspace, and the address of the same preview in the other way."""

    to: GroupWorkspace
    other_required: str
    other_at_once: str


def _ways(look: Look, step: Step) -> dict[str, Way]:
    if step.do != "connect":
        return {}
    path = f"/admin/groups/{step.group.id}/preview"
    optional = {each.team_id for each in step.to if not each.is_required}
    later = {each.team_id for each in step.to if not each.auto_provision}
    return {
        id: Way(
            each,
            link(path, look.params, optional=",".join(sorted(optional ^ {id}))),
            link(path, look.params, later=",".join(sorted(later ^ {id}))),
        )
        for each in step.to
        for id in [each.team_id]
    }


def _places(step: Step, seen: Seen) -> str:
    """What the change is about, in words."""
    names = [seen.teams[each.team_id].name for each in step.to]
    names += [f"#{seen.channels[id].name}" for id in step.channels]
    return names[0] if len(names) == 1 else f"{len(names)} {'workspaces' if step.to else 'channels'}"


def _doing(step: Step, seen: Seen) -> Doing:
    """What is asked. To where the group leads already, it is not connected, but in another way."""
    doing = DOINGS[step.do]
    led = {each.team_id for each in seen.led.workspaces}
    if step.do == "connect" and {each.team_id for each in step.to} <= led:
        return doing._replace(title="Change how “{group}” leads to {places}?", button="Change")
    return doing


def _is_same(step: Step, seen: Seen) -> bool:
    """Whether the group leads there in this way already."""
    match step.do:
        case "connect":
            return set(step.to) <= set(seen.led.workspaces)
        case "lead":
            return set(step.channels) <= set(seen.led.channels)
    return False


def _back(look: Look, group: Group) -> str:
    """The page that one came from, and goes back to."""
    id = look.params.get("back", "")
    sort_of = {"T": "workspaces", "C": "channels"}.get(id[:1])
    if sort_of is None or not (id.isascii() and id.isalnum()):
        return f"/admin/groups/{group.id}"
    return f"/admin/{sort_of}/{id}"


def _check_enterprise(org: Org, step: Step, seen: Seen) -> None:
    workspace_rules.check_many(org.plan)


def _check_disconnect(org: Org, step: Step, seen: Seen) -> None:
    workspace_rules.check_many(org.plan)
    _one(step)
    led = {each.team_id for each in seen.led.workspaces}
    if not {each.team_id for each in step.to} <= led:
        raise NotFound("not_connected")


def _check_lead(org: Org, step: Step, seen: Seen) -> None:
    new = [id for id in step.channels if id not in seen.led.channels]
    channel_rules.check_count(seen.led.channels, new)
    required = channel_rules.reachable_from(org, seen.led.workspaces)
    for id in new:
        homes = [home.team_id for home in seen.homes[id]]
        channel_rules.check_connectable(seen.channels[id], homes, required)


def _check_unlead(org: Org, step: Step, seen: Seen) -> None:
    if not set(step.channels) <= set(seen.led.channels):
        raise NotFound("not_connected")


def _check_allow(org: Org, step: Step, seen: Seen) -> None:
    workspace_rules.check_many(org.plan)
    id = _one(step)
    channel_rules.check_allowlist(
        seen.channels[id],
        seen.lists[id],
        step.group.id,
        is_default=any(home.is_default for home in seen.homes[id]),
        size=seen.newest,
    )


def _check_disallow(org: Org, step: Step, seen: Seen) -> None:
    workspace_rules.check_many(org.plan)
    if step.group.id not in seen.lists[_one(step)]:
        raise NotFound("not_connected")


def _one(step: Step) -> Any:
    """The place of a change that is about one."""
    if len(step.to) + len(step.channels) != 1:
        raise Invalid("invalid_query")
    return (*step.channels, *(each.team_id for each in step.to))[0]


DOINGS: Mapping[str, Doing] = {
    "connect": Doing(
        "Connect “{group}” to {places}?",
        "Connect",
        "“{group}” leads to {places} in this way now.",
        lambda tx, org, step: previews.connect_workspaces(tx, org.id, step.group.id, step.to),
        lambda tx, org, step, actor: actions.connect_workspaces(tx, org, step.group.id, step.to, actor=actor),
        _check_enterprise,
    ),
    "disconnect": Doing(
        "Disconnect “{group}” from {places}?",
        "Disconnect",
        "“{group}” does not lead to {places} any more.",
        lambda tx, org, step: previews.disconnect_workspace(tx, org.id, step.group.id, _one(step)),
        lambda tx, org, step, actor: actions.disconnect_workspace(
            tx, org, step.group.id, _one(step), actor=actor
        ),
        _check_disconnect,
        is_danger=True,
    ),
    "lead": Doing(
        "Let “{group}” lead to {places}?",
        "Connect",
        "“{group}” leads to {places} now.",
        lambda tx, org, step: previews.connect_channels(tx, org.id, step.group.id, step.channels),
        lambda tx, org, step, actor: actions.connect_channels(
            tx, org, step.group.id, step.channels, actor=actor
        ),
        _check_lead,
    ),
    "unlead": Doing(
        "Disconnect “{group}” from {places}?",
        "Disconnect",
        "“{group}” does not lead to {places} any more.",
        lambda tx, org, step: previews.disconnect_channels(tx, org.id, step.group.id, step.channels),
        lambda tx, org, step, actor: actions.disconnect_channels(
            tx, org, step.group.id, step.channels, actor=actor
        ),
        _check_unlead,
        is_danger=True,
    ),
    "allow": Doing(
        "Put “{group}” on the allowlist of {places}?",
        "Put on the allowlist",
        "“{group}” is on the allowlist of {places}.",
        lambda tx, org, step: previews.allow(tx, org.id, _one(step), step.group.id),
        lambda tx, org, step, actor: actions.allow(tx, org, _one(step), step.group.id, actor=actor),
        _check_allow,
        is_danger=True,
    ),
    "disallow": Doing(
        "Take “{group}” off the allowlist of {places}?",
        "Take off the allowlist",
        "“{group}” is not on the allowlist of {places} any more.",
        lambda tx, org, step: previews.disallow(tx, org.id, _one(step), step.group.id),
        lambda tx, org, step, actor: actions.disallow(tx, org, _one(step), step.group.id, actor=actor),
        _check_disallow,
        is_danger=True,
    ),
}
"""By the word in the address."""
