"""``users.*`` and ``team.*`` over HTTP: whole answers, who is shown to whom, and pages.

Source: Slack's page of each method; *User object type*; *Pagination*.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest

from rosterd.directory.model import Channel, ChannelId, OrgId, UserId
from tests.protocol import inside
from tests.protocol.browser import Browser, sign_in
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Body, Org, WebApi

READ = ("users:read", "users:read.email")


@pytest.fixture
def api(org: Org) -> WebApi:
    """An Enterprise organisation's token that may read people."""
    return org.web_api(*READ)


@pytest.fixture
def business(make_org: MakeOrg) -> Org:
    """An organisation that is its one workspace."""
    return make_org(plan="business_plus")


def pictures(org: Org, user_id: str) -> Body:
    url = f"{org.server.url}/{org.domain}/avatars/{user_id}-192.png"
    return {f"image_{size}": url for size in (24, 32, 48, 72, 192, 512)}


def an_object(org: Org, user_id: str, **different: Any) -> Body:
    """The object of Ann Lee, as provisioned, without what is computed: a colour, a picture's hash, times."""
    found = {
        "id": user_id,
        "team_id": org.team_id,
        "name": "ann",
        "deleted": False,
        "real_name": "Ann Lee",
        "tz": "Asia/Tokyo",
        "tz_label": "Japan Standard Time",
        "tz_offset": 32_400,
        "profile": {
            "title": "Lead",
            "phone": "555-0100",
            "skype": "",
            "real_name": "Ann Lee",
            "real_name_normalized": "Ann Lee",
            "display_name": "Änn",
            "display_name_normalized": "Ann",
            "status_text": "",
            "status_emoji": "",
            "status_emoji_display_info": [],
            "status_expiration": 0,
            "is_custom_image": False,
            "first_name": "Ann",
            "last_name": "Lee",
            "email": "Ann@example.com",
            "start_date": "2026-11-02",
            **pictures(org, user_id),
            "status_text_canonical": "",
            "team": org.team_id,
        },
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": False,
        "is_app_user": False,
        "is_email_confirmed": False,
        "who_can_share_contact_card": "EVERYONE",
        "is_invited_user": True,
        "has_2fa": False,
    }
    return found | different


def without_computed(user: Body) -> Body:
    """The object without what :func:`an_object` leaves out, once it is known to have its form."""
    assert len(user.pop("color")) == 6
    assert user.pop("updated") > 1_700_000_000
    assert len(user["profile"].pop("avatar_hash")) == 12
    user["profile"].pop("fields")
    return user


def create_ann(org: Org) -> str:
    api = org.api("v2")
    extension = {api.urns.enterprise: {"department": "Sales", "manager": {"value": org.owner_id}}}
    made = api.create_user(
        "ann",
        name={"givenName": "Ann", "familyName": "Lee"},
        displayName="Änn",
        title="Lead",
        timezone="Asia/Tokyo",
        emails=[{"value": "Ann@example.com", "primary": True}],
        phoneNumbers=[{"value": "555-0100", "type": "work"}],
        **extension,
        **{api.urns.profile: {"startDate": "2026-11-02T00:00:00Z"}},
    )
    return str(made["id"])


def test_a_provisioned_person_is_shown_whole_and_invited(business: Org) -> None:
    ann = create_ann(business)
    shown = business.web_api(*READ).call("users.info", user=ann)
    assert list(shown) == ["ok", "user"]
    assert without_computed(shown["user"]) == an_object(business, ann)


def test_on_enterprise_the_organisation_is_shown_beside(org: Org, api: WebApi) -> None:
    ann = create_ann(org)
    user = without_computed(api.ok("users.info", user=ann)["user"])
    within = {
        "id": ann,
        "enterprise_id": org.org_id,
        "enterprise_name": org.domain,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "teams": [],
    }
    profile = user["profile"] | {"team": org.org_id}
    assert user == an_object(org, ann, team_id=org.org_id, enterprise_user=within, profile=profile)


