"""What store, dashboard and audit are asked with: conditions over named fields, already folded.

The wire's filters become these (see :mod:`rosterd.provisioning.filters`), so that case folding and
unknown attributes are decided there, once, and SQL is written from a closed set of field names.

>>> Or((Compare("username", Op.EQ, "ann"), Present("title"))).parts[1]
Present(field='title')
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Op(StrEnum):
    EQ = "eq"
    CO = "co"  # contains
    SW = "sw"  # starts with
    EW = "ew"  # ends with
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Compare:
    """``field op value``. For a field with several values: true if one of them fits."""

    field: str
    op: Op
    value: str | int


@dataclass(frozen=True, slots=True)
class Present:
    """The field has a value (text: a non-empty one)."""

    field: str


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


@dataclass(frozen=True, slots=True)
class Constant:
    """Always true or always false: a comparison that the façade could decide."""

    value: bool


Condition = Compare | Present | And | Or | Not | Constant
