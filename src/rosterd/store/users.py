"""People: the users table, their addresses, and the groups they are in.

Rules of this module:

1. The row is the truth. What a user is looked up by has a column, folded where case does not
   count; the rest is the ``profile`` document.
2. A username is held in :mod:`rosterd.store.names` before the row that names it, and every address
   in ``emails`` after the row that it belongs to: the schema's keys ask for it.
3. Nobody is ever deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from rosterd.directory.model import ChannelRef, GroupId, GroupRef, OrgId, Profile, Role, User, UserId
from rosterd.directory.names import folded
from rosterd.directory.query import Compare, Condition, Op
from rosterd.store import names, query
from rosterd.store.contract import Row, Step, Tx
from rosterd.store.query import Field

FIELDS = {
    "id": Field("t.id"),
    "username": Field("t.username"),
    "email": Field("email", within="t.id IN (SELECT user_id FROM emails WHERE org_id = $1 AND {})"),
    "primary_email": Field("t.email_folded"),
    "display_name": Field("t.display_folded"),
    "role": Field("t.role"),
    "active": Field("t.deactivated", is_number=True, is_negated=True),
    "created": Field("t.created", is_number=True),  # microseconds
}
"""What a condition may ask of a user. Text must come folded."""


class Card(NamedTuple):
    """A user as readers see it: the text that was stored with the row, and what changes without it."""

    id: UserId
    text: str
    groups: list[GroupRef]  # the earliest joined first
    channels: Sequence[ChannelRef] = ()  # of a guest, where they have been looked up


class Brief(msgspec.Struct, frozen=True):
    """What membership rules must know of a person."""

    role: Role
    deactivated: bool
    erased: bool


Taken = Literal["username", "id", "email"]
"""What of a new user somebody else has already."""


async def insert(tx: Tx, user: User) -> bool:
    """Store a new user whose username is already held. False: the id is taken."""
    return await tx.run(_INSERT, *_values(tx, user)) > 0


async def insert_whole(tx: Tx, user: User, emails: Sequence[str], trail: Sequence[Step]) -> Taken | None:
    """Store a new user with their username, their addresses (folded) and, last, their audit trail.

    Says what of it is taken, if anything is: then only a part is stored, and the transaction can be left.
    A taken username is the first to be found out, so that nothing is stored yet.
    """
    steps = [
        names.addition(user.org_id, user.username, "user", user.id),
        (_INSERT, _values(tx, user)),
        *((_ADD_EMAIL, (user.org_id, email, user.id)) for email in emails),
        *trail,
    ]
    done = await tx.together(steps)
    if done == len(steps):
        return None
    return ("username", "id")[done] if done < 2 else "email"


async def update(tx: Tx, user: User) -> None:
    """Store every field of a user that exists."""
    await tx.run(_UPDATE, *_values(tx, user))


async def find(tx: Tx, org: OrgId, id: UserId, *, lock: bool = False) -> User | None:
    """The user, or None. ``lock``: nobody else changes the row before this transaction ends."""
    row = await tx.one(_FIND + " FOR UPDATE" if lock else _FIND, org, id)
    return None if row is None else from_row(row)


async def find_many(tx: Tx, org: OrgId, ids: Sequence[UserId]) -> list[User]:
    """These users, in order of creation. Unknown ids are left out."""
    return [from_row(row) for row in await tx.all(_FIND_MANY, org, list(ids))]


async def ids(tx: Tx, org: OrgId, after: str, limit: int) -> list[UserId]:
    """People of the organisation in order of id, from the first behind ``after`` on."""
    rows = await tx.all(
        "SELECT id FROM users WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT $3", org, after, limit
    )
    return [UserId(id) for (id,) in rows]


async def expired_guests(tx: Tx, org: OrgId, now: int, limit: int) -> list[UserId]:
    """Active guests whose time was up by ``now`` (seconds), the first one first."""
    rows = await tx.all(
        "SELECT id FROM users WHERE org_id = $1 AND deactivated = 0 AND guest_expires <= $2"
        " ORDER BY guest_expires, id LIMIT $3",
        org, now, limit,
    )  # fmt: skip
    return [UserId(id) for (id,) in rows]


async def card(tx: Tx, org: OrgId, id: UserId) -> Card | None:
    """The user's card: one statement."""
    return card_of(await tx.all(CARD_BY["id"], org, id))