def test_custom_fields_stand_under_the_ids_that_the_team_gives_them(org: Org) -> None:
    ann = create_ann(org)
    api = org.web_api(*READ, "users.profile:read")
    known = {field["id"]: field for field in api.ok("team.profile.get")["profile"]["fields"]}
    labelled = api.ok("users.profile.get", user=ann, include_labels="true")["profile"]["fields"]
    assert {known[id]["field_name"]: value for id, value in labelled.items()} == {
        "department": {"value": "Sales", "alt": "", "label": "Department"},
        "manager_id": {"value": org.owner_id, "alt": "", "label": "Manager"},
        "mobile_phone": {"value": "555-0100", "alt": "", "label": "Mobile Phone"},
        "start_date": {"value": "2026-11-02", "alt": "", "label": "Start Date"},
    }
    plain = api.ok("users.info", user=ann)["user"]["profile"]["fields"]
    assert plain == {id: {"value": each["value"], "alt": ""} for id, each in labelled.items()}


def test_the_profile_is_that_of_whoever_asks_unless_another_is_named(org: Org) -> None:
    ann = create_ann(org)
    api = org.web_api("users.profile:read", "users:read", "users:read.email", of=ann)
    own = api.ok("users.profile.get")["profile"]
    user = api.ok("users.info", user=ann)["user"]["profile"]
    del user["team"]
    assert own == user
    assert api.ok("users.profile.get", user=org.owner_id)["profile"]["display_name"] == "owner"
    assert api.call("users.profile.get", user="W0NOBODY") == {"ok": False, "error": "user_not_found"}


def test_addresses_are_shown_to_those_who_may_see_them(org: Org) -> None:
    for scopes, shows in ((("users:read",), False), (READ, True)):
        profile = org.web_api(*scopes).ok("users.info", user=org.owner_id)["user"]["profile"]
        assert ("email" in profile) is shows


@pytest.mark.parametrize(
    ("role", "flags"),
    [
        ("owner", {"is_admin", "is_owner"}),
        ("admin", {"is_admin"}),
        ("member", set()),
        ("multi_channel_guest", {"is_restricted"}),
        ("single_channel_guest", {"is_restricted", "is_ultra_restricted"}),
        ("bot", {"is_bot"}),
    ],
)
def test_roles_are_flags(org: Org, api: WebApi, role: str, flags: set[str]) -> None:
    user = api.ok("users.info", user=org.create_user("ann", role))["user"]
    assert {name for name, value in user.items() if name.startswith("is_") and value is True} - {
        "is_invited_user",
        "is_email_confirmed",
    } == flags


def test_the_primary_owner_has_signed_in_and_is_all_three(org: Org, api: WebApi) -> None:
    user = api.ok("users.info", user=org.owner_id)["user"]
    assert "is_invited_user" not in user
    assert user["is_email_confirmed"] is True
    assert all(
        user[f"is_{role}"] and user["enterprise_user"][f"is_{role}"]
        for role in ("admin", "owner", "primary_owner")
    )


def test_a_language_is_shown_if_it_is_asked_for(org: Org, api: WebApi) -> None:
    ann = org.api("v2").create_user("ann", locale="de_DE")["id"]
    assert "locale" not in api.ok("users.info", user=ann)["user"]
    assert api.ok("users.info", user=ann, include_locale="1")["user"]["locale"] == "de-DE"
    assert api.ok("users.info", user=org.owner_id, include_locale="true")["user"]["locale"] == "en-US"
    assert api.error("users.info", user=ann, include_locale="perhaps") == "invalid_arguments"


def test_a_change_moves_when_somebody_was_updated(org: Org, api: WebApi) -> None:
    ann = org.api("v2").create_user("ann")["id"]
    before = api.ok("users.info", user=ann)["user"]
    inside.age_events(org.server.database, org.org_id, 3_600)
    assert api.ok("users.info", user=ann)["user"]["updated"] == before["updated"] - 3_600
    assert (
        org.api("v2").patch(f"Users/{ann}", {"schemas": [org.api("v2").urns.user], "title": "x"}).is_success
    )
    assert api.ok("users.info", user=ann)["user"]["updated"] >= before["updated"]


