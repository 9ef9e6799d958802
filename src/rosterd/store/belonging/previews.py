"""What would become of people if a group led elsewhere, worked out before anything changes.

What :mod:`rosterd.store.belonging.consequences` does by statements that write is said here by statements
that read: for each of some people at each place, their fate. Each function is named like the action of
:mod:`rosterd.actions.connections` that it looks ahead of (the last two: ``assign`` and ``remove`` of
:mod:`rosterd.actions.workspaces`), and refuses nothing. A test holds the two together.

Rules of this module:

1. People are walked in order of id, slice by slice; what comes out of the database are numbers and a few
   ids. So a walk can end when its time is over. Always under ``scan``.
2. What is asked about is counted before what follows from it.
3. It is taken as given that nobody is now where they must not be
   (:func:`rosterd.store.belonging.consequences.tidy`), which may be otherwise while tasks wait in the
   outbox.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from rosterd.directory.model import ChannelId, GroupId, GroupWorkspace, OrgId, TeamId, UserId
from rosterd.directory.previews import Crowd, Effect, Fate, Named, Preview
from rosterd.store import channels, workspaces
from rosterd.store.belonging import connections
from rosterd.store.belonging import preview_rows as rows
from rosterd.store.belonging.preview_rows import Walk
from rosterd.store.contract import Row, Tx

SECONDS = 0.5
"""How long is looked for what follows in channels, from the beginning on."""
MOST_SECONDS = 2.0
"""How long people are counted at the places that are asked about."""
NAMES = 5
"""People who are named for each fate at a place."""

_FIRST, _GROWTH, _SLICE = 200, 2, 10_000
"""People of the first statement, how many times as many each next one has, and the most."""
_FEW = "SELECT f.place_id, f.fate, 1, f.user_id FROM ({}) f ORDER BY f.user_id"
_MANY = "SELECT f.place_id, f.fate, COUNT(*), MIN(f.user_id) FROM ({}) f GROUP BY f.place_id, f.fate"


class Look:
    """What has been counted so far, and until when there is time."""

    def __init__(self, tx: Tx, org: OrgId, *, seconds: float = SECONDS, names: int = NAMES) -> None:
        self.tx, self.org = tx, org
        self._begun, self._seconds, self._names = time.monotonic(), seconds, names
        self.numbers: dict[str, dict[str, int]] = {}
        self.some: dict[str, dict[str, list[UserId]]] = {}

    async def count(self, walks: Iterable[Walk]) -> bool:
        """Count at the places that are asked about. False: the time was over before everybody was."""
        return await self._all(walks, max(MOST_SECONDS, self._seconds))

    async def follow(self, walks: Iterable[Walk]) -> bool:
        """Count what follows from that. False: the time was over before everybody was."""
        return await self._all(walks, self._seconds)

    async def _all(self, walks: Iterable[Walk], seconds: float) -> bool:
        for walk in walks:
            if not await self._one(walk, self._begun + seconds):
                return False
        return True

    async def _one(self, walk: Walk, until: float) -> bool:
        after, size, text = "", _FIRST, _FEW
        following = f"SELECT MAX(n.user_id), COUNT(*) FROM ({walk.people}) n"
        while True:
            row = await self.tx.one(following, self.org, after, size, *walk.args[: walk.shared])
            last, found = row or (None, 0)
            if last is not None:
                fates = await self.tx.all(text.format(walk.fates), self.org, after, last, *walk.args)
                self._note(fates)
            if found < size:
                return True
            if time.monotonic() > until:
                return False
            after, size, text = last, min(_GROWTH * size, _SLICE), _MANY

    def _note(self, fates: Iterable[Row]) -> None:
        for place, fate, number, user in fates:
            numbers = self.numbers.setdefault(place, {})
            numbers[fate] = numbers.get(fate, 0) + number
            some = self.some.setdefault(place, {}).setdefault(fate, [])
            if len(some) < self._names:
                some.append(UserId(user))

    def copy_joiners(self, team: TeamId, channels: Iterable[ChannelId]) -> None:
        """Whoever joins the workspace, but no guest, joins these channels."""
        number = self.numbers.get(team, {}).get(Fate.JOIN, 0)
        for channel in channels if number else ():
            self.numbers.setdefault(channel, {})[Fate.JOIN] = number
            self.some.setdefault(channel, {})[Fate.JOIN] = list(self.some[team][Fate.JOIN])

    async def preview(
        self,
        asked: Sequence[str],
        *,
        lost: Sequence[ChannelId] = (),
        is_counted: bool = True,
        is_followed: bool = True,
    ) -> Preview:
        """All that was counted."""
        places = await self._names_of([*asked, *self.numbers, *lost])
        ids = {id for fates in self.some.values() for some in fates.values() for id in some}
        people: dict[str, str] = dict(await self.tx.all(_PEOPLE, self.org, sorted(ids)))
        effects = {id: Effect(id, name, self._crowds(id, people)) for id, name in places.items()}
        following = sorted(
            (effects[id] for id in effects if id not in asked), key=lambda each: (each.name, each.place_id)
        )
        return Preview(
            tuple(effects[id] for id in dict.fromkeys(asked) if id in effects),
            tuple(following),
            tuple(lost),
            is_counted,
            is_counted and is_followed,
        )

    def _crowds(self, place: str, people: Mapping[str, str]) -> tuple[Crowd, ...]:
        numbers, some = dict(self.numbers.get(place, {})), dict(self.some.get(place, {}))
        if guests := numbers.pop(rows.GUEST_JOINS, 0):
            numbers[Fate.JOIN] = numbers.get(Fate.JOIN, 0) + guests
            joining = [*some.get(Fate.JOIN, ()), *some.pop(rows.GUEST_JOINS)]
            some[Fate.JOIN] = sorted(joining)[: self._names]
        return tuple(
            Crowd(fate, numbers[fate], tuple(Named(id, people[id]) for id in some[fate]))
            for fate in Fate
            if fate in numbers
        )

    async def _names_of(self, places: Iterable[str]) -> dict[str, str]:
        ids = sorted(set(places))
        teams = [TeamId(id) for id in ids if id.startswith("T")]
        others = [ChannelId(id) for id in ids if id.startswith("C")]
        return {each.id: each.name for each in await workspaces.find_many(self.tx, self.org, teams)} | {
            each.id: each.name for each in await channels.find_many(self.tx, self.org, others)
        }


async def connect_workspaces(
    tx: Tx, org: OrgId, group: GroupId, to: Sequence[GroupWorkspace], *, seconds: float = SECONDS
) -> Preview:
    """What it would mean that a group leads to these workspaces, in this way."""
    look = Look(tx, org, seconds=seconds)
    led = await connections.of_group(tx, org, group)
    existing = {each.team_id: each for each in led.workspaces}
    desired = {each.team_id: each for each in to}
    lost = await _lost(tx, org, led.channels, (existing | desired).values())
    new = [each for team, each in desired.items() if existing.get(team) != each]
    teams = [each.team_id for each in new]
    joined = [each.team_id for each in new if each.auto_provision]
    is_counted = await look.count(
        [Walk(rows.MEMBERS, rows.INTO_TEAMS, (group, teams, joined))] if teams else []
    )
    walks = [Walk(rows.HELD_IN_CHANNEL, rows.OUT_OF_LOST, (group, id, joined), 2) for id in lost]
    walks += await _arrivals(look, rows.MEMBERS, rows.OF_GROUP, group, joined, lost)
    is_followed = await look.follow(walks)
    return await look.preview(
        [each.team_id for each in to], lost=lost, is_counted=is_counted, is_followed=is_followed
    )


async def disconnect_workspace(
    tx: Tx, org: OrgId, group: GroupId, team: TeamId, *, seconds: float = SECONDS
) -> Preview:
    """What it would mean that a group leads to the workspace no more."""
    look = Look(tx, org, seconds=seconds)
    led = await connections.of_group(tx, org, group)
    left = [each for each in led.workspaces if each.team_id != team]
    required = any(each.team_id == team and each.is_required for each in led.workspaces)
    lost = await _lost(tx, org, led.channels, left)
    is_counted = await look.count(
        [Walk(rows.HELD_IN_TEAM, rows.OUT_OF_TEAM, (group, team, int(required)), 2)]
    )
    walks = [
        Walk(rows.HELD_IN_CHANNEL, rows.OUT_OF_ENDED, (group, id, team, int(required)), 2) for id in lost
    ]
    if required:
        walks.append(
            await _departures(tx, org, rows.HELD_IN_TEAM, rows.LEAVING_BY_GROUP, group, team, lost, shared=2)
        )
    is_followed = await look.follow(walks)
    return await look.preview([team], lost=lost, is_counted=is_counted, is_followed=is_followed)


async def connect_channels(
    tx: Tx, org: OrgId, group: GroupId, to: Sequence[ChannelId], *, seconds: float = SECONDS
) -> Preview:
    """What it would mean that a group leads to these channels, too."""
    look = Look(tx, org, seconds=seconds)
    led = await connections.of_group(tx, org, group)
    walks = []
    for id in to:
        if id not in led.channels:
            listed = await connections.allowlist(tx, org, id)
            walks.append(_into_channel(group, id, listed=listed))
    return await look.preview(to, is_counted=await look.count(walks))


async def disconnect_channels(
    tx: Tx, org: OrgId, group: GroupId, ended: Sequence[ChannelId], *, seconds: float = SECONDS
) -> Preview:
    """What it would mean that a group leads to these channels no more."""
    look = Look(tx, org, seconds=seconds)
    walks = [Walk(rows.HELD_IN_CHANNEL, rows.OUT_OF_CHANNEL, (group, id), 2) for id in ended]
    return await look.preview(ended, is_counted=await look.count(walks))


async def allow(
    tx: Tx, org: OrgId, channel: ChannelId, group: GroupId, *, seconds: float = SECONDS
) -> Preview:
    """What it would mean that a group is on the channel's allowlist, too."""
    look = Look(tx, org, seconds=seconds)
    listed = await connections.allowlist(tx, org, channel)
    if listed:
        leading = await connections.groups_to_channel(tx, org, channel)
        walk = _into_channel(group, channel, led=leading, listed=[*listed, group])
    else:
        walk = Walk(rows.IN_CHANNEL, rows.OUT_OF_RESTRICTED, (channel, [group]))
    return await look.preview([channel], is_counted=await look.count([walk]))


