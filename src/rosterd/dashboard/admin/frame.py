"""What pages for administrators have in common: who may see them, how forms are taken, notices, navigation.

A page is a function from a `Look` to a `Page`, a form one from a transaction and a `Look` to a `Done`:

    @page("admin", "members", "*")
    async def member(look: Look, user_id: str) -> Page: ...

    @form("admin", "members", "*", "deactivate", shown=member)
    async def deactivate(tx: Tx, look: Look, user_id: str) -> Done: ...

``*`` in a path is given to both. When a form is refused, the page ``shown`` is drawn with the refusal at its
top, and with ``look.fields``, what was typed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import msgspec

from rosterd.actions.doors import submissions
from rosterd.dashboard import forms, pages
from rosterd.dashboard.desk import Desk, address, to_sign_in
from rosterd.dashboard.pages import Handler, Page, Visit
from rosterd.dashboard.session import actor_of
from rosterd.dashboard.words import UNEXPLAINED, WORDS, Words
from rosterd.directory import access
from rosterd.directory.errors import DirectoryError, NotAllowed, Taken
from rosterd.directory.model import Actor, Org, Role, User
from rosterd.directory.plans import RULES
from rosterd.store.doors.sessions import Seat

ONCE = "once"
"""The field by which a form counts once."""

STAMP = "seen"
"""The field that says what a form was drawn of."""

Path = tuple[str, ...]

ROUTES: dict[Path, dict[str, Handler]] = {}
"""Path → method → handler, of all that was registered."""


class Section(NamedTuple):
    """An entry of the navigation."""

    key: str  # the second segment of its paths; "": the overview
    name: str
    role: Role = Role.ADMIN  # the least that sees it


SECTIONS = (
    Section("", "Overview"),
    Section("members", "Members"),
    Section("groups", "Groups"),
    Section("workspaces", "Workspaces"),
    Section("channels", "Channels"),
    Section("log", "Provisioning log"),
    Section("bulk", "Bulk changes"),
    Section("apps", "Apps and tokens"),
    Section("audit", "Audit", Role.OWNER),
)


@dataclass(slots=True)
class Look:
    """Somebody looks at a page. ``fields``: of the form that was sent; ``alert``: why it was refused."""

    desk: Desk
    visit: Visit
    seat: Seat
    fields: Mapping[str, str] = field(default_factory=dict)
    alert: Words | None = None
    about: DirectoryError | None = None

    @property
    def org(self) -> Org:
        return self.seat.org

    @property
    def user(self) -> User:
        return self.seat.user

    @property
    def actor(self) -> Actor:
        return actor_of(self.seat, self.visit)

    @property
    def params(self) -> Mapping[str, str]:
        """Query parameters."""
        return self.visit.params

    def sees(self, role: Role) -> bool:
        """Whether whoever looks is at least that."""
        return access.RANK[self.user.role] >= access.RANK[role]

    def render(self, template: str, status: int = 200, **values: Any) -> Page:
        """The page that a template under ``admin/`` makes, with navigation, notice and alert."""
        notice = self.desk.cookies.notice_of(self.visit)
        return pages.render(
            f"admin/{template}",
            self.alert.status if self.alert and status == 200 else status,
            cookies=(self.desk.cookies.no_notice(),) if notice else (),
            scripts=True,
            look=self,
            org=self.org,
            me=self.user,
            sections=[each for each in SECTIONS if self.sees(each.role)],
            here=self.section,
            notice=notice,
            alert=self.alert,
            about=self.about,
            fields=self.fields,
            once=secrets.token_urlsafe(16),
            **values,
        )

    @property
    def has_scim(self) -> bool:
        """Whether the plan lets programs speak SCIM."""
        return RULES[self.org.plan].scim

    @property
    def section(self) -> str:
        """The section of the navigation that the page belongs to: the overview's, if to no other."""
        _, *rest = self.visit.route
        key = rest[0].partition(".")[0] if rest else ""  # a file belongs where its page does
        return key if any(key == each.key for each in SECTIONS) else ""


class Done(NamedTuple):
    """What a form came to: where to go on, and what is said there."""

    to: str  # a path of ours, perhaps with a query
    notice: str = ""
    then: Callable[[], Coroutine[Any, Any, None]] | None = None
    """What goes on after the commit, beside requests. It may be lost."""


class Shown(NamedTuple):
    """The same, with a page that is drawn at once, for what cannot be shown again."""

    draw: Callable[[Look], Page]


