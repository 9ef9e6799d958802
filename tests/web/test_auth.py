"""From an Authorization header to an actor, on both engines; every way to be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from rosterd.actions import apps
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import OrgId, Plan, Role, Token, TokenId, User, UserId
from rosterd.store import tokens
from rosterd.store.engine import Store
from rosterd.web.auth import Authenticator, Caller, bearer, comes_from, counts
from rosterd.web.errors import HttpError
from tests.actions.acting import KEY, House, found_house
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


@pytest.mark.parametrize(
    ("fields", "still"),
    [({}, True), ({"expires": 101}, True), ({"expires": 100}, False), ({"revoked": 1}, False)],
)
def test_a_token_counts_until_it_is_revoked_or_expires(fields: dict[str, int], still: bool) -> None:
    assert counts(msgspec.structs.replace(TOKEN, **fields), 100) is still


@pytest.mark.parametrize(
    ("ip", "inside"),
    [
        ("192.0.2.7", True),
        ("198.51.100.1", True),
        ("::ffff:192.0.2.7", True),
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
    async with store.read() as tx:
        return await (authenticator or Authenticator(KEY)).caller(tx, request)


async def code_of(store: Store, text: str) -> str:
    with pytest.raises((HttpError, DirectoryError)) as caught:
        await caller(store, text)
    return str(caught.value)


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
        assert token.last_used is not None
        assert token.last_used >= token.created // 1_000_000
