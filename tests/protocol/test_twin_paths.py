"""Every way to a person asks who they are: each verb of each route, in both versions, for each pair of roles.

What should happen is said once, in `expected`, from Slack's words alone and without a look at the program's
rules. A write that a route has and this matrix lacks fails it.

Source: Slack SCIM guide, heading *Acquire an OAuth token* (*the token generated can only take action on
accounts with the same or fewer permissions*); Slack SCIM API reference, heading *Errors*.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import pytest

from rosterd.web.scim import ROUTES
from tests.protocol import inside
from tests.protocol.live import Api, Body, Org, detail

PERMISSIONS = {"primary_owner": 4, "owner": 3, "admin": 2, "member": 1, "bot": 1, "multi_channel_guest": 0}
"""Single-channel guests have those of the other guests, and cannot be members of a group at all."""

ACTORS = ("primary_owner", "owner", "admin", "member", "multi_channel_guest")

Effect = Literal["create", "change", "end", "make a guest", "join", "leave"]

STATUSES = {
    "invalid_authentication": 401,
    "cannot_modify_owner": 403,
    "cannot_make_user_guest": 403,
    "cannot_disable_primary_owner": 403,
    "cannot_disable_bot_user_with_scim": 403,
    "email_taken": 409,
}


def expected(actor: str, target: str, effect: Effect) -> str | None:
    """The code with which this is refused; None: it is done.

    >>> expected("admin", "owner", "leave"), expected("owner", "admin", "leave")
    ('cannot_modify_owner', None)
    """
    if PERMISSIONS[actor] < PERMISSIONS["admin"]:
        return "invalid_authentication"
    if effect == "create":
        return "email_taken"  # who is there is found out, and neither adopted nor changed
    if PERMISSIONS[actor] < PERMISSIONS[target]:
        return "cannot_modify_owner"
    if effect == "end" and target == "primary_owner":
        return "cannot_disable_primary_owner"
    if effect == "end" and target == "bot":
        return "cannot_disable_bot_user_with_scim"
    if effect == "make a guest" and target not in ("member", "multi_channel_guest"):
        return "cannot_make_user_guest"
    return None


class Way(NamedTuple):
    """One request about a person. ``body`` gets the client and the person's resource."""

    name: str
    method: str
    path: tuple[str, ...]
    effect: Effect
    body: Callable[[Api, Body], Any]
    from_inside: bool = False  # the person is a member of the group beforehand
    versions: tuple[str, ...] = ("v1", "v2")


def _partial(**change: Any) -> Callable[[Api, Body], Body]:
    return lambda api, user: {"schemas": [api.urns.user], **change}


def _address(api: Api, user: Body) -> Body:
    return {"schemas": [api.urns.user], "emails": [{"value": f"{user['id']}@e.example", "primary": True}]}


def _guest(api: Api, user: Body) -> Body:
    return {"schemas": [api.urns.user], api.urns.guest: {"type": "multi"}}


def _group(**mark: str) -> Callable[[Api, Body], Body]:
    return lambda api, user: {"schemas": [api.urns.group], "members": [{"value": user["id"], **mark}]}


def _resource(*, has_members: bool) -> Callable[[Api, Body], Body]:
    def body(api: Api, user: Body) -> Body:
        members = [{"value": user["id"]}] if has_members else []
        return {"schemas": [api.urns.group], "displayName": f"new name {next(_numbers)}", "members": members}

    return body


def _message(op: str, path: str | None, value: Any = None) -> Callable[[Api, Body], Body]:
    """A PatchOp message; ``{id}`` in the path is the person's, and so is `_ID` in the value."""

    def body(api: Api, user: Body) -> Body:
        operation = {"op": op} | ({} if path is None else {"path": path.replace("{id}", user["id"])})
        said = [{"value": user["id"]}] if value is _ID else value
        return api.message(operation if value is None else operation | {"value": said})

    return body


_ID = object()
_numbers = itertools.count()
_USER, _GROUP, _V2 = ("Users", "*"), ("Groups", "*"), ("v2",)

