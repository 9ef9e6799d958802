"""A server as those see it who keep it running: numbers, and one id that follows a request everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.protocol import inside
from tests.protocol.live import Api, Org, Server, make_org, serving

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def measured(server: Server) -> Samples:
    """(name, labels) → value, of one scrape."""
    answer = server.http.get(f"{server.url}/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def growth(server: Server, act: Callable[[], object]) -> Callable[..., float]:
    """By how much ``act`` made the number of this name and these labels grow."""
    before = measured(server)
    act()
    after = measured(server)

    def of(name: str, **labels: str) -> float:
        key = (name, frozenset(labels.items()))
        return after.get(key, 0.0) - before.get(key, 0.0)

    return of


class TestMetrics:
    def test_requests_are_counted_by_what_they_came_to(self, server: Server, api: Api) -> None:
        version = api.version

        def act() -> None:
            user = api.create_user("anna")
            api.post("Users", api.user_body("anna"))
            for _ in range(3):
                api.user(user["id"])
            api.get("Users/W404")
            api.http.get(f"{api.root}/Users/{user['id']}")

        of = growth(server, act)
        name = "rosterd_http_requests_total"
        one, many = f"/scim/{version}/Users/{{id}}", f"/scim/{version}/Users"
        assert of(name, route=many, version=version, method="POST", status="201") == 1
        assert of(name, route=many, version=version, method="POST", status="409") == 1
        assert of(name, route=one, version=version, method="GET", status="200") == 3
        assert of(name, route=one, version=version, method="GET", status="404") == 1
        assert of(name, route=one, version=version, method="GET", status="401") == 1
        seconds = "rosterd_http_request_duration_seconds_count"
        assert of(seconds, route=one, version=version, method="GET") == 5

    def test_paths_that_are_none_are_one_route(self, server: Server, api: Api) -> None:
        of = growth(server, lambda: [api.get(path) for path in ("A", "B/1", "Users/1/2", "Me")])
        assert of("rosterd_http_requests_total", route="other", version="", method="GET", status="404") == 4

    def test_a_write_is_in_a_commit_and_its_event_in_a_seal(self, server: Server, api: Api) -> None:
        of = growth(server, lambda: api.create_user("bo"))
        assert of("rosterd_store_commit_writes_sum") >= 1
        assert of("rosterd_store_commit_duration_seconds_sum") > 0
        before = measured(server)["rosterd_audit_sealed_through_timestamp_seconds", frozenset()]
        now = before
        while now == before:  # the sealer comes by every second
            now = measured(server)["rosterd_audit_sealed_through_timestamp_seconds", frozenset()]
        assert now > before

    def test_the_format_is_prometheus_own_and_no_client_grows_it(self, server: Server, org: Org) -> None:
        answer = server.http.get(f"{server.url}/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        api = org.api("v2")
        for number in range(3):
            api.get(f"Users/W{number}x")
        first = len(measured(server))
        for number in range(30):
            api.get(f"Users/W{number}y")
            api.get(f"Nothing{number}")
        assert len(measured(server)) - first < 30

    @pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
    def test_who_comes_through_a_proxy_finds_no_metrics(self, server: Server, header: str) -> None:
        answer = server.http.get(f"{server.url}/metrics", headers={header: "192.0.2.1"})
        assert answer.status_code == 404


class TestRequestId:
    def test_it_is_in_the_answer_and_in_the_audit_event(self, server: Server, org: Org, api: Api) -> None:
        answer = api.post("Users", api.user_body("cleo"))
        [event] = inside.events(server.database, org.org_id, answer.json()["id"])
        assert event.request_id == answer.headers["x-request-id"]

    def test_it_is_never_the_clients(self, api: Api) -> None:
        theirs = {"X-Request-Id": "0123456789abcdef"}
        ids = [api.send("GET", "Users", headers=theirs).headers["x-request-id"] for _ in range(2)]
        assert len({*ids, theirs["X-Request-Id"]}) == 3
        assert all(re.fullmatch("[0-9a-f]{16}", each) for each in ids)

    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nothing", "/scim/v2/Users"])
    def test_every_answer_has_one(self, server: Server, path: str) -> None:
        assert httpx.get(f"{server.url}{path}").headers["x-request-id"]


def test_what_is_left_of_a_limit_that_is_in_use_is_measured(tmp_path: Path) -> None:
    table = tmp_path / "limits.toml"
    table.write_text("[limits.create_user]\nper_minute = 1\nburst = 9\n")
    options = ("--rate-limits", "slack", "--limits-table", str(table))
    with serving("sqlite", f"sqlite:///{tmp_path / 'rosterd.db'}", tmp_path / "log", *options) as own:
        org = make_org(own)
        api = org.api("v2")
        labels = frozenset({"org": org.org_id, "limit": "create_user"}.items())
        assert ("rosterd_limit_remaining", labels) not in measured(own)
        for name in ("anna", "bo", "cleo", "dan"):
            api.create_user(name)
        found = measured(own)
        assert 5 <= found["rosterd_limit_remaining", labels] < 9
        assert found["rosterd_limit_capacity", labels] == 9
