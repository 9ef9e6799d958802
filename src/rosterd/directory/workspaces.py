"""Rules about workspaces: who may run one, and what joining and leaving is called.

On Enterprise an organisation has many workspaces, and people may be owners or admins of one alone.
Elsewhere the organisation is its one workspace, and roles are those of the organisation.

Source: Slack, *Managing users* (headings *Creating a workspace*, *Managing users in a workspace*);
help centre, *Join or leave workspaces in an Enterprise org*.
"""

from __future__ import annotations

from collections.abc import Iterable

from rosterd.directory import access, names
from rosterd.directory.errors import Invalid, NotAllowed
from rosterd.directory.events import Event
from rosterd.directory.model import Actor, GroupWorkspace, Plan, Role, UserId

CONSEQUENCES_AT_ONCE = 1_000
"""How many people joining or leaving a place are part of a change. More are a job of their own."""


DOMAIN_LENGTH = 21
"""Characters of a workspace's domain (*admin.teams.create*)."""


def check_domain(domain: str) -> None:
    """Refuse what cannot be the domain of a new workspace: ``invalid_domain``."""
    names.check_domain(domain)
    if len(domain) > DOMAIN_LENGTH:
        raise Invalid("invalid_domain", domain=domain)


def check_many(plan: Plan) -> None:
    """Refuse what only an organisation with many workspaces has: ``feature_not_enabled``."""
    if plan is not Plan.ENTERPRISE:
        raise NotAllowed("feature_not_enabled")


def check_runs(actor: Actor, role: Role | None) -> None:
    """Refuse whoever runs neither the organisation nor, by their ``role`` in it, the workspace."""
    if role not in (Role.OWNER, Role.ADMIN):
        access.check_administers(actor)


def check_no_primary_owner(target: Role) -> None:
    """Refuse to take the primary owner of the organisation out of a workspace, or their role from them."""
    if target is Role.PRIMARY_OWNER:
        raise NotAllowed("cannot_modify_primary_owner")


def check_comes_and_goes(role: Role) -> None:
    """Refuse guests and bots, who join and leave no workspace by themselves: ``not_allowed``."""
    if role.is_guest or role is Role.BOT:
        raise NotAllowed("not_allowed")


def binds(to: GroupWorkspace) -> bool:
    """Whether somebody who is in a workspace by a group that leads there so may not leave by themselves.

    >>> binds(GroupWorkspace("T1", False, True)), binds(GroupWorkspace("T1", False, False))
    (True, False)
    """
    return to.is_required or to.auto_provision


def check_elsewhere(target: Role, desired: Role, others: int) -> None:
    """Refuse what would change somebody in ``others`` workspaces, too, who is asked of one alone.

    Whether somebody is a guest is true of the whole organisation, and a single-channel guest has one
    channel in one workspace.
    """
    is_single = Role.SINGLE_CHANNEL_GUEST in (target, desired)
    if others and (target.is_guest is not desired.is_guest or is_single):
        raise NotAllowed("invalid_role_for_user")


def check_role_at_workspace(target: Role, desired: Role, others: int) -> None:
    """Refuse a role in one workspace that somebody's role in the organisation rules out.

    Source: Slack, *admin.users.setRegular*, *admin.users.setAdmin* (heading *Errors*).
    """
    if desired is Role.MEMBER:
        if access.may_administer(target):
            raise NotAllowed("cannot_set_org_admin_to_regular_at_workspace_level")
        if target.is_guest and others:
            raise NotAllowed("cannot_set_this_guest_to_regular_at_team_level")
    else:
        check_role_at_org(target, desired)


def check_role_at_org(target: Role, desired: Role) -> None:
    """Refuse to make more than a member of a guest, and anything of a bot."""
    if target is Role.BOT or (target.is_guest and desired is not Role.MEMBER):
        raise NotAllowed("invalid_role_for_user")


def check_target(actor: Actor, target: Role) -> None:
    """Refuse whoever runs a workspace to touch those with more permissions: there they are like an admin."""
    acting = actor.role if access.may_administer(actor.role) else Role.ADMIN
    if not actor.is_operator and target in access.outranking(acting):
        raise NotAllowed("cannot_modify_owner")


def check_gives(actor: Actor, own: Role | None, existing: Role | None, desired: Role) -> None:
    """Refuse to give or take a role in a workspace that is above one's own there."""
    check_runs(actor, own)
    if actor.is_operator or access.may_administer(actor.role) or own is Role.OWNER:
        return
    if Role.OWNER in (existing, desired):
        raise NotAllowed("cannot_modify_owner")


def events_of(
    joined: Iterable[tuple[str, UserId]], left: Iterable[tuple[str, UserId]], guests: set[UserId]
) -> list[Event]:
    """One event for each person and workspace, in order of person.

    Slack has no name for leaving a workspace; ``user_left_workspace`` is ours.
    """
    events = [
        Event(
            "guest_joined_workspace" if user in guests else "user_joined_workspace",
            "user",
            user,
            {"team": team},
            {},
            user,
        )
        for team, user in sorted(joined, key=_by_person)
    ]
    events += [
        Event("user_left_workspace", "user", user, {"team": team}, {}, user)
        for team, user in sorted(left, key=_by_person)
    ]
    return events


def _by_person(membership: tuple[str, UserId]) -> tuple[UserId, str]:
    return membership[1], membership[0]
