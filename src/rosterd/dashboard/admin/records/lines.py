"""Entries of the provisioning log as people, spreadsheets and programs read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from rosterd.dashboard.admin.records.evidence import Change, Evidence, evidence
from rosterd.directory.advice import advice
from rosterd.directory.connectors import LABELS
from rosterd.directory.model import Org
from rosterd.store.records import log
from rosterd.store.records.log import Entry
from rosterd.store.records.requests import Refusal
from rosterd.store.records.trail import Names

MOST_NAMED = 3
"""Kinds of events that a summary names."""


class Line(NamedTuple):
    """An entry."""

    entry: Entry
    connector: str  # as people call it
    first: Evidence  # says who asked, and whom it was about
    events: Sequence[Evidence]  # what it changed; of a refusal none
    is_cut: Sequence[bool]  # of each event: what it says of a person is too long to show here
    refusal: Refusal | None
    summary: str
    advice: str  # "": nothing needs to be done

    @property
    def outcome(self) -> str:
        return "changed" if self.refusal is None else "refused"

    @property
    def token(self) -> str:
        """The token's name or that of its app, else its id."""
        return self.first.app or self.entry.token_id

    @property
    def about(self) -> str:
        """The name of whom or what it was about, else the id; empty: nobody in particular."""
        if not self.entry.target[1]:
            return ""
        return self.first.entity or self.first.entity_id

    @property
    def asked_for(self) -> str:
        """What a refused request asked for; empty: an address that is none."""
        return _asked(self.refusal) if self.refusal else ""

    @property
    def more(self) -> int:
        """Events that are not shown."""
        return self.entry.count - len(self.events)


def line(entry: Entry, names: Names, org: Org) -> Line:
    """What an entry says."""
    shown = [evidence(record, names, org) for record in log.records(entry)]
    refusal = entry.refusal
    return Line(
        entry,
        LABELS[entry.connector],
        shown[0],
        [] if refusal else shown,
        [record.personal == "" for record in entry.events],
        refusal,
        _refused(refusal) if refusal else _changed(shown, entry.count),
        advice(refusal.code) if refusal else "",
    )


def _asked(refusal: Refusal) -> str:
    """What was asked for; empty: an address that is none, of which nothing is kept."""
    return "" if refusal.route == "other" else refusal.route


def _refused(refusal: Refusal) -> str:
    times = f" ({refusal.times:,} times)" if refusal.times > 1 else ""
    return f"{refusal.method} {_asked(refusal) or 'an unknown address'}: {refusal.code}{times}"


def _changed(events: Sequence[Evidence], count: int) -> str:
    kinds = Counter(each.title for each in events)
    named = [f"{title} ({n})" if n > 1 else title for title, n in kinds.most_common(MOST_NAMED)]
    if len(kinds) > MOST_NAMED or count > len(events):
        named.append("and more")
    return ", ".join(named)


HEADS = (
    "time", "outcome", "connector", "client", "token", "token_id", "actor", "actor_id", "about", "about_id",
    "summary", "field", "before", "after", "method", "route", "status", "code", "detail", "times", "advice",
    "ip_address", "request_id", "id",
)  # fmt: skip
"""The columns of the CSV."""


def cells(line: Line) -> list[list[str]]:
    """The lines of an entry: of a refusal one, else one for each field of each event."""
    entry, refusal = line.entry, line.refusal
    first = [
        _iso(entry.seconds), line.outcome, line.connector, entry.client, line.first.app, entry.token_id,
        line.first.actor, entry.actor_id,
    ]  # fmt: skip
    told = [""] * 6
    if refusal is not None:
        told = [
            refusal.method, refusal.route, str(refusal.status), refusal.code, refusal.detail,
            str(refusal.times),
        ]  # fmt: skip
    last = [*told, line.advice, entry.ip_address or "", entry.request_id, entry.id]
    about = "" if refusal and not refusal.target_id else line.first.entity
    middle = [[about, entry.target[1], line.summary, "", "", ""]] if refusal else [*_changes(line.events)]
    return [[*first, *each, *last] for each in middle]


def _changes(events: Sequence[Evidence]) -> Iterator[list[str]]:
    """Whom each was about, what it was, the field, before and after."""
    for event in events:
        for change in event.changes or [Change("", "", "")]:
            yield [
                event.entity, event.entity_id, event.title, change.field, change.before or "",
                change.after or "",
            ]  # fmt: skip


def value(line: Line) -> dict[str, Any]:
    """An entry for programs."""
    entry, refusal = line.entry, line.refusal
    said: dict[str, Any] = {
        "id": entry.id,
        "time": _iso(entry.seconds),
        "outcome": line.outcome,
        "request_id": entry.request_id,
        "connector": entry.connector,
        "client": entry.client,
        "ip_address": entry.ip_address,
        "token": {"id": entry.token_id, "name": line.first.app},
        "actor": {"id": entry.actor_id, "name": line.first.actor},
        "about": {"type": entry.target[0], "id": entry.target[1], "name": line.about},
        "summary": line.summary,
    }
    if refusal is not None:
        return said | {
            "method": refusal.method,
            "route": refusal.route,
            "status": refusal.status,
            "error": {"code": refusal.code, "detail": refusal.detail, "advice": line.advice},
            "times": refusal.times,
        }
    return said | {
        "count": entry.count,
        "events": [
            {
                "id": record.id,
                "action": record.action,
                "entity": {"type": record.entity_type, "id": record.entity_id, "name": shown.entity},
                "details": msgspec.Raw(record.details.encode()),
                "personal": msgspec.Raw((record.personal or "null").encode()),
                "is_cut": is_cut,
            }
            for record, shown, is_cut in zip(entry.events, line.events, line.is_cut, strict=True)
        ],
    }


def _iso(seconds: float) -> str:
    """A time to the millisecond.

    >>> _iso(1.5)
    '1970-01-01T00:00:01.500Z'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
