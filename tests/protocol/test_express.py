"""A request that repeats the head of the one before on its connection is answered as any other.

Sockets are used as they are: what is sent at once, and on which connection, is the matter here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import pytest

from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Api, Body, Org, Server, make_org, serving

Answer = tuple[int, dict[str, str], bytes]


class Wire:
    """One connection; requests in bytes, answers taken apart."""

    def __init__(self, api: Api) -> None:
        parts = urlsplit(api.root)
        self.api = api
        self.base = parts.path
        self.head = f"\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {api.token}\r\nAccept: */*\r\n\r\n"
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
        self.file = self.socket.makefile("rb")

    def line(self, path: str) -> bytes:
        return f"GET {self.base}/{path} HTTP/1.1".encode()

    def request(self, path: str) -> bytes:
        return self.line(path) + self.head.encode()

    def send(self, *requests: bytes) -> None:
        self.socket.sendall(b"".join(requests))

    def answer(self) -> Answer:
        status = int(self.file.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self.file.readline().strip().decode():
            name, _, value = line.partition(": ")
            assert name not in headers
            headers[name] = value
        return status, headers, self.file.read(int(headers["content-length"]))

    def get(self, path: str) -> Answer:
        self.send(self.request(path))
        return self.answer()


@contextmanager
def wire(api: Api) -> Iterator[Wire]:
    opened = Wire(api)
    try:
        yield opened
    finally:
        opened.file.close()
        opened.socket.close()


def comparable(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """Without what is another with every answer, after a look at its form."""
    status, headers, body = answer
    assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])
    assert headers["date"].endswith("GMT")
    changed = ("date", "x-request-id")
    return status, [(name, "" if name in changed else value) for name, value in headers.items()], body


def paths(api: Api, user: Body) -> list[str]:
    """Ways to ask for this user, as connectors write them."""
    name, email = quote(user["userName"]), quote(user["emails"][0]["value"])
    return [
        f"Users/{user['id']}",
        f"Users?filter=userName%20eq%20%22{name}%22",
        f"Users?filter=userName+eq+%22{name.upper()}%22",
        f'Users?filter=username+eq+"{name}"&startIndex=1&count=100',
        f"Users?filter=emails.value%20eq%20%22{email}%22&count=1",
        f"Users?filter=email%20eq%20%22{email}%22&startIndex=1",
        f"Users?filter=id%20eq%20%22{user['id']}%22",
    ]


def test_it_says_what_the_first_said(api: Api) -> None:
    user = api.create_user("ann.50%", title="50 % of %(1)b — “Zoë”")
    api.create_group("All of us", user["id"])
    api.create_group('"quoted" %s')
    for path in paths(api, user):
        with wire(api) as connection:
            first, *others = [comparable(connection.get(path)) for _ in range(4)]
        assert first[0] == 200
        assert others == [first] * 3, path


def test_nobody_found_is_an_answer_too(api: Api) -> None:
    path = "Users?filter=userName%20eq%20%22nobody%22"
    with wire(api) as connection:
        first, *others = [comparable(connection.get(path)) for _ in range(3)]
    assert (first[0], json.loads(first[2])["totalResults"], json.loads(first[2])["Resources"]) == (200, 0, [])
    assert others == [first] * 2
    made = api.create_user("nobody")
    assert json.loads(api.get(path).text)["Resources"][0]["id"] == made["id"]


def test_it_sees_what_has_just_changed(api: Api) -> None:
    user = api.create_user("ann")
    path = f"Users/{user['id']}"
    with wire(api) as connection:
        for title in ("One", "Two", "Three"):
            assert api.patch(path, change(api, "title", title)).is_success
            for _ in range(2):
                assert f'"title":"{title}"'.encode() in connection.get(path)[2]
        group = api.create_group("Later", user["id"])
        assert f'"value":"{group["id"]}"'.encode() in connection.get(path)[2]


def test_whoever_is_not_there_is_answered_as_ever(api: Api) -> None:
    user = api.create_user("ann")
    with wire(api) as connection:
        for _ in range(2):
            assert connection.get(f"Users/{user['id']}")[0] == 200
            assert connection.get("Users/W0000000000")[0] == 404
            assert connection.get("Users/" + user["id"].lower())[0] == 404
            assert connection.get("Users?filter=title%20eq%20%22x%22")[0] == 400


def test_a_token_that_ends_ends_here_too(org: Org, version: str) -> None:
    api = org.api(version)
    user = org.create_user("deputy", "admin")
    path = f"Users/{user}"
    first, second = (api_with(api, org.token_for(user)) for _ in range(2))
    with wire(first) as connection, wire(second) as another:
        for each in (connection, another):
            assert [each.get(path)[0] for _ in range(3)] == [200] * 3
        listed = [json.loads(line) for line in org.run("token", "list").splitlines()]
        org.run("token", "revoke", next(token["token_id"] for token in listed if token["user_id"] == user))
        assert sorted(each.get(path)[0] for each in (connection, another)) == [200, 401]
        assert api.delete(path).is_success
        for each in (connection, another):
            assert [each.get(path)[0] for _ in range(2)] == [401] * 2


def test_another_head_on_one_connection_is_somebody_else(org: Org, make_org: MakeOrg, version: str) -> None:
    api, stranger = org.api(version), make_org().api(version)
    path = f"Users/{org.owner_id}"
    with wire(api) as connection:
        theirs = connection.line(path) + connection.head.replace(str(api.token), str(stranger.token)).encode()
        nobodys = connection.line(path) + b"\r\nHost: x\r\n\r\n"
        for _ in range(3):
            for request, status in ((connection.request(path), 200), (theirs, 404), (nobodys, 401)):
                connection.send(request)
                assert connection.answer()[0] == status
                connection.send(request)
                assert connection.answer()[0] == status


def test_requests_sent_at_once_are_answered_in_order(api: Api) -> None:
    ids = [api.create_user(f"user{n}")["id"] for n in range(6)]
    with wire(api) as connection:
        assert connection.get(f"Users/{ids[0]}")[0] == 200
        connection.send(*(connection.request(f"Users/{id}") for id in ids))
        for id in ids:
            connection.send(connection.request(f"Users/{id}"))
        found = [json.loads(connection.answer()[2])["id"] for _ in range(12)]
        assert found == ids * 2


def test_a_request_in_pieces_is_answered_once(api: Api) -> None:
    path = f"Users/{api.create_user('ann')['id']}"
    with wire(api) as connection:
        connection.get(path)
        request = connection.request(path)
        for cut in (1, 20, len(request) - 30, len(request) - 2):
            connection.send(request[:cut])
            time.sleep(0.05)
            connection.send(request[cut:])
            assert connection.answer()[0] == 200
            assert connection.get(path)[0] == 200


def test_a_body_that_looks_like_a_request_is_none(api: Api) -> None:
    user = api.create_user("ann")
    with wire(api) as connection:
        body = connection.request(f"Users/{user['id']}")
        post = f"POST {connection.base}/Users HTTP/1.1".encode() + connection.head[:-2].encode()
        post += f"Content-Length: {len(body)}\r\n\r\n".encode()
        for pieces in ([post + body], [post, body]):
            assert connection.get(f"Users/{user['id']}")[0] == 200
            for piece in pieces:
                connection.send(piece)
                time.sleep(0.05)
            assert connection.answer()[0] == 400
            assert connection.get(f"Users/{user['id']}")[0] == 200


def test_nobody_is_answered_with_the_token_of_another_request(api: Api) -> None:
    """Whatever looks like a request inside of one leaves no head behind."""
    path = f"Users/{api.create_user('ann')['id']}"
    for stranger in (b"", b"Authorization: Bearer xoxp-of-nobody\r\n"):
        with wire(api) as connection:
            theirs = connection.line(path) + b"\r\nHost: x\r\n" + stranger + b"\r\n"
        post = f"POST {connection.base}/Users HTTP/1.1".encode() + connection.head[:-2].encode()
        post += f"Content-Length: {len(theirs)}\r\n\r\n".encode()
        split = connection.line(path) + connection.head[:-2].encode() + b"X-Note: "
        for start in (post, split):
            with wire(api) as connection:
                connection.send(start)
                time.sleep(0.1)
                connection.send(theirs)
                connection.answer()
                for _ in range(2):
                    connection.send(theirs)
                    assert connection.answer()[0] == 401


def test_it_is_counted_once(server: Server, api: Api) -> None:
    user = api.create_user("ann")

    def counted() -> float:
        labels = (
            f'{{method="GET",route="/scim/{api.version}/Users/{{id}}",status="200",version="{api.version}"}}'
        )
        text = server.http.get(f"{server.url}/metrics").text
        found = re.search(re.escape("rosterd_http_requests_total" + labels) + r" (\S+)", text)
        return float(found[1]) if found else 0

    before = counted()
    with wire(api) as connection:
        assert {connection.get(f"Users/{user['id']}")[0] for _ in range(9)} == {200}
    assert counted() == before + 9


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_connection_in_use_stays_open(org: Org) -> None:
    """uvicorn closes what has been idle for five seconds."""
    api = org.api("v2")
    path = f"Users/{api.create_user('ann')['id']}"
    with wire(api) as v2, wire(api.other()) as v1:
        for pause in (1.5, 1.5, 1.5, 1.5, 0):
            assert (v1.get(path)[0], v2.get(path)[0]) == (200, 200)
            time.sleep(pause)


def resident(server: Server) -> float:
    """MiB of the process."""
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) / 256


def test_a_client_that_reads_nothing_holds_up_itself_only(server: Server, api: Api) -> None:
    path = f"Users/{api.create_user('ann')['id']}"
    with wire(api) as connection, wire(api) as another:
        connection.get(path)
        request = connection.request(path)
        connection.socket.setblocking(False)
        sent = 0
        before = resident(server)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while sent < 50_000:
                connection.socket.sendall(request)
                sent += 1
        assert another.get(path)[0] == 200
        assert another.get(path)[0] == 200
        assert resident(server) - before < 32


def api_with(api: Api, token: str) -> Api:
    return Api(api.base_url, token, api.version, api.http)


def change(api: Api, attribute: str, value: str) -> Body:
    """A PATCH body of the version that sets one attribute."""
    if api.version == "v1":
        return {"schemas": [api.urns.user], attribute: value}
    return api.message({"op": "replace", "path": attribute, "value": value})


@contextmanager
def locked(server: Server) -> Iterator[None]:
    """PostgreSQL answers nobody who asks for users while the block runs."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(server.database))
        runner.run(connection.execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        try:
            yield
        finally:
            runner.run(connection.execute("ROLLBACK"))
            runner.run(connection.close())


@pytest.fixture
def postgresql(server: Server) -> Server:
    if server.engine != "postgresql":
        pytest.skip("SQLite answers at once")
    return server


def test_an_answer_that_takes_its_time_arrives(postgresql: Server, org: Org) -> None:
    """Also where uvicorn's timer for idle connections ends meanwhile, and where more requests come."""
    api = org.api("v2")
    ids = [api.create_user(f"user{n}")["id"] for n in range(3)]
    with wire(api) as connection:
        for _ in range(3):
            assert connection.get(f"Users/{ids[0]}")[0] == 200
        time.sleep(4)
        with locked(postgresql):
            for id in ids:
                connection.send(connection.request(f"Users/{id}"))
                time.sleep(0.6)
        assert [json.loads(connection.answer()[2])["id"] for _ in ids] == ids


@pytest.mark.parametrize("signals", [1, 2])
def test_the_end_of_the_server_finds_an_answer_under_way(
    databases: Any, tmp_path: Path, signals: int
) -> None:
    """One signal waits for it, a second one cuts it short: 503."""
    with databases.migrated() as url, serving("postgresql", url, tmp_path / "log") as server:
        org = make_org(server)
        with wire(org.api("v2")) as connection:
            for _ in range(3):
                assert connection.get(f"Users/{org.owner_id}")[0] == 200
            with locked(server):
                connection.send(connection.request(f"Users/{org.owner_id}"))
                for _ in range(signals):
                    time.sleep(0.3)
                    os.kill(server.pid, signal.SIGTERM)
                if signals == 2:
                    status, headers, body = connection.answer()
                    assert (status, headers["retry-after"]) == (503, "1")
                    assert json.loads(body)["status"] == 503
            if signals == 1:
                assert connection.answer()[0] == 200
            assert connection.file.read() == b""
            os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
