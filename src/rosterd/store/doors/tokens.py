"""Tokens, found by the keyed hash of their secret. The secret itself is never here.

A revoked token keeps its row: who used it stays readable, and the hash is never free again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from rosterd.directory.model import Org, OrgId, Role, Token, TokenId, UserId
from rosterd.store import orgs
from rosterd.store.contract import Row, Tx


class Grant(msgspec.Struct, frozen=True):
    """What a token stands for, as found: whether it still counts is the caller's to judge."""

    token: Token
    owner_role: Role
    owner_deactivated: bool
    org: Org


async def insert(tx: Tx, token: Token, hash: str) -> None:
    """Store a new token under the keyed hash of its secret."""
    await tx.run(
        "INSERT INTO tokens (hash, id, org_id, user_id, scopes, team_id, allow_ips, created, expires,"
        " last_used, revoked, app_id, name, replaced_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        hash, token.id, token.org_id, token.user_id, _json(token.scopes), token.team_id,
        _json(token.allow_ips), token.created, token.expires, token.last_used, token.revoked,
        token.app_id, token.name, token.replaced_by,
    )  # fmt: skip


async def authenticate(tx: Tx, hash: str) -> Grant | None:
    """The token with this hash, its owner and organisation, in one statement. None: no such token."""
    return grant(await tx.known(AUTHENTICATE, hash))


def grant(rows: Sequence[Row]) -> Grant | None:
    """What the rows of `AUTHENTICATE` say."""
    return _grant(tuple(rows[0])) if rows else None


async def of_org(tx: Tx, org: OrgId) -> list[Token]:
    """All tokens of the organisation, revoked ones too, in order of creation."""
    rows = await tx.all(f"SELECT {_COLUMNS} FROM tokens t WHERE t.org_id = $1 ORDER BY t.created, t.id", org)
    return [_token(row) for row in rows]


async def find(tx: Tx, org: OrgId, id: TokenId, *, lock: bool = False) -> Token | None:
    """A token of the organisation. ``lock``: it stays as it is until the end of the transaction."""
    sql = f"SELECT {_COLUMNS} FROM tokens t WHERE t.org_id = $1 AND t.id = $2"
    row = await tx.one(sql + " FOR UPDATE" if lock else sql, org, id)
    return None if row is None else _token(row)


async def update(tx: Tx, token: Token) -> None:
    """Store what of a token may change: when it ends, from where it may be used, name, successor."""
    await tx.run(
        "UPDATE tokens SET expires = $3, allow_ips = $4, name = $5, replaced_by = $6"
        " WHERE org_id = $1 AND id = $2",
        token.org_id, token.id, token.expires, _json(token.allow_ips), token.name, token.replaced_by,
    )  # fmt: skip


async def of_user(tx: Tx, org: OrgId, user: UserId) -> list[Token]:
    """All tokens of a user, revoked ones too, in order of creation."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM tokens t WHERE t.org_id = $1 AND t.user_id = $2 ORDER BY t.created, t.id",
        org, user,
    )  # fmt: skip
    return [_token(row) for row in rows]


async def page(
    tx: Tx, org: OrgId, now: int, *, ended: bool, after: tuple[int, str] | None = None, limit: int
) -> list[Token]:
    """Tokens that count at ``now`` (seconds), or those that have ended: the newest first.

    ``after``: when the last one of the page before was made, and its id. Looks at all: under ``scan``.
    """
    rows = await tx.all(_ENDED if ended else _COUNTING, org, now, *(after or _LATEST), limit)
    return [_token(row) for row in rows]


async def last_used(tx: Tx, org: OrgId, limit: int) -> list[Token]:
    """The tokens that were used last, ended ones too, then those that never were. Under ``scan``."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM tokens t WHERE t.org_id = $1"
        " ORDER BY COALESCE(t.last_used, -1) DESC, t.created DESC, t.id LIMIT $2",
        org, limit,
    )  # fmt: skip
    return [_token(row) for row in rows]


