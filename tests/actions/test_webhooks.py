"""Webhooks: who may subscribe, to what, and which events are told to whom."""

from __future__ import annotations

import pytest

from rosterd.actions import webhooks
from rosterd.app import seal
from rosterd.directory.model import Plan, Role
from rosterd.directory.webhooks import MOST_WEBHOOKS, Webhook
from rosterd.store import outbox
from rosterd.store import webhooks as rows
from tests.actions.acting import House, details_of, found_house, refused

pytestmark = pytest.mark.anyio

URL = "https://hooks.example.com/rosterd?key=secret"


async def add(house: House, *actions: str, url: str = URL) -> Webhook:
    async with house.store.write() as tx:
        return await webhooks.add(tx, house.org, url, actions, actor=house.actor)


async def told(house: House) -> list[tuple[str, str, str]]:
    """(webhook, action, entity's id) of what is to be sent, in order."""
    await seal(house.store)
    found = []
    async with house.store.read() as tx:
        for entry in await outbox.page(tx, house.org.id, dead=False):
            if entry.kind == "webhook":
                event = entry.arguments["event"]
                entity = event["entity"]
                found.append((entry.subject_id, event["action"], entity[entity["type"]]["id"]))
    return found


async def test_an_owner_subscribes_and_the_trail_keeps_no_secret(house: House) -> None:
    made = await add(house, "user_created", "user_created", "user_deactivated")
    assert made.actions == ("user_created", "user_deactivated")
    assert len(made.secret) == 32
    async with house.store.read() as tx:
        assert await rows.of_org(tx, house.org.id) == [made]
    last = (await house.trail())[-1]
    assert (last.action, details_of(last)) == (
        "webhook_added",
        {"webhook": made.id, "host": "hooks.example.com", "actions": ["user_created", "user_deactivated"]},
    )
    assert "secret" not in str(last)
    assert made.secret not in str(last)


async def test_administrators_and_members_may_not(house: House) -> None:
    made = await add(house)
    for role in (Role.ADMIN, Role.MEMBER):
        acting = house.acting(await house.create(f"some-{role}", role))
        async with refused(house.store, "permission_denied"):
            await add(acting)
        async with refused(house.store, "permission_denied"):
            await remove(acting, made.id)


async def remove(house: House, id: str) -> None:
    async with house.store.write() as tx:
        await webhooks.remove(tx, house.org, id, actor=house.actor)


@pytest.mark.parametrize(
    "url",
    ["", "hooks.example.com", "ftp://hooks.example.com/", "https://", "https:///x", "file:///etc/passwd",
     "https://ann:secret@hooks.example.com/", "https://hooks.example.com/#x", "https://hooks.example.com:0/",
     "https://hooks.example.com:99999/", "https://hooks example.com/", "https://[::1/", "https://höks.example/",
     "https://hooks.example.com/\r\nX: y", f"https://hooks.example.com/{'x' * 2000}"],
)  # fmt: skip
async def test_what_is_no_plain_address_is_refused(house: House, url: str) -> None:
    async with refused(house.store, "invalid_url"):
        await add(house, url=url)


async def test_actions_that_nobody_ever_sees_and_too_many_webhooks_are_refused(house: House) -> None:
    for action in ("file_uploaded", "webhook_added", ""):
        async with refused(house.store, "invalid_action"):
            await add(house, action)
    for _ in range(MOST_WEBHOOKS):
        await add(house)
    async with refused(house.store, "too_many_webhooks"):
        await add(house)


async def test_each_event_is_told_once_to_each_that_wants_it_from_its_beginning_on(house: House) -> None:
    await house.create("before")
    every, some = await add(house), await add(house, "user_deactivated")
    other = await found_house(house.store, Plan.BUSINESS_PLUS, "other")
    strange = await add(other)
    ann = await house.create("ann")
    await house.change(ann, active=False)
    wanted = [(every.id, "user_created", ann.id)]
    wanted += [(hook.id, "user_deactivated", ann.id) for hook in (every, some)]
    assert [each for each in await told(house) if each[2] == ann.id] == wanted
    assert [each for each in await told(house) if each[2] == ann.id] == wanted
    assert strange.id not in {hook for hook, *_ in await told(house)}


async def test_one_that_is_removed_is_told_nothing_more(house: House) -> None:
    made = await add(house)
    await remove(house, made.id)
    await house.create("ann")
    assert await told(house) == []
    async with refused(house.store, "no_such_webhook"):
        await remove(house, made.id)
    async with refused(house.store, "no_such_webhook"):
        await remove(house, "H0000000000")
