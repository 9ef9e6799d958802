"""After a strike: is everything there that was acknowledged, and nothing there by half?

What happened is read in three ways: over HTTP from the server that came up again, from the audit trail by the
numbers of the requests, and by the checks that an operator would run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rosterd.directory.model import OrgId
from rosterd.store import outbox
from rosterd.store.engine import open_store
from rosterd.store.records import audit
from rosterd.store.upkeep import fsck
from tests.chaos.journal import Circle, Events, Journal, Key, Person, Request, Story, Value
from tests.chaos.machines import ATTEMPT
from tests.protocol.live import Api, Body, ok

_PAGE = 1_000
_ALL_EVENTS = 1_000_000
_UNDER_WAY = 2.0 * ATTEMPT


class Findings(NamedTuple):
    """Sentences. ``lost``: acknowledged and not there. ``torn``: there by half, or never asked for."""

    lost: list[str]
    torn: list[str]
    applied: list[tuple[Request, str | None]]  # requests in doubt that happened; the id of what they created


class Trail(NamedTuple):
    """What the database says of itself."""

    events: dict[int, Events]  # by the number of the request
    unsealed: int
    problems: list[str]  # of fsck and of the audit chain
    waiting: int  # errands that are still to be done
    dead: list[str]  # why errands were given up


def trail(database: str, org_id: str) -> Trail:
    """Events, and the verdicts of ``rosterd fsck`` and ``rosterd audit verify``, from one snapshot."""
    return asyncio.run(_trail(database, OrgId(org_id)))


async def _trail(database: str, org_id: OrgId) -> Trail:
    store = await open_store(database)
    try:
        async with store.scan() as tx:
            records = await audit.page(tx, org_id, limit=_ALL_EVENTS)
            verdict = await audit.verify(tx, org_id)
            problems = [*await fsck.check(tx), *([verdict.problem] if verdict.problem else [])]
            waiting, dead = [await outbox.page(tx, org_id, dead=dead) for dead in (False, True)]
    finally:
        await store.close()
    events: dict[int, list[tuple[str, str]]] = {}
    for record in records:
        agent, _, number = record.client.partition("/")
        if agent == "chaos":
            events.setdefault(int(number), []).append((record.action, record.entity_id))
    told = {n: tuple(sorted(each)) for n, each in events.items()}
    given_up = [f"{each.kind} for {each.subject_id}: {each.problem}" for each in dead]
    return Trail(told, verdict.unsealed, problems, len(waiting), given_up)


def directory(api: Api, shared: frozenset[str]) -> dict[Key, Value]:
    """The directory as a server shows it, in the journal's terms."""
    found: dict[Key, Value] = {}
    for user in _every(api, "Users"):
        found[user["id"]] = _person(user, user.get(api.urns.enterprise) or {})
    for group in _every(api, "Groups"):
        members = frozenset(member["value"] for member in group["members"])
        if group["id"] in shared:
            found |= {(group["id"], id): True for id in members}
        else:
            found[group["id"]] = Circle(group["displayName"], members)
    return found


def _every(api: Api, noun: str) -> Iterator[Body]:
    start, total = 1, 1
    while start <= total:
        page = ok(api.get(noun, startIndex=start, count=_PAGE))
        total = page["totalResults"]
        yield from page["Resources"]
        start += _PAGE


def _person(user: Body, company: Body) -> Person:
    first, second = [*(each["value"] for each in user["emails"]), ""][:2]
    department = company.get("department")
    return Person(
        user["userName"], user["displayName"], user["title"], department, first, second, user["active"]
    )


def mails(people: Mapping[str, Story], came: Sequence[tuple[str, str, float]]) -> list[str]:
    """What is wrong with the invitations that came: (address, Message-ID, monotonic seconds) of each.

    Whoever has been active all the time has got one, perhaps several times over, and whoever is deactivated
    got none since: but for one that was under way then, and takes no longer than an attempt may.
    """
    found: list[str] = []
    for id, story in people.items():
        sent = [(message, at) for address, message, at in came if address in story.emails]
        messages = {message for message, _ in sent}
        if not story.was_gone and len(messages) != 1:
            found.append(f"{id} was to get one invitation, and got {len(messages)}: {sorted(messages)}")
        late = [at for _, at in sent if story.gone_since is not None and at > story.gone_since + _UNDER_WAY]
        if late:
            found.append(f"{id} was deactivated, and got {len(late)} mails after that")
    return found


def compare(journal: Journal, found: dict[Key, Value], events: dict[int, Events]) -> Findings:
    """What a server shows and its trail tells, against what was asked of it."""
    expected, findings = journal.expected(), Findings([], [], [])
    doubted = {key for request in journal.doubtful for key in request.after}
    strange = {k: value for k, value in found.items() if k not in journal.directory and k not in doubted}
    for request in journal.doubtful:
        _judge(request, found, strange, events.get(request.number, ()), findings)
    findings.torn.extend(f"nobody asked for {key}: {value}" for key, value in strange.items())
    for key in journal.directory.keys() - doubted:
        if found.get(key) != expected.get(key):
            findings.lost.append(f"{key} is {found.get(key)}, acknowledged was {expected.get(key)}")
    numbers = journal.events.keys() | {request.number for request in journal.doubtful}
    findings.torn.extend(f"request {number} was never sent" for number in events.keys() - numbers)
    for number, wanted in journal.events.items():
        if events.get(number, ()) != wanted:
            findings.lost.append(f"events of request {number}: {events.get(number)}, not {wanted}")
    return findings


def _judge(
    request: Request,
    found: dict[Key, Value],
    strange: dict[Key, Value],
    events: Events,
    findings: Findings,
) -> None:
    """A request in doubt: either all of it has happened, events too, or nothing."""
    created = request.after.get(request.new)
    id = next((str(key) for key, value in strange.items() if value == created), None) if created else None
    if id is not None:
        del strange[id]
    seen = {key: found.get(id if id and key == request.new else key) for key in request.after}
    if _same(seen, request.after):
        wanted = sorted((action, id if id and e == request.new else e) for action, e in request.events)
        findings.applied.append((request, id))
    elif _same(seen, request.before):
        wanted = []
    else:
        findings.torn.append(f"{request} is in part so: {seen}")
        return
    if _same(request.before, request.after):
        wanted = []
    if list(events) != wanted:
        findings.torn.append(f"{request} has left {seen} and the events {events}")


def _same(one: Mapping[Key, Value], other: Mapping[Key, Value]) -> bool:
    """Whether both say the same; None and False both say that there is none."""
    return {key: value or None for key, value in one.items()} == {k: v or None for k, v in other.items()}
