"""The first page of the Org Dashboard: its numbers are those that SCIM has, and each leads to its people."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.protocol import inside, live, premises
from tests.protocol.browser import Browser, Screen, sign_in
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Api, Org, Server, created, ok, serving

ADMIN = "/admin"


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


@pytest.fixture
def owner(org: Org, browser: Browser) -> Browser:
    """A browser in which the primary owner is signed in."""
    sign_in(browser, org, org.owner_id)
    return browser


def overview(browser: Browser, org: Org) -> Screen:
    """The page, once the index knows all that has happened."""
    inside.index(org.server.database, org.org_id)
    page = browser.open(ADMIN)
    assert page.status == 200
    return page


def tiles(page: Screen) -> dict[str, tuple[int, str]]:
    """Name → number and the address that it leads to."""
    found = re.findall(
        r'<li class="tile [^"]*"><a href="([^"]+)"><span class="number">([0-9,]+)</span>'
        r' <span class="name">([^<]+)</span>',
        page.response.text,
    )
    return {name: (int(number.replace(",", "")), to.replace("&amp;", "&")) for to, number, name in found}


def bars(page: Screen) -> dict[str, tuple[int, int, int]]:
    """Name → how many are invited, active and deactivated, of all tables of bars."""
    rows = re.findall(
        r'<th scope="row"><a href="([^"]+)">([^<]+)</a></th>\s*<td class="bar">(?:(?!</tr>).)*</td>\s*'
        r'<td class="count">(\d+)</td>\s*<td class="count">(\d+)</td>\s*<td class="count">(\d+)</td>',
        page.response.text,
        re.DOTALL,
    )
    return {name: (int(invited), int(active), int(gone)) for _, name, invited, active, gone in rows}


def counted(page: Screen, caption: str) -> dict[str, int]:
    """What a chart's table says of the last day, by its columns."""
    [table] = re.findall(rf"<caption>{caption}.*?</table>", page.response.text, re.DOTALL)
    names = re.findall(r'<th scope="col" class="count">([^<]+)</th>', table)
    last = re.findall(r'<tr><th scope="row">.*?</tr>', table)[-1]
    return dict(zip(names, map(int, re.findall(r'<td class="count">(\d+)</td>', last)), strict=True))


def staff(api: Api) -> list[str]:
    """Five people: three in the kitchen, one of them deactivated; two in the bar, whose boss is the first."""
    ids: list[str] = []
    for n in range(5):
        more = {"department": "Kitchen & Co" if n < 3 else "Bar", "division": "North"}
        if n >= 3:
            more["manager"] = {"value": ids[0]}  # type: ignore[assignment]
        body = api.user_body(f"p{n}", title="Cook" if n < 3 else "Waiter", **{api.urns.enterprise: more})
        ids.append(str(created(api.post("Users", body))["id"]))
    api.delete(f"Users/{ids[2]}")
    return ids


def test_tiles_count_what_scim_has_and_lead_there(org: Org, owner: Browser) -> None:
    api = org.api("v2")
    staff(api)
    org.create_user("adam", "admin")
    org.create_user("guest", "multi_channel_guest")
    everybody = ok(api.get("Users", count=1000))["Resources"]
    gone = sum(not user["active"] for user in everybody)
    found = tiles(overview(owner, org))
    assert found["Invited members"] == (len(everybody) - gone - 1, "/admin/members?status=invited")
    assert found["Active"] == (1, "/admin/members?status=active")
    assert found["Deactivated"] == (gone, "/admin/members?status=deactivated") == (1, found["Deactivated"][1])
    assert found["Members"] == (4, "/admin/members?role=member")
    assert found["Primary owner"] == (1, "/admin/members?role=primary_owner")
    assert found["Admin"] == (1, "/admin/members?role=admin")
    assert found["Multi-channel guest"] == (1, "/admin/members?role=multi_channel_guest")
    assert found["Owners"] == (0, "/admin/members?role=owner")
    page = owner.open(found["Deactivated"][1])
    assert "p2@example.com" in page.text
    assert "p1@example.com" not in page.text


def test_somebody_who_signs_in_is_active_from_then_on(org: Org, owner: Browser) -> None:
    ann = org.create_user("ann")
    page = overview(owner, org)
    assert "Of them: invited, never signed in 1 50 %" in page.text
    with Browser(org.server.url) as other:
        sign_in(other, org, ann)
    page = overview(owner, org)
    assert "Of them: invited, never signed in 0 0 %" in page.text
    assert "Of them: signed in at least once 2 100 %" in page.text
    assert counted(page, "Signing in") == {"Signed in": 2, "Not let in": 0}


