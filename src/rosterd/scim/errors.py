"""What can be wrong with a SCIM message, in the RFC's own vocabulary (RFC 7644 §3.12, table 9).

Rules of this module:

1. ``detail`` is a few words that name the offending part; a part that a client wrote is shown shortened and
   escaped, so that a detail is always one printable line.
2. There are no HTTP statuses and no codes of Slack's here: the web floor has one table for both.
"""

from __future__ import annotations

_SHOWN = 60  # characters of a client's text that a detail repeats


def shown(text: str) -> str:
    """A client's text as a detail repeats it: quoted, ASCII, at most 60 characters of it.

    >>> shown("user name"), shown("x" * 61)[-4:], shown("\\u0000")
    ("'user name'", 'x...', "'\\\\x00'")
    """
    return ascii(text) if len(text) <= _SHOWN else f"{ascii(text[:_SHOWN])[:-1]}..."


class ScimError(Exception):
    """A message broke a rule of the protocol. ``detail`` says which part, in a few words."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidSyntax(ScimError):
    """The body is not JSON, or not the shape of message that the request asks for."""


class MissingSchemas(ScimError):
    """The body has no ``schemas``, or an empty one (RFC 7643 §3: it is required)."""

    def __init__(self) -> None:
        super().__init__("schemas is missing or empty")


class InvalidPath(ScimError):
    """A PATCH path that is malformed or names no attribute. ``path`` is the client's text."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{shown(path)} is not a path to an attribute")
        self.path = path


class NoTarget(ScimError):
    """A PATCH operation that points at nothing: ``remove`` without a path (RFC 7644 §3.5.2.2)."""


class TooLarge(ScimError):
    """More operations than one request may carry."""


class InvalidFilter(ScimError):
    """A filter that is not one: an unknown operator, a bad literal, or text after its end."""


class EmptyFilter(InvalidFilter):
    """A filter without an expression."""

    def __init__(self) -> None:
        super().__init__("the filter is empty")


class IncompleteFilter(InvalidFilter):
    """An operator or a value is missing, or words are not separated by single spaces."""


class InvalidFilterGroup(InvalidFilter):
    """Parentheses or brackets that are empty or do not pair."""


class FilterTooComplex(InvalidFilter):
    """A filter that is too long, too deep, or compares too often."""


class InvalidSortOrder(ScimError):
    """``sortOrder`` is neither ``ascending`` nor ``descending``."""


class InvalidPage(ScimError):
    """``startIndex`` or ``count`` is not a whole number. ``parameter`` says which."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"{parameter} is not a whole number")
        self.parameter = parameter
