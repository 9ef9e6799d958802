"""A live server over an organisation of 100,000, and a browser in front of it.

The organisation is made once for all workers, and each has a copy of its own. Nothing here is started where
there is no browser: then these tests are skipped, and in CI they fail.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import pytest
from playwright.sync_api import Browser, Page, StorageState

from rosterd.directory.model import Role
from tests.browser import chromium, crowd
from tests.browser.catalogue import SEATS
from tests.browser.chromium import WIDE, Watch
from tests.browser.crowd import DOMAIN, Crowd
from tests.protocol.live import Api, Server, serving


class Premises(NamedTuple):
    """The server, and what its organisation has."""

    server: Server
    crowd: Crowd

    @property
    def names(self) -> dict[str, str]:
        """What may stand in the path of a page."""
        return msgspec.structs.asdict(self.crowd)

    def api(self, version: str = "v2") -> Api:
        """SCIM, as the primary owner."""
        return Api(self.server.url, self.crowd.token, version, self.server.http)

    def run(self, *words: str) -> str:
        """What a command on the organisation prints. In a thread: Playwright's loop runs in this one."""
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(self.server.run, *words, "--org", DOMAIN).result()


@dataclass(frozen=True, slots=True)
class Visitor:
    """Opens windows on the server, as whoever is to be signed in."""

    browser: Browser = field(repr=False)
    premises: Premises
    watch: Watch = field(default_factory=Watch)
    seats: dict[str, StorageState] = field(default_factory=dict, repr=False)  # by address
    kept: dict[tuple[str | None, bool], Page] = field(default_factory=dict, repr=False)

    def window(self, who: Role | str | None = None, **looks: object) -> Page:
        """A new window of somebody: a role, or an address. ``looks``: as of `chromium.window`."""
        email = SEATS[who] if isinstance(who, Role) else who
        if email is not None and email not in self.seats:
            self.seats[email] = self._sign_in(email)
        seat = None if email is None else self.seats[email]
        url = self.premises.server.url
        return chromium.window(self.browser, url, self.watch, seat=seat, **looks)  # type: ignore[arg-type]

    def glance(self, who: Role | None, *, scripts: bool = True) -> Page:
        """A window for whoever only looks, which other tests have looked through: that saves time."""
        page = self.kept.get((who, scripts))
        if page is None:
            page = self.kept[who, scripts] = self.window(who, scripts=scripts)
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        page.emulate_media(color_scheme="light")
        return page

    def close(self) -> None:
        """Close what one test has opened for itself."""
        kept = [page.context for page in self.kept.values()]
        for context in self.browser.contexts:
            if context not in kept:
                context.close()

    def _sign_in(self, email: str) -> StorageState:
        page = chromium.window(self.browser, self.premises.server.url, self.watch)
        page.goto(self.premises.run("signin-link", "--user", email, "--base-url", self.premises.server.url))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile("/(home|admin)$"))
        state = page.context.storage_state()
        page.context.close()
        return state


def pytest_runtest_setup() -> None:
    """Skipped here, and not by a fixture, the tests of this folder are one line of the summary."""
    if chromium.PATH is None:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop("browser tests need Chromium, which `make test-deps` installs")


@pytest.fixture(scope="package")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    """The server, for this worker."""
    folder = tmp_path_factory.mktemp("browser")
    together = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        together = together.parent
    template, facts = together / "crowd.db", together / "crowd.json"
    with (together / "crowd.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not facts.exists():
            with ThreadPoolExecutor(1) as apart:
                facts.write_bytes(msgspec.json.encode(apart.submit(crowd.make, template).result()))
    database = folder / "rosterd.db"
    subprocess.run(["cp", "--reflink=auto", template, database], check=True)
    made = msgspec.json.decode(facts.read_bytes(), type=Crowd)
    try:
        with serving("sqlite", f"sqlite:///{database}", folder / "stderr.log") as server:
            yield Premises(server, made)
    finally:
        shutil.rmtree(folder)  # a quarter of a gigabyte


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for this worker.

    While it runs, this thread seems to be in an event loop: it has to end with this package.
    """
    with chromium.running() as started:
        yield started


@pytest.fixture(scope="package")
def somebody(browser: Browser, premises: Premises) -> Visitor:
    """What is kept from test to test: who has signed in, and windows to look through."""
    return Visitor(browser, premises)


@pytest.fixture
def visitor(somebody: Visitor) -> Iterator[Visitor]:
    """Opens windows. When the test ends, nothing may have gone wrong in any of them."""
    problems = somebody.watch.problems
    problems.clear()
    yield somebody
    somebody.close()
    assert not problems, "\n".join(problems)
