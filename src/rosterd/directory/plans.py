"""What each plan includes.

Source: Slack SCIM guide (*only available on Business+ or Enterprise*), reference headings
*POST /Users (Multi-Channel Guests)* and *Errors* (``group_member_max_exceeded``).
"""

from __future__ import annotations

import msgspec

from rosterd.directory.errors import NotAllowed
from rosterd.directory.model import Plan


class PlanRules(msgspec.Struct, frozen=True):
    scim: bool
    guests_by_scim: bool
    group_cap: int | None  # members of one group; None: no cap
    user_prefix: str  # of new user ids


RULES = {
    Plan.FREE: PlanRules(scim=False, guests_by_scim=False, group_cap=5_000, user_prefix="U"),
    Plan.PRO: PlanRules(scim=False, guests_by_scim=False, group_cap=5_000, user_prefix="U"),
    Plan.BUSINESS_PLUS: PlanRules(scim=True, guests_by_scim=False, group_cap=5_000, user_prefix="U"),
    Plan.ENTERPRISE: PlanRules(scim=True, guests_by_scim=True, group_cap=None, user_prefix="W"),
}

MEMBERS_PER_CALL = 15_000
REMOVALS_FROM_LINKED = 1_000
"""People whom one request may take out of a group that leads to channels."""
PROFILE_FIELD_CAP = 50
RECOMMENDED_GROUP_SIZE = 15_000
"""Members of an IdP group; a larger one is let be, and logged."""


def check_scim(plan: Plan) -> None:
    """Refuse SCIM to organisations on Free and Pro: ``plus_teams_only``."""
    if not RULES[plan].scim:
        raise NotAllowed("plus_teams_only")


def check_guests(plan: Plan) -> None:
    """Refuse guests by SCIM to all but Enterprise: ``permission_denied``."""
    if not RULES[plan].guests_by_scim:
        raise NotAllowed("permission_denied")
