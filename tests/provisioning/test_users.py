"""Bodies of users: both versions say the same, PUT blanks, PATCH is applied whole, and rendering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import UNSET

from rosterd.directory.errors import Invalid
from rosterd.directory.model import GroupId, GroupRef, Profile, User
from rosterd.directory.users import UserChange
from rosterd.provisioning import users
from rosterd.scim.dialect import DIALECTS, V1, V2, Dialect
from rosterd.scim.errors import InvalidPath, MissingSchemas, ScimError, TooLarge
from tests.provisioning.memory import BARE, FULL, GUEST, PEOPLE, SITE, applied, placed

dialects = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
people = st.sampled_from(PEOPLE)

texts = st.sampled_from(["", " ", "Zoë", "x"]) | st.text(max_size=5)
PLAIN = (
    "userName", "nickName", "name.givenName", "name.familyName", "name.honorificPrefix", "displayName",
    "title", "timezone", "userType", "preferredLanguage", "locale", "enterprise:employeeNumber",
    "enterprise:department", "enterprise:manager.managerId",
)  # fmt: skip
plain_edits = st.dictionaries(st.sampled_from(PLAIN), texts | st.just(7), max_size=4)
flags = st.sampled_from([True, False, "true", "False", "perhaps", None])
address_values = st.sampled_from(["a@x.example", "b@x.example", "ann@example.com", "ann@home.example", ""])
elements = st.fixed_dictionaries(
    {"value": address_values},
    optional={
        "type": st.sampled_from(["work", "home", "mobile"]),
        "primary": st.sampled_from([True, False, "true"]),
    },
)
list_edits = st.dictionaries(
    st.sampled_from(["emails", "phoneNumbers", "roles", "photos"]),
    st.lists(elements, min_size=1, max_size=3),
    max_size=2,
)
REMOVABLE = (
    "name", "name.familyName", "title", "emails", "phoneNumbers", "roles", "addresses", "photos",
    "enterprise:department", "enterprise:manager.managerId", "enterprise",
)  # fmt: skip
removals = st.lists(st.sampled_from(REMOVABLE), max_size=3, unique=True)


def wire_path(path: str, dialect: Dialect) -> str:
    extension, colon, rest = path.rpartition(":")
    if not colon:
        return dialect.extensions.get(path, path)
    return f"{dialect.extensions[extension]}{dialect.path_separator}{rest}"


def merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Nested objects as one; the order of first mention stays."""
    whole: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            both = isinstance(value, dict) and isinstance(whole.get(name), dict)
            whole[name] = merged([whole[name], value]) if both else value
    return whole


def partial_body(removed: list[str], edits: dict[str, Any]) -> dict[str, Any]:
    """The v1 partial resource that removes, then sets."""
    meta = {"attributes": [wire_path(path, V1) for path in removed]}
    parts = [placed(path, value, V1) for path, value in edits.items()]
    return merged([{"schemas": [V1.user_urn], "meta": meta}, *parts])


def patch_op(removed: list[str], edits: dict[str, Any]) -> dict[str, Any]:
    """The v2 message that says the same: lists are added to, the rest is replaced."""
    messages: list[dict[str, Any]] = [{"op": "remove", "path": wire_path(path, V2)} for path in removed]
    for path, value in in_order_of_objects(edits):
        verb = "add" if isinstance(value, list) else "replace"
        messages.append({"op": verb, "path": wire_path(path, V2), "value": value})
    return {"schemas": [V2.patch_urn], "Operations": messages}


def in_order_of_objects(edits: dict[str, Any]) -> list[tuple[str, Any]]:
    """The edits in the order in which one JSON object can say them: those of one object together."""
    owners = [path.partition(".")[0] if ":" not in path else path.partition(":")[0] for path in edits]
    first = {owner: place for place, owner in reversed(list(enumerate(owners)))}
    places = sorted(range(len(owners)), key=lambda place: (first[owners[place]], place))
    found = list(edits.items())
    return [found[place] for place in places]


def outcome(read: Callable[[], UserChange]) -> object:
    """The change, or the code that refuses it."""
    try:
        return read()
    except Invalid as error:
        return error.code
    except ScimError as error:
        return type(error)


@given(people, removals, plain_edits, list_edits, st.none() | flags)
def test_a_patch_op_and_a_partial_resource_that_say_the_same_are_the_same_change(
    user: User, removed: list[str], plain: dict[str, Any], lists: dict[str, Any], active: object
) -> None:
    names = [plain.get("name.givenName"), plain.get("name.familyName")]
    assume(names != [" ", " "])  # as a whole such a name is refused; part by part each is cleared
    edits = plain | lists | ({} if active is None else {"active": active})
    v1 = outcome(lambda: users.modification(users.steps(partial_body(removed, edits), V1), user))
    if not removed and not edits:  # v2 knows no message without an operation
        assert applied(users.modification(users.steps(partial_body([], {}), V1), user), user) == user
        return
    assert v1 == outcome(lambda: users.modification(users.steps(patch_op(removed, edits), V2), user))


