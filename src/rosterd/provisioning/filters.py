"""The wire's filters as the directory's conditions.

Attribute names are looked up here and values folded here, once: store, dashboard and audit see only
:mod:`rosterd.directory.query`. An attribute that cannot be filtered by is refused, never ignored,
since a filter that is ignored returns everybody.

Source: Slack SCIM API reference, heading *Filter*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rosterd.directory import query
from rosterd.directory.model import Role
from rosterd.directory.names import account_key, folded
from rosterd.scim.errors import InvalidFilter, shown
from rosterd.scim.filter import parse_filter
from rosterd.scim.grammar import And, Compare, Filter, Nested, Not, Op, Or, Path, Present

_TEXT_OPS = frozenset(Op)
_EQUALITY = frozenset({Op.EQ, Op.NE})


@dataclass(frozen=True, slots=True)
class _Field:
    """How an attribute is compared: with which field of the directory, by which operators, how folded."""

    field: str
    value: Callable[[Any], str | int]
    ops: frozenset[Op] = _TEXT_OPS


def _folded_text(value: Any) -> str:
    return folded(_plain_text(value))


def _key(value: Any) -> str:
    return account_key(_plain_text(value))


def _plain_text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        raise InvalidFilter("a text is compared with text")
    return str(value)


def _flag(value: Any) -> int:
    """True as Slack's examples (``'1'``), as JSON and as Entra write it."""
    text = str(value).lower()
    if text not in ("1", "0", "true", "false"):
        raise InvalidFilter("a boolean is compared with true or false")
    return int(text in ("1", "true"))


_USERNAME = _Field("username", _key)
_EMAIL = _Field("email", _key)
_PRIMARY_EMAIL = _Field("primary_email", _key)
_ID = _Field("id", _plain_text, _EQUALITY)
_NEVER_SET = _Field("", _plain_text)
"""``externalId`` is not kept, so nobody has one."""

USER_FIELDS: Mapping[str, _Field] = {
    "username": _USERNAME,
    "nickname": _USERNAME,
    "email": _EMAIL,
    "emails": _EMAIL,
    "emails.value": _EMAIL,
    "displayname": _Field("display_name", _folded_text),
    "id": _ID,
    "externalid": _NEVER_SET,
    "active": _Field("active", _flag, _EQUALITY),
    "restricted": _Field(str(Role.MULTI_CHANNEL_GUEST), _flag, _EQUALITY),
    "ultra_restricted": _Field(str(Role.SINGLE_CHANNEL_GUEST), _flag, _EQUALITY),
}

GROUP_FIELDS: Mapping[str, _Field] = {
    "displayname": _Field("display_name", _folded_text),
    "id": _ID,
    "externalid": _NEVER_SET,
    "members": _Field("member", _plain_text, _EQUALITY),
    "members.value": _Field("member", _plain_text, _EQUALITY),
}


def condition(text: str, fields: Mapping[str, _Field]) -> query.Condition:
    """The condition that a filter's text means. Raises `InvalidFilter` and its narrower kinds.

    >>> condition('userName Eq "Carly"', USER_FIELDS)
    Compare(field='username', op=<Op.EQ: 'eq'>, value='carly')
    """
    return _condition(parse_filter(text), fields)


def _condition(filter: Filter, fields: Mapping[str, _Field]) -> query.Condition:
    match filter:
        case And(parts):
            return query.And(tuple(_condition(part, fields) for part in parts))
        case Or(parts):
            return query.Or(tuple(_condition(part, fields) for part in parts))
        case Not(part):
            return query.Not(_condition(part, fields))
        case Present(path):
            return _present(_field(path, fields))
        case Compare(path, op, value):
            return _comparison(_field(path, fields), op, value)
        case Nested(path, inner):
            return _within(path, inner, fields)


def _field(path: Path, fields: Mapping[str, _Field]) -> _Field:
    name = ".".join(step for step in (path.name, path.sub) if step)
    found = None if path.extension else fields.get(name)
    if found is None:
        raise InvalidFilter(f"cannot filter by {shown(name or 'an extension')}")
    if path.filter is None:
        return found
    # Entra looks people up by emails[type eq "work"].value: the work address is the primary one.
    if found is _EMAIL and _names_primary(path.filter):
        return _PRIMARY_EMAIL
    raise InvalidFilter(f"cannot filter by {shown(name)}[]")


def _names_primary(filter: Filter) -> bool:
    match filter:
        case Compare(Path("", "type", None, None), Op.EQ, str() as value):
            return value.lower() == "work"
        case Compare(Path("", "primary", None, None), Op.EQ, value):
            return str(value).lower() == "true"
    return False


def _within(path: Path, inner: Filter, fields: Mapping[str, _Field]) -> query.Condition:
    """``emails[value eq "x"]``, alone or with ``type eq "work"`` or ``primary eq true`` beside it."""
    parts = inner.parts if isinstance(inner, And) else (inner,)
    primary = [part for part in parts if _names_primary(part)]
    rest = [part for part in parts if not _names_primary(part)]
    outer = Path(path.extension, path.name, primary[0] if primary else None, "value")
    conditions = []
    for part in rest:
        if not isinstance(part, Compare) or part.path != Path(name="value"):
            raise InvalidFilter(f"cannot filter by {shown(path.name or '')}[]")
        conditions.append(_comparison(_field(outer, fields), part.op, part.value))
    if not conditions:
        return _present(_field(outer, fields))
    return conditions[0] if len(conditions) == 1 else query.And(tuple(conditions))


_ROLE_FIELDS = frozenset({str(Role.MULTI_CHANNEL_GUEST), str(Role.SINGLE_CHANNEL_GUEST)})


def _present(field: _Field) -> query.Condition:
    if not field.field:
        return query.Constant(False)
    if field.value is _flag:
        return query.Constant(True)
    return query.Present(field.field)


def _comparison(field: _Field, op: Op, value: Any) -> query.Condition:
    if op not in field.ops:
        raise InvalidFilter(f"{op} does not apply here")
    wanted = field.value(value)
    if op is Op.NE:
        return query.Not(_comparison(field, Op.EQ, value))
    if not field.field:
        return query.Constant(False)
    if field.field in _ROLE_FIELDS:
        held = query.Compare("role", query.Op.EQ, field.field)
        return held if wanted else query.Not(held)
    if field is _PRIMARY_EMAIL and op is Op.EQ:
        # Among those who have the address at all, which an index finds.
        held = query.Compare(_EMAIL.field, query.Op.EQ, wanted)
        return query.And((held, query.Compare(field.field, query.Op.EQ, wanted)))
    return query.Compare(field.field, query.Op(op.value), wanted)
