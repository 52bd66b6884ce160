"""Every page answers quickly with ten thousand of each kind and a hundred million events behind it."""

import random
import time
from pathlib import Path

import pytest

from aforo.usage.rollups.store import _WRITE, _WRITE_DAY, RollupStore
from aforo.usage.rules.cells import DAY_QUARTERS, QUARTER_SECONDS, Key, Sums, by_day
from aforo.usage.rules.quantity import NANOS
from tests.app.test_search import _copied, _sold
from tests.console.visiting import Visitor, visiting

MOST_SECONDS = 0.3
CUSTOMERS = 10_000
_DAYS = 30
_QUARTERS_A_DAY = 10
_EVENTS = 34
"""A quarter of an hour: 10,000 customers, 30 days, 10 quarters and 34 events make 102 million."""


@pytest.mark.long
async def test_no_page_takes_longer_than_it_may(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        ids = await _sold(me)
        for table, numbered in (
            ("customers", ("id", "name", "external_id")),
            ("products", ("id", "name", "ref", "native_id")),
            ("subscriptions", ("id", "customer_id")),
        ):
            await _copied(me, table, numbered, CUSTOMERS)
        used(tmp_path / "var" / "rollups.db", me, ids)
        paths = [
            "/", "/?span=30d", "/?span=today", "/margin", "/margin?span=30d", f"/margin/{ids['Customers']}",
            "/costs", "/usage", "/usage?span=month", "/statements", "/customers", f"/customers/{ids['Customers']}",
            "/products", f"/products/{ids['Products']}", "/plans", f"/plans/{ids['Plans']}", "/subscriptions",
            f"/subscriptions/{ids['Subscriptions']}", "/credentials", "/integrations",
            f"/integrations/{ids['Integrations']}", "/events", "/dead-letters", "/completeness", "/decisions",
            "/alerts", "/audit", "/schedules", "/settings", "/search?q=acme",
        ]  # fmt: skip
        slow: dict[str, list[float]] = {}
        await me.get("/sign-in")
        for path in paths:
            took = []
            for _ in range(4):
                before = time.perf_counter()
                seen = await me.get(path, until_done=False)
                took.append(round(time.perf_counter() - before, 3))
                assert seen.status == 200, (path, seen.status)
            slow |= {path: took} if min(took) > MOST_SECONDS else {}
        assert not slow


def used(path: Path, me: Visitor, ids: dict[str, str]) -> None:
    """A month of everybody's calls, as an edge would have summed them up."""
    store, now = RollupStore(path), int(time.time()) // QUARTER_SECONDS
    today = now // DAY_QUARTERS * DAY_QUARTERS
    store._db.execute("BEGIN")
    for n in range(1, CUSTOMERS + 1):
        chances = random.Random(n)
        who = f"{ids['Customers']}{n}", "api_calls"
        what = (
            ids["Products"],
            ids["Integrations"],
            f"{ids['Integrations']}/key/{n}",
            f"{ids['Subscriptions']}{n}",
        )
        quarters = [
            today - day * DAY_QUARTERS + quarter
            for day in range(_DAYS)
            for quarter in chances.sample(range(DAY_QUARTERS), _QUARTERS_A_DAY)
        ]
        cells = {
            Key(me.running.tenant_id, *who, quarter, *what, 2, 0): Sums(_EVENTS, _EVENTS * NANOS, NANOS)
            for quarter in quarters
            if quarter < now
        }
        days = by_day(cells)
        store._db.executemany(
            _WRITE, [("live", *key, some.events, some.events, 0, 1, 0) for key, some in cells.items()]
        )
        store._db.executemany(
            _WRITE_DAY, [("live", *key, some.events, some.events, 0, 1, 0) for key, some in days.items()]
        )
    store._db.execute("COMMIT")
    store.close()
