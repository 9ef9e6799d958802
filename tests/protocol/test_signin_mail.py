"""A link that somebody asks for: from the form to the mail, and in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.protocol import live
from tests.protocol.browser import Browser, Screen
from tests.protocol.live import Org, serving

SUBJECT = "Your link to sign in to {}"


@pytest.fixture
def org(database_url: str, tmp_path: Path) -> Iterator[Org]:
    """An organisation on a server of its own, the mails of which are under ``tmp_path``."""
    engine = database_url.partition(":")[0]
    with serving(engine, database_url, tmp_path / "stderr.log") as server:
        yield live.make_org(server)


@pytest.fixture
def browser(org: Org) -> Iterator[Browser]:
    with Browser(org.server.url) as opened:
        yield opened


def ask(browser: Browser, org: Org, address: str, onward: str = "/home") -> Screen:
    form = browser.open(f"/signin/{org.domain}?next={onward}").form(f"/signin/{org.domain}/mail")
    return browser.send(form, email=address)


def links(tmp_path: Path, org: Org, count: int) -> list[tuple[str, str]]:
    """To whom links have gone, and the links; waits until there are so many."""
    for _ in range(200):
        mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in _mails(tmp_path)]
        found = []
        for mail in mails:
            if mail["subject"] == SUBJECT.format(org.domain):
                text = mail.get_body().get_content()  # type: ignore[union-attr]
                [link] = [line for line in text.splitlines() if line.startswith(org.server.url)]
                found.append((mail["to"].addresses[0].addr_spec, link))
        if len(found) >= count:
            break
        time.sleep(0.05)
    return found


def _mails(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "mail").glob("*.eml"))


def test_a_link_that_was_asked_for_comes_by_mail_and_leads_in(
    org: Org, browser: Browser, tmp_path: Path
) -> None:
    org.create_user("ann")
    address = f"ann@{org.domain}.example"
    page = ask(browser, org, f" {address.upper()} ", "/directory?q=a")
    assert (page.status, page.heading) == (200, "Look into your mail")
    [(to, link)] = links(tmp_path, org, 1)
    assert to == address
    page = browser.open(link)
    page = browser.send(page.form(f"/signin/{org.domain}/link"))
    assert str(page.response.url) == f"{org.server.url}/directory?q=a"


def test_the_answer_is_the_same_for_all_and_nobody_gets_too_many(
    org: Org, browser: Browser, tmp_path: Path
) -> None:
    org.create_user("ann")
    gone = org.create_user("gone")
    org.api("v2").delete(f"Users/{gone}")
    ann = f"ann@{org.domain}.example"
    answers = {
        ask(browser, org, address).response.text
        for address in (f"gone@{org.domain}.example", "nobody@example.com", "", "\0", ann)
    }
    assert len(answers) == 1
    for _ in range(9):
        ask(browser, org, ann)
    ask(browser, org, org.owner_email)
    found = links(tmp_path, org, 6)
    assert [to for to, _ in found].count(ann) == 5
    assert {to for to, _ in found} == {ann, org.owner_email}
    assert len({link for _, link in found}) == 6
