"""What an operator chooses about deliveries, and the SMTP server that a URL names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit


class Server(NamedTuple):
    """An SMTP server and how to talk to it. ``starttls``: True required, None where offered, False never."""

    host: str
    port: int
    user: str | None
    password: str | None
    implicit_tls: bool
    starttls: bool | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How things are delivered. Times in seconds."""

    base_url: str  # where people find this server
    server: Server | None  # None: mails become files
    sender: str  # the address that mails come from
    mail_dir: Path
    sends: bool = True  # False: mails and webhooks wait
    attempt: int = 60  # what one attempt may take
    first_wait: int = 10  # after the first failure; then twice as long each time
    allow_private: bool = False  # webhooks may lead to private addresses


_STARTTLS = {"always": True, "never": False, "auto": None}


def server_of(url: str) -> Server:
    """The server at ``smtp://USER:PASSWORD@HOST:PORT?starttls=always|auto|never``, or ``smtps://…``.

    Where there is a password, STARTTLS is required unless the URL says otherwise. Raises `ValueError`, whose
    text does not show the URL.

    >>> server_of("smtp://mail.example").port, server_of("smtps://mail.example").port
    (25, 465)
    >>> server_of("smtp://ann:p%40ss@mail.example")[1:]
    (587, 'ann', 'p@ss', False, True)
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    starttls = options.pop("starttls", "always" if parts.username else "auto")
    if parts.scheme not in ("smtp", "smtps"):
        raise ValueError("it does not start with smtp:// or smtps://")
    if not parts.hostname or parts.path not in ("", "/") or parts.fragment or options:
        raise ValueError("it is not like smtp://USER:PASSWORD@HOST:PORT")
    if starttls not in _STARTTLS:
        raise ValueError("starttls is one of: always, auto, never")
    user, password = (None if text is None else unquote(text) for text in (parts.username, parts.password))
    if (user is None) != (password is None):
        raise ValueError("a user needs a password, and a password a user")
    is_implicit = parts.scheme == "smtps"
    return Server(
        parts.hostname,
        _port(parts.port, is_implicit, user),
        user,
        password,
        is_implicit,
        False if is_implicit else _STARTTLS[starttls],
    )


def _port(given: int | None, is_implicit: bool, user: str | None) -> int:
    """RFC 8314 §3: 465 for TLS, 587 for those who log in; 25 between servers."""
    return given or (465 if is_implicit else 587 if user else 25)
