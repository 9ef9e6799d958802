"""An OpenID provider that lies: it answers whoever asks, and one thing of what it says is wrong."""

from __future__ import annotations

import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})

CLIENT_ID, CLIENT_SECRET = "rosterd at the forger's", "a secret / with + signs"

Claims = dict[str, Any]


@dataclass(slots=True)
class Forger:
    """What it says: every part can be replaced. ``asked`` has the paths that it was asked for."""

    issuer: str = ""
    email: str = "ann@example.com"
    metadata: Callable[[Claims], Any] = lambda said: said
    claims: Callable[[Claims], Claims] = lambda said: said
    sign: Callable[[Claims], str] = lambda said: jwt.encode({"alg": "RS256", "kid": "one"}, said, KEY)
    user_info: Callable[[Claims], Claims] = lambda said: said
    token_status: int = 200
    keys: list[Any] = field(default_factory=lambda: [KEY])
    asked: list[str] = field(default_factory=list)
    exchanges: list[dict[str, str]] = field(default_factory=list)
    nonce: str = ""

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        """Status and JSON of what is at this path."""
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, self.metadata(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/jwks",
                    "userinfo_endpoint": f"{self.issuer}/userinfo",
                }
            )
        if path == "/jwks":
            return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}
        if path == "/userinfo":
            return 200, self.user_info({"sub": "1", "email": self.email, "email_verified": True})
        self.exchanges.append(form)
        if self.token_status != 200:
            return self.token_status, {"error": "invalid_grant"}
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "sub": "1",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "email": self.email,
            "email_verified": True,
        }
        signed = self.sign(self.claims(said))
        return 200, {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": signed}


def unsigned(claims: Claims) -> str:
    """A token of the algorithm ``none``."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return (
        ".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."
    )


def by_client_secret(claims: Claims) -> str:
    """A token signed with what both of us know."""
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET.ljust(32, "=")))


def by_public_key(claims: Claims) -> str:
    """A token signed with HMAC under the public key, as if that were a secret (RFC 8725 §2.1)."""
    public = KEY.as_pem(private=False)
    head = urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=")
    body = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    mac = hmac.digest(public, head + b"." + body, "sha256")
    return b".".join((head, body, urlsafe_b64encode(mac).rstrip(b"="))).decode()


def by_another_key(claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, OTHER_KEY)


@contextmanager
def forging() -> Iterator[Forger]:
    """A forger on a port of its own."""
    forger = Forger()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            sent = dict(parse_qsl(body)) | {"authorization": self.headers.get("authorization", "")}
            self._answer(sent)

        def _answer(self, form: dict[str, str]) -> None:
            status, body = forger.answer(urlsplit(self.path).path, form)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Nobody wants to read it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        forger.issuer = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield forger
        finally:
            server.shutdown()
            thread.join()
