"""The audit trail as its readers page through it, and the names of whom and what it is about.

Rules of this module:

1. The newest event comes first. The time of an event is the one in its id, so that order, filters and what
   is shown agree.
2. One page looks at `LOOKED_AT` events at most, however few of them fit: what it did not come to is for the
   next page.
3. Names are those of today. Whoever was erased has none, in old events either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rosterd.directory.model import OrgId
from rosterd.directory.trail import mentioned
from rosterd.store.contract import Tx
from rosterd.store.records.audit import COLUMNS, Record
from rosterd.store.uuids import least_at

SLICE = 10_000
"""Events that one statement looks at."""
LOOKED_AT = 10 * SLICE

_LAST = "g"  # after every id: they are hexadecimal


class Wanted(msgspec.Struct, frozen=True):
    """Which events: unless None, of these actions, by this actor, about this entity, in these seconds."""

    actions: Sequence[str] | None
    actor: str | None = None
    entity: str | None = None
    oldest: int | None = None  # seconds; both inclusive
    latest: int | None = None


class Page(NamedTuple):
    records: list[Record]
    end: str | None  # the next page has what is older than this id; None: there is no next page


async def page(tx: Tx, org: OrgId, wanted: Wanted, *, before: str | None, limit: int) -> Page:
    """The newest events that fit and are older than the id ``before``: ``limit`` at most, perhaps fewer."""
    sql, more = _fitting(wanted)
    until = _LAST if wanted.latest is None else least_at((wanted.latest + 1) * 1000)
    since = "" if wanted.oldest is None else least_at(wanted.oldest * 1000)
    end = min(until, before or _LAST)
    found: list[Record] = []
    for _ in range(LOOKED_AT // SLICE):
        floor = await _floor(tx, org, end, since) if wanted.entity is None else None
        rows = await tx.all(sql, org, end, floor or since, limit + 1 - len(found), *more)
        found += [Record(*row) for row in rows]
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1].id)
        if floor is None:
            return Page(found, None)
        end = floor
    return Page(found, end)


async def _floor(tx: Tx, org: OrgId, end: str, since: str) -> str | None:
    """The last id of a slice before ``end``; None: the slice reaches back to ``since``."""
    row = await tx.one(
        "SELECT t.id FROM audit_events t WHERE t.org_id = $1 AND t.id < $2 AND t.id >= $3"
        " ORDER BY t.id DESC LIMIT 1 OFFSET $4",
        org, end, since, SLICE - 1,
    )  # fmt: skip
    return None if row is None else str(row[0])


def _fitting(wanted: Wanted) -> tuple[str, list[Any]]:
    sql = f"SELECT {COLUMNS} FROM audit_events t WHERE t.org_id = $1 AND t.id < $2 AND t.id >= $3"
    args: list[Any] = []
    for test, value in (
        ("t.action IN each({})", wanted.actions),
        ("t.actor_id = {}", wanted.actor),
        ("t.entity_id = {}", wanted.entity),
    ):
        if value is not None:
            args.append(value)
            sql += f" AND {test.format(f'${len(args) + 4}')}"
    return f"{sql} ORDER BY t.id DESC LIMIT $4", args


class Person(NamedTuple):
    name: str
    email: str


class Channel(NamedTuple):
    name: str
    is_private: bool
    teams: tuple[str, ...]


class App(NamedTuple):
    """An app, or a token that belongs to none, whose id is then the app's."""

    id: str
    name: str  # empty: it belongs to none
    scopes: tuple[str, ...]
    creator: str  # who installed it, or nobody
    team: str | None  # None: the organisation


class Names(msgspec.Struct, frozen=True):
    """By id: all that could be found. ``apps`` by the ids of their tokens, too."""

    people: Mapping[str, Person]
    groups: Mapping[str, str]
    workspaces: Mapping[str, tuple[str, str]]  # name, domain
    channels: Mapping[str, Channel]
    apps: Mapping[str, App]