async def disallow(
    tx: Tx, org: OrgId, channel: ChannelId, group: GroupId, *, seconds: float = SECONDS
) -> Preview:
    """What it would mean that a group is on the channel's allowlist no more."""
    look = Look(tx, org, seconds=seconds)
    left = [id for id in await connections.allowlist(tx, org, channel) if id != group]
    if left:
        walks = [Walk(rows.IN_CHANNEL, rows.OUT_OF_RESTRICTED, (channel, left))]
    else:
        leading = await connections.groups_to_channel(tx, org, channel)
        walks = [_into_channel(id, channel, others=leading[:n]) for n, id in enumerate(leading)]
    return await look.preview([channel], is_counted=await look.count(walks))


async def assign(tx: Tx, org: OrgId, team: TeamId, user: UserId, *, seconds: float = SECONDS) -> Preview:
    """What it would mean that an administrator puts somebody, who is active, into a workspace."""
    look = Look(tx, org, seconds=seconds)
    walk = Walk(rows.PERSON, rows.INTO_TEAM_ALONE, (user, team))
    await look.count([walk])
    is_followed = await look.follow(await _arrivals(look, rows.PERSON, rows.OF_PERSON, user, [team], []))
    return await look.preview([team], is_followed=is_followed)


async def take_out(tx: Tx, org: OrgId, team: TeamId, user: UserId, *, seconds: float = SECONDS) -> Preview:
    """What it would mean that an administrator takes somebody out of a workspace."""
    look = Look(tx, org, seconds=seconds)
    await look.count([Walk(rows.PERSON, rows.OUT_OF_TEAM_ALONE, (user, team))])
    walk = await _departures(tx, org, rows.PERSON, rows.LEAVING_ALONE, user, team, [], shared=1)
    return await look.preview([team], is_followed=await look.follow([walk]))


