"""Organisations."""

from __future__ import annotations

from rosterd.directory.model import Org, Plan
from rosterd.store.contract import Row, Tx

COLUMNS = "id, team_id, name, domain, plan, created, display_name_change"


async def insert(tx: Tx, org: Org) -> bool:
    """Store a new organisation. False: its id or domain is taken."""
    row = await tx.one(
        f"INSERT INTO orgs ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT DO NOTHING RETURNING id",
        *_values(org),
    )
    return row is not None


async def update(tx: Tx, org: Org) -> None:
    """Store every field of an organisation that exists."""
    await tx.run(
        "UPDATE orgs SET team_id = $2, name = $3, domain = $4, plan = $5, created = $6,"
        " display_name_change = $7 WHERE id = $1",
        *_values(org),
    )


async def find(tx: Tx, domain_or_id: str) -> Org | None:
    """The organisation with this domain (lower case) or id, or None."""
    row = await tx.one(f"SELECT {COLUMNS} FROM orgs WHERE id = $1 OR domain = $1", domain_or_id)
    return None if row is None else from_row(row)


async def every(tx: Tx) -> list[Org]:
    """All organisations, in order of creation."""
    return [from_row(row) for row in await tx.all(f"SELECT {COLUMNS} FROM orgs ORDER BY created, id")]


def from_row(row: Row) -> Org:
    """The organisation in a row of `COLUMNS`."""
    id, team_id, name, domain, plan, created, display_name_change = row
    return Org(id, team_id, name, domain, Plan(plan), created, bool(display_name_change))


def _values(org: Org) -> tuple[str | int, ...]:
    return (
        org.id, org.team_id, org.name, org.domain, str(org.plan), org.created, int(org.display_name_change),
    )  # fmt: skip
