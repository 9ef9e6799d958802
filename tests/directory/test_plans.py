"""What each plan includes."""

from __future__ import annotations

import pytest

from rosterd.directory import plans
from rosterd.directory.errors import NotAllowed
from rosterd.directory.model import Plan


def test_every_plan_has_rules() -> None:
    assert set(plans.RULES) == set(Plan)


@pytest.mark.parametrize("plan", [Plan.FREE, Plan.PRO])
def test_free_and_pro_have_no_scim(plan: Plan) -> None:
    with pytest.raises(NotAllowed, match="plus_teams_only"):
        plans.check_scim(plan)


@pytest.mark.parametrize("plan", [Plan.BUSINESS_PLUS, Plan.ENTERPRISE])
def test_business_plus_and_enterprise_have_scim(plan: Plan) -> None:
    plans.check_scim(plan)


@pytest.mark.parametrize("plan", [plan for plan in Plan if plan is not Plan.ENTERPRISE])
def test_guests_by_scim_are_for_enterprise(plan: Plan) -> None:
    with pytest.raises(NotAllowed, match="permission_denied"):
        plans.check_guests(plan)
    plans.check_guests(Plan.ENTERPRISE)


def test_new_users_are_u_on_business_plus_and_w_on_enterprise() -> None:
    assert plans.RULES[Plan.BUSINESS_PLUS].user_prefix == "U"
    assert plans.RULES[Plan.ENTERPRISE].user_prefix == "W"
