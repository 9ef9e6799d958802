"""What a filter says, read as people and days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rosterd.dashboard.admin import days
from rosterd.directory.model import OrgId
from rosterd.directory.names import account_key
from rosterd.store import users
from rosterd.store.engine import Tx


class Span(NamedTuple):
    """From when to when, in seconds, both inclusive; None: whenever."""

    oldest: int | None
    latest: int | None
    problem: str = ""  # why it cannot be understood


def span(state: Mapping[str, str]) -> Span:
    """The days ``from`` and ``to`` of a filter.

    >>> span({"from": "1970-01-02", "to": "1970-01-02"}), span({"from": "", "to": ""})
    (Span(oldest=86400, latest=172799, problem=''), Span(oldest=None, latest=None, problem=''))
    """
    found = days.first_second(state["from"]), days.last_second(state["to"])
    for said, second in zip((state["from"], state["to"]), found, strict=True):
        if said and second is None:
            return Span(None, None, f"“{said}” is no date. Write it as 2026-11-25.")
    return Span(*found)


async def whom(tx: Tx, org: OrgId, said: str) -> str | None:
    """The id that an e-mail address, a username or an id stands for; empty: no such address; None: any."""
    if not said:
        return None
    key = account_key(said)
    if "@" in said:
        return await users.find_by_email(tx, org, key) or ""
    return await users.find_by_username(tx, org, key) or said
