"""Webhooks as receivers get them: signed, to the address that was judged, and nowhere else."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.signature import SignatureVerifier

from rosterd.delivery.attempts import Claim, End, Failed, GaveUp, Unreachable
from rosterd.delivery.webhooks import ANSWER_SECONDS, Poster
from rosterd.directory.model import OrgId
from rosterd.directory.webhooks import Webhook
from rosterd.provisioning.cards import card
from rosterd.store import webhooks
from rosterd.store.engine import open_store
from rosterd.store.outbox import Entry
from tests.actions.acting import House, found_house
from tests.delivery.mailboxes import Received, Receiver, listening

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(migrated_file: Path, tmp_path: Path, anyio_backend: str) -> AsyncIterator[House]:
    """An organisation on SQLite alone: what is sent does not depend on the engine."""
    shutil.copyfile(migrated_file, tmp_path / "rosterd.db")
    store = await open_store(f"sqlite:///{tmp_path / 'rosterd.db'}", card=card)
    yield await found_house(store)
    await store.close()


SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BODY = {"type": "event_callback", "event_id": "0197", "event": {"type": "user_created", "name": "é"}}


def an_entry(org: OrgId, attempts: int = 1, problem: str | None = None) -> Entry:
    return Entry(org, "0197-1", 1, "webhook", "H1", BODY, 1, attempts, problem, False)


@asynccontextmanager
async def posting(house: House, url: str, *, allow_private: bool = True) -> AsyncIterator[Callable[..., Any]]:
    """``post(attempts=1, problem=None)``: one attempt to send `BODY` to this URL."""
    async with house.store.write() as tx:
        await webhooks.insert(tx, Webhook(house.org.id, "H1", url, SECRET, (), 1))
    poster = Poster(house.store, allow_private=allow_private)

    async def post(attempts: int = 1, problem: str | None = None) -> End:
        return await poster(Claim(an_entry(house.org.id, attempts, problem)))

    try:
        yield post
    finally:
        await poster.close()


def verified(request: Received, secret: str = SECRET) -> bool:
    """What Slack's own library says to a request."""
    return SignatureVerifier(secret).is_valid_request(request.body, request.headers)


async def test_a_receiver_gets_the_event_signed_as_slack_signs(house: House) -> None:
    with listening(Receiver()) as receiver:
        async with posting(house, receiver.url) as post:
            assert await post() is End.DONE
    [came] = receiver.requests
    assert json.loads(came.body) == BODY
    assert verified(came)
    assert not verified(came, "another secret")
    assert not verified(replace(came, body=came.body + b" "))
    assert came.path == "/hook?team=a"
    assert came.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert came.headers["content-type"] == "application/json"
    assert "x-slack-retry-num" not in came.headers


@pytest.mark.parametrize(
    ("problem", "reason"),
    [("http_timeout: no answer", "http_timeout"), ("http_error: 500", "http_error"), ("?", "unknown_error")],
)
async def test_another_attempt_says_which_and_why(house: House, problem: str, reason: str) -> None:
    with listening(Receiver()) as receiver:
        async with posting(house, receiver.url) as post:
            await post(3, problem)
    headers = receiver.requests[0].headers
    assert (headers["x-slack-retry-num"], headers["x-slack-retry-reason"]) == ("2", reason)


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "wait"),
    [
        (204, {}, None, 0),
        (400, {}, Failed, 0),
        (410, {}, Failed, 0),
        (500, {}, Failed, 0),
        (500, {"X-Slack-No-Retry": "1"}, GaveUp, 0),
        (503, {"Retry-After": "120"}, Unreachable, 120),
        (429, {"Retry-After": "999999999"}, Unreachable, 21_600),
        (429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, Unreachable, 0),
    ],
)
async def test_an_answer_decides(
    house: House, status: int, headers: dict[str, str], outcome: type[Exception] | None, wait: int
) -> None:
    with listening(Receiver(answers=[(status, headers)])) as receiver:
        async with posting(house, receiver.url) as post:
            if outcome is None:
                assert await post() is End.DONE
                return
            with pytest.raises(outcome, match=f"http_error: {status}") as caught:
                await post()
    assert type(caught.value) is outcome
    assert getattr(caught.value, "wait", 0) == wait


async def test_a_redirect_is_not_followed(house: House) -> None:
    with listening(Receiver()) as other:
        away = (302, {"Location": other.url})
        with listening(Receiver(answers=[away, (307, away[1])])) as receiver:
            async with posting(house, receiver.url) as post:
                for status in (302, 307):
                    with pytest.raises(Failed, match=f"http_error: {status}"):
                        await post()
    assert len(receiver.requests) == 2
    assert other.requests == []


