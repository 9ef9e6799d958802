"""What has to be typed before many people are changed, and what cannot be."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rosterd.directory import bulk
from rosterd.directory.bulk import Action, Arguments, Batch, Standing, State
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import Actor, OrgId, Origin, Plan, Role, TeamId, UserId
from rosterd.directory.users import LAST_EXPIRY

ANN, BOB = UserId("W1"), UserId("W2")
NOW = 1_000_000_000


def actor(id: UserId = ANN) -> Actor:
    return Actor(OrgId("E1"), id, Role.ADMIN, Origin("r"))


def batch(action: Action = Action.DEACTIVATE, **fields: Any) -> Batch:
    plain = Batch(OrgId("E1"), "B1", NOW, ANN, action, Arguments(), State.DRAFT, people=10, looked=10)
    return msgspec.structs.replace(plain, **fields)


def refusal(check: object, *args: object) -> str:
    """The code with which a check refuses; empty: it does not."""
    try:
        check(*args)  # type: ignore[operator]
    except DirectoryError as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("deactivations", "typed", "code"),
    [
        (5, "deactivate", ""),
        (5, "  Deactivate ", ""),
        (5, "5", "confirmation_mismatch"),
        (5, "", "confirmation_mismatch"),
        (5, "yes", "confirmation_mismatch"),
        (6, "deactivate", "too_many_deactivations"),
        (6, "6", ""),
        (6, "06", "confirmation_mismatch"),
        (6, "7", "confirmation_mismatch"),
        (6, "", "confirmation_mismatch"),
        (9_876, "9,876", ""),
        (9_876, "9 876", ""),
        (9_876, "9'876", ""),
        (9_876, "9,87", "confirmation_mismatch"),
        (9_876, "\N{ARABIC-INDIC DIGIT NINE}876", "confirmation_mismatch"),
    ],
)
def test_few_need_a_word_and_many_their_number(deactivations: int, typed: str, code: str) -> None:
    assert refusal(bulk.check_typed, batch(deactivations=deactivations), typed, 5) == code


def test_what_deactivates_nobody_needs_a_word_however_many_they_are() -> None:
    for action in Action:
        each = batch(action, arguments=Arguments(role=Role.ADMIN), people=10_000)
        assert refusal(bulk.check_typed, each, bulk.word(each), 5) == ""


def test_no_two_actions_are_confirmed_by_one_word_but_for_roles() -> None:
    words = [bulk.word(batch(action, arguments=Arguments(role=Role.ADMIN))) for action in Action]
    assert len(set(words)) == len(Action)
    assert not any(word.isdigit() for word in words)


@pytest.mark.parametrize(
    ("fields", "who", "code"),
    [
        ({}, ANN, ""),
        ({}, BOB, "not_your_draft"),
        ({"state": State.DRAFTING, "looked": 3}, ANN, "preview_not_ready"),
        ({"state": State.RUNNING}, ANN, "already_running"),
        ({"state": State.ENDED}, ANN, "already_running"),
        ({"state": State.CANCELLED}, ANN, "batch_cancelled"),
        ({"created": NOW - 3_600 * 1_000_000}, ANN, ""),
        ({"created": NOW - 3_600 * 1_000_000 - 1}, ANN, "batch_expired"),
        ({"unchanged": 6, "failed": 4}, ANN, "nothing_to_do"),
    ],
)
def test_who_confirms_what_and_until_when(fields: dict[str, Any], who: UserId, code: str) -> None:
    assert refusal(bulk.check_confirmable, batch(**fields), actor(who), NOW) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"state": State.ENDED, "done": 1}, ""),
        ({"state": State.CANCELLED, "done": 1}, ""),
        ({"state": State.ENDED, "done": 0}, "not_undoable"),
        ({"state": State.RUNNING, "done": 1}, "not_undoable"),
        ({"state": State.DRAFT}, "not_undoable"),
        ({"state": State.ENDED, "done": 1, "action": Action.RESEND_INVITATION}, "not_undoable"),
        ({"state": State.ENDED, "done": 1, "action": Action.UNDO}, ""),
    ],
)
def test_what_can_be_taken_back(fields: dict[str, Any], code: str) -> None:
    assert refusal(bulk.check_undoable, batch(**fields)) == code


@pytest.mark.parametrize(
    ("action", "given", "found"),
    [
        (Action.DEACTIVATE, Arguments(Role.OWNER, 9, TeamId("T1")), Arguments()),
        (Action.SET_ROLE, Arguments(), "invalid_role"),
        (Action.SET_ROLE, Arguments(Role.PRIMARY_OWNER), "invalid_role"),
        (Action.SET_ROLE, Arguments(Role.BOT), "invalid_role"),
        (Action.SET_ROLE, Arguments(Role.MULTI_CHANNEL_GUEST), "invalid_role"),
        (Action.SET_ROLE, Arguments(Role.MEMBER), Arguments(Role.MEMBER)),
        (Action.SET_EXPIRY, Arguments(), "invalid_expiration"),
        (Action.SET_EXPIRY, Arguments(expires=1), "invalid_expiration"),
        (Action.SET_EXPIRY, Arguments(expires=LAST_EXPIRY + 1), "invalid_expiration"),
        (Action.SET_EXPIRY, Arguments(expires=2), Arguments(expires=2)),
        (Action.ADD_TO_WORKSPACE, Arguments(), "no_such_team"),
        (Action.REMOVE_FROM_WORKSPACE, Arguments(team_id=TeamId("")), "no_such_team"),
        (Action.REMOVE_FROM_WORKSPACE, Arguments(team_id=TeamId("T1")), Arguments(team_id=TeamId("T1"))),
    ],
)
def test_what_an_action_needs(action: Action, given: Arguments, found: Arguments | str) -> None:
    if isinstance(found, Arguments):
        assert bulk.arguments(action, given, 1) == found
    else:
        assert refusal(bulk.arguments, action, given, 1) == found


def test_a_plan_is_offered_what_is_not_refused_on_it() -> None:
    for plan in Plan:
        offered = bulk.on_plan(plan)
        for action in Action:
            if action is not Action.UNDO:
                assert (refusal(bulk.check_plan, plan, action) == "") == (action in offered)
        assert Action.UNDO not in offered


def test_a_batch_is_of_somebody_and_not_of_too_many() -> None:
    assert [refusal(bulk.check_people, n) for n in (0, 1, 10_000, 10_001)] == [
        "nobody_chosen", "", "", "too_many_users",
    ]  # fmt: skip


def test_what_is_left_follows_from_the_state() -> None:
    assert batch(state=State.DRAFTING, looked=4, unchanged=4).left == 6
    assert batch(unchanged=3, failed=2).left == 5
    assert batch(state=State.RUNNING, unchanged=3, failed=2, done=5).left == 0


def test_a_mail_changes_nobody_and_is_done_all_the_same() -> None:
    same = Standing(Role.MEMBER)
    assert bulk.outcome(Action.RESEND_INVITATION, same, same) == bulk.DONE
    assert bulk.outcome(Action.DEACTIVATE, same, same) == bulk.UNCHANGED
    assert bulk.outcome(Action.DEACTIVATE, same, Standing(Role.MEMBER, deactivated=True)) == bulk.DONE


def test_only_what_is_as_it_was_left_is_taken_back() -> None:
    left = Standing(Role.MEMBER, deactivated=True)
    assert refusal(bulk.check_as_left, left, left) == ""
    assert refusal(bulk.check_as_left, Standing(Role.MEMBER), left) == "changed_meanwhile"
