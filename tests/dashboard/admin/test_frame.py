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


async def begun(house: House, path: tuple[str, ...], user: User) -> AsyncIterator[bytes]:
    """A file of which the first part has come."""
    now, id = int(time.time()), SessionId(f"X{user.id}")
    session = Session(
        house.org.id, id, user.id, Means.LINK, "", None, now * 1_000_000, now, now + 3_600, None
    )
    async with house.store.write() as tx:
        await sessions.insert(tx, session, hash_of(user.id, KEY))
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
