"""The tiers of the Web API, over HTTP and by Slack's own client.

Where a burst has to be exact, next to nothing grows back.
Source: Slack's page *Rate limits*, headings *Overview* and *Responding to rate limiting conditions*.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.protocol.live import Org, Server, make_org, serving

TABLE = """
[limits.tier_2]
per_minute = 1
burst = 3
[limits.tier_3]
per_minute = 60
burst = 1
"""


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three calls of a method of tier 2, and then next to none; one call a second of tier 3."""
    folder = tmp_path_factory.mktemp("tiers")
    (folder / "limits.toml").write_text(TABLE)
    options = ("--rate-limits", "slack", "--limits-table", str(folder / "limits.toml"))
    with serving("sqlite", f"sqlite:///{folder / 'rosterd.db'}", folder / "stderr.log", *options) as server:
        yield server


@pytest.fixture
def busy(limited: Server) -> Org:
    """An organisation of the test's own on that server."""
    return make_org(limited, "business_plus")


def check_limited(response: httpx.Response) -> None:
    assert response.status_code == 429
    assert response.json() == {"ok": False, "error": "ratelimited"}
    assert response.headers["content-type"] == "application/json;charset=utf-8"
    assert response.headers["retry-after"].isdecimal()
    assert 1 <= int(response.headers["retry-after"]) <= 60


def test_what_is_above_the_tier_is_told_when_to_come_again(busy: Org) -> None:
    api = busy.web_api("users:read")
    for _ in range(3):
        assert api.ok("users.list")
    check_limited(api.send("users.list"))
    check_limited(api.send("users.list", "GET"))


def test_methods_tokens_and_organisations_have_buckets_of_their_own(busy: Org, limited: Server) -> None:
    api = busy.web_api("users:read")
    for _ in range(3):
        assert api.ok("users.list")
    check_limited(api.send("users.list"))
    assert api.ok("users.info", user=busy.owner_id)
    assert busy.web_api("users:read").ok("users.list")
    assert make_org(limited, "business_plus").web_api("users:read").ok("users.list")


def test_a_failure_spends_but_a_wrong_token_and_a_refusal_do_not(busy: Org) -> None:
    api = busy.web_api("identify")
    for _ in range(3):
        assert api.send("users.list", headers={"Authorization": "Bearer xoxp-nobody"}).status_code == 200
        assert api.error("users.list") == "missing_scope"
    check_limited(api.send("users.list"))


def test_what_needs_no_token_has_no_limit(busy: Org) -> None:
    api = busy.web_api()
    assert {api.send("api.test").status_code for _ in range(150)} == {200}


def test_the_metrics_name_the_tier_and_no_token(busy: Org) -> None:
    api, other = busy.web_api("users:read"), busy.web_api("users:read")
    assert api.ok("users.list")
    assert api.ok("users.list")
    assert other.ok("users.list")
    text = api.http.get(f"{api.base_url}/metrics").text
    assert f'rosterd_limit_remaining{{limit="tier_2",org="{busy.org_id}"}} 1.0' in text
    assert "users.list:" not in text


def test_slacks_client_waits_and_tries_again(busy: Org) -> None:
    client = WebClient(busy.web_api("team:read").token, base_url=f"{busy.server.url}/api/")
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=3))
    for _ in range(2):
        assert client.team_info()["team"]["id"] == busy.team_id


def test_slacks_asynchronous_client_waits_and_tries_again(busy: Org) -> None:
    client = AsyncWebClient(busy.web_api("team:read").token, base_url=f"{busy.server.url}/api/")
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=3))

    async def twice() -> list[str]:
        return [(await client.team_info())["team"]["id"] for _ in range(2)]

    assert asyncio.run(twice()) == [busy.team_id] * 2
