"""Mails as they leave: what stands in them, and what a real SMTP server's answers lead to."""

from __future__ import annotations

import ssl
from email import message_from_bytes
from email.policy import SMTP as POLICY
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from rosterd.delivery.attempts import Failed, GaveUp, Unreachable
from rosterd.delivery.config import Server, server_of
from rosterd.delivery.letters import Letter
from rosterd.delivery.mail import Directory, Smtp, message
from rosterd.directory.model import OrgId
from rosterd.store.outbox import Entry
from tests.delivery.mailboxes import Mailbox, receiving
from tests.store.rows import E1, an_org

pytestmark = pytest.mark.anyio

ENTRY = Entry(OrgId("E1"), "0197-1", 1_764_000_000_000_000, "invitation", "W1", {}, 1, 1, None, False)
LETTER = Letter(an_org(E1), "Ann Smith", "ann@example.com", "You are invited", "Hello Ann,\n\nhällo\n")
SENDER = "rosterd@scim.example.org"


def a_letter(**fields: Any) -> Letter:
    values: dict[str, Any] = {name: getattr(LETTER, name) for name in Letter.__struct_fields__}
    return Letter(**(values | fields))


def test_a_message_follows_from_its_errand_alone() -> None:
    assert bytes(message(ENTRY, LETTER, SENDER)) == bytes(message(ENTRY, LETTER, SENDER))
    assert bytes(message(ENTRY, LETTER, SENDER)).decode().split("\r\n\r\n")[0].splitlines() == [
        "From: Org E1 <rosterd@scim.example.org>",
        "To: Ann Smith <ann@example.com>",
        "Subject: You are invited",
        "Date: Mon, 24 Nov 2025 16:00:00 +0000",
        "Message-ID: <0197-1@e1.example.com.scim.example.org>",
        "Auto-Submitted: auto-generated",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "MIME-Version: 1.0",
    ]


def test_a_link_stands_in_one_piece() -> None:
    link = "https://scim.example.org/signin/acme/link?key=" + "k" * 43
    sent = bytes(message(ENTRY, a_letter(text=f"Hello Ann,\n\n{link}\n"), SENDER)).decode()
    assert sent.endswith(f"Hello Ann,\r\n\r\n{link}\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "x\r\nBcc: eve@example.com", "x\n\nbody", "x\x00\x0b\x85\u2028y", "é" * 300, "a" * 2_000,
        '"Ann" <eve@example.com>, (c) \\', "=?utf-8?q?x?=", "",
    ],
)  # fmt: skip
def test_what_people_are_called_begins_no_header(text: str) -> None:
    sent = bytes(message(ENTRY, a_letter(name=text, subject=text), SENDER))
    head, _, _ = sent.partition(b"\r\n\r\n")
    read = message_from_bytes(sent, policy=POLICY)
    assert [*read] == [*message(ENTRY, LETTER, SENDER)]
    assert [each.addr_spec for each in read["To"].addresses] == ["ann@example.com"]
    assert all(len(line) <= 998 for line in head.splitlines())
    assert read.get_content() == "Hello Ann,\n\nhällo\n".replace("\n", "\r\n")


@pytest.mark.parametrize("address", ["", "ann", "ann@", "a b@example.com", "ann@example.com\r\nX: y"])
def test_an_address_that_is_none_is_given_up(address: str) -> None:
    with pytest.raises(GaveUp):
        message(ENTRY, a_letter(address=address), SENDER)


async def test_a_file_is_written_whole_and_a_repeat_replaces_it(tmp_path: Path) -> None:
    outlet = Directory(tmp_path / "new" / "mail")
    for _ in range(2):
        await outlet.send(ENTRY, message(ENTRY, LETTER, SENDER))
    [path] = (tmp_path / "new" / "mail").iterdir()
    assert path.name == "0197-1.eml"
    assert path.read_bytes() == bytes(message(ENTRY, LETTER, SENDER))
    assert path.stat().st_mode & 0o077 == 0


