"""A running server seen from outside: its process, organisations made for one test, a plain client.

Everything is on 127.0.0.1. Organisations, and what SCIM cannot make, are made in this process on the
database of the running server, mostly by the commands that an operator uses; what is tested then goes
over HTTP only.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from click.testing import CliRunner

from rosterd.cli import rosterd
from rosterd.directory.model import Plan
from tests import hasty
from tests.protocol import inside

SECRET = "a-key-for-tests-of-the-protocol"
JSON = "application/json"

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Urns:
    """The URNs of one version (Slack SCIM API reference, heading *User attributes*)."""

    user: str
    group: str
    enterprise: str
    guest: str
    profile: str
    list: str
    patch: str = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    error: str = "urn:ietf:params:scim:api:messages:2.0:Error"


URNS: Mapping[str, Urns] = {
    "v1": Urns(
        user="urn:scim:schemas:core:1.0",
        group="urn:scim:schemas:core:1.0",
        enterprise="urn:scim:schemas:extension:enterprise:1.0",
        guest="urn:scim:schemas:extension:slack:guest:1.0",
        profile="urn:scim:schemas:extension:slack:profile:1.0",
        list="urn:scim:schemas:core:1.0",
    ),
    "v2": Urns(
        user="urn:ietf:params:scim:schemas:core:2.0:User",
        group="urn:ietf:params:scim:schemas:core:2.0:Group",
        enterprise="urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        guest="urn:ietf:params:scim:schemas:extension:slack:guest:2.0:User",
        profile="urn:ietf:params:scim:schemas:extension:slack:profile:2.0:User",
        list="urn:ietf:params:scim:api:messages:2.0:ListResponse",
    ),
}


@dataclass(slots=True)
class Stock:
    """Organisations of one plan that nobody has asked for yet, and how many to make when they are used up."""

    ready: list[inside.Made] = field(default_factory=list)
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Server:
    """A server process and its database."""

    engine: str
    url: str
    database: str
    http: httpx.Client = field(repr=False)
    pid: int = 0  # unless it is of no interest
    stocks: dict[str, Stock] = field(default_factory=dict, repr=False, compare=False)  # by plan

    def run(self, *arguments: str, fails: bool = False) -> str:
        """The stdout of a ``rosterd`` command on the server's database; with ``fails``, its stderr."""
        environment = {"ROSTERD_SECRET": SECRET, "ROSTERD_DATABASE": self.database}
        done = CliRunner(env=environment).invoke(rosterd, arguments)
        assert done.exit_code == (1 if fails else 0), done.output
        return done.stderr if fails else done.stdout


