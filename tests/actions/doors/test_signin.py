from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from rosterd.actions import users
from rosterd.actions.doors import apps, signin
from rosterd.actions.doors.signin import Entry
from rosterd.directory.apps import App
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import Origin, Role, Status, User
from rosterd.directory.signin import Means
from rosterd.store.doors import sessions
from rosterd.store.engine import Tx
from tests.actions.acting import KEY, ORIGIN, House, details_of, refused

pytestmark = pytest.mark.anyio


async def sign_in(house: House, user: User, origin: Origin = ORIGIN) -> Entry:
    async with house.store.write() as tx:
        return await signin.sign_in(tx, house.org, user.id, Means.LOCAL, key=KEY, origin=origin)


async def mint(house: House, user: User) -> str:
    async with house.store.write() as tx:
        return await signin.mint_link(tx, house.org, user, key=KEY)


async def use(house: House, secret: str) -> Entry:
    async with house.store.write() as tx:
        return await signin.use_link(tx, house.org, secret, key=KEY, origin=ORIGIN)


async def age(house: House, seconds: int) -> None:
    """Let every link and session be older."""
    async with house.store.write() as tx:
        for table in ("signin_links", "sessions"):
            sql = f"UPDATE {table} SET expires = expires - $2 WHERE org_id = $1"
            await tx.run(sql, house.org.id, seconds)


async def an_app(house: House) -> App:
    async with house.store.write() as tx:
        app, _ = await apps.create_app(
            tx, house.org, "App", ["https://a.example/"], ["admin"], key=KEY, actor=house.actor
        )
    return app


async def authorize(house: House, app: App, by: User) -> str:
    async with house.store.write() as tx:
        return await apps.authorize(
            tx, house.org, app, ["admin"],
            redirect_uri="", challenge=None, team_id=None, key=KEY, actor=house.acting(by).actor,
        )  # fmt: skip


async def exchange(house: House, app: App, code: str) -> object:
    async with house.store.write() as tx:
        return await apps.exchange(
            tx, house.org, app, code, redirect_uri=None, verifier=None, key=KEY, origin=ORIGIN
        )


async def test_the_first_sign_in_claims_the_account_and_later_ones_do_not(house: House) -> None:
    ann = await house.create("ann")
    assert ann.status is Status.INVITED
    first = await sign_in(house, ann)
    stored = await house.user(ann)
    assert (stored, stored.status) == (first.user, Status.ACTIVE)
    second = await sign_in(house, ann)
    assert second.user == stored
    assert second.secret != first.secret
    logins = [record for record in await house.trail(ann.id) if record.action == "user_login"]
    assert [details_of(record)["first"] for record in logins] == [True, False]
    assert {record.actor_id for record in logins} == {ann.id}


