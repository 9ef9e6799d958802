"""Who may do what to whom. Every write asks here, whichever way it came.

Slack: *the token generated can only take action on accounts with the same or fewer permissions*
(SCIM guide, heading *Acquire an OAuth token*).
"""

from __future__ import annotations

from functools import cache

from rosterd.directory.errors import NotAllowed
from rosterd.directory.model import Actor, Role

RANK = {
    Role.PRIMARY_OWNER: 4,
    Role.OWNER: 3,
    Role.ADMIN: 2,
    Role.MEMBER: 1,
    Role.BOT: 1,
    Role.MULTI_CHANNEL_GUEST: 0,
    Role.SINGLE_CHANNEL_GUEST: 0,
}

SCIM_SCOPE = "admin"


def may_administer(role: Role) -> bool:
    """Whether this role may use administrators' APIs at all.

    >>> may_administer(Role.ADMIN), may_administer(Role.MEMBER)
    (True, False)
    """
    return RANK[role] >= RANK[Role.ADMIN]


@cache
def outranking(role: Role) -> tuple[Role, ...]:
    """The roles that have more permissions than ``role``.

    >>> [str(role) for role in outranking(Role.ADMIN)]
    ['primary_owner', 'owner']
    """
    return tuple(other for other in Role if RANK[other] > RANK[role])


def beyond(actor: Actor) -> tuple[Role, ...]:
    """The roles that ``actor`` may not touch: none for an operator at the command line."""
    return () if actor.is_operator else outranking(actor.role)


def check_administers(actor: Actor) -> None:
    """Refuse an actor who is no administrator: ``permission_denied``."""
    if not actor.is_operator and not may_administer(actor.role):
        raise NotAllowed("permission_denied")


def check_owns(actor: Actor) -> None:
    """Refuse an actor who is no owner: ``permission_denied``."""
    if not actor.is_operator and RANK[actor.role] < RANK[Role.OWNER]:
        raise NotAllowed("permission_denied")


def check_target(actor: Actor, target: Role) -> None:
    """Refuse to act on someone with more permissions: ``cannot_modify_owner``."""
    check_administers(actor)
    if target in beyond(actor):
        raise NotAllowed("cannot_modify_owner")
