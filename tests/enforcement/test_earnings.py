"""What usage earned and cost: exact, by the edge's own rules, and silent about what is not known."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aforo.accounts import Caller, Scope
from aforo.enforcement.earnings.spans import span_of
from aforo.kit.clock import HandClock, rfc3339
from aforo.usage import Ingests
from tests.console.visiting import Visitor, visiting
from tests.customers.shop import customer, plan, stocked, subscribe
from tests.live import emulated
from tests.usage.parts import event
from tests.usage.test_usage_api import eventually

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO = "2026-10-01T00:00:00Z"
TIERED = {
    "metric": "api_calls",
    "model": "graduated",
    "tiers": [{"upTo": "1000", "unitPrice": "0.01"}, {"upTo": None, "unitPrice": "0.005"}],
}
FEE = {"model": "flat", "name": "Base fee", "amount": "30.00"}


class Till:
    """A shop, and the edge's side of usage on the same folder."""

    def __init__(self, me: Visitor, ingests: Ingests, clock: HandClock) -> None:
        self.me = me
        self.ingests = ingests
        self.clock = clock
        self._sent = 0

    async def use(self, customer_id: str, quantity: int, at: datetime = NOON, **members: Any) -> None:
        self._sent += 1
        caller = Caller(self.me.running.tenant_id, "t", "key_1", frozenset({Scope.USAGE_INGEST}))
        wanted = {"customerId": customer_id, "quantity": quantity, "occurredAt": rfc3339(at), **members}
        raw = json.dumps({"events": [event(f"k{self._sent}", **wanted)]}).encode()
        assert (await self.ingests.of(caller).ingest(raw, caller)).accepted == 1

    async def shows(self, calls: int, query: str = "") -> dict[str, Any]:
        """The answer, once all of these calls have been summed up."""
        seen: dict[str, Any] = {}

        async def summed() -> bool:
            seen.update(await self.me.running.call("GET", f"/api/v1/margin?{query}"))
            return sum(float(line["calls"]) for line in seen["data"]) == calls

        await eventually(summed)
        return seen


@asynccontextmanager
async def till(folder: Path) -> AsyncIterator[Till]:
    clock = HandClock(NOON)
    async with visiting(folder, clock) as me:
        ingests = Ingests(folder / "var" / "log", clock, metrics=lambda _: frozenset({"api_calls"}))
        await ingests._opening
        try:
            yield Till(me, ingests, clock)
        finally:
            await ingests.aclose()


async def test_a_span_earns_what_the_months_tiers_say_from_where_it_begins(tmp_path: Path) -> None:
    async with till(tmp_path) as shop:
        pro = await plan(shop.me.running, productIds=[], rateCard=[TIERED, FEE])
        acme = await customer(shop.me.running, "Acme")
        await subscribe(shop.me.running, acme["id"], pro["id"], startsAt=LONG_AGO)
        await shop.use(acme["id"], 900, NOON - timedelta(days=1))
        await shop.use(acme["id"], 300)
        month = (await shop.shows(1200))["data"][0]
        assert (month["revenue"], month["cost"], month["margin"]) == ("41.00", None, None), "30 + 1000*.01 + 200*.005"
        assert month["unknown"] == "No cost rule yet: what calls cost is not known."
        today = (await shop.shows(300, "span=today"))["data"][0]
        assert today["revenue"] == "2.50", "100 at 0.01, 200 at 0.005, and half a day of 30.00 in 30 days"
        answer = await shop.shows(300, "span=today&by=product")
        assert {line["name"]: line["revenue"] for line in answer["data"]} == {
            "No product named": "2.00",
            "Fixed fees": "0.50",
        }


async def test_losers_come_first_with_the_level_that_the_guard_has_come_to(tmp_path: Path) -> None:
    async with till(tmp_path) as shop:
        running = shop.me.running
        pro = await plan(running, productIds=[], rateCard=[{**TIERED, "tiers": [{"upTo": None, "unitPrice": "0.003"}]}])
        free = await plan(running, key="free", name="Free", productIds=[], rateCard=[])
        sold = {name: await customer(running, name) for name in ("Acme", "Blue", "Core")}
        for name, one in sold.items():
            await subscribe(running, one["id"], (free if name == "Core" else pro)["id"], startsAt=LONG_AGO)
        cost = {"scope": {"metric": "api_calls"}, "unitCost": "0.001", "currency": "EUR"}
        for start, price in (("2026-11-01T00:00:00Z", "0.001"), ("2026-11-22T00:00:00Z", "0.0041")):
            await running.call("POST", "/api/v1/cost-rules", cost | {"unitCost": price, "validFrom": start}, 201)
        for name in ("Acme", "Blue", "Core"):
            scope = {"kind": "CUSTOMER", "ref": sold[name]["id"]}
            guard = {"scope": scope, "mode": "observe", "floors": {"L1": "0.3", "L3": "0.1"}}
            await running.call("POST", "/api/v1/margin-guards", guard, 201)
        await shop.use(sold["Acme"]["id"], 1000)
        await shop.use(sold["Blue"]["id"], 1000, NOON - timedelta(days=3))
        await shop.use(sold["Core"]["id"], 10)
        await shop.use("stranger", 5)
        answer = await shop.shows(2015)
        told = [(line["name"], line["revenue"], line["cost"], line["level"]) for line in answer["data"]]
        assert told == [
            ("Acme", "3.00", "4.10", "L3"),
            ("Blue", "3.00", "1.00", "NONE"),
            ("Core", None, "0.041", "UNKNOWN"),
            ("stranger", None, "0.0205", None),
        ]
        assert (answer["revenue"], answer["cost"]) == ("6.00", "5.1615")
        assert [line["name"] for line in (await shop.shows(1000, "losing=true"))["data"]] == ["Acme"]
        assert (await shop.shows(2015, "sort=-name"))["data"][0]["name"] == "stranger"
        seen = await shop.me.get("/margin")
        assert "1 customer loses 1.10 EUR this month." in seen.text
        sheet = (await shop.me.get("/margin.csv?losing=1")).html.splitlines()
        assert sheet[1].split(",")[1:9] == ["Acme", "EUR", "1000", "3", "4.1", "-1.1", "-0.3667", "L3"]


