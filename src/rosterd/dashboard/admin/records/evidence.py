"""Events of the audit trail as evidence: every field as it was written, with names beside the ids.

Nothing is left out and nothing is told in other words, so that whoever audits can compare with the Audit Logs
API and with ``rosterd audit list``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from rosterd.dashboard.pages import iso
from rosterd.directory.connectors import LABELS, connector
from rosterd.directory.model import Org
from rosterd.directory.trail import MENTIONS
from rosterd.store.records import trail
from rosterd.store.records.audit import Record
from rosterd.store.uuids import moment

OPERATOR = "USLACKUSER"
"""Stands in the trail for whoever runs the command line, and for the server itself."""

_PAGES = {"user": "members", "usergroup": "groups", "workspace": "workspaces", "channel": "channels"}
"""Kind of thing → where its page is below ``/admin/``."""

_KINDS = {"usergroup": "group", "enterprise": "organisation", "user": "person"}
"""Kind of thing → how people call it, where they do otherwise."""


class Change(NamedTuple):
    """A field that had another value. None: it had none."""

    field: str
    before: str | None
    after: str | None


class Evidence(NamedTuple):
    """An event."""

    id: str
    at: float  # seconds
    action: str
    entity_kind: str
    entity_id: str
    entity: str  # its name; "" if nobody knows it any more
    entity_page: str  # a path, or ""
    actor_id: str
    actor: str
    actor_page: str
    token_id: str  # "": at a page, or at the command line
    app: str  # the name of the token's app, if it has one
    program: str  # what seems to have used the token
    request_id: str
    client: str
    ip_address: str
    changes: list[Change]
    details: list[tuple[str, str]]
    is_forgotten: bool  # it said something of a person that was erased since

    @property
    def title(self) -> str:
        """The action in words.

        >>> Evidence("", 0, "pref.default_channels", *[""] * 13, [], [], False).title
        'Pref default channels'
        """
        return self.action.replace("_", " ").replace(".", " ").capitalize()


def evidence(record: Record, names: trail.Names, org: Org) -> Evidence:
    """What an event says."""
    details, personal = _object(record.details), _object(record.personal)
    app = names.apps.get(record.token_id) if record.token_id else None
    return Evidence(
        record.id,
        moment(record.id) / 1000,
        record.action,
        _KINDS.get(record.entity_type, record.entity_type),
        record.entity_id,
        _name(record.entity_type, record.entity_id, names, org),
        _page(record.entity_type, record.entity_id, names),
        record.actor_id,
        "Command line or server"
        if record.actor_id == OPERATOR
        else _name("user", record.actor_id, names, org),
        _page("user", record.actor_id, names),
        record.token_id or "",
        app.name if app else "",
        LABELS[connector(record.client)] if record.token_id else "",
        record.request_id,
        record.client,
        record.ip_address or "",
        [*changes(details), *changes(personal)],
        [
            (field, _named(field, value, names, org))
            for each in (details, personal)
            for field, value in each.items()
            if field not in ("before", "after")
        ],
        record.personal is None and record.personal_digest is not None,
    )


HEADS = (
    "id", "time", "action", "about", "about_id", "about_name", "by_id", "by_name", "token_id", "app",
    "request_id", "client", "ip_address", "details", "personal",
)  # fmt: skip
"""The keys of :func:`as_written`, which are the columns of a file."""


def as_written(record: Record, names: trail.Names, org: Org) -> dict[str, Any]:
    """An event with all that it says, uncut: for files. Nothing is an empty text."""
    each = evidence(record, names, org)
    values = (
        each.id, iso(each.at), each.action, record.entity_type, each.entity_id, each.entity, each.actor_id,
        each.actor, each.token_id, each.app, each.request_id, each.client, each.ip_address,
        msgspec.Raw(record.details.encode()), msgspec.Raw((record.personal or '""').encode()),
    )  # fmt: skip
    return dict(zip(HEADS, values, strict=True))


def cell(value: str | msgspec.Raw) -> str:
    """A value of :func:`as_written` as text.

    >>> cell("a"), cell(msgspec.Raw(b'{"a":1}')), cell(msgspec.Raw(b'""'))
    ('a', '{"a":1}', '')
    """
    if isinstance(value, str):
        return value
    said = bytes(value).decode()
    return "" if said in ('""', "{}") else said


def changes(said: Mapping[str, Any]) -> Iterable[Change]:
    """The fields that had another value before than after.

    >>> [*changes({"before": {"title": None, "locale": "en"}, "after": {"title": "Chef", "locale": "en"}})]
    [Change(field='title', before=None, after='Chef')]
    >>> [*changes({"before": "member", "after": "admin"}), *changes({"team": "T1"})]
    [Change(field='value', before='member', after='admin')]
    """
    if "before" not in said and "after" not in said:
        return
    before, after = said.get("before"), said.get("after")
    if not isinstance(before, dict) and not isinstance(after, dict):
        before, after = {"value": before}, {"value": after}
    older, newer = (side if isinstance(side, dict) else {} for side in (before, after))
    for field in dict.fromkeys((*older, *newer)):
        pair = [older.get(field), newer.get(field)]
        if pair[0] != pair[1]:
            yield Change(field, *(None if each in (None, "") else text(each) for each in pair))


def text(value: Any) -> str:
    """A value as it was written; text without its quotes. What is longer than `MOST_SHOWN` is cut.

    >>> text("a"), text(None), text(["a", 1]), text(True)
    ('a', 'null', '["a",1]', 'true')
    """
    shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}… ({len(shown):,} characters)"


MOST_SHOWN = 500
"""Characters: a photo may be half a million."""


def _name(kind: str, id: str, names: trail.Names, org: Org) -> str:
    match kind:
        case "user":
            return names.people[id].name if id in names.people else ""
        case "usergroup":
            return names.groups.get(id, "")
        case "workspace":
            return names.workspaces.get(id, ("", ""))[0]
        case "channel":
            return f"#{names.channels[id].name}" if id in names.channels else ""
        case "app":
            return names.apps[id].name if id in names.apps else ""
    return org.name


def _named(field: str, value: Any, names: trail.Names, org: Org) -> str:
    """A value as it was written, and whose id it is."""
    kind = MENTIONS.get(field, "")
    name = _name(kind, value, names, org) if kind and isinstance(value, str) else ""
    return f"{text(value)} ({name})" if name else text(value)


def _page(kind: str, id: str, names: trail.Names) -> str:
    known: Mapping[str, Mapping[str, object]] = {
        "user": names.people,
        "usergroup": names.groups,
        "workspace": names.workspaces,
        "channel": names.channels,
    }
    return f"/admin/{_PAGES[kind]}/{id}" if id in known.get(kind, ()) else ""


def _object(json: str | None) -> Mapping[str, Any]:
    value = msgspec.json.decode(json) if json else {}
    return value if isinstance(value, dict) else {}
