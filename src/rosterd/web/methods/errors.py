"""What went wrong with a call → Slack's word for it, and its envelope.

Source: the table *Errors* on every method's page.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from rosterd.directory.errors import DirectoryError
from rosterd.store.engine import StoreUnavailable
from rosterd.web.errors import RETRY_AFTER, HttpError
from rosterd.web.reply import Reply

log = logging.getLogger("rosterd.web")


class MethodError(Exception):
    """A call that cannot be answered: Slack's word, and what stands beside it in the envelope.

    ``reason`` is for the log alone.
    """

    def __init__(self, code: str, *, reason: str = "", **beside: Any) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason
        self.beside = beside

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else self.code


def invalid_arguments(message: str) -> MethodError:
    """An argument that is missing or cannot be read; the message says which.

    >>> invalid_arguments("missing required field: user").beside
    {'response_metadata': {'messages': ['[ERROR] missing required field: user']}}
    """
    return MethodError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {message}"]})


WORDS: Mapping[str, str] = {
    "account_inactive": "user_disabled",
    "cannot_disable_primary_owner": "restricted_action",
    "cannot_make_user_guest": "restricted_action",
    "cannot_modify_gdpr": "restricted_action",
    "cannot_modify_owner": "restricted_action",
    "no_such_channel": "channel_not_found",
    "no_such_group": "no_such_subteam",
    "no_such_team": "team_not_found",
    "no_such_user": "user_not_found",
    "plus_teams_only": "paid_teams_only",
    "too_many_requests": "ratelimited",
    # of the edge itself
    "invalid_query": "invalid_form_data",
}
"""Words of the directory, and of the edge, that are others here. The rest are said as they are."""

STATUS: Mapping[str, int] = {"ratelimited": 429, "internal_error": 500, "service_unavailable": 503}
"""Every word of the edge that is not a 200. What a method says by itself always is one."""


def word(error: DirectoryError, words: Mapping[str, str]) -> str:
    """What the directory refused, as a method says it. ``words``: what its page calls otherwise."""
    return words.get(error.code) or WORDS.get(error.code, error.code)


def reply_to(error: Exception, words: Mapping[str, str], request_id: str) -> Reply:
    """The answer to a call that failed. ``words``: what this method's page calls otherwise.

    What nothing here explains is logged and a plain ``internal_error``.
    """
    match error:
        case MethodError():
            return Reply(200, {"ok": False, "error": error.code} | error.beside)
        case DirectoryError():
            return Reply(200, {"ok": False, "error": word(error, words)})
        case HttpError():
            return _reply(WORDS.get(error.code, error.code), headers=error.headers)
        case StoreUnavailable():
            log.error(
                "request %s: store unavailable: %s", request_id, error, extra={"request_id": request_id}
            )
            return _reply("service_unavailable", headers={"Retry-After": RETRY_AFTER})
        case _:
            log.error("request %s failed", request_id, exc_info=error, extra={"request_id": request_id})
            return _reply("internal_error")


def _reply(code: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(STATUS.get(code, 200), {"ok": False, "error": code}, dict(headers or {}))
