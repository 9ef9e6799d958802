"""Slack's own Web API clients read a file of analytics, and page through the members."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from inspect import iscoroutine
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from rosterd.directory.analytics import text_of
from rosterd.store.records.activity import DAY
from tests.protocol import inside
from tests.protocol.live import Org


@pytest.fixture(params=[WebClient, AsyncWebClient])
def call(request: pytest.FixtureRequest, org: Org, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Calls a method of the synchronous client, then of the asynchronous one; neither through a proxy."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    token = org.token_for(org.owner_id, scopes="admin.analytics:read")
    client = request.param(token=token, base_url=f"{org.server.url}/api/")

    def call(method: str, *args: Any, **kwargs: Any) -> Any:
        answer = getattr(client, method)(*args, **kwargs)
        return asyncio.run(answer) if iscoroutine(answer) else answer

    return call


def test_a_file_is_read(call: Callable[..., Any], org: Org) -> None:
    inside.age_org(org.server.database, org.org_id, 30)
    day = text_of(int(time.time()) // DAY - 1)
    answer = call("admin_analytics_getFile", type="member", date=day)
    assert isinstance(answer.data, bytes)
    [row] = [json.loads(line) for line in gzip.decompress(answer.data).splitlines()]
    assert (row["user_id"], row["date"]) == (org.owner_id, day)


def test_a_day_without_a_file_raises(call: Callable[..., Any]) -> None:
    with pytest.raises(SlackApiError) as raised:
        call("admin_analytics_getFile", type="member", date="2035-12-31")
    assert raised.value.response.data == {"ok": False, "error": "file_not_yet_available"}


def test_members_are_read(call: Callable[..., Any], org: Org) -> None:
    answer = call("api_call", "admin.analytics.members.metadata", http_verb="GET", params={"limit": 5})
    assert [member["user_id"] for member in answer["members"]] == [org.owner_id]
