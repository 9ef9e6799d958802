"""``admin.teams``, ``admin.conversations`` and ``admin.usergroups`` over HTTP, and what follows from them.

Source: Slack's page of each method; *Managing users*, heading *IdP groups*.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.protocol.live import Body, Org, WebApi

ADMIN = (
    "admin.teams:read", "admin.teams:write", "admin.conversations:read", "admin.conversations:write",
    "admin.usergroups:read", "admin.usergroups:write",
)  # fmt: skip


@pytest.fixture
def api(org: Org) -> WebApi:
    """Everything that an owner may, for the whole organisation."""
    return org.web_api(*ADMIN, "channels:read", "groups:read", "channels:write", "groups:write")


def workspace(api: WebApi, domain: str) -> str:
    return str(api.ok("admin.teams.create", team_domain=domain, team_name=domain.title())["team"])


def channel(api: WebApi, name: str, team: str, **more: Any) -> str:
    given = {"name": name, "team_id": team, "is_private": "false"} | more
    return str(api.ok("admin.conversations.create", **given)["channel_id"])


def group(org: Org, name: str, *members: str) -> str:
    return str(org.api("v2").create_group(name, *members)["id"])


def places(org: Org, user: str) -> dict[str, list[str]]:
    """Place → sources, as ``rosterd explain`` tells; #general left out."""
    told = json.loads(org.run("explain", user, "--json"))
    return {
        stay["place_id"]: [why["source_id"] for why in stay["reasons"]]
        for stay in told["stays"]
        if stay["name"] != "general"
    }


def test_a_new_workspace_is_owned_by_its_maker_and_listed(org: Org, api: WebApi) -> None:
    made = api.ok(
        "admin.teams.create", team_domain="Sales", team_name="The Sales", team_description="Sell",
        team_discoverability="open",
    )  # fmt: skip
    team = made["team"]
    assert made == {"team": team}
    owner = {"user_id": org.owner_id, "email": org.owner_email}
    home = f"{org.server.url}/{org.domain}/"
    listed = api.ok("admin.teams.list")
    assert listed == {
        "teams": [
            {
                "id": org.team_id,
                "name": org.domain,
                "discoverability": listed["teams"][0]["discoverability"],
                "primary_owner": owner,
                "team_url": home,
            },
            {
                "id": team,
                "name": "The Sales",
                "discoverability": "open",
                "primary_owner": owner,
                "team_url": home,
            },
        ],
        "response_metadata": {"next_cursor": ""},
    }
    nothing_more = {"response_metadata": {"next_cursor": ""}}
    assert api.ok("admin.teams.owners.list", team_id=team) == {"owner_ids": [org.owner_id]} | nothing_more
    assert api.ok("admin.teams.admins.list", team_id=team) == {"admin_ids": []} | nothing_more
    assert org.events(team) == ["workspace_created"]
    assert places(org, org.owner_id)[team] == [""]


def test_workspaces_are_paged_in_order_of_creation(org: Org, api: WebApi) -> None:
    made = [org.team_id, workspace(api, "one"), workspace(api, "two")]
    first = api.ok("admin.teams.list", limit=2)
    rest = api.ok("admin.teams.list", limit=2, cursor=first["response_metadata"]["next_cursor"])
    assert [team["id"] for page in (first, rest) for team in page["teams"]] == made
    assert rest["response_metadata"] == {"next_cursor": ""}


@pytest.mark.parametrize(
    ("different", "error"),
    [
        ({"team_domain": ""}, "must_provide_team_domain"),
        ({"team_name": ""}, "must_provide_team_name"),
        ({"team_domain": "a.b"}, "bad_url"),
        ({"team_domain": "x" * 22}, "bad_url"),
        ({"team_domain": "taken"}, "domain_taken"),
        ({"team_name": "TAKEN"}, "name_taken_in_org"),
        ({"team_discoverability": "hidden"}, "discoverability_setting_invalid"),
    ],
)
def test_a_workspace_that_cannot_be_is_refused(
    org: Org, api: WebApi, different: dict[str, str], error: str
) -> None:
    workspace(api, "taken")
    before = org.events()
    given = {"team_domain": "new", "team_name": "New"} | different
    assert api.error("admin.teams.create", **given) == error
    assert org.events() == before


