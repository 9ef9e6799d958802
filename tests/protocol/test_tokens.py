"""Tokens: Slack SCIM guide, headings *Acquire an OAuth token*, *Restrict API token usage by IP address*."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.protocol.conftest import MakeOrg
from tests.protocol.live import URNS, Api, Org, ok


def check_unauthenticated(api: Api, code: str = "invalid_authentication") -> None:
    """Reads and writes are refused, in the 1.1 envelope in both versions, with a challenge."""
    body = api.user_body("ann")
    for response in (api.get("Users"), api.post("Users", body), api.get("Robots"), api.delete("Groups/S0")):
        assert response.status_code == 401
        assert response.json() == {"Errors": {"description": code, "code": 401}}
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["content-type"] == "application/json;charset=utf-8"


@pytest.mark.parametrize("header", [None, ""])
def test_without_a_token_authentication_is_missing(org: Org, version: str, header: str | None) -> None:
    api = org.api(version)
    headers = {} if header is None else {"Authorization": header}
    refused = Api(api.base_url, None, version, api.http).send("GET", "Users", headers=headers)
    assert refused.json() == {"Errors": {"description": "missing_authentication", "code": 401}}


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer undefined", "Bearer null", "Bearer xoxp-1", "Basic {t}", "{t}", "Token {t}",
     "Bearer {t}x", "Bearer {t} x", "Bearer\t{t}", "Bearer " + "x" * 2_000],
)  # fmt: skip
def test_a_wrong_token_or_scheme_is_refused(org: Org, version: str, header: str) -> None:
    api = org.api(version)
    headers = {"Authorization": header.format(t=org.token)}
    refused = Api(api.base_url, None, version, api.http).send("GET", "Users", headers=headers)
    assert (refused.status_code, refused.json()["Errors"]["description"]) == (401, "invalid_authentication")


@pytest.mark.parametrize("header", ["Bearer {t}", "bearer {t}", "BEARER  {t}"])
def test_the_scheme_has_no_case(org: Org, version: str, header: str) -> None:
    api = org.api(version)
    headers = {"Authorization": header.format(t=org.token)}
    assert ok(Api(api.base_url, None, version, api.http).send("GET", "Users", headers=headers))


def test_a_token_in_the_address_is_none(org: Org, version: str) -> None:
    api = org.api(version)
    refused = Api(api.base_url, None, version, api.http).get("Users", access_token=org.token, token=org.token)
    assert refused.status_code == 401


@pytest.mark.parametrize(("scopes", "works"), [
    ("admin", True), ("users:read,admin", True), ("users:read", False), ("admin.users:write", False),
])  # fmt: skip
def test_scim_needs_the_scope_admin(org: Org, version: str, scopes: str, works: bool) -> None:
    api = org.api(version, org.token_for(org.owner_email, scopes=scopes))
    if works:
        ok(api.get("Users"))
    else:
        check_unauthenticated(api)


def test_a_revoked_token_ends_at_once(org: Org, api: Api) -> None:
    ok(api.get("Users"))
    [token] = [json.loads(line) for line in org.run("token", "list").splitlines()]
    assert org.token not in json.dumps(token)
    org.run("token", "revoke", token["token_id"])
    check_unauthenticated(api)


def test_an_expired_token_is_refused(org: Org) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    fleeting = org.token_for(org.owner_email, "--expires", soon.isoformat())
    lasting = org.token_for(org.owner_email, "--expires", "1d")
    time.sleep(2)
    for version in URNS:
        check_unauthenticated(org.api(version, fleeting))
        ok(org.api(version, lasting).get("Users"))


@pytest.mark.parametrize(("ranges", "works"), [
    (["127.0.0.1"], True),
    (["192.0.2.0/24", "127.0.0.0/8"], True),
    (["192.0.2.0/24"], False),
])  # fmt: skip
def test_a_token_may_be_bound_to_addresses(org: Org, version: str, ranges: list[str], works: bool) -> None:
    options = [option for each in ranges for option in ("--allow-ip", each)]
    api = org.api(version, org.token_for(org.owner_email, *options))
    if works:
        ok(api.get("Users"))
    else:
        check_unauthenticated(api)


@pytest.mark.parametrize("ranges", [["2001:db8::/32"], ["192.0.2.7/24"], ["x"], ["192.0.2.1"] * 11])
def test_bad_ranges_are_refused(org: Org, ranges: list[str]) -> None:
    options = [option for each in ranges for option in ("--allow-ip", each)]
    command = [
        "token",
        "create",
        "--org",
        org.domain,
        "--user",
        org.owner_email,
        "--scopes",
        "admin",
        *options,
    ]
    assert "ip_range" in org.server.run(*command, fails=True)


@pytest.mark.parametrize("role", ["member", "multi_channel_guest", "bot"])
def test_who_is_no_administrator_gets_no_such_token(org: Org, role: str) -> None:
    user_id = org.create_user("someone", role)
    command = ("token", "create", "--org", org.domain, "--user", user_id, "--scopes", "admin")
    assert "permission_denied" in org.server.run(*command, fails=True)


def test_a_token_of_one_workspace_works_on_business_plus_only(make_org: MakeOrg, version: str) -> None:
    org = make_org(plan="business_plus")
    ok(org.api(version, org.token_for(org.owner_email, "--team", org.team_id)).get("Users"))
    org = make_org(plan="enterprise")
    api = org.api(version, org.token_for(org.owner_email, "--team", org.team_id))
    api.check_refused(api.get("Users"), "non_org_teams_only", 400)


def test_deactivation_ends_the_tokens_of_a_person_for_good(org: Org, api: Api) -> None:
    admin_id = org.create_user("boss", "admin")
    theirs = org.api(api.version, org.token_for(admin_id))
    ok(theirs.get("Users"))
    assert api.delete(f"Users/{admin_id}").status_code in (200, 204)
    check_unauthenticated(theirs)
    ok(api.patch(f"Users/{admin_id}", {"schemas": [api.urns.user], "active": True}))
    check_unauthenticated(theirs)
    ok(org.api(api.version, org.token_for(admin_id)).get("Users"))


def test_demotion_suspends_a_token_until_the_role_is_back(org: Org, version: str) -> None:
    admin_id = org.create_user("boss", "admin")
    theirs = org.api(version, org.token_for(admin_id))
    org.run("user", "set-role", "--user", admin_id, "--role", "member")
    check_unauthenticated(theirs)
    org.run("user", "set-role", "--user", admin_id, "--role", "owner")
    ok(theirs.get("Users"))


def test_an_administrator_may_deactivate_themselves_and_is_out(org: Org, version: str) -> None:
    admin_id = org.create_user("boss", "admin")
    theirs = org.api(version, org.token_for(admin_id))
    assert theirs.delete(f"Users/{admin_id}").status_code in (200, 204)
    check_unauthenticated(theirs)


def test_what_the_plan_refuses_comes_after_what_the_token_refuses(make_org: MakeOrg, version: str) -> None:
    org = make_org(plan="free")
    check_unauthenticated(org.api(version, "xoxp-wrong"))
    org.api(version).check_refused(org.api(version).get("Robots"), "plus_teams_only", 403)
