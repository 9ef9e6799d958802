"""Signing in and out: by the organisation's own provider, or by a link that is sent by e-mail.

By a password: :mod:`rosterd.dashboard.local`.

Rules of this module:

1. Who may sign in is decided by :mod:`rosterd.actions.doors.signin`; what a provider says only finds the
   person.
2. Nobody learns from a page, or from how long it takes, whether an address belongs to a member.
3. The page that a link leads to changes nothing: mail scanners open links before people do.
4. Whoever signs in gets a new session; one that this browser had before is ended.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode, urlsplit

from rosterd.actions.doors import signin as actions
from rosterd.actions.doors.apps import hash_of
from rosterd.actions.doors.signin import Entry
from rosterd.dashboard import forms, pages
from rosterd.dashboard.desk import Desk
from rosterd.dashboard.oidc import Identity
from rosterd.dashboard.pages import Page, Visit
from rosterd.dashboard.patience import MAIL_COST, MAILS, REFUSALS
from rosterd.dashboard.session import FLOW_SECONDS, Flow, actor_of
from rosterd.dashboard.words import WORDS
from rosterd.directory import access
from rosterd.directory import signin as rules
from rosterd.directory.errors import DirectoryError, Invalid, NotAllowed, NotFound
from rosterd.directory.model import Org, UserId
from rosterd.directory.names import account_key
from rosterd.directory.signin import (
    FRESH_SECONDS,
    LINK_SECONDS,
    IdentityProvider,
    Means,
    is_usable,
    local_path,
    since_proof,
)
from rosterd.store import users
from rosterd.store.doors import idps, sessions
from rosterd.store.doors.sessions import Seat
from rosterd.store.engine import Tx

log = logging.getLogger("rosterd.dashboard")

HOME = "/home"
BOARD = "/admin"
"""Where whoever wanted to go nowhere in particular gets to: members, and administrators."""

MAX_ADDRESS = 255

AGAIN = "again"
"""The parameter by which somebody who is signed in is asked to show once more who they are."""

FILLING_SECONDS = 15 * 60
"""How long somebody may take to fill in a form after its page was opened in time."""


async def find_org(desk: Desk, visit: Visit) -> Page:
    """Which organisation? Leads to its own page."""
    onward = local_path(visit.params.get("next"), HOME)
    domain = visit.params.get("domain", "").strip().lower()
    if not domain:
        return pages.render("find.html", next=onward)
    org = await org_of(desk, domain)
    return pages.redirect(f"/signin/{org.domain}?{urlencode({'next': onward})}")


async def choose(desk: Desk, visit: Visit, domain: str) -> Page:
    """How to sign in to this organisation."""
    org = await org_of(desk, domain)
    async with desk.store.read() as tx:
        idp = await idps.find(tx, org.id)
        seat = await desk.cookies.seat(visit, tx)
    again = AGAIN in visit.params
    onward = {"next": local_path(visit.params.get("next"), HOME)} | ({AGAIN: "1"} if again else {})
    return pages.render(
        "signin.html",
        org=org,
        provider=urlsplit(idp.issuer).hostname if idp else None,
        onward=onward,
        again=again,
        email=seat.user.email if again and seat is not None and seat.org.id == org.id else "",
    )


async def depart(desk: Desk, visit: Visit, domain: str) -> Page:
    """To the organisation's provider."""
    org = await org_of(desk, domain)
    idp = await _idp(desk, org)
    again = AGAIN in visit.params
    departure = await desk.providers.begin(idp, _return_address(desk, org), again=again)
    flow = Flow(
        org.id,
        local_path(visit.params.get("next"), HOME),
        int(time.time()) + FLOW_SECONDS,
        departure.state,
        departure.nonce,
        departure.verifier,
        again,
    )
    return pages.redirect(departure.url, cookies=(desk.cookies.flow(flow),))


