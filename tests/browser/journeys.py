"""What journeys through the pages have in common: people of their own, and what a page shows.

Each journey makes its people by SCIM, under names that nobody else has, and changes nobody else. So journeys
disturb neither each other nor whatever looks at the same pages.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Premises
from tests.protocol import inside
from tests.protocol.live import WebApi

T = TypeVar("T")
P = ParamSpec("P")

PATIENCE = 20.0
"""Seconds that something may take which goes on beside requests, or that a page may take to show it."""
expect.set_options(timeout=PATIENCE * 1_000)

_GIVEN = ("Ida", "Kit", "Lou", "Mac", "Nan", "Oz")
_numbers = itertools.count(1)


class Person(NamedTuple):
    """Somebody whom a journey is about."""

    id: str
    username: str
    email: str
    name: str

    @property
    def page(self) -> str:
        """The address of their page for administrators."""
        return f"/admin/members/{self.id}"


def arrive(premises: Premises, count: int = 1, **more: object) -> list[Person]:
    """People who are created by SCIM, with one family name that nobody had before; ``more``: of the body."""
    api, family = premises.api(), f"Traveller{next(_numbers):03}"
    people = []
    for given in _GIVEN[:count]:
        username = f"{given}.{family}".lower()
        name = {"givenName": given, "familyName": family}
        made = api.create_user(username, name=name, displayName=given, **more)
        people.append(Person(made["id"], username, f"{username}@example.com", f"{given} {family}"))
    return people


def family(people: list[Person]) -> str:
    """The word by which these people are found, and nobody else."""
    return people[0].name.split()[1]


def apart(function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """What runs an event loop of its own: in a thread, as Playwright's runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments, **options).result()


def execute(premises: Premises, sql: str, *values: object) -> None:
    """Change what lies in the database as no part of rosterd does: let time pass, say."""
    apart(inside.execute, premises.server.database, sql, *values)


def web_api(premises: Premises, *scopes: str, of: str | None = None) -> WebApi:
    """The Web API with a new token of the owner's, or of the person with this id."""
    user = of or premises.crowd.owner
    token = premises.run("token", "create", "--user", user, "--scopes", ",".join(scopes)).strip()
    return WebApi(premises.server.url, token, premises.server.http)


def teams_of(api: WebApi, person: Person) -> set[str]:
    """The workspaces that somebody is in, as the Web API has it (scope ``users:read``)."""
    return set(api.ok("users.info", user=person.id)["user"]["enterprise_user"]["teams"])


def eventually(look: Callable[[], T]) -> T:
    """What ``look`` finds once it does, of what goes on beside requests."""
    until = time.monotonic() + PATIENCE
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def mails(premises: Premises, address: str) -> list[EmailMessage]:
    """What was mailed to somebody, in order."""
    folder = Path(premises.server.database.removeprefix("sqlite:///")).with_name("mail")
    sent = [
        message_from_bytes(each.read_bytes(), policy=policy.default) for each in sorted(folder.glob("*.eml"))
    ]
    return [mail for mail in sent if mail["To"].addresses[0].addr_spec == address]


def press(page: Page, name: str | re.Pattern[str]) -> None:
    """Click the button of this name."""
    page.get_by_role("button", name=name, exact=isinstance(name, str)).click()


def follow(page: Page, name: str) -> None:
    """Click the link of this name."""
    page.get_by_role("link", name=name, exact=True).click()


def listed(page: Page) -> Locator:
    """The names of the people in the list of members."""
    return page.locator("#list tbody th a")


def told(page: Page) -> Locator:
    """What a page says of the form that was sent before."""
    return page.locator("main > .notice")


def refused(page: Page) -> Locator:
    """Why a form was refused, or an address not understood."""
    return page.locator("main > .refused")


def saved(page: Page, link: str) -> Path:
    """The file behind a link."""
    with page.expect_download() as download:
        page.get_by_role("link", name=link, exact=True).click()
    return Path(download.value.path())


def table(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return [*csv.DictReader(lines)]


def shown_json(page: Page, selector: str) -> object:
    """JSON that a page shows."""
    return json.loads(page.locator(selector).inner_text())
