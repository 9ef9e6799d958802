"""Analytics over HTTP: the file of a day, line by line, and who the members are.

Source: Slack's pages *admin.analytics.getFile* and *admin.analytics.members.metadata*.
"""

from __future__ import annotations

import gzip
import json
import time
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from rosterd.directory.analytics import MEMBER_TYPES, day_of, first_kept, text_of
from rosterd.directory.model import Channel, ChannelId, OrgId, UserId
from rosterd.store.records.activity import DAY, Note
from tests.protocol import inside
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Body, Org, WebApi

SCOPE = "admin.analytics:read"
TODAY = int(time.time()) // DAY  # the server's, but for the second around midnight
YESTERDAY = TODAY - 1


def lines(response: httpx.Response) -> list[Body]:
    """The lines of a file."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/gzip"
    assert int(response.headers["content-length"]) == len(response.content)
    text = gzip.decompress(response.content).decode()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def old(org: Org) -> Org:
    """An organisation that has been here for two years."""
    inside.age_org(org.server.database, org.org_id, 730)
    return org


@pytest.fixture
def api(old: Org) -> WebApi:
    return old.web_api(SCOPE)


def file(api: WebApi, day: int = YESTERDAY, **more: Any) -> list[Body]:
    asked = {"type": "member", "date": text_of(day)} | more
    return lines(api.send("admin.analytics.getFile", params=asked))


def a_row(org: Org, id: str, email: str, **different: Any) -> Body:
    return {
        "date": text_of(YESTERDAY),
        "enterprise_id": org.org_id,
        "enterprise_user_id": id,
        "team_id": org.org_id,
        "user_id": id,
        "email_address": email,
        "enterprise_employee_number": "",
        "is_guest": False,
        "is_billable_seat": False,
        "is_active": False,
        "is_active_ios": False,
        "is_active_android": False,
        "is_active_desktop": False,
        "reactions_added_count": 0,
        "messages_posted_count": 0,
        "channel_messages_posted_count": 0,
        "files_added_count": 0,
        "is_active_apps": False,
        "is_active_workflows": False,
        "is_active_slack_connect": False,
        "total_calls_count": 0,
        "slack_calls_count": 0,
        "slack_huddles_count": 0,
        "search_count": 0,
        "date_claimed": 0,
    } | different


def test_a_file_has_a_line_for_every_member_with_what_was_synced_and_what_they_did(org: Org) -> None:
    scim = org.api("v2")
    ann = scim.create_user("ann", **{scim.urns.enterprise: {"employeeNumber": "701984"}})["id"]
    gus = scim.create_user("gus", **{scim.urns.guest: {"type": "multi"}})["id"]
    bob, gone = (scim.create_user(name)["id"] for name in ("bob", "gone"))
    org.create_user("robot", "bot")
    org.run("user", "erase", "--user", gone, "--yes")
    inside.age_org(org.server.database, org.org_id, 730)
    mine = OrgId(org.org_id)
    inside.note_activity(
        org.server.database,
        [
            Note(mine, YESTERDAY, UserId(ann), signed_in=True),
            Note(mine, YESTERDAY, UserId(gus), by_app=True),
            Note(mine, YESTERDAY - 1, UserId(bob), signed_in=True),
        ],
    )
    api = org.web_api(SCOPE)
    rows = [
        a_row(org, ann, "ann@example.com", enterprise_employee_number="701984", is_active=True),
        a_row(org, gus, "gus@example.com", is_guest=True, is_active=True, is_active_apps=True),
        a_row(org, bob, "bob@example.com"),
        a_row(org, org.owner_id, org.owner_email),
    ]
    found = file(api)
    assert found == sorted(rows, key=lambda row: str(row["user_id"]))
    assert [list(row) for row in found] == [list(a_row(org, "", ""))] * 4
    [sooner] = [row for row in file(api, YESTERDAY - 1) if row["is_active"]]
    assert (sooner["user_id"], sooner["date"]) == (bob, text_of(YESTERDAY - 1))


def test_the_file_has_slacks_name(old: Org, api: WebApi) -> None:
    response = api.send("admin.analytics.getFile", params={"type": "member", "date": text_of(YESTERDAY)})
    start, _, name = response.headers["content-disposition"].partition("''")
    assert start == "attachment; filename*=UTF-8"
    assert unquote(name) == f"{old.domain} Member Analytics {text_of(YESTERDAY)}.json.gz"
    assert response.headers["x-accepted-oauth-scopes"] == SCOPE


def test_a_head_has_no_body(api: WebApi) -> None:
    params = {"type": "member", "date": text_of(YESTERDAY)}
    response = api.send("admin.analytics.getFile", "HEAD", params=params)
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0
    assert api.send("admin.analytics.getFile", params=params).status_code == 200


def test_a_member_counts_until_the_day_of_deactivation_and_from_the_first_sign_in(org: Org) -> None:
    scim = org.api("v2")
    ann = scim.create_user("ann")["id"]
    kim = org.create_user("kim", "member", "--signed-in")
    inside.age_org(org.server.database, org.org_id, 730)
    api = org.web_api(SCOPE)
    assert {row["user_id"] for row in file(api)} == {ann, kim, org.owner_id}
    scim.delete(f"Users/{ann}")
    assert {row["user_id"] for row in file(api)} == {ann, kim, org.owner_id}  # it was yesterday
    [row] = [row for row in file(api) if row["user_id"] == kim]
    assert (row["date_claimed"], row["is_billable_seat"]) == (0, False)  # it was today


def test_days_without_a_file_say_why(org: Org, old: Org, api: WebApi, make_org: MakeOrg) -> None:
    def error(**asked: Any) -> str:
        return api.error("admin.analytics.getFile", **({"type": "member"} | asked))

    first = first_kept(TODAY)
    assert len(file(api, first + 1)) == 1  # a day might have begun since the test did
    assert error(date=text_of(first - 1)) == "file_not_found"
    assert error(date=text_of(TODAY - 900)) == "data_not_available"
    assert error(date=text_of(TODAY + 1)) == "file_not_yet_available"
    assert error(date="2035-12-31") == "file_not_yet_available"
    for wrong in ("yesterday", "2026-02-30", "20260201", "2026-1-1", "0000-01-01", "１２３４-01-01"):
        assert error(date=wrong) == "invalid_date"
    assert error(type="files", date=text_of(YESTERDAY)) == "invalid_type"
    assert error(type="public_channel", date=text_of(TODAY + 1)) == "file_not_yet_available"
    assert error(metadata_only="true") == "metadata_not_available"
    assert error(type="public_channel", metadata_only="1", date="2026-01-01") == (
        "metadata_only_does_not_support_date"
    )
    for missing in ({"type": "member"}, {"date": text_of(YESTERDAY)}, {"type": "", "date": ""}):
        assert api.error("admin.analytics.getFile", **missing) == "invalid_arguments"
    new = make_org().web_api(SCOPE)
    assert new.error("admin.analytics.getFile", type="member", date=text_of(YESTERDAY - 1)) == (
        "data_not_available"
    )


def test_administrators_of_paying_organisations_get_files(old: Org, make_org: MakeOrg) -> None:
    asked = {"type": "member", "date": text_of(YESTERDAY)}
    for role, error in (("admin", None), ("owner", None), ("member", "not_an_admin")):
        user = old.create_user(f"a-{role}", "admin")
        api = old.web_api(SCOPE, of=user)
        old.run("user", "set-role", "--user", user, "--role", role)
        if error is None:
            assert file(api)
        else:
            assert api.error("admin.analytics.getFile", **asked) == error
    workspace = WebApi(
        old.server.url, old.token_for(old.owner_id, "--team", old.team_id, scopes=SCOPE), old.server.http
    )
    assert workspace.error("admin.analytics.getFile", **asked) == "not_allowed_token_type"
    for plan in ("free", "pro"):
        refused = make_org(plan=plan).web_api(SCOPE)
        assert refused.error("admin.analytics.getFile", **asked) == "feature_not_available"
    business = make_org(plan="business_plus")
    inside.age_org(business.server.database, business.org_id, 30)
    [row] = file(business.web_api(SCOPE))
    assert (row["enterprise_id"], row["enterprise_user_id"], row["team_id"]) == ("0", "", business.team_id)


def test_what_a_token_did_is_in_the_file_of_its_day(org: Org) -> None:
    """The server notes it within a minute; here it is noted as the server does."""
    inside.age_org(org.server.database, org.org_id, 30)
    note = Note(OrgId(org.org_id), YESTERDAY, UserId(org.owner_id), by_app=True)
    inside.note_activity(org.server.database, [note])
    [row] = file(org.web_api(SCOPE))
    assert (row["is_active"], row["is_active_apps"]) == (True, True)


def test_many_members_are_packed_slice_by_slice(old: Org, api: WebApi) -> None:
    inside.add_people(old.server.database, old.domain, 2_100)
    inside.age_org(old.server.database, old.org_id, 2)
    found = [row["user_id"] for row in file(api)]
    assert len(found) == 2_101
    assert found == sorted(set(found))


class TestPublicChannels:
    def test_channels_are_counted_and_named(self, org: Org) -> None:
        database = org.server.database
        ann, bob = (org.create_user(name) for name in ("ann", "bob"))
        gus = org.create_user("gus", "multi_channel_guest")
        west = inside.add_workspace(database, org.org_id, "west")
        ids = {}
        given: dict[str, dict[str, Any]] = {
            "plans": {"topic": "next", "purpose": "where to"},
            "both": {},
            "secret": {"is_private": True},
            "old": {"is_archived": True},
            "wide": {"is_org_wide": True},
        }
        for name, change in given.items():
            made = Channel(
                OrgId(org.org_id), ChannelId(f"C0{name.upper()}"), 1_000_000, name, UserId(ann), **change
            )
            ids[name] = inside.add_channel(
                database, made, [org.team_id] if name != "both" else [org.team_id, west]
            )
        inside.put_in(database, org.org_id, {ids["plans"]: [ann, bob, gus], ids["both"]: [ann]})
        inside.age_org(database, org.org_id, 730)
        api = org.web_api(SCOPE)
        found = {row["channel_id"]: row for row in file(api, type="public_channel")}
        assert set(found) == {ids[name] for name in ("plans", "both", "wide")}
        home, whole = (
            {"team_id": org.team_id, "name": org.domain},
            {"team_id": org.org_id, "name": org.domain},
        )
        plans = {
            "enterprise_id": org.org_id,
            "team_id": org.org_id,
            "originating_team": home,
            "channel_id": ids["plans"],
            "date_created": 1,
            "date_last_active": 1,
            "total_members_count": 3,
            "full_members_count": 2,
            "guest_member_count": 1,
            "messages_posted_count": 0,
            "messages_posted_by_members_count": 0,
            "members_who_viewed_count": 0,
            "members_who_posted_count": 0,
            "reactions_added_count": 0,
            "visibility": "public",
            "channel_type": "single_workspace_channel",
            "is_shared_externally": False,
            "shared_with": [],
            "externally_shared_with_organizations": [],
            "date": text_of(YESTERDAY),
        }
        assert found[ids["plans"]] == plans
        assert list(found[ids["plans"]]) == list(plans)
        shared = sorted([home, {"team_id": west, "name": "west"}], key=lambda team: team["team_id"])
        both, wide = found[ids["both"]], found[ids["wide"]]
        assert (both["originating_team"], both["shared_with"]) == (whole, [*shared, whole])
        assert (both["channel_type"], wide["channel_type"]) == ("multi_workspace_channel", "org_wide_channel")
        response = api.send(
            "admin.analytics.getFile", params={"type": "public_channel", "metadata_only": "true"}
        )
        named = {row["channel_id"]: row for row in lines(response)}
        plan = {"channel_id": ids["plans"], "name": "plans", "topic": "next", "description": "where to"}
        assert named[ids["plans"]] == plan | {"date": named[ids["plans"]]["date"]}
        assert TODAY <= (day_of(named[ids["plans"]]["date"]) or 0) <= TODAY + 1

    def test_they_are_the_primary_owners(self, old: Org) -> None:
        owner = old.web_api(SCOPE, of=old.create_user("olga", "owner"))
        asked = {"type": "public_channel", "date": text_of(YESTERDAY)}
        assert owner.error("admin.analytics.getFile", **asked) == "user_cannot_manage_public_channels"


class TestMembersMetadata:
    METHOD = "admin.analytics.members.metadata"

    def members(self, api: WebApi, **asked: Any) -> list[Body]:
        found: list[Body] = []
        cursor = None
        while cursor != "":
            page = api.ok(self.METHOD, **asked, **({"cursor": cursor} if cursor else {}))
            found += page["members"]
            cursor = page["response_metadata"]["next_cursor"]
        return found

    def ids(self, api: WebApi, **asked: Any) -> list[str]:
        return [member["user_id"] for member in self.members(api, **asked)]

    def test_members_are_shown_in_order_of_id_with_what_is_known_of_them(self, org: Org) -> None:
        scim = org.api("v2")
        more = {"title": "Chef", "displayName": "Annie", scim.urns.enterprise: {"employeeNumber": "7"}}
        name = {"givenName": "Ann", "familyName": "Lee"}
        ann = scim.create_user("ann", name=name, **more)["id"]
        api = org.web_api(SCOPE)
        assert self.ids(api) == sorted([ann, org.owner_id])
        [shown] = self.members(api, member_types="regular_members")
        assert abs(shown.pop("date_created") - time.time()) < 600
        assert shown == {
            "user_id": ann,
            "email_address": "ann@example.com",
            "username": "ann",
            "display_name": "Annie",
            "real_name": "Ann Lee",
            "title": "Chef",
            "member_type": "regular_members",
            "is_guest": False,
            "enterprise_employee_number": "7",
            "date_claimed": 0,
            "is_deactivated": False,
            "date_deactivated": None,
        }
        [owner] = self.members(api, member_types=["org_primary_owners"])
        assert owner["date_claimed"] > 0

    def test_the_deactivated_are_shown_since_a_day(self, org: Org) -> None:
        scim = org.api("v2")
        ann = scim.create_user("ann")["id"]
        scim.delete(f"Users/{ann}")
        api = org.web_api(SCOPE)
        assert self.ids(api) == [org.owner_id]
        assert self.ids(api, include_deactivated_since=text_of(YESTERDAY)) == sorted([ann, org.owner_id])
        assert self.ids(api, include_deactivated_since=text_of(TODAY + 2)) == [org.owner_id]
        [shown] = self.members(
            api, include_deactivated_since=text_of(YESTERDAY), member_types="regular_members"
        )
        assert (shown["is_deactivated"], shown["date_deactivated"][:2]) == (True, "20")
        org.run("user", "erase", "--user", ann, "--yes")
        assert self.ids(api, include_deactivated_since=text_of(YESTERDAY)) == [org.owner_id]

    def test_types_and_a_workspace_narrow(self, org: Org) -> None:
        roles = {
            "member": "regular_members",
            "admin": "org_admins",
            "owner": "org_owners",
            "multi_channel_guest": "multi_channel_guests",
            "single_channel_guest": "single_channel_guests",
        }
        people = {kind: org.create_user(f"a-{kind[:12]}", role) for role, kind in roles.items()}
        people["org_primary_owners"] = org.owner_id
        api = org.web_api(SCOPE)
        for kind, id in people.items():
            [member] = self.members(api, member_types=kind)
            assert (member["user_id"], member["member_type"]) == (id, kind)
        assert self.ids(api, member_types=",".join(MEMBER_TYPES)) == sorted(people.values())
        assert self.ids(api, member_types="frontline_members") == []
        team = inside.add_workspace(org.server.database, org.org_id, "west")
        ann = people["regular_members"]
        inside.put_in(org.server.database, org.org_id, {team: [ann, org.owner_id]})
        inside.set_workspace_role(org.server.database, org.org_id, team, ann, "admin")
        assert self.ids(api, team_id=team) == sorted([ann, org.owner_id])
        assert self.ids(api, team_id=team, member_types="workspace_admins") == [ann]
        assert self.ids(api, member_types="workspace_owners") == []
        of_west = WebApi(
            org.server.url, org.token_for(org.owner_id, "--team", team, scopes=SCOPE), org.server.http
        )
        assert self.ids(of_west) == self.ids(of_west, team_id=team) == sorted([ann, org.owner_id])
        assert of_west.error(self.METHOD, team_id=org.team_id) == "team_not_found"
        assert api.error(self.METHOD, team_id="T0NOTHING00") == "team_not_found"
        assert api.error(self.METHOD, member_types="robots") == "invalid_arguments"
        assert api.error(self.METHOD, include_deactivated_since="soon") == "invalid_date"

    def test_pages_of_any_size_have_everybody_once(self, org: Org) -> None:
        inside.add_people(org.server.database, org.domain, 7)
        api = org.web_api(SCOPE)
        whole = self.ids(api)
        assert len(whole) == 8
        assert self.ids(api, limit=3) == self.ids(api, limit=8) == self.ids(api, limit=1) == whole
        since = text_of(YESTERDAY)
        assert self.ids(api, limit=3, include_deactivated_since=since) == whole

    def test_it_is_for_enterprise(self, make_org: MakeOrg) -> None:
        assert make_org(plan="business_plus").web_api(SCOPE).error(self.METHOD) == "not_an_enterprise"
