"""Many people changed at once in the Org Dashboard: chosen, looked at, confirmed, and taken back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from tests.protocol import inside, premises, secrets_at_rest
from tests.protocol.browser import Browser, Form, Screen, parameters, sign_in
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import SECRET, Org, Server, make_org

BULK, CHOOSE = "/admin/bulk", "/admin/members/bulk"
PATIENCE = 60.0


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


@pytest.fixture
def owner(org: Org, browser: Browser) -> Browser:
    """A browser in which the primary owner is signed in."""
    sign_in(browser, org, org.owner_id)
    return browser


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def choose(browser: Browser, people: Sequence[str], query: str = "", **fields: str) -> Screen:
    """From people who are ticked to the choice of what is done to them."""
    return browser.send(Form("post", f"{CHOOSE}{query}", {}), user=" ".join(people), **fields)


def draft(browser: Browser, people: Sequence[str], action: str, **fields: str) -> Screen:
    """A draft, when its preview is whole."""
    chosen = choose(browser, people)
    return whole(browser, browser.send(chosen.form(BULK), user=" ".join(people), action=action, **fields))


def whole(browser: Browser, page: Screen) -> Screen:
    """The page of a bulk change when nothing is under way any more."""
    deadline = time.monotonic() + PATIENCE
    while 'http-equiv="refresh"' in page.response.text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        page = browser.open(page.path.removesuffix("/confirm"))
    return page


def confirm(browser: Browser, page: Screen, typed: str) -> Screen:
    [form] = [each for each in page.forms if each.action.endswith("/confirm")]
    return whole(browser, browser.send(form, typed=typed))


def gone(org: Org) -> set[str]:
    """Who is deactivated, as SCIM has it."""
    api = org.api("v2")
    found = api.get("Users", filter="active eq false", count=1_000).json()
    return {each["id"] for each in found.get("Resources", [])}


def crew(org: Org, count: int) -> list[str]:
    return inside.add_people(org.server.database, org.domain, count)


def test_three_of_twelve_are_deactivated_by_a_word_and_come_back(org: Org, owner: Browser) -> None:
    people = crew(org, 12)
    page = draft(owner, people[:3], "deactivate")
    assert (page.status, page.heading) == (200, "Deactivate 3 people")
    assert "3 will be deactivated" in page.text
    assert "not deactivated → deactivated" in page.text
    assert "Type deactivate to confirm" in page.text
    assert gone(org) == set()
    wrong = confirm(owner, page, "delete")
    assert wrong.status == 400
    assert "That is not what has to be typed." in wrong.text
    assert gone(org) == set()
    page = confirm(owner, wrong, " Deactivate ")
    assert (page.status, page.path) == (200, page.path)
    assert "3 were deactivated" in page.text
    assert gone(org) == set(people[:3])
    back = whole(owner, owner.send(page.form(f"{page.path}/undo")))
    assert (back.heading, gone(org)) == ("Take back what was done to 3 people", set(people[:3]))
    done = confirm(owner, back, "undo")
    assert "3 are as they were" in done.text
    assert gone(org) == set()
    again = owner.open(page.path)
    assert [form for form in again.forms if form.action.endswith("/undo")] == []
    listed = owner.open(BULK)
    assert {"Deactivate 3 people", "Take back what was done to 3 people"} <= listed.links.keys()


def test_more_than_the_limit_need_their_number(org: Org, owner: Browser) -> None:
    people = crew(org, 30)
    page = draft(owner, people, "deactivate")
    assert page.heading == "Deactivate 30 people"
    assert "That is many people. 30 would be deactivated" in page.text
    assert "Type 30 to confirm" in page.text
    for typed, text in (
        ("deactivate", "These are many people."),
        ("29", "That is not what has to be typed."),
        ("", "That is not what has to be typed."),
    ):
        page = confirm(owner, page, typed)
        assert page.status == 400
        assert text in page.text
    assert gone(org) == set()
    page = confirm(owner, page, "30")
    assert "30 were deactivated" in page.text
    assert gone(org) == set(people)


def test_the_preview_says_of_whom_nothing_is_done_and_why(org: Org, owner: Browser, browser: Browser) -> None:
    ann, bob, cal = crew(org, 3)
    org.api("v2").delete(f"Users/{bob}")
    page = draft(owner, [ann, bob, cal, org.owner_id], "deactivate")
    assert "2 will be deactivated 1 are deactivated already" in page.text
    assert "1 You cannot change yourself in a bulk change. Use your own member page." in page.text
    only = owner.open(f"{page.path}?outcome=unchanged")
    assert only.response.text.count('<th scope="row">') == 1
    assert f'/admin/members/{bob}"' in only.response.text
    confirm(owner, page, "deactivate")
    assert gone(org) == {ann, bob, cal}


def test_a_form_that_is_sent_twice_counts_once(org: Org, owner: Browser) -> None:
    people = crew(org, 2)
    chosen = choose(owner, people)
    fields = {"user": " ".join(people), "action": "deactivate"}
    first = owner.send(chosen.form(BULK), **fields)
    twice = owner.send(chosen.form(BULK), **fields)
    assert twice.status == 409
    assert "This form was sent before." in twice.text
    form = first.form(f"{first.path}/confirm")
    owner.send(form, typed="deactivate")
    twice = owner.send(form, typed="deactivate")
    assert (twice.status, twice.heading) == (409, first.heading)
    fresh = Form("post", form.action, form.fields | {"once": "x" * 22})
    again = owner.send(fresh, typed="deactivate")
    assert (again.status, "It was confirmed already." in again.text) == (409, True)
    assert [org.events(each).count("user_deactivated") for each in people] == [1, 1]


def test_what_an_action_needs_is_asked_for_and_what_was_typed_stays(org: Org, owner: Browser) -> None:
    [ann] = crew(org, 1)
    team = premises.workspace(org, "sales")
    for action, fields, text in (
        ("", {}, "Choose what is to be done."),
        ("undo", {}, "Choose what is to be done."),
        ("set_role", {}, "Choose a role."),
        ("set_role", {"role": "primary_owner"}, "Choose a role."),
        ("add_to_workspace", {}, "There is no such workspace."),
        ("add_to_workspace", {"team_to": "T0NOWHERE"}, "There is no such workspace."),
        ("set_expiry", {"day": "2001-01-01"}, ""),
        ("set_expiry", {"day": "soon"}, ""),
    ):
        page = owner.send(choose(owner, [ann]).form(BULK), user=ann, action=action, **fields)
        assert (page.heading, page.status in (400, 404)) == ("What is to be done to 1 person?", True)
        assert text in page.text
        if action and action != "undo":
            assert f'value="{action}" required checked' in page.response.text
    page = draft(owner, [ann], "add_to_workspace", team_to=team)
    assert page.heading == "Add 1 person to Sales"
    confirm(owner, page, "add")
    stays = json.loads(org.run("explain", ann, "--json"))["stays"]
    assert team in {stay["place_id"] for stay in stays}
    page = draft(owner, [ann], "set_role", role="admin")
    assert (page.heading, "Member → Admin" in page.text) == ("Make 1 person Admin", True)
    secrets_at_rest.age_proofs(org.server.database, org.org_id, 31 * 60)
    page = confirm(owner, page, "admin")  # whoever has that role can open every door
    assert (page.status, "Sign in again first." in page.text) == (403, True)
    assert [each["role"] for each in org.users() if each["user_id"] == ann] == ["member"]
    assert parameters(page.links["sign in again"])["next"] == page.path
    sign_in(owner, org, org.owner_id)
    confirm(owner, owner.open(page.path), "admin")
    assert [each["role"] for each in org.users() if each["user_id"] == ann] == ["admin"]


def test_everybody_whom_a_filter_shows_is_everybody_on_all_its_pages(org: Org, owner: Browser) -> None:
    api = org.api("v2")
    sales = [
        str(api.create_user(f"s{n}", **{api.urns.enterprise: {"department": "Sales"}})["id"])
        for n in range(4)
    ]
    crew(org, 60)
    query = "?" + urlencode({"department": "Sales"})
    chosen = choose(owner, [], query, all="1")
    assert (chosen.heading, "Department Sales" in chosen.text) == (
        "What is to be done to everybody who fits?",
        True,
    )
    until(lambda: "s3 , s2 , s1 , s0 ." in choose(owner, [], query, all="1").text)
    [form] = [each for each in chosen.forms if each.action.endswith(BULK + query)]
    until(lambda: owner.send(form, action="").status == 400)  # and not 503: the list is being made
    page = whole(owner, owner.send(form, action="deactivate"))
    assert page.heading == "Deactivate 4 people"
    confirm(owner, page, "deactivate")
    assert gone(org) == set(sales)
    wrong = choose(owner, [], "?status=asleep", all="1")
    assert (wrong.status, "The address was not understood." in wrong.text) == (400, True)
    assert owner.open(f"{BULK}?before=yesterday").status == 400


def test_a_page_that_came_of_a_form_can_be_loaded_again(org: Org, owner: Browser) -> None:
    page = draft(owner, crew(org, 1), "deactivate")
    assert [owner.open(f"{page.path}/{form}").path for form in ("confirm", "cancel", "undo")] == [
        page.path
    ] * 3
    assert owner.open(f"{CHOOSE}?status=active").path == "/admin/members"


def test_the_choice_names_the_first_of_those_who_were_chosen(org: Org, owner: Browser) -> None:
    people = crew(org, 14)
    page = choose(owner, people[:12])
    assert (
        len([name for name, to in page.links.items() if to.removeprefix("/admin/members/") in people]) == 10
    )
    assert "and 2 more." in page.text
    page = choose(owner, [people[0]])
    assert page.heading == "What is to be done to 1 person?"
    assert " more." not in page.text
    assert choose(owner, [people[0], "W0NOBODY", "W%00"]).status == 200


def test_nobody_ticked_is_said_in_the_list(org: Org, owner: Browser) -> None:
    page = choose(owner, [], "?status=active")
    assert (page.path, "Nobody was ticked." in page.text) == ("/admin/members", True)


def test_whoever_is_no_administrator_has_no_such_pages(org: Org, browser: Browser) -> None:
    ann = org.create_user("ann", "member", "--signed-in")
    sign_in(browser, org, ann)
    assert browser.open(BULK).status == 403
    assert choose(browser, [ann]).status == 403
    assert browser.send(Form("post", BULK, {}), user=ann, action="deactivate", once="x" * 22).status == 403
    assert gone(org) == set()


def test_a_draft_is_its_authors_and_everybodys_to_put_away(org: Org, owner: Browser) -> None:
    people = crew(org, 2)
    page = draft(owner, people, "deactivate")
    form = page.form(f"{page.path}/confirm")
    amy = org.create_user("amy", "admin", "--signed-in")
    with Browser(org.server.url) as other:
        sign_in(other, org, amy)
        seen = other.open(page.path)
        assert "Somebody else has drafted this." in seen.text
        refused = other.send(Form("post", form.action, {"once": "y" * 22}), typed="deactivate")
        assert (refused.status, "Somebody else has drafted this." in refused.text) == (403, True)
    gone_away = owner.send(page.form(f"{page.path}/cancel"))
    assert (gone_away.path, "Nothing was changed." in gone_away.text) == (BULK, True)
    late = owner.send(Form("post", form.action, {"once": "y" * 22}), typed="deactivate")
    assert (late.status, "This draft was put away." in late.text) == (409, True)
    assert gone(org) == set()


@pytest.mark.parametrize("id", ["nothing", "00000000-0000-7000-8000-000000000000", "x" * 101])
def test_what_is_no_bulk_change_is_not_found(org: Org, owner: Browser, id: str) -> None:
    assert owner.open(f"{BULK}/{id}").status in (400, 404)
    posted = owner.send(Form("post", f"{BULK}/{id}/confirm", {"once": "z" * 22}), typed="x")
    assert posted.status in (400, 403, 404)


def test_another_organisations_bulk_change_is_none_here(make_org: MakeOrg, org: Org, owner: Browser) -> None:
    page = draft(owner, crew(org, 1), "deactivate")
    other = make_org()
    with Browser(org.server.url) as there:
        sign_in(there, other, other.owner_id)
        assert there.open(page.path).status == 404
        form = page.form(f"{page.path}/confirm")
        assert there.send(Form("post", form.action, {"once": "w" * 22}), typed="deactivate").status == 404


@contextmanager
def running(database: str, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server process that the test ends as it likes, and its URL."""
    command = [sys.executable, "-m", "rosterd", "serve", "--port", "0", "--database", database]
    with log.open("ab") as errors:
        environment = os.environ | {"ROSTERD_SECRET": SECRET, "ROSTERD_MAIL_DIR": str(log.with_name("mail"))}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().decode().split()[-1]
    finally:
        process.kill()
        process.wait(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()


def test_a_kill_in_the_middle_repeats_nothing_and_forgets_nobody(database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "stderr.log"
    with httpx.Client(timeout=PATIENCE, trust_env=False, verify=False) as http:
        with running(database_url, log) as (process, url):
            org = make_org(Server("sqlite", url, database_url, http, process.pid))
            people = crew(org, 600)
            with Browser(url) as browser:
                sign_in(browser, org, org.owner_id)
                page = draft(browser, people, "deactivate")
                browser.send(page.form(f"{page.path}/confirm"), typed="600")
            until(lambda: len(gone(org)) > 50)
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)
        # Whoever died holds the task for a minute yet; this is that minute.
        inside.execute(database_url, "UPDATE outbox SET due = 1 WHERE kind = 'bulk'")
        with running(database_url, log) as (process, url):
            org = Org(Server("sqlite", url, database_url, http, process.pid), *org_of(org))
            with Browser(url) as browser:
                sign_in(browser, org, org.owner_id)
                done = whole(browser, browser.open(page.path))
            assert "600 were deactivated" in done.text
            assert gone(org) == set(people)
            for each in (people[0], people[300], people[599]):
                assert org.events(each).count("user_deactivated") == 1
    assert "Traceback" not in log.read_text()


def org_of(org: Org) -> tuple[str, str, str, str, str]:
    return org.org_id, org.team_id, org.owner_id, org.domain, org.token
