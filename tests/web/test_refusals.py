"""What was refused: what becomes a row, how often, and what happens while nothing can be written."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import pytest

from rosterd.directory.errors import NotFound, Taken
from rosterd.directory.model import OrgId, Role, Token, TokenId, UserId
from rosterd.store.doors.tokens import Grant
from rosterd.store.engine import Store, StoreUnavailable, Tx
from rosterd.store.records import requests
from rosterd.store.records.requests import Refusal, Wanted
from rosterd.store.uuids import moment
from rosterd.web import refusals
from rosterd.web.errors import HttpError
from rosterd.web.refusals import Refusals
from rosterd.web.reply import Reply
from rosterd.web.request import Request
from tests.store.rows import E1, an_org, found
from tests.web.requests import a_request

pytestmark = pytest.mark.anyio

START = 2_000_001_000_000_000
GRANT = Grant(
    Token(TokenId("A1"), E1, UserId("W1"), ("admin",), None, (), 1, None, None, None),
    Role.OWNER, False, an_org(),
)  # fmt: skip
USER = ("scim", "v2", "Users", "*")


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def asked(path: bytes = b"/scim/v2/Users/W2", route: tuple[str, ...] = USER, **fields: Any) -> Request:
    request = a_request(path, method="PATCH", headers={b"user-agent": b"Okta SCIM Client 1.0.0"})
    request.route, request.presented = route, GRANT
    for name, value in fields.items():
        setattr(request, name, value)
    return request


def scim(status: int, detail: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, {"schemas": [], "detail": detail, "status": str(status)}, headers or {})


LIMITED = scim(429, "too_many_requests"), HttpError("too_many_requests")
NOBODY = scim(404, "no_such_user"), NotFound("no_such_user")


async def written(store: Store) -> list[Refusal]:
    async with store.read() as tx:
        rows = await requests.page(tx, E1, Wanted(), end="g", since="", limit=10_000)
    return rows[::-1]


@pytest.fixture
async def filled(store: Store) -> Store:
    async with store.write() as tx:
        await found(tx, 0)
    return store


async def test_a_refusal_says_who_asked_for_what_and_was_told_what(filled: Store, clock: Clock) -> None:
    noted = Refusals(clock)
    noted.note(asked(), *NOBODY)
    assert await written(filled) == []
    await noted.flush(filled)
    [row] = await written(filled)
    assert msgspec.structs.replace(row, id="") == Refusal(
        E1, "", "request-1", "PATCH", "/scim/v2/Users/{id}", "W2", 404, "no_such_user", "no_such_user",
        "A1", UserId("W1"), "Okta SCIM Client 1.0.0", "192.0.2.7",
    )  # fmt: skip
    assert moment(row.id) == START // 1000
    await noted.flush(filled)
    assert len(await written(filled)) == 1


async def test_what_belongs_to_nobody_and_what_is_no_error_is_not_noted(filled: Store, clock: Clock) -> None:
    noted = Refusals(clock)
    noted.note(asked(presented=None), scim(401, "invalid_authentication"), HttpError("x"))
    noted.note(asked(), Reply(200, {"ok": True}), HttpError("x"))
    noted.note(asked(), Reply(200, {"Resources": []}), HttpError("x"))
    await noted.flush(filled)
    assert await written(filled) == []


@pytest.mark.parametrize(
    ("request_", "error", "target"),
    [
        (asked(), NotFound("x"), "W2"),
        (asked(b"/scim/v1/Groups/S1", ("scim", "v1", "Groups", "*")), NotFound("x"), "S1"),
        (asked(b"/scim/v2/Schemas/X", ("scim", "v2", "Schemas", "*")), NotFound("x"), ""),
        (asked(b"/scim/v2/Users/ann@x.example"), NotFound("x"), ""),
        (asked(b"/scim/v2/Users", USER[:3]), Taken("email_taken", user="a", existing_user="W7"), "W7"),
        (asked(b"/api/x", ("api", "x"), arguments={"user_id": "W3", "group_id": "S3"}), NotFound("x"), "W3"),
        (asked(b"/api/x", ("api", "x"), arguments={"user": ["W3"], "group_id": "S3"}), NotFound("x"), "S3"),
        (asked(b"/api/x", ("api", "x"), arguments={"user": "ann@x.example"}), NotFound("x"), ""),
        (asked(b"/api/x", ("api", "x"), arguments={}), NotFound("x"), ""),
    ],
)
def test_a_refusal_is_about_whoever_is_named(request_: Request, error: Exception, target: str) -> None:
    assert refusals.target_of(request_, error) == target


def test_no_secret_is_noted() -> None:
    code, detail = refusals.said(scim(400, "invalid_query", {"X-Rosterd-Reason": "xoxp-1-secret\0"})) or (
        "",
        "",
    )
    assert (code, detail) == ("invalid_query", "invalid_query: xoxp-***\ufffd")
    told = refusals.said(Reply(401, {"detail": "x"}), "token A1 has expired")
    assert told == ("x", "x: token A1 has expired")
    assert len((refusals.said(scim(400, "x" * 9_999)) or ("", ""))[1]) == refusals.LONGEST


async def test_what_is_repeated_is_one_row_a_minute_that_says_how_often(filled: Store, clock: Clock) -> None:
    noted = Refusals(clock)
    for seconds in (0, 10, 20, 25):
        noted.note(asked(), *LIMITED)
        clock.passes(seconds)
        if seconds == 10:
            await noted.flush(filled)
    noted.note(asked(), *NOBODY)
    noted.note(asked(), *NOBODY)
    await noted.flush(filled)
    assert [(row.code, row.times) for row in await written(filled)] == [
        ("too_many_requests", 4),
        ("no_such_user", 1),
        ("no_such_user", 1),
    ]
    clock.passes(10)
    noted.note(asked(), *LIMITED)
    noted.note(asked(presented=msgspec.structs.replace(GRANT, token=a_token("A2"))), *LIMITED)
    await noted.flush(filled)
    assert [(row.token_id, row.times) for row in (await written(filled))[3:]] == [("A1", 1), ("A2", 1)]


def a_token(id: str, org: OrgId = E1) -> Token:
    return msgspec.structs.replace(GRANT.token, id=TokenId(id), org_id=org)


class Away:
    """A store that cannot be written to."""

    def write(self) -> AbstractAsyncContextManager[Tx]:
        raise StoreUnavailable("away")


async def test_what_cannot_be_written_waits(filled: Store, clock: Clock) -> None:
    noted, away = Refusals(clock), Away()
    noted.note(asked(), *NOBODY)
    noted.note(asked(), *LIMITED)
    with pytest.raises(StoreUnavailable):
        await noted.flush(away)  # type: ignore[arg-type]
    noted.note(asked(), *LIMITED)
    noted.note(asked(), *NOBODY)
    await noted.flush(filled)
    assert [(row.code, row.times) for row in await written(filled)] == [
        ("no_such_user", 1),
        ("too_many_requests", 2),
        ("no_such_user", 1),
    ]


async def test_the_oldest_give_way_and_are_counted(
    filled: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST_WAITING", 3)
    noted, away = Refusals(clock), Away()
    for _ in range(3):
        noted.note(asked(), *LIMITED)
    for number in range(4):
        noted.note(asked(f"/scim/v2/Users/W{number}".encode()), *NOBODY)
    with pytest.raises(StoreUnavailable):
        await noted.flush(away)  # type: ignore[arg-type]
    noted.note(asked(b"/scim/v2/Users/W9"), *NOBODY)
    await noted.flush(filled)
    assert [(row.code, row.target_id, row.times) for row in await written(filled)] == [
        ("no_such_user", "W2", 1),
        ("no_such_user", "W3", 1),
        ("no_such_user", "W9", 1),
        (refusals.OVERFLOW, "", 5),
    ]
    assert noted.written == {E1: 4}


async def test_an_organisation_that_is_gone_holds_up_no_other(filled: Store, clock: Clock) -> None:
    noted = Refusals(clock)
    gone = msgspec.structs.replace(GRANT, token=a_token("A1", OrgId("E9")))
    noted.note(asked(presented=gone), *NOBODY)
    noted.note(asked(), *NOBODY)
    await noted.flush(filled)
    assert len(await written(filled)) == 1
    noted.note(asked(), *NOBODY)
    await noted.flush(filled)
    assert len(await written(filled)) == 2
