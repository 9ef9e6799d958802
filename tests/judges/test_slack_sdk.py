"""Slack's own SCIM clients, SCIMClient and AsyncSCIMClient of slack_sdk: every method of both, on v1.

They speak SCIM 1.1 only; the last part points them at ``/scim/v2``, as people do to deactivate accounts.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

import pytest
from slack_sdk.scim import Group, SCIMClient, User
from slack_sdk.scim.async_client import AsyncSCIMClient
from slack_sdk.scim.v1.group import GroupMember
from slack_sdk.scim.v1.user import UserAddress, UserEmail, UserName, UserPhoneNumber, UserPhoto, UserRole

from tests.protocol.live import URNS, Api, Org

pytestmark = pytest.mark.anyio

ENTERPRISE = URNS["v1"].enterprise


class Client:
    """One of the two clients, with every method to be awaited."""

    def __init__(self, make: Callable[..., Any], url: str, token: str) -> None:
        self._client = make(token=token, base_url=url)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            answer = getattr(self._client, method)(*args, **kwargs)
            return await answer if isawaitable(answer) else answer

        return call


@pytest.fixture(params=[SCIMClient, AsyncSCIMClient])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The synchronous client, then the asynchronous one; neither through a proxy."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    client: Callable[..., Any] = request.param
    return client


@pytest.fixture
def client(make: Callable[..., Any], org: Org) -> Client:
    """The client at ``/scim/v1/`` with the owner's token."""
    return Client(make, f"{org.server.url}/scim/v1/", org.token)


@pytest.fixture
def at_v2(make: Callable[..., Any], org: Org) -> Client:
    """The same client, pointed at ``/scim/v2/``."""
    return Client(make, f"{org.server.url}/scim/v2/", org.token)


@pytest.fixture
def api(org: Org) -> Api:
    """Our own view of what the client did."""
    return org.api("v1")


def carly(**more: Any) -> User:
    return User(
        user_name="carly",
        name=UserName(given_name="Carly", family_name="Okonkwo"),
        emails=[UserEmail(value="carly@example.com")],
        **more,
    )


async def test_create_user_answers_201_and_the_user(client: Client) -> None:
    answer = await client.create_user(carly(title="Engineer", timezone="Europe/Lisbon"))
    assert answer.status_code == 201
    assert answer.errors is None
    user = answer.user
    assert (user.user_name, user.nick_name, user.display_name) == ("carly", "carly", "carly")
    assert (user.name.given_name, user.name.family_name) == ("Carly", "Okonkwo")
    assert (user.title, user.timezone, user.active) == ("Engineer", "Europe/Lisbon", True)
    assert [(email.value, email.primary) for email in user.emails] == [("carly@example.com", True)]
    assert user.meta.location.endswith(f"/scim/v1/Users/{user.id}")


async def test_create_user_takes_a_dict_in_snake_case(client: Client) -> None:
    answer = await client.create_user(
        {"user_name": "carly", "emails": [{"value": "carly@example.com"}], "schemas": None}
    )
    assert answer.status_code == 201


def carly_with_profile() -> User:
    return carly(
        addresses=[UserAddress(street_address="1 Quay", locality="Porto", country="PT", primary=True)],
        phone_numbers=[UserPhoneNumber(value="555-0101", type="work")],
        photos=[UserPhoto(value="https://example.com/carly.png", type="photo")],
        roles=[UserRole(value="Tech Lead", primary=True)],
        schemas=[URNS["v1"].user, ENTERPRISE],
        **{ENTERPRISE: {"department": "Harbour", "employeeNumber": "7"}},
    )


async def test_create_user_stores_a_whole_profile(client: Client) -> None:
    answer = await client.create_user(carly_with_profile())
    user = answer.user
    assert (user.addresses[0].street_address, user.addresses[0].country) == ("1 Quay", "PT")
    assert [(each.value, each.type) for each in user.phone_numbers if each.value] == [("555-0101", "mobile")]
    assert (user.photos[0].value, user.roles[0].value) == ("https://example.com/carly.png", "Tech Lead")
    assert answer.body[ENTERPRISE]["department"] == "Harbour"


async def test_read_user_answers_what_was_created(client: Client) -> None:
    user = (await client.create_user(carly())).user
    assert (await client.read_user(user.id)).user.to_dict() == user.to_dict()


