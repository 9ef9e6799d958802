"""What cases are bred from: bodies, filters and paths that clients have sent, and values known to hurt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rosterd.provisioning.attributes import ATTRIBUTES
from rosterd.provisioning.filters import GROUP_FIELDS, USER_FIELDS
from rosterd.scim.dialect import DIALECTS, V2
from tests.judges import samples

KNOWN_IDS = ("W0000000001", "W0000000002", "W0000000003")
"""People who exist where a case meets a store; they stand for everybody whom a sample names."""

_HOLE = "{{"


def _filled(value: Any) -> Any:
    text = json.dumps(value)
    for number, part in enumerate(text.split(_HOLE)[1:]):
        name = part.partition("}}")[0]
        text = text.replace(_HOLE + name + "}}", KNOWN_IDS[number % len(KNOWN_IDS)])
    return json.loads(text)


def _bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """(noun and verb as in ``PATCH Users``, body) of every step of every sample that has a body."""
    for path in samples.paths():
        for step in samples.load(path).steps:
            if isinstance(step.body, dict):
                verb, _, target = step.send.partition(" ")
                yield f"{verb} {target.partition('/')[0]}", _filled(step.body)


def _filters() -> Iterator[str]:
    for path in samples.paths():
        for step in samples.load(path).steps:
            yield from parse_qs(urlsplit(step.send.partition(" ")[2]).query).get("filter", ())


_GUEST = V2.extensions["guest"]
_OWN: list[tuple[str, dict[str, Any]]] = [
    (
        "PUT Groups",
        {"schemas": [V2.group_urn], "displayName": "g", "members": [{"value": id} for id in KNOWN_IDS]},
    ),
    (
        "PUT Users",
        {
            "schemas": [V2.user_urn, _GUEST],
            "userName": "ann",
            "active": True,
            "emails": [{"value": "ann@example.com"}],
            _GUEST: {"type": "multi"},
        },
    ),
]
"""What no sample sends."""

_ALL = [*_bodies(), *_OWN]
BODIES: dict[str, list[dict[str, Any]]] = {
    kind: [body for each, body in _ALL if each == kind] for kind in sorted({kind for kind, _ in _ALL})
}
"""``POST Users``, ``PATCH Groups``, … → bodies of that kind."""

FILTERS = (
    *sorted(set(_filters())),
    'userName eq "ann" and (active eq true or not (email co "x"))',
    'emails[type eq "work" and value eq "a@b.example"]',
    "restricted eq '1'",
    "filter=userName Eq carly",
)

URNS = tuple(
    dict.fromkeys(
        urn
        for dialect in DIALECTS
        for urn in (dialect.user_urn, dialect.group_urn, *dialect.extensions.values())
    )
)

ATTRIBUTE_NAMES = tuple(
    dict.fromkeys(
        (
            *(row.path.rpartition(":")[2] for row in ATTRIBUTES),
            *(sub for row in ATTRIBUTES for sub in row.sub_attributes),
            *USER_FIELDS,
            *GROUP_FIELDS,
            *("members", "schemas", "id", "meta", "operation", "Operations", "op", "path", "value", "type"),
            *("primary", "display", "password", "__class__", "$ref", "role", "org_id"),
        )
    )
)

PATHS = (
    *ATTRIBUTE_NAMES,
    *(f"{urn}:{name}" for urn in URNS for name in ("department", "manager.managerId", "expiration")),
    'emails[type eq "work"].value',
    "members[value eq U123ABC456]",
    'addresses[type eq "untyped"].streetAddress',
    'roles[primary eq "True"].value',
)

TEXTS = (
    "", " ", "\t", "a", "ann", "ann@example.com", "@", "a@b", "x" * 21, "x" * 81, "x" * 4_001, "\\", '"',
    "Robert\n", "\u00df", "\u0130", "\u017f", "\u212a", "I\u0307", "\u200b", "\ufeff", "\u202e", "\uffff",
    "\U0001f600", "\U0010ffff", "e\u0301" * 20, "true", "False", "1", "0", "-1", "null", "undefined", "NaN",
    "9" * 30, "1e999", "multi", "work", "home", "general", "slackbot", "erased-w0000000001",
    "2030-01-01T00:00:00Z", "2030-13-01", "0000-00-00T00:00:00+99:99", "9999-12-31T23:59:59+0000",
    "data:image/png;base64,AAAA", "javascript:alert(1)", "https://x.example/y", "'; DROP TABLE users; --",
    "%s%n", *KNOWN_IDS, "W9999999999", "S0000000001",
)  # fmt: skip

VALUES: tuple[Any, ...] = (
    *TEXTS, None, True, False, 0, 1, -1, 2**31, 2**63, -(2**63) - 1, 10**40, 0.5, 1e308, [], {}, [None],
    [[]], [{}], {"value": None}, {"value": ""}, {"type": "multi"},
    [{"value": "a@b.example", "primary": True}],
)  # fmt: skip

WORDS = (
    "and", "or", "not", "AND", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "Eq", "value",
    "type", "primary", "filter=", "(", ")", "[", "]", "((", "))", '"', "'", '"a"', "'a'", "true", "null",
    "1", "-0", "1e9", "1e999", ".", ",", ":", " ", "  ", '"\\u0000"', '"\\ud800"', '"\\', "\x00", "\u00a0",
)  # fmt: skip
