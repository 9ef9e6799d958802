"""Numbers of several processes, added up."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rosterd.store.watch import MILLISECOND, Watch
from rosterd.web.metrics import Metrics, text
from rosterd.web.pool import STALE_SECONDS, Pool
from tests.cli.test_serve import serving

USERS = ("scim", "v2", "Users")


def counted(requests: int, in_flight: int = 0, sealed_through: float = 0.0, left: float = 20.0) -> Metrics:
    """The numbers of a process that answered so many requests."""
    metrics = Metrics(Watch(), lambda: [("E1", "writes", left, 20.0)])
    for _ in range(requests):
        metrics.observe(USERS, "GET", 200, 2 * MILLISECOND)
    metrics.in_flight = in_flight
    metrics.sealed(0, sealed_through)
    return metrics


def samples(pool: Pool, own: Metrics) -> dict[str, float]:
    """The samples of all together; of several of a name the last, which for buckets is +Inf."""
    pool.write(own.collect())
    together = text(pool.together()).decode()
    families = text_string_to_metric_families(together)
    return {sample.name: sample.value for family in families for sample in family.samples}


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of another process, with 3 requests and 2 in flight."""
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: 1)
        Pool(tmp_path).write(counted(3, in_flight=2, sealed_through=7.0, left=5.0).collect())
    return tmp_path / "1.json"


def test_what_is_counted_is_added_up(tmp_path: Path, other: Path) -> None:
    found = samples(Pool(tmp_path), counted(4, in_flight=1, sealed_through=9.0, left=8.0))
    assert found["rosterd_http_requests_total"] == 7
    assert found["rosterd_http_request_duration_seconds_count"] == 7
    assert found["rosterd_http_request_duration_seconds_bucket"] == 7
    assert round(found["rosterd_http_request_duration_seconds_sum"], 6) == 0.014
    assert found["rosterd_http_requests_in_flight"] == 3


def test_what_holds_for_all_of_them_is_not_added_up(tmp_path: Path, other: Path) -> None:
    found = samples(Pool(tmp_path), counted(1, sealed_through=9.0, left=8.0))
    assert found["rosterd_audit_sealed_through_timestamp_seconds"] == 9
    assert (found["rosterd_limit_remaining"], found["rosterd_limit_capacity"]) == (5, 20)
    assert found["rosterd_build_info"] == 1


def test_a_process_that_is_gone_keeps_its_counts_and_loses_its_gauges(tmp_path: Path, other: Path) -> None:
    long_ago = time.time() - STALE_SECONDS - 1
    os.utime(other, (long_ago, long_ago))
    found = samples(Pool(tmp_path), counted(4, in_flight=1))
    assert found["rosterd_http_requests_total"] == 7
    assert found["rosterd_http_requests_in_flight"] == 1


def test_what_this_process_wrote_is_not_counted_twice(tmp_path: Path) -> None:
    pool, own = Pool(tmp_path), counted(4)
    pool.write(own.collect())
    assert samples(pool, own)["rosterd_http_requests_total"] == 4


def test_whichever_worker_is_asked_speaks_for_all(tmp_path: Path) -> None:
    def answered() -> float:
        answer = httpx.get(f"{server.url}/metrics").text
        found = re.search(
            r'^rosterd_http_requests_total\{.*route="/healthz".* ([0-9.]+)$', answer, re.MULTILINE
        )
        return float(found[1]) if found else 0.0

    def wait_for(count: int) -> None:
        deadline = time.monotonic() + 60
        while answered() != count:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    with serving(tmp_path, "--workers", "2") as server:
        for _ in range(12):
            assert server.status("/healthz") == 200
        wait_for(12)
        seen = []
        for _ in range(12):
            assert server.status("/healthz") == 200
            seen.append(answered())
        assert seen == sorted(seen)  # a number that fell would look like a restart
        wait_for(24)
    assert server.code == 0