def test_a_new_channel_is_of_a_workspace_or_of_all(org: Org, api: WebApi) -> None:
    team = workspace(api, "sales")
    everywhere = api.ok("admin.conversations.create", name="news", is_private="0", org_wide="true")
    shown = api.ok("conversations.info", channel=everywhere["channel_id"])["channel"]
    assert sorted(shown["internal_team_ids"]) == sorted([org.team_id, team])
    assert shown["is_global_shared"] is True
    later = workspace(api, "later")
    shown = api.ok("conversations.info", channel=everywhere["channel_id"])["channel"]
    assert later in shown["internal_team_ids"]
    one = channel(api, "deals", team, description="Deals only")
    shown = api.ok("conversations.info", channel=one)["channel"]
    assert (shown["internal_team_ids"], shown["purpose"]["value"]) == ([team], "Deals only")


@pytest.mark.parametrize(
    ("different", "error"),
    [
        ({"name": ""}, "invalid_arguments"),
        ({"name": "a b"}, "invalid_name"),
        ({"name": "general"}, "name_taken"),
        ({"is_private": None}, "invalid_arguments"),
        ({"team_id": None}, "team_id_or_org_required"),
        ({"team_id": "T0NOTHING00"}, "team_not_found"),
        ({"team_id": None, "org_wide": "1", "name": "general"}, "name_taken"),
    ],
)
def test_a_channel_that_cannot_be_is_refused(
    org: Org, api: WebApi, different: dict[str, str | None], error: str
) -> None:
    before = org.events()
    given = {"name": "deals", "is_private": "0", "team_id": org.team_id} | different
    assert api.error("admin.conversations.create", **given) == error
    assert org.events() == before


def found(api: WebApi, **arguments: Any) -> list[str]:
    answer = api.ok("admin.conversations.search", **arguments)
    return [each["name"] for each in answer["conversations"]]


def test_channels_are_found_and_shown_as_search_shows_them(org: Org, api: WebApi) -> None:
    team = workspace(api, "sales")
    id = channel(api, "deals", team, is_private="1", description="Deals only")
    answer = api.ok("admin.conversations.search", query="#DEAL")
    assert answer == {
        "conversations": [
            {
                "id": id,
                "name": "deals",
                "purpose": "Deals only",
                "member_count": 1,
                "created": answer["conversations"][0]["created"],
                "creator_id": org.owner_id,
                "is_private": True,
                "is_archived": False,
                "is_general": False,
                "last_activity_ts": 0,
                "is_ext_shared": False,
                "is_global_shared": False,
                "is_org_default": False,
                "is_org_mandatory": False,
                "is_org_shared": False,
                "is_frozen": False,
                "connected_team_ids": [],
                "internal_team_ids_count": 1,
                "internal_team_ids_sample_team": team,
                "pending_connected_team_ids": [],
                "is_pending_ext_shared": False,
            }
        ],
        "next_cursor": "",
        "total_count": 1,
    }
    assert api.ok("admin.conversations.search", total_count_only="1") == {"total_count": 3}


