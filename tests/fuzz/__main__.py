"""``python -m tests.fuzz``: a million cases on all cores, in chunks that are not run twice.

The state file holds the seed, the chunks that are done and what was found; the same command goes on where the
last one stopped. ``--case N`` runs one case again and shows what it does.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

import click
import msgspec

from tests.fuzz import stored, timing
from tests.fuzz.running import ALL, Finding, Report, case_of, put_files_in, run_case, run_chunk

CHUNK = 2_000
SHOWN = 20


class State(msgspec.Struct):
    """What a state file holds."""

    seed: int
    done: set[int] = set()  # numbers of chunks
    report: Report = msgspec.field(default_factory=Report)


@click.command()
@click.option("--cases", default=1_000_000, show_default=True)
@click.option("--minutes", default=30.0, show_default=True, help="Start nothing new after so many.")
@click.option("--seed", default=1, show_default=True, help="Counts for a new state file only.")
@click.option(
    "--state", "path", type=click.Path(path_type=Path), default=Path(".fuzz-state.json"), show_default=True
)
@click.option("--case", type=int, help="Only this case, with its input and error.")
@click.option("--timing/--no-timing", "timed", default=True, help="Also time the rejection of tokens.")
def main(cases: int, minutes: float, seed: int, path: Path, case: int | None, timed: bool) -> None:
    """Look for inputs that end in anything but an answer."""
    if case is not None:
        _again(seed, case)
        return
    state = msgspec.json.decode(path.read_bytes(), type=State) if path.exists() else State(seed)
    started = time.monotonic()
    for done in _chunks(state, cases, started + minutes * 60):
        path.write_bytes(msgspec.json.encode(state))
        if done % 25 == 0:
            _say(state, cases, time.monotonic() - started)
    _table(state)
    leaks = False
    if timed:
        measured = timing.measured()
        click.echo(measured.sentence())
        leaks = measured.leaks
    if state.report.findings or leaks:
        raise SystemExit(1)


def _again(seed: int, case: int) -> None:
    target, data = case_of(seed, case)
    click.echo(f"{target.name}: {data!r}")
    report = Report()
    run_case(seed, case, report)
    stored.close()
    click.echo("\n".join(found.error for found in report.findings) or "accepted or refused")


def _chunks(state: State, cases: int, deadline: float) -> Iterator[int]:
    """Run the chunks that are missing, add them to the state, and give how many are done."""
    missing = iter([n for n in range(-(-cases // CHUNK)) if n not in state.done])
    workers = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="rosterd-fuzz-") as folder,
        ProcessPoolExecutor(workers, context, put_files_in, (folder,)) as pool,
    ):
        running: dict[Future[Report], int] = {}
        while True:
            room = workers - len(running) if time.monotonic() < deadline else 0
            for number in itertools.islice(missing, room):
                count = min(CHUNK, cases - number * CHUNK)
                running[pool.submit(run_chunk, state.seed, number * CHUNK, count)] = number
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                state.done.add(running.pop(future))
                state.report.add(future.result())
                yield len(state.done)


def _say(state: State, cases: int, seconds: float) -> None:
    found = len(state.report.findings)
    click.echo(f"{state.report.cases:>9,} of {cases:,} cases, {found} findings, {seconds:.0f} s")


def _table(state: State) -> None:
    click.echo(f"{'target':<26}{'cases':>9}{'accepted':>10}{'refused':>9}{'findings':>10}")
    for target in ALL:
        accepted = state.report.accepted.get(target.name, 0)
        refused = state.report.refused.get(target.name, 0)
        found = sum(finding.target == target.name for finding in state.report.findings)
        total = accepted + refused + found
        click.echo(f"{target.name:<26}{total:>9,}{accepted:>10,}{refused:>9,}{found:>10,}")
    for finding in state.report.findings[:SHOWN]:
        _show(finding)


def _show(finding: Finding) -> None:
    click.echo(f"\ncase {finding.case} of seed {finding.seed}, {finding.target}: {finding.input[:300]!r}")
    click.echo(finding.error)


if __name__ == "__main__":
    main()
