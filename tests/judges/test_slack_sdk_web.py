"""Slack's own Web API clients, WebClient and AsyncWebClient of slack_sdk, at a running server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from inspect import iscoroutine
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.protocol import inside, live
from tests.protocol.live import Org, Server

SCOPES = ("users:read", "users:read.email", "users.profile:read", "team:read", "channels:read", "groups:read")


class Client:
    """One of the two clients, every method of which answers at once."""

    def __init__(self, make: Callable[..., Any], org: Org, token: str) -> None:
        self._client = make(token=token, base_url=f"{org.server.url}/api/")

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            answer = getattr(self._client, method)(*args, **kwargs)
            return asyncio.run(answer) if iscoroutine(answer) else answer

        return call

    def pages(self, method: str, key: str, **kwargs: Any) -> list[Any]:
        """What is under ``key`` of all that its own iterator goes through: each page is the same object."""

        async def turn() -> list[Any]:
            return [page[key] async for page in await getattr(self._client, method)(**kwargs)]

        if isinstance(self._client, AsyncWebClient):
            return asyncio.run(turn())
        return [page[key] for page in getattr(self._client, method)(**kwargs)]


@pytest.fixture(params=[WebClient, AsyncWebClient])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The synchronous client, then the asynchronous one; neither through a proxy."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    client: Callable[..., Any] = request.param
    return client


@pytest.fixture
def business(server: Server) -> Org:
    """An organisation that is its one workspace."""
    return live.make_org(server, "business_plus")


@pytest.fixture
def client(make: Callable[..., Any], business: Org) -> Client:
    return Client(make, business, str(business.web_api(*SCOPES).token))


def test_api_test_and_auth_test(client: Client, business: Org) -> None:
    assert (client.api_test(foo="bar")).data == {"ok": True, "args": {"foo": "bar"}}
    answer = client.auth_test()
    assert (answer["user_id"], answer["team_id"]) == (business.owner_id, business.team_id)
    assert answer.headers["x-oauth-scopes"] == ",".join(SCOPES)


def test_an_error_raises_with_its_word(client: Client, make: Callable[..., Any], business: Org) -> None:
    with pytest.raises(SlackApiError) as raised:
        client.users_info(user="U0NOBODY")
    assert raised.value.response["error"] == "user_not_found"
    stranger = Client(make, business, "xoxp-nobody")
    with pytest.raises(SlackApiError) as raised:
        stranger.auth_test()
    assert raised.value.response.data == {"ok": False, "error": "invalid_auth"}
    unscoped = Client(make, business, str(business.web_api("identify").token))
    with pytest.raises(SlackApiError) as raised:
        unscoped.users_list()
    assert (raised.value.response["needed"], raised.value.response["provided"]) == ("users:read", "identify")


def test_people_are_found_and_shown(client: Client, business: Org) -> None:
    ann = business.create_user("ann")
    found = (client.users_lookupByEmail(email=f"ann@{business.domain}.example"))["user"]
    assert (found["id"], found["is_invited_user"], found["team_id"]) == (ann, True, business.team_id)
    assert (client.users_info(user=ann, include_locale=True))["user"] == found | {"locale": "en-US"}
    profile = (client.users_profile_get(user=ann, include_labels=True))["profile"]
    assert profile["display_name"] == "ann"
    assert (client.users_profile_get())["profile"]["display_name"] == "owner"


def test_its_iterator_goes_through_all_pages(client: Client, business: Org) -> None:
    made = inside.add_people(business.server.database, business.domain, 9)
    pages = client.pages("users_list", "members", limit=4)
    seen = [each["id"] for page in pages for each in page]
    assert (seen, len(pages)) == (sorted([*made, business.owner_id]), 3)


def test_channels_of_a_person(client: Client, business: Org) -> None:
    channel = inside.a_channel(
        business.server.database, business.org_id, business.owner_id, [business.team_id]
    )
    inside.put_in(business.server.database, business.org_id, {channel: [business.owner_id]})
    listed = client.users_conversations(types=["public_channel", "private_channel"], exclude_archived=True)
    assert [each["id"] for each in listed["channels"] if not each["is_general"]] == [channel]


def test_the_workspace_and_its_fields(client: Client, business: Org) -> None:
    assert (client.team_info())["team"]["domain"] == business.domain
    assert (client.team_info(team=business.team_id))["team"]["id"] == business.team_id
    business.run("profile-field", "add", "--name", "shoe_size", "--label", "Shoe size")
    [field] = (client.team_profile_get())["profile"]["fields"]
    assert (field["label"], field["options"]["is_scim"]) == ("Shoe size", False)


def test_a_token_revokes_itself(client: Client) -> None:
    assert (client.auth_revoke(test=True))["revoked"] is False
    assert (client.auth_revoke())["revoked"] is True
    with pytest.raises(SlackApiError) as raised:
        client.auth_test()
    assert raised.value.response["error"] == "token_revoked"


def test_a_call_by_name_takes_a_form_a_query_or_json(client: Client, business: Org) -> None:
    ann = business.create_user("ann")
    for options in (
        {"params": {"user": ann}},
        {"data": {"user": ann}},
        {"json": {"user": ann, "include_locale": False}},
        {"http_verb": "GET", "params": {"user": ann}},
    ):
        assert (client.api_call("users.info", **options))["user"]["id"] == ann


def test_an_organisations_token_names_the_workspace(make: Callable[..., Any], org: Org) -> None:
    client = Client(make, org, str(org.web_api(*SCOPES).token))
    answer = client.auth_test()
    assert (answer["is_enterprise_install"], answer["enterprise_id"]) == (True, org.org_id)
    with pytest.raises(SlackApiError) as raised:
        client.users_list()
    assert raised.value.response["error"] == "missing_argument"
    assert (client.users_list(team_id=org.team_id))["ok"] is True
