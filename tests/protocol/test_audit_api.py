"""The Audit Logs API: who may read the trail, what an entry says, filters and pages.

Source: Slack's pages *Audit Logs API methods & actions* and *Using the Audit Logs API*.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import httpx
import pytest

from rosterd.directory.trail import CATEGORIES
from tests.protocol import inside
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Body, Org, ok

SCOPE = "auditlogs:read"


class Auditor:
    """Somebody who reads the trail of an organisation."""

    def __init__(self, org: Org, token: str | None = None) -> None:
        self.org = org
        self.token = org.token_for(org.owner_id, scopes=SCOPE) if token is None else token

    def get(self, path: str, **params: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"{self.org.server.url}/audit/v1/{path}"
        return self.org.server.http.get(url, params=params, headers=headers)

    def logs(self, **params: Any) -> list[Body]:
        """The entries of one page."""
        entries: list[Body] = ok(self.get("logs", **params))["entries"]
        return entries

    def check_refused(self, code: str, status: int, path: str = "logs", **params: Any) -> None:
        check(self.get(path, **params), code, status)


def check(response: httpx.Response, code: str, status: int) -> None:
    """The response is this error and nothing else."""
    assert response.json() == {"ok": False, "error": code}
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json;charset=utf-8"


@pytest.fixture
def auditor(org: Org) -> Auditor:
    return Auditor(org)


def test_schemas_and_actions_are_for_anybody(org: Org) -> None:
    anybody = Auditor(org, "")
    schemas = ok(anybody.get("schemas"))["schemas"]
    assert [schema["type"] for schema in schemas] == [
        "workspace", "enterprise", "user", "channel", "app", "usergroup",
    ]  # fmt: skip
    assert all(set(schema) == {"type", schema["type"]} for schema in schemas)
    assert ok(anybody.get("actions")) == {"actions": {name: [*names] for name, names in CATEGORIES.items()}}


def test_an_entry_says_who_did_what_to_whom_where_and_by_which_app(org: Org, auditor: Auditor) -> None:
    headers = {"User-Agent": "connector/1.0"}
    api = org.api("v2")
    body = api.user_body("ann", name={"givenName": "Ann", "familyName": "Lee"})
    created = api.send("POST", "Users", body, headers=headers).json()
    [entry] = auditor.logs(entity=created["id"])
    [token, _] = [json.loads(line) for line in org.run("token", "list").splitlines()]
    [event] = inside.events(org.server.database, org.org_id, created["id"])
    profile = entry["details"].pop("new_profile")
    assert (profile["first_name"], profile["email"]) == ("Ann", "ann@example.com")
    assert entry == {
        "id": event.id,
        "date_create": event.created // 1_000_000,
        "action": "user_created",
        "actor": {"type": "user", "user": person(org, org.owner_id, "owner", org.owner_email)},
        "entity": {"type": "user", "user": person(org, created["id"], "Ann Lee", "ann@example.com")},
        "context": {
            "location": {
                "type": "enterprise",
                "id": org.org_id,
                "name": org.domain,
                "domain": org.domain,
            },
            "ua": "connector/1.0",
            "session_id": None,
            "ip_address": "127.0.0.1",
            "app": {
                "id": token["token_id"],
                "name": f"Token {token['token_id']}",
                "scopes": ["admin"],
                "scopes_bot": [],
                "creator": org.owner_id,
                "team": org.org_id,
            },
        },
        "details": {"role": "member"},
    }


def person(org: Org, id: str, name: str, email: str) -> Body:
    return {"id": id, "name": name, "email": email, "team": org.org_id}


def test_what_the_operator_does_has_a_placeholder_for_its_actor_and_no_app(
    org: Org, auditor: Auditor
) -> None:
    org.run("org", "set", "--members-may-change-display-name", "true")
    [entry] = auditor.logs(action="prefs_setting_changed")
    assert entry["actor"] == {"type": "user", "user": person(org, "USLACKUSER", "", "")}
    enterprise = {"id": org.org_id, "name": org.domain, "domain": org.domain}
    assert entry["entity"] == {"type": "enterprise", "enterprise": enterprise}
    assert entry["details"] == {"previous_value": False, "new_value": True}
    assert "app" not in entry["context"]


def test_groups_are_named_also_when_they_are_gone(org: Org, auditor: Auditor) -> None:
    api = org.api("v2")
    ann = api.create_user("ann")["id"]
    group = api.create_group("Sales", ann)["id"]
    [joined] = auditor.logs(action="user_added_to_usergroup")
    assert (joined["entity"]["user"]["id"], joined["details"]) == (ann, {"subteam": group})
    api.delete(f"Groups/{group}")
    deleted, made = auditor.logs(entity=group)
    assert (
        deleted["entity"]
        == made["entity"]
        == {"type": "usergroup", "usergroup": {"id": group, "name": "Sales"}}
    )
    assert deleted["details"] == {"previous_value": "Sales", "new_value": None, "idp_group_member_count": 1}


def test_the_story_of_a_person_is_told_backwards(org: Org, auditor: Auditor) -> None:
    api = org.api("v1")
    ann = api.create_user("ann")["id"]
    api.create_group("Sales", ann)
    api.patch(f"Users/{ann}", {"schemas": [api.urns.user], "title": "Chef", "userName": "anna"})
    api.delete(f"Users/{ann}")
    assert [entry["action"] for entry in auditor.logs(entity=ann)] == [
        "user_deactivated", "user_profile_updated", "user_username_updated", "user_added_to_usergroup",
        "user_created",
    ]  # fmt: skip


def test_what_follows_from_a_group_is_told(org: Org, auditor: Auditor) -> None:
    database, api = org.server.database, org.api("v2")
    ann = api.create_user("ann")["id"]
    group = api.create_group("Sales")["id"]
    team = inside.add_workspace(database, org.org_id, "west")
    channel = inside.a_channel(database, org.org_id, org.owner_id, [team])
    inside.connect(database, org.org_id, group, team, [channel])
    body = {"schemas": [api.urns.group], "displayName": "Sales", "members": [{"value": ann}]}
    ok(api.put(f"Groups/{group}", body))
    assert api.delete(f"Users/{ann}").status_code == 204
    joined, *_ = auditor.logs(action="user_joined_workspace", entity=ann)
    assert joined["details"] == {"team": team}
    assert [entry["action"] for entry in auditor.logs(entity=ann)] == [
        "user_left_workspace", "user_deactivated", "user_joined_workspace", "user_added_to_usergroup",
        "user_created",
    ]  # fmt: skip
    connected = {entry["action"]: entry for entry in auditor.logs(entity=group)}
    assert connected["usergroup_added_to_team"]["entity"]["usergroup"] == {"id": group, "name": "Sales"}
    assert connected["default_channel_added_to_usergroup"]["details"]["channel"] == channel
    [begun] = auditor.logs(action="public_channel_created")
    found = begun["entity"]["channel"]
    assert auditor.logs(entity=found["id"]) == [begun]
    assert (found["name"] != "", found["privacy"], found["is_org_shared"]) == (True, "public", False)


def test_an_erased_person_is_gone_from_old_entries(org: Org, auditor: Auditor) -> None:
    ann = org.api("v2").create_user("ann", name={"givenName": "Annabel", "familyName": "Unforgettable"})["id"]
    assert "nforgettable" in json.dumps(auditor.logs(entity=ann))
    org.run("user", "erase", "--user", ann, "--yes")
    shown = json.dumps(auditor.logs())
    assert "nforgettable" not in shown
    assert "ann@example.com" not in shown
    assert [entry["action"] for entry in auditor.logs(entity=ann)] == ["user_profile_deleted", "user_created"]


def test_pages_lead_through_all_entries_once(org: Org, auditor: Auditor) -> None:
    inside.add_people(org.server.database, org.domain, 12)
    whole = auditor.logs()
    assert [entry["id"] for entry in whole] == sorted((entry["id"] for entry in whole), reverse=True)
    assert len(whole) > 12
    found: list[Body] = []
    cursor = None
    while cursor != "":
        page = ok(auditor.get("logs", limit=5, **({"cursor": cursor} if cursor else {})))
        assert len(page["entries"]) <= 5
        found += page["entries"]
        cursor = page["response_metadata"]["next_cursor"]
    assert found == whole


def test_filters_narrow_together(org: Org, auditor: Auditor) -> None:
    api = org.api("v2")
    ann, bob = (api.create_user(name)["id"] for name in ("ann", "bob"))
    api.delete(f"Users/{ann}")
    both = auditor.logs(action="user_created,user_deactivated", actor=org.owner_id)
    assert [(entry["action"], entry["entity"]["user"]["id"]) for entry in both] == [
        ("user_deactivated", ann), ("user_created", bob), ("user_created", ann),
    ]  # fmt: skip
    created = auditor.logs(action="user_created", actor=org.owner_id)
    assert [entry["entity"]["user"]["id"] for entry in created] == [bob, ann]
    assert auditor.logs(action="user_created", entity=ann, actor="USLACKUSER") == []
    assert auditor.logs(actor="W0NOBODY") == auditor.logs(entity="\0") == []
    at = both[0]["date_create"]
    assert both[0] in auditor.logs(oldest=at, latest=at)
    assert auditor.logs(oldest=at + 3_600) == auditor.logs(latest=at - 3_600) == []
    assert auditor.logs(action="", actor="", entity="", oldest="", cursor="", limit="") == auditor.logs()


def test_limits_above_the_greatest_count_as_it(auditor: Auditor) -> None:
    assert len(auditor.logs(limit=1)) == 1
    assert auditor.logs(limit=10_000) == auditor.logs(limit=9_999) != []


@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("invalid_action", {"action": "user_eaten"}),
        ("invalid_action", {"action": "organization_imported"}),
        ("invalid_action", {"action": "user_created,"}),
        ("invalid_action", {"action": ",".join(["user_created"] * 31)}),
        ("invalid_cursor", {"cursor": "x"}),
        ("invalid_cursor", {"cursor": "é"}),
        ("invalid_cursor", {"cursor": b64encode(b"event:1").decode()}),
        ("invalid_cursor", {"cursor": b64encode(b"\xff").decode()}),
        ("invalid_range", {"oldest": 2, "latest": 1}),
        ("invalid_range", {"oldest": "yesterday"}),
        ("invalid_range", {"latest": -1}),
        ("invalid_range", {"latest": "9" * 13}),
        ("invalid_range", {"limit": 0}),
        ("invalid_range", {"limit": "ten"}),
    ],
)
def test_what_is_wrong_with_a_filter_is_said(auditor: Auditor, code: str, params: dict[str, Any]) -> None:
    auditor.check_refused(code, 400, **params)


def test_thirty_actions_are_not_too_many(auditor: Auditor) -> None:
    assert auditor.logs(action=",".join(["user_created"] * 30)) != []


def test_only_an_owners_token_for_the_organisation_reads_the_trail(org: Org, make_org: MakeOrg) -> None:
    Auditor(org, "").check_refused("missing_authentication", 401)
    Auditor(org, "xoxp-nobody").check_refused("invalid_authentication", 401)
    Auditor(org, org.token).check_refused("invalid_authentication", 401)  # it has another scope
    for role, code in (("admin", "user_not_authorized"), ("member", "user_not_authorized"), ("owner", None)):
        reader = Auditor(org, org.token_for(org.create_user(f"a-{role}", role), scopes=SCOPE))
        if code is None:
            assert reader.logs() != []
        else:
            reader.check_refused(code, 403)
    of_workspace = org.token_for(org.owner_id, "--team", org.team_id, scopes=SCOPE)
    Auditor(org, of_workspace).check_refused("team_not_authorized", 403)
    from_elsewhere = org.token_for(org.owner_id, "--allow-ip", "192.0.2.1", scopes=SCOPE)
    Auditor(org, from_elsewhere).check_refused("invalid_authentication", 401)
    for plan in ("free", "pro", "business_plus"):
        Auditor(make_org(plan=plan)).check_refused("feature_not_enabled", 403)


def test_a_token_that_ended_is_none(org: Org) -> None:
    owner = org.create_user("olga", "owner")
    auditor = Auditor(org, org.token_for(owner, scopes=SCOPE))
    org.run("user", "set-role", "--user", owner, "--role", "member")
    auditor.check_refused("user_not_authorized", 403)
    org.run("user", "set-role", "--user", owner, "--role", "owner")
    assert auditor.logs() != []
    assert org.api("v2").delete(f"Users/{owner}").status_code == 204
    auditor.check_refused("invalid_authentication", 401)


def test_a_trail_is_of_one_organisation(org: Org, auditor: Auditor, make_org: MakeOrg) -> None:
    other = make_org()
    theirs = Auditor(other)
    ann = other.api("v2").create_user("ann")["id"]
    assert auditor.logs(entity=ann) == auditor.logs(actor=other.owner_id) == []
    ids = {entry["id"] for entry in auditor.logs()}
    assert ids.isdisjoint(entry["id"] for entry in theirs.logs())


@pytest.mark.parametrize("path", ["", "log", "logs/x", "../v2/logs", "schemas/x"])
def test_another_path_is_a_bad_endpoint(auditor: Auditor, path: str) -> None:
    auditor.check_refused("bad_endpoint", 404, path)


@pytest.mark.parametrize("path", ["logs", "schemas", "actions"])
@pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_api_only_reads(auditor: Auditor, verb: str, path: str) -> None:
    url = f"{auditor.org.server.url}/audit/v1/{path}"
    response = auditor.org.server.http.request(verb, url)
    check(response, "method_not_allowed", 405)
    assert response.headers["allow"] == "GET"


def test_who_is_refused_for_no_token_is_told_how_to_send_one(org: Org) -> None:
    for token in ("", "xoxp-nobody"):
        assert Auditor(org, token).get("logs").headers["www-authenticate"] == "Bearer"
