"""What must be true of rows, each as a query for those of which it is not (:mod:`rosterd.store.upkeep.fsck`).

Rules of this module:

1. A check's query is over ``t``, whose columns begin with its organisation, and ends in a condition, to which
   another may be added. Tables that it looks into besides are looked into by that organisation.
2. A reason to be somewhere may have ended while the task that draws the consequences waits in the outbox.
   Whoever waits is not wrong.
3. Where several rows would show the same thing, the most telling one does.
"""

from __future__ import annotations

from typing import NamedTuple

from rosterd.directory.access import may_administer
from rosterd.directory.channels import MAX_ALLOWLIST, MAX_OF_GROUP
from rosterd.directory.errands import Kind
from rosterd.directory.model import Plan, Role


class Check(NamedTuple):
    """A query for what is wrong: its organisation, and what ``sentence`` is filled with."""

    sentence: str
    sql: str


_GUESTS = ", ".join(f"'{role}'" for role in Role if role.is_guest)
_ADMINS = ", ".join(f"'{role}'" for role in Role if may_administer(role))
_ROLES = ", ".join(f"'{role}'" for role in Role)
_KINDS = ", ".join(f"'{kind}'" for kind in Kind)
_OF_OTHERS = (Kind.WEBHOOK, Kind.CONSEQUENCES, Kind.BULK)
_OF_USERS = ", ".join(f"'{kind}'" for kind in Kind if kind not in _OF_OTHERS)


def _there(table: str, **keys: str) -> str:
    """SQL for "a row of ``table`` in the same organisation has these values"."""
    tests = "".join(f" AND x.{column} = {value}" for column, value in keys.items())
    return f"EXISTS (SELECT 1 FROM {table} x WHERE x.org_id = t.org_id{tests})"


def _missing(table: str, **keys: str) -> str:
    """SQL for "no row of ``table`` in the same organisation has these values"."""
    return f"NOT {_there(table, **keys)}"


def _reference(table: str, column: str, target: str, key: str = "id") -> Check:
    """That what a row refers to is there. The database itself sees to it, unless somebody went past it."""
    return Check(
        f"a row of {table} is about {{!r}}, which is not in {target}",
        f"SELECT t.org_id, t.{column} FROM {table} t WHERE {_missing(target, **{key: f't.{column}'})}",
    )


_PEOPLE = (
    Check(
        "user {} has the username {!r}, which is not held for that user",
        "SELECT t.org_id, t.id, t.username FROM users t WHERE "
        + _missing("names", name="t.username", kind="'user'", holder_id="t.id"),
    ),
    Check(
        "the name {!r} is held for user {}, who does not have it",
        "SELECT t.org_id, t.name, t.holder_id FROM names t WHERE t.kind = 'user' AND "
        + _missing("users", id="t.holder_id", username="t.name"),
    ),
    Check(
        "the address {!r} belongs to {}, who is no user",
        "SELECT t.org_id, t.email, t.user_id FROM emails t WHERE " + _missing("users", id="t.user_id"),
    ),
    Check(
        "user {} has the unknown role {!r}",
        f"SELECT t.org_id, t.id, t.role FROM users t WHERE t.role NOT IN ({_ROLES})",
    ),
    Check(
        "user {} is no guest and has a guest's expiry",
        f"SELECT t.org_id, t.id FROM users t WHERE t.guest_expires IS NOT NULL AND t.role NOT IN ({_GUESTS})",
    ),
    Check(
        "user {} is the primary owner and deactivated",
        "SELECT t.org_id, t.id FROM users t WHERE t.role = 'primary_owner' AND t.deactivated = 1",
    ),
    Check(
        "group {} has the member {}, but there is no such group",
        "SELECT t.org_id, t.group_id, t.user_id FROM members t WHERE " + _missing("groups", id="t.group_id"),
    ),
    Check(
        "group {} has the member {}, who is no user",
        "SELECT t.org_id, t.group_id, t.user_id FROM members t WHERE " + _missing("users", id="t.user_id"),
    ),
    Check(
        "token {} belongs to {}, who is no user",
        "SELECT t.org_id, t.id, t.user_id FROM tokens t WHERE " + _missing("users", id="t.user_id"),
    ),
    Check(
        "audit event {} waits for a seal, but there is no such event",
        "SELECT t.org_id, t.event_id FROM audit_unsealed t WHERE "
        + _missing("audit_events", id="t.event_id"),
    ),
)