async def test_a_sign_in_counts_as_being_there_that_day(house: House) -> None:
    ann = await house.create("ann")
    await sign_in(house, ann)
    await sign_in(house, ann)
    async with house.store.read() as tx:
        sql = "SELECT user_id, day, signed_in, by_app FROM activity WHERE org_id = $1"
        assert [tuple(row) for row in await tx.all(sql, house.org.id)] == [
            (ann.id, tx.now // 86_400_000_000, 1, 0)
        ]


async def test_who_may_not_sign_in_is_refused_and_that_is_noted(house: House) -> None:
    ann = await house.create("ann")
    bot = await house.create("bot", Role.BOT)
    await house.change(ann, active=False)
    for user, code in ((ann, "account_inactive"), (bot, "permission_denied")):
        async with refused(house.store, code):
            await sign_in(house, user)
        async with refused(house.store, code):
            await mint(house, await house.user(user))


async def test_a_link_is_used_up_by_its_use_and_by_its_age(house: House) -> None:
    ann = await house.create("ann")
    secret = await mint(house, ann)
    assert (await use(house, secret)).user.id == ann.id
    async with refused(house.store, "invalid_link"):
        await use(house, secret)
    late = await mint(house, ann)
    await age(house, 15 * 60)
    async with refused(house.store, "invalid_link"):
        await use(house, late)


async def test_what_is_over_is_forgotten_when_the_same_person_comes_again(house: House) -> None:
    ann = await house.create("ann")
    await sign_in(house, ann)
    await mint(house, ann)
    await age(house, 31 * 24 * 3600)
    await sign_in(house, ann)
    await mint(house, ann)
    async with house.store.read() as tx:
        for table in ("sessions", "signin_links"):
            assert await tx.one(f"SELECT COUNT(*) FROM {table} WHERE org_id = $1", house.org.id) == (1,)


@pytest.mark.parametrize("how", ["deactivated", "erased"])
async def test_whoever_goes_is_signed_out_in_the_same_transaction(house: House, how: str) -> None:
    ann = await house.create("ann")
    await sign_in(house, ann)
    secret = await mint(house, ann)
    if how == "erased":
        await house.erase(ann)
    else:
        await house.change(ann, active=False)
    async with house.store.read() as tx:
        assert await sessions.of_user(tx, house.org.id, ann.id) == []
        assert await tx.one("SELECT COUNT(*) FROM signin_links WHERE org_id = $1", house.org.id) == (0,)
    async with refused(house.store, "invalid_link"):
        await use(house, secret)


async def test_sessions_of_others_are_ended_by_who_may_change_them(house: House) -> None:
    ann, adam = await house.create("ann"), await house.create("adam", Role.ADMIN)
    entry = await sign_in(house, ann)
    await sign_in(house, house.owner)

    async def end(by: House, whose: User) -> int:
        async with house.store.write() as tx:
            return len(await signin.end_sessions_of(tx, house.org, whose, actor=by.actor))

    async with refused(house.store, "cannot_modify_owner"):
        await end(house.acting(adam), house.owner)
    async with refused(house.store, "permission_denied"):
        await end(house.acting(ann), adam)
    async with refused(house.store, "permission_denied"), house.store.write() as tx:
        await signin.sign_out(tx, house.org, entry.session, actor=house.acting(adam).actor)
    assert await end(house.acting(adam), ann) == 1
    assert await end(house.acting(adam), ann) == 0
    assert (await house.actions_of(ann.id))[-1] == "user_session_reset_by_admin"


async def test_where_members_sign_in_is_for_owners_to_say(house: House) -> None:
    adam = await house.create("adam", Role.ADMIN)

    async def set_idp(by: House, issuer: str = "https://id.example", secret: str = "s") -> None:
        async with house.store.write() as tx:
            await signin.set_idp(tx, house.org, issuer, "id", secret, actor=by.actor)

    async with refused(house.store, "permission_denied"):
        await set_idp(house.acting(adam))
    async with refused(house.store, "invalid_client"):
        await set_idp(house, secret=" ")
    await set_idp(house)
    await set_idp(house, "https://other.example")
    async with house.store.write() as tx:
        await signin.remove_idp(tx, house.org, actor=house.actor)
    async with refused(house.store, "no_such_idp"), house.store.write() as tx:
        await signin.remove_idp(tx, house.org, actor=house.actor)
    assert (await house.actions_of(house.org.id))[-3:] == [
        "idp_configuration_added",
        "idp_prod_configuration_updated",
        "idp_configuration_deleted",
    ]


async def beside(tx: Tx, then: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
    """``then``, as far as it comes before ``tx`` is committed."""
    task = asyncio.create_task(then)
    await asyncio.wait([task], timeout=0.3)
    return task


@pytest.mark.parametrize("what", ["link", "code", "exchange", "token"])
async def test_nothing_is_given_out_beside_a_deactivation(house: House, what: str) -> None:
    olga = await house.create("olga", Role.OWNER)
    app = await an_app(house)
    code = await authorize(house, app, olga)

    async def give() -> object:
        if what == "code":
            return await authorize(house, app, olga)
        if what == "exchange":
            return await exchange(house, app, code)
        async with house.store.write() as tx:
            if what == "link":
                return await signin.mint_link(tx, house.org, olga, key=KEY)
            return await apps.create_token(tx, house.org, olga, ["admin"], key=KEY, actor=house.actor)

    async with house.store.write() as tx:
        found = await users.existing(tx, house.org.id, olga.id)
        await users.deactivate(tx, house.org, found, actor=house.actor)
        giving = await beside(tx, give())
    with pytest.raises(DirectoryError):
        await giving
    async with house.store.read() as tx:
        for sql in (
            "SELECT COUNT(*) FROM signin_links WHERE org_id = $1",
            "SELECT COUNT(*) FROM oauth_codes WHERE org_id = $1 AND token_id IS NULL",
            "SELECT COUNT(*) FROM tokens WHERE org_id = $1 AND revoked IS NULL",
        ):
            assert await tx.one(sql, house.org.id) == (0,), sql


async def test_the_use_of_a_link_and_a_deactivation_do_not_wait_for_each_other(house: House) -> None:
    ann = await house.create("ann")
    secret = await mint(house, ann)
    async with house.store.write() as tx:
        found = await users.existing(tx, house.org.id, ann.id)
        using = await beside(tx, use(house, secret))
        await users.deactivate(tx, house.org, found, actor=house.actor)
    with pytest.raises(DirectoryError, match="invalid_link"):
        await using


async def test_a_token_that_an_app_is_given_at_its_end_ends_with_it(house: House) -> None:
    app = await an_app(house)
    code = await authorize(house, app, house.owner)

    async def end() -> None:
        async with house.store.write() as tx:
            await apps.revoke_app(tx, house.org, app.id, actor=house.actor)

    async with house.store.write() as tx:
        await apps.exchange(
            tx, house.org, app, code, redirect_uri=None, verifier=None, key=KEY, origin=ORIGIN
        )
        ending = await beside(tx, end())
    await ending
    async with house.store.read() as tx:
        assert await tx.one("SELECT COUNT(*) FROM tokens WHERE revoked IS NULL") == (0,)


async def test_a_link_that_went_to_the_address_before_leads_nobody_in(house: House) -> None:
    ann = await house.create("ann")
    secret = await mint(house, ann)
    await house.change(ann, email="ann@elsewhere.example")
    async with refused(house.store, "invalid_link"):
        await use(house, secret)
