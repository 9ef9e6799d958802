"""What can be done to many people at once: draft it, look at it, confirm it, and take it back.

The preview of a draft is made by really doing the action to each person, in a part of a transaction that is
undone: so it is the same answer as the one when it is done. Up to `AT_ONCE` people are part of the request.
What is more is left to a task in the outbox, which :func:`work` does in slices, each a transaction of its own
that ends with how far it came: a kill repeats nothing.

Each person is dealt with in a part of the transaction, as the actor whom the directory knows then: what is
refused for one stops nobody else, and who has lost their role meanwhile changes nobody any more.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

import msgspec

from rosterd.actions import bulk_steps
from rosterd.directory import access
from rosterd.directory import bulk as rules
from rosterd.directory.bulk import DONE, TO_DO, UNCHANGED, Action, Arguments, Batch, State
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.errors import DirectoryError, NotFound, Taken
from rosterd.directory.events import Event
from rosterd.directory.facets import Facet
from rosterd.directory.model import Actor, Org, OrgId, Status, UserId
from rosterd.store import batches as store
from rosterd.store import orgs as store_orgs
from rosterd.store import outbox, users, workspaces
from rosterd.store.batches import Person
from rosterd.store.engine import Tx
from rosterd.store.people import index
from rosterd.store.records import audit
from rosterd.store.uuids import Growing

AT_ONCE = 20
"""People who are dealt with in the request itself."""

SLICE = 8
"""People in one transaction of a task: on SQLite everybody else waits for it."""

FORGET_SECONDS = 24 * 3_600
"""How long a draft is kept of which nothing came."""

_ids = Growing()


class Task(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A batch to go on with: its preview (``look``), or what was confirmed (``run``)."""

    do: Literal["look", "run"]
    batch_id: str
    actor: Actor
    after: int = 0  # the number of the last person who was dealt with


