"""The same change said in v1.1 and in v2.0 is the same change."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.live import URNS, Body, Org, ok
from tests.protocol.test_users_patch_v1 import FULL
from tests.protocol.test_users_patch_v2 import op

V1, V2 = URNS["v1"], URNS["v2"]


def removed(*names: str) -> Body:
    return {"meta": {"attributes": list(names)}}


SAME: list[tuple[Body, list[Body]]] = [
    ({"active": False}, [op("replace", "active", False)]),
    ({"title": "Chef", "locale": " "}, [op("replace", "title", "Chef"), op("remove", "locale")]),
    (
        {"name": {"givenName": "A", "familyName": " "}},
        [op("add", "name", {"givenName": "A", "familyName": ""})],
    ),
    (removed("name.familyName"), [op("remove", "name.familyName")]),
    (removed("roles", "phoneNumbers"), [op("remove", "roles"), op("remove", "phoneNumbers")]),
    (removed("emails"), [op("remove", "emails")]),
    (removed("addresses"), [op("remove", "address")]),
    ({"roles": ["Chief"]}, [op("add", "roles", ["Chief"])]),
    (
        {"phoneNumbers": [{"value": "3", "type": "work"}]},
        [op("replace", 'phoneNumbers[type eq "work"].value', "3")],
    ),
    ({"phoneNumbers": [{"value": "1", "operation": "delete"}]}, [op("remove", 'phoneNumbers[value eq "1"]')]),
    ({V1.enterprise: {"department": "Sales"}}, [op("add", f"{V2.enterprise}:department", "Sales")]),
    (removed(f"{V1.enterprise}.department"), [op("remove", f"{V2.enterprise}.department")]),
    (removed(V1.enterprise), [op("remove", V2.enterprise)]),
    ({V1.profile: {"startDate": "2026-01-01"}}, [op("replace", f"{V2.profile}:startDate", "2026-01-01")]),
    ({V1.guest: {"type": "multi"}}, [op("add", V2.guest, {"type": "multi"})]),
    (
        {V1.guest: {"type": "multi", "expiration": "2031-01-01T00:00:00Z"}},
        [op("add", f"{V2.guest}:type", "multi"), op("add", f"{V2.guest}.expiration", "2031-01-01T00:00:00Z")],
    ),
]


@pytest.mark.parametrize(("v1_body", "operations"), SAME)
def test_both_versions_say_the_same_and_saying_it_again_changes_nothing(
    org: Org, v1_body: Body, operations: list[Body]
) -> None:
    v1, v2 = org.api("v1"), org.api("v2")
    ids = [_create(org, name) for name in ("one", "two")]
    body = {"schemas": [V1.user], **v1_body}
    ok(v1.patch(f"Users/{ids[0]}", body))
    ok(v2.patch_user(ids[1], *operations))
    for api in (v1, v2):
        one, two = (_comparable(api.user(id), name) for id, name in zip(ids, ("one", "two"), strict=True))
        assert one == two
    trail = [org.events(id) for id in ids]
    assert trail[0] == trail[1]
    before = v2.user(ids[0])
    ok(v1.patch(f"Users/{ids[0]}", body))
    ok(v2.patch_user(ids[0], *operations))
    assert v2.user(ids[0]) == before
    assert org.events(ids[0]) == trail[0]


def _create(org: Org, name: str) -> str:
    emails = [{"value": f"{name}@example.com", "primary": True}, {"value": f"{name}.alt@example.com"}]
    return str(org.api("v1").create_user(name, **FULL | {"emails": emails})["id"])


def _comparable(shown: Body, name: str) -> Any:
    """A resource without what is its own: id, time, and the name in every text."""
    return {key: _renamed(value, name) for key, value in shown.items() if key not in ("id", "meta", "photos")}


def _renamed(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return value.replace(name, "NAME")
    if isinstance(value, list):
        return [_renamed(item, name) for item in value]
    if isinstance(value, dict):
        return {key: _renamed(item, name) for key, item in value.items()}
    return value
