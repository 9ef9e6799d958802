"""Spans as OpenTelemetry's own SDK has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from rosterd.store.watch import Watch
from rosterd.web.metrics import Metrics
from rosterd.web.request import Request
from rosterd.web.tracing import Tracing
from rosterd.web.watching import UNANSWERED, Watcher
from tests.web.requests import a_request
from tests.web.test_auth import GRANT

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)


def span_of(
    request: Request, status: int, route: tuple[str, ...] = ("scim", "v2", "Users", "*")
) -> ReadableSpan:
    """The one span that a request leaves."""
    exporter = InMemorySpanExporter()
    tracing = Tracing(SimpleSpanProcessor(exporter))
    watcher = Watcher(Metrics(Watch()), tracing=tracing)
    request.route = route
    watcher.done(request, status, watcher.begin())
    tracing.close()
    [span] = exporter.get_finished_spans()
    return span


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    return span.attributes or {}


def test_a_request_is_a_server_span_with_the_conventions_names() -> None:
    request = a_request(b"/scim/v2/Users/W1", headers={b"user-agent": b"Okta"})
    request.grant = GRANT
    span = span_of(request, 200)
    assert (span.name, span.kind) == ("GET /scim/v2/Users/{id}", SpanKind.SERVER)
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/scim/v2/Users/{id}",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/scim/v2/Users/W1",
        "client.address": "192.0.2.7",
        "user_agent.original": "Okta",
        "rosterd.request_id": "request-1",
        "rosterd.org_id": GRANT.org.id,
        "rosterd.token_id": GRANT.token.id,
    }
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.start_time < span.end_time
    assert span.resource.attributes["service.name"] == "rosterd"


def test_a_callers_traceparent_is_the_parent() -> None:
    headers = {b"traceparent": f"00-{TRACE}-{PARENT}-01".encode(), b"tracestate": b"vendor=1"}
    span = span_of(a_request(headers=headers), 200)
    assert span.parent is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.context.trace_state.get("vendor") == "1"


@pytest.mark.parametrize("header", [b"", b"00-x", b"\xff" * 600, f"00-{'0' * 32}-{PARENT}-01".encode()])
def test_a_traceparent_that_is_none_begins_a_trace(header: bytes) -> None:
    assert span_of(a_request(headers={b"traceparent": header}), 200).parent is None


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (200, StatusCode.UNSET, None),
        (404, StatusCode.UNSET, None),  # the client's fault: no error of a server's span
        (500, StatusCode.ERROR, "500"),
        (UNANSWERED, StatusCode.ERROR, "unanswered"),
    ],
)
def test_only_the_servers_own_failures_are_errors(status: int, code: StatusCode, kind: str | None) -> None:
    span = span_of(a_request(), status)
    assert (span.status.status_code, attributes(span).get("error.type")) == (code, kind)


def test_an_unknown_path_has_no_route_and_names_no_span() -> None:
    span = span_of(a_request(b"/scim/v2/Nothing/W1"), 404, route=())
    assert (span.name, "http.route" in attributes(span)) == ("GET", False)


def test_a_span_holds_no_query_no_token_and_no_header_but_the_agents() -> None:
    request = a_request(
        b"/scim/v2/Users/xoxp-1-secret",
        query=b"token=xoxp-2-secret",
        headers={b"authorization": b"Bearer xoxp-3-secret", b"user-agent": b"x xoxp-4-secret"},
    )
    assert "secret" not in str(span_of(request, 200).to_json())


def test_the_operators_name_for_the_service_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "directory-eu")
    assert span_of(a_request(), 200).resource.attributes["service.name"] == "directory-eu"


def test_a_trace_that_the_caller_does_not_sample_is_not_recorded() -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing(SimpleSpanProcessor(exporter))
    request = a_request(headers={b"traceparent": f"00-{TRACE}-{PARENT}-00".encode()})
    tracing.record(request, "/scim/v2/Users", 200, 1_000)
    assert exporter.get_finished_spans() == ()
