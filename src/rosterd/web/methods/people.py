"""The user object: a person as the Web API shows them.

Keys and their order are those of Slack's own answers. What Slack keeps and rosterd does not (a status, a
second factor) is shown as of somebody who has none.

Source: Slack's page *User object type*; the pages *users.info* and *users.profile.get*.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from rosterd.directory.access import RANK
from rosterd.directory.model import Org, Plan, Role, TeamId, User, UserId
from rosterd.directory.profiles import field_id, shown_date
from rosterd.directory.users import CUSTOM_FIELDS
from rosterd.provisioning.places import Site
from rosterd.store import workspaces
from rosterd.store.belonging import places
from rosterd.store.engine import Tx
from rosterd.store.records import audit

_SIZES = (24, 32, 48, 72, 192, 512)


class View(NamedTuple):
    """Who looks, and at what time: whose organisation, in which workspace, with which scopes."""

    org: Org
    site: Site
    now: int  # microseconds
    team: TeamId | None = None  # None: across the organisation
    with_email: bool = False
    with_locale: bool = False
    alone: bool = False  # one person, and not a list: then what is long is shown, too


class Around(NamedTuple):
    """What must be known of a person beside the row."""

    teams: list[TeamId]
    role: Role | None  # in the workspace that is looked at
    updated: int  # microseconds


async def around(tx: Tx, org: Org, people: Sequence[User], team: TeamId | None) -> dict[UserId, Around]:
    """What must be known of these people: a statement or two, however many they are."""
    ids = [person.id for person in people]
    updated = await audit.last_events(tx, org.id, ids)
    teams: dict[UserId, list[TeamId]] = {id: [] for id in ids}
    roles: Mapping[UserId, Role] = {}
    if org.plan is Plan.ENTERPRISE:
        for place, user in sorted(await places.of_people(tx, places.WORKSPACE, org.id, ids)):
            teams[user].append(TeamId(place))
        roles = await workspaces.roles_in(tx, org.id, team) if team else {}
    return {
        person.id: Around(teams[person.id], roles.get(person.id), updated.get(person.id, person.created))
        for person in people
    }


def drawn(user: User, around: Around, view: View) -> dict[str, Any]:
    """The user object."""
    zone, label, offset = _timezone(user.profile.timezone, view.now // 3_600_000_000)
    found = {
        "id": user.id,
        "team_id": _team(user, around, view),
        "name": user.username,
        "deleted": user.deactivated,
        "color": hashlib.sha256(user.id.encode()).hexdigest()[:6],
        "real_name": user.full_name,
        "tz": zone,
        "tz_label": label,
        "tz_offset": offset,
        "profile": profile(user, view) | {"team": _team(user, around, view)},
        **roles(user.role, around.role),
        "is_bot": user.role is Role.BOT,
        "is_app_user": False,
        "updated": around.updated // 1_000_000,
        "is_email_confirmed": user.date_claimed is not None,
        "who_can_share_contact_card": "EVERYONE",
    }
    if view.with_locale:
        found["locale"] = (user.profile.locale or "en-US").replace("_", "-")
    if not user.deactivated and user.date_claimed is None:
        found["is_invited_user"] = True  # never false: it is absent then
    if view.org.plan is Plan.ENTERPRISE:
        found["enterprise_user"] = _enterprise_user(user, around, view.org)
    return found | {"has_2fa": False}


def profile(user: User, view: View, labels: bool = False) -> dict[str, Any]:
    """The profile. ``labels``: beside each custom field."""
    known = user.profile
    photo = known.photo or view.site.photo_url(user.id)
    found: dict[str, Any] = {
        "title": known.title,
        "phone": known.primary_phone or known.mobile_phone or "",
        "skype": "",
        "real_name": user.full_name,
        "real_name_normalized": normalized(user.full_name),
        "display_name": user.display_name,
        "display_name_normalized": normalized(user.display_name),
        "fields": fields(user, labels),
        "status_text": "",
        "status_emoji": "",
        "status_emoji_display_info": [],
        "status_expiration": 0,
        "avatar_hash": hashlib.sha256(photo.encode()).hexdigest()[:12],
        "is_custom_image": known.photo is not None,
        "first_name": known.given_name,
        "last_name": known.family_name,
    }
    if view.with_email and user.email:
        found["email"] = user.email
    if known.start_date:
        found["start_date"] = shown_date(known.start_date)
    if user.role.is_guest and user.guest_expires is not None:
        found["guest_expiration_ts"] = user.guest_expires
    # A picture inside its URL is long: it is shown once, and in no list.
    is_inline = photo.startswith("data:")
    if known.photo is not None and (view.alone or not is_inline):
        found["image_original"] = photo
    small = view.site.photo_url(user.id) if is_inline else photo
    found |= {f"image_{size}": small for size in _SIZES}
    return found | {"status_text_canonical": ""}


def fields(user: User, labels: bool = False) -> dict[str, dict[str, str]]:
    """The custom fields that say something, by the ids that *team.profile.get* gives them."""
    found = {}
    for name, label in CUSTOM_FIELDS.items():
        value = getattr(user.profile, name)
        if not value:
            continue
        if name == "address":
            value = ", ".join(filter(None, msgspec.structs.astuple(value)))
        elif name == "start_date":
            value = shown_date(value)
        found[field_id(user.org_id, name)] = {"value": value, "alt": ""} | (
            {"label": label} if labels else {}
        )
    return found


def _team(user: User, around: Around, view: View) -> str:
    """The workspace that is looked at, if they are in it, else their first, else the organisation."""
    if view.org.plan is not Plan.ENTERPRISE:
        return view.org.team_id
    if view.team is not None and view.team in around.teams:
        return view.team
    return around.teams[0] if around.teams else view.org.id


def roles(role: Role, within: Role | None = None) -> dict[str, bool]:
    """The flags of a role in the organisation and, if any, of one in a workspace: the higher counts."""
    rank = max(RANK[role], RANK[within] if within else 0)
    return {
        "is_admin": rank >= RANK[Role.ADMIN],
        "is_owner": rank >= RANK[Role.OWNER],
        "is_primary_owner": role is Role.PRIMARY_OWNER,
        "is_restricted": role.is_guest,
        "is_ultra_restricted": role is Role.SINGLE_CHANNEL_GUEST,
    }


def _enterprise_user(user: User, around: Around, org: Org) -> dict[str, Any]:
    flags = roles(user.role)
    return {
        "id": user.id,
        "enterprise_id": org.id,
        "enterprise_name": org.name,
        "is_admin": flags["is_admin"],
        "is_owner": flags["is_owner"],
        "is_primary_owner": flags["is_primary_owner"],
        "teams": around.teams,
    }


def normalized(text: str) -> str:
    """A name without the marks on its letters.

    >>> normalized("Zoë Ångström")
    'Zoe Angstrom'
    """
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))


_AMERICAN = (("E", "Eastern", -5), ("C", "Central", -6), ("M", "Mountain", -7), ("P", "Pacific", -8))
_LABELS: dict[tuple[str, float], str] = {
    ("GMT", 0): "Greenwich Mean Time",
    ("UTC", 0): "Coordinated Universal Time",
    ("BST", 1): "British Summer Time",
    ("CET", 1): "Central European Time",
    ("CEST", 2): "Central European Summer Time",
    ("EET", 2): "Eastern European Time",
    ("EEST", 3): "Eastern European Summer Time",
    ("IST", 5.5): "India Standard Time",
    ("JST", 9): "Japan Standard Time",
    ("AEST", 10): "Australian Eastern Standard Time",
    ("AEDT", 11): "Australian Eastern Daylight Time",
    **{(f"{letter}ST", hours): f"{name} Standard Time" for letter, name, hours in _AMERICAN},
    **{(f"{letter}DT", hours + 1): f"{name} Daylight Time" for letter, name, hours in _AMERICAN},
}
"""Words for what the time zone database abbreviates, by hours east of UTC. Others are shown abbreviated."""


@lru_cache(maxsize=4096)
def _timezone(name: str, hour: int) -> tuple[str, str, int]:
    """A time zone as stored, its name in words, and its seconds east of UTC at this hour since 1970.

    What the time zone database does not know is called as it is called, and counts as UTC.
    """
    try:
        moment = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(name))
    except (LookupError, ValueError, OSError):  # unknown; no name at all; a folder of names
        return name, name, 0
    short, offset = moment.tzname() or name, moment.utcoffset()
    seconds = int(offset.total_seconds()) if offset is not None else 0
    return name, _LABELS.get((short, seconds / 3600), short), seconds
