"""Who may do what to whom: every pair of roles."""

from __future__ import annotations

import pytest

from rosterd.directory import access
from rosterd.directory.errors import NotAllowed
from rosterd.directory.model import Role
from tests.directory.people import an_actor

ADMINISTRATORS = (Role.PRIMARY_OWNER, Role.OWNER, Role.ADMIN)
# An administrator's role → the targets that have more permissions.
BEYOND = {
    Role.PRIMARY_OWNER: set[Role](),
    Role.OWNER: {Role.PRIMARY_OWNER},
    Role.ADMIN: {Role.PRIMARY_OWNER, Role.OWNER},
}


def code_of(actor: Role, target: Role) -> str | None:
    try:
        access.check_target(an_actor(actor), target)
    except NotAllowed as error:
        return error.code
    return None


@pytest.mark.parametrize("target", Role)
@pytest.mark.parametrize("actor", Role)
def test_an_administrator_touches_those_with_the_same_or_fewer_permissions(actor: Role, target: Role) -> None:
    if actor not in ADMINISTRATORS:
        expected = "permission_denied"
    else:
        expected = "cannot_modify_owner" if target in BEYOND[actor] else ""
    assert (code_of(actor, target) or "") == expected


@pytest.mark.parametrize("role", Role)
def test_only_administrators_and_owners_administer(role: Role) -> None:
    assert access.may_administer(role) is (role in ADMINISTRATORS)


@pytest.mark.parametrize("target", Role)
def test_the_operator_is_above_every_role(target: Role) -> None:
    operator = an_actor(Role.MEMBER, is_operator=True)
    access.check_target(operator, target)
    assert access.beyond(operator) == ()


def test_every_role_has_a_rank() -> None:
    assert set(access.RANK) == set(Role)
