"""Getting the peers and running them, each with the same people in its memory."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench import people, servers

USERS, MEMBERS = 100_000, 10_000
BODIES = 64
_SOURCE = Path(__file__).parent


class Contender(NamedTuple):
    """A server with the people in it."""

    name: str
    url: str
    base: str  # path of its SCIM 2.0 endpoints
    token: str
    rows: Path
    group: str  # of `MEMBERS`
    together: int  # PATCHes at once
    unseen: str  # query of a PATCH whose answer is to be without the members


def bodies() -> Iterator[str]:
    """Bodies of POST with ``@@`` for the username, without managers: Slack's attribute is not the RFC's."""
    for number in range(BODIES):
        body = people.body(number, "@@")
        body[people.ENTERPRISE].pop("manager", None)
        yield json.dumps(body)


class Peer(NamedTuple):
    """How to install one below a folder, which gives the command that serves it; how to ask for a PATCH."""

    install: Callable[[Path], list[str]]
    unseen: str


@contextmanager
def running(name: str, home: Path) -> Iterator[Contender]:
    """A peer on the server's core, once it has everybody."""
    token, rows = secrets.token_urlsafe(16), home / f"{name}.txt"
    command = PEERS[name].install(home)
    words = [*command, str(home / "bodies"), str(USERS), str(MEMBERS), token, str(rows)]
    with servers.served(words, home / f"{name}.log") as server:
        place = urlsplit(server.url)
        url, group = f"http://{place.netloc}", server.said.split()[0]
        # One PATCH at a time: some take seconds, and thirty-two would all be late.
        yield Contender(name, url, place.path, token, rows, group, 1, PEERS[name].unseen)


def _scim2(home: Path) -> list[str]:
    python = home / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home / "venv")], check=True)
    pip = (str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install")
    subprocess.run([*pip, "--requirement", str(_SOURCE / "requirements.txt")], check=True)
    return [str(python), str(_SOURCE / "scim2.py")]


def _scimmy(home: Path) -> list[str]:
    folder = home / "node"
    folder.mkdir(exist_ok=True)
    for name in ("package.json", "scimmy.mjs"):  # modules are looked for from the script's own place
        shutil.copy(_SOURCE / name, folder)
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"]
    subprocess.run(npm, cwd=folder, check=True)
    return ["node", str(folder / "scimmy.mjs")]


PEERS: Mapping[str, Peer] = {
    "scim2-server": Peer(_scim2, "?excludedAttributes=members"),
    "SCIMMY": Peer(_scimmy, ""),  # which takes the query for what is to be changed, too: nobody would be left
}
