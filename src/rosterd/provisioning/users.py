"""Users between SCIM and the directory: a body becomes a `UserChange`, a `User` becomes a resource.

Source: Slack SCIM API reference, headings *POST /Users*, *PATCH /Users*, *PUT /Users*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import compress, product
from typing import Any, NamedTuple

from msgspec import UNSET

from rosterd.directory.errors import Invalid, InvalidProfile
from rosterd.directory.model import ChannelRef, GroupRef, Role, User
from rosterd.directory.users import UserChange
from rosterd.provisioning.attributes import (
    ATTRIBUTES,
    BY_KEY,
    Attribute,
    Read,
    Shape,
    created,
    wrong_type,
)
from rosterd.provisioning.draft import Draft
from rosterd.provisioning.places import Links
from rosterd.scim.dialect import Dialect
from rosterd.scim.errors import InvalidPath, TooLarge
from rosterd.scim.grammar import Path, attribute, format_path
from rosterd.scim.patch import Operation, Verb, check_schemas, operations

MAX_STEPS = 250

_DESCRIPTIVE = frozenset({"schemas", "id", "meta"})


def creation(body: Mapping[str, Any]) -> UserChange:
    """The new user that a POST body describes; unknown attributes are ignored.

    An invalid custom profile value costs the custom profile, not the user (*if anything in custom
    profile is invalid, all profile fields will be dropped*). Everything else that is wrong raises
    `Invalid` or a `ScimError`.
    """
    check_schemas(_schemas(body))
    draft = Draft(None)
    refused: InvalidProfile | None = None
    for name, value in body.items():
        said: Iterable[_Said] = ()
        try:
            said = _said(name, value)
        except InvalidProfile as error:  # an extension that is no object
            refused = refused or error
        for row, operation in said:
            try:
                row.write(draft, operation)
            except InvalidProfile as error:
                refused = refused or error
    _check_named(draft)
    if refused is not None:
        draft.drop_custom(refused)
    return draft.change()


def replacement(body: Mapping[str, Any], existing: User) -> UserChange:
    """What a PUT body makes of ``existing``: what it does not mention is blanked, as Slack does."""
    check_schemas(_schemas(body))
    draft = Draft.of_put(existing)
    for name, value in body.items():
        for row, operation in _said(name, value):
            row.write(draft, operation)
    _check_named(draft)
    if draft.guest is True and draft.guest_expires is UNSET:
        draft.guest_expires = None
    return draft.change()


def steps(body: Mapping[str, Any], dialect: Dialect) -> tuple[Operation, ...]:
    """The operations of a PATCH body, one per attribute, whoever it is about.

    Raises `InvalidPath` for an unknown path, and `TooLarge` above 250 operations: a user has not so
    many attributes, and nobody else is served while they are applied.
    """
    found = operations(body, dialect)
    if len(found) > MAX_STEPS:
        raise TooLarge(f"more than {MAX_STEPS} operations on one user")
    leaves = tuple(leaf for operation in found for leaf in _leaves(operation))
    for leaf in leaves:
        if _row(leaf.path) is None:
            raise InvalidPath(format_path(leaf.path, dialect))
    return leaves


def modification(asked: Sequence[Operation], existing: User) -> UserChange:
    """What a PATCH makes of ``existing``; ``asked`` is what :func:`steps` found in its body."""
    draft = Draft(existing)
    for step in asked:
        _apply(draft, step)
    return draft.change()


def _schemas(body: Mapping[str, Any]) -> object:
    if "schemas" in body:
        return body["schemas"]
    return next((value for name, value in body.items() if name.lower() == "schemas"), None)


_Said = tuple[Attribute, Operation]
"""What a resource says of one attribute."""


def _said(name: str, value: Any) -> Iterable[_Said]:
    """What one member of a whole resource says: nothing, if it is null or nowhere in the table."""
    if value is None:
        return ()  # RFC 7643 §2.5: null is no value, in a whole resource the same as silence
    place = (_place if len(name) < _SHORT else _place.__wrapped__)(name)
    if place is None:
        return ()
    path, row = place
    if row is None:
        return _said_within(path, value)
    return () if _is_silent(path, value) else ((row, Operation(_REPLACE, path, value)),)


def _said_within(whole: Path, value: Any) -> list[_Said]:
    """The same of the attributes in ``name``, or in an extension."""
    return [
        (row, Operation(_REPLACE, path, part))
        for path, row, part in _members(whole, value)
        if part is not None and not _is_silent(path, part)
    ]


def _is_silent(path: Path, value: Any) -> bool:
    # Clients that drop nulls (Slack's Java SDK) send an unset manager back as {}.
    return value == {} and path.name == "manager"


_Place = tuple[Path, Attribute | None]
"""An attribute, or (without a row) a whole that consists of attributes."""


@lru_cache(maxsize=512)
def _place(name: str) -> _Place | None:
    """Where a member of a resource belongs; None: it says nothing that is in the table."""
    if name.lower() in _DESCRIPTIVE:
        return None
    try:
        path = attribute(name)
    except InvalidPath:
        return None
    if _is_whole(path):
        return path, None
    row = _row(path)
    return None if row is None else (path, row)


_SHORT = 100  # characters of a name that is worth remembering
_REPLACE, _REMOVE = Verb.REPLACE, Verb.REMOVE


def _check_named(draft: Draft) -> None:
    if draft.username is UNSET:
        raise Invalid("username_required")


def _row(path: Path) -> Attribute | None:
    if row := BY_KEY.get((path.extension, path.name or "", path.sub)):
        return None if path.filter is not None and not row.multi_valued else row
    row = BY_KEY.get((path.extension, path.name or "", None))
    if row is None or not row.multi_valued:
        return None
    known = path.sub in {sub.lower() for sub in row.sub_attributes} | {"type", "display", "primary", "value"}
    return row if known else None


def _apply(draft: Draft, operation: Operation) -> None:
    row = _row(operation.path)
    assert row is not None
    is_whole = operation.path.filter is None and operation.path.sub is None
    if row.multi_valued and is_whole and operation.verb is _REPLACE and operation.value is None:
        operation = Operation(_REMOVE, operation.path)  # RFC 7643 §2.5: null is no value
    row.write(draft, operation)


def _leaves(operation: Operation) -> Iterable[Operation]:
    """An operation on ``name`` or on a whole extension as operations on its attributes."""
    return _parts(operation) if _is_whole(operation.path) else (operation,)


def _is_whole(path: Path) -> bool:
    is_name = path.name == "name" and not path.extension
    return path.filter is None and path.sub is None and (path.name is None or is_name)


def _parts(operation: Operation) -> Iterator[Operation]:
    path, value = operation.path, operation.value
    if value is None and path.extension == "guest" and operation.verb is not _REMOVE:
        return  # a client that writes nulls does not ask for a full member
    if operation.verb is _REMOVE or value is None:
        for extension, name, below in _KEYS:
            if extension == path.extension and path.name in (None, name):
                yield Operation(_REMOVE, Path(extension, name, None, below))
        return
    for where, _, part in _members(path, value):
        yield Operation(operation.verb, where, part)


def _members(whole: Path, value: Any) -> Iterator[tuple[Path, Attribute, Any]]:
    """The attributes in a value of ``name`` or of an extension: where they are, their rows, their values."""
    if not isinstance(value, dict):
        raise wrong_type(Operation(_REPLACE, whole), custom=whole.extension in ("enterprise", "profile"))
    _check_whole(whole, value)
    for name, part in value.items():
        member = _member if len(name) < _SHORT else _member.__wrapped__
        if (found := member(whole.extension, whole.name, name)) is not None:
            yield *found, part


@lru_cache(maxsize=512)
def _member(extension: str, outer: str | None, name: str) -> tuple[Path, Attribute] | None:
    first, _, second = name.lower().partition(".")
    path = Path(extension, outer or first, None, first if outer else second or None)
    row = _row(path)
    return None if row is None else (path, row)


_KEYS = tuple(row.key for row in ATTRIBUTES)


def _check_whole(path: Path, value: Mapping[str, Any]) -> None:
    if path.extension not in ("", "guest"):
        return
    given = {name.lower(): part for name, part in value.items() if part is not None}
    if path.extension and given and "type" not in given:
        raise Invalid("improper_enterprise_schema_format")
    names = (given.get("givenname"), given.get("familyname"))
    if path.name and all(isinstance(name, str) and name.isspace() for name in names):
        raise Invalid("invalid_name_required")


def render(
    user: User,
    groups: Sequence[GroupRef],
    dialect: Dialect,
    links: Links,
    channels: Sequence[ChannelRef] = (),
) -> dict[str, Any]:
    """The user as a resource, keys in Slack's order.

    Someone who never had a custom profile field is shown without them; then all are shown, unset
    ones as null. ``channels`` are shown of multi-channel guests, if there are any.
    """
    layout = _layout(dialect, _shapes(user))
    resource: dict[str, Any] = {
        "schemas": list(layout.schemas),
        "id": user.id,
        "externalId": "",
        "meta": {
            "created": created(user.created),
            "location": links.location(user.id, dialect),
        },
    }
    for key, read in layout.fields:
        if read is None:
            resource[key] = [{"value": group.id, "display": group.display_name} for group in groups]
        else:
            resource[key] = read(user, links)
    if channels and shows_channels(user):
        listed = [{"value": channel.id, "display": channel.name} for channel in channels]
        resource[dialect.extensions["guest"]]["channels"] = listed
    return resource


def shows_channels(user: User) -> bool:
    """Whether a user's resource says in which channels they are (*observed*: that of guests does)."""
    return user.role is Role.MULTI_CHANNEL_GUEST


