"""PATCH paths read from text (RFC 7644 §3.5.2, figure 1; Slack SCIM reference, heading PATCH).

Rules of this module:

1. ``attribute``, ``attribute.sub``, ``attribute[filter]`` and ``attribute[filter].sub``, each also behind a
   schema's URN and ``:`` or ``.``; and the URN of an extension alone, which is the whole extension.
2. URNs of both versions are read, whichever version the request speaks.
3. What is not such a path is InvalidPath, also where its filter is at fault.
"""

from __future__ import annotations

from functools import lru_cache

from rosterd.scim.errors import InvalidFilter, InvalidPath
from rosterd.scim.filter import parse_bracketed
from rosterd.scim.grammar import Path, attribute, format_path

__all__ = ["MAX_LENGTH", "Path", "format_path", "parse_path"]

MAX_LENGTH = 1_000  # characters


@lru_cache(maxsize=1024)
def parse_path(text: str) -> Path:
    """The path that ``text`` is. Raises InvalidPath; whether the attribute exists is not asked here.

    >>> parse_path("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager.managerId")
    Path(extension='enterprise', name='manager', filter=None, sub='managerid')
    >>> parse_path("members[value eq U123ABC456]") == parse_path('Members[Value EQ "U123ABC456"]')
    True
    >>> parse_path("emails[primary eq]")
    Traceback (most recent call last):
    rosterd.scim.errors.InvalidPath: 'emails[primary eq]' is not a path to an attribute
    """
    if len(text) > MAX_LENGTH:
        raise InvalidPath(text)
    head, bracket, rest = text.partition("[")
    if not bracket:
        return attribute(text)
    inner, closing, tail = rest.rpartition("]")
    if not closing or tail == ".":
        raise InvalidPath(text)
    path, sub = attribute(head), _sub(tail, text)
    if path.name is None or path.sub:
        raise InvalidPath(text)
    try:
        return Path(path.extension, path.name, parse_bracketed(inner), sub)
    except InvalidFilter:
        raise InvalidPath(text) from None


def _sub(tail: str, text: str) -> str | None:
    """The sub-attribute behind the brackets: ``.value`` or nothing."""
    if not tail:
        return None
    sub = attribute(tail[1:])
    if tail[0] != "." or sub.extension or sub.sub:
        raise InvalidPath(text)
    return sub.name
