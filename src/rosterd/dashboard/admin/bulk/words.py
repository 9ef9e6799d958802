"""What pages say of bulk changes: what is done, what becomes of people, and why of some nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rosterd.dashboard.pages import day
from rosterd.dashboard.words import ROLES
from rosterd.directory.bulk import DONE, TO_DO, UNCHANGED, Action, Batch, Standing, State


class Naming(NamedTuple):
    """An action: as a choice, as a title for so many people, and what is said of people before and after."""

    choice: str
    title: str  # with {people} and {what}
    to_do: str
    done: str
    unchanged: str
    is_grave: bool = False  # its button is red


ACTIONS: Mapping[Action, Naming] = {
    Action.DEACTIVATE: Naming(
        "Deactivate",
        "Deactivate {people}",
        "will be deactivated",
        "were deactivated",
        "are deactivated already",
        is_grave=True,
    ),
    Action.REACTIVATE: Naming(
        "Reactivate", "Reactivate {people}", "will be reactivated", "were reactivated", "are not deactivated"
    ),
    Action.SET_ROLE: Naming(
        "Change the role",
        "Make {people} {what}",
        "will get the role",
        "got the role",
        "have the role already",
        is_grave=True,
    ),
    Action.MAKE_GUEST: Naming(
        "Make guests",
        "Make guests of {people}",
        "will become guests",
        "became guests",
        "are guests already",
        is_grave=True,
    ),
    Action.MAKE_MEMBER: Naming(
        "Make full members",
        "Make full members of {people}",
        "will become full members",
        "became full members",
        "are full members already",
    ),
    Action.SET_EXPIRY: Naming(
        "Set when guests expire",
        "Let {people} expire {what}",
        "will expire then",
        "expire then",
        "expire then already",
    ),
    Action.CLEAR_EXPIRY: Naming(
        "Let guests stay without an end",
        "Let {people} stay",
        "will not expire any more",
        "do not expire any more",
        "do not expire anyway",
    ),
    Action.RESEND_INVITATION: Naming(
        "Send the invitation again",
        "Invite {people} again",
        "will get another mail",
        "got another mail",
        "have signed in already",
    ),
    Action.ADD_TO_WORKSPACE: Naming(
        "Add to a workspace", "Add {people} to {what}", "will be added", "were added", "are there already"
    ),
    Action.REMOVE_FROM_WORKSPACE: Naming(
        "Remove from a workspace",
        "Remove {people} from {what}",
        "will be removed",
        "were removed",
        "are not there",
        is_grave=True,
    ),
    Action.UNDO: Naming(
        "Take back",
        "Take back what was done to {people}",
        "will be as they were",
        "are as they were",
        "are so already",
    ),
}

STATES: Mapping[State, str] = {
    State.DRAFTING: "Preview being made",
    State.DRAFT: "Draft",
    State.RUNNING: "Under way",
    State.ENDED: "Done",
    State.CANCELLED: "Stopped",
}

REASONS: Mapping[str, str] = {
    "account_inactive": "They are deactivated.",
    "cannot_change_yourself": "You cannot change yourself in a bulk change. Use your own member page.",
    "cannot_disable_bot_user_with_scim": "This is a bot.",
    "cannot_disable_primary_owner": "The primary owner hands over first.",
    "cannot_make_user_guest": "Whoever has a role in the organisation or in a workspace is no guest.",
    "cannot_modify_gdpr": "Their data was erased.",
    "cannot_modify_owner": "They have more permissions than whoever does this.",
    "cannot_modify_primary_owner": "The primary owner hands over first.",
    "changed_meanwhile": "They were changed again since.",
    "feature_not_enabled": "The plan does not include it.",
    "invalid_expiration": "That time has passed.",
    "invalid_role_for_user": "Guests and bots have no such role.",
    "no_such_team": "The workspace is gone.",
    "not_undoable": "A single-channel guest is made by hand: the channel is not known any more.",
    "permission_denied": "The role of whoever does this does not allow it.",
    "required_by_group": "A group of theirs requires this workspace.",
    "single_channel_guest_needs_one_channel": "A single-channel guest is in one channel alone.",
    "user_is_bot": "This is a bot.",
    "user_is_deactivated": "They are deactivated.",
    "user_is_not_a_guest": "They are no guest.",
    "user_must_be_in_workspace": "An owner is in a workspace.",
}
"""Why somebody is not changed, by the error's code."""


def title(batch: Batch, place: str) -> str:
    """What a batch does. ``place``: the name of its workspace, if it has one.

    >>> from rosterd.directory.bulk import Arguments
    >>> from rosterd.directory.model import OrgId, Role, UserId
    >>> given = Arguments(role=Role.ADMIN)
    >>> title(Batch(OrgId("E1"), "", 0, UserId("W1"), Action.SET_ROLE, given, State.DRAFT, 1_200), "")
    'Make 1,200 people Admin'
    """
    people = "1 person" if batch.people == 1 else f"{batch.people:,} people"
    return ACTIONS[batch.action].title.format(people=people, what=_what(batch, place))


def _what(batch: Batch, place: str) -> str:
    given = batch.arguments
    if given.role is not None:
        return ROLES[given.role]
    return f"after {day(given.expires)}" if given.expires is not None else place


def outcome(batch: Batch, code: str) -> str:
    """What is said of people with an outcome; of the refused the reason."""
    naming = ACTIONS[batch.action]
    if code == TO_DO and batch.state is State.CANCELLED:
        return "were not changed any more"
    said = {TO_DO: naming.to_do, DONE: naming.done, UNCHANGED: naming.unchanged}
    return said.get(code) or REASONS.get(code, code)


def result(batch: Batch, code: str) -> str:
    """What is said of one person with an outcome."""
    to_do = {State.RUNNING: "Waits", State.CANCELLED: "Not changed any more"}.get(batch.state, "Will change")
    return {TO_DO: to_do, DONE: "Done", UNCHANGED: "No need"}.get(code) or REASONS.get(code, code)


def changes(before: Standing | None, after: Standing | None) -> list[tuple[str, str]]:
    """What differs between before and after, each as people say it.

    >>> from rosterd.directory.model import Role
    >>> changes(Standing(Role.MEMBER), Standing(Role.ADMIN, deactivated=True))
    [('Member', 'Admin'), ('not deactivated', 'deactivated')]
    """
    if before is None or after is None:
        return []
    found = [
        (ROLES[before.role], ROLES[after.role]),
        (_status(before), _status(after)),
        (_expiry(before), _expiry(after)),
        (_place(before), _place(after)),
    ]
    return [(old, new) for old, new in found if old != new]


def _status(standing: Standing) -> str:
    return "deactivated" if standing.deactivated else "not deactivated"


def _expiry(standing: Standing) -> str:
    return "no end" if standing.guest_expires is None else f"until {day(standing.guest_expires)}"


def _place(standing: Standing) -> str:
    if not standing.sources:
        return "not in the workspace"
    role = standing.workspace_role
    return "in the workspace" if role is None else f"in the workspace, {ROLES[role].lower()} there"
