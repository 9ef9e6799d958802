"""PATCH bodies of both versions as one thing: a list of operations, in the order in which they apply.

Rules of this module:

1. A body with ``Operations`` is a PatchOp message (RFC 7644 §3.5.2); one without is a partial resource, the
   form of SCIM 1.1 (protocol §3.3.2), which Slack's v2 reference uses as well.
2. Every operation gets a path. A value without a path is taken apart, one operation per attribute.
3. ``schemas``, ``id``, ``meta`` and ``externalId`` inside a value describe the resource and change nothing:
   authentik and Okta send them along.
4. ``remove`` keeps its value: with a list it means *only these*, an empty list *none*, and None *all*.
5. The whole body is read before the first operation is given out: nothing is half understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from rosterd.scim.dialect import Dialect
from rosterd.scim.errors import InvalidPath, InvalidSyntax, MissingSchemas, NoTarget, TooLarge
from rosterd.scim.path import Path, format_path, parse_path

MAX_OPERATIONS = 20_000  # above the 15,000 members that Slack takes in one call

# RFC 7643 §4.1.2 and §4.2, as far as Slack knows them.
_MULTI_VALUED = frozenset({"addresses", "emails", "groups", "members", "phonenumbers", "photos", "roles"})
_DESCRIPTIVE = frozenset({"schemas", "id", "meta", "externalid"})


class Verb(StrEnum):
    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


_VERBS: Mapping[str, Verb] = {verb.value: verb for verb in Verb}
# SCIM 1.1 protocol, §3.3.2: "delete" marks a value of a list; "add" is what its absence means.
_MARKS: Mapping[str, Verb] = {"delete": Verb.REMOVE, "add": Verb.ADD}


class Operation(msgspec.Struct, frozen=True):
    """One change of one attribute. ``value`` is JSON as sent; see rule 4 for ``remove``."""

    verb: Verb
    path: Path
    value: Any = None


def operations(body: Mapping[str, Any], dialect: Dialect) -> tuple[Operation, ...]:
    """What a PATCH body asks for, keys in any case. May be empty.

    Raises MissingSchemas, InvalidSyntax for a wrong shape, InvalidPath, NoTarget for a removal without a
    path, and TooLarge above 20,000 operations.

    >>> from rosterd.scim.dialect import V1, V2
    >>> change = {"op": "Replace", "path": "active", "value": False}
    >>> [found] = operations({"schemas": [V2.patch_urn], "Operations": [change]}, V2)
    >>> found.verb, found.path.name, found.value
    (<Verb.REPLACE: 'replace'>, 'active', False)
    >>> gone = {"schemas": [V1.user_urn], "members": [{"value": "U1", "operation": "delete"}]}
    >>> [(each.verb.value, each.path.name, each.value) for each in operations(gone, V1)]
    [('remove', 'members', [{'value': 'U1'}])]
    """
    fields = _folded(body)
    check_schemas(fields.get("schemas"))
    if "operations" in fields:
        if dialect.patch_urn is None:
            raise InvalidPath("Operations")
        return _bounded(_from_message(fields["operations"], dialect))
    if not dialect.reads_partial_resources:
        raise InvalidSyntax("Operations is missing")
    return _bounded(_from_partial_resource(body, fields, dialect))


def to_body(changes: Iterable[Operation], dialect: Dialect) -> dict[str, Any]:
    """The PatchOp message that :func:`operations` reads back as ``changes``.

    Raises ValueError for a dialect without such a message.

    >>> from rosterd.scim.dialect import V2
    >>> to_body([Operation(Verb.REMOVE, Path(name="members"))], V2)["Operations"]
    [{'op': 'remove', 'path': 'members'}]
    """
    if dialect.patch_urn is None:
        raise ValueError(f"{dialect.name} has no PatchOp message")
    messages = [_to_message(change, dialect) for change in changes]
    return {"schemas": [dialect.patch_urn], "Operations": messages}


def _to_message(change: Operation, dialect: Dialect) -> dict[str, Any]:
    message = {"op": change.verb.value, "path": format_path(change.path, dialect)}
    is_bare = change.verb is Verb.REMOVE and change.value is None
    return message if is_bare else {**message, "value": change.value}


def _folded(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in fields.items()}


def _bounded(found: Iterable[Operation]) -> tuple[Operation, ...]:
    taken: list[Operation] = []
    for operation in found:
        if len(taken) == MAX_OPERATIONS:
            raise TooLarge(f"more than {MAX_OPERATIONS} operations")
        taken.append(operation)
    return tuple(taken)


def check_schemas(schemas: object) -> None:
    """Refuse a body's ``schemas``, if it is missing (MissingSchemas) or no list of strings (InvalidSyntax).

    Any URNs will do: clients of one version send those of the other. A list inside the list will do as well:
    slack_sdk puts one there when it sends back what it has read, and Slack's own tests of it expect a 200.

    >>> check_schemas(["urn:scim:schemas:core:1.0"])
    >>> check_schemas([["urn:scim:schemas:core:1.0"]])
    """
    if schemas is None or schemas == []:
        raise MissingSchemas
    if not isinstance(schemas, list) or not all(_is_schema(each) for each in schemas):
        raise InvalidSyntax("schemas is not a list of strings")


def _is_schema(element: object) -> bool:
    return isinstance(element, str) or (
        isinstance(element, list) and all(isinstance(urn, str) for urn in element)
    )


def _path(text: str, dialect: Dialect) -> Path:
    path = parse_path(text)
    alias = dialect.path_aliases.get(path.name or "")
    return path if alias is None or path.extension else Path("", alias, path.filter, path.sub)


def _from_message(messages: object, dialect: Dialect) -> Iterator[Operation]:
    if not isinstance(messages, list) or not messages:
        raise InvalidSyntax("Operations is not a list with at least one operation")
    for message in messages:
        if not isinstance(message, dict):
            raise InvalidSyntax("an operation is not an object")
        fields = _folded(message)
        verb, path = _verb(fields.get("op")), fields.get("path")
        if verb is not Verb.REMOVE and "value" not in fields:
            raise InvalidSyntax(f"{verb} has no value")
        if path is None:
            yield from _without_path(verb, fields.get("value"), dialect)
        elif isinstance(path, str):
            yield Operation(verb, _path(path, dialect), fields.get("value"))
        else:
            raise InvalidSyntax("path is not a string")


def _verb(op: object) -> Verb:
    verb = _VERBS.get(op.lower()) if isinstance(op, str) else None  # Entra capitalises them
    if verb is None:
        raise InvalidSyntax("op is not add, replace or remove")
    return verb


def _without_path(verb: Verb, value: object, dialect: Dialect) -> Iterator[Operation]:
    if verb is Verb.REMOVE:
        raise NoTarget("remove has no path")  # RFC 7644 §3.5.2.2
    if not isinstance(value, dict):
        raise InvalidSyntax(f"{verb} without a path has a value that is not an object")
    for name, part in value.items():
        if name.lower() not in _DESCRIPTIVE:
            yield Operation(verb, _path(name, dialect), part)


def _from_partial_resource(
    body: Mapping[str, Any], fields: Mapping[str, Any], dialect: Dialect
) -> Iterator[Operation]:
    # SCIM 1.1 protocol, §3.3.2: what meta.attributes names is removed before the rest is set.
    for name in _removed(fields.get("meta")):
        yield Operation(Verb.REMOVE, _path(name, dialect))
    for name, value in body.items():
        if name.lower() in _DESCRIPTIVE:
            continue
        path = _path(name, dialect)
        if isinstance(value, list):
            yield from _by_element(path, value)
        elif value is not None and not path.extension and path.name in _MULTI_VALUED:
            yield from _by_element(path, [value])  # one element without its brackets: never the whole list
        else:
            yield Operation(Verb.REPLACE, path, value)


def _removed(meta: object) -> list[str]:
    if meta is None:
        return []
    if not isinstance(meta, dict):
        raise InvalidSyntax("meta is not an object")
    names = _folded(meta).get("attributes")
    if names is None:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidSyntax("meta.attributes is not a list of strings")
    return names


def _by_element(path: Path, elements: list[Any]) -> Iterator[Operation]:
    """At most two operations: the values marked ``delete``, then the others; none for an empty list."""
    sorted_out: dict[Verb, list[Any]] = {Verb.REMOVE: [], Verb.ADD: []}
    for element in elements:
        verb, value = _unmarked(element)
        sorted_out[verb].append(value)
    for verb, values in sorted_out.items():
        if values:
            yield Operation(verb, path, values)


def _unmarked(element: Any) -> tuple[Verb, Any]:
    """What is to be done with a value of a list, and the value without the mark that says so."""
    marks = [name for name in element if name.lower() == "operation"] if isinstance(element, dict) else []
    if not marks:
        return Verb.ADD, element
    mark = element[marks[0]]
    if mark is None:
        mark = "add"  # RFC 7643 §2.5: null is the same as absent
    verb = _MARKS.get(mark.lower()) if isinstance(mark, str) else None
    if verb is None:
        # Guessing would add what was to be removed.
        raise InvalidSyntax("the operation of a value is not delete")
    return verb, {name: value for name, value in element.items() if name not in marks}
