"""Passwords of local administrators: who may have one, what it opens, and when it is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from rosterd.actions.doors import passwords
from rosterd.actions.doors.passwords import Claim, Comparison
from rosterd.actions.doors.signin import Entry
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import Role, User
from rosterd.directory.signin import MAX_PASSWORD, Means
from rosterd.store.doors import passwords as rows
from tests.actions.acme import operator
from tests.actions.acting import KEY, ORIGIN, House, details_of, dump, refused

pytestmark = pytest.mark.anyio

FITS = Comparison(fits=True)


@pytest.fixture
def house(house: House) -> House:
    """The organisation with an operator at work."""
    return replace(house, actor=operator(house.org))


async def put(house: House, user: User, hash: str = "hash") -> None:
    async with house.store.write() as tx:
        await passwords.set_password(tx, house.org, user, hash, actor=house.actor)


async def take(house: House, user: User) -> None:
    async with house.store.write() as tx:
        await passwords.remove_password(tx, house.org, user, actor=house.actor)


async def claim(house: House, name: str) -> Claim:
    async with house.store.read() as tx:
        return await passwords.claimed(tx, house.org, name)


async def sign_in(house: House, by: Claim, comparison: Comparison = FITS) -> Entry:
    async with house.store.write() as tx:
        return await passwords.sign_in(tx, house.org, by, comparison, key=KEY, origin=ORIGIN)


def test_a_password_is_kept_as_argon2id_and_fits_only_itself() -> None:
    hash = passwords.hashed("correct horse")
    assert hash.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert hash != passwords.hashed("correct horse")
    assert passwords.compared("correct horse", hash) == Comparison(fits=True)
    for other in ("correct horsf", "", "correct horse ", "\0", "x" * 70_000, "\ud800"):
        assert passwords.compared(other, hash) == Comparison(fits=False)
    assert passwords.compared("correct horse", None) == Comparison(fits=False)
    assert passwords.compared("correct horse", "no hash") == Comparison(fits=False)


def test_accents_count_however_a_keyboard_makes_them() -> None:
    assert passwords.compared("cafe\u0301 au lait!", passwords.hashed("caf\u00e9 au lait!")).fits


def test_what_is_longer_than_any_password_is_not_even_read() -> None:
    """To put sixty thousand accents in order takes a second, in which nobody else is answered."""
    longest = "x" * 4 * MAX_PASSWORD
    quick = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    assert passwords.compared(longest, quick.hash(longest)).fits
    assert passwords.compared(longest + "x", quick.hash(longest + "x")) == Comparison(fits=False)


def test_a_hash_of_other_parameters_is_renewed() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("correct horse")
    found = passwords.compared("correct horse", old)
    assert found.fits
    assert found.renewed is not None
    assert passwords.compared("correct horse", found.renewed) == Comparison(fits=True)
    assert passwords.compared("something else", old) == Comparison(fits=False)


def test_passwords_that_are_made_are_long_and_never_the_same() -> None:
    made = {passwords.make() for _ in range(100)}
    assert len(made) == 100
    assert {len(each) for each in made} == {29}
    for each in list(made)[:1]:
        assert passwords.compared(each, passwords.hashed(each)).fits


@pytest.mark.parametrize("length", [11, 257])
def test_what_is_short_or_absurdly_long_is_refused(length: int) -> None:
    with pytest.raises(DirectoryError, match="invalid_password"):
        passwords.hashed("x" * length)


async def test_an_administrator_signs_in_by_username_or_address(house: House) -> None:
    await put(house, house.owner, "first")
    await put(house, house.owner, "second")
    assert await claim(house, house.owner.username) == Claim(house.owner.id, "second")
    entry = await sign_in(house, await claim(house, house.owner.email))
    assert (entry.user.id, entry.session.means) == (house.owner.id, Means.LOCAL)
    assert entry.session.proved == entry.session.last_used
    assert (await house.actions_of(house.owner.id))[-3:] == [
        "local_password_set",
        "local_password_set",
        "user_login",
    ]
    assert all("hash" not in str(details_of(record)) for record in await house.trail(house.owner.id))


async def test_nobody_has_none(house: House) -> None:
    ann = await house.create("ann")
    assert await claim(house, "ann") == Claim(ann.id, None)
    for name in ("", "nobody", "nobody@acme.example", "a\0b", "a\0b@acme.example"):
        assert await claim(house, name) == Claim(None, None)
    for by, comparison in ((Claim(ann.id, None), FITS), (Claim(None, None), FITS)):
        async with refused(house.store, "wrong_password"):
            await sign_in(house, by, comparison)


async def test_a_password_that_has_changed_since_it_was_compared_opens_nothing(house: House) -> None:
    await put(house, house.owner, "first")
    before = await claim(house, house.owner.username)
    async with refused(house.store, "wrong_password"):
        await sign_in(house, before, Comparison(fits=False))
    await put(house, house.owner, "second")
    async with refused(house.store, "wrong_password"):
        await sign_in(house, before)
    await take(house, house.owner)
    async with refused(house.store, "wrong_password"):
        await sign_in(house, before)


async def test_a_renewed_hash_replaces_the_one_that_it_was_made_of(house: House) -> None:
    await put(house, house.owner, "old")
    await sign_in(house, await claim(house, house.owner.username), Comparison(fits=True, renewed="new"))
    assert await claim(house, house.owner.username) == Claim(house.owner.id, "new")


@pytest.mark.parametrize("role", [Role.MEMBER, Role.MULTI_CHANNEL_GUEST, Role.BOT])
async def test_only_administrators_have_one(house: House, role: Role) -> None:
    ann = await house.create("ann", role)
    async with refused(house.store, "not_an_admin"):
        await put(house, ann)


async def test_nobody_deactivated_has_one(house: House) -> None:
    adam = await house.change(await house.create("adam", Role.ADMIN), active=False)
    async with refused(house.store, "account_inactive"):
        await put(house, adam)


async def test_only_an_operator_sets_and_removes_one(house: House) -> None:
    await put(house, house.owner)
    owner = house.acting(house.owner)
    async with refused(house.store, "permission_denied"):
        await put(owner, house.owner)
    async with refused(house.store, "permission_denied"):
        await take(owner, house.owner)
    await take(house, house.owner)
    async with refused(house.store, "no_such_password"):
        await take(house, house.owner)


@pytest.mark.parametrize("how", ["deactivated", "demoted", "guest", "erased"])
async def test_it_is_gone_with_the_account_and_with_the_role(house: House, how: str) -> None:
    adam, other = await house.create("adam", Role.ADMIN), await house.create("other", Role.ADMIN)
    for each in (adam, other):
        await put(house, each)
    if how == "deactivated":
        await house.change(adam, active=False)
    elif how == "erased":
        await house.erase(adam)
    else:
        await house.set_role(adam, Role.MEMBER if how == "demoted" else Role.MULTI_CHANNEL_GUEST)
    async with house.store.read() as tx:
        assert [each.user_id for each in await rows.of_org(tx, house.org.id)] == [other.id]


async def test_it_stays_with_another_role_of_administrators_and_with_a_new_name(house: House) -> None:
    adam = await house.create("adam", Role.ADMIN)
    await put(house, adam)
    await house.set_role(adam, Role.OWNER)
    await house.change(adam, username="adam2", email="adam2@acme.example")
    assert await claim(house, "adam2") == Claim(adam.id, "hash")


async def test_a_handed_over_organisation_leaves_the_former_owner_theirs(house: House) -> None:
    adam = await house.create("adam", Role.ADMIN)
    await put(house, house.owner)
    await house.set_role(adam, Role.PRIMARY_OWNER)
    assert (await claim(house, house.owner.username)).hash == "hash"


async def test_a_copy_of_the_tables_shows_no_password(house: House) -> None:
    hash = passwords.hashed("correct horse")
    await put(house, house.owner, hash)
    assert "correct horse" not in repr(await dump(house.store))
