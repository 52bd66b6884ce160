"""Geometry of server-drawn charts: values in, SVG attributes out. Missing values are gaps, never zeros."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 1000
HEIGHT = 200
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 3")
_NICE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """One line or set of columns. `ink` is a class of the stylesheet: 1 to 5, other, ok, bad or money."""

    name: str
    values: Values
    ink: str = "1"

    @property
    def dash(self) -> str:
        return _DASHES[int(self.ink) - 1] if self.ink.isdigit() else ("4 4" if self.ink == "other" else "")

    @property
    def last(self) -> float | None:
        return next((value for value in reversed(self.values) if value is not None), None)


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float


def ceiling(series: Sequence[Series]) -> float:
    """The round number at the top of the axis, at least 1."""
    peak = max((value for one in series for value in one.values if value is not None), default=0)
    if peak <= 1:
        return 1
    scale = 10.0 ** (len(str(int(peak))) - 1)
    return next(step * scale for step in _NICE if step * scale >= peak)


def path(values: Values, top: float, width: float = WIDTH, height: float = HEIGHT) -> str:
    """A line through the known values; after a gap it starts anew."""
    step = width / max(1, len(values) - 1)
    parts, pen_down = [], False
    for index, value in enumerate(values):
        if value is not None:
            parts.append(f"{'L' if pen_down else 'M'}{index * step:.1f} {height - value / top * height:.1f}")
        pen_down = value is not None
    return "".join(parts)


def columns(values: Values, top: float, base: Values | None = None) -> list[Box | None]:
    """One zero-based column a value, standing on `base` when stacked; None where nothing is known."""
    step = WIDTH / max(1, len(values))
    below = base or [0] * len(values)
    return [
        None
        if value is None
        else Box(
            round(index * step + step * 0.15, 1),
            round(HEIGHT - ((under or 0) + value) / top * HEIGHT, 1),
            round(step * 0.7, 1),
            round(value / top * HEIGHT, 1),
        )
        for index, (value, under) in enumerate(zip(values, below, strict=True))
    ]


def holes(values: Values, in_columns: bool) -> list[Box]:
    """Where nothing is known, hatched: a column's own width, or between the known points of a line."""
    count = len(values) if in_columns else len(values) - 1
    step = WIDTH / max(1, count)
    before, wide = (0, 1) if in_columns else (1, 2)
    spans = ((max(0, i - before), min(count, i - before + wide)) for i, value in enumerate(values) if value is None)
    return [Box(round(first * step, 1), 0, round((last - first) * step, 1), HEIGHT) for first, last in _joined(spans)]


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def spark(values: Values) -> str:
    """A small line without axes, 96 by 32, from its own least to its own greatest value."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0), max(known, default=1)
    span = (high - low) or 1
    return path([None if v is None else (v - low) / span for v in values], 1, 96, 32)


def ticks(top: float) -> list[float]:
    """Axis labels from the top down, evenly spaced."""
    return [top, top / 2, 0]


def stack(series: Sequence[Series]) -> list[tuple[Series, list[float | None]]]:
    """Each series with what it stands on."""
    base: list[float | None] = [0.0] * len(series[0].values) if series else []
    placed = []
    for one in series:
        placed.append((one, base))
        base = [(under or 0) + (value or 0) for under, value in zip(base, one.values, strict=True)]
    return placed


def stacked(series: Sequence[Series]) -> list[Series]:
    """The outline of a stack, as one series: what its axis must hold."""
    rows = zip(*(one.values for one in series), strict=True)
    return [Series("", [sum(value or 0 for value in row) for row in rows])]
