"""canaille, a real OpenID provider, on a free port of this machine; people are kept in its memory.

As a program it prints its issuer and serves until it is stopped: ``python provider.py``.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

PASSWORD = "correct horse battery staple"
PEOPLE = ("ann", "bob", "stranger")
"""Whom it knows, each with the address ``NAME@example.com``."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A running provider."""

    issuer: str

    def register(self, redirect_uri: str) -> tuple[str, str]:
        """A client's id and secret (RFC 7591). It is on this machine, so nobody is asked for consent."""
        metadata = {
            "redirect_uris": [redirect_uri],
            "client_name": "rosterd",
            "client_uri": "http://127.0.0.1",
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "scope": "openid email profile",
            "token_endpoint_auth_method": "client_secret_basic",
        }
        answer = httpx.post(f"{self.issuer}/oauth/register", json=metadata, trust_env=False)
        assert answer.status_code == 201, answer.text
        return answer.json()["client_id"], answer.json()["client_secret"]


@contextmanager
def providing(log: Path) -> Iterator[Provider]:
    """A provider process, stopped at the end."""
    command = [sys.executable, __file__]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            assert process.stdout is not None
            issuer = process.stdout.readline().decode().strip()
            assert issuer.startswith("http://127.0.0.1:"), log.read_text()
            yield Provider(issuer)
        finally:
            process.terminate()


def main() -> None:
    import canaille
    from canaille.app import models
    from werkzeug.serving import make_server

    listener = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    app = canaille.create_app(
        config={
            "SECRET_KEY": "a key for tests of signing in",
            "SERVER_NAME": host,
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE": {"DATABASE": "memory"},
            "CANAILLE_OIDC": {"DYNAMIC_CLIENT_REGISTRATION_OPEN": True},
        }
    )
    with app.app_context(), app.backend.session():
        for name in PEOPLE:
            app.backend.save(
                models.User(
                    user_name=name,
                    formatted_name=name,
                    family_name=name,
                    emails=[f"{name}@example.com"],
                    password=PASSWORD,
                )
            )
    sys.stdout.write(f"http://{host}\n")
    sys.stdout.flush()
    make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno()).serve_forever()


if __name__ == "__main__":
    main()