@contextmanager
def serving(
    engine: str, database: str, log: Path, *options: str, within: Sequence[str] = ()
) -> Iterator[Server]:
    """A server process over ``database``, stopped at the end; what it could not explain fails the test.

    ``within`` is a command that becomes, or starts, the program that it is given.
    """
    serve = [sys.executable, hasty.__file__, "serve", "--port", "0", "--database", database, *options]
    command = [*within, *serve]
    environment = os.environ | {"ROSTERD_SECRET": SECRET, "ROSTERD_MAIL_DIR": str(log.with_name("mail"))}
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment) as process,
        httpx.Client(timeout=60, trust_env=False, verify=False) as http,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            assert line.startswith("rosterd listening on http://127.0.0.1:"), log.read_text()
            yield Server(engine, line.split()[-1], database, http, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in log.read_text(), log.read_text()


@dataclass(frozen=True, slots=True)
class Api:
    """One version of SCIM with one token. Paths start at the version: ``Users/W1?count=2``."""

    base_url: str  # without a slash at the end
    token: str | None
    version: str
    http: httpx.Client = field(repr=False)

    @property
    def urns(self) -> Urns:
        return URNS[self.version]

    @property
    def root(self) -> str:
        return f"{self.base_url}/scim/{self.version}"

    def get(self, path: str, **params: str | int) -> httpx.Response:
        return self.send("GET", path, params=params)

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.send("POST", path, body)

    def put(self, path: str, body: Any) -> httpx.Response:
        return self.send("PUT", path, body)

    def patch(self, path: str, body: Any) -> httpx.Response:
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> httpx.Response:
        return self.send("DELETE", path)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Any request. ``body``: bytes go as they are, anything else as JSON."""
        sent = {"Content-Type": JSON} if body is not None else {}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{self.root}/{path}"
        if params:
            joined = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())
            url = f"{url}{'&' if '?' in url else '?'}{joined}"
        return self.http.request(method, url, content=content, headers={**sent, **(headers or {})})

    def other(self) -> Api:
        """The same token in the other version."""
        return Api(self.base_url, self.token, "v1" if self.version == "v2" else "v2", self.http)

    def patch_user(self, user_id: str, *operations: Body) -> httpx.Response:
        """A PatchOp message with these operations."""
        return self.patch(f"Users/{user_id}", self.message(*operations))

    def patch_group(self, group_id: str, *operations: Body) -> httpx.Response:
        """A PatchOp message with these operations."""
        return self.patch(f"Groups/{group_id}", self.message(*operations))

    def message(self, *operations: Body) -> Body:
        return {"schemas": [self.urns.patch], "Operations": list(operations)}

    def user_body(self, name: str, /, **more: Any) -> Body:
        """A POST body for a user called ``name`` with an address at example.com."""
        body = {"schemas": [self.urns.user], "userName": name, "emails": [{"value": f"{name}@example.com"}]}
        return body | more

    def create_user(self, name: str, /, **more: Any) -> Body:
        """The resource of a new user."""
        return created(self.post("Users", self.user_body(name, **more)))

    def create_group(self, name: str, *members: str) -> Body:
        """The resource of a new group with these members' ids."""
        listed = [{"value": member} for member in members]
        body = {"schemas": [self.urns.group], "displayName": name, "members": listed}
        return created(self.post("Groups", body))

    def user(self, user_id: str) -> Body:
        """The resource as it is now."""
        return ok(self.get(f"Users/{user_id}"))

    def member_ids(self, group_id: str) -> list[str]:
        """The ids of a group's members, in its order."""
        return [member["value"] for member in ok(self.get(f"Groups/{group_id}"))["members"]]

    def error(self, code: str, status: int) -> Body:
        """The error body of this version (Slack SCIM API reference, heading *Errors*)."""
        if self.version == "v1" or status == 401:
            return {"Errors": {"description": code, "code": status}}
        return {"schemas": [self.urns.error], "detail": code, "status": status}

    def check_refused(self, response: httpx.Response, code: str, status: int = 400) -> None:
        """The response is this error and nothing else, down to its media type."""
        assert response.json() == self.error(code, status), response.text
        assert response.status_code == status
        assert response.headers["content-type"] == "application/json;charset=utf-8"


@dataclass(frozen=True, slots=True)
class WebApi:
    """The Web API with one token: ``call("users.info", user="W1")``."""

    base_url: str  # without a slash at the end
    token: str | None
    http: httpx.Client = field(repr=False)

    def call(self, method: str, /, **arguments: Any) -> Body:
        """The answer to a POST with a form, which is a 200 whatever it says."""
        return self.said(self.send(method, data=arguments))

    def ok(self, method: str, /, **arguments: Any) -> Body:
        """What stands beside ``"ok": true``."""
        body = self.call(method, **arguments)
        assert body.pop("ok") is True, body
        return body

    def error(self, method: str, /, **arguments: Any) -> str:
        """The word for why not."""
        body = self.call(method, **arguments)
        assert body["ok"] is False, body
        return str(body["error"])

    def send(self, method: str, /, verb: str = "POST", **options: Any) -> httpx.Response:
        """Any request; ``options`` are those of httpx."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        headers |= options.pop("headers", {})
        return self.http.request(verb, f"{self.base_url}/api/{method}", headers=headers, **options)

    def said(self, response: httpx.Response) -> Body:
        """The body of a 200."""
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json;charset=utf-8"
        body: Body = response.json()
        return body


def ok(response: httpx.Response) -> Body:
    """The body of a 200."""
    assert response.status_code == 200, response.text
    body: Body = response.json()
    return body


def created(response: httpx.Response) -> Body:
    """The body of a 201."""
    assert response.status_code == 201, response.text
    body: Body = response.json()
    return body


def detail(response: httpx.Response) -> str:
    """The code of an error with what it says about it, from either envelope."""
    body = response.json()
    text: str = body["Errors"]["description"] if "Errors" in body else body["detail"]
    return text


@dataclass(frozen=True, slots=True)
class Org:
    """An organisation of the test's own. ``token`` has the scope ``admin`` and is its owner's."""

    server: Server
    org_id: str
    team_id: str
    owner_id: str
    domain: str
    token: str

    @property
    def owner_email(self) -> str:
        return f"owner@{self.domain}.example"

    def api(self, version: str, token: str | None = None) -> Api:
        return Api(self.server.url, token or self.token, version, self.server.http)

    def web_api(self, *scopes: str, of: str | None = None, team: str | None = None) -> WebApi:
        """The Web API with a new token of the owner, or of the person with this id or address.

        ``team``: of this workspace; else of the organisation.
        """
        options = ("--team", team) if team else ()
        token = self.token_for(of or self.owner_id, *options, scopes=",".join(scopes or ("identify",)))
        return WebApi(self.server.url, token, self.server.http)

    def token_for(self, user: str, *options: str, scopes: str = "admin") -> str:
        """A token of the person with this id or e-mail address; ``options`` as of ``token create``."""
        return self.run("token", "create", "--user", user, "--scopes", scopes, *options).strip()

    def create_user(self, name: str, role: str = "member", *options: str) -> str:
        """The id of a new user of this role, made at the command line."""
        email = f"{name}@{self.domain}.example"
        out = self.run("user", "create", "--email", email, "--username", name, "--role", role, *options)
        return str(json.loads(out)["user_id"])

    def api_of(self, role: str, version: str) -> Api:
        """A client with the token of a new user of this role."""
        return self.api(version, self.token_for(self.create_user(f"actor-{role}", role)))

    def run(self, *arguments: str) -> str:
        """The stdout of a ``rosterd`` command on this organisation."""
        return self.server.run(*arguments, "--org", self.domain)

    def users(self) -> list[dict[str, Any]]:
        """Everybody, as ``user list`` shows them."""
        return [json.loads(line) for line in self.run("user", "list").splitlines()]

    def events(self, entity_id: str | None = None) -> list[str]:
        """The actions of the audit trail, the oldest first; with an id, of that entity."""
        return [event.action for event in inside.events(self.server.database, self.org_id, entity_id)]


_LARGEST_BATCH = 20
_numbers = itertools.count(1)


def make_org(server: Server, plan: str = "enterprise") -> Org:
    """A new organisation with a token of its primary owner.

    Several are made at a time, which is faster, and more of them where many were asked for.
    """
    stock = server.stocks.setdefault(plan, Stock())
    if not stock.ready:
        worker = f"{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}-{os.getpid()}"
        domains = [f"{worker}-{next(_numbers)}" for _ in range(stock.batch)]
        stock.ready = inside.make_orgs(server.database, Plan(plan), domains, SECRET.encode())
        stock.batch = min(2 * stock.batch, _LARGEST_BATCH)
    return Org(server, *stock.ready.pop())
