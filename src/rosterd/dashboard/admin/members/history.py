"""What happened to a person, told so that an administrator understands it: who did what, before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rosterd.dashboard.admin.frame import Look
from rosterd.dashboard.admin.members import profile
from rosterd.dashboard.pages import moment
from rosterd.dashboard.words import MEANS, ROLES, WORDS
from rosterd.directory.connectors import LABELS, connector
from rosterd.directory.model import Org, Role
from rosterd.store import uuids
from rosterd.store.engine import Tx
from rosterd.store.records import audit, trail
from rosterd.store.records.audit import Record

EVENTS = 25
"""Events of a page of history."""

TITLES: Mapping[str, str] = {
    "user_created": "Created",
    "guest_created": "Created as a guest",
    "user_invited": "Invited once more",
    "user_deactivated": "Deactivated",
    "guest_deactivated": "Deactivated",
    "guest_expired": "Deactivated, because the guest's time was up",
    "user_reactivated": "Reactivated",
    "guest_reactivated": "Reactivated",
    "guest_expiration_set": "Guest's expiry set",
    "guest_expiration_cleared": "Guest's expiry cleared",
    "role_change_to_admin": "Made an admin",
    "role_change_to_owner": "Made an owner",
    "role_change_to_user": "Made a member",
    "role_change_to_guest": "Made a guest",
    "owner_transferred": "Made the primary owner",
    "user_email_updated": "E-mail address changed",
    "user_username_updated": "Username changed",
    "user_profile_updated": "Profile changed",
    "user_profile_deleted": "Personal data erased",
    "user_joined_workspace": "Joined a workspace",
    "guest_joined_workspace": "Joined a workspace",
    "user_left_workspace": "Left a workspace",
    "user_channel_join": "Joined a channel",
    "guest_channel_join": "Joined a channel",
    "user_channel_leave": "Left a channel",
    "guest_channel_leave": "Left a channel",
    "user_added_to_usergroup": "Added to a group",
    "user_removed_from_usergroup": "Taken out of a group",
    "user_add_to_usergroup_failed": "Could not be added to a group",
    "usergroup_updated": "Group changed",
    "usergroup_update_enqueued": "Group changed, and people began to be moved",
    "usergroup_added_to_team": "Connected to a workspace",
    "usergroup_add_to_team_enqueued": "Began to be connected to a workspace",
    "usergroup_removed_from_team": "Disconnected from a workspace",
    "usergroup_remove_from_team_enqueued": "Began to be disconnected from a workspace",
    "default_channel_added_to_usergroup": "Connected to a channel",
    "default_channel_removed_from_usergroup": "Disconnected from a channel",
    "channel_restricted_to_usergroup": "Put on the allowlist of a channel",
    "channel_unrestricted_from_usergroup": "Taken off the allowlist of a channel",
    "user_login": "Signed in",
    "user_login_failed": "Was not let in",
    "user_logout": "Signed out",
    "user_session_invalidated": "A session was ended",
    "user_session_reset_by_admin": "Signed out everywhere",
}
"""How an action of the trail is told. One that is not here is shown by its name."""

_PLACES = {
    "team": ("Workspace", "workspaces"),
    "usergroup": ("Group", "groups"),
    "group": ("Group", "groups"),
    "channel": ("Channel", "channels"),
}
"""Detail of an event → what it is, and where its page is below ``/admin/``."""

_NAMES = {
    "added_user_count": "People who joined",
    "first": "For the first time",
    "means": "By",
    "removed_user_count": "People who left",
}
"""Details that are told by other names."""

_UNTOLD = {"before", "after", "fields", "session", "sessions", "role"}
"""Details that are told otherwise, or say nothing to people."""


class By(NamedTuple):
    """Who did something, and by what."""

    name: str
    to: str  # their page, or ""
    means: str  # "with the token of Okta SCIM (Okta)", …
    is_program: bool


class Line(NamedTuple):
    """A field that changed."""

    name: str
    before: str
    after: str


class Note(NamedTuple):
    """Something more about an event: where, why."""

    name: str
    text: str
    to: str = ""


class Told(NamedTuple):
    """An event."""

    id: str
    at: float  # seconds
    title: str
    by: By
    lines: list[Line]
    notes: list[Note]
    is_forgotten: bool  # what it said of the person was erased


async def page(tx: Tx, look: Look, about: str) -> dict[str, Any]:
    """A page of what happened to somebody or something, the newest first, for templates. Under ``scan``.

    The address says before which event it ends; one that is none is said so and left out.
    """
    before = look.params.get("before") or ""
    if before and not uuids.is_one(before):
        look.alert = look.alert or WORDS["invalid_query"]
        before = ""
    records = await audit.page(tx, look.org.id, before=before or None, entity=about, limit=EVENTS + 1)
    shown = records[:EVENTS]
    return {
        "events": await told(tx, look.org, shown),
        "is_later": bool(before),
        "following": shown[-1].id if len(records) > EVENTS else "",
    }


async def told(tx: Tx, org: Org, records: Sequence[Record]) -> list[Told]:
    """These events in words. Under ``scan``."""
    details: list[Mapping[str, Any]] = [_object(record.details) for record in records]
    personal = [_object(record.personal) for record in records]
    names = await trail.names(tx, org.id, records, [*trail.mentions(records), *_managers(personal)])
    return [_told(*each, names) for each in zip(records, details, personal, strict=True)]


def by(record: Record, names: trail.Names) -> By:
    """Who did it, and by what."""
    label = LABELS[connector(record.client)]
    app = names.apps.get(record.token_id) if record.token_id else None
    person = names.people.get(record.actor_id)
    name, to = (
        (person.name or record.actor_id, f"/admin/members/{record.actor_id}") if person else (label, "")
    )
    if record.token_id is not None:
        of = f"the app {app.name}" if app is not None and app.name else f"the token {record.token_id}"
        return By(name, to, f"{label}, with {of}", True)
    return By(name, to, "" if person else record.client, False)


def _told(
    record: Record, details: Mapping[str, Any], personal: Mapping[str, Any], names: trail.Names
) -> Told:
    title = TITLES.get(record.action, record.action.replace("_", " ").capitalize())
    is_forgotten = record.personal_digest is not None and record.personal is None
    lines = [*_lines_of_details(record.action, details), *_lines(personal, names)]
    return Told(
        record.id,
        record.created / 1_000_000,
        title,
        by(record, names),
        lines,
        [*_notes(details, names)],
        is_forgotten,
    )


def _lines_of_details(action: str, details: Mapping[str, Any]) -> Iterable[Line]:
    if "before" not in details or "after" not in details:
        return
    before, after = details["before"], details["after"]
    if action.startswith("role_change"):
        yield Line("Role", _role(before), _role(after))
    elif action.startswith("guest_expiration"):
        yield Line("Expires", *("" if each is None else moment(each) for each in (before, after)))
    else:
        yield Line("Value", profile.text(before), profile.text(after))


def _lines(personal: Mapping[str, Any], names: trail.Names) -> Iterable[Line]:
    before, after = personal.get("before") or {}, personal.get("after") or {}
    for key in dict.fromkeys((*before, *after)):
        values = [_value(key, side.get(key), names) for side in (before, after)]
        if values[0] != values[1]:
            yield Line(profile.NAMES.get(key, key.replace("_", " ").capitalize()), *values)


def _value(key: str, value: Any, names: trail.Names) -> str:
    if key == "role":
        return _role(value)
    if key == "guest_expires":
        return "" if value is None else moment(value)
    if key == "manager_id" and value in names.people:
        return names.people[value].name
    if key == "photo" and isinstance(value, str) and value.startswith("data:"):
        return f"a picture ({len(value):,} characters)"
    return profile.text(value)


def _role(value: Any) -> str:
    return ROLES[Role(value)] if value in ROLES else profile.text(value)


def _notes(details: Mapping[str, Any], names: trail.Names) -> Iterable[Note]:
    for key, value in details.items():
        if key in _PLACES and isinstance(value, str):
            name, below = _PLACES[key]
            yield Note(name, _place(key, value, names), f"/admin/{below}/{value}")
        elif key == "expired" and isinstance(value, int):
            yield Note("Expired", moment(value))
        elif key not in _UNTOLD and value not in (None, "", False):
            name = _NAMES.get(key, key.replace("_", " ").capitalize())
            text = "yes" if value is True else profile.text(value)
            yield Note(name, MEANS.get(text, text) if key == "means" else text)


def _place(key: str, id: str, names: trail.Names) -> str:
    if key == "team":
        return names.workspaces.get(id, (id, ""))[0]
    if key == "channel":
        return f"#{names.channels[id].name}" if id in names.channels else id
    return names.groups.get(id, id)


def _managers(personal: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    """Kind and id of everybody who is named as a manager."""
    for each in personal:
        for side in (each.get("before"), each.get("after")):
            if side and isinstance(side.get("manager_id"), str):
                yield "user", side["manager_id"]


def _object(json: str | None) -> Mapping[str, Any]:
    value = msgspec.json.decode(json) if json else {}
    return value if isinstance(value, dict) else {}