def test_channels_are_found_by_kind_workspace_and_order(org: Org, api: WebApi) -> None:
    team = workspace(api, "sales")
    crowd = [org.create_user(f"p{n}") for n in range(3)]
    busy = channel(api, "busy", org.team_id)
    crew = group(org, "Crew", *crowd)
    api.ok("admin.usergroups.addTeams", usergroup_id=crew, team_ids=org.team_id, auto_provision="1")
    api.ok("admin.usergroups.addChannels", usergroup_id=crew, channel_ids=busy)
    channel(api, "quiet", team, is_private="1")
    api.ok("admin.conversations.create", name="zoo", is_private="0", org_wide="1")
    at_home = {"team_ids": team}
    assert found(api, sort="name", sort_dir="asc") == ["busy", "general", "general", "quiet", "zoo"]
    assert found(api, sort="created", sort_dir="asc", team_ids=org.team_id) == ["general", "busy", "zoo"]
    assert found(api, query="o", sort="relevant") == ["zoo"]
    assert found(api, team_ids=org.team_id)[:2] in (["general", "busy"], ["busy", "general"])
    assert found(api, search_channel_types="private") == ["quiet"]
    assert found(api, search_channel_types="private,org_wide", sort="name", sort_dir="asc") == [
        "quiet",
        "zoo",
    ]
    assert sorted(found(api, search_channel_types="private_exclude", **at_home)) == ["general", "zoo"]
    assert sorted(found(api, search_channel_types="exclude_org_shared", **at_home)) == ["general", "quiet"]
    assert found(api, search_channel_types="archived") == []
    assert found(api, search_channel_types="external_shared,multi_workspace") == []
    assert len(found(api, search_channel_types="external_shared_exclude,exclude_archived")) == 5


@pytest.mark.parametrize("by", ["name", "created", "member_count", "relevant"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_of_a_search_give_every_channel_once(org: Org, api: WebApi, by: str, direction: str) -> None:
    made = ["general", *(f"c{n}" for n in range(5))]
    for name in made[1:]:
        channel(api, name, org.team_id)
    names, cursor = [], ""
    for _ in range(3):
        page = api.ok("admin.conversations.search", sort=by, sort_dir=direction, limit=2, cursor=cursor)
        names += [each["name"] for each in page["conversations"]]
        cursor = page["next_cursor"]
    assert (sorted(names), cursor) == (sorted(made), "")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"search_channel_types": "private,public"}, "invalid_search_channel_type"),
        ({"sort": "age"}, "invalid_sort"),
        ({"sort_dir": "up"}, "invalid_sort_dir"),
        ({"team_ids": "T0NOTHING00"}, "team_not_found"),
        ({"connected_team_ids": "T0NOTHING00"}, "external_team_not_connected_to_this_org"),
    ],
)
def test_a_search_that_cannot_be_is_refused(api: WebApi, given: dict[str, str], error: str) -> None:
    assert api.error("admin.conversations.search", **given) == error


def test_whoever_is_in_a_group_is_where_it_leads(org: Org, api: WebApi) -> None:
    ann, bob = org.create_user("ann"), org.create_user("bob")
    sales, labs = workspace(api, "sales"), workspace(api, "labs")
    deals = channel(api, "deals", sales)
    crew = group(org, "Crew", ann)
    given = {"usergroup_id": crew}
    added = api.ok("admin.usergroups.addTeams", team_ids=f"{sales},{labs}", auto_provision="true", **given)
    assert added == {}
    assert api.ok("admin.usergroups.addChannels", channel_ids=deals, team_id=sales, **given) == {}
    assert places(org, ann) == {sales: [crew], labs: [crew], deals: [crew]}
    assert places(org, bob) == {}
    members = {"op": "add", "path": "members", "value": [{"value": bob}]}
    body = {"schemas": [org.api("v2").urns.patch], "Operations": [members]}
    assert org.api("v2").patch(f"Groups/{crew}", body).is_success
    assert places(org, bob) == places(org, ann)
    listed = {"id": deals, "name": "deals", "team_id": sales}
    assert api.ok("admin.usergroups.listChannels", **given) == {"channels": [listed]}
    assert api.ok("admin.usergroups.listChannels", team_id=labs, **given) == {"channels": []}
    counted = api.ok("admin.usergroups.listChannels", include_num_members="1", **given)
    assert counted == {"channels": [listed | {"num_members": 3}]}  # with its maker
    assert api.ok("admin.usergroups.removeChannels", channel_ids=deals, **given) == {}
    assert places(org, bob) == {sales: [crew], labs: [crew]}
    assert api.ok("admin.usergroups.listChannels", **given) == {"channels": []}


