"""POST /Users: Slack SCIM API reference, headings *User attributes* and *POST /Users*."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.bodies import bare_user, check_same, profile_user
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Api, Org, created, detail, ok


def test_a_new_user_without_profile_is_shown_bare(org: Org, api: Api) -> None:
    response = api.post("Users", api.user_body("ann"))
    shown = created(response)
    check_same(shown, bare_user(org, api, shown, "ann"))
    assert response.headers["location"] == shown["meta"]["location"]
    check_same(api.user(shown["id"]), shown)


def test_one_custom_field_shows_all_of_them(org: Org, api: Api) -> None:
    shown = api.create_user("ann", userType="Employee")
    check_same(shown, profile_user(org, api, shown, "ann", userType="Employee"))
    check_same(api.user(shown["id"]), shown)


def test_every_attribute_is_kept_and_shown(org: Org, api: Api) -> None:
    boss = api.create_user("boss")["id"]
    company = {
        "employeeNumber": "701984",
        "costCenter": "4130",
        "organization": "Example",
        "division": "Theme Park",
        "department": "Tour Operations",
        "manager": {"managerId": boss},
    }
    address = {
        "streetAddress": "45 Fremont Street",
        "locality": "San Francisco",
        "region": "CA",
        "postalCode": "94105",
        "country": "USA",
    }
    shown = api.create_user(
        "ann",
        schemas=[api.urns.user, api.urns.enterprise, api.urns.profile],
        nickName="ann",
        name={"givenName": "Ann", "familyName": "Example", "honorificPrefix": "Dr."},
        displayName="Ann E",
        profileUrl="https://login.example.com/ann",
        title="Tour Guide",
        timezone="America/New York",
        userType="Employee",
        preferredLanguage="en_US",
        locale="en_US",
        emails=[
            {"value": "ann@example.com", "type": "work", "primary": True},
            {"value": "ann.alt@example.com", "type": "home"},
        ],
        photos=[{"value": "https://photos.example.com/ann.jpg", "type": "photo", "primary": True}],
        addresses=[{**address, "type": "work", "primary": True}],
        phoneNumbers=[{"value": "555-0001", "type": "work"}, {"value": "555-0002", "type": "mobile"}],
        roles=[{"value": "Tech Lead", "primary": "true"}],
        groups=[],
        active=True,
        password="not kept",
        externalId="idp-1",
        **{api.urns.enterprise: company, api.urns.profile: {"startDate": "2024-04-10T00:00:00+0000"}},
    )
    expected = profile_user(
        org,
        api,
        shown,
        "ann",
        schemas=[api.urns.user, api.urns.enterprise, api.urns.profile],
        name={"givenName": "Ann", "familyName": "Example", "honorificPrefix": "Dr."},
        displayName="Ann E",
        profileUrl="https://login.example.com/ann",
        title="Tour Guide",
        timezone="America/New York",
        emails=[
            {"value": "ann@example.com", "primary": True},
            {"value": "ann.alt@example.com", "primary": False},
        ],
        photos=[{"value": "https://photos.example.com/ann.jpg", "type": "photo"}],
        addresses=[address],
        phoneNumbers=[{"value": "555-0001", "type": "mobile"}, {"value": "555-0002", "primary": True}],
        userType="Employee",
        roles=[{"value": "Tech Lead", "primary": True}],
        preferredLanguage="en_US",
        locale="en_US",
        **{api.urns.enterprise: company, api.urns.profile: {"startDate": "2024-04-10T00:00:00+0000"}},
    )
    check_same(shown, expected)
    check_same(api.user(shown["id"]), expected)


@pytest.mark.parametrize(("plan", "prefix"), [("enterprise", "W"), ("business_plus", "U")])
def test_ids_begin_with_the_letter_of_the_plan(make_org: MakeOrg, plan: str, prefix: str) -> None:
    assert make_org(plan=plan).api("v2").create_user("ann")["id"][0] == prefix


@pytest.mark.parametrize(
    ("given", "username"),
    [
        ("guestUser", "guestuser"),
        ("Ann.B_c-9@Example.com", "ann.b_c-9"),
        ("bartholomew.featherstone@example.com", "bartholomew.featherst"),
        ("ann smith", "ann_smith"),
        ("ann+1", "ann_1"),
        ("änn", "_nn"),
        (" ann ", "ann"),
        ("a" * 21, "a" * 21),
    ],
)
def test_user_names_become_slack_usernames(api: Api, given: str, username: str) -> None:
    shown = api.create_user("ann", userName=given, emails=[{"value": "ann@example.com"}])
    assert (shown["userName"], shown["nickName"], shown["displayName"]) == (username, username, username)


def test_an_address_as_user_name_gets_a_number_where_its_local_part_is_taken(api: Api) -> None:
    names = []
    for domain in ("a.example", "b.example", "c.example"):
        mail = f"ann@{domain}"
        names.append(api.create_user("x", userName=mail, emails=[{"value": mail}])["userName"])
    assert names == ["ann", "ann2", "ann3"]


@pytest.mark.parametrize(
    ("user_name", "code"),
    [
        ("a" * 22, f"username_too_long (user={'a' * 22})"),
        ("", "username_empty"),
        (" ", "username_empty"),
        (None, "username_required"),
        ("...", "username_invalid (user=...)"),
        ("Here", "username_not_allowed (user=here)"),
        (7, "invalid_attribute_format (attribute=userName)"),
    ],
)
def test_bad_user_names_are_refused(api: Api, user_name: Any, code: str) -> None:
    api.check_refused(api.post("Users", api.user_body("ann", userName=user_name)), code)
    assert ok(api.get("Users"))["totalResults"] == 1


def test_a_user_name_is_required(api: Api) -> None:
    body = api.user_body("ann", nickName="ann")
    del body["userName"]
    api.check_refused(api.post("Users", body), "username_required")


def test_user_name_wins_over_nick_name(api: Api) -> None:
    shown = api.create_user("ann", nickName="annie")
    assert (shown["userName"], shown["nickName"]) == ("ann", "ann")


def test_a_taken_username_is_a_conflict_in_any_case(api: Api) -> None:
    api.create_user("ann")
    body = api.user_body("x", userName="ANN")
    api.check_refused(api.post("Users", body), "username_taken (user=ann)", 409)


def test_a_taken_address_is_a_conflict_that_names_its_holder_even_a_deactivated_one(api: Api) -> None:
    holder = api.create_user("ann")["id"]
    assert api.delete(f"Users/{holder}").status_code in (200, 204)
    for mail in ("ann@example.com", "ANN@Example.com"):
        refused = api.post("Users", api.user_body("bob", emails=[{"value": mail}]))
        api.check_refused(refused, f"email_taken (user=bob, existing_user={holder})", 409)


def test_a_secondary_address_is_taken_too(api: Api) -> None:
    both = [{"value": "ann@example.com", "primary": True}, {"value": "alt@example.com"}]
    holder = api.create_user("ann", emails=both)["id"]
    refused = api.post("Users", api.user_body("bob", emails=[{"value": "alt@example.com"}]))
    api.check_refused(refused, f"email_taken (user=bob, existing_user={holder})", 409)


ADDRESSES: list[tuple[Any, list[str]]] = [
    ([{"value": "a@x.example"}, {"value": "b@x.example"}], ["a@x.example", "b@x.example"]),
    ([{"value": "a@x.example"}, {"value": "b@x.example", "type": "work"}], ["b@x.example", "a@x.example"]),
    (
        [{"value": "a@x.example", "type": "work"}, {"value": "b@x.example", "primary": True}],
        ["b@x.example", "a@x.example"],
    ),
    (
        [{"value": "a@x.example"}, {"value": "b@x.example", "primary": "true"}],
        ["b@x.example", "a@x.example"],
    ),
    ([{"value": f"{c}@x.example"} for c in "abc"], ["a@x.example", "b@x.example"]),
    (["a@x.example"], ["a@x.example"]),
    ({"value": "a@x.example"}, ["a@x.example"]),
]


@pytest.mark.parametrize(("given", "kept"), ADDRESSES)
def test_two_addresses_are_kept_and_one_is_primary(api: Api, given: Any, kept: list[str]) -> None:
    shown = api.create_user("ann", emails=given)["emails"]
    assert shown == [{"value": mail, "primary": not i} for i, mail in enumerate(kept)]


@pytest.mark.parametrize(
    ("emails", "code"),
    [
        (None, "email_empty"),
        ([], "email_empty"),
        ([{"value": ""}], "email_empty"),
        ([{"value": "nobody"}], "bad_email_address (email=nobody)"),
        ([{"value": "ann@exämple.com"}], "bad_email_address (email=ann@exämple.com)"),
        (7, "emails_invalid"),
        ([7], "emails_invalid"),
        ([{"value": 7}], "emails_invalid"),
    ],
)
def test_bad_addresses_are_refused(api: Api, emails: Any, code: str) -> None:
    api.check_refused(api.post("Users", api.user_body("ann", emails=emails)), code)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("First Last", "First Last"),
        ("Łukasz (O'Neil), [x]/{y}; z._-", "Łukasz (O'Neil), [x]/{y}; z._-"),
        ("Ann & Bob!", "Ann _ Bob_"),
        ("", "ann"),
        ("é" * 80, "é" * 80),
    ],
)
def test_display_names_keep_letters_of_every_language(api: Api, given: str, shown: str) -> None:
    assert api.create_user("ann", displayName=given)["displayName"] == shown


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("@ann", "invalid_starts_with_at (user=ann)"),
        ("ann@work", "invalid_name_specials (user=ann)"),
        ("ann 🙂", "invalid_emoji_not_allowed"),
        ("a" * 81, "invalid_name_maxlength (user=ann)"),
        ("Everyone", "invalid_reserved_word (user=ann)"),
        (7, "invalid_attribute_format (attribute=displayName)"),
    ],
)
def test_bad_display_names_are_refused(api: Api, given: Any, code: str) -> None:
    api.check_refused(api.post("Users", api.user_body("ann", displayName=given)), code)


def test_without_a_name_the_display_name_is_the_given_name(api: Api) -> None:
    assert api.create_user("a", displayName="Test")["name"] == {"givenName": "Test", "familyName": ""}


def test_a_name_of_spaces_only_is_refused(api: Api) -> None:
    body = api.user_body("ann", name={"givenName": " ", "familyName": " "})
    api.check_refused(api.post("Users", body), "invalid_name_required")


PHONES: list[tuple[Any, str | None, str | None]] = [  # given, primaryPhone, mobilePhone
    ([{"value": "1"}], "1", None),
    ([{"value": "1", "primary": True}], "1", None),
    ([{"value": "1", "primary": False}], "1", None),
    ([{"value": "1", "type": "mobile"}], "1", None),
    ([{"value": "1", "type": "work"}], None, "1"),
    ([{"value": "1", "primary": True}, {"value": "2", "primary": False}], "1", "2"),
    ([{"value": "1", "type": "work"}, {"value": "2", "type": "mobile"}], "2", "1"),
]


@pytest.mark.parametrize(("given", "primary", "mobile"), PHONES)
def test_phone_types_mean_different_things_in_request_and_response(
    api: Api, given: Any, primary: str | None, mobile: str | None
) -> None:
    shown = api.create_user("ann", phoneNumbers=given)["phoneNumbers"]
    assert shown == [{"value": mobile, "type": "mobile"}, {"value": primary, "primary": True}]


@pytest.mark.parametrize("photo", ["https://example.com/a.jpg", "data:image/png;base64,iVBORw0KGgo="])
def test_a_photo_is_a_url_or_data(api: Api, photo: str) -> None:
    given = [{"value": "https://example.com/other.jpg"}, {"value": photo, "primary": True}]
    assert api.create_user("ann", photos=given)["photos"] == [{"value": photo, "type": "photo"}]


@pytest.mark.parametrize("photos", [[{"value": "file:///etc/passwd"}], [{"value": 7}], 7])
def test_bad_photos_are_refused(api: Api, photos: Any) -> None:
    api.check_refused(api.post("Users", api.user_body("ann", photos=photos)), "photos_invalid")


@pytest.mark.parametrize("roles", [["Tech Lead"], [{"value": "Tech Lead", "primary": "true"}], "Tech Lead"])
def test_a_role_is_an_object_or_a_text(api: Api, roles: Any) -> None:
    assert api.create_user("ann", roles=roles)["roles"] == [{"value": "Tech Lead", "primary": True}]


@pytest.mark.parametrize("by", ["id", "email", "userName"])
def test_a_manager_is_named_by_id_address_or_user_name(api: Api, by: str) -> None:
    boss = api.create_user("boss")
    reference = {"id": boss["id"], "email": "BOSS@example.com", "userName": "Boss"}[by]
    shown = api.create_user("ann", **{api.urns.enterprise: {"manager": {"managerId": reference}}})
    assert shown[api.urns.enterprise]["manager"] == {"managerId": boss["id"]}


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("phoneNumbers", 7),
        ("addresses", "Fremont Street"),
        ("roles", [7]),
        ("userType", {}),
        ("enterprise", {"department": 7}),
        ("enterprise", {"manager": {"managerId": "nobody"}}),
        ("enterprise", {"manager": {"displayName": "Boss"}}),
        ("enterprise", "Sales"),
        ("profile", {"startDate": "tomorrow"}),
    ],
)
def test_an_invalid_custom_field_costs_the_custom_profile_and_not_the_user(
    org: Org, api: Api, attribute: str, value: Any
) -> None:
    key = {"enterprise": api.urns.enterprise, "profile": api.urns.profile}.get(attribute, attribute)
    shown = api.create_user("ann", title="Cook", **({"locale": "en_US"} | {key: value}))
    check_same(shown, bare_user(org, api, shown, "ann", title="Cook"))


def test_profile_fields_are_at_most_fifty(org: Org) -> None:
    for number in range(50):
        org.run("profile-field", "add", "--name", f"field_{number}")
    api = org.api("v2")
    shown = api.create_user("ann", title="Cook", userType="Employee")
    check_same(shown, bare_user(org, api, shown, "ann", title="Cook"))
    change = {"op": "replace", "path": "userType", "value": "Employee"}
    refused = api.patch_user(shown["id"], change)
    api.check_refused(refused, "unable_to_create_team_profile_fields")


@pytest.mark.parametrize("active", [False, "False", "false"])
def test_a_user_may_be_created_inactive(api: Api, active: Any) -> None:
    assert api.create_user("ann", active=active)["active"] is False


def test_unknown_attributes_are_ignored_and_names_have_no_case(api: Api) -> None:
    body = {
        "SCHEMAS": [api.urns.user],
        "USERNAME": "ann",
        "Emails": [{"Value": "ann@example.com", "Primary": True}],
        "shoeSize": 43,
        "urn:example:other": {"x": 1},
        "x509Certificates": [],
    }
    shown = created(api.post("Users", body))
    assert (shown["userName"], shown["emails"][0]["value"]) == ("ann", "ann@example.com")


def test_the_urns_of_the_other_version_are_understood(api: Api) -> None:
    other = api.other().urns
    extension = {other.enterprise: {"department": "Sales"}}
    shown = api.create_user("ann", schemas=[other.user, other.enterprise], **extension)
    assert shown[api.urns.enterprise]["department"] == "Sales"


@pytest.mark.parametrize("schemas", [None, []])
def test_schemas_are_required(api: Api, schemas: Any) -> None:
    refused = api.post("Users", api.user_body("ann", schemas=schemas))
    api.check_refused(refused, "missing_schema_element")


def test_groups_are_read_only(api: Api) -> None:
    group = api.create_group("Sales")
    assert api.create_user("ann", groups=[{"value": group["id"]}])["groups"] == []
    refused = api.post("Users", api.user_body("bob", groups="Sales"))
    assert detail(refused) == "groups_invalid"


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json;charset=utf-8", "application/scim+json"]
)
def test_both_media_types_are_taken(api: Api, media_type: str) -> None:
    headers = {"Content-Type": media_type, "Accept": media_type}
    response = api.send("POST", "Users", api.user_body("ann"), headers=headers)
    assert created(response)["userName"] == "ann"
    assert response.headers["content-type"] == "application/json;charset=utf-8"


def test_both_versions_show_the_same_user(api: Api) -> None:
    shown = api.create_user("ann", userType="Employee")
    assert api.other().user(shown["id"])["userType"] == "Employee"


def test_links_begin_with_the_base_url_whatever_the_host_header_says(api: Api) -> None:
    response = api.send("POST", "Users", api.user_body("ann"), headers={"Host": "evil.example"})
    assert created(response)["meta"]["location"].startswith(f"{api.root}/Users/")
    assert "evil" not in response.text


def test_bots_and_owners_are_users_like_others(org: Org, api: Api) -> None:
    bot = api.user(org.create_user("helper", "bot"))
    mail = [{"value": f"helper@{org.domain}.example", "primary": True}]
    check_same(bot, bare_user(org, api, bot, "helper", emails=mail))
    owner = api.user(org.owner_id)
    mail = [{"value": org.owner_email, "primary": True}]
    check_same(owner, bare_user(org, api, owner, "owner", emails=mail))
