"""Mail: letters as messages (RFC 5322), handed to an SMTP server or, where there is none, written to files.

Rules of this module:

1. A message follows from its errand: the same errand has the same Message-ID and Date however often it is
   sent, so that whoever gets it twice sees it once.
2. A name or subject is what people chose: nothing in it begins a header of its own.
3. What a server says decides: 4xx means later, 5xx about the recipient or the message means never. A server
   that cannot be talked to, or refuses the sender or the password, is the operator's to mend, and waits.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import ssl
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol

import aiosmtplib

from rosterd.delivery.attempts import Claim, End, Failed, GaveUp, Unreachable
from rosterd.delivery.config import Server
from rosterd.delivery.letters import Letter, Writer
from rosterd.store.outbox import Entry

log = logging.getLogger("rosterd.delivery")


class Outlet(Protocol):
    """Where messages go."""

    async def send(self, entry: Entry, message: EmailMessage) -> None:
        """Returns when somebody else answers for it. Raises `GaveUp` and `Failed`."""


class Mailer:
    """The handler of all kinds of mail. ``sender``: the address that they come from."""

    def __init__(self, writer: Writer, sender: str, outlet: Outlet) -> None:
        self._writer = writer
        self._sender = sender
        self._outlet = outlet

    async def __call__(self, claim: Claim) -> End:
        """Compose and send; what nobody should get any more is dropped."""
        letter = await self._writer.letter(claim.entry)
        if letter is None:
            return End.DROPPED
        await self._outlet.send(claim.entry, message(claim.entry, letter, self._sender))
        return End.DONE


def message(entry: Entry, letter: Letter, sender: str) -> EmailMessage:
    """The letter as a message from ``sender``, an address. Raises `GaveUp` where the address is none."""
    made = EmailMessage(policy=SMTP)
    try:
        made["From"] = Address(_line(letter.org.name), addr_spec=sender)
        made["To"] = Address(_line(letter.name), addr_spec=letter.address)
    except (ValueError, IndexError, MessageError) as error:  # all three, at one odd address or another
        raise GaveUp(f"no mail can be addressed so: {error}") from error
    made["Subject"] = _line(letter.subject)
    made["Date"] = datetime.fromtimestamp(entry.created / 1e6, UTC)
    made["Message-ID"] = f"<{entry.id}@{letter.org.domain}.{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no robot answers it
    made.set_content(letter.text, cte=_encoding(letter.text))
    return made


def _encoding(text: str) -> str:
    """As it stands if it can, so that a link can be copied out of a file: quoted-printable breaks it.

    >>> _encoding("https://scim.example.org/"), _encoding("Grüße"), _encoding("a" * 999)
    ('7bit', 'quoted-printable', 'quoted-printable')
    """
    lines = text.split("\n")
    stands = all(line.isascii() and line.isprintable() and len(line) <= _LONGEST for line in lines)
    return "7bit" if stands else "quoted-printable"


_LONGEST = 998
"""Bytes of a line (RFC 5322 §2.1.1)."""


def _line(text: str) -> str:
    r"""What fits into a header.

    >>> _line("Ann\r\nBcc: eve@example.com")
    'Ann Bcc: eve@example.com'
    """
    return " ".join("".join(char if char.isprintable() else " " for char in text[:_LINE]).split())


_LINE = 200
"""Characters of a name or subject: a line of a header has at most 998 bytes (RFC 5322 §2.1.1)."""


class Directory:
    """Messages as files, ``ID.eml``, whole at any moment: a repeat replaces what was there.

    A crash of the program loses none. They are not flushed to disk, which would cost those who wait for
    the database's flush: who needs mail after a power failure has a mail server.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, entry: Entry, message: EmailMessage) -> None:
        try:
            await asyncio.to_thread(self._write, entry, bytes(message))
        except OSError as error:
            raise Unreachable(str(error)) from error

    def _write(self, entry: Entry, content: bytes) -> None:
        if not self._folder.is_dir():
            log.warning("no SMTP server is set: mails become files in %s", self._folder.absolute())
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._folder / f"{entry.id}.partial-{secrets.token_hex(4)}"
        try:
            with open(partial, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(content)
            partial.replace(self._folder / f"{entry.id}.eml")
        finally:
            partial.unlink(missing_ok=True)


class Smtp:
    """Messages by SMTP, each on a connection of its own. ``seconds``: for one step of the conversation."""

    def __init__(self, server: Server, seconds: float) -> None:
        self._server = server
        self._seconds = seconds
        self._tls: ssl.SSLContext | None = None

    async def send(self, entry: Entry, message: EmailMessage) -> None:
        server = self._server
        if self._tls is None and server.starttls is not False:
            self._tls = ssl.create_default_context()
        try:
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.implicit_tls,
                start_tls=server.starttls,
                tls_context=self._tls,
                timeout=self._seconds,
                local_hostname=socket.gethostname(),
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refusal(error.recipients[0]) from error
        except aiosmtplib.SMTPDataError as error:
            raise _refusal(error) from error
        except aiosmtplib.SMTPResponseException as error:
            raise Unreachable(_said(error)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unreachable(f"{server.host}:{server.port}: {error or type(error).__name__}") from error


def _refusal(error: aiosmtplib.SMTPResponseException) -> GaveUp | Failed:
    return GaveUp(_said(error)) if error.code >= 500 else Failed(_said(error))


def _said(error: aiosmtplib.SMTPResponseException) -> str:
    return _line(f"{error.code} {error.message}")
