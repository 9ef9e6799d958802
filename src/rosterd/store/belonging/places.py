"""Who is in a workspace or a channel, and why: one row for each reason.

Rules of this module:

1. Somebody is in a place while there is a row of theirs, whatever its reason; no row is left of
   anybody deactivated.
2. Workspaces and channels are two tables of one shape. Which one is meant is said by a `Kind`.
3. Verbs return what they really changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rosterd.directory.model import DIRECTLY, OrgId, Reason, UserId
from rosterd.store.contract import Tx


class Kind(NamedTuple):
    """A table of members, and the column that names the place."""

    table: str
    column: str


WORKSPACE = Kind("workspace_members", "team_id")
CHANNEL = Kind("channel_members", "channel_id")

Membership = tuple[str, UserId]
"""A place, and somebody who is in it."""


async def add(tx: Tx, kind: Kind, org: OrgId, place: str, users: Sequence[UserId], source: str) -> None:
    """From now on ``source`` is a reason for these people to be there."""
    table, column = kind
    await tx.run(
        f"INSERT INTO {table} (org_id, {column}, user_id, source_id, kept, added)"
        " SELECT $1, $2, e.value, $4, 0, CAST($5 AS BIGINT) FROM each($3) AS e WHERE TRUE ORDER BY 3"
        f" ON CONFLICT (org_id, {column}, user_id, source_id) DO UPDATE SET kept = 0",
        org, place, list(users), source, tx.now,
    )  # fmt: skip


async def remove(tx: Tx, kind: Kind, org: OrgId, place: str, users: Sequence[UserId]) -> list[UserId]:
    """Take people out, whatever the reasons. Returns those who were there, in order of id."""
    table, column = kind
    rows = await tx.all(
        f"DELETE FROM {table} WHERE org_id = $1 AND {column} = $2 AND user_id IN each($3) RETURNING user_id",
        org, place, list(users),
    )  # fmt: skip
    return sorted({UserId(user) for (user,) in rows})


async def among(tx: Tx, kind: Kind, org: OrgId, place: str, users: Sequence[UserId]) -> set[UserId]:
    """Which of these people are there."""
    table, column = kind
    rows = await tx.all(
        f"SELECT user_id FROM {table} WHERE org_id = $1 AND {column} = $2 AND user_id IN each($3)",
        org, place, list(users),
    )  # fmt: skip
    return {UserId(user) for (user,) in rows}


async def of_people(tx: Tx, kind: Kind, org: OrgId, users: Sequence[UserId]) -> set[Membership]:
    """Everywhere that these people are."""
    table, column = kind
    rows = await tx.all(
        f"SELECT {column}, user_id FROM {table} WHERE org_id = $1 AND user_id IN each($2)", org, list(users)
    )
    return {(place, UserId(user)) for place, user in rows}


async def everywhere(tx: Tx, org: OrgId, users: Sequence[UserId]) -> set[Membership]:
    """Every workspace and channel that these people are in: one statement."""
    return {(place, UserId(user)) for place, user in await tx.all(_EVERYWHERE, org, list(users))}


_EVERYWHERE = " UNION ALL ".join(
    f"SELECT t.{column}, t.user_id FROM {table} t WHERE t.org_id = $1 AND t.user_id IN each($2)"
    for table, column in (WORKSPACE, CHANNEL)
)


async def reasons(tx: Tx, kind: Kind, org: OrgId, user: UserId) -> dict[str, list[Reason]]:
    """Place → why this person is there, the oldest reason first; places in order of id."""
    table, column = kind
    rows = await tx.all(
        f"SELECT {column}, source_id, kept, added FROM {table} WHERE org_id = $1 AND user_id = $2"
        f" ORDER BY {column}, added, source_id",
        org, user,
    )  # fmt: skip
    found: dict[str, list[Reason]] = {}
    for place, source, kept, added in rows:
        found.setdefault(place, []).append(Reason(source, bool(kept), added))
    return found


async def reasons_at(
    tx: Tx, kind: Kind, org: OrgId, place: str, users: Sequence[UserId]
) -> dict[UserId, list[Reason]]:
    """Why each of these people is in one place, the oldest reason first. Whoever is not there is left out."""
    table, column = kind
    rows = await tx.all(
        f"SELECT user_id, source_id, kept, added FROM {table}"
        f" WHERE org_id = $1 AND {column} = $2 AND user_id IN each($3) ORDER BY user_id, added, source_id",
        org, place, list(users),
    )  # fmt: skip
    found: dict[UserId, list[Reason]] = {}
    for user, source, kept, added in rows:
        found.setdefault(UserId(user), []).append(Reason(source, bool(kept), added))
    return found


async def page(
    tx: Tx, kind: Kind, org: OrgId, place: str, *, after: str = "", limit: int = 100
) -> list[UserId]:
    """People who are there, in order of id, from the first behind ``after`` on."""
    table, column = kind
    rows = await tx.all(
        f"SELECT DISTINCT user_id FROM {table} WHERE org_id = $1 AND {column} = $2 AND user_id > $3"
        " ORDER BY user_id LIMIT $4",
        org, place, after, limit,
    )  # fmt: skip
    return [UserId(user) for (user,) in rows]


async def count_behind(tx: Tx, kind: Kind, org: OrgId, place: str, *, after: str) -> int:
    """How many people :func:`page` has behind somebody. Costs what there is of them: under ``scan``."""
    table, column = kind
    row = await tx.one(
        f"SELECT COUNT(DISTINCT user_id) FROM {table} WHERE org_id = $1 AND {column} = $2 AND user_id > $3",
        org, place, after,
    )  # fmt: skip
    return row[0] if row else 0


async def acquainted(tx: Tx, org: OrgId, viewer: UserId, users: Sequence[UserId]) -> set[UserId]:
    """Which of these people share a channel with ``viewer``."""
    rows = await tx.all(
        "SELECT DISTINCT user_id FROM channel_members"
        f" WHERE org_id = $1 AND user_id IN each($3) AND {_SHARED}",
        org, viewer, list(users),
    )  # fmt: skip
    return {UserId(user) for (user,) in rows}


async def acquaintances(
    tx: Tx, org: OrgId, viewer: UserId, team: str, *, after: str = "", limit: int = 100
) -> list[UserId]:
    """People of a workspace who share a channel with ``viewer``, paged as :func:`page` is. Under ``scan``."""
    rows = await tx.all(
        f"SELECT DISTINCT user_id FROM channel_members WHERE org_id = $1 AND user_id > $4 AND {_SHARED}"
        " AND user_id IN (SELECT user_id FROM workspace_members WHERE org_id = $1 AND team_id = $3)"
        " ORDER BY user_id LIMIT $5",
        org, viewer, team, after, limit,
    )  # fmt: skip
    return [UserId(user) for (user,) in rows]


_SHARED = "channel_id IN (SELECT channel_id FROM channel_members WHERE org_id = $1 AND user_id = $2)"


async def former(tx: Tx, org: OrgId, place: str, *, after: str = "", limit: int = 100) -> list[UserId]:
    """People whom :func:`suspend` remembers there, paged as :func:`page` does. Under ``scan``."""
    rows = await tx.all(
        "SELECT DISTINCT user_id FROM former_members WHERE org_id = $1 AND place_id = $2 AND user_id > $3"
        " ORDER BY user_id LIMIT $4",
        org, place, after, limit,
    )  # fmt: skip
    return [UserId(user) for (user,) in rows]


async def count(tx: Tx, kind: Kind, org: OrgId, places: Sequence[str]) -> dict[str, int]:
    """Place → how many people are there. Costs what there is of them: under ``scan``."""
    table, column = kind
    found = dict.fromkeys(places, 0)
    rows = await tx.all(
        f"SELECT {column}, COUNT(DISTINCT user_id) FROM {table} WHERE org_id = $1 AND {column} IN each($2)"
        f" GROUP BY {column}",
        org, list(found),
    )  # fmt: skip
    return found | dict(rows)


async def names_of(tx: Tx, kind: Kind, org: OrgId, user: UserId, places: Sequence[str]) -> list[str]:
    """The names of those of these places that somebody is in, in order of name."""
    table, column = kind
    where = "workspaces" if kind is WORKSPACE else "channels"
    rows = await tx.all(
        f"SELECT t.name FROM {where} t WHERE t.org_id = $1 AND t.id IN each($3) AND EXISTS"
        f" (SELECT 1 FROM {table} m WHERE m.org_id = $1 AND m.{column} = t.id AND m.user_id = $2)"
        " ORDER BY t.name, t.id",
        org, user, list(places),
    )  # fmt: skip
    return [name for (name,) in rows]


async def suspend(tx: Tx, org: OrgId, user: UserId) -> None:
    """Take somebody out of every place, and remember where they were not by a group alone."""
    for table, column in (WORKSPACE, CHANNEL):
        await tx.run(
            f"INSERT INTO former_members (org_id, user_id, place_id, source_id, kept)"
            f" SELECT org_id, user_id, {column}, source_id, kept FROM {table}"
            " WHERE org_id = $1 AND user_id = $2 AND (kept = 1 OR SUBSTR(source_id, 1, 1) <> 'S')"
            " ON CONFLICT DO NOTHING",
            org, user,
        )  # fmt: skip
        await tx.run(f"DELETE FROM {table} WHERE org_id = $1 AND user_id = $2", org, user)


async def remember(tx: Tx, org: OrgId, user: UserId, place: str) -> None:
    """Somebody who was never active will be there, directly, once they are."""
    await tx.run(
        "INSERT INTO former_members (org_id, user_id, place_id, source_id, kept)"
        " VALUES ($1, $2, $3, '', 0) ON CONFLICT DO NOTHING",
        org, user, place,
    )  # fmt: skip


async def restore(tx: Tx, org: OrgId, user: UserId) -> None:
    """Bring somebody back to where :func:`suspend` remembers them, as far as it is still there."""
    for (table, column), prefix, there in (
        (WORKSPACE, "T", "SELECT id FROM workspaces WHERE org_id = $1"),
        (CHANNEL, "C", "SELECT id FROM channels WHERE org_id = $1 AND is_archived = 0"),
    ):
        await tx.run(
            f"INSERT INTO {table} (org_id, {column}, user_id, source_id, kept, added)"
            " SELECT org_id, place_id, user_id, source_id, kept, CAST($4 AS BIGINT) FROM former_members"
            " WHERE org_id = $1 AND user_id = $2 AND SUBSTR(place_id, 1, 1) = $3"
            f" AND place_id IN ({there}) ON CONFLICT DO NOTHING",
            org, user, prefix, tx.now,
        )  # fmt: skip
    await tx.run("DELETE FROM former_members WHERE org_id = $1 AND user_id = $2", org, user)


async def forget(tx: Tx, org: OrgId, user: UserId) -> None:
    """Remember nothing of where somebody was."""
    await tx.run("DELETE FROM former_members WHERE org_id = $1 AND user_id = $2", org, user)


def is_direct(reasons: Sequence[Reason]) -> bool:
    """Whether somebody decided that this person is there.

    >>> is_direct([Reason("S1", False, 1)]), is_direct([Reason("S1", False, 1), Reason(DIRECTLY, False, 2)])
    (False, True)
    """
    return any(reason.source_id == DIRECTLY for reason in reasons)