async def test_a_receiver_that_does_not_answer_costs_ten_seconds(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ANSWER_SECONDS == 10
    monkeypatch.setattr("rosterd.delivery.webhooks.ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        async with posting(house, url) as post:
            with pytest.raises(Unreachable, match="http_timeout"):
                await post()


async def test_nobody_there_is_unreachable(house: House) -> None:
    with listening(Receiver()) as receiver:
        url = receiver.url
    async with posting(house, url) as post:
        with pytest.raises(Unreachable, match="connection_failed"):
            await post()


async def test_a_webhook_that_was_removed_gets_nothing_more(house: House) -> None:
    with listening(Receiver()) as receiver:
        async with posting(house, receiver.url) as post:
            async with house.store.write() as tx:
                await webhooks.remove(tx, house.org.id, "H1", 2)
            assert await post() is End.DROPPED
    assert receiver.requests == []


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """A name server that gives these addresses, one answer after the other; the names it was asked for."""
    asked: list[str] = []
    left = list(answers)

    async def getaddrinfo(
        self: asyncio.AbstractEventLoop, host: str, port: int, **options: Any
    ) -> list[tuple[Any, ...]]:
        asked.append(host)
        families = [(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip) for ip in left.pop(0)]
        return [(family, socket.SOCK_STREAM, 6, "", (ip, port)) for family, ip in families]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return asked


class TestWhereItMayGo:
    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "[::1]",
         "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
    )  # fmt: skip
    async def test_this_machine_is_refused_however_it_is_written(self, house: House, host: str) -> None:
        with listening(Receiver()) as receiver:
            url = f"http://{host}:{receiver.port}/"
            async with posting(house, url, allow_private=False) as post:
                with pytest.raises(Unreachable, match="not public"):
                    await post()
        assert receiver.requests == []

    @pytest.mark.parametrize(
        "address",
        ["10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "198.18.0.1",
         "240.0.0.1", "255.255.255.255", "fc00::1", "fe80::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
         "2002:a00:1::", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "::127.0.0.1", "fd00:ec2::254"],
    )  # fmt: skip
    async def test_a_name_that_leads_into_a_private_network_is_refused(
        self, house: House, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = resolving(monkeypatch, [address])
        async with posting(house, "https://hooks.example.com/", allow_private=False) as post:
            with pytest.raises(Unreachable, match="not public"):
                await post()
        assert asked == ["hooks.example.com"]

    async def test_the_connection_goes_to_the_address_that_was_judged(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        judged: list[str] = []

        def is_public(address: str) -> bool:
            judged.append(address)
            return True

        monkeypatch.setattr("rosterd.delivery.webhooks.is_public", is_public)
        with listening(Receiver(), host="0.0.0.0") as receiver:
            asked = resolving(monkeypatch, ["127.0.0.2"], ["127.0.0.3"])
            async with posting(
                house, f"http://hooks.example.com:{receiver.port}/", allow_private=False
            ) as post:
                await post()
        assert (asked, judged) == (["hooks.example.com"], ["127.0.0.2"])
        assert [each.at for each in receiver.requests] == ["127.0.0.2"]
        assert receiver.requests[0].headers["host"] == f"hooks.example.com:{receiver.port}"

    async def test_of_several_addresses_only_public_ones_are_tried_and_each_of_them(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rosterd.delivery.webhooks.is_public", lambda address: address != "127.0.0.2")
        with listening(Receiver(), host="127.0.0.4") as receiver:
            resolving(monkeypatch, ["127.0.0.2", "127.0.0.3", "127.0.0.4"])
            async with posting(
                house, f"http://hooks.example.com:{receiver.port}/", allow_private=False
            ) as post:
                assert await post() is End.DONE
        assert [each.at for each in receiver.requests] == ["127.0.0.4"]

    async def test_the_environments_proxy_is_not_asked(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with listening(Receiver()) as proxy, listening(Receiver()) as receiver:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv("NO_PROXY", "")
            monkeypatch.setenv("no_proxy", "")
            async with posting(house, receiver.url) as post:
                await post()
        assert (len(receiver.requests), proxy.requests) == (1, [])


class TestTls:
    async def test_the_certificate_is_that_of_the_name(
        self, house: House, certificate: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
        with listening(Receiver(), tls=certificate.server) as receiver:
            resolving(monkeypatch, ["127.0.0.1"])
            async with posting(house, f"https://hooks.example.test:{receiver.port}/x") as post:
                assert await post() is End.DONE
        assert verified(receiver.requests[0])

    async def test_one_of_another_name_is_refused(
        self, house: House, certificate: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
        with listening(Receiver(), tls=certificate.server) as receiver:
            resolving(monkeypatch, ["127.0.0.1"])
            async with posting(house, f"https://other.example.test:{receiver.port}/x") as post:
                with pytest.raises(Unreachable, match="ssl_error"):
                    await post()
        assert receiver.requests == []

    async def test_one_that_nobody_vouches_for_is_refused(self, house: House, certificate: Any) -> None:
        with listening(Receiver(), tls=certificate.server) as receiver:
            async with posting(house, f"https://127.0.0.1:{receiver.port}/x") as post:
                with pytest.raises(Unreachable, match="ssl_error"):
                    await post()
        assert receiver.requests == []
