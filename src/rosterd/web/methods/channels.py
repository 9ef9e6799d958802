"""The channel object: a channel as the Web API shows it, and which kinds of them there are.

Source: Slack's page *Conversation object*; the pages *conversations.list* and *users.conversations*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rosterd.directory.model import Channel, Org, Plan, TeamId
from rosterd.store.channels import Home, Wanted
from rosterd.web.methods.call import MethodCall
from rosterd.web.methods.cursors import Page
from rosterd.web.methods.errors import MethodError

SCOPES = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}
"""The kinds of conversation, and what reading each takes. Of the last two there are none here."""

READING = tuple(SCOPES.values())
"""The scopes of a method that reads several kinds: one of them is needed, and then that of each kind."""


def wanted(call: MethodCall, page: Page) -> Wanted:
    """What ``types``, ``exclude_archived`` and the page ask for.

    Raises ``invalid_types``, and ``missing_scope`` for a kind that the token may not read.
    """
    kinds = call.arguments.listed("types") or ["public_channel"]
    if not SCOPES.keys() >= set(kinds):
        raise MethodError("invalid_types")
    needed = [SCOPES[kind] for kind in kinds if not call.has_scope(SCOPES[kind])]
    if needed:
        provided = ",".join(call.token.scopes)
        raise MethodError("missing_scope", needed=",".join(needed), provided=provided)
    return Wanted(
        public="public_channel" in kinds,
        private="private_channel" in kinds,
        archived=not call.arguments.flag("exclude_archived"),
        after=behind(page),
        limit=(page.limit or 100) + 1,
    )


def position(channel: Channel) -> str:
    """What a cursor behind this channel is made of."""
    return f"{channel.created}:{channel.id}"


def behind(page: Page) -> tuple[int, str]:
    """The time and id that a page of channels begins behind. Raises ``invalid_cursor``."""
    if page.after is None:
        return 0, ""
    created, _, id = page.after.partition(":")
    if not (created.isascii() and created.isdigit() and len(created) < 18 and id):
        raise MethodError("invalid_cursor")
    return int(created), id


def drawn(channel: Channel, homes: Sequence[Home], org: Org, team: TeamId | None) -> dict[str, Any]:
    """The channel object, as seen from a workspace, or from the organisation."""
    here = next((home for home in homes if home.team_id == team), None)
    teams = [home.team_id for home in homes]
    found: dict[str, Any] = {
        "id": channel.id,
        "name": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "created": channel.created // 1_000_000,
        "is_archived": channel.is_archived,
        "is_general": here is not None and here.is_general,
        "unlinked": 0,
        "name_normalized": channel.name,
        "is_shared": len(teams) > 1,
        "is_org_shared": len(teams) > 1,
        "is_ext_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "context_team_id": team or (teams[0] if teams else org.id),
        "updated": channel.created // 1_000,
        "parent_conversation": None,
        "creator": channel.creator_id,
        "shared_team_ids": teams,
        "topic": _text(channel, channel.topic),
        "purpose": _text(channel, channel.purpose),
        "previous_names": [],
    }
    if org.plan is Plan.ENTERPRISE:
        found |= {
            "enterprise_id": org.id,
            "internal_team_ids": teams,
            "is_org_default": here is not None and here.is_default,
            "is_org_mandatory": False,
            "is_global_shared": channel.is_org_wide,
        }
    return found


def _text(channel: Channel, text: str) -> dict[str, Any]:
    """A topic or purpose. Who set it is not kept: it was said when the channel was made."""
    set_at = channel.created // 1_000_000 if text else 0
    return {"value": text, "creator": channel.creator_id if text else "", "last_set": set_at}
