"""People as they find each other: everybody who is not deactivated, by display name.

A page begins after a person, so that its cost does not grow with what comes before it.
"""

from __future__ import annotations

from rosterd.directory.model import OrgId, User, UserId
from rosterd.store import users
from rosterd.store.contract import Tx
from rosterd.store.query import prefix_end


async def page(tx: Tx, org: OrgId, prefix: str, *, after: UserId | None, count: int) -> list[User]:
    """Up to ``count`` people in order of display name, from behind ``after`` on, who may be anybody.

    ``prefix`` (folded; empty: all) is how their display name, username or one of their addresses begins. Bots
    and the deactivated are left out. An unknown ``after`` is as none.
    """
    end = prefix_end(prefix)
    if "\0" in prefix or (prefix and end is None):
        return []
    start = None if after is None or "\0" in after else await tx.one(_PLACE, org, after)
    behind = ("", -1, "") if start is None else tuple(start)
    sql = _PAGE.format("" if not prefix else _BEGINS)
    rows = await tx.all(sql, org, *behind, count, *((prefix, end) if prefix else ()))
    return [users.from_row(row) for row in rows]


_PLACE = "SELECT t.display_folded, t.created, t.id FROM users t WHERE t.org_id = $1 AND t.id = $2"
_PAGE = (
    f"SELECT {users.COLUMNS} FROM users t WHERE t.org_id = $1 AND t.deactivated = 0 AND t.role <> 'bot'"
    " AND (t.display_folded, t.created, t.id) > ($2, $3, $4){}"
    " ORDER BY t.display_folded, t.created, t.id LIMIT $5"
)
_BEGINS = (
    " AND t.id IN (SELECT d.id FROM users d"
    " WHERE d.org_id = $1 AND d.display_folded >= $6 AND d.display_folded < $7"
    " UNION SELECT n.id FROM users n WHERE n.org_id = $1 AND n.username >= $6 AND n.username < $7"
    " UNION SELECT e.user_id FROM emails e WHERE e.org_id = $1 AND e.email >= $6 AND e.email < $7)"
)
