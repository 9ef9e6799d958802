"""``attributes`` and ``excludedAttributes`` on every response that has a resource: RFC 7644 §3.9."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.bodies import check_same
from tests.protocol.live import Api, Body, created, ok
from tests.protocol.test_users_patch_v2 import op

CUTS: list[tuple[str, list[str]]] = [
    ("attributes=userName", ["schemas", "id", "userName"]),
    ("ATTRIBUTES=USERNAME", ["schemas", "id", "userName"]),
    ("attributes=userName,emails.value", ["schemas", "id", "userName", "emails"]),
    ("attributes=nonsense", ["schemas", "id"]),
    ("attributes=userName&excludedAttributes=userName", ["schemas", "id", "userName"]),
    ("excludedAttributes=groups,photos,emails,name,meta,id,schemas",
     ["schemas", "id", "externalId", "userName", "nickName", "displayName", "profileUrl", "title", "timezone",
      "active"]),
]  # fmt: skip


def cut(api: Api, query: str, verb: str) -> Any:
    """What each of the responses that show a user shows of one."""
    if verb == "POST":
        return created(api.post(f"Users?{query}", api.user_body("ann")))
    user_id = api.create_user("ann")["id"]
    path = f"Users/{user_id}?{query}"
    if verb == "PUT":
        return ok(api.put(path, api.user_body("ann")))
    if verb == "PATCH":
        body = {"schemas": [api.urns.user], "title": ""} if api.version == "v1" else None
        return ok(api.patch(path, body or api.message(op("replace", "title", ""))))
    if verb == "LIST":
        return ok(api.get(f"Users?filter=userName%20eq%20ann&{query}"))["Resources"][0]
    return ok(api.get(path))


@pytest.mark.parametrize("verb", ["GET", "LIST", "POST", "PUT", "PATCH"])
@pytest.mark.parametrize(("query", "keys"), CUTS)
def test_users_are_cut_on_every_response(api: Api, verb: str, query: str, keys: list[str]) -> None:
    shown = cut(api, query, verb)
    assert list(shown) == keys
    if "emails.value" in query:
        assert shown["emails"] == [{"value": "ann@example.com"}]


def group_of(api: Api, query: str, verb: str) -> Any:
    """What each of the responses that show a group shows of one."""
    body: Body = {"schemas": [api.urns.group], "displayName": "g"}
    if verb == "POST":
        return created(api.post(f"Groups?{query}", body))
    id = api.create_group("g", api.create_user("ann")["id"])["id"]
    path = f"Groups/{id}?{query}"
    if verb == "PUT":
        return ok(api.put(path, body))
    if verb == "PATCH":
        return ok(api.patch(path, body))
    if verb == "LIST":
        return ok(api.get(f"Groups?{query}"))["Resources"][0]
    return ok(api.get(path))


@pytest.mark.parametrize("verb", ["GET", "LIST", "POST", "PUT", "PATCH"])
@pytest.mark.parametrize(("query", "keys"), [
    ("attributes=displayName", {"schemas", "id", "displayName"}),
    ("attributes=members", {"schemas", "id", "members"}),
    ("excludedAttributes=members", {"schemas", "id", "meta", "displayName"}),
    ("excludedAttributes=members.display", {"schemas", "id", "meta", "displayName", "members"}),
])  # fmt: skip
def test_groups_are_cut_on_every_response(api: Api, verb: str, query: str, keys: set[str]) -> None:
    if (api.version, verb) == ("v1", "PATCH"):
        return  # answers 204, without a body
    shown = group_of(api, query, verb)
    assert set(shown) == keys
    assert all(set(member) == {"value"} for member in shown.get("members", ()) if "display" in query)


def test_sub_attributes_and_extensions_are_cut(api: Api) -> None:
    urn = api.urns.enterprise
    user_id = api.create_user("ann", **{urn: {"department": "Sales", "division": "D"}})["id"]
    shown = ok(api.get(f"Users/{user_id}", attributes=f"{urn}:department,name.givenName"))
    assert list(shown) == ["schemas", "id", "name", urn]
    assert (shown[urn], shown["name"]) == ({"department": "Sales"}, {"givenName": "ann"})
    shown = ok(api.get(f"Users/{user_id}", excludedAttributes=urn))
    assert urn not in shown


def test_an_empty_parameter_is_none(api: Api) -> None:
    user = api.create_user("ann")
    check_same(ok(api.get(f"Users/{user['id']}?attributes=&excludedAttributes=")), user)


@pytest.mark.parametrize("path", ["ServiceProviderConfig", "Schemas/Users", "ResourceTypes"])
def test_what_the_service_says_of_itself_is_cut_too(api: Api, path: str) -> None:
    if (api.version, path) == ("v1", "ResourceTypes"):
        return  # not in v1
    shown = ok(api.get(path, attributes="patch,name"))
    for each in shown.get("Resources", [shown]):
        assert set(each) <= {"schemas", "id", "patch", "name"}
