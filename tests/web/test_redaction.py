"""No secret survives, wherever it stands in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.web.redaction import redacted

WORDS = st.text(st.characters(exclude_characters="\n"), max_size=20)
TOKENS = st.from_regex(r"xox[pbae]-[0-9a-f]{12}-[A-Za-z0-9]{40}", fullmatch=True)
PASSWORDS = st.from_regex(r"[A-Z0-9#/?!%+]{12,20}", fullmatch=True)


@given(WORDS, TOKENS, WORDS)
def test_a_token_is_blotted_out_of_any_text(before: str, token: str, after: str) -> None:
    assert token[5:] not in redacted(f"{before} {token} {after}")


@given(WORDS, PASSWORDS, WORDS)
def test_a_password_is_blotted_out_of_the_url_of_a_database(before: str, password: str, after: str) -> None:
    assert password not in redacted(f"{before} postgresql://rosterd:{password}@db.example.org/x {after}")


@pytest.mark.parametrize(
    "text",
    [
        "request 1f: GET /scim/v2/Users: 400 invalid_query",
        "cannot reach PostgreSQL: [Errno 111] Connect call failed ('127.0.0.1', 5432)",
        "see https://example.org:8080/a and olive@acme.example",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("part", ["a-", "a://b:", "a.b@", "xoxp-", "password ", "bearer=", "\"'"])
def test_a_long_text_of_a_clients_making_takes_no_long_time(part: str) -> None:
    """It would take minutes if the time grew with the square of the length."""
    redacted(part * 50_000)
    redacted(f"@ {part * 50_000} @")


def test_what_follows_a_long_url_is_blotted_out_too() -> None:
    url = f"https://user:{'p' * 5_000}@example.org/?token=xoxp-12-ab&next=postgresql://u:pass@db"
    assert redacted(url) == "https://user:***@db"
    assert redacted("https://example.org/?token=xoxp-12-ab") == "https://example.org/?token=xoxp-***"
