"""ServiceProviderConfig, ResourceTypes, Schemas: Slack SCIM API reference, the headings of these names."""

from __future__ import annotations

import pytest

from tests.protocol.bodies import check_same
from tests.protocol.live import URNS, Api, Org, ok

CONFIG = {
    "authenticationSchemes": [
        {
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "Authentication Scheme using the OAuth Bearer Token Standard",
            "specUrl": "http://tools.ietf.org/html/draft-ietf-oauth-v2-bearer-01",
            "primary": True,
        }
    ],
    "patch": {"supported": True},
    "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
    "filter": {"supported": False, "maxResults": 0},
    "changePassword": {"supported": False},
    "sort": {"supported": False},
    "etag": {"supported": False},
    "xmlDataFormat": {"supported": False},
}


@pytest.mark.parametrize(
    "path", ["ServiceProviderConfig", "ServiceProviderConfigs", "ServiceProviderConfig/"]
)
@pytest.mark.parametrize("token", [None, "dummy"])
def test_configuration_needs_no_token_and_has_two_names(
    org: Org, version: str, path: str, token: str
) -> None:
    api = org.api(version)
    response = Api(api.base_url, token, version, api.http).get(path)
    assert response.headers["content-type"] == "application/json;charset=utf-8"
    check_same(ok(response), CONFIG)


def test_resource_types_are_user_and_group(org: Org) -> None:
    api = org.api("v2")
    urns, extension = api.urns, {"required": False}
    kind = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
    location = f"{api.root}/ResourceTypes/"
    user = {
        "schemas": [kind],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "User Account",
        "schema": urns.user,
        "schemaExtensions": [
            {"schema": urn, **extension} for urn in (urns.enterprise, urns.guest, urns.profile)
        ],
        "meta": {"location": f"{location}User", "resourceType": "ResourceType"},
    }
    group = {
        "schemas": [kind],
        "id": "Group",
        "name": "Group",
        "endpoint": "/Groups",
        "description": "Group",
        "schema": urns.group,
        "meta": {"location": f"{location}Group", "resourceType": "ResourceType"},
    }
    check_same(
        ok(api.get("ResourceTypes")),
        {
            "schemas": [urns.list],
            "Resources": [user, group],
            "totalResults": 2,
            "itemsPerPage": 2,
            "startIndex": 1,
        },
    )
    check_same(ok(api.get("ResourceTypes/User")), user)
    check_same(ok(api.get("ResourceTypes/Group")), group)
    api.check_refused(api.get("ResourceTypes/Users"), "bad_endpoint", 404)


@pytest.mark.parametrize("path", ["ResourceTypes", "ResourceTypes/User", "Schemas"])
def test_v1_has_no_resource_types_and_no_list_of_schemas(org: Org, path: str) -> None:
    api = org.api("v1")
    api.check_refused(api.get(path), "bad_endpoint", 404)


def test_schemas_are_listed_in_v2(org: Org) -> None:
    api = org.api("v2")
    shown = ok(api.get("Schemas"))
    urns = api.urns
    expected = [urns.user, urns.enterprise, urns.guest, urns.profile, urns.group]
    assert [schema["id"] for schema in shown["Resources"]] == expected
    assert (shown["totalResults"], shown["itemsPerPage"], shown["startIndex"]) == (5, 5, 1)
    for schema in shown["Resources"]:
        check_same(ok(api.get(f"Schemas/{schema['id']}")), schema)
        assert schema["meta"] == {"resourceType": "Schema", "location": f"{api.root}/Schemas/{schema['id']}"}


def test_the_schema_of_users_names_every_attribute_with_the_guest_extension(api: Api) -> None:
    schema = ok(api.get("Schemas/Users"))
    names = [attribute["name"] for attribute in schema["attributes"]]
    shown = api.create_user("ann", title="Cook", userType="x")
    assert set(shown) - {"schemas", "id", "meta"} <= set(names)
    guest = next(attribute for attribute in schema["attributes"] if attribute["name"] == api.urns.guest)
    assert [sub["name"] for sub in guest["subAttributes"]] == ["type", "expiration", "channels"]


def test_the_schema_of_groups_names_its_attributes(api: Api) -> None:
    schema = ok(api.get("Schemas/Groups"))
    assert schema["id"] == api.urns.group
    assert [attribute["name"] for attribute in schema["attributes"]] == ["displayName", "members"]


def test_an_unknown_schema_is_a_bad_endpoint(api: Api) -> None:
    api.check_refused(api.get("Schemas/Robots"), "bad_endpoint", 404)
    assert URNS[api.version].user in ok(api.get(f"Schemas/{api.urns.user}"))["id"]


@pytest.mark.parametrize("path", ["Schemas/Users", "Users", "Groups", "ResourceTypes"])
def test_all_else_needs_a_token(org: Org, version: str, path: str) -> None:
    api = org.api(version, "dummy")
    api.check_refused(api.get(path), "invalid_authentication", 401)