def test_people_are_broken_down_and_every_bar_leads_to_them(org: Org, owner: Browser) -> None:
    api = org.api("v2")
    staff(api)
    team = premises.workspace(org, "sales")
    inside.put_in(org.server.database, org.org_id, {team: [org.owner_id]})  # which leaves no event
    api.patch_user(org.owner_id, {"op": "replace", "path": "nickName", "value": "boss"})
    page = overview(owner, org)
    assert {name: numbers for name, numbers in bars(page).items() if name != org.domain} == {
        "Kitchen &amp; Co": (2, 0, 1),
        "Bar": (2, 0, 0),
        "Cook": (2, 0, 1),
        "Waiter": (2, 0, 0),
        "North": (4, 0, 1),
        "p0": (2, 0, 0),
        "Sales": (0, 1, 0),
        "Script": (4, 0, 1),
        "Something else": (0, 1, 0),
    }
    assert page.links["Kitchen & Co"] == "/admin/members?department=Kitchen+%26+Co"
    people = owner.open(page.links["p0"])
    assert "p3@example.com" in people.text
    assert "p1@example.com" not in people.text


def test_what_happened_today_is_counted(org: Org, owner: Browser) -> None:
    api = org.api("v2")
    ids = staff(api)
    api.patch_user(ids[2], {"op": "replace", "path": "active", "value": True})
    group = api.create_group("crew", *ids[:2])["id"]
    api.patch_group(group, {"op": "remove", "path": f'members[value eq "{ids[0]}"]'})
    org.run("user", "set-role", "--user", ids[1], "--role", "admin")
    page = overview(owner, org)
    assert counted(page, "People") == {
        "Created": 6, "Reactivated": 1, "Deactivated or expired": 1, "Role changed": 1,
    }  # fmt: skip
    assert counted(page, "Group membership") == {"Added": 2, "Taken out": 1}


def test_the_newest_refusals_are_shown(org: Org, owner: Browser) -> None:
    api = org.api("v2")
    assert "No request of a program was refused" in overview(owner, org).text
    api.get("Users/W0")
    api.send("POST", "Users", api.user_body("ann", emails=[]), headers={"User-Agent": "Okta SCIM Client 1.0"})
    deadline = time.monotonic() + 30
    while "2 requests of programs" not in (page := owner.open(ADMIN)).text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "Okta POST /scim/v2/Users" in page.text
    assert page.links["2 requests of programs"] == "/admin/log?outcome=refused"


def test_what_ends_soon_and_what_was_given_up_is_shown(org: Org, owner: Browser) -> None:
    day = 24 * 3600
    soon = int(time.time()) + 3 * day
    guest = org.create_user("guest", "multi_channel_guest")
    org.create_user("later", "multi_channel_guest")
    sql = "UPDATE users SET guest_expires = $2 WHERE org_id = $1 AND username = $3"
    inside.execute(org.server.database, sql, org.org_id, soon, "guest")
    inside.execute(org.server.database, sql, org.org_id, soon + 60 * day, "later")
    org.token_for(org.owner_id, "--expires", "5d", "--name", "Okta production")
    page = overview(owner, org)
    assert page.links["guest"] == f"/admin/members/{guest}"
    assert "later" not in page.links
    assert "Okta production" in page.links
    inside.execute(org.server.database, *a_dead_errand(org))
    assert "Given up Webhooks: 1" in owner.open(ADMIN).text


def a_dead_errand(org: Org) -> tuple[str, str]:
    sql = (
        "INSERT INTO outbox (org_id, id, created, kind, subject_id, arguments, due, attempts, problem, dead)"
        " VALUES ($1, '019ab697-e87b-7000-8000-000000000000', 1, 'webhook', 'x', '{}', 1, 20, 'away', 1)"
    )
    return sql, org.org_id


def test_limits_that_are_off_are_said_to_be(org: Org, owner: Browser) -> None:
    assert "Limits are off: every request is taken." in overview(owner, org).text


