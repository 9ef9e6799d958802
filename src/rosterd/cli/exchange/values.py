"""From values to the lines of an export, and back with every check: an import trusts nothing.

What :mod:`rosterd.directory` would not have stored as it stands, ids of another form, times that could not
be written again, and fields that a profile does not have are refused by
:class:`~rosterd.cli.exchange.lines.BadLine`. Who is referred to is for the store to check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from rosterd.actions.orgs import check_field_name
from rosterd.cli.exchange import places
from rosterd.cli.exchange.forms import (
    check_unchanged,
    checked_id,
    created_of,
    microseconds_of,
    seconds_of,
    short,
    time_of,
)
from rosterd.cli.exchange.lines import (
    BadLine,
    EventLine,
    GroupLine,
    Line,
    MemberLine,
    NameLine,
    OrgLine,
    ProfileFieldLine,
    SealLine,
    UserLine,
)
from rosterd.directory import names
from rosterd.directory import users as rules
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import (
    Address,
    Group,
    GroupId,
    Org,
    OrgId,
    Profile,
    Role,
    TeamId,
    User,
    UserId,
)
from rosterd.store.records.audit import Record
from rosterd.store.upkeep.whole_org import (
    Happened,
    HeldName,
    Membership,
    ProfileField,
    Seal,
    Value,
)


def line_of(value: Org | Value) -> Line:
    """The line that says this value."""
    return _LINES[type(value)](value)


def org_of(line: OrgLine, domain: str | None) -> Org:
    """The organisation that a line says, under another ``domain`` if one is given. Raises `BadLine`."""
    check_unchanged(line.name, lambda text: text.strip() or line.domain)
    return Org(
        OrgId(checked_id(line.id, "ET")),
        TeamId(checked_id(line.team_id, "T")),
        line.name,
        domain or line.domain,
        line.plan,
        microseconds_of(line.created),
        line.members_may_change_display_name,
    )


def value_of(line: Line, org: Org) -> Value:
    """The value that a line says, in ``org``. Raises `BadLine`, also for a line that says none."""
    make = _VALUES.get(type(line))
    if make is None:
        raise BadLine("this line has no place here")
    try:
        return make(line, org)
    except DirectoryError as error:
        raise BadLine(str(error)) from error


def _user_line(user: User) -> UserLine:
    addresses = (user.email, user.profile.secondary_email)
    return UserLine(
        id=user.id,
        username=user.username,
        emails=[address for address in addresses if address],
        display_name=user.display_name,
        role=user.role,
        active=not user.deactivated,
        created=time_of(user.created),
        signed_in=None if user.date_claimed is None else time_of(user.date_claimed * 1_000_000),
        guest_expires=None if user.guest_expires is None else time_of(user.guest_expires * 1_000_000),
        erased=user.erased,
        profile=msgspec.to_builtins(msgspec.structs.replace(user.profile, secondary_email=None)),
    )


def _user(line: UserLine, org: Org) -> User:
    if "" in line.emails or not (line.emails or line.role is Role.BOT):
        raise BadLine("a person has an e-mail address")
    primary, secondary = (*line.emails, None, None)[:2]
    user = User(
        org.id,
        UserId(checked_id(line.id, "UW")),
        created_of(line.created),
        line.username,
        primary or "",
        line.display_name,
        line.role,
        not line.active,
        None if line.signed_in is None else seconds_of(line.signed_in),
        None if line.guest_expires is None else seconds_of(line.guest_expires),
        line.erased,
        msgspec.structs.replace(_profile(line.profile), secondary_email=secondary),
    )
    _check_stored(user)
    return user


def _check_stored(user: User) -> None:
    """Refuse someone whom rosterd would have stored in another form, and name the first such field."""
    if (stored := rules.stored(user)) != user:
        given, kept = _fields(user), _fields(stored)
        name = next(name for name in (*given, *kept) if given.get(name) != kept.get(name))
        raise BadLine(f"{name}: {short(given.get(name))} would be stored as {short(kept.get(name))}")


def _fields(user: User) -> dict[str, Any]:
    """The fields of a user's line, those of the profile among them."""
    fields: dict[str, Any] = msgspec.to_builtins(_user_line(user))
    profile: dict[str, Any] = fields.pop("profile")
    return fields | profile