_REFERENCES = tuple(
    _reference(*each)
    for each in (
        ("workspace_roles", "team_id", "workspaces"),
        ("workspace_roles", "user_id", "users"),
        ("workspace_members", "team_id", "workspaces"),
        ("channel_workspaces", "team_id", "workspaces"),
        ("channel_members", "channel_id", "channels"),
        ("former_members", "user_id", "users"),
        ("group_workspaces", "group_id", "groups"),
        ("group_workspaces", "team_id", "workspaces"),
        ("group_channels", "group_id", "groups"),
        ("group_channels", "channel_id", "channels"),
        ("channel_allowlist", "channel_id", "channels"),
        ("channel_allowlist", "group_id", "groups"),
        ("user_groups", "group_id", "groups"),
        ("activity", "user_id", "users"),
        ("sessions", "user_id", "users"),
        ("signin_links", "user_id", "users"),
        ("passwords", "user_id", "users"),
        ("oauth_codes", "user_id", "users"),
    )
)

_PLAN = f"EXISTS (SELECT 1 FROM orgs o WHERE o.id = t.org_id AND o.plan <> '{Plan.ENTERPRISE}')"
"""That the organisation has but one workspace."""

_WORKSPACES = (
    Check(
        "the first workspace, {}, is not there",
        "SELECT t.org_id, t.team_id FROM (SELECT o.id AS org_id, o.team_id FROM orgs o) t WHERE "
        + _missing("workspaces", id="t.team_id"),
    ),
    Check(
        "the plan has one workspace, and {} is another one",
        f"SELECT t.org_id, t.id FROM workspaces t WHERE {_PLAN} AND NOT EXISTS"
        " (SELECT 1 FROM orgs o WHERE o.id = t.org_id AND o.team_id = t.id)",
    ),
    Check(
        "workspace {} has no channel that everybody is in",
        "SELECT t.org_id, t.id FROM workspaces t WHERE "
        + _missing("channel_workspaces", team_id="t.id", is_general="1"),
    ),
    Check(
        "workspace {} has a second channel that everybody is in, {}",
        "SELECT t.org_id, t.team_id, t.channel_id FROM channel_workspaces t WHERE t.is_general = 1 AND EXISTS"
        " (SELECT 1 FROM channel_workspaces x WHERE x.org_id = t.org_id AND x.team_id = t.team_id"
        " AND x.is_general = 1 AND x.channel_id < t.channel_id)",
    ),
    Check(
        "workspace {} does not have channel {}, which every one has",
        "SELECT t.org_id, t.id, c.id FROM workspaces t"
        " JOIN channels c ON c.org_id = t.org_id AND c.is_org_wide = 1 WHERE "
        + _missing("channel_workspaces", team_id="t.id", channel_id="c.id"),
    ),
    Check(
        "workspace {} has the member {}, who is nobody active",
        "SELECT DISTINCT t.org_id, t.team_id, t.user_id FROM workspace_members t WHERE "
        + _missing("users", id="t.user_id", deactivated="0"),
    ),
    Check(
        "user {} is active and not in the one workspace",
        f"SELECT t.org_id, t.id FROM users t WHERE {_PLAN} AND t.deactivated = 0"
        f" AND t.role <> '{Role.BOT}' AND {_missing('workspace_members', user_id='t.id')}",
    ),
    Check(
        "user {} has a role in workspace {} without being in it",
        "SELECT t.org_id, t.user_id, t.team_id FROM workspace_roles t WHERE "
        + _missing("workspace_members", user_id="t.user_id", team_id="t.team_id"),
    ),
    Check(
        "user {} has the unknown role {!r} in workspace {}",
        "SELECT t.org_id, t.user_id, t.role, t.team_id FROM workspace_roles t"
        f" WHERE t.role NOT IN ('{Role.OWNER}', '{Role.ADMIN}')",
    ),
    Check(
        "user {} has a role in workspace {}, which the plan does not include",
        f"SELECT t.org_id, t.user_id, t.team_id FROM workspace_roles t WHERE {_PLAN}",
    ),
    Check(
        "user {} is to come back to {} without being deactivated",
        "SELECT t.org_id, t.user_id, t.place_id FROM former_members t WHERE "
        + _missing("users", id="t.user_id", deactivated="1", erased="0"),
    ),
    Check(
        "user {} is to come back to {}, which is not there",
        "SELECT t.org_id, t.user_id, t.place_id FROM former_members t WHERE "
        f"{_missing('workspaces', id='t.place_id')} AND {_missing('channels', id='t.place_id')}",
    ),
)

