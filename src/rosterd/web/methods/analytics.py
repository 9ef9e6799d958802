"""``admin.analytics.*``: who was there on a day, as a file, and who the members are.

A file is made in slices, each read in a snapshot of its own, and packed beside the loop into a `Spool`: no
transaction waits for a slow client, and nothing grows with the organisation but a file on disk.

Source: Slack's pages *admin.analytics.getFile* and *admin.analytics.members.metadata*. The latter's keys are
a guess: those of the member analytics dashboard, in the words of the file.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from rosterd.directory import analytics as rules
from rosterd.directory.analytics import MEMBER_TYPES, WORKSPACE_TYPES, Availability
from rosterd.directory.model import Org, Plan, Role
from rosterd.store import workspaces
from rosterd.store.engine import Store, Tx
from rosterd.store.records import analytics
from rosterd.store.records.activity import DAY
from rosterd.store.records.analytics import Filter, Member
from rosterd.web.methods.call import ENTERPRISE, MethodCall, method
from rosterd.web.methods.cursors import metadata
from rosterd.web.methods.errors import MethodError, invalid_arguments
from rosterd.web.reply import Reply
from rosterd.web.spool import Spool

SLICE = 500
"""People in one statement, and packed at once."""
CHANNELS = 50
"""The same of channels, whose members are counted."""

GZIP = b"application/gzip"
_READ = "admin.analytics:read"
_KINDS: Mapping[str, str] = {"member": "Member Analytics", "public_channel": "Public Channel Analytics"}
"""What there are files about, and what they are called."""
_WITH_ANALYTICS = frozenset({Plan.BUSINESS_PLUS, Plan.ENTERPRISE})

_NO_FILE: Mapping[Availability, str] = {
    Availability.NOT_YET: "file_not_yet_available",
    Availability.GONE: "file_not_found",
    Availability.BEFORE: "data_not_available",
}

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


@method(
    "admin.analytics.getFile",
    scope=_READ,
    tier=2,
    plans=_WITH_ANALYTICS,
    plan_error="feature_not_available",
    org_token=True,
)
async def get_file(call: MethodCall) -> Reply:
    """A file about one day, or with the names of public channels: a line of JSON for each, packed."""
    kind = call.arguments.required("type")
    if kind not in _KINDS:
        raise MethodError("invalid_type")
    names_only = call.arguments.flag("metadata_only")
    date = call.arguments.text("date")
    if names_only and kind == "member":
        raise MethodError("metadata_not_available")
    if names_only and date:
        raise MethodError("metadata_only_does_not_support_date")
    if not names_only and not date:
        raise invalid_arguments("missing required field: date")
    if kind == "public_channel" and call.grant.owner_role is not Role.PRIMARY_OWNER:
        raise MethodError("user_cannot_manage_public_channels")
    today = int(time.time()) // DAY
    day = today if names_only else _ready(call.org, date or "", today)
    if kind == "member":
        return _file(await _packed(_member_lines(call.store, call.org, day)), call.org, _KINDS[kind], day)
    lines = _channel_lines(call.store, call.org, day, names_only=names_only)
    what = "Public Channel Metadata" if names_only else _KINDS[kind]
    return _file(await _packed(lines), call.org, what, day)


def _ready(org: Org, date: str, today: int) -> int:
    """The day of a date that there is a file of."""
    day = _day(date)
    if missing := _NO_FILE.get(rules.availability(day, today, org.created // 1_000_000 // DAY)):
        raise MethodError(missing)
    return day


def _day(text: str) -> int:
    day = rules.day_of(text)
    if day is None:
        raise MethodError("invalid_date")
    return day


def _file(spool: Spool, org: Org, what: str, day: int) -> Reply:
    name = quote(f"{org.name} {what} {rules.text_of(day)}.json.gz", safe="")
    return Reply(200, spool, {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}, GZIP)


Lines = Sequence[Json]
"""Some lines of a file."""


async def _member_lines(store: Store, org: Org, day: int) -> AsyncIterator[Lines]:
    after = ""
    while True:
        async with store.scan() as tx:
            people = await analytics.days(tx, org.id, day, after, SLICE)
        if not people:
            return
        after = people[-1].id
        yield [rules.member_row(org, member, day) for member in people if rules.counts(member, day)]


async def _channel_lines(store: Store, org: Org, day: int, *, names_only: bool) -> AsyncIterator[Lines]:
    after, before = "", (day + 1) * DAY * 1_000_000
    while True:
        async with store.scan() as tx:
            found = await analytics.public_channels(tx, org.id, before, after, CHANNELS)
        if not found:
            return
        after = found[-1].id
        if names_only:
            yield [rules.channel_metadata(channel, day) for channel in found]
        else:
            yield [rules.channel_row(org, channel, day) for channel in found]


async def _packed(slices: AsyncIterator[Lines]) -> Spool:
    """All lines, packed."""
    spool = Spool()
    try:
        with gzip.GzipFile(filename="", mode="wb", fileobj=spool.file, compresslevel=6, mtime=0) as packer:
            async for lines in slices:
                await asyncio.to_thread(_pack, packer, lines)
    except BaseException:  # whoever asked went away, too
        spool.close()
        raise
    spool.end()
    return spool


def _pack(packer: gzip.GzipFile, lines: Lines) -> None:
    packer.write(b"".join([_encode(line) + b"\n" for line in lines]))


@method(
    "admin.analytics.members.metadata",
    scope=_READ,
    tier=2,
    plans=ENTERPRISE,
    plan_error="not_an_enterprise",
)
async def members_metadata(call: MethodCall) -> Json:
    """What is known of members, in order of id; those deactivated only since a day that is asked for."""
    page = call.page("user", default=100)
    since = call.arguments.text("include_deactivated_since")
    first = _day(since) if since else None
    async with call.store.scan() as tx:
        wanted = await _filter(tx, call)
        limit = page.limit or 100
        found, behind = await _members(tx, call.org, wanted, first, page.after or "", limit)
    return {"members": [_shown(member) for member in found]} | metadata("user", behind)


async def _filter(tx: Tx, call: MethodCall) -> Filter:
    names = call.arguments.listed("member_types") or list(MEMBER_TYPES)
    if unknown := sorted(set(names) - MEMBER_TYPES.keys()):
        raise invalid_arguments(f"unknown member type: {unknown[0][:80]}")
    roles = [role for name in names for role in MEMBER_TYPES[name]]
    team = call.token.team_id
    wanted = call.arguments.text("team_id")
    if wanted and wanted not in (team, None if team else call.org.id):
        known = {each.id for each in await workspaces.every(tx, call.org.id)} if team is None else set()
        team = next((id for id in known if id == wanted), None)
        if team is None:
            raise MethodError("team_not_found")
    return Filter(roles, [WORKSPACE_TYPES[name] for name in names if name in WORKSPACE_TYPES], team)


async def _members(
    tx: Tx, org: Org, wanted: Filter, first: int | None, after: str, limit: int
) -> tuple[Sequence[Member], str | None]:
    """So many members, and behind whom the next begin; None: there are none.

    ``first``: the day of deactivation from which on they are shown. One call looks at a slice at most.
    """
    found: list[Member] = []
    looked_at = await analytics.members(
        tx,
        org.id,
        wanted,
        deactivated=first is not None,
        after=after,
        count=limit + 1 if first is None else SLICE,
    )
    for member in looked_at:
        if member.deactivated_on is None or (first is not None and member.deactivated_on >= first):
            found.append(member)
            if len(found) > limit:
                return found[:limit], found[limit - 1].id
    return found, looked_at[-1].id if first is not None and len(looked_at) == SLICE else None


def _shown(member: Member) -> Json:
    gone = member.deactivated_on
    return {
        "user_id": member.id,
        "email_address": member.email,
        "username": member.username,
        "display_name": member.display_name,
        "real_name": member.full_name,
        "title": member.profile.title,
        "member_type": rules.member_type(member.role),
        "is_guest": member.role.is_guest,
        "enterprise_employee_number": member.profile.employee_number or "",
        "date_created": member.created // 1_000_000,
        "date_claimed": member.date_claimed or 0,
        "is_deactivated": gone is not None,
        "date_deactivated": None if gone is None else rules.text_of(gone),
    }