@pytest.mark.parametrize("photo", ["https://example.com/ann.png", "data:image/png;base64,AAAA"])
def test_a_picture_is_shown_in_every_size(org: Org, api: WebApi, photo: str) -> None:
    ann = org.api("v2").create_user("ann", photos=[{"value": photo}])["id"]
    profile = api.ok("users.info", user=ann)["user"]["profile"]
    sizes = pictures(org, ann) if photo.startswith("data:") else dict.fromkeys(pictures(org, ann), photo)
    assert profile | sizes | {"is_custom_image": True, "image_original": photo} == profile


def test_a_time_zone_that_nobody_knows_is_shown_as_it_was_sent(org: Org, api: WebApi) -> None:
    ann = org.api("v2").create_user("ann", timezone="Middle Earth")["id"]
    user = api.ok("users.info", user=ann)["user"]
    assert (user["tz"], user["tz_label"], user["tz_offset"]) == ("Middle Earth", "Middle Earth", 0)


def test_a_person_must_be_named_and_be_there(org: Org, api: WebApi) -> None:
    assert api.call("users.info") == {
        "ok": False,
        "error": "invalid_arguments",
        "response_metadata": {"messages": ["[ERROR] missing required field: user"]},
    }
    for id in ("W0NOBODY", "ann", "W0%00"):
        assert api.call("users.info", user=id) == {"ok": False, "error": "user_not_found"}
    assert api.error("users.info", user="W0\0") == "invalid_arguments"


def test_invited_people_are_found_by_address_and_deactivated_ones_are_not(org: Org, api: WebApi) -> None:
    ann = create_ann(org)
    found = api.ok("users.lookupByEmail", email=" ANN@example.com ")["user"]
    assert found == api.ok("users.info", user=ann)["user"]
    assert found["is_invited_user"] is True
    assert org.api("v2").delete(f"Users/{ann}").is_success
    gone = {"ok": False, "error": "users_not_found"}
    assert api.call("users.lookupByEmail", email="ann@example.com") == gone
    assert api.call("users.lookupByEmail", email="nobody@example.com") == gone
    user = api.ok("users.info", user=ann)["user"]
    assert user["deleted"] is True
    assert "is_invited_user" not in user


def test_a_list_has_everybody_invited_and_deactivated_too(business: Org) -> None:
    api = business.web_api(*READ)
    ann, gone = create_ann(business), business.create_user("gone")
    assert business.api("v2").delete(f"Users/{gone}").is_success
    listed = api.call("users.list")
    assert list(listed) == ["ok", "members", "cache_ts", "response_metadata"]
    assert listed["response_metadata"] == {"next_cursor": ""}
    shown = {each["id"]: each for each in listed["members"]}
    assert shown.keys() == {business.owner_id, ann, gone}
    assert shown[ann] == api.ok("users.info", user=ann)["user"]
    assert (shown[gone]["deleted"], shown[ann]["is_invited_user"]) == (True, True)


def test_a_list_comes_in_pages_that_leave_nobody_out(business: Org) -> None:
    api = business.web_api(*READ)
    made = inside.add_people(business.server.database, business.domain, 6)
    for limit in (1, 3, 6, 7):
        seen: list[str] = []
        cursor = ""
        while True:
            page = api.ok("users.list", limit=str(limit), cursor=cursor)
            assert len(page["members"]) <= limit
            seen += [each["id"] for each in page["members"]]
            cursor = page["response_metadata"]["next_cursor"]
            if not cursor:
                break
            assert b64decode(cursor).decode() == f"user:{seen[-1]}"
        assert seen == sorted([*made, business.owner_id])


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        ("invalid_cursor", {"cursor": "nonsense"}),
        ("invalid_cursor", {"cursor": b64encode(b"channel:C1").decode()}),
        ("invalid_cursor", {"cursor": b64encode(b"user:").decode()}),
        ("invalid_cursor", {"cursor": b64encode(b"user:\0").decode()}),
        ("invalid_limit", {"limit": "-1"}),
        ("invalid_limit", {"limit": "many"}),
        ("invalid_limit", {"limit": "9" * 20}),
    ],
)
def test_a_page_that_cannot_be_is_refused(business: Org, error: str, arguments: Body) -> None:
    assert business.web_api(*READ).call("users.list", **arguments) == {"ok": False, "error": error}


