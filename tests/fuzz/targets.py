"""What is fuzzed: each target makes an input from a `Random`, and does with it what a request would.

A target may refuse with the errors that :mod:`rosterd.web.errors` explains; anything else that it raises is a
finding, and so is an answer that does not agree with itself.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from rosterd.directory import groups as group_rules
from rosterd.directory.errors import DirectoryError
from rosterd.directory.groups import GroupChange
from rosterd.directory.model import User
from rosterd.provisioning import filters, groups, users
from rosterd.scim import documents
from rosterd.scim.dialect import DIALECTS, V1, V2, Dialect
from rosterd.scim.errors import FilterTooComplex, InvalidPath, ScimError
from rosterd.scim.filter import parse_filter
from rosterd.scim.grammar import format_filter
from rosterd.scim.listing import parse_page
from rosterd.scim.path import format_path, parse_path
from rosterd.scim.projection import parse_projection, project
from rosterd.store import groups as group_rows
from rosterd.store import query
from rosterd.store import users as user_rows
from rosterd.store.engines.statements import for_sqlite
from rosterd.store.tables import metadata
from rosterd.web.auth import bearer
from rosterd.web.errors import HttpError
from rosterd.web.methods.arguments import Arguments, parsed
from rosterd.web.methods.errors import MethodError
from rosterd.web.request import Request, segments_of, version_of
from tests.fuzz.mutation import a_filter, a_path, body_of, garbled, scrambled
from tests.fuzz.seeds import TEXTS
from tests.provisioning.memory import PEOPLE, SITE, applied

REFUSALS = (ScimError, DirectoryError, HttpError, MethodError)
"""What may be wrong with an input, in the vocabularies that have an answer."""


class Target(NamedTuple):
    """A way in. ``share`` is how often it is drawn, beside the others."""

    name: str
    make: Callable[[Random], bytes]
    run: Callable[[bytes], None]
    share: int = 1


def _text(make: Callable[[Random], str]) -> Callable[[Random], bytes]:
    return lambda random: make(random).encode("utf-8", "surrogatepass")


def body(*kinds: str) -> Callable[[Random], bytes]:
    """Makes bodies of these kinds."""
    return lambda random: body_of(random, random.choice(kinds))


def read_document(data: bytes) -> None:
    document = documents.parse(data)
    assert documents.parse(msgspec.json.encode(document)) == document


def read_path(data: bytes) -> None:
    path = parse_path(data.decode("utf-8", "replace"))
    for dialect in DIALECTS:
        written = format_path(path, dialect)
        try:
            assert parse_path(written) == path, written
        except InvalidPath:
            assert len(written) > 1_000, written  # escapes made it too long


def read_filter(data: bytes) -> None:
    found = parse_filter(data.decode("utf-8", "replace"))
    for dialect in DIALECTS:
        written = format_filter(found, dialect)
        try:
            assert parse_filter(written) == found, written
        except FilterTooComplex:
            assert len(written) > len(data), written


def _schema() -> sqlite3.Connection:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    database = sqlite3.connect(":memory:", check_same_thread=False)
    metadata.create_all(create_engine("sqlite://", creator=lambda: database, poolclass=StaticPool))
    return database


class Search:
    """A filter as the store runs it, on tables without rows: is it SQL that an engine takes?"""

    def __init__(self, table: str) -> None:
        self._table = table
        self._known, self._fields = {
            "users": (filters.USER_FIELDS, user_rows.FIELDS),
            "groups": (filters.GROUP_FIELDS, group_rows.FIELDS),
        }[table]
        self._database: sqlite3.Connection | None = None

    def __call__(self, data: bytes) -> None:
        condition = filters.condition(data.decode("utf-8", "replace"), self._known)
        sql, args = query.where(condition, self._fields)
        statement = for_sqlite(f"SELECT t.id FROM {self._table} t WHERE t.org_id = $1 AND {sql}")
        self._database = self._database or _schema()
        self._database.execute(statement.text, ["E1", *args]).fetchall()


def create_user(data: bytes) -> None:
    _show(applied(users.creation(documents.parse(data))))


def replace_user(data: bytes) -> None:
    asked = documents.parse(data)
    for user in PEOPLE:
        _show(applied(users.replacement(asked, user), user))


class PatchUser:
    """PATCH of a user in one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def __call__(self, data: bytes) -> None:
        steps = users.steps(documents.parse(data), self._dialect)
        for user in PEOPLE:
            changed = applied(users.modification(steps, user), user)
            _show(changed)


def _show(user: User) -> None:
    for dialect in DIALECTS:
        resource = users.render(user, (), dialect, SITE)
        assert msgspec.json.decode(msgspec.json.encode(resource)) == resource


