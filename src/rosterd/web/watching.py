"""What is noted about a request when it is over: numbers always, a line or a span where they are wanted.

Rules of this module:

1. One id follows a request: it is in the answer (``X-Request-Id``), in every line about the request, in
   its span, and in the audit event of what it changed. It is ours, never the client's.
2. Nothing is noted of a request but its method, path, route, and who made it: no header, no query, no body.
"""

from __future__ import annotations

import logging
from time import perf_counter_ns
from typing import Any

from rosterd.web.metrics import Metrics, template
from rosterd.web.request import Request
from rosterd.web.tracing import Tracing

UNANSWERED = 0
"""The status of a request that got none: its client went away."""

access = logging.getLogger("rosterd.access")


class Watcher:
    """Sees each request twice: ``begin`` and ``done``."""

    __slots__ = ("_access_log", "_tracing", "metrics")

    def __init__(self, metrics: Metrics, *, access_log: bool = False, tracing: Tracing | None = None) -> None:
        self.metrics = metrics
        self._access_log = access_log
        self._tracing = tracing

    @property
    def only_counts(self) -> bool:
        """Whether requests leave numbers behind and nothing else."""
        return not self._access_log and self._tracing is None

    def begin(self) -> int:
        """When a request began, for :meth:`done`."""
        self.metrics.in_flight += 1
        return perf_counter_ns()

    def done(self, request: Request, status: int, began: int) -> None:
        """The request's answer has left, or there is nobody to send it to."""
        elapsed = perf_counter_ns() - began
        self.metrics.in_flight -= 1
        self.metrics.observe(request.route, request.method, status, elapsed)
        if self._access_log:
            self._log(request, status, elapsed / 1e6)
        if self._tracing is not None:
            self._tracing.record(request, template(request.route), status, elapsed)

    def _log(self, request: Request, status: int, ms: float) -> None:
        access.info(
            "request %s: %s %s: %d in %.2f ms",
            request.id,
            request.method,
            request.path,
            status,
            ms,
            extra=fields(request, status) | {"duration_ms": round(ms, 3)},
        )


def fields(request: Request, status: int) -> dict[str, Any]:
    """What a structured line says about a request, beside its text."""
    grant = request.grant
    return {
        "request_id": request.id,
        "method": request.method,
        "path": request.path,
        "route": template(request.route),
        "status": status,
        "org": grant.org.id if grant else None,
        "token_id": grant.token.id if grant else None,
        "client_ip": request.client_ip,
    }
