"""``chat.postMessage``: nothing is kept of a message, but invited people hear by mail what is said to them.

Source: Slack's pages *chat.postMessage*; *Formatting message text*.
"""

from __future__ import annotations

from typing import Any

import msgspec

from rosterd.actions import messages
from rosterd.directory.model import ChannelId, TeamId
from rosterd.store import channels
from rosterd.store.engine import Tx
from rosterd.web.methods.call import MethodCall, method
from rosterd.web.methods.errors import MethodError

MARKDOWN_LENGTH = 12_000


@method("chat.postMessage", scope="chat:write", limit="post_message", per="channel")
async def chat_post_message(call: MethodCall) -> dict[str, Any]:
    """A message to a channel that the caller is in, or to a person."""
    to = call.arguments.required("channel")
    text = _text(call)
    async with call.store.write() as tx:
        caller = await call.caller(tx)
        team = await _team(tx, call, to)
        posted = await messages.post(tx, caller.org, to, text, team_id=team, actor=caller.actor)
        ts = f"{tx.now // 1_000_000}.{tx.now % 1_000_000:06}"
    message = {"user": caller.actor.user_id, "type": "message", "ts": ts, "text": text}
    message |= {"team": call.team_id or call.org.id}
    if call.token.app_id:
        message["app_id"] = call.token.app_id
    if thread := call.arguments.text("thread_ts"):
        message["thread_ts"] = thread
    return {"channel": posted.channel_id, "ts": ts, "message": message}


async def _team(tx: Tx, call: MethodCall, to: str) -> TeamId | None:
    """The workspace in which a channel's name counts. A token of the organisation is told ``team_not_found``
    for what is no id, and a workspace's token ``channel_not_found`` for a channel of others.
    """
    id = ChannelId(to)
    if call.team_id is None:
        if to.startswith("#"):
            raise MethodError("team_not_found")
        return None
    homes = (await channels.homes(tx, call.org.id, [id]))[id]
    if homes and call.team_id not in {home.team_id for home in homes}:
        raise MethodError("channel_not_found")
    return call.team_id


def _text(call: MethodCall) -> str:
    """What is said: ``text``, else ``markdown_text``, else every text in ``blocks`` and ``attachments``."""
    given = call.arguments
    text, markdown = given.text("text") or "", given.text("markdown_text")
    parts = [given.values[name] for name in ("blocks", "attachments") if given.values.get(name)]
    if markdown is not None:
        if text or parts:
            raise MethodError("markdown_text_conflict")
        if len(markdown) > MARKDOWN_LENGTH:
            raise MethodError("msg_too_long")
        return markdown
    found = [said for part in parts for said in _said(_read(part))]
    return text or "\n".join(found)


def _read(part: Any) -> Any:
    """A list of blocks or attachments, sent as JSON or as a text of JSON."""
    try:
        value = msgspec.json.decode(part) if isinstance(part, str) else part
    except (msgspec.DecodeError, RecursionError):
        value = None
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise MethodError("invalid_blocks_format")
    return value


def _said(value: Any, depth: int = 0) -> list[str]:
    """Every text in blocks, in order; what is deeper than people write is not looked at."""
    if depth > 20:
        return []
    if isinstance(value, list):
        return [said for each in value for said in _said(each, depth + 1)]
    if not isinstance(value, dict):
        return []
    found: list[str] = []
    for name, each in value.items():
        if name in ("text", "fallback", "pretext") and isinstance(each, str):
            found.append(each)
        elif name == "user_id" and value.get("type") == "user" and isinstance(each, str):
            found.append(f"<@{each}>")
        else:
            found += _said(each, depth + 1)
    return found
