"""What an import does: an organisation comes from elsewhere, piece by piece, and exists when it is whole.

One transaction for all would keep others from writing for minutes. So the pieces come in batches,
into an organisation that is unfinished (see :mod:`rosterd.store.upkeep.whole_org`): nobody has a token for
it, and its domain leads nowhere. What is left of an import that was cut off is removed by the next
import of the same organisation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rosterd.directory.errors import Invalid, NotAllowed, Taken
from rosterd.directory.events import Event
from rosterd.directory.model import Actor, Org
from rosterd.directory.names import check_org_domain
from rosterd.store import orgs, users
from rosterd.store.contract import Conflict
from rosterd.store.engine import Tx
from rosterd.store.records import audit
from rosterd.store.upkeep import whole_org
from rosterd.store.upkeep.whole_org import Value


async def begin(tx: Tx, org: Org, token: str, *, actor: Actor) -> Org:
    """The organisation, unfinished and empty; ``token`` is this import's own.

    Raises ``invalid_domain``, ``domain_reserved``, ``domain_taken`` and ``org_exists``; of an earlier
    import nothing may be left (:func:`discard`).
    """
    _check_operator(actor)
    check_org_domain(org.domain)
    await _check_domain_free(tx, org)
    unfinished = whole_org.unfinished(org, token)
    if not await orgs.insert(tx, unfinished):
        raise Taken("org_exists", org=org.id)
    return unfinished


async def add(tx: Tx, unfinished: Org, values: Sequence[Value], *, actor: Actor) -> None:
    """More of the organisation. Raises :class:`~rosterd.store.contract.Conflict`."""
    _check_operator(actor)
    await whole_org.add(tx, unfinished, values)


async def add_unsealed(tx: Tx, unfinished: Org, leaves: Sequence[tuple[str, str]], *, actor: Actor) -> None:
    """The events, by id and leaf, that wait for a seal: after all seals, which a sealer must find."""
    _check_operator(actor)
    await whole_org.add_unsealed(tx, unfinished.id, leaves)


async def finish(tx: Tx, org: Org, counts: Mapping[str, int], *, actor: Actor) -> None:
    """From now on the organisation exists. ``counts``: what came, for its trail.

    Raises ``domain_taken`` and ``no_primary_owner``.
    """
    _check_operator(actor)
    if await users.primary_owner(tx, org.id) is None:
        raise Invalid("no_primary_owner", org=org.id)
    await _check_domain_free(tx, org)
    try:
        await orgs.update(tx, org)
    except Conflict as error:
        raise Taken("domain_taken", domain=org.domain) from error
    await audit.append(tx, [Event("organization_imported", "enterprise", org.id, dict(counts))], actor)


async def discard(tx: Tx, unfinished: Org, *, actor: Actor) -> bool:
    """Remove a slice of an unfinished organisation. False: nothing is left of it."""
    _check_operator(actor)
    return await whole_org.remove_some(tx, unfinished)


async def _check_domain_free(tx: Tx, org: Org) -> None:
    holder = await orgs.find(tx, org.domain)
    if holder is not None:
        raise Taken("domain_taken", domain=org.domain)


def _check_operator(actor: Actor) -> None:
    if not actor.is_operator:
        raise NotAllowed("permission_denied")
