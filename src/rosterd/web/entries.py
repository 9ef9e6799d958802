"""Events of the audit trail as entries of Slack's Audit Logs API.

What rosterd notes is said in Slack's keys where there are such; the rest stays under its own. Values before
and after that are personal are in ``previous_profile`` and ``new_profile``, until the person is erased.

Source: Slack's page *Using the Audit Logs API*, heading *The audit event*; keys of ``details`` as the types
of Slack's own clients name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from rosterd.directory import trail as vocabulary
from rosterd.directory.model import Org
from rosterd.store.records import trail
from rosterd.store.records.audit import Record
from rosterd.store.uuids import moment

Json = dict[str, Any]

_KEYS: Mapping[str, str] = {
    "usergroup": "subteam",
    "before": "previous_value",
    "after": "new_value",
    "session": "session_id",  # said in the context
    "given_name": "first_name",
    "family_name": "last_name",
}
"""Ours → Slack's."""

_decode = msgspec.json.decode

SCHEMAS: tuple[Json, ...] = tuple(
    {"type": kind, kind: fields}
    for kind, fields in (
        ("workspace", {"id": "string", "name": "string", "domain": "string"}),
        ("enterprise", {"id": "string", "name": "string", "domain": "string"}),
        ("user", {"id": "string", "name": "string", "email": "string", "team": "string"}),
        (
            "channel",
            {
                "id": "string",
                "name": "string",
                "privacy": "string",
                "is_shared": "bool",
                "is_org_shared": "bool",
                "teams_shared_with": "Optional: vec<string>",
            },
        ),
        (
            "app",
            {
                "id": "string",
                "name": "string",
                "is_distributed": "bool",
                "is_directory_approved": "bool",
                "is_workflow_app": "bool",
                "scopes": "array",
            },
        ),
        ("usergroup", {"id": "string", "name": "string"}),
    )
)
"""The kinds of things that entries are about, as ``GET /schemas`` lists them."""


def entry(record: Record, names: trail.Names, org: Org) -> Json:
    """One entry. The event's action must be one that is shown."""
    details = _details(record)
    shown: Json = {
        "id": record.id,
        "date_create": moment(record.id) // 1000,
        "action": vocabulary.shown(record.action),
        "actor": {"type": "user", "user": _user(record.actor_id, names, org)},
        "entity": {"type": record.entity_type, record.entity_type: _entity(record, names, org)},
        "context": _context(record, names, org, details.pop("session_id", None)),
    }
    return shown | ({"details": details} if details else {})


def _details(record: Record) -> Json:
    details: Json = _renamed(_decode(record.details))
    if record.personal is not None:
        personal = _decode(record.personal)
        for ours, slacks in (("before", "previous_profile"), ("after", "new_profile")):
            if values := personal.pop(ours, None):
                details[slacks] = _renamed(values)
        details |= _renamed(personal)
    return details


def _renamed(values: Json) -> Json:
    return {_KEYS.get(name, name): value for name, value in values.items()}


def _user(id: str, names: trail.Names, org: Org) -> Json:
    """A person, or the placeholder that stands for whoever has no account."""
    person = names.people.get(id) or trail.Person("", "")
    return {"id": id, "name": person.name, "email": person.email, "team": org.id}


def _entity(record: Record, names: trail.Names, org: Org) -> Json:
    id = record.entity_id
    match record.entity_type:
        case "user":
            return _user(id, names, org)
        case "usergroup":
            return {"id": id, "name": names.groups.get(id) or _former_name(record)}
        case "workspace":
            name, domain = names.workspaces.get(id, ("", ""))
            return {"id": id, "name": name, "domain": domain}
        case "channel":
            return _channel(id, names.channels.get(id), record)
        case "app":
            return _app(names.apps.get(id) or trail.App(id, "", (), "", None), org)
    return {"id": org.id, "name": org.name, "domain": org.domain}


def _former_name(record: Record) -> str:
    """The name of what is gone, as its event tells it."""
    details = _decode(record.details)
    return str(details.get("after") or details.get("before") or details.get("name") or "")


def _channel(id: str, channel: trail.Channel | None, record: Record) -> Json:
    found = channel or trail.Channel(_former_name(record), record.action.startswith("private_"), ())
    shown: Json = {
        "id": id,
        "name": found.name,
        "privacy": "private" if found.is_private else "public",
        "is_shared": False,
        "is_org_shared": len(found.teams) > 1,
    }
    return shown | ({"teams_shared_with": list(found.teams)} if len(found.teams) > 1 else {})


def _app(app: trail.App, org: Org) -> Json:
    return {
        "id": app.id,
        "name": app.name or f"Token {app.id}",
        "is_distributed": False,
        "is_directory_approved": False,
        "is_workflow_app": False,
        "scopes": list(app.scopes),
        "scopes_bot": [],
        "creator": app.creator,
        "team": app.team or org.id,
    }


def _context(record: Record, names: trail.Names, org: Org, session: str | None) -> Json:
    """Where an event came from: a token of one workspace acts in it, anybody else in the organisation."""
    app = names.apps.get(record.token_id or "")
    location = {"type": "enterprise", "id": org.id, "name": org.name, "domain": org.domain}
    if app is not None and app.team is not None:
        name, domain = names.workspaces.get(app.team, ("", ""))
        location = {"type": "workspace", "id": app.team, "name": name, "domain": domain}
    context: Json = {
        "location": location,
        "ua": record.client,
        "session_id": session,
        "ip_address": record.ip_address,
    }
    if app is not None:
        wanted = ("id", "name", "scopes", "scopes_bot", "creator", "team")
        context["app"] = {name: value for name, value in _app(app, org).items() if name in wanted}
    return context
