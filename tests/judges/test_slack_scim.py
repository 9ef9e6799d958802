"""The ``slack-scim`` package, an older client written against Slack's SCIM 1.1: every method of it.

It parses strictly: a value of a kind that it does not know, or a missing ``Errors``, raises.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

with warnings.catch_warnings():  # its source has escapes that newer Pythons warn about
    warnings.simplefilter("ignore")
    import slack_scim
    from slack_scim.v1.errors import SCIMApiError

from tests.protocol.live import Api, Org


@pytest.fixture
def client(org: Org, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client at ``/scim/v1`` with the owner's token, not through a proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return slack_scim.SCIMClient(token=org.token, base_url=f"{org.server.url}/scim/v1")


@pytest.fixture
def api(org: Org) -> Api:
    """Our own view of what the client did."""
    return org.api("v1")


def person(username: str, **more: Any) -> dict[str, Any]:
    return {"userName": username, "emails": [{"value": f"{username}@example.com"}], **more}


def test_it_reads_the_service_provider_configs(client: Any) -> None:
    configs = client.get_service_provider_configs()
    assert configs.patch.supported is True
    assert (configs.bulk.supported, configs.filter.supported, configs.sort.supported) == (False, False, False)
    assert configs.authentication_schemes[0].spec_url.startswith("http")


def test_it_reads_them_without_a_token_that_counts(client: Any) -> None:
    client.token = "dummy"
    assert client.get_service_provider_configs().patch.supported is True


def test_it_creates_reads_and_patches_a_user(client: Any) -> None:
    user = client.create_user(person("ruth", name={"givenName": "Ruth", "familyName": "Sand"}, title="Lead"))
    assert (user.user_name, user.name.given_name, user.title, user.active) == ("ruth", "Ruth", "Lead", True)
    assert client.read_user(user.id).to_dict() == user.to_dict()
    patched = client.patch_user(id=user.id, user={"title": "Chief"})
    assert (patched.title, patched.user_name) == ("Chief", "ruth")


def test_what_it_has_read_can_be_put_back_unchanged(client: Any, api: Api) -> None:
    profile = {
        "phoneNumbers": [{"value": "555-0101", "type": "mobile"}, {"value": "555-0102", "type": "work"}],
        "addresses": [{"streetAddress": "1 Quay", "country": "PT", "primary": True}],
        "roles": [{"value": "Tech Lead", "primary": "true"}],
    }  # its model knows no attribute of the enterprise extension and sends "manager": {} for it
    user = client.create_user(person("ruth", **profile))
    before = api.user(user.id)
    client.update_user(id=user.id, user=client.read_user(user.id))
    assert api.user(user.id) == before


def test_it_deletes_a_user_more_than_once(client: Any) -> None:
    user = client.create_user(person("ruth"))
    for _ in range(3):
        client.delete_user(user.id)
    assert client.read_user(user.id).active is False


def test_it_searches_users_by_page_and_filter(client: Any) -> None:
    for name in ("ruth", "anna", "otto"):
        client.create_user(person(name))
    page = client.search_users(count=2, start_index=2)
    assert (page.total_results, page.items_per_page, page.start_index) == (4, 2, 2)
    assert [user.user_name for user in page.resources] == ["ruth", "anna"]
    found = client.search_users(filter='userName eq "otto"', count=10)
    assert [user.user_name for user in found.resources] == ["otto"]


def test_it_parses_bots_guests_and_the_deactivated(client: Any, org: Org, api: Api) -> None:
    org.create_user("roboto", "bot")
    guest = {"urn:scim:schemas:extension:slack:guest:1.0": {"type": "multi"}}
    api.create_user("guesty", **guest)
    client.delete_user(client.create_user(person("ruth")).id)
    assert len(client.search_users(count=10).resources) == 4


def test_it_creates_changes_and_deletes_a_group(client: Any, api: Api) -> None:
    first, second = (client.create_user(person(name)).id for name in ("ruth", "anna"))
    group = client.create_group({"displayName": "Crew", "members": [{"value": first}]})
    assert [member.value for member in client.read_group(group.id).members] == [first]
    members = [{"value": second}, {"value": first, "operation": "delete"}]
    assert client.patch_group(id=group.id, group={"members": members}) is None
    assert api.member_ids(group.id) == [second]
    updated = client.update_group(id=group.id, group={"displayName": "Watch", "members": [{"value": first}]})
    assert (updated.display_name, [member.value for member in updated.members]) == ("Watch", [first])
    client.delete_group(group.id)
    with pytest.raises(SCIMApiError) as refused:
        client.read_group(group.id)
    assert (refused.value.status, refused.value.errors) == (
        404,
        {"description": "no_such_group", "code": 404},
    )


def test_it_searches_groups(client: Any) -> None:
    for name in ("Bow", "Stern"):
        client.create_group({"displayName": name})
    page = client.search_groups(count=1, start_index=2)
    assert (page.total_results, [group.display_name for group in page.resources]) == (2, ["Stern"])
    found = client.search_groups(filter='displayName eq "bow"', count=10)
    assert [group.display_name for group in found.resources] == ["Bow"]


def test_its_errors_have_slacks_code(client: Any) -> None:
    client.create_user(person("ruth"))
    with pytest.raises(SCIMApiError) as taken:
        client.create_user(person("anna", emails=[{"value": "ruth@example.com"}]))
    assert taken.value.status == 409
    assert taken.value.errors["code"] == 409
    assert taken.value.errors["description"].startswith("email_taken (")
    client.token = "xoxp-nobody"
    with pytest.raises(SCIMApiError) as refused:
        client.search_users(count=1)
    assert json.loads(json.dumps(refused.value.errors)) == {
        "description": "invalid_authentication",
        "code": 401,
    }
