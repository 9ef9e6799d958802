"""The SCIM service: every endpoint of both versions, as one table of routes.

A request authenticates before anything else about it counts. A write is one transaction, which is on
disk before the answer leaves.

Source: Slack SCIM API reference, its tables of endpoints; RFC 7644 §3.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from rosterd.actions import groups as group_actions
from rosterd.actions import users as user_actions
from rosterd.directory.errors import NotFound
from rosterd.directory.groups import GroupChange
from rosterd.directory.model import Group, GroupId, Member, Org, User, UserId
from rosterd.directory.plans import RECOMMENDED_GROUP_SIZE
from rosterd.directory.query import Condition
from rosterd.directory.users import UserChange
from rosterd.provisioning import cards, filters, groups, schemas, users
from rosterd.provisioning.places import Site
from rosterd.scim.dialect import V1, V2, Dialect
from rosterd.scim.listing import Page, envelope, parse_page
from rosterd.scim.projection import Projection, parse_projection, project
from rosterd.store import channels as channel_rows
from rosterd.store import groups as group_rows
from rosterd.store import users as user_rows
from rosterd.store.engine import Store, Tx
from rosterd.web.auth import Authenticator, Caller
from rosterd.web.errors import HttpError, reply_to
from rosterd.web.reply import Reply
from rosterd.web.request import Request
from rosterd.web.throttle.gate import Throttle

log = logging.getLogger("rosterd.web")

VERSIONS: Mapping[str, Dialect] = {"v1": V1, "v2": V2}


class Call(NamedTuple):
    """A request that may go on: for which organisation and resource, in which version."""

    service: Scim
    request: Request
    dialect: Dialect
    site: Site  # without a domain on a public route
    known_org: Org | None  # None: on a public route
    id: str  # the last segment of the path
    projection: Projection | None  # what the client wants to see of a resource

    @property
    def store(self) -> Store:
        return self.service.store

    @property
    def org(self) -> Org:
        assert self.known_org is not None
        return self.known_org

    async def caller(self, tx: Tx) -> Caller:
        """Whom a transaction that writes is for.

        The token is looked at again: a body may take its time, and whoever lost their rights while
        it arrived has lost them.
        """
        return await self.service.authenticator.caller(tx, self.request)

    def reply(self, status: int, resource: dict[str, Any]) -> Reply:
        """One resource, cut down to what the client wants."""
        headers = {"Location": resource["meta"]["location"]} if status == 201 else {}
        return Reply(status, project(resource, self.projection), headers)

    def show(self, status: int, card: user_rows.Card) -> Reply:
        """One user. The card is of our revision."""
        headers = {"Location": self.site.location(card.id, self.dialect)} if status == 201 else {}
        return Reply(status, self.filled(card), headers)

    def filled(self, card: user_rows.Card) -> Any:
        """A user's resource, as JSON or cut down to what the client wants."""
        text = cards.fill(card.text, card.groups, self.dialect, self.site, card.channels)
        if self.projection is None:
            return msgspec.Raw(text)
        return project(msgspec.json.decode(text), self.projection)

    def list(self, resources: Sequence[dict[str, Any]], total: int, page: Page) -> Reply:
        cut = [project(resource, self.projection) for resource in resources]
        return Reply(200, envelope(self.dialect, cut, total, page))


site_of = lru_cache(maxsize=1024)(Site)

Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """What one path answers. ``*`` stands for an id."""

    path: tuple[str, ...]
    handlers: Mapping[str, Handler]
    versions: frozenset[str] = frozenset(VERSIONS)
    public: bool = False


