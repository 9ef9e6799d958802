"""The Web API's frame: how a call is made, who may make it, and what is said when it cannot be.

Source: Slack's pages *Web API* and *Authentication*; the table *Errors* on every method's page.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Org, Server, WebApi

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def nobody(server: Server) -> WebApi:
    """The Web API without a token."""
    return WebApi(server.url, None, server.http)


def test_api_test_says_back_what_it_was_called_with(nobody: WebApi) -> None:
    assert nobody.call("api.test") == {"ok": True}
    assert nobody.call("api.test", foo="bar") == {"ok": True, "args": {"foo": "bar"}}


def test_api_test_fails_as_it_is_told_to(nobody: WebApi) -> None:
    said = nobody.call("api.test", error="my_error", foo="bar")
    assert said == {"ok": False, "error": "my_error", "args": {"error": "my_error", "foo": "bar"}}


def test_no_error_that_is_asked_for_is_a_status(nobody: WebApi) -> None:
    for error in ("ratelimited", "internal_error", "service_unavailable"):
        assert nobody.error("api.test", error=error) == error


@pytest.mark.parametrize(
    "options",
    [
        {"verb": "GET", "params": {"foo": "b&r", "n": "1"}},
        {"params": {"foo": "b&r", "n": "1"}},
        {"data": {"foo": "b&r", "n": "1"}},
        {"params": {"foo": "of the query"}, "data": {"foo": "b&r", "n": "1"}},
        {"files": {"foo": (None, "b&r"), "n": (None, "1"), "more": ("name.txt", b"left out")}},
        {"content": b"foo=b%26r&n=1", "headers": {"Content-Type": f"{FORM}; charset=utf-8"}},
    ],
    ids=["query", "query of a POST", "form", "form over query", "multipart", "form with a charset"],
)
def test_arguments_come_in_a_query_or_a_form(nobody: WebApi, options: dict[str, Any]) -> None:
    said = nobody.said(nobody.send("api.test", **options))
    assert said == {"ok": True, "args": {"foo": "b&r", "n": "1"}}


def test_arguments_come_in_json_as_they_are(nobody: WebApi) -> None:
    given = {"foo": ["b", {"a": None}], "n": 1, "t": True}
    said = nobody.said(nobody.send("api.test", json=given | {"token": "xoxp-1", "none": None}))
    assert said == {"ok": True, "args": given}


def as_json(body: bytes) -> dict[str, Any]:
    return {"content": body, "headers": {"Content-Type": "application/json; charset=utf-8"}}


def as_form(body: bytes, media: str = FORM) -> dict[str, Any]:
    return {"content": body, "headers": {"Content-Type": media}}


@pytest.mark.parametrize(
    ("error", "options"),
    [
        ("invalid_json", as_json(b"{")),
        ("invalid_json", as_json(b'{"a": 1, "a": 2}')),
        ("invalid_json", as_json(b"nonsense")),
        ("invalid_json", as_json(b"\xe4")),
        ("invalid_json", as_json(b"[" * 100_000)),
        ("invalid_json", as_json(b'{"a": "\\u0000"}')),
        ("json_not_object", as_json(b"[]")),
        ("json_not_object", as_json(b' "foo"')),
        ("invalid_form_data", as_form(b"foo=%ff")),
        ("invalid_form_data", as_form(b"foo")),
        ("invalid_form_data", as_form(b"&".join(b"a%d=1" % n for n in range(101)))),
        ("invalid_form_data", as_form(b"--x\r\n", "multipart/form-data; boundary=x")),
        ("invalid_form_data", as_form(b"--x", "multipart/form-data")),
        ("invalid_post_type", as_form(b"<foo/>", "application/xml")),
        ("missing_post_type", {"content": b"foo=bar"}),
        ("invalid_charset", as_form(b"foo=bar", f"{FORM}; charset=latin-2")),
        ("invalid_array_arg", {"data": {"foo[]": "bar"}}),
        ("invalid_array_arg", {"verb": "GET", "params": {"foo[7]": "bar"}}),
        ("invalid_arg_name", {"data": {"foo-bar": "x"}}),
        ("invalid_arg_name", as_json(b'{"": 1}')),
        ("request_too_large", as_form(b"foo=" + b"x" * (8 * 1024 * 1024))),
    ],
)
def test_what_cannot_be_read_is_said(nobody: WebApi, error: str, options: dict[str, Any]) -> None:
    assert nobody.said(nobody.send("api.test", **options)) == {"ok": False, "error": error}


@pytest.mark.parametrize("method", ["users.nothing", "Users.info", "users", "", "users/info"])
def test_a_method_that_is_none_is_named(nobody: WebApi, method: str) -> None:
    said = nobody.said(nobody.send(method))
    assert said == {"ok": False, "error": "unknown_method", "req_method": method}


def test_a_query_that_cannot_be_read_is_said(nobody: WebApi) -> None:
    said = nobody.said(nobody.send("api.test?foo=%ff", "GET"))
    assert said == {"ok": False, "error": "invalid_form_data"}


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_verbs_are_refused(nobody: WebApi, verb: str) -> None:
    said = nobody.said(nobody.send("api.test", verb))
    assert said == {"ok": False, "error": "method_not_allowed"}


def test_a_token_comes_in_the_header_or_in_a_form(org: Org, nobody: WebApi) -> None:
    api = org.web_api()
    owner = {"user_id": org.owner_id}
    for response in (
        api.send("auth.test"),
        api.send("auth.test", "GET"),
        api.send("auth.test", json={}),
        nobody.send("auth.test", data={"token": api.token}),
        nobody.send("auth.test", headers={"Authorization": f"bearer  {api.token}"}),
        api.send("auth.test", data={"token": "xoxp-other"}),  # the header wins
    ):
        body = nobody.said(response)
        assert body | owner == body
        assert response.headers["x-oauth-scopes"] == "identify"
        assert response.headers["x-accepted-oauth-scopes"] == ""


def test_a_token_in_a_query_or_in_json_is_none(org: Org, nobody: WebApi) -> None:
    token = org.web_api().token
    for response in (
        nobody.send("auth.test", "GET", params={"token": token}),
        nobody.send("auth.test", params={"token": token}),
        nobody.send("auth.test", json={"token": token}),
    ):
        assert nobody.said(response) == {"ok": False, "error": "not_authed"}


def test_a_large_body_is_read_of_those_who_are_known(org: Org, nobody: WebApi) -> None:
    api, large = org.web_api(), {"foo": "x" * 1_500_000}
    assert api.ok("auth.test", **large)
    assert nobody.error("auth.test", **large) == "request_too_large"
    assert nobody.error("auth.test", token=api.token, **large) == "request_too_large"
    stranger = WebApi(nobody.base_url, "xoxp-nobody", nobody.http)
    assert stranger.error("auth.test", **large) == "invalid_auth"


@pytest.mark.parametrize(
    "header", ["xoxp-1", "Basic eDp5", "Bearer", "Bearer xoxp-unknown", "Bearer " + "x" * 1_001]
)
def test_a_token_that_is_nobodys_is_invalid(nobody: WebApi, header: str) -> None:
    response = nobody.send("auth.test", headers={"Authorization": header})
    assert nobody.said(response) == {"ok": False, "error": "invalid_auth"}
    assert "x-oauth-scopes" not in response.headers


def test_a_token_says_why_it_counts_no_more(org: Org) -> None:
    ann = org.create_user("ann")
    api, revoked = org.web_api(of=ann), org.web_api(of=ann)
    revoked.ok("auth.revoke")
    elsewhere = of(org, org.token_for(ann, "--allow-ip", "192.0.2.7", scopes="identify"))
    assert revoked.call("auth.test") == {"ok": False, "error": "token_revoked"}
    assert elsewhere.call("auth.test") == {"ok": False, "error": "invalid_auth"}
    assert org.api("v2").delete(f"Users/{ann}").is_success
    assert api.call("auth.test") == {"ok": False, "error": "token_revoked"}


def of(org: Org, token: str) -> WebApi:
    return WebApi(org.server.url, token, org.server.http)


def test_auth_test_tells_whose_token_it_is(make_org: MakeOrg) -> None:
    org = make_org(plan="business_plus")
    assert org.web_api().call("auth.test") == {
        "ok": True,
        "url": f"{org.server.url}/{org.domain}/",
        "team": org.domain,
        "user": "owner",
        "team_id": org.team_id,
        "user_id": org.owner_id,
        "is_enterprise_install": False,
    }


def test_auth_test_of_an_organisation_and_of_its_workspace(org: Org) -> None:
    told = {
        "ok": True,
        "url": f"{org.server.url}/{org.domain}/",
        "team": org.domain,
        "user": "owner",
        "user_id": org.owner_id,
        "enterprise_id": org.org_id,
    }
    assert org.web_api().call("auth.test") == told | {"team_id": org.org_id, "is_enterprise_install": True}
    on_team = org.web_api(team=org.team_id)
    assert on_team.call("auth.test") == told | {"team_id": org.team_id, "is_enterprise_install": False}


@pytest.mark.parametrize("role", ["owner", "member"])
def test_whoever_holds_a_token_may_revoke_it(org: Org, role: str) -> None:
    api = org.web_api(of=org.create_user("ann", role))
    assert api.call("auth.revoke", test="1") == {"ok": True, "revoked": False}
    assert api.call("auth.revoke", test="maybe")["error"] == "invalid_arguments"
    assert api.ok("auth.test")
    assert api.call("auth.revoke") == {"ok": True, "revoked": True}
    assert api.call("auth.revoke") == {"ok": False, "error": "token_revoked"}
    assert org.events().count("app_uninstalled") == 1


def test_a_call_shows_in_the_metrics_by_its_method(nobody: WebApi) -> None:
    nobody.ok("api.test")
    nobody.call("users.nothing")
    text = nobody.http.get(f"{nobody.base_url}/metrics").text
    assert 'rosterd_http_requests_total{method="POST",route="/api/api.test",status="200"' in text
    assert "users.nothing" not in text