def test_without_auto_provisioning_nobody_is_put_anywhere_at_once(org: Org, api: WebApi) -> None:
    ann, sales = org.create_user("ann"), workspace(api, "sales")
    deals, crew = channel(api, "deals", sales), group(org, "Crew", ann)
    given = {"usergroup_id": crew}
    api.ok("admin.usergroups.addTeams", team_ids=sales, **given)
    assert places(org, ann) == {}
    assert (
        api.error("admin.usergroups.addChannels", channel_ids=deals, team_id=sales, **given)
        == "usergroup_team_not_provisioned"
    )
    told = json.loads(org.run("explain", ann, "--json"))
    assert [absence["why"] for absence in told["absences"]] == ["not_at_once"]


def test_a_workspace_that_is_not_required_keeps_whoever_leaves_the_group(org: Org, api: WebApi) -> None:
    ann, sales = org.create_user("ann"), workspace(api, "sales")
    crew = group(org, "Crew", ann)
    api.ok("admin.usergroups.addTeams", usergroup_id=crew, team_ids=sales, auto_provision="1", required="0")
    assert org.api("v2").delete(f"Groups/{crew}").is_success
    [stay] = [s for s in json.loads(org.run("explain", ann, "--json"))["stays"] if s["place_id"] == sales]
    assert [why["is_kept"] for why in stay["reasons"]] == [True]


def test_what_cannot_be_connected_is_refused_in_the_words_of_the_page(org: Org, api: WebApi) -> None:
    sales, labs = workspace(api, "sales"), workspace(api, "labs")
    deals, bench = channel(api, "deals", sales), channel(api, "bench", labs)
    crew = group(org, "Crew", org.create_user("ann"))
    given = {"usergroup_id": crew}
    api.ok("admin.usergroups.addTeams", team_ids=sales, auto_provision="1", **given)
    before = org.events()

    def told(method: str, **more: Any) -> str:
        return api.error(f"admin.usergroups.{method}", **given | more)

    assert told("addTeams") == "no_team_ids_given"
    assert api.call("admin.usergroups.addTeams", team_ids=f"{labs},T0NOTHING00,T1", **given) == {
        "ok": False,
        "error": "invalid_team_ids",
        "errors": ["T0NOTHING00", "T1"],
    }
    assert told("addTeams", team_ids=sales, usergroup_id="S0NOTHING00") == "usergroup_not_found"
    assert told("addChannels") == "invalid_arguments"
    assert told("addChannels", channel_ids=deals, usergroup_id="S0NOTHING00") == "usergroup_not_found"
    assert told("addChannels", channel_ids=deals, team_id="T0NOTHING00") == "team_not_found"
    assert told("addChannels", channel_ids=bench, team_id=labs) == "usergroup_not_linked_to_team"
    assert told("addChannels", channel_ids=bench, team_id=sales) == "channel_not_found"
    assert told("addChannels", channel_ids=bench) == "usergroup_not_linked_to_team"
    assert told("addChannels", channel_ids=f"{deals},C0NOTHING00") == "channel_not_found"
    many = ",".join(f"C{n:010}" for n in range(101))
    for method in ("addChannels", "removeChannels"):
        assert told(method, channel_ids=many) == "invalid_channels_limit"
    assert told("removeChannels", channel_ids=deals) == "channel_not_found"
    assert told("listChannels", usergroup_id="S0NOTHING00") == "usergroup_not_found"
    assert told("listChannels", team_id=labs) == "usergroup_not_linked_to_team"
    assert org.events() == before


