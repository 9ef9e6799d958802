"""One group, many clients, both versions: whatever they see could have happened one after the other.

What is read is read in every way that shows members: the group, the answer to its change, a person's groups,
and a filter by member.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

import httpx
import pytest

from tests.protocol.linearizability import Call, Kind, Members, is_linearizable
from tests.protocol.live import Api, Body, Org, ok

CLIENTS = 6
CALLS = 8
PEOPLE = 5

NOBODY: Members = frozenset()
ANN, BOB, BOTH = frozenset({"ann"}), frozenset({"bob"}), frozenset({"ann", "bob"})


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([[Call("add", ANN, 0, 1)], [Call("read", ANN, 2, 3)]], True),
        ([[Call("add", ANN, 0, 1)], [Call("read", NOBODY, 2, 3)]], False),  # stale
        ([[Call("add", ANN, 0, 5)], [Call("read", ANN, 1, 2), Call("read", NOBODY, 3, 4)]], False),  # back
        ([[Call("add", BOTH, 0, 5)], [Call("read", ANN, 1, 2)]], False),  # half
        ([[Call("add", ANN, 0, 2)], [Call("add", BOB, 1, 3)], [Call("read", ANN, 4, 5)]], False),  # lost
        ([[Call("add", ANN, 0, 2)], [Call("replace", BOB, 1, 3)], [Call("read", BOB, 4, 5)]], True),
        ([[Call("add", ANN, 0, 2)], [Call("replace", BOB, 1, 3)], [Call("read", BOTH, 4, 5)]], True),
        ([[Call("add", ANN, 0, 2)], [Call("replace", BOB, 3, 4)], [Call("read", BOTH, 5, 6)]], False),
        ([[Call("add", ANN, 0, 1), Call("remove", ANN, 2, 3)], [Call("read", ANN, 4, 5, ANN)]], False),
        ([[Call("replace", BOTH, 0, 3)], [Call("read", ANN, 1, 2, ANN), Call("read", NOBODY, 2.5, 4, BOB)]],
         False),
    ],
)  # fmt: skip
def test_the_checker_tells_what_can_have_happened(history: Sequence[Sequence[Call]], expected: bool) -> None:
    assert is_linearizable(history, NOBODY) is expected


def test_the_checker_finds_one_wrong_read_among_many() -> None:
    def history(last: Members) -> list[list[Call]]:
        calls = [[Call("add", frozenset({f"{c}-{n}"}), n, n + 1.5) for n in range(6)] for c in range(5)]
        return [*calls, [Call("read", last, 9, 10)]]

    everybody = frozenset(f"{client}-{number}" for client in range(5) for number in range(6))
    assert is_linearizable(history(everybody), NOBODY)
    assert not is_linearizable(history(everybody - {"3-0"}), NOBODY)


@dataclass(frozen=True, slots=True)
class Group:
    """One group and the people who go in and out of it."""

    id: str
    people: tuple[str, ...]

    def change(self, api: Api, random: Random) -> list[Call]:
        """A random change, and what its answer shows of the members, if anything."""
        kind: Kind = random.choice(("add", "add", "remove", "remove", "replace"))
        chosen = frozenset(random.sample(self.people, random.randint(1 if kind != "replace" else 0, 3)))
        start = time.monotonic()
        answer = self._ask(api, kind, sorted(chosen), random)
        end = time.monotonic()
        assert answer.status_code in (200, 204), answer.text
        calls = [Call(kind, chosen, start, end)]
        if answer.status_code == 200:
            calls.append(Call("read", _members(answer.json()), start, end))
        return calls

    def _ask(self, api: Api, kind: Kind, chosen: list[str], random: Random) -> httpx.Response:
        members: list[Body] = [{"value": id} for id in chosen]
        resource = {"schemas": [api.urns.group], "members": members}
        if kind == "replace" and (api.version == "v1" or random.random() < 0.5):
            return api.put(f"Groups/{self.id}", resource | {"displayName": "g"})
        if api.version == "v1":
            mark = {"operation": "delete"} if kind == "remove" else {}
            marked = [member | mark for member in members]
            return api.patch(f"Groups/{self.id}", resource | {"members": marked})
        return api.patch_group(self.id, {"op": kind, "path": "members", "value": members})

    def read(self, api: Api, random: Random) -> list[Call]:
        """The members, or whether one person is among them, asked in one of three ways."""
        person = random.choice(self.people)
        alone = frozenset({person})
        way: Callable[[], tuple[Members, Members | None]] = random.choice(
            (
                lambda: (frozenset(api.member_ids(self.id)), None),
                lambda: (alone if self._shown_by(api, person) else NOBODY, alone),
                lambda: (alone if self._found_by(api, person) else NOBODY, alone),
            )
        )
        start = time.monotonic()
        seen, among = way()
        return [Call("read", seen, start, time.monotonic(), among)]

    def _shown_by(self, api: Api, person: str) -> bool:
        return self.id in [group["value"] for group in api.user(person)["groups"]]

    def _found_by(self, api: Api, person: str) -> bool:
        return bool(ok(api.get("Groups", filter=f'members eq "{person}"'))["Resources"])


def _members(group: Body) -> Members:
    return frozenset(member["value"] for member in group["members"])


@pytest.mark.parametrize("seed", range(8))
def test_members_change_as_if_one_after_the_other(org: Org, seed: int) -> None:
    apis = [org.api("v1"), org.api("v2")]
    people = tuple(apis[0].create_user(f"p{number}")["id"] for number in range(PEOPLE))
    group = Group(apis[0].create_group("g", people[0])["id"], people)

    def client(number: int) -> list[Call]:
        random = Random(f"{seed} {number}")
        calls: list[Call] = []
        for _ in range(CALLS):
            step = group.read if random.random() < 0.4 else group.change
            calls += step(random.choice(apis), random)
        return calls

    with ThreadPoolExecutor(CLIENTS) as threads:
        history = list(threads.map(client, range(CLIENTS)))
    ended = time.monotonic()
    last = frozenset(apis[0].member_ids(group.id))
    assert is_linearizable([*history, [Call("read", last, ended, ended)]], frozenset({people[0]})), history
