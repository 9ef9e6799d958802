"""Journeys through what is kept of the past: the provisioning log as it happens, and the audit trail."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Locator, Page, expect

from rosterd.directory.advice import advice
from rosterd.directory.model import Role
from tests.browser.conftest import Visitor
from tests.browser.journeys import arrive, eventually, saved, table
from tests.protocol.live import Api

OWNER = Role.PRIMARY_OWNER
OKTA = {"User-Agent": "Okta SCIM Client 1.0.0"}


def entries(page: Page, *words: str) -> Locator:
    """The entries of a list of events that say all of this."""
    found = page.locator("ol.events > li")
    for word in words:
        found = found.filter(has_text=word)
    return found


def test_what_programs_do_is_there_as_it_happens_and_then_in_files(visitor: Visitor) -> None:
    api = visitor.premises.api()
    [ida] = arrive(visitor.premises, title="Stoker")
    page = visitor.window(OWNER)
    page.goto("/admin/log")
    page.get_by_label("About", exact=True).fill(ida.username)
    page.get_by_role("button", name="Show").click()
    expect(entries(page)).to_have_count(1)
    page.get_by_role("link", name="Follow live").click()
    expect(page.locator("#following")).to_be_visible()
    page.evaluate("globalThis.stayed = true")

    api.patch_user(ida.id, {"op": "replace", "path": "title", "value": "Trimmer"})
    changed = entries(page, "Changed", "Trimmer")
    expect(changed).to_have_count(1)
    expect(page.locator("#voice")).to_have_text("One new entry.")
    changed.locator("summary").click()
    expect(changed.locator("del")).to_have_text("Stoker")
    expect(changed.locator("ins")).to_have_text("Trimmer")

    body = api.user_body("another", emails=[{"value": ida.email}])
    answer = api.send("POST", "Users", body, headers=OKTA)
    assert answer.status_code == 409
    failed = entries(page, "Refused", "email_taken")
    expect(failed).to_have_count(1)
    assert failed.evaluate("element => element === element.parentElement.firstElementChild")
    failed.locator("summary").click()
    expect(failed).to_contain_text(f"What to do: {advice('email_taken')}")
    expect(failed.locator("summary")).to_contain_text("by Okta")
    expect(failed).to_contain_text(answer.headers["x-request-id"])
    assert page.evaluate("stayed")

    page.get_by_role("link", name="Stop following").click()
    expect(entries(page)).to_have_count(3)
    lines = table(saved(page, "CSV"))
    assert [(line["outcome"], line["code"]) for line in lines[:2]] == [
        ("refused", "email_taken"),
        ("changed", ""),
    ]
    assert (lines[1]["field"], lines[1]["before"], lines[1]["after"]) == ("title", "Stoker", "Trimmer")
    found = json.loads(saved(page, "JSON").read_bytes())
    assert [each["outcome"] for each in found] == ["refused", "changed", "changed"]
    assert found[0]["error"]["advice"] == advice("email_taken")
    assert {each["about"]["id"] for each in found} == {ida.id}


def test_a_token_that_comes_from_elsewhere_shows_in_the_log_with_its_name(visitor: Visitor) -> None:
    premises = visitor.premises
    token = premises.run(
        "token", "create", "--user", premises.crowd.owner, "--scopes", "admin",
        "--allow-ip", "192.0.2.0/24", "--name", "Night shift",
    ).strip()  # fmt: skip
    api = Api(premises.server.url, token, "v2", premises.server.http)
    assert api.get("Users", count=1).status_code == 401
    page = visitor.window(OWNER)

    def noted() -> bool:
        page.goto("/admin/log?outcome=refused")
        page.get_by_label("Token", exact=True).select_option(label=_night(page))
        page.get_by_role("button", name="Show").click()
        return entries(page).count() > 0

    assert eventually(noted)
    [entry] = entries(page).all()
    entry.locator("summary").click()
    expect(entry).to_contain_text(advice("invalid_authentication"))
    expect(entry).to_contain_text("127.0.0.1")
    page.get_by_label("Outcome").select_option("Changed something")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No request fits.")).to_be_visible()


def _night(page: Page) -> str:
    [label] = page.locator("#token option", has_text="Night shift").all_inner_texts()
    return label


def test_an_owner_finds_an_event_checks_the_chain_and_takes_both_home(visitor: Visitor) -> None:
    [ida] = arrive(visitor.premises, title="Stoker")
    visitor.premises.api().delete(f"Users/{ida.id}")
    page = visitor.window(OWNER)
    page.goto("/admin/audit")
    page.get_by_label("About", exact=True).fill(ida.email)
    page.get_by_label("What", exact=True).select_option("user_deactivated")
    page.get_by_role("button", name="Show").click()
    expect(entries(page)).to_have_count(1)
    page.get_by_label("What", exact=True).select_option(label="All of: People")
    page.get_by_role("button", name="Show").click()
    expect(entries(page)).to_have_count(2)
    oldest = entries(page).last
    oldest.locator("summary").click()
    expect(oldest.locator("ins", has_text="Stoker")).to_be_visible()
    events = json.loads(saved(page, "Save as JSON").read_bytes())
    assert [each["action"] for each in events] == ["user_deactivated", "user_created"]
    assert [line["action"] for line in table(saved(page, "Save as CSV"))] == [
        "user_deactivated",
        "user_created",
    ]

    page.get_by_role("button", name="Verify now").click()
    chain = page.locator("#chain")
    expect(chain.get_by_text("Untouched").first).to_be_visible(timeout=30_000)
    expect(chain.get_by_role("button", name="Verify now")).to_be_visible()
    assert re.fullmatch("[0-9a-f]{64}", chain.locator("#head").inner_text())
    assert json.loads(visitor.premises.run("audit", "verify"))["ok"] is True


def test_an_admin_does_not_see_the_trail_and_a_member_no_page_for_administrators(visitor: Visitor) -> None:
    ada = visitor.window(Role.ADMIN)
    ada.goto("/admin")
    expect(ada.get_by_role("link", name="Audit", exact=True)).to_have_count(0)
    response = ada.goto("/admin/audit")
    assert response is not None
    assert response.status == 403
    expect(ada.get_by_role("heading", level=1)).to_have_text("You may not do this")
    ada.get_by_role("link", name="Back to your start page").click()
    expect(ada).to_have_url(re.compile("/admin$"))
    mira = visitor.window(Role.MEMBER)
    response = mira.goto("/admin/members")
    assert response is not None
    assert response.status == 403
    expect(mira.get_by_role("heading", level=1)).to_have_text("This page is for administrators")
    mira.get_by_role("link", name="Back to your start page").click()
    expect(mira).to_have_url(re.compile("/home$"))
