"""The provisioning log: what each request of a program has changed, or why it was refused and what to do.

One list, the newest first, as a page, as a file, and as a stream of what comes. It looks at so much of the
trail at a time (`rosterd.store.records.log`) and says where it goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from rosterd.dashboard import exports, pages
from rosterd.dashboard.admin.frame import Look, page
from rosterd.dashboard.admin.records.asked import span, whom
from rosterd.dashboard.admin.records.lines import HEADS, Line, cells, line, value
from rosterd.dashboard.pages import Page
from rosterd.dashboard.tails import News
from rosterd.dashboard.words import Words
from rosterd.directory.connectors import LABELS
from rosterd.directory.errors import Invalid
from rosterd.directory.model import OrgId, Role, Token
from rosterd.store.doors import tokens
from rosterd.store.engine import StoreError, Tx
from rosterd.store.records import log
from rosterd.store.records.log import Wanted
from rosterd.store.uuids import is_one, least_at, moment

PATH = "/admin/log"
AT_ONCE = 50
IN_FILES = 500
"""Entries of a file that are read at once."""
MOST_TOKENS = 100
"""Tokens to choose from: those that were used last."""

LOOK_BACK_MS = 10_000
"""How long after its moment an entry may come to light: refusals are written together, a moment later."""
AT_MOST_BACK_MS = 10 * 60_000
"""How far whoever comes back to the stream can have been away."""

OUTCOMES = {"changed": "Changed something", "refused": "Was refused"}

_WITHOUT_TOKEN = ("import", "rosterd")
_FIELDS = ("outcome", "connector", "token", "about", "code", "from", "to")
_NOT_UNDERSTOOD = "This filter was not understood"


class Filter(NamedTuple):
    """What somebody wants to see. ``state``: as in the address."""

    state: Mapping[str, str]
    wanted: Wanted
    problem: str = ""  # why it cannot be understood: then nothing fits


@page("admin", "log")
async def provisioning_log(look: Look) -> Page:
    """The list, under a filter."""
    before = look.params.get("before", "")
    async with look.desk.store.scan() as tx:
        asked = await wanted(tx, look.org.id, look.params)
        problem = asked.problem or ("" if not before or is_one(before) else "The place is no entry.")
        found = log.Page([], None)
        if not problem:
            found = await log.page(tx, look.org.id, asked.wanted, before=before or None, limit=AT_ONCE)
        lines = await _lines(tx, look, found.entries)
        known = await tokens.last_used(tx, look.org.id, MOST_TOKENS)
        now = tx.now
    if problem and look.alert is None:
        look.alert = Words(400, _NOT_UNDERSTOOD, problem)
    following = look.params.get("live") == "1" and not before and not problem
    after = found.entries[0].id if found.entries else least_at(now // 1000)
    return await asyncio.to_thread(  # fifty entries of fifty events take a while to draw
        look.render,
        "log.html",
        path=PATH,
        state=asked.state,
        live={"live": "1"} if following else {},
        tail=pages.link(f"{PATH}/tail", asked.state, after=after) if following else "",
        outcomes=OUTCOMES,
        connectors={name: label for name, label in LABELS.items() if name not in _WITHOUT_TOKEN},
        tokens=_choices(known, asked.state["token"]),
        lines=lines,
        before=before,
        end=found.end,
        is_stopped=found.end is not None and len(found.entries) < AT_ONCE,
    )


@page("admin", "log", "csv")
async def as_csv(look: Look) -> Page:
    """All that fits, as a table: a line for each field that has changed."""
    asked = await _asked(look)

    async def lines() -> AsyncIterator[Iterable[list[str]]]:
        async for part in _slices(look, asked.wanted):
            yield (each for line in part for each in cells(line))

    return exports.csv_page(_name("csv"), HEADS, lines())


@page("admin", "log", "json")
async def as_json(look: Look) -> Page:
    """All that fits, as a list with everything that each entry says."""
    asked = await _asked(look)

    async def values() -> AsyncIterator[Iterable[object]]:
        async for part in _slices(look, asked.wanted):
            yield map(value, part)

    return exports.json_page(_name("json"), values())


@page("admin", "log", "tail")
async def tail(look: Look) -> Page:
    """What comes from now on, or since an entry, as it comes.

    Whoever has seen some of the last seconds is told of those again: each entry has its id.
    """
    asked = await _asked(look)
    follower = _Follower(look, asked.wanted, _since(look))
    still = partial(look.desk.still, look.visit, Role.ADMIN)
    return look.desk.tails.follow(look.org.id, look.user.id, follower.news, still)


class _Follower:
    """Somebody who follows the log, and what they have seen."""

    def __init__(self, look: Look, wanted: Wanted, since: int) -> None:
        self._look = look
        self._wanted = wanted
        self._since = since  # milliseconds
        self._version: int | None = None
        self._seen: set[str] = set()

    async def news(self) -> News | None:
        """What has come, the newest on top; None: nothing."""
        desk, org = self._look.desk, self._look.org
        version = desk.store.version()
        if version is not None and version == self._version:
            return None
        now = time.time_ns() // 1_000_000
        floor = least_at(min(self._since, now) - LOOK_BACK_MS)
        try:
            async with desk.store.scan() as tx:
                entries = await log.since(tx, org.id, self._wanted, floor, AT_ONCE)
                entries = [entry for entry in entries if entry.id not in self._seen]
                lines = await _lines(tx, self._look, entries[::-1])
        except StoreError:  # away for a moment
            return None
        self._version, self._since = version, now
        self._seen = {id for id in self._seen if id >= floor} | {entry.id for entry in entries}
        if not lines:
            return None
        return max(entry.id for entry in entries), pages.fragment(
            "admin/log_lines.html", lines=lines, path=PATH
        )


def _since(look: Look) -> int:
    """From when on somebody wants to know, in milliseconds: what they have seen last, or now."""
    now = time.time_ns() // 1_000_000
    last = (look.visit.header(b"last-event-id") or "").strip() or look.params.get("after", "")
    return max(moment(last), now - AT_MOST_BACK_MS) if is_one(last) else now


async def _asked(look: Look) -> Filter:
    """The filter of the address. Raises ``invalid_query`` for one that is not understood."""
    async with look.desk.store.read() as tx:
        asked = await wanted(tx, look.org.id, look.params)
    if asked.problem:
        raise Invalid("invalid_query")
    return asked


async def wanted(tx: Tx, org: OrgId, params: Mapping[str, str]) -> Filter:
    """What the parameters of an address ask for."""
    state = {name: params.get(name, "").strip()[:255] for name in _FIELDS}
    nothing = Wanted()
    if "\0" in "".join(state.values()):
        return Filter(dict.fromkeys(_FIELDS, ""), nothing, "Open the page again and retry.")
    for name, known in (("outcome", OUTCOMES), ("connector", LABELS)):
        if state[name] and state[name] not in known:
            return Filter(state, nothing, f"Nothing is called “{state[name]}”.")
    when = span(state)
    if when.problem:
        return Filter(state, nothing, when.problem)
    about = await whom(tx, org, state["about"])
    if about == "":
        return Filter(state, nothing, f"Nobody here has the address “{state['about']}”.")
    named = (state["outcome"], state["connector"], state["token"], about or "", state["code"])
    return Filter(state, Wanted(*named, when.oldest, when.latest))


async def _lines(tx: Tx, look: Look, entries: Sequence[log.Entry]) -> list[Line]:
    names = await log.names(tx, look.org.id, entries)
    return [line(entry, names, look.org) for entry in entries]


async def _slices(look: Look, wanted: Wanted) -> AsyncIterator[Iterable[Line]]:
    """All that fits, some at a time, each time in a snapshot of its own."""
    lines, before = await _some(look, wanted, None)
    yield lines
    while before is not None:
        lines, before = await _some(look, wanted, before)
        yield lines


async def _some(look: Look, wanted: Wanted, before: str | None) -> tuple[Iterable[Line], str | None]:
    """What comes next, made when it is asked for, and where it ends: who takes it may be slow."""
    async with look.desk.store.scan() as tx:
        found = await log.page(tx, look.org.id, wanted, before=before, limit=IN_FILES)
        names = await log.names(tx, look.org.id, found.entries)
    return (line(entry, names, look.org) for entry in found.entries), found.end


def _choices(known: Sequence[Token], chosen: str) -> list[tuple[str, str]]:
    """The tokens to filter by: those used last, and the one that is chosen."""
    found = [(str(token.id), f"{token.name} ({token.id})" if token.name else token.id) for token in known]
    if chosen and all(chosen != id for id, _ in found):
        found.insert(0, (chosen, chosen))
    return found


def _name(ending: str) -> str:
    return f"provisioning-log-{datetime.now(UTC):%Y-%m-%d}.{ending}"
