"""The pages of the Org Dashboard: how soon they begin, how a file of everybody leaves, and who else notices.

Addresses are a table. In them stand ids that are found on the pages themselves, so that a page which is not
there, or has nothing to lead to, costs a note and not the run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from bench import visitors
from bench.figures import ANSWER, CLICKED, FILE, FILE_MEMORY, PAGE, Figure, duel
from bench.machine import ROOT, Unmeasured, anonymous_memory
from bench.reads import USER
from bench.servers import SECRET
from bench.stage import WARM_UP, Stage
from bench.wrk import Requests

OWNER = "owner@bench.example"
"""Whoever looks at the pages."""

_INDEX_SECONDS = 1_800
_FILE_MOST = 600  # seconds


class Address(NamedTuple):
    """What is opened. ``kind``: `PAGE`, or `ANSWER` for what may take longer."""

    name: str
    path: str
    kind: str = PAGE


_FILTERS = {
    "status": "invited",
    "role": "member",
    "workspace": "{workspace}",
    "group": "{group}",
    "department": "Sales",
    "title": "Product Designer",
    "division": "North America",
    "manager": "{manager}",
    "source": "rosterd",
}
_SORTS = ("oldest", "name", "-name", "username", "-username")
_COMBINED = (
    {"q": "tan", "department": "Sales"},
    {"q": "mira castell"},
    {"q": "a", "sort": "name"},
    {"q": "tansy", "sort": "name"},
    {"department": "Sales", "sort": "name"},
    {"status": "invited", "sort": "-username"},
    {"group": "{group}", "sort": "name"},
    {"department": "Legal", "title": "Product Designer", "division": "North America"},
    {"status": "active", "department": "Sales"},
    {"q": "zzz", "status": "deactivated", "sort": "name"},
)

_TABS = ("places", "scim", "sessions", "history")


def _members(asked: Mapping[str, str]) -> str:
    return f"/admin/members?{urlencode(asked, safe='{}')}"


def _combined(asked: Mapping[str, str]) -> Address:
    name = ", ".join(f"{key} {value.strip('{}')}" for key, value in asked.items())
    return Address(name, _members(asked), ANSWER)


ADDRESSES = (
    Address("overview", "/admin"),
    Address("members", "/admin/members"),
    *(Address(f"members by {name}", _members({name: value})) for name, value in _FILTERS.items()),
    *(Address(f"members, {sort}", f"/admin/members?sort={sort}") for sort in _SORTS),
    Address("members, a search", "/admin/members?q=tan"),
    *map(_combined, _COMBINED),
    Address("a member", "/admin/members/{member}"),
    *(Address(f"a member, {tab}", f"/admin/members/{{member}}?tab={tab}") for tab in _TABS),
    Address("groups", "/admin/groups"),
    Address("a group", "/admin/groups/{group}"),
    Address("the largest group", "/admin/groups/{large}"),
    Address("workspaces", "/admin/workspaces"),
    Address("a workspace", "/admin/workspaces/{workspace}"),
    Address("channels", "/admin/channels"),
    Address("a channel", "/admin/channels/{channel}"),
    Address("provisioning log", "/admin/log"),
    Address("apps and tokens", "/admin/apps"),
    Address("bulk changes", "/admin/bulk"),
    Address("audit", "/admin/audit"),
    Address("audit of a member", "/admin/audit?about={member}"),
    Address("member directory", "/directory"),
    Address("member directory, a search", "/directory?q=tan"),
    Address("home", "/home"),
)


def dashboard(stage: Stage) -> Iterator[Figure]:
    """Pages one by one, a file of everybody, and SCIM beside people who click. Then, what is missing."""
    cookie = signed_in(stage)
    wait_for_the_index(stage, cookie)
    names = found(stage, cookie)
    named = {each.path.format_map(names): each for each in ADDRESSES}
    addresses = stage.write("addresses", [*named])
    there: list[str] = []
    missing: list[str] = []
    for seen in visitors.looked(stage.server.url, cookie, addresses, stage.pace.seconds / 3):
        at = named[seen.address]
        if seen.status != 200:
            missing.append(f"{seen.address} ({seen.status})")
            continue
        there.append(seen.address)
        yield Figure(at.kind + at.name, stage.engine, stage.users, seen.p50, "ms", p99=seen.p99)
    yield from _file(stage, cookie)
    yield _beside_people(stage, cookie, there)
    if missing:
        raise Unmeasured(f"not to be opened: {', '.join(missing)}")


def _file(stage: Stage, cookie: str) -> Iterator[Figure]:
    """Everybody as CSV, read as fast as it comes."""
    before = anonymous_memory(stage.server.pid)
    peak, stop = [before], threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            peak.append(anonymous_memory(stage.server.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.monotonic()
    try:
        lines = _lines(stage, cookie, "/admin/members.csv")
    finally:
        stop.set()
        watching.join()
    if lines < stage.users:
        raise Unmeasured(f"the file of all members has {lines} lines")
    yield Figure(FILE, stage.engine, stage.users, time.monotonic() - began, "s")
    yield Figure(FILE_MEMORY, stage.engine, stage.users, max(peak) - before, "MiB")


def _beside_people(stage: Stage, cookie: str, there: Sequence[str]) -> Figure:
    """GETs while people click, beside GETs while nobody does."""
    requests = Requests.get(USER, stage.place.rows)
    clicked = stage.write("clicked", [*there])
    seconds = max(stage.pace.seconds, visitors.EVERY)

    def with_people() -> float:
        with visitors.clicking(stage.server.url, cookie, clicked, seconds + visitors.EVERY):
            time.sleep(visitors.EVERY / 2)
            return stage.drive(requests, seconds).rate

    stage.drive(requests, WARM_UP)
    rounds = duel(with_people, lambda: stage.drive(requests, seconds).rate, stage.pace.rounds)
    return Figure(
        CLICKED,
        stage.engine,
        stage.users,
        rounds.value,
        "req/s",
        "nobody clicks",
        rounds.beside,
        rounds.ratio,
    )


def signed_in(stage: Stage) -> str:
    """The cookie of the owner, who has followed a link."""
    words = ("signin-link", "--org", "bench", "--user", OWNER, "--database", stage.database)
    done = subprocess.run(
        [sys.executable, "-m", "rosterd", *words], cwd=ROOT, env={**os.environ, "ROSTERD_SECRET": SECRET},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    link = urlsplit(done.stdout.strip())
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    connection = HTTPConnection(urlsplit(stage.server.url).netloc, timeout=60)
    try:
        connection.request("POST", link.path, link.query, headers)
        response = connection.getresponse()
        cookies = [
            value.partition(";")[0] for name, value in response.getheaders() if name.lower() == "set-cookie"
        ]
    finally:
        connection.close()
    cookie = next((cookie for cookie in cookies if cookie.startswith("rosterd=")), None)
    if cookie is None:
        raise Unmeasured(f"nobody can sign in: {response.status} {done.stderr}")
    return cookie


def wait_for_the_index(stage: Stage, cookie: str) -> None:
    """Until it has everybody: a server that finds none makes it."""
    until = time.monotonic() + _INDEX_SECONDS
    while "index of members is being made" in _text(stage, cookie, "/admin/members"):
        if time.monotonic() > until:
            raise Unmeasured("the index of members is not made in time")
        time.sleep(2)


def found(stage: Stage, cookie: str) -> dict[str, str]:
    """What stands in addresses: ids as they are found on pages, those that are not as ids of nobody."""
    member = stage.place.ids(1)[0]
    sizes = sorted(stage.seed.groups)
    return {
        "member": member,
        "manager": member,  # the first of the first team
        "group": stage.seed.leading,
        "large": stage.seed.groups[sizes[-1]],
        "workspace": _linked(stage, cookie, "workspaces", "T"),
        "channel": _linked(stage, cookie, "channels", "C"),
    }


def _linked(stage: Stage, cookie: str, section: str, prefix: str) -> str:
    """The id of the last thing that a page leads to."""
    text = _text(stage, cookie, f"/admin/{section}")
    ids = re.findall(rf'href="/admin/{section}/({prefix}[A-Z0-9]{{10}})', text)
    return ids[-1] if ids else f"{prefix}0000000000"


def _get(stage: Stage, cookie: str, path: str) -> Iterator[bytes]:
    connection = HTTPConnection(urlsplit(stage.server.url).netloc, timeout=_FILE_MOST)
    try:
        connection.request("GET", path, headers={"Cookie": cookie})
        response = connection.getresponse()
        while part := response.read(65_536):
            yield part
    finally:
        connection.close()


def _text(stage: Stage, cookie: str, path: str) -> str:
    return b"".join(_get(stage, cookie, path)).decode()


def _lines(stage: Stage, cookie: str, path: str) -> int:
    return sum(part.count(b"\n") for part in _get(stage, cookie, path))
