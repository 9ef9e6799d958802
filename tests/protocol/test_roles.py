"""A token acts on accounts with the same or fewer permissions, and gives none.

Every way to a person is in test_twin_paths. Source: Slack SCIM guide, heading *Acquire an OAuth token*.
"""

from __future__ import annotations

from tests.protocol.live import Api, Org, ok


def partial(api: Api, **change: object) -> dict[str, object]:
    return {"schemas": [api.urns.user], **change}


def members(api: Api, *ids: str, **mark: str) -> dict[str, object]:
    return {"schemas": [api.urns.group], "members": [{"value": id, **mark} for id in ids]}


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