class TestAllowlists:
    """``admin.conversations.restrictAccess.*``."""

    @pytest.fixture
    def secret(self, org: Org, api: WebApi) -> dict[str, str]:
        """A private channel of a workspace with ann and bob in it, and a group of ann."""
        ann, bob, sales = org.create_user("ann"), org.create_user("bob"), workspace(api, "sales")
        everybody = group(org, "Everybody", ann, bob)
        given = {"usergroup_id": everybody}
        api.ok("admin.usergroups.addTeams", team_ids=sales, auto_provision="1", **given)
        id = channel(api, "secret", sales, is_private="1")
        api.ok("conversations.invite", channel=id, users=f"{ann},{bob}")
        return {"ann": ann, "bob": bob, "team_id": sales, "channel_id": id, "crew": group(org, "Crew", ann)}

    def call(self, api: WebApi, secret: Body, method: str, **more: Any) -> Body:
        given = {"channel_id": secret["channel_id"], "team_id": secret["team_id"]} | more
        return api.call(f"admin.conversations.restrictAccess.{method}", **given)

    def test_only_members_of_its_groups_are_in_a_restricted_channel(
        self, org: Org, api: WebApi, secret: dict[str, str]
    ) -> None:
        crew, id = secret["crew"], secret["channel_id"]
        assert self.call(api, secret, "listGroups") == {"ok": True, "group_ids": []}
        assert self.call(api, secret, "addGroup", group_id=crew) == {"ok": True}
        assert self.call(api, secret, "listGroups") == {"ok": True, "group_ids": [crew]}
        assert id in places(org, secret["ann"])
        assert id not in places(org, secret["bob"])
        again = self.call(api, secret, "addGroup", group_id=crew)
        assert again == {"ok": False, "error": "group_already_linked_to_channel"}
        assert org.api("v2").delete(f"Groups/{crew}").status_code == 400
        assert (
            org.api("v1")
            .delete(f"Groups/{crew}")
            .json()["Errors"]["description"]
            .startswith("idp_group_linked_to_channels")
        )
        assert self.call(api, secret, "removeGroup", group_id=crew) == {"ok": True}
        gone = self.call(api, secret, "removeGroup", group_id=crew)
        assert gone == {"ok": False, "error": "link_not_found"}
        assert org.api("v2").delete(f"Groups/{crew}").is_success

    def test_nobody_else_can_be_invited(self, org: Org, api: WebApi, secret: dict[str, str]) -> None:
        self.call(api, secret, "addGroup", group_id=secret["crew"])
        ann = org.web_api("groups:write", of=secret["ann"])
        refused = ann.call("conversations.invite", channel=secret["channel_id"], users=secret["bob"])
        assert refused == {
            "ok": False,
            "error": "cant_invite",
            "errors": [{"user": secret["bob"], "ok": False, "error": "cant_invite"}],
        }

    def test_what_cannot_be_restricted_is_refused(
        self, org: Org, api: WebApi, secret: dict[str, str]
    ) -> None:
        public = channel(api, "public", secret["team_id"])
        crew, empty = secret["crew"], group(org, "Empty")
        before = org.events()
        for given, error in (
            ({"group_id": "S0NOTHING00"}, "group_not_found"),
            ({"group_id": crew, "channel_id": "C0NOTHING00"}, "channel_not_found"),
            ({"group_id": crew, "team_id": "T0NOTHING00"}, "team_not_found"),
            ({"group_id": crew, "team_id": org.team_id}, "channel_not_found"),
            ({"group_id": crew, "channel_id": public}, "channel_is_not_private"),
            ({"group_id": empty}, "group_must_not_be_empty"),
            ({}, "invalid_arguments"),
        ):
            assert self.call(api, secret, "addGroup", **given)["error"] == error
        assert self.call(api, secret, "removeGroup", group_id="S0NOTHING00")["error"] == "group_not_found"
        assert org.events() == before
