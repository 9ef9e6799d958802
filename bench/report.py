"""What a run has found: a table for people, and a file with everything for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from bench.figures import Figure

_HEADS = (
    "figure",
    "engine",
    "users",
    "value",
    "p99",
    "control",
    "beside",
    "ratio",
    "cpu",
    "driver",
    "target",
    "",
)
_RIGHT = frozenset({"users", "value", "p99", "beside", "ratio", "cpu", "driver", "target"})


def _number(value: float | None, unit: str = "") -> str:
    """
    >>> _number(12345.6, "req/s"), _number(0.5678), _number(None)
    ('12,346 req/s', '0.57', '')
    """
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def row(figure: Figure) -> tuple[str, ...]:
    """The cells of a figure, in the order of the heads."""
    return (
        figure.name,
        figure.engine,
        f"{figure.users:,}",
        _number(figure.value, figure.unit),
        _number(figure.p99, "ms"),
        figure.control,
        _number(figure.beside, figure.unit if figure.beside is not None else ""),
        _number(figure.ratio),
        _number(figure.cpu),
        _number(figure.driver, figure.unit if figure.driver is not None else ""),
        figure.target,
        "" if figure.reached is None else "yes" if figure.reached else "no",
    )


def text(figures: Sequence[Figure]) -> str:
    """A table for a terminal."""
    rows = [_HEADS, *map(row, figures)]
    widths = [max(len(cells[place]) for cells in rows) for place in range(len(_HEADS))]
    return "\n".join(
        "  ".join(_padded(rows[0][n], cell, widths[n]) for n, cell in enumerate(cells)).rstrip()
        for cells in rows
    )


def _padded(head: str, cell: str, width: int) -> str:
    return cell.rjust(width) if head in _RIGHT else cell.ljust(width)


def markdown(figures: Sequence[Figure]) -> str:
    """The same table for ``docs/performance.md``."""
    heads = (*_HEADS[:-1], "reached")
    rule = ["--:" if head in _RIGHT else "---" for head in heads]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *map(row, figures)))


def give(
    folder: Path, kind: str, figures: Sequence[Figure], notes: Sequence[str], settings: Mapping[str, Any]
) -> None:
    """Print the table and the notes; write the file of the run, and the table as Markdown beside it."""
    path = folder / f"{kind}-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    content = {**settings, "notes": notes, "figures": figures}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
    path.with_suffix(".md").write_text(markdown(figures) + "\n")
    click.echo(text(figures))
    if busiest := max((figure.load or 0 for figure in figures), default=0):
        click.echo(f"\nfor the controls, wrk needed up to {busiest:.0%} of its core")
    for note in notes:
        click.echo(f"not measured: {note}")
    click.echo(f"\nwritten to {path}")