_CHANNELS = (
    Check(
        "channel {} has the name {!r}, which is not held for channels",
        "SELECT t.org_id, t.id, t.name FROM channels t WHERE "
        + _missing("names", name="t.name", kind="'channel'"),
    ),
    Check(
        "channel {} is in no workspace",
        f"SELECT t.org_id, t.id FROM channels t WHERE {_missing('channel_workspaces', channel_id='t.id')}",
    ),
    Check(
        "workspace {} has channel {} as {!r}, which is not its name",
        "SELECT t.org_id, t.team_id, t.channel_id, t.name FROM channel_workspaces t WHERE "
        + _missing("channels", id="t.channel_id", name="t.name"),
    ),
    Check(
        "channel {} is private and a default channel of workspace {}",
        "SELECT t.org_id, t.channel_id, t.team_id FROM channel_workspaces t WHERE t.is_default = 1 AND "
        + _there("channels", id="t.channel_id", is_private="1"),
    ),
    Check(
        "everybody in workspace {} is in channel {}, which is archived or no default channel",
        "SELECT t.org_id, t.team_id, t.channel_id FROM channel_workspaces t WHERE t.is_general = 1 AND NOT"
        f" (t.is_default = 1 AND {_there('channels', id='t.channel_id', is_archived='0')})",
    ),
    Check(
        "channel {} has the member {}, who is nobody active",
        "SELECT DISTINCT t.org_id, t.channel_id, t.user_id FROM channel_members t WHERE "
        + _missing("users", id="t.user_id", deactivated="0"),
    ),
    Check(
        "user {} is in channel {}, but in none of its workspaces",
        "SELECT DISTINCT t.org_id, t.user_id, t.channel_id FROM channel_members t WHERE NOT EXISTS"
        " (SELECT 1 FROM channel_workspaces h JOIN workspace_members w"
        " ON w.org_id = h.org_id AND w.team_id = h.team_id AND w.user_id = t.user_id"
        " WHERE h.org_id = t.org_id AND h.channel_id = t.channel_id)",
    ),
    Check(
        "user {} is in channel {} by workspace {}, which is not theirs or not the reason",
        "SELECT t.org_id, t.user_id, t.channel_id, t.source_id FROM channel_members t"
        " WHERE t.source_id LIKE 'T%' AND NOT EXISTS"
        " (SELECT 1 FROM channel_workspaces h JOIN workspace_members w"
        " ON w.org_id = h.org_id AND w.team_id = h.team_id AND w.user_id = t.user_id"
        " WHERE h.org_id = t.org_id AND h.channel_id = t.channel_id AND h.team_id = t.source_id"
        " AND h.is_default = 1)",
    ),
    Check(
        "user {} is in channel {}, whose allowlist does not allow them",
        "SELECT DISTINCT t.org_id, t.user_id, t.channel_id FROM channel_members t WHERE "
        + _there("channel_allowlist", channel_id="t.channel_id")
        + " AND NOT EXISTS (SELECT 1 FROM channel_allowlist a JOIN members m"
        " ON m.org_id = a.org_id AND m.group_id = a.group_id AND m.user_id = t.user_id"
        " WHERE a.org_id = t.org_id AND a.channel_id = t.channel_id)"
        # Looked up once, not for every row: whoever waits may be many, and so may the errands.
        " AND (t.org_id, t.channel_id) NOT IN (SELECT b.org_id, b.channel_id FROM channel_allowlist b"
        f" JOIN outbox o ON o.org_id = b.org_id AND o.kind = '{Kind.CONSEQUENCES}'"
        " AND (o.subject_id = b.group_id OR o.arguments LIKE '%\"' || b.channel_id || '\"%'))",
    ),
)


def _led(table: str, column: str, led: str) -> Check:
    """That whoever is in a place because of a group is in it, and it leads there."""
    kind = "workspace" if column == "team_id" else "channel"
    return Check(
        f"user {{}} is in {kind} {{}} by group {{}}, which they are not in or which does not lead there",
        f"SELECT t.org_id, t.user_id, t.{column}, t.source_id FROM {table} t"
        f" WHERE t.source_id LIKE 'S%' AND t.kept = 0 AND NOT EXISTS (SELECT 1 FROM {led} g JOIN members m"
        " ON m.org_id = g.org_id AND m.group_id = g.group_id AND m.user_id = t.user_id"
        f" WHERE g.org_id = t.org_id AND g.group_id = t.source_id AND g.{column} = t.{column})"
        " AND (t.org_id, t.source_id) NOT IN"
        f" (SELECT o.org_id, o.subject_id FROM outbox o WHERE o.kind = '{Kind.CONSEQUENCES}')",
    )


