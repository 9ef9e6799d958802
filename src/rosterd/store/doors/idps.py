"""The identity provider of an organisation. Its client secret must be used, so it is stored as it is."""

from __future__ import annotations

from rosterd.directory.model import OrgId
from rosterd.directory.signin import IdentityProvider
from rosterd.store.contract import Tx


async def update(tx: Tx, idp: IdentityProvider) -> None:
    """Store the provider of an organisation, in place of another."""
    await tx.run(
        "INSERT INTO idps (org_id, issuer, client_id, client_secret, accepts_unverified, created)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (org_id) DO UPDATE SET issuer = excluded.issuer,"
        " client_id = excluded.client_id, client_secret = excluded.client_secret,"
        " accepts_unverified = excluded.accepts_unverified, created = excluded.created",
        idp.org_id, idp.issuer, idp.client_id, idp.client_secret, int(idp.accepts_unverified), idp.created,
    )  # fmt: skip


async def find(tx: Tx, org: OrgId) -> IdentityProvider | None:
    """The provider of an organisation; None: it has none."""
    row = await tx.one(
        "SELECT issuer, client_id, client_secret, accepts_unverified, created FROM idps WHERE org_id = $1",
        org,
    )
    if row is None:
        return None
    issuer, client_id, client_secret, accepts_unverified, created = row
    return IdentityProvider(org, issuer, client_id, client_secret, bool(accepts_unverified), created)


async def remove(tx: Tx, org: OrgId) -> bool:
    """Forget the provider of an organisation. False: it has none."""
    return await tx.run("DELETE FROM idps WHERE org_id = $1", org) > 0
