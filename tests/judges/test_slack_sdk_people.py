"""WebClient and AsyncWebClient of slack_sdk: ``admin.users.*`` and ``usergroups.*`` at a running server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.judges.test_slack_sdk_web import Client, make  # noqa: F401  # a fixture
from tests.protocol import live, premises
from tests.protocol.live import Org, Server

LATER = 1_930_000_000


@pytest.fixture
def admin(make: Callable[..., Any], org: Org) -> Client:  # noqa: F811
    """An Enterprise organisation's client for administrators."""
    return Client(make, org, str(org.web_api("admin.users:read", "admin.users:write").token))


@pytest.fixture
def business(server: Server) -> Org:
    return live.make_org(server, "business_plus")


@pytest.fixture
def crews(make: Callable[..., Any], business: Org) -> Client:  # noqa: F811
    """The client of an organisation that has user groups."""
    return Client(make, business, str(business.web_api("usergroups:read", "usergroups:write").token))


def test_people_are_assigned_given_roles_and_removed(admin: Client, org: Org) -> None:
    team, ann = premises.workspace(org, "north"), org.create_user("ann")
    bread = premises.channel(org, "bread", team)
    assert admin.admin_users_assign(team_id=team, user_id=ann, channel_ids=[bread])["ok"]
    assert premises.where(org, ann) == ({team}, {bread})
    for change in (admin.admin_users_setAdmin, admin.admin_users_setOwner, admin.admin_users_setRegular):
        assert change(team_id=team, user_id=ann).data == {"ok": True}
    assert admin.admin_users_remove(team_id=team, user_id=ann)["ok"]
    with pytest.raises(SlackApiError) as raised:
        admin.admin_users_remove(team_id=team, user_id=ann)
    assert raised.value.response["error"] == "user_already_deleted"


def test_people_are_invited_and_expire(admin: Client, org: Org) -> None:
    team = premises.workspace(org, "north")
    bread = premises.channel(org, "bread", team)
    admin.admin_users_invite(
        team_id=team,
        email="gus@mail.example",
        channel_ids=[bread],
        is_restricted=True,
        real_name="Gus Lee",
        guest_expiration_ts=str(LATER),
        custom_message="Come!",
    )
    [gus] = admin.admin_users_list(team_id=team, include_deactivated_user_workspaces=False)["users"]
    assert (gus["full_name"], gus["is_restricted"], gus["expiration_ts"]) == ("Gus Lee", True, LATER)
    admin.admin_users_setExpiration(user_id=gus["id"], expiration_ts=LATER + 60, team_id=team)
    shown = admin.api_call("admin.users.getExpiration", params={"user_id": gus["id"]})["user"]
    assert shown["expiration_ts"] == LATER + 60


def test_its_iterator_goes_through_everybody(admin: Client, org: Org) -> None:
    made = [org.create_user(f"user-{number}") for number in range(4)]
    pages = admin.pages("admin_users_list", "users", limit=2)
    assert [each["id"] for page in pages for each in page] == [org.owner_id, *made]
    assert len(pages) == 3


def test_user_groups_are_made_changed_and_put_away(crews: Client, business: Org) -> None:
    ann, bread = business.create_user("ann"), premises.channel(business, "bread")
    made = crews.usergroups_create(name="Bakers", handle="bakers", channels=[bread], description="Who bakes")
    id = made["usergroup"]["id"]
    members = crews.usergroups_users_update(usergroup=id, users=[ann], include_count=True)["usergroup"]
    assert (members["users"], members["user_count"]) == ([ann], 1)
    assert premises.where(business, ann)[1] == {bread}
    assert crews.usergroups_users_list(usergroup=id)["users"] == [ann]
    assert crews.usergroups_update(usergroup=id, name="Cooks", channels=[])["usergroup"]["name"] == "Cooks"
    assert premises.where(business, ann)[1] == set()
    assert crews.usergroups_disable(usergroup=id)["usergroup"]["date_delete"] > 0
    assert crews.usergroups_list()["usergroups"] == []
    [shown] = crews.usergroups_list(include_disabled=True, include_users=True, include_count=True)[
        "usergroups"
    ]
    assert (shown["handle"], shown["users"]) == ("bakers", [ann])
    assert crews.usergroups_enable(usergroup=id)["usergroup"]["date_delete"] == 0
    with pytest.raises(SlackApiError) as raised:
        crews.usergroups_users_update(usergroup=id, users=[])
    assert raised.value.response["error"] == "no_users_provided"
