"""What is written to people: composed when it is sent, from the directory as it is then.

Slack writes to members who have not signed in yet: that they are invited, and what happens around them until
they see it for themselves (Slack Help Center, *Pre-provision members*). Whoever has signed in sees it there,
and gets a mail only when they ask for a link to sign in by.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from rosterd.directory.errands import Kind
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import Org, OrgId, Status, User, UserId
from rosterd.store import orgs, users
from rosterd.store.belonging import places
from rosterd.store.belonging.places import CHANNEL, WORKSPACE
from rosterd.store.engine import Store, Tx
from rosterd.store.outbox import Entry

LINK_SECONDS = 15 * 60
"""Who has not got their link by then has asked for another, or gone."""

MintLink = Callable[[Tx, Org, User], Awaitable[str]]
"""The address of a link to sign in by, once; what it is made of is not kept."""


class Letter(msgspec.Struct, frozen=True):
    """A mail before it is one: to whom, about what, and its text."""

    org: Org
    name: str
    address: str
    subject: str
    text: str


class Writer:
    """Composes letters. ``base_url``: where people find this server. ``mint`` makes links to sign in by."""

    def __init__(self, store: Store, base_url: str, mint: MintLink) -> None:
        self._store = store
        self._base_url = base_url
        self._mint = mint

    async def letter(self, entry: Entry) -> Letter | None:
        """The letter that an errand is about; None: there is nobody any more to whom it should go."""
        if entry.kind == Kind.SIGNIN_LINK:
            try:
                async with self._store.write() as tx:
                    return await self._link(tx, entry)
            except DirectoryError:
                return None
        async with self._store.read() as tx:
            found = await self._recipient(tx, entry)
            if found is None or found[1].status is not Status.INVITED:
                return None
            org, user = found
            if entry.kind == Kind.INVITATION:
                return self._invitation(org, user, str(entry.arguments.get("text", "")))
            if entry.kind == Kind.DIGEST:
                return await self._digest(tx, org, user, entry)
            return await self._message(tx, org, user, entry)

    async def _recipient(self, tx: Tx, entry: Entry) -> tuple[Org, User] | None:
        org = await orgs.find(tx, entry.org_id)
        user = await users.find(tx, entry.org_id, UserId(entry.subject_id))
        if org is None or user is None or user.deactivated or user.erased:
            return None
        return org, user

    def _signin(self, org: Org) -> str:
        return f"{self._base_url}/signin/{org.domain}"

    def _invitation(self, org: Org, user: User, greeting: str) -> Letter:
        quoted = "".join(f"> {line}\n" for line in greeting.splitlines())
        said = f"{quoted}\n" if quoted else ""
        text = (
            f"{org.name} has made an account for you.\nYour username is {user.username}.\n\n"
            f"{said}"
            f"Sign in for the first time: {self._signin(org)}\n\n"
            "Until you do, you get a mail when somebody writes to you,\n"
            "or adds you to a workspace or channel."
        )
        return _letter(org, user, f"You are invited to {org.name}", text)

    async def _digest(self, tx: Tx, org: Org, user: User, entry: Entry) -> Letter | None:
        ids = [str(id) for id in entry.arguments.get("places", ())]
        workspaces, channels = [
            await places.names_of(tx, kind, org.id, user.id, ids) for kind in (WORKSPACE, CHANNEL)
        ]
        if not workspaces and not channels:
            return None
        parts = [_counted(workspaces, "workspace"), _counted(channels, "channel")]
        subject = f"{org.name}: you were added to {' and '.join(part for part in parts if part)}"
        lists = [
            *(["Workspaces:", *(f"  {name}" for name in workspaces), ""] if workspaces else ()),
            *(["Channels:", *(f"  #{name}" for name in channels), ""] if channels else ()),
        ]
        text = f"You were added to these in {org.name}.\n\n" + "\n".join(lists)
        return _letter(org, user, subject, f"{text}\nSign in to see them: {self._signin(org)}")

    async def _message(self, tx: Tx, org: Org, user: User, entry: Entry) -> Letter | None:
        author = await users.find(tx, org.id, UserId(str(entry.arguments.get("author", ""))))
        channel = entry.arguments.get("channel")
        if author is None:
            return None
        where = "sent you a message"
        if channel is not None:
            names = await places.names_of(tx, CHANNEL, org.id, user.id, [str(channel)])
            if not names:
                return None  # no longer a member: what is said there is not for them
            where = f"mentioned you in #{names[0]}"
        said = await _plain(tx, org.id, str(entry.arguments.get("text", "")))
        quoted = "\n".join(f"> {line}" for line in said.splitlines())
        name = author.display_name or author.username
        text = f"{name} {where}:\n\n{quoted}\n\nSign in to answer: {self._signin(org)}"
        return _letter(org, user, f"{name} {where} ({org.name})", text)

    async def _link(self, tx: Tx, entry: Entry) -> Letter | None:
        found = await self._recipient(tx, entry)
        if found is None or tx.now - entry.created > LINK_SECONDS * 1_000_000:
            return None
        org, user = found
        link = await self._mint(tx, org, user)
        text = (
            f"Sign in to {org.name} by this link. It works once, for a quarter of an hour.\n\n{link}\n\n"
            "If you have not asked for it, somebody else has: you need do nothing."
        )
        return _letter(org, user, f"Your link to sign in to {org.name}", text)


def _letter(org: Org, user: User, subject: str, text: str) -> Letter:
    return Letter(org, user.full_name, user.email, subject, f"Hello {user.full_name},\n\n{text}\n")


def _counted(names: Sequence[str], noun: str) -> str:
    """How many there are.

    >>> _counted(["a"], "channel"), _counted(["a", "b"], "channel"), _counted([], "channel")
    ('1 channel', '2 channels', '')
    """
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'}" if names else ""


_MENTION = re.compile(r"<@([UW][0-9A-Z]{1,20})(?:\|[^<>]*)?>")


async def _plain(tx: Tx, org: OrgId, text: str) -> str:
    """A message's text as people read it (Slack, *Formatting message text*: mentions and escapes)."""
    ids = [UserId(id) for id in dict.fromkeys(_MENTION.findall(text))]
    named = {user.id: user for user in await users.find_many(tx, org, ids)} if ids else {}

    def shown(id: str) -> str:
        user = named.get(UserId(id))
        return f"@{user.display_name or user.username}" if user else f"@{id}"

    text = _MENTION.sub(lambda found: shown(found[1]), text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
