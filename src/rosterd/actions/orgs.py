"""What can be done to an organisation: create it, change its settings, add profile fields."""

from __future__ import annotations

import secrets

import msgspec

from rosterd.actions import consequences, users
from rosterd.actions import workspaces as workspace_actions
from rosterd.directory import access, names, plans
from rosterd.directory.errors import Invalid, LimitReached, Taken
from rosterd.directory.events import Event
from rosterd.directory.ids import SPAN, slack_id
from rosterd.directory.model import Actor, Org, OrgId, Origin, Plan, Role, TeamId, User, UserId, Workspace
from rosterd.directory.users import UserChange
from rosterd.store import names as store_names
from rosterd.store import orgs, profile_fields, workspaces
from rosterd.store.belonging.places import WORKSPACE
from rosterd.store.engine import Tx
from rosterd.store.records import audit


def operator(org_id: OrgId, origin: Origin) -> Actor:
    """Whoever runs the command line: above every role. Shown in the trail as Slack's ``USLACKUSER``."""
    return Actor(org_id, UserId("USLACKUSER"), Role.PRIMARY_OWNER, origin, is_operator=True)


async def create(
    tx: Tx, name: str, domain: str, plan: Plan, owner_email: str, *, origin: Origin
) -> tuple[Org, User]:
    """A new organisation with one workspace and its primary owner, who counts as signed in.

    On Enterprise the organisation has an ``E…`` id; else its id is that of its one workspace.
    Raises ``invalid_domain``, ``domain_reserved`` and ``domain_taken``.
    """
    domain = domain.strip().lower()
    names.check_org_domain(domain)
    team_id = TeamId(slack_id("T", secrets.randbelow(SPAN)))
    org_id = OrgId(slack_id("E", secrets.randbelow(SPAN)) if plan is Plan.ENTERPRISE else team_id)
    org = Org(org_id, team_id, name.strip() or domain, domain, plan, tx.now)
    if not await orgs.insert(tx, org):
        raise Taken("domain_taken", domain=domain)
    await workspaces.insert(tx, Workspace(org_id, team_id, tx.now, org.name, domain))
    await store_names.add_reserved(tx, org.id, sorted(names.RESERVED_NAMES))
    actor = operator(org.id, origin)
    await audit.append(tx, [Event("organization_created", "enterprise", org.id, {"plan": str(plan)})], actor)
    await workspace_actions.begin(tx, org, team_id, actor=actor)
    owner = await users.create(
        tx,
        org,
        UserChange(username=owner_email, email=owner_email),
        role=Role.PRIMARY_OWNER,
        claimed=True,
        actor=actor,
    )
    if plan is Plan.ENTERPRISE:  # elsewhere everybody is in the one workspace from the start
        await consequences.put(tx, WORKSPACE, org_id, team_id, [owner.id], actor=actor)
    return org, owner


def check_field_name(name: str) -> None:
    """Refuse what cannot be the name of a profile field: ``invalid_field_name``."""
    if not name.isidentifier():
        raise Invalid("invalid_field_name", field=name[:80])


async def set_display_name_change(tx: Tx, org: Org, allowed: bool, *, actor: Actor) -> Org:
    """Slack's setting *Allow users to change their display name*."""
    access.check_owns(actor)
    changed = msgspec.structs.replace(org, display_name_change=allowed)
    if changed != org:
        await orgs.update(tx, changed)
        details = {"before": org.display_name_change, "after": allowed}
        event = Event("pref.allow_users_to_change_display_name", "enterprise", org.id, details)
        await audit.append(tx, [event], actor)
    return changed


async def add_profile_field(tx: Tx, org: Org, name: str, label: str, *, actor: Actor) -> None:
    """A custom profile field of the organisation's own; at most 50 with those of SCIM."""
    access.check_administers(actor)
    check_field_name(name)
    if len(await profile_fields.names(tx, org.id)) >= plans.PROFILE_FIELD_CAP:
        raise LimitReached("unable_to_create_team_profile_fields")
    if not await profile_fields.add(tx, org.id, name, label, is_scim=False):
        raise Taken("field_taken", field=name)
    details = {"field": name, "label": label}
    await audit.append(tx, [Event("custom_profile_field_added", "enterprise", org.id, details)], actor)
