"""The pages by their paths, and what is said when something is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rosterd.dashboard import colleagues, consent, local, pages, people, signin
from rosterd.dashboard.admin import breakdowns, bulk, frame, members, overview, places, programs, records
from rosterd.dashboard.desk import Desk, Rooms, to_sign_in
from rosterd.dashboard.oidc import ProviderUnavailable
from rosterd.dashboard.pages import Handler, Page, Visit
from rosterd.dashboard.words import UNEXPLAINED, WORDS
from rosterd.directory import access
from rosterd.directory.errors import DirectoryError, NotFound
from rosterd.store.engine import Store

_PICTURE = re.compile(r"[A-Z0-9]{1,32}-[0-9]{2,4}\.png")


async def _static(desk: Desk, visit: Visit, name: str) -> Page:
    found = pages.static(f"/static/{name}")
    if found is None:
        raise NotFound("bad_endpoint")
    return found


async def _picture(desk: Desk, visit: Visit, domain: str, name: str) -> Page:
    """One for everybody and everything, there or not: so it tells nothing of anybody."""
    if not _PICTURE.fullmatch(name):
        raise NotFound("bad_endpoint")
    return pages.picture()


async def _front(desk: Desk, visit: Visit) -> Page:
    """From the root to where whoever comes belongs."""
    seat = await desk.seat(visit)
    if seat is None:
        return await desk.sign_in_first(visit, signin.HOME)
    return pages.redirect("/admin" if access.may_administer(seat.user.role) else "/home")


ROUTES: Mapping[tuple[str, ...], Mapping[str, Handler]] = {
    (): {"GET": _front},
    ("signin",): {"GET": signin.find_org},
    ("signin", "*"): {"GET": signin.choose},
    ("signin", "*", "oidc"): {"GET": signin.depart},
    ("signin", "*", "callback"): {"GET": signin.arrive},
    ("signin", "*", "mail"): {"POST": signin.mail},
    ("signin", "*", "link"): {"GET": signin.show_link, "POST": signin.use_link},
    ("signin", "*", "local"): {"GET": local.ask, "POST": local.enter},
    ("signout",): {"POST": signin.leave},
    ("oauth", "v2", "authorize"): {"GET": consent.ask, "POST": consent.decide},
    ("home",): {"GET": people.home},
    ("home", "join"): {"POST": people.join},
    ("home", "leave"): {"GET": people.ask_to_leave, "POST": people.leave},
    ("directory",): {"GET": colleagues.directory},
    ("directory", "*"): {"GET": colleagues.colleague},
    ("static", "*"): {"GET": _static},
    ("*", "team", "*"): {"GET": people.by_username},
    ("*", "avatars", "*"): {"GET": _picture},
    **frame.ROUTES,
}
"""Path (``*``: any one segment, given to the handler) → method → handler."""

_SHOWN = (overview, breakdowns, members, places, records, bulk, programs)
"""What has pages, which register themselves in `frame.ROUTES`."""

FIRST = frozenset(("*/" + path[1] if path[0] == "*" else path[0]) if path else "" for path in ROUTES)
"""The first segments that pages have (the root: an empty one), or ``*/`` and the second, of any first."""


class Site:
    """All pages over one store. ``base_url`` has no slash at its end; ``rooms``: see `Desk`."""

    def __init__(self, store: Store, key: bytes, base_url: str, rooms: Rooms | None = None) -> None:
        self._desk = Desk(store, key, base_url, rooms)

    async def answer(self, visit: Visit) -> Page:
        """The page. Raises what :meth:`refused` explains, and whatever else goes wrong."""
        found = _found(visit.segments)
        if found is None:
            return self._explained("bad_endpoint", 404, visit)
        visit.route, arguments = found
        handlers = ROUTES[visit.route]
        handler = handlers.get("GET" if visit.method == "HEAD" else visit.method)
        if handler is None:
            page = self._explained("method_not_allowed", 405, visit)
            page.headers["Allow"] = ", ".join(handlers)
            return page
        return await handler(self._desk, visit, *arguments)

    def refused(self, error: Exception, visit: Visit) -> Page | None:
        """The page about an error of the directory or of a provider; None: it is another's."""
        match error:
            case DirectoryError():
                return self._explained(error.code, 400, visit)
            case ProviderUnavailable():
                return self._explained("provider_unavailable", 502, visit)
        return None

    def failed(self, code: str, status: int, visit: Visit) -> Page:
        """The page about an error of the edge."""
        return self._explained(code, status, visit)

    def _explained(self, code: str, status: int, visit: Visit) -> Page:
        """What is wrong, and the way back: to their own start for whoever has signed in here."""
        words = WORDS.get(code, UNEXPLAINED._replace(status=status))
        link, name = (
            ("/", "Back to your start page") if self._desk.cookies.has(visit) else ("/signin", "Sign in")
        )
        return pages.problem(words.status, words.title, words.text, link=link, name=name)

    async def home(self, visit: Visit) -> Page | None:
        """Where the address of an organisation leads, to its own people; None: this is no such address."""
        if visit.method not in ("GET", "HEAD") or visit.segments is None or len(visit.segments) != 1:
            return None
        org = await self._desk.org(visit.segments[0])
        if org is None:
            return None
        seat = await self._desk.seat(visit)
        is_here = seat is not None and seat.org.id == org.id
        return pages.redirect("/") if is_here else to_sign_in(org, signin.HOME)

    def stop(self) -> None:
        """The server ends soon: whoever follows something is sent away."""
        self._desk.tails.stopping.set()

    async def close(self) -> None:
        """Finish what goes on after pages have been answered."""
        await self._desk.close()


def _found(segments: tuple[str, ...] | None) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The route of a path, and what stands where the route has ``*``. A route without one goes first."""
    if segments is None:
        return None
    if segments in ROUTES and "*" not in segments:
        return segments, ()
    for route in ROUTES:
        if len(route) == len(segments):
            pairs = [*zip(route, segments, strict=True)]
            if all(part in ("*", given) for part, given in pairs):
                return route, tuple(given for part, given in pairs if part == "*")
    return None
