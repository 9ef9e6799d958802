"""Multi-channel guests: Slack SCIM API reference, headings *… /Users (Multi-Channel Guests)*."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.bodies import bare_user, check_same
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Api, Body, Org, ok
from tests.protocol.test_users_patch_v2 import op

UNTIL = "2031-11-30T23:59:59Z"


def convert(api: Api, user_id: str, guest: Body | None, verb: str = "patch") -> Any:
    """To guest with this extension, or (None) to a full member, in the way of the version."""
    path = f"Users/{user_id}"
    if guest is not None and verb == "put":
        return api.put(path, api.user_body("ann", **{api.urns.guest: guest}))
    if api.version == "v2":
        change = op("remove", api.urns.guest) if guest is None else op("add", api.urns.guest, guest)
        return api.patch_user(user_id, change)
    change = {"meta": {"attributes": [api.urns.guest]}} if guest is None else {api.urns.guest: guest}
    return api.patch(path, {"schemas": [api.urns.user, api.urns.guest], **change})


def test_a_guest_is_created_and_shown(org: Org, api: Api) -> None:
    urns = api.urns
    extension = {urns.guest: {"type": "multi", "expiration": UNTIL}}
    shown = api.create_user(
        "guestUser", displayName="TestGuest", schemas=[urns.user, urns.guest], **extension
    )
    expected = bare_user(org, api, shown, "guestuser")
    expected |= {
        "schemas": [urns.user, urns.guest],
        "name": {"givenName": "TestGuest", "familyName": ""},
        "displayName": "TestGuest",
        "emails": [{"value": "guestUser@example.com", "primary": True}],
        **extension,
    }
    check_same(shown, expected)
    check_same(api.user(shown["id"]), expected)


def test_a_guest_without_expiration_shows_none(api: Api) -> None:
    shown = api.create_user("gus", **{api.urns.guest: {"type": "multi"}})
    assert shown[api.urns.guest] == {"type": "multi"}


@pytest.mark.parametrize(("given", "shown"), [
    ("2031-11-30T23:59:59+02:00", "2031-11-30T21:59:59Z"),
    ("2031-11-30", "2031-11-30T00:00:00Z"),
    ("0001-01-01", "0001-01-01T00:00:00Z"),
])  # fmt: skip
def test_expiration_is_shown_in_utc(api: Api, given: str, shown: str) -> None:
    guest = api.create_user("gus", **{api.urns.guest: {"type": "multi", "expiration": given}})
    assert guest[api.urns.guest]["expiration"] == shown


@pytest.mark.parametrize("expiration", ["tomorrow", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00+23:00", 7])
def test_an_expiration_that_is_no_date_in_utc_is_refused(api: Api, expiration: Any) -> None:
    guest = {api.urns.guest: {"type": "multi", "expiration": expiration}}
    refused = api.post("Users", api.user_body("gus", **guest))
    api.check_refused(refused, "invalid_attribute_format (attribute=guest:expiration)")
    assert ok(api.get("Users"))["totalResults"] == 1


@pytest.mark.parametrize("extension", [None, {}])
def test_the_urn_alone_makes_no_guest(api: Api, extension: Any) -> None:
    urns = api.urns
    named = [urns.user, urns.enterprise, urns.guest, urns.profile]
    shown = api.create_user(
        "ann", schemas=named, **({urns.guest: extension} if extension is not None else {})
    )
    assert urns.guest not in shown
    assert urns.guest not in shown["schemas"]


@pytest.mark.parametrize("guest", [
    {"type": "single"}, {"type": "Multi"}, {"type": "multi "}, {"expiration": UNTIL}, {"type": 7},
])  # fmt: skip
def test_only_multi_channel_guests_are_made(api: Api, guest: Body) -> None:
    refused = api.post("Users", api.user_body("gus", **{api.urns.guest: guest}))
    api.check_refused(refused, "improper_enterprise_schema_format")
    member = api.create_user("ann")
    api.check_refused(convert(api, member["id"], guest), "improper_enterprise_schema_format")
    check_same(api.user(member["id"]), member)


@pytest.mark.parametrize("verb", ["patch", "put"])
def test_a_member_becomes_a_guest_and_a_guest_a_member(api: Api, verb: str) -> None:
    member = api.create_user("ann")
    group = api.create_group("Sales", member["id"])
    guest = ok(convert(api, member["id"], {"type": "multi", "expiration": UNTIL}, verb))
    assert guest[api.urns.guest] == {"type": "multi", "expiration": UNTIL}
    again = ok(convert(api, member["id"], None))
    assert api.urns.guest not in again
    assert api.urns.guest not in again["schemas"]
    assert api.member_ids(group["id"]) == [member["id"]]


@pytest.mark.parametrize("to_guest", [True, False])
def test_a_conversion_reactivates(api: Api, to_guest: bool) -> None:
    kind: dict[str, Any] = {} if to_guest else {api.urns.guest: {"type": "multi"}}
    user_id = api.create_user("ann", active=False, **kind)["id"]
    assert ok(convert(api, user_id, {"type": "multi"} if to_guest else None))["active"] is True


def test_an_expiration_is_set_and_cleared(org: Org, api: Api) -> None:
    user_id = api.create_user("gus", **{api.urns.guest: {"type": "multi"}})["id"]
    path, urn = f"Users/{user_id}", api.urns.guest
    if api.version == "v2":
        set_it = api.message(op("add", f"{urn}.expiration", UNTIL))
        clear = api.message(op("remove", f"{urn}.expiration"))
    else:
        set_it = {"schemas": [api.urns.user], urn: {"type": "multi", "expiration": UNTIL}}
        clear = {"schemas": [api.urns.user], "meta": {"attributes": [f"{urn}.expiration"]}}
    assert ok(api.patch(path, set_it))[urn] == {"type": "multi", "expiration": UNTIL}
    assert ok(api.patch(path, clear))[urn] == {"type": "multi"}
    assert org.events(user_id)[1:] == ["guest_expiration_set", "guest_expiration_cleared"]


def test_a_put_without_the_extension_leaves_a_guest_a_guest(api: Api) -> None:
    guest = {"type": "multi", "expiration": UNTIL}
    user_id = api.create_user("gus", **{api.urns.guest: guest})["id"]
    assert ok(api.put(f"Users/{user_id}", api.user_body("gus")))[api.urns.guest] == guest


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_administrators_and_owners_become_no_guests(org: Org, api: Api, role: str) -> None:
    user_id = org.create_user("boss", role)
    api.check_refused(convert(api, user_id, {"type": "multi"}), "cannot_make_user_guest", 403)
    api.check_refused(convert(api, org.owner_id, {"type": "multi"}), "cannot_make_user_guest", 403)


def test_business_plus_has_no_guests_by_scim(make_org: MakeOrg, version: str) -> None:
    api = make_org(plan="business_plus").api(version)
    refused = api.post("Users", api.user_body("gus", **{api.urns.guest: {"type": "multi"}}))
    api.check_refused(refused, "permission_denied", 403)
    member = api.create_user("ann")
    api.check_refused(convert(api, member["id"], {"type": "multi"}), "permission_denied", 403)
    check_same(api.user(member["id"]), member)


def test_guests_are_found_by_filter(org: Org, api: Api) -> None:
    api.create_user("gus", **{api.urns.guest: {"type": "multi"}})
    org.create_user("solo", "single_channel_guest")
    for filter, name in (("restricted eq '1'", "gus"), ("ultra_restricted eq 1", "solo")):
        found = ok(api.get("Users", filter=filter))["Resources"]
        assert [user["userName"] for user in found] == [name]
