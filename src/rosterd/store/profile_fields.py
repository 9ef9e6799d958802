"""The custom profile fields that an organisation has: made once, by whoever first fills one.

Slack SCIM API reference, heading *Custom profile field*: at most 50, counted by the caller.
"""

from __future__ import annotations

from typing import NamedTuple

from rosterd.directory.model import OrgId
from rosterd.store.contract import Tx


async def names(tx: Tx, org: OrgId) -> set[str]:
    """The names of the organisation's custom profile fields."""
    return {name for (name,) in await tx.all(_NAMES, org)}


class ProfileField(NamedTuple):
    """A custom profile field."""

    name: str
    label: str
    is_scim: bool  # made by provisioning, and filled by it alone


async def every(tx: Tx, org: OrgId) -> list[ProfileField]:
    """The organisation's custom profile fields, in order of creation."""
    rows = await tx.all(
        "SELECT name, label, is_scim FROM profile_fields WHERE org_id = $1 ORDER BY created, name", org
    )
    return [ProfileField(name, label, bool(is_scim)) for name, label, is_scim in rows]


async def known(tx: Tx, org: OrgId) -> set[str]:
    """The same, perhaps without the newest."""
    return {name for (name,) in await tx.known(_NAMES, org)}


async def add(tx: Tx, org: OrgId, name: str, label: str, *, is_scim: bool) -> bool:
    """Make a field. ``is_scim``: provisioning made it. False: there is one of that name."""
    row = await tx.one(
        "INSERT INTO profile_fields (org_id, name, label, is_scim, created) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING RETURNING name",
        org, name, label, int(is_scim), tx.now,
    )  # fmt: skip
    return row is not None


_NAMES = "SELECT name FROM profile_fields WHERE org_id = $1"