def _into_channel(
    group: GroupId,
    channel: ChannelId,
    *,
    led: Sequence[GroupId] | None = None,
    listed: Sequence[GroupId] = (),
    others: Sequence[GroupId] = (),
) -> Walk:
    """Members of a group into a channel. ``led``: the groups that lead there, if not this one does anyway."""
    leading = [] if led is None else [*led, ""]  # there may be none
    return Walk(rows.MEMBERS, rows.INTO_CHANNEL, (group, channel, leading, list(listed), list(others)))


async def _lost(
    tx: Tx, org: OrgId, led: Sequence[ChannelId], ways: Iterable[GroupWorkspace]
) -> list[ChannelId]:
    """The channels among ``led`` that no workspace has which a group requires that has these ways."""
    required = {each.team_id for each in ways if each.is_required}
    homes = await channels.homes(tx, org, led) if led else {}
    return [id for id, at in homes.items() if required.isdisjoint(home.team_id for home in at)]


async def _arrivals(
    look: Look, people: str, who: str, about: str, teams: Sequence[TeamId], lost: Sequence[ChannelId]
) -> list[Walk]:
    """What follows in channels for those of ``people`` who join these workspaces."""
    defaults = [ChannelId(id) for (id,) in await look.tx.all(_DEFAULTS, look.org, list(teams))]
    homes = await channels.homes(look.tx, look.org, defaults)
    listed = {id for (id,) in await look.tx.all(_LISTED, look.org, defaults)}
    # Nobody is in a channel of one workspace who is not in the workspace.
    alone = {id: at[0].team_id for id, at in homes.items() if len(at) == 1 and id not in listed}
    for id, team in alone.items():
        look.copy_joiners(team, [id])
    walks = []
    if shared := [id for id in defaults if id not in alone]:
        walks.append(Walk(people, rows.into_defaults(who), (about, list(teams), shared)))
    if leading := [id for (id,) in await look.tx.all(_LEADING, look.org, list(teams))]:
        walks.append(Walk(people, rows.into_led(who), (about, list(teams), leading, list(lost))))
    return walks


