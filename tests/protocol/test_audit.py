"""Each change is in the audit trail, in the words of Slack's Audit Logs API; the trail verifies.

Source: Audit Logs API, heading *Methods and actions*.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from tests.protocol import inside
from tests.protocol.live import Api, Body, Org, created, ok

Do = Callable[[Api, str], httpx.Response]


def _patch(**change: object) -> Do:
    def do(api: Api, id: str) -> httpx.Response:
        named = {key.replace("GUEST", api.urns.guest): value for key, value in change.items()}
        return api.patch(f"Users/{id}", {"schemas": [api.urns.user], **named})

    return do


def _to_member(api: Api, id: str) -> httpx.Response:
    body = {"schemas": [api.urns.user], "meta": {"attributes": [api.urns.guest]}}
    return api.patch(f"Users/{id}", body)


CHANGES: list[tuple[str, Body, Do, list[str]]] = [
    ("a title", {}, _patch(title="Chef"), ["user_profile_updated"]),
    ("a name", {}, _patch(name={"givenName": "A"}), ["user_profile_updated"]),
    ("an address", {}, _patch(emails=[{"value": "n@example.com", "primary": True}]), ["user_email_updated"]),
    ("a username", {}, _patch(userName="anna"), ["user_username_updated"]),
    ("deactivation", {}, _patch(active=False), ["user_deactivated"]),
    ("a DELETE", {}, lambda api, id: api.delete(f"Users/{id}"), ["user_deactivated"]),
    ("reactivation", {"active": False}, _patch(active=True), ["user_reactivated"]),
    ("to guest", {}, _patch(GUEST={"type": "multi"}), ["role_change_to_guest"]),
    (
        "to guest with an end",
        {},
        _patch(GUEST={"type": "multi", "expiration": "2031-01-01"}),
        ["role_change_to_guest", "guest_expiration_set"],
    ),
    (
        "to guest from deactivated",
        {"active": False},
        _patch(GUEST={"type": "multi"}),
        ["guest_reactivated", "role_change_to_guest"],
    ),
    (
        "to member",
        {"GUEST": {"type": "multi"}},
        _to_member,
        ["role_change_to_user"],
    ),
    ("of a guest", {"GUEST": {"type": "multi"}}, _patch(active=False), ["guest_deactivated"]),
    (
        "several at once",
        {},
        _patch(userName="anna", title="Chef", active=False),
        ["user_deactivated", "user_username_updated", "user_profile_updated"],
    ),
    ("nothing", {}, _patch(active=True, externalId="x"), []),
    ("a refusal", {}, _patch(title="x", password="y"), []),
]


@pytest.mark.parametrize(("what", "start", "do", "actions"), CHANGES, ids=[what for what, *_ in CHANGES])
def test_a_change_of_a_person_is_told(
    org: Org, api: Api, what: str, start: Body, do: Do, actions: list[str]
) -> None:
    more = {key.replace("GUEST", api.urns.guest): value for key, value in start.items()}
    user_id = api.create_user("ann", **more)["id"]
    before = org.events(user_id)
    assert before[0] == ("guest_created" if "GUEST" in start else "user_created")
    do(api, user_id)
    assert org.events(user_id)[len(before) :] == actions


def test_an_event_says_who_by_which_request_from_where_and_what(org: Org, api: Api) -> None:
    user_id = api.create_user("ann", title="Cook")["id"]
    headers = {"User-Agent": "connector/1.0"}
    body = {"schemas": [api.urns.user], "title": "Chef"}
    response = api.send("PATCH", f"Users/{user_id}", body, headers=headers)
    [event] = inside.events(org.server.database, org.org_id, user_id)[1:]
    [token] = [json.loads(line) for line in org.run("token", "list").splitlines()]
    assert (event.actor_id, event.token_id) == (org.owner_id, token["token_id"])
    assert event.request_id == response.headers["x-request-id"]
    assert (event.client, event.ip_address) == ("connector/1.0", "127.0.0.1")
    assert json.loads(event.personal or "") == {"before": {"title": "Cook"}, "after": {"title": "Chef"}}


def test_a_dropped_custom_profile_is_told(org: Org, api: Api) -> None:
    extension = {api.urns.enterprise: {"manager": {"managerId": "nobody"}}}
    user_id = api.create_user("ann", **extension)["id"]
    [event] = inside.events(org.server.database, org.org_id, user_id)
    assert json.loads(event.details)["profile_dropped"] == "unknown_user"


def test_changes_of_a_group_are_told(org: Org, api: Api) -> None:
    ann, bob = api.create_user("ann")["id"], api.create_user("bob")["id"]
    group_id = api.create_group("g", ann)["id"]
    body = {"schemas": [api.urns.group], "displayName": "h", "members": [{"value": bob}]}
    ok(api.put(f"Groups/{group_id}", body))
    assert api.delete(f"Groups/{group_id}").status_code == 204
    assert org.events(group_id) == ["usergroup_updated"] * 3
    joined, left = "user_added_to_usergroup", "user_removed_from_usergroup"
    assert (org.events(ann)[1:], org.events(bob)[1:2]) == ([joined, left], [joined])


def test_a_refused_request_leaves_no_event(org: Org, api: Api) -> None:
    api.create_user("ann")
    events = org.events()
    assert api.post("Users", api.user_body("ann")).status_code == 409
    group = {"schemas": [api.urns.group], "displayName": "g", "members": [{"value": "W0"}]}
    assert api.post("Groups", group).status_code == 400
    assert org.events() == events


def test_the_trail_verifies_while_the_server_runs_and_the_directory_is_sound(org: Org, api: Api) -> None:
    ids = [created(api.post("Users", api.user_body(f"user{n}", locale="en")))["id"] for n in range(5)]
    api.create_group("g", *ids)
    api.delete(f"Users/{ids[0]}")
    verdict = json.loads(org.run("audit", "verify"))
    assert (verdict["ok"], verdict["problem"]) == (True, None)
    assert verdict["events"] + verdict["unsealed"] == len(org.events())
    assert org.run("fsck") == "clean\n"  # the organisations of other tests are as those left them


def test_an_erased_person_is_gone_and_the_trail_still_verifies(org: Org, api: Api) -> None:
    user_id = api.create_user("ann", name={"givenName": "Annabel", "familyName": "Unforgettable"})["id"]
    group_id = api.create_group("g", user_id)["id"]
    before = json.loads(org.run("audit", "verify"))
    org.run("user", "erase", "--user", user_id, "--yes")
    shown = api.user(user_id)
    assert shown["active"] is False
    assert "nforgettable" not in json.dumps(shown)
    trail = inside.events(org.server.database, org.org_id)
    assert "nforgettable" not in repr(trail)
    assert "ann@example.com" not in repr(trail)
    after = json.loads(org.run("audit", "verify"))
    assert after["ok"] is True
    assert after["events"] + after["unsealed"] > before["events"] + before["unsealed"]
    refused = api.patch(f"Users/{user_id}", {"schemas": [api.urns.user], "active": True})
    api.check_refused(refused, "cannot_modify_gdpr", 403)
    assert api.member_ids(group_id) == [user_id]
    api.create_user("ann")  # name and address are free again
    assert org.run("fsck") == "clean\n"  # the organisations of other tests are as those left them