@given(people, removals, plain_edits, list_edits)
def test_a_patch_applied_twice_changes_nothing_more(
    user: User, removed: list[str], plain: dict[str, Any], lists: dict[str, Any]
) -> None:
    body = partial_body(removed, plain | lists)
    try:
        once = applied(users.modification(users.steps(body, V1), user), user)
    except (Invalid, ScimError):
        return
    assert applied(users.modification(users.steps(body, V1), once), once) == once


@given(people, plain_edits, list_edits)
def test_a_put_applied_twice_changes_nothing_more(
    user: User, plain: dict[str, Any], lists: dict[str, Any]
) -> None:
    base = {"schemas": [V1.user_urn], "userName": "ann", "emails": [{"value": "ann@example.com"}]}
    body = merged([base, *(placed(path, value, V1) for path, value in (plain | lists).items())])
    try:
        once = applied(users.replacement(body, user), user)
    except (Invalid, ScimError):
        return
    assert applied(users.replacement(body, once), once) == once


class TestPut:
    def test_what_the_body_does_not_mention_is_blanked(self) -> None:
        body = {"schemas": [V2.user_urn], "userName": "ann", "emails": [{"value": "ann@example.com"}]}
        after = applied(users.replacement(body, FULL), FULL)
        assert after.display_name == ""
        assert after.profile == Profile(
            given_name="Ann",
            family_name="Lee",
            profile_url="https://example.com/ann",
            has_custom=True,
            start_date="",
        )

    def test_active_and_guest_status_stay_where_the_body_is_silent(self) -> None:
        body = {"schemas": [V2.user_urn], "userName": "gus", "emails": [{"value": "ann@example.com"}]}
        change = users.replacement(body, GUEST)
        after = applied(change, GUEST)
        assert (after.role, after.guest_expires, after.deactivated) == (
            GUEST.role,
            GUEST.guest_expires,
            False,
        )

    def test_a_guest_extension_without_expiration_ends_the_expiration(self) -> None:
        guest = {V2.extensions["guest"]: {"type": "multi"}}
        body = {
            "schemas": [V2.user_urn],
            "userName": "gus",
            "emails": [{"value": "ann@example.com"}],
            **guest,
        }
        assert applied(users.replacement(body, GUEST), GUEST).guest_expires is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"userName": None}, "username_required"),
        ({"userName": " "}, "username_empty"),
        ({"emails": None}, "email_empty"),
        ({"emails": []}, "email_empty"),
        ({"emails": [{"value": ""}]}, "email_empty"),
        ({"emails": "x", "name": 7}, "invalid_attribute_format"),
        ({"name": {"givenName": " ", "familyName": " "}}, "invalid_name_required"),
        ({V2.extensions["guest"]: {"expiration": "2030-01-01"}}, "improper_enterprise_schema_format"),
        ({V2.extensions["guest"]: 7}, "invalid_attribute_format"),
        ({"profileUrl": "ftp://x"}, "invalid_attribute_format"),
    ],
)
def test_a_post_that_cannot_be_is_refused(fields: dict[str, Any], code: str) -> None:
    body = {"schemas": [V2.user_urn], "userName": "ann", "emails": [{"value": "ann@example.com"}]}
    with pytest.raises(Invalid) as caught:
        users.creation(body | fields)
    assert caught.value.code == code


def test_a_body_needs_schemas_and_a_username() -> None:
    with pytest.raises(MissingSchemas):
        users.creation({"userName": "ann"})
    with pytest.raises(Invalid, match="username_required"):
        users.creation({"schemas": [V2.user_urn], "emails": [{"value": "ann@example.com"}]})


def test_the_username_wins_over_the_nickname() -> None:
    body = {"schemas": [V1.user_urn], "userName": "ann", "nickName": "anna"}
    assert users.modification(users.steps(body, V1), BARE).username == "ann"
    assert (
        users.modification(users.steps({"schemas": [V1.user_urn], "nickName": "anna"}, V1), BARE).username
        == "anna"
    )


@dialects
def test_unknown_attributes_are_ignored_in_a_post_and_refused_in_a_patch(dialect: Dialect) -> None:
    known = {"schemas": [dialect.user_urn], "userName": "ann", "emails": [{"value": "ann@example.com"}]}
    assert users.creation(known | {"shoeSize": 7}) == users.creation(known)
    with pytest.raises(InvalidPath):
        users.modification(
            users.steps({"schemas": [dialect.user_urn], "title": "x", "shoeSize": 7}, dialect), BARE
        )


@dialects
def test_a_patch_is_checked_whole_before_anybody_is_read(dialect: Dialect) -> None:
    body = {"schemas": [dialect.user_urn], "title": "x", "enterprise": {"department": "x"}}
    with pytest.raises(InvalidPath, match="enterprise"):
        users.steps(body, dialect)
    with pytest.raises(InvalidPath):
        users.steps({"schemas": [dialect.user_urn], "meta": {"attributes": ["title", "shoeSize"]}}, dialect)


