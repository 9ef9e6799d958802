"""The demo organisation: invented people, made by the same actions as everybody else's."""

from __future__ import annotations

import shlex
import sys
from typing import NamedTuple

from rosterd.actions import channels, connections, groups, orgs, users, workspaces
from rosterd.actions.doors import apps, signin
from rosterd.cli.session import find_org, operator, origin
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import Actor, GroupId, GroupWorkspace, Org, Plan, Profile, User, UserId
from rosterd.directory.query import Compare, Op
from rosterd.directory.signin import LINK_SECONDS
from rosterd.directory.users import UserChange
from rosterd.settings import DEFAULT_DATABASE, SettingsError
from rosterd.store import groups as group_rows
from rosterd.store import orgs as org_rows
from rosterd.store import outbox
from rosterd.store import users as user_rows
from rosterd.store.doors import tokens
from rosterd.store.engine import Store, Tx

DOMAIN = "demo"
OWNER_EMAIL = "olive.owner@demo.example"
_SCOPES = (
    "admin",
    "admin.analytics:read", "admin.conversations:read", "admin.conversations:write", "admin.teams:read",
    "admin.teams:write", "admin.usergroups:read", "admin.usergroups:write", "admin.users:read",
    "admin.users:write", "auditlogs:read", "channels:read", "channels:write", "chat:write", "groups:read",
    "groups:write", "team:read", "usergroups:read", "users.profile:read", "users:read", "users:read.email",
    "rosterd:demo",
)  # fmt: skip
"""All that the API has for an administrator, and a mark by which the next start finds the token."""


class _Person(NamedTuple):
    username: str
    given: str
    family: str
    title: str
    department: str
    manager: str = ""
    group: str = ""


_PEOPLE = (
    _Person("mira", "Mira", "Castellanos", "Head of Engineering", "Engineering", "", "Engineering"),
    _Person("jonas", "Jonas", "Okafor", "Backend Engineer", "Engineering", "mira", "Engineering"),
    _Person("tansy", "Tansy", "Lindqvist", "Frontend Engineer", "Engineering", "mira", "Engineering"),
    _Person("ravi", "Ravi", "Thorne", "Site Reliability", "Engineering", "mira", "Engineering"),
    _Person("noor", "Noor", "Abbasi", "Head of Sales", "Sales", "", "Sales"),
    _Person("felix", "Felix", "Marchetti", "Account Executive", "Sales", "noor", "Sales"),
    _Person("wren", "Wren", "Halloran", "Account Executive", "Sales", "noor", "Sales"),
    _Person("ines", "Inês", "Duarte", "People Partner", "People", "", "People"),
    _Person("kofi", "Kofi", "Brandt", "Recruiter", "People", "ines", "People"),
)
_LEFT = _Person("pavel", "Pavel", "Quill", "Designer", "Design")
_GUEST = _Person("gus", "Gus", "Guestley", "Contractor", "")


class _Channel(NamedTuple):
    name: str
    workspace: str  # its domain
    is_private: bool = False
    groups: tuple[str, ...] = ()  # that lead there
    allowed: tuple[str, ...] = ()  # on its allowlist


_WORKSPACES = {"demo-build": "Build", "demo-field": "Field"}
"""Domain → name, beside the first one."""
_CONNECTIONS = (
    ("Engineering", DOMAIN, True), ("Engineering", "demo-build", True), ("Sales", DOMAIN, True),
    ("Sales", "demo-field", False), ("People", DOMAIN, True),
)  # fmt: skip
"""Group, workspace, and whether whoever leaves the one leaves the other."""
_CHANNELS = (
    _Channel("deploys", "demo-build", groups=("Engineering",)),
    _Channel("incidents", "demo-build", is_private=True, groups=("Engineering",)),
    _Channel("deals", DOMAIN, groups=("Sales",)),
    _Channel("hiring", DOMAIN, is_private=True, groups=("People",), allowed=("People",)),
)


