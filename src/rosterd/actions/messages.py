"""What can be done with messages: post one. It is kept nowhere; whoever never signed in gets it by mail.

Source: Slack, *chat.postMessage*; *Invite members to your workspace* (invited members are told by e-mail
when they are mentioned or messaged).
"""

from __future__ import annotations

import msgspec

from rosterd.actions import channels
from rosterd.directory import channels as channel_rules
from rosterd.directory import messages as rules
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.errors import NotAllowed, NotFound
from rosterd.directory.model import Actor, Channel, ChannelId, Org, TeamId, UserId
from rosterd.store import channels as channel_rows
from rosterd.store import outbox, users
from rosterd.store.belonging import consequences as rows
from rosterd.store.belonging import places
from rosterd.store.belonging.places import CHANNEL
from rosterd.store.engine import Tx


class Posted(msgspec.Struct, frozen=True):
    """Where a message went (C… or D…), and how many are told of it by mail."""

    channel_id: str
    mailed: int


async def post(
    tx: Tx, org: Org, to: str, text: str, *, team_id: TeamId | None = None, actor: Actor
) -> Posted:
    """A message to a person (U…, W… or the D… of a conversation with them) or to a channel (C…, or its name
    in ``team_id``).

    A channel's members who are mentioned are told, a person always; of them those who never signed in. Guests
    write to those with whom they share a channel.
    Raises ``no_such_channel``, ``not_in_channel``, ``is_archived``, ``no_text`` and ``msg_too_long``.
    """
    rules.check_text(text)
    if (person := rules.person_of(to, org.plan)) is not None:
        if not await users.briefs(tx, org.id, [person]) or not await _may_meet(tx, org, person, actor=actor):
            raise NotFound("no_such_channel", channel=to[:80])
        mailed = await _tell(tx, org, None, [person], text, actor=actor)
        return Posted(rules.conversation_with(person), mailed)
    channel = await _channel(tx, org, to, team_id)
    if channel is None or not await channels.may_read(tx, org, channel, actor=actor):
        raise NotFound("no_such_channel", channel=to[:80])
    mentioned = rules.mentioned(text)
    there = await places.among(tx, CHANNEL, org.id, channel.id, [*mentioned, actor.user_id])
    if actor.user_id not in there:
        raise NotAllowed("not_in_channel", channel=channel.id)
    channel_rules.check_changeable(channel)
    told = [person for person in mentioned if person in there]
    return Posted(channel.id, await _tell(tx, org, channel.id, told, text, actor=actor))


async def _may_meet(tx: Tx, org: Org, person: UserId, *, actor: Actor) -> bool:
    """Guests meet those with whom they share a channel, others everybody."""
    if not actor.role.is_guest or person == actor.user_id:
        return True
    return bool(await places.acquainted(tx, org.id, actor.user_id, [person]))


async def _channel(tx: Tx, org: Org, to: str, team_id: TeamId | None) -> Channel | None:
    channel = await channel_rows.find(tx, org.id, ChannelId(to))
    if channel is None and team_id is not None:
        id = await channel_rows.named(tx, org.id, team_id, to.removeprefix("#").lower())
        channel = await channel_rows.find(tx, org.id, id) if id else None
    return channel


async def _tell(
    tx: Tx, org: Org, channel: ChannelId | None, people: list[UserId], text: str, *, actor: Actor
) -> int:
    known = await rows.lock(tx, org.id, people) if people else {}
    arguments = {"channel": channel, "author": actor.user_id, "text": text}
    told = [
        Errand(Kind.MESSAGE, id, arguments)
        for id, person in known.items()
        if person.invited and not person.deactivated and id != actor.user_id
    ]
    await outbox.add(tx, org.id, told)
    return len(told)
