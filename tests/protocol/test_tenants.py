"""Organisations do not see each other: an id of another one is an id that does not exist."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Api, detail, ok


@pytest.fixture
def pair(make_org: MakeOrg, version: str) -> tuple[Api, Api]:
    """Clients of two organisations."""
    return make_org().api(version), make_org().api(version)


@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["Users", "Groups"])
def test_another_organisations_id_answers_as_an_unknown_one(
    pair: tuple[Api, Api], verb: str, path: str
) -> None:
    ours, theirs = pair
    ann = theirs.create_user("ann")
    group = theirs.create_group("g", ann["id"])
    known, unknown = (ann["id"], "W0000000000") if path == "Users" else (group["id"], "S0000000000")
    body: Any = None
    if verb in ("PUT", "PATCH"):
        user = ours.user_body("ann", active=False, title="x")
        named = {"schemas": [ours.urns.group], "displayName": "h", "members": []}
        body = user if path == "Users" else named
    answers = [ours.send(verb, f"{path}/{id}", body) for id in (known, unknown)]
    ours.check_refused(answers[0], "no_such_user" if path == "Users" else "no_such_group", 404)
    assert answers[0].content == answers[1].content
    headers = [{k: v for k, v in a.headers.items() if k not in ("date", "x-request-id")} for a in answers]
    assert headers[0] == headers[1]
    assert theirs.user(ann["id"])["active"] is True
    assert theirs.member_ids(group["id"]) == [ann["id"]]


def test_lists_and_filters_show_ones_own(pair: tuple[Api, Api]) -> None:
    ours, theirs = pair
    ann = theirs.create_user("ann")
    theirs.create_group("g", ann["id"])
    assert ok(ours.get("Users"))["totalResults"] == 1
    assert ok(ours.get("Groups"))["totalResults"] == 0
    for filter in ('userName eq "ann"', 'emails eq "ann@example.com"', f'id eq "{ann["id"]}"'):
        assert ok(ours.get("Users", filter=filter))["totalResults"] == 0
    for filter in ('displayName eq "g"', f'members eq "{ann["id"]}"'):
        assert ok(ours.get("Groups", filter=filter))["totalResults"] == 0


def test_names_and_addresses_are_free_in_each_organisation(pair: tuple[Api, Api]) -> None:
    for api in pair:
        api.create_group("g", api.create_user("ann")["id"])


def test_another_organisations_people_are_no_members_and_no_managers(pair: tuple[Api, Api]) -> None:
    ours, theirs = pair
    stranger = theirs.create_user("stranger")["id"]
    body = {"schemas": [ours.urns.group], "displayName": "g", "members": [{"value": stranger}]}
    ours.check_refused(ours.post("Groups", body), f"no_such_group_members (user={stranger})")
    group = ours.create_group("g")
    for mark in ({}, {"operation": "delete"}):
        change = {"schemas": [ours.urns.group], "members": [{"value": stranger, **mark}]}
        refused = ours.patch(f"Groups/{group['id']}", change)
        ours.check_refused(refused, f"no_such_group_members (user={stranger})")
    ann = ours.create_user("ann")["id"]
    for reference in (stranger, "stranger@example.com", "stranger"):
        manager = {"schemas": [ours.urns.user], ours.urns.enterprise: {"manager": {"managerId": reference}}}
        assert detail(ours.patch(f"Users/{ann}", manager)) == f"unknown_user (user={reference})"