async def welcome(store: Store, key: bytes, base_url: str, mails: str) -> str:
    """Make the demo organisation if the database is empty; a fresh token and link; what to try, as text.

    ``mails``: where mails go.
    """
    async with store.read() as tx:
        domains = [org.domain for org in await org_rows.every(tx)]
    if not domains:
        await _seed(store)
    elif DOMAIN not in domains:
        raise SettingsError(
            "--demo: the database holds other organisations; try --database sqlite:///demo.db,"
            " or unset ROSTERD_DATABASE"
        )
    async with store.write() as tx:
        org = await find_org(tx, DOMAIN)
        token = await _fresh_token(tx, org, key)
        link = signin.link_path(org, await signin.mint_link(tx, org, await _owner(tx, org), key=key))
        found, _ = await group_rows.page(tx, org.id, Compare("display_name", Op.EQ, "engineering"), 1, 1)
    database = "" if store.url == DEFAULT_DATABASE else f" --database {shlex.quote(store.url)}"
    return _WELCOME.format(
        base=base_url,
        token=token,
        link=link,
        minutes=LINK_SECONDS // 60,
        domain=DOMAIN,
        group=found[0].id if found else "S…",
        rosterd=_command(),
        database=database,
        mails=shlex.quote(mails),
    )


def _command() -> str:
    """How this program was called, to call it again."""
    called = sys.argv[0]
    return shlex.quote(called) if called.endswith("rosterd") else f"{shlex.quote(sys.executable)} -m rosterd"


async def _seed(store: Store) -> None:
    """The organisation first; then each person in a transaction of their own: lists keep the order."""
    async with store.write() as tx:
        org, _ = await orgs.create(
            tx, "Demo Org", DOMAIN, Plan.ENTERPRISE, OWNER_EMAIL, origin=origin("serve --demo")
        )
    made: dict[str, UserId] = {}
    for person in (*_PEOPLE, _LEFT, _GUEST):
        async with store.write() as tx:
            made[person.username] = (await _create(tx, org, person, guest=person is _GUEST)).id
    actor = operator(org, "serve --demo")
    gathered: dict[str, GroupId] = {}
    for name in dict.fromkeys(person.group for person in _PEOPLE):
        members = tuple(made[person.username] for person in _PEOPLE if person.group == name)
        async with store.write() as tx:
            change = GroupChange(display_name=name, members=Members(add=members))
            gathered[name] = (await groups.create(tx, org, change, actor=actor)).id
    async with store.write() as tx:
        await _lead(tx, org, gathered, made[_GUEST.username], actor=actor)
    async with store.write() as tx:
        left = await users.existing(tx, org.id, made[_LEFT.username])
        await users.deactivate(tx, org, left, actor=actor)
        # Who was there from the start is told of nothing: the first mail is of what you do.
        waiting = await outbox.page(tx, org.id, dead=False)
        await outbox.drop(tx, org.id, [entry.id for entry in waiting])


async def _lead(tx: Tx, org: Org, gathered: dict[str, GroupId], guest: UserId, *, actor: Actor) -> None:
    """Workspaces and channels, and the groups that lead there."""
    teams = {DOMAIN: org.team_id}
    for domain, name in _WORKSPACES.items():
        teams[domain] = (await workspaces.create(tx, org, domain, name, actor=actor)).id
    for group, domain, required in _CONNECTIONS:
        to = [GroupWorkspace(teams[domain], required, auto_provision=True)]
        await connections.connect_workspaces(tx, org, gathered[group], to, actor=actor)
    for channel in _CHANNELS:
        team = teams[channel.workspace]
        made = await channels.create(
            tx, org, channel.name, [team], is_private=channel.is_private, actor=actor
        )
        for group in channel.groups:
            await connections.connect_channels(tx, org, gathered[group], [made.id], actor=actor)
        for group in channel.allowed:
            await connections.allow(tx, org, made.id, gathered[group], actor=actor)
        if channel.name == "deals":
            await workspaces.assign(tx, org, team, guest, channel_ids=[made.id], actor=actor)


