"""The bodies that Slack's reference shows and its clients have recorded, with values of a test's own.

Key order counts: compare with :func:`check_same`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.protocol.live import Api, Body, Org

PACIFIC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[78]:00")


def check_same(shown: Any, expected: Any) -> None:
    """The same JSON, down to the order of keys."""
    assert shown == expected
    assert json.dumps(shown) == json.dumps(expected)


def bare_user(org: Org, api: Api, shown: Body, name: str, /, **more: Any) -> Body:
    """A user without custom profile fields, who was created with a name and an address only.

    ``shown`` gives what the server chose: the id and the time.
    """
    assert PACIFIC.fullmatch(shown["meta"]["created"])
    id = shown["id"]
    return {
        "schemas": [api.urns.user],
        "id": id,
        "externalId": "",
        "meta": {"created": shown["meta"]["created"], "location": f"{api.root}/Users/{id}"},
        "userName": name,
        "nickName": name,
        "name": {"givenName": name, "familyName": ""},
        "displayName": name,
        "profileUrl": f"{api.base_url}/{org.domain}/team/{name}",
        "title": "",
        "timezone": "America/Los_Angeles",
        "active": True,
        "emails": [{"value": f"{name}@example.com", "primary": True}],
        "photos": [{"value": f"{api.base_url}/{org.domain}/avatars/{id}-192.png", "type": "photo"}],
        "groups": [],
    } | more


def profile_user(org: Org, api: Api, shown: Body, name: str, /, **more: Any) -> Body:
    """A user who has had a custom profile field: all of them are shown, unset ones as null."""
    bare = bare_user(org, api, shown, name)
    groups = bare.pop("groups")
    person = {**bare["name"], "honorificPrefix": None}
    emails = [*bare["emails"], {"value": "", "primary": False}]
    address = dict.fromkeys(("streetAddress", "locality", "region", "postalCode", "country"))
    numbers = [{"value": None, "type": "mobile"}, {"value": None, "primary": True}]
    company = dict.fromkeys(("employeeNumber", "costCenter", "organization", "division", "department"))
    return {
        **bare,
        "schemas": [api.urns.user, api.urns.enterprise],
        "name": person,
        "emails": emails,
        "addresses": [address],
        "phoneNumbers": numbers,
        "userType": None,
        "roles": [{"value": None, "primary": True}],
        "preferredLanguage": None,
        "locale": None,
        api.urns.enterprise: {**company, "manager": {"managerId": None}},
        **({api.urns.profile: more.pop(api.urns.profile)} if api.urns.profile in more else {}),
        "groups": groups,
    } | more


def group(api: Api, shown: Body, name: str, members: list[Body]) -> Body:
    """A group; v1 and v2 order its keys differently."""
    assert PACIFIC.fullmatch(shown["meta"]["created"])
    meta = {"created": shown["meta"]["created"], "location": f"{api.root}/Groups/{shown['id']}"}
    parts = {
        "schemas": [api.urns.group],
        "id": shown["id"],
        "meta": meta,
        "displayName": name,
        "members": members,
    }
    order = ("schemas", "id", "displayName", "members", "meta") if api.version == "v1" else tuple(parts)
    return {key: parts[key] for key in order}


def listing(api: Api, resources: list[Any], total: int, start_index: int = 1) -> Body:
    """A list response; v1 and v2 order its keys differently."""
    parts = {
        "schemas": [api.urns.list],
        "Resources": resources,
        "totalResults": total,
        "itemsPerPage": len(resources),
        "startIndex": start_index,
    }
    v1 = ("totalResults", "itemsPerPage", "startIndex", "schemas", "Resources")
    return {key: parts[key] for key in (v1 if api.version == "v1" else tuple(parts))}
