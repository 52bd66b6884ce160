"""Distinct counts and percentiles are those of all events, wherever these stand and whatever they are grouped by."""

import math
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aforo.kit.clock import HandClock, rfc3339
from aforo.kit.errors import Invalid
from aforo.usage import UsageLog, figures
from aforo.usage.history import spreads as history
from aforo.usage.rules.cells import QUARTER_NS
from aforo.usage.rules.spread import spread_figure
from tests.usage.parts import OTHER, event
from tests.usage.test_history import brought, opened, sent
from tests.usage.test_rollups import WEEK, rows

BERLIN = ZoneInfo("Europe/Berlin")
NOW = HandClock().now()
FIGURES: dict[str, Callable[[list[Decimal]], Decimal]] = {
    "COUNT_DISTINCT": lambda values: Decimal(len(set(values))),
    "PERCENTILE_95": lambda values: sorted(values)[math.ceil(len(values) * 95 / 100) - 1],
}


def drawn(chance: random.Random, key: str) -> dict[str, Any]:
    return event(
        key,
        customerId=chance.choice(["a", "b"]),
        metricName=chance.choice(["tokens", "tokens", "api_calls"]),
        quantity=str(Decimal(chance.randrange(1, 40)) / chance.choice([1, 8])),
        occurredAt=rfc3339(NOW - timedelta(minutes=chance.randrange(4_000))),
        productId=chance.choice([None, "prod_1"]),
        product=chance.choice([None, "Pay"]),
        subscriptionId=chance.choice([None, "sub_1"]),
        statusCode=chance.choice([None, 200, 503]),
        credential=chance.choice([None, {"integrationId": "int_1", "nativeId": "n"}, {"type": "key"}]),
    )


async def filled(folder: Path) -> list[dict[str, Any]]:
    """Events in history, behind it in a closed segment, and in the open one."""
    chance, every = random.Random(11), []
    ingests = opened(folder)
    for n in range(36):
        batch = [drawn(chance, f"{n}-{m}") for m in range(chance.randrange(1, 9))]
        await sent(ingests, batch)
        await sent(ingests, [event(f"other-{n}", metricName="tokens", quantity=999)], OTHER)
        every += batch
        if n in (7, 15):
            await ingests.logs["live"].rotate()
            await brought(ingests)
        elif n == 25:
            await ingests.logs["live"].rotate()
    await ingests.aclose()
    return every


def product_of(one: dict[str, Any]) -> str | None:
    told: str | None = one.get("productId") or one.get("product")
    return told


GROUPS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "customer": lambda one: one["customerId"],
    "product": product_of,
    "status": lambda one: f"{one['statusCode'] // 100}xx" if "statusCode" in one else None,
    "subscription": lambda one: one.get("subscriptionId"),
    "credential": lambda one: (
        "/".join(one["credential"].get(part, "") for part in ("integrationId", "type", "nativeId"))
        if "credential" in one
        else None
    ),
}
WINDOWS: dict[str | None, Callable[[datetime], datetime | None]] = {
    None: lambda _: None,
    "hour": lambda at: at.replace(minute=0, second=0),
    "day": lambda at: at.replace(hour=0, minute=0, second=0),
    "month": lambda at: at.replace(day=1, hour=0, minute=0, second=0),
}


@pytest.mark.parametrize("how", sorted(FIGURES))
async def test_figures_are_those_of_all_events_together(tmp_path: Path, how: str) -> None:
    every = await filled(tmp_path)
    for groups in ((), ("customer",), ("product", "credential"), ("status", "subscription")):
        for window, begins in WINDOWS.items():
            for zone in (ZoneInfo("UTC"), BERLIN):
                wanted: dict[tuple[Any, ...], list[Decimal]] = defaultdict(list)
                for one in every:
                    if one["metricName"] == "tokens":
                        began = begins(datetime.fromisoformat(one["occurredAt"]).astimezone(zone))
                        key = (began, *(GROUPS[name](one) for name in groups))
                        wanted[key].append(Decimal(one["quantity"]))
                found = rows(
                    tmp_path, aggregations={"tokens": how}, groups=groups, window=window, zone=zone, metric="tokens"
                )
                told = {
                    (
                        datetime.fromisoformat(row["window"]).astimezone(zone) if window else None,
                        *(row[name] for name in groups),
                    ): (Decimal(row["quantity"]), row["events"])
                    for row in found
                }
                assert told == {key: (FIGURES[how](some), len(some)) for key, some in wanted.items()}
    both = rows(tmp_path, aggregations={"tokens": how})
    assert [row["aggregation"] for row in both] == ["SUM", how]
    assert Decimal(both[0]["quantity"]) == sum(
        Decimal(one["quantity"]) for one in every if one["metricName"] == "api_calls"
    )


async def test_a_minute_and_one_customer_and_a_tail_that_grows(tmp_path: Path) -> None:
    ingests, log = opened(tmp_path), UsageLog(tmp_path)
    for n, quantity in enumerate((5, 5, 7)):
        at = rfc3339(NOW - timedelta(minutes=n))
        await sent(ingests, [event(f"a{n}", customerId="a", metricName="tokens", quantity=quantity, occurredAt=at)])
        quarters = WEEK[0] // QUARTER_NS, WEEK[1] // QUARTER_NS
        used = log.used("ten_1", ["a", "b"], quarters, spread={"tokens"})
        assert figures(used, {"tokens": "COUNT_DISTINCT"}) == {"tokens": len({5, quantity})}
        assert log.used("ten_1", ["a"], quarters, late=True, spread={"tokens"}) == []
    minutes = rows(
        tmp_path, aggregations={"tokens": "PERCENTILE_95"}, window="minute", from_ns=WEEK[1] - 2 * 86_400 * 10**9
    )
    assert [row["quantity"] for row in minutes] == ["7", "5", "5"]
    assert rows(tmp_path, aggregations={"tokens": "PERCENTILE_95"}, customer="b") == []
    await ingests.aclose()


async def test_too_many_different_quantities_are_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(tmp_path)
    monkeypatch.setattr(history, "MOST_ROWS", 3)
    with pytest.raises(Invalid, match="too many different quantities"):
        rows(tmp_path, aggregations={"tokens": "COUNT_DISTINCT"})


def test_the_nearest_rank_is_a_quantity_that_was_sent() -> None:
    for count in range(1, 300):
        spread = {quantity * 10**9: 1 for quantity in range(1, count + 1)}
        assert spread_figure(spread, "PERCENTILE_95") == str(math.ceil(count * 95 / 100))
