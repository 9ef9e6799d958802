"""Multi-channel guests: Slack SCIM API reference, headings *… /Users (Multi-Channel Guests)*."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol import premises
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


def in_channels(org: Org, user_id: str) -> list[Body]:
    """What the extension says of a guest who has just been put into a public and a private channel."""
    names = ("bread", "cake")
    made = [premises.channel(org, name, private=name == "cake") for name in names]
    admin = org.web_api("admin.users:write")
    admin.ok("admin.users.assign", team_id=org.team_id, user_id=user_id, channel_ids=",".join(made))
    return sorted(({"value": id, "display": name} for id, name in zip(made, names, strict=True)), key=str)


def by_id(listed: Any) -> Any:
    return sorted(listed, key=lambda each: str(each["value"]))


def test_a_guest_is_shown_with_channels_wherever_a_guest_is_shown(org: Org, api: Api) -> None:
    urn = api.urns.guest
    gus = api.create_user("gus", **{urn: {"type": "multi", "expiration": UNTIL}})
    bea = api.create_user("bea", **{urn: {"type": "multi"}})
    member = api.create_user("ann")
    channels = by_id(in_channels(org, gus["id"]))
    shown = {"type": "multi", "expiration": UNTIL, "channels": channels}
    expected = gus | {urn: shown}
    for _ in range(3):  # the same head again: answered from the request line
        check_same(api.user(gus["id"]), expected)
        check_same(api.user(bea["id"]), bea)
        check_same(api.user(member["id"]), member)
    check_same(ok(api.get("Users", filter='userName eq "gus"'))["Resources"], [expected])
    check_same(ok(api.get("Users", filter='userName eq "gus"'))["Resources"], [expected])
    check_same(ok(api.get("Users", filter="restricted eq '1'"))["Resources"], [expected, bea])
    assert expected in ok(api.get("Users"))["Resources"]
    partial = ok(api.get(f"Users/{gus['id']}", attributes="userName"))
    assert (partial["userName"], urn in partial) == ("gus", False)
    changed = ok(api.put(f"Users/{gus['id']}", api.user_body("gus", title="Cook")))
    check_same(changed[urn], shown)


def test_channels_are_read_only(org: Org, api: Api) -> None:
    urn = api.urns.guest
    other = [{"value": "C0NOTHING00", "display": "x"}]
    gus = api.create_user("gus", **{urn: {"type": "multi", "channels": other}})
    assert gus[urn] == {"type": "multi"}
    channels = by_id(in_channels(org, gus["id"]))
    sent = {"type": "multi", "channels": other}
    assert ok(convert(api, gus["id"], sent))[urn] == {"type": "multi", "channels": channels}
    body = api.user(gus["id"])
    check_same(ok(api.put(f"Users/{gus['id']}", body | {urn: sent}))[urn], body[urn])
    assert premises.where(org, gus["id"]) == ({org.team_id}, {each["value"] for each in channels})


def test_a_conversion_keeps_workspaces_and_channels(org: Org, api: Api) -> None:
    urn = api.urns.guest
    ann = api.create_user("ann")["id"]
    channels = by_id(in_channels(org, ann))
    there = premises.where(org, ann)
    guest = ok(convert(api, ann, {"type": "multi"}))
    general = [each for each in guest[urn]["channels"] if each["display"] == "general"]
    assert len(general) == 1
    assert by_id(each for each in guest[urn]["channels"] if each not in general) == channels
    assert premises.where(org, ann) == there
    assert urn not in ok(convert(api, ann, None))
    assert premises.where(org, ann) == there


def test_a_guest_joins_where_a_group_leads(org: Org, api: Api) -> None:
    gus = api.create_user("gus", **{api.urns.guest: {"type": "multi"}})["id"]
    group = api.create_group("Bakers")["id"]
    bread = premises.channel(org, "bread")
    premises.channel(org, "news", default=True)
    premises.lead(org, group, org.team_id, bread)
    member = {"value": gus}
    v2 = org.api("v2")
    assert v2.patch_group(group, op("add", "members", [member])).status_code == 200
    assert premises.where(org, gus) == ({org.team_id}, {bread})
    assert api.user(gus)[api.urns.guest]["channels"] == [{"value": bread, "display": "bread"}]
    assert v2.delete(f"Users/{gus}").status_code == 204
    assert api.user(gus)[api.urns.guest] == {"type": "multi"}


def test_whoever_comes_back_after_their_time_does_not_expire_at_once(org: Org, api: Api) -> None:
    past = "2020-01-01T00:00:00Z"
    gus = api.create_user("gus", active=False, **{api.urns.guest: {"type": "multi", "expiration": past}})
    back = ok(api.patch(f"Users/{gus['id']}", _active(api)))
    assert (back["active"], back[api.urns.guest]) == (True, {"type": "multi"})
    assert org.events(gus["id"])[-2:] == ["guest_reactivated", "guest_expiration_cleared"]


def _active(api: Api) -> Body:
    if api.version == "v2":
        return api.message(op("replace", "active", True))
    return {"schemas": [api.urns.user], "active": True}
