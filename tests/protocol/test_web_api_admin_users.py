"""``admin.users.*`` over HTTP: who is listed, who is where and as what, and until when.

Source: Slack's page of each method; keys of a listed person as observed in answers.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.protocol import premises
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Body, Org, WebApi

SCOPES = ("admin.users:read", "admin.users:write")
LATER = 1_930_000_000


@pytest.fixture
def api(org: Org) -> WebApi:
    return org.web_api(*SCOPES)


@pytest.fixture
def team(org: Org) -> str:
    """A workspace that nobody is in."""
    return premises.workspace(org, "north")


def ids(found: Body) -> list[str]:
    return [user["id"] for user in found["users"]]


def listed(api: WebApi, user: str, **asked: Any) -> Body:
    """One person of the list."""
    shown: Body = {each["id"]: each for each in api.ok("admin.users.list", **asked)["users"]}[user]
    return shown


class TestList:
    def test_a_person_is_shown_whole(self, org: Org, api: WebApi, team: str) -> None:
        ann = str(org.api("v2").create_user("ann", name={"givenName": "Ann", "familyName": "Lee"})["id"])
        api.ok("admin.users.assign", team_id=team, user_id=ann)
        shown = listed(api, ann)
        assert abs(shown.pop("date_created") - time.time()) < 3_600
        person = {
            "id": ann,
            "email": "ann@example.com",
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_bot": False,
            "expiration_ts": 0,
            "username": "ann",
            "full_name": "Ann Lee",
            "is_active": True,
            "roles": [],
            "workspaces": [team],
        }
        assert shown == person | {"has_2fa": False, "has_sso": False, "last_active_ts": 0}
        within = listed(api, ann, team_id=team)
        within.pop("date_created")
        assert within == person

    def test_people_come_page_by_page_and_each_once(self, org: Org, api: WebApi, team: str) -> None:
        made = [org.create_user(f"user-{number}") for number in range(5)]
        for user in made:
            api.ok("admin.users.assign", team_id=team, user_id=user)
        for asked, everybody in (({}, [org.owner_id, *made]), ({"team_id": team}, sorted(made))):
            found: list[str] = []
            cursor = ""
            while True:
                page = api.ok("admin.users.list", limit=2, cursor=cursor, **asked)
                assert len(page["users"]) <= 2
                found += ids(page)
                cursor = page["response_metadata"]["next_cursor"]
                if not cursor:
                    break
            assert found == everybody

    def test_a_cursor_of_one_list_is_none_of_another(self, org: Org, api: WebApi, team: str) -> None:
        for name in ("ann", "bob"):
            api.ok("admin.users.assign", team_id=team, user_id=org.create_user(name))
        of_org = api.ok("admin.users.list", limit=1)["response_metadata"]["next_cursor"]
        of_team = api.ok("admin.users.list", limit=1, team_id=team)["response_metadata"]["next_cursor"]
        assert api.error("admin.users.list", cursor=of_team) == "invalid_cursor"
        assert api.error("admin.users.list", cursor=of_org, team_id=team) == "invalid_cursor"

    def test_only_those_who_are_asked_for_are_listed(self, org: Org, api: WebApi, team: str) -> None:
        roles = ("member", "admin", "owner", "bot")
        member, admin, owner, bot = (org.create_user(f"a-{role}", role) for role in roles)
        multi = org.create_user("multi", "multi_channel_guest")
        single = org.create_user("single", "single_channel_guest")
        gone = org.create_user("gone")
        org.api("v2").delete(f"Users/{gone}")
        assert ids(api.ok("admin.users.list")) == [org.owner_id, member, admin, owner, bot, multi, single]
        assert ids(api.ok("admin.users.list", is_active="false")) == [gone]
        assert ids(api.ok("admin.users.list", only_guests="1")) == [multi, single]
        assert ids(api.ok("admin.users.list", include_admins="true")) == [admin]
        assert ids(api.ok("admin.users.list", include_owners="true")) == [org.owner_id, owner]
        both = {"include_admins": "true", "include_owners": "true"}
        assert ids(api.ok("admin.users.list", **both)) == [org.owner_id, admin, owner]
        assert api.error("admin.users.list", only_guests="1", **both) == "invalid_arguments"

    def test_a_workspaces_own_admins_and_owners_count_there(self, org: Org, api: WebApi, team: str) -> None:
        ann, bob, boss = org.create_user("ann"), org.create_user("bob"), org.create_user("boss", "owner")
        guest = org.create_user("gus", "multi_channel_guest")
        for user in (ann, bob, boss, guest):
            api.ok("admin.users.assign", team_id=team, user_id=user)
        api.ok("admin.users.setAdmin", team_id=team, user_id=ann)
        within = {"team_id": team}
        assert ids(api.ok("admin.users.list", include_admins="1", **within)) == [ann]
        assert ids(api.ok("admin.users.list", include_owners="1", **within)) == [boss]
        assert ids(api.ok("admin.users.list", only_guests="1", **within)) == [guest]
        assert ids(api.ok("admin.users.list", include_admins="1")) == []
        assert listed(api, ann, **within)["is_admin"] is True
        assert listed(api, ann)["is_admin"] is False

    def test_the_deactivated_are_listed_where_they_were(self, org: Org, api: WebApi, team: str) -> None:
        ann = org.create_user("ann")
        api.ok("admin.users.assign", team_id=team, user_id=ann)
        org.api("v2").delete(f"Users/{ann}")
        assert ids(api.ok("admin.users.list", team_id=team)) == []
        assert ids(api.ok("admin.users.list", team_id=team, is_active="0")) == [ann]
        shown = listed(api, ann, is_active="false")
        assert (shown["is_active"], shown["workspaces"]) == (False, [])
        assert abs(shown["deactivated_ts"] - time.time()) < 3_600
        everywhere = {"is_active": "false", "include_deactivated_user_workspaces": "true"}
        assert listed(api, ann, **everywhere)["workspaces"] == [team]
        word = "include_deactivated_user_workspaces_invalid"
        assert api.error("admin.users.list", team_id=team, **everywhere) == word


class TestAssign:
    def test_somebody_is_put_into_a_workspace_and_channels(self, org: Org, api: WebApi, team: str) -> None:
        ann = org.create_user("ann")
        bread, cake = premises.channel(org, "bread", team), premises.channel(org, "cake", team, private=True)
        given = {"team_id": team, "user_id": ann, "channel_ids": f"{bread},{cake}"}
        assert api.call("admin.users.assign", **given) == {"ok": True}
        assert premises.where(org, ann) == ({team}, {bread, cake})
        assert org.events(ann) == ["user_created", "user_joined_workspace"]
        assert api.error("admin.users.assign", **given) == "user_already_team_member"

    def test_whoever_is_deactivated_is_active_again(self, org: Org, api: WebApi, team: str) -> None:
        ann = org.create_user("ann")
        org.api("v2").delete(f"Users/{ann}")
        api.ok("admin.users.assign", team_id=team, user_id=ann)
        assert org.api("v2").user(ann)["active"] is True
        assert premises.where(org, ann)[0] == {team}

    def test_guests_join_the_channels_that_are_given_and_no_others(
        self, org: Org, api: WebApi, team: str
    ) -> None:
        bread = premises.channel(org, "bread", team)
        premises.channel(org, "news", team, default=True)
        ann, gus = org.create_user("ann"), org.create_user("gus")
        api.ok("admin.users.assign", team_id=team, user_id=gus, is_restricted="true", channel_ids=bread)
        api.ok("admin.users.assign", team_id=team, user_id=ann, is_ultra_restricted="1", channel_ids=bread)
        assert premises.where(org, gus) == premises.where(org, ann) == ({team}, {bread})
        flags = ("is_restricted", "is_ultra_restricted")
        assert [[listed(api, user)[flag] for flag in flags] for user in (gus, ann)] == [
            [True, False],
            [True, True],
        ]
        assert org.events(gus) == ["user_created", "role_change_to_guest", "guest_joined_workspace"]

    def test_a_single_channel_guest_is_in_one_channel_alone(self, org: Org, api: WebApi, team: str) -> None:
        bread, cake = premises.channel(org, "bread", team), premises.channel(org, "cake", team)
        gus = org.create_user("gus", "single_channel_guest")
        asked = {"team_id": team, "user_id": gus}
        for channels in ("", f"{bread},{cake}"):
            assert api.error("admin.users.assign", channel_ids=channels, **asked) == "requires_one_channel"
        api.ok("admin.users.assign", channel_ids=bread, **asked)
        other = premises.workspace(org, "south")
        there = premises.channel(org, "cod", other)
        again = {"team_id": other, "user_id": gus, "channel_ids": there}
        assert api.error("admin.users.assign", **again) == "invalid_role_for_user"
        org.api("v2").delete(f"Users/{gus}")
        api.ok("admin.users.assign", channel_ids=cake, **asked)
        assert premises.where(org, gus) == ({team}, {cake})

    def test_what_cannot_be_is_refused_and_changes_nothing(
        self, org: Org, make_org: MakeOrg, api: WebApi, team: str
    ) -> None:
        ann, bot, boss = (
            org.create_user("ann"),
            org.create_user("bot", "bot"),
            org.create_user("boss", "admin"),
        )
        away, elsewhere = premises.channel(org, "away", team), premises.channel(org, "elsewhere")
        premises.archive(org, away)
        api.ok("admin.users.assign", team_id=org.team_id, user_id=ann)
        foreign = make_org().create_user("other")
        before = org.events()
        for arguments, error in (
            ({"team_id": team, "user_id": foreign}, "user_not_found"),
            ({"team_id": "T0NOTHING00", "user_id": ann}, "team_not_found"),
            ({"team_id": team}, "invalid_arguments"),
            ({"user_id": ann}, "invalid_arguments"),
            ({"team_id": team, "user_id": bot}, "user_is_bot"),
            ({"team_id": team, "user_id": boss, "is_restricted": "1"}, "invalid_role_for_user"),
            # a guest everywhere, or a member everywhere
            ({"team_id": team, "user_id": ann, "is_restricted": "1"}, "invalid_role_for_user"),
            ({"team_id": team, "user_id": ann, "channel_ids": away}, "invitor_cannot_see_channel"),
            ({"team_id": team, "user_id": ann, "channel_ids": elsewhere}, "invitor_cannot_see_channel"),
            ({"team_id": team, "user_id": ann, "channel_ids": "C0NOTHING00"}, "invitor_cannot_see_channel"),
        ):
            assert (arguments, api.error("admin.users.assign", **arguments)) == (arguments, error)
        assert org.events() == before


def test_somebody_is_taken_out_of_a_workspace_and_its_channels(org: Org, api: WebApi, team: str) -> None:
    ann, bread = org.create_user("ann"), premises.channel(org, "bread", team)
    api.ok("admin.users.assign", team_id=team, user_id=ann, channel_ids=bread)
    assert api.call("admin.users.remove", team_id=team, user_id=ann) == {"ok": True}
    assert premises.where(org, ann) == (set(), set())
    for arguments, error in (
        ({"team_id": team, "user_id": ann}, "user_already_deleted"),
        ({"team_id": "T0NOTHING00", "user_id": ann}, "team_not_found"),
        ({"team_id": team, "user_id": "W0NOBODY000"}, "user_not_found"),
        ({"team_id": org.team_id, "user_id": org.owner_id}, "cannot_modify_primary_owner"),
    ):
        assert api.error("admin.users.remove", **arguments) == error
    group = str(org.api("v2").create_group("Bakers", ann)["id"])
    premises.lead(org, group, team)
    word = "failed_to_remove_user_from_workspace"
    assert api.error("admin.users.remove", team_id=team, user_id=ann) == word


class TestInvite:
    @pytest.fixture
    def given(self, org: Org, team: str) -> Body:
        """What an invitation is called with, but for whom."""
        return {"team_id": team, "channel_ids": premises.channel(org, "bread", team)}

    def test_a_new_member_is_made_and_put_there(self, org: Org, api: WebApi, given: Body) -> None:
        asked = given | {"email": "Ann.Lee@mail.example", "real_name": "Ann van Lee"}
        assert api.call("admin.users.invite", **asked, custom_message="Come!") == {"ok": True}
        [user] = org.api("v2").get("Users", filter='userName eq "ann.lee"').json()["Resources"]
        assert user["name"] == {"givenName": "Ann", "familyName": "van Lee"}
        assert (user["emails"][0]["value"], user["active"]) == ("Ann.Lee@mail.example", True)
        assert premises.where(org, user["id"]) == ({given["team_id"]}, {given["channel_ids"]})
        assert org.events(user["id"]) == ["user_created", "user_joined_workspace"]
        shown = org.web_api("users:read").ok("users.info", user=user["id"])["user"]
        assert shown["is_invited_user"] is True
        assert api.error("admin.users.invite", **asked) == "already_in_team_invited_user"
        api.ok("admin.users.invite", **asked, resend="true")
        assert org.events(user["id"])[-1] == "user_invited"

    @pytest.mark.parametrize("single", [False, True])
    def test_a_guest_is_made_for_a_time(self, org: Org, api: WebApi, given: Body, single: bool) -> None:
        kind = {"is_ultra_restricted" if single else "is_restricted": "true"}
        asked = given | kind | {"email": "gus@mail.example"}
        api.ok("admin.users.invite", **asked, guest_expiration_ts=f"{LATER}.012345")
        [user] = api.ok("admin.users.list", only_guests="true")["users"]
        assert (user["is_ultra_restricted"], user["expiration_ts"]) == (single, LATER)
        assert premises.where(org, user["id"]) == ({given["team_id"]}, {given["channel_ids"]})
        assert org.events(user["id"]) == ["guest_created", "guest_joined_workspace", "guest_expiration_set"]

    def test_whoever_has_an_account_is_put_there(self, org: Org, api: WebApi, given: Body) -> None:
        ann = org.create_user("ann")
        address = f"ANN@{org.domain}.example"
        api.ok("admin.users.invite", email=address, **given)
        assert premises.where(org, ann) == ({given["team_id"]}, {given["channel_ids"]})
        there = {"email": org.owner_email, **given}
        api.ok("admin.users.invite", **there)
        assert api.error("admin.users.invite", **there) == "already_in_team"
        assert api.error("admin.users.invite", **there, resend="1") == "already_in_team"

    def test_what_cannot_be_is_refused_and_changes_nothing(self, org: Org, api: WebApi, given: Body) -> None:
        gone = org.create_user("gone")
        org.api("v2").delete(f"Users/{gone}")
        cake = premises.channel(org, "cake")
        before, people = org.events(), org.api("v2").get("Users").json()["totalResults"]
        new = given | {"email": "new@mail.example"}
        guest = new | {"is_restricted": "1"}
        for asked, error in (
            (new | {"email": "nobody"}, "invalid_email"),
            (new | {"email": " "}, "invalid_email"),
            (new | {"email": "+++@mail.example"}, "invalid_email"),
            (new | {"email": f"gone@{org.domain}.example"}, "user_disabled"),
            (new | {"team_id": "T0NOTHING00"}, "team_not_found"),
            (new | {"channel_ids": ""}, "failed_to_validate_channels"),
            (new | {"channel_ids": cake}, "failed_to_validate_channels"),
            (new | {"channel_ids": "C0NOTHING00"}, "failed_to_validate_channels"),
            (
                guest | {"channel_ids": f"{given['channel_ids']},{cake}", "is_ultra_restricted": "1"},
                "failed_to_validate_channels",
            ),
            (new | {"custom_message": "x" * 1_001}, "failed_to_validate_custom_message"),
            (new | {"guest_expiration_ts": str(LATER)}, "failed_to_validate_expiration"),
            (guest | {"guest_expiration_ts": "1000"}, "failed_to_validate_expiration"),
            (guest | {"guest_expiration_ts": "soon"}, "failed_to_validate_expiration"),
            (guest | {"guest_expiration_ts": "9" * 15}, "failed_to_validate_expiration"),
        ):
            assert (asked, api.error("admin.users.invite", **asked)) == (asked, error)
        assert org.events() == before
        assert org.api("v2").get("Users").json()["totalResults"] == people


class TestRoles:
    def test_a_role_in_a_workspace_is_one_there_alone(self, org: Org, api: WebApi, team: str) -> None:
        ann = org.create_user("ann")
        api.ok("admin.users.assign", team_id=team, user_id=ann)
        for method, flags in (
            ("setAdmin", (True, False)),
            ("setOwner", (True, True)),
            ("setRegular", (False, False)),
        ):
            assert api.call(f"admin.users.{method}", team_id=team, user_id=ann) == {"ok": True}
            shown = listed(api, ann, team_id=team)
            assert (shown["is_admin"], shown["is_owner"]) == flags
            assert listed(api, ann)["is_admin"] is False
        assert org.events(ann)[2:] == ["role_change_to_admin", "role_change_to_owner", "role_change_to_user"]

    def test_a_role_in_the_organisation_is_given_by_its_id(self, org: Org, api: WebApi, team: str) -> None:
        ann = org.create_user("ann")
        assert (
            api.error("admin.users.setOwner", team_id=org.org_id, user_id=ann) == "user_must_be_in_workspace"
        )
        api.ok("admin.users.assign", team_id=team, user_id=ann)
        for method, flags in (
            ("setAdmin", (True, False)),
            ("setOwner", (True, True)),
            ("setRegular", (False, False)),
        ):
            api.ok(f"admin.users.{method}", team_id=org.org_id, user_id=ann)
            shown = listed(api, ann)
            assert (shown["is_admin"], shown["is_owner"]) == flags

    def test_a_guest_becomes_a_full_member(self, org: Org, api: WebApi, team: str) -> None:
        gus, bread = org.create_user("gus", "multi_channel_guest"), premises.channel(org, "bread", team)
        api.ok("admin.users.assign", team_id=team, user_id=gus, channel_ids=bread)
        api.ok("admin.users.setExpiration", user_id=gus, expiration_ts=LATER)
        for method in ("setAdmin", "setOwner"):
            for place in (team, org.org_id):
                assert (
                    api.error(f"admin.users.{method}", team_id=place, user_id=gus) == "invalid_role_for_user"
                )
        api.ok("admin.users.assign", team_id=org.team_id, user_id=gus)
        word = "cannot_set_this_guest_to_regular_at_team_level"
        assert api.error("admin.users.setRegular", team_id=team, user_id=gus) == word
        api.ok("admin.users.setRegular", team_id=org.org_id, user_id=gus)
        shown = listed(api, gus)
        assert (shown["is_restricted"], shown["expiration_ts"]) == (False, 0)
        assert premises.where(org, gus) == ({team, org.team_id}, {bread})

    def test_whoever_runs_a_workspace_becomes_no_guest(self, org: Org, api: WebApi, team: str) -> None:
        ann = org.create_user("ann")
        api.ok("admin.users.assign", team_id=team, user_id=ann)
        api.ok("admin.users.setAdmin", team_id=team, user_id=ann)
        scim = org.api("v2")
        change = {"op": "add", "path": scim.urns.guest, "value": {"type": "multi"}}
        scim.check_refused(scim.patch_user(ann, change), "cannot_make_user_guest", 403)

    def test_what_cannot_be_is_refused_and_changes_nothing(self, org: Org, api: WebApi, team: str) -> None:
        ann, boss = org.create_user("ann"), org.create_user("boss", "admin")
        bot = org.create_user("bot", "bot")
        api.ok("admin.users.assign", team_id=team, user_id=boss)
        by_admin = org.web_api(*SCOPES, of=boss)
        owner = org.create_user("chief", "owner")
        before = org.events()
        for who, method, place, user, error in (
            (api, "setAdmin", team, ann, "user_not_found"),
            (api, "setOwner", team, ann, "user_must_be_in_workspace"),
            (api, "setRegular", team, ann, "user_not_found"),
            (api, "setRegular", team, boss, "cannot_set_org_admin_to_regular_at_workspace_level"),
            (api, "setAdmin", org.org_id, bot, "invalid_role_for_user"),
            (api, "setAdmin", "T0NOTHING00", ann, "team_not_found"),
            (api, "setAdmin", team, "W0NOBODY000", "user_not_found"),
            (api, "setRegular", org.org_id, org.owner_id, "cannot_modify_primary_owner"),
            (by_admin, "setOwner", org.org_id, ann, "not_an_owner"),
            (by_admin, "setOwner", team, boss, "not_an_owner"),
            (by_admin, "setAdmin", org.org_id, owner, "invalid_permissions"),
            (by_admin, "setRegular", org.org_id, owner, "failed_to_set_user_to_regular"),
        ):
            said = who.error(f"admin.users.{method}", team_id=place, user_id=user)
            assert (method, place, said) == (method, place, error)
        assert org.events() == before


class TestExpiration:
    @pytest.mark.parametrize(("role", "flags"), [
        ("multi_channel_guest", (True, False)), ("single_channel_guest", (False, True)),
    ])  # fmt: skip
    def test_it_is_set_shown_and_cleared(
        self, org: Org, api: WebApi, role: str, flags: tuple[bool, bool]
    ) -> None:
        gus = org.create_user("gus", role)
        expected = {
            "id": gus,
            "email": f"gus@{org.domain}.example",
            "is_restricted": flags[0],
            "is_ultra_restricted": flags[1],
            "expiration_ts": 0,
        }
        assert api.ok("admin.users.getExpiration", user_id=gus) == {"user": expected}
        assert api.call("admin.users.setExpiration", user_id=gus, expiration_ts=LATER) == {"ok": True}
        shown = api.ok("admin.users.getExpiration", user=gus, target_team=org.team_id)
        assert shown == {"user": expected | {"expiration_ts": LATER}}
        api.ok("admin.users.setExpiration", user_id=gus, expiration_ts=0, team_id=org.team_id)
        assert api.ok("admin.users.getExpiration", user_id=gus) == {"user": expected}
        assert org.events(gus)[1:] == ["guest_expiration_set", "guest_expiration_cleared"]

    def test_what_cannot_be_is_refused_and_changes_nothing(self, org: Org, api: WebApi) -> None:
        ann, gus = org.create_user("ann"), org.create_user("gus", "multi_channel_guest")
        gone = org.create_user("gone", "multi_channel_guest")
        org.api("v2").delete(f"Users/{gone}")
        before = org.events()
        for method, arguments, error in (
            ("setExpiration", {"user_id": ann, "expiration_ts": LATER}, "user_is_not_a_guest"),
            ("setExpiration", {"user_id": gone, "expiration_ts": LATER}, "user_is_deactivated"),
            ("setExpiration", {"user_id": "W0NOBODY000", "expiration_ts": LATER}, "user_not_found"),
            ("setExpiration", {"user_id": gus}, "invalid_arguments"),
            ("setExpiration", {"user_id": gus, "expiration_ts": 1_000}, "failed_to_validate_expiration"),
            ("setExpiration", {"user_id": gus, "expiration_ts": -1}, "failed_to_validate_expiration"),
            ("setExpiration", {"user_id": gus, "expiration_ts": 10**14}, "failed_to_validate_expiration"),
            (
                "setExpiration",
                {"user_id": gus, "expiration_ts": LATER, "team_id": "T0NOTHING00"},
                "team_not_found",
            ),
            ("getExpiration", {"user_id": ann}, "user_is_not_guest"),
            ("getExpiration", {"user_id": "W0NOBODY000"}, "user_not_found"),
            ("getExpiration", {"user_id": gus, "target_team": "T0NOTHING00"}, "target_team_not_on_org"),
        ):
            assert (arguments, api.error(f"admin.users.{method}", **arguments)) == (arguments, error)
        assert org.events() == before


def test_these_methods_are_for_an_enterprise_organisations_own_token(org: Org, make_org: MakeOrg) -> None:
    given = {"team_id": org.team_id, "user_id": org.owner_id}
    within = org.web_api(*SCOPES, team=org.team_id)
    assert within.error("admin.users.assign", **given) == "not_allowed_token_type"
    small = make_org(plan="business_plus").web_api(*SCOPES)
    assert small.error("admin.users.list") == "feature_not_enabled"
