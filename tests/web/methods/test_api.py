"""What the frame holds methods to, and what it says when something fails below."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import httpx
import pytest

from rosterd.actions import orgs, users
from rosterd.actions.doors import apps
from rosterd.app import App
from rosterd.directory.apps import SCOPES
from rosterd.directory.errors import NotFound, Taken
from rosterd.directory.model import Org, Origin, Plan, Role
from rosterd.directory.users import UserChange
from rosterd.ratelimit.table import parse
from rosterd.store.engine import Store, StoreUnavailable
from rosterd.web.methods import api
from rosterd.web.methods import users as user_methods
from rosterd.web.methods.call import ENTERPRISE, Method, MethodCall, method
from rosterd.web.reply import Reply
from rosterd.web.throttle.gate import Throttle
from rosterd.web.throttle.memory import Memory

pytestmark = pytest.mark.anyio

KEY = b"a key for tests of the frame"
URL = "https://x.example"


class Stage:
    """An application over a store with one organisation."""

    def __init__(self, store: Store, org: Org, app: App) -> None:
        self.store = store
        self.org = org
        self._numbers = itertools.count()
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)

    async def token(
        self, *scopes: str, role: Role = Role.OWNER, then: Role | None = None, on_team: bool = False
    ) -> str:
        """A token of somebody new, who has another role ``then``."""
        actor = orgs.operator(self.org.id, Origin("0"))
        async with self.store.write() as tx:
            name = f"person{next(self._numbers)}"
            change = UserChange(username=name, email=f"{name}@example.com")
            owner = await users.create(tx, self.org, change, role=role, actor=actor)
            team_id = self.org.team_id if on_team else None
            _, text = await apps.create_token(
                tx, self.org, owner, scopes, key=KEY, team_id=team_id, actor=actor
            )
            if then is not None:
                await users.set_role(tx, self.org, owner, then, actor=actor)
        return text

    async def call(self, token: str, name: str, **arguments: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self._http.post(f"/api/{name}", headers=headers, data=arguments)


@pytest.fixture(params=[Plan.ENTERPRISE])
async def stage(request: pytest.FixtureRequest, store: Store) -> Stage:
    async with store.write() as tx:
        org, _ = await orgs.create(tx, "Acme", "acme", request.param, "o@example.com", origin=Origin("0"))
    table = parse({"limits": {"tier_2": {"per_minute": 1, "burst": 2}}})
    return Stage(store, org, App(store, KEY, URL, throttle=Throttle(table, Memory())))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serves one more method for the time of the test."""

    def add(made: Method) -> None:
        monkeypatch.setitem(api.METHODS, made.name, made)

    return add


async def nothing(call: MethodCall) -> dict[str, Any]:
    return {}


def failing(error: Exception, **more: Any) -> Method:
    async def fail(call: MethodCall) -> dict[str, Any]:
        raise error

    return method("test.fail", **more)(fail)


business = pytest.mark.parametrize("stage", [Plan.BUSINESS_PLUS], indirect=True)


async def test_whoever_is_no_administrator_any_more_is_told_so(stage: Stage, serve: Any) -> None:
    serve(method("test.admin", scope="admin.users:write")(nothing))
    demoted = await stage.token("admin.users:write", role=Role.ADMIN, then=Role.MEMBER)
    assert (await stage.call(demoted, "test.admin")).json() == {"ok": False, "error": "not_an_admin"}
    assert (await stage.call(demoted, "auth.test")).json()["ok"] is True
    able = await stage.token("admin.users:write", role=Role.ADMIN)
    assert (await stage.call(able, "test.admin")).json() == {"ok": True}


async def test_a_method_may_say_that_otherwise_or_leave_it_to_its_action(stage: Stage, serve: Any) -> None:
    demoted = await stage.token("admin.users:write", role=Role.ADMIN, then=Role.MEMBER)
    serve(method("test.worded", scope="admin.users:write", admins_only="restricted_action")(nothing))
    assert (await stage.call(demoted, "test.worded")).json()["error"] == "restricted_action"
    serve(method("test.open", scope="admin.users:write", admins_only="")(nothing))
    assert (await stage.call(demoted, "test.open")).json() == {"ok": True}


async def test_an_organisations_method_takes_no_workspaces_token(stage: Stage, serve: Any) -> None:
    serve(method("test.org", scope="users:read", org_token=True)(nothing))
    on_team, whole = await stage.token("users:read", on_team=True), await stage.token("users:read")
    assert (await stage.call(on_team, "test.org")).json() == {"ok": False, "error": "not_allowed_token_type"}
    assert (await stage.call(whole, "test.org")).json() == {"ok": True}


