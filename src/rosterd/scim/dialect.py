"""The two versions as two values: how each one spells what both of them mean.

Rules of this module:

1. A difference between SCIM 1.1 and 2.0 is a field of :class:`Dialect`, never an ``if`` elsewhere.
2. What Slack does otherwise than the RFCs is a named field or constant with its source, so that a strict
   dialect is another value and not another program.
3. Extensions have neutral keys: ``enterprise``, ``guest``, ``profile``, and ``""`` for the core schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

_V1 = "urn:scim:schemas:"
_V2 = "urn:ietf:params:scim:schemas:"
_MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"


@dataclass(frozen=True, slots=True)
class Statuses:
    """The HTTP status of each call that succeeds."""

    create: int
    replace: int
    patch_user: int
    patch_group: int
    delete_user: int
    delete_group: int


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """One version of the protocol. Compared by identity: there is one value per version."""

    name: Literal["v1", "v2"]  # as in the path of Slack's base URL, /scim/v1 and /scim/v2
    user_urn: str
    group_urn: str
    extensions: Mapping[str, str]  # neutral key -> URN, in the order in which ``schemas`` lists them
    list_urn: str
    patch_urn: str | None  # None: this version has no PatchOp message
    error_urn: str | None  # None: errors travel in the 1.1 envelope
    list_keys: tuple[str, ...]  # in the order of Slack's list responses
    group_keys: tuple[str, ...]  # in the order of Slack's groups
    statuses: Statuses
    path_separator: str  # between an extension's URN and an attribute, when printed; both are read
    path_aliases: Mapping[str, str]  # misspelt core attributes in PATCH paths -> the ones they mean
    old_envelope_statuses: frozenset[int]  # errors that use the 1.1 envelope whatever the version
    reads_partial_resources: bool  # a PATCH body without Operations is a partial resource

    def error_body(self, code: str, status: int) -> dict[str, Any]:
        """The body of an error; ``code`` is Slack's code with its suffix, ``status`` the HTTP status.

        Slack SCIM reference, heading Errors: ``status`` is a number, as is ``code`` in the 1.1 envelope.
        ``Errors`` is an object with exactly these keys, since Slack's Python SDK accepts no others.

        >>> V1.error_body("no_such_user", 404)
        {'Errors': {'description': 'no_such_user', 'code': 404}}
        >>> V2.error_body("no_such_user", 404)["detail"]
        'no_such_user'
        >>> V2.error_body("invalid_authentication", 401) == V1.error_body("invalid_authentication", 401)
        True
        """
        if self.error_urn is None or status in self.old_envelope_statuses:
            return {"Errors": {"description": code, "code": status}}
        return {"schemas": [self.error_urn], "detail": code, "status": status}


V1 = Dialect(
    name="v1",
    user_urn=f"{_V1}core:1.0",
    group_urn=f"{_V1}core:1.0",
    extensions=MappingProxyType(
        {
            "enterprise": f"{_V1}extension:enterprise:1.0",
            "guest": f"{_V1}extension:slack:guest:1.0",
            "profile": f"{_V1}extension:slack:profile:1.0",
        }
    ),
    list_urn=f"{_V1}core:1.0",
    patch_urn=None,
    error_urn=None,
    list_keys=("totalResults", "itemsPerPage", "startIndex", "schemas", "Resources"),
    group_keys=("schemas", "id", "displayName", "members", "meta"),
    statuses=Statuses(
        create=201, replace=200, patch_user=200, patch_group=204, delete_user=200, delete_group=204
    ),
    path_separator=".",  # Slack SCIM reference, PATCH in v1: "urn:...:enterprise:1.0.department"
    path_aliases=MappingProxyType({}),
    old_envelope_statuses=frozenset(),
    reads_partial_resources=True,  # SCIM 1.1 protocol, §3.3.2
)

V2 = Dialect(
    name="v2",
    user_urn=f"{_V2}core:2.0:User",
    group_urn=f"{_V2}core:2.0:Group",
    extensions=MappingProxyType(
        {
            "enterprise": f"{_V2}extension:enterprise:2.0:User",
            "guest": f"{_V2}extension:slack:guest:2.0:User",
            "profile": f"{_V2}extension:slack:profile:2.0:User",
        }
    ),
    list_urn=f"{_MESSAGES}ListResponse",
    patch_urn=f"{_MESSAGES}PatchOp",
    error_urn=f"{_MESSAGES}Error",
    list_keys=("schemas", "Resources", "totalResults", "itemsPerPage", "startIndex"),
    group_keys=("schemas", "id", "meta", "displayName", "members"),
    statuses=Statuses(
        create=201, replace=200, patch_user=200, patch_group=200, delete_user=204, delete_group=204
    ),
    path_separator=":",  # RFC 7644 §3.10
    # Slack SCIM reference, PATCH in v2: its own example removes "address".
    path_aliases=MappingProxyType({"address": "addresses"}),
    # Slack's Java SDK, tested against the real v2 server, expects a failed authentication so.
    old_envelope_statuses=frozenset({401}),
    # Slack SCIM reference, PATCH in v2: startDate is set without a PatchOp message. Slack's Python SDK, which
    # speaks 1.1, sends such bodies to /scim/v2 as well.
    reads_partial_resources=True,
)

DIALECTS: tuple[Dialect, ...] = (V1, V2)

# OneLogin names the core schema without a resource type.
_BARE_CORE_URNS = ("urn:scim:schemas:core:2.0", f"{_V2}core:2.0")

# Lower-cased URN -> neutral key, the longest first: a URN may be the beginning of another one.
_KEYS: Mapping[str, str] = MappingProxyType(
    dict(
        sorted(
            {
                **{urn.lower(): "" for urn in _BARE_CORE_URNS},
                **{urn.lower(): "" for dialect in DIALECTS for urn in (dialect.user_urn, dialect.group_urn)},
                **{urn.lower(): key for dialect in DIALECTS for key, urn in dialect.extensions.items()},
            }.items(),
            key=lambda item: -len(item[0]),
        )
    )
)


def extension_of(urn: str) -> str | None:
    """The neutral key of a schema's URN in either version and any case; None if it is unknown.

    >>> extension_of("urn:ietf:params:scim:schemas:extension:Enterprise:2.0:user")
    'enterprise'
    >>> extension_of("urn:scim:schemas:core:1.0"), extension_of("urn:scim:schemas:other:1.0")
    ('', None)
    """
    return _KEYS.get(urn.lower())


def split_urn(text: str) -> tuple[str | None, str | None]:
    """The neutral key of the schema that a path starts with, and the rest of the path.

    Between the two stands ``:`` (RFC 7644 §3.10) or ``.`` (Slack SCIM reference, PATCH). The key is ``""``
    for a path without a URN and None for an unknown one; the rest is None where the path is the URN alone.

    >>> split_urn("name.givenName"), split_urn("urn:scim:schemas:extension:enterprise:1.0.department")
    (('', 'name.givenName'), ('enterprise', 'department'))
    >>> split_urn("urn:ietf:params:scim:schemas:extension:slack:guest:2.0:User")
    ('guest', None)
    """
    if text[:4].lower() != "urn:":
        return "", text
    for urn, key in _KEYS.items():
        if text[: len(urn)].lower() != urn:
            continue
        if len(text) == len(urn):
            return key, None
        if text[len(urn)] in ":.":
            return key, text[len(urn) + 1 :]
    return None, text