async def arrive(desk: Desk, visit: Visit, domain: str) -> Page:
    """Back from the provider: a session, if what it says holds and the person is ours.

    ``iss`` (RFC 9207) and ``state`` must be those of the sign-in that this browser began.
    """
    org = await org_of(desk, domain)
    flow = desk.cookies.flow_of(visit)
    state = visit.params.get("state", "")
    if flow is None or flow.org_id != org.id or not flow.state:
        raise NotAllowed("unknown_sign_in")
    if not hmac.compare_digest(state.encode(), flow.state.encode()):
        raise NotAllowed("unknown_sign_in")
    idp = await _idp(desk, org)
    if visit.params.get("iss", idp.issuer) != idp.issuer:
        raise NotAllowed("untrusted_identity", reason="another issuer answers")
    code = visit.params.get("code")
    if not code:
        log.info("request %s: the provider answers %.80r", visit.id, visit.params.get("error"))
        raise NotAllowed("provider_refused")
    try:
        identity = await desk.providers.finish(
            idp, _return_address(desk, org), code, nonce=flow.nonce, verifier=flow.verifier
        )
    except NotAllowed as error:
        await note_refusal(desk, visit, org, None, Means.OIDC, error)
        raise
    now = int(time.time())
    ago = since_proof(identity.auth_time, now, asked=flow.again)
    if flow.again and (ago is None or ago >= FRESH_SECONDS):
        raise NotAllowed("sign_in_not_fresh")
    enter = _by_identity(desk, visit, org, idp, identity, ago)
    return await let_in(desk, visit, org, Means.OIDC, flow.next, enter)


async def mail(desk: Desk, visit: Visit, domain: str) -> Page:
    """Send a link to this address, if it is a member's; the answer is the same if it is not."""
    org = await org_of(desk, domain)
    fields = await forms.fields(visit, desk.base_url)
    address = account_key(fields.get("email", "").strip())[:MAX_ADDRESS]
    desk.aside(_send_link(desk, org, address))
    flow = Flow(org.id, local_path(fields.get("next"), HOME), int(time.time()) + FLOW_SECONDS)
    minutes = LINK_SECONDS // 60
    return pages.render("sent.html", org=org, minutes=minutes, cookies=(desk.cookies.flow(flow),))


async def show_link(desk: Desk, visit: Visit, domain: str) -> Page:
    """Where a link leads: a button, as long as it is of use."""
    org = await org_of(desk, domain)
    key = visit.params.get("key", "")
    async with desk.store.read() as tx:
        link = await sessions.find_link(tx, org.id, hash_of(key, desk.key))
    if link is None or not is_usable(link, int(time.time())):
        return _no_link(desk, visit, org)
    return pages.render("link.html", org=org, key=key)


async def use_link(desk: Desk, visit: Visit, domain: str) -> Page:
    """A session for whoever has the link, once."""
    org = await org_of(desk, domain)
    fields = await forms.fields(visit, desk.base_url)

    async def enter(tx: Tx) -> Entry:
        return await actions.use_link(tx, org, fields.get("key", ""), key=desk.key, origin=visit.origin)

    try:
        return await let_in(desk, visit, org, Means.LINK, _onward(desk, visit, org), enter)
    except Invalid:
        return _no_link(desk, visit, org)


def _no_link(desk: Desk, visit: Visit, org: Org) -> Page:
    """A link is used, or too old, or never was one, which nobody is told; and the way to another."""
    words = WORDS["invalid_link"]
    way = pages.link(f"/signin/{org.domain}", {"next": _onward(desk, visit, org)})
    return pages.problem(words.status, words.title, words.text, link=way, name="Ask for a new link")


def _onward(desk: Desk, visit: Visit, org: Org) -> str:
    """Where whoever has asked for a link in this browser wanted to go."""
    flow = desk.cookies.flow_of(visit)
    return flow.next if flow is not None and flow.org_id == org.id else HOME


async def leave(desk: Desk, visit: Visit) -> Page:
    """Sign out; with ``everywhere``, of every browser."""
    fields = await forms.fields(visit, desk.base_url)
    async with desk.store.write() as tx:
        org = await desk.cookies.org(visit, tx)
        seat = await desk.cookies.seat(visit, tx)
        if seat is not None:
            await actions.sign_out(tx, seat.org, seat.session, actor=actor_of(seat, visit))
            if fields.get("everywhere"):
                await actions.end_sessions_of(tx, seat.org, seat.user, actor=actor_of(seat, visit))
    where = "/signin" if org is None else f"/signin/{org.domain}"
    return pages.redirect(where, cookies=(desk.cookies.no_session(), desk.cookies.no_flow()))