class Scim:
    """The service over one store. ``base_url`` has no slash at its end."""

    def __init__(
        self, store: Store, authenticator: Authenticator, base_url: str, throttle: Throttle | None = None
    ) -> None:
        self.store = store
        self._throttle = throttle
        self.base_url = base_url
        self.authenticator = authenticator

    def dialect_of(self, request: Request) -> Dialect:
        """In which version to answer, even if the path turns out to be wrong."""
        return VERSIONS.get(request.version, V1)

    def site(self, org: Org | None) -> Site:
        """Where things of this organisation are; without one on a public route."""
        return site_of(self.base_url, org.domain if org else "")

    def admits(self, org: Org, shape: tuple[str, ...]) -> bool:
        """Whether the limits let a GET pass at once. ``shape``: as of `Throttle.admits`."""
        return self._throttle is None or self._throttle.admits(org, shape)

    def refused(self, error: Exception, request: Request) -> Reply:
        """See `rosterd.web.endpoint.Service`."""
        return reply_to(error, self.dialect_of(request), request.id)

    async def answer(self, request: Request) -> Reply:
        """The answer to a request below ``/scim``. Raises what :mod:`rosterd.web.errors` explains."""
        if request.first != "scim":
            await self.authenticator.name(self.store, request)
            raise HttpError("bad_endpoint")  # nobody else knows the path either
        version, rest = _split(request.segments)
        route = find_route(version, rest)
        if route is not None:
            request.route = ("scim", version, *route.path)
        org = None
        if route is None or not route.public or request.method not in route.handlers:
            request.grant = await self.authenticator.grant(self.store, request)
            org = request.grant.org
        if self._throttle is None or org is None:
            return await self._routed(request, version, rest, route, org)
        async with self._throttle.admit(org, request.method, rest):
            return await self._routed(request, version, rest, route, org)

    async def _routed(
        self, request: Request, version: str, rest: tuple[str, ...], route: Route | None, org: Org | None
    ) -> Reply:
        """What the route's handler answers. From here on an error spends what a success does."""
        if version not in VERSIONS:
            raise HttpError("unsupported_version")
        if route is None:
            raise HttpError("bad_endpoint")
        handler = route.handlers.get(request.method)
        if handler is None:
            raise HttpError("method_not_allowed", {"Allow": ", ".join(route.handlers)})
        projection = parse_projection(request.params)
        call = Call(self, request, VERSIONS[version], self.site(org), org, rest[-1], projection)
        return await handler(call)


def _split(segments: tuple[str, ...] | None) -> tuple[str, tuple[str, ...]]:
    """Version and rest of a path below ``/scim``; a path that nothing can match has a version only."""
    if segments is None or len(segments) < 2:
        return "v1", ()
    return segments[1], segments[2:]


async def get_user(call: Call) -> Reply:
    async with call.store.read() as tx:
        card = await user_rows.card(tx, call.org.id, UserId(call.id))
        if card is None:
            raise NotFound("no_such_user")
        [card] = await _whole(tx, call.org, [card])
    return call.show(200, card)


async def list_users(call: Call) -> Reply:
    page, condition = parse_page(call.request.params), _condition(call, filters.USER_FIELDS)
    read = call.store.read if user_rows.is_lookup(condition) else call.store.scan
    async with read() as tx:
        found, total = await user_rows.page(tx, call.org.id, condition, page.start_index, page.count)
        found = await _whole(tx, call.org, found)
    return await _aside(
        len(found), lambda: Reply(200, envelope(call.dialect, [*map(call.filled, found)], total, page))
    )


async def _whole(tx: Tx, org: Org, found: list[user_rows.Card]) -> list[user_rows.Card]:
    """These cards, those of another revision laid out anew, those of guests with their channels."""
    if stale := [card.id for card in found if not cards.is_current(card.text)]:
        anew = {user.id: cards.card(user) for user in await user_rows.find_many(tx, org.id, stale)}
        found = [card._replace(text=anew.get(card.id, card.text)) for card in found]
    if guests := [card.id for card in found if cards.shows_channels(card.text)]:
        of = await channel_rows.of_guests(tx, org.id, guests)
        found = [card._replace(channels=of.get(card.id, ())) for card in found]
    return found


