from __future__ import annotations

import pytest

from rosterd.scim.dialect import DIALECTS, V1, V2, Dialect, extension_of, split_urn

ENTERPRISE_V1 = "urn:scim:schemas:extension:enterprise:1.0"
ENTERPRISE_V2 = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def test_a_v1_error_has_exactly_two_keys_in_one_object() -> None:
    assert V1.error_body("username_taken (user=ann)", 409) == {
        "Errors": {"description": "username_taken (user=ann)", "code": 409}
    }


def test_a_v2_error_carries_its_status_as_a_number() -> None:
    assert V2.error_body("missing_schema_element", 400) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "detail": "missing_schema_element",
        "status": 400,
    }


def test_a_failed_authentication_uses_the_v1_envelope_in_v2() -> None:
    assert V2.error_body("invalid_authentication", 401) == {
        "Errors": {"description": "invalid_authentication", "code": 401}
    }


def test_the_versions_differ_in_two_statuses() -> None:
    assert (V1.statuses.patch_group, V2.statuses.patch_group) == (204, 200)
    assert (V1.statuses.delete_user, V2.statuses.delete_user) == (200, 204)
    assert V1.statuses.create == V2.statuses.create == 201


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_urn_of_a_dialect_is_known_in_any_case(dialect: Dialect) -> None:
    for key, urn in dialect.extensions.items():
        assert extension_of(urn) == extension_of(urn.upper()) == key
    assert extension_of(dialect.user_urn) == extension_of(dialect.group_urn) == ""


def test_the_core_schema_is_known_without_its_resource_type() -> None:
    assert extension_of("urn:scim:schemas:core:2.0") == ""


@pytest.mark.parametrize("urn", ["", "userName", "urn:", "urn:x", V2.list_urn, f"{ENTERPRISE_V2}s"])
def test_other_text_is_no_schema(urn: str) -> None:
    assert extension_of(urn) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("userName", ("", "userName")),
        ("", ("", "")),
        (ENTERPRISE_V2, ("enterprise", None)),
        (f"{ENTERPRISE_V2}:manager.managerId", ("enterprise", "manager.managerId")),
        (f"{ENTERPRISE_V2}.manager.managerId", ("enterprise", "manager.managerId")),
        (f"{ENTERPRISE_V1}.department", ("enterprise", "department")),
        (f"{ENTERPRISE_V1}:department", ("enterprise", "department")),
        (f"{ENTERPRISE_V1.upper()}:department", ("enterprise", "department")),
        (f"{ENTERPRISE_V1}:", ("enterprise", "")),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", ("", "userName")),
        ("urn:ietf:params:scim:schemas:core:2.0:Username", ("", "Username")),
        ("urn:example:1.0:x", (None, "urn:example:1.0:x")),
        (f"{ENTERPRISE_V1}0:x", (None, f"{ENTERPRISE_V1}0:x")),
    ],
)
def test_a_urn_is_told_from_the_path_behind_it(text: str, expected: tuple[str | None, str | None]) -> None:
    assert split_urn(text) == expected
