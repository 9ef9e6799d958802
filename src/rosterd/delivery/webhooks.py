"""Webhooks: a signed POST of JSON, to the very address that was looked at.

Form, signature and retry headers are those of Slack's Events API (*The Events API*, headings *Retries* and
*Responding to events*; *Verifying requests from Slack*): what receives from Slack receives from here.

Rules of this module:

1. The host is resolved with each delivery, each of its addresses is judged, and the connection goes to one
   that passed: an answer of the DNS that changes in between changes nothing.
2. No redirect is followed, no proxy and no cookie used, and no more than a head is read of an answer.
3. Connections are not kept: what was agreed in TLS with one host is not used for another at its address.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from rosterd import __version__
from rosterd.delivery.attempts import Claim, End, Failed, GaveUp, Unreachable
from rosterd.directory.webhooks import Webhook, is_public
from rosterd.store import webhooks
from rosterd.store.engine import Store
from rosterd.store.outbox import Entry

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""Slack waits three seconds for an answer; a little patience costs nobody anything."""

LONGEST_WAIT = 6 * 3600
"""Seconds that a receiver may ask for by ``Retry-After``."""

REASONS = ("http_timeout", "connection_failed", "ssl_error", "http_error", "unknown_error")
"""Slack's reasons for another attempt. The text of a failure begins with one."""


class Poster:
    """The handler of webhooks. ``allow_private``: receivers may be on this machine or in its network."""

    def __init__(self, store: Store, *, allow_private: bool) -> None:
        self._store = store
        self._allow_private = allow_private
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, claim: Claim) -> End:
        """Sign and send; what is for a webhook that was removed is dropped."""
        entry = claim.entry
        async with self._store.read() as tx:
            webhook = await webhooks.find(tx, entry.org_id, entry.subject_id)
        if webhook is None or webhook.removed is not None:
            return End.DROPPED
        await self._send(entry, webhook)
        return End.DONE

    async def close(self) -> None:
        """End what is kept open."""
        if self._client is not None:
            await self._client.aclose()

    async def _send(self, entry: Entry, webhook: Webhook) -> None:
        url = httpx.URL(webhook.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                addresses = await self._addresses(url.host, port)
                status, headers = await self._post(entry, webhook, url, addresses)
        except TimeoutError:
            raise Unreachable(f"http_timeout: no answer within {ANSWER_SECONDS:.0f} s") from None
        _judge(status, headers)

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Where the host is. Raises `Unreachable`: nowhere, or where nobody may be made to knock."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"connection_failed: {host}: {error}") from error
        addresses = list(dict.fromkeys(str(where[0]) for *_, where in found))
        allowed = [each for each in addresses if self._allow_private or is_public(each)]
        if not allowed:
            raise Unreachable(
                f"connection_failed: {host} is {', '.join(addresses) or 'nowhere'}, which is not public;"
                " see the setting allow-private-webhooks"
            )
        return allowed

    async def _post(
        self, entry: Entry, webhook: Webhook, url: httpx.URL, addresses: Sequence[str]
    ) -> tuple[int, httpx.Headers]:
        """Send to the first of the addresses that can be connected to."""
        body = msgspec.json.encode(entry.arguments)
        for n, address in enumerate(addresses, 1):
            try:
                return await self._exchange(url, address, headers_for(entry, webhook.secret, body), body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if n == len(addresses):
                    raise _unreachable(error) from error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _unreachable(error) from error
        raise AssertionError("there is at least one address")

    async def _exchange(
        self, url: httpx.URL, address: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, httpx.Headers]:
        """One request to this address and no other: the head of the answer."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=ssl.create_default_context(),
                timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
                limits=httpx.Limits(max_keepalive_connections=0),
                follow_redirects=False,
                trust_env=False,
            )
        # The certificate is that of the name, as if the name had been asked.
        named: dict[str, Any] = {} if _is_address(url.host) else {"sni_hostname": url.host}
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers=headers | {"Host": url.netloc.decode("ascii")},
            extensions=named,
        )
        response = await self._client.send(request, stream=True)
        await response.aclose()
        return response.status_code, response.headers


def headers_for(entry: Entry, secret: str, body: bytes, now: int | None = None) -> dict[str, str]:
    """The headers of an attempt at ``now`` (seconds; by default the present)."""
    seconds = int(time.time()) if now is None else now
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"rosterd/{__version__}",
        "X-Slack-Request-Timestamp": str(seconds),
        "X-Slack-Signature": signature(secret, seconds, body),
    }
    if entry.attempts > 1:
        reason = (entry.problem or "").partition(":")[0]
        headers["X-Slack-Retry-Num"] = str(entry.attempts - 1)
        headers["X-Slack-Retry-Reason"] = reason if reason in REASONS else "unknown_error"
    return headers


def signature(secret: str, seconds: int, body: bytes) -> str:
    """What shows that a request is ours (Slack, *Verifying requests from Slack*).

    >>> signature("secret", 1, b"{}")[:12]
    'v0=72947d217'
    """
    signed = b"v0:%d:%b" % (seconds, body)
    return f"v0={hmac.digest(secret.encode(), signed, 'sha256').hex()}"


def _judge(status: int, headers: httpx.Headers) -> None:
    """What an answer means. Raises `GaveUp` and `Failed`."""
    if 200 <= status < 300:
        return
    problem = f"http_error: {status}"
    if headers.get("x-slack-no-retry") == "1":
        raise GaveUp(f"{problem}, and it wants no other attempt")
    wait = headers.get("retry-after", "")
    seconds = min(int(wait), LONGEST_WAIT) if re.fullmatch(r"[0-9]{1,9}", wait) else 0
    raise (Unreachable if status in (429, 502, 503, 504) else Failed)(problem, seconds)


def _unreachable(error: Exception) -> Unreachable:
    reason = "connection_failed"
    if isinstance(error, httpx.TimeoutException):
        reason = "http_timeout"
    elif "ssl" in str(error).lower() or "certificate" in str(error).lower():
        reason = "ssl_error"
    elif not isinstance(error, httpx.TransportError):
        reason = "unknown_error"
    return Unreachable(f"{reason}: {error or type(error).__name__}"[:500])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
