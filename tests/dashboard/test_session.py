from __future__ import annotations

import msgspec
import pytest

from rosterd.dashboard.session import Cookies, Flow
from rosterd.directory.model import OrgId
from tests.dashboard.test_forms import Sent

KEY = b"a key for tests of cookies"
FLOW = Flow(OrgId("E1"), "/home", 4_000_000_000, "state", "nonce", "verifier")


def sent_back(cookie: str) -> Sent:
    """A request with a cookie as it was set."""
    return Sent(cookie=f"other=1; {cookie.partition(';')[0]}")


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "https://scim.example.org"])
def test_a_sign_in_in_progress_comes_back_as_it_was(base: str) -> None:
    cookies = Cookies(KEY, base)
    set_cookie = cookies.flow(FLOW)
    assert ("Secure" in set_cookie) is set_cookie.startswith("__Host-") is base.startswith("https")
    assert "HttpOnly; SameSite=Lax" in set_cookie
    assert cookies.flow_of(sent_back(set_cookie)) == FLOW


def test_nobody_else_makes_one_and_it_does_not_last() -> None:
    cookies, others = Cookies(KEY, ""), Cookies(b"another key, of somebody else", "")
    assert cookies.flow_of(sent_back(others.flow(FLOW))) is None
    assert cookies.flow_of(sent_back(cookies.flow(msgspec.structs.replace(FLOW, expires=1)))) is None
    assert cookies.flow_of(sent_back(cookies.no_flow())) is None
    assert cookies.flow_of(Sent()) is None
    assert cookies.flow_of(sent_back("rosterd-flow=é.x")) is None