def card_of(rows: Iterable[Row]) -> Card | None:
    """The one card that rows of `CARD_BY` are about, if any."""
    found: Card | None = None
    joined: list[tuple[int, GroupId, str]] = []
    for id, added, text in rows:
        if added is None:
            found = Card(id, text, [])
        else:
            joined.append((added, id, text))
    if found is not None and joined:
        joined.sort()  # they are in order already, but SQL does not say so of UNION ALL
        found.groups.extend([GroupRef(id, name) for _, id, name in joined])
    return found


def is_lookup(condition: Condition | None) -> bool:
    """Whether at most one user fits, whom an index finds."""
    return isinstance(condition, Compare) and condition.op is Op.EQ and condition.field in CARD_BY


async def page(
    tx: Tx, org: OrgId, condition: Condition | None, start: int, count: int
) -> tuple[list[Card], int]:
    """Users that fit, in order of creation, from the ``start``-th (from 1) on, and the total."""
    if isinstance(condition, Compare) and is_lookup(condition):
        askable = "\0" not in str(condition.value)  # PostgreSQL refuses it, so that nobody has one
        rows = await tx.all(CARD_BY[condition.field], org, condition.value) if askable else ()
        card = card_of(rows)
        found = [] if card is None else [card]
        return found[start - 1 : start - 1 + count], len(found)
    ids, total = await query.page(tx, "users", FIELDS, org, condition, start, count)
    if not ids:
        return [], total
    groups = await groups_of(tx, org, [UserId(id) for id in ids])
    return [Card(UserId(id), text, groups[id]) for id, text in await tx.all(_CARDS, org, ids)], total


async def find_by_username(tx: Tx, org: OrgId, username: str) -> UserId | None:
    """Whose username this is (lower case)."""
    rows = await tx.known("SELECT id FROM users WHERE org_id = $1 AND username = $2", org, username)
    return UserId(rows[0][0]) if rows else None


async def find_by_email(tx: Tx, org: OrgId, email: str) -> UserId | None:
    """Whose address this is (folded), primary or secondary."""
    rows = await tx.known("SELECT user_id FROM emails WHERE org_id = $1 AND email = $2", org, email)
    return UserId(rows[0][0]) if rows else None


async def primary_owner(tx: Tx, org: OrgId) -> UserId | None:
    """The one primary owner; None before there is one."""
    row = await tx.one(
        "SELECT id FROM users WHERE org_id = $1 AND role = $2 ORDER BY created, id LIMIT 1",
        org, str(Role.PRIMARY_OWNER),
    )  # fmt: skip
    return None if row is None else UserId(row[0])


async def add_email(tx: Tx, org: OrgId, email: str, user: UserId) -> bool:
    """Give a user an address (folded). False: somebody has it already, perhaps this user."""
    return await tx.together([(_ADD_EMAIL, (org, email, user))]) > 0


async def remove_email(tx: Tx, org: OrgId, email: str, user: UserId) -> bool:
    """Take an address (folded) from a user. False: the user did not have it."""
    return (
        await tx.run("DELETE FROM emails WHERE org_id = $1 AND email = $2 AND user_id = $3", org, email, user)
        > 0
    )


async def briefs(tx: Tx, org: OrgId, ids: Sequence[UserId]) -> dict[UserId, Brief]:
    """What membership rules must know of these people. Unknown ids are left out."""
    rows = await tx.all(
        "SELECT id, role, deactivated, erased FROM users WHERE org_id = $1 AND id IN each($2)", org, list(ids)
    )
    return {
        UserId(id): Brief(Role(role), bool(deactivated), bool(erased))
        for id, role, deactivated, erased in rows
    }


