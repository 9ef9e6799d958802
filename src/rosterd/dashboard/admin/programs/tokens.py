"""Tokens one by one: make one, change its name and addresses, rotate it, end it.

The text of a token is on the page that answers the form, and nowhere else: neither in an address nor in a
cookie, and the page is kept by nobody. Sent twice, a form makes one token.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from rosterd.actions.doors import apps as actions
from rosterd.dashboard.admin.frame import Done, Look, Shown, check_stamp, form, page, stamp
from rosterd.dashboard.admin.fresh import again_link, check_fresh, sign_in_again
from rosterd.dashboard.admin.programs.apps import Row, rows_of
from rosterd.dashboard.admin.programs.scopes import chosen, offered
from rosterd.dashboard.admin.programs.standing import DAY, HOUR, span
from rosterd.dashboard.pages import Page
from rosterd.directory import access
from rosterd.directory import apps as rules
from rosterd.directory.errors import DirectoryError, Invalid, NotFound
from rosterd.directory.model import Plan, TeamId, Token, TokenId, User, UserId, Workspace
from rosterd.store import roster, users, workspaces
from rosterd.store.doors import apps as app_rows
from rosterd.store.doors import tokens
from rosterd.store.engine import Tx
from rosterd.store.roster import Kind

MOST_OFFERED = 500
"""Owners and workspaces that a form lets choose from."""

LASTING = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year", "": "until it is revoked"}
"""Days → words."""

OVERLAPS = {
    str(hours): span(hours * HOUR) if hours else "no time: it ends now"
    for hours in (0, 1, 24, 7 * 24, 30 * 24)
}
"""Hours → words."""


@page("admin", "apps", "tokens", "new")
async def new_token(look: Look) -> Page:
    """A form for a token of somebody's."""
    if to := sign_in_again(look):
        return to
    async with look.desk.store.scan() as tx:
        owners = await _owners(tx, look)
        teams = await _teams(tx, look)
    return look.render(
        "new_token.html",
        owners=[(user.id, f"{user.full_name} ({user.email})") for user in owners],
        owner=look.fields.get("owner", look.user.id),
        teams=[(team.id, team.name) for team in teams],
        team=look.fields.get("team", ""),
        may_whole=_may_whole(look),
        scopes=offered(look.fields or {"scope:admin": "1"}),
        lasting=[*LASTING.items()],
        expires=look.fields.get("expires", "365"),
    )


@form("admin", "apps", "tokens", "new", shown=new_token)
async def create_token(tx: Tx, look: Look) -> Shown:
    """A token; its text is on the page that answers."""
    check_fresh(look)
    name = look.fields.get("name", "").strip()
    if not name:  # whoever comes after must know what it is for
        raise Invalid("invalid_name_required")
    days = look.fields.get("expires", "")
    if days not in LASTING:
        raise Invalid("invalid_form_data")
    owner_id = look.fields.get("owner", "")
    owner = None if "\0" in owner_id else await users.find(tx, look.org.id, UserId(owner_id))
    if owner is None:
        raise NotFound("no_such_user")
    made, text = await actions.create_token(
        tx,
        look.org,
        owner,
        chosen(look.fields),
        key=look.desk.key,
        team_id=_team(look.fields.get("team", "")),
        allow_ips=_lines(look.fields.get("allow_ips", "")),
        expires=int(time.time()) + int(days) * DAY if days else None,
        name=name,
        actor=look.actor,
    )
    return _made(made, text, owner)


@page("admin", "apps", "tokens", "*")
async def token(look: Look, token_id: str) -> Page:
    """One token: what it may, who uses it, what can be done with it."""
    row = await _row(look, token_id)
    now = int(time.time())
    return look.render(
        "token.html",
        row=row,
        token=row.token,
        successor=await _successor(look, row.token),
        scopes=[(scope, rules.SCOPES.get(scope, "")) for scope in row.token.scopes],
        has_ended=rules.has_ended(row.token, now),
        may_change=_may_change(look, row),
        may_end=_may_end(look, row),
        seen=_stamp(row.token),
        again=again_link(look) if row.token.allow_ips else "",
        name=look.fields.get("name", row.token.name),
        allow_ips=look.fields.get("allow_ips", "\n".join(row.token.allow_ips)),
    )


@form("admin", "apps", "tokens", "*", shown=token)
async def change_token(tx: Tx, look: Look, token_id: str) -> Done:
    """Another name, other addresses: more of them after a fresh sign-in alone."""
    allow_ips = actions.allowed_ranges(_lines(look.fields.get("allow_ips", "")))
    found = await tokens.find(tx, look.org.id, TokenId(token_id))
    if found is not None:
        check_stamp(look, *_shown(found))
        if rules.opens_more(found.allow_ips, allow_ips):
            check_fresh(look)
    changed = await actions.update_token(
        tx,
        look.org,
        TokenId(token_id),
        name=look.fields.get("name", ""),
        allow_ips=allow_ips,
        actor=look.actor,
    )
    return Done(f"/admin/apps/tokens/{changed.id}", "Saved. It counts from now on.")