WAYS = (
    Way("create", "POST", ("Users",), "create", lambda api, user: user | {"userName": "somebody"}),
    Way("replace", "PUT", _USER, "change", lambda api, user: user | {"title": "after"}),
    Way("replace, inactive", "PUT", _USER, "end", lambda api, user: user | {"active": False}),
    Way("change", "PATCH", _USER, "change", _partial(title="after")),
    Way("take over", "PATCH", _USER, "change", _address),
    Way("deactivate", "PATCH", _USER, "end", _partial(active=False)),
    Way("make a guest", "PATCH", _USER, "make a guest", _guest),
    Way("operation", "PATCH", _USER, "change", _message("replace", "title", "after"), versions=_V2),
    Way("no path", "PATCH", _USER, "end", _message("replace", None, {"active": False}), versions=_V2),
    Way("delete", "DELETE", _USER, "end", lambda api, user: None),
    Way("new group", "POST", ("Groups",), "join", _resource(has_members=True)),
    Way("join", "PATCH", _GROUP, "join", _group()),
    Way("join by operation", "PATCH", _GROUP, "join", _message("add", "members", _ID), versions=_V2),
    Way("replaced in", "PATCH", _GROUP, "join", _message("replace", "members", _ID), versions=_V2),
    Way("put in", "PUT", _GROUP, "join", _resource(has_members=True)),
    Way("leave", "PATCH", _GROUP, "leave", _group(operation="delete"), True),
    Way("emptied", "PATCH", _GROUP, "leave", _partial(meta={"attributes": ["members"]}), True),
    Way("removed", "PATCH", _GROUP, "leave", _message("remove", "members", _ID), True, _V2),
    Way("chosen", "PATCH", _GROUP, "leave", _message("remove", 'members[value eq "{id}"]'), True, _V2),
    Way("all removed", "PATCH", _GROUP, "leave", _message("remove", "members"), True, _V2),
    Way("replaced out", "PATCH", _GROUP, "leave", _message("replace", "members", []), True, _V2),
    Way("put out", "PUT", _GROUP, "leave", _resource(has_members=False), True),
    Way("group deleted", "DELETE", _GROUP, "leave", lambda api, user: None, True),
)


def test_no_route_writes_that_the_matrix_does_not_cover() -> None:
    written = {(route.path, method) for route in ROUTES for method in route.handlers if method != "GET"}
    assert written == {(way.path, way.method) for way in WAYS}


@pytest.mark.parametrize("actor", ACTORS)
def test_every_way_to_a_person_asks_who_they_are(org: Org, version: str, actor: str) -> None:
    owner = org.api(version)
    client = owner if actor == "primary_owner" else _api_of(org, actor, version)
    ways = [way for way in WAYS if version in way.versions]
    cast = [(way, target) for way in ways for target in PERMISSIONS if target != "primary_owner"]
    roles = [role for _, role in cast]
    ids = inside.add_people(org.server.database, org.domain, len(cast), roles)
    # Those of their creation; the owner has joined the first workspace, too.
    events = Counter({org.owner_id: 2} | dict.fromkeys(ids, 1))
    touched = set()
    for way, target, id in [
        *((way, role, id) for (way, role), id in zip(cast, ids, strict=True)),
        *((way, "primary_owner", org.owner_id) for way in ways),
    ]:
        events[id] += way.from_inside
        if _tried(owner, client, way, id, expected(actor, target, way.effect)):
            touched.add(id)
    found = Counter(record.entity_id for record in inside.events(org.server.database, org.org_id))
    assert {id: found[id] for id in events if id not in touched} == {
        id: count for id, count in events.items() if id not in touched
    }


def _api_of(org: Org, role: str, version: str) -> Api:
    """A client with a token of this role; who is no administrator had been one when it was made."""
    may_hold = PERMISSIONS[role] >= PERMISSIONS["admin"]
    user = org.create_user("actor", role if may_hold else "admin")
    client = org.api(version, org.token_for(user))
    if not may_hold:
        org.run("user", "set-role", "--user", user, "--role", role)
    return client


def _tried(owner: Api, client: Api, way: Way, id: str, refusal: str | None) -> bool:
    """Whether the request was done; done or refused as it should be, it has changed all or nothing."""
    before = owner.user(id)
    path = "/".join(way.path)
    if way.path == _GROUP:
        group = owner.create_group(f"{way.name} {id}", *([id] if way.from_inside else []))["id"]
        path = f"Groups/{group}"
    answer = client.send(way.method, path.replace("*", id), way.body(client, before))
    if refusal is None:
        assert answer.is_success, (way, answer.text)
        return True
    assert (detail(answer).partition(" ")[0], answer.status_code) == (refusal, STATUSES[refusal]), way
    after = owner.user(id)
    assert after | {"groups": []} == before | {"groups": []}, way
    assert len(after["groups"]) - len(before["groups"]) == way.from_inside, way
    return False