async def _departures(
    tx: Tx,
    org: OrgId,
    people: str,
    leaving: str,
    about: str,
    team: TeamId,
    lost: Sequence[ChannelId],
    *,
    shared: int,
) -> Walk:
    """What follows in channels for those of ``people`` who leave this workspace."""
    found = await tx.all(_OF_TEAM, org, team)
    everywhere, alone = [id for id, _ in found], [id for id, others in found if not others]
    return Walk(people, rows.out_with_team(leaving), (about, team, everywhere, alone, list(lost)), shared)


_PEOPLE = "SELECT id, full_name FROM users WHERE org_id = $1 AND id IN each($2)"
_DEFAULTS = (
    "SELECT DISTINCT h.channel_id FROM channel_workspaces h"
    " WHERE h.org_id = $1 AND h.team_id IN each($2) AND h.is_default = 1 ORDER BY h.channel_id"
)
_LISTED = "SELECT DISTINCT channel_id FROM channel_allowlist WHERE org_id = $1 AND channel_id IN each($2)"
_LEADING = (
    "SELECT DISTINCT l.group_id FROM channel_workspaces h"
    " JOIN group_channels l ON l.org_id = $1 AND l.channel_id = h.channel_id"
    " WHERE h.org_id = $1 AND h.team_id IN each($2)"
)
_OF_TEAM = (
    "SELECT h.channel_id, EXISTS (SELECT 1 FROM channel_workspaces o WHERE o.org_id = $1"
    " AND o.channel_id = h.channel_id AND o.team_id <> h.team_id)"
    " FROM channel_workspaces h WHERE h.org_id = $1 AND h.team_id = $2"
)
