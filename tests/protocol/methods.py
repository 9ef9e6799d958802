"""What each method of the Web API is called with, for the tests that go over all of them.

A method that is new needs a row in `CALLS`: its arguments, where ``{user}`` and the like stand for ids of the
test's own organisation, or of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rosterd.web.methods.api import METHODS
from tests.protocol import inside
from tests.protocol.live import Org, WebApi

CALLS: Mapping[str, Mapping[str, str]] = {
    "admin.users.assign": {"team_id": "{team}", "user_id": "{user}", "channel_ids": "{channel}"},
    "admin.users.getExpiration": {"user_id": "{user}", "target_team": "{team}"},
    "admin.users.invite": {"team_id": "{team}", "email": "new@mail.example", "channel_ids": "{channel}"},
    "admin.users.list": {"team_id": "{team}"},
    "admin.users.remove": {"team_id": "{team}", "user_id": "{user}"},
    "admin.users.setAdmin": {"team_id": "{team}", "user_id": "{user}"},
    "admin.users.setExpiration": {"team_id": "{team}", "user_id": "{user}", "expiration_ts": "2000000000"},
    "admin.users.setOwner": {"team_id": "{team}", "user_id": "{user}"},
    "admin.users.setRegular": {"team_id": "{team}", "user_id": "{user}"},
    "admin.analytics.getFile": {"type": "member", "date": "2020-01-01"},
    "admin.analytics.members.metadata": {"team_id": "{team}"},
    "admin.conversations.create": {"name": "deals", "is_private": "0", "team_id": "{team}"},
    "admin.conversations.restrictAccess.addGroup": {
        "channel_id": "{channel}",
        "group_id": "{group}",
        "team_id": "{team}",
    },
    "admin.conversations.restrictAccess.listGroups": {"channel_id": "{channel}", "team_id": "{team}"},
    "admin.conversations.restrictAccess.removeGroup": {
        "channel_id": "{channel}",
        "group_id": "{group}",
        "team_id": "{team}",
    },
    "admin.conversations.search": {"team_ids": "{team}"},
    "admin.teams.admins.list": {"team_id": "{team}"},
    "admin.teams.create": {"team_domain": "sales", "team_name": "Sales"},
    "admin.teams.list": {},
    "admin.teams.owners.list": {"team_id": "{team}"},
    "admin.usergroups.addChannels": {
        "usergroup_id": "{group}",
        "channel_ids": "{channel}",
        "team_id": "{team}",
    },
    "admin.usergroups.addTeams": {"usergroup_id": "{group}", "team_ids": "{team}"},
    "admin.usergroups.listChannels": {"usergroup_id": "{group}", "team_id": "{team}"},
    "admin.usergroups.removeChannels": {"usergroup_id": "{group}", "channel_ids": "{channel}"},
    "api.test": {},
    "auth.revoke": {"test": "1"},
    "auth.test": {},
    "chat.postMessage": {"channel": "{channel}", "text": "hello"},
    "conversations.create": {"name": "deals", "team_id": "{team}"},
    "conversations.info": {"channel": "{channel}"},
    "conversations.invite": {"channel": "{channel}", "users": "{user}"},
    "conversations.join": {"channel": "{channel}"},
    "conversations.kick": {"channel": "{channel}", "user": "{user}"},
    "conversations.leave": {"channel": "{channel}"},
    "conversations.list": {"team_id": "{team}"},
    "conversations.members": {"channel": "{channel}"},
    "oauth.v2.access": {},
    "team.info": {"team": "{team}"},
    "team.profile.get": {"team_id": "{team}"},
    "usergroups.create": {"name": "Cooks", "channels": "{channel}"},
    "usergroups.disable": {"usergroup": "{group}"},
    "usergroups.enable": {"usergroup": "{group}"},
    "usergroups.list": {"team_id": "{team}"},
    "usergroups.update": {"usergroup": "{group}", "name": "Cooks"},
    "usergroups.users.list": {"usergroup": "{group}", "team_id": "{team}"},
    "usergroups.users.update": {"usergroup": "{group}", "users": "{user}"},
    "users.conversations": {"team_id": "{team}", "user": "{user}"},
    "users.info": {"user": "{user}"},
    "users.list": {"team_id": "{team}"},
    "users.lookupByEmail": {"email": "{email}"},
    "users.profile.get": {"user": "{user}"},
}

PAGED = {
    "admin.analytics.members.metadata",
    "admin.conversations.search",
    "admin.teams.admins.list",
    "admin.teams.list",
    "admin.teams.owners.list",
    "admin.users.list",
    "conversations.list",
    "conversations.members",
    "users.conversations",
    "users.list",
}
"""The methods with ``cursor`` and ``limit``."""

EVERY_SCOPE = tuple(sorted({scope for method in METHODS.values() for scope in method.scopes}))


@dataclass(frozen=True, slots=True)
class Ids:
    """What arguments may name in one organisation."""

    team: str
    user: str
    email: str
    channel: str
    group: str

    def within(self, arguments: Mapping[str, str]) -> dict[str, str]:
        """Arguments with these ids in them."""
        filled = {
            "{team}": self.team, "{user}": self.user, "{email}": self.email, "{channel}": self.channel,
            "{group}": self.group,
        }  # fmt: skip
        return {name: filled.get(value, value) for name, value in arguments.items()}


UNKNOWN = Ids("T0NOTHING00", "W0NOBODY000", "nobody@nowhere.example", "C0NOTHING00", "S0NOTHING00")


def ids_of(org: Org) -> Ids:
    """Somebody, a public channel that they are in, and a group with them, all new."""
    user = org.create_user("ann")
    channel = inside.a_channel(org.server.database, org.org_id, org.owner_id, [org.team_id])
    inside.put_in(org.server.database, org.org_id, {channel: [user]})
    group = str(org.api("v2").create_group("crew", user)["id"])
    return Ids(org.team_id, user, f"ann@{org.domain}.example", channel, group)


def state(org: Org) -> tuple[list[str], object]:
    """All that a call could have changed: the trail, and people and groups as SCIM shows them."""
    api = org.api("v2")
    return org.events(), (api.get("Users").json(), api.get("Groups").json())


def able(org: Org, of: str | None = None) -> WebApi:
    """The Web API with every scope of every method."""
    return org.web_api(*EVERY_SCOPE, of=of)
