"""How often a provider is asked, whatever people do."""

from __future__ import annotations

import asyncio

import pytest

from rosterd.dashboard.oidc import Providers, ProviderUnavailable
from rosterd.directory.model import OrgId
from rosterd.directory.signin import IdentityProvider

pytestmark = pytest.mark.anyio


async def test_a_provider_in_trouble_is_asked_once_for_all_who_would_sign_in() -> None:
    asked = 0

    async def fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(fail, "127.0.0.1", 0)
    issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    idp = IdentityProvider(OrgId("E1"), issuer, "id", "secret", False, 1)
    providers = Providers()
    async with server:
        begun = [providers.begin(idp, "http://localhost/callback") for _ in range(20)]
        ends = await asyncio.gather(*begun, return_exceptions=True)
    await providers.close()
    assert all(isinstance(end, ProviderUnavailable) for end in ends)
    assert asked == 1
