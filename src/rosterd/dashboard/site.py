"""The pages by their paths, and what is said when something is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from rosterd.dashboard import consent, pages, people, signin
from rosterd.dashboard.desk import Desk
from rosterd.dashboard.oidc import ProviderUnavailable
from rosterd.dashboard.pages import Handler, Page, Visit
from rosterd.dashboard.words import UNEXPLAINED, WORDS
from rosterd.directory.errors import DirectoryError
from rosterd.store.engine import Store


async def _static(desk: Desk, visit: Visit, name: str) -> Page:
    return pages.static(f"/static/{name}") or _explained("bad_endpoint", 404)


ROUTES: Mapping[tuple[str, ...], Mapping[str, Handler]] = {
    ("signin",): {"GET": signin.find_org},
    ("signin", "*"): {"GET": signin.choose},
    ("signin", "*", "oidc"): {"GET": signin.depart},
    ("signin", "*", "callback"): {"GET": signin.arrive},
    ("signin", "*", "mail"): {"POST": signin.mail},
    ("signin", "*", "link"): {"GET": signin.show_link, "POST": signin.use_link},
    ("signout",): {"POST": signin.leave},
    ("oauth", "v2", "authorize"): {"GET": consent.ask, "POST": consent.decide},
    ("home",): {"GET": people.home},
    ("home", "join"): {"POST": people.join},
    ("home", "leave"): {"GET": people.ask_to_leave, "POST": people.leave},
    ("directory",): {"GET": people.directory},
    ("static", "*"): {"GET": _static},
}
"""Path (``*``: any one segment, given to the handler) → method → handler."""

FIRST = frozenset(path[0] for path in ROUTES)
"""The first segments that pages have."""


class Site:
    """All pages over one store. ``base_url`` has no slash at its end."""

    def __init__(self, store: Store, key: bytes, base_url: str) -> None:
        self._desk = Desk(store, key, base_url)

    async def answer(self, visit: Visit) -> Page:
        """The page. Raises what :meth:`refused` explains, and whatever else goes wrong."""
        route, arguments = _found(visit.segments)
        handlers = ROUTES.get(route, {})
        visit.route = route
        if not handlers:
            return _explained("bad_endpoint", 404)
        handler = handlers.get("GET" if visit.method == "HEAD" else visit.method)
        if handler is None:
            page = _explained("method_not_allowed", 405)
            page.headers["Allow"] = ", ".join(handlers)
            return page
        return await handler(self._desk, visit, *arguments)

    def refused(self, error: Exception) -> Page | None:
        """The page about an error of the directory or of a provider; None: it is another's."""
        match error:
            case DirectoryError():
                return _explained(error.code, 400)
            case ProviderUnavailable():
                return _explained("provider_unavailable", 502)
        return None

    def failed(self, code: str, status: int) -> Page:
        """The page about an error of the edge."""
        return _explained(code, status)

    async def close(self) -> None:
        """Finish what goes on after pages have been answered."""
        await self._desk.close()


def _explained(code: str, status: int) -> Page:
    words = WORDS.get(code, UNEXPLAINED._replace(status=status))
    return pages.problem(words.status, words.title, words.text, link="/signin", name="Sign in")


def _found(segments: tuple[str, ...] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The route of a path, and what stands where the route has ``*``; without a route: two empty ones."""
    for route in ROUTES if segments else ():
        if len(route) == len(segments or ()):
            pairs = [*zip(route, segments or (), strict=True)]
            if all(part in ("*", given) for part, given in pairs):
                return route, tuple(given for part, given in pairs if part == "*")
    return (), ()
