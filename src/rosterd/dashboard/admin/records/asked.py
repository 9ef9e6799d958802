"""What a filter says, read as days, ids and people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rosterd.directory.model import OrgId
from rosterd.directory.names import account_key
from rosterd.store import users
from rosterd.store.engine import Tx


def day(said: str) -> int | None:
    """The first second of a day; None: that is no date.

    >>> day("1970-01-02"), day("1970-02-31"), day("x")
    (86400, None, None)
    """
    try:
        first = datetime.strptime(said, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (first - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


async def whom(tx: Tx, org: OrgId, said: str) -> str | None:
    """The id that an e-mail address, a username or an id stands for; empty: no such address; None: any."""
    if not said:
        return None
    key = account_key(said)
    if "@" in said:
        return await users.find_by_email(tx, org, key) or ""
    return await users.find_by_username(tx, org, key) or said
