"""Apps, found by their client id, and the codes between consent and token, by the hash of the code."""

from __future__ import annotations

import msgspec

from rosterd.directory.apps import App, Code
from rosterd.directory.model import OrgId, TokenId, UserId
from rosterd.store.contract import Row, Tx


async def insert(tx: Tx, app: App, secret_hash: str) -> None:
    """Store a new app with the keyed hash of its secret."""
    await tx.run(
        "INSERT INTO apps (client_id, org_id, id, name, secret_hash, redirect_uris, scopes, created, revoked)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        app.client_id, app.org_id, app.id, app.name, secret_hash, _json(app.redirect_uris),
        _json(app.scopes), app.created, app.revoked,
    )  # fmt: skip


async def find(tx: Tx, client_id: str, *, lock: bool = False) -> tuple[App, str] | None:
    """The app with this client id, of any organisation, and the hash of its secret; None: there is none.

    ``lock``: it does not end before this transaction does.
    """
    sql = f"SELECT {_NAMES}, secret_hash FROM apps WHERE client_id = $1"
    row = await tx.one(sql + " FOR SHARE" if lock else sql, client_id)
    return None if row is None else (_app(tuple(row)[:-1]), row[-1])


async def of_org(tx: Tx, org: OrgId) -> list[App]:
    """All apps of the organisation, revoked ones too, in order of creation."""
    rows = await tx.all(f"SELECT {_NAMES} FROM apps WHERE org_id = $1 ORDER BY created, id", org)
    return [_app(row) for row in rows]


async def revoke(tx: Tx, org: OrgId, id: str, at: int) -> bool:
    """End an app at ``at`` (seconds). False: there is none, or it ended before."""
    sql = "UPDATE apps SET revoked = $3 WHERE org_id = $1 AND id = $2 AND revoked IS NULL"
    return await tx.run(sql, org, id, at) > 0


async def add_code(tx: Tx, code: Code, hash: str) -> None:
    """Store a new code under its keyed hash."""
    await tx.run(
        "INSERT INTO oauth_codes (hash, org_id, client_id, user_id, team_id, scopes, redirect_uri, challenge,"
        " expires, token_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        hash, code.org_id, code.client_id, code.user_id, code.team_id, _json(code.scopes), code.redirect_uri,
        code.challenge, code.expires, code.token_id,
    )  # fmt: skip


async def find_code(tx: Tx, org: OrgId, hash: str, *, lock: bool = False) -> Code | None:
    """The code with this hash. ``lock``: nobody else exchanges it before this transaction ends."""
    sql = (
        "SELECT org_id, client_id, user_id, team_id, scopes, redirect_uri, challenge, expires, token_id"
        " FROM oauth_codes WHERE org_id = $1 AND hash = $2"
    )
    row = await tx.one(sql + " FOR UPDATE" if lock else sql, org, hash)
    if row is None:
        return None
    org_id, client_id, user, team, scopes, redirect_uri, challenge, expires, token = row
    return Code(org_id, client_id, user, team, _texts.decode(scopes), redirect_uri, challenge, expires, token)


async def update_code(tx: Tx, org: OrgId, hash: str, token: TokenId) -> None:
    """Note what a code was exchanged for."""
    await tx.run("UPDATE oauth_codes SET token_id = $3 WHERE org_id = $1 AND hash = $2", org, hash, token)


async def remove_codes(tx: Tx, org: OrgId, user: UserId) -> None:
    """Forget the codes that a user has consented to and nobody has exchanged."""
    await tx.run("DELETE FROM oauth_codes WHERE org_id = $1 AND user_id = $2 AND token_id IS NULL", org, user)


async def remove_expired(tx: Tx, org: OrgId, at: int) -> None:
    """Forget the codes of the organisation that were good until ``at`` (seconds) at most."""
    await tx.run("DELETE FROM oauth_codes WHERE org_id = $1 AND expires <= $2", org, at)


_NAMES = "client_id, org_id, id, name, redirect_uris, scopes, created, revoked"
_texts = msgspec.json.Decoder(tuple[str, ...])


def _json(texts: tuple[str, ...]) -> str:
    return msgspec.json.encode(texts).decode()


def _app(row: Row) -> App:
    client_id, org, id, name, redirect_uris, scopes, created, revoked = row
    return App(
        client_id, org, id, name, _texts.decode(redirect_uris), _texts.decode(scopes), created, revoked
    )
