"""The one namespace of an organisation: usernames, channel names, handles of groups and reserved words.

Slack: a username may equal no channel name (*SCIM provisioning limitations*), and a user group's handle
neither (*usergroups.create*). One table with one primary key holds all kinds, so that no race can make
them meet. Names come folded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rosterd.directory.model import OrgId
from rosterd.store.contract import Step, Tx
from rosterd.store.query import prefix_end

Kind = Literal["user", "channel", "group", "reserved"]


async def add(tx: Tx, org: OrgId, name: str, kind: Kind, holder: str | None) -> bool:
    """Hold a name for ``holder`` (an id; None for reserved words). False: it is taken."""
    return await tx.together([addition(org, name, kind, holder)]) > 0


def addition(org: OrgId, name: str, kind: Kind, holder: str | None) -> Step:
    """What :func:`add` does, as a step."""
    return _ADD, (org, name, kind, holder)


_ADD = "INSERT INTO names (org_id, name, kind, holder_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"


async def add_reserved(tx: Tx, org: OrgId, words: Iterable[str]) -> None:
    """Hold words for nobody. Those already held stay as they are."""
    await tx.run(
        "INSERT INTO names (org_id, name, kind, holder_id) SELECT $1, e.value, 'reserved', NULL"
        " FROM each($2) AS e WHERE TRUE ON CONFLICT DO NOTHING",
        org, sorted(words),
    )  # fmt: skip


async def remove(tx: Tx, org: OrgId, name: str) -> None:
    """Free a name that no row says any more."""
    await tx.run("DELETE FROM names WHERE org_id = $1 AND name = $2", org, name)


async def kind_of(tx: Tx, org: OrgId, name: str) -> Kind | None:
    """What holds the name; None: it is free."""
    row = await tx.one("SELECT kind FROM names WHERE org_id = $1 AND name = $2", org, name)
    return None if row is None else row[0]


async def like(tx: Tx, org: OrgId, stem: str) -> set[str]:
    """Every name that starts with ``stem`` (not empty)."""
    rows = await tx.all(
        "SELECT name FROM names WHERE org_id = $1 AND name >= $2 AND name < $3", org, stem, prefix_end(stem)
    )
    return {name for (name,) in rows}
