"""What a method was called with: from the query, a form or JSON, read as what it is meant to be.

Rules of this module:

1. Names count exactly. What stands in the body wins over the query, the last of a name over those before.
2. JSON brings arguments only; the token is in the header then (*Web API*, heading *POST bodies*). A form may
   bring the token. In the query it is nobody's token: other people's logs are full of queries.
3. What a client sends as text or as JSON means the same: ``"1"`` and ``true``, ``"C1,C2"`` and a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from rosterd.scim import documents
from rosterd.scim.errors import ScimError
from rosterd.web.methods.errors import MethodError, invalid_arguments
from rosterd.web.request import MAX_BODY, Request

_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_ARRAY = re.compile(r"[A-Za-z0-9_]{1,64}\[.*\]", re.DOTALL)
_MOST = 100
"""Arguments of one call."""

MOST_LISTED = 20_000
"""Texts in one argument: more than any method takes (15,000 members), and less than holds anybody up."""

UNKNOWN_BODY = 1024 * 1024
"""Bytes of a body that are read for somebody unknown: a form may have to be read to know its token."""

_CHARSET = re.compile(r"charset=\"?([^\s;\"]*)", re.IGNORECASE)
_CHARSETS = ("utf-8", "iso-8859-1")
_HEADERS = BytesHeaderParser()
_LONGEST_HEAD = 1_024
"""Bytes of a header that is read: what reads it takes time that grows with the square of its length."""

_TRUTH = {"1": True, "true": True, "0": False, "false": False, "": False}


class Arguments:
    """The arguments by name, without the token. An argument that is null is absent."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = {name: value for name, value in values.items() if value is not None}

    def text(self, name: str) -> str | None:
        """An argument as it is; None: it is not there."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, int | float):
            return str(value)
        if not isinstance(value, str) or "\0" in value:  # PostgreSQL refuses it, so that nothing is called so
            raise invalid_arguments(f"must be a string [json-pointer:/{name}]")
        return value

    def required(self, name: str) -> str:
        """The same of one that must be there, and say something."""
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str, otherwise: bool = False) -> bool:
        """A truth: ``true``, ``1``, ``false``, ``0``, or what JSON has for it."""
        value = self.text(name)
        if value is None:
            return otherwise
        truth = _TRUTH.get(value.lower())
        if truth is None:
            raise invalid_arguments(f"must be a boolean [json-pointer:/{name}]")
        return truth

    def number(self, name: str) -> int | None:
        """A whole number; None: it is not there."""
        value = self.text(name)
        if value is None or value == "":
            return None
        if not re.fullmatch(r"-?[0-9]{1,15}", value):
            raise invalid_arguments(f"must be an integer [json-pointer:/{name}]")
        return int(value)

    def listed(self, name: str) -> list[str] | None:
        """Several texts, each once: with commas between them, or a list of JSON. None: it is not there."""
        value = self.values.get(name)
        if isinstance(value, list):
            texts = [Arguments({name: each}).text(name) or "" for each in value[: MOST_LISTED + 1]]
        else:
            text = self.text(name)
            if text is None:
                return None
            texts = text.split(",", MOST_LISTED)
        if len(texts) > MOST_LISTED:
            raise invalid_arguments(f"must be no more than {MOST_LISTED} items [json-pointer:/{name}]")
        return list(dict.fromkeys(each.strip() for each in texts if each.strip()))


async def read(request: Request) -> tuple[Arguments, str | None]:
    """What a call was sent with, and the token of its form, if one is there.

    Before it is known whom a call is from, no more than `UNKNOWN_BODY` is read. Raises the words that every
    method's page has for what cannot be read.
    """
    values: dict[str, Any] = _checked(request.pairs)
    values.pop("token", None)
    token = None
    if request.method == "POST":
        media = (request.header(b"content-type") or "").strip()
        most = MAX_BODY if request.grant is not None else UNKNOWN_BODY
        body = await request.content(lambda body: parsed(body, media), most)
        given = body.pop("token", None)
        token = given if isinstance(given, str) and not media.lower().startswith("application/json") else None
        values |= body
    return Arguments(values), token


def parsed(body: bytes, content_type: str) -> dict[str, Any]:
    """The arguments in a body, the token of a form among them. Raises as `read` does.

    >>> parsed(b"limit=20", "application/x-www-form-urlencoded"), parsed(b'{"limit": 20}', "application/json")
    ({'limit': '20'}, {'limit': 20})
    """
    if len(content_type) > _LONGEST_HEAD:
        raise MethodError("invalid_post_type")
    media, _, parameters = content_type.partition(";")
    named = _CHARSET.search(parameters)
    charset = named[1].lower() if named else "utf-8"
    if charset not in _CHARSETS:
        raise MethodError("invalid_charset")
    match media.strip().lower():
        case "application/x-www-form-urlencoded":
            return _form(body, charset)
        case "multipart/form-data":
            return _multipart(body, content_type, charset)
        case "application/json":
            return _json(body)
        case "text/plain":  # Slack lists it; what it would say is nowhere documented
            return {}
        case "":
            if body:
                raise MethodError("missing_post_type")
            return {}
        case _:
            raise MethodError("invalid_post_type")


def _form(body: bytes, charset: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            body.decode(charset), keep_blank_values=True, strict_parsing=bool(body), encoding=charset,
            errors="strict", max_num_fields=_MOST,
        )  # fmt: skip
    except ValueError as error:
        raise MethodError("invalid_form_data") from error
    return _checked(pairs)


def _multipart(body: bytes, content_type: str, charset: str) -> dict[str, Any]:
    """RFC 7578, in one pass over the body. Files are nobody's arguments here, and are left out."""
    head = Message()
    head["Content-Type"] = content_type
    delimiter = b"\r\n--" + (head.get_boundary() or "").encode("latin-1", "replace")
    _, *parts = (b"\r\n" + body).split(delimiter, _MOST + 1)
    if not head.get_boundary() or not parts or not parts.pop().startswith(b"--"):  # too many have no end
        raise MethodError("invalid_form_data")
    return _checked(pair for part in parts if (pair := _field(part, charset)) is not None)


def _field(part: bytes, charset: str) -> tuple[str, str] | None:
    """Name and value of a part; None: a file."""
    lines, _, content = part.partition(b"\r\n\r\n")
    head = _HEADERS.parsebytes(lines.lstrip()[:_LONGEST_HEAD])
    name = head.get_param("name", header="content-disposition")
    if not isinstance(name, str):
        raise MethodError("invalid_form_data")
    return None if head.get_filename() is not None else (name, _decoded(content, charset))


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset)
    except UnicodeDecodeError as error:
        raise MethodError("invalid_form_data") from error


def _json(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    if body.lstrip()[:1] != b"{":
        try:
            msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise MethodError("invalid_json") from None
        raise MethodError("json_not_object")
    try:
        return _checked(documents.parse(body).items())
    except ScimError as error:
        raise MethodError("invalid_json", reason=error.detail) from error


def _checked(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """By name. Raises ``invalid_array_arg`` for ``name[]`` as in PHP, ``invalid_arg_name`` for worse."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            raise MethodError("invalid_array_arg" if _ARRAY.fullmatch(name) else "invalid_arg_name")
        found[name] = value
    return found
