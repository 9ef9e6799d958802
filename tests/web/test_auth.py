"""From an Authorization header to an actor, on both engines; every way to be refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import msgspec
import pytest

from rosterd.actions.doors import apps
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import OrgId, Plan, Role, Token, TokenId, User, UserId
from rosterd.store.doors import tokens
from rosterd.store.doors.tokens import Grant
from rosterd.store.engine import Store, StoreUnavailable, open_store
from rosterd.store.engines.sqlite import open_sqlite
from rosterd.web.auth import Authenticator, Caller, bearer, comes_from, refusal
from rosterd.web.errors import HttpError
from tests.actions.acting import KEY, House, found_house
from tests.store.rows import an_org
from tests.web.requests import a_request

TOKEN = Token(TokenId("A1"), OrgId("E1"), UserId("W1"), ("admin",), None, (), 1, None, None, None)


class TestBearer:
    @pytest.mark.parametrize("header", ["Bearer xoxp-1", "bearer  xoxp-1 ", " BEARER xoxp-1"])
    def test_the_scheme_counts_in_any_case(self, header: str) -> None:
        assert bearer(header) == "xoxp-1"

    @pytest.mark.parametrize(
        ("header", "code"),
        [
            (None, "missing_authentication"),
            (" ", "missing_authentication"),
            ("Bearer", "invalid_authentication"),
            ("Bearer ", "invalid_authentication"),
            ("xoxp-1", "invalid_authentication"),
            ("Basic eDp5", "invalid_authentication"),
            ("Bearer " + "x" * 1_001, "invalid_authentication"),
        ],
    )
    def test_anything_else_is_refused_with_a_challenge(self, header: str | None, code: str) -> None:
        with pytest.raises(HttpError, match=code) as caught:
            bearer(header)
        assert caught.value.headers == {"WWW-Authenticate": "Bearer"}


GRANT = Grant(TOKEN, Role.ADMIN, owner_deactivated=False, org=an_org())


@pytest.mark.parametrize(
    ("of_token", "of_grant", "reason"),
    [
        ({}, {}, None),
        ({"expires": 101}, {}, None),
        ({"expires": 100}, {}, "has expired"),
        ({"revoked": 1}, {}, "was revoked"),
        ({}, {"owner_deactivated": True}, "is of somebody deactivated"),
        ({}, {"owner_role": Role.MEMBER}, "is of somebody who is no administrator"),
        ({"scopes": ("chat:write",)}, {}, "lacks the scope admin"),
        ({"allow_ips": ("198.51.100.0/24",)}, {}, "may not be used from 192.0.2.7"),
    ],
)
def test_why_a_token_does_not_count(
    of_token: dict[str, Any], of_grant: dict[str, Any], reason: str | None
) -> None:
    token = msgspec.structs.replace(TOKEN, **of_token)
    assert refusal(msgspec.structs.replace(GRANT, token=token, **of_grant), 100, "192.0.2.7") == reason


@pytest.mark.parametrize(
    ("ip", "inside"),
    [
        ("192.0.2.7", True),
        ("198.51.100.1", True),
        ("::ffff:192.0.2.7", True),
        ("::ffff:c000:207", True),
        ("0:0:0:0:0:FFFF:192.0.2.7", True),
        ("::ffff:192.0.3.7", False),
        ("::192.0.2.7", False),
        ("::ffff:::ffff:192.0.2.7", False),
        ("192.0.2.07", False),
        ("192.0.3.7", False),
        ("2001:db8::1", False),
        ("", False),
        (None, False),
    ],
)
def test_an_address_lies_in_one_of_the_ranges(ip: str | None, inside: bool) -> None:
    assert comes_from(("198.51.100.1/32", "192.0.2.0/24"), ip) is inside
    assert comes_from((), ip)


async def token_of(house: House, owner: User, *scopes: str, **fields: Any) -> str:
    async with house.store.write() as tx:
        _, text = await apps.create_token(
            tx, house.org, owner, scopes or ("admin",), key=KEY, actor=house.actor, **fields
        )
    return text


async def expired_token_of(house: House, owner: User) -> str:
    """A token that was good once: its expiry is put into the past."""
    text = await token_of(house, owner, expires=2**40)
    async with house.store.write() as tx:
        await tx.run("UPDATE tokens SET expires = 1")
    return text


async def caller(store: Store, text: str, authenticator: Authenticator | None = None) -> Caller:
    request = a_request(headers={b"authorization": f"Bearer {text}".encode()})
    authenticator = authenticator or Authenticator(KEY)
    grant = await authenticator.grant(store, request)
    async with store.read() as tx:
        found = await authenticator.caller(tx, request)
    assert found.org == grant.org
    return found


async def code_of(store: Store, text: str) -> str:
    with pytest.raises((HttpError, DirectoryError)) as caught:
        await caller(store, text)
    return str(caught.value).partition(":")[0]


@pytest.mark.anyio
class TestCaller:
    async def test_the_organisation_and_the_role_come_from_the_token(self, store: Store) -> None:
        house, _ = await found_house(store), await found_house(store, domain="other")
        ada = await house.create("ada", Role.ADMIN)
        actor, org = await caller(store, await token_of(house, ada))
        assert org == house.org
        assert (actor.org_id, actor.user_id, actor.role, actor.is_operator) == (
            org.id,
            ada.id,
            "admin",
            False,
        )
        assert actor.origin.request_id == "request-1"

    @pytest.mark.parametrize(
        "prepare",
        [
            lambda house, owner: token_of(house, owner, "chat:write"),
            lambda house, owner: expired_token_of(house, owner),
            lambda house, owner: token_of(house, owner, allow_ips=["198.51.100.0/24"]),
        ],
        ids=["another scope", "expired", "another network"],
    )
    async def test_a_token_that_does_not_count_is_refused(
        self, store: Store, prepare: Callable[[House, User], Any]
    ) -> None:
        house = await found_house(store)
        assert await code_of(store, await prepare(house, house.owner)) == "invalid_authentication"

    async def test_a_token_sleeps_while_its_owner_is_demoted_and_dies_with_a_deactivation(
        self, store: Store
    ) -> None:
        house = await found_house(store)
        ada = await house.create("ada", Role.ADMIN)
        text = await token_of(house, ada)
        await house.set_role(ada, Role.MEMBER)
        assert await code_of(store, text) == "invalid_authentication"
        await house.set_role(ada, Role.ADMIN)
        assert (await caller(store, text)).actor.user_id == ada.id
        await house.change(ada, active=False)
        await house.change(ada, active=True)
        assert await code_of(store, text) == "invalid_authentication"

    @pytest.mark.parametrize("plan", [Plan.FREE, Plan.PRO])
    async def test_free_and_pro_have_tokens_and_no_scim(self, store: Store, plan: Plan) -> None:
        house = await found_house(store, plan)
        assert await code_of(store, await token_of(house, house.owner)) == "plus_teams_only"

    async def test_on_enterprise_a_token_is_the_organisations(self, store: Store) -> None:
        house = await found_house(store)
        text = await token_of(house, house.owner, team_id=house.org.team_id)
        assert await code_of(store, text) == "non_org_teams_only"
        business = await found_house(store, Plan.BUSINESS_PLUS, "shop")
        text = await token_of(business, business.owner, team_id=business.org.team_id)
        assert (await caller(store, text)).org == business.org

    async def test_the_last_use_is_noted_when_it_is_flushed(self, store: Store) -> None:
        house = await found_house(store)
        text, authenticator = await token_of(house, house.owner), Authenticator(KEY)
        await caller(store, text, authenticator)
        await authenticator.flush(store)
        await authenticator.flush(store)  # nothing is left to write
        async with store.read() as tx:
            [token] = await tokens.of_org(tx, house.org.id)
            there = await tx.all("SELECT org_id, day, user_id, signed_in, by_app FROM activity")
        assert token.last_used is not None
        assert token.last_used >= token.created // 1_000_000
        day = token.last_used // 86_400
        assert [(*row,) for row in there] == [(house.org.id, day, house.owner.id, 0, 1)]


@pytest.mark.anyio
async def test_a_token_that_another_process_revokes_is_refused_at_once(
    store: Store, database_url: str
) -> None:
    house = await found_house(store)
    text, authenticator = await token_of(house, house.owner), Authenticator(KEY)
    for _ in range(2):
        await caller(store, text, authenticator)
    elsewhere = await open_store(database_url)
    async with elsewhere.write() as tx:
        await tx.run("UPDATE tokens SET revoked = 1")
    await elsewhere.close()
    with pytest.raises(HttpError, match="was revoked"):
        await caller(store, text, authenticator)


@pytest.mark.anyio
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_uses_that_cannot_be_written_down_now_are_written_down_later(
    store: Store, database_url: str
) -> None:
    house = await found_house(store)
    first, second = await token_of(house, house.owner), await token_of(house, house.owner)
    authenticator, hasty = Authenticator(KEY), await open_sqlite(database_url, patience=0.01)
    await caller(store, first, authenticator)
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await authenticator.flush(hasty)
        await caller(store, second, authenticator)
        other.execute("COMMIT")
    await authenticator.flush(hasty)
    await hasty.close()
    async with store.read() as tx:
        assert [token.last_used is None for token in await tokens.of_org(tx, house.org.id)] == [False, False]
