"""Files that are taken home end with the right to have them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from rosterd.actions.doors.apps import hash_of
from rosterd.dashboard import patience
from rosterd.dashboard.admin import frame, members, records
from rosterd.dashboard.desk import Desk
from rosterd.directory.errors import NotAllowed
from rosterd.directory.model import Origin, Role, User
from rosterd.directory.signin import Means, Session, SessionId
from rosterd.store.doors import sessions
from tests.actions.acting import ORIGIN, House
from tests.actions.conftest import house as house

pytestmark = pytest.mark.anyio

KEY = b"a key of thirty-two bytes or more"
SHOWN = (members, records)


class Asked:
    """A GET by whoever has this session."""

    method, id, params = "GET", "r", dict[str, str]()

    def __init__(self, path: tuple[str, ...], secret: str) -> None:
        self.route = self.segments = path
        self._secret = secret

    @property
    def origin(self) -> Origin:
        return ORIGIN

    def header(self, name: bytes) -> str | None:
        return f"rosterd={self._secret}" if name == b"cookie" else None


async def signed_in(house: House, user: User, secret: str, now: int) -> SessionId:
    """The id of the session of somebody who signs in at ``now`` (seconds)."""
    id = SessionId(f"X{secret}")
    session = Session(
        house.org.id, id, user.id, Means.LINK, "", None, now * 1_000_000, now, now + 3_600, None
    )
    async with house.store.write() as tx:
        await sessions.insert(tx, session, hash_of(secret, KEY))
    return id


async def begun(house: House, path: tuple[str, ...], user: User) -> AsyncIterator[bytes]:
    """A file of which the first part has come."""
    await signed_in(house, user, user.id, int(time.time()))
    page = await frame.ROUTES[path]["GET"](Desk(house.store, KEY, ""), Asked(path, user.id))
    assert page.status == 200
    assert not isinstance(page.body, bytes)
    await anext(page.body)
    return page.body


ENDS: Mapping[str, tuple[str, ...]] = {
    "/".join(path): path for path in frame.ROUTES if path[-1] in ("members.csv", "csv", "json")
}


@pytest.mark.parametrize("path", ENDS)
async def test_a_file_breaks_off_with_a_role_or_a_session(
    house: House, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(patience, "LOOK_SECONDS", 0.0)
    ann = await house.create("ann", Role.OWNER)
    bob = await house.create("bob", Role.OWNER)
    of_ann, of_bob = [await begun(house, ENDS[path], user) for user in (ann, bob)]
    await house.set_role(ann, Role.MEMBER)
    async with house.store.write() as tx:
        await sessions.revoke_of_user(tx, house.org.id, bob.id, int(time.time()))
    for parts in (of_ann, of_bob):
        with pytest.raises(NotAllowed, match="permission_denied"):
            await anext(parts)


async def test_a_file_goes_on_for_whoever_signs_in_anew_and_not_for_who_is_signed_in_elsewhere(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LOOK_SECONDS", 0.0)
    ann, bob = [await house.create(name, Role.OWNER) for name in ("ann", "bob")]
    now = int(time.time())
    await signed_in(house, bob, "elsewhere", now - 60)
    of_ann, of_bob = [await begun(house, ("admin", "members.csv"), user) for user in (ann, bob)]
    async with house.store.write() as tx:
        for user in (ann, bob):
            assert await sessions.revoke(tx, house.org.id, SessionId(f"X{user.id}"), now + 2)
    with pytest.raises(NotAllowed, match="permission_denied"):
        await anext(of_bob)
    again = await signed_in(house, ann, "again", now + 2)
    assert b"ann" in await anext(of_ann)
    async with house.store.write() as tx:
        await sessions.revoke(tx, house.org.id, again, now + 2)
    with pytest.raises(NotAllowed, match="permission_denied"):
        await anext(of_ann)


@pytest.mark.parametrize("path", ENDS)
async def test_whoever_may_have_it_gets_it_whole(
    house: House, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(patience, "LOOK_SECONDS", 0.0)
    ann = await house.create("ann", Role.OWNER)
    async for part in await begun(house, ENDS[path], ann):
        assert isinstance(part, bytes)


def test_every_file_that_pages_make_is_tried() -> None:
    sources = "".join(path.read_text() for path in Path(frame.__file__).parent.rglob("*.py"))
    assert len(ENDS) == len(re.findall(r"exports\.\w+_page\(", sources)) > 0