@business
async def test_a_method_of_another_plan_is_not_enabled(stage: Stage, serve: Any) -> None:
    token = await stage.token("users:read")
    serve(method("test.plan", scope="users:read", plans=ENTERPRISE)(nothing))
    assert (await stage.call(token, "test.plan")).json() == {"ok": False, "error": "feature_not_enabled"}
    serve(method("test.word", scope="users:read", plans=ENTERPRISE, plan_error="not_an_enterprise")(nothing))
    assert (await stage.call(token, "test.word")).json() == {"ok": False, "error": "not_an_enterprise"}


async def test_one_of_several_scopes_is_enough(stage: Stage, serve: Any) -> None:
    serve(method("test.scopes", scope=("channels:read", "groups:read"))(nothing))
    assert (await stage.call(await stage.token("groups:read"), "test.scopes")).json() == {"ok": True}
    refused = await stage.call(await stage.token("users:read"), "test.scopes")
    assert refused.json()["needed"] == "channels:read,groups:read"


async def test_an_argument_may_have_buckets_of_its_own(stage: Stage, serve: Any) -> None:
    serve(method("test.post", tier=2, per="channel")(nothing))
    token = await stage.token("users:read")
    statuses = [
        (await stage.call(token, "test.post", channel=channel)).status_code
        for channel in ("C1", "C1", "C1", "C2", "C2", "C2")
    ]
    assert statuses == [200, 200, 429, 200, 200, 429]


async def test_a_rule_that_refuses_is_said_in_this_apis_words(stage: Stage, serve: Any) -> None:
    token = await stage.token("users:read")
    for error, more, word in (
        (NotFound("no_such_user", user="x"), {}, "user_not_found"),
        (NotFound("no_such_user"), {"errors": {"no_such_user": "users_not_found"}}, "users_not_found"),
        (Taken("name_taken", name="x"), {}, "name_taken"),
    ):
        serve(failing(error, **more))
        assert (await stage.call(token, "test.fail")).json() == {"ok": False, "error": word}


async def test_what_nobody_foresaw_is_an_error_without_a_reason(
    stage: Stage, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    serve(failing(RuntimeError("secret")))
    response = await stage.call(await stage.token("users:read"), "test.fail")
    assert (response.status_code, response.json()) == (500, {"ok": False, "error": "internal_error"})
    assert [record.exc_info is not None for record in caplog.records if record.levelno == logging.ERROR] == [
        True
    ]


async def test_a_store_that_is_away_asks_to_come_again(stage: Stage, serve: Any) -> None:
    serve(failing(StoreUnavailable("locked")))
    response = await stage.call(await stage.token("users:read"), "test.fail")
    assert (response.status_code, response.json()) == (503, {"ok": False, "error": "service_unavailable"})
    assert response.headers["retry-after"] == "1"


async def test_a_method_may_answer_in_another_media_type(stage: Stage, serve: Any) -> None:
    async def answer(call: MethodCall) -> Reply:
        return Reply(200, b"bytes", media=b"application/gzip")

    serve(method("test.file", scope="users:read")(answer))
    response = await stage.call(await stage.token("users:read"), "test.file")
    assert (response.content, response.headers["content-type"]) == (b"bytes", "application/gzip")
    assert response.headers["x-oauth-scopes"] == "users:read"


@business
async def test_who_wants_everybody_of_many_has_to_say_how_many(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await stage.token("users:read")
    monkeypatch.setattr(user_methods, "WHOLE", 2)
    assert len((await stage.call(token, "users.list")).json()["members"]) == 2
    await stage.token("users:read")
    assert (await stage.call(token, "users.list")).json() == {"ok": False, "error": "limit_required"}


async def test_every_method_says_what_its_page_says() -> None:
    """Slack's pages: the scopes and the tier of each."""
    found = {each.name: (each.limit, " ".join(each.scopes)) for each in api.METHODS.values()}
    for name, told in {
        "api.test": ("tier_4", ""),
        "auth.revoke": ("tier_3", ""),
        "auth.test": ("auth_test", ""),
        "team.info": ("tier_3", "team:read"),
        "team.profile.get": ("tier_3", "users.profile:read"),
        "users.conversations": ("tier_3", "channels:read groups:read im:read mpim:read"),
        "users.info": ("tier_4", "users:read"),
        "users.list": ("tier_2", "users:read"),
        "users.lookupByEmail": ("tier_3", "users:read.email"),
        "users.profile.get": ("tier_4", "users.profile:read"),
    }.items():
        assert (name, found[name]) == (name, told)
    assert {each.limit for each in api.METHODS.values()} <= parse({}).limits.keys()


async def test_whoever_consents_is_told_what_every_scope_means() -> None:
    asked = {scope for each in api.METHODS.values() for scope in each.scopes}
    assert set(SCOPES) == asked | {"admin", "auditlogs:read"}
