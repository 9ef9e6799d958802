"""JSON Schemas of the bodies that go in and out, as the OpenAPI document shows them.

Rules of this module:

1. Attributes are drawn from :data:`rosterd.provisioning.attributes.ATTRIBUTES`, errors from samples.
2. Schemas are loose but true. What a request schema refuses, the server refuses; what it allows can
   still be a 400, since rules about names, addresses and members are no matter of shape.

Source: JSON Schema 2020-12; Slack SCIM API reference, heading *User attributes*; RFC 7644 §3.5.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from rosterd.directory.profiles import MAX_TEXT
from rosterd.provisioning.attributes import ATTRIBUTES, Attribute
from rosterd.scim.dialect import Dialect

Json = dict[str, Any]
Use = Literal["create", "replace", "patch", "shown"]
"""What a schema of a user is for: a body of POST, PUT or PATCH, or an answer."""

_TEXT: Json = {"type": ["string", "null"]}
_TEXTS: Json = {"type": "array", "items": {"type": "string"}}
_ANYTHING: Json = {}
_TRUTH: Json = {"enum": [True, False, "true", "false", "True", "False", None]}

_TYPES: Mapping[str, Json] = {
    "string": _TEXT,
    "reference": _TEXT,
    "dateTime": _TEXT,
    "boolean": {"type": "boolean"},
}

_NAME: Json = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_ELEMENTS: Json = {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["value"]}}

_SPECIAL: Mapping[tuple[str, Use], Json] = {
    ("userName", "create"): _NAME,
    ("userName", "replace"): _NAME,
    ("emails", "create"): _ELEMENTS,
    ("emails", "replace"): _ELEMENTS,
    ("active", "create"): _TRUTH,
    ("active", "replace"): _TRUTH,
    ("active", "patch"): _TRUTH,
    ("password", "replace"): {"type": "null"},
    ("password", "patch"): {"type": "null"},
}
"""Attributes of which a request may say more, or less, than their type does."""


def _object(properties: Json, required: tuple[str, ...] = (), *, nullable: bool = False) -> Json:
    drawn: Json = {"type": ["object", "null"] if nullable else "object", "properties": properties}
    return drawn | ({"required": list(required)} if required else {})


_URN: Json = {"anyOf": [{"type": "string"}, _TEXTS]}  # slack_sdk puts a list where a URN belongs
_URNS: Json = {"type": "array", "items": _URN, "minItems": 1}
_MEMBERS: Json = {"type": "array", "items": _object({"value": {"type": "string"}, "display": _TEXT})}
_META: Json = _object({"created": {"type": "string"}, "location": {"type": "string"}})


def named_schemas(dialect: Dialect) -> Iterator[tuple[str, Json]]:
    """Every schema of one version, named."""
    shown = {"schemas": _TEXTS, "id": {"type": "string"}, "meta": _META}
    drawn = {
        "User": _object(shown | _user(dialect, "shown"), ("schemas", "id")),
        "UserCreate": _object(
            {"schemas": _URNS} | _user(dialect, "create"), ("schemas", "userName", "emails")
        ),
        "UserReplace": _object(
            {"schemas": _URNS} | _user(dialect, "replace"), ("schemas", "userName", "emails")
        ),
        "UserPatch": _partial(_user(dialect, "patch")),
        "Group": _object(shown | {"displayName": {"type": "string"}, "members": _MEMBERS}, ("schemas", "id")),
        "GroupCreate": _group_body(_NAME, ("schemas", "displayName")),
        "GroupReplace": _group_body(_NAME | {"type": ["string", "null"]}, ("schemas",)),
        "GroupPatch": _partial({"displayName": {"type": "string"}, "members": _ANYTHING}),
        "UserList": _list(dialect, {"$ref": f"#/components/schemas/User_{dialect.name}"}),
        "GroupList": _list(dialect, {"$ref": f"#/components/schemas/Group_{dialect.name}"}),
    }
    if dialect.patch_urn is not None:
        drawn["PatchOp"] = _patch_op()
    for name, schema in drawn.items():
        yield f"{name}_{dialect.name}", schema


def _list(dialect: Dialect, resource: Json) -> Json:
    number = {"type": "integer", "minimum": 0}
    kinds: Mapping[str, Json] = {"schemas": _TEXTS, "Resources": {"type": "array", "items": resource}}
    return _object({key: kinds.get(key, number) for key in dialect.list_keys}, dialect.list_keys)


def _group_body(name: Json, required: tuple[str, ...]) -> Json:
    return _object({"schemas": _URNS, "displayName": name, "members": _ANYTHING}, required)


def _partial(properties: Json) -> Json:
    """The body of a PATCH that is a partial resource; ``meta.attributes`` names what to remove."""
    meta = {"type": ["object", "null"], "properties": {"attributes": {**_TEXTS, "type": ["array", "null"]}}}
    return _object({"schemas": _URNS, "meta": meta} | properties | {"Operations": False}, ("schemas",))


def _patch_op() -> Json:
    """RFC 7644 §3.5.2; the verbs in any case."""
    verbs = "|".join("".join(f"[{c.upper()}{c}]" for c in verb) for verb in ("add", "replace", "remove"))
    operation = _object(
        {"op": {"type": "string", "pattern": f"^({verbs})$"}, "path": _TEXT, "value": {}}, ("op",)
    )
    operations = {"type": "array", "items": operation, "minItems": 1}
    return _object({"schemas": _URNS, "Operations": operations}, ("schemas", "Operations"))


def _user(dialect: Dialect, use: Use) -> Json:
    """The attributes of a user, each at its place."""
    properties: Json = {}
    for row in ATTRIBUTES:
        if use == "shown" and row.shape == "never":
            continue
        extension, _, rest = row.path.rpartition(":")
        steps = ([dialect.extensions[extension]] if extension else []) + rest.split(".")
        if extension and _is_droppable(row, use):
            properties[steps[0]] = {
                "description": "Custom profile fields: dropped as a whole if one is invalid."
            }
            continue
        place = properties
        for step in steps[:-1]:
            place = place.setdefault(step, _object({}, nullable=use != "shown"))["properties"]
        place[steps[-1]] = {**_attribute(row, use), "description": row.description}
    return properties


def _is_droppable(row: Attribute, use: Use) -> bool:
    """Whether an invalid value is no error: at creation it costs the custom profile."""
    return use == "create" and row.shape in ("custom", "start_date")


def _attribute(row: Attribute, use: Use) -> Json:
    if (row.path, use) in _SPECIAL:
        return _SPECIAL[row.path, use]
    if use != "shown" and (_is_droppable(row, use) or row.mutability in ("readOnly", "immutable")):
        return _ANYTHING
    if row.type == "complex":
        return _multi_valued(row) if use == "shown" else _ANYTHING
    return _TYPES[row.type]


def _multi_valued(row: Attribute) -> Json:
    kinds = {sub: {"type": ["boolean", "null"]} if sub == "primary" else _TEXT for sub in row.sub_attributes}
    return {"type": "array", "items": _object(kinds)}


def error_schema(dialect: Dialect, status: int) -> Json:
    """The schema of an error body, read off a sample of it."""
    return _like(dialect.error_body("internal_error", status))


def _like(sample: Any) -> Json:
    match sample:
        case dict():
            properties = {name: _like(value) for name, value in sample.items()}
            return _object(properties, tuple(sample)) | {"additionalProperties": False}
        case list():
            return _TEXTS
        case int():
            return {"type": "integer"}
    return {"type": "string"}