@page("admin", "apps", "tokens", "*", "rotate")
async def ask_to_rotate(look: Look, token_id: str) -> Page:
    """How long both are to work."""
    if to := sign_in_again(look):
        return to
    row = await _row(look, token_id)
    return look.render(
        "rotate.html",
        row=row,
        token=row.token,
        successor=await _successor(look, row.token),
        has_ended=rules.has_ended(row.token, int(time.time())),
        overlaps=[*OVERLAPS.items()],
        overlap=look.fields.get("overlap", "24"),
    )


@form("admin", "apps", "tokens", "*", "rotate", shown=ask_to_rotate)
async def rotate_token(tx: Tx, look: Look, token_id: str) -> Shown:
    """Another token in place of this one; its text is on the page that answers."""
    check_fresh(look)
    hours = look.fields.get("overlap", "")
    if hours not in OVERLAPS:
        raise Invalid("invalid_overlap")
    made, text = await actions.rotate_token(
        tx,
        look.org,
        TokenId(token_id),
        overlap_seconds=int(hours) * HOUR,
        key=look.desk.key,
        actor=look.actor,
    )
    former = await tokens.find(tx, look.org.id, TokenId(token_id))
    owner = await users.find(tx, look.org.id, made.user_id)
    ends = former.expires if former is not None and former.revoked is None else None
    return _made(made, text, owner, former, ends)


@page("admin", "apps", "tokens", "*", "revoke")
async def ask_to_end(look: Look, token_id: str) -> Page:
    """Whose it is and when it was used, before it ends."""
    row = await _row(look, token_id)
    return look.render("end_token.html", row=row, token=row.token, may_end=_may_end(look, row))


@form("admin", "apps", "tokens", "*", "revoke", shown=ask_to_end)
async def end_token(tx: Tx, look: Look, token_id: str) -> Done:
    """The token ended."""
    await actions.revoke_token(tx, look.org, TokenId(token_id), actor=look.actor)
    return Done("/admin/apps", "The token is no longer valid. Whoever still uses it is refused.")


async def _row(look: Look, token_id: str) -> Row:
    async with look.desk.store.read() as tx:
        found = await tokens.find(tx, look.org.id, TokenId(token_id))
        if found is None:
            raise NotFound("no_such_token", token=token_id)
        every = await app_rows.of_org(tx, look.org.id)
        [row] = await rows_of(tx, look, [found], every, int(time.time()))
    return row


async def _successor(look: Look, token: Token) -> Token | None:
    """The token that took the place of this one, and holds it."""
    if token.replaced_by is None:
        return None
    async with look.desk.store.read() as tx:
        found = await tokens.find(tx, look.org.id, token.replaced_by)
    return found if rules.holds_place(found, int(time.time())) else None


async def _owners(tx: Tx, look: Look) -> list[User]:
    """Administrators as whom whoever looks may let something act, themself first."""
    kinds = [Kind.OWNERS, Kind.ADMINS]
    places = await roster.of_org(tx, look.org.id, kinds, active=True, limit=MOST_OFFERED)
    beyond = access.beyond(look.actor)
    found = [
        user
        for user in await users.find_many(tx, look.org.id, [place.id for place in places])
        if user.role not in beyond and user.id != look.user.id
    ]
    return [look.user, *sorted(found, key=lambda user: user.full_name.casefold())]


def _made(
    made: Token, text: str, owner: User | None, former: Token | None = None, ends: int | None = None
) -> Shown:
    """The page with the text of a token, and where to use it."""
    speaks_scim = "admin" in made.scopes and made.team_id is None
    return Shown(
        lambda look: look.render(
            "token_made.html",
            token=made,
            text=text,
            owner=owner,
            former=former,
            ends=ends,
            speaks_scim=speaks_scim and look.has_scim,
            base_url=look.desk.base_url,
        )
    )


async def _teams(tx: Tx, look: Look) -> Sequence[Workspace]:
    """Workspaces that a token can be for. Outside Enterprise there is one, which is the organisation."""
    if look.org.plan is not Plan.ENTERPRISE:
        return ()
    return await workspaces.page(tx, look.org.id, limit=MOST_OFFERED)


def _may_whole(look: Look) -> bool:
    """Whether whoever looks may let something act in the whole organisation."""
    return _allowed(look, None)


def _may_change(look: Look, row: Row) -> bool:
    return _may_end(look, row) and _allowed(look, row.token.team_id)


def _may_end(look: Look, row: Row) -> bool:
    return row.owner is not None and row.owner.role not in access.beyond(look.actor)


def _allowed(look: Look, team: TeamId | None) -> bool:
    """Whether the actions will let whoever looks make such a token: so that nothing is offered in vain."""
    try:
        rules.check_installer(look.org.plan, look.user.role, on_team=team is not None)
    except DirectoryError:
        return False
    return True


def _shown(token: Token) -> tuple[object, ...]:
    return token.name, token.allow_ips, token.revoked


def _stamp(token: Token) -> str:
    return stamp(*_shown(token))


def _lines(text: str) -> list[str]:
    return [line for line in text.replace(",", " ").split() if line]


def _team(text: str) -> TeamId | None:
    """The workspace that a form names; none: the whole organisation."""
    if "\0" in text:
        raise NotFound("no_such_team")
    return TeamId(text) if text else None
