"""Pieces that all renderings share."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

NOTHING: Final = "—"


class Hanging:
    """A paragraph whose later lines stand under its first words, so that folding cuts and confuses nothing."""

    def __init__(self, first: Text, indent: int) -> None:
        self._text = first
        self._indent = indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        head, body = self._text[: self._indent], self._text[self._indent :]
        width = max(20, options.max_width - self._indent)
        for n, line in enumerate(body.wrap(console, width, overflow="fold")):
            line.rstrip()
            yield Text.assemble(head if n == 0 else " " * self._indent, line)


def hanging(prefix: str, *words: str | tuple[str, str] | Text) -> Hanging:
    return Hanging(Text.assemble(prefix, *words), len(prefix))


def lines(parts: Iterable[RenderableType]) -> Group:
    return Group(*parts)


def table(heads: Sequence[str], rows: Iterable[Sequence[str | Text]], *, right: frozenset[str] = frozenset()) -> Table:
    """Columns under bare heads. What does not fit is folded, never cut; ids stay whole, so that they can be copied."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in heads:
        made.add_column(
            head,
            overflow="fold",
            no_wrap=head == "ID",
            min_width=len(head),
            justify="right" if head in right else "left",
        )
    for row in rows:
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made


def pairs(rows: Iterable[tuple[str, str | Text]]) -> Table:
    """Names and values of one thing."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(Text(name), Text(value) if isinstance(value, str) else value)
    return made


def moment(told: str | None) -> str:
    """`2026-11-22 14:02 UTC`; times on the wire are UTC."""
    if not told:
        return NOTHING
    return datetime.fromisoformat(told).strftime("%Y-%m-%d %H:%M UTC")


def number(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
