"""That the check after a strike would see what it looks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.chaos.check import Findings, compare, mails
from tests.chaos.journal import Circle, Events, Journal, Key, Person, Request, Story, Value

ANN = Person("ann", "ann", "t1", None, "ann@example.com", "", True)
PROMOTED = ANN._replace(title="t2", department="d2")
CREATED = Request(1, "create", {"new:1": None}, {"new:1": ANN}, (("user_created", "new:1"),))
CHANGED = Request(2, "change", {"U1": ANN}, {"U1": PROMOTED}, (("user_profile_updated", "U1"),))
JOINED = Request(
    3, "join", {("S1", "U1"): False, ("S1", "U2"): False}, {("S1", "U1"): True, ("S1", "U2"): True},
    (("user_added_to_usergroup", "U1"), ("user_added_to_usergroup", "U2")),
)  # fmt: skip
ALL_EVENTS: dict[int, Events] = {1: (("user_created", "U1"),), 2: CHANGED.events, 3: JOINED.events}


def judged(
    found: Mapping[Key, Value], events: tuple[int, ...], *doubtful: Request, acknowledged: bool = True
) -> Findings:
    """The findings where Ann's creation was acknowledged, and these requests are in doubt."""
    journal = Journal(doubtful=list(doubtful))
    if acknowledged:
        journal.acknowledge(CREATED, "U1")
    return compare(journal, dict(found), {number: ALL_EVENTS[number] for number in events})


def test_what_was_acknowledged_is_there() -> None:
    assert judged({"U1": ANN}, (1,)) == Findings([], [], [])


@pytest.mark.parametrize("found", [{}, {"U1": PROMOTED}, {"U1": ANN._replace(second="x@example.com")}])
def test_what_is_not_there_as_acknowledged_is_lost(found: Mapping[Key, Value]) -> None:
    assert len(judged(found, (1,)).lost) == 1


def test_an_acknowledged_change_without_its_events_is_lost() -> None:
    assert judged({"U1": ANN}, ()).lost == ["events of request 1: None, not (('user_created', 'U1'),)"]


@pytest.mark.parametrize(
    ("value", "events", "applied"), [(ANN, (1,), []), (PROMOTED, (1, 2), [(CHANGED, None)])]
)
def test_a_change_in_doubt_has_happened_or_not(
    value: Person, events: tuple[int, ...], applied: list[tuple[Request, str | None]]
) -> None:
    assert judged({"U1": value}, events, CHANGED) == Findings([], [], applied)


@pytest.mark.parametrize(
    ("found", "events"),
    [
        ({"U1": ANN._replace(title="t2")}, (1, 2)),  # one attribute of two
        ({"U1": PROMOTED}, (1,)),  # the change without its event
        ({"U1": ANN}, (1, 2)),  # the event without its change
        ({}, (1,)),
    ],
)
def test_a_change_in_doubt_that_has_half_happened_is_torn(
    found: Mapping[Key, Value], events: tuple[int, ...]
) -> None:
    assert len(judged(found, events, CHANGED).torn) == 1


def test_of_two_members_in_doubt_one_is_torn_and_both_or_none_are_not() -> None:
    inside: dict[Key, Value] = {"U1": ANN, ("S1", "U1"): True, ("S1", "U2"): True}
    assert judged(inside, (1, 3), JOINED).torn == []
    assert judged({"U1": ANN}, (1,), JOINED).torn == []
    assert len(judged({"U1": ANN, ("S1", "U2"): True}, (1, 3), JOINED).torn) == 1


def test_a_creation_in_doubt_is_known_by_what_it_created() -> None:
    made = judged({"U1": ANN}, (1,), CREATED, acknowledged=False)
    assert made == Findings([], [], [(CREATED, "U1")])
    assert judged({}, (), CREATED, acknowledged=False) == Findings([], [], [])
    assert len(judged({"U1": ANN}, (), CREATED, acknowledged=False).torn) == 1
    half = judged({"U1": ANN._replace(email="")}, (1,), CREATED, acknowledged=False)
    assert len(half.torn) == 2  # somebody nobody asked for; and the event of nobody


def test_what_nobody_asked_for_is_torn() -> None:
    assert judged({"U1": ANN, "S9": Circle("x", frozenset())}, (1,)).torn
    assert judged({"U1": ANN}, (1, 2)).torn == ["request 2 was never sent"]


def test_a_change_that_changes_nothing_leaves_no_event() -> None:
    same = replace(CHANGED, after={"U1": ANN})
    assert judged({"U1": ANN}, (1,), same).torn == []
    assert len(judged({"U1": ANN}, (1, 2), same).torn) == 1


@pytest.mark.parametrize(
    ("story", "came", "fine"),
    [
        (Story({"a", "b"}), [("a", "<1>", 1.0), ("b", "<1>", 9.0)], True),
        (Story({"a"}), [], False),
        (Story({"a"}), [("x", "<1>", 1.0)], False),
        (Story({"a"}), [("a", "<1>", 1.0), ("a", "<2>", 2.0)], False),
        (Story({"a"}, gone_since=5.0, was_gone=True), [], True),
        (Story({"a"}, gone_since=5.0, was_gone=True), [("a", "<1>", 4.0)], True),
        (Story({"a"}, gone_since=5.0, was_gone=True), [("a", "<1>", 9.0)], False),
        (Story({"a"}, gone_since=None, was_gone=True), [("a", "<1>", 1.0), ("a", "<2>", 9.0)], True),
    ],
)
def test_an_invitation_that_is_missing_too_many_or_too_late_is_seen(
    story: Story, came: list[tuple[str, str, float]], fine: bool
) -> None:
    assert (mails({"U1": story}, came) == []) is fine


def test_a_story_knows_since_when_somebody_is_gone() -> None:
    story = Story()
    for now, person in enumerate((ANN, ANN._replace(active=False), ANN._replace(active=False, email="x"))):
        story.add(person, float(now))
    assert story == Story({"ann@example.com", "x"}, gone_since=1.0, was_gone=True)
    story.add(ANN, 3.0)
    assert (story.gone_since, story.was_gone) == (None, True)
