"""A check of the whole database: what the schema cannot promise, and what it should have.

Rules of this module:

1. Nothing is repaired here. A problem is one sentence that names the organisation and the row.
2. What SQL can say is a row of :data:`rosterd.store.upkeep.checks.CHECKS`; what needs folding, a profile or
   JSON is computed over rows in slices.
3. The caller gives one snapshot (:meth:`rosterd.store.contract.Store.scan`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from rosterd.directory.channels import channel_name
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import OrgId, Profile, UserId
from rosterd.directory.names import folded, full_name
from rosterd.store import users
from rosterd.store.contract import Row, Tx
from rosterd.store.upkeep import index_check, whole_org
from rosterd.store.upkeep.checks import CHECKS

EXAMPLES = 100
"""Problems of one kind that are named."""

SLICE = 1_000


Problems = Callable[[Tx, Sequence[Row]], Awaitable[list[str]]]
"""What is wrong in a slice of rows."""


async def check(tx: Tx, org: OrgId | None = None) -> list[str]:
    """Every problem found, as sentences, in one organisation or all that are whole. Nothing wrong: empty.

    At most `EXAMPLES` of a kind are named.
    """
    found: list[str] = []
    own = () if org is None else (org,)
    for each in CHECKS:
        sql = f"{each.sql} AND {'t.org_id = $1' if own else _WHOLE}"
        rows = await tx.all(f"{sql} ORDER BY 1, 2 LIMIT {EXAMPLES}", *own)
        found += [f"{row[0]}: {each.sentence.format(*row[1:])}" for row in rows]
    for sql, problems in (
        (_USERS, _check_users),
        (_EMAILS, _check_emails),
        (_GROUPS, _check_groups),
        (_CHANNELS, _check_channels),
        (_OUTBOX, _check_outbox),
    ):
        found += await _check_slices(tx, org, sql, problems)
    return found + await index_check.check(tx, org, EXAMPLES)


async def _check_slices(tx: Tx, org: OrgId | None, sql: str, problems: Problems) -> list[str]:
    """What is wrong in the rows of a query over organisation and key, of one organisation or all."""
    found: list[str] = []
    last: Sequence[str] = (org or "", "")
    while len(found) < EXAMPLES:
        rows = [row for row in await tx.all(sql, *last, SLICE) if org in (None, row[0])]
        if not rows:
            break
        found += await problems(tx, rows)
        last = rows[-1][:2]
    return found[:EXAMPLES]


async def _check_groups(_: Tx, rows: Sequence[Row]) -> list[str]:
    return [
        f"{org}: group {id} is not folded as {name!r} should be"
        for org, id, name, stored in rows
        if folded(name) != stored
    ]


async def _check_channels(_: Tx, rows: Sequence[Row]) -> list[str]:
    return [
        f"{org}: channel {id} has the name {name!r}, which no channel can have"
        for org, id, name in rows
        if not _is_channel_name(name)
    ]


def _is_channel_name(text: str) -> bool:
    try:
        return channel_name(text) == text
    except DirectoryError:
        return False


async def _check_outbox(_: Tx, rows: Sequence[Row]) -> list[str]:
    return [
        f"{org}: errand {id} has arguments that cannot be read"
        for org, id, arguments in rows
        if not _is_object(arguments)
    ]


def _is_object(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        return False
    return True


async def _check_users(tx: Tx, rows: Sequence[Row]) -> list[str]:
    holders = await _holders(tx, rows)
    found = [f"{row[0]}: user {row[1]} {what}" for row in rows for what in _problems_of_user(row, holders)]
    return found + await _check_cards(tx, rows)


async def _check_cards(tx: Tx, rows: Sequence[Row]) -> list[str]:
    """Of a slice of users, those whose card, of the revision that is written now, is not the row's."""
    found: list[str] = []
    for org in dict.fromkeys(row[0] for row in rows):
        ids = [UserId(row[1]) for row in rows if row[0] == org]
        stored: dict[str, str] = dict(await tx.all(_CARDS, org, ids))
        try:
            people = await users.find_many(tx, org, ids)
        except (ValueError, msgspec.MsgspecError):
            continue  # a role or a profile that cannot be read is told of elsewhere
        for user in people:
            expected = tx.card(user)
            if stored[user.id] != expected and stored[user.id][:1] == expected[:1]:
                found.append(f"{org}: user {user.id} has a card that does not fit the row")
    return found


