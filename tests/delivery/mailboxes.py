"""A real SMTP server on loopback, and a real receiver of webhooks: what they were given, in order."""

from __future__ import annotations

import email
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(slots=True)
class Mailbox:
    """All mail that came. ``answer`` may refuse a recipient or, once it is there, a message."""

    messages: list[EmailMessage] = field(default_factory=list)
    times: list[float] = field(default_factory=list)  # monotonic; when each of them came
    asked: list[str] = field(default_factory=list)  # recipients, refused ones too
    refuse: Callable[[str], str | None] = lambda recipient: None
    receive: Callable[[], str] = lambda: "250 OK"
    port: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        refused = self.refuse(address)
        if refused is None:
            envelope.rcpt_tos.append(address)
        return refused or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=POLICY)
        assert isinstance(message, EmailMessage)
        self.times.append(time.monotonic())
        self.messages.append(message)
        return self.receive()

    def to(self, address: str) -> list[EmailMessage]:
        """What came for this address."""
        return [each for each in self.messages if address in str(each["To"])]

    def subjects(self, address: str) -> list[str]:
        return [str(each["Subject"]) for each in self.to(address)]


@contextmanager
def receiving(box: Mailbox, port: int = 0, **options: Any) -> Iterator[Mailbox]:
    """The mailbox open at a port, a free one unless it says which."""
    controller = _Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        box.port = controller.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        yield box
    finally:
        controller.stop()


class _Controller(Controller):
    """aiosmtpd's, which knows no free port: it would ask port 0 for a sign of life."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came."""

    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    at: str  # the address that it came to


@dataclass(slots=True)
class Receiver:
    """A receiver of webhooks. ``answers`` are given first; then it is 200."""

    requests: list[Received] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    wait: threading.Event | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?team=a"


@contextmanager
def listening(receiver: Receiver, host: str = "127.0.0.1", tls: Any = None) -> Iterator[Receiver]:
    """The receiver open at a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            at = str(self.connection.getsockname()[0])
            receiver.requests.append(Received(self.path, headers, body, at))
            if receiver.wait is not None:
                receiver.wait.wait(30)
            status, more = receiver.answers.pop(0) if receiver.answers else (200, {})
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *said: Any) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):  # the sender did not wait for the end
                super().handle()

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[assignment, method-assign]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
