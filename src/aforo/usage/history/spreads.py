"""How often each quantity occurs in files of history, counted by DuckDB in memory with bounded threads and memory."""

import threading
from collections import Counter
from collections.abc import Collection, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from aforo.kit.errors import Invalid
from aforo.usage.errors import LogDamaged
from aforo.usage.rollups.reader import Selection
from aforo.usage.rules.cells import QUARTER_NS, Key
from aforo.usage.rules.moment import LATE_NS

MOST_ROWS: Final = 2_000_000
_MEMBERS: Final = {
    "customer": "customer_id",
    "metric": "metric_name",
    "product": "coalesce(nullif(product_id, ''), nullif(product, ''), '')",
    "integration": "coalesce(integration_id, '')",
    "credential": (
        "CASE WHEN credential IS NULL THEN '' ELSE coalesce(credential.integration_id, '') || '/' "
        "|| coalesce(credential.type, '') || '/' || coalesce(credential.native_id, '') END"
    ),
    "subscription": "coalesce(subscription_id, '')",
    "status": "CASE WHEN status_code BETWEEN 0 AND 999 THEN status_code // 100 ELSE 0 END",
    "received": (
        f"CASE WHEN epoch_ns(occurred_at) < epoch_ns(received_at) - {LATE_NS} "
        f"THEN epoch_ns(received_at) // {QUARTER_NS} ELSE 0 END"
    ),
}
"""As a cell's `Key` is made from an event."""


class HistorySpreads:
    """One database in memory that holds nothing; a question at a time."""

    def __init__(self, *, memory_mib: int = 512, threads: int = 2) -> None:
        self._lock = threading.Lock()
        self._database = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{memory_mib}MiB",
                "threads": threads,
                "temp_directory": "",
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )

    def read(
        self, files: Sequence[Path], chosen: Selection, metrics: Collection[str], members: Sequence[str], floor: int
    ) -> dict[Key, Counter[int]]:
        """By `members` of `Key`, the others being empty, and by stretches of `floor` quarters, 0 for all in one.

        Raises FileNotFoundError when a file has just been replaced; Invalid for more than bounded memory holds.
        """
        sql, values = _query(chosen, metrics, members, floor)
        with self._lock:
            try:
                found = self._database.execute(sql, [[str(one) for one in files], *values]).fetchall()
            except duckdb.IOException as fault:
                if all(one.exists() for one in files):
                    raise LogDamaged(f"History cannot be read: {fault}") from fault
                raise FileNotFoundError(str(fault)) from fault
            except duckdb.OutOfMemoryException:
                raise _too_much() from None
        if len(found) > MOST_ROWS:
            raise _too_much()
        return _counted(found, chosen.tenant, members)


def _query(chosen: Selection, metrics: Collection[str], members: Sequence[str], floor: int) -> tuple[str, list[Any]]:
    quarter = f"epoch_ns(occurred_at) // {QUARTER_NS * floor} * {floor}" if floor else "0"
    named = [quarter, *(_MEMBERS[name] for name in members)]
    where = "tenant_id = ? AND NOT is_retry AND list_contains(?, metric_name)"
    values: list[Any] = [chosen.tenant, sorted(metrics)]
    where += " AND occurred_at >= make_timestamp_ns(?) AND occurred_at < make_timestamp_ns(?)"
    values += [chosen.from_quarter * QUARTER_NS, chosen.to_quarter * QUARTER_NS]
    for name in ("customer", "metric", "product", "subscription"):
        if (value := getattr(chosen, name)) is not None:
            where += f" AND {_MEMBERS[name]} = ?"
            values.append(value)
    if chosen.late:
        where += f" AND ({_MEMBERS['received']}) > 0"
    return (
        f"SELECT {', '.join(named)}, quantity, count(*) FROM read_parquet(?) WHERE {where} "  # noqa: S608  names of ours
        f"GROUP BY ALL LIMIT {MOST_ROWS + 1}"
    ), values


def _counted(rows: list[Any], tenant: str, members: Sequence[str]) -> dict[Key, Counter[int]]:
    empty = Key(tenant, "", "", 0, "", "", "", "", 0)
    found: dict[Key, Counter[int]] = {}
    keys: dict[tuple[Any, ...], Key] = {}
    for quarter, *values, quantity, times in rows:
        told = (quarter, *values)
        key = keys.get(told)
        if key is None:
            key = keys[told] = empty._replace(quarter=quarter, **dict(zip(members, values, strict=True)))
            found[key] = Counter()
        found[key][_nanos(quantity)] += times
    return found


def _nanos(quantity: Decimal) -> int:
    return int(quantity.scaleb(9))


def _too_much() -> Invalid:
    return Invalid(
        "There are too many different quantities for one answer.",
        next_step="Ask for a shorter time, one customer, or fewer groups.",
    )
