"""What can be done with tokens, on both engines."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from rosterd.actions.doors import apps
from rosterd.directory.apps import App
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import Role, TeamId, Token, TokenId, User
from rosterd.store.doors import tokens
from tests.actions.acme import operator
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
    (("admin",), {"name": "x" * 81}, "invalid_token_name"),
    (("admin",), {"name": "a\nb"}, "invalid_token_name"),
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


async def rotate(house: House, id: str, overlap: int = 3600) -> tuple[Token, str]:
    async with house.store.write() as tx:
        return await apps.rotate_token(
            tx, house.org, TokenId(id), overlap_seconds=overlap, key=KEY, actor=house.actor
        )


async def change(house: House, id: str, name: str = "", *ranges: str) -> Token:
    async with house.store.write() as tx:
        return await apps.update_token(
            tx, house.org, TokenId(id), name=name, allow_ips=ranges, actor=house.actor
        )


async def found(house: House, id: str) -> Token:
    async with house.store.read() as tx:
        token = await tokens.find(tx, house.org.id, TokenId(id))
    assert token is not None
    return token


async def installed(house: House) -> tuple[App, Token]:
    """An app with a token of the owner's."""
    async with house.store.write() as tx:
        app, _ = await apps.create_app(
            tx, house.org, "App", ["https://a.example/"], ["admin"], key=KEY, actor=house.actor
        )
        token, _ = await apps.create_token(
            tx, house.org, house.owner, ["admin"], key=KEY, app_id=app.id, actor=house.actor
        )
    return app, token


async def test_a_rotated_token_is_alike_and_the_former_ends_after_the_overlap(house: House) -> None:
    fields = {"allow_ips": ["192.0.2.0/24"], "name": " Okta production ", "team_id": house.org.team_id}
    former, _ = await make(house, house.owner, "admin", "users:read", **fields)
    made, text = await rotate(house, former.id)
    assert made == msgspec.structs.replace(former, id=made.id, created=made.created)
    assert (made.name, made.expires) == ("Okta production", None)
    ends = made.created // 1_000_000 + 3600
    assert await found(house, former.id) == msgspec.structs.replace(former, expires=ends, replaced_by=made.id)
    async with house.store.read() as tx:
        grant = await tokens.authenticate(tx, apps.hash_of(text, KEY))
    assert grant is not None
    assert grant.token == made
    installation, expiry = (await house.trail())[-2:]
    assert (installation.action, details_of(installation)["replaces"]) == ("app_installed", former.id)
    assert (expiry.action, details_of(expiry)) == (
        "token_expiration_set",
        {"token": former.id, "expires": ends, "replaced_by": made.id},
    )


async def test_without_an_overlap_the_former_has_ended(house: House) -> None:
    former, _ = await make(house, house.owner)
    made, _ = await rotate(house, former.id, 0)
    left = await found(house, former.id)
    assert left == msgspec.structs.replace(former, revoked=left.revoked, replaced_by=made.id)
    assert left.revoked is not None
    assert [record.action for record in await house.trail()][-2:] == ["app_installed", "app_uninstalled"]
    async with refused(house.store, "token_ended"):
        await rotate(house, former.id)


async def test_a_token_is_rotated_once_and_then_its_successor(house: House) -> None:
    former, _ = await make(house, house.owner)
    made, _ = await rotate(house, former.id)
    before = await dump(house.store)
    async with refused(house.store, "token_rotated"):
        await rotate(house, former.id)
    assert await dump(house.store) == before
    last, _ = await rotate(house, made.id, 0)
    async with refused(house.store, "token_rotated"):
        await rotate(house, former.id)
    assert (await found(house, made.id)).replaced_by == last.id


async def test_a_token_is_rotated_once_more_when_its_successor_was_lost(house: House) -> None:
    former, _ = await make(house, house.owner)
    lost, _ = await rotate(house, former.id)
    await revoke(house, lost.id)
    made, _ = await rotate(house, former.id)
    assert (await found(house, former.id)).replaced_by == made.id


async def test_of_rotations_at_the_same_time_one_counts(house: House) -> None:
    for overlap, code in ((3600, "token_rotated"), (0, "token_ended")):
        former, _ = await make(house, house.owner)
        ends = await asyncio.gather(
            *(rotate(house, former.id, overlap) for _ in range(4)), return_exceptions=True
        )
        assert [end.code for end in ends if isinstance(end, DirectoryError)] == [code] * 3
        [(made, _)] = [end for end in ends if not isinstance(end, BaseException)]
        assert (await found(house, former.id)).replaced_by == made.id


