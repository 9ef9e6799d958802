"""What a method was called with: from the query, a form or JSON, read as what it is meant to be.

Rules of this module:

1. Names count exactly. What stands in the body wins over the query, the last of a name over those before.
2. JSON brings arguments only; the token is in the header then (*Web API*, heading *POST bodies*). A form may
   bring the token. In the query it is nobody's token: other people's logs are full of queries.
3. What a client sends as text or as JSON means the same: ``"1"`` and ``true``, ``"C1,C2"`` and a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from rosterd.scim import documents
from rosterd.scim.errors import ScimError
from rosterd.web.methods.errors import MethodError, invalid_arguments
from rosterd.web.request import Request

_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_ARRAY = re.compile(r"[A-Za-z0-9_]{1,64}\[.*\]", re.DOTALL)
_MOST = 100
"""Arguments of one call."""

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
            texts = [Arguments({name: each}).text(name) or "" for each in value]
        else:
            text = self.text(name)
            if text is None:
                return None
            texts = text.split(",")
        return list(dict.fromkeys(each.strip() for each in texts if each.strip()))


async def read(request: Request) -> tuple[Arguments, str | None]:
    """What a call was sent with, and the token of its form, if one is there.

    Raises the words that every method's page has for what cannot be read.
    """
    values: dict[str, Any] = _checked(request.pairs)
    values.pop("token", None)
    token = None
    if request.method == "POST":
        is_json, body = await _body(request)
        given = body.pop("token", None)
        token = given if isinstance(given, str) and not is_json else None
        values |= body
    return Arguments(values), token


async def _body(request: Request) -> tuple[bool, dict[str, Any]]:
    """Whether the body is JSON, and what it says."""
    media, _, parameters = (request.header(b"content-type") or "").partition(";")
    media = media.strip().lower()
    if re.search(r"charset=\"?(?!utf-8|iso-8859-1)[^\s;\"]", parameters, re.IGNORECASE):
        raise MethodError("invalid_charset")
    parse = _READERS.get(media)
    if parse is None:
        is_empty = await request.content(lambda body: not body)
        if media or not is_empty:
            raise MethodError("invalid_post_type" if media else "missing_post_type")
        return False, {}
    head = (request.header(b"content-type") or "").encode("latin-1")
    return media == "application/json", await request.content(lambda body: parse(body, head))


def _form(body: bytes, head: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=_MOST,
        )  # fmt: skip
    except ValueError as error:
        raise MethodError("invalid_form_data") from error
    return _checked(pairs)


def _multipart(body: bytes, head: bytes) -> dict[str, Any]:
    """RFC 7578. Files are nobody's arguments here, and are left out."""
    message = message_from_bytes(b"Content-Type: %b\r\n\r\n%b" % (head, body), policy=policy.HTTP)
    parts = list(message.iter_parts()) if message.is_multipart() else []
    if message.defects or len(parts) > _MOST:
        raise MethodError("invalid_form_data")
    pairs = []
    for part in parts:
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise MethodError("invalid_form_data")
        if part.get_filename() is None:
            pairs.append((name, _decoded(content)))
    return _checked(pairs)


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise MethodError("invalid_form_data") from error


def _json(body: bytes, head: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    if body.lstrip()[:1] != b"{":
        try:
            msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            raise MethodError("invalid_json") from None
        raise MethodError("json_not_object")
    try:
        return _checked(documents.parse(body).items())
    except ScimError as error:
        raise MethodError("invalid_json", reason=error.detail) from error


def _nothing(body: bytes, head: bytes) -> dict[str, Any]:
    return {}


_READERS: Mapping[str, Callable[[bytes, bytes], dict[str, Any]]] = {
    "application/x-www-form-urlencoded": _form,
    "multipart/form-data": _multipart,
    "application/json": _json,
    "text/plain": _nothing,  # Slack lists it; what it would say is nowhere documented
}


def _checked(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """By name. Raises ``invalid_array_arg`` for ``name[]`` as in PHP, ``invalid_arg_name`` for worse."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            raise MethodError("invalid_array_arg" if _ARRAY.fullmatch(name) else "invalid_arg_name")
        found[name] = value
    return found
