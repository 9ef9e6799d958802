"""Break glass: an administrator signs in by a password when nothing else lets anybody in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from rosterd.dashboard.patience import PASSWORDS
from tests.protocol import inside, secrets_at_rest
from tests.protocol.browser import Browser, Screen
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Org, Server

WRONG = "That is not right. The name or the password is wrong, or there is no password for it."


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with Browser(server.url) as opened:
        yield opened


def path_of(org: Org) -> str:
    return f"/signin/{org.domain}/local"


def set_password(org: Org, user: str) -> str:
    """A password that is made, printed alone."""
    return org.run("local-admin", "set", "--user", user).strip()


def enter(browser: Browser, org: Org, name: str, password: str, onward: str = "") -> Screen:
    form = browser.open(path_of(org) + (f"?next={onward}" if onward else "")).form(path_of(org))
    return browser.send(form, name=name, password=password)


def listed(org: Org) -> list[str]:
    return [json.loads(line)["user_id"] for line in org.run("local-admin", "list").splitlines()]


def test_an_administrator_gets_in_by_name_or_address(org: Org, browser: Browser) -> None:
    adam = org.create_user("adam", "admin")
    password = set_password(org, adam)
    for name in ("adam", f" ADAM@{org.domain}.Example "):
        page = enter(browser, org, name, password)
        assert (page.status, page.path) == (200, "/admin")
    login = inside.events(org.server.database, org.org_id, adam)[-2]
    assert login.action == "user_login"
    assert json.loads(login.details)["means"] == "local"
    assert " password " in browser.open(f"/admin/members/{adam}?tab=sessions").text
    assert password not in secrets_at_rest.everything(org.server.database)


def test_one_goes_on_to_where_one_wanted_and_never_elsewhere(org: Org, browser: Browser) -> None:
    password = set_password(org, org.owner_email)
    assert enter(browser, org, org.owner_email, password, "/directory").path == "/directory"
    assert enter(browser, org, org.owner_email, password, "//evil.example").path == "/admin"


def test_nobody_learns_who_has_a_password(org: Org, browser: Browser) -> None:
    """The same page for a wrong one, for who has none, for who is nobody, and where nobody has one."""
    ann, adam = org.create_user("ann"), org.create_user("adam", "admin")
    before = browser.open(path_of(org)).text
    set_password(org, adam)
    assert browser.open(path_of(org)).text == before
    texts = set()
    for name in ("adam", "ann", "nobody", "nobody@example.com", "x\0y", "ä" * 200):
        page = enter(browser, org, name, "wrong horse battery")
        assert page.status == 403
        assert WRONG in page.text
        texts.add(page.text)
        assert browser.secret is None
    assert len(texts) == 1
    for user in (ann, adam):
        last = inside.events(org.server.database, org.org_id, user)[-1]
        assert (last.action, json.loads(last.details)) == (
            "user_login_failed",
            {"means": "local", "error": "wrong_password"},
        )


def test_a_password_is_of_its_organisation(make_org: MakeOrg, browser: Browser) -> None:
    here, there = make_org(), make_org()
    password = set_password(here, here.owner_email)
    for org in (here, there):
        org.create_user("adam", "admin")
    assert enter(browser, there, here.owner_email, password).status == 403
    assert enter(browser, here, here.owner_email, password).status == 200


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_guesses_are_counted_by_name(org: Org, browser: Browser) -> None:
    password = set_password(org, org.owner_email)
    statuses = [enter(browser, org, "guessed", "wrong horse").status for _ in range(PASSWORDS.burst + 3)]
    assert statuses[: PASSWORDS.burst] == [403] * PASSWORDS.burst
    assert 429 in statuses[PASSWORDS.burst :]
    assert enter(browser, org, org.owner_email, password).status == 200


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_stranger_who_guesses_keeps_no_administrator_out(org: Org, browser: Browser) -> None:
    password = set_password(org, org.owner_email)
    with Browser(org.server.url) as stranger:
        stranger.http = httpx.Client(
            transport=httpx.HTTPTransport(local_address="127.0.0.2"), timeout=60, trust_env=False
        )
        guesses = [enter(stranger, org, org.owner_email, "wrong").status for _ in range(PASSWORDS.burst + 5)]
    assert guesses[-1] == 429
    assert enter(browser, org, org.owner_email, password).status == 200


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_many_at_once_wait_in_a_short_line_and_the_rest_are_told_to_come_again(org: Org) -> None:
    def knock(number: int) -> int:
        with Browser(org.server.url) as another:
            return enter(another, org, f"nobody{number}", "wrong horse").status

    with ThreadPoolExecutor(24) as pool:
        statuses = [*pool.map(knock, range(24))]
    assert set(statuses) <= {403, 503, 429}
    assert 403 in statuses


def test_a_form_from_elsewhere_is_not_taken(org: Org, browser: Browser) -> None:
    password = set_password(org, org.owner_email)
    form = browser.open(path_of(org)).form(path_of(org))
    fields = {"name": org.owner_email, "password": password}
    assert browser.sent(form, fields, {"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.secret is None
    assert browser.sent(form, fields).status_code == 303


def test_it_is_gone_with_the_role_and_with_a_deactivation(org: Org, browser: Browser) -> None:
    adam, olga = org.create_user("adam", "admin"), org.create_user("olga", "owner")
    secrets = {name: set_password(org, user) for name, user in (("adam", adam), ("olga", olga))}
    assert listed(org) == [adam, olga]
    org.run("user", "set-role", "--user", adam, "--role", "member")
    org.run("user", "set-role", "--user", adam, "--role", "admin")
    assert org.api("v2").delete(f"Users/{olga}").status_code == 204
    assert listed(org) == []
    for name, password in secrets.items():
        assert enter(browser, org, name, password).status == 403


def test_commands_say_what_is_wrong(org: Org) -> None:
    ann = org.create_user("ann")
    command = ("local-admin", "--org", org.domain, "--user")

    def fails(verb: str, user: str) -> str:
        return org.server.run(command[0], verb, *command[1:], user, fails=True)

    assert fails("set", ann).startswith("Error: not_an_admin")
    assert fails("set", "nobody@example.com").startswith("Error: no_such_user")
    assert fails("remove", org.owner_email).startswith("Error: no_such_password")
    set_password(org, org.owner_email)
    [shown] = [json.loads(line) for line in org.run("local-admin", "list").splitlines()]
    assert shown == {
        "user_id": org.owner_id,
        "username": shown["username"],
        "email": org.owner_email,
        "role": "primary_owner",
        "set": shown["set"],
    }
    removed = json.loads(org.run("local-admin", "remove", "--user", org.owner_email))
    assert removed == {"user_id": org.owner_id, "removed": True}
    assert listed(org) == []


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_password_may_come_from_standard_input_and_is_not_printed(org: Org, browser: Browser) -> None:
    def given(text: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rosterd", "local-admin", "set", "--password-stdin"]
        command += ["--org", org.domain, "--user", org.owner_email, "--database", org.server.database]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)

    assert "invalid_password: 12 to 256 characters" in given("too short\n").stderr
    done = given("correct horse battery\nsecond line\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert enter(browser, org, org.owner_email, "correct horse battery").status == 200