def test_an_organisations_token_says_of_which_workspace(org: Org, api: WebApi, make_org: MakeOrg) -> None:
    assert api.call("users.list") == {"ok": False, "error": "missing_argument"}
    for team in ("T0NONE", make_org().team_id):
        assert api.call("users.list", team_id=team) == {"ok": False, "error": "team_access_not_granted"}
    assert api.ok("users.list", team_id=org.team_id)["members"] is not None


def test_a_list_is_of_the_workspace_and_of_who_was_there_when_deactivated(org: Org) -> None:
    one, other = org.team_id, inside.add_workspace(org.server.database, org.org_id, "other")
    api = org.web_api(*READ)
    ann, bob, eve = (org.create_user(name) for name in ("ann", "bob", "eve"))
    inside.put_in(org.server.database, org.org_id, {one: [ann, bob], other: [bob]})
    inside.suspend(org.server.database, org.org_id, bob)
    for team, people in ((one, {ann, bob, org.owner_id}), (other, {bob})):
        listed = api.ok("users.list", team_id=team)["members"]
        assert [each["id"] for each in listed] == sorted(people)
        assert {each["id"]: each["enterprise_user"]["teams"] for each in listed} == {
            id: [] if id == bob else [one] for id in people
        }
        assert [each["id"] for each in api.ok("users.list", team_id=team, limit="1")["members"]] == sorted(
            people
        )[:1]
    on_team = org.web_api(*READ, team=one)
    assert on_team.ok("users.list", team_id=other)["members"] == api.ok("users.list", team_id=one)["members"]
    assert api.ok("users.info", user=ann)["user"]["team_id"] == one
    assert api.ok("users.info", user=eve)["user"]["team_id"] == org.org_id


def test_who_runs_a_workspace_is_shown_so_in_it(org: Org) -> None:
    ann = org.create_user("ann")
    inside.put_in(org.server.database, org.org_id, {org.team_id: [ann]})
    inside.set_workspace_role(org.server.database, org.org_id, org.team_id, ann, "owner")
    user = org.web_api(*READ, team=org.team_id).ok("users.info", user=ann)["user"]
    assert (user["is_admin"], user["is_owner"], user["is_primary_owner"]) == (True, True, False)
    assert user["enterprise_user"]["is_admin"] is False
    assert org.web_api(*READ).ok("users.info", user=ann)["user"]["is_admin"] is False


READ_CHANNELS = ("channels:read", "groups:read")


def a_channel(org: Org, number: int, **more: Any) -> str:
    """The id of a new channel of the organisation's first workspace, created at this second."""
    id = ChannelId(f"C0{org.org_id[2:-1]}{number}")
    teams = more.pop("teams", [org.team_id])
    made = Channel(
        OrgId(org.org_id), id, number * 1_000_000, f"channel-{number}", UserId(org.owner_id), **more
    )
    return inside.add_channel(org.server.database, made, teams)


