"""One OpenTelemetry span for each request, where somebody collects them.

Rules of this module:

1. OpenTelemetry is imported when traces are asked for, and never otherwise.
2. A span is made when its request is over, from its times: a request waits for nothing, and there is no
   context to carry. A caller's ``traceparent`` makes it a child of the caller's span (W3C Trace Context).
3. Exporting goes on in the SDK's own thread. What a span may say is what a log may say.

Source: OpenTelemetry semantic conventions, *HTTP server*; its environment variables are read by the SDK.
"""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Any

from rosterd import __version__
from rosterd.web.redaction import redacted
from rosterd.web.request import Request

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

OTLP = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
"""Where the exporter of the package's extra ``telemetry`` is."""


def open_tracing() -> Tracing:
    """Spans to where OpenTelemetry's variables say. Raises `ImportError` where its packages are absent."""
    exporter = importlib.import_module(OTLP).OTLPSpanExporter()
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return Tracing(BatchSpanProcessor(exporter))


class Tracing:
    """Records requests with one processor of spans."""

    def __init__(self, processor: SpanProcessor) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        ours = Resource({"service.name": "rosterd", "service.version": __version__})
        resource = Resource.create().merge(ours).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("rosterd", __version__)
        self._context = TraceContextTextMapPropagator()
        self._server = trace.SpanKind.SERVER
        self._error = trace.Status(trace.StatusCode.ERROR)

    def record(self, request: Request, route: str, status: int, nanoseconds: int) -> None:
        """A request that has just ended, after so long. ``status`` 0: without an answer."""
        ended = time.time_ns()
        carrier = {name: request.header(name.encode()) or "" for name in ("traceparent", "tracestate")}
        span = self._tracer.start_span(
            f"{request.method} {route}" if request.route else request.method,
            self._context.extract(carrier) if carrier["traceparent"] else None,
            self._server,
            _attributes(request, route, status),
            start_time=ended - nanoseconds,
        )
        if not 0 < status < 500:
            span.set_status(self._error)
        span.end(ended)

    def close(self) -> None:
        """Send what is still to be sent. May take seconds: not for the event loop."""
        self._provider.shutdown()


def _attributes(request: Request, route: str, status: int) -> dict[str, Any]:
    """The conventions' names, and our own for what they do not know."""
    grant = request.grant
    known: dict[str, Any] = {
        "http.request.method": request.method,
        "http.route": route if request.route else None,
        "http.response.status_code": status or None,
        "error.type": str(status) if status >= 500 else None if status else "unanswered",
        "url.scheme": request.scheme,
        "url.path": redacted(request.path),
        "client.address": request.client_ip,
        "user_agent.original": redacted((request.header(b"user-agent") or "")[:256]) or None,
        "rosterd.request_id": request.id,
        "rosterd.org_id": grant.org.id if grant else None,
        "rosterd.token_id": grant.token.id if grant else None,
    }
    return {name: value for name, value in known.items() if value is not None}