def _profile(given: dict[str, Any]) -> Profile:
    unknown = given.keys() - set(Profile.__struct_fields__) | {"secondary_email"} & given.keys()
    if isinstance(given.get("address"), dict):
        unknown |= given["address"].keys() - set(Address.__struct_fields__)
    if unknown:
        raise BadLine(f"a profile has no field {', '.join(sorted(unknown))}")
    try:
        return msgspec.convert(given, Profile)
    except msgspec.MsgspecError as error:
        raise BadLine(f"profile: {error}") from error


def _event_line(event: Happened) -> EventLine:
    record = event.record
    return EventLine(
        id=record.id,
        created=time_of(record.created),
        action=record.action,
        actor=record.actor_id,
        token=record.token_id,
        entity_type=record.entity_type,
        entity=record.entity_id,
        request=record.request_id,
        client=record.client,
        ip_address=record.ip_address,
        details=Raw(record.details.encode()),
        subject=record.subject_id,
        personal_digest=record.personal_digest,
        salt=record.salt,
        personal=Raw((record.personal or "null").encode()),
        sealed=event.sealed,
    )


def _event(line: EventLine, org: Org) -> Happened:
    personal = _object(line.personal, "personal") if bytes(line.personal) != b"null" else None
    record = Record(
        org.id,
        line.id,
        microseconds_of(line.created),
        line.action,
        UserId(line.actor),
        line.token,
        line.entity_type,
        line.entity,
        line.request,
        line.client,
        line.ip_address,
        _object(line.details, "details"),
        None if line.subject is None else UserId(line.subject),
        line.personal_digest,
        line.salt,
        personal,
    )
    return Happened(record, line.sealed)


def _object(text: Raw, name: str) -> str:
    """A JSON object as it stands in the file."""
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise BadLine(f"{name}: {error}") from error
    return bytes(text).decode()


def _group(line: GroupLine, org: Org) -> Group:
    check_unchanged(line.name, names.group_name)
    return Group(org.id, GroupId(checked_id(line.id, "S")), created_of(line.created), line.name)


def _held_name(line: NameLine, _: Org) -> HeldName:
    check_unchanged(line.name, names.folded)
    return HeldName(line.name, line.held_by, line.holder)


def _profile_field(line: ProfileFieldLine, _: Org) -> ProfileField:
    check_field_name(line.name)
    return ProfileField(line.name, line.label, int(line.made_by_scim), microseconds_of(line.created))


def _member(line: MemberLine, _: Org) -> Membership:
    group, user = GroupId(checked_id(line.group, "S")), UserId(checked_id(line.user, "UW"))
    return Membership(group, user, microseconds_of(line.joined))


def _seal(line: SealLine, _: Org) -> Seal:
    events = msgspec.json.encode(line.events).decode()
    return Seal(line.n, events, line.hash, line.previous, microseconds_of(line.sealed))


_LINES: dict[type[Any], Callable[[Any], Line]] = {
    Org: lambda org: OrgLine(
        id=org.id,
        team_id=org.team_id,
        name=org.name,
        domain=org.domain,
        plan=org.plan,
        created=time_of(org.created),
        members_may_change_display_name=org.display_name_change,
    ),
    HeldName: lambda held: NameLine(name=held.name, held_by=held.kind, holder=held.holder_id),
    ProfileField: lambda f: ProfileFieldLine(
        name=f.name, label=f.label, made_by_scim=bool(f.is_scim), created=time_of(f.created)
    ),
    User: _user_line,
    Group: lambda group: GroupLine(id=group.id, name=group.display_name, created=time_of(group.created)),
    Membership: lambda m: MemberLine(group=m.group_id, user=m.user_id, joined=time_of(m.added)),
    Happened: _event_line,
    Seal: lambda seal: SealLine(
        n=seal.n,
        events=msgspec.json.decode(seal.events),
        hash=seal.hash,
        previous=seal.previous,
        sealed=time_of(seal.sealed),
    ),
    **places.LINES,
}

_VALUES: dict[type[Any], Callable[[Any, Org], Value]] = {
    NameLine: _held_name,
    ProfileFieldLine: _profile_field,
    UserLine: _user,
    GroupLine: _group,
    MemberLine: _member,
    EventLine: _event,
    SealLine: _seal,
    **places.VALUES,
}