def create_group(data: bytes) -> None:
    _check_group(groups.creation(documents.parse(data)))


def replace_group(data: bytes) -> None:
    _check_group(groups.replacement(documents.parse(data)))


class PatchGroup:
    """PATCH of a group in one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def __call__(self, data: bytes) -> None:
        _check_group(groups.modification(documents.parse(data), self._dialect))


def _check_group(change: GroupChange) -> None:
    members = change.members
    assert not {*members.add} & {*members.remove}
    assert all(isinstance(id, str) and id for id in members.named())
    group_rules.check_count(members.named())
    msgspec.json.encode(members)


async def _no_body() -> Any:
    raise AssertionError("nobody reads the body")


def ask(data: bytes) -> None:
    """A request line and a header, as far as they go before a store is asked."""
    line, _, header = data.partition(b"\n")
    raw_path, _, query_string = line.partition(b"?")
    scope = {"method": "GET", "raw_path": raw_path, "path": "/", "query_string": query_string, "headers": []}
    request = Request(scope, _no_body, "r")
    segments = segments_of(raw_path)
    assert segments is None or all(segments)
    assert isinstance(version_of(raw_path), str)
    bearer(header.decode("latin-1"))
    page = parse_page(request.params)
    assert page.start_index >= 1
    assert 0 <= page.count <= 1_000
    resource = users.render(PEOPLE[1], (), V2, SITE)
    msgspec.json.encode(project(resource, parse_projection(request.params)))


_PARAMETERS = ("count", "startIndex", "filter", "attributes", "excludedAttributes", "sortOrder")


def _request(random: Random) -> bytes:
    version, noun = random.choice(("v1", "v2", "v3", "%76%31")), random.choice(("Users", "Groups", "Schemas"))
    id = f"/{quote(random.choice(TEXTS)[:300])}" if random.random() < 0.5 else ""
    pairs = [f"{random.choice(_PARAMETERS)}={_parameter(random)}" for _ in range(random.randrange(4))]
    text = f"/scim/{version}/{noun}{id}?{'&'.join(pairs)}\nBearer xoxp-1-abc".encode()
    return scrambled(random, text) if random.random() < 0.5 else text


def _parameter(random: Random) -> str:
    text = random.choice((a_filter, a_path, lambda random: random.choice(TEXTS)))(random)
    return quote(text.encode("utf-8", "replace"))


_ARGUMENTS = (b"user=W1&limit=20", b'{"user": "W1", "limit": 20, "types": ["im"]}', b"a[]=1", b'["x"]')
_PART = b'--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nW1\r\n--x--\r\n'
_MEDIA = (
    "application/x-www-form-urlencoded",
    "application/json",
    "multipart/form-data; boundary=x",
    "text/plain",
    "",
)


def _arguments(random: Random) -> bytes:
    """A media type's number, and a body that is perhaps of it."""
    media = random.randrange(len(_MEDIA))
    body = random.choice((*_ARGUMENTS, _PART))
    return bytes([media]) + (body if random.random() < 0.1 else scrambled(random, body))


def read_arguments(data: bytes) -> None:
    media = _MEDIA[data[0] % len(_MEDIA)] if data else ""
    given = Arguments(parsed(data[1:], media))
    for name in given.values:
        for read in (given.text, given.flag, given.number, given.listed):
            with contextlib.suppress(MethodError):
                read(name)


_ANY_PATCH = ("PATCH Users", "PATCH Groups")

TARGETS = (
    Target("document", body("POST Users", "PUT Users", *_ANY_PATCH), read_document),
    Target("path", _text(a_path), read_path, 2),
    Target("path, garbled", _text(lambda random: garbled(random, a_path(random))), read_path),
    Target("filter", _text(a_filter), read_filter, 2),
    Target("filter of users", _text(a_filter), Search("users"), 2),
    Target("filter of groups", _text(a_filter), Search("groups")),
    Target("POST Users", body("POST Users"), create_user, 2),
    Target("PUT Users", body("PUT Users", "POST Users"), replace_user, 2),
    Target("PATCH Users v1", body(*_ANY_PATCH, "POST Users"), PatchUser(V1), 2),
    Target("PATCH Users v2", body("PATCH Users"), PatchUser(V2), 3),
    Target("POST Groups", body("POST Groups"), create_group),
    Target("PUT Groups", body("PUT Groups"), replace_group),
    Target("PATCH Groups v1", body(*_ANY_PATCH, "POST Groups"), PatchGroup(V1)),
    Target("PATCH Groups v2", body("PATCH Groups"), PatchGroup(V2), 2),
    Target("request", _request, ask),
    Target("arguments of a method", _arguments, read_arguments),
)
