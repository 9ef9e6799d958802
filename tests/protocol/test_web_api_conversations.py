"""``conversations.*`` over HTTP: whole answers, who is shown which channels, who changes who is in them.

Source: Slack's page of each method; *Conversation object*.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.protocol import inside, premises
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Body, Org, WebApi

EVERYTHING = ("channels:read", "channels:write", "groups:read", "groups:write")


@dataclass(frozen=True, slots=True)
class Team:
    """The first workspace of an Enterprise organisation, with three members of it; only ``ann`` acts."""

    org: Org
    api: WebApi  # of ann, in that workspace
    ann: str
    bob: str
    eve: str

    def of(self, user: str, *scopes: str) -> WebApi:
        return self.org.web_api(*(scopes or EVERYTHING), of=user, team=self.org.team_id)

    def create(self, name: str, **arguments: object) -> Body:
        channel: Body = self.api.ok("conversations.create", name=name, **arguments)["channel"]
        return channel

    def members(self, channel: str) -> list[str]:
        found: list[str] = self.api.ok("conversations.members", channel=channel)["members"]
        return found


@pytest.fixture
def team(org: Org) -> Team:
    ann, bob, eve = (org.create_user(name) for name in ("ann", "bob", "eve"))
    inside.put_in(org.server.database, org.org_id, {org.team_id: [ann, bob, eve]})
    api = org.web_api(*EVERYTHING, of=ann, team=org.team_id)
    return Team(org, api, ann, bob, eve)


def test_a_new_channel_is_shown_whole_and_its_creator_is_in_it(team: Team) -> None:
    org, shown = team.org, team.create("team-lunch")
    assert shown.pop("created") * 1_000 == shown["updated"] // 1_000 * 1_000
    assert shown.pop("updated") > 1_700_000_000_000
    assert shown == {
        "id": shown["id"],
        "name": "team-lunch",
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": False,
        "is_archived": False,
        "is_general": False,
        "unlinked": 0,
        "name_normalized": "team-lunch",
        "is_shared": False,
        "is_org_shared": False,
        "is_ext_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "context_team_id": org.team_id,
        "parent_conversation": None,
        "creator": team.ann,
        "shared_team_ids": [org.team_id],
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
        "enterprise_id": org.org_id,
        "internal_team_ids": [org.team_id],
        "is_org_default": False,
        "is_org_mandatory": False,
        "is_global_shared": False,
        "is_member": True,
    }
    assert team.members(shown["id"]) == [team.ann]
    assert org.events(shown["id"]) == ["public_channel_created"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("#", "invalid_name_required"),
        ("Lunch", "invalid_name_specials"),
        ("lunch time", "invalid_name_specials"),
        ("--__", "invalid_name_punctuation"),
        ("x" * 81, "invalid_name_maxlength"),
        ("general", "name_taken"),
        ("ann", "name_taken"),
        ("here", "name_taken"),
    ],
)
def test_a_name_that_cannot_be_is_refused(team: Team, name: str, error: str) -> None:
    before = team.org.events()
    assert team.api.error("conversations.create", name=name) == error
    assert team.org.events() == before


def test_a_token_of_the_organisation_says_in_which_workspace(org: Org) -> None:
    api = org.web_api(*EVERYTHING)
    assert api.error("conversations.create", name="deals") == "missing_argument"
    assert api.error("conversations.list") == "missing_argument"
    assert api.error("conversations.list", team_id="T0NOTHING00") == "team_access_not_granted"
    made = api.ok("conversations.create", name="deals", team_id=org.team_id)["channel"]
    assert made["context_team_id"] == org.team_id


def test_each_kind_of_channel_takes_its_own_scope(team: Team) -> None:
    public, private = team.create("public")["id"], team.create("private", is_private="1")["id"]
    only_public = team.of(team.ann, "channels:read", "channels:write")
    assert only_public.call("conversations.info", channel=private) == {
        "ok": False,
        "error": "missing_scope",
        "needed": "groups:read",
        "provided": "channels:read,channels:write",
    }
    for method, more in (
        ("conversations.create", {"name": "other", "is_private": "true"}),
        ("conversations.members", {"channel": private}),
        ("conversations.invite", {"channel": private, "users": team.bob}),
        ("conversations.kick", {"channel": private, "user": team.bob}),
        ("conversations.leave", {"channel": private}),
        ("conversations.list", {"types": "private_channel"}),
    ):
        assert only_public.error(method, **more) == "missing_scope"
    assert only_public.ok("conversations.info", channel=public)


def listed(api: WebApi, **arguments: object) -> list[str]:
    return [channel["name"] for channel in api.ok("conversations.list", **arguments)["channels"]]


def test_the_list_has_public_channels_and_the_private_ones_that_one_is_in(team: Team) -> None:
    team.create("public")
    team.create("private", is_private="1")
    both = "public_channel,private_channel"
    assert listed(team.api) == ["general", "public"]
    assert listed(team.api, types=both) == ["general", "public", "private"]
    assert listed(team.api, types="private_channel") == ["private"]
    assert listed(team.of(team.bob), types=both) == ["general", "public"]
    assert listed(team.org.web_api(*EVERYTHING), types=both, team_id=team.org.team_id) == [
        "general", "public",
    ]  # fmt: skip
    [general, public] = team.api.ok("conversations.list")["channels"]
    assert (general["is_general"], general["is_member"], general["num_members"]) == (True, False, 1)
    assert (public["is_general"], public["is_member"], public["num_members"]) == (False, True, 1)
    assert team.api.error("conversations.list", types="public") == "invalid_types"


def test_the_list_is_paged_in_order_of_creation(team: Team) -> None:
    names = ["general", *(team.create(f"c{n}")["name"] for n in range(4))]
    found, cursor = [], ""
    for _ in range(3):
        page = team.api.ok("conversations.list", limit=2, cursor=cursor)
        found += [channel["name"] for channel in page["channels"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert (found, cursor) == (names, "")


def test_archived_channels_are_left_out_on_demand(team: Team) -> None:
    id = team.create("old")["id"]
    inside.archive(team.org.server.database, team.org.org_id, id)
    assert listed(team.api) == ["general", "old"]
    assert listed(team.api, exclude_archived="true") == ["general"]
    for method, more in (
        ("conversations.invite", {"users": team.bob}),
        ("conversations.kick", {"user": team.bob}),
        ("conversations.join", {}),
        ("conversations.leave", {}),
    ):
        assert team.api.error(method, channel=id, **more) == "is_archived"


def test_one_channel_is_shown_with_what_is_asked_for(team: Team) -> None:
    id = team.create("deals")["id"]
    plain = team.api.ok("conversations.info", channel=id)["channel"]
    assert not {"num_members", "locale"} & plain.keys()
    more = team.api.ok("conversations.info", channel=id, include_num_members="1", include_locale="1")
    assert more["channel"] == plain | {"num_members": 1, "locale": "en-US"}
    assert team.of(team.bob).ok("conversations.info", channel=id)["channel"]["is_member"] is False
    assert team.api.error("conversations.info") == "invalid_arguments"


def test_a_private_channel_is_as_none_to_whoever_is_not_in_it(team: Team) -> None:
    id = team.create("secret", is_private="1")["id"]
    owner = team.org.web_api(*EVERYTHING)
    for api in (team.of(team.bob), owner):
        for method, more in (
            ("conversations.info", {}),
            ("conversations.members", {}),
            ("conversations.invite", {"users": team.eve}),
            ("conversations.kick", {"user": team.ann}),
            ("conversations.join", {}),
            ("conversations.leave", {}),
        ):
            assert api.call(method, channel=id, **more) == {"ok": False, "error": "channel_not_found"}
    assert team.members(id) == [team.ann]


def test_a_channel_of_another_workspace_is_as_none_to_a_workspaces_token(team: Team) -> None:
    owner = team.org.web_api(*EVERYTHING, "admin.teams:write")
    other = owner.ok("admin.teams.create", team_domain="other", team_name="Other")["team"]
    id = owner.ok("conversations.create", name="far", team_id=other)["channel"]["id"]
    assert team.api.error("conversations.info", channel=id) == "channel_not_found"
    assert team.api.error("conversations.join", channel=id) == "channel_not_found"
    assert owner.ok("conversations.info", channel=id)["channel"]["context_team_id"] == other


def test_members_are_paged_in_order_of_id(team: Team) -> None:
    id = team.create("deals")["id"]
    team.api.ok("conversations.invite", channel=id, users=f"{team.bob},{team.eve}")
    everybody = sorted([team.ann, team.bob, team.eve])
    first = team.api.ok("conversations.members", channel=id, limit=2)
    assert first["members"] == everybody[:2]
    rest = team.api.ok(
        "conversations.members", channel=id, limit=2, cursor=first["response_metadata"]["next_cursor"]
    )
    assert rest == {"members": everybody[2:], "response_metadata": {"next_cursor": ""}}


def test_whoever_is_in_a_channel_may_invite(team: Team) -> None:
    id = team.create("secret", is_private="1")["id"]
    answer = team.api.ok("conversations.invite", channel=id, users=f"{team.bob}, {team.eve}")
    assert list(answer) == ["channel"]
    assert (answer["channel"]["id"], answer["channel"]["is_private"]) == (id, True)
    assert team.members(id) == sorted([team.ann, team.bob, team.eve])


def test_who_cannot_be_invited_keeps_all_others_out_unless_forced(team: Team) -> None:
    org, id = team.org, team.create("deals")["id"]
    outsider = org.create_user("outsider")
    gone = org.create_user("gone")
    inside.put_in(org.server.database, org.org_id, {org.team_id: [gone]})
    assert org.api("v2").delete(f"Users/{gone}").is_success
    asked = [team.bob, team.ann, outsider, gone, "W0NOBODY000"]
    words = ["cant_invite_self", "org_user_not_in_team", "user_not_found", "user_not_found"]
    problems = [
        {"user": user, "ok": False, "error": word} for user, word in zip(asked[1:], words, strict=True)
    ]
    users = ",".join(asked)
    refused = team.api.call("conversations.invite", channel=id, users=users)
    assert refused == {"ok": False, "error": "cant_invite_self", "errors": problems}
    assert team.members(id) == [team.ann]
    forced = team.api.ok("conversations.invite", channel=id, users=users, force="true")
    assert forced["errors"] == problems
    assert team.members(id) == sorted([team.ann, team.bob])
    again = team.api.call("conversations.invite", channel=id, users=team.bob, force="true")
    assert again == {
        "ok": False,
        "error": "already_in_channel",
        "errors": [{"user": team.bob, "ok": False, "error": "already_in_channel"}],
    }


def test_an_invitation_names_somebody_and_not_too_many(team: Team) -> None:
    id = team.create("deals")["id"]
    assert team.api.error("conversations.invite", channel=id) == "no_user"
    assert team.api.error("conversations.invite", channel=id, users=" , ") == "no_user"
    crowd = ",".join(f"W{n:010}" for n in range(101))
    assert team.api.error("conversations.invite", channel=id, users=crowd) == "invalid_arguments"


def test_whoever_is_not_in_a_channel_invites_nobody(team: Team) -> None:
    id = team.create("deals")["id"]
    for api in (team.of(team.bob), team.org.web_api(*EVERYTHING)):
        assert api.error("conversations.invite", channel=id, users=team.eve) == "not_in_channel"
    assert team.members(id) == [team.ann]


def test_members_take_others_out_of_private_channels_and_administrators_out_of_public_ones(
    team: Team,
) -> None:
    public, secret = team.create("public")["id"], team.create("secret", is_private="1")["id"]
    for id in (public, secret):
        team.api.ok("conversations.invite", channel=id, users=f"{team.bob},{team.eve}")
    assert team.api.call("conversations.kick", channel=secret, user=team.bob) == {"ok": True, "errors": {}}
    assert team.members(secret) == sorted([team.ann, team.eve])
    assert team.api.error("conversations.kick", channel=public, user=team.bob) == "restricted_action"
    owner = team.org.web_api(*EVERYTHING)
    assert owner.ok("conversations.kick", channel=public, user=team.bob) == {"errors": {}}
    assert owner.error("conversations.kick", channel=public, user=team.bob) == "not_in_channel"
    assert owner.error("conversations.kick", channel=public, user="W0NOBODY000") == "user_not_found"
    assert team.api.error("conversations.kick", channel=secret, user=team.ann) == "cant_kick_self"


def test_nobody_leaves_general(team: Team) -> None:
    owner = team.org.web_api(*EVERYTHING)
    [general] = team.api.ok("conversations.list")["channels"]
    given = {"channel": general["id"]}
    inside.put_in(team.org.server.database, team.org.org_id, {general["id"]: [team.bob]})
    assert owner.error("conversations.kick", user=team.bob, **given) == "cant_kick_from_general"
    assert team.of(team.bob).error("conversations.leave", **given) == "cant_leave_general"


def test_anybody_of_the_workspace_joins_and_leaves_public_channels(team: Team) -> None:
    id = team.create("deals")["id"]
    bob = team.of(team.bob)
    joined = bob.ok("conversations.join", channel=id)
    assert list(joined) == ["channel"]
    assert joined["channel"]["is_member"] is True
    assert bob.ok("conversations.join", channel=id) == joined | {
        "warning": "already_in_channel",
        "response_metadata": {"warnings": ["already_in_channel"]},
    }
    assert bob.call("conversations.leave", channel=id) == {"ok": True}
    assert bob.call("conversations.leave", channel=id) == {"ok": False, "not_in_channel": True}
    assert team.members(id) == [team.ann]
    own = bob.ok("conversations.create", name="own", is_private="1")["channel"]["id"]
    assert bob.error("conversations.join", channel=own) == "method_not_supported_for_channel_type"


def test_guests_see_and_keep_the_channels_that_they_were_put_into(team: Team) -> None:
    org, id = team.org, team.create("deals")["id"]
    team.create("other")
    gus = org.create_user("gus")
    inside.put_in(org.server.database, org.org_id, {org.team_id: [gus], id: [gus]})
    org.run("user", "set-role", "--user", gus, "--role", "multi_channel_guest")
    api = team.of(gus)
    assert listed(api) == ["deals"]
    assert api.error("conversations.create", name="mine") == "restricted_action"
    assert api.error("conversations.invite", channel=id, users=team.bob) == "restricted_action"
    assert api.error("conversations.leave", channel=id) == "user_is_restricted"
    [other] = [c for c in team.api.ok("conversations.list")["channels"] if c["name"] == "other"]
    assert api.error("conversations.join", channel=other["id"]) == "channel_not_found"
    assert api.ok("conversations.members", channel=id)["members"] == sorted([team.ann, gus])


@pytest.mark.parametrize("plan", ["free", "business_plus"])
def test_elsewhere_the_one_workspace_need_not_be_named(make_org: MakeOrg, plan: str) -> None:
    org = make_org(plan=plan)
    ann, bob = (org.web_api(*EVERYTHING, of=org.create_user(name)) for name in ("ann", "bob"))
    made = ann.ok("conversations.create", name="deals")["channel"]
    assert made["context_team_id"] == org.team_id
    assert not {"enterprise_id", "internal_team_ids"} & made.keys()
    assert listed(bob) == ["general", "deals"]
    assert bob.ok("conversations.join", channel=made["id"])["channel"] == made
    [general, deals] = bob.ok("conversations.list")["channels"]
    assert (general["is_member"], general["num_members"], deals["num_members"]) == (True, 3, 2)


def test_guests_know_of_themselves_and_of_those_in_a_channel_with_them(team: Team) -> None:
    org, deals, other = team.org, team.create("deals")["id"], team.create("other")["id"]
    gus = org.create_user("gus")
    inside.put_in(org.server.database, org.org_id, {org.team_id: [gus], deals: [gus], other: [team.bob]})
    org.run("user", "set-role", "--user", gus, "--role", "multi_channel_guest")
    api = team.of(gus, "users:read", "users:read.email", "users.profile:read", "channels:read")
    shown = [user["id"] for user in api.ok("users.list")["members"]]
    assert shown == sorted([gus, team.ann])
    assert [user["id"] for user in api.ok("users.list", limit=1)["members"]] == shown[:1]
    for known in shown:
        assert api.ok("users.info", user=known)["user"]["id"] == known
    assert api.error("users.info", user=team.eve) == "user_not_visible"
    assert api.error("users.lookupByEmail", email=f"eve@{org.domain}.example") == "users_not_found"
    assert api.error("users.profile.get", user=team.eve) == "user_not_found"
    assert api.error("users.conversations", user=team.bob) == "user_not_found"
    inside.put_in(org.server.database, org.org_id, {deals: [team.bob]})
    theirs = api.ok("users.conversations", user=team.bob)["channels"]
    assert [channel["name"] for channel in theirs] == ["deals"]


def test_a_workspace_is_shown_to_those_who_are_in_it_and_to_administrators(team: Team) -> None:
    org, sales = team.org, premises.workspace(team.org, "sales")
    scopes = ("channels:read", "channels:write", "users:read", "usergroups:read")
    calls = ("conversations.list", "users.list", "users.conversations", "usergroups.list")
    member, admin = (org.web_api(*scopes, of=user) for user in (team.ann, org.create_user("adam", "admin")))
    elsewhere = org.web_api(*scopes, of=team.ann, team=sales)
    for method in calls:
        assert member.call(method, team_id=org.team_id)["ok"] is True
        assert member.error(method, team_id=sales) == "team_access_not_granted"
        assert elsewhere.error(method) == "team_access_not_granted"
        assert admin.call(method, team_id=sales)["ok"] is True
