"""Mails and webhooks from a live server, over crashes, refusals and servers that are away."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_sdk.signature import SignatureVerifier

from tests import hasty
from tests.delivery.mailboxes import Mailbox, Receiver, listening, receiving
from tests.protocol import inside, secrets_at_rest
from tests.protocol.browser import Browser, Form
from tests.protocol.live import SECRET, Org, Server, make_org

PATIENCE = 60.0
SWIFT = ("--retry-seconds", "1", "--delivery-seconds", "1")


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@dataclass(slots=True)
class Place:
    """A database, and the servers over it that were started."""

    engine: str
    database: str
    folder: Path
    http: httpx.Client
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *options: str) -> Server:
        """A server process."""
        command = [sys.executable, hasty.__file__, "serve", "--port", "0", "--database", self.database]
        environment = os.environ | {"ROSTERD_SECRET": SECRET, "ROSTERD_MAIL_DIR": str(self.folder / "mail")}
        with (self.folder / "stderr.log").open("ab") as errors:
            process = subprocess.Popen(
                [*command, *SWIFT, *options], stdout=subprocess.PIPE, stderr=errors, env=environment
            )
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("rosterd listening on "), (self.folder / "stderr.log").read_text()
        self.running[process.pid] = process
        return Server(self.engine, line.split()[-1], self.database, self.http, process.pid)

    def end(self, server: Server, number: signal.Signals = signal.SIGTERM) -> int:
        """End a server by a signal. Gives its exit code."""
        process = self.running.pop(server.pid)
        process.send_signal(number)
        code = process.wait(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()
        return code

    def files(self) -> list[Path]:
        return sorted((self.folder / "mail").glob("*.eml"))


@pytest.fixture
def place(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    engine = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    with httpx.Client(timeout=PATIENCE, trust_env=False, verify=False) as http:
        made = Place(engine, database_url, tmp_path, http)
        try:
            yield made
        finally:
            for process in made.running.values():
                process.kill()
                process.wait()
                assert process.stdout is not None
                process.stdout.close()
    assert "Traceback" not in (tmp_path / "stderr.log").read_text()


@contextmanager
def mailing(place: Place, box: Mailbox | None = None) -> Iterator[tuple[Mailbox, Server, Org]]:
    """A server that sends to a mailbox, and an organisation."""
    with receiving(box or Mailbox()) as opened:
        server = place.start("--smtp-url", opened.url, "--mail-from", "rosterd@scim.example.org")
        yield opened, server, make_org(server)


def errands(org: Org, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in org.run("outbox", "list", *options).splitlines()]


def test_people_who_are_provisioned_are_invited_once_and_signed_in_ones_are_not(place: Place) -> None:
    with mailing(place) as (box, server, org):
        ann = org.api("v2").create_user("ann")
        org.api("v1").create_user("bob")
        org.create_user("cal", "member", "--signed-in")
        org.api("v2").create_user("dot", active=False)
        until(lambda: len(box.messages) == 2 and not errands(org))
        assert sorted(str(each["To"]) for each in box.messages) == [
            "ann <ann@example.com>",
            "bob <bob@example.com>",
        ]
        [message] = box.to("ann@example.com")
        assert message["From"] == f"{org.domain} <rosterd@scim.example.org>"
        assert message["Subject"] == f"You are invited to {org.domain}"
        assert message["Auto-Submitted"] == "auto-generated"
        assert f"{server.url}/signin/{org.domain}" in message.get_content()
        org.run("user", "invite", "--user", ann["id"])
        until(lambda: len(box.to("ann@example.com")) == 2)
        assert len({str(each["Message-ID"]) for each in box.messages}) == 3
        assert place.end(server) == 0


def test_invited_people_hear_by_mail_what_is_said_to_them_and_others_do_not(place: Place) -> None:
    with mailing(place) as (box, _, org):
        ann = org.create_user("ann")
        cal = org.create_user("cal", "member", "--signed-in")
        api = org.web_api("chat:write", "channels:write")
        channel = api.ok("conversations.create", name="deals", team_id=org.team_id)["channel"]["id"]
        inside.put_in(org.server.database, org.org_id, {org.team_id: [ann, cal], channel: [ann, cal]})
        api.ok("chat.postMessage", channel=channel, text=f"<@{ann}> and <@{cal}>: lunch &amp; tea?")
        api.ok("chat.postMessage", channel=ann, text="only you")
        api.ok("chat.postMessage", channel=cal, text="only you")
        address = f"ann@{org.domain}.example"
        until(lambda: len(box.to(address)) == 3 and not errands(org))
        assert sorted(box.subjects(address)) == [
            f"You are invited to {org.domain}",
            f"owner mentioned you in #deals ({org.domain})",
            f"owner sent you a message ({org.domain})",
        ]
        [mention] = [each for each in box.to(address) if "#deals" in str(each["Subject"])]
        assert "> @ann and @cal: lunch & tea?" in mention.get_content()
        assert box.to(f"cal@{org.domain}.example") == []


def test_whoever_is_deactivated_before_the_mail_left_gets_none_and_another_when_they_are_back(
    place: Place,
) -> None:
    refusing = Mailbox(refuse=lambda recipient: "451 come back later")
    with mailing(place, refusing) as (box, _, org):
        ann = org.api("v2").create_user("ann")
        until(lambda: box.asked)
        org.api("v2").delete(f"Users/{ann['id']}")
        box.refuse = lambda recipient: None
        until(lambda: not errands(org))
        assert box.messages == []
        org.api("v2").patch_user(ann["id"], {"op": "replace", "path": "active", "value": True})
        until(lambda: "You are invited" in "".join(box.subjects("ann@example.com")))


def test_a_mail_server_that_is_away_gets_each_mail_once_when_it_is_back(place: Place) -> None:
    with receiving(Mailbox()) as box:
        port = box.port
    server = place.start("--smtp-url", f"smtp://127.0.0.1:{port}")
    org = make_org(server)
    for name in ("ann", "bob", "cal"):
        org.api("v2").create_user(name)
    until(lambda: [each for each in errands(org) if each["attempts"] >= 1 and each["problem"]])
    with receiving(box, port):
        until(lambda: not errands(org))
    assert sorted(str(each["To"]) for each in box.messages) == [
        f"{name} <{name}@example.com>" for name in ("ann", "bob", "cal")
    ]


def test_a_recipient_that_is_refused_for_good_is_laid_with_the_dead_until_somebody_says_otherwise(
    place: Place,
) -> None:
    refusing = Mailbox(refuse=lambda recipient: "550 5.1.1 no such mailbox" if "ann" in recipient else None)
    with mailing(place, refusing) as (box, server, org):
        ann = org.api("v2").create_user("ann")
        until(lambda: errands(org, "--dead"))
        [dead] = errands(org, "--dead")
        assert {name: dead[name] for name in ("kind", "subject_id", "attempts", "problem")} == {
            "kind": "invitation",
            "subject_id": ann["id"],
            "attempts": 1,
            "problem": "550 5.1.1 no such mailbox",
        }
        until(lambda: 'outcome="dead"' in server.http.get(f"{server.url}/metrics").text)
        assert (errands(org), box.asked) == ([], ["ann@example.com"])
        box.refuse = lambda recipient: None
        assert json.loads(org.run("outbox", "retry", dead["errand_id"])) == {"retried": 1}
        until(lambda: len(box.messages) == 1)
        until(lambda: not errands(org))


def test_a_kill_in_the_middle_of_a_delivery_sends_the_same_message_again_and_then_no_more(
    place: Place,
) -> None:
    box = Mailbox()

    def killed() -> str:
        if place.running:
            [pid] = place.running
            os.kill(pid, signal.SIGKILL)
        return "250 OK"

    box.receive = killed
    with mailing(place, box) as (_, server, org):
        org.api("v2").create_user("ann")
        until(lambda: box.messages)
        assert place.end(server, signal.SIGKILL) == -signal.SIGKILL
        box.receive = lambda: "250 OK"
        again = place.start("--smtp-url", box.url, "--mail-from", "rosterd@scim.example.org")
        until(lambda: not errands(org))
        place.end(again)
    one, two = box.messages
    assert one["Message-ID"] == two["Message-ID"]
    assert one["Date"] == two["Date"]


def test_an_end_lets_the_delivery_under_way_be_noted(place: Place) -> None:
    box = Mailbox()

    def ended() -> str:
        [pid] = place.running
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.3)
        return "250 OK"

    box.receive = ended
    with mailing(place, box) as (_, server, org):
        org.api("v2").create_user("ann")
        until(lambda: box.messages)
        assert place.end(server) == 0
        assert errands(org) == []
    assert len(box.messages) == 1


def test_several_nodes_and_workers_send_everything_once(place: Place) -> None:
    with mailing(place) as (box, _, org):
        place.start("--smtp-url", box.url, "--workers", "2")
        for number in range(40):
            org.api("v2").create_user(f"p{number}")
        until(lambda: not errands(org))
        assert sorted(str(each["To"]) for each in box.messages) == sorted(
            f"p{number} <p{number}@example.com>" for number in range(40)
        )


def test_without_a_mail_server_mails_become_files_and_off_means_that_they_wait(place: Place) -> None:
    server = place.start("--delivery", "off")
    org = make_org(server)
    org.api("v2").create_user("ann")
    time.sleep(1.5)
    assert [each["attempts"] for each in errands(org)] == [0]
    place.end(server)
    place.start()
    until(lambda: not errands(org))
    [file] = place.files()
    assert b"\r\nTo: ann <ann@example.com>\r\n" in file.read_bytes()


def test_a_link_that_was_asked_for_comes_by_mail_and_leads_in_once(place: Place) -> None:
    with mailing(place) as (box, server, org), Browser(server.url) as browser:
        org.create_user("ann", "member", "--signed-in")
        form = browser.open(f"/signin/{org.domain}").form(f"/signin/{org.domain}/mail")
        address = f"ann@{org.domain}.example"
        browser.send(Form(form.method, form.action, form.fields | {"email": address}))
        until(lambda: box.messages)
        [message] = box.messages
        assert message["Subject"] == f"Your link to sign in to {org.domain}"
        [link] = re.findall(r"http\S+", message.get_content())
        assert link.startswith(f"{server.url}/signin/{org.domain}/link?key=")
        [form] = browser.open(link.removeprefix(server.url)).forms
        assert browser.send(form).heading == "ann"
        assert browser.send(form).status == 403
        until(lambda: not errands(org))
        rows = secrets_at_rest.everything(place.database)
        assert link.partition("key=")[2] not in rows


def test_an_invited_person_reads_by_mail_what_happens_around_them_until_they_are_gone(place: Place) -> None:
    with mailing(place) as (box, server, org):
        ann = org.api("v2").create_user("ann")
        token = org.token_for(org.owner_id, scopes="chat:write,admin.teams:write")

        def call(method: str, **arguments: str) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {token}"}
            url = f"{server.url}/api/{method}"
            answer: dict[str, Any] = server.http.post(url, data=arguments, headers=headers).json()
            assert answer["ok"], answer
            return answer

        team = call("admin.teams.create", team_domain=f"north-{org.domain}", team_name="North")["team"]
        group = org.api("v2").create_group("Engineers")
        call("admin.usergroups.addTeams", usergroup_id=group["id"], team_ids=team, auto_provision="true")
        members = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
        org.api("v2").patch_group(group["id"], members)
        call("chat.postMessage", channel=ann["id"], text="1 &lt; 2")
        until(lambda: len(box.messages) == 3)
        subjects = box.subjects("ann@example.com")
        assert f"You are invited to {org.domain}" in subjects
        assert [each for each in subjects if each.startswith(f"{org.domain}: you were added to 1 workspace")]
        [message] = [each for each in box.messages if "sent you a message" in each["Subject"]]
        assert "\r\n> 1 < 2\r\n" in message.get_content()
        org.api("v2").delete(f"Users/{ann['id']}")
        until(lambda: not errands(org))
        assert len(box.messages) == 3


class TestWebhooks:
    def add(self, org: Org, url: str, *options: str) -> str:
        """The signing secret of a new webhook."""
        return str(json.loads(org.run("webhook", "add", "--url", url, *options))["signing_secret"])

    def test_events_reach_those_who_want_them_signed(self, place: Place) -> None:
        server = place.start("--allow-private-webhooks")
        org, other = make_org(server), make_org(server)
        with ExitStack() as stack:
            everything, some, strange = (stack.enter_context(listening(Receiver())) for _ in range(3))
            secret = self.add(org, everything.url)
            self.add(org, some.url, "--action", "user_deactivated")
            self.add(other, strange.url)
            ann = org.api("v2").create_user("ann")
            org.api("v2").delete(f"Users/{ann['id']}")
            until(lambda: some.requests)
            until(lambda: "user_deactivated" in _actions(everything))
            until(lambda: not errands(org))
        assert {"user_created", "user_deactivated"} <= {*_actions(everything)}
        assert _actions(some) == ["user_deactivated"]
        assert not {"user_created", "user_deactivated"} & {*_actions(strange)}
        verifier = SignatureVerifier(secret)
        assert all(verifier.is_valid_request(each.body, each.headers) for each in everything.requests)
        [told] = [json.loads(each.body) for each in everything.requests if b'"user_created"' in each.body]
        id, seconds = told["event_id"], told["event_time"]
        assert told == {
            "type": "event_callback",
            "event_id": id,
            "event_time": seconds,
            "enterprise_id": org.org_id,
            "event": {
                "type": "user_created",
                "id": id,
                "date_create": seconds,
                "action": "user_created",
                "actor": {"type": "user", "user": {"id": org.owner_id}},
                "entity": {"type": "user", "user": {"id": ann["id"]}},
                "context": {"location": {"type": "enterprise", "id": org.org_id}},
                "details": {"role": "member"},
            },
        }
        assert abs(seconds - time.time()) < 600

    def test_a_failure_is_followed_by_the_same_event_with_the_reason(self, place: Place) -> None:
        server = place.start("--allow-private-webhooks")
        org = make_org(server)
        with listening(Receiver(answers=[(500, {})])) as receiver:
            self.add(org, receiver.url, "--action", "user_created")
            org.api("v2").create_user("ann")
            until(lambda: len(receiver.requests) == 2)
            until(lambda: not errands(org))
        first, second = receiver.requests
        assert first.body == second.body
        assert second.headers["x-slack-retry-num"] == "1"
        assert second.headers["x-slack-retry-reason"] == "http_error"

    def test_this_machine_is_refused_unless_it_is_allowed(self, place: Place) -> None:
        server = place.start()
        org = make_org(server)
        with listening(Receiver()) as receiver:
            self.add(org, receiver.url, "--action", "user_created")
            org.api("v2").create_user("ann")
            until(lambda: [each for each in errands(org) if each["kind"] == "webhook" and each["problem"]])
            [waiting] = [each for each in errands(org) if each["kind"] == "webhook"]
            assert waiting["problem"].startswith(
                "connection_failed: 127.0.0.1 is 127.0.0.1, which is not public"
            )
            assert receiver.requests == []

    def test_one_that_is_removed_hears_nothing_more(self, place: Place) -> None:
        server = place.start("--allow-private-webhooks")
        org = make_org(server)
        with listening(Receiver()) as receiver:
            self.add(org, receiver.url, "--action", "user_created")
            [listed] = [json.loads(line) for line in org.run("webhook", "list").splitlines()]
            org.run("webhook", "remove", listed["webhook_id"])
            assert org.run("webhook", "list") == ""
            org.api("v2").create_user("ann")
            until(lambda: place.files())
            until(lambda: not errands(org))
        assert receiver.requests == []


def _actions(receiver: Receiver) -> list[str]:
    return [json.loads(each.body)["event"]["action"] for each in receiver.requests]
