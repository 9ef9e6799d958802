"""What went wrong → status and bytes: the table is complete, in both versions."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rosterd
from rosterd.directory.errors import DirectoryError, Taken
from rosterd.scim import errors as scim
from rosterd.scim.dialect import DIALECTS, V1, V2, Dialect
from rosterd.store.engine import Conflict, StoreError, StoreUnavailable
from rosterd.web.errors import SCIM_CODES, STATUS, HttpError, reply_to

# Slack SCIM API reference, heading Errors; the statuses that connectors tell apart.
EXPECTED: dict[int, set[str]] = {
    400: {
        "addresses_invalid", "bad_email_address", "email_empty", "emails_invalid",
        "failed_to_remove_users_for_linked_subteam", "idp_group_linked_to_channels",
        "group_member_max_exceeded", "groups_invalid", "improper_enterprise_schema_format",
        "incomplete_filter", "invalid_attribute_format", "invalid_display_name",
        "invalid_emoji_not_allowed", "invalid_filter_group", "invalid_name_maxlength",
        "invalid_name_required", "invalid_name_specials", "invalid_query", "invalid_request_payload",
        "invalid_reserved_word", "invalid_sort_order", "invalid_starts_with_at", "long_nickname",
        "missing_primary_email", "missing_schema_element", "no_filters", "no_such_group_members",
        "non_org_teams_only", "password_change_not_allowed", "phoneNumbers_invalid", "photos_invalid",
        "query_building_failed", "roles_invalid", "too_many_users", "truncation_error",
        "unable_to_add_deleted_or_guest_to_group", "unable_to_create_team_profile_fields", "unknown_user",
        "unsupported_version", "username_empty", "username_invalid", "username_not_allowed",
        "username_required", "username_too_long",
    },
    401: {"invalid_authentication", "missing_authentication"},
    403: {
        "cannot_disable_bot_user_with_scim", "cannot_disable_primary_owner", "cannot_make_user_guest",
        "cannot_modify_gdpr", "cannot_modify_owner", "permission_denied", "plus_teams_only",
    },
    404: {"bad_endpoint", "no_such_group", "no_such_user"},
    405: {"method_not_allowed"},
    408: {"request_timeout"},
    409: {"email_taken", "group_creation_failed", "user_creation_failed", "username_taken"},
    413: {"request_too_large"},
    429: {"resource_locked", "too_many_requests"},
    500: {"internal_error"},
    503: {"service_unavailable"},
}  # fmt: skip
NOT_BY_SCIM = {
    "access_denied", "account_inactive", "already_in_channel", "already_in_team",
    "already_in_team_invited_user", "already_over", "already_running", "already_submitted", "already_undone",
    "bad_handle", "bad_redirect_uri", "batch_cancelled", "batch_expired", "cannot_add_more_groups_to_channel",
    "cannot_change_yourself", "cannot_modify_primary_owner",
    "cannot_set_org_admin_to_regular_at_workspace_level", "cannot_set_this_guest_to_regular_at_team_level",
    "cant_archive_general", "cant_invite_self", "cant_kick_from_general", "cant_kick_self",
    "cant_leave_general", "changed_meanwhile", "channel_is_not_private", "channel_not_in_required_workspace",
    "confirmation_mismatch", "default_channel_restricted", "description_too_long", "domain_reserved",
    "domain_taken", "feature_not_enabled", "field_taken", "forbidden_handle",
    "group_already_linked_to_channel", "group_must_not_be_empty", "handle_already_exists",
    "invalid_action", "invalid_app_name", "invalid_client", "invalid_code", "invalid_code_verifier",
    "invalid_domain", "invalid_expiration", "invalid_field_name", "invalid_form_data", "invalid_greeting",
    "invalid_ip_range", "invalid_issuer", "invalid_link", "invalid_name_punctuation", "invalid_overlap",
    "invalid_password", "invalid_request", "invalid_role", "invalid_role_for_user", "invalid_scope",
    "invalid_token_name", "invalid_url",
    "is_archived", "method_not_supported_for_channel_type", "msg_too_long", "name_taken", "name_taken_in_org",
    "no_channels", "no_primary_owner", "no_such_app", "no_such_batch", "no_such_change", "no_such_channel",
    "no_such_idp", "no_such_password", "no_such_team", "no_such_token", "no_such_webhook", "no_text",
    "no_users_provided", "nobody_chosen", "not_allowed", "not_an_admin", "not_connected", "not_in_channel",
    "not_in_workspace", "not_undoable", "not_your_draft", "nothing_chosen", "nothing_to_do", "org_exists",
    "preview_not_ready", "primary_owner_exists", "required_by_group", "restricted_by_allowlist",
    "single_channel_guest_needs_one_channel", "team_not_given", "token_ended", "token_rotated",
    "too_many_channels", "too_many_drafts", "too_many_deactivations", "too_many_ip_ranges",
    "too_many_webhooks", "ura_max_channels",
    "user_already_team_member", "user_is_bot", "user_is_deactivated", "user_is_not_a_guest",
    "user_is_restricted", "user_must_be_in_workspace", "verification_under_way", "wrong_password",
}  # fmt: skip
"""Codes that no SCIM request can meet: the Web API, the command line and pages have words for them."""

RAISED = {"DirectoryError", "HttpError", "Invalid", "InvalidProfile", "LimitReached", "NotAllowed",
          "NotFound", "Taken", "error"}  # fmt: skip
FLOORS = ("actions", "directory", "provisioning", "web")


def codes_in(tree: ast.AST) -> Iterator[str]:
    """Codes that a module raises, names as ``…_invalid``, or keeps to be raised."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(code)), *_]) if name in RAISED:
                yield code
            case ast.Assign(
                targets=[ast.Attribute(attr="without_email")], value=ast.Constant(value=str(code))
            ):
                yield code
            case ast.Constant(value=str(text)) if re.fullmatch(r"[A-Za-z]+s_invalid", text):
                yield text


