"""``usergroups.*`` over HTTP: user groups outside Enterprise, identity providers' groups on it.

Source: Slack's page of each method; *usergroups.create* for what must be unique.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol import inside, premises
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Body, Org, WebApi

SCOPES = ("usergroups:read", "usergroups:write", "channels:read", "groups:read")


@pytest.fixture
def org(make_org: MakeOrg) -> Org:
    """An organisation that is its one workspace."""
    return make_org(plan="business_plus")


@pytest.fixture
def api(org: Org) -> WebApi:
    return org.web_api(*SCOPES)


def an_object(org: Org, id: str, **different: Any) -> Body:
    """The object of a user group that the owner made, without its times."""
    found = {
        "id": id,
        "team_id": org.team_id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": "Bakers",
        "description": "",
        "handle": "",
        "is_external": False,
        "date_delete": 0,
        "auto_type": None,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": org.owner_id,
        "updated_by": org.owner_id,
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
        "channel_count": 0,
        "is_section": False,
        "is_idp_group": False,
        "is_visible": True,
        "is_membership_locked": False,
        "is_org_level": False,
    }
    return found | different


def without_times(group: Body) -> Body:
    assert group.pop("date_create") <= group.pop("date_update")
    return group


def channels_of(api: WebApi, user: str) -> set[str]:
    found = api.ok("users.conversations", user=user, types="public_channel,private_channel")
    return {channel["id"] for channel in found["channels"] if not channel["is_general"]}


def test_a_user_group_is_made_whole_and_listed(org: Org, api: WebApi) -> None:
    public, private = premises.channel(org, "bread"), premises.channel(org, "money", private=True)
    inside.put_in(org.server.database, org.org_id, {private: [org.owner_id]})
    made = api.ok(
        "usergroups.create",
        name="Bakers",
        handle="@Bakers",
        description="Who bakes",
        channels=f"{public},{private}",
        include_count="true",
    )
    assert list(made) == ["usergroup"]
    group = without_times(made["usergroup"])
    expected = an_object(
        org,
        group["id"],
        handle="bakers",
        description="Who bakes",
        prefs={"channels": [public], "groups": [private]},
        channel_count=2,
        users=[],
        user_count=0,
    )
    assert group == expected
    listed = api.ok("usergroups.list")
    bare = {name: value for name, value in expected.items() if name not in ("users", "user_count")}
    assert [without_times(each) for each in listed["usergroups"]] == [bare]
    whole = api.ok("usergroups.list", include_users="true", include_count="1")
    assert [without_times(each) for each in whole["usergroups"]] == [expected]


def test_the_groups_of_scim_are_the_user_groups_and_the_other_way_round(org: Org, api: WebApi) -> None:
    scim = org.api("v2")
    ann, bob = (str(scim.create_user(name)["id"]) for name in ("ann", "bob"))
    by_scim = str(scim.create_group("Bakers", bob, ann)["id"])
    shown = without_times(
        api.ok("usergroups.list", include_users="true", include_count="true")["usergroups"][0]
    )
    assert shown == an_object(org, by_scim, users=[bob, ann], user_count=2)
    assert api.ok("usergroups.users.list", usergroup=by_scim) == {"users": [bob, ann]}
    made = api.ok("usergroups.create", name="Cooks")["usergroup"]["id"]
    assert scim.get(f"Groups/{made}").json()["displayName"] == "Cooks"
    changed = api.ok("usergroups.users.update", usergroup=made, users=f"{ann},{bob}", include_count="true")
    assert (changed["usergroup"]["users"], changed["usergroup"]["user_count"]) == ([ann, bob], 2)
    assert scim.member_ids(made) == [ann, bob]
    api.ok("usergroups.users.update", usergroup=made, users=bob)
    assert scim.member_ids(made) == [bob]
    assert org.events(bob)[-2:] == ["user_added_to_usergroup", "user_added_to_usergroup"]
    assert org.events(ann)[-1] == "user_removed_from_usergroup"


def test_members_are_in_the_default_channels_of_their_group(org: Org, api: WebApi) -> None:
    scim = org.api("v2")
    ann, bob = (str(scim.create_user(name)["id"]) for name in ("ann", "bob"))
    bread, cake = premises.channel(org, "bread"), premises.channel(org, "cake")
    group = str(scim.create_group("Bakers", ann)["id"])
    api.ok("usergroups.update", usergroup=group, channels=bread)
    assert (channels_of(api, ann), channels_of(api, bob)) == ({bread}, set())
    api.ok("usergroups.users.update", usergroup=group, users=f"{ann},{bob}")
    assert channels_of(api, bob) == {bread}
    changed = api.ok("usergroups.update", usergroup=group, channels=cake)["usergroup"]
    assert changed["prefs"] == {"channels": [cake], "groups": []}
    assert (channels_of(api, ann), channels_of(api, bob)) == ({cake}, {cake})
    kept = api.ok("usergroups.update", usergroup=group, description="x")["usergroup"]
    assert (kept["prefs"]["channels"], kept["description"]) == ([cake], "x")
    api.ok("usergroups.update", usergroup=group, channels="")
    assert channels_of(api, ann) == set()
    assert [name for name in org.events(group) if "channel" in name] == [
        "default_channel_added_to_usergroup",
        "default_channel_removed_from_usergroup",
        "default_channel_added_to_usergroup",
        "default_channel_removed_from_usergroup",
    ]


def test_a_handle_is_unique_among_channels_people_and_groups(org: Org, api: WebApi) -> None:
    org.create_user("ann")
    premises.channel(org, "bread")
    group = api.ok("usergroups.create", name="Bakers", handle="bakers")["usergroup"]["id"]
    for handle, error in (
        ("ann", "handle_already_exists"),
        ("BREAD", "handle_already_exists"),
        ("Bakers", "handle_already_exists"),
        ("here", "forbidden_handle"),
        ("two words", "bad_handle"),
        ("b" * 81, "bad_handle"),
        ("bäcker", "bad_handle"),
    ):
        assert api.error("usergroups.create", name="Cooks", handle=handle) == error
    assert [each["id"] for each in api.ok("usergroups.list")["usergroups"]] == [group]
    scim = org.api("v2")
    scim.check_refused(scim.post("Users", scim.user_body("bakers")), "username_taken (user=bakers)", 409)
    api.ok("usergroups.update", usergroup=group, handle="ovens")
    assert scim.create_user("bakers")["userName"] == "bakers"
    assert api.error("usergroups.update", usergroup=group, handle="bakers") == "handle_already_exists"
    assert api.ok("usergroups.update", usergroup=group, handle="OVENS")["usergroup"]["handle"] == "ovens"
    assert api.ok("usergroups.update", usergroup=group, handle="")["usergroup"]["handle"] == ""
    assert scim.create_user("ovens")["userName"] == "ovens"


def test_scim_neither_sets_nor_loses_a_handle_and_a_deletion_frees_it(org: Org, api: WebApi) -> None:
    scim = org.api("v2")
    group = api.ok("usergroups.create", name="Bakers", handle="bakers")["usergroup"]["id"]
    body = {"schemas": [scim.urns.group], "displayName": "Cooks", "handle": "cooks"}
    assert scim.put(f"Groups/{group}", body).json()["displayName"] == "Cooks"
    [shown] = api.ok("usergroups.list")["usergroups"]
    assert (shown["name"], shown["handle"]) == ("Cooks", "bakers")
    assert scim.delete(f"Groups/{group}").status_code == 204
    assert api.ok("usergroups.list") == {"usergroups": []}
    assert api.ok("usergroups.create", name="Others", handle="bakers")["usergroup"]["handle"] == "bakers"


def test_a_disabled_group_is_away_but_keeps_its_members_and_stays_in_scim(org: Org, api: WebApi) -> None:
    scim = org.api("v2")
    ann = str(scim.create_user("ann")["id"])
    group = str(scim.create_group("Bakers", ann)["id"])
    api.ok("usergroups.update", usergroup=group, handle="bakers")
    away = api.ok("usergroups.disable", usergroup=group, include_count="1")["usergroup"]
    assert away["date_delete"] == away["date_update"] > 0
    assert (away["deleted_by"], away["users"], away["user_count"]) == (org.owner_id, [ann], 1)
    assert api.ok("usergroups.list") == {"usergroups": []}
    assert [each["id"] for each in api.ok("usergroups.list", include_disabled="1")["usergroups"]] == [group]
    assert api.error("usergroups.users.list", usergroup=group) == "no_such_subteam"
    assert api.ok("usergroups.users.list", usergroup=group, include_disabled="true") == {"users": [ann]}
    assert scim.member_ids(group) == [ann]
    assert api.error("usergroups.create", name="Cooks", handle="bakers") == "handle_already_exists"
    events = org.events(group)
    api.ok("usergroups.disable", usergroup=group)
    assert org.events(group) == events
    back = api.ok("usergroups.enable", usergroup=group)["usergroup"]
    assert (back["date_delete"], back["deleted_by"], back["handle"]) == (0, None, "bakers")
    assert [each["id"] for each in api.ok("usergroups.list")["usergroups"]] == [group]
    assert org.events(group) == [*events, "usergroup_updated"]


def test_what_cannot_be_is_refused_and_changes_nothing(org: Org, make_org: MakeOrg, api: WebApi) -> None:
    scim = org.api("v2")
    ann = str(scim.create_user("ann")["id"])
    gone = str(scim.create_user("gone", active=False)["id"])
    other = make_org(plan="business_plus").create_user("other")
    bot = org.create_user("bot", "bot")
    group = str(scim.create_group("Bakers", ann)["id"])
    away = premises.channel(org, "away")
    premises.archive(org, away)
    before = org.events()
    for method, arguments, error in (
        ("usergroups.create", {}, "missing_subteam_name"),
        ("usergroups.create", {"name": " "}, "missing_subteam_name"),
        ("usergroups.create", {"name": "BAKERS"}, "name_already_exists"),
        ("usergroups.create", {"name": "x" * 256}, "name_too_long"),
        ("usergroups.create", {"name": "Cooks", "description": "x" * 141}, "description_too_long"),
        ("usergroups.create", {"name": "Cooks", "channels": "C0NOTHING00"}, "invalid_channel_provided"),
        ("usergroups.create", {"name": "Cooks", "channels": away}, "invalid_channel_provided"),
        ("usergroups.update", {}, "invalid_arguments"),
        ("usergroups.update", {"usergroup": "S0NOTHING00"}, "no_such_subteam"),
        ("usergroups.update", {"usergroup": group, "name": ""}, "missing_subteam_name"),
        ("usergroups.enable", {"usergroup": "S0NOTHING00"}, "no_such_subteam"),
        ("usergroups.users.list", {"usergroup": "S0NOTHING00"}, "no_such_subteam"),
        ("usergroups.users.update", {"usergroup": group}, "no_users_provided"),
        ("usergroups.users.update", {"usergroup": group, "users": ""}, "no_users_provided"),
        ("usergroups.users.update", {"usergroup": "S0NOTHING00", "users": ann}, "no_such_subteam"),
        ("usergroups.users.update", {"usergroup": group, "users": f"{ann},{other}"}, "invalid_users"),
        ("usergroups.users.update", {"usergroup": group, "users": gone}, "invalid_users"),
        ("usergroups.users.update", {"usergroup": group, "users": bot}, "invalid_users"),
    ):
        assert (method, arguments, api.error(method, **arguments)) == (method, arguments, error)
    assert org.events() == before
    assert scim.member_ids(group) == [ann]


def test_members_read_and_only_administrators_write(org: Org, api: WebApi) -> None:
    ann = org.create_user("ann")
    group = api.ok("usergroups.create", name="Bakers")["usergroup"]["id"]
    member = org.web_api(*SCOPES, of=ann)
    assert [each["id"] for each in member.ok("usergroups.list")["usergroups"]] == [group]
    for method in ("create", "update", "enable", "disable", "users.update"):
        given = {"usergroup": group, "name": "Cooks", "users": ann}
        assert member.error(f"usergroups.{method}", **given) == "permission_denied"


@pytest.mark.parametrize(("plan", "written"), [("pro", None), ("free", "paid_teams_only")])
def test_user_groups_are_for_paid_plans(make_org: MakeOrg, plan: str, written: str | None) -> None:
    api = make_org(plan=plan).web_api(*SCOPES)
    if written is None:
        assert api.ok("usergroups.create", name="Bakers")["usergroup"]["name"] == "Bakers"
        return
    assert api.error("usergroups.create", name="Bakers") == written
    assert api.error("usergroups.list") == "plan_upgrade_required"


class TestEnterprise:
    """Groups of the identity provider."""

    @pytest.fixture
    def org(self, make_org: MakeOrg) -> Org:
        return make_org()

    def test_they_are_listed_where_they_lead(self, org: Org, api: WebApi) -> None:
        scim = org.api("v2")
        ann = str(scim.create_user("ann")["id"])
        first, second = (str(scim.create_group(name, ann)["id"]) for name in ("Bakers", "Cooks"))
        team = premises.workspace(org, "north")
        bread = premises.channel(org, "bread", team)
        premises.lead(org, first, team, bread)
        premises.lead(org, second, org.team_id, at_once=False)
        listed = api.ok("usergroups.list", team_id=team, include_users="1", include_count="1")
        [shown] = [without_times(each) for each in listed["usergroups"]]
        idp = dict.fromkeys(("is_idp_group", "is_membership_locked", "is_org_level", "auto_provision"), True)
        assert shown == an_object(
            org,
            first,
            team_id=org.org_id,
            enterprise_subteam_id=first,
            updated_by="USLACKUSER",
            prefs={"channels": [bread], "groups": []},
            channel_count=1,
            users=[ann],
            user_count=1,
            **idp,
        )
        everywhere = api.ok("usergroups.list", team_id=org.org_id)["usergroups"]
        assert [(each["id"], each["auto_provision"]) for each in everywhere] == [
            (first, True),
            (second, False),
        ]
        within = org.web_api("usergroups:read", team=team)
        assert [each["id"] for each in within.ok("usergroups.list")["usergroups"]] == [first]

    def test_their_members_are_listed_where_they_lead(self, org: Org, api: WebApi) -> None:
        scim = org.api("v2")
        ann = str(scim.create_user("ann")["id"])
        group = str(scim.create_group("Bakers", ann)["id"])
        team = premises.workspace(org, "north")
        premises.lead(org, group, team)
        assert api.ok("usergroups.users.list", usergroup=group, team_id=team) == {"users": [ann]}
        assert api.ok("usergroups.users.list", usergroup=group, team_id=org.org_id) == {"users": [ann]}
        assert api.error("usergroups.users.list", usergroup=group, team_id=org.team_id) == "no_such_subteam"

    def test_an_organisations_token_says_which_workspace(self, org: Org, api: WebApi) -> None:
        for method in ("usergroups.list", "usergroups.users.list"):
            given = {"usergroup": "S0NOTHING00"}
            assert api.error(method, **given) == "missing_argument"
            assert api.error(method, **given, team_id="T0NOTHING00") == "team_access_not_granted"

    def test_they_are_changed_at_the_identity_provider_alone(self, org: Org, api: WebApi) -> None:
        group = str(org.api("v2").create_group("Bakers")["id"])
        before = org.events()
        for method in ("create", "update", "enable", "disable", "users.update"):
            given = {"usergroup": group, "name": "Cooks", "users": org.owner_id, "team_id": org.team_id}
            assert api.error(f"usergroups.{method}", **given) == "permission_denied"
        assert org.events() == before


def test_a_group_of_ones_own_is_no_way_into_a_private_channel(org: Org, api: WebApi) -> None:
    secret = premises.channel(org, "secret", private=True)
    assert api.error("usergroups.create", name="Spies", channels=secret) == "invalid_channel_provided"
    spies = api.ok("usergroups.create", name="Spies")["usergroup"]["id"]
    assert api.error("usergroups.update", usergroup=spies, channels=secret) == "invalid_channel_provided"
    inside.put_in(org.server.database, org.org_id, {secret: [org.owner_id]})
    assert api.ok("usergroups.update", usergroup=spies, channels=secret)["usergroup"]["channel_count"] == 1
