"""Groups between SCIM and the directory: a body becomes a `GroupChange`, a `Group` a resource.

Members are never read to be changed: a PATCH folds into what is added, removed or replaced, in the
order of its operations.

Source: Slack SCIM API reference, headings *POST /Groups*, *PATCH /Groups*, *PUT /Groups*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from rosterd.directory.errors import Invalid
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import Group, Member, UserId
from rosterd.provisioning.attributes import created
from rosterd.provisioning.places import Site
from rosterd.scim.dialect import Dialect
from rosterd.scim.errors import InvalidPath
from rosterd.scim.grammar import Compare, Filter, Op, Or, Path, format_path
from rosterd.scim.patch import Operation, Verb, check_schemas, operations

_IGNORED = frozenset({"externalid", "id", "meta", "schemas"})


def creation(body: Mapping[str, Any]) -> GroupChange:
    """The new group that a POST body describes."""
    name, members = _of_resource(body)
    if name is UNSET:
        raise _wrong("displayName")
    return GroupChange(display_name=name, members=Members(add=members))


def replacement(body: Mapping[str, Any]) -> GroupChange:
    """What a PUT body makes of a group. Without ``members`` it has none; without a name it keeps its own."""
    name, members = _of_resource(body)
    return GroupChange(display_name=name, members=Members(replace=members))


def _of_resource(body: Mapping[str, Any]) -> tuple[str | UnsetType, tuple[UserId, ...]]:
    fields = {name.lower(): value for name, value in body.items()}
    check_schemas(fields.get("schemas"))
    name, members = fields.get("displayname"), fields.get("members")
    return UNSET if name is None else _text(name), () if members is None else _ids(members)


def modification(body: Mapping[str, Any], dialect: Dialect) -> GroupChange:
    """What a PATCH body says. An unknown path raises `InvalidPath`."""
    name: str | UnsetType = UNSET
    fold = _Fold()
    for operation in operations(body, dialect):
        path = operation.path
        if path == Path(name="displayname") and operation.verb is not Verb.REMOVE:
            name = _text(operation.value)
        elif path == Path(name="displayname"):
            raise _wrong("displayName")
        elif path.name == "members" and not path.extension and path.sub in (None, "value"):
            fold.apply(operation)
        elif path.extension or path.name not in _IGNORED:
            raise InvalidPath(format_path(path, dialect))
    return GroupChange(display_name=name, members=fold.members())


class _Fold:
    """Operations on ``members``, one after the other, as one `Members`."""

    def __init__(self) -> None:
        self.replace: dict[UserId, None] | None = None
        self.add: dict[UserId, None] = {}
        self.remove: dict[UserId, None] = {}

    def apply(self, operation: Operation) -> None:
        ids = _named(operation)
        if operation.verb is Verb.ADD:
            self._adds(ids or ())
        elif operation.verb is Verb.REMOVE and ids is not None:
            self._removes(ids)
        else:  # replace, or remove without saying whom
            self.replace, self.add, self.remove = dict.fromkeys(ids or ()), {}, {}

    def _adds(self, ids: Sequence[UserId]) -> None:
        for id in ids:
            self.remove.pop(id, None)
            (self.add if self.replace is None else self.replace)[id] = None

    def _removes(self, ids: Sequence[UserId]) -> None:
        for id in ids:
            self.add.pop(id, None)
            if self.replace is not None:
                self.replace.pop(id, None)
            self.remove[id] = None

    def members(self) -> Members:
        replace = None if self.replace is None else tuple(self.replace)
        return Members(tuple(self.add), tuple(self.remove), replace)


def _named(operation: Operation) -> tuple[UserId, ...] | None:
    """The ids that an operation is about; None: it names none, and means all."""
    if operation.path.filter is not None:
        if operation.verb is not Verb.REMOVE:
            raise InvalidPath("members[…]")
        return tuple(_of_filter(operation.path.filter))
    if operation.verb is Verb.REMOVE and operation.value is None:
        if operation.path.sub is not None:
            raise InvalidPath("members.value")  # of whom? Not of everybody
        return None
    return _ids(operation.value)


def _of_filter(filter: Filter) -> Iterator[UserId]:
    """Ids in ``members[value eq "U1"]``, alone or joined by ``or``. Slack's own example has no quotes."""
    match filter:
        case Compare(Path("", "value", None, None), Op.EQ, str() as value):
            yield UserId(value)
        case Or(parts):
            for part in parts:
                yield from _of_filter(part)
        case _:
            raise InvalidPath("members[…]")


def _ids(value: Any) -> tuple[UserId, ...]:
    """Member ids from a list (or one) of ``{"value": id}`` or bare ids, each once, in order."""
    elements = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(_id(element) for element in elements))


def _id(element: Any) -> UserId:
    if isinstance(element, dict):
        element = next((part for name, part in element.items() if name.lower() == "value"), None)
    if not isinstance(element, str) or not element.strip():
        raise _wrong("members")
    return UserId(element.strip())


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong("displayName")
    return value


def _wrong(attribute: str) -> Invalid:
    return Invalid("invalid_attribute_format", attribute=attribute)


def listed(members: Iterable[Member]) -> list[dict[str, str]]:
    """Members as a group shows them."""
    return [{"value": member.id, "display": member.display} for member in members]


def render(group: Group, members: Any, dialect: Dialect, site: Site) -> dict[str, Any]:
    """The group as a resource, keys in the dialect's order; ``members`` as they are to be shown."""
    parts: dict[str, Any] = {
        "schemas": [dialect.group_urn],
        "id": group.id,
        "displayName": group.display_name,
        "members": members,
        "meta": {
            "created": created(group.created),
            "location": f"{site.base_url}/scim/{dialect.name}/Groups/{group.id}",
        },
    }
    return {key: parts[key] for key in dialect.group_keys}