async def draft(
    tx: Tx, org: Org, action: Action, arguments: Arguments, user_ids: Collection[UserId], *, actor: Actor
) -> Batch:
    """A batch that can be looked at, and confirmed within the hour; anybody who is named twice is in it once.

    With more than `AT_ONCE` people its preview is still being made. Raises ``no_such_user`` (any of them),
    ``no_such_team``, and the errors of the checks in :mod:`rosterd.directory.bulk`.
    """
    access.check_administers(actor)
    rules.check_plan(org.plan, action)
    given = rules.arguments(action, arguments, tx.now // 1_000_000)
    ids = set(user_ids)
    rules.check_people(len(ids))
    lately = tx.now - rules.DRAFT_SECONDS * 1_000_000
    rules.check_drafted(len(ids) + await store.drafted(tx, org.id, lately))
    if given.team_id and ("\0" in given.team_id or await workspaces.find(tx, org.id, given.team_id) is None):
        raise NotFound("no_such_team", team=given.team_id)
    known = await users.briefs(tx, org.id, [id for id in ids if "\0" not in id])
    if unknown := ids - known.keys():
        raise NotFound("no_such_user", user=min(unknown))
    batch = _new(tx, org, action, given, len(ids), actor)
    await store.insert(tx, batch)
    await store.add_people(tx, org.id, batch.id, list(ids))
    return await _begin(tx, org, batch, Task(do="look", batch_id=batch.id, actor=actor))


def _new(tx: Tx, org: Org, action: Action, arguments: Arguments, people: int, actor: Actor) -> Batch:
    return Batch(
        org_id=org.id,
        id=_ids.following(tx.now),
        created=tx.now,
        actor_id=actor.user_id,
        action=action,
        arguments=arguments,
        state=State.DRAFTING,
        people=people,
    )


async def confirm(tx: Tx, org: Org, batch_id: str, typed: str, *, actor: Actor) -> Batch:
    """A draft is done to everybody of whom its preview says that something would change. At once, or soon.

    Raises ``no_such_batch``, ``already_undone``, and the errors of
    :func:`rosterd.directory.bulk.check_confirmable` and :func:`rosterd.directory.bulk.check_typed`.
    """
    access.check_administers(actor)
    batch = await _locked(tx, org.id, batch_id)
    rules.check_confirmable(batch, actor, tx.now)
    if batch.undoes is not None:
        await _check_not_undone(tx, await _locked(tx, org.id, batch.undoes))
    rules.check_typed(batch, typed, await most_deactivations(tx, org.id))
    running = msgspec.structs.replace(batch, state=State.RUNNING)
    await store.update(tx, running)
    return await _begin(tx, org, running, Task(do="run", batch_id=batch.id, actor=actor))


async def most_deactivations(tx: Tx, org_id: OrgId) -> int:
    """How many people a word is enough to deactivate, by the counts that the index keeps.

    While it is made, or of another version, the least.
    """
    if not await index.is_whole(tx, org_id):
        return rules.limit(0)
    statuses = (Status.INVITED, Status.ACTIVE)
    return rules.limit(sum([(await index.count(tx, org_id, Facet.STATUS, each)).total for each in statuses]))


async def undo(tx: Tx, org: Org, batch_id: str, *, actor: Actor) -> Batch:
    """A draft that takes back what a batch did, of people who are still as it left them.

    Raises ``no_such_batch``, ``not_undoable`` and ``already_undone``.
    """
    access.check_administers(actor)
    batch = await _locked(tx, org.id, batch_id)
    rules.check_undoable(batch)
    await _check_not_undone(tx, batch)
    back = _new(tx, org, Action.UNDO, batch.arguments, batch.done, actor)
    back = msgspec.structs.replace(back, undoes=batch.id)
    await store.insert(tx, back)
    return await _begin(tx, org, back, Task(do="look", batch_id=back.id, actor=actor))


async def cancel(tx: Tx, org: Org, batch_id: str, *, actor: Actor) -> Batch:
    """A draft is put away; of what is under way the rest stays undone. Raises ``already_over``."""
    access.check_administers(actor)
    batch = await _locked(tx, org.id, batch_id)
    if batch.state in (State.ENDED, State.CANCELLED):
        raise Taken("already_over")
    cancelled = msgspec.structs.replace(batch, state=State.CANCELLED, ended=tx.now)
    await store.update(tx, cancelled)
    if batch.state is State.RUNNING:
        await _tell(tx, cancelled, actor)
    return cancelled


async def has_stale(tx: Tx, org_id: OrgId) -> bool:
    """Whether there is anything to forget."""
    return bool(await store.expired(tx, org_id, tx.now - FORGET_SECONDS * 1_000_000, 1))


async def prune(tx: Tx, org_id: OrgId, limit: int = 500) -> int:
    """Forget drafts of which nothing came, and their people, some at a time. Returns how many rows."""
    pruned = 0
    for id in await store.expired(tx, org_id, tx.now - FORGET_SECONDS * 1_000_000, 10):
        if pruned < limit:
            pruned += await store.remove_people(tx, org_id, id, limit - pruned)
        if pruned < limit:
            await store.delete(tx, org_id, id)
            pruned += 1
    return pruned


async def _locked(tx: Tx, org_id: OrgId, batch_id: str) -> Batch:
    batch = None if "\0" in batch_id else await store.find(tx, org_id, batch_id, lock=True)
    if batch is None:
        raise NotFound("no_such_batch")
    return batch


async def _check_not_undone(tx: Tx, batch: Batch) -> None:
    if any(rules.is_undone_by(each) for each in await store.undoing(tx, batch.org_id, batch.id)):
        raise Taken("already_undone")


async def _begin(tx: Tx, org: Org, batch: Batch, task: Task) -> Batch:
    """Do the first slice now, and leave the rest, if any, for later."""
    batch, rest = await _slice(tx, org, batch, task, AT_ONCE)
    if rest is not None:
        await outbox.add(tx, org.id, [Errand(Kind.BULK, batch.id, msgspec.to_builtins(rest))])
    return batch


async def work(tx: Tx, org_id: OrgId, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Do one slice of a task. What is left of it; None: it is done, or nobody wants it any more."""
    task = msgspec.convert(arguments, Task)
    batch = await store.find(tx, org_id, task.batch_id, lock=True)
    org = await store_orgs.find(tx, org_id)
    wanted = State.DRAFTING if task.do == "look" else State.RUNNING
    if batch is None or org is None or batch.state is not wanted:
        return None
    _, rest = await _slice(tx, org, batch, task, SLICE)
    return None if rest is None else msgspec.to_builtins(rest)


async def _slice(tx: Tx, org: Org, batch: Batch, task: Task, size: int) -> tuple[Batch, Task | None]:
    """Deal with some more people. The batch as it is then, and what is left of the task."""
    if task.do == "look" and batch.undoes is not None:
        await store.add_undone(tx, org.id, batch.id, batch.undoes, after=task.after, limit=size)
    people = await store.to_do(tx, org.id, batch.id, after=task.after, limit=size)
    acting = await _as_now(tx, task.actor)
    found = [await _dealt_with(tx, org, batch, each, acting, task) for each in people]
    await store.update_people(tx, org.id, batch.id, found)
    batch = _looked_at(batch, found) if task.do == "look" else _counted(batch, found)
    rest = msgspec.structs.replace(task, after=people[-1].n) if people and batch.left else None
    if rest is None and task.do == "look":
        batch = msgspec.structs.replace(batch, state=State.DRAFT)
    elif rest is None:
        batch = msgspec.structs.replace(batch, state=State.ENDED, ended=tx.now)
        await _tell(tx, batch, task.actor)
    await store.update(tx, batch)
    return batch, rest


async def _as_now(tx: Tx, actor: Actor) -> Actor | None:
    """Whoever began it, with the role that they have now; None: they may act no more."""
    if actor.is_operator:
        return actor
    user = await users.find(tx, actor.org_id, actor.user_id)
    if user is None or user.deactivated or not access.may_administer(user.role):
        return None
    return msgspec.structs.replace(actor, role=user.role)


class _Looked(Exception):
    """What would become of somebody: raised to undo it."""

    def __init__(self, person: Person) -> None:
        super().__init__(person.user_id)
        self.person = person


async def _dealt_with(
    tx: Tx, org: Org, batch: Batch, person: Person, actor: Actor | None, task: Task
) -> Person:
    """What became of somebody, or would become."""
    if actor is None:
        return Person(person.n, person.user_id, "permission_denied")
    try:
        async with tx.part():
            before, after = await bulk_steps.change(tx, org, batch, person, actor=actor)
            outcome = rules.outcome(batch.action, before, after)
            dealt = Person(person.n, person.user_id, outcome, before, after)
            if task.do == "look":
                raise _Looked(dealt)
    except _Looked as looked:
        seen = looked.person
        return msgspec.structs.replace(seen, outcome=TO_DO) if seen.outcome == DONE else seen
    except DirectoryError as error:
        return Person(person.n, person.user_id, UNCHANGED if error.code in NO_NEED else error.code)
    return dealt


NO_NEED = frozenset({"already_in_team", "not_in_workspace", "user_already_team_member"})
"""Refusals that say that it is so already."""


def _looked_at(batch: Batch, found: list[Person]) -> Batch:
    gone = [
        each
        for each in found
        if each.outcome == TO_DO and each.before and each.after
        if each.after.deactivated and not each.before.deactivated
    ]
    return msgspec.structs.replace(
        _counted(batch, found),
        looked=batch.looked + len(found),
        deactivations=batch.deactivations + len(gone),
    )


def _counted(batch: Batch, found: list[Person]) -> Batch:
    done, unchanged, to_do = (
        sum(each.outcome == outcome for each in found) for outcome in (DONE, UNCHANGED, TO_DO)
    )
    return msgspec.structs.replace(
        batch,
        done=batch.done + done,
        unchanged=batch.unchanged + unchanged,
        failed=batch.failed + len(found) - done - unchanged - to_do,
    )


async def _tell(tx: Tx, batch: Batch, actor: Actor) -> None:
    """What was done to each person is in the trail; this says that it belongs together."""
    details = {
        "batch": batch.id,
        "action": str(batch.action),
        "state": str(batch.state),
        "people": batch.people,
        "done": batch.done,
        "unchanged": batch.unchanged,
        "failed": batch.failed,
    }
    event = Event("bulk_change_completed", "enterprise", batch.org_id, details)
    await audit.append(tx, [event], actor)
