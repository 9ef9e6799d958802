"""Passwords of local administrators, as Argon2id made hashes of them."""

from __future__ import annotations

from typing import NamedTuple

from rosterd.directory.model import OrgId, UserId
from rosterd.store.contract import Tx


class Password(NamedTuple):
    """That somebody has a password, and since when."""

    user_id: UserId
    hash: str  # with its salt and parameters
    created: int  # microseconds


async def update(tx: Tx, org: OrgId, user: UserId, hash: str) -> None:
    """Store somebody's password, in place of another."""
    await tx.run(
        "INSERT INTO passwords (org_id, user_id, hash, created) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (org_id, user_id) DO UPDATE SET hash = excluded.hash, created = excluded.created",
        org, user, hash, tx.now,
    )  # fmt: skip


async def update_hash(tx: Tx, org: OrgId, user: UserId, hash: str) -> None:
    """The same password, hashed anew."""
    await tx.run("UPDATE passwords SET hash = $3 WHERE org_id = $1 AND user_id = $2", org, user, hash)


async def find(tx: Tx, org: OrgId, user: UserId) -> Password | None:
    """Somebody's password; None: they have none."""
    row = await tx.one(
        "SELECT user_id, hash, created FROM passwords WHERE org_id = $1 AND user_id = $2", org, user
    )
    return None if row is None else Password(*row)


async def of_org(tx: Tx, org: OrgId) -> list[Password]:
    """All of an organisation, in order of id."""
    rows = await tx.all(
        "SELECT user_id, hash, created FROM passwords WHERE org_id = $1 ORDER BY user_id", org
    )
    return [Password(*row) for row in rows]


async def remove(tx: Tx, org: OrgId, user: UserId) -> bool:
    """Forget somebody's password. False: they have none."""
    return await tx.run("DELETE FROM passwords WHERE org_id = $1 AND user_id = $2", org, user) > 0