def test_a_channel_is_shown_whole(business: Org) -> None:
    ann = business.create_user("ann")
    id = a_channel(business, 1, topic="Fish")
    inside.put_in(business.server.database, business.org_id, {id: [ann]})
    answer = business.web_api(*READ_CHANNELS, of=ann).call("users.conversations")
    assert [each["name"] for each in answer["channels"] if each["is_general"]] == ["general"]
    assert answer | {"channels": [each for each in answer["channels"] if not each["is_general"]]} == {
        "ok": True,
        "channels": [
            {
                "id": id,
                "name": "channel-1",
                "is_channel": True,
                "is_group": False,
                "is_im": False,
                "is_mpim": False,
                "is_private": False,
                "created": 1,
                "is_archived": False,
                "is_general": False,
                "unlinked": 0,
                "name_normalized": "channel-1",
                "is_shared": False,
                "is_org_shared": False,
                "is_ext_shared": False,
                "is_pending_ext_shared": False,
                "pending_shared": [],
                "pending_connected_team_ids": [],
                "context_team_id": business.team_id,
                "updated": 1_000,
                "parent_conversation": None,
                "creator": business.owner_id,
                "shared_team_ids": [business.team_id],
                "topic": {"value": "Fish", "creator": business.owner_id, "last_set": 1},
                "purpose": {"value": "", "creator": "", "last_set": 0},
                "previous_names": [],
            }
        ],
        "response_metadata": {"next_cursor": ""},
    }


def test_channels_are_listed_by_kind_and_private_ones_to_their_members(org: Org) -> None:
    database, other = org.server.database, inside.add_workspace(org.server.database, org.org_id, "other")
    ann, bob = org.create_user("ann"), org.create_user("bob")
    public, private, secret = (
        a_channel(org, 1),
        a_channel(org, 2, is_private=True),
        a_channel(org, 3, is_private=True),
    )
    old, elsewhere = a_channel(org, 4, is_archived=True), a_channel(org, 5, teams=[other])
    both = a_channel(org, 6, teams=[org.team_id, other])
    mine = [public, private, secret, old, elsewhere, both]
    inside.put_in(database, org.org_id, {**{id: [ann] for id in mine}, private: [bob, ann]})
    inside.put_in(database, org.org_id, {org.team_id: [ann, bob], other: [bob]})

    def seen(api: WebApi, **arguments: str) -> list[str]:
        listed = api.ok("users.conversations", **arguments)["channels"]
        return [each["id"] for each in listed]

    own = org.web_api(*READ_CHANNELS, of=ann, team=org.team_id)
    all_kinds = {"types": "public_channel,private_channel,im,mpim"}
    assert seen(own) == [public, old, both]
    assert seen(own, exclude_archived="true") == [public, both]
    assert seen(own, types="private_channel") == [private, secret]
    several = org.web_api(*READ_CHANNELS, "im:read", "mpim:read", of=bob)
    assert seen(several, user=ann, team_id=org.team_id, **all_kinds) == [public, private, old, both]
    assert seen(several, user=ann, team_id=other, **all_kinds) == [elsewhere, both]
    assert seen(several, team_id=org.team_id, **all_kinds) == [private]
    assert seen(several, team_id=org.team_id, types="im,mpim") == []
    shared = own.ok("users.conversations")["channels"][-1]
    assert (shared["is_org_shared"], shared["shared_team_ids"]) == (True, sorted([org.team_id, other]))


def test_channels_come_in_pages(business: Org) -> None:
    channels = [a_channel(business, number) for number in range(1, 6)]
    inside.put_in(business.server.database, business.org_id, {id: [business.owner_id] for id in channels})
    api = business.web_api(*READ_CHANNELS)
    seen: list[str] = []
    cursor, pages = "", 0
    while cursor or not pages:
        page = api.ok("users.conversations", limit="2", cursor=cursor)
        seen += [each["id"] for each in page["channels"]]
        cursor, pages = page["response_metadata"]["next_cursor"], pages + 1
    assert seen.pop() not in channels  # #general, the newest of them
    assert (seen, pages) == (channels, 3)


def test_a_list_of_channels_that_cannot_be_is_refused(business: Org) -> None:
    api = business.web_api("channels:read")
    assert api.call("users.conversations", types="rooms") == {"ok": False, "error": "invalid_types"}
    assert api.call("users.conversations", types="public_channel,private_channel,im") == {
        "ok": False,
        "error": "missing_scope",
        "needed": "groups:read,im:read",
        "provided": "channels:read",
    }
    assert api.error("users.conversations", user="U0NOBODY") == "user_not_found"
    for behind in (b"channel:1", b"channel:x:C1", b"channel:99999999999999999999:C1", b"user:U1"):
        assert api.error("users.conversations", cursor=b64encode(behind).decode()) == "invalid_cursor"