def codes_of_the_source() -> set[str]:
    root = Path(rosterd.__file__).parent
    paths = [path for floor in FLOORS for path in (root / floor).rglob("*.py")]
    return {code for path in paths for code in codes_in(ast.parse(path.read_text()))}


def subclasses(kind: type[scim.ScimError]) -> Iterator[type[scim.ScimError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


def test_every_code_that_is_raised_has_its_status_here_and_there_is_no_other() -> None:
    raised = codes_of_the_source() | set(SCIM_CODES.values()) | {"internal_error", "service_unavailable"}
    assert raised - NOT_BY_SCIM == set().union(*EXPECTED.values())


@pytest.mark.parametrize(
    ("status", "code"), [(status, code) for status, codes in EXPECTED.items() for code in sorted(codes)]
)
def test_the_status_of_a_code(status: int, code: str) -> None:
    assert STATUS.get(code, 400) == status


def test_the_table_has_no_status_that_nothing_uses() -> None:
    assert STATUS.keys() == set().union(*(codes for status, codes in EXPECTED.items() if status != 400))


SCIM_ERRORS: list[tuple[scim.ScimError, str]] = [
    (scim.ScimError("x"), "invalid_request_payload"),
    (scim.InvalidSyntax("x"), "invalid_request_payload"),
    (scim.MissingSchemas(), "missing_schema_element"),
    (scim.InvalidPath("x"), "invalid_request_payload"),
    (scim.NoTarget("x"), "invalid_request_payload"),
    (scim.TooLarge("x"), "invalid_request_payload"),
    (scim.InvalidFilter("x"), "invalid_query"),
    (scim.EmptyFilter(), "no_filters"),
    (scim.IncompleteFilter("x"), "incomplete_filter"),
    (scim.InvalidFilterGroup("x"), "invalid_filter_group"),
    (scim.FilterTooComplex("x"), "query_building_failed"),
    (scim.InvalidSortOrder("x"), "invalid_sort_order"),
    (scim.InvalidPage("count"), "invalid_query"),
]


@pytest.mark.parametrize(("error", "code"), SCIM_ERRORS, ids=lambda each: type(each).__name__)
def test_a_scim_error_is_slacks_code_and_says_why_in_a_header(error: scim.ScimError, code: str) -> None:
    reply = reply_to(error, V2, "request-1")
    assert (reply.status, reply.body["detail"]) == (400, code)
    assert reply.headers == {"X-Rosterd-Reason": error.detail}


def test_every_kind_of_scim_error_is_in_the_table() -> None:
    assert {type(error) for error, _ in SCIM_ERRORS} == set(subclasses(scim.ScimError))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_an_error_shows_what_it_is_about(dialect: Dialect) -> None:
    reply = reply_to(Taken("email_taken", user="ann", existing_user="U1"), dialect, "request-1")
    shown = "email_taken (user=ann, existing_user=U1)"
    assert reply.status == 409
    assert reply.body == dialect.error_body(shown, 409)
    assert shown in str(reply.body)


def test_a_failed_authentication_has_the_old_envelope_in_both_versions() -> None:
    error = HttpError("invalid_authentication", {"WWW-Authenticate": "Bearer"})
    for dialect in DIALECTS:
        reply = reply_to(error, dialect, "request-1")
        assert reply.body == {"Errors": {"description": "invalid_authentication", "code": 401}}
        assert reply.headers == {"WWW-Authenticate": "Bearer"}


def test_an_unavailable_store_asks_to_come_back(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        reply = reply_to(StoreUnavailable("disk full"), V1, "request-1")
    assert (reply.status, reply.headers) == (503, {"Retry-After": "1"})
    assert "disk full" not in str(reply.body)
    assert "request-1" in caplog.text


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), Conflict("secret"), StoreError("secret")])
def test_what_nothing_explains_is_logged_and_told_to_nobody(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        reply = reply_to(error, V2, "request-1")
    assert (reply.status, reply.body["detail"]) == (500, "internal_error")
    assert "request-1" in caplog.text


def test_an_unknown_code_is_a_400() -> None:
    assert reply_to(DirectoryError("something_new"), V2, "request-1").status == 400
