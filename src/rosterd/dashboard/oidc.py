"""The organisation's own identity provider, as its client: where to send people, and what comes back.

Rules of this module:

1. Nothing of an answer counts before its signature does, by a key and an algorithm that we chose to accept.
2. Nobody is asked inside a transaction, for longer than `SECONDS`, or for more than `MOST_BYTES`; redirects
   are not followed.
3. What a provider says about itself is kept for a while. An unknown key makes us ask again, not too often.

Source: OpenID Connect Core 1.0 §3.1, Discovery 1.0 §4; RFC 6749 §4.1; RFC 7636; RFC 8725 §3; RFC 9700 §2.1.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import httpx
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from rosterd.directory.errors import NotAllowed
from rosterd.directory.signin import IdentityProvider, checked_url

SECONDS = 10.0
MOST_BYTES = 1024 * 1024
KEEP_SECONDS = 3600.0
AGAIN_SECONDS = 60.0
SILENT_SECONDS = 5.0
"""How long a provider is left alone that could not be asked what it is."""

LEEWAY_SECONDS = 60
SCOPE = "openid email profile"

ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
]
"""Signatures by a key of which only the provider has the private half: neither ``none`` nor HMAC."""


class ProviderUnavailable(Exception):
    """The provider does not answer, or not as an OpenID provider does. The text is for the log."""


class Departure(NamedTuple):
    """Where to send somebody, and what to remember until they are back."""

    url: str
    state: str
    nonce: str
    verifier: str


class Identity(NamedTuple):
    """Whom a provider says that it has before it."""

    email: str
    is_verified: bool
    auth_time: int | None = None  # seconds: when it has asked who they are; None: it does not say


class Metadata(msgspec.Struct, frozen=True):
    """What of a provider's own description is of use (Discovery 1.0 §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _TokenAnswer(msgspec.Struct, frozen=True):
    id_token: str
    access_token: str = ""


@dataclass(slots=True)
class _Known:
    """What is known of one provider, and since when (of the monotonic clock)."""

    metadata: Metadata
    at: float
    keys: list[dict[str, Any]] = field(default_factory=list)
    keys_at: float | None = None


