"""scim2-client, a strict RFC 7643 and 7644 client, on v2: it builds its models from what it discovers.

Each refusal that is Slack's own way is a test here too, so that it is known when it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scim2_client import SCIMResponseException, UnexpectedStatusCodeException
from scim2_models import (
    ListResponse,
    NotFoundException,
    PatchOp,
    SCIMException,
    SearchRequest,
    ServiceProviderConfig,
)

from tests.judges.rfc_client import RfcClient, described, rfc_http
from tests.protocol.live import Api, Org


@pytest.fixture
def client(org: Org) -> Iterator[RfcClient]:
    """The client with the server's own description of itself."""
    with rfc_http(org) as http:
        yield RfcClient(http, described(http))


@pytest.fixture
def api(org: Org) -> Api:
    """Our own view of what the client did."""
    return org.api("v2")


def model(client: RfcClient, name: str) -> Any:
    found = client.get_resource_model(name)
    assert found is not None
    return found


def ruth(client: RfcClient) -> Any:
    body = {"schemas": [model(client, "User").__schema__], "userName": "ruth"}
    made = model(client, "User").model_validate(body | {"emails": [{"value": "ruth@example.com"}]})
    return client.create(made)


def patch(of: Any, *operations: dict[str, Any]) -> Any:
    """A PatchOp message, checked by the model of the resource that it changes."""
    message = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
    return PatchOp.__class_getitem__(of).model_validate(message)


def search(**parameters: Any) -> SearchRequest[Any]:
    return SearchRequest.model_validate(parameters)


def test_it_discovers_both_resources_and_the_extensions(client: RfcClient) -> None:
    assert [each.__name__ for each in client.provider.models] == [
        "User",
        "Enterprise User",
        "Slack Guest User",
        "Slack User Profile",
        "Group",
    ]
    assert [each.name for each in client.provider.resource_types] == ["User", "Group"]


def test_it_refuses_the_service_provider_config_which_is_scim_1_1s(org: Org) -> None:
    with rfc_http(org) as http, pytest.raises(SCIMResponseException, match="undefined object with no schema"):
        RfcClient(http).query(ServiceProviderConfig)


def test_it_creates_reads_and_deactivates_a_user(client: RfcClient, api: Api) -> None:
    user = ruth(client)
    assert (user.user_name, user.active, user.emails[0].value) == ("ruth", True, "ruth@example.com")
    assert client.query(model(client, "User"), user.id) == user
    client.delete(model(client, "User"), user.id)
    assert api.user(user.id)["active"] is False


def test_what_it_has_read_it_can_put_back_unchanged(client: RfcClient, api: Api) -> None:
    phones = [{"value": "555-0101", "type": "mobile"}, {"value": "555-0102", "type": "work"}]
    user_id = api.create_user("ruth", phoneNumbers=phones, title="Lead")["id"]
    before = api.user(user_id)
    client.replace(client.query(model(client, "User"), user_id))
    assert api.user(user_id) == before


def test_it_patches_a_user(client: RfcClient) -> None:
    user = ruth(client)
    of = model(client, "User")
    changed: Any = client.modify(of, user.id, patch(of, {"op": "replace", "path": "title", "value": "Chief"}))
    assert changed.title == "Chief"


def test_it_finds_by_filter_and_by_page(client: RfcClient, api: Api) -> None:
    made = [api.create_user(f"person-{number}")["id"] for number in range(3)]
    of = model(client, "User")
    found = client.query(of, query_parameters=search(filter='userName eq "PERSON-1"'))
    assert isinstance(found, ListResponse)
    assert [each.id for each in found.resources or ()] == [made[1]]
    page = client.query(of, query_parameters=search(startIndex=3, count=2))
    assert isinstance(page, ListResponse)
    assert [each.id for each in page.resources or ()] == made[1:]
    assert (page.total_results, page.start_index, page.items_per_page) == (4, 3, 2)


def test_it_creates_patches_replaces_and_deletes_a_group(client: RfcClient, api: Api) -> None:
    first, second = (api.create_user(name)["id"] for name in ("first", "second"))
    of = model(client, "Group")
    body = {"schemas": [of.__schema__], "displayName": "Crew", "members": [{"value": first}]}
    group: Any = client.create(of.model_validate(body))
    add = {"op": "add", "path": "members", "value": [{"value": second}]}
    remove = {"op": "remove", "path": f'members[value eq "{first}"]'}
    client.modify(of, group.id, patch(of, add, remove))
    assert api.member_ids(group.id) == [second]
    group.display_name = "Watch"
    replaced: Any = client.replace(group)
    assert replaced.display_name == "Watch"
    client.delete(of, group.id)
    with pytest.raises(NotFoundException):
        client.query(of, group.id)


def test_slacks_errors_are_errors_to_it(client: RfcClient) -> None:
    ruth(client)
    with pytest.raises(SCIMException, match=r"email_taken \(user=ruth, existing_user=W") as refused:
        ruth(client)
    assert refused.value.status == 409


def test_it_refuses_a_401_which_has_the_envelope_of_v1(org: Org, client: RfcClient) -> None:
    with rfc_http(org) as http:
        http.headers["Authorization"] = "Bearer xoxp-nobody"
        stranger = RfcClient(http, client.provider)
        with pytest.raises(UnexpectedStatusCodeException, match="401 without a SCIM error"):
            stranger.query(model(client, "User"))
