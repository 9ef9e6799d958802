"""When a token counts for the Web API, and the word for why it does not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rosterd.directory.model import Org, OrgId, Plan, Role, TeamId, Token, TokenId, UserId
from rosterd.store.doors.tokens import Grant
from rosterd.web.methods.callers import refusal

NOW = 1_000
TOKEN = Token(
    TokenId("A1"), OrgId("E1"), UserId("W1"), ("users:read",), None, ("192.0.2.0/24",), 1, NOW + 1, None, None
)
ORG = Org(OrgId("E1"), TeamId("T1"), "Acme", "acme", Plan.ENTERPRISE, 1)
GRANT = Grant(TOKEN, Role.MEMBER, False, ORG)
NEAR = "192.0.2.7"


def test_a_token_of_any_role_counts() -> None:
    for role in Role:
        assert refusal(msgspec.structs.replace(GRANT, owner_role=role), NOW, NEAR) is None


@pytest.mark.parametrize(
    ("code", "token", "grant"),
    [
        ("token_revoked", {"revoked": 1}, {}),
        ("token_expired", {"expires": NOW}, {}),
        ("token_revoked", {"expires": NOW, "revoked": 1}, {}),
        ("token_revoked", {}, {"owner_deactivated": True}),
        ("account_inactive", {"revoked": 1}, {"owner_deactivated": True, "owner_role": Role.BOT}),
    ],
)
def test_why_a_token_counts_no_more(code: str, token: dict[str, Any], grant: dict[str, Any]) -> None:
    changed = msgspec.structs.replace(GRANT, token=msgspec.structs.replace(TOKEN, **token), **grant)
    assert refusal(changed, NOW, NEAR) == code
    assert refusal(changed, NOW, "198.51.100.1") == "invalid_auth"


def test_from_elsewhere_a_token_is_unknown() -> None:
    assert refusal(GRANT, NOW, "198.51.100.1") == "invalid_auth"
    assert refusal(GRANT, NOW, None) == "invalid_auth"