async def test_a_directory_that_cannot_be_written_makes_mail_wait(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unreachable):
        await Directory(tmp_path / "file" / "mail").send(ENTRY, message(ENTRY, LETTER, SENDER))


async def send(url: str, letter: Letter = LETTER) -> None:
    await Smtp(server_of(url), 10).send(ENTRY, message(ENTRY, letter, SENDER))


class TestSmtp:
    async def test_a_server_gets_the_very_message(self) -> None:
        with receiving(Mailbox()) as box:
            await send(box.url, a_letter(text="Hello\n.\n..\nFrom me\n"))
        [came] = box.messages
        assert came.get_content() == "Hello\r\n.\r\n..\r\nFrom me\r\n"
        assert came["Message-ID"] == "<0197-1@e1.example.com.scim.example.org>"
        assert came["To"] == "Ann Smith <ann@example.com>"
        assert box.asked == ["ann@example.com"]

    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [("550 5.1.1 no such mailbox", GaveUp), ("452 mailbox full", Failed), ("421 shutting down", Failed)],
    )
    async def test_what_it_says_of_the_recipient_decides(self, answer: str, outcome: type[Exception]) -> None:
        with receiving(Mailbox(refuse=lambda recipient: answer)) as box, pytest.raises(outcome) as caught:
            await send(box.url)
        assert type(caught.value) is outcome
        assert str(caught.value).startswith(answer[:3])
        assert box.messages == []

    @pytest.mark.parametrize(("answer", "outcome"), [("554 spam", GaveUp), ("451 later", Failed)])
    async def test_what_it_says_of_the_message_decides(self, answer: str, outcome: type[Exception]) -> None:
        with receiving(Mailbox(receive=lambda: answer)) as box, pytest.raises(outcome, match=answer):
            await send(box.url)

    async def test_nobody_there_makes_mail_wait(self) -> None:
        with receiving(Mailbox()) as box:
            url = box.url
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
            await send(url)

    async def test_a_password_is_not_sent_in_the_clear(self) -> None:
        given: list[Any] = []

        def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
            given.append(data)
            return AuthResult(success=data.password == b"p@ss", handled=False)

        options: dict[str, Any] = {"authenticator": authenticate, "auth_require_tls": False}
        with receiving(Mailbox(), **options) as box:
            url = f"smtp://ann:p%40ss@127.0.0.1:{box.port}"
            with pytest.raises(Unreachable, match="STARTTLS"):
                await send(url)
            assert given == []
            await send(f"{url}?starttls=never")
            assert len(box.messages) == 1
            with pytest.raises(Unreachable, match="535"):  # the operator's to mend
                await send(f"{url.replace('p%40ss', 'other')}?starttls=never")

    async def test_starttls_is_used_where_it_is_offered_and_the_certificate_checked(
        self, certificate: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with receiving(Mailbox(), tls_context=certificate.server, require_starttls=True) as box:
            with pytest.raises(Unreachable, match="certificate"):
                await send(box.url)
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
            with pytest.raises(Unreachable, match="530"):
                await send(f"{box.url}?starttls=never")
            await send(box.url)
        assert len(box.messages) == 1
        assert isinstance(certificate.server, ssl.SSLContext)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mail.example:25", "does not start with"),
        ("http://mail.example", "does not start with"),
        ("smtp://", "not like"),
        ("smtp://mail.example/inbox", "not like"),
        ("smtp://mail.example?tls=1", "not like"),
        ("smtp://mail.example?starttls=maybe", "always, auto, never"),
        ("smtp://ann@mail.example", "password"),
        ("smtp://mail.example:http", "ort"),
    ],
)
def test_a_url_that_names_no_server_is_refused_without_showing_it(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        server_of(url)
    assert "mail.example" not in str(caught.value)


def test_a_url_says_how_to_talk_to_the_server() -> None:
    assert server_of("smtp://[::1]:2525?starttls=always") == Server("::1", 2525, None, None, False, True)
    assert server_of("smtps://a:b@mail.example") == Server("mail.example", 465, "a", "b", True, False)
    assert server_of("smtp://mail.example") == Server("mail.example", 25, None, None, False, None)
