"""Which rows of a preview stand on one page, within what a page may weigh. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from aforo.catalog.model import Impact, Preview, Row, Status
from aforo.catalog.pages import fields

ROWS: Final = 50
"""Rows a group."""
_LINES: Final = 30
_ROWS_A_LINE: Final = 1.2
"""A field line weighs about as many elements as this many rows, so what rows leave free goes to lines."""
_LINES_A_ROW: Final = 10
_ORDER: Final = (Status.CHANGED, Status.STALE, Status.NEW, Status.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Window:
    """What a page shows: a status or all, words in the name, and where each group starts."""

    status: str = ""
    words: str = ""
    starts: Mapping[str, int] | None = None
    unchanged: bool = False

    @property
    def query(self) -> str:
        """The same page as an address's query."""
        starts = {f"from_{name.lower()}": start for name, start in (self.starts or {}).items() if start}
        told = {"status": self.status, "q": self.words, **starts, "show": "unchanged" if self.unchanged else ""}
        return urlencode({name: value for name, value in told.items() if value})

    def start(self, status: Status) -> int:
        return (self.starts or {}).get(status.value, 0)

    def at(self, status: Status, start: int) -> "Window":
        return replace(self, starts={**(self.starts or {}), status.value: start})


@dataclass(frozen=True, slots=True)
class Group:
    """One status: the rows shown of all that match; `start` is the first one's place."""

    status: Status
    rows: tuple[Row, ...]
    total: int
    start: int

    @property
    def older(self) -> int | None:
        """Where the next rows start."""
        end = self.start + len(self.rows)
        return end if self.rows and end < self.total else None

    @property
    def newer(self) -> int | None:
        return max(0, self.start - ROWS) if self.start else None


def groups(preview: Preview, window: Window) -> list[Group]:
    """The groups that the window shows, UNCHANGED without rows unless asked for."""
    words = window.words.strip().lower()
    matching = [row for row in preview.rows if words in row.name.lower()]
    found = []
    for status in _ORDER:
        if window.status and window.status != status.value:
            continue
        rows = sorted((row for row in matching if row.status is status), key=_dearest_first)
        if not rows and not window.status:
            continue
        start = window.start(status)
        wanted = status is not Status.UNCHANGED or window.unchanged or window.status == status.value
        found.append(Group(status, tuple(rows[start : start + ROWS]) if wanted else (), len(rows), start))
    return found


def on_page(shown: Iterable[Group]) -> frozenset[str]:
    """The rows with a box on this page."""
    return frozenset(row.key for group in shown if _pickable(group.status) for row in group.rows)


def drawn(shown: list[Group], picked: frozenset[str]) -> list[dict[str, Any]]:
    """For the preview's parts: field lines as far as the page's weight allows, the rest behind a link.

    A group whose rows were not asked for is left to the template, which can offer to read them.
    """
    left = _LINES + int(max(0, 150 - sum(len(group.rows) for group in shown)) / _ROWS_A_LINE)
    found = []
    for group in shown:
        if group.total and not group.rows:
            continue
        rows = []
        for row in group.rows:
            lines = row.difference.changes[:_LINES_A_ROW] if left > 0 else ()
            left -= len(lines)
            rows.append(_row(row, [fields.shown(change) for change in lines], picked))
        found.append(_group(group, rows))
    return found


def impact(rows: Iterable[Row]) -> Impact:
    """Summed over rows; None where none is known."""
    known = [row.impact for row in rows if row.impact.subscriptions is not None]
    if not known:
        return Impact()
    money = [Decimal(one.monthly_revenue) for one in known if one.monthly_revenue is not None]
    return Impact(
        sum(one.subscriptions or 0 for one in known),
        sum(one.credentials or 0 for one in known),
        str(sum(money)) if money else None,
        next((one.currency for one in known if one.currency), None),
    )


def _group(group: Group, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "status": group.status.value,
        "count": group.total,
        "open": bool(group.total),
        "pickable": _pickable(group.status),
        "rows": rows,
        **({"gloss": "gone from gateway"} if group.status is Status.STALE else {}),
    }


def _row(row: Row, lines: list[dict[str, Any]], picked: frozenset[str]) -> dict[str, Any]:
    count = len(row.difference.changes)
    hidden = count - len(lines)
    version = None if row.version and row.name.endswith(row.version) else row.version
    return {
        "ref": row.key,
        "name": row.name,
        "version": version,
        "reason": _reason(row, len(lines)),
        "changes": lines,
        "equal": 0,
        "href": f"/products/{row.product_id}/compare" if row.product_id else "",
        "hidden": hidden,
        "subscriptions": row.impact.subscriptions,
        "credentials": row.impact.credentials,
        "revenue": row.impact.monthly_revenue,
        "picked": row.key in picked,
        "pickable": _pickable(row.status),
        "open": False,
    }


def _reason(row: Row, lines: int) -> str:
    count = len(row.difference.changes)
    if row.status is not Status.CHANGED or lines == count:
        return row.reason if row.status is not Status.STALE else ""
    return f"{row.reason}, {count if not lines else f'{lines} of {count}'} fields{' shown' if lines else ''}"


def _pickable(status: Status) -> bool:
    return status in (Status.NEW, Status.CHANGED)


def _dearest_first(row: Row) -> tuple[Decimal, str]:
    money = row.impact.monthly_revenue
    return -Decimal(money) if money else Decimal(0), row.name
