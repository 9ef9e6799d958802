"""``python -m bench``: measure, print a table, write a file.

Parts, sizes and engines can be chosen: ``python -m bench --only get,filter --sizes 100k --engines sqlite``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from bench import dashboard, machine, neighbours, postgres, reads, report, servers, writes
from bench.figures import POSTGRESQL, SQLITE, Figure, derived, judged
from bench.stage import Pace, Stage, stages

PARTS: Mapping[str, Callable[[Stage], Iterator[Figure]]] = {
    "get": reads.get,
    "filter": reads.by_username,
    "pages": reads.pages,
    "dashboard": dashboard.dashboard,
    "group": neighbours.group_memory,
    "p99": neighbours.latency,
    "patch": writes.patch,
    "leading": writes.leading,
    "post": writes.post,
    "memory": neighbours.memory,
}
"""In the order in which they are measured: what changes the data comes last."""

_SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000, "1M": 1_000_000}


def _chosen(allowed: Sequence[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    def check(context: click.Context, parameter: click.Parameter, value: str) -> list[str]:
        words = value.split(",")
        if unknown := [word for word in words if word not in allowed]:
            raise click.BadParameter(f"{unknown[0]} is none of {', '.join(allowed)}")
        return [word for word in allowed if word in words]

    return check


@click.command()
@click.option("--only", "parts", callback=_chosen(list(PARTS)), default=",".join(PARTS), show_default=True)
@click.option("--sizes", callback=_chosen(list(_SIZES)), default="1k,100k,1M", show_default=True)
@click.option(
    "--engines", callback=_chosen([SQLITE, POSTGRESQL]), default="sqlite,postgresql", show_default=True
)
@click.option("--seconds", type=float, help="Length of a round.  [default: 3, with --quick 1]")
@click.option("--rounds", type=int, help="Rounds of each figure.  [default: 3]")
@click.option("--quick", is_flag=True, help="Shorter rounds, and no organisation of 1M.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=machine.ROOT / ".bench", show_default=".bench"
)
def main(
    parts: list[str],
    sizes: list[str],
    engines: list[str],
    seconds: float | None,
    rounds: int | None,
    quick: bool,
    folder: Path,
) -> None:
    """Measure rosterd beside its controls. Organisations are made at the first run, and kept."""
    if quick:
        sizes = [size for size in sizes if size != "1M"] or sizes
    pace = Pace(seconds or (1 if quick else 3), rounds or 3)
    figures: list[Figure] = []
    notes: list[str] = []
    try:
        with machine.ready(folder, wrk=machine.WRK):
            counts = [_SIZES[size] for size in sizes]
            for stage in stages(folder, counts, engines, pace, spare="post" in parts):
                for figure in _taken(stage, parts, notes):
                    figures.append(judged(figure))
                    click.echo("  ".join(filter(None, report.row(figures[-1]))), err=True)
    except machine.NotReady as error:
        raise click.ClickException(str(error)) from error
    figures += map(judged, derived(figures))
    settings = {
        "machine": {**machine.described(), "postgresql": postgres.version()},
        "limits": servers.LIMITS,
        "seconds": pace.seconds,
        "rounds": pace.rounds,
    }
    report.give(folder, "results", figures, notes, settings)


def _taken(stage: Stage, parts: Sequence[str], notes: list[str]) -> Iterator[Figure]:
    """The figures of these parts; of one that goes wrong, a note."""
    for part in parts:
        try:
            yield from PARTS[part](stage)
        except machine.Unmeasured as error:
            notes.append(f"{part}, {stage.engine}, {stage.users:,}: {error}")


if __name__ == "__main__":
    main()