async def let_in(
    desk: Desk, visit: Visit, org: Org, means: Means, onward: str, enter: Callable[[Tx], Awaitable[Entry]]
) -> Page:
    """Go on to ``next`` with the session that ``enter`` gives; a refusal is noted."""
    try:
        async with desk.store.write() as tx:
            former = await desk.cookies.seat(visit, tx)
            entry = await enter(tx)
            if former is not None:
                await actions.sign_out(tx, former.org, former.session, actor=actor_of(former, visit))
    except DirectoryError as error:
        user = error.data.get("user")
        await note_refusal(desk, visit, org, UserId(user) if user else None, means, error)
        raise
    cookies = (desk.cookies.session(entry.secret), desk.cookies.no_flow())
    onward = local_path(onward, HOME)
    if onward == HOME and access.may_administer(entry.user.role):
        onward = BOARD
    return pages.redirect(onward, cookies=cookies)


def is_fresh(seat: Seat, *, sent: bool) -> bool:
    """Whether somebody has shown lately who they are. ``sent``: long enough ago for their form, at most."""
    within = FRESH_SECONDS + FILLING_SECONDS * sent
    return rules.is_fresh(seat.session, int(time.time()), within)


def again_path(org: Org, onward: str) -> str:
    """Where somebody shows once more who they are, to come to ``onward`` then."""
    return pages.link(f"/signin/{org.domain}", {"next": onward, AGAIN: "1"})


def _by_identity(
    desk: Desk, visit: Visit, org: Org, idp: IdentityProvider, identity: Identity, ago: int | None
) -> Callable[[Tx], Awaitable[Entry]]:
    """Sign in the member of this organisation who has the address that the provider vouches for."""

    async def enter(tx: Tx) -> Entry:
        user_id = await _holder(tx, org, account_key(identity.email))
        if not identity.is_verified and not idp.accepts_unverified:  # nor is anything said of its holder
            raise NotAllowed("email_not_verified", user=user_id or "")
        if user_id is None:
            raise NotFound("unknown_member")
        return await actions.sign_in(tx, org, user_id, Means.OIDC, ago=ago, key=desk.key, origin=visit.origin)

    return enter


async def _send_link(desk: Desk, org: Org, address: str) -> None:
    if not desk.patience.allows(f"{org.id} {address}", MAILS, MAIL_COST):
        return
    if "\0" not in address:
        async with desk.store.write() as tx:
            await actions.ask_for_link(tx, org, address)


async def _holder(tx: Tx, org: Org, address: str) -> UserId | None:
    return None if "\0" in address else await users.find_by_email(tx, org.id, address)


async def note_refusal(
    desk: Desk, visit: Visit, org: Org, user: UserId | None, means: Means, error: DirectoryError
) -> None:
    """Note in the trail that somebody was not let in; ``user`` None: nobody here is meant."""
    log.info("request %s: sign-in to %s refused: %s", visit.id, org.domain, error)
    if user is None and means is Means.LINK:
        return
    if not desk.patience.allows(f"refused {org.id} {user or ''}", REFUSALS, 1):
        return  # anybody can try, and whoever has an old link: the trail is not theirs to fill
    async with desk.store.write() as tx:
        await actions.note_failure(tx, org, user, means, error, origin=visit.origin)


async def org_of(desk: Desk, domain: str) -> Org:
    """The organisation of this domain. Raises ``no_such_org``."""
    org = await desk.org(domain)
    if org is None:
        raise NotFound("no_such_org")
    return org


async def _idp(desk: Desk, org: Org) -> IdentityProvider:
    async with desk.store.read() as tx:
        idp = await idps.find(tx, org.id)
    if idp is None:
        raise NotFound("no_such_idp")
    return idp


def _return_address(desk: Desk, org: Org) -> str:
    """Where the provider sends people back: one address for each organisation, so that no answer of one
    provider passes for another's (RFC 9700 §4.4.2)."""
    return f"{desk.base_url}/signin/{org.domain}/callback"