async def _create(tx: Tx, org: Org, person: _Person, *, guest: bool) -> User:
    profile = Profile(
        given_name=person.given,
        family_name=person.family,
        title=person.title,
        department=person.department or None,
    )
    change = UserChange(
        username=person.username,
        email=f"{person.username}@demo.example",
        display_name=person.given,
        guest=guest,
        manager=person.manager or None,
        profile=profile,
    )
    return await users.create(tx, org, change, actor=operator(org, "serve --demo"))


async def _fresh_token(tx: Tx, org: Org, key: bytes) -> str:
    """A new demo token; the one of the last start ends."""
    actor = operator(org, "serve --demo")
    for token in await tokens.of_org(tx, org.id):
        if token.scopes == _SCOPES and token.revoked is None:
            await apps.revoke_token(tx, org, token.id, actor=actor)
    owner = await _owner(tx, org)
    _, text = await apps.create_token(tx, org, owner, _SCOPES, key=key, name="Demo", actor=actor)
    return text


async def _owner(tx: Tx, org: Org) -> User:
    owner_id = await user_rows.primary_owner(tx, org.id)
    assert owner_id is not None
    return await users.existing(tx, org.id, owner_id)


_WELCOME = """
rosterd demo: an invented Enterprise organisation, on this machine only

  dashboard {base}/admin
  sign in   {base}{link}
            as the owner, once, within {minutes} minutes

  SCIM 1.1  {base}/scim/v1/
  SCIM 2.0  {base}/scim/v2/
  Web API   {base}/api/
  audit     {base}/audit/v1/
  members   {base}/signin/{domain}
  token     {token}

# Try it: all that follows can be pasted into a shell. SCIM 2.0 with curl: who is here?

TOKEN={token}
AUTH="Authorization: Bearer $TOKEN"
JSON="Content-Type: application/json"
curl -s -H "$AUTH" "{base}/scim/v2/Users?count=3"; echo

# SCIM 1.1 with slack_sdk:

python3 -m venv /tmp/try && /tmp/try/bin/pip install --quiet slack_sdk && /tmp/try/bin/python - <<END
from slack_sdk.scim import SCIMClient
client = SCIMClient(token="{token}", base_url="{base}/scim/v1/")
print([user.user_name for user in client.search_users(count=20, start_index=1).users])
END

# A story. Lena is new, and in Engineering:

LENA=$(curl -s -H "$AUTH" -H "$JSON" {base}/scim/v2/Users -d '{{
  "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "lena",
  "name": {{"givenName": "Lena", "familyName": "Voss"}},
  "emails": [{{"value": "lena@demo.example", "primary": true}}]}}' |
  grep -o '"id":"W[^"]*"' | cut -d '"' -f 4)
echo "$LENA"
curl -s -X PATCH -H "$AUTH" -H "$JSON" "{base}/scim/v2/Groups/{group}?excludedAttributes=members" -d '{{
  "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
  "Operations": [{{"op": "add", "path": "members", "value": [{{"value": "'$LENA'"}}]}}]}}'; echo

# At once she is an invited member of two workspaces and four channels: colleagues find her, and rosterd knows
# why she is where. She gets two mails, which, until there is a mail server, are files.

curl -s -H "$AUTH" "{base}/api/users.info?user=$LENA"; echo
{rosterd} explain lena@demo.example --org {domain}{database}
sleep 2; ls {mails}

# She signs in, by a link that one opens in a browser, and is active:

LINK=$({rosterd} signin-link --org {domain} --user lena@demo.example --base-url {base}{database})
curl -s -o /dev/null "${{LINK%%\\?*}}" -d "${{LINK#*\\?}}"
{rosterd} explain lena@demo.example --org {domain}{database}

# She leaves, and is gone everywhere:

curl -s -X DELETE -H "$AUTH" "{base}/scim/v2/Users/$LENA"
{rosterd} explain lena@demo.example --org {domain}{database}

# Each step is in the audit log:

curl -s -H "$AUTH" "{base}/audit/v1/logs?entity=$LENA"; echo
"""
