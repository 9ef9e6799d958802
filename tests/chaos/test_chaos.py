"""The short form of ``make chaos``: some strikes on each engine, of every kind."""

from __future__ import annotations

import pytest

from tests.chaos.machines import STRIKES
from tests.chaos.rounds import planned, play

KILLS = 6
SEED = 20_261_125


@pytest.mark.parametrize("engine", STRIKES)
def test_what_was_acknowledged_outlives_every_strike_and_nothing_is_half_done(engine: str) -> None:
    rounds = list(planned(SEED, KILLS, [engine]))
    assert {each.struck for each in rounds} == set(STRIKES[engine])
    outcomes = list(play(rounds, SEED))
    assert [outcome for outcome in outcomes if not outcome.is_clean] == []
    assert len(outcomes) == KILLS
    assert sum(outcome.acknowledged for outcome in outcomes) > 20 * KILLS
    assert any(outcome.doubtful for outcome in outcomes)
