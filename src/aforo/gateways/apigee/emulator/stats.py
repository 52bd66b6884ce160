"""Analytics: what was called, by environment, product, app and day, of the calls that came down the request path.

Modelled: the metric `sum(message_count)`, the unit `day`, and the dimensions `apiproduct` and `developer_app`. A call
of which a dimension is not known is `(not set)`. Real analytics are some ten minutes late; these are not.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from .answers import Row, absent, invalid
from .requests import Request
from .routing import Route
from .store import Store

NOT_SET: Final = "(not set)"
_TABLE: Final = "stats"
_METRIC: Final = "sum(message_count)"
_DIMENSIONS: Final = ("apiproduct", "developer_app")
_DAY_SECONDS: Final = 86_400
_MOMENT: Final = re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d")


class Stats:
    """Counts calls, and answers `environments/{environment}/stats/{dimensions}`."""

    def __init__(self, store: Store, page_size: int) -> None:
        self._store = store
        self._page_size = page_size

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "environments/{environment}/stats/{dimensions}", self._told)

    def count(self, environment: str, product: str | None, app: str | None) -> None:
        """One more call now."""
        day = int(self._store.now()) // _DAY_SECONDS
        names = [product or NOT_SET, app or NOT_SET]
        key = f"{environment}/{'/'.join(names)}/{day}"
        before = self._store.get(_TABLE, key)
        row = {"environment": environment, "names": names, "day": day, "calls": (before["calls"] if before else 0) + 1}
        self._store.put(_TABLE, key, row)

    def _told(self, request: Request, environment: str, dimensions: str) -> Row:
        if self._store.get("environments", environment) is None:
            raise absent("Environment", environment)
        wanted = _dimensions(dimensions)
        if request.query.get("select") != _METRIC or request.query.get("timeUnit") != "day":
            raise invalid(f"Only select={_METRIC} by timeUnit=day is answered here")
        sums = self._sums(environment, wanted, *_range(request.query.get("timeRange", "")))
        offset, limit = request.count("offset", 0, 1_000_000), request.count("limit", 14_400, self._page_size)
        page = sorted(sums.items())[offset : offset + limit]
        told: Row = {"name": environment}
        if page:
            told["dimensions"] = [_dimension(names, days) for names, days in page]
        return {"environments": [told], "metaData": {"notices": ["Source:emulated"]}}

    def _sums(
        self, environment: str, wanted: list[int], first: float, behind: float
    ) -> dict[tuple[str, ...], dict[int, int]]:
        sums: dict[tuple[str, ...], dict[int, int]] = {}
        for row in self._store.rows(_TABLE, f"{environment}/"):
            if first <= row["day"] * _DAY_SECONDS < behind:
                days = sums.setdefault(tuple(row["names"][one] for one in wanted), {})
                days[row["day"]] = days.get(row["day"], 0) + row["calls"]
        return sums


def _dimension(names: tuple[str, ...], days: dict[int, int]) -> Row:
    """Newest day first, as Apigee sorts unless told."""
    values = [
        {"timestamp": day * _DAY_SECONDS * 1000, "value": f"{calls}.0"} for day, calls in sorted(days.items())[::-1]
    ]
    return {
        "name": ",".join(names),
        "individualNames": list(names),
        "metrics": [{"name": _METRIC, "values": values}],
    }


def _dimensions(text: str) -> list[int]:
    try:
        return [_DIMENSIONS.index(name) for name in text.split(",")]
    except ValueError:
        raise invalid(f"Invalid dimension in {text}") from None


def _range(text: str) -> tuple[float, float]:
    begin, _, end = text.partition("~")
    if not (_MOMENT.fullmatch(begin) and _MOMENT.fullmatch(end)):
        raise invalid("Invalid timeRange: MM/DD/YYYY HH:MM~MM/DD/YYYY HH:MM is expected")
    first, behind = (datetime.strptime(one, "%m/%d/%Y %H:%M").replace(tzinfo=UTC) for one in (begin, end))
    if first >= behind:
        raise invalid("Invalid timeRange: the end must be after the start")
    return first.timestamp(), behind.timestamp()
