"""Slack's rate limits and locks, over HTTP: what passes, what is refused and in which words.

Where a burst has to be exact, next to nothing grows back: then it does not matter how fast the machine is.
Source: Slack, *SCIM API rate limits*; SCIM API reference, heading *Concurrency*.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.scim.v1.async_client import AsyncSCIMClient
from slack_sdk.scim.v1.client import SCIMClient
from slack_sdk.scim.v1.user import User, UserEmail, UserName

from rosterd.ratelimit.limits import SLACK
from tests.protocol.live import Api, Body, Org, Server, make_org, serving


@contextmanager
def limited(folder: Path, table: str) -> Iterator[Server]:
    file = folder / "limits.toml"
    file.write_text(table)
    options = ("--rate-limits", "slack", "--limits-table", str(file))
    with serving("sqlite", f"sqlite:///{folder / 'rosterd.db'}", folder / "stderr.log", *options) as server:
        yield server


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Slack's bursts, and one request a minute."""
    table = "\n".join(f"[limits.{name}]\nper_minute = 1" for name in SLACK)
    with limited(tmp_path_factory.mktemp("slow"), table) as server:
        yield server


@pytest.fixture(scope="module")
def brisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One new user a second; two looks at the trail, and the next in a minute."""
    table = "[limits.create_user]\nper_minute = 60\nburst = 1\n[limits.audit]\nper_minute = 1\nburst = 2"
    with limited(tmp_path_factory.mktemp("brisk"), table) as server:
        yield server


@pytest.fixture
def busy(slow: Server) -> Org:
    """An organisation of the test's own on the slow server."""
    return make_org(slow)


@pytest.fixture
def brisk_org(brisk: Server) -> Org:
    """An organisation of the test's own on the brisk server."""
    return make_org(brisk)


def change(api: Api, attribute: str, value: str) -> Body:
    """A PATCH body of the version that sets one attribute, of a user or a group."""
    if api.version == "v1":
        return {"schemas": [api.urns.user], attribute: value}
    return api.message({"op": "replace", "path": attribute, "value": value})


def check_limited(api: Api, response: httpx.Response, code: str = "too_many_requests") -> None:
    """A 429 in the envelope of the version, with whole seconds to wait."""
    api.check_refused(response, code, 429)
    assert int(response.headers["retry-after"]) >= 1
    assert response.headers["retry-after"].isdecimal()


def test_twenty_new_users_pass_and_the_next_is_refused_in_both_versions(busy: Org) -> None:
    one, two = busy.api("v1"), busy.api("v2")
    for n in range(10):
        one.create_user(f"one{n}")
        two.create_user(f"two{n}")
    for api in (one, two):
        check_limited(api, api.post("Users", api.user_body("more")))
    assert one.get("Users", count=100).json()["totalResults"] == 21  # the owner, too


def test_all_tokens_of_an_organisation_share_and_others_have_their_own(busy: Org, slow: Server) -> None:
    first, second = busy.api("v2"), busy.api("v2", busy.token_for(busy.owner_id))
    for n in range(20):
        (first, second)[n % 2].create_user(f"user{n}")
    check_limited(second, second.post("Users", second.user_body("more")))
    make_org(slow).api("v2").create_user("elsewhere")


def test_put_and_patch_of_a_user_share_twenty(busy: Org) -> None:
    api = busy.api("v2")
    user = api.create_user("ann")
    for n in range(10):
        assert api.patch(f"Users/{user['id']}", change(api, "title", f"t{n}")).status_code == 200
        assert api.put(f"Users/{user['id']}", api.user_body("ann", title=f"p{n}")).status_code == 200
    check_limited(api, api.patch(f"Users/{user['id']}", change(api, "title", "more")))
    check_limited(api, api.put(f"Users/{user['id']}", api.user_body("ann")))
    assert api.delete(f"Users/{user['id']}").is_success


def test_put_and_patch_of_a_group_share_eighty(busy: Org) -> None:
    api = busy.api("v1")
    group = f"Groups/{api.create_group('g')['id']}"
    for n in range(80):
        assert api.patch(group, change(api, "displayName", f"g{n}")).status_code == 204
    check_limited(api, api.put(group, {"schemas": [api.urns.group], "displayName": "more"}))
    check_limited(api, api.patch(group, change(api, "displayName", "more")))


def test_reads_of_one_user_have_a_limit_and_lists_have_only_the_organisations(busy: Org) -> None:
    api = busy.api("v2")
    path = f"Users/{busy.owner_id}"
    assert {api.get(path).status_code for _ in range(300)} == {200}
    check_limited(api, api.get(path))
    assert {api.get("Users").status_code for _ in range(50)} == {200}
    assert api.get(f"Groups/{api.create_group('g')['id']}").status_code == 200


def test_a_failure_spends_but_a_wrong_token_and_a_refusal_do_not(busy: Org) -> None:
    api, stranger = busy.api("v2"), busy.api("v2", "xoxp-no-such-token")
    for _ in range(30):
        assert stranger.post("Users", api.user_body("ann")).status_code == 401
    for _ in range(20):
        assert api.post("Users", b"{").status_code == 400
    check_limited(api, api.post("Users", api.user_body("ann")))