async def test_patch_user_changes_only_what_it_says(client: Client) -> None:
    user = (await client.create_user(carly(title="Engineer"))).user
    answer = await client.patch_user(user.id, partial_user=User(user_name="carly_ed"))
    assert answer.status_code == 200
    assert (answer.user.user_name, answer.user.nick_name, answer.user.title) == (
        "carly_ed",
        "carly_ed",
        "Engineer",
    )


async def test_update_user_overwrites(client: Client) -> None:
    user = (await client.create_user(carly(title="Engineer"))).user
    user.title, user.name = "Captain", UserName(given_name="Carla", family_name="Okonkwo")
    answer = await client.update_user(user=user)
    assert answer.status_code == 200
    assert (answer.user.id, answer.user.title, answer.user.name.given_name) == (user.id, "Captain", "Carla")


async def test_update_user_with_what_was_read_changes_nothing(client: Client) -> None:
    created = await client.create_user(carly_with_profile())
    again = await client.update_user(user=created.user)
    assert again.body == created.body


async def test_delete_user_answers_200_without_a_body_and_deactivates(client: Client) -> None:
    user = (await client.create_user(carly())).user
    for _ in range(3):
        answer = await client.delete_user(user.id)
        assert (answer.status_code, answer.body) == (200, None)
    assert (await client.read_user(user.id)).user.active is False


async def test_patch_user_reactivates(client: Client) -> None:
    user = (await client.create_user(carly())).user
    await client.delete_user(user.id)
    assert (await client.patch_user(user.id, partial_user={"active": True})).user.active is True


async def test_search_users_pages(client: Client, api: Api) -> None:
    made = [api.create_user(f"person-{number}")["id"] for number in range(5)]
    seen: list[str] = []
    for start_index in (1, 3, 5):
        answer = await client.search_users(start_index=start_index, count=2)
        assert answer.body["totalResults"] == 6  # and the owner
        assert (answer.body["startIndex"], answer.body["itemsPerPage"]) == (start_index, 2)
        seen += [user.id for user in answer.users]
    assert seen[1:] == made


async def test_search_users_from_zero_starts_at_one(client: Client) -> None:
    assert (await client.search_users(start_index=0, count=1)).body["startIndex"] == 1


@pytest.mark.parametrize(
    "filter",
    [
        'filter=userName Eq "Carly"',
        'userName Eq "Carly"',
        'email eq "CARLY@example.com"',
        "userName Eq carly",
    ],
)
async def test_search_users_finds_by_the_documented_filters(client: Client, api: Api, filter: str) -> None:
    user_id, _ = api.create_user("carly")["id"], api.create_user("other")
    answer = await client.search_users(start_index=1, count=10, filter=filter)
    assert [user.id for user in answer.users] == [user_id]


async def test_create_group_answers_201_and_its_members(client: Client, api: Api) -> None:
    user_id = api.create_user("carly", name={"givenName": "Carly", "familyName": "Okonkwo"})["id"]
    answer = await client.create_group(Group(display_name="Crew", members=[GroupMember(value=user_id)]))
    assert answer.status_code == 201
    assert answer.group.display_name == "Crew"
    assert [(each.value, each.display) for each in answer.group.members] == [(user_id, "Carly Okonkwo")]
    assert [each.value for each in (await client.read_user(user_id)).user.groups] == [answer.group.id]


async def test_read_group_answers_what_was_created(client: Client) -> None:
    group = (await client.create_group(Group(display_name="Crew"))).group
    assert (await client.read_group(group.id)).group.to_dict() == group.to_dict()


async def test_patch_group_answers_204_and_renames(client: Client, api: Api) -> None:
    user_id = api.create_user("carly")["id"]
    group = (
        await client.create_group(Group(display_name="Crew", members=[GroupMember(value=user_id)]))
    ).group
    answer = await client.patch_group(group.id, partial_group=Group(display_name="Crew_ed"))
    assert (answer.status_code, answer.body) == (204, None)
    after = (await client.read_group(group.id)).group
    assert (after.display_name, [each.value for each in after.members]) == ("Crew_ed", [user_id])


async def test_patch_group_removes_a_member_marked_delete(client: Client, api: Api) -> None:
    stays, goes, comes = (api.create_user(name)["id"] for name in ("stays", "goes", "comes"))
    group = await client.create_group({"displayName": "Crew", "members": [{"value": stays}, {"value": goes}]})
    group_id = group.group.id
    await client.patch_group(
        group_id, partial_group={"members": [{"value": comes}, {"value": goes, "operation": "delete"}]}
    )
    assert api.member_ids(group_id) == [stays, comes]


