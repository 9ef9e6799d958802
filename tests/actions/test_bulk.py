"""Many people changed at once: what the preview says is what is done, once, and can be taken back."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from rosterd.actions import bulk, connections, erasure, users, workspaces
from rosterd.actions.upkeep import indexing, sealing
from rosterd.delivery.attempts import Claim, End
from rosterd.delivery.jobs import Job
from rosterd.directory import bulk as rules
from rosterd.directory.bulk import DONE, UNCHANGED, Action, Arguments, Batch, Standing, State, word
from rosterd.directory.model import Actor, GroupWorkspace, Plan, Role, TeamId, UserId
from rosterd.directory.users import UserChange
from rosterd.store import batches, outbox
from rosterd.store import users as store_users
from rosterd.store.belonging import places
from rosterd.store.belonging.places import WORKSPACE
from rosterd.store.engine import Store, Tx
from rosterd.store.records import audit
from tests.actions.acme import ORIGIN, Acme, acme
from tests.actions.acting import details_of, dump, found_house, refused

pytestmark = pytest.mark.anyio

NONE = Arguments()
GONE = Standing(Role.MEMBER, deactivated=True)
HERE = Standing(Role.MEMBER)


class Desk:
    """Bulk changes in an organisation, each in a transaction of its own."""

    def __init__(self, house: Acme, actor: Actor | None = None) -> None:
        self.house = house
        self.actor = actor or house.owner

    async def draft(self, action: Action, people: Sequence[UserId], arguments: Arguments = NONE) -> Batch:
        async with self.house.store.write() as tx:
            return await bulk.draft(tx, self.house.org, action, arguments, people, actor=self.actor)

    async def confirm(self, batch: Batch, typed: str) -> Batch:
        async with self.house.store.write() as tx:
            return await bulk.confirm(tx, self.house.org, batch.id, typed, actor=self.actor)

    async def undo(self, batch: Batch) -> Batch:
        async with self.house.store.write() as tx:
            return await bulk.undo(tx, self.house.org, batch.id, actor=self.actor)

    async def cancel(self, batch: Batch) -> Batch:
        async with self.house.store.write() as tx:
            return await bulk.cancel(tx, self.house.org, batch.id, actor=self.actor)

    async def batch(self, batch: Batch) -> Batch:
        async with self.house.store.read() as tx:
            found = await batches.find(tx, self.house.org.id, batch.id)
        assert found is not None
        return found

    async def outcomes(self, batch: Batch) -> dict[UserId, str]:
        async with self.house.store.scan() as tx:
            found = await batches.people(tx, self.house.org.id, batch.id, limit=1_000)
        return {each.user_id: each.outcome for each in found}

    async def standings(self, batch: Batch) -> dict[UserId, tuple[Standing | None, Standing | None]]:
        async with self.house.store.scan() as tx:
            found = await batches.people(tx, self.house.org.id, batch.id, limit=1_000)
        return {each.user_id: (each.before, each.after) for each in found}

    async def work(self, slices: int = 1_000) -> int:
        """Do so many slices of what waits in the outbox. How many there were."""
        for done in range(slices):
            async with self.house.store.write() as tx:
                claimed = await outbox.claim(tx, self.house.org.id, "bulk", 1, tx.now)
                if not claimed:
                    return done
                [entry] = claimed
                left = await bulk.work(tx, self.house.org.id, entry.arguments)
                if left is None:
                    await outbox.done(tx, entry)
                else:
                    await outbox.advance(tx, entry, left, tx.now)
        return slices

    async def gone(self, people: Sequence[UserId]) -> set[UserId]:
        async with self.house.store.read() as tx:
            found = await store_users.find_many(tx, self.house.org.id, people)
        return {each.id for each in found if each.deactivated}


@pytest.fixture
async def house(store: Store) -> Acme:
    return await acme(store)


@pytest.fixture
def desk(house: Acme) -> Desk:
    return Desk(house)


async def people(house: Acme, count: int) -> list[UserId]:
    async with house.store.write() as tx:
        return [await house.person(tx, f"p{n}") for n in range(count)]


async def set_role(house: Acme, user: UserId, role: Role) -> None:
    async with house.store.write() as tx:
        found = await users.existing(tx, house.org.id, user)
        await users.set_role(tx, house.org, found, role, actor=house.owner)


async def update(house: Acme, user: UserId, **fields: object) -> None:
    async with house.store.write() as tx:
        found = await users.existing(tx, house.org.id, user)
        await users.update(tx, house.org, found, UserChange(**fields), actor=house.owner)  # type: ignore[arg-type]


async def admin(house: Acme, name: str = "amy") -> Actor:
    async with house.store.write() as tx:
        id = await house.person(tx, name, role=Role.ADMIN, claimed=True)
    return Actor(house.org.id, id, Role.ADMIN, ORIGIN)


async def test_a_draft_changes_nobody_and_says_what_would_happen(house: Acme, desk: Desk) -> None:
    ann, bob, cat = await people(house, 3)
    await update(house, bob, active=False)
    before = await dump(house.store)
    batch = await desk.draft(Action.DEACTIVATE, [cat, ann, bob, house.owner.user_id, ann])
    assert (batch.state, batch.people, batch.looked, batch.deactivations) == (State.DRAFT, 4, 4, 2)
    assert (batch.unchanged, batch.failed, batch.left) == (1, 1, 2)
    assert await desk.outcomes(batch) == {
        ann: "", bob: UNCHANGED, cat: "", house.owner.user_id: "cannot_change_yourself"
    }  # fmt: skip
    assert (await desk.standings(batch))[ann] == (HERE, GONE)
    after = await dump(house.store)
    assert {name for name in after if after[name] != before[name]} == {"batches", "batch_people"}


async def test_what_is_confirmed_is_done_once_and_told(house: Acme, desk: Desk) -> None:
    ann, bob, cat = await people(house, 3)
    await update(house, cat, active=False)
    draft = await desk.draft(Action.DEACTIVATE, [ann, bob, cat])
    batch = await desk.confirm(draft, "deactivate")
    assert (batch.state, batch.done, batch.unchanged, batch.failed) == (State.ENDED, 2, 1, 0)
    assert await desk.batch(batch) == batch
    assert await desk.gone([ann, bob, cat]) == {ann, bob, cat}
    assert await desk.outcomes(batch) == {ann: DONE, bob: DONE, cat: UNCHANGED}
    async with house.store.read() as tx:
        assert (await house.actions(tx, ann))[-1] == "user_deactivated"
        [told] = await audit.page(tx, house.org.id, entity=house.org.id, limit=1)
    assert (told.action, details_of(told)) == (
        "bulk_change_completed",
        {
            "batch": batch.id, "action": "deactivate", "state": "ended",
            "people": 3, "done": 2, "unchanged": 1, "failed": 0,
        },
    )  # fmt: skip
    async with refused(house.store, "already_running"):
        await desk.confirm(draft, "deactivate")


async def test_whoever_needs_nothing_in_the_preview_is_not_touched_later(house: Acme, desk: Desk) -> None:
    ann, bob = await people(house, 2)
    await update(house, bob, active=False)
    draft = await desk.draft(Action.DEACTIVATE, [ann, bob])
    await update(house, bob, active=True)
    await desk.confirm(draft, "deactivate")
    assert await desk.gone([ann, bob]) == {ann}


async def test_many_are_looked_at_and_changed_in_slices(house: Acme, desk: Desk) -> None:
    many = await people(house, 50)
    batch = await desk.draft(Action.DEACTIVATE, many)
    assert (batch.state, batch.looked) == (State.DRAFTING, bulk.AT_ONCE)
    async with refused(house.store, "preview_not_ready"):
        await desk.confirm(batch, "50")
    assert await desk.work() == 4
    batch = await desk.batch(batch)
    assert (batch.state, batch.looked, batch.deactivations) == (State.DRAFT, 50, 50)
    async with refused(house.store, "too_many_deactivations"):
        await desk.confirm(batch, "deactivate")
    async with refused(house.store, "confirmation_mismatch"):
        await desk.confirm(batch, "49")
    batch = await desk.confirm(batch, "50")
    assert (batch.state, batch.done) == (State.RUNNING, bulk.AT_ONCE)
    assert await desk.work() == 4
    batch = await desk.batch(batch)
    assert (batch.state, batch.done, batch.left) == (State.ENDED, 50, 0)
    assert await desk.gone(many) == set(many)


async def count(house: Acme) -> None:
    """Let the index have everybody as they are now."""
    while await sealing.seal_some(house.store, house.org.id):
        pass
    while await indexing.advance(house.store, house.org.id):
        pass


async def test_the_limit_is_a_twentieth_of_those_who_are_there(house: Acme, desk: Desk) -> None:
    many = await people(house, 121)  # and the owner
    early = await desk.draft(Action.DEACTIVATE, many[:6])
    async with refused(house.store, "too_many_deactivations"):  # nobody has counted them yet
        await desk.confirm(early, "deactivate")
    await count(house)
    six = await desk.draft(Action.DEACTIVATE, many[:6])
    assert (await desk.confirm(six, "deactivate")).done == 6
    await count(house)
    seven = await desk.draft(Action.DEACTIVATE, many[-7:])
    async with refused(house.store, "too_many_deactivations"):  # of 116 who are left
        await desk.confirm(seven, "deactivate")
    assert (await desk.confirm(seven, "7")).done == 7


async def test_a_slice_that_is_broken_off_is_repeated_and_nobody_is_changed_twice(
    house: Acme, desk: Desk
) -> None:
    many = await people(house, 40)
    batch = await desk.draft(Action.DEACTIVATE, many)
    await desk.work()
    await desk.confirm(batch, "40")

    async def broken(tx: Tx, org: object, arguments: dict[str, object]) -> dict[str, object] | None:
        await bulk.work(tx, house.org.id, arguments)
        raise RuntimeError("the process is killed")

    async with house.store.write() as tx:
        [entry] = await outbox.claim(tx, house.org.id, "bulk", 1, tx.now)
    with pytest.raises(RuntimeError):
        await Job(house.store, broken)(Claim(entry))
    assert (await desk.batch(batch)).done == bulk.AT_ONCE
    assert await Job(house.store, bulk.work)(Claim(entry)) is End.NOTED
    assert (await desk.batch(batch)).done == 40
    async with house.store.read() as tx:
        for each in many:
            assert (await house.actions(tx, each)).count("user_deactivated") == 1


async def test_what_is_cancelled_stays_half_done(house: Acme, desk: Desk) -> None:
    many = await people(house, 40)
    batch = await desk.draft(Action.DEACTIVATE, many)
    await desk.work()
    await desk.confirm(batch, "40")
    await desk.work(1)
    batch = await desk.cancel(batch)
    assert (batch.state, batch.done) == (State.CANCELLED, bulk.AT_ONCE + bulk.SLICE)
    assert await desk.work() == 1  # which sees that nobody wants it any more
    assert len(await desk.gone(many)) == bulk.AT_ONCE + bulk.SLICE
    async with refused(house.store, "already_over"):
        await desk.cancel(batch)
    async with refused(house.store, "batch_cancelled"):
        await desk.confirm(batch, "40")
    back = await desk.undo(batch)
    assert back.people == bulk.AT_ONCE + bulk.SLICE


async def test_an_actor_who_loses_their_role_changes_nobody_any_more(house: Acme) -> None:
    many = await people(house, 40)
    acting = await admin(house)
    desk = Desk(house, acting)
    batch = await desk.draft(Action.DEACTIVATE, many)
    await desk.work()
    await desk.confirm(batch, "40")
    await desk.work(1)
    await set_role(house, acting.user_id, Role.MEMBER)
    await desk.work()
    batch = await desk.batch(batch)
    done = bulk.AT_ONCE + bulk.SLICE
    assert (batch.state, batch.done, batch.failed) == (State.ENDED, done, 40 - done)
    assert list((await desk.outcomes(batch)).values())[done:] == ["permission_denied"] * (40 - done)
    assert len(await desk.gone(many)) == done


async def test_an_actor_is_asked_for_the_role_that_they_have_then(house: Acme) -> None:
    ann, bob = await people(house, 2)
    acting = await admin(house)
    await set_role(house, acting.user_id, Role.OWNER)
    await set_role(house, bob, Role.OWNER)
    was_owner = Desk(house, msgspec.structs.replace(acting, role=Role.OWNER))
    batch = await was_owner.draft(Action.DEACTIVATE, [ann, bob])
    assert batch.deactivations == 2
    await set_role(house, acting.user_id, Role.ADMIN)
    batch = await was_owner.confirm(batch, "deactivate")
    assert await was_owner.outcomes(batch) == {ann: DONE, bob: "cannot_modify_owner"}
    assert await was_owner.gone([ann, bob]) == {ann}


async def test_who_may_draft_confirm_cancel_and_undo(house: Acme, desk: Desk) -> None:
    ann, bob = await people(house, 2)
    member = Desk(house, Actor(house.org.id, ann, Role.MEMBER, ORIGIN))
    other = Desk(house, await admin(house))
    async with refused(house.store, "permission_denied"):
        await member.draft(Action.DEACTIVATE, [bob])
    batch = await desk.draft(Action.DEACTIVATE, [bob])
    for do in (member.confirm(batch, "deactivate"), member.cancel(batch), member.undo(batch)):
        async with refused(house.store, "permission_denied"):
            await do
    async with refused(house.store, "not_your_draft"):
        await other.confirm(batch, "deactivate")
    await desk.confirm(batch, "deactivate")
    back = await other.undo(batch)  # whoever did it may be away
    assert (await other.confirm(back, "undo")).done == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ((Action.DEACTIVATE, [], NONE), "nobody_chosen"),
        ((Action.DEACTIVATE, ["W0NOBODY"], NONE), "no_such_user"),
        ((Action.DEACTIVATE, ["\0"], NONE), "no_such_user"),
        ((Action.DEACTIVATE, [f"W{n}" for n in range(10_001)], NONE), "too_many_users"),
        ((Action.SET_ROLE, ["W1"], NONE), "invalid_role"),
        ((Action.SET_EXPIRY, ["W1"], Arguments(expires=5)), "invalid_expiration"),
        ((Action.ADD_TO_WORKSPACE, ["W1"], Arguments(team_id=TeamId("T0NOWHERE"))), "no_such_team"),
        ((Action.ADD_TO_WORKSPACE, ["W1"], Arguments(team_id=TeamId("\0"))), "no_such_team"),
    ],
)
async def test_what_is_no_draft(
    house: Acme, desk: Desk, given: tuple[Action, list[UserId], Arguments], code: str
) -> None:
    async with refused(house.store, code):
        await desk.draft(*given)


async def test_somebody_of_another_organisation_is_nobody_here(house: Acme, desk: Desk) -> None:
    elsewhere = await found_house(house.store, domain="other")
    async with refused(house.store, "no_such_user"):
        await desk.draft(Action.DEACTIVATE, [elsewhere.owner.id])
    batch = await desk.draft(Action.DEACTIVATE, await people(house, 1))
    for do in (bulk.undo, bulk.cancel):
        async with refused(house.store, "no_such_batch"), house.store.write() as tx:
            await do(tx, elsewhere.org, batch.id, actor=elsewhere.actor)
    for id in (batch.id, "\0"):
        async with refused(house.store, "no_such_batch"), house.store.write() as tx:
            await bulk.confirm(tx, elsewhere.org, id, "deactivate", actor=elsewhere.actor)


async def test_a_draft_is_too_old_after_an_hour(house: Acme, desk: Desk) -> None:
    batch = await desk.draft(Action.DEACTIVATE, await people(house, 1))
    old = msgspec.structs.replace(batch, created=batch.created - 3_601 * 1_000_000)
    async with house.store.write() as tx:
        await batches.update(tx, old)
    async with refused(house.store, "batch_expired"):
        await desk.confirm(batch, "deactivate")


async def test_what_nobody_confirmed_is_forgotten_after_a_day(house: Acme, desk: Desk) -> None:
    some = await people(house, 30)
    kept, old = [await desk.draft(Action.DEACTIVATE, some) for _ in range(2)]
    done = await desk.draft(Action.DEACTIVATE, some[:1])
    await desk.confirm(done, "deactivate")
    async with house.store.write() as tx:
        for each in (old, await desk.batch(done)):
            await batches.update(tx, msgspec.structs.replace(each, created=each.created - 86_401 * 1_000_000))
        assert await bulk.has_stale(tx, house.org.id)
        assert await bulk.prune(tx, house.org.id, 20) == 20
        assert await bulk.prune(tx, house.org.id, 20) == 11
        assert await bulk.prune(tx, house.org.id, 20) == 0
        assert not await bulk.has_stale(tx, house.org.id)
        assert [each.id for each in await batches.page(tx, house.org.id)] == [done.id, kept.id]
    await desk.work()  # the preview of what is forgotten troubles nobody
    assert (await desk.batch(kept)).state is State.DRAFT


async def test_a_draft_that_was_put_away_is_forgotten_as_others_are(house: Acme, desk: Desk) -> None:
    batch = await desk.draft(Action.DEACTIVATE, await people(house, 3))
    async with house.store.write() as tx:
        away = await bulk.cancel(tx, house.org, batch.id, actor=house.owner)
        await batches.update(tx, msgspec.structs.replace(away, created=away.created - 86_401 * 1_000_000))
        assert await bulk.prune(tx, house.org.id) == 4
        assert await batches.page(tx, house.org.id) == []


async def test_nobody_drafts_for_everybody_again_and_again(
    house: Acme, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_DRAFTED", 5)
    some = await people(house, 3)
    batch = await desk.draft(Action.DEACTIVATE, some)
    async with house.store.write() as tx:
        await bulk.cancel(tx, house.org, batch.id, actor=house.owner)
    async with refused(house.store, "too_many_drafts"):
        await desk.draft(Action.DEACTIVATE, some)
    await desk.draft(Action.DEACTIVATE, some[:2])


async def every_kind(house: Acme, team: TeamId) -> dict[str, UserId]:
    """Somebody of each kind that rules tell apart."""
    kinds: dict[str, UserId] = {"primary owner": house.owner.user_id}
    async with house.store.write() as tx:
        for role in (Role.OWNER, Role.ADMIN, Role.MEMBER, Role.BOT):
            for claimed in (False, True):
                name = f"{role}{int(claimed)}"
                kinds[name] = await house.person(tx, name, role=role, claimed=claimed)
        for name in (
            "gone",
            "gone_guest",
            "guest",
            "single",
            "expiring",
            "runs",
            "in_team",
            "erased",
        ):
            kinds[name] = await house.person(tx, name)
        for name in ("runs", "in_team", "gone", "admin1"):
            await workspaces.assign(tx, house.org, team, kinds[name], actor=house.owner)
        await workspaces.set_role(tx, house.org, team, kinds["runs"], Role.ADMIN, actor=house.owner)
    for name in ("guest", "expiring", "gone_guest"):
        await update(house, kinds[name], guest=True)
    await update(house, kinds["expiring"], guest_expires=4_000_000_000)
    await update(house, kinds["gone"], active=False)
    await update(house, kinds["gone_guest"], active=False)
    await set_role(house, kinds["single"], Role.SINGLE_CHANNEL_GUEST)
    async with house.store.write() as tx:
        await erasure.erase(
            tx, house.org, await users.existing(tx, house.org.id, kinds["erased"]), actor=house.owner
        )
    return kinds


async def state_of(house: Acme, everybody: Sequence[UserId]) -> dict[UserId, tuple[object, ...]]:
    """Role, status, expiry and workspaces of each."""
    async with house.store.read() as tx:
        found = await store_users.find_many(tx, house.org.id, everybody)
        where = {
            each.id: sorted((await places.reasons(tx, WORKSPACE, house.org.id, each.id)).items())
            for each in found
        }
    return {
        each.id: (
            each.role, each.deactivated, each.guest_expires,
            [(place, sorted(why.source_id for why in reasons)) for place, reasons in where[each.id]],
        )
        for each in found
    }  # fmt: skip


def cases(team: TeamId) -> list[tuple[Action, Arguments]]:
    given: dict[Action, list[Arguments]] = {
        Action.SET_ROLE: [Arguments(role=role) for role in (Role.MEMBER, Role.ADMIN, Role.OWNER)],
        Action.SET_EXPIRY: [Arguments(expires=4_100_000_000)],
        Action.ADD_TO_WORKSPACE: [Arguments(team_id=team)],
        Action.REMOVE_FROM_WORKSPACE: [Arguments(team_id=team)],
    }
    return [
        (action, each) for action in Action if action is not Action.UNDO for each in given.get(action, [NONE])
    ]


@pytest.mark.parametrize("n", range(len(cases(TeamId("")))))
async def test_each_action_does_what_its_preview_says_and_is_taken_back(house: Acme, n: int) -> None:
    async with house.store.write() as tx:
        team = await house.workspace(tx, "sales")
    kinds = await every_kind(house, team)
    everybody = list(kinds.values())
    action, arguments = cases(team)[n]
    for acting in (house.owner, Actor(house.org.id, kinds["admin1"], Role.ADMIN, ORIGIN)):
        desk = Desk(house, acting)
        before = await state_of(house, everybody)
        draft = await desk.draft(action, everybody, arguments)
        await desk.work()
        draft = await desk.batch(draft)
        promised, standings = await desk.outcomes(draft), await desk.standings(draft)
        assert await state_of(house, everybody) == before
        if not draft.left:
            continue
        typed = str(draft.deactivations) if draft.deactivations > 5 else word(draft)
        batch = await desk.batch(await desk.confirm(draft, typed))
        await desk.work()
        batch = await desk.batch(batch)
        assert await desk.outcomes(batch) == {id: what or DONE for id, what in promised.items()}
        assert await desk.standings(batch) == standings
        changed = await state_of(house, everybody)
        if action is Action.RESEND_INVITATION:
            assert changed == before
            async with refused(house.store, "not_undoable"):
                await desk.undo(batch)
            continue
        touched = {id for id in everybody if changed[id] != before[id]}
        assert touched == {id for id, what in promised.items() if not what}
        await take_back(desk, batch)
        left = {id for id in everybody if (await state_of(house, everybody))[id] != before[id]}
        lost = {kinds["single"]} if action is Action.MAKE_MEMBER else set()
        assert left == lost
        if lost:  # so that the next actor begins where the first did
            await set_role(house, kinds["single"], Role.SINGLE_CHANNEL_GUEST)


async def take_back(desk: Desk, batch: Batch) -> None:
    back = await desk.undo(batch)
    await desk.work()
    back = await desk.batch(back)
    assert back.left == back.people - back.failed
    typed = str(back.deactivations) if back.deactivations > 5 else "undo"
    await desk.confirm(back, typed)
    await desk.work()
    back = await desk.batch(back)
    assert (back.state, back.unchanged) == (State.ENDED, 0)


async def test_who_has_changed_again_is_let_be(house: Acme, desk: Desk) -> None:
    ann, bob, cat = await people(house, 3)
    batch = await desk.confirm(await desk.draft(Action.DEACTIVATE, [ann, bob, cat]), "deactivate")
    await update(house, bob, active=True)
    back = await desk.undo(batch)
    assert await desk.outcomes(back) == {ann: "", bob: "changed_meanwhile", cat: ""}
    await update(house, cat, active=True)
    back = await desk.confirm(back, "undo")
    assert await desk.outcomes(back) == {ann: DONE, bob: "changed_meanwhile", cat: "changed_meanwhile"}
    assert await desk.gone([ann, bob, cat]) == set()


async def test_a_batch_is_taken_back_once(house: Acme, desk: Desk) -> None:
    [ann] = await people(house, 1)
    batch = await desk.confirm(await desk.draft(Action.DEACTIVATE, [ann]), "deactivate")
    drafts = [await desk.undo(batch) for _ in range(3)]
    await desk.cancel(drafts[0])
    await desk.confirm(drafts[1], "undo")
    async with refused(house.store, "already_undone"):
        await desk.confirm(drafts[2], "undo")
    async with refused(house.store, "already_undone"):
        await desk.undo(batch)
    again = await desk.undo(drafts[1])  # and what was taken back can be done again
    assert again.deactivations == 1
    await desk.confirm(again, "undo")
    assert await desk.gone([ann]) == {ann}


async def test_to_take_back_many_reactivations_is_to_deactivate_many(house: Acme, desk: Desk) -> None:
    some = await people(house, 7)
    await desk.confirm(await desk.draft(Action.DEACTIVATE, some), "7")
    batch = await desk.confirm(await desk.draft(Action.REACTIVATE, some), "reactivate")
    back = await desk.undo(batch)
    async with refused(house.store, "too_many_deactivations"):
        await desk.confirm(back, "undo")
    assert (await desk.confirm(back, "7")).done == 7


async def test_whoever_comes_back_is_where_they_were(house: Acme, desk: Desk) -> None:
    ann, bob = await people(house, 2)
    async with house.store.write() as tx:
        team = await house.workspace(tx, "sales")
        channel = await house.channel(tx, "deals", team)
        await workspaces.assign(tx, house.org, team, ann, channel_ids=[channel], actor=house.owner)
        group = await house.group(tx, "crew", [bob])
    async with house.store.read() as tx:
        before = [await house.where(tx, each) for each in (ann, bob)]
    batch = await desk.confirm(await desk.draft(Action.DEACTIVATE, [ann, bob]), "deactivate")
    await desk.confirm(await desk.undo(batch), "undo")
    async with house.store.read() as tx:
        assert [await house.where(tx, each) for each in (ann, bob)] == before
        assert [each.id for each in (await store_users.groups_of(tx, house.org.id, [bob]))[bob]] == [group]


async def test_a_role_in_a_workspace_comes_back_with_who_had_it(house: Acme, desk: Desk) -> None:
    [ann] = await people(house, 1)
    async with house.store.write() as tx:
        team = await house.workspace(tx, "sales")
        await workspaces.assign(tx, house.org, team, ann, actor=house.owner)
        await workspaces.set_role(tx, house.org, team, ann, Role.ADMIN, actor=house.owner)
    batch = await desk.draft(Action.REMOVE_FROM_WORKSPACE, [ann], Arguments(team_id=team))
    batch = await desk.confirm(batch, "remove")
    await desk.confirm(await desk.undo(batch), "undo")
    async with house.store.read() as tx:
        assert await workspaces.role_in(tx, house.org, team, ann) is Role.ADMIN


async def test_a_group_that_requires_a_workspace_keeps_people_there(house: Acme, desk: Desk) -> None:
    ann, bob = await people(house, 2)
    async with house.store.write() as tx:
        team = await house.workspace(tx, "sales")
        group = await house.group(tx, "crew", [ann])
        await connections.connect_workspaces(
            tx, house.org, group, [GroupWorkspace(team, True, True)], actor=house.owner
        )
        await workspaces.assign(tx, house.org, team, bob, actor=house.owner)
    batch = await desk.draft(Action.REMOVE_FROM_WORKSPACE, [ann, bob], Arguments(team_id=team))
    assert await desk.outcomes(batch) == {ann: "required_by_group", bob: ""}
    added = await desk.draft(Action.ADD_TO_WORKSPACE, [ann, bob], Arguments(team_id=team))
    assert await desk.outcomes(added) == {ann: UNCHANGED, bob: UNCHANGED}
    async with refused(house.store, "nothing_to_do"):
        await desk.confirm(added, "add")


async def test_an_invitation_is_sent_again_to_those_who_wait_for_one(house: Acme, desk: Desk) -> None:
    ann, bob = await people(house, 2)
    amy = (await admin(house)).user_id
    await update(house, bob, active=False)
    batch = await desk.draft(Action.RESEND_INVITATION, [ann, bob, amy])
    assert await desk.outcomes(batch) == {ann: "", bob: "account_inactive", amy: UNCHANGED}
    async with house.store.write() as tx:
        await outbox.remove_of(tx, house.org.id, ann)
    await desk.confirm(batch, "resend")
    async with house.store.read() as tx:
        waiting = await outbox.page(tx, house.org.id, dead=False)
    assert [each.kind for each in waiting if each.subject_id == ann] == ["invitation"]


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (Action.MAKE_GUEST, "permission_denied"),
        (Action.MAKE_MEMBER, "permission_denied"),
        (Action.ADD_TO_WORKSPACE, "feature_not_enabled"),
        (Action.REMOVE_FROM_WORKSPACE, "feature_not_enabled"),
    ],
)
async def test_what_a_plan_has_not_is_no_draft_on_it(store: Store, action: Action, code: str) -> None:
    house = await acme(store, Plan.BUSINESS_PLUS)
    async with refused(store, code):
        await Desk(house).draft(action, [house.owner.user_id], Arguments(team_id=house.first))


async def test_nothing_personal_is_kept(house: Acme, desk: Desk) -> None:
    [ann] = await people(house, 1)
    await desk.confirm(await desk.draft(Action.DEACTIVATE, [ann]), "deactivate")
    rows = await dump(house.store)
    kept = str([*rows["batches"], *rows["batch_people"]])
    assert not [word for word in ("p0", "acme.example", "pytest", "127.0.0.1") if word in kept]