async def create_user(call: Call) -> Reply:
    change = await call.request.document(users.creation)
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        user = await user_actions.create(tx, caller.org, change, actor=caller.actor)
    return call.show(call.dialect.statuses.create, user_rows.Card(user.id, cards.card(user), []))


async def replace_user(call: Call) -> Reply:
    body = await call.request.document(dict)
    return await _change_user(call, call.dialect.statuses.replace, lambda user: users.replacement(body, user))


async def patch_user(call: Call) -> Reply:
    steps = await call.request.document(lambda body: users.steps(body, call.dialect))
    return await _change_user(
        call, call.dialect.statuses.patch_user, lambda user: users.modification(steps, user)
    )


async def _change_user(call: Call, status: int, change: Callable[[User], UserChange]) -> Reply:
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        user = await user_actions.existing(tx, caller.org.id, UserId(call.id))
        user = await user_actions.update(tx, caller.org, user, change(user), actor=caller.actor)
        member_of = await user_rows.groups_of(tx, user.org_id, [user.id])
        card = user_rows.Card(user.id, cards.card(user), member_of[user.id])
        [card] = await _whole(tx, caller.org, [card])
    return call.show(status, card)


async def delete_user(call: Call) -> Reply:
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        user = await user_actions.existing(tx, caller.org.id, UserId(call.id))
        await user_actions.deactivate(tx, caller.org, user, actor=caller.actor)
    return Reply(call.dialect.statuses.delete_user)


async def get_group(call: Call) -> Reply:
    return await _show_group(call, 200)


async def list_groups(call: Call) -> Reply:
    page, condition = parse_page(call.request.params), _condition(call, filters.GROUP_FIELDS)
    members: Mapping[GroupId, Sequence[Member]] = {}
    async with call.store.scan() as tx:
        found, total = await group_rows.page(tx, call.org.id, condition, page.start_index, page.count)
        if _wants_members(call):
            members = await group_rows.members_of_many(tx, call.org.id, [group.id for group in found])

    def listed() -> Reply:
        rendered = [
            groups.render(each, groups.listed(members.get(each.id, ())), call.dialect, call.site)
            for each in found
        ]
        return call.list(rendered, total, page)

    return await _aside(len(found) + sum(map(len, members.values())), listed)


async def create_group(call: Call) -> Reply:
    change = await call.request.document(groups.creation)
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        group = await group_actions.create(tx, caller.org, change, actor=caller.actor)
    return await _show_group(call, call.dialect.statuses.create, group)


async def replace_group(call: Call) -> Reply:
    change = await call.request.document(groups.replacement)
    group = await _change_group(call, change)
    return await _show_group(call, call.dialect.statuses.replace, group)


async def patch_group(call: Call) -> Reply:
    change = await call.request.document(lambda body: groups.modification(body, call.dialect))
    group = await _change_group(call, change)
    if call.dialect.statuses.patch_group == 204:
        return Reply(204)
    return await _show_group(call, call.dialect.statuses.patch_group, group)


async def _change_group(call: Call, change: GroupChange) -> Group:
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        return await group_actions.update(tx, caller.org, GroupId(call.id), change, actor=caller.actor)


async def _show_group(call: Call, status: int, group: Group | None = None) -> Reply:
    """The group with its members, who may be many: they become JSON slice by slice, if they are wanted."""
    group_id = group.id if group else GroupId(call.id)
    slices: list[bytes] = []
    count = 0
    async with call.store.scan() as tx:
        group = await group_rows.find(tx, call.org.id, group_id) or group
        if group is None:
            raise NotFound("no_such_group")
        if _wants_members(call):
            async for members in group_rows.slices(tx, call.org.id, group_id):
                slices.append(msgspec.json.encode(groups.listed(members))[1:-1])
                count += len(members)
    if count > RECOMMENDED_GROUP_SIZE:
        log.warning("group %s has %d members: Slack recommends %d", group_id, count, RECOMMENDED_GROUP_SIZE)
    resource = groups.render(group, msgspec.Raw(b"[%b]" % b",".join(slices)), call.dialect, call.site)
    if call.projection is None:
        return call.reply(status, resource)
    return await _aside(count, lambda: call.reply(status, msgspec.json.decode(msgspec.json.encode(resource))))


