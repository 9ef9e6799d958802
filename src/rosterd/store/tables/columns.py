"""What the tables are made of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, SmallInteger, Text, text

metadata = MetaData()

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def text_column(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, TEXT, nullable=null)


def number(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, BigInteger(), nullable=null)


def flag(name: str) -> Column[Any]:
    return Column(name, SmallInteger(), nullable=False)


def where(condition: str) -> dict[str, Any]:
    """That an index holds only the rows that fulfil this."""
    return {f"{engine}_where": text(condition) for engine in ("sqlite", "postgresql")}
