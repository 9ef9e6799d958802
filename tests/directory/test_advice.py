"""What to do about an error: nothing that a program can be answered is without a sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import rosterd
from rosterd.directory.advice import _TABLE, ADVICE, _rows
from rosterd.web import audit, errors, refusals
from rosterd.web.methods import errors as method_errors
from rosterd.web.methods.api import METHODS
from tests.protocol.test_errors import DOCUMENTED

SOURCE = Path(rosterd.__file__).parent
RAISED = {
    "Invalid", "InvalidProfile", "NotAllowed", "NotFound", "Taken", "LimitReached",
    "HttpError", "MethodError", "AuditError",
}  # fmt: skip

BY_OTHER_MEANS = {
    "already_over", "already_running", "already_submitted", "already_undone", "bad_redirect_uri",
    "batch_cancelled", "batch_expired", "cannot_change_yourself", "changed_meanwhile",
    "confirmation_mismatch", "domain_reserved", "invalid_app_name", "invalid_ip_range",
    "invalid_issuer", "invalid_link", "invalid_overlap", "invalid_password", "invalid_role",
    "invalid_token_name", "invalid_url",
    "no_such_app", "no_such_batch", "no_such_change", "no_such_idp", "no_such_password",
    "no_such_token", "no_such_webhook", "nobody_chosen", "not_undoable", "not_your_draft",
    "nothing_to_do", "org_exists", "preview_not_ready", "token_ended", "token_rotated",
    "too_many_channels", "too_many_deactivations", "too_many_drafts", "too_many_ip_ranges",
    "too_many_webhooks", "verification_under_way", "wrong_password",
}  # fmt: skip
"""Of the command line and of pages alone."""


def raised(folder: str) -> Iterator[str]:
    """Every code that is raised in a package."""
    for path in (SOURCE / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in RAISED:
                yield from (
                    part.value
                    for part in ast.walk(ast.Tuple(node.args[:1]))
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                )


def answered() -> set[str]:
    """Every code that SCIM, the Web API and the audit API have."""
    words = {word for method in METHODS.values() for word in method.errors.values()}
    words |= {method.plan_error for method in METHODS.values()}
    words |= {method.admins_only for method in METHODS.values() if method.admins_only}
    found = {code for folder in ("directory", "actions", "provisioning", "web") for code in raised(folder)}
    return (
        (found - BY_OTHER_MEANS)
        | DOCUMENTED
        | words
        | {refusals.OVERFLOW}
        | {*errors.STATUS, *errors.SCIM_CODES.values()}
        | {*method_errors.WORDS.values(), *method_errors.STATUS}
        | {*audit._STATUS, *audit._WORDS.values()}
    )


def test_every_error_has_its_sentence() -> None:
    assert sorted(answered() - ADVICE.keys()) == []


def test_every_code_has_one_sentence() -> None:
    codes = [code for code, _ in _rows(_TABLE)]
    assert sorted({code for code in codes if codes.count(code) > 1}) == []


def test_every_text_is_whole() -> None:
    for text in ADVICE.values():
        assert re.fullmatch(r"[A-Z][^\n]{20,300}\.", text), text
