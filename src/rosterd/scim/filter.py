"""Filters read from text, and evaluated on one value of a multi-valued attribute.

RFC 7644 §3.4.2.2, with what Slack's reference (heading Filter) and real clients add:

1. Attributes, operators, ``and``/``or``/``not`` and ``true``/``false``/``null`` in any case. Single spaces
   around an operator; as many as you like around ``and`` and ``or``.
2. A string may be in single quotes (``restricted eq '1'``, Slack's own example; no escapes in it), and one
   without spaces, quotes and brackets may be bare (``members[value eq U123ABC456]``, Slack's own example).
3. A leading ``filter=`` (the manual of Slack's Python SDK), a trailing ``&`` (OneLogin) and spaces around the
   whole are ignored.
4. Reading is one linear scan and one descent, bounded by the three limits below.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rosterd.scim.errors import (
    EmptyFilter,
    FilterTooComplex,
    IncompleteFilter,
    InvalidFilter,
    InvalidFilterGroup,
    InvalidPath,
    shown,
)
from rosterd.scim.grammar import (
    And,
    Compare,
    Filter,
    Nested,
    Not,
    Op,
    Or,
    Path,
    Present,
    attribute,
    format_filter,
)

__all__ = ["Filter", "format_filter", "matches", "parse_bracketed", "parse_filter"]

MAX_LENGTH = 8_192  # characters
MAX_DEPTH = 40  # parentheses, brackets and nots around one comparison
MAX_COMPARISONS = 200

_PREFIX = "filter="
_RESERVED = frozenset({"and", "or", "not"})
_CONSTANTS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}
_OPERATORS: Mapping[str, Op] = {op.value: op for op in Op}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<fraction>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")

# Every alternative is decided by its first character, so that scanning cannot backtrack.
_TOKEN = re.compile(
    r"""(?P<gap>\s*)
    (?: (?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
      | '(?P<quoted>[^']*)'
      | (?P<bracket>[()\[\]])
      | (?P<word>[^\s()\[\]"'][^\s()\[\]"]*)
    )""",
    re.VERBOSE | re.DOTALL,
)


# What connectors ask before everything else, read at a glance; the grammar says the same of it.
_LOOKUP = re.compile(r'''([A-Za-z.]+) [Ee][Qq] "([^"\\\x00-\x1f]*)"''')
_LOOKED_UP = {name: attribute(name) for name in ("id", "username", "emails", "emails.value", "displayname")}


class _Token(NamedTuple):
    gap: str  # the white space before it
    kind: str  # "string", "quoted", "bracket", "word" or, behind the last one, "end"
    text: str  # a word, a bracket, the inside of '', or a JSON string with its quotes

    @property
    def keyword(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


def parse_filter(text: str) -> Filter:
    """The condition that a ``filter`` parameter states.

    Raises a narrower class of InvalidFilter, as :mod:`rosterd.scim.errors` describes them. Attributes are not
    looked up: any well-formed name will do.

    >>> parse_filter("userName Eq 'Carly'")
    Compare(path=Path(extension='', name='username', filter=None, sub=None), op=<Op.EQ: 'eq'>, value='Carly')
    >>> parse_filter("userName eq")
    Traceback (most recent call last):
    rosterd.scim.errors.IncompleteFilter: the filter ends where a value is missing
    """
    if len(text) > MAX_LENGTH:
        raise FilterTooComplex(f"the filter is longer than {MAX_LENGTH} characters")
    if (lookup := _LOOKUP.fullmatch(text)) and (path := _LOOKED_UP.get(lookup[1].lower())):
        return Compare(path, Op.EQ, lookup[2])
    text = text.strip()
    if text[: len(_PREFIX)].lower() == _PREFIX:
        text = text[len(_PREFIX) :]
    return _Reader(_tokens(text.rstrip("& "))).whole()


def parse_bracketed(text: str) -> Filter:
    """The filter between the brackets of a path: conditions on plain sub-attributes, no leniencies around.

    Raises as :func:`parse_filter`.

    >>> parse_bracketed("primary eq false")
    Compare(path=Path(extension='', name='primary', filter=None, sub=None), op=<Op.EQ: 'eq'>, value=False)
    """
    if len(text) > MAX_LENGTH:
        raise FilterTooComplex(f"the filter is longer than {MAX_LENGTH} characters")
    return _Reader(_tokens(text), in_brackets=True).whole()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidFilter(f"a quote is not closed: {shown(text[position:].lstrip())}")
        kind = match.lastgroup or ""
        found.append(_Token(match["gap"], kind, match[kind]))
        position = match.end()
    found.append(_Token("", "end", ""))
    return found


class _Reader:
    """A descent over the tokens: ``or`` binds weakest, then ``and``, then ``not``, then brackets."""

    def __init__(self, tokens: list[_Token], *, in_brackets: bool = False) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self._comparisons = 0
        self._in_brackets = in_brackets

    def whole(self) -> Filter:
        if self._peek().kind == "end":
            raise EmptyFilter
        found = self._disjunction()
        rest = self._peek()
        if rest.kind == "end":
            return found
        if rest.text in (")", "]") and rest.kind == "bracket":
            raise InvalidFilterGroup(f"a {rest.text!r} closes nothing")
        if not rest.gap:
            raise IncompleteFilter(f"a space is missing before {shown(rest.text)}")
        raise InvalidFilter(f"text follows the end of the filter: {shown(rest.text)}")

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _disjunction(self) -> Filter:
        return self._joined("or", lambda: self._joined("and", self._term, And), Or)

    def _joined(self, keyword: str, operand: Callable[[], Filter], join: type[And] | type[Or]) -> Filter:
        parts = [operand()]
        while self._peek().keyword == keyword and self._is_apart():
            self._take()
            if not self._is_apart():
                raise IncompleteFilter(f"a space is missing after {keyword!r}")
            parts.append(operand())
        return parts[0] if len(parts) == 1 else join(tuple(parts))

    def _is_apart(self) -> bool:
        """Whether the next token is separated from the one before: by white space or by a bracket."""
        before, after = self._tokens[self._next - 1], self._peek()
        return bool(after.gap) or "bracket" in (before.kind, after.kind) or after.kind == "end"

    def _term(self) -> Filter:
        token = self._peek()
        if token.keyword == "not":
            self._take()
            return self._deeper(lambda: Not(self._term()))
        if token.kind == "bracket" and token.text == "(":
            self._take()
            return self._deeper(lambda: self._closed(")"))
        return self._condition()

    def _deeper(self, read: Callable[[], Filter]) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FilterTooComplex(f"the filter is more than {MAX_DEPTH} levels deep")
        found = read()
        self._depth -= 1
        return found

    def _closed(self, closing: str) -> Filter:
        """An expression and the bracket that ends it."""
        token = self._peek()
        if token.kind == "end" or (token.kind == "bracket" and token.text != "("):
            raise InvalidFilterGroup(f"nothing stands before {closing!r}")
        found = self._disjunction()
        token = self._take()
        if token.kind == "bracket" and token.text == closing:
            return found
        if token.kind in ("end", "bracket"):
            raise InvalidFilterGroup(f"a {closing!r} is missing")
        raise InvalidFilter(f"{closing!r} expected, not {shown(token.text)}")

    def _condition(self) -> Filter:
        path = self._attribute()
        bracket = self._peek()
        if not (bracket.kind == "bracket" and bracket.text == "["):
            return self._comparison(path)
        self._check_bracket(path, bracket)
        self._take()
        self._in_brackets = True
        inner = self._deeper(lambda: self._closed("]"))
        self._in_brackets = False
        after = self._peek()
        if after.kind != "word" or after.gap:
            return Nested(path, inner)
        if not after.text.startswith("."):
            raise IncompleteFilter(f"a space is missing before {shown(after.text)}")
        sub = _plain(self._take().text[1:])
        return self._comparison(Path(path.extension, path.name, inner, sub))

    def _check_bracket(self, path: Path, bracket: _Token) -> None:
        if self._in_brackets:
            raise InvalidFilterGroup("brackets stand within brackets")
        if path.name is None or path.sub or bracket.gap:
            raise InvalidFilterGroup("brackets must follow an attribute's name")

    def _attribute(self) -> Path:
        token = self._take()
        if token.kind == "end":
            raise IncompleteFilter("the filter ends where an expression is missing")
        if token.kind == "bracket":
            raise InvalidFilterGroup(f"a {token.text!r} stands where an attribute should")
        if token.kind != "word":
            raise InvalidFilter(f"{shown(token.text)} is not an attribute")
        if token.keyword in _RESERVED:
            raise IncompleteFilter(f"an expression is missing before {token.keyword!r}")
        if self._in_brackets:
            return Path(name=_plain(token.text))
        try:
            return attribute(token.text)
        except InvalidPath as error:
            raise InvalidFilter(error.detail) from None

    def _comparison(self, path: Path) -> Filter:
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise FilterTooComplex(f"the filter compares more than {MAX_COMPARISONS} times")
        word = self._spaced("operator")
        if word.keyword == "pr":
            return Present(path)
        op = _OPERATORS.get(word.keyword)
        if op is None:
            raise InvalidFilter(f"{shown(word.text)} is not an operator")
        return Compare(path, op, _literal(self._spaced("value")))

    def _spaced(self, what: str) -> _Token:
        """The next token, which must be there, be no bracket or keyword, and follow exactly one space."""
        token = self._take()
        if token.kind == "end":
            raise IncompleteFilter(f"the filter ends where {_article(what)} is missing")
        if token.kind == "bracket" or token.keyword in _RESERVED:
            raise IncompleteFilter(f"{_article(what)} is missing before {token.text!r}")
        if token.gap != " ":
            raise IncompleteFilter(f"exactly one space must stand before {shown(token.text)}")
        return token


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _plain(name: str) -> str:
    """The lower-cased name of a sub-attribute."""
    try:
        path = attribute(name)
    except InvalidPath as error:
        raise InvalidFilter(error.detail) from None
    if path.name is None or path.extension or path.sub:
        raise InvalidFilter(f"{shown(name)} is not a sub-attribute")
    return path.name


def _literal(token: _Token) -> str | int | float | bool | None:
    if token.kind == "word" and token.keyword in _CONSTANTS:
        return _CONSTANTS[token.keyword]
    if token.kind == "word" and (number := _NUMBER.fullmatch(token.text)):
        return _finite(token.text, is_whole=not number["fraction"])
    text = _unescaped(token.text) if token.kind == "string" else token.text
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidFilter("a string holds a character that no value can hold")
    return text


def _finite(text: str, *, is_whole: bool) -> int | float:
    try:
        number = int(text) if is_whole else float(text)
    except ValueError:  # more digits than Python converts
        number = math.inf
    if not math.isfinite(number):
        raise InvalidFilter("a number is too large")
    return number


def _unescaped(literal: str) -> str:
    try:
        return str(json.loads(literal))
    except ValueError:
        raise InvalidFilter(f"{shown(literal)} is not a JSON string") from None


_TESTS: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: lambda stored, wanted: stored == wanted,
    Op.NE: lambda stored, wanted: stored != wanted,
    Op.CO: lambda stored, wanted: wanted in stored,
    Op.SW: lambda stored, wanted: stored.startswith(wanted),
    Op.EW: lambda stored, wanted: stored.endswith(wanted),
    Op.GT: lambda stored, wanted: stored > wanted,
    Op.GE: lambda stored, wanted: stored >= wanted,
    Op.LT: lambda stored, wanted: stored < wanted,
    Op.LE: lambda stored, wanted: stored <= wanted,
}


def matches(found: Filter, element: Mapping[str, Any]) -> bool:
    """Whether one value of a multi-valued attribute fulfils a filter on its sub-attributes.

    Keys in any case, text without regard to case, booleans also as the strings that Entra sends, numbers also
    as strings. A missing ``primary`` is false (RFC 7643 §2.4).

    >>> matches(parse_bracketed('type eq "WORK" and primary eq false'), {"type": "work", "value": "x"})
    True
    >>> matches(parse_bracketed('primary eq "True"'), {"primary": True})
    True
    """
    return _holds(found, {key.lower(): value for key, value in element.items()})


def _holds(found: Filter, element: Mapping[str, Any]) -> bool:
    match found:
        case And(parts):
            return all(_holds(part, element) for part in parts)
        case Or(parts):
            return any(_holds(part, element) for part in parts)
        case Not(part):
            return not _holds(part, element)
        case Present(path):
            return element.get(path.name or "") not in (None, "", [], {})
        case Compare(path, op, value):
            stored = _folded(element.get(path.name or "", False if path.name == "primary" else None))
            wanted = _folded(value)
            if stored is None or wanted is None:
                return (stored is wanted) if op is Op.EQ else op is Op.NE and stored is not wanted
            return _TESTS[op](stored, wanted)
        case Nested():
            return False  # a value of an attribute holds no multi-valued attributes


def _folded(value: object) -> str | None:
    """Scalars as text without case; None for null and for what cannot be compared.

    Sub-attributes of multi-valued attributes are text or ``primary``, so numbers need no order of their own:
    one stands here only where a client left out the quotes (``phoneNumbers[value eq 333]``).
    """
    if isinstance(value, str):
        return value.casefold()
    return json.dumps(value) if isinstance(value, bool | int | float) else None