def test_discovery_for_anyone_has_no_limit(busy: Org) -> None:
    api = busy.api("v2")
    assert {api.get("ServiceProviderConfig").status_code for _ in range(30)} == {200}


@contextmanager
def unfinished(api: Api, method: str, path: str, body: Any) -> Iterator[http.client.HTTPConnection]:
    """A request whose body lacks its last byte while the block runs; then it is finished."""
    content = json.dumps(body).encode()
    parts = urlsplit(api.root)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    connection.putrequest(method, f"{parts.path}/{path}")
    for name, value in (("Authorization", f"Bearer {api.token}"), ("Content-Length", str(len(content)))):
        connection.putheader(name, value)
    connection.endheaders(content[:-1])
    try:
        yield connection
        connection.send(content[-1:])
        response = connection.getresponse()
        response.read()
        assert response.status in (200, 204)
    finally:
        connection.close()


def first_refusal(api: Api, path: str) -> httpx.Response:
    """Reads pass a lock; writes of nothing are sent until the other request has arrived."""
    for _ in range(19):
        response = api.patch(path, b"{")
        if response.status_code == 429:
            return response
    raise AssertionError("never locked")


@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_a_second_write_is_refused_while_the_first_is_going_on(busy: Org, version: str, kind: str) -> None:
    api = busy.api(version)
    made = api.create_user("ann") if kind == "Users" else api.create_group("ann")
    path = f"{kind}/{made['id']}"
    body = change(api, "title" if kind == "Users" else "displayName", "Lead")
    with unfinished(api, "PATCH", path, body):
        refused = first_refusal(api, path)
        check_limited(api, refused, "resource_locked")
        assert refused.headers["retry-after"] == "1"
        check_limited(api.other(), api.other().delete(path), "resource_locked")
        assert api.get(path).status_code == 200
        assert api.get(kind).status_code == 200
    assert api.patch(path, body).is_success


def test_the_lock_of_a_client_that_went_away_is_gone(busy: Org) -> None:
    api = busy.api("v2")
    path = f"Groups/{api.create_group('g')['id']}"
    with (
        pytest.raises(ConnectionError),
        unfinished(api, "PATCH", path, change(api, "displayName", "x")) as connection,
    ):
        first_refusal(api, path)
        connection.close()
        raise ConnectionError
    for _ in range(50):
        response = api.patch(path, change(api, "displayName", "y"))
        if response.status_code != 429:
            break
    assert response.status_code == 200


class Counting(RateLimitErrorRetryHandler):
    """slack_sdk's own handler, which says how often it waited."""

    waited = 0

    def prepare_for_next_attempt(self, **arguments: Any) -> None:
        super().prepare_for_next_attempt(**arguments)
        self.waited += 1


class AsyncCounting(AsyncRateLimitErrorRetryHandler):
    """The same of its asynchronous client."""

    waited = 0

    async def prepare_for_next_attempt_async(self, **arguments: Any) -> None:
        await super().prepare_for_next_attempt_async(**arguments)
        self.waited += 1


def person(n: int) -> User:
    return User(user_name=f"user{n}", name=UserName(), emails=[UserEmail(value=f"user{n}@example.com")])


def test_slack_sdk_waits_as_it_is_told_and_succeeds(brisk_org: Org) -> None:
    handler, base_url = Counting(max_retry_count=3), f"{brisk_org.server.url}/scim/v1/"
    client = SCIMClient(token=brisk_org.token, base_url=base_url, retry_handlers=[handler])
    for n in range(5):  # a slow machine is not refused each time
        assert client.create_user(person(n)).status_code == 201
        if handler.waited:
            return
    raise AssertionError("never refused")


@pytest.mark.anyio
async def test_the_asynchronous_slack_sdk_waits_as_it_is_told_and_succeeds(brisk_org: Org) -> None:
    handler, base_url = AsyncCounting(max_retry_count=3), f"{brisk_org.server.url}/scim/v1/"
    client = AsyncSCIMClient(token=brisk_org.token, base_url=base_url, retry_handlers=[handler])
    for n in range(5):
        assert (await client.create_user(person(n))).status_code == 201
        if handler.waited:
            return
    raise AssertionError("never refused")


def test_the_trail_has_a_limit_of_its_own_for_all_tokens_of_an_organisation(brisk: Server) -> None:
    def look(org: Org, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return brisk.http.get(f"{brisk.url}/audit/v1/logs", headers=headers)

    org, other = make_org(brisk), make_org(brisk)
    first, second = (org.token_for(org.owner_id, scopes="auditlogs:read") for _ in range(2))
    assert [look(org, token).status_code for token in (first, "xoxp-nobody", second)] == [200, 401, 200]
    refused = look(org, first)
    assert (refused.status_code, refused.json()) == (429, {"ok": False, "error": "rate_limited"})
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert brisk.http.get(f"{brisk.url}/audit/v1/actions").status_code == 200
    assert look(other, other.token_for(other.owner_id, scopes="auditlogs:read")).status_code == 200