async def test_update_group_overwrites(client: Client, api: Api) -> None:
    first, second = (api.create_user(name)["id"] for name in ("first", "second"))
    group = (await client.create_group(Group(display_name="Crew", members=[GroupMember(value=first)]))).group
    group.display_name, group.members = "Watch", [GroupMember(value=second)]
    answer = await client.update_group(group=group)
    assert answer.status_code == 200
    assert answer.group.display_name == "Watch"
    assert [each.value for each in answer.group.members] == [second]


async def test_delete_group_answers_204_and_its_members_stay(client: Client, api: Api) -> None:
    user_id = api.create_user("carly")["id"]
    group = (
        await client.create_group(Group(display_name="Crew", members=[GroupMember(value=user_id)]))
    ).group
    answer = await client.delete_group(group.id)
    assert (answer.status_code, answer.body) == (204, None)
    gone = await client.read_group(group.id)
    assert (gone.status_code, gone.errors.description) == (404, "no_such_group")
    assert api.user(user_id)["groups"] == []


async def test_search_groups_pages_and_filters(client: Client) -> None:
    for name in ("Bow", "Stern", "Port"):
        await client.create_group(Group(display_name=name))
    page = await client.search_groups(start_index=2, count=1)
    assert (page.body["totalResults"], [each.display_name for each in page.groups]) == (3, ["Stern"])
    found = await client.search_groups(start_index=1, count=10, filter='displayName eq "port"')
    assert [each.display_name for each in found.groups] == ["Port"]


async def test_a_name_that_is_taken_is_a_409_that_parses(client: Client) -> None:
    await client.create_user(carly())
    answer = await client.create_user(
        {"userName": "someone", "emails": [{"value": "carly@example.com"}], "schemas": None}
    )
    assert answer.status_code == 409
    assert answer.errors.code == 409
    assert answer.errors.description.startswith("email_taken (user=someone, existing_user=W")


@pytest.mark.parametrize(
    ("method", "arguments", "status", "code"),
    [
        ("read_user", {"id": "W0NOBODY"}, 404, "no_such_user"),
        ("patch_user", {"id": "W0NOBODY", "partial_user": {"title": "x"}}, 404, "no_such_user"),
        ("delete_user", {"id": "W0NOBODY"}, 404, "no_such_user"),
        ("create_user", {"user": {"emails": [{"value": "a@example.com"}]}}, 400, "username_required"),
        ("search_users", {"count": 1, "start_index": 1, "filter": "userName eq"}, 400, "incomplete_filter"),
        ("read_group", {"id": "S0NOTHING"}, 404, "no_such_group"),
        ("delete_group", {"id": "S0NOTHING"}, 404, "no_such_group"),
    ],
)
async def test_an_error_parses(
    client: Client, method: str, arguments: dict[str, Any], status: int, code: str
) -> None:
    answer = await getattr(client, method)(**arguments)
    assert (answer.status_code, answer.errors.code, answer.errors.description) == (status, status, code)


async def test_a_token_that_does_not_count_is_a_401_that_parses(make: Callable[..., Any], org: Org) -> None:
    for version in ("v1", "v2"):
        stranger = Client(make, f"{org.server.url}/scim/{version}/", "xoxp-nobody")
        answer = await stranger.search_users(count=1, start_index=1)
        assert (answer.status_code, answer.errors.code) == (401, 401)
        assert answer.errors.description == "invalid_authentication"


async def test_at_v2_it_deactivates_and_reactivates(at_v2: Client, api: Api) -> None:
    user_id = api.create_user("carly")["id"]
    assert (await at_v2.patch_user(user_id, partial_user=User(active=False))).user.active is False
    assert (await at_v2.patch_user(user_id, partial_user=User(active=True))).user.active is True
    assert (await at_v2.delete_user(user_id)).status_code == 204
    found = await at_v2.search_users(count=10, start_index=1, filter='userName eq "carly"')
    assert [user.active for user in found.users] == [False]


async def test_at_v2_it_creates_with_the_schemas_of_v1(at_v2: Client) -> None:
    answer = await at_v2.create_user(carly())
    assert (answer.status_code, answer.body["schemas"]) == (201, [URNS["v2"].user])
