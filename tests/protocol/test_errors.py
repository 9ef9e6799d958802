"""Errors: every code of Slack's list that something here raises, in both envelopes.

Source: Slack SCIM API reference, heading *Errors*. What nothing here raises, and why, stands in
docs/divergences.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.protocol import inside
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Api, Org, detail

DOCUMENTED = {
    "addresses_invalid", "bad_email_address", "bad_endpoint", "cannot_decode_user_id",
    "cannot_disable_bot_user_with_scim", "cannot_disable_primary_owner", "cannot_make_user_guest",
    "cannot_modify_gdpr", "cannot_modify_owner", "database_query_failure", "email_empty", "email_invalid",
    "email_taken", "emails_invalid", "failed_to_remove_users_for_linked_subteam", "group_creation_failed",
    "group_member_max_exceeded", "group_members_create_failed", "groups_invalid",
    "idp_group_linked_to_channels", "improper_enterprise_schema_format", "incomplete_filter",
    "invalid_attribute_format", "invalid_authentication", "invalid_display_name",
    "invalid_emoji_not_allowed", "invalid_filter_group", "invalid_name_maxlength",
    "invalid_name_required", "invalid_name_specials", "invalid_query", "invalid_request_payload",
    "invalid_reserved_word", "invalid_sort_order", "invalid_starts_with_at", "long_nickname",
    "method_not_allowed", "missing_authentication", "missing_group_id", "missing_primary_email",
    "missing_schema_element", "missing_user_id", "no_filters", "no_such_group", "no_such_group_members",
    "no_such_user", "non_org_teams_only", "password_change_not_allowed", "permission_denied",
    "phoneNumbers_invalid", "photos_invalid", "plus_teams_only", "primary_owner_check_failure",
    "query_building_failed", "resource_locked", "roles_invalid", "too_many_requests", "too_many_users",
    "truncation_error", "unable_to_add_deleted_or_guest_to_group", "unable_to_create_team_profile_fields",
    "unknown_user", "unsupported_version", "user_creation_failed", "username_empty", "username_invalid",
    "username_not_allowed", "username_required", "username_taken", "username_too_long",
}  # fmt: skip

NOTHING_RAISES = {
    "cannot_decode_user_id", "database_query_failure", "email_invalid", "group_members_create_failed",
    "missing_group_id", "missing_user_id", "primary_owner_check_failure", "user_creation_failed",
}  # fmt: skip

WITH_RATE_LIMITS = {"resource_locked", "too_many_requests"}
"""The server of these tests has none: see test_limits."""

OF_MANY = {"failed_to_remove_users_for_linked_subteam"}
"""It takes a thousand people to provoke."""

Do = Callable[[Org, Api], httpx.Response]


def _post(**change: Any) -> Do:
    return lambda org, api: api.post("Users", api.user_body("new", **change))


def _patch(**change: Any) -> Do:
    """A partial resource, which both versions take."""

    def do(org: Org, api: Api) -> httpx.Response:
        user_id = api.create_user("ann")["id"]
        body = {"schemas": [api.urns.user]}
        return api.patch(
            f"Users/{user_id}",
            body | {key.replace("ENT", api.urns.enterprise): v for key, v in change.items()},
        )

    return do


def _group(*members: str) -> Do:
    body = {"displayName": "g", "members": [{"value": member} for member in members]}
    return lambda org, api: api.post("Groups", body | {"schemas": [api.urns.group]})


def _filter(text: str) -> Do:
    return lambda org, api: api.get("Users", filter=text)


def _send(verb: str, path: str, token: str | None = None) -> Do:
    return lambda org, api: org.api(api.version, token).send(verb, path)


def _without_user_name(org: Org, api: Api) -> httpx.Response:
    body = api.user_body("new")
    del body["userName"]
    return api.post("Users", body)


def _twice(**change: Any) -> Do:
    def do(org: Org, api: Api) -> httpx.Response:
        api.create_user("ann")
        return api.post("Users", api.user_body("ann", **change))

    return do


def _taken_group(org: Org, api: Api) -> httpx.Response:
    api.create_group("g")
    return _group()(org, api)


def _linked(org: Org, group: str, name: str = "secret") -> str:
    """A private channel with this group on its allowlist."""
    web_api = org.web_api("admin.conversations:write")
    given = {"name": name, "is_private": "1", "team_id": org.team_id}
    channel: str = web_api.ok("admin.conversations.create", **given)["channel_id"]
    web_api.ok("admin.conversations.restrictAccess.addGroup", channel_id=channel, group_id=group)
    return channel


def _linked_group(org: Org, api: Api) -> httpx.Response:
    group = api.create_group("g", api.create_user("ann")["id"])
    _linked(org, group["id"])
    return api.delete(f"Groups/{group['id']}")


def _own_display_names(org: Org, api: Api) -> httpx.Response:
    org.run("org", "set", "--members-may-change-display-name", "true")
    return _patch(displayName="Other")(org, api)


def _no_number_left(org: Org, api: Api) -> httpx.Response:
    taken = ["ann", *("ann" + str(number) for number in range(2, 10_000))]
    inside.reserve(org.server.database, org.org_id, taken)
    return api.post("Users", api.user_body("new", userName="ann@example.com"))


def _too_many_fields(org: Org, api: Api) -> httpx.Response:
    for number in range(50):
        org.run("profile-field", "add", "--name", f"field_{number}")
    return _patch(locale="en_US")(org, api)


def _deactivated_member(org: Org, api: Api) -> httpx.Response:
    return _group(api.create_user("ann", active=False)["id"])(org, api)


def _without_header(org: Org, api: Api) -> httpx.Response:
    return Api(api.base_url, None, api.version, api.http).get("Users")


def _on_workspace(org: Org, api: Api) -> httpx.Response:
    token = org.token_for(org.owner_email, "--team", org.team_id)
    return org.api(api.version, token).get("Users")


def _guest_of(role: str) -> Do:
    def do(org: Org, api: Api) -> httpx.Response:
        body = {"schemas": [api.urns.user], api.urns.guest: {"type": "multi"}}
        return api.patch(f"Users/{org.create_user('boss', role)}", body)

    return do


def _delete_role(role: str) -> Do:
    return lambda org, api: api.delete(f"Users/{org.create_user('someone', role)}")


def _delete_owner_as(role: str | None) -> Do:
    """The primary owner deactivated by themselves, or by someone of this role."""
    return lambda org, api: (org.api_of(role, api.version) if role else api).delete(f"Users/{org.owner_id}")


def _erased(org: Org, api: Api) -> httpx.Response:
    user_id = api.create_user("ann")["id"]
    org.run("user", "erase", "--user", user_id, "--yes")
    return api.patch(f"Users/{user_id}", {"schemas": [api.urns.user], "title": "x"})


def _unknown_version(org: Org, api: Api) -> httpx.Response:
    return api.http.get(f"{api.base_url}/scim/v3/Users", headers={"Authorization": f"Bearer {api.token}"})


RAISED: list[tuple[int, str, Do]] = [
    (400, "addresses_invalid", _patch(addresses=7)),
    (400, "bad_email_address", _post(emails=[{"value": "x"}])),
    (400, "email_empty", _post(emails=[])),
    (400, "emails_invalid", _post(emails=7)),
    (400, "groups_invalid", _post(groups=7)),
    (400, "improper_enterprise_schema_format", _patch(ENT={"manager": {}})),
    (400, "incomplete_filter", _filter("userName eq")),
    (400, "invalid_attribute_format", _post(title=7)),
    (400, "invalid_display_name", _own_display_names),
    (400, "invalid_emoji_not_allowed", _post(displayName="\N{GRINNING FACE}")),
    (400, "invalid_filter_group", _filter("(userName pr")),
    (400, "invalid_name_maxlength", _post(displayName="x" * 81)),
    (400, "invalid_name_required", _post(name={"givenName": " ", "familyName": " "})),
    (400, "invalid_name_specials", _post(displayName="a@b")),
    (400, "invalid_query", _filter("shoeSize eq 43")),
    (400, "invalid_request_payload", lambda org, api: api.post("Users", b"{")),
    (400, "invalid_reserved_word", _post(displayName="channel")),
    (400, "invalid_sort_order", lambda org, api: api.get("Users", sortOrder="up")),
    (400, "invalid_starts_with_at", _post(displayName="@ann")),
    (400, "long_nickname", _patch(nickName="x" * 22)),
    (400, "idp_group_linked_to_channels", _linked_group),
    (400, "missing_primary_email", _patch(emails=[{"value": "ann@example.com", "operation": "delete"}])),
    (400, "missing_schema_element", _post(schemas=[])),
    (400, "no_filters", _filter("")),
    (400, "no_such_group_members", _group("W0NOBODY")),
    (400, "non_org_teams_only", _on_workspace),
    (400, "password_change_not_allowed", _patch(password="x")),
    (400, "phoneNumbers_invalid", _patch(phoneNumbers=7)),
    (400, "photos_invalid", _post(photos=7)),
    (400, "query_building_failed", _filter("x" * 9_000)),
    (400, "roles_invalid", _patch(roles=7)),
    (400, "too_many_users", _group(*(f"W{number:010}" for number in range(15_001)))),
    (400, "truncation_error", _no_number_left),
    (400, "unable_to_add_deleted_or_guest_to_group", _deactivated_member),
    (400, "unable_to_create_team_profile_fields", _too_many_fields),
    (400, "unknown_user", _patch(ENT={"manager": {"managerId": "nobody"}})),
    (400, "unsupported_version", _unknown_version),
    (400, "username_empty", _post(userName="")),
    (400, "username_invalid", _post(userName="...")),
    (400, "username_not_allowed", _post(userName="here")),
    (400, "username_required", _without_user_name),
    (400, "username_too_long", _post(userName="x" * 22)),
    (401, "invalid_authentication", _send("GET", "Users", "xoxp-wrong")),
    (401, "missing_authentication", _without_header),
    (403, "cannot_disable_bot_user_with_scim", _delete_role("bot")),
    (403, "cannot_disable_primary_owner", _delete_owner_as(None)),
    (403, "cannot_make_user_guest", _guest_of("admin")),
    (403, "cannot_modify_gdpr", _erased),
    (403, "cannot_modify_owner", _delete_owner_as("admin")),
    (404, "bad_endpoint", _send("GET", "Robots")),
    (404, "no_such_group", _send("GET", "Groups/S0NOGROUP")),
    (404, "no_such_user", _send("GET", "Users/W0NOBODY")),
    (405, "method_not_allowed", _send("DELETE", "Users")),
    (409, "email_taken", _twice(userName="other")),
    (409, "group_creation_failed", _taken_group),
    (409, "username_taken", _twice(emails=[{"value": "other@example.com"}])),
]

ON_OTHER_PLANS: dict[str, str] = {
    "group_member_max_exceeded": "test_a_user_group_holds_five_thousand",
    "permission_denied": "test_guests_need_enterprise",
    "plus_teams_only": "test_free_and_pro_have_no_scim",
}


def test_every_documented_code_is_raised_or_known_not_to_be() -> None:
    raised = {code for _, code, _ in RAISED} | ON_OTHER_PLANS.keys() | WITH_RATE_LIMITS | OF_MANY
    assert raised | NOTHING_RAISES == DOCUMENTED
    assert not raised & NOTHING_RAISES


@pytest.mark.parametrize(("status", "code", "do"), RAISED, ids=[code for _, code, _ in RAISED])
def test_codes_travel_in_the_envelope_of_the_version(
    org: Org, api: Api, status: int, code: str, do: Do
) -> None:
    response = do(org, api)
    shown = detail(response)
    assert shown.partition(" ")[0] == code
    if code == "unsupported_version":  # there is no such version to answer in
        assert response.json() == {"Errors": {"description": code, "code": status}}
    else:
        api.check_refused(response, shown, status)
    assert ("www-authenticate" in response.headers) == (status == 401)
    assert ("allow" in response.headers) == (status == 405)
    assert len(response.headers["x-request-id"]) == 16


@pytest.mark.parametrize("plan", ["free", "pro"])
def test_free_and_pro_have_no_scim(make_org: MakeOrg, version: str, plan: str) -> None:
    api = make_org(plan=plan).api(version)
    for response in (api.get("Users"), api.post("Users", api.user_body("ann")), api.get("Schemas/Users")):
        api.check_refused(response, "plus_teams_only", 403)


def test_guests_need_enterprise(make_org: MakeOrg, version: str) -> None:
    api = make_org(plan="business_plus").api(version)
    refused = api.post("Users", api.user_body("gus", **{api.urns.guest: {"type": "multi"}}))
    api.check_refused(refused, "permission_denied", 403)


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # five thousand people take long to make
def test_a_user_group_holds_five_thousand(make_org: MakeOrg) -> None:
    org = make_org(plan="business_plus")
    *most, last = inside.add_people(org.server.database, org.domain, 5_001)
    for api in (org.api("v1"), org.api("v2")):
        api.check_refused(_group(*most, last)(org, api), "group_member_max_exceeded")
    group = api.create_group("full", *most)
    more = {"schemas": [api.urns.group], "members": [{"value": last}]}
    api.check_refused(api.patch(f"Groups/{group['id']}", more), "group_member_max_exceeded")
    assert len(api.member_ids(group["id"])) == 5_000


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # a thousand people take long to make
def test_a_thousand_people_and_no_more_leave_a_linked_group_at_once(org: Org) -> None:
    first, *people = inside.add_people(org.server.database, org.domain, 1_002)
    for api in (org.api("v1"), org.api("v2")):
        body = {"schemas": [api.urns.group], "displayName": "crew"}
        group = api.create_group("crew", first, *people)["id"]
        channel = _linked(org, group, api.version)
        refused = api.put(f"Groups/{group}", body | {"members": [{"value": first}]})
        api.check_refused(refused, "failed_to_remove_users_for_linked_subteam")
        staying = [{"value": id} for id in (first, people[0])]
        assert api.put(f"Groups/{group}", body | {"members": staying}).is_success
        web_api = org.web_api("admin.conversations:write")
        web_api.ok("admin.conversations.restrictAccess.removeGroup", channel_id=channel, group_id=group)
        assert api.delete(f"Groups/{group}").is_success


def test_an_error_names_whom_it_is_about(api: Api) -> None:
    holder = api.create_user("ann")["id"]
    refused = api.post("Users", api.user_body("bob", emails=[{"value": "ann@example.com"}]))
    api.check_refused(refused, f"email_taken (user=bob, existing_user={holder})", 409)
    assert list(refused.json()) == (["Errors"] if api.version == "v1" else ["schemas", "detail", "status"])
