"""Logs of a server: lines on stderr, as text or as JSON, without secrets.

stdout has one line of its own, so a supervisor may read both.
"""

from __future__ import annotations

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

from rosterd.web.redaction import redacted

TEXT = "%(levelname)s %(name)s: %(message)s"

BROKEN_OFF = "ASGI callable returned without completing response."
"""What uvicorn calls an error, whyever an answer was broken off. :mod:`rosterd.web.endpoint` has said why."""


def set_up(form: str, level: str) -> None:
    """All logs of this process from now on. ``form``: text or json; ``level``: a level's name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json() if form == "json" else logging.Formatter(TEXT))
    handler.addFilter(lambda record: record.msg != BROKEN_OFF)
    handler.addFilter(_without_secrets)
    if form == "text":
        handler.addFilter(_on_one_line)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _json() -> logging.Formatter:
    """Time (RFC 3339, UTC), level, logger, message; then what a line knows of its request."""
    return JsonFormatter(
        ["levelname", "name", "message"],
        timestamp="time",
        rename_fields={"levelname": "level", "name": "logger"},
        reserved_attrs=[*logging.makeLogRecord({}).__dict__, "taskName", "message", "asctime"],
    )


_formatter = logging.Formatter()


def _without_secrets(record: logging.LogRecord) -> bool:
    """The last look at a line before it is written: its text, its traceback and its path."""
    record.msg, record.args = redacted(record.getMessage()), ()
    if record.exc_info:
        record.exc_text = redacted(_formatter.formatException(record.exc_info))
        record.exc_info = None  # else it would be laid out once more
    if "path" in record.__dict__:
        record.path = redacted(record.__dict__["path"])
    return True


def _on_one_line(record: logging.LogRecord) -> bool:
    """What a client had its say in begins no line of its own; JSON escapes by itself."""
    if not record.msg.isprintable():
        record.msg = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in record.msg)
    return True
