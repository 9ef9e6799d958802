"""Bytes to JSON objects, strictly: a document that two parsers could read in two ways is refused.

Rules of this module:

1. Only well-formed UTF-8 JSON (RFC 8259) whose top is an object is a document.
2. No name twice in one object, not even in another case: SCIM names are case-insensitive (RFC 7643 §2.1).
3. No number that is not one (NaN, 1e999), and no text that cannot be stored (NUL, half a surrogate pair).
4. It is on the way of every write: nothing walks the tree unless the bytes say that it has to.
"""

from __future__ import annotations

import json
import math
from typing import Any

from rosterd.scim.errors import InvalidSyntax

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse(body: bytes, *, max_depth: int = 40) -> dict[str, Any]:
    """The object that ``body`` is, at most ``max_depth`` objects and arrays deep.

    Raises InvalidSyntax for anything else, whatever the bytes.

    >>> parse(b'{"userName": "ann", "emails": [{"value": "ann@example.com"}]}')["userName"]
    'ann'
    >>> parse(b'{"userName": "ann", "username": "bob"}')
    Traceback (most recent call last):
    rosterd.scim.errors.InvalidSyntax: a name stands twice in one object
    """
    try:
        document = _DECODER.decode(body.decode())
    except (ValueError, RecursionError):  # not UTF-8, not JSON, an endless integer; brackets without end
        raise InvalidSyntax("the body is not well-formed JSON") from None
    if not isinstance(document, dict):
        raise InvalidSyntax("the body is not a JSON object")
    # Raw control characters and half surrogates are no JSON, no UTF-8: only an escape can bring them in.
    if b"\\u" in body or not _is_shallow(body, max_depth):
        _check_tree(document, max_depth)
    return document


def _is_shallow(body: bytes, max_depth: int) -> bool:
    """Whether the brackets alone show that the document is no deeper than ``max_depth``.

    Taking all pairs of adjacent brackets away takes one level away. Brackets inside strings can only make it
    look deeper (or unpaired), and then the tree is measured.
    """
    brackets = body.translate(None, _NO_BRACKETS)
    for _ in range(max_depth):
        before = len(brackets)
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(brackets) == before:  # none are left, or those that are left do not pair
            break
    return not brackets


def _check_tree(document: dict[str, Any], max_depth: int) -> None:
    """Walk the tree level by level: none below ``max_depth``, and no text that cannot be stored."""
    level: list[dict[str, Any] | list[Any]] = [document]
    for _ in range(max_depth):
        below: list[dict[str, Any] | list[Any]] = []
        for container in level:
            nodes = (*container, *container.values()) if isinstance(container, dict) else container
            for node in nodes:
                if isinstance(node, str):
                    _check_text(node)
                elif isinstance(node, dict | list):
                    below.append(node)
        if not below:
            return
        level = below
    raise InvalidSyntax(f"the body is more than {max_depth} levels deep")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise InvalidSyntax("a string holds the character U+0000")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidSyntax("a string holds half a surrogate pair")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(pairs) > 1 and len(set(map(str.lower, found))) != len(pairs):
        raise InvalidSyntax("a name stands twice in one object")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidSyntax("a number is too large")
    return number


def _no_constant(name: str) -> None:
    raise InvalidSyntax(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_constant)
