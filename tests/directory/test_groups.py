"""Who may be a member, how many, and the events of a change."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from rosterd.directory import groups, plans
from rosterd.directory.errors import Invalid, LimitReached
from rosterd.directory.groups import Members
from rosterd.directory.model import Group, GroupId, Plan, Role, UserId
from tests.directory.people import ORG


class Person(NamedTuple):
    role: Role = Role.MEMBER
    deactivated: bool = False


ANN, BOB = UserId("U1"), UserId("U2")
SALES = Group(ORG.id, GroupId("S1"), 1, "Sales")


def test_fifteen_thousand_members_a_call_and_no_more() -> None:
    ids = [UserId(f"U{n}") for n in range(plans.MEMBERS_PER_CALL)]
    groups.check_count(ids)
    with pytest.raises(LimitReached, match="too_many_users"):
        groups.check_count([*ids, ANN])


def test_unknown_members_are_named_in_order() -> None:
    groups.check_known([ANN], {ANN: Person()})
    with pytest.raises(Invalid, match="no_such_group_members") as caught:
        groups.check_known([UserId("U9"), ANN, BOB], {ANN: Person()})
    assert caught.value.data == {"user": "U2,U9"}


@pytest.mark.parametrize(
    ("plan", "person", "may_join"),
    [
        (Plan.ENTERPRISE, Person(), True),
        (Plan.ENTERPRISE, Person(Role.ADMIN), True),
        (Plan.ENTERPRISE, Person(Role.MULTI_CHANNEL_GUEST), True),
        (Plan.ENTERPRISE, Person(Role.SINGLE_CHANNEL_GUEST), False),
        (Plan.ENTERPRISE, Person(deactivated=True), False),
        (Plan.BUSINESS_PLUS, Person(), True),
        (Plan.BUSINESS_PLUS, Person(Role.MULTI_CHANNEL_GUEST), False),
        (Plan.BUSINESS_PLUS, Person(Role.SINGLE_CHANNEL_GUEST), False),
        (Plan.BUSINESS_PLUS, Person(deactivated=True), False),
    ],
)
def test_who_may_join(plan: Plan, person: Person, may_join: bool) -> None:
    people = {ANN: person, BOB: Person(deactivated=True)}
    if may_join:
        groups.check_joiners(plan, people, [ANN])
        return
    with pytest.raises(Invalid, match="unable_to_add_deleted_or_guest_to_group") as caught:
        groups.check_joiners(plan, people, [ANN])
    assert caught.value.data == {"user": "U1"}


def test_a_user_group_holds_5000_and_an_idp_group_any_number() -> None:
    groups.check_size(Plan.BUSINESS_PLUS, 5_000)
    groups.check_size(Plan.ENTERPRISE, 1_000_000)
    with pytest.raises(LimitReached, match="group_member_max_exceeded"):
        groups.check_size(Plan.BUSINESS_PLUS, 5_001)


def test_members_are_named_once_in_the_order_of_the_request() -> None:
    wanted = Members(add=(BOB, ANN), remove=(UserId("U3"),), replace=(ANN,))
    assert wanted.named() == ("U1", "U2", "U3")


def test_a_membership_is_one_event_about_the_person() -> None:
    [event] = groups.events_of_members(SALES, "user_added_to_usergroup", [ANN])
    assert (event.entity_type, event.entity_id, event.details) == ("user", ANN, {"usergroup": "S1"})


def test_creation_and_deletion_are_updates_from_and_to_nothing() -> None:
    created, deleted = groups.event_of_group(None, SALES), groups.event_of_group(SALES, None)
    assert created.details == {"before": None, "after": "Sales"}
    assert deleted.details == {"before": "Sales", "after": None}
    assert created.action == deleted.action == "usergroup_updated"