def test_team_info_of_the_one_workspace(business: Org) -> None:
    home = f"{business.server.url}/{business.domain}/"
    icons = {
        f"image_{size}": f"{home}avatars/{business.team_id}-{size}.png"
        for size in (34, 44, 68, 88, 102, 132, 230)
    }
    assert business.web_api("team:read").call("team.info") == {
        "ok": True,
        "team": {
            "id": business.team_id,
            "name": business.domain,
            "domain": business.domain,
            "email_domain": "",
            "icon": icons | {"image_default": True},
            "is_verified": False,
            "url": home,
        },
    }


def test_the_addresses_of_pictures_and_of_an_organisation_lead_somewhere(org: Org) -> None:
    team, home = org.web_api("team:read").ok("team.info")["team"], f"/{org.domain}/"
    ann = org.create_user("ann")
    told = org.web_api("users:read").ok("users.info", user=ann)["user"]["profile"]["image_192"]
    with Browser(org.server.url) as browser:
        seen = [browser.ask(url) for url in (told, team["icon"]["image_34"], told.replace(ann, "W0NOBODY"))]
        for answer in seen:
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
            assert answer.headers["cache-control"] == "public, max-age=86400"
        assert len({answer.content for answer in seen}) == 1  # it tells nothing of anybody
        assert browser.ask(f"{home}avatars/nobody.png").status_code == 404
        assert team["url"] == org.server.url + home
        assert browser.open(home).path == f"/signin/{org.domain}"
        sign_in(browser, org, ann)
        assert browser.open(home).path == "/home"


def test_team_info_on_enterprise_is_of_the_named_workspace(org: Org, make_org: MakeOrg) -> None:
    whole, on_team = org.web_api("team:read"), org.web_api("team:read", team=org.team_id)
    assert whole.ok("team.info")["team"]["id"] == org.org_id
    told = on_team.ok("team.info")["team"]
    assert told["id"] == org.team_id
    assert told["discoverable"] == "invite_only"
    assert (told["enterprise_id"], told["enterprise_name"]) == (org.org_id, org.domain)
    for api in (whole, on_team):
        assert api.ok("team.info", team=org.team_id)["team"] == told
        assert api.ok("team.info", domain=org.domain.upper())["team"] == told
        for team in ("T0NONE", make_org().team_id):
            assert api.call("team.info", team=team) == {"ok": False, "error": "team_not_found"}


def test_a_domain_is_no_question_outside_enterprise(business: Org) -> None:
    api = business.web_api("team:read")
    assert api.call("team.info", domain=business.domain) == {"ok": False, "error": "team_not_on_enterprise"}


def test_profile_fields_say_which_of_them_scim_fills(org: Org) -> None:
    api = org.web_api("users.profile:read")
    org.run("profile-field", "add", "--name", "shoe_size", "--label", "Shoe size")
    create_ann(org)
    fields = api.ok("team.profile.get")["profile"]["fields"]
    assert [(each["field_name"], each["type"], each["options"]["is_scim"]) for each in fields] == [
        ("shoe_size", "text", False),
        ("department", "text", True),
        ("manager_id", "user", True),
        ("mobile_phone", "text", True),
        ("start_date", "date", True),
    ]
    assert fields[0] == {
        "id": fields[0]["id"],
        "ordering": 0,
        "field_name": "shoe_size",
        "label": "Shoe size",
        "hint": "",
        "type": "text",
        "possible_values": None,
        "options": {"is_scim": False, "is_protected": False},
        "is_hidden": False,
        "permissions": {"ui": True, "api": [], "scim": False},
    }
    assert api.ok("team.profile.get", visibility="visible")["profile"]["fields"] == fields
    assert api.ok("team.profile.get", visibility="hidden")["profile"]["fields"] == []
    assert api.error("team.profile.get", visibility="some") == "invalid_arguments"