async def of_app(tx: Tx, org: OrgId, app_id: str, now: int, limit: int) -> list[Token]:
    """Tokens that count at ``now`` (seconds) and that an app was given: the oldest first. Under ``scan``."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM tokens t WHERE t.org_id = $1 AND t.app_id = $2 AND t.revoked IS NULL"
        " AND (t.expires IS NULL OR t.expires > $3) ORDER BY t.created, t.id LIMIT $4",
        org, app_id, now, limit,
    )  # fmt: skip
    return [_token(row) for row in rows]


async def roles_behind(tx: Tx, org: OrgId, app_id: str) -> set[Role]:
    """The roles of those for whom an app has tokens that are not revoked."""
    rows = await tx.all(
        "SELECT DISTINCT u.role FROM tokens t JOIN users u ON u.org_id = $1 AND u.id = t.user_id"
        " WHERE t.org_id = $1 AND t.app_id = $2 AND t.revoked IS NULL",
        org, app_id,
    )  # fmt: skip
    return {Role(role) for (role,) in rows}


async def counts_by_app(tx: Tx, org: OrgId, now: int) -> dict[str, int]:
    """How many tokens that count at ``now`` (seconds) each app was given. Under ``scan``."""
    rows = await tx.all(
        "SELECT t.app_id, COUNT(*) FROM tokens t WHERE t.org_id = $1 AND t.app_id IS NOT NULL"
        " AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $2) GROUP BY t.app_id",
        org, now,
    )  # fmt: skip
    return dict(map(tuple, rows))


async def revoke(tx: Tx, org: OrgId, id: TokenId, at: int) -> bool:
    """End a token at ``at`` (seconds). False: there is none, or it ended before."""
    sql = "UPDATE tokens SET revoked = $3 WHERE org_id = $1 AND id = $2 AND revoked IS NULL"
    return await tx.run(sql, org, id, at) > 0


async def revoke_of_user(tx: Tx, org: OrgId, user: UserId, at: int) -> list[TokenId]:
    """End all tokens of a user at ``at`` (seconds). Returns those ended, in order of id."""
    rows = await tx.all(
        "UPDATE tokens SET revoked = $3 WHERE org_id = $1 AND user_id = $2 AND revoked IS NULL RETURNING id",
        org, user, at,
    )  # fmt: skip
    return sorted(TokenId(id) for (id,) in rows)


async def revoke_of_app(tx: Tx, org: OrgId, app_id: str, at: int) -> list[TokenId]:
    """End all tokens that an app was given, at ``at`` (seconds). Returns those ended, in order of id."""
    rows = await tx.all(
        "UPDATE tokens SET revoked = $3 WHERE org_id = $1 AND app_id = $2 AND revoked IS NULL RETURNING id",
        org, app_id, at,
    )  # fmt: skip
    return sorted(TokenId(id) for (id,) in rows)


async def touch(tx: Tx, uses: Sequence[tuple[str, int]]) -> None:
    """Note when tokens were last used: pairs of hash and seconds. An earlier time changes nothing."""
    await tx.many(
        "UPDATE tokens SET last_used = $2 WHERE hash = $1 AND (last_used IS NULL OR last_used < $2)", uses
    )


_NAMES = (
    "id", "org_id", "user_id", "scopes", "team_id", "allow_ips", "created", "expires", "last_used", "revoked",
    "app_id", "name", "replaced_by",
)  # fmt: skip
_WIDTH = len(_NAMES)
_COLUMNS = ", ".join(f"t.{name}" for name in _NAMES)
_LATEST = (2**62, "")
_PAGE = (
    f"SELECT {_COLUMNS} FROM tokens t WHERE t.org_id = $1 AND {{}}"
    " AND (t.created < $3 OR (t.created = $3 AND t.id > $4)) ORDER BY t.created DESC, t.id LIMIT $5"
)
_COUNTING = _PAGE.format("t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $2)")
_ENDED = _PAGE.format("(t.revoked IS NOT NULL OR t.expires <= $2)")
AUTHENTICATE = (
    f"SELECT {_COLUMNS}, u.role, u.deactivated, {', '.join(f'o.{name}' for name in orgs.COLUMNS.split(', '))}"
    " FROM tokens t JOIN users u ON u.org_id = t.org_id AND u.id = t.user_id"
    " JOIN orgs o ON o.id = t.org_id WHERE t.hash = $1"
)
"""A token with its owner and organisation, by the hash."""


@lru_cache(maxsize=1024)
def _grant(row: Row) -> Grant:
    """What a row says. Remembered: it is read with every request and is nearly always the same."""
    role, deactivated = row[_WIDTH : _WIDTH + 2]
    return Grant(_token(row[:_WIDTH]), Role(role), bool(deactivated), orgs.from_row(row[_WIDTH + 2 :]))


_texts = msgspec.json.Decoder(tuple[str, ...])


def _json(texts: tuple[str, ...]) -> str:
    return msgspec.json.encode(texts).decode()


def _token(row: Row) -> Token:
    id, org, user, scopes, team, allow_ips, created, expires, last_used, revoked, app, name, successor = row
    return Token(
        id, org, user, _texts.decode(scopes), team, _texts.decode(allow_ips),
        created, expires, last_used, revoked, app, name, successor,
    )  # fmt: skip
