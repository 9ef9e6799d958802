"""Every page, and who may see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rosterd.directory.model import Role
from tests.browser.story import ADMIN, GUEST, MEMBER, OWNER

SEATS = {Role.PRIMARY_OWNER: OWNER, Role.ADMIN: ADMIN, Role.MEMBER: MEMBER, Role.MULTI_CHANNEL_GUEST: GUEST}
"""Who is signed in, the most powerful first."""

OWNERS = (Role.PRIMARY_OWNER,)
ADMINS = (*OWNERS, Role.ADMIN)
MEMBERS = (*ADMINS, Role.MEMBER)
EVERYBODY = tuple(SEATS)
NOBODY: tuple[Role, ...] = ()
"""It is for whoever is not signed in."""


class Place(NamedTuple):
    """A page, and who may see it: the first of them is who looks.

    In its path stand names of what an organisation has (the fields of `Crowd`).
    """

    name: str
    path: str
    seats: tuple[Role, ...]
    status: int = 200
    otherwise: int = 403  # the answer to others who are signed in

    def url(self, names: Mapping[str, str]) -> str:
        """Raises `KeyError` for an organisation that has no such thing."""
        return self.path.format_map(names)

    def __str__(self) -> str:
        return self.name


_ASKED = "user_scope=users:read,admin"
_ALL = (
    "columns=username,email,title,department,division,manager,role,groups,workspaces,source,created,claimed"
)


def _tabs(name: str, path: str, *tabs: str) -> tuple[Place, ...]:
    """A page and its other parts."""
    return (
        Place(name, path, ADMINS),
        *(Place(f"{name} {tab}", f"{path}?tab={tab}", ADMINS) for tab in tabs),
    )


_OUTSIDE = (
    Place("sign in", "/signin/{domain}", NOBODY),
    Place("find the organisation", "/signin", NOBODY),
    Place("sign in with a password", "/signin/{domain}/local", NOBODY),
    Place("link that leads nowhere", "/signin/{domain}/link?key=none", NOBODY, 403),
    Place("no page", "/home/nothing", NOBODY, 404),
)
_OF_MEMBERS = (
    Place("home", "/home", EVERYBODY),
    Place("home of a guest", "/home", EVERYBODY[::-1]),
    Place("leave a workspace", "/home/leave?team={left}", MEMBERS),
    Place("directory", "/directory", MEMBERS),
    Place("directory searched", "/directory?q=mira.castel64", MEMBERS),
    Place("directory without anybody", "/directory?q=nobody+at+all", MEMBERS),
    Place("colleague", "/directory/{member}", MEMBERS),
    Place("consent", f"/oauth/v2/authorize?client_id={{client_id}}&{_ASKED}", OWNERS, otherwise=303),
)
_ABOUT_PEOPLE = (
    Place("members", "/admin/members", ADMINS),
    Place("members filtered", f"/admin/members?q=mi&department=Sales&{_ALL}", ADMINS),
    Place("members without anybody", "/admin/members?q=nobody&status=invited", ADMINS),
    Place("members wrongly asked", "/admin/members?status=asleep&colour=red&after=x", ADMINS, 400),
    Place("file of members refused", "/admin/members.csv?status=asleep", ADMINS, 400),
    *_tabs("member", "/admin/members/{member}", "scim", "places", "sessions", "history"),
    Place("member invited", "/admin/members/{invited}", ADMINS),
    Place("member deactivated", "/admin/members/{deactivated}", ADMINS),
    Place("member who is a guest", "/admin/members/{guest}", ADMINS),
    Place("no member", "/admin/members/W00000000000", ADMINS, 404),
    Place("deactivate", "/admin/members/{member}/deactivate", ADMINS),
    Place("reactivate", "/admin/members/{deactivated}/reactivate", ADMINS),
    Place("change the role", "/admin/members/{member}/role", ADMINS),
    Place("make a guest", "/admin/members/{member}/guest", ADMINS),
    Place("expiry of a guest", "/admin/members/{guest}/expiry", ADMINS),
    Place("bulk changes", "/admin/bulk", ADMINS),
    Place("bulk change", "/admin/bulk/{batch}", ADMINS),
)
_ABOUT_PLACES = (
    Place("groups", "/admin/groups", ADMINS),
    *_tabs("group", "/admin/groups/{group}", "members", "history"),
    Place("no group", "/admin/groups/S0000000000", ADMINS, 404),
    Place("workspaces for a group", "/admin/groups/{group}/workspaces", ADMINS),
    Place("channels for a group", "/admin/groups/{group}/channels", ADMINS),
    Place("allowlists for a group", "/admin/groups/{group}/allowlists", ADMINS),
    Place("preview of a connection", "/admin/groups/{group}/preview?do=connect&places={left}", ADMINS),
    Place("preview of an end", "/admin/groups/{group}/preview?do=disconnect&places={workspace}", ADMINS),
    Place("preview refused", "/admin/groups/{group}/preview?do=disconnect&places={left}", ADMINS, 409),
    Place("workspaces", "/admin/workspaces", ADMINS),
    *_tabs("workspace", "/admin/workspaces/{workspace}", "members", "channels", "roles"),
    Place("group for a workspace", "/admin/workspaces/{workspace}/connect", ADMINS),
    Place("add to a workspace", "/admin/workspaces/{left}/add?who={invited}", ADMINS),
    Place("remove from a workspace", "/admin/workspaces/{left}/remove?who=mira@meridian.example", ADMINS),
    Place("new workspace", "/admin/workspaces/new", ADMINS),
    Place("channels", "/admin/channels", ADMINS),
    *_tabs("channel", "/admin/channels/{channel}", "members"),
    Place("private channel", "/admin/channels/{private}", ADMINS),
    Place("group for a channel", "/admin/channels/{channel}/connect", ADMINS),
    Place("allowlist of a channel", "/admin/channels/{private}/allow", ADMINS),
    Place("new channel", "/admin/channels/new", ADMINS),
)
_ABOUT_PROGRAMS = (
    Place("log", "/admin/log", ADMINS),
    Place("log of what was refused", "/admin/log?outcome=refused", ADMINS),
    Place("apps and tokens", "/admin/apps", ADMINS),
    Place("new app", "/admin/apps/new", ADMINS),
    Place("app", "/admin/apps/{app}", ADMINS),
    Place("revoke an app", "/admin/apps/{app}/revoke", ADMINS),
    Place("new token", "/admin/apps/tokens/new", ADMINS),
    Place("token", "/admin/apps/tokens/{token_id}", ADMINS),
    Place("rotate a token", "/admin/apps/tokens/{token_id}/rotate", ADMINS),
    Place("revoke a token", "/admin/apps/tokens/{token_id}/revoke", ADMINS),
    Place("new webhook", "/admin/apps/webhooks/new", OWNERS),
    Place("audit", "/admin/audit", OWNERS),
    Place("audit of one person", "/admin/audit?about={member}", OWNERS),
)

PAGES = (
    *_OUTSIDE,
    *_OF_MEMBERS,
    Place("overview", "/admin", ADMINS),
    Place("by department", "/admin/by/department", ADMINS),
    *_ABOUT_PEOPLE,
    *_ABOUT_PLACES,
    *_ABOUT_PROGRAMS,
)
