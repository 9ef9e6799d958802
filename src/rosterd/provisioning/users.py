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
from rosterd.directory.model import GroupRef, Role, User
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
    draft = Draft(None)
    refused: InvalidProfile | None = None
    for operation in _of_resource(body):
        try:
            leaves = list(_known([operation]))
        except InvalidProfile as error:  # an extension that is no object
            leaves, refused = [], refused or error
        for leaf in leaves:
            try:
                _apply(draft, leaf)
            except InvalidProfile as error:
                refused = refused or error
    _check_named(draft)
    if refused is not None:
        draft.drop_custom(refused)
    return draft.change()


def replacement(body: Mapping[str, Any], existing: User) -> UserChange:
    """What a PUT body makes of ``existing``: what it does not mention is blanked, as Slack does."""
    draft = Draft.of_put(existing)
    for operation in _known(_of_resource(body)):
        _apply(draft, operation)
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


def _of_resource(body: Mapping[str, Any]) -> Iterator[Operation]:
    check_schemas({name.lower(): value for name, value in body.items()}.get("schemas"))
    for name, value in body.items():
        if name.lower() not in _DESCRIPTIVE:
            try:
                path = _attribute(name) if len(name) < _SHORT else attribute(name)
            except InvalidPath:
                continue
            yield Operation(Verb.REPLACE, path, value)


_attribute = lru_cache(maxsize=512)(attribute)
_SHORT = 100  # characters of a name that is worth remembering


def _known(found: Iterable[Operation]) -> Iterator[Operation]:
    for operation in found:
        if operation.value is None:
            continue  # RFC 7643 §2.5: null is no value, in a whole resource the same as silence
        for leaf in _leaves(operation):
            # Clients that drop nulls (Slack's Java SDK) send an unset manager back as {}.
            says_nothing = leaf.value is None or (leaf.value == {} and leaf.path.name == "manager")
            if not says_nothing and _row(leaf.path) is not None:
                yield leaf


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
    if row.multi_valued and is_whole and operation.verb is Verb.REPLACE and operation.value is None:
        operation = Operation(Verb.REMOVE, operation.path)  # RFC 7643 §2.5: null is no value
    row.write(draft, operation)


def _leaves(operation: Operation) -> Iterable[Operation]:
    """An operation on ``name`` or on a whole extension as operations on its attributes."""
    path = operation.path
    if path.filter is None and (path.name is None or (path.name == "name" and not path.extension)):
        return (operation,) if path.sub is not None else _parts(operation)
    return (operation,)


def _parts(operation: Operation) -> Iterator[Operation]:
    path, value = operation.path, operation.value
    if value is None and path.extension == "guest" and operation.verb is not Verb.REMOVE:
        return  # a client that writes nulls does not ask for a full member
    if operation.verb is Verb.REMOVE or value is None:
        for extension, name, below in _KEYS:
            if extension == path.extension and path.name in (None, name):
                yield Operation(Verb.REMOVE, Path(extension, name, None, below))
        return
    if not isinstance(value, dict):
        raise wrong_type(operation, custom=path.extension in ("enterprise", "profile"))
    _check_whole(path, value)
    for name, part in value.items():
        first, _, second = name.lower().partition(".")
        where = Path(path.extension, path.name or first, None, first if path.name else second or None)
        if _row(where) is not None:
            yield Operation(operation.verb, where, part)


_KEYS = tuple(row.key for row in ATTRIBUTES)


def _check_whole(path: Path, value: Mapping[str, Any]) -> None:
    given = {name.lower(): part for name, part in value.items() if part is not None}
    if path.extension == "guest" and given and "type" not in given:
        raise Invalid("improper_enterprise_schema_format")
    names = [given.get("givenname"), given.get("familyname")]
    if path.name and all(isinstance(name, str) and name.isspace() for name in names):
        raise Invalid("invalid_name_required")


def render(user: User, groups: Sequence[GroupRef], dialect: Dialect, links: Links) -> dict[str, Any]:
    """The user as a resource, keys in Slack's order.

    Someone who never had a custom profile field is shown without them; then all are shown, unset
    ones as null.
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
    for outer, key, read in layout.slots:
        place = resource
        for step in outer:
            place = place.setdefault(step, {})
        if read is None:
            place[key] = [{"value": group.id, "display": group.display_name} for group in groups]
        else:
            place[key] = read(user, links)
    return resource


def _shapes(user: User) -> frozenset[Shape]:
    is_guest = user.role is Role.MULTI_CHANNEL_GUEST
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
    """What users of some shapes look like: each slot is where it stands, its key, and how it is read."""

    schemas: tuple[str, ...]
    slots: tuple[tuple[tuple[str, ...], str, Read | None], ...]  # None: the groups


@lru_cache(maxsize=64)
def _layout(dialect: Dialect, shapes: frozenset[Shape]) -> _Layout:
    shown = [row for row in ATTRIBUTES if row.shape in shapes and row.path != "externalId"]
    used = {row.key[0] for row in shown}
    schemas = (dialect.user_urn, *(urn for key, urn in dialect.extensions.items() if key in used))
    return _Layout(schemas, tuple(_slot(row, dialect) for row in shown))


def _slot(row: Attribute, dialect: Dialect) -> tuple[tuple[str, ...], str, Read | None]:
    extension, _, rest = row.path.rpartition(":")
    *outer, key = rest.split(".")
    if extension:
        outer.insert(0, dialect.extensions[extension])
    return tuple(outer), key, row.read