def _known_reason(table: str, column: str, *prefixes: str) -> Check:
    kinds = " OR ".join(f"t.source_id LIKE '{prefix}%'" for prefix in prefixes)
    return Check(
        f"user {{}} is in {{}} because of {{!r}}, which is no reason in {table}",
        f"SELECT t.org_id, t.user_id, t.{column}, t.source_id FROM {table} t"
        f" WHERE t.source_id <> '' AND NOT ({kinds})",
    )


def _not_on_plan(table: str, column: str) -> Check:
    return Check(
        f"group {{}} has {{}} in {table}, which the plan does not include",
        f"SELECT t.org_id, t.group_id, t.{column} FROM {table} t WHERE {_PLAN}",
    )


def _at_most(table: str, column: str, most: int) -> Check:
    return Check(
        f"{{}} has {{}} rows in {table}, more than {most}",
        f"SELECT t.org_id, t.{column}, t.n FROM (SELECT x.org_id, x.{column}, COUNT(*) AS n FROM {table} x"
        f" GROUP BY x.org_id, x.{column}) t WHERE t.n > {most}",
    )


_CONNECTIONS = (
    _led("workspace_members", "team_id", "group_workspaces"),
    _led("channel_members", "channel_id", "group_channels"),
    _known_reason("workspace_members", "team_id", "S"),
    _known_reason("channel_members", "channel_id", "S", "T"),
    _not_on_plan("group_workspaces", "team_id"),
    _not_on_plan("channel_allowlist", "channel_id"),
    _at_most("group_channels", "group_id", MAX_OF_GROUP),
    _at_most("channel_allowlist", "channel_id", MAX_ALLOWLIST),
    Check(
        "group {} leads to channel {}, which is not within its reach",
        "SELECT t.org_id, t.group_id, t.channel_id FROM group_channels t WHERE NOT EXISTS"
        " (SELECT 1 FROM channel_workspaces h JOIN group_workspaces g"
        " ON g.org_id = h.org_id AND g.team_id = h.team_id AND g.group_id = t.group_id AND g.is_required = 1"
        " WHERE h.org_id = t.org_id AND h.channel_id = t.channel_id)"
        f" AND NOT ({_PLAN} AND EXISTS (SELECT 1 FROM channel_workspaces h JOIN orgs p"
        " ON p.id = h.org_id AND p.team_id = h.team_id"
        " WHERE h.org_id = t.org_id AND h.channel_id = t.channel_id))",
    ),
    Check(
        "channel {} has group {} on its allowlist and is public",
        "SELECT t.org_id, t.channel_id, t.group_id FROM channel_allowlist t WHERE "
        + _there("channels", id="t.channel_id", is_private="0"),
    ),
    Check(
        "group {} has the handle {!r}, which is not held for it",
        "SELECT t.org_id, t.group_id, t.handle FROM user_groups t WHERE t.handle <> '' AND "
        + _missing("names", name="t.handle", kind="'group'", holder_id="t.group_id"),
    ),
    Check(
        "the name {!r} is held for group {}, which does not have it",
        "SELECT t.org_id, t.name, t.holder_id FROM names t WHERE t.kind = 'group' AND "
        + _missing("user_groups", group_id="t.holder_id", handle="t.name"),
    ),
)

_DEACTIVATED = _there("users", id="t.user_id", deactivated="1")

_THE_REST = (
    Check(
        "token {} of {} counts, who is deactivated",
        f"SELECT t.org_id, t.id, t.user_id FROM tokens t WHERE t.revoked IS NULL AND {_DEACTIVATED}",
    ),
    Check(
        "session {} of {} counts, who is deactivated",
        f"SELECT t.org_id, t.id, t.user_id FROM sessions t WHERE t.ended IS NULL AND {_DEACTIVATED}",
    ),
    Check(
        "user {} has a password and is no administrator",
        "SELECT t.org_id, t.user_id FROM passwords t WHERE EXISTS (SELECT 1 FROM users x WHERE"
        f" x.org_id = t.org_id AND x.id = t.user_id AND (x.deactivated = 1 OR x.role NOT IN ({_ADMINS})))",
    ),
    Check(
        "errand {} is of the unknown kind {!r}",
        f"SELECT t.org_id, t.id, t.kind FROM outbox t WHERE t.kind NOT IN ({_KINDS})",
    ),
    Check(
        "errand {} is for {}, who is no user",
        f"SELECT t.org_id, t.id, t.subject_id FROM outbox t WHERE t.kind IN ({_OF_USERS}) AND "
        + _missing("users", id="t.subject_id"),
    ),
)

CHECKS = (*_PEOPLE, *_REFERENCES, *_WORKSPACES, *_CHANNELS, *_CONNECTIONS, *_THE_REST)
