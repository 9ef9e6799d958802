"""Pictures of every page: ``python -m tests.browser.screenshots``.

Each page of :mod:`tests.browser.catalogue` is taken in every look, as whoever sees most of it: over the demo
of ``make run``, where it is about something that it has, and over the organisation of the tests. They go
to ``build/screenshots``. A few of them, as a window shows them, go to ``docs/screenshots``. Words behind the
command are beginnings of names of pages: then of others there is no picture.
"""

from __future__ import annotations

import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from playwright.sync_api import Browser, FloatRect, Page, StorageState

from rosterd.directory.model import Role
from tests.browser import chromium, crowd
from tests.browser.catalogue import PAGES, SEATS, Place
from tests.browser.chromium import NARROW, WIDE, Watch
from tests.protocol.live import Server, serving

ROOT = Path(__file__).parent.parent.parent
ALL, CHOSEN = ROOT / "build" / "screenshots", ROOT / "docs" / "screenshots"

LOOKS = {"light": ("light", WIDE), "dark": ("dark", WIDE), "narrow": ("light", NARROW)}
"""Name → colours and size of the window."""

SHOWN: Mapping[str, str] = {
    "overview": "crowd",
    "members": "crowd",
    "member places": "crowd",
    "preview of an end": "crowd",
    "log": "crowd",
}
"""The pages of the documentation, and the organisation that is shown in them."""

SMALL = (1160, 700)
"""The window of those: so they stay below 150 KB."""

_LONGEST = 4_000
"""Pixels of a page from its top, of which there is a picture."""


class Scene(NamedTuple):
    """A server, what its organisation has, and the links by which those who look get in."""

    name: str
    server: Server
    names: Mapping[str, str]
    links: Mapping[Role, str]


_DEMO = {
    "member": "SELECT id FROM users WHERE username = 'mira'",
    "invited": "SELECT id FROM users WHERE username = 'jonas'",
    "deactivated": "SELECT id FROM users WHERE username = 'pavel'",
    "guest": "SELECT id FROM users WHERE username = 'gus'",
    "group": "SELECT id FROM groups WHERE display_name = 'Engineering'",
    "workspace": "SELECT id FROM workspaces WHERE domain = 'demo-build'",
    "left": "SELECT team_id FROM orgs",
    "channel": "SELECT id FROM channels WHERE name = 'deals'",
}
"""What the demo has by these names."""


@contextmanager
def _demo(folder: Path) -> Iterator[Scene]:
    """The demo of ``make run``."""
    path = folder / "demo.db"
    with serving("sqlite", f"sqlite:///{path}", folder / "demo.log", "--demo") as server:
        connection = sqlite3.connect(path)
        names = {name: str(connection.execute(sql).fetchone()[0]) for name, sql in _DEMO.items()}
        connection.close()
        people = {
            Role.PRIMARY_OWNER: "olive.owner@demo.example",
            Role.MULTI_CHANNEL_GUEST: "gus@demo.example",
        }
        yield Scene("demo", server, {"domain": "demo", **names}, _links(server, "demo", people))


@contextmanager
def _crowd(folder: Path) -> Iterator[Scene]:
    """The organisation of the tests."""
    path = folder / "crowd.db"
    made = crowd.make(path)
    with serving("sqlite", f"sqlite:///{path}", folder / "crowd.log") as server:
        yield Scene("crowd", server, msgspec.structs.asdict(made), _links(server, crowd.DOMAIN, SEATS))


def _links(server: Server, domain: str, people: Mapping[Role, str]) -> dict[Role, str]:
    words = ("signin-link", "--org", domain, "--base-url", server.url)
    return {role: server.run(*words, "--user", email).strip() for role, email in people.items()}


def main(*beginnings: str) -> int:
    """Take them. What goes wrong in a window is told at the end."""
    chosen = [place for place in PAGES if place.name.startswith(beginnings or ("",))]
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        # Commands run before Playwright does: while it does, this thread seems to be in an event loop.
        scenes = [stack.enter_context(scene(Path(folder))) for scene in (_demo, _crowd)]
        browser = stack.enter_context(chromium.running())
        for scene in scenes:
            seats = {role: _sign_in(browser, scene, link, watch) for role, link in scene.links.items()}
            for look, (scheme, size) in LOOKS.items():
                for place in chosen:
                    _take(browser, scene, place, look, watch, seats, scheme=scheme, size=size)
    for problem in watch.problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if watch.problems else 0


def _sign_in(browser: Browser, scene: Scene, link: str, watch: Watch) -> StorageState:
    page = chromium.window(browser, scene.server.url, watch)
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/(home|admin)$"))
    state = page.context.storage_state()
    page.context.close()
    return state


def _take(
    browser: Browser,
    scene: Scene,
    place: Place,
    look: str,
    watch: Watch,
    seats: Mapping[Role, StorageState],
    *,
    scheme: str,
    size: tuple[int, int],
) -> None:
    try:
        address = place.url(scene.names)
    except KeyError:
        return  # the organisation has nothing that it would be about
    seat = seats[place.seats[0]] if place.seats else None
    page = chromium.window(browser, scene.server.url, watch, seat=seat, scheme=scheme, size=size)
    page.goto(address)
    name = f"{place.name.replace(' ', '-')}.png"
    page.screenshot(path=_folder(ALL / scene.name / look) / name, full_page=True, clip=_top(page))
    if look == "light" and SHOWN.get(place.name) == scene.name:
        page.set_viewport_size({"width": SMALL[0], "height": SMALL[1]})
        page.screenshot(path=_folder(CHOSEN) / name)
    page.context.close()


def _top(page: Page) -> FloatRect:
    """As much of a page as there is to be a picture of."""
    width, height = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    return {"x": 0, "y": 0, "width": width, "height": min(height, _LONGEST)}


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
