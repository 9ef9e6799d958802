"""Journeys that begin at an address that is wrong: mistyped, cut off, or made up."""

from __future__ import annotations

from urllib.parse import urlencode

from rosterd.directory.model import Role
from tests.browser.conftest import Visitor

OWNER = Role.PRIMARY_OWNER
LONG = "x" * 5_000

WRONG: list[tuple[Role, str, dict[str, str]]] = [
    (OWNER, "/admin/members", {"status": "asleep", "colour": "red", "sort": "up", "columns": "shoe"}),
    (OWNER, "/admin/members", {"after": "nowhere"}),
    (OWNER, "/admin/members", {"q": "a\0b", "department": "\0", "after": "\0"}),
    (OWNER, "/admin/members", {"q": LONG, "title": LONG, "after": LONG, "status": LONG}),
    (OWNER, "/admin/log", {"outcome": "maybe"}),
    (OWNER, "/admin/log", {"about": "\0", "code": "\0"}),
    (OWNER, "/admin/log", {"from": "yesterday"}),
    (OWNER, "/admin/log", {"before": LONG}),
    (OWNER, "/admin/audit", {"action": "dreaming"}),
    (OWNER, "/admin/audit", {"by": "a\0b@example.com"}),
    (OWNER, "/admin/audit", {"to": "2026-02-31"}),
    (OWNER, "/admin/audit", {"before": "\0"}),
    (OWNER, "/admin/by/department", {"after": "\0"}),
    (OWNER, "/admin/by/department", {"after": LONG}),
    (OWNER, "/admin/by/shoe", {}),
    (OWNER, "/admin/bulk/none", {}),
    (OWNER, "/admin/members/none", {}),
    (OWNER, f"/admin/members/{LONG}", {}),
    (OWNER, "/admin/members/{member}", {"tab": "shoes"}),
    (OWNER, "/admin/members/{member}", {"tab": "history", "before": "\0"}),
    (OWNER, "/admin/members/{member}", {"tab": "scim", "version": LONG}),
    (OWNER, "/admin/apps/tokens/none", {}),
    (OWNER, "/admin/apps", {"after": "\0", "state": "asleep"}),
    (OWNER, "/admin/groups", {"after": "\0", "q": "\0"}),
    (OWNER, "/admin/groups", {"q": LONG}),
    (OWNER, "/admin/groups/{group}", {"tab": "shoes"}),
    (OWNER, "/admin/groups/{group}", {"tab": "members", "after": "\0"}),
    (OWNER, "/admin/groups/{group}/preview", {"do": "dance", "places": "T1"}),
    (OWNER, "/admin/groups/{group}/preview", {"do": "connect", "places": "\0"}),
    (OWNER, "/admin/groups/none/preview", {"do": "connect", "places": "T1"}),
    (OWNER, "/admin/workspaces", {"after": "\0"}),
    (OWNER, "/admin/workspaces/none", {}),
    (OWNER, "/admin/workspaces/{workspace}", {"tab": "members", "after": LONG}),
    (OWNER, "/admin/channels", {"kind": "loud", "after": "\0"}),
    (OWNER, "/admin/channels/none", {}),
    (OWNER, "/admin/bulk", {"before": "\0"}),
    (Role.MEMBER, "/directory", {"after": "\0"}),
    (Role.MEMBER, "/directory", {"after": LONG, "q": LONG}),
    (Role.MEMBER, "/home", {"after": "\0"}),
    (Role.MEMBER, "/directory/none", {}),
    (Role.MEMBER, "/home/leave", {"team": "\0"}),
]
"""Who looks, the page, and what is wrong in its address."""


def test_a_wrong_address_gets_an_answer_in_words_and_nothing_breaks(visitor: Visitor) -> None:
    windows = {role: visitor.window(role) for role in (OWNER, Role.MEMBER)}
    odd = []
    for role, path, state in WRONG:
        page = windows[role]
        address = path.format_map(visitor.premises.names)
        response = page.goto(f"{address}?{urlencode(state)}" if state else address)
        assert response is not None
        said = page.locator("main .refused, main h1").all_inner_texts()
        if not 400 <= response.status < 500 or not "".join(said).strip():
            odd.append((response.status, path[:60], [*state], said))
    assert odd == []