def test_a_patch_takes_250_operations() -> None:
    def titles(count: int) -> dict[str, Any]:
        operations = [{"op": "replace", "path": "title", "value": str(number)} for number in range(count)]
        return {"schemas": [V2.patch_urn], "Operations": operations}

    found = users.steps(titles(users.MAX_STEPS), V2)
    assert len(found) == users.MAX_STEPS == 250
    assert applied(users.modification(found, BARE), BARE).profile.title == "249"
    with pytest.raises(TooLarge):
        users.steps(titles(251), V2)
    with pytest.raises(TooLarge):
        users.steps({"schemas": [V1.user_urn], "meta": {"attributes": ["title"] * 251}}, V1)


@dialects
@pytest.mark.parametrize("said", [{"type": None}, None], ids=["type", "extension"])
def test_a_null_guest_extension_in_a_patch_says_nothing(dialect: Dialect, said: object) -> None:
    body = {"schemas": [dialect.user_urn], "title": "x", dialect.extensions["guest"]: said}
    change = users.modification(users.steps(body, dialect), GUEST)
    assert (change.guest, change.guest_expires) == (UNSET, UNSET)


@pytest.mark.parametrize("op", ["add", "replace"])
def test_only_a_removal_makes_a_guest_a_member(op: str) -> None:
    def change(operation: dict[str, Any]) -> UserChange:
        body = {"schemas": [V2.patch_urn], "Operations": [{"path": V2.extensions["guest"], **operation}]}
        return users.modification(users.steps(body, V2), GUEST)

    assert change({"op": op, "value": None}).guest is UNSET
    assert change({"op": "remove"}).guest is False


@dialects
def test_dropped_custom_fields_leave_the_second_address_and_it_is_shown(dialect: Dialect) -> None:
    emails = [{"value": "ann@example.com", "primary": True}, {"value": "ann@home.example"}]
    body = {"schemas": [dialect.user_urn], "userName": "ann", "emails": emails, "userType": "x", "locale": 7}
    shown = users.render(applied(users.creation(body)), (), dialect, SITE)
    assert [each["value"] for each in shown["emails"]] == ["ann@example.com", "ann@home.example"]
    assert (shown["userType"], shown["locale"]) == (None, None)


def test_attribute_names_count_in_any_case() -> None:
    body = {"SCHEMAS": [V2.user_urn], "username": "ann", "EMAILS": [{"Value": "ann@example.com"}]}
    assert users.creation(body).email == "ann@example.com"


HEAD = ["schemas", "id", "externalId", "meta", "userName", "nickName", "name", "displayName", "profileUrl",
        "title", "timezone", "active", "emails", "photos"]  # fmt: skip
CUSTOM = ["addresses", "phoneNumbers", "userType", "roles", "preferredLanguage", "locale"]


class TestRendering:
    @dialects
    def test_keys_are_in_slacks_order(self, dialect: Dialect) -> None:
        enterprise, guest, profile = (dialect.extensions[key] for key in ("enterprise", "guest", "profile"))
        for user, keys in (
            (BARE, [*HEAD, "groups"]),
            (FULL, [*HEAD, *CUSTOM, enterprise, profile, "groups"]),
            (GUEST, [*HEAD, "groups", guest]),
        ):
            assert list(users.render(user, (), dialect, SITE)) == keys

    @dialects
    def test_schemas_lists_the_extensions_that_are_there(self, dialect: Dialect) -> None:
        for user in PEOPLE:
            shown = users.render(user, (), dialect, SITE)
            urns = [key for key in shown if key.startswith("urn:")]
            assert set(shown["schemas"]) == {dialect.user_urn, *urns}

    def test_unset_custom_fields_are_null_once_one_was_set(self) -> None:
        user = applied(
            users.modification(users.steps({"schemas": [V1.user_urn], "userType": "x"}, V1), BARE), BARE
        )
        shown = users.render(user, (), V2, SITE)
        assert shown["locale"] is None
        assert shown[V2.extensions["enterprise"]]["department"] is None
        assert shown[V2.extensions["enterprise"]]["manager"] == {"managerId": None}

    @dialects
    def test_it_says_where_it_is_and_since_when(self, dialect: Dialect) -> None:
        shown = users.render(BARE, [GroupRef(GroupId("S1"), "Sales")], dialect, SITE)
        assert shown["meta"] == {
            "created": "2020-01-02T03:04:05-08:00",
            "location": f"https://scim.example.com/scim/{dialect.name}/Users/{BARE.id}",
        }
        assert shown["groups"] == [{"value": "S1", "display": "Sales"}]
        assert shown["profileUrl"] == "https://scim.example.com/acme/team/ann"
        assert shown["photos"][0]["value"] == f"https://scim.example.com/acme/avatars/{BARE.id}-192.png"
