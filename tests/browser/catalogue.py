"""Every page, and who may see it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from rosterd.directory.model import Role
from tests.browser.crowd import ADMIN, DOMAIN, GUEST, MEMBER, OWNER, Crowd

SEATS = {Role.PRIMARY_OWNER: OWNER, Role.ADMIN: ADMIN, Role.MEMBER: MEMBER, Role.MULTI_CHANNEL_GUEST: GUEST}
"""Who is signed in, the most powerful first."""

ADMINS = (Role.PRIMARY_OWNER, Role.ADMIN)
MEMBERS = (*ADMINS, Role.MEMBER)
EVERYBODY = tuple(SEATS)
NOBODY: tuple[Role, ...] = ()
"""It is for whoever is not signed in."""


class Place(NamedTuple):
    """A page. In its path stand names of what the organisation has (`Crowd`)."""

    name: str
    path: str
    seats: tuple[Role, ...]
    status: int = 200

    def url(self, crowd: Crowd) -> str:
        return self.path.format(domain=DOMAIN, **msgspec.structs.asdict(crowd))

    def __str__(self) -> str:
        return self.name


PAGES = (
    Place("sign in", "/signin/{domain}", NOBODY),
    Place("find the organisation", "/signin", NOBODY),
    Place("a link that leads nowhere", "/signin/{domain}/link?key=none", NOBODY),
    Place("no page", "/home/nothing", NOBODY, 404),
    Place("home", "/home", EVERYBODY),
    Place("home of a guest", "/home", (Role.MULTI_CHANNEL_GUEST,)),
    Place("leave a workspace", "/home/leave?team={left}", MEMBERS),
    Place("member directory", "/directory", MEMBERS),
    Place("member directory, searched", "/directory?q=mir", MEMBERS),
    Place("member directory, nobody", "/directory?q=nobody+at+all", MEMBERS),
    Place("consent", "/oauth/v2/authorize?client_id={client_id}&scope=&user_scope=users:read,admin", MEMBERS),
)
