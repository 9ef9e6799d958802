"""Many at once: nothing is done twice and nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest

from tests.protocol.live import Api, Org, detail, ok

T = TypeVar("T")


def at_once(calls: Iterable[Callable[[], T]]) -> list[T]:
    """The results of calls that run side by side, in their order."""
    with ThreadPoolExecutor(25) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]


def test_fifty_identical_creations_make_one_user(org: Org, api: Api) -> None:
    answers = at_once([lambda: api.post("Users", api.user_body("ann"))] * 50)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    codes = {detail(answer).partition(" ")[0] for answer in answers if answer.status_code == 409}
    assert codes <= {"email_taken", "username_taken"}
    assert ok(api.get("Users"))["totalResults"] == 2


def test_both_versions_race_for_one_username(org: Org) -> None:
    apis = [org.api("v1"), org.api("v2")]

    def create(number: int) -> int:
        body = apis[number % 2].user_body(f"x{number}", userName=("ann", "ANN")[number % 2])
        return apis[number % 2].post("Users", body).status_code

    answers = at_once([partial(create, number) for number in range(20)])
    assert Counter(answers) == {201: 1, 409: 19}


def test_addresses_with_one_local_part_give_different_usernames(api: Api) -> None:
    def create(number: int) -> str:
        mail = f"ann@d{number}.example"
        return str(api.create_user("x", userName=mail, emails=[{"value": mail}])["userName"])

    names = at_once([partial(create, number) for number in range(20)])
    assert sorted(names) == sorted(["ann", *(f"ann{number}" for number in range(2, 21))])


def test_one_group_of_a_name_is_made(api: Api) -> None:
    body = {"schemas": [api.urns.group], "displayName": "g"}
    answers = at_once([lambda: api.post("Groups", body)] * 20)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}


@pytest.mark.parametrize("joining", [True, False])
def test_parallel_changes_of_single_members_all_count(org: Org, api: Api, joining: bool) -> None:
    ids = [api.create_user(f"user{number}")["id"] for number in range(30)]
    group_id = api.create_group("g", *(() if joining else ids))["id"]

    def change(id: str) -> int:
        mark = {} if joining else {"operation": "delete"}
        body = {"schemas": [api.urns.group], "members": [{"value": id, **mark}]}
        return api.patch(f"Groups/{group_id}", body).status_code

    answers = at_once([partial(change, id) for id in ids])
    assert set(answers) <= {200, 204}
    assert sorted(api.member_ids(group_id)) == (sorted(ids) if joining else [])
    action = "user_added_to_usergroup" if joining else "user_removed_from_usergroup"
    assert org.events().count(action) == 30


def test_parallel_changes_of_one_user_all_count(api: Api) -> None:
    user_id = api.create_user("ann")["id"]
    names = ("title", "userType", "locale", "preferredLanguage", "timezone", "nickName", "displayName")

    def change(name: str) -> int:
        return api.patch(
            f"Users/{user_id}", {"schemas": [api.urns.user], name: f"x{name[:8]}".lower()}
        ).status_code

    assert set(at_once([partial(change, name) for name in names])) == {200}
    shown = api.user(user_id)
    assert {name: shown[name] for name in names} == {name: f"x{name[:8]}".lower() for name in names}


def test_put_and_patch_of_one_group_take_turns(api: Api) -> None:
    ids = [api.create_user(f"user{number}")["id"] for number in range(12)]
    first, others = ids[0], ids[1:]
    group_id = api.create_group("g")["id"]

    def put() -> int:
        body = {"schemas": [api.urns.group], "displayName": "g", "members": [{"value": first}]}
        return api.put(f"Groups/{group_id}", body).status_code

    def patch(id: str) -> int:
        body = {"schemas": [api.urns.group], "members": [{"value": id}]}
        return api.patch(f"Groups/{group_id}", body).status_code

    calls: list[Callable[[], int]] = [partial(patch, id) for id in others]
    calls.insert(6, put)
    assert set(at_once(calls)) <= {200, 204}
    members = api.member_ids(group_id)
    assert first in members
    assert set(members) <= set(ids)
    assert put() == 200
    assert api.member_ids(group_id) == [first]


def test_deactivation_and_joining_take_turns(api: Api) -> None:
    ids = [api.create_user(f"user{number}")["id"] for number in range(10)]
    group_id = api.create_group("g")["id"]

    def join(id: str) -> bool:
        body = {"schemas": [api.urns.group], "members": [{"value": id}]}
        return api.patch(f"Groups/{group_id}", body).status_code < 300

    calls: list[Callable[[], object]] = []
    for id in ids:
        calls += [partial(api.delete, f"Users/{id}"), partial(join, id)]
    joined = [id for id, result in zip(ids, at_once(calls)[1::2], strict=True) if result]
    assert sorted(api.member_ids(group_id)) == sorted(joined)
    assert [api.user(id)["active"] for id in ids] == [False] * 10
