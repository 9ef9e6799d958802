"""Rules about doing the same to many people at once: what can be done, how far, and what has to be typed.

A *batch* is drafted, looked at, confirmed and done; what it did can be taken back.

Rules of this module:

1. The preview shows what would happen to each person. Only those are touched to whom something would.
2. Whoever confirms types a word, and beyond :func:`limit` the number of people who would be deactivated.
3. Nobody changes themselves in a batch: with one's own rights gone, the rest of it would be refused.
4. What is kept of each person is their `Standing` before and after: nothing personal.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from rosterd.directory import plans, users, workspaces
from rosterd.directory.errors import Invalid, LimitReached, NotAllowed, Taken
from rosterd.directory.model import Actor, OrgId, Plan, Role, TeamId, UserId

MOST_PEOPLE = 10_000
"""In one batch."""

MOST_DRAFTED = 30 * MOST_PEOPLE
"""In all batches of an organisation that were drafted within `DRAFT_SECONDS`: they have rows and previews."""

DRAFT_SECONDS = 3_600
"""How long a draft may be confirmed."""


class Action(StrEnum):
    """What can be done to many people at once."""

    DEACTIVATE = "deactivate"
    REACTIVATE = "reactivate"
    SET_ROLE = "set_role"  # full members: to member, admin or owner
    MAKE_GUEST = "make_guest"
    MAKE_MEMBER = "make_member"  # guests
    SET_EXPIRY = "set_expiry"  # guests
    CLEAR_EXPIRY = "clear_expiry"
    RESEND_INVITATION = "resend_invitation"
    ADD_TO_WORKSPACE = "add_to_workspace"
    REMOVE_FROM_WORKSPACE = "remove_from_workspace"
    UNDO = "undo"  # what another batch did


class State(StrEnum):
    """How far a batch is."""

    DRAFTING = "drafting"  # its preview is being made
    DRAFT = "draft"  # it can be confirmed
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"  # what had not been done by then never will be


class Arguments(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an action needs beside the people."""

    role: Role | None = None  # `Action.SET_ROLE`
    expires: int | None = None  # seconds: `Action.SET_EXPIRY`
    team_id: TeamId | None = None  # the workspace that people are added to or removed from


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an action can change of a person."""

    role: Role
    deactivated: bool = False
    guest_expires: int | None = None  # seconds
    sources: tuple[str, ...] = ()  # why they are in the workspace, if the batch is about one
    workspace_role: Role | None = None  # theirs there, where it is more than a member's


class Batch(msgspec.Struct, frozen=True):
    """The same, done to many people. Counts are of people."""

    org_id: OrgId
    id: str  # UUIDv7
    created: int  # microseconds
    actor_id: UserId  # who drafted it
    action: Action
    arguments: Arguments
    state: State
    people: int
    looked: int = 0  # how many of them the preview has
    deactivations: int = 0  # whom it would deactivate
    done: int = 0
    unchanged: int = 0  # nothing was to be done
    failed: int = 0  # refused
    undoes: str | None = None  # the batch that this one takes back
    ended: int | None = None  # microseconds

    @property
    def left(self) -> int:
        """Who is still to be looked at, or changed."""
        if self.state is State.DRAFTING:
            return self.people - self.looked
        return self.people - self.done - self.unchanged - self.failed


TO_DO, DONE, UNCHANGED = "", "done", "unchanged"
"""Outcomes for one person; any other is the code of the error why not."""

_ROLES = (Role.MEMBER, Role.ADMIN, Role.OWNER)
_OF_WORKSPACES = (Action.ADD_TO_WORKSPACE, Action.REMOVE_FROM_WORKSPACE)
_OF_GUESTS = (Action.MAKE_GUEST, Action.MAKE_MEMBER)

_WORDS = {
    Action.RESEND_INVITATION: "resend",
    Action.MAKE_GUEST: "guest",
    Action.MAKE_MEMBER: "member",
    Action.SET_EXPIRY: "expire",
    Action.CLEAR_EXPIRY: "keep",
    Action.ADD_TO_WORKSPACE: "add",
    Action.REMOVE_FROM_WORKSPACE: "remove",
}


def on_plan(plan: Plan) -> list[Action]:
    """What can be drafted on a plan.

    >>> Action.MAKE_GUEST in on_plan(Plan.ENTERPRISE), Action.MAKE_GUEST in on_plan(Plan.BUSINESS_PLUS)
    (True, False)
    """
    beyond = set() if plan is Plan.ENTERPRISE else {*_OF_WORKSPACES, *_OF_GUESTS}
    return [action for action in Action if action is not Action.UNDO and action not in beyond]


def check_plan(plan: Plan, action: Action) -> None:
    """Refuse what the plan has nothing for: ``feature_not_enabled``, ``permission_denied``."""
    if action in _OF_WORKSPACES:
        workspaces.check_many(plan)
    elif action in _OF_GUESTS:
        plans.check_guests(plan)


def arguments(action: Action, given: Arguments, now: int) -> Arguments:
    """What of the arguments given belongs to the action. ``now``: seconds.

    Raises ``invalid_role``, ``invalid_expiration`` and ``no_such_team`` for what it needs and does not get,
    and ``no_such_change`` for what cannot be done to people who are chosen.

    >>> arguments(Action.SET_ROLE, Arguments(role=Role.ADMIN, expires=9), 0)
    Arguments(role=<Role.ADMIN: 'admin'>, expires=None, team_id=None)
    """
    match action:
        case Action.SET_ROLE:
            if given.role not in _ROLES:
                raise Invalid("invalid_role")
            return Arguments(role=given.role)
        case Action.SET_EXPIRY:
            if given.expires is None:
                raise Invalid("invalid_expiration")
            users.check_expiry(given.expires, now)
            return Arguments(expires=given.expires)
        case Action.ADD_TO_WORKSPACE | Action.REMOVE_FROM_WORKSPACE:
            if not given.team_id:
                raise Invalid("no_such_team")
            return Arguments(team_id=given.team_id)
        case Action.UNDO:  # it is of another batch, not of people
            raise Invalid("no_such_change")
    return Arguments()


def check_people(people: int) -> None:
    """Refuse a batch of nobody (``nobody_chosen``), or of more than `MOST_PEOPLE` (``too_many_users``)."""
    if not people:
        raise Invalid("nobody_chosen")
    if people > MOST_PEOPLE:
        raise LimitReached("too_many_users")


def check_drafted(people: int) -> None:
    """Refuse a batch with which so many would have been drafted lately: ``too_many_drafts``."""
    if people > MOST_DRAFTED:
        raise LimitReached("too_many_drafts")


def check_not_oneself(actor: Actor, user_id: UserId) -> None:
    """Refuse to change oneself among others: ``cannot_change_yourself``."""
    if actor.user_id == user_id:
        raise NotAllowed("cannot_change_yourself")


def limit(present: int) -> int:
    """How many may be deactivated at once by a word alone, of so many who are invited or active.

    >>> limit(12), limit(100), limit(1_000), limit(1_019)
    (5, 5, 50, 50)
    """
    return max(5, present // 20)


def word(batch: Batch) -> str:
    """What has to be typed to confirm, as long as few are deactivated.

    >>> batch = Batch(OrgId("E1"), "B", 0, UserId("W1"), Action.SET_ROLE, Arguments(), State.DRAFT, 3)
    >>> word(msgspec.structs.replace(batch, arguments=Arguments(role=Role.OWNER)))
    'owner'
    >>> word(msgspec.structs.replace(batch, action=Action.DEACTIVATE))
    'deactivate'
    """
    if batch.action is Action.SET_ROLE and batch.arguments.role is not None:
        return str(batch.arguments.role)
    return _WORDS.get(batch.action, str(batch.action))


def check_typed(batch: Batch, typed: str, most: int) -> None:
    """Refuse a batch whose confirmation was not typed as it must be. ``most``: what :func:`limit` gives.

    Raises ``confirmation_mismatch`` or, where the word was typed and the number is needed,
    ``too_many_deactivations``.
    """
    said = typed.strip().casefold()
    if batch.deactivations <= most:
        if said != word(batch):
            raise Invalid("confirmation_mismatch")
    elif said == word(batch):
        raise LimitReached("too_many_deactivations")
    elif said.translate(_SEPARATORS) != str(batch.deactivations):
        raise Invalid("confirmation_mismatch")


_SEPARATORS = {ord(sign): None for sign in " ,.'\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"}
"""What people write between thousands."""


def check_confirmable(batch: Batch, actor: Actor, now: int) -> None:
    """Refuse to begin with a batch. ``now``: microseconds.

    Raises ``not_your_draft`` (of somebody else), ``preview_not_ready``, ``batch_expired``,
    ``batch_cancelled``, ``already_running`` (or done) and ``nothing_to_do``.
    """
    if batch.actor_id != actor.user_id:
        raise NotAllowed("not_your_draft")
    if batch.state in (State.RUNNING, State.ENDED):
        raise Taken("already_running")
    if batch.state is State.CANCELLED:
        raise NotAllowed("batch_cancelled")
    if has_expired(batch, now):
        raise NotAllowed("batch_expired")
    if batch.state is State.DRAFTING:
        raise NotAllowed("preview_not_ready")
    if not batch.left:
        raise NotAllowed("nothing_to_do")


def has_expired(batch: Batch, now: int) -> bool:
    """Whether a draft is too old to be confirmed. ``now``: microseconds."""
    is_draft = batch.state in (State.DRAFTING, State.DRAFT)
    return is_draft and now - batch.created > DRAFT_SECONDS * 1_000_000


def check_undoable(batch: Batch) -> None:
    """Refuse to take back what is under way, or a mail: ``not_undoable``."""
    is_over = batch.state in (State.ENDED, State.CANCELLED)
    if not is_over or not batch.done or batch.action is Action.RESEND_INVITATION:
        raise NotAllowed("not_undoable")


def is_undone_by(batch: Batch) -> bool:
    """Whether a batch that undoes another is the one that does: a draft or what was broken off is not.

    >>> batch = Batch(OrgId("E1"), "B", 0, UserId("W1"), Action.UNDO, Arguments(), State.RUNNING, 3)
    >>> is_undone_by(batch), is_undone_by(msgspec.structs.replace(batch, state=State.CANCELLED))
    (True, False)
    """
    return batch.state in (State.RUNNING, State.ENDED)


def check_as_left(standing: Standing, left: Standing) -> None:
    """Refuse to take back what has changed again since: ``changed_meanwhile``."""
    if standing != left:
        raise Taken("changed_meanwhile")


def outcome(action: Action, before: Standing, after: Standing) -> str:
    """What became of somebody whom nothing refused."""
    return UNCHANGED if before == after and action is not Action.RESEND_INVITATION else DONE
