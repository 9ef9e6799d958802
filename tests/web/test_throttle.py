"""Admission: what both places of buckets do alike, what each does of its own, and a store that goes away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from random import Random

import pytest

from rosterd.directory.model import Org, OrgId, Plan, TeamId
from rosterd.ratelimit.buckets import Bucket, capacity, decide
from rosterd.ratelimit.limits import SLACK, Limit
from rosterd.ratelimit.table import parse
from rosterd.web.errors import HttpError
from rosterd.web.throttle import shared
from rosterd.web.throttle.asking import Place, asked
from rosterd.web.throttle.gate import Throttle, open_throttle
from rosterd.web.throttle.memory import Memory
from rosterd.web.throttle.shared import Shared
from tests.valkeys import Valkey, valkey

pytestmark = pytest.mark.anyio

# One request an hour or so grows back: what passes is the burst, however slow the machine.
SLOW = parse({"limits": {name: {"per_minute": 1} for name in SLACK}})


def org(name: str) -> Org:
    return Org(OrgId(f"E{name}"), TeamId("T1"), name, name, Plan.ENTERPRISE, created=0)


ACME, OTHER = org("acme"), org("other")


@pytest.fixture(scope="module")
def store() -> Iterator[Valkey]:
    with valkey() as running:
        yield running


@pytest.fixture(params=["memory", "valkey"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """Both places: the tests with it are their contract."""
    if request.param == "memory":
        yield Memory()
        return
    store: Valkey = request.getfixturevalue("store")
    store.flush()
    opened = Shared(store.url)
    yield opened
    await opened.close()


async def refusal(throttle: Throttle, method: str, *path: str, of: Org = ACME) -> tuple[str, int] | None:
    """The code and the seconds to wait; None: it was admitted."""
    try:
        async with throttle.admit(of, method, path):
            return None
    except HttpError as error:
        return error.code, int(error.headers["Retry-After"])


async def admitted(throttle: Throttle, count: int, method: str, *path: str) -> int:
    """How many of so many requests pass."""
    return [await refusal(throttle, method, *path) for _ in range(count)].count(None)


class TestEverywhere:
    async def test_a_burst_passes_and_the_next_is_told_when(self, place: Place) -> None:
        throttle = Throttle(SLOW, place)
        assert await admitted(throttle, 20, "POST", "Users") == 20
        code, seconds = await refusal(throttle, "POST", "Users") or ("", 0)
        assert code == "too_many_requests"
        assert 1 <= seconds <= 60

    async def test_slacks_rate_lets_one_pass_in_a_second(self, place: Place) -> None:
        throttle = Throttle(parse({"limits": {"create_user": {"per_minute": 60, "burst": 1}}}), place)
        assert await refusal(throttle, "POST", "Users") is None
        assert await refusal(throttle, "POST", "Users") == ("too_many_requests", 1)
        await asyncio.sleep(1)
        assert await refusal(throttle, "POST", "Users") is None

    async def test_put_and_patch_share_and_others_do_not(self, place: Place) -> None:
        throttle = Throttle(SLOW, place)
        assert await admitted(throttle, 10, "PUT", "Users", "W1") == 10
        assert await admitted(throttle, 20, "PATCH", "Users", "W2") == 10
        assert await refusal(throttle, "DELETE", "Users", "W1") is None
        assert await admitted(throttle, 81, "PATCH", "Groups", "S1") == 80

    async def test_lists_spend_from_the_organisations_limit_alone(self, place: Place) -> None:
        table = parse({"limits": {"reads": {"per_minute": 1, "burst": 5}, "get_user": {"burst": 3}}})
        throttle = Throttle(table, place)
        assert await admitted(throttle, 4, "GET", "Users") == 4
        assert await admitted(throttle, 4, "GET", "Users", "W1") == 1

    async def test_what_one_limit_refuses_spends_from_none(self, place: Place) -> None:
        table = parse({"limits": {"writes": {"per_minute": 1, "burst": 6}, "create_user": {"burst": 2}}})
        throttle = Throttle(table, place)
        assert await admitted(throttle, 2, "POST", "Users") == 2
        slow = parse({"limits": {"writes": {"per_minute": 1, "burst": 6}, "create_user": {"burst": 1}}})
        assert await admitted(Throttle(slow, place), 1, "POST", "Groups") == 1
        assert await admitted(throttle, 10, "POST", "Groups") == 3

    async def test_organisations_do_not_share(self, place: Place) -> None:
        throttle = Throttle(SLOW, place)
        assert await admitted(throttle, 21, "POST", "Users") == 20
        assert await refusal(throttle, "POST", "Users", of=OTHER) is None

    async def test_an_organisation_may_have_limits_of_its_own(self, place: Place) -> None:
        throttle = Throttle(parse({"orgs": {"acme": {"create_user": {"per_minute": 1, "burst": 2}}}}), place)
        assert await admitted(throttle, 5, "POST", "Users") == 2

    async def test_a_limit_may_have_several_buckets_in_an_organisation(self, place: Place) -> None:
        throttle = Throttle(parse({"limits": {"tier_2": {"per_minute": 1, "burst": 3}}}), place)

        async def passing(bucket: str, count: int) -> int:
            passed = 0
            for _ in range(count):
                with contextlib.suppress(HttpError):
                    async with throttle.admit_to(ACME, {bucket: "tier_2"}):
                        passed += 1
            return passed

        assert [await passing("one", 2), await passing("two", 5), await passing("one", 5)] == [2, 3, 1]
        assert list(throttle.headroom()) == [("Eacme", "tier_2", 0, 3)]

    async def test_lifted_ceilings_are_counted(self, place: Place) -> None:
        most = {"per_minute": 100_000_000, "burst": 100_000_000}
        throttle = Throttle(parse({"limits": dict.fromkeys(SLACK, most)}), place)
        assert await admitted(throttle, 100, "POST", "Users") == 100

    async def test_many_at_once_pass_no_more_than_the_burst(self, place: Place) -> None:
        throttle = Throttle(SLOW, place)
        found = await asyncio.gather(*(refusal(throttle, "POST", "Users") for _ in range(60)))
        assert found.count(None) == 20

    async def test_a_second_write_to_one_resource_is_refused_until_the_first_is_done(
        self, place: Place
    ) -> None:
        throttle = Throttle(SLOW, place)
        async with throttle.admit(ACME, "PATCH", ("Groups", "S1")):
            assert await refusal(throttle, "PUT", "Groups", "S1") == ("resource_locked", 1)
            assert await refusal(throttle, "DELETE", "Groups", "S1") == ("resource_locked", 1)
            assert await refusal(throttle, "GET", "Groups", "S1") is None
            assert await refusal(throttle, "PATCH", "Groups", "S2") is None
            assert await refusal(throttle, "PATCH", "Users", "S1") is None
            assert await refusal(throttle, "PATCH", "Groups", "S1", of=OTHER) is None
        assert await refusal(throttle, "PUT", "Groups", "S1") is None

    async def test_without_locks_writes_are_counted_and_none_refused(self, place: Place) -> None:
        throttle = Throttle(parse({"locks": False}), place)
        async with throttle.admit(ACME, "PATCH", ("Groups", "S1")):
            assert await refusal(throttle, "PATCH", "Groups", "S1") is None
        assert ("Eacme", "change_group", 78, 80) in list(throttle.headroom())

    async def test_what_a_lock_refuses_spends_nothing(self, place: Place) -> None:
        throttle = Throttle(SLOW, place)
        async with throttle.admit(ACME, "PATCH", ("Users", "W1")):
            assert await admitted(throttle, 30, "PATCH", "Users", "W1") == 0
        assert await admitted(throttle, 30, "PATCH", "Users", "W1") == 19

    async def test_what_a_limit_refuses_locks_nothing(self, place: Place) -> None:
        throttle = Throttle(parse({"limits": {"change_user": {"per_minute": 1, "burst": 1}}}), place)
        assert await admitted(throttle, 2, "PATCH", "Users", "W1") == 1
        assert await refusal(throttle, "DELETE", "Users", "W1") is None

    async def test_a_lock_goes_with_a_request_that_fails(self, place: Place) -> None:
        throttle = Throttle(SLOW, place)
        with pytest.raises(ZeroDivisionError):
            async with throttle.admit(ACME, "DELETE", ("Users", "W1")):
                raise ZeroDivisionError
        assert await refusal(throttle, "DELETE", "Users", "W1") is None

    async def test_headroom_is_what_is_left(self, place: Place) -> None:
        throttle = Throttle(SLOW, place)
        assert list(throttle.headroom()) == []
        await admitted(throttle, 3, "POST", "Users")
        assert sorted(throttle.headroom()) == [
            ("Eacme", "create_user", 17, 20),
            ("Eacme", "writes", 177, 180),
        ]

    async def test_every_limit_of_the_organisation_has_its_room(self, place: Place) -> None:
        throttle = Throttle(SLOW, place)
        await admitted(throttle, 3, "POST", "Users")
        async with throttle.admit_to(ACME, {"users.list:A1:": "tier_1"}):
            pass
        async with throttle.admit_to(OTHER, {"users.list:A2:": "tier_1"}):
            pass
        rooms = throttle.rooms(ACME)
        assert [room.limit for room in rooms] == [*SLACK, "audit", "tier_1"]
        found = {room.limit: room for room in rooms}
        assert found["create_user"][1:5] == ("", "", 17, 20)
        assert (found["reads"].left, found["reads"].capacity) == (found["reads"].capacity,) * 2
        assert rooms[-1][:5] == ("tier_1", "users.list", "A1", 2, 3)


async def test_memory_forgets_buckets_that_are_full_again() -> None:
    now = 0
    memory = Memory(lambda: now)
    limits = (SLACK["writes"],)
    for n in range(5_000):
        now += 1_000_000  # a write comes back in a tenth of it
        await memory.ask(asked(OrgId(f"E{n}"), limits))
    assert len(memory._buckets) <= 1_000


async def test_memory_holds_no_locks_that_are_given_back() -> None:
    memory = Memory()
    throttle = Throttle(SLOW, memory)
    await admitted(throttle, 5, "PATCH", "Groups", "S1")
    assert not memory._locked


class TestShared:
    async def test_several_processes_count_and_lock_together(self, store: Valkey) -> None:
        store.flush()
        async with AsyncExitStack() as stack:
            first, second = [open_throttle(SLOW, store.url) for _ in range(2)]
            for each in (first, second):
                stack.push_async_callback(each.close)
            assert await admitted(first, 15, "POST", "Users") == 15
            assert await admitted(second, 15, "POST", "Users") == 5
            async with first.admit(ACME, "PATCH", ("Groups", "S1")):
                assert await refusal(second, "PATCH", "Groups", "S1") == ("resource_locked", 1)
            assert await refusal(second, "PATCH", "Groups", "S1") is None

    async def test_every_key_ends_by_itself(self, store: Valkey) -> None:
        store.flush()
        throttle = open_throttle(parse({}), store.url)
        async with throttle.admit(ACME, "PATCH", ("Groups", "S1")):
            keys = store.keys()
        assert set(keys) == {
            "rosterd:{Eacme}:writes",
            "rosterd:{Eacme}:change_group",
            "rosterd:{Eacme}:lock:Groups/S1",
        }
        assert all(0 < milliseconds <= 10_000 for milliseconds in keys.values())
        assert keys["rosterd:{Eacme}:writes"] <= 110  # when it is full again
        await throttle.close()

    async def test_a_slow_request_keeps_its_lock(
        self, store: Valkey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shared, "LOCK_SECONDS", 0.6)
        store.flush()
        throttle = open_throttle(SLOW, store.url)
        async with throttle.admit(ACME, "PATCH", ("Groups", "S1")):
            await asyncio.sleep(1.2)
            assert await refusal(throttle, "PATCH", "Groups", "S1") == ("resource_locked", 1)
        assert await refusal(throttle, "PATCH", "Groups", "S1") is None
        await throttle.close()

    async def test_the_lock_of_a_dead_process_ends(
        self, store: Valkey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shared, "LOCK_SECONDS", 0.3)
        store.flush()
        dead, alive = Shared(store.url), open_throttle(SLOW, store.url)
        await dead.ask(asked(ACME.id, (SLACK["writes"],), "Groups/S1"))
        for task in asyncio.all_tasks() - {asyncio.current_task()}:  # it renews its lock no more
            if "_renewing" in repr(task.get_coro()):
                task.cancel()
        assert await refusal(alive, "PATCH", "Groups", "S1") == ("resource_locked", 1)
        await asyncio.sleep(0.5)
        assert await refusal(alive, "PATCH", "Groups", "S1") is None
        await dead.close()
        await alive.close()

    async def test_one_gives_back_its_own_lock_only(self, store: Valkey) -> None:
        store.flush()
        throttle = open_throttle(SLOW, store.url)
        async with throttle.admit(ACME, "PATCH", ("Groups", "S1")):
            store.flush()  # it took too long, say
            inner = throttle.admit(ACME, "PATCH", ("Groups", "S1"))
            await inner.__aenter__()
        assert await refusal(throttle, "PATCH", "Groups", "S1") == ("resource_locked", 1)
        await inner.__aexit__(None, None, None)
        await throttle.close()

    async def test_without_the_store_a_process_goes_on_from_what_it_saw_and_comes_back(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shared, "PROBE_SECONDS", 0.1)
        caplog.set_level(logging.WARNING, "rosterd.throttle")
        with valkey() as running:
            throttle, other = open_throttle(SLOW, running.url), open_throttle(SLOW, running.url)
            assert await admitted(throttle, 15, "POST", "Users") == 15
            assert await refusal(other, "POST", "Users") is None
            holding = throttle.admit(ACME, "PATCH", ("Groups", "S1"))
            await holding.__aenter__()
            running.down()
            await holding.__aexit__(None, None, None)
            assert await admitted(throttle, 30, "POST", "Users") == 5  # it saw 15 of them
            async with throttle.admit(ACME, "PATCH", ("Users", "W1")):
                assert await refusal(throttle, "PATCH", "Users", "W1") == ("resource_locked", 1)
            assert [record.message.split(" does")[0] for record in caplog.records] == [running.url]

            running.up()
            await asyncio.sleep(0.2)
            assert await refusal(throttle, "GET", "Users") is None
            assert await admitted(other, 20, "POST", "Users") == 20  # it forgot what was before
            assert await admitted(throttle, 1, "POST", "Users") == 0
            assert "answers again" in caplog.records[1].message
            await throttle.close()
            await other.close()

    async def test_a_crowd_of_requests_is_no_outage(
        self, store: Valkey, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shared, "ANSWER_SECONDS", 2.0)  # on a busy machine it takes a while to connect
        store.flush()
        caplog.set_level(logging.WARNING, "rosterd.throttle")
        throttle = open_throttle(SLOW, store.url)
        found = await asyncio.gather(*(refusal(throttle, "PATCH", "Users", f"W{n}") for n in range(1_500)))
        assert found.count(None) == 20
        assert caplog.records == []
        await throttle.close()

    async def test_a_store_that_hangs_holds_nobody_up_for_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shared, "ANSWER_SECONDS", 0.1)
        writers: list[asyncio.StreamWriter] = []
        silent = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        throttle = open_throttle(SLOW, f"redis://127.0.0.1:{port}/0")
        async with asyncio.timeout(20):
            assert await admitted(throttle, 300, "GET", "Users") == 300
        await throttle.close()
        silent.close()
        for writer in writers:
            writer.close()
            await writer.wait_closed()

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("http://127.0.0.1", "must begin with"),
            ("valkey:", "must begin with"),
            ("valkey://", "must begin with"),
            ("valkey://127.0.0.1:http", "Port could not be cast"),
            ("valkey://127.0.0.1?colour=red", "one of its options is unknown"),
        ],
    )
    async def test_a_url_that_cannot_be_is_refused(self, url: str, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            open_throttle(SLOW, url)

    async def test_the_script_and_the_arithmetic_say_the_same(self, store: Valkey) -> None:
        """The script with a clock of ours, beside `decide`, through jumps of the clock both ways."""
        text = shared._ADMIT.replace("redis.call('TIME')", "{ARGV[#ARGV - 1], ARGV[#ARGV]}")
        text = text.replace("#ARGV / 2 - 1", "#ARGV / 2 - 2").replace("'PEXPIRE'", "'EXISTS'")
        store.flush()
        place = Shared(store.url)
        admit = place._client.register_script(text)
        random, now = Random(7), 1_764_000_000_000_000
        for trial in range(60):
            limits = [Limit(f"{trial}-{n}", *random.choices(_NUMBERS, k=2)) for n in range(1 + trial % 3)]
            numbers = [number for limit in limits for number in (limit.per_minute, capacity(limit))]
            buckets: list[Bucket | None] = [None] * len(limits)
            for _ in range(30):
                now += random.choice(_STEPS)
                clock = [now // 1_000_000, now % 1_000_000]
                found = await admit([limit.name for limit in limits], ["", 0, *numbers, *clock])
                decision = decide(now, buckets, limits)
                assert found == [decision.wait, *(bucket.level for bucket in decision.buckets)]
                if decision.allowed:
                    buckets = [*decision.buckets]
        await place.close()


_NUMBERS = [1, 7, 20, 180, 600, 99_999_999, 100_000_000]
_STEPS = [0, 1, 333_333, 1_000_000, 7_000_001, 3_600_000_000, -500_000]