async def _check_emails(_: Tx, rows: Sequence[Row]) -> list[str]:
    return [
        f"{org}: user {id} owns the address {address!r} without having it"
        for org, address, id, email, document in rows
        if address not in (_owned(email, document) or {address})
    ]


async def _holders(tx: Tx, rows: Sequence[Row]) -> dict[tuple[str, str], str]:
    """(org, address) → whose it is, for the addresses of a slice of users."""
    found: dict[tuple[str, str], str] = {}
    for org in dict.fromkeys(row[0] for row in rows):
        owned = (_owned(row[3], row[8]) or () for row in rows if row[0] == org)
        asked = [address for addresses in owned for address in addresses]
        for address, user in await tx.all(_HOLDERS, org, asked):
            found[org, address] = user
    return found


def _owned(email: str, document: str) -> set[str] | None:
    """The addresses that a user's row has, folded; None: its profile cannot be read."""
    try:
        profile = msgspec.json.decode(document, type=Profile)
    except msgspec.MsgspecError:
        return None
    return {folded(address) for address in (email, profile.secondary_email) if address}


def _problems_of_user(row: Row, holders: Mapping[tuple[str, str], str]) -> Iterator[str]:
    org, id, username, email, email_folded, display, display_folded, shown, document = row
    for name, text, stored in (
        ("username", username, username),
        ("e-mail address", email, email_folded),
        ("display name", display, display_folded),
    ):
        if folded(text) != stored:
            yield f"has a {name} that is not folded as {text!r} should be"
    try:
        profile = msgspec.json.decode(document, type=Profile)
    except msgspec.MsgspecError as error:
        yield f"has a profile that cannot be read: {error}"
        return
    expected = full_name(profile.given_name, profile.family_name, display, username)
    if shown != expected:
        yield f"is shown in groups as {shown!r} instead of {expected!r}"
    for address in sorted(_owned(email, document) or ()):
        if holders.get((org, address)) != id:
            yield f"has the address {address!r}, which does not belong to that user"


_WHOLE = f"NOT EXISTS (SELECT 1 FROM orgs u WHERE u.id = t.org_id AND u.domain LIKE '{whole_org.MARK}%')"
"""An import that is under way, or was cut off, has left things out that are still to come."""
_USERS = (
    "SELECT org_id, id, username, email, email_folded, display_name, display_folded, full_name, profile"
    " FROM users WHERE (org_id, id) > ($1, $2) ORDER BY org_id, id LIMIT $3"
)
_GROUPS = (
    "SELECT org_id, id, display_name, display_folded FROM groups"
    " WHERE (org_id, id) > ($1, $2) ORDER BY org_id, id LIMIT $3"
)
_CHANNELS = "SELECT org_id, id, name FROM channels WHERE (org_id, id) > ($1, $2) ORDER BY org_id, id LIMIT $3"
_OUTBOX = (
    "SELECT org_id, id, arguments FROM outbox WHERE (org_id, id) > ($1, $2) ORDER BY org_id, id LIMIT $3"
)
_CARDS = "SELECT id, card FROM users WHERE org_id = $1 AND id IN each($2)"
_HOLDERS = "SELECT email, user_id FROM emails WHERE org_id = $1 AND email IN each($2)"
_EMAILS = (
    "SELECT t.org_id, t.email, t.user_id, u.email, u.profile FROM emails t"
    " JOIN users u ON u.org_id = t.org_id AND u.id = t.user_id"
    " WHERE (t.org_id, t.email) > ($1, $2) ORDER BY t.org_id, t.email LIMIT $3"
)
