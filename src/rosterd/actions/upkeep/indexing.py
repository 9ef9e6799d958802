"""Keeping the index of people behind the Org Dashboard: beside all requests, and never in their transactions.

Every change of a person leaves an event, and every event comes under a seal: the index follows the seals.
For each it looks at the people whom its events are about, and writes what differs.

Rules of this module:

1. A step reads a snapshot, computes, and writes only if nobody has written to the index meanwhile. Else all
   of it is dropped: whoever was faster has done it, or the next step will.
2. To look at somebody twice changes nothing. So a step that is cut off is done again from its beginning.
3. An index that is new, or of another version, is made anew from the directory as it is: first what there is
   of it is removed, then people are read in order of creation, then the events of the last `COUNTED_DAYS` are
   counted. What changes meanwhile comes under seals behind the one that was the newest when that began.
4. It holds nobody up: a transaction has the people of one slice, computing lets others go first, and a `Pace`
   rests for many times as long as a step took while the server has something else to do.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from rosterd.actions.upkeep.sealing import seal_some
from rosterd.directory.facets import Facet
from rosterd.directory.model import OrgId
from rosterd.store.engine import Store, StoreError
from rosterd.store.people import facts, index
from rosterd.store.people.index import Happening, Progress

PEOPLE = 200
"""Whom one transaction is about."""
AT_ONCE = 25
"""For how many people the event loop computes without looking up: less than a millisecond."""
PLACES = 1_000
"""In how many places they may be, all together: for people in more a thread computes."""
EVENTS = 500
"""Events that one step takes, or as many as one seal has."""
COUNTED_DAYS = 31
"""How far back events are counted when the index is made."""

SOON = 1_000
"""Events that a page may wait for; of more than these it does not see the effect yet."""
PATIENCE = 1.0
"""Seconds that a page may wait for them."""
TRIES = 3
"""How often it is tried where somebody else was faster."""

_DAY = 86_400_000_000
_BUSY, _IDLE = 16.0, 0.25
"""How many times as long as a step it rests: while others work, and while nobody does."""
_LONGEST = 5.0
_USED = 0.2
"""The part of a rest in which this process computes something, above which it is busy."""

Moved = Callable[[Progress], Progress]


class Pace:
    """Rests between steps, by what the server does meanwhile."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._busy = True
        self._since = time.monotonic()

    def begin(self) -> None:
        """From here on there is work."""
        self._since = time.monotonic()

    async def rest(self) -> None:
        """After some of the work."""
        taken = time.monotonic() - self._since
        seconds = min(_LONGEST, taken * (_BUSY if self._busy else _IDLE))
        used, version = time.process_time(), self._store.version()
        await asyncio.sleep(seconds)
        used = time.process_time() - used
        self._busy = used > _USED * seconds or self._store.version() != version
        self.begin()


async def advance(store: Store, org_id: OrgId, pace: Pace | None = None, *, is_awaited: bool = False) -> bool:
    """Take the index of an organisation one step on. False: there is nothing to do, or another was faster.

    ``is_awaited``: somebody waits for it, so that what takes long is left alone.
    """
    if pace is not None:
        pace.begin()
    async with store.read() as tx:
        progress = await index.find(tx, org_id)
    if progress is None:
        async with store.write() as tx:
            return await index.insert(tx, org_id)
    if progress.version != index.VERSION:
        return await _clear(store, org_id, progress, pace)
    if progress.filled_to is not None:
        return await _fill(store, org_id, progress.filled_to, pace)
    return await _follow(store, org_id, progress, pace, is_awaited=is_awaited)


async def make_anew(store: Store, org_id: OrgId) -> None:
    """Let the index of an organisation be made anew, by whoever keeps it."""
    async with store.write() as tx:
        await index.replace(tx, org_id)


async def freshen(store: Store, org_id: OrgId) -> None:
    """Let a page see what was changed before, if that is not too much. Never fails."""
    try:
        async with asyncio.timeout(PATIENCE):
            for _ in range(TRIES):
                if not await _is_behind(store, org_id):
                    return
                await seal_some(store, org_id)
                while await advance(store, org_id, is_awaited=True):
                    pass
    except (StoreError, TimeoutError):
        pass  # the page shows what there is


