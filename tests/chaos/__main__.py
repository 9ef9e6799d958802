"""``python -m tests.chaos``: two hundred strikes at servers under load, on both engines.

The state file holds the seed and the outcomes so far; the same command goes on where the last one stopped.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from tests.chaos.rounds import Outcome, planned, play

SHOWN = 20


class State(msgspec.Struct):
    """What a state file holds."""

    seed: int
    outcomes: list[Outcome] = []


@click.command()
@click.option("--kills", default=200, show_default=True)
@click.option("--minutes", default=30.0, show_default=True, help="Start no round after so many.")
@click.option("--seed", default=1, show_default=True, help="Counts for a new state file only.")
@click.option(
    "--state", "path", type=click.Path(path_type=Path), default=Path(".chaos-state.json"), show_default=True
)
def main(kills: int, minutes: float, seed: int, path: Path) -> None:
    """Kill servers at random moments of a random load, and look for what is lost or half done."""
    state = msgspec.json.decode(path.read_bytes(), type=State) if path.exists() else State(seed)
    done = {outcome.number for outcome in state.outcomes}
    rest = [each for each in planned(state.seed, kills) if each.number not in done]
    deadline = time.monotonic() + minutes * 60
    for outcome in play(rest, state.seed):
        state.outcomes.append(outcome)
        path.write_bytes(msgspec.json.encode(state))
        _say(outcome, len(state.outcomes), kills)
        if time.monotonic() > deadline:
            break
    _table(state.outcomes)
    if not all(outcome.is_clean for outcome in state.outcomes):
        raise SystemExit(1)


def _say(outcome: Outcome, done: int, kills: int) -> None:
    found = "clean" if outcome.is_clean else "NOT CLEAN"
    click.echo(
        f"{done:>4} of {kills}: {outcome.engine}, {outcome.struck}: {outcome.acknowledged} acknowledged,"
        f" {outcome.applied} of {outcome.doubtful} in doubt applied, {found}, {outcome.seconds:.1f} s"
    )


def _table(outcomes: Sequence[Outcome]) -> None:
    """One row for each engine and what was struck there."""
    heads = ("kills", "acknowledged", "in doubt", "applied", "lost", "torn", "wrong")
    click.echo(f"\n{'engine':<12}{'struck':<15}" + "".join(f"{head:>14}" for head in heads))
    for engine, struck in sorted({(each.engine, each.struck) for each in outcomes}):
        rows = [each for each in outcomes if (each.engine, each.struck) == (engine, struck)]
        click.echo(f"{engine:<12}{struck:<15}" + _sums(rows))
    click.echo(f"{'all':<27}" + _sums(outcomes))
    sentences = [text for each in outcomes for text in (*each.lost, *each.torn, *each.wrong)]
    for text in sentences[:SHOWN]:
        click.echo(text[:500])


def _sums(rows: Sequence[Outcome]) -> str:
    counted = [
        (1, each.acknowledged, each.doubtful, each.applied, len(each.lost), len(each.torn), len(each.wrong))
        for each in rows
    ]
    return "".join(f"{sum(column):>14,}" for column in zip(*counted, strict=True))


if __name__ == "__main__":
    main()
