"""How a token stands, in a few words."""

from __future__ import annotations

import msgspec
import pytest

from rosterd.dashboard.admin.programs.standing import DAY, Standing, standings
from rosterd.directory.model import OrgId, Role, Token, TokenId, UserId
from tests.directory.people import a_user

NOW = 1_700_000_000
TOKEN = Token(TokenId("A1"), OrgId("E1"), UserId("W1"), ("admin",), None, (), 1, None, NOW - DAY, None)
OWNER = a_user(role=Role.OWNER)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, [Standing("good", "In use")]),
        ({"last_used": None}, [Standing("warn", "Never used")]),
        ({"last_used": NOW - 90 * DAY}, [Standing("warn", "Not used for 90 days")]),
        ({"expires": NOW + 15 * DAY}, [Standing("good", "In use")]),
        ({"expires": NOW + 3 * DAY}, [Standing("warn", "Expires in 3 days")]),
        (
            {"expires": NOW + 60, "last_used": None},
            [Standing("warn", "Expires in 1 minute"), Standing("warn", "Never used")],
        ),
        ({"expires": NOW}, [Standing("deactivated", "Expired")]),
        ({"revoked": NOW, "expires": NOW}, [Standing("deactivated", "Revoked")]),
    ],
)
def test_what_there_is_to_say(changed: dict[str, int | None], expected: list[Standing]) -> None:
    assert standings(msgspec.structs.replace(TOKEN, **changed), OWNER, NOW) == expected


def test_a_token_of_somebody_demoted_is_suspended_if_it_is_an_administrators() -> None:
    member = a_user(role=Role.MEMBER)
    assert standings(TOKEN, member, NOW) == [
        Standing("warn", "Suspended: its owner is no administrator"),
    ]
    plain = msgspec.structs.replace(TOKEN, scopes=("users:read",))
    assert standings(plain, member, NOW) == [Standing("good", "In use")]
