"""ONE table: what went wrong → status and bytes, in the dialect of the request.

Statuses are not documented by Slack but for a few; where its page is silent they are those that the
known connectors tell apart (400, 401, 403, 404, 409, 429).

Source: Slack SCIM API reference, heading *Errors*.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from rosterd.directory.errors import DirectoryError
from rosterd.scim import errors as scim
from rosterd.scim.dialect import Dialect
from rosterd.store.engine import StoreUnavailable
from rosterd.web.reply import Reply

log = logging.getLogger("rosterd.web")

RETRY_AFTER = "1"
"""Whole seconds: what the clients' SDKs parse."""


class HttpError(Exception):
    """The edge itself refused: a code of Slack's, and headers that belong to the answer.

    ``reason`` is for the log alone.
    """

    def __init__(self, code: str, headers: Mapping[str, str] | None = None, *, reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.headers = headers or {}
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else self.code


STATUS: Mapping[str, int] = {
    "invalid_authentication": 401,
    "missing_authentication": 401,
    "cannot_disable_bot_user_with_scim": 403,
    "cannot_disable_primary_owner": 403,
    "cannot_make_user_guest": 403,
    "cannot_modify_gdpr": 403,
    "cannot_modify_owner": 403,
    "permission_denied": 403,
    "plus_teams_only": 403,
    "bad_endpoint": 404,
    "no_such_group": 404,
    "no_such_user": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "email_taken": 409,
    "group_creation_failed": 409,
    "user_creation_failed": 409,
    "username_taken": 409,
    "request_too_large": 413,
    "resource_locked": 429,
    "too_many_requests": 429,
    "internal_error": 500,
    "service_unavailable": 503,
}
"""Every code that is not a 400."""

SCIM_CODES: Mapping[type[scim.ScimError], str] = {
    scim.EmptyFilter: "no_filters",
    scim.IncompleteFilter: "incomplete_filter",
    scim.InvalidFilterGroup: "invalid_filter_group",
    scim.FilterTooComplex: "query_building_failed",
    scim.InvalidFilter: "invalid_query",
    scim.InvalidPage: "invalid_query",
    scim.InvalidSortOrder: "invalid_sort_order",
    scim.MissingSchemas: "missing_schema_element",
    scim.ScimError: "invalid_request_payload",
}


def reply_to(error: Exception, dialect: Dialect, request_id: str) -> Reply:
    """The answer to a request that failed. What nothing here explains is logged and a plain 500."""
    match error:
        case DirectoryError():
            return _reply(str(error), STATUS.get(error.code, 400), dialect)
        case scim.ScimError():
            code = next(SCIM_CODES[kind] for kind in type(error).__mro__ if kind in SCIM_CODES)
            # The body has Slack's bare code; why is said beside it.
            return _reply(code, STATUS.get(code, 400), dialect, {"X-Rosterd-Reason": error.detail})
        case HttpError():
            return _reply(error.code, STATUS.get(error.code, 400), dialect, error.headers)
        case StoreUnavailable():
            log.error(
                "request %s: store unavailable: %s", request_id, error, extra={"request_id": request_id}
            )
            return _reply("service_unavailable", 503, dialect, {"Retry-After": RETRY_AFTER})
        case _:
            log.error("request %s failed", request_id, exc_info=error, extra={"request_id": request_id})
            return _reply("internal_error", 500, dialect)


def _reply(code: str, status: int, dialect: Dialect, headers: Mapping[str, str] | None = None) -> Reply:
    body: dict[str, Any] = dialect.error_body(code, status)
    return Reply(status, body, dict(headers or {}))
