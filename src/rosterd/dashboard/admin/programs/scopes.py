"""Scopes in a form: a box for each that something here asks for, and a field for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rosterd.directory.apps import SCOPES, listed

BOX = "scope:"
OTHERS = "other_scopes"


class Offer(NamedTuple):
    """A box."""

    field: str
    scope: str
    meaning: str
    is_ticked: bool


def offered(fields: Mapping[str, str]) -> list[Offer]:
    """The boxes, ticked as they were when the form was sent."""
    return [Offer(BOX + scope, scope, meaning, BOX + scope in fields) for scope, meaning in SCOPES.items()]


def chosen(fields: Mapping[str, str]) -> tuple[str, ...]:
    """What was ticked and written, each once.

    >>> chosen({"scope:users:read": "1", "scope:admin": "1", "other_scopes": "admin, reactions:read"})
    ('admin', 'users:read', 'reactions:read')
    """
    ticked = [scope for scope in SCOPES if BOX + scope in fields]
    return tuple(dict.fromkeys((*ticked, *listed(fields.get(OTHERS, "")))))
