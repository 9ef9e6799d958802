"""What a database holds of what lets somebody in, seen from inside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rosterd.store.engine import Tx, open_store

T = TypeVar("T")

TABLES = ("sessions", "signin_links", "apps", "oauth_codes", "tokens", "passwords")


def run(database: str, work: Callable[[Tx], Awaitable[T]]) -> T:
    async def session() -> T:
        store = await open_store(database)
        try:
            async with store.write() as tx:
                return await work(tx)
        finally:
            await store.close()

    return asyncio.run(session())


def everything(database: str) -> str:
    """All that stands in these tables."""

    async def rows(tx: Tx) -> str:
        found = [await tx.all(f"SELECT * FROM {name}") for name in TABLES]
        return "\n".join(str(tuple(row)) for table in found for row in table)

    return run(database, rows)


def age_sessions(database: str, org_id: str, seconds: int) -> None:
    """Let the sessions of an organisation have been used so much earlier."""

    async def age(tx: Tx) -> None:
        await tx.run("UPDATE sessions SET last_used = last_used - $2 WHERE org_id = $1", org_id, seconds)

    run(database, age)


def age_births(database: str, org_id: str, seconds: int) -> None:
    """Let the sessions of an organisation have begun so much earlier, and be used now."""

    async def age(tx: Tx) -> None:
        sql = "UPDATE sessions SET created = created - $2, expires = expires - $3 WHERE org_id = $1"
        await tx.run(sql, org_id, seconds * 1_000_000, seconds)

    run(database, age)


def age_proofs(database: str, org_id: str, seconds: int) -> None:
    """Let everybody in an organisation have shown so much earlier who they are."""

    async def age(tx: Tx) -> None:
        await tx.run("UPDATE sessions SET proved = proved - $2 WHERE org_id = $1", org_id, seconds)

    run(database, age)


def expire_token(database: str, org_id: str, token_id: str) -> None:
    """Let the time of a token be up."""

    async def expire(tx: Tx) -> None:
        sql = "UPDATE tokens SET expires = $3 WHERE org_id = $1 AND id = $2"
        await tx.run(sql, org_id, token_id, tx.now // 1_000_000)

    run(database, expire)


def proofs(database: str, org_id: str) -> list[int | None]:
    """When whoever is or was signed in has shown who they are, in order."""

    async def find(tx: Tx) -> list[int | None]:
        sql = "SELECT proved FROM sessions WHERE org_id = $1 ORDER BY created"
        return [proved for (proved,) in await tx.all(sql, org_id)]

    return run(database, find)
