"""Audit events: what happened, by whom, to whom, before and after.

The names are those of Slack's Audit Logs API (heading *Methods and actions*). An event's
``personal`` part can be forgotten without breaking the chain: the chain covers its digest.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

EntityType = Literal["user", "usergroup", "enterprise", "workspace", "channel", "app"]


class Event(msgspec.Struct, frozen=True):
    """One event, before the store gives it its id and time."""

    action: str  # a name of Slack's Audit Logs API, such as "user_created"
    entity_type: EntityType
    entity_id: str
    details: dict[str, Any] = {}  # nothing personal: ids, counts, roles
    personal: dict[str, Any] = {}  # {"before": {…}, "after": {…}}
    subject_id: str | None = None  # the user whose data ``personal`` is
