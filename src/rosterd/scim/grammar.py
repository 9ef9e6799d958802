"""What paths and filters are made of: their syntax trees, and how those are written.

Rules of this module:

1. A tree holds meaning, not spelling: names are lower-cased (RFC 7643 §2.1), URNs are neutral extension keys,
   literals are Python values. Two texts that mean the same are equal trees.
2. Writing a tree gives the one canonical text, and reading that text gives the tree again.
3. A path may hold a filter and a filter holds paths, so both live here; their readers are
   :mod:`rosterd.scim.path` and :mod:`rosterd.scim.filter`.

>>> from rosterd.scim.dialect import V1, V2
>>> work = Compare(Path(name="type"), Op.EQ, "work")
>>> format_path(Path(name="emails", filter=work, sub="value"), V2)
'emails[type eq "work"].value'
>>> format_filter(And((Present(Path(name="title")), Not(Or((work, work))))), V1)
'title pr and not (type eq "work" or type eq "work")'
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import UnionType

from rosterd.scim.dialect import Dialect, split_urn
from rosterd.scim.errors import InvalidPath

# RFC 7643 §2.1: ATTRNAME = ALPHA *(nameChar).
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_$-]*")


class Op(StrEnum):
    """The operators that compare (RFC 7644 §3.4.2.2, table 3); ``pr`` is :class:`Present`."""

    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Path:
    """An attribute, or a part of one. ``name`` and ``sub`` are lower-cased.

    ``name`` None is a whole extension; ``filter`` chooses values of a multi-valued attribute.
    """

    extension: str = ""  # "" is the core schema, else a key of Dialect.extensions
    name: str | None = None
    filter: Filter | None = None
    sub: str | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """``path op value``."""

    path: Path
    op: Op
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Present:
    """``path pr``: there is a value, and it is not empty."""

    path: Path


@dataclass(frozen=True, slots=True)
class Nested:
    """``path[filter]``: one and the same value of the attribute fulfils the filter."""

    path: Path
    filter: Filter


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more parts."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more parts."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


Filter = Compare | Present | Nested | And | Or | Not


@lru_cache(maxsize=1024)
def attribute(text: str) -> Path:
    """The path that a plain attribute name is: no brackets, at most one sub-attribute.

    Raises InvalidPath; whether the attribute exists is not asked here.

    >>> attribute("name.givenName")
    Path(extension='', name='name', filter=None, sub='givenname')
    >>> attribute("urn:scim:schemas:extension:enterprise:1.0")
    Path(extension='enterprise', name=None, filter=None, sub=None)
    """
    extension, rest = split_urn(text)
    if extension is None:
        raise InvalidPath(text)
    if rest is None:
        if not extension:
            raise InvalidPath(text)  # the core schema as a whole is the resource itself
        return Path(extension)
    name, dot, sub = rest.partition(".")
    if not _NAME.fullmatch(name) or (dot and not _NAME.fullmatch(sub)):
        raise InvalidPath(text)
    return Path(extension, name.lower(), None, sub.lower() if dot else None)


def format_path(path: Path, dialect: Dialect) -> str:
    """A path as ``dialect`` writes it, names lower-cased. The inverse of parsing.

    >>> from rosterd.scim.dialect import V1
    >>> format_path(Path("enterprise", "manager", None, "managerid"), V1)
    'urn:scim:schemas:extension:enterprise:1.0.manager.managerid'
    """
    urn = dialect.extensions[path.extension] if path.extension else ""
    if path.name is None:
        return urn
    separator = dialect.path_separator if urn else ""
    chosen = f"[{format_filter(path.filter, dialect)}]" if path.filter else ""
    sub = f".{path.sub}" if path.sub else ""
    return f"{urn}{separator}{path.name}{chosen}{sub}"


def format_filter(found: Filter, dialect: Dialect) -> str:
    """A filter as ``dialect`` writes it: JSON literals, and parentheses only where they are needed.

    >>> from rosterd.scim.dialect import V2
    >>> format_filter(Compare(Path(name="username"), Op.EQ, 'a "b"'), V2)
    'username eq "a \\\\"b\\\\""'
    """
    match found:
        case Compare(path, op, value):
            return f"{format_path(path, dialect)} {op} {json.dumps(value, ensure_ascii=False)}"
        case Present(path):
            return f"{format_path(path, dialect)} pr"
        case Nested(path, inner):
            return f"{format_path(path, dialect)}[{format_filter(inner, dialect)}]"
        case And(parts):
            return " and ".join(_grouped(part, dialect, And | Or) for part in parts)
        case Or(parts):
            return " or ".join(_grouped(part, dialect, Or) for part in parts)
        case Not(part):
            return f"not ({format_filter(part, dialect)})"


def _grouped(part: Filter, dialect: Dialect, weaker: type | UnionType) -> str:
    text = format_filter(part, dialect)
    return f"({text})" if isinstance(part, weaker) else text
