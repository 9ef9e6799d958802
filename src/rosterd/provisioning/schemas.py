"""What the service says of itself: ServiceProviderConfig, ResourceTypes, Schemas.

The schemas are drawn from :mod:`rosterd.provisioning.attributes`, so they list what is supported.

Source: Slack SCIM API reference, headings *Service Provider Configuration*, *Resource types*,
*Schemas*; RFC 7643 §6 and §7, SCIM 1.1 Core Schema §10 where Slack's page gives no body.
"""

from __future__ import annotations

from typing import Any

from rosterd.provisioning.attributes import ATTRIBUTES, Attribute
from rosterd.scim.dialect import Dialect

_UNSUPPORTED = {"supported": False}

SERVICE_PROVIDER_CONFIG: dict[str, Any] = {
    "authenticationSchemes": [
        {
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "Authentication Scheme using the OAuth Bearer Token Standard",
            "specUrl": "http://tools.ietf.org/html/draft-ietf-oauth-v2-bearer-01",
            "primary": True,
        }
    ],
    "patch": {"supported": True},
    "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
    "filter": {"supported": False, "maxResults": 0},
    "changePassword": _UNSUPPORTED,
    "sort": _UNSUPPORTED,
    "etag": _UNSUPPORTED,
    "xmlDataFormat": _UNSUPPORTED,
}
"""As Slack answers in both versions, down to the filters that it does not admit to."""

_RESOURCE_TYPE_URN = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
_SCHEMA_URN = "urn:ietf:params:scim:schemas:core:2.0:Schema"


def resource_types(dialect: Dialect, base_url: str) -> dict[str, dict[str, Any]]:
    """The resource types by id: User and Group (2.0 only)."""
    extensions = [{"schema": urn, "required": False} for urn in dialect.extensions.values()]
    user = _resource_type("User", "User Account", dialect.user_urn, base_url)
    group = _resource_type("Group", "Group", dialect.group_urn, base_url)
    meta = user.pop("meta")
    return {"User": {**user, "schemaExtensions": extensions, "meta": meta}, "Group": group}


def _resource_type(id: str, description: str, urn: str, base_url: str) -> dict[str, Any]:
    return {
        "schemas": [_RESOURCE_TYPE_URN],
        "id": id,
        "name": id,
        "endpoint": f"/{id}s",
        "description": description,
        "schema": urn,
        "meta": {"location": f"{base_url}/scim/v2/ResourceTypes/{id}", "resourceType": "ResourceType"},
    }


def schemas(dialect: Dialect, base_url: str) -> dict[str, dict[str, Any]]:
    """The schemas by URN: User, Group and the extensions, each with its attributes."""
    found = {dialect.user_urn: ("User", "User Account", "")}
    found |= {
        urn: (_EXTENSION_NAMES[key], _EXTENSION_NAMES[key], key) for key, urn in dialect.extensions.items()
    }
    drawn = {
        urn: _schema(dialect, base_url, urn, name, text, _attributes(key))
        for urn, (name, text, key) in found.items()
    }
    if dialect.group_urn not in drawn:
        drawn[dialect.group_urn] = group_schema(dialect, base_url)
    return drawn


_EXTENSION_NAMES = {
    "enterprise": "Enterprise User",
    "guest": "Slack Guest User",
    "profile": "Slack User Profile",
}


def user_schema(dialect: Dialect, base_url: str) -> dict[str, Any]:
    """``/Schemas/Users``: the core attributes, and the extensions as complex attributes.

    Slack: *the details of this schema are also returned as part of the GET /Schemas/Users payload*.
    """
    drawn = schemas(dialect, base_url)
    extensions = [
        _field(urn, _EXTENSION_NAMES[key], type="complex", subs=drawn[urn]["attributes"])
        for key, urn in dialect.extensions.items()
    ]
    core = drawn[dialect.user_urn]
    return {**core, "attributes": [*core["attributes"], *extensions]}


def group_schema(dialect: Dialect, base_url: str) -> dict[str, Any]:
    """``/Schemas/Groups``."""
    subs = [
        _field("value", "Slack id of the member."),
        _field("display", "Full name.", mutability="readOnly"),
    ]
    attributes = [
        _field("displayName", "Name, unique among the groups of the organisation.", required=True),
        _field("members", "Members.", type="complex", multi_valued=True, subs=subs),
    ]
    return _schema(dialect, base_url, dialect.group_urn, "Group", "Group", attributes)


def _schema(
    dialect: Dialect, base_url: str, urn: str, name: str, description: str, attributes: list[dict[str, Any]]
) -> dict[str, Any]:
    if dialect.patch_urn is None:  # SCIM 1.1 Core Schema §10
        head = {"id": urn, "name": name, "description": description, "schema": urn}
        return {**head, "endpoint": "/Groups" if name == "Group" else "/Users", "attributes": attributes}
    meta = {"resourceType": "Schema", "location": f"{base_url}/scim/{dialect.name}/Schemas/{urn}"}
    return {
        "schemas": [_SCHEMA_URN],
        "id": urn,
        "name": name,
        "description": description,
        "attributes": attributes,
        "meta": meta,
    }


def _attributes(extension: str) -> list[dict[str, Any]]:
    """The rows of one extension; rows with a common first name become one complex attribute."""
    drawn: dict[str, dict[str, Any]] = {}
    for row in ATTRIBUTES:
        if row.key[0] != extension:
            continue
        name, _, sub = row.path.rpartition(":")[2].partition(".")
        if not sub:
            drawn[name] = _of_row(name, row)
            continue
        whole = drawn.setdefault(name, _field(name, name.capitalize() + ".", type="complex", subs=[]))
        whole["subAttributes"].append(_of_row(sub, row))
    return list(drawn.values())


def _of_row(name: str, row: Attribute) -> dict[str, Any]:
    subs = [
        _field(
            sub,
            "",
            type="boolean" if sub == "primary" else "string",
            required=row.required and sub == "value",  # Slack: each e-mail address needs its value
        )
        for sub in row.sub_attributes
    ]
    return _field(
        name,
        row.description,
        type=row.type,
        multi_valued=row.multi_valued,
        required=row.required,
        mutability=row.mutability,
        returned="never" if row.shape == "never" else "default",
        unique=name == "userName",
        subs=subs or None,
    )


def _field(
    name: str,
    description: str,
    *,
    type: str = "string",
    multi_valued: bool = False,
    required: bool = False,
    mutability: str = "readWrite",
    returned: str = "default",
    unique: bool = False,
    subs: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """One attribute as RFC 7643 §7 describes it."""
    drawn: dict[str, Any] = {"name": name, "type": type, "multiValued": multi_valued}
    if subs is not None:
        drawn["subAttributes"] = subs
    drawn |= {"description": description, "required": required, "caseExact": False}
    drawn |= {"mutability": mutability, "returned": returned}
    if type == "reference":
        drawn["referenceTypes"] = ["external"]
    return {**drawn, "uniqueness": "server" if unique else "none"}
