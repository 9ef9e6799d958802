"""What can be done with tokens, on both engines."""

from __future__ import annotations

from typing import Any

import pytest

from rosterd.actions import apps
from rosterd.directory.model import Role, TeamId, Token, TokenId, User
from rosterd.store import tokens
from tests.actions.acting import KEY, House, details_of, dump, refused

pytestmark = pytest.mark.anyio


async def make(house: House, owner: User, *scopes: str, **fields: Any) -> tuple[Token, str]:
    async with house.store.write() as tx:
        return await apps.create_token(
            tx, house.org, owner, scopes or ["admin"], key=KEY, actor=house.actor, **fields
        )


async def revoke(house: House, id: str) -> None:
    async with house.store.write() as tx:
        await apps.revoke_token(tx, house.org, TokenId(id), actor=house.actor)


async def test_a_token_is_found_by_its_hash_and_kept_nowhere(house: House) -> None:
    token, text = await make(house, house.owner, "admin", "auditlogs:read", expires=2_000_000_000)
    assert text.startswith("xoxp-")
    assert text not in repr(await dump(house.store))
    async with house.store.read() as tx:
        grant = await tokens.authenticate(tx, apps.hash_of(text, KEY))
        assert await tokens.authenticate(tx, apps.hash_of(text, b"another key")) is None
    assert grant is not None
    assert (grant.token, grant.owner_role) == (token, Role.PRIMARY_OWNER)
    last = (await house.trail())[-1]
    assert (last.action, last.entity_id) == ("app_installed", token.id)
    assert details_of(last)["scopes"] == ["admin", "auditlogs:read"]


async def test_scopes_are_slacks_words(house: House) -> None:
    scopes = ("admin.users:read", "auditlogs:read", "identity.basic", "links_embed:write", "rosterd:demo")
    assert (await make(house, house.owner, *scopes))[0].scopes == scopes


async def test_no_two_tokens_are_the_same(house: House) -> None:
    made = [await make(house, house.owner) for _ in range(5)]
    assert len({text for _, text in made}) == len({token.id for token, _ in made}) == 5


async def test_a_member_may_not_hold_an_administrators_token(house: House) -> None:
    carl = await house.create("carl")
    for scope in ("admin", "admin.users:read"):
        async with refused(house.store, "permission_denied"):
            await make(house, carl, scope)
    assert (await make(house, carl, "chat:write"))[0].user_id == carl.id


REFUSED: list[tuple[tuple[str, ...], dict[str, Any], str]] = [
    (("admin",), {"team_id": TeamId("T0000000000")}, "no_such_team"),
    (("admin",), {"allow_ips": ["::1/128"]}, "invalid_ip_range"),
    (("admin",), {"allow_ips": ["10.0.0.1/8"]}, "invalid_ip_range"),
    (("admin",), {"allow_ips": ["10.0.0.1"] * 11}, "too_many_ip_ranges"),
    (("",), {}, "invalid_scope"),
    (("a b",), {}, "invalid_scope"),
    (("admin,users",), {}, "invalid_scope"),
    (("Admin",), {}, "invalid_scope"),
    (("admin:",), {}, "invalid_scope"),
    ((".admin",), {}, "invalid_scope"),
    (("admin..users",), {}, "invalid_scope"),
    (("ädmin",), {}, "invalid_scope"),
    (("admin\n",), {}, "invalid_scope"),
    (("admin", "١"), {}, "invalid_scope"),
    (("admin",), {"expires": 1}, "invalid_expiration"),
]


async def test_what_cannot_be_is_refused_and_leaves_nothing(house: House) -> None:
    for scopes, fields, code in REFUSED:
        async with refused(house.store, code):
            await make(house, house.owner, *scopes, **fields)


async def test_nobody_makes_a_token_of_someone_above_them_or_of_someone_deactivated(house: House) -> None:
    admin = house.acting(await house.create("ada", Role.ADMIN))
    async with refused(house.store, "cannot_modify_owner"):
        await make(admin, house.owner)
    gone = await house.create("gone", Role.ADMIN, active=False)
    async with refused(house.store, "account_inactive"):
        await make(house, gone)


async def test_a_token_ends_once(house: House) -> None:
    token, _ = await make(house, house.owner)
    await revoke(house, token.id)
    before = await dump(house.store)
    await revoke(house, token.id)
    assert await dump(house.store) == before
    assert (await house.trail())[-1].action == "app_uninstalled"
    async with refused(house.store, "no_such_token"):
        await revoke(house, "A0000000000")
