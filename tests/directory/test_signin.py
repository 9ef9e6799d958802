from __future__ import annotations

import msgspec
import pytest

from rosterd.directory import signin
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import OrgId, Role, UserId
from rosterd.directory.signin import IDLE_SECONDS, Link, Means, Session, SessionId
from tests.directory.people import a_user

START = 1_700_000_000
SESSION = Session(
    OrgId("E1"), SessionId("X1"), UserId("W1"), Means.LINK, "", None, START * 1_000_000, START,
    START + signin.LIFETIME_SECONDS, None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "last_used", "ended", "is_open"),
    [
        (0, 0, None, True),
        (IDLE_SECONDS - 1, 0, None, True),
        (IDLE_SECONDS, 0, None, False),
        (IDLE_SECONDS, 1, None, True),
        (signin.LIFETIME_SECONDS - 1, signin.LIFETIME_SECONDS - 2, None, True),
        (signin.LIFETIME_SECONDS, signin.LIFETIME_SECONDS - 1, None, False),
        (1, 0, 0, False),
    ],
)
def test_a_session_ends_by_disuse_by_age_and_when_it_is_ended(
    seconds: int, last_used: int, ended: int | None, is_open: bool
) -> None:
    session = msgspec.structs.replace(
        SESSION, last_used=START + last_used, ended=None if ended is None else START + ended
    )
    assert signin.is_open(session, Role.MEMBER, START + seconds) is is_open


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OWNER, Role.PRIMARY_OWNER])
def test_a_session_of_an_administrator_ends_sooner_also_if_they_became_one_since(role: Role) -> None:
    used = msgspec.structs.replace(SESSION, last_used=START + 7 * 24 * 3600 - 1)
    assert signin.lifetime(role) == 7 * 24 * 3600 < signin.lifetime(Role.MEMBER)
    for session, seconds in ((SESSION, 12 * 3600), (used, 7 * 24 * 3600)):
        assert signin.is_open(session, role, START + seconds - 1)
        assert not signin.is_open(session, role, START + seconds)
        assert signin.is_open(session, Role.MEMBER, START + seconds)


def test_a_sign_in_is_fresh_for_a_quarter_of_an_hour_and_one_of_unknown_age_never() -> None:
    proved = msgspec.structs.replace(SESSION, proved=START)
    assert signin.is_fresh(proved, START + 15 * 60 - 1)
    assert not signin.is_fresh(proved, START + 15 * 60)
    assert signin.is_fresh(proved, START + 15 * 60, within=3600)
    assert not signin.is_fresh(SESSION, START)


@pytest.mark.parametrize("length", [0, 11, 257])
def test_a_password_is_neither_short_nor_of_absurd_length(length: int) -> None:
    with pytest.raises(DirectoryError, match="invalid_password"):
        signin.check_password("x" * length)
    signin.check_password("x" * 12)
    signin.check_password("x" * 256)


def test_a_link_is_good_for_fifteen_minutes_and_once() -> None:
    link = Link(OrgId("E1"), UserId("W1"), START * 1_000_000, START + signin.LINK_SECONDS, None)
    assert signin.is_usable(link, START + 15 * 60 - 1)
    assert not signin.is_usable(link, START + 15 * 60)
    assert not signin.is_usable(msgspec.structs.replace(link, used=START), START)


def test_who_is_deactivated_erased_or_a_bot_may_not_sign_in() -> None:
    for user, code in (
        (a_user(deactivated=True), "account_inactive"),
        (a_user(erased=True), "account_inactive"),
        (a_user(role=Role.BOT), "permission_denied"),
    ):
        with pytest.raises(DirectoryError) as caught:
            signin.check_may_sign_in(user)
        assert caught.value.code == code
    signin.check_may_sign_in(a_user(role=Role.SINGLE_CHANNEL_GUEST))


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "https://", "https://?", "ftp://a.example", "https://a b.example", "https://a.example\n",
        "https://[::1", "https://a.example:port", "http://a.example", "https://a.example;b", "https://é.example",
        "https://u:p@a.example",
    ],
)  # fmt: skip
def test_what_is_no_address_to_trust(text: str) -> None:
    assert signin.checked_url(text) is None


def test_an_address_is_reduced_to_its_origin() -> None:
    assert signin.checked_url("https://a.example:8443/x/y?z=1") == "https://a.example:8443"
    assert signin.checked_url("http://[::1]:5000/") == "http://[::1]:5000"
