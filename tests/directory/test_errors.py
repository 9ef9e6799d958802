"""A refusal as people and clients read it."""

from __future__ import annotations

import pytest

from rosterd.directory.errors import DirectoryError, Invalid, NotFound, Taken


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DirectoryError("username_empty"), "username_empty"),
        (NotFound("no_such_org", org="acme"), "no_such_org (org=acme)"),
        (Taken("email_taken", user="ann", existing_user="U1"), "email_taken (user=ann, existing_user=U1)"),
        (Taken("email_taken", user="ann", existing_user=""), "email_taken (user=ann)"),
        (Invalid("bad_email_address", email=""), "bad_email_address"),
    ],
)
def test_an_error_is_its_code_and_what_it_is_about(error: DirectoryError, text: str) -> None:
    assert str(error) == text
