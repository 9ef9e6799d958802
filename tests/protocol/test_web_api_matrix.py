"""Every method × what can be wrong with a call: the right word, and nothing changed.

Generated from the registry: a method that is added is tested here by its row in `tests.protocol.methods`.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from rosterd.directory.model import Plan
from rosterd.web.methods.api import METHODS
from rosterd.web.methods.call import Method
from tests.protocol import live
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Org, Server, WebApi
from tests.protocol.methods import CALLS, PAGED, UNKNOWN, Ids, able, ids_of, state

CLOSED = sorted(name for name in METHODS if not METHODS[name].public)
NAMING = sorted(name for name in CALLS if any("{" in value for value in CALLS[name].values()))


class Place(NamedTuple):
    """An organisation in which no call does anything, what is in it, and a token for all calls."""

    org: Org
    ids: Ids
    api: WebApi


def a_place(server: Server) -> Place:
    org = live.make_org(server)
    return Place(org, ids_of(org), able(org))


@pytest.fixture(scope="module")
def here(server: Server) -> Place:
    return a_place(server)


@pytest.fixture(scope="module")
def there(server: Server) -> Place:
    return a_place(server)


def test_the_matrix_has_a_row_for_every_method() -> None:
    assert CALLS.keys() == METHODS.keys()
    assert METHODS.keys() >= PAGED


@pytest.mark.parametrize("name", CLOSED)
def test_without_a_token_that_counts_nothing_is_said_or_done(here: Place, name: str) -> None:
    org, given = here.org, here.ids.within(CALLS[name])
    revoked = able(org)
    revoked.ok("auth.revoke")
    before = state(org)
    for token, error in (
        (None, "not_authed"),
        ("xoxp-nobody", "invalid_auth"),
        (revoked.token, "token_revoked"),
    ):
        api = WebApi(org.server.url, token, org.server.http)
        for response in (api.send(name, data=given), api.send(name, "GET", params=given)):
            assert api.said(response) == {"ok": False, "error": error}
    assert state(org) == before


@pytest.mark.parametrize("name", [name for name in CLOSED if METHODS[name].scopes])
def test_without_its_scope_a_method_says_which_it_needs(here: Place, name: str) -> None:
    org, given = here.org, here.ids.within(CALLS[name])
    api = org.web_api("identify", "emoji:read")
    before = state(org)
    response = api.send(name, data=given)
    needed = ",".join(METHODS[name].scopes)
    assert api.said(response) == {
        "ok": False,
        "error": "missing_scope",
        "needed": needed,
        "provided": "identify,emoji:read",
    }
    assert response.headers["x-accepted-oauth-scopes"] == needed
    assert response.headers["x-oauth-scopes"] == "identify,emoji:read"
    assert state(org) == before


@pytest.mark.parametrize("name", NAMING)
def test_another_organisations_ids_are_as_unknown_ones(here: Place, there: Place, name: str) -> None:
    before = state(here.org), state(there.org)
    for argument, value in CALLS[name].items():
        if "{" not in value:
            continue
        asked = here.ids.within(CALLS[name])
        theirs, nobodys = (ids.within(CALLS[name])[argument] for ids in (there.ids, UNKNOWN))
        known = here.api.call(name, **asked | {argument: theirs})
        unknown = here.api.call(name, **asked | {argument: nobodys})
        assert json.dumps(known).replace(theirs, nobodys) == json.dumps(
            unknown
        )  # some say back what was sent
        assert known["ok"] is False
        assert known["error"] not in ("internal_error", "unknown_method", "missing_scope")
    assert (state(here.org), state(there.org)) == before


@pytest.mark.parametrize("name", sorted(PAGED))
def test_a_page_that_cannot_be_is_said(here: Place, name: str) -> None:
    given = here.ids.within(CALLS[name])
    for more, error in (
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"cursor": "bm90aGluZzox"}, "invalid_cursor"),
        ({"limit": "-1"}, "invalid_limit"),
        ({"limit": "x"}, "invalid_limit"),
    ):
        assert here.api.call(name, **given | more) == {"ok": False, "error": error}


@pytest.mark.parametrize("plan", list(Plan))
def test_a_method_answers_where_its_plan_and_role_allow(make_org: MakeOrg, plan: str) -> None:
    org = make_org(plan=plan)
    ann = org.create_user("ann", "admin")
    token = able(org, of=ann)
    org.run("user", "set-role", "--user", ann, "--role", "member")
    before = org.events()
    for name in CLOSED:
        method = METHODS[name]
        if (error := refusal(method, Plan(plan))) is not None:
            assert (name, token.error(name)) == (name, error)
    assert org.events() == before


def refusal(method: Method, plan: Plan) -> str | None:
    """What a member with every scope is told before a method looks at its arguments."""
    if plan not in method.plans:
        return method.plan_error
    return method.admins_only or None
