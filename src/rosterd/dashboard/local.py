"""Signing in with a password: for administrators, when neither the provider nor the mail lets anybody in.

Rules of this module:

1. The answer and the time it takes are the same for a wrong password, for somebody who has none, and for
   nobody. The page is there whether anybody has one or not.
2. A comparison takes a tenth of a second of a core: how often one network, one name, and all together, may
   try is counted, and few wait in line. A stranger who tries all the time keeps out nobody who is elsewhere.
"""

from __future__ import annotations

from functools import partial

from rosterd.actions.doors import passwords
from rosterd.actions.doors.signin import Entry
from rosterd.dashboard import forms, pages, signin
from rosterd.dashboard.desk import Desk
from rosterd.dashboard.pages import Page, Visit
from rosterd.dashboard.patience import (
    ALL_PASSWORDS,
    NAMED_PASSWORDS,
    PASSWORDS,
    PASSWORDS_FROM,
    network_of,
)
from rosterd.dashboard.words import WORDS
from rosterd.directory.errors import NotAllowed
from rosterd.directory.model import Org
from rosterd.directory.names import account_key
from rosterd.directory.signin import Means, local_path
from rosterd.store.engine import Tx


async def ask(desk: Desk, visit: Visit, domain: str) -> Page:
    """Name and password."""
    org = await signin.org_of(desk, domain)
    return _form(org, local_path(visit.params.get("next"), signin.HOME))


async def enter(desk: Desk, visit: Visit, domain: str) -> Page:
    """A session for the administrator whose password this is."""
    org = await signin.org_of(desk, domain)
    fields = await forms.fields(visit, desk.base_url)
    onward = local_path(fields.get("next"), signin.HOME)
    name = fields.get("name", "").strip()[: signin.MAX_ADDRESS]
    key = account_key(name)
    if not _may_try(desk, visit, org, key):
        return _form(org, onward, name, "too_many_attempts")
    async with desk.store.read() as tx:
        claim = await passwords.claimed(tx, org, key)
    comparison = await desk.turns.take(partial(passwords.compared, fields.get("password", ""), claim.hash))
    if not comparison.fits:
        error = NotAllowed("wrong_password", user=claim.user_id or "")
        await signin.note_refusal(desk, visit, org, claim.user_id, Means.LOCAL, error)
        return _form(org, onward, name, "wrong_password")

    async def sign_in(tx: Tx) -> Entry:
        return await passwords.sign_in(tx, org, claim, comparison, key=desk.key, origin=visit.origin)

    return await signin.let_in(desk, visit, org, Means.LOCAL, onward, sign_in)


def _may_try(desk: Desk, visit: Visit, org: Org, name: str) -> bool:
    """Whether another password may be tried. Of the first that says no, those behind are not asked.

    By what was typed, not by whom it means: else two names of one person would show themselves.
    """
    network = network_of(visit.origin.ip_address)
    counted = (
        (network, PASSWORDS_FROM),
        (f"{network} {org.id} {name}", PASSWORDS),
        (f"{org.id} {name}", NAMED_PASSWORDS),
        ("", ALL_PASSWORDS),
    )
    return all(desk.guesses.allows(f"{limit.name} {key}", limit, 1) for key, limit in counted)


def _form(org: Org, onward: str, name: str = "", code: str = "") -> Page:
    refused = WORDS[code] if code else None
    status = refused.status if refused else 200
    return pages.render("local.html", status, org=org, next=onward, name=name, refused=refused)
