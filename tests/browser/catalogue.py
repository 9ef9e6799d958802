"""Every page, and who may see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rosterd.directory.model import Role
from tests.browser.crowd import ADMIN, GUEST, MEMBER, OWNER

SEATS = {Role.PRIMARY_OWNER: OWNER, Role.ADMIN: ADMIN, Role.MEMBER: MEMBER, Role.MULTI_CHANNEL_GUEST: GUEST}
"""Who is signed in, the most powerful first."""

OWNERS = (Role.PRIMARY_OWNER,)
ADMINS = (*OWNERS, Role.ADMIN)
MEMBERS = (*ADMINS, Role.MEMBER)
EVERYBODY = tuple(SEATS)
NOBODY: tuple[Role, ...] = ()
"""It is for whoever is not signed in."""


class Place(NamedTuple):
    """A page. In its path stand names of what an organisation has (the fields of `Crowd`)."""

    name: str
    path: str
    seats: tuple[Role, ...]
    status: int = 200

    def url(self, names: Mapping[str, str]) -> str:
        """Raises `KeyError` for an organisation that has no such thing."""
        return self.path.format_map(names)

    def __str__(self) -> str:
        return self.name


_ALL = (
    "columns=username,email,title,department,division,manager,role,groups,workspaces,source,created,claimed"
)

PAGES = (
    Place("sign in", "/signin/{domain}", NOBODY),
    Place("find the organisation", "/signin", NOBODY),
    Place("sign in with a password", "/signin/{domain}/local", NOBODY),
    Place("link that leads nowhere", "/signin/{domain}/link?key=none", NOBODY),
    Place("no page", "/home/nothing", NOBODY, 404),
    Place("home", "/home", EVERYBODY),
    Place("home of a guest", "/home", (Role.MULTI_CHANNEL_GUEST,)),
    Place("leave a workspace", "/home/leave?team={left}", MEMBERS),
    Place("directory", "/directory", MEMBERS),
    Place("directory searched", "/directory?q=mir", MEMBERS),
    Place("colleague", "/directory/{member}", MEMBERS),
    Place("directory without anybody", "/directory?q=nobody+at+all", MEMBERS),
    Place("consent", "/oauth/v2/authorize?client_id={client_id}&user_scope=users:read,admin", MEMBERS),
    Place("overview", "/admin", ADMINS),
    Place("members", "/admin/members", ADMINS),
    Place("members filtered", f"/admin/members?q=mi&status=active&department=Sales&sort=name&{_ALL}", ADMINS),
    Place("members without anybody", "/admin/members?q=nobody&status=invited", ADMINS),
    Place("members wrongly asked", "/admin/members?status=asleep&colour=red&after=x", ADMINS, 400),
    Place("file of members refused", "/admin/members.csv?status=asleep", ADMINS, 400),
    Place("member", "/admin/members/{member}", ADMINS),
    *(
        Place(f"member {tab}", f"/admin/members/{{member}}?tab={tab}", ADMINS)
        for tab in ("scim", "places", "sessions", "history")
    ),
    Place("member invited", "/admin/members/{invited}", ADMINS),
    Place("member deactivated", "/admin/members/{deactivated}", ADMINS),
    Place("member who is a guest", "/admin/members/{guest}", ADMINS),
    Place("no member", "/admin/members/W00000000000", ADMINS, 404),
    Place("deactivate", "/admin/members/{member}/deactivate", ADMINS),
    Place("reactivate", "/admin/members/{deactivated}/reactivate", ADMINS),
    Place("change the role", "/admin/members/{member}/role", OWNERS),
    Place("make a guest", "/admin/members/{member}/guest", ADMINS),
    Place("expiry of a guest", "/admin/members/{guest}/expiry", ADMINS),
    Place("audit", "/admin/audit", OWNERS),
    Place("audit of one person", "/admin/audit?about={member}", OWNERS),
)
