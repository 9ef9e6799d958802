"""Journeys through the doors: signing in and out, tokens for programs, what members and guests may see."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from rosterd.directory.model import Role
from tests.browser.conftest import Premises, Visitor
from tests.browser.journeys import (
    Person,
    arrive,
    eventually,
    execute,
    family,
    follow,
    mails,
    press,
    refused,
    teams_of,
    told,
    web_api,
)
from tests.protocol.live import Api

QUARTER = 15 * 60


def link_mailed_to(premises: Premises, person: Person) -> str:
    """The link to sign in that somebody was sent last."""

    def links() -> list[str]:
        texts = [mail.get_content() for mail in mails(premises, person.email)]
        found = [re.search(r"\S+/link\?key=\S+", text) for text in texts]
        return [each[0] for each in found if each]

    found = eventually(links)
    assert found, person.email
    return found[-1]


def promote(premises: Premises, person: Person, role: str) -> None:
    premises.run("user", "set-role", "--user", person.id, "--role", role)


def test_a_mailed_link_leads_back_to_where_one_was_when_the_session_ended(visitor: Visitor) -> None:
    [ida, kit] = people = arrive(visitor.premises, 2)
    page = visitor.window(ida.email)
    page.goto("/directory")
    sql = "UPDATE sessions SET last_used = last_used - 86400 WHERE user_id = $1"
    execute(visitor.premises, sql, ida.id)
    page.get_by_role("searchbox").fill(family(people))
    expect(page).to_have_url(re.compile("/signin/meridian\\?"))
    page.get_by_label("Your e-mail address").fill(ida.email)
    press(page, "Send me a link")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    link = link_mailed_to(visitor.premises, ida)
    page.goto(link)
    press(page, "Sign in")
    expect(page).to_have_url(re.compile(f"/directory\\?q={family(people)}$"))
    expect(page.get_by_role("link", name=kit.name)).to_be_visible()

    press(page, "Sign out")
    expect(page).to_have_url(re.compile("/signin/meridian$"))
    page.goto("/home")
    expect(page).to_have_url(re.compile("/signin"))
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link leads nowhere any more")
    follow(page, "Ask for a new link")
    expect(page.get_by_label("Your e-mail address")).to_be_visible()


def test_an_administrator_gets_in_by_a_password_of_this_servers(visitor: Visitor) -> None:
    [ida] = arrive(visitor.premises)
    promote(visitor.premises, ida, "admin")
    password = visitor.premises.run("local-admin", "set", "--user", ida.id).strip()
    page = visitor.window()
    page.goto("/admin/members?status=invited")
    page.get_by_label("Your organisation's domain on this server").fill(visitor.premises.crowd.domain)
    press(page, "Continue")
    follow(page, "Administrators with a password")
    page.get_by_label("E-mail address or username").fill(ida.username)
    page.get_by_label("Password").fill("wrong horse battery staple")
    press(page, "Sign in")
    expect(refused(page)).to_contain_text("That is not right.")
    page.get_by_label("Password").fill(password)
    press(page, "Sign in")
    expect(page).to_have_url(re.compile(r"/admin/members\?status=invited$"))
    expect(page.get_by_role("link", name="Status: Invited member (remove)")).to_be_visible()


def test_a_token_is_made_once_by_who_signs_in_afresh_then_rotated_and_ended(visitor: Visitor) -> None:
    premises = visitor.premises
    [ida] = arrive(premises)
    promote(premises, ida, "owner")
    page = visitor.window(ida.email)
    execute(premises, f"UPDATE sessions SET proved = proved - {QUARTER} WHERE user_id = $1", ida.id)
    page.goto("/admin/apps")
    follow(page, "Create a token")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in again")
    expect(page.get_by_label("Your e-mail address")).to_have_value(ida.email)
    press(page, "Send me a link")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    page.goto(link_mailed_to(premises, ida))
    press(page, "Sign in")
    expect(page).to_have_url(re.compile("/admin/apps/tokens/new$"))
    name = f"Connector of {ida.name}"
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create the token").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("The token is made")
    first = page.locator("#token").inner_text()
    assert _works(premises, first)
    made = [json.loads(line) for line in premises.run("token", "list").splitlines()]
    assert [each["user_id"] for each in made if each["name"] == name] == [ida.id]
    page.reload()
    expect(refused(page)).to_contain_text("This form was sent before.")
    assert first not in page.content()

    page.goto("/admin/apps")
    follow(page, name)
    address = page.url
    follow(page, "Rotate")
    page.get_by_label("This one still works for").select_option("24")
    press(page, "Make the new token")
    second = page.locator("#token").inner_text()
    assert second != first
    assert _works(premises, first)
    assert _works(premises, second)
    page.goto(address)
    follow(page, "Revoke")
    press(page, "Revoke it")
    expect(told(page)).to_have_text("The token is no longer valid. Whoever still uses it is refused.")
    assert not _works(premises, first)
    assert _works(premises, second)


def _works(premises: Premises, token: str) -> bool:
    answer = Api(premises.server.url, token, "v2", premises.server.http).get("Users", count=1)
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def test_a_member_finds_a_colleague_and_joins_and_leaves_a_workspace(visitor: Visitor) -> None:
    premises = visitor.premises
    [ida, kit, lou] = people = arrive(premises, 3, title="Stoker")
    premises.api().delete(f"Users/{lou.id}")
    word = family(people).lower()
    made = premises.run("workspace", "create", "--domain", f"{word}s", "--name", f"Yard of {word}",
                        "--discoverability", "open")  # fmt: skip
    yard, web = json.loads(made)["workspace_id"], web_api(premises, "users:read")
    before = teams_of(web, ida)
    page = visitor.window(ida.email)
    page.goto("/home")
    follow(page, "Member directory")
    page.get_by_role("searchbox").press_sequentially(word)
    expect(page.locator("#people tbody tr")).to_have_count(2)  # not who is deactivated
    expect(page).to_have_url(re.compile(f"/directory\\?q={word}$"))
    row = page.get_by_role("row", name=re.compile(kit.name))
    expect(row).to_contain_text("Invited member")
    row.get_by_role("link", name=kit.name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(kit.name)
    expect(page.get_by_role("link", name=kit.email)).to_be_visible()
    expect(page.locator("dl")).to_contain_text("Stoker")
    page.go_back()
    expect(page.locator("#people tbody tr")).to_have_count(2)

    follow(page, "You")
    press(page, f"Join Yard of {word}")
    expect(page.get_by_role("button", name=f"Leave Yard of {word}")).to_be_visible()
    assert teams_of(web, ida) == before | {yard}
    press(page, f"Leave Yard of {word}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Leave Yard of {word}?")
    press(page, "Leave")
    expect(page.get_by_role("button", name=f"Join Yard of {word}")).to_be_visible()
    assert teams_of(web, ida) == before


def test_a_guest_sees_their_own_page_and_is_told_why_no_more(visitor: Visitor) -> None:
    page = visitor.window(Role.MULTI_CHANNEL_GUEST)
    page.goto("/home")
    expect(page.get_by_role("link", name="Member directory")).to_have_count(0)
    for path, heading in (
        ("/directory", "The directory is for members"),
        (f"/directory/{visitor.premises.crowd.member}", "The directory is for members"),
        ("/admin", "This page is for administrators"),
    ):
        response = page.goto(path)
        assert response is not None
        assert response.status == 403
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        follow(page, "Back to your start page")
        expect(page).to_have_url(re.compile("/home$"))
