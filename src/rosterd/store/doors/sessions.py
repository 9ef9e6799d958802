"""Who is signed in, found by the keyed hash of the session's secret; and the links by which one signs in.

A session that has ended keeps its row until the same person signs in after it would have expired.
"""

from __future__ import annotations

import msgspec

from rosterd.directory.model import Org, OrgId, User, UserId
from rosterd.directory.signin import Link, Means, Session, SessionId
from rosterd.store import orgs, users
from rosterd.store.contract import Row, Tx


class Seat(msgspec.Struct, frozen=True):
    """A session, whose it is and where, as found: whether it counts is the caller's to judge."""

    session: Session
    user: User
    org: Org


async def insert(tx: Tx, session: Session, hash: str) -> None:
    """Store a new session under the keyed hash of its secret."""
    await tx.run(
        f"INSERT INTO sessions (hash, {_NAMES}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        hash, session.org_id, session.id, session.user_id, str(session.means), session.client,
        session.ip_address, session.created, session.last_used, session.expires, session.ended,
        session.proved,
    )  # fmt: skip


async def find(tx: Tx, hash: str) -> Seat | None:
    """The session with this hash, its owner and organisation. None: there is none."""
    found = await tx.one(_FIND, hash)
    if found is None:
        return None
    row = tuple(found)
    mine, person, org = row[:_WIDTH], row[_WIDTH:-_ORG_WIDTH], row[-_ORG_WIDTH:]
    return Seat(_session(mine), users.from_row(person), orgs.from_row(org))


async def of_user(tx: Tx, org: OrgId, user: UserId) -> list[Session]:
    """The sessions of a user that have not been ended, in order of creation."""
    rows = await tx.all(
        f"SELECT {_NAMES} FROM sessions WHERE org_id = $1 AND user_id = $2 AND ended IS NULL"
        " ORDER BY created, id",
        org, user,
    )  # fmt: skip
    return [_session(row) for row in rows]


async def touch(tx: Tx, org: OrgId, id: SessionId, at: int) -> None:
    """Note that a session was used at ``at`` (seconds). An earlier time changes nothing."""
    await tx.run(
        "UPDATE sessions SET last_used = $3 WHERE org_id = $1 AND id = $2 AND last_used < $3", org, id, at
    )


async def revoke(tx: Tx, org: OrgId, id: SessionId, at: int) -> bool:
    """End a session at ``at`` (seconds). False: there is none, or it ended before."""
    sql = "UPDATE sessions SET ended = $3 WHERE org_id = $1 AND id = $2 AND ended IS NULL"
    return await tx.run(sql, org, id, at) > 0


async def revoke_of_user(tx: Tx, org: OrgId, user: UserId, at: int) -> list[SessionId]:
    """End all sessions of a user at ``at`` (seconds). Returns those ended, in order of id."""
    rows = await tx.all(
        "UPDATE sessions SET ended = $3 WHERE org_id = $1 AND user_id = $2 AND ended IS NULL RETURNING id",
        org, user, at,
    )  # fmt: skip
    return sorted(SessionId(id) for (id,) in rows)


async def remove_expired(tx: Tx, org: OrgId, user: UserId, at: int) -> None:
    """Forget the sessions of a user that had to end before ``at`` (seconds)."""
    await tx.run("DELETE FROM sessions WHERE org_id = $1 AND user_id = $2 AND expires < $3", org, user, at)


async def add_link(tx: Tx, link: Link, hash: str) -> None:
    """Store a new link under the keyed hash of its secret."""
    await tx.run(
        "INSERT INTO signin_links (hash, org_id, user_id, created, expires, used)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        hash, link.org_id, link.user_id, link.created, link.expires, link.used,
    )  # fmt: skip


async def find_link(tx: Tx, org: OrgId, hash: str, *, lock: bool = False) -> Link | None:
    """The link with this hash. ``lock``: nobody else uses it before this transaction ends."""
    sql = "SELECT org_id, user_id, created, expires, used FROM signin_links WHERE org_id = $1 AND hash = $2"
    row = await tx.one(sql + " FOR UPDATE" if lock else sql, org, hash)
    return None if row is None else Link(*row)


async def revoke_link(tx: Tx, org: OrgId, hash: str, at: int) -> None:
    """A link is used up at ``at`` (seconds)."""
    await tx.run("UPDATE signin_links SET used = $3 WHERE org_id = $1 AND hash = $2", org, hash, at)


async def remove_links(tx: Tx, org: OrgId, user: UserId, before: int) -> None:
    """Forget the links of a user that were of use until ``before`` (seconds) at most."""
    await tx.run(
        "DELETE FROM signin_links WHERE org_id = $1 AND user_id = $2 AND expires <= $3", org, user, before
    )


_COLUMNS = (
    "org_id", "id", "user_id", "means", "client", "ip_address", "created", "last_used", "expires", "ended",
    "proved",
)  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
_WIDTH = len(_COLUMNS)
_ORG_WIDTH = len(orgs.COLUMNS.split(", "))
_FIND = (
    f"SELECT {', '.join(f's.{name}' for name in _COLUMNS)}, {users.COLUMNS},"
    f" {', '.join(f'o.{name}' for name in orgs.COLUMNS.split(', '))}"
    " FROM sessions s JOIN users t ON t.org_id = s.org_id AND t.id = s.user_id"
    " JOIN orgs o ON o.id = s.org_id WHERE s.hash = $1"
)


def _session(row: Row) -> Session:
    org, id, user, means, client, ip_address, created, last_used, expires, ended, proved = row
    return Session(
        org, id, user, Means(means), client, ip_address, created, last_used, expires, ended, proved
    )
