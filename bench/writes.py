"""Writing: people created, and single members of groups."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bench import bare, people, pgbench
from bench.figures import LEADING, PATCH_V1, PATCH_V2, POST, POSTGRESQL, Figure, duel
from bench.seeds import AT_ONCE
from bench.stage import WARM_UP, Stage
from bench.wrk import Load, Requests

_BODIES = 64
_MOVED = 256
"""People who leave a group and come back, in turn: many more than there are requests in flight."""

_V1 = "urn:scim:schemas:core:1.0"


def post(stage: Stage) -> Iterator[Figure]:
    """New people, beside bare inserts of rows like theirs into a copy of the same table."""
    bodies = stage.write("post", [json.dumps(people.body(number, "@@")) for number in range(_BODIES)])
    loads: list[Load] = []

    def ours(seconds: float | None = None) -> float:
        requests = Requests.send("POST", "/scim/v2/Users", bodies, f"x{secrets.token_hex(3)}-")
        loads.append(stage.drive(requests, seconds=seconds))
        return loads[-1].rate

    ours(WARM_UP)
    if stage.engine == POSTGRESQL:
        control, theirs = "pgbench, 32 clients", lambda: pgbench.inserts(stage.spare, stage.pace.seconds)
    else:
        control, theirs = "bare inserts, 32 a commit", lambda: bare.inserts(stage.spare, stage.pace.seconds)
    rounds = duel(ours, theirs, stage.pace.rounds)
    p99 = median(load.p99 for load in loads[1:]) / 1000
    yield Figure(
        POST, stage.engine, stage.users, rounds.value, "req/s", control, rounds.beside, rounds.ratio, p99=p99
    )


def patch(stage: Stage) -> Iterator[Figure]:
    """One member out, another in: in the largest group beside the smallest, in both versions."""
    ids = stage.place.ids(_MOVED)
    v1, v2 = stage.write("patch-v1", list(moved_v1(ids))), stage.write("patch-v2", list(moved(ids)))
    yield from _patch(stage, PATCH_V1, "/scim/v1/Groups/{}", v1)
    yield from _patch(stage, PATCH_V2, "/scim/v2/Groups/{}?excludedAttributes=members", v2)


def _patch(stage: Stage, name: str, path: str, bodies: Path) -> Iterator[Figure]:
    groups = [stage.seed.groups[size] for size in sorted(stage.seed.groups)]
    small, large = groups[0], groups[-1]
    everybody = json.dumps({"schemas": [_V1], "members": [{"value": id} for id in stage.place.ids(_MOVED)]})

    def cost(group: str, seconds: float | None = None) -> float:
        # Each run begins by taking people out: with those missing whom the last one took out, it would have
        # nothing to do.
        stage.ask("PATCH", f"/scim/v1/Groups/{group}", everybody.encode())
        return 1e6 / stage.drive(Requests.send("PATCH", path.format(group), bodies), seconds).rate

    for group in {small, large}:
        cost(group, WARM_UP)
    if len(groups) == 1:
        yield Figure(name.replace("100,000", "1,000"), stage.engine, stage.users, 1e6 / cost(small), "req/s")
        return
    rounds = duel(lambda: cost(large), lambda: cost(small), stage.pace.rounds)
    yield Figure(
        name, stage.engine, stage.users, 1e6 / rounds.value, "req/s",
        "cost beside a group of 1,000", 1e6 / rounds.beside, rounds.ratio,
    )  # fmt: skip


def leading(stage: Stage) -> Iterator[Figure]:
    """One member out, another in, of a group that leads to places, beside one of its size that does not.

    Whoever leaves it leaves 20 workspaces with their #general, and 50 channels: 90 rows and 20 events.
    Whoever comes back joins them.
    """
    ids = stage.place.ids(_MOVED)
    bodies = stage.write("leading", list(moved(ids)))
    plain = stage.seed.groups[min(stage.seed.groups)]

    def rate(group: str, seconds: float | None = None) -> float:
        for start in range(0, len(ids), AT_ONCE):
            back = {"schemas": [_V1], "members": [{"value": id} for id in ids[start : start + AT_ONCE]]}
            stage.ask("PATCH", f"/scim/v1/Groups/{group}", json.dumps(back).encode())
        path = f"/scim/v2/Groups/{group}?excludedAttributes=members"
        return stage.drive(Requests.send("PATCH", path, bodies), seconds).rate

    for group in (stage.seed.leading, plain):
        rate(group, WARM_UP)
    rounds = duel(lambda: rate(stage.seed.leading), lambda: rate(plain), stage.pace.rounds)
    yield Figure(
        LEADING, stage.engine, stage.users, rounds.value, "req/s",
        "a group that leads nowhere", rounds.beside, rounds.ratio,
    )  # fmt: skip


def moved_v1(ids: Sequence[str]) -> Iterator[str]:
    """Bodies of version 1.1 that take these members out of a group, one at a time, and bring them back."""
    for how in ({"operation": "delete"}, {}):
        for id in ids:
            yield json.dumps({"schemas": [_V1], "members": [{"value": id, **how}]})


def moved(ids: Sequence[str]) -> Iterator[str]:
    """The same in version 2.0."""
    removals = ({"op": "remove", "path": f'members[value eq "{id}"]'} for id in ids)
    additions = ({"op": "add", "path": "members", "value": [{"value": id}]} for id in ids)
    for operation in (*removals, *additions):
        yield json.dumps({"schemas": [people.PATCH], "Operations": [operation]})
