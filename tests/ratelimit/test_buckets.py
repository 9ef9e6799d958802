"""Token buckets: nothing ever gets more than a burst and what grows back, whatever the clock does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.ratelimit.buckets import TOKEN, Bucket, Decision, capacity, decide
from rosterd.ratelimit.limits import MOST, Limit

SECOND = 1_000_000

limits = st.builds(Limit, st.just("x"), st.integers(1, MOST), st.integers(1, MOST))
small_limits = st.builds(Limit, st.just("x"), st.integers(1, 600), st.integers(1, 20))
steps = st.lists(st.integers(0, 2 * SECOND), min_size=1, max_size=60)


def passed(limit: Limit, times: list[int]) -> list[int]:
    """The times at which a request passed."""
    bucket: Bucket | None = None
    found = []
    for now in times:
        decision = decide(now, [bucket], [limit])
        [bucket] = decision.buckets
        if decision.allowed:
            found.append(now)
    return found


def sums(deltas: list[int]) -> list[int]:
    return [sum(deltas[: n + 1]) for n in range(len(deltas))]


@given(small_limits, steps)
def test_no_window_sees_more_than_a_burst_and_what_grows_back(limit: Limit, deltas: list[int]) -> None:
    found = passed(limit, sums(deltas))
    for first in range(len(found)):
        for last in range(first, len(found)):
            grown = (found[last] - found[first]) * limit.per_minute
            assert (last - first + 1) * TOKEN <= capacity(limit) + grown


@given(small_limits, st.lists(st.integers(-5 * SECOND, 2 * SECOND), min_size=1, max_size=60))
def test_a_clock_that_jumps_back_gives_nothing_and_takes_nothing(limit: Limit, deltas: list[int]) -> None:
    forwards = sum(delta for delta in deltas[1:] if delta > 0)
    found = passed(limit, sums(deltas))
    assert len(found) * TOKEN <= capacity(limit) + forwards * limit.per_minute
    assert len(found) >= min(limit.burst, len(deltas))


@given(limits, st.integers(0, 10**16), st.integers(0, 10**16), st.integers(0, 10**15))
def test_a_level_stays_between_empty_and_full(limit: Limit, level: int, at: int, now: int) -> None:
    [bucket] = decide(now, [Bucket(min(level, capacity(limit)), at)], [limit]).buckets
    assert 0 <= bucket.level <= capacity(limit)
    assert bucket.at == now


@given(st.lists(small_limits, min_size=1, max_size=4), st.data())
def test_a_refused_request_spends_nothing_and_passes_when_told(
    several: list[Limit], data: st.DataObject
) -> None:
    levels = [data.draw(st.integers(0, capacity(limit))) for limit in several]
    buckets = [Bucket(level, 0) for level in levels]
    decision = decide(0, buckets, several)
    if decision.allowed:
        assert [bucket.level for bucket in decision.buckets] == [level - TOKEN for level in levels]
        return
    assert list(decision.buckets) == buckets
    assert not decide(decision.wait - 1, buckets, several).allowed
    assert decide(decision.wait, buckets, several).allowed
    assert decide(decision.retry_after * SECOND, buckets, several).allowed


def test_a_burst_passes_at_once_and_no_more() -> None:
    assert len(passed(Limit("x", 180, 20), [0] * 50)) == 20


def test_a_rate_passes_for_ever() -> None:
    """180 a minute is one each third of a second; a third is rounded up here."""
    assert len(passed(Limit("x", 180, 1), [n * 333_334 for n in range(1000)])) == 1000


def test_one_bucket_without_room_refuses_for_all() -> None:
    wide, narrow = Limit("wide", 60, 9), Limit("narrow", 1, 1)
    first = decide(0, [None, None], [wide, narrow])
    second = decide(30 * SECOND, first.buckets, [wide, narrow])
    assert (second.allowed, second.retry_after) == (False, 30)
    assert second.remaining == (9, 0)


def test_a_cost_above_the_burst_never_passes() -> None:
    assert decide(0, [None], [Limit("x", 1, 5)], cost=5).allowed
    with pytest.raises(ValueError, match="above a burst"):
        decide(0, [None], [Limit("x", 1, 5)], cost=6)


def test_a_wait_is_told_in_whole_seconds_rounded_up() -> None:
    assert [Decision(wait, ()).retry_after for wait in (0, 1, SECOND, SECOND + 1)] == [0, 1, 1, 2]
