"""What an attacker, or a careless client, has tried: each is answered, and changes nothing it should not."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.protocol.live import Api, Org, detail, ok


def test_a_single_member_without_brackets_is_one_member(api: Api) -> None:
    people = [api.create_user(name)["id"] for name in ("ann", "bob", "cleo")]
    group = api.create_group("All", *people)["id"]
    partial = {"schemas": [api.urns.group], "members": {"value": people[0], "operation": "delete"}}
    assert api.patch(f"Groups/{group}", partial).status_code in (200, 204)
    assert api.member_ids(group) == people[1:]
    assert api.patch(f"Groups/{group}", {**partial, "members": people[0]}).status_code in (200, 204)
    assert sorted(api.member_ids(group)) == sorted(people)


def test_a_single_address_without_brackets_is_one_address(api: Api) -> None:
    emails = [{"value": "ann@example.com", "primary": True}, {"value": "alt@example.com"}]
    user = api.create_user("ann", emails=emails)
    gone = {"schemas": [api.urns.user], "emails": {"value": "alt@example.com", "operation": "delete"}}
    shown = ok(api.patch(f"Users/{user['id']}", gone))["emails"]
    assert shown[0] == {"value": "ann@example.com", "primary": True}
    assert shown[1:] == [{"value": "", "primary": False}]


@pytest.mark.parametrize("members", ["", False, 0, {}])
def test_members_of_a_wrong_type_do_not_empty_a_group(api: Api, members: Any) -> None:
    ann = api.create_user("ann")["id"]
    group = api.create_group("All", ann)["id"]
    refused = api.put(
        f"Groups/{group}", {"schemas": [api.urns.group], "displayName": "x", "members": members}
    )
    api.check_refused(refused, "invalid_attribute_format (attribute=members)")
    assert api.member_ids(group) == [ann]


def test_removing_a_part_of_nobody_removes_nobody(org: Org) -> None:
    api = org.api("v2")
    ann = api.create_user("ann")["id"]
    group = api.create_group("All", ann)["id"]
    refused = api.patch_group(group, {"op": "remove", "path": "members.value"})
    api.check_refused(refused, "invalid_request_payload")
    assert api.member_ids(group) == [ann]


def test_a_null_extension_makes_nobody_a_full_member(org: Org, api: Api) -> None:
    guest = api.create_user("gus", **{api.urns.guest: {"type": "multi"}})
    assert api.delete(f"Users/{guest['id']}").status_code in (200, 204)
    for body in ({api.urns.guest: None}, {api.urns.guest: {"type": None}}):
        shown = ok(api.patch(f"Users/{guest['id']}", {"schemas": [api.urns.user], "title": "x", **body}))
        assert (shown["active"], shown[api.urns.guest]) == (False, {"type": "multi"})


@pytest.mark.parametrize("other", ["ſam", "ｓam", "ſam@example.com", "sam@example.cOm\u212a"])
def test_nobody_is_found_by_a_name_that_only_looks_like_theirs(org: Org, api: Api, other: str) -> None:
    api.create_user("sam")
    attribute = "email" if "@" in other else "userName"
    assert (
        ok(api.get("Users", filter=f"{attribute} eq {json.dumps(other, ensure_ascii=False)}"))["totalResults"]
        == 0
    )
    assert ok(api.get("Users", filter='userName eq "SAM"'))["totalResults"] == 1
    failure = org.server.run(
        "user", "set-role", "--org", org.domain, "--user", "ſam@example.com", "--role", "admin", fails=True
    )
    assert "no_such_user" in failure


def test_who_lost_their_rights_while_a_body_arrived_has_lost_them(org: Org, api: Api) -> None:
    ada = org.create_user("ada", "admin")
    token = org.token_for(ada)
    body = json.dumps(api.user_body("ann")).encode()
    address = urlsplit(api.base_url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection:
        head = f"POST /scim/{api.version}/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:5])
        ok(org.api(api.version, token).get("Users"))  # the other request is being read by now
        org.run("user", "set-role", "--user", ada, "--role", "member")
        connection.sendall(body[5:])
        with closing(http.client.HTTPResponse(connection)) as response:
            response.begin()
            assert response.status == 401
    assert ok(api.get("Users", filter='userName eq "ann"'))["totalResults"] == 0


def test_nobody_chooses_the_address_they_come_from(org: Org, version: str) -> None:
    elsewhere = org.api(version, org.token_for(org.owner_email, "--allow-ip", "203.0.113.9"))
    headers = {"Authorization": f"Bearer {elsewhere.token}", "X-Forwarded-For": "203.0.113.9"}
    assert elsewhere.http.get(f"{elsewhere.root}/Users", headers=headers).status_code == 401


def test_more_than_a_hundred_names_are_not_looked_for(api: Api) -> None:
    refused = api.get("Users", attributes=",".join(["a"] * 101))
    api.check_refused(refused, "invalid_request_payload")
    ok(api.get("Users", attributes=",".join(["a"] * 100)))


def test_a_user_takes_250_operations_at_once(org: Org) -> None:
    api = org.api("v2")
    user = api.create_user("ann")["id"]
    operations = [{"op": "replace", "path": "title", "value": str(number)} for number in range(251)]
    api.check_refused(api.patch_user(user, *operations), "invalid_request_payload")
    assert ok(api.patch_user(user, *operations[:-1]))["title"] == "249"


def test_a_photo_has_a_limit(api: Api) -> None:
    photo = [{"value": "data:image/png;base64," + "A" * 256 * 1024}]
    api.check_refused(api.post("Users", api.user_body("ann", photos=photo)), "photos_invalid")


def test_nobody_takes_the_name_of_somebody_forgotten(org: Org, api: Api) -> None:
    ann = api.create_user("ann")["id"]
    refused = api.post("Users", api.user_body(f"erased-{ann.lower()}"))
    assert detail(refused).startswith("username_not_allowed")
    refused = api.post(
        "Users", api.user_body("bob", emails=[{"value": f"erased-{ann.lower()}@erased.invalid"}])
    )
    assert detail(refused).startswith("bad_email_address")
    org.run("user", "erase", "--user", ann, "--yes")