def test_the_room_under_each_limit_is_shown(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'rosterd.db'}"
    table = tmp_path / "limits.toml"
    table.write_text("[limits.create_user]\nper_minute = 1")
    options = ("--rate-limits", "slack", "--limits-table", str(table))
    with serving("sqlite", database, tmp_path / "stderr.log", *options) as server:
        org = live.make_org(server)
        api = org.api("v2")
        for n in range(18):
            api.post("Users", api.user_body(f"p{n}"))
        with Browser(server.url) as browser:
            sign_in(browser, org, org.owner_id)
            page = overview(browser, org)
        assert "Limits are off" not in page.text
        assert "Nearly used up" in page.text
        assert "SCIM: read one user 300 300 300" in page.text
        assert re.search(r"SCIM: create users low [23] 20 1 ", page.text)


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("admin", 200), ("member", 403)])
def test_administrators_see_it(org: Org, browser: Browser, role: str, status: int) -> None:
    sign_in(browser, org, org.create_user("ann", role))
    for path in (ADMIN, "/admin/by/title"):
        page = browser.open(path)
        assert (page.status, "Org Dashboard" in browser.open("/home").links) == (status, status == 200)
    if status == 403:
        assert page.links["Back to your start page"] == "/"


def test_guests_do_not_see_it(org: Org, browser: Browser) -> None:
    sign_in(browser, org, org.create_user("ann", "multi_channel_guest"))
    assert browser.open(ADMIN).status == 403


def test_one_of_many_values_is_found_by_its_beginning_and_page_by_page(org: Org, owner: Browser) -> None:
    sql = (
        "INSERT INTO facet_counts (org_id, field, value, invited, active, deactivated, total)"
        " VALUES ($1, 'department', $2, $3, 0, 0, $3)"
    )
    inside.index(org.server.database, org.org_id)
    rows = [(org.org_id, f"Team {n:03} <&:>", 900 - n // 50) for n in range(120)]
    inside.execute_many(org.server.database, sql, rows)
    page = owner.open(ADMIN)
    assert page.links["All departments"] == "/admin/by/department"
    page = owner.open("/admin/by/department")
    seen = [*bars(page)]
    while "Next page" in page.links:
        page = owner.open(page.links["Next page"])
        seen += bars(page)
    assert seen == sorted(
        (f"Team {n:03} &lt;&amp;:&gt;" for n in range(120)),
        key=lambda name: (int(name[5:8]) // 50, -int(name[5:8])),
    )
    assert [*bars(owner.open("/admin/by/department?q=tEAM+11"))] == [
        f"Team {n} &lt;&amp;:&gt;" for n in range(119, 109, -1)
    ]
    assert bars(owner.open("/admin/by/department?q=x")) == {}


def test_managers_are_found_by_their_names(org: Org, owner: Browser) -> None:
    staff(org.api("v2"))
    inside.index(org.server.database, org.org_id)
    assert bars(owner.open("/admin/by/manager")) == {"p0": (2, 0, 0)}
    assert bars(owner.open("/admin/by/manager?q=p0")) == {"p0": (2, 0, 0)}
    assert bars(owner.open("/admin/by/manager?q=p3")) == {}
    assert bars(owner.open("/admin/by/source?q=sCr")) == {"Script": (4, 0, 1)}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/by/nothing", 404),
        ("/admin/by/word", 404),
        ("/admin/by/title?after=x", 400),
        ("/admin/by/title?after=1:%00", 400),
        ("/admin/by/title?q=%00", 200),
        (f"/admin/by/title?q={'x' * 5000}", 200),
    ],
)
def test_addresses_that_are_wrong_are_answered(owner: Browser, path: str, status: int) -> None:
    assert owner.open(path).status == status


def test_only_enterprise_has_several_workspaces(make_org: MakeOrg, browser: Browser) -> None:
    org = make_org("business_plus")
    sign_in(browser, org, org.owner_id)
    assert browser.open("/admin/by/workspace").status == 404
    assert "By workspace" not in overview(browser, org).text


def test_nothing_of_another_organisation_is_counted(make_org: MakeOrg, org: Org, owner: Browser) -> None:
    staff(make_org().api("v2"))
    page = overview(owner, org)
    assert tiles(page)["Invited members"][0] == 0
    assert "Kitchen" not in page.text


def test_every_list_of_members_that_the_page_leads_to_is_understood(org: Org, owner: Browser) -> None:
    staff(org.api("v2"))
    found = re.findall(r'href="(/admin/members[?][^"]*)"', overview(owner, org).response.text)
    assert len(found) > 10
    for to in found:
        assert owner.open(to.replace("&amp;", "&")).status == 200, to
