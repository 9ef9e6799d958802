"""``team.*``: the workspace, and the profile fields that people in it have."""

from __future__ import annotations

from typing import Any

from rosterd.directory.model import Plan, TeamId, Workspace
from rosterd.directory.profiles import field_id, field_type
from rosterd.store import profile_fields, workspaces
from rosterd.store.engine import Tx
from rosterd.web.methods.call import MethodCall, method
from rosterd.web.methods.errors import MethodError, invalid_arguments

_ICONS = (34, 44, 68, 88, 102, 132, 230)
_VISIBILITIES = ("all", "visible", "hidden")


@method("team.info", scope="team:read", tier=3)
async def team_info(call: MethodCall) -> dict[str, Any]:
    """A workspace: that of the token, or the one that is named. An organisation's token begins with it."""
    async with call.store.read() as tx:
        team = await _named(tx, call)
    org = call.org
    home = f"{call.site.home}/"
    found: dict[str, Any]
    if team is None:
        found = {"id": org.id, "name": org.name, "domain": org.domain}
    else:
        found = {"id": team.id, "name": team.name, "domain": team.domain}
    found |= {
        "email_domain": "",
        "icon": {f"image_{size}": f"{home}avatars/{found['id']}-{size}.png" for size in _ICONS}
        | {"image_default": True},
        "is_verified": False,
        "url": home,
    }
    if org.plan is Plan.ENTERPRISE:
        found |= {
            "enterprise_id": org.id,
            "enterprise_name": org.name,
            "enterprise_domain": org.domain,
        }
        if team is not None:
            found["discoverable"] = str(team.discoverability)
    return {"team": found}


async def _named(tx: Tx, call: MethodCall) -> Workspace | None:
    """The workspace that ``team`` or ``domain`` names, as far as the token reaches. None: the whole."""
    org, id, domain = call.org, call.arguments.text("team"), call.arguments.text("domain")
    if not id and domain:
        if org.plan is not Plan.ENTERPRISE:
            raise MethodError("team_not_on_enterprise")
        found = await workspaces.find_by_domain(tx, org.id, domain.lower())
    elif not id and call.is_org_wide:
        return None
    else:
        found = await workspaces.find(tx, org.id, TeamId(id or call.team_id or ""))
    if found is None or call.team_id not in (None, found.id):
        raise MethodError("team_not_found")
    return found


@method("team.profile.get", scope="users.profile:read", tier=3)
async def team_profile_get(call: MethodCall) -> dict[str, Any]:
    """The profile fields of the organisation, the oldest first. ``options`` say which SCIM fills."""
    visibility = call.arguments.text("visibility") or "all"
    if visibility not in _VISIBILITIES:
        raise invalid_arguments("must be one of all, visible, hidden [json-pointer:/visibility]")
    async with call.store.read() as tx:
        if call.is_org_wide and call.arguments.text("team_id"):
            await call.team(tx)
        known = [] if visibility == "hidden" else await profile_fields.every(tx, call.org.id)
    return {
        "profile": {
            "fields": [
                {
                    "id": field_id(call.org.id, field.name),
                    "ordering": ordering,
                    "field_name": field.name,
                    "label": field.label,
                    "hint": "",
                    "type": field_type(field.name),
                    "possible_values": None,
                    "options": {"is_scim": field.is_scim, "is_protected": field.is_scim},
                    "is_hidden": False,
                    "permissions": {"ui": not field.is_scim, "api": [], "scim": field.is_scim},
                }
                for ordering, field in enumerate(known)
            ]
        }
    }
