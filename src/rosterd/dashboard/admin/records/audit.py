"""The audit trail for owners: everything that happened, and whether anybody has tampered with it since.

A list has the newest event first. Who did it, or what was done, has no index: one page looks at so many
events (`rosterd.store.records.trail.LOOKED_AT`) and says where the next goes on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from rosterd.actions.upkeep import verifications as actions
from rosterd.dashboard import exports
from rosterd.dashboard.admin.frame import Done, Look, form, page
from rosterd.dashboard.admin.records.asked import span, whom
from rosterd.dashboard.admin.records.evidence import HEADS, as_written, cell, evidence
from rosterd.dashboard.pages import Page
from rosterd.dashboard.words import Words
from rosterd.directory import trail as vocabulary
from rosterd.directory.errors import Invalid
from rosterd.directory.model import OrgId, Role
from rosterd.store import uuids
from rosterd.store.engine import Tx
from rosterd.store.records import trail, verifications
from rosterd.store.records.trail import Wanted

PATH = "/admin/audit"
AT_ONCE = 50
IN_FILES = 100
"""Events of a file that are read at once: each may have a picture of a quarter of a megabyte twice."""
CHECKS = 10
"""Checks of the chain that are shown."""

CATEGORIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    name: (title, tuple(sorted(each for shown in actions for each in vocabulary.stored(shown))))
    for name, title, actions in (
        ("user", "People", vocabulary.CATEGORIES["user"]),
        ("subteam", "Groups", vocabulary.CATEGORIES["subteam"]),
        ("channel", "Channels", vocabulary.CATEGORIES["channel"]),
        ("workspace_or_org", "Organisation and workspaces", vocabulary.CATEGORIES["workspace_or_org"]),
        ("app", "Apps and tokens", vocabulary.CATEGORIES["app"]),
    )
} | {"server": ("Only here, not in the Audit Logs API", tuple(sorted(vocabulary.UNSHOWN)))}
"""Key → title and the actions of the trail: those of Slack's categories, and the rest."""

_FIELDS = ("action", "by", "about", "from", "to")


class Filter(NamedTuple):
    """What somebody wants to see. ``state``: as in the address."""

    state: Mapping[str, str]
    wanted: Wanted
    problem: str = ""  # why it cannot be understood: then nothing fits


@page("admin", "audit", role=Role.OWNER)
async def audit(look: Look) -> Page:
    """The trail, and the state of its chain."""
    before = look.params.get("before", "")
    async with look.desk.store.scan() as tx:
        checks = await verifications.page(tx, look.org.id, CHECKS)
        asked = await wanted(tx, look.org.id, look.params)
        problem = asked.problem or ("" if not before or uuids.is_one(before) else "The place is no event.")
        found = trail.Page([], None)
        if not problem:
            found = await trail.page(tx, look.org.id, asked.wanted, before=before or None, limit=AT_ONCE)
        names = await trail.names(tx, look.org.id, found.records, trail.mentions(found.records))
        now = tx.now
    if problem and look.alert is None:
        look.alert = Words(400, "This filter was not understood", problem)
    return look.render(
        "audit.html",
        path=PATH,
        state=asked.state,
        categories=CATEGORIES,
        events=[evidence(record, names, look.org) for record in found.records],
        before=before,
        end=found.end,
        is_stopped=found.end is not None and len(found.records) < AT_ONCE,
        looked_at=trail.LOOKED_AT,
        checks=checks,
        last=next((check for check in checks if check.ended is not None), None),
        under_way=bool(checks) and actions.is_under_way(checks[0], now),
    )


@form("admin", "audit", "verify", shown=audit, role=Role.OWNER)
async def verify(tx: Tx, look: Look) -> Done:
    """Check the whole chain, beside requests."""
    actor, desk, org = look.actor, look.desk, look.org
    began = await actions.begin(tx, org, actor=actor)
    check = partial(actions.run, desk.store, org, began, desk.checking, actor=actor)
    return Done(PATH, "The check has begun. You may leave this page: what it finds is kept here.", check)


@page("admin", "audit", "csv", role=Role.OWNER)
async def as_csv(look: Look) -> Page:
    """All that fits, as a table: a line for each event."""
    asked = await _asked(look)

    async def lines() -> AsyncIterator[Iterable[list[str]]]:
        async for part in _slices(look, asked):
            yield ([cell(value) for value in each.values()] for each in part)

    return exports.csv_page(f"audit-{look.org.domain}.csv", HEADS, lines())


@page("admin", "audit", "json", role=Role.OWNER)
async def as_json(look: Look) -> Page:
    """All that fits, as a list."""
    return exports.json_page(f"audit-{look.org.domain}.json", _slices(look, await _asked(look)))


async def _asked(look: Look) -> Wanted:
    """What the address asks for. Raises ``invalid_query`` for what is not understood."""
    async with look.desk.store.read() as tx:
        asked = await wanted(tx, look.org.id, look.params)
    if asked.problem:
        raise Invalid("invalid_query")
    return asked.wanted


async def _slices(look: Look, asked: Wanted) -> AsyncIterator[Iterable[dict[str, Any]]]:
    """All that fits, some at a time, each time in a snapshot of its own."""
    values, before = await _some(look, asked, None)
    yield values
    while before is not None:
        values, before = await _some(look, asked, before)
        yield values


async def _some(look: Look, asked: Wanted, before: str | None) -> tuple[Iterable[dict[str, Any]], str | None]:
    """What comes next, made when it is asked for, and where it ends: who takes it may be slow."""
    async with look.desk.store.scan() as tx:
        found = await trail.page(tx, look.org.id, asked, before=before, limit=IN_FILES)
        names = await trail.names(tx, look.org.id, found.records, trail.mentions(found.records))
    return (as_written(record, names, look.org) for record in found.records), found.end


async def wanted(tx: Tx, org: OrgId, params: Mapping[str, str]) -> Filter:
    """What the parameters of an address ask for."""
    state = {name: params.get(name, "").strip()[:255] for name in _FIELDS}
    nothing = Wanted(())
    if "\0" in "".join(state.values()):
        return Filter(dict.fromkeys(_FIELDS, ""), nothing, "Open the page again and retry.")
    actions = _actions(state["action"])
    if actions == ():
        return Filter(state, nothing, f"Nothing is called “{state['action']}”.")
    when = span(state)
    if when.problem:
        return Filter(state, nothing, when.problem)
    by, about = [await whom(tx, org, state[name]) for name in ("by", "about")]
    for name, found in (("by", by), ("about", about)):
        if found == "":
            return Filter(state, nothing, f"Nobody here has the address “{state[name]}”.")
    return Filter(state, Wanted(actions, by, about, when.oldest, when.latest))


def _actions(said: str) -> tuple[str, ...] | None:
    """The actions that are asked for; None: all; empty: there are none of that name.

    >>> _actions("user_login"), _actions(""), _actions("nothing")
    (('user_login',), None, ())
    >>> "organization_imported" in _actions("category:server")
    True
    """
    if not said:
        return None
    kind, _, name = said.rpartition(":")
    if kind == "category":
        return CATEGORIES.get(name, ("", ()))[1]
    return (said,) if any(said in each for _, each in CATEGORIES.values()) else ()
