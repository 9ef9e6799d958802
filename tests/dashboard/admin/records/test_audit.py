"""The audit page where a filter fits so little that looking for it has to stop."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rosterd.dashboard.admin.frame import Look
from rosterd.dashboard.admin.records import audit
from rosterd.dashboard.desk import Desk
from rosterd.directory.model import Origin
from rosterd.directory.signin import Means, Session, SessionId
from rosterd.store.doors.sessions import Seat
from rosterd.store.records import trail
from tests.actions.acting import ORIGIN, House
from tests.actions.conftest import house as house

pytestmark = pytest.mark.anyio


class Asked:
    """A GET of the page."""

    method, id, route, segments = "GET", "r", ("admin", "audit"), ("admin", "audit")

    def __init__(self, **params: str) -> None:
        self.params: Mapping[str, str] = params

    @property
    def origin(self) -> Origin:
        return ORIGIN

    def header(self, name: bytes) -> str | None:
        return None


async def text(house: House, **params: str) -> str:
    """The page as the owner sees it."""
    session = Session(house.org.id, SessionId("X1"), house.owner.id, Means.LINK, "", None, 1, 1, 2, None)
    desk = Desk(house.store, b"a key of thirty-two bytes or more", "http://127.0.0.1")
    page = await audit.audit(Look(desk, Asked(**params), Seat(session, house.owner, house.org)))  # type: ignore[arg-type]
    assert page.status == 200
    assert isinstance(page.body, bytes)
    return page.body.decode()


async def test_a_page_that_stopped_looking_says_so_and_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await house.create("ann")
    for n in range(9):
        await house.create(f"p{n}")
    monkeypatch.setattr(trail, "SLICE", 3)
    monkeypatch.setattr(trail, "LOOKED_AT", 6)
    wanted = {"action": "organization_created"}
    page = await text(house, **wanted)
    assert "Nothing fits among the 6 events that were looked at." in page
    seen = 0
    while "Nothing fits among" in page:
        seen += 1
        before = page.partition("&amp;before=")[2].partition('"')[0]
        page = await text(house, **wanted, before=before)
    assert '<span class="what">Organization created</span>' in page
    assert seen == 2
    assert "Nothing fits" not in await text(house, about=ann.id, action="user_created")


async def test_what_was_erased_is_said_to_be(house: House) -> None:
    ann = await house.create("ann", display_name="Ann Secret")
    ann = await house.change(ann, display_name="Ann Spy")
    assert "Secret" in await text(house, about=ann.id)
    await house.erase(ann)
    page = await text(house, about=ann.id)
    assert "Secret" not in page
    assert "Spy" not in page
    assert "was erased with them" in page