class Providers:
    """Every provider of every organisation on this server."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._silent: dict[str, float] = {}  # since when, of the monotonic clock
        self._http: httpx.AsyncClient | None = None

    async def begin(self, idp: IdentityProvider, redirect_uri: str, *, again: bool = False) -> Departure:
        """Where somebody signs in, with state, nonce and PKCE. ``again``: even if they just did.

        Raises `ProviderUnavailable`.
        """
        known = await self._provider(idp.issuer)
        state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        verifier = secrets.token_urlsafe(48)
        url = prepare_grant_uri(
            known.metadata.authorization_endpoint,
            idp.client_id,
            "code",
            redirect_uri=redirect_uri,
            scope=SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            **({"prompt": "login", "max_age": "0"} if again else {}),
        )
        return Departure(url, state, nonce, verifier)

    async def finish(
        self, idp: IdentityProvider, redirect_uri: str, code: str, *, nonce: str, verifier: str
    ) -> Identity:
        """Who came back with ``code``.

        Raises `ProviderUnavailable`, and ``untrusted_identity`` for an answer that does not hold.
        """
        known = await self._provider(idp.issuer)
        answer = await self._exchange(idp, known.metadata, redirect_uri, code, verifier)
        claims = await self._claims(idp, known, answer, nonce)
        auth_time = claims.get("auth_time")
        if not claims.get("email") and known.metadata.userinfo_endpoint and answer.access_token:
            claims = await self._user_info(known.metadata.userinfo_endpoint, answer.access_token, claims)
        email = claims.get("email")
        if not isinstance(email, str) or not email:
            raise NotAllowed("untrusted_identity", reason="no e-mail address")
        verified = claims.get("email_verified")
        is_time = isinstance(auth_time, int) and not isinstance(auth_time, bool)
        return Identity(email, verified is True or verified == "true", auth_time if is_time else None)

    async def close(self) -> None:
        """Close every connection."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _provider(self, issuer: str) -> _Known:
        """Anybody can make us ask: we ask once for all who wait, and if it was no use not again at once."""
        async with self._asking.setdefault(issuer, asyncio.Lock()):
            if time.monotonic() - self._silent.get(issuer, -SILENT_SECONDS) < SILENT_SECONDS:
                raise ProviderUnavailable(f"{issuer} did not answer just now")
            try:
                return await self._described(issuer)
            except ProviderUnavailable:
                self._silent[issuer] = time.monotonic()
                raise

    async def _described(self, issuer: str) -> _Known:
        known = self._known.get(issuer)
        if known is None or time.monotonic() - known.at > KEEP_SECONDS:
            url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            metadata = _decoded(await self._ask("GET", url), Metadata, issuer)
            if metadata.issuer != issuer:  # Discovery 1.0 §4.3
                raise ProviderUnavailable(f"{issuer} describes another issuer, {metadata.issuer[:200]!r}")
            endpoints = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
            for url in (*endpoints, metadata.userinfo_endpoint or metadata.jwks_uri):
                if checked_url(url) is None:
                    raise ProviderUnavailable(f"{issuer} names an address that is not https: {url[:200]!r}")
            known = self._known[issuer] = _Known(metadata, time.monotonic())
        return known

    async def _exchange(
        self, idp: IdentityProvider, metadata: Metadata, redirect_uri: str, code: str, verifier: str
    ) -> _TokenAnswer:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        auth: httpx.BasicAuth | None = None
        methods = metadata.token_endpoint_auth_methods_supported
        if "client_secret_post" in methods and "client_secret_basic" not in methods:
            form |= {"client_id": idp.client_id, "client_secret": idp.client_secret}
        else:  # RFC 6749 §2.3.1: both are form-encoded first
            auth = httpx.BasicAuth(quote_plus(idp.client_id), quote_plus(idp.client_secret))
        response = await self._ask("POST", metadata.token_endpoint, data=form, auth=auth)
        if 400 <= response.status_code < 500:  # RFC 6749 §5.2
            raise NotAllowed("untrusted_identity", reason=f"code refused: {response.text[:200]!r}")
        decoded: _TokenAnswer = _decoded(response, _TokenAnswer, metadata.issuer)
        return decoded

    async def _claims(
        self, idp: IdentityProvider, known: _Known, answer: _TokenAnswer, nonce: str
    ) -> Mapping[str, Any]:
        """What the ID token says, once it is known to be the provider's, for us, and for this sign-in."""
        try:
            token = await self._verified(known, answer.id_token)
            wanted = {"iss": {"essential": True, "value": known.metadata.issuer}}
            wanted |= {"aud": {"essential": True, "value": idp.client_id}}
            context = {"nonce": nonce, "client_id": idp.client_id, "access_token": answer.access_token}
            claims = CodeIDToken(token.claims, token.header, options=wanted, params=context)
            claims.validate(now=int(time.time()), leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise NotAllowed("untrusted_identity", reason=f"{type(error).__name__}: {error}") from error
        return claims  # type: ignore[no-any-return]

    async def _verified(self, known: _Known, token: str) -> jwt.Token:
        """The token, if one of the provider's keys has signed it. Raises `JoseError` and `ValueError`."""
        keys = await self._keys(known, fresh=False)
        try:
            return jwt.decode(token, _key_set(keys), algorithms=ALGORITHMS)
        except (JoseError, ValueError):  # the provider may have a new key
            fresh = await self._keys(known, fresh=True)
            if fresh is keys:
                raise
            return jwt.decode(token, _key_set(fresh), algorithms=ALGORITHMS)

    async def _keys(self, known: _Known, *, fresh: bool) -> list[dict[str, Any]]:
        keep = AGAIN_SECONDS if fresh else KEEP_SECONDS
        if known.keys_at is None or time.monotonic() - known.keys_at > keep:
            response = await self._ask("GET", known.metadata.jwks_uri)
            found = _decoded(response, dict[str, Any], known.metadata.issuer).get("keys")
            if not isinstance(found, list):
                raise ProviderUnavailable(f"{known.metadata.issuer} has no keys")
            known.keys = [key for key in found if isinstance(key, dict) and _is_for_signatures(key)]
            known.keys_at = time.monotonic()
        return known.keys

    async def _user_info(self, url: str, access_token: str, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """Claims that the ID token does not have; about the same person (Core 1.0 §5.3.2)."""
        response = await self._ask("GET", url, headers={"Authorization": f"Bearer {access_token}"})
        found: dict[str, Any] = _decoded(response, dict[str, Any], url)
        if found.get("sub") != claims["sub"]:
            raise NotAllowed("untrusted_identity", reason="userinfo is about somebody else")
        return found

    async def _ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        """The answer, whole. Raises `ProviderUnavailable`."""
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=SECONDS, trust_env=False, follow_redirects=False)
        try:
            async with asyncio.timeout(SECONDS), self._http.stream(method, url, **options) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise ProviderUnavailable(f"{url} answers with too much")
        except (httpx.HTTPError, TimeoutError) as error:
            raise ProviderUnavailable(f"{url}: {type(error).__name__} {error}") from error
        return httpx.Response(response.status_code, content=bytes(body))


def _decoded(response: httpx.Response, type: Any, who: str) -> Any:
    if response.status_code != 200:
        raise ProviderUnavailable(f"{who} answers {response.status_code}")
    try:
        return msgspec.json.decode(response.content, type=type)
    except msgspec.DecodeError as error:
        raise ProviderUnavailable(f"{who} answers with something else: {error}") from error


def _is_for_signatures(key: dict[str, Any]) -> bool:
    return key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"


def _key_set(keys: list[dict[str, Any]]) -> KeySet:
    return KeySet.import_key_set({"keys": keys})
