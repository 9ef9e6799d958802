"""Slack's own clients of the Audit Logs API, AuditLogsClient and AsyncAuditLogsClient of slack_sdk."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

import pytest
from slack_sdk.audit_logs import AuditLogsClient
from slack_sdk.audit_logs.async_client import AsyncAuditLogsClient

from tests.protocol import inside
from tests.protocol.live import Org

pytestmark = pytest.mark.anyio


class Client:
    """One of the two clients, with every method to be awaited."""

    def __init__(self, make: Callable[..., Any], org: Org, token: str) -> None:
        self._client = make(token=token, base_url=f"{org.server.url}/audit/v1/")

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def call(**kwargs: Any) -> Any:
            answer = getattr(self._client, method)(**kwargs)
            return await answer if isawaitable(answer) else answer

        return call

    async def entries(self, **filters: Any) -> list[Any]:
        """All that fit, page after page."""
        found: list[Any] = []
        cursor = None
        while cursor != "":
            answer = await self.logs(cursor=cursor, **filters)
            assert answer.status_code == 200, answer.raw_body
            found += answer.typed_body.entries
            cursor = answer.typed_body.response_metadata.next_cursor
        return found


@pytest.fixture(params=[AuditLogsClient, AsyncAuditLogsClient])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The synchronous client, then the asynchronous one; neither through a proxy."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    client: Callable[..., Any] = request.param
    return client


@pytest.fixture
def client(make: Callable[..., Any], org: Org) -> Client:
    return Client(make, org, org.token_for(org.owner_id, scopes="auditlogs:read"))


@pytest.fixture
def crowd(org: Org) -> list[str]:
    """The ids of 25 people, in order of creation."""
    return inside.add_people(org.server.database, org.domain, 25)


async def test_schemas_and_actions_are_read(client: Client) -> None:
    assert (await client.schemas()).body["schemas"][0]["type"] == "workspace"
    assert "user_created" in (await client.actions()).body["actions"]["user"]


async def test_entries_are_read_page_by_page_with_all_their_parts(
    client: Client, org: Org, crowd: list[str]
) -> None:
    ann = org.api("v2").create_user("ann", name={"givenName": "Ann", "familyName": "Lee"})["id"]
    whole = await client.entries()
    paged = await client.entries(limit=4)
    assert [entry.id for entry in paged] == [entry.id for entry in whole]
    [entry] = [entry for entry in paged if entry.entity.user and entry.entity.user.id == ann]
    assert (entry.action, entry.actor.user.id) == ("user_created", org.owner_id)
    assert (entry.entity.type, entry.entity.user.name) == ("user", "Ann Lee")
    assert (entry.context.location.id, entry.context.ip_address) == (org.org_id, "127.0.0.1")
    assert entry.context.app.scopes == ["admin"]
    created = [entry.entity.user.id for entry in paged if entry.action == "user_created"]
    assert created == [ann, *reversed(crowd), org.owner_id]


async def test_filters_narrow(client: Client, org: Org) -> None:
    api = org.api("v2")
    ann = api.create_user("ann")["id"]
    group = api.create_group("Sales", ann)["id"]
    api.delete(f"Users/{ann}")
    assert [entry.action for entry in await client.entries(entity=ann, limit=1)] == [
        "user_deactivated", "user_added_to_usergroup", "user_created",
    ]  # fmt: skip
    [last] = await client.entries(action="user_deactivated", actor=org.owner_id)
    assert await client.entries(action="user_deactivated", latest=last.date_create - 1) == []
    assert await client.entries(oldest=last.date_create + 3_600) == []
    [made] = await client.entries(action="usergroup_updated", entity=group)
    assert made.entity.usergroup.name == "Sales"


async def test_errors_come_with_their_status(make: Callable[..., Any], client: Client, org: Org) -> None:
    refused = await client.logs(action="user_eaten")
    assert (refused.status_code, refused.body) == (400, {"ok": False, "error": "invalid_action"})
    refused = await Client(make, org, org.token).logs()
    assert (refused.status_code, refused.body["error"]) == (401, "invalid_authentication")
