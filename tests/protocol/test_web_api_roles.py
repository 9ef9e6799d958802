"""Every method that names a person × actor × target × plan: nobody changes whoever has more permissions.

Generated from the registry by the rows of `tests.protocol.methods`, as the matrix of SCIM's ways to a person
is from its routes (`test_twin_paths`): whichever way leads to the same person, the same rule holds there.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from rosterd.web.methods.api import METHODS
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Org
from tests.protocol.methods import CALLS, able, ids_of, state

RANKS = {
    "primary_owner": 4,
    "owner": 3,
    "admin": 2,
    "member": 1,
    "multi_channel_guest": 0,
}
"""Role → permissions, the most first (Slack, *Types of roles*)."""

ADMINISTERS = RANKS["admin"]

# Whoever is in a channel may invite colleagues to it and take them out: that is no power over them.
ABOUT_PEOPLE = sorted(
    name
    for name, given in CALLS.items()
    if "{user}" in given.values() and not name.startswith(("conversations.", "chat."))
)


def snapshot(org: Org, user: str) -> tuple[Any, Any]:
    """What can be seen of somebody: their resource, and where they are and why."""
    return org.api("v2").user(user), json.loads(org.run("explain", user, "--json"))


@pytest.mark.parametrize("plan", ["business_plus", "enterprise"])
@pytest.mark.parametrize("actor", [role for role in RANKS if role != "primary_owner"])
def test_no_method_reaches_whoever_has_more_permissions(make_org: MakeOrg, plan: str, actor: str) -> None:
    if plan != "enterprise" and actor == "multi_channel_guest":
        pytest.skip("guests are for Enterprise")
    org = make_org(plan=plan)
    ids = ids_of(org)
    acting = org.create_user("actor", "admin" if RANKS[actor] < ADMINISTERS else actor)
    api = able(org, of=acting)
    if RANKS[actor] < ADMINISTERS:  # who is no administrator was one when the token was made
        org.run("user", "set-role", "--user", acting, "--role", actor)
    above = {"primary_owner": org.owner_id} | {
        role: org.create_user(f"a-{role}"[:21], role)
        for role in RANKS
        if role != "primary_owner" and is_protected(actor, role)
        if plan == "enterprise" or role != "multi_channel_guest"
    }
    before = {target: snapshot(org, target) for target in above.values()}
    for target in above.values():
        for name in ABOUT_PEOPLE:
            given = {key: target if value == "{user}" else value for key, value in CALLS[name].items()}
            api.call(name, **ids.within(given))
    assert {target: snapshot(org, target) for target in above.values()} == before


def is_protected(actor: str, target: str) -> bool:
    """Whether an actor may not change a target. Administrators change their like, others nobody."""
    return RANKS[target] > RANKS[actor] or RANKS[actor] < ADMINISTERS


@pytest.mark.parametrize("plan", ["business_plus", "enterprise"])
@pytest.mark.parametrize("actor", RANKS)
def test_no_method_reaches_another_organisation(make_org: MakeOrg, plan: str, actor: str) -> None:
    if plan != "enterprise" and actor == "multi_channel_guest":
        pytest.skip("guests are for Enterprise")
    org, other = make_org(plan=plan), make_org(plan=plan)
    own, foreign = ids_of(org), ids_of(other)
    acting = org.owner_id
    if actor != "primary_owner":
        acting = org.create_user("actor", "admin" if RANKS[actor] < ADMINISTERS else actor)
    api = able(org, of=acting)
    if RANKS[actor] < ADMINISTERS:
        org.run("user", "set-role", "--user", acting, "--role", actor)
    before = state(other), json.loads(other.run("explain", foreign.user, "--json"))
    for name, given in CALLS.items():
        named = [argument for argument, value in given.items() if "{" in value]
        theirs, mine = foreign.within(given), own.within(given)
        for asked in (theirs, *(mine | {argument: theirs[argument]} for argument in named)):
            answer = api.call(name, **asked)
            assert f"@{other.domain}." not in json.dumps(answer).replace(asked.get("email", "-"), ""), name
    assert (state(other), json.loads(other.run("explain", foreign.user, "--json"))) == before


def test_methods_that_name_a_person_are_found() -> None:
    assert "admin.users.remove" in ABOUT_PEOPLE
    assert "users.info" in ABOUT_PEOPLE
    assert set(ABOUT_PEOPLE) <= METHODS.keys()