def _shapes(user: User) -> frozenset[Shape]:
    is_guest = shows_channels(user)
    return _SHAPES[
        user.profile.has_custom,
        user.profile.start_date is not None,
        is_guest,
        is_guest and user.guest_expires is not None,
    ]


_CONDITIONAL: tuple[Shape, ...] = ("custom", "start_date", "guest", "expiring")
_SHAPES: Mapping[tuple[bool, ...], frozenset[Shape]] = {
    flags: frozenset(("always", *compress(_CONDITIONAL, flags)))
    for flags in product((False, True), repeat=len(_CONDITIONAL))
}


class _Layout(NamedTuple):
    """What users of some shapes look like: each field is its key and how it is read."""

    schemas: tuple[str, ...]
    fields: tuple[tuple[str, Read | None], ...]  # None: the groups


@lru_cache(maxsize=64)
def _layout(dialect: Dialect, shapes: frozenset[Shape]) -> _Layout:
    shown = [row for row in ATTRIBUTES if row.shape in shapes and row.path != "externalId"]
    used = {row.key[0] for row in shown}
    schemas = (dialect.user_urn, *(urn for key, urn in dialect.extensions.items() if key in used))
    tree: dict[str, Any] = {}
    for row in shown:
        *outer, key = _steps(row, dialect)
        place = tree
        for step in outer:
            place = place.setdefault(step, {})
        place[key] = row.read
    return _Layout(schemas, tuple((key, _read(branch)) for key, branch in tree.items()))


def _steps(row: Attribute, dialect: Dialect) -> list[str]:
    """The names that lead to an attribute in a resource."""
    extension, _, rest = row.path.rpartition(":")
    return ([dialect.extensions[extension]] if extension else []) + rest.split(".")


def _read(branch: Any) -> Any:
    """How a part of the layout is read: as its row says, or with other parts below it."""
    if not isinstance(branch, dict):
        return branch
    parts = tuple((key, _read(below)) for key, below in branch.items())
    return lambda user, links: {key: read(user, links) for key, read in parts}
