"""The ``slack-objects`` package, written against Slack: what it does over SCIM, on v2 and on v1, and by the
Web API.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import requests
from slack_objects import RateTier, SlackObjectsClient, SlackObjectsConfig
from slack_objects.rate_limits import RateLimitPolicy
from slack_objects.usergroups import Usergroups

from tests.protocol import premises
from tests.protocol.live import URNS, Api, Org, ok

UNHURRIED = RateLimitPolicy({}, {}, default=RateTier.TIER_D)  # its own pause after each call is three seconds


@pytest.fixture(params=["v2", "v1"])
def version(request: pytest.FixtureRequest) -> str:
    """Its default version, then the other."""
    return str(request.param)


@pytest.fixture
def client(org: Org, version: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Its factory of objects, at the running server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return SlackObjectsClient(
        SlackObjectsConfig(
            user_token=org.token,
            scim_token=org.token,
            scim_base_url=f"{org.server.url}/scim",
            scim_version=version,
        )
    )


@pytest.fixture
def users(client: Any) -> Any:
    made = client.users()
    made.rate_policy = UNHURRIED
    return made


@pytest.fixture
def groups(client: Any) -> Any:
    made = client.idp_groups()
    made.rate_policy = UNHURRIED
    return made


@pytest.fixture
def api(org: Org, version: str) -> Api:
    """Our own view of what the client did."""
    return org.api(version)


def test_it_creates_a_user(users: Any, api: Api) -> None:
    answer = users.scim_create_user("ruth", "ruth@example.com")
    assert (answer.ok, answer.status_code) == (True, 201)
    assert api.user(answer.data["id"]) == answer.data


def test_it_deactivates_and_reactivates(users: Any, api: Api) -> None:
    user_id = api.create_user("ruth")["id"]
    assert users.is_active_scim(user_id) is True
    assert users.scim_deactivate_user(user_id).ok
    assert users.is_active_scim(user_id) is False
    assert users.scim_reactivate_user(user_id).data["active"] is True


def test_it_finds_the_deactivated_by_email_and_username(users: Any, api: Api) -> None:
    user_id = api.create_user("ruth")["id"]
    api.create_user("anna")
    users.scim_deactivate_user(user_id)
    for found in (
        users.scim_search_user_by_email("ruth@example.com"),
        users.scim_search_user_by_username("ruth"),
    ):
        assert [user["id"] for user in found.data["Resources"]] == [user_id]
    assert users.resolve_user_id("@ruth") == user_id
    with pytest.raises(LookupError):
        users.resolve_user_id("nobody")


def test_it_updates_an_attribute_and_the_email(users: Any, api: Api) -> None:
    user_id = api.create_user("ruth")["id"]
    patched = users.scim_update_user_attribute(user_id=user_id, attribute="title", new_value="Chief")
    assert patched.data["title"] == "Chief"
    assert users.scim_update_email(user_id=user_id, new_email="r.sand@example.com").ok
    assert api.user(user_id)["emails"][0] == {"value": "r.sand@example.com", "primary": True}


def test_it_makes_a_multi_channel_guest(users: Any, api: Api) -> None:
    user_id = api.create_user("ruth")["id"]
    assert users.make_multi_channel_guest(user_id).ok
    assert api.user(user_id)[URNS[api.version].guest]["type"] == "multi"


def test_an_error_raises(users: Any, api: Api) -> None:
    api.create_user("ruth")
    with pytest.raises(requests.HTTPError, match="409"):
        users.scim_create_user("anna", "ruth@example.com")


def test_it_lists_all_groups_page_by_page(groups: Any, api: Api) -> None:
    made = [
        {"group id": api.create_group(name)["id"], "group name": name} for name in ("Bow", "Mid", "Stern")
    ]
    assert groups.get_groups(fetch_count=2) == made


def test_it_reads_a_group_and_its_members(groups: Any, api: Api) -> None:
    user_id = api.create_user("ruth")["id"]
    group_id = api.create_group("Crew", user_id)["id"]
    assert groups.get_group(group_id)["displayName"] == "Crew"
    assert groups.get_members(group_id) == [{"value": user_id, "display": "ruth"}]
    assert groups.is_member(user_id, group_id)
    assert not groups.is_member("W0NOBODY", group_id)


@pytest.fixture
def at_web_api(client: Any, org: Org, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same factory, whose Web API is that of the running server. It pauses after each call: not here."""
    monkeypatch.setattr("slack_objects.api_caller.time.sleep", lambda seconds: None)
    token = org.web_api("users:read", "users:read.email", "users.profile:read", "team:read").token
    client.web_client.token = token
    client.web_client.base_url = f"{org.server.url}/api/"
    return client


@pytest.mark.parametrize("version", ["v2"], indirect=True)
def test_it_knows_people_by_the_web_api(at_web_api: Any, api: Api) -> None:
    user_id = api.create_user("ruth", displayName="Ruth")["id"]
    users = at_web_api.users()
    assert users.resolve_user_id("ruth@example.com") == user_id
    assert users.get_user_info(user_id)["user"]["name"] == "ruth"
    ruth = users.with_user(user_id)
    assert ruth.is_active() is True
    assert api.delete(f"Users/{user_id}").is_success
    assert users.with_user(user_id).is_active() is False


@pytest.mark.parametrize("version", ["v2"], indirect=True)
def test_it_knows_a_workspace_by_the_web_api(at_web_api: Any, org: Org) -> None:
    assert at_web_api.workspaces(org.team_id).refresh()["domain"] == org.domain


@pytest.mark.parametrize("version", ["v2"], indirect=True)
def test_it_invites_assigns_and_removes_people(at_web_api: Any, api: Api, org: Org) -> None:
    token = org.web_api("admin.users:read", "admin.users:write").token
    at_web_api.web_client.token = token
    team, users = premises.workspace(org, "north"), at_web_api.users()
    users.cfg = dataclasses.replace(users.cfg, user_token=token)  # which it sends in the form, too
    bread = premises.channel(org, "bread", team)
    assert users.invite_user(channel_ids=[bread], email="ruth@example.com", team_id=team)["ok"]
    [ruth] = ok(api.get("Users", filter='userName eq "ruth"'))["Resources"]
    assert premises.where(org, ruth["id"]) == ({team}, {bread})
    assert users.remove_from_workspace(ruth["id"], team)["ok"]
    assert users.add_to_workspace(ruth["id"], team)["ok"]
    assert premises.where(org, ruth["id"])[0] == {team}


@pytest.mark.parametrize("version", ["v2"], indirect=True)
def test_it_knows_user_groups_by_the_web_api(at_web_api: Any, api: Api, org: Org) -> None:
    at_web_api.web_client.token = org.web_api("usergroups:read").token
    ruth = api.create_user("ruth")["id"]
    group = api.create_group("Crew", ruth)["id"]
    premises.lead(org, group, org.team_id)
    it = at_web_api.users()
    cfg = dataclasses.replace(it.cfg, team_id=org.team_id)
    crews = Usergroups(cfg=cfg, client=it.client, logger=it.logger, api=it.api)
    assert [each["name"] for each in crews.get_usergroups()] == ["Crew"]
    assert crews.get_members(group) == [{"value": ruth, "display": ""}]
    assert crews.is_member(ruth, group)
