"""What is counted, and how it reads to Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from rosterd.store.outbox import Backlog
from rosterd.store.watch import MILLISECOND, Watch
from rosterd.web.metrics import LATENCIES, Metrics, text
from rosterd.web.request import Request
from rosterd.web.watching import UNANSWERED, Watcher
from tests.web.requests import a_request

USER = ("scim", "v2", "Users", "*")


def samples(metrics: Metrics) -> Mapping[tuple[str, ...], float]:
    """(name, label values in the order of their names…) → value, as Prometheus's own parser reads it."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text(metrics).decode())
        for sample in family.samples
    }


def seen(watcher: Watcher, request: Request, route: tuple[str, ...], status: int) -> None:
    request.route = route
    watcher.done(request, status, watcher.begin())


def test_requests_are_counted_by_route_version_method_and_status() -> None:
    metrics = Metrics(Watch())
    watcher = Watcher(metrics)
    for status in (200, 200, 404):
        seen(watcher, a_request(b"/scim/v2/Users/W1"), USER, status)
    seen(watcher, a_request(b"/scim/v1/Users/W1", method="PATCH"), ("scim", "v1", "Users", "*"), 204)
    seen(watcher, a_request(b"/healthz"), ("healthz",), 200)
    name, route = "rosterd_http_requests_total", "/scim/v2/Users/{id}"
    found = {key[1:]: value for key, value in samples(metrics).items() if key[0] == name}
    assert found == {
        ("GET", route, "200", "v2"): 2,
        ("GET", route, "404", "v2"): 1,
        ("PATCH", "/scim/v1/Users/{id}", "204", "v1"): 1,
        ("GET", "/healthz", "200", ""): 1,
    }


def test_nothing_that_a_client_chooses_makes_a_series() -> None:
    metrics = Metrics(Watch())
    watcher = Watcher(metrics)
    before = len(samples(metrics))
    seen(watcher, a_request(b"/scim/v9/Nothing/1", method="BREW"), (), 404)
    first = len(samples(metrics))
    for number in range(50):
        path = f"/scim/v{number}/Nothing/{number}".encode()
        seen(watcher, a_request(path, method=f"BREW{number}"), (), 404)
    assert before < first == len(samples(metrics))
    assert samples(metrics)["rosterd_http_requests_total", "OTHER", "other", "404", ""] == 51


def test_times_are_a_histogram_over_all_statuses() -> None:
    metrics = Metrics(Watch())
    for status, ms in ((200, 1), (200, 2), (404, 100), (500, 60_000)):
        metrics.observe(USER, "GET", status, ms * MILLISECOND)
    found = samples(metrics)
    labels = ("GET", "/scim/v2/Users/{id}", "v2")
    name = "rosterd_http_request_duration_seconds"
    assert found[f"{name}_count", *labels] == 4
    assert found[f"{name}_sum", *labels] == 60.103
    buckets = [found[f"{name}_bucket", bound, *labels] for bound in ("0.001", "0.0025", "15.0", "+Inf")]
    assert buckets == [1, 2, 3, 4]
    bounds = [key for key in found if key[0] == f"{name}_bucket"]
    assert len(bounds) == len(LATENCIES) + 1


def test_a_request_is_in_flight_until_it_is_done_also_without_an_answer() -> None:
    metrics = Metrics(Watch())
    watcher = Watcher(metrics)
    began = watcher.begin()
    assert samples(metrics)[("rosterd_http_requests_in_flight",)] == 1
    watcher.done(a_request(b"/scim/v2/Users"), UNANSWERED, began)
    found = samples(metrics)
    assert found[("rosterd_http_requests_in_flight",)] == 0
    assert found["rosterd_http_requests_total", "GET", "other", "0", ""] == 1


def test_the_stores_numbers_in_base_units() -> None:
    watch = Watch(failed=3)
    watch.committed(12, 4 * MILLISECOND)
    watch.turn.observe(7 * MILLISECOND)
    found = samples(Metrics(watch))
    assert found[("rosterd_store_commit_writes_sum",)] == 12
    assert found["rosterd_store_commit_writes_bucket", "8.0"] == 0
    assert found["rosterd_store_commit_writes_bucket", "16.0"] == 1
    assert found[("rosterd_store_commit_duration_seconds_sum",)] == 0.004
    assert found[("rosterd_store_failed_commits_total",)] == 3
    assert found["rosterd_store_wait_seconds_sum", "turn"] == 0.007
    assert found["rosterd_store_wait_seconds_count", "connection"] == 0


def test_what_is_left_of_limits_is_asked_for_at_each_scrape() -> None:
    left = [("E1", "user writes", 19.0, 20.0)]
    metrics = Metrics(Watch(), lambda: left)
    assert samples(metrics)["rosterd_limit_remaining", "user writes", "E1"] == 19
    left[:] = [("E1", "user writes", 0.0, 20.0)]
    found = samples(metrics)
    assert found["rosterd_limit_remaining", "user writes", "E1"] == 0
    assert found["rosterd_limit_capacity", "user writes", "E1"] == 20


def test_seals_say_how_many_and_until_when() -> None:
    metrics = Metrics(Watch())
    metrics.sealed(5, 1_000.0)
    metrics.sealed(0, 1_001.0)
    found = samples(metrics)
    assert found[("rosterd_audit_sealed_events_total",)] == 5
    assert found[("rosterd_audit_sealed_through_timestamp_seconds",)] == 1_001


def test_a_label_is_quoted() -> None:
    odd = 'a"b\\c\nd'
    metrics = Metrics(Watch(), lambda: [("E1", odd, 1.0, 2.0)])
    assert samples(metrics)["rosterd_limit_remaining", odd, "E1"] == 1


def test_errands_are_counted_by_kind_and_what_became_of_them() -> None:
    metrics = Metrics(Watch())
    for outcome in ("done", "failed", "done"):
        metrics.errand("invitation", outcome)
    metrics.backlog([Backlog("webhook", due=2, later=1, dead=3)])
    found = {key: value for key, value in samples(metrics).items() if key[0].startswith("rosterd_outbox")}
    assert found == {
        ("rosterd_outbox_attempts_total", "invitation", "done"): 2,
        ("rosterd_outbox_attempts_total", "invitation", "failed"): 1,
        ("rosterd_outbox_errands", "webhook", "due"): 2,
        ("rosterd_outbox_errands", "webhook", "later"): 1,
        ("rosterd_outbox_errands", "webhook", "dead"): 3,
    }