async def test_a_margin_that_falls_to_a_level_is_told_once_and_another_level_ends_that(tmp_path: Path) -> None:
    async with till(tmp_path) as shop:
        running = shop.me.running
        pro = await plan(running, productIds=[], rateCard=[TIERED])
        acme = await customer(running, "Acme")
        await subscribe(running, acme["id"], pro["id"], startsAt=LONG_AGO)
        cost = {"scope": {"metric": "api_calls"}, "unitCost": "0.008", "currency": "EUR"}
        await running.call("POST", "/api/v1/cost-rules", cost | {"validFrom": LONG_AGO}, 201)
        guard = {
            "scope": {"kind": "CUSTOMER", "ref": acme["id"]}, "mode": "observe", "floors": {"L1": "0.3", "L3": "0"},
        }  # fmt: skip
        await running.call("POST", "/api/v1/margin-guards", guard, 201)
        await shop.use(acme["id"], 1000)
        await shop.shows(1000)
        for _ in range(2):
            await running.rooms.telling.survey(shop.clock.now())
        [told] = (await running.call("GET", "/api/v1/alerts?kind=margin"))["data"]
        assert told["title"] == "The margin of Acme has fallen to L1"
        assert told["detail"].startswith("Less than 30 % of this month's revenue is left")
        await shop.use(acme["id"], 2000)
        await shop.shows(3000)
        await running.rooms.telling.survey(shop.clock.now())
        told = (await running.call("GET", "/api/v1/alerts?kind=margin&open=true"))["data"]
        assert [(one["title"], one["severity"]) for one in told] == [
            ("The margin of Acme has fallen to L3", "CRITICAL")
        ]
        assert len((await running.call("GET", "/api/v1/alerts?kind=margin"))["data"]) == 2


async def test_use_from_before_a_subscription_began_earns_nothing_for_it(tmp_path: Path) -> None:
    async with till(tmp_path) as shop:
        pro = await plan(shop.me.running, productIds=[], rateCard=[TIERED])
        acme = await customer(shop.me.running, "Acme")
        await subscribe(shop.me.running, acme["id"], pro["id"], startsAt="2026-11-22T06:00:00Z")
        await shop.use(acme["id"], 700, NOON - timedelta(days=3))
        await shop.use(acme["id"], 100)
        assert (await shop.shows(800))["revenue"] == "1.00"


async def test_another_tenants_use_and_prices_are_in_no_figure(tmp_path: Path) -> None:
    async with till(tmp_path) as shop:
        acme = await customer(shop.me.running, "Acme")
        await shop.use(acme["id"], 7)
        await shop.shows(7)
        other = await shop.me.running.rooms.margin.earnings.figures("ten_other", "month")
        assert (other.now.calls, other.now.revenue, list(other.rows("customer"))) == (0, None, [])


async def test_use_named_by_a_gateways_product_counts_for_the_subscription_that_sells_it(tmp_path: Path) -> None:
    async with till(tmp_path) as shop:
        with emulated("kong", products=2) as kong:
            _, products = await stocked(shop.me.running, kong)
            ref = (await shop.me.running.call("GET", f"/api/v1/products/{products[1]}"))["ref"]
            acme = await customer(shop.me.running, "Acme")
            for key, product in (("one", products[0]), ("two", products[1])):
                sold = await plan(shop.me.running, key=key, name=key, productIds=[product], rateCard=[TIERED])
                await subscribe(shop.me.running, acme["id"], sold["id"])
            await shop.use(acme["id"], 3, product=ref)
            found = (await shop.shows(3, "by=plan"))["data"]
            assert [(line["name"], line["calls"]) for line in found if line["calls"] != "0"] == [("two", "3")]
            assert (await shop.shows(3, "by=product"))["data"][0]["id"] == products[1]


def test_a_span_is_held_against_the_same_length_before_up_to_the_same_point() -> None:
    month = span_of("month", datetime(2026, 3, 31, 12, tzinfo=UTC))
    assert (month.before_start, month.before_end) == (
        datetime(2026, 2, 1, tzinfo=UTC),
        datetime(2026, 3, 1, tzinfo=UTC),
    )
    week = span_of("7d", NOON)
    assert (week.start, week.before_end, len(week.buckets)) == (
        datetime(2026, 11, 16, tzinfo=UTC),
        NOON - timedelta(days=7),
        7,
    )
    assert len(span_of("today", NOON).buckets) == 13