async def groups_of(tx: Tx, org: OrgId, ids: Sequence[UserId]) -> dict[UserId, list[GroupRef]]:
    """The groups that each of these users is in, the earliest joined first."""
    found: dict[UserId, list[GroupRef]] = {id: [] for id in ids}
    if found:
        for user, group, name in await tx.all(_GROUPS_OF, org, list(found)):
            found[UserId(user)].append(GroupRef(GroupId(group), name))
    return found


_NAMES = (
    "org_id", "id", "created", "username", "email", "display_name", "role", "deactivated",
    "date_claimed", "guest_expires", "erased", "profile", "email_folded", "display_folded", "full_name",
    "card",
)  # fmt: skip
_WIDTH = 12  # the columns that make a User; the others follow from them

COLUMNS = ", ".join(f"t.{name}" for name in _NAMES[:_WIDTH])
"""What :func:`from_row` reads, of the alias ``t``."""
_INSERT = (
    f"INSERT INTO users ({', '.join(_NAMES)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(_NAMES)))})"
    " ON CONFLICT (org_id, id) DO NOTHING"
)
_ADD_EMAIL = "INSERT INTO emails (org_id, email, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_UPDATE = (
    f"UPDATE users SET {', '.join(f'{name} = ${n + 1}' for n, name in enumerate(_NAMES) if n > 1)}"
    " WHERE org_id = $1 AND id = $2"
)
_FIND = f"SELECT {COLUMNS} FROM users t WHERE t.org_id = $1 AND t.id = $2"
_FIND_MANY = (
    f"SELECT {COLUMNS} FROM users t WHERE t.org_id = $1 AND t.id IN each($2) ORDER BY t.created, t.id"
)
_CARDS = "SELECT id, card FROM users WHERE org_id = $1 AND id IN each($2) ORDER BY created, id"
CARD_BY = {
    field: (
        "SELECT t.id, CAST(NULL AS BIGINT) AS added, t.card AS text FROM users t"
        f" WHERE t.org_id = $1 AND t.id = {whose} UNION ALL"
        " SELECT m.group_id, m.added, g.display_name FROM members m"
        " JOIN groups g ON g.org_id = m.org_id AND g.id = m.group_id"
        f" WHERE m.org_id = $1 AND m.user_id = {whose}"
    )
    for field, whose in {
        "id": "$2",
        "username": "(SELECT id FROM users WHERE org_id = $1 AND username = $2)",
        "email": "(SELECT user_id FROM emails WHERE org_id = $1 AND email = $2)",
    }.items()
}
"""One user's card and, with the time of joining, the groups: field → statement, by organisation and value."""
_GROUPS_OF = (
    "SELECT m.user_id, g.id, g.display_name FROM members m"
    " JOIN groups g ON g.org_id = m.org_id AND g.id = m.group_id"
    " WHERE m.org_id = $1 AND m.user_id IN each($2) ORDER BY m.added, g.id"
)

_profile = msgspec.json.Decoder(Profile)


def _values(tx: Tx, user: User) -> tuple[str | int | None, ...]:
    return (
        user.org_id, user.id, user.created, user.username, user.email, user.display_name,
        str(user.role), int(user.deactivated), user.date_claimed, user.guest_expires, int(user.erased),
        msgspec.json.encode(user.profile).decode(), folded(user.email), folded(user.display_name),
        user.full_name, tx.card(user),
    )  # fmt: skip


def from_row(row: Row) -> User:
    """The user in a row of `COLUMNS`."""
    org, id, created, username, email, display_name, role, gone, claimed, expires, erased, profile = row
    return User(
        org, id, created, username, email, display_name, Role(role), bool(gone),
        claimed, expires, bool(erased), _profile.decode(profile),
    )  # fmt: skip
