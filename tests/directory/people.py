"""People and organisations for tests of the rules, with as little said as possible."""

from __future__ import annotations

from typing import Any

from rosterd.directory.model import Actor, Org, OrgId, Origin, Plan, Profile, Role, TeamId, User, UserId

ORG = Org(OrgId("E1"), TeamId("T1"), "Acme", "acme", Plan.ENTERPRISE, 1)
ORIGIN = Origin("request-1", "pytest")


def a_user(role: Role = Role.MEMBER, **fields: Any) -> User:
    """A user ``ann``; fields as given."""
    given: dict[str, Any] = {
        "org_id": ORG.id,
        "id": UserId("W0000000001"),
        "created": 1_577_963_045_000_000,
        "username": "ann",
        "email": "ann@example.com",
        "display_name": "Ann",
        "role": role,
        "deactivated": False,
        "date_claimed": None,
        "guest_expires": None,
        "erased": False,
        "profile": Profile(),
    }
    return User(**(given | fields))


def an_actor(role: Role = Role.OWNER, *, is_operator: bool = False) -> Actor:
    return Actor(ORG.id, UserId("W0000000009"), role, ORIGIN, is_operator=is_operator)
