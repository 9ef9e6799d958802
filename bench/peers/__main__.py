"""``python -m bench.peers``: the same requests to rosterd and to its peers, at 100,000 people.

The peers are installed below ``.bench`` for the run, and deleted again unless ``--keep`` is given.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click

from bench import machine, report, servers, wrk
from bench.figures import SQLITE, Figure, Rounds
from bench.peers.installed import MEMBERS, PEERS, USERS, Contender, bodies, running
from bench.stage import Pace, Stage, stages
from bench.writes import moved
from bench.wrk import Requests

_MOVED = 256
_SLOW_SECONDS = 10.0
"""For PATCH: peers take seconds for each."""


class Work(NamedTuple):
    """What is asked of each contender, and how many times the best peer's rate is to be reached."""

    goal: float
    requests: Callable[[Contender, Path], Requests]
    is_patch: bool = False


def _get(contender: Contender, home: Path) -> Requests:
    return Requests.get(f"{contender.base}/Users/<1>", contender.rows)


def _by_username(contender: Contender, home: Path) -> Requests:
    return Requests.get(f"{contender.base}/Users?filter=userName%20eq%20%22<2>%22", contender.rows)


def _post(contender: Contender, home: Path) -> Requests:
    return Requests.send("POST", f"{contender.base}/Users", home / "bodies", f"x{secrets.token_hex(3)}-")


def _patch(contender: Contender, home: Path) -> Requests:
    moves = home / f"{contender.name}.moves"
    with contender.rows.open() as rows:
        ids = [next(rows).split()[0] for _ in range(_MOVED)]
    moves.write_text("".join(f"{body}\n" for body in moved(ids)))
    return Requests.send("PATCH", f"{contender.base}/Groups/{contender.group}{contender.unseen}", moves)


WORK: Mapping[str, Work] = {
    "GET by id": Work(10, _get),
    "filter by userName": Work(10, _by_username),
    "POST user": Work(5, _post),
    "PATCH of one member, group of 10,000": Work(100, _patch, is_patch=True),
}


@click.command()
@click.option("--seconds", default=3.0, show_default=True, help="Length of a round.")
@click.option("--rounds", default=3, show_default=True, help="Rounds of each figure.")
@click.option("--keep", is_flag=True, help="Leave the peers installed.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=machine.ROOT / ".bench", show_default=".bench"
)
def main(seconds: float, rounds: int, keep: bool, folder: Path) -> None:
    """Measure rosterd beside SCIMMY with scimmy-routers (npm) and scim2-server (PyPI)."""
    home = folder / "peers"
    try:
        with machine.ready(folder, wrk=machine.WRK, npm="it comes with Node.js"):
            figures = list(_figures(folder, home, Pace(seconds, rounds)))
    except (machine.NotReady, machine.Unmeasured) as error:
        raise click.ClickException(str(error)) from error
    report.give(folder, "peers", figures, [], {"machine": machine.described(), "limits": servers.LIMITS})
    if not keep:
        shutil.rmtree(home)


def _figures(folder: Path, home: Path, pace: Pace) -> Iterator[Figure]:
    home.mkdir(exist_ok=True)
    (home / "bodies").write_text("".join(f"{body}\n" for body in bodies()))
    with ExitStack() as stack:
        peers = [stack.enter_context(running(name, home)) for name in PEERS]
        for stage in stages(folder, [USERS], [SQLITE], pace, spare=False):
            contenders = [_ours(stage), *peers]
            for contender in contenders:
                _warm_up(contender)
            for name, work in WORK.items():
                yield from _compared(name, work, contenders, home, pace)
            for contender in contenders:
                _check_members(contender)


def _ours(stage: Stage) -> Contender:
    group = stage.seed.groups[MEMBERS]
    return Contender(
        "rosterd", stage.server.url, "/scim/v2", stage.seed.token, stage.place.rows, group,
        wrk.CONNECTIONS, "?excludedAttributes=members",
    )  # fmt: skip


def _warm_up(contender: Contender) -> None:
    """Ask once for each kind of thing: some make their indexes when somebody asks."""
    with contender.rows.open() as rows:
        id, username = next(rows).split()
    for path in (
        f"Users/{id}",
        f"Users?filter=userName%20eq%20%22{username}%22",
        f"Groups/{contender.group}",
    ):
        servers.answer(contender.url, contender.token, f"{contender.base}/{path}")


def _check_members(contender: Contender) -> None:
    """Whoever did the PATCHes still has all members but those who were out at the end."""
    path = f"{contender.base}/Groups/{contender.group}"
    members = len(json.loads(servers.answer(contender.url, contender.token, path).body)["members"])
    if not MEMBERS - _MOVED <= members <= MEMBERS:
        raise machine.Unmeasured(
            f"{contender.name}: of {MEMBERS} members {members} are left after its PATCHes"
        )


def _compared(name: str, work: Work, contenders: list[Contender], home: Path, pace: Pace) -> Iterator[Figure]:
    """A figure of each peer, and ours beside the best of them."""
    rates: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for _ in range(pace.rounds):
        for contender in contenders:
            rates[contender.name].append(_rate(work, contender, home, pace))
    ours = rates.pop("rosterd")
    for peer, found in rates.items():
        yield Figure(name, peer, USERS, median(found), "req/s")
    best = max(rates, key=lambda peer: median(rates[peer]))
    beside = Rounds(ours, rates[best])
    yield Figure(
        name, "rosterd", USERS, beside.value, "req/s", best, beside.beside, beside.ratio,
        target=f"≥ {work.goal:g}", reached=beside.ratio >= work.goal,
    )  # fmt: skip


def _rate(work: Work, contender: Contender, home: Path, pace: Pace) -> float:
    is_slow = work.is_patch and contender.together == 1
    seconds = max(pace.seconds, _SLOW_SECONDS) if is_slow else pace.seconds
    connections = contender.together if work.is_patch else wrk.CONNECTIONS
    requests = work.requests(contender, home)
    return wrk.drive(contender.url, requests, seconds, token=contender.token, connections=connections).rate


if __name__ == "__main__":
    main()