async def test_an_overlap_never_makes_a_token_last_longer_and_the_new_one_lasts_as_long(house: House) -> None:
    soon = int(time.time()) + 600
    former, _ = await make(house, house.owner, expires=soon)
    made, _ = await rotate(house, former.id, 30 * 24 * 3600)
    assert (await found(house, former.id)).expires == soon
    assert made.expires is not None
    lasts = soon - former.created // 1_000_000
    assert made.expires == made.created // 1_000_000 + lasts


@pytest.mark.parametrize("overlap", [-1, 30 * 24 * 3600 + 1])
async def test_an_overlap_is_a_month_at_most(house: House, overlap: int) -> None:
    former, _ = await make(house, house.owner)
    async with refused(house.store, "invalid_overlap"):
        await rotate(house, former.id, overlap)


async def test_what_counts_no_more_is_neither_rotated_nor_changed(house: House) -> None:
    expired, _ = await make(house, house.owner, expires=int(time.time()) + 600)
    revoked, _ = await make(house, house.owner)
    await revoke(house, revoked.id)
    async with house.store.write() as tx:
        await tokens.update(tx, msgspec.structs.replace(expired, expires=1))
    for id, code in ((expired.id, "token_ended"), (revoked.id, "token_ended"), ("A0", "no_such_token")):
        async with refused(house.store, code):
            await rotate(house, id)
        async with refused(house.store, code):
            await change(house, id)


async def test_a_demoted_owners_token_is_not_rotated(house: House) -> None:
    ada = await house.create("ada", Role.ADMIN)
    token, _ = await make(house, ada)
    await house.set_role(ada, Role.MEMBER)
    async with refused(house.store, "permission_denied"):
        await rotate(house, token.id)


async def test_a_token_gets_another_name_and_other_addresses(house: House) -> None:
    former, _ = await make(house, house.owner, allow_ips=["192.0.2.0/24"])
    changed = await change(house, former.id, "Entra", "198.51.100.7")
    assert changed == await found(house, former.id)
    assert changed == msgspec.structs.replace(former, name="Entra", allow_ips=("198.51.100.7/32",))
    last = (await house.trail())[-1]
    assert (last.action, details_of(last)) == (
        "token_updated",
        {
            "token": former.id,
            "before": {"name": "", "allow_ips": ["192.0.2.0/24"]},
            "after": {"name": "Entra", "allow_ips": ["198.51.100.7/32"]},
        },
    )
    before = await dump(house.store)
    await change(house, former.id, "Entra", "198.51.100.7/32")
    assert await dump(house.store) == before
    for name, ranges, code in (("x" * 81, (), "invalid_token_name"), ("", ("::1",), "invalid_ip_range")):
        async with refused(house.store, code):
            await change(house, former.id, name, *ranges)


async def test_an_admin_does_nothing_to_what_works_for_an_owner(house: House) -> None:
    app, of_app = await installed(house)
    token, _ = await make(house, house.owner)
    admin = house.acting(await house.create("ada", Role.ADMIN))
    for id in (token.id, of_app.id):
        async with refused(house.store, "cannot_modify_owner"):
            await rotate(admin, id)
        async with refused(house.store, "cannot_modify_owner"):
            await change(admin, id)
        async with refused(house.store, "cannot_modify_owner"):
            await revoke(admin, id)
    async with refused(house.store, "cannot_modify_owner"), house.store.write() as tx:
        await apps.revoke_app(tx, house.org, app.id, actor=admin.actor)


async def test_on_enterprise_an_admin_makes_tokens_of_workspaces_only(house: House) -> None:
    ada, other = await house.create("ada", Role.ADMIN), await house.create("other", Role.ADMIN)
    admin = house.acting(ada)
    for owner in (ada, other):
        async with refused(house.store, "access_denied"):
            await make(admin, owner)
        token, _ = await make(admin, owner, team_id=house.org.team_id)
        await rotate(admin, token.id)
        whole, _ = await make(house, owner)
        async with refused(house.store, "access_denied"):
            await rotate(admin, whole.id)
        await revoke(admin, whole.id)


async def test_elsewhere_an_admin_makes_tokens_and_a_member_none(business: House) -> None:
    ada, carl = await business.create("ada", Role.ADMIN), await business.create("carl")
    token, _ = await make(business.acting(ada), ada)
    await rotate(business.acting(ada), token.id)
    for id in (token.id, "A0"):
        async with refused(business.store, "permission_denied"):
            await revoke(business.acting(carl), id)
    async with refused(business.store, "permission_denied"):
        await make(business.acting(carl), carl, "chat:write")
    async with refused(business.store, "permission_denied"):
        await rotate(business.acting(carl), token.id)


async def test_an_operator_rotates_whatever_there_is(house: House) -> None:
    _, token = await installed(house)
    made, _ = await rotate(replace(house, actor=operator(house.org)), token.id)
    assert made.app_id == token.app_id
