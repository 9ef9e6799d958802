"""Slack's own Web API clients at conversations, messages, workspaces, and where groups lead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.judges.test_slack_sdk_web import Client, make  # noqa: F401 - a fixture
from tests.protocol import inside
from tests.protocol.live import Org

SCOPES = (
    "admin.conversations:read", "admin.conversations:write", "admin.teams:read", "admin.teams:write",
    "admin.usergroups:read", "admin.usergroups:write", "channels:read", "channels:write", "chat:write",
    "groups:read", "groups:write",
)  # fmt: skip


@pytest.fixture
def client(make: Callable[..., Any], org: Org) -> Client:  # noqa: F811
    """The client with a token of the organisation's owner."""
    return Client(make, org, str(org.web_api(*SCOPES).token))


def test_conversations(client: Client, org: Org) -> None:
    ann, bob = org.create_user("ann"), org.create_user("bob")
    inside.put_in(org.server.database, org.org_id, {org.team_id: [ann, bob]})
    made = client.conversations_create(name="deals", is_private=True, team_id=org.team_id)["channel"]
    id = made["id"]
    assert client.conversations_invite(channel=id, users=[ann, bob])["channel"]["id"] == id
    assert client.conversations_kick(channel=id, user=bob)["errors"] == {}
    shown = client.conversations_info(channel=id, include_num_members=True)["channel"]
    assert (shown["num_members"], shown["is_private"], shown["is_member"]) == (2, True, True)
    pages = client.pages("conversations_members", "members", channel=id, limit=1)
    assert [user for page in pages for user in page] == sorted([ann, org.owner_id])
    listed = client.conversations_list(team_id=org.team_id, types=["public_channel", "private_channel"])
    assert [channel["name"] for channel in listed["channels"]] == ["general", "deals"]
    assert client.chat_postMessage(channel=id, text=f"hello <@{ann}>")["message"]["user"] == org.owner_id
    assert client.conversations_leave(channel=id)["ok"] is True
    with pytest.raises(SlackApiError) as raised:
        client.conversations_info(channel=id)
    assert raised.value.response["error"] == "channel_not_found"
    public = client.conversations_create(name="open", team_id=org.team_id)["channel"]["id"]
    assert client.conversations_join(channel=public)["warning"] == "already_in_channel"


def test_workspaces_and_channels_of_an_organisation(client: Client, org: Org) -> None:
    team = client.admin_teams_create(
        team_domain="sales", team_name="Sales", team_description="Sell", team_discoverability="closed"
    )["team"]
    pages = client.pages("admin_teams_list", "teams", limit=1)
    assert [each["id"] for page in pages for each in page] == [org.team_id, team]
    assert client.admin_teams_owners_list(team_id=team)["owner_ids"] == [org.owner_id]
    assert client.admin_teams_admins_list(team_id=team)["admin_ids"] == []
    made = client.admin_conversations_create(name="deals", is_private=True, team_id=team)["channel_id"]
    found = client.admin_conversations_search(
        query="deal", team_ids=[team], search_channel_types=["private", "org_wide"], sort="name",
        sort_dir="asc", limit=20,
    )  # fmt: skip
    assert ([each["id"] for each in found["conversations"]], found["total_count"]) == ([made], 1)
    pages = client.pages("admin_conversations_search", "conversations", sort="name", limit=1)
    assert [each["name"] for page in pages for each in page] == ["general", "general", "deals"]


def test_where_groups_lead(client: Client, org: Org) -> None:
    ann = org.create_user("ann")
    group = org.api("v2").create_group("Crew", ann)["id"]
    team = client.admin_teams_create(team_domain="sales", team_name="Sales")["team"]
    deals = client.admin_conversations_create(name="deals", is_private=False, team_id=team)["channel_id"]
    secret = client.admin_conversations_create(name="secret", is_private=True, team_id=team)["channel_id"]
    client.admin_usergroups_addTeams(usergroup_id=group, team_ids=[team], auto_provision=True)
    client.admin_usergroups_addChannels(usergroup_id=group, channel_ids=[deals], team_id=team)
    listed = client.admin_usergroups_listChannels(usergroup_id=group, include_num_members=True)
    assert [(each["id"], each["num_members"]) for each in listed["channels"]] == [(deals, 2)]
    client.admin_usergroups_removeChannels(usergroup_id=group, channel_ids=[deals])
    assert client.admin_usergroups_listChannels(usergroup_id=group)["channels"] == []
    client.admin_conversations_restrictAccess_addGroup(channel_id=secret, group_id=group, team_id=team)
    shown = client.admin_conversations_restrictAccess_listGroups(channel_id=secret, team_id=team)
    assert shown["group_ids"] == [group]
    client.admin_conversations_restrictAccess_removeGroup(channel_id=secret, group_id=group, team_id=team)
    with pytest.raises(SlackApiError) as raised:
        client.admin_usergroups_addTeams(usergroup_id=group, team_ids=["T0NOTHING00"])
    assert raised.value.response["errors"] == ["T0NOTHING00"]
