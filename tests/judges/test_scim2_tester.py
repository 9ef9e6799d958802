"""scim2-tester, an RFC 7643 and 7644 compliance suite, run against a live server.

What it objects to is Slack's own way, finding by finding; docs/divergences.md says so under *Findings of
scim2-tester*. A finding that comes or goes fails here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from scim2_models import Path, Resource
from scim2_tester import CheckResult, Status, check_server

from tests.judges.rfc_client import RfcClient, described, rfc_http
from tests.protocol.live import URNS, Org

ENTERPRISE, GUEST, PROFILE = URNS["v2"].enterprise, URNS["v2"].guest, URNS["v2"].profile


class Fresh(Sequence[str]):
    """Examples that run on: whatever is picked, it is the next of an endless row."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._count = 0

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        self._count += 1
        return self._pattern.format(self._count)


def examples(member: str) -> Mapping[str, Mapping[str, Sequence[Any]]]:
    """Values that fit Slack's rules, by resource and attribute; ``member`` is somebody's id.

    Without them the suite fills text with 36 random characters, which is no username, and truths at random.
    """
    return {
        "User": {
            "userName": Fresh("tester-{}"),
            "nickName": Fresh("nick-{}"),
            "active": [True],
            "emails.value": Fresh("tester-{}@example.com"),
            "emails.type": ["work"],
            "emails.primary": [True],
            "photos.value": ["https://example.com/photo.png"],
            "photos.type": ["photo"],
            "photos.primary": [True],
            "phoneNumbers.type": ["mobile"],
            "phoneNumbers.primary": [True],
            "roles.primary": [True],
            f"{ENTERPRISE}:manager.managerId": [member],
            f"{GUEST}:type": ["multi"],
            f"{GUEST}:expiration": [datetime(2099, 1, 1, tzinfo=UTC)],
            f"{PROFILE}:startDate": [datetime(2026, 4, 10, tzinfo=UTC)],
        },
        "Group": {"members.value": [member]},
    }


def give_examples(client: RfcClient, member: str) -> None:
    """Put the examples where scim2-tester looks for them: at the fields of the discovered models."""
    for name, values in examples(member).items():
        model: type[Resource[Any]] | None = client.get_resource_model(name)
        assert model is not None
        for attribute, choices in values.items():
            binding = Path.__class_getitem__(model)(attribute).resolve()
            binding.target_model.model_fields[binding.target_field_name].examples = choices


class Finding(NamedTuple):
    """What was objected to: the resource, the suite's name of the check, the attribute if it names one."""

    resource: str | None
    check: str
    attribute: str = ""


def findings(results: Iterable[CheckResult]) -> set[Finding]:
    """Everything that is neither a success nor skipped."""
    return {
        Finding(each.resource_type, each.title or "", _attribute(each.data))
        for each in results
        if each.status not in (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE, Status.SKIPPED)
    }


def _attribute(data: object) -> str:
    return str(data["urn"]) if isinstance(data, dict) and "urn" in data else ""


ADD, REMOVE, REPLACE = "check_add_attribute", "check_remove_attribute", "check_replace_attribute"

NO_SEARCH = "POST /.search is no path of Slack's: 404 bad_endpoint"
NO_EXTERNAL_ID = "groups have no externalId"
NO_PASSWORD_CHANGE = "a password can be set at creation only: 400 password_change_not_allowed"
SLOTS = "phone numbers are two slots that answer to other types than they are set by"
ONE_PHOTO = "the one photo is shown as value and type photo"
STAYS_SHOWN = "what is removed stays in the resource: null, an empty text or Slack's default"
WITH_NAME = "a member is shown with its name"

SLACKS_OWN: Mapping[Finding, str] = {
    Finding(None, "service_provider_config_endpoint"): "the body is SCIM 1.1's: no schemas, specUrl",
    Finding("User", "search_with_attributes"): NO_SEARCH,
    Finding("User", "object_replacement"): NO_PASSWORD_CHANGE,
    Finding("User", "object_deletion"): "DELETE deactivates: the user is still there, active false",
    Finding("User", ADD, "password"): NO_PASSWORD_CHANGE,
    Finding("User", ADD, "phoneNumbers"): SLOTS,
    Finding("User", ADD, "photos"): ONE_PHOTO,
    Finding("User", ADD, "profileUrl"): "can be set at creation only, ignored afterwards, never absent",
    Finding("User", REMOVE, "active"): "an account is active or not: removing that is a 400",
    Finding("User", REMOVE, "addresses"): STAYS_SHOWN,
    Finding("User", REMOVE, "displayName"): STAYS_SHOWN,
    Finding("User", REMOVE, "name"): STAYS_SHOWN,
    Finding("User", REMOVE, "nickName"): "is the username once more, which cannot be empty",
    Finding("User", REMOVE, "phoneNumbers"): STAYS_SHOWN,
    Finding("User", REMOVE, "photos"): STAYS_SHOWN,
    Finding("User", REMOVE, "roles"): STAYS_SHOWN,
    Finding("User", REMOVE, "timezone"): STAYS_SHOWN,
    Finding("User", REMOVE, "title"): STAYS_SHOWN,
    Finding("User", REMOVE, ENTERPRISE): STAYS_SHOWN,
    Finding("User", REMOVE, f"{ENTERPRISE}:manager"): STAYS_SHOWN,
    Finding("User", REMOVE, PROFILE): STAYS_SHOWN,
    Finding(
        "User", REPLACE, "emails"
    ): "a profile shows a secondary address, empty if there is none; no types",
    Finding("User", REPLACE, "password"): NO_PASSWORD_CHANGE,
    Finding("User", REPLACE, "phoneNumbers"): SLOTS,
    Finding("User", REPLACE, "photos"): ONE_PHOTO,
    Finding("Group", "search_with_attributes"): NO_SEARCH,
    Finding("Group", "object_query_with_attributes"): NO_EXTERNAL_ID,
    Finding("Group", "object_list_with_attributes"): NO_EXTERNAL_ID,
    Finding("Group", ADD, "externalId"): NO_EXTERNAL_ID,
    Finding("Group", ADD, "members"): WITH_NAME,
    Finding("Group", REPLACE, "externalId"): NO_EXTERNAL_ID,
    Finding("Group", REPLACE, "members"): WITH_NAME,
}


@pytest.fixture
def member(org: Org) -> str:
    """Somebody to be a manager and a member."""
    return str(org.api("v2").create_user("mate")["id"])


def test_what_it_objects_to_is_slacks_own_way(org: Org, member: str) -> None:
    with rfc_http(org) as http:
        client = RfcClient(http, described(http))
        give_examples(client, member)
        assert findings(check_server(client)) == set(SLACKS_OWN)


def test_put_is_as_the_rfc_wants_it_once_the_password_is_left_out(org: Org, member: str) -> None:
    with rfc_http(org) as http:
        client = RfcClient(http, described(http, "password"))
        give_examples(client, member)
        found = findings(check_server(client, resource_types=["User"]))
    expected = {each for each, why in SLACKS_OWN.items() if why != NO_PASSWORD_CHANGE}
    assert found == {each for each in expected if each.resource != "Group"}
