"""A token acts on accounts with the same or fewer permissions, on whatever path: groups included.

Source: Slack SCIM guide, heading *Acquire an OAuth token*.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.protocol.live import Api, Org, ok

RANK = {"primary_owner": 4, "owner": 3, "admin": 2, "member": 1, "bot": 1, "multi_channel_guest": 0}

Do = Callable[[Api, Api, str], httpx.Response]
"""A request of ``actor`` about a person's id; ``owner`` prepares it."""


def partial(api: Api, **change: object) -> dict[str, object]:
    return {"schemas": [api.urns.user], **change}


def members(api: Api, *ids: str, **mark: str) -> dict[str, object]:
    return {"schemas": [api.urns.group], "members": [{"value": id, **mark} for id in ids]}


def _patch(actor: Api, owner: Api, id: str) -> httpx.Response:
    return actor.patch(f"Users/{id}", partial(actor, title="Changed"))


def _put(actor: Api, owner: Api, id: str) -> httpx.Response:
    return actor.put(f"Users/{id}", owner.user(id) | {"title": "Changed"})


def _deactivate(actor: Api, owner: Api, id: str) -> httpx.Response:
    return actor.patch(f"Users/{id}", partial(actor, active=False))


def _delete(actor: Api, owner: Api, id: str) -> httpx.Response:
    return actor.delete(f"Users/{id}")


def _create_group(actor: Api, owner: Api, id: str) -> httpx.Response:
    return actor.post("Groups", members(actor, id) | {"displayName": "theirs"})


def _join(actor: Api, owner: Api, id: str) -> httpx.Response:
    return actor.patch(f"Groups/{owner.create_group('g')['id']}", members(actor, id))


def _leave(actor: Api, owner: Api, id: str) -> httpx.Response:
    body = members(actor, id, operation="delete")
    return actor.patch(f"Groups/{owner.create_group('g', id)['id']}", body)


def _empty(actor: Api, owner: Api, id: str) -> httpx.Response:
    body = {"schemas": [actor.urns.group], "meta": {"attributes": ["members"]}}
    return actor.patch(f"Groups/{owner.create_group('g', id)['id']}", body)


def _replace(actor: Api, owner: Api, id: str) -> httpx.Response:
    body = members(actor) | {"displayName": "g"}
    return actor.put(f"Groups/{owner.create_group('g', id)['id']}", body)


def _replace_with(actor: Api, owner: Api, id: str) -> httpx.Response:
    return actor.put(f"Groups/{owner.create_group('g')['id']}", members(actor, id) | {"displayName": "g"})


def _delete_group(actor: Api, owner: Api, id: str) -> httpx.Response:
    return actor.delete(f"Groups/{owner.create_group('g', id)['id']}")


WAYS: dict[str, Do] = {
    "patch": _patch,
    "put": _put,
    "deactivate": _deactivate,
    "delete": _delete,
    "a new group": _create_group,
    "join a group": _join,
    "leave a group": _leave,
    "empty a group": _empty,
    "replace members": _replace,
    "be a member by PUT": _replace_with,
    "delete the group": _delete_group,
}

ENDS_ACCOUNT = {"deactivate", "delete"}
NEVER_ENDS = {"primary_owner": "cannot_disable_primary_owner", "bot": "cannot_disable_bot_user_with_scim"}


@pytest.mark.parametrize("actor_role", ["admin", "owner", "primary_owner"])
@pytest.mark.parametrize("target_role", RANK)
def test_every_way_to_a_person_asks_who_they_are(
    org: Org, version: str, actor_role: str, target_role: str
) -> None:
    owner = org.api(version)
    actor = owner if actor_role == "primary_owner" else org.api_of(actor_role, version)
    for number, (way, do) in enumerate(WAYS.items()):
        target = (
            org.owner_id if target_role == "primary_owner" else org.create_user(f"t{number}", target_role)
        )
        before, events = owner.user(target), len(org.events(target))
        response = do(actor, owner, target)
        if RANK[actor_role] < RANK[target_role]:
            owner.check_refused(response, "cannot_modify_owner", 403)
            after = owner.user(target)
            assert after | {"groups": []} == before | {"groups": []}, way
            kept = {"leave a group", "empty a group", "replace members", "delete the group"}
            assert len(after["groups"]) - len(before["groups"]) == (way in kept), way
            assert len(org.events(target)) - events == (way in kept), way
        elif way in ENDS_ACCOUNT and target_role in NEVER_ENDS:
            owner.check_refused(response, NEVER_ENDS[target_role], 403)
        else:
            assert response.status_code in (200, 201, 204), (way, response.text)
        for group in ok(owner.get("Groups", count=100))["Resources"]:
            owner.delete(f"Groups/{group['id']}")


def test_an_admin_changes_a_group_around_an_owner_who_stays_as_they_are(org: Org, version: str) -> None:
    owner, admin = org.api(version), org.api_of("admin", version)
    ann, boss = owner.create_user("ann")["id"], org.create_user("boss", "owner")
    group = owner.create_group("g", boss)
    for body in (members(admin, ann), members(admin, ann, operation="delete"), members(admin, boss)):
        assert admin.patch(f"Groups/{group['id']}", body).status_code in (200, 204)
    renamed = members(admin, boss, ann) | {"displayName": "h"}
    assert ok(admin.put(f"Groups/{group['id']}", renamed))["displayName"] == "h"
    assert sorted(owner.member_ids(group["id"])) == sorted([ann, boss])


def test_nobody_becomes_an_administrator_by_scim(api: Api) -> None:
    user = api.create_user("ann", userType="owner", roles=["admin"])
    ok(api.patch(f"Users/{user['id']}", partial(api, roles=["primary_owner"])))
    member = {"schemas": [api.urns.user], api.urns.guest: {"type": "multi"}}
    ok(api.patch(f"Users/{user['id']}", member))  # only members can be made guests
