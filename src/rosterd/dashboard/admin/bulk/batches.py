"""Bulk changes: all of them, and one with its preview, its progress, and what came of it.

The page of one shows everything that somebody must know before they confirm: whom it changes and how, whom
not and why. While something is under way, it renews itself.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rosterd.actions import bulk as actions
from rosterd.dashboard import pages
from rosterd.dashboard.admin.bulk.choice import PATH
from rosterd.dashboard.admin.bulk.words import ACTIONS, STATES, changes, outcome, result, title
from rosterd.dashboard.admin.frame import Done, Look, form, page
from rosterd.dashboard.admin.fresh import again_link, check_fresh
from rosterd.dashboard.pages import Page
from rosterd.dashboard.words import WORDS
from rosterd.directory import access
from rosterd.directory import bulk as rules
from rosterd.directory.bulk import DONE, TO_DO, UNCHANGED, Action, Batch, State
from rosterd.directory.errors import DirectoryError, NotFound
from rosterd.directory.model import OrgId, TeamId, User, UserId
from rosterd.store import batches as store
from rosterd.store import users, uuids, workspaces
from rosterd.store.batches import Person
from rosterd.store.engine import Tx

AT_ONCE = 50
BATCHES = 30


class Total(NamedTuple):
    """How many people have an outcome, and where they are listed."""

    code: str
    text: str
    number: int
    to: str


class Row(NamedTuple):
    """Somebody whom a batch is about."""

    user: User | None
    person: Person
    text: str
    changes: list[tuple[str, str]]


class Entry(NamedTuple):
    """A batch in the list of all."""

    batch: Batch
    title: str
    state: str
    actor: User | None
    is_expired: bool


@page("admin", "bulk")
async def batches(look: Look) -> Page:
    """All bulk changes, the newest first."""
    before = look.params.get("before", "")
    start = before if uuids.is_one(before) else "~"
    if before and start == "~":
        look.alert = look.alert or WORDS["invalid_list_state"]
    async with look.desk.store.scan() as tx:
        found = await store.page(tx, look.org.id, before=start, limit=BATCHES + 1)
        names = await _places(tx, look.org.id, found)
        people = await users.find_many(tx, look.org.id, list({each.actor_id for each in found}))
        now = tx.now
    actors = {user.id: user for user in people}
    entries = [
        Entry(
            each,
            title(each, names.get(each.arguments.team_id or "", "")),
            STATES[each.state],
            actors.get(each.actor_id),
            rules.has_expired(each, now),
        )
        for each in found[:BATCHES]
    ]
    following = pages.link(PATH, {}, before=entries[-1].batch.id) if len(found) > BATCHES else ""
    return look.render("bulk.html", entries=entries, following=following, is_later=start != "~", path=PATH)


async def _places(tx: Tx, org: OrgId, found: list[Batch]) -> dict[str, str]:
    """The names of the workspaces that batches are about."""
    ids = {each.arguments.team_id for each in found if each.arguments.team_id}
    return {each.id: each.name for each in await workspaces.find_many(tx, org, [TeamId(id) for id in ids])}


@page("admin", "bulk", "*")
async def batch(look: Look, id: str) -> Page:
    """One bulk change."""
    org = look.org.id
    shown, after = _shown(look)
    async with look.desk.store.scan() as tx:
        found = await store.find(tx, org, id)
        if found is None:
            raise NotFound("no_such_batch")
        names = await _places(tx, org, [found])
        counts = await store.outcomes(tx, org, id)
        people = await store.people(tx, org, id, outcome=shown, after=after, limit=AT_ONCE + 1)
        ids = [*{each.user_id for each in people}, found.actor_id]
        known = {user.id: user for user in await users.find_many(tx, org, ids)}
        undoing = [each for each in await store.undoing(tx, org, id) if rules.is_undone_by(each)]
        most = await actions.most_deactivations(tx, org)
        now = tx.now
    here = f"{PATH}/{id}"
    state = {"outcome": look.params.get("outcome", "")}
    rows = [_row(found, each, known) for each in people[:AT_ONCE]]
    following = pages.link(here, state, after=str(rows[-1].person.n)) if len(people) > AT_ONCE else ""
    return look.render(
        "bulk_batch.html",
        batch=found,
        title=title(found, names.get(found.arguments.team_id or "", "")),
        naming=ACTIONS[found.action],
        state=STATES[found.state],
        is_under_way=found.state in (State.DRAFTING, State.RUNNING),
        is_draft=found.state is State.DRAFT,
        is_expired=rules.has_expired(found, now),
        is_mine=found.actor_id == look.user.id,
        is_undoable=not undoing and _is_undoable(found),
        is_stopped=found.state is State.CANCELLED,
        undone_by=undoing[0] if undoing else None,
        actor=known.get(found.actor_id),
        totals=_totals(found, counts, here),
        word=rules.word(found),
        most=most,
        is_beyond=found.deactivations > most,
        rows=rows,
        shown=_heading(found, shown),
        to=here,
        path=PATH,
        following=following,
        after=after,
        is_back=found.action is Action.UNDO,
        again=again_link(look) if _makes_administrators(found) else "",
    )


def _shown(look: Look) -> tuple[str | None, int]:
    """Which outcome is shown (None: all), and behind whom the page begins."""
    given, after = look.params.get("outcome", ""), look.params.get("after", "")
    number = int(after) if after.isascii() and after.isdigit() and len(after) < 9 else 0
    if not re.fullmatch(r"[a-z_]{1,60}", given):
        return None, number
    return TO_DO if given == "to_do" else given, number


def _totals(found: Batch, counts: dict[str, int], here: str) -> list[Total]:
    """How many have which outcome: who is changed first, then who needs nothing, then the refused."""
    order = {TO_DO: 0, DONE: 1, UNCHANGED: 2}
    codes = sorted(counts, key=lambda code: (order.get(code, 3), -counts[code], code))
    return [
        Total(code, outcome(found, code), counts[code], pages.link(here, {}, outcome=code or "to_do"))
        for code in codes
    ]


def _heading(found: Batch, shown: str | None) -> str:
    return "" if shown is None else outcome(found, shown)


def _row(found: Batch, person: Person, known: dict[UserId, User]) -> Row:
    return Row(
        known.get(person.user_id),
        person,
        result(found, person.outcome),
        changes(person.before, person.after) if person.outcome in (TO_DO, DONE) else [],
    )


def _makes_administrators(found: Batch) -> bool:
    role = found.arguments.role
    return found.action is Action.SET_ROLE and role is not None and access.may_administer(role)


def _is_undoable(found: Batch) -> bool:
    try:
        rules.check_undoable(found)
    except DirectoryError:
        return False
    return True


@form("admin", "bulk", "*", "confirm", shown=batch)
async def confirm(tx: Tx, look: Look, id: str) -> Done:
    """What the preview shows is done. Administrators are made after a fresh sign-in alone."""
    found = await actions.confirm(tx, look.org, id, look.fields.get("typed", ""), actor=look.actor)
    if _makes_administrators(found):
        check_fresh(look)
    return Done(f"{PATH}/{id}", "It is done." if found.state is State.ENDED else "")


@form("admin", "bulk", "*", "cancel", shown=batch)
async def cancel(tx: Tx, look: Look, id: str) -> Done:
    """A draft is put away, or what is under way stops."""
    found = await actions.cancel(tx, look.org, id, actor=look.actor)
    if found.done:
        return Done(f"{PATH}/{id}", "Stopped. Whoever had been changed by then stays so.")
    return Done(PATH, "Nothing was changed.")


@form("admin", "bulk", "*", "undo", shown=batch)
async def undo(tx: Tx, look: Look, id: str) -> Done:
    """A draft of the way back."""
    back = await actions.undo(tx, look.org, id, actor=look.actor)
    return Done(f"{PATH}/{back.id}")


@page("admin", "bulk", "*", "confirm")
@page("admin", "bulk", "*", "cancel")
@page("admin", "bulk", "*", "undo")
async def reload(look: Look, id: str) -> Page:
    """Where a form was refused its page may be loaded again."""
    return pages.redirect(f"{PATH}/{id}")