PageOf = Callable[..., Awaitable[Page]]
"""``(look, *arguments)``."""

FormOf = Callable[..., Awaitable[Done | Shown]]
"""``(tx, look, *arguments)``, in a transaction that is committed before the answer leaves."""


FirstOf = Callable[..., Awaitable[Any]]
"""``(look, *arguments)``, before the transaction."""


def page(*path: str, role: Role = Role.ADMIN) -> Callable[[PageOf], PageOf]:
    """Register a page for whoever is at least ``role``."""

    def registered(draw: PageOf) -> PageOf:
        async def handler(desk: Desk, visit: Visit, *arguments: str) -> Page:
            seat = await desk.seat(visit)
            if seat is None:
                return await desk.sign_in_first(visit)
            look = Look(desk, visit, seat)
            _check(look, role, arguments)
            page = await desk.shares.draw(seat.user.id, partial(draw, look, *arguments))
            if "Content-Disposition" in page.headers and not isinstance(page.body, bytes):
                page.body = desk.shares.file(seat.user.id, page.body, partial(desk.still, visit, role))
            return page

        ROUTES.setdefault(path, {})["GET"] = handler
        return draw

    return registered


def form(
    *path: str, shown: PageOf, role: Role = Role.ADMIN, once: bool = True, first: FirstOf | None = None
) -> Callable[[FormOf], FormOf]:
    """Register a form that belongs to the page ``shown``. ``once``: it counts once, however often sent.

    ``first``: reads what takes too long for a transaction that writes. What it gives is the last argument.
    """

    def registered(act: FormOf) -> FormOf:
        async def handler(desk: Desk, visit: Visit, *arguments: str) -> Page:
            fields = await forms.fields(visit, desk.base_url)
            look: Look | None = None
            found: tuple[Any, ...] = ()
            try:
                if first is not None:
                    seat = await desk.seat(visit)
                    if seat is None:
                        return await desk.sign_in_first(visit, _way_back(visit))
                    look = Look(desk, visit, seat, fields)
                    _check(look, role, arguments)
                    found = (await desk.shares.draw(seat.user.id, partial(first, look, *arguments)),)
                async with desk.store.write() as tx:
                    seat = await desk.cookies.seat(visit, tx)
                    if seat is None:
                        return to_sign_in(await desk.cookies.org(visit, tx), _way_back(visit))
                    look = Look(desk, visit, seat, fields)
                    _check(look, role, arguments)
                    if once:
                        await submissions.take(tx, look.org, fields.get(ONCE, ""), actor=look.actor)
                    done = await act(tx, look, *arguments, *found)
            except DirectoryError as error:
                if look is None or error.code not in WORDS or not look.sees(role):
                    raise
                look.alert, look.about = WORDS.get(error.code, UNEXPLAINED), error
                return await shown(look, *arguments)
            if isinstance(done, Shown):
                return done.draw(look)
            if done.then is not None:
                desk.aside(done.then())
            return go_on(look, done)

        ROUTES.setdefault(path, {})["POST"] = handler
        return act

    return registered


def go_on(look: Look, done: Done) -> Page:
    """Go to where a form leads, which says what it came to."""
    cookies = (look.desk.cookies.notice(done.notice),) if done.notice else ()
    return pages.redirect(done.to, cookies=cookies)


def stamp(*values: Any) -> str:
    """What a form is drawn of, in a few characters: for :func:`check_stamp`.

    >>> stamp("a", 1) == stamp("a", 1) != stamp("a", 2)
    True
    """
    return hashlib.sha256(msgspec.json.encode(values)).hexdigest()[:20]


def check_stamp(look: Look, *values: Any) -> None:
    """Refuse a form that was drawn of something else than this: ``changed_meanwhile``.

    Nobody wrote down what they meant to change, only what they saw: so it must still be so.
    """
    if look.fields.get(STAMP) != stamp(*values):
        raise Taken("changed_meanwhile")


def _way_back(visit: Visit) -> str:
    """Where somebody comes back to who signs in before they send a form again: to its page, if it has one."""
    return address(visit) if "GET" in ROUTES[visit.route] else f"/{visit.route[0]}"


def _check(look: Look, role: Role, arguments: tuple[str, ...]) -> None:
    if not look.sees(role):
        raise NotAllowed("not_an_admin" if role is Role.ADMIN else "permission_denied")
    if any("\0" in each or len(each) > 100 for each in arguments):
        raise NotAllowed("bad_endpoint")
