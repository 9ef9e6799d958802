"""The statements of :mod:`rosterd.store.belonging.previews`: the fates of some people at some places.

Each gives rows of place, person and fate: one at most for a place and person, none of whoever nothing is to
be said of. They say what the statements of :mod:`rosterd.store.belonging.consequences` would do. Their
arguments: ``$1`` the organisation; people are looked at behind ``$2`` and up to ``$3``; ``$4`` the group,
person or channel that it is about; the rest as said at each.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from rosterd.directory.model import Role
from rosterd.directory.previews import Fate
from rosterd.store.belonging.consequences import allowed

GUEST_JOINS = "join:guest"
"""As `Fate.JOIN`, of a guest: default channels are not for them."""


class Walk(NamedTuple):
    """People to go through, and what to ask of each slice of them.

    ``people``: a statement of their ids behind ``$2``, in order, ``$3`` at most. ``fates``: as above. Both
    have arguments from ``$4`` on: ``fates`` all of ``args``, ``people`` the first ``shared`` of them.
    """

    people: str
    fates: str
    args: tuple[Any, ...]
    shared: int = 1


_GUESTS = ", ".join(f"'{role}'" for role in Role if role.is_guest)
_SINGLE = f"'{Role.SINGLE_CHANNEL_GUEST}'"
_MAY_FOLLOW = f"u.deactivated = 0 AND u.role <> {_SINGLE}"


def _slice(user: str) -> str:
    return f"{user} > $2 AND {user} <= $3"


def _in_team(team: str, user: str) -> str:
    return (
        "EXISTS (SELECT 1 FROM workspace_members w"
        f" WHERE w.org_id = $1 AND w.team_id = {team} AND w.user_id = {user})"
    )


def _in_channel(channel: str, user: str) -> str:
    return (
        "EXISTS (SELECT 1 FROM channel_members x"
        f" WHERE x.org_id = $1 AND x.channel_id = {channel} AND x.user_id = {user})"
    )


def _in_some(groups: str, user: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM members a WHERE a.org_id = $1 AND a.group_id IN each({groups})"
        f" AND a.user_id = {user})"
    )


def _given(groups: str) -> str:
    return f"EXISTS (SELECT 1 FROM each({groups}) e)"


def _held(table: str) -> str:
    """The rows ``k`` of a table whose reason is the group ``$4``.

    Says what the rows of the index are: an engine that knows no value of ``$4`` uses it then.
    """
    return f"{table} k WHERE k.org_id = $1 AND k.source_id = $4 AND k.source_id >= 'S' AND k.source_id < 'T'"


_NEXT = "AND k.user_id > $2 ORDER BY k.user_id LIMIT $3"
MEMBERS = (
    "SELECT k.user_id FROM members k WHERE k.org_id = $1 AND k.group_id = $4"
    " AND k.user_id > $2 ORDER BY k.user_id LIMIT $3"
)
"""The members of a group."""
PERSON = "SELECT k.id AS user_id FROM users k WHERE k.org_id = $1 AND k.id = $4 AND k.id > $2 LIMIT $3"
"""One person alone."""
HELD_IN_TEAM = f"SELECT k.user_id FROM {_held('workspace_members')} AND k.team_id = $5 {_NEXT}"
"""For whom a group is a reason to be in the workspace ``$5``, if only a kept one."""
HELD_IN_CHANNEL = f"SELECT k.user_id FROM {_held('channel_members')} AND k.channel_id = $5 {_NEXT}"
"""For whom a group is a reason to be in the channel ``$5``."""
IN_CHANNEL = (
    f"SELECT DISTINCT k.user_id FROM channel_members k WHERE k.org_id = $1 AND k.channel_id = $4 {_NEXT}"
)
"""Everybody in a channel."""

OF_GROUP = (
    "members m JOIN users u ON u.org_id = $1 AND u.id = m.user_id{more}"
    f" WHERE m.org_id = $1 AND m.group_id = $4 AND {_slice('m.user_id')}"
)
"""Members of a group, as ``u``."""
OF_PERSON = f"users u{{more}} WHERE u.org_id = $1 AND u.id = $4 AND {_slice('u.id')}"
"""One person alone, as ``u``."""

INTO_TEAMS = (
    "SELECT t.value AS place_id, u.id AS user_id, CASE"
    f" WHEN {_in_team('t.value', 'u.id')} THEN '{Fate.THERE}'"
    f" WHEN u.deactivated = 1 THEN '{Fate.DEACTIVATED}'"
    f" WHEN u.role = {_SINGLE} THEN '{Fate.SINGLE_CHANNEL_GUEST}'"
    f" WHEN t.value NOT IN each($6) THEN '{Fate.NOT_AT_ONCE}'"
    f" WHEN u.role IN ({_GUESTS}) THEN '{GUEST_JOINS}' ELSE '{Fate.JOIN}' END AS fate"
    f" FROM {OF_GROUP.format(more=' CROSS JOIN each($5) AS t')}"
)
"""Members of a group that leads to the workspaces ``$5``, to those of ``$6`` at once."""
INTO_TEAM_ALONE = (
    f"SELECT CAST($5 AS TEXT) AS place_id, u.id AS user_id, CASE WHEN {_in_team('$5', 'u.id')}"
    f" THEN '{Fate.THERE}' WHEN u.role IN ({_GUESTS}) THEN '{GUEST_JOINS}' ELSE '{Fate.JOIN}' END AS fate"
    f" FROM {OF_PERSON.format(more='')}"
)
"""One person who is put into the workspace ``$5``."""


def _default(channel: str, teams: str) -> str:
    """That ``u`` joins a channel since it is a default one of one of these workspaces, which they join."""
    return (
        f"u.role NOT IN ({_GUESTS}) AND EXISTS (SELECT 1 FROM channel_workspaces d WHERE d.org_id = $1"
        f" AND d.channel_id = {channel} AND d.is_default = 1 AND d.team_id IN each({teams})"
        f" AND NOT {_in_team('d.team_id', 'u.id')})"
    )


def _led(channel: str, teams: str) -> str:
    """That ``u`` joins a channel by joining one of these workspaces: a group but ``$4`` leads there."""
    return (
        "EXISTS (SELECT 1 FROM members o JOIN group_channels l ON l.org_id = $1 AND l.group_id = o.group_id"
        f" AND l.channel_id = {channel}"
        f" JOIN channels c ON c.org_id = $1 AND c.id = {channel} AND c.is_archived = 0"
        f" JOIN channel_workspaces h ON h.org_id = $1 AND h.channel_id = {channel}"
        f" AND h.team_id IN each({teams})"
        f" WHERE o.org_id = $1 AND o.user_id = u.id AND o.group_id <> $4"
        f" AND NOT {_in_team('h.team_id', 'u.id')})"
    )


def into_defaults(who: str) -> str:
    """Whoever would join the default channels ``$6`` by joining the workspaces ``$5``."""
    return (
        f"SELECT c.value AS place_id, u.id AS user_id, '{Fate.JOIN}' AS fate"
        f" FROM {who.format(more=' CROSS JOIN each($6) AS c')} AND {_MAY_FOLLOW}"
        f" AND {_default('c.value', '$5')}"
        f" AND NOT {_in_channel('c.value', 'u.id')} AND {allowed('u.id', 'c.value')}"
    )


def into_led(who: str) -> str:
    """Whoever would join channels, but not as default ones, by joining the workspaces ``$5``: one of the
    groups ``$6`` leads there, and they are in it. The group ``$4`` does not to the channels ``$7``.
    """
    # In this order: from somebody to their groups, not from each channel to everybody.
    ways = (
        " CROSS JOIN members o CROSS JOIN group_channels l CROSS JOIN channels c"
        " CROSS JOIN channel_workspaces h"
    )
    return (
        f"SELECT DISTINCT l.channel_id AS place_id, u.id AS user_id, '{Fate.JOIN}' AS fate"
        f" FROM {who.format(more=ways)} AND {_MAY_FOLLOW}"
        " AND o.org_id = $1 AND o.user_id = u.id AND (o.group_id || '') IN each($6)"
        " AND l.org_id = $1 AND l.group_id = o.group_id"
        " AND NOT (l.group_id = $4 AND l.channel_id IN each($7))"
        " AND c.org_id = $1 AND c.id = l.channel_id AND c.is_archived = 0"
        " AND h.org_id = $1 AND h.channel_id = l.channel_id AND h.team_id IN each($5)"
        f" AND NOT {_in_team('h.team_id', 'u.id')} AND NOT ({_default('l.channel_id', '$5')})"
        f" AND NOT {_in_channel('l.channel_id', 'u.id')} AND {allowed('u.id', 'l.channel_id')}"
    )


_REACHED = (
    "EXISTS (SELECT 1 FROM channel_workspaces h JOIN workspace_members w ON w.org_id = $1"
    " AND w.team_id = h.team_id AND w.user_id = u.id WHERE h.org_id = $1 AND h.channel_id = $5)"
)
_INTO_CHANNEL = (
    (_in_channel("$5", "u.id"), Fate.THERE),
    ("u.deactivated = 1", Fate.DEACTIVATED),
    (
        "EXISTS (SELECT 1 FROM channels c WHERE c.org_id = $1 AND c.id = $5 AND c.is_archived = 1)",
        Fate.ARCHIVED,
    ),
    (f"u.role = {_SINGLE}", Fate.SINGLE_CHANNEL_GUEST),
    (f"{_given('$6')} AND NOT {_in_some('$6', 'u.id')}", Fate.NOT_LED),
    (f"NOT {_REACHED}", Fate.NOT_IN_WORKSPACE),
    (f"{_given('$7')} AND NOT {_in_some('$7', 'u.id')}", Fate.NOT_ALLOWED),
)
INTO_CHANNEL = (
    "SELECT CAST($5 AS TEXT) AS place_id, u.id AS user_id, CASE"
    + "".join(f" WHEN {holds} THEN '{fate}'" for holds, fate in _INTO_CHANNEL)
    + f" ELSE '{Fate.JOIN}' END AS fate FROM {OF_GROUP.format(more='')}"
    f" AND NOT ({_given('$8')} AND {_in_some('$8', 'u.id')})"
)
"""Members of a group, but of none of the groups ``$8``, who would join the channel ``$5``: if they are in one
of ``$6`` (empty: in any case). The groups ``$7`` are on its allowlist.
"""

_LEAVE = f"'{Fate.LEAVE}'"
_STRONGEST = (
    ("s.source_id = ''", Fate.DIRECTLY),
    ("s.source_id >= 'S' AND s.source_id < 'T' AND s.source_id <> $4 AND s.kept = 0", Fate.BY_GROUP),
    ("s.source_id >= 'T'", Fate.BY_DEFAULT),
    ("s.source_id <> $4", Fate.KEPT_BEFORE),
)


def _stays(table: str, column: str, *, leaves: str = "", but: str = "") -> str:
    """The cases of whoever ``k`` is about and there for other reasons than the group ``$4``.

    The strongest counts.

    ``leaves``: who does so nevertheless. ``but``: which reasons do not count.
    """
    other = (
        f"EXISTS (SELECT 1 FROM {table} s WHERE s.org_id = $1 AND s.{column} = k.{column}"
        " AND s.user_id = k.user_id AND {})"
    )
    cases = "".join(f" WHEN {other.format(which + but)} THEN '{fate}'" for which, fate in _STRONGEST)
    # One look for the many who are there for no other reason.
    return (
        f" WHEN {other.format('s.source_id <> $4')} THEN CASE"
        f"{f' WHEN {leaves} THEN {_LEAVE}' if leaves else ''}{cases} ELSE {_LEAVE} END"
    )


OUT_OF_TEAM = (
    f"SELECT k.team_id AS place_id, k.user_id AS user_id, CASE WHEN k.kept = 1 THEN '{Fate.KEPT_BEFORE}'"
    f"{_stays('workspace_members', 'team_id')} WHEN CAST($6 AS BIGINT) = 0 THEN '{Fate.KEPT}'"
    f" ELSE '{Fate.LEAVE}' END AS fate"
    f" FROM {_held('workspace_members')} AND k.team_id = $5 AND {_slice('k.user_id')}"
)
"""Those whom a group holds in the workspace ``$5``, to which it leads no more; ``$6``: it required it."""

_NO_OTHER = (
    "NOT EXISTS (SELECT 1 FROM workspace_members o WHERE o.org_id = $1 AND o.team_id = {team}"
    " AND o.user_id = {user} AND o.source_id <> $4)"
)
LEAVING_BY_GROUP = (
    f"SELECT k.user_id FROM {_held('workspace_members')} AND k.team_id = $5 AND k.kept = 0"
    f" AND {_slice('k.user_id')} AND {_NO_OTHER.format(team='$5', user='k.user_id')}"
)
"""Whoever leaves the workspace ``$5`` when a group that required it leads there no more."""
LEAVING_ALONE = f"SELECT k.id AS user_id FROM users k WHERE k.org_id = $1 AND k.id = $4 AND {_slice('k.id')}"
"""One person who leaves."""

OUT_OF_TEAM_ALONE = (
    f"SELECT CAST($5 AS TEXT) AS place_id, u.id AS user_id, '{Fate.LEAVE}' AS fate"
    f" FROM {OF_PERSON.format(more='')} AND {_in_team('$5', 'u.id')}"
)
"""One person who is taken out of the workspace ``$5``."""

_ELSEWHERE = (
    "EXISTS (SELECT 1 FROM channel_workspaces h JOIN workspace_members w ON w.org_id = $1"
    " AND w.team_id = h.team_id AND w.user_id = {user}"
    " WHERE h.org_id = $1 AND h.channel_id = {channel} AND h.team_id <> {team})"
)


def out_with_team(leaving: str) -> str:
    """The channels of ``$6`` that whoever leaves the workspace ``$5`` leaves with it. Those of ``$7`` no
    other workspace has. Not those of ``$8`` where the group ``$4`` holds them.
    """
    by_team = (
        "NOT EXISTS (SELECT 1 FROM channel_members s WHERE s.org_id = $1 AND s.channel_id = k.channel_id"
        " AND s.user_id = k.user_id AND s.source_id <> $5)"
    )
    held = (
        "EXISTS (SELECT 1 FROM channel_members s WHERE s.org_id = $1 AND s.channel_id = k.channel_id"
        " AND s.user_id = k.user_id AND s.source_id = $4)"
    )
    reachable = _ELSEWHERE.format(channel="k.channel_id", user="k.user_id", team="$5")
    # In this order: from somebody to their channels, not from each channel to everybody. Who leaves is found
    # once: where PostgreSQL takes tables for small that have just grown, it would look for each channel anew.
    return (
        f"WITH l AS MATERIALIZED ({leaving})"
        f" SELECT DISTINCT k.channel_id AS place_id, k.user_id AS user_id, '{Fate.LEAVE}' AS fate"
        " FROM l CROSS JOIN channel_members k"
        " WHERE k.org_id = $1 AND k.user_id = l.user_id AND (k.channel_id || '') IN each($6)"
        f" AND NOT (k.channel_id IN each($8) AND {held})"
        f" AND (k.channel_id IN each($7) OR {by_team} OR NOT {reachable})"
    )


OUT_OF_CHANNEL = (
    f"SELECT k.channel_id AS place_id, k.user_id AS user_id, CASE{_stays('channel_members', 'channel_id')}"
    f" ELSE '{Fate.LEAVE}' END AS fate"
    f" FROM {_held('channel_members')} AND k.channel_id = $5 AND {_slice('k.user_id')}"
)
"""Those whom a group holds in the channel ``$5``, to which it leads no more."""

_REJOINS = (
    f" WHEN EXISTS (SELECT 1 FROM each($6) t WHERE NOT {_in_team('t.value', 'k.user_id')})"
    " AND EXISTS (SELECT 1 FROM members m JOIN users u ON u.org_id = $1 AND u.id = m.user_id"
    f" WHERE m.org_id = $1 AND m.group_id = $4 AND m.user_id = k.user_id AND {_MAY_FOLLOW}"
    f" AND ({_default('$5', '$6')} OR {_led('$5', '$6')})) AND {allowed('k.user_id', 'k.channel_id')}"
    f" THEN '{Fate.BY_GROUP}'"
)
OUT_OF_LOST = (
    f"SELECT k.channel_id AS place_id, k.user_id AS user_id, CASE{_stays('channel_members', 'channel_id')}"
    f"{_REJOINS} ELSE '{Fate.LEAVE}' END AS fate"
    f" FROM {_held('channel_members')} AND k.channel_id = $5 AND {_slice('k.user_id')}"
)
"""As :data:`OUT_OF_CHANNEL`, when the group leads to the workspaces ``$6`` at the same time."""

_LEAVES = (
    "(CAST($7 AS BIGINT) = 1 AND EXISTS (SELECT 1 FROM workspace_members w WHERE w.org_id = $1"
    " AND w.team_id = $6 AND w.user_id = k.user_id AND w.source_id = $4 AND w.kept = 0)"
    f" AND {_NO_OTHER.format(team='$6', user='k.user_id')})"
)
_UNREACHED = f"{_LEAVES} AND NOT {_ELSEWHERE.format(channel='k.channel_id', user='k.user_id', team='$6')}"
_AS_DEFAULT = f" AND NOT (s.source_id = $6 AND {_LEAVES})"
OUT_OF_ENDED = (
    "SELECT k.channel_id AS place_id, k.user_id AS user_id, CASE"
    f"{_stays('channel_members', 'channel_id', leaves=_UNREACHED, but=_AS_DEFAULT)}"
    f" ELSE '{Fate.LEAVE}' END AS fate"
    f" FROM {_held('channel_members')} AND k.channel_id = $5 AND {_slice('k.user_id')}"
)
"""As :data:`OUT_OF_CHANNEL`, when the group leads to the workspace ``$6`` no more; ``$7``: it required it."""

OUT_OF_RESTRICTED = (
    f"SELECT DISTINCT k.channel_id AS place_id, k.user_id AS user_id, CASE WHEN {_in_some('$5', 'k.user_id')}"
    f" THEN '{Fate.ALLOWED}' ELSE '{Fate.LEAVE}' END AS fate"
    f" FROM channel_members k WHERE k.org_id = $1 AND k.channel_id = $4 AND {_slice('k.user_id')}"
)
"""Everybody in a channel that has the groups ``$5`` on its allowlist, and no others."""