async def delete_group(call: Call) -> Reply:
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        await group_actions.delete(tx, caller.org, GroupId(call.id), actor=caller.actor)
    return Reply(call.dialect.statuses.delete_group)


_SMALL = 100
"""Resources or members that are rendered on the loop: more would hold up everybody else."""


async def _aside(size: int, work: Callable[[], Reply]) -> Reply:
    """What ``work`` gives: at once if it is small, else from a thread."""
    return work() if size <= _SMALL else await asyncio.to_thread(work)


def _wants_members(call: Call) -> bool:
    return call.projection is None or call.projection.wants("members")


def _condition(call: Call, fields: Mapping[str, Any]) -> Condition | None:
    text = call.request.params.get("filter")
    return None if text is None else filters.condition(text, fields)


async def service_provider_config(call: Call) -> Reply:
    return Reply(200, project(schemas.SERVICE_PROVIDER_CONFIG, call.projection))


async def list_resource_types(call: Call) -> Reply:
    found = list(schemas.resource_types(call.dialect, call.service.base_url).values())
    return call.list(found, len(found), Page())


async def get_resource_type(call: Call) -> Reply:
    return _named(call, schemas.resource_types(call.dialect, call.service.base_url))


async def list_schemas(call: Call) -> Reply:
    found = list(schemas.schemas(call.dialect, call.service.base_url).values())
    return call.list(found, len(found), Page())


async def get_schema(call: Call) -> Reply:
    base_url = call.service.base_url
    if call.id == "Users":
        return call.reply(200, schemas.user_schema(call.dialect, base_url))
    if call.id == "Groups":
        return call.reply(200, schemas.group_schema(call.dialect, base_url))
    return _named(call, schemas.schemas(call.dialect, base_url))


def _named(call: Call, found: Mapping[str, dict[str, Any]]) -> Reply:
    if call.id not in found:
        raise HttpError("bad_endpoint")
    return call.reply(200, found[call.id])


_V2_ONLY = frozenset({"v2"})

ROUTES: tuple[Route, ...] = (
    Route(("ServiceProviderConfig",), {"GET": service_provider_config}, public=True),
    Route(("ServiceProviderConfigs",), {"GET": service_provider_config}, public=True),
    Route(("ResourceTypes",), {"GET": list_resource_types}, _V2_ONLY),
    Route(("ResourceTypes", "*"), {"GET": get_resource_type}, _V2_ONLY),
    Route(("Schemas",), {"GET": list_schemas}, _V2_ONLY),
    Route(("Schemas", "*"), {"GET": get_schema}),
    Route(("Users",), {"GET": list_users, "POST": create_user}),
    Route(("Users", "*"), {"GET": get_user, "PUT": replace_user, "PATCH": patch_user, "DELETE": delete_user}),
    Route(("Groups",), {"GET": list_groups, "POST": create_group}),
    Route(
        ("Groups", "*"),
        {"GET": get_group, "PUT": replace_group, "PATCH": patch_group, "DELETE": delete_group},
    ),
)

_BY_SHAPE: Mapping[tuple[str, bool], Route] = {
    (route.path[0], len(route.path) == 2): route for route in ROUTES
}


def find_route(version: str, rest: tuple[str, ...]) -> Route | None:
    """The route of a path below ``/scim/<version>``, or None."""
    if not 1 <= len(rest) <= 2:
        return None
    route = _BY_SHAPE.get((rest[0], len(rest) == 2))
    return route if route is not None and version in route.versions else None