async def _is_behind(store: Store, org_id: OrgId) -> bool:
    """Whether events wait, and so few that a page can."""
    async with store.read() as tx:
        progress = await index.find(tx, org_id)
        if progress is None or not progress.is_whole:
            return False
        waiting = await index.unsealed(tx, org_id, SOON + 1)
        if await index.newest_seal(tx, org_id) > progress.seal:
            waiting += len((await index.seals(tx, org_id, progress.seal, SOON + 1))[1])
    return 0 < waiting <= SOON


async def _clear(store: Store, org_id: OrgId, progress: Progress, pace: Pace | None) -> bool:
    """Remove some of what there is; after the last of it, begin."""
    async with store.write() as tx:
        if not await index.update(tx, org_id, progress, progress):
            return False
        left = await index.remove_some(tx, org_id)
    if not left:
        async with store.scan() as tx:
            now = await index.find(tx, org_id)
            newest = await index.newest_seal(tx, org_id)
            counted = await index.seal_before(tx, org_id, tx.now - COUNTED_DAYS * _DAY)
        begun = Progress(index.VERSION, 0, counted, newest, "")
        async with store.write() as tx:
            if now is None or now.writes != progress.writes + 1:
                return False
            await index.update(tx, org_id, now, begun)
    if pace is not None:
        await pace.rest()
    return True


async def _fill(store: Store, org_id: OrgId, filled_to: str, pace: Pace | None) -> bool:
    """Take up the next people in order of creation."""
    async with store.scan() as tx:
        ids, last = await index.next_people(tx, org_id, filled_to, PEOPLE)
    return await _refresh(
        store, org_id, ids, lambda now: msgspec.structs.replace(now, filled_to=last), pace=pace
    )


async def _follow(
    store: Store, org_id: OrgId, progress: Progress, pace: Pace | None, *, is_awaited: bool
) -> bool:
    """Take the next seals: look at whom their events are about, then count them."""
    async with store.scan() as tx:
        last, ids = await index.seals(tx, org_id, progress.seal, EVENTS)
        events = await index.happenings(tx, org_id, ids) if ids else []
        gone = index.deleted_groups(events)
        members = [(await index.count(tx, org_id, Facet.GROUP, group)).total for group in gone]
    if last == progress.seal or (is_awaited and sum(members) > SOON):
        return False
    people: Sequence[str] = ()
    if last > progress.read_after:
        for group in gone:
            if not await _leave(store, org_id, group, pace):
                return False
        people = index.people_of(events)
    slices = [people[start : start + PEOPLE] for start in range(0, len(people), PEOPLE)] or [()]
    for some in slices[:-1]:
        if not await _refresh(store, org_id, some, _as_it_is, pace=pace):
            return False

    def counted(now: Progress) -> Progress:
        return msgspec.structs.replace(now, seal=last)

    return await _refresh(store, org_id, slices[-1], counted, began=progress.seal, events=events, pace=pace)


async def _leave(store: Store, org_id: OrgId, group: str, pace: Pace | None) -> bool:
    """Look at everybody whom the index has in a group that was deleted. False: another was faster."""
    while True:
        async with store.scan() as tx:
            some = await facts.in_group(tx, org_id, group, PEOPLE)
        if not some:
            return True
        if not await _refresh(store, org_id, some, _as_it_is, pace=pace):
            return False


def _as_it_is(progress: Progress) -> Progress:
    return progress


async def _refresh(
    store: Store,
    org_id: OrgId,
    people: Sequence[str],
    moved: Moved,
    *,
    began: int | None = None,
    events: Sequence[Happening] = (),
    pace: Pace | None,
) -> bool:
    """Let the index have of these people what is true, count events, and move on. False: another was faster.

    ``began``: the seal behind which the events are.
    """
    async with store.scan() as tx:
        now = await index.find(tx, org_id)
        known = await facts.find_many(tx, org_id, people)
    if now is None or now.version != index.VERSION or began not in (None, now.seal):
        return False
    wanted = facts.Difference()
    for start in range(0, len(known.people), AT_ONCE):
        stop = start + AT_ONCE
        if known.places(start, stop) > PLACES:
            await asyncio.to_thread(facts.compare, known, wanted, start, stop)
        else:
            facts.compare(known, wanted, start, stop)
            await asyncio.sleep(0)
    days = Counter((each.created // _DAY, each.action) for each in events)
    after = moved(now)
    if not wanted and not days and after == now:
        return True
    async with store.write() as tx:
        if not await index.update(tx, org_id, now, after):
            return False
        await facts.update(tx, org_id, wanted)
        await index.add_days(tx, org_id, days)
    if pace is not None:
        await pace.rest()
    return True
