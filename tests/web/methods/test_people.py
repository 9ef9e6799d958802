"""What the user object says beside what is stored."""

from __future__ import annotations

from typing import Any

import pytest

from rosterd.directory.model import Address, Org, OrgId, Plan, Profile, Role, TeamId, UserId
from rosterd.directory.profiles import field_id
from rosterd.provisioning.places import Site
from rosterd.web.methods import people
from rosterd.web.methods.people import Around, View
from tests.store.rows import a_user

ORG = Org(OrgId("E1"), TeamId("T1"), "Acme", "acme", Plan.ENTERPRISE, 1)
JANUARY, JULY = (1_767_225_600_000_000 + days * 86_400_000_000 for days in (10, 190))


def view(**different: Any) -> View:
    return View(ORG, Site("https://x.example", "acme"), JANUARY)._replace(**different)


ALONE = Around([], None, 1)


def drawn(view: View, around: Around = ALONE, **fields: Any) -> dict[str, Any]:
    return people.drawn(a_user(1, **fields), around, view)


@pytest.mark.parametrize(
    ("zone", "now", "label", "offset"),
    [
        ("America/Los_Angeles", JANUARY, "Pacific Standard Time", -28_800),
        ("America/Los_Angeles", JULY, "Pacific Daylight Time", -25_200),
        ("Europe/London", JANUARY, "Greenwich Mean Time", 0),
        ("Europe/London", JULY, "British Summer Time", 3_600),
        ("Asia/Kolkata", JULY, "India Standard Time", 19_800),
        ("Asia/Shanghai", JULY, "CST", 28_800),  # not America's
        ("Asia/Dubai", JULY, "+04", 14_400),
        ("Nowhere/At_all", JULY, "Nowhere/At_all", 0),
        ("America", JULY, "America", 0),
        ("../etc/passwd", JULY, "../etc/passwd", 0),
        ("x" * 4_000, JULY, "x" * 4_000, 0),
    ],
)
def test_a_time_zone_has_a_name_and_an_offset_now(zone: str, now: int, label: str, offset: int) -> None:
    user = drawn(view(now=now), profile=Profile(timezone=zone))
    assert (user["tz"], user["tz_label"], user["tz_offset"]) == (zone, label, offset)


@pytest.mark.parametrize(
    ("team", "teams", "shown"),
    [(None, [], "E1"), (None, ["T2", "T1"], "T2"), ("T1", ["T2", "T1"], "T1"), ("T3", ["T2"], "T2")],
)
def test_the_workspace_shown_is_one_that_they_are_in(team: Any, teams: Any, shown: str) -> None:
    assert drawn(view(team=team), Around(teams, None, 1))["team_id"] == shown


def test_of_two_roles_the_higher_counts_and_the_organisations_stays_apart() -> None:
    user = drawn(view(), Around([], Role.OWNER, 1), role=Role.ADMIN)
    assert (user["is_admin"], user["is_owner"], user["is_primary_owner"]) == (True, True, False)
    assert (user["enterprise_user"]["is_admin"], user["enterprise_user"]["is_owner"]) == (True, False)
    user = drawn(view(), Around([], Role.ADMIN, 1), role=Role.OWNER)
    assert (user["is_admin"], user["is_owner"]) == (True, True)


def test_a_guest_shows_when_they_expire() -> None:
    guest = drawn(view(), role=Role.MULTI_CHANNEL_GUEST, guest_expires=1_800_000_000)
    assert guest["profile"]["guest_expiration_ts"] == 1_800_000_000
    assert (guest["is_restricted"], guest["is_ultra_restricted"]) == (True, False)
    assert "guest_expiration_ts" not in drawn(view())["profile"]


def test_every_custom_field_that_says_something_is_shown() -> None:
    profile = Profile(
        department="Sales",
        cost_center="",
        address=Address(street_address="1 Quay", country="PT"),
        manager_id=UserId("W2"),
        start_date="2026-11-02T09:00:00+01:00",
    )
    shown = people.fields(a_user(1, profile=profile))
    assert shown == {
        field_id("E1", name): {"value": value, "alt": ""}
        for name, value in {
            "department": "Sales",
            "address": "1 Quay, PT",
            "manager_id": "W2",
            "start_date": "2026-11-02",
        }.items()
    }


def test_a_picture_inside_its_url_is_in_no_list() -> None:
    photo = "data:image/png;base64,AAAA"
    assert "image_original" not in drawn(view(), profile=Profile(photo=photo))["profile"]
    assert drawn(view(alone=True), profile=Profile(photo=photo))["profile"]["image_original"] == photo


def test_outside_enterprise_there_is_one_workspace_and_nothing_beside() -> None:
    org = Org(OrgId("T1"), TeamId("T1"), "Acme", "acme", Plan.BUSINESS_PLUS, 1)
    user = drawn(view(org=org))
    assert user["team_id"] == "T1"
    assert "enterprise_user" not in user