async def names(tx: Tx, org: OrgId, records: Iterable[Record], also: Iterable[tuple[str, str]] = ()) -> Names:
    """The names that these events need, and those of ``also`` (pairs of kind, as of entities, and id): one
    statement for each kind of thing."""
    ids: dict[str, set[str]] = {kind: set() for kind in ("user", "usergroup", "workspace", "channel", "app")}
    for record in records:
        ids.setdefault(record.entity_type, set()).add(record.entity_id)
        ids["user"].add(record.actor_id)
        if record.token_id is not None:
            ids["app"].add(record.token_id)
    for kind, id in also:
        ids.setdefault(kind, set()).add(id)
    apps = await _apps(tx, org, sorted(ids["app"]))
    ids["workspace"] |= {app.team for app in apps.values() if app.team is not None}
    people = await tx.all(_PEOPLE, org, sorted(ids["user"]))
    groups = await tx.all(_GROUPS, org, sorted(ids["usergroup"]))
    workspaces = await tx.all(_WORKSPACES, org, sorted(ids["workspace"]))
    return Names(
        {id: Person(name, email) for id, name, email in people},
        dict(groups),
        {id: (name, domain) for id, name, domain in workspaces},
        await _channels(tx, org, sorted(ids["channel"])),
        apps,
    )


def mentions(records: Iterable[Record]) -> Iterable[tuple[str, str]]:
    """Kind and id of what these events speak of, beside what they are about: for :func:`names`."""
    return (each for record in records for each in mentioned(_decode(record.details)))


async def _channels(tx: Tx, org: OrgId, ids: Sequence[str]) -> dict[str, Channel]:
    teams: dict[str, list[str]] = {}
    for id, team in await tx.all(_CHANNEL_TEAMS, org, ids):
        teams.setdefault(id, []).append(team)
    return {
        id: Channel(name, bool(is_private), tuple(teams.get(id, ())))
        for id, name, is_private in await tx.all(_CHANNELS, org, ids)
    }


async def _apps(tx: Tx, org: OrgId, ids: Sequence[str]) -> dict[str, App]:
    """Apps by their own ids and by those of tokens that were given to them."""
    found = {
        id: App(id, name, _texts(scopes), "", None) for id, name, scopes in await tx.all(_APPS, org, ids)
    }
    for token, app, name, scopes, creator, team in await tx.all(_TOKENS, org, ids):
        found[token] = App(app or token, name, _texts(scopes), creator, team)
    return found


_decode = msgspec.json.Decoder().decode
_texts = msgspec.json.Decoder(tuple[str, ...]).decode

_PEOPLE = "SELECT t.id, t.full_name, t.email FROM users t WHERE t.org_id = $1 AND t.id IN each($2)"
_GROUPS = "SELECT t.id, t.display_name FROM groups t WHERE t.org_id = $1 AND t.id IN each($2)"
_WORKSPACES = "SELECT t.id, t.name, t.domain FROM workspaces t WHERE t.org_id = $1 AND t.id IN each($2)"
_CHANNELS = "SELECT t.id, t.name, t.is_private FROM channels t WHERE t.org_id = $1 AND t.id IN each($2)"
_CHANNEL_TEAMS = (
    "SELECT t.channel_id, t.team_id FROM channel_workspaces t"
    " WHERE t.org_id = $1 AND t.channel_id IN each($2) ORDER BY t.channel_id, t.team_id"
)
_APPS = "SELECT t.id, t.name, t.scopes FROM apps t WHERE t.org_id = $1 AND t.id IN each($2)"
_TOKENS = (
    "SELECT t.id, t.app_id, COALESCE(a.name, t.name), t.scopes, t.user_id, t.team_id FROM tokens t"
    " LEFT JOIN apps a ON a.org_id = $1 AND a.id = t.app_id WHERE t.org_id = $1 AND t.id IN each($2)"
)
