"""Why a customer loses money: the same figures as the table of all, taken apart."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from aforo.kit.errors import NotFound
from tests.customers.shop import customer, plan, stocked, subscribe
from tests.enforcement.test_earnings import FEE, LONG_AGO, NOON, TIERED, till
from tests.live import emulated

FLAT = {**TIERED, "tiers": [{"upTo": None, "unitPrice": "0.003"}]}


async def test_one_customers_margin_is_taken_apart_into_what_adds_up_to_its_line(tmp_path: Path) -> None:
    async with till(tmp_path) as shop:
        call = shop.me.running.call
        with emulated("kong", products=2) as kong:
            _, (dear, cheap) = await stocked(shop.me.running, kong)
        pro = await plan(shop.me.running, productIds=[dear, cheap], rateLimits=[], rateCard=[FLAT, FEE])
        acme, blue = [await customer(shop.me.running, name) for name in ("Acme", "Blue")]
        held = [await subscribe(shop.me.running, one["id"], pro["id"], startsAt=LONG_AGO) for one in (acme, blue)]
        for cost, since in (("0.02", "2026-11-01T00:00:00Z"), ("0.05", "2026-11-22T00:00:00Z")):
            rule = {"scope": {"productId": dear}, "unitCost": cost, "currency": "EUR", "validFrom": since}
            await call("POST", "/api/v1/cost-rules", rule, 201)
        guard = {"scope": {"kind": "TIER", "ref": "pro"}, "mode": "observe", "floors": {"L1": "0.5", "L3": "0.1"}}
        await call("POST", "/api/v1/margin-guards", guard, 201)
        await shop.use(acme["id"], 1000, NOON - timedelta(days=3), product=dear)
        await shop.use(acme["id"], 1000, product=dear)
        await shop.use(acme["id"], 500, product=cheap)
        await shop.use(blue["id"], 10, product=dear)
        line = next(one for one in (await shop.shows(2510))["data"] if one["name"] == "Acme")

        told = await call("GET", f"/api/v1/margin/{acme['id']}")
        assert {name: told[name] for name in line} == line
        assert [(one["name"], one["revenue"], one["cost"], one["costsAt"]) for one in told["parts"]] == [
            (told["parts"][0]["name"], "6.00", "70.00", "0.035"),
            ("Fixed fees", "30.00", "0.00", None),
            (told["parts"][2]["name"], "1.50", None, None),
        ]
        assert sum(Decimal(one["revenue"]) for one in told["parts"]) == Decimal(line["revenue"])
        days = {one["from"][:10]: (one["revenue"], one["cost"]) for one in told["days"] if one["calls"] != "0"}
        assert days == {"2026-11-19": ("3.00", "20.00"), "2026-11-22": ("4.50", "50.00")}
        assert [(one["unitCost"], one["units"], one["cost"]) for one in told["costRules"]] == [
            ("0.05", "1000", "50.00"),
            ("0.02", "1000", "20.00"),
        ]
        assert [(one["kind"], one["mode"], one["level"]) for one in told["guards"]] == [("TIER", "observe", "L3")]
        assert told["subscriptionIds"] == [held[0]["id"]]

        seen = await shop.me.get(f"/margin/{acme['id']}")
        assert '<div id="answer" class="stack" data-live-on="usage refusals">' in seen.html, "it renews itself"
        assert "Loses 32.50 EUR this month. A unit of api_calls of" in seen.text
        assert "costs 0.035 and is sold at 0.003 EUR." in seen.text
        assert "would L3" in seen.text
        assert f'href="/margin/{acme["id"]}"' in (await shop.me.get("/margin")).html
        quiet = await shop.me.get(f"/margin/{(await customer(shop.me.running, 'Core'))['id']}")
        assert "Used nothing this month" in quiet.text
        assert (await shop.me.get("/margin/cust_nobody")).status == 404
        assert (await call("GET", "/api/v1/margin/cust_nobody", status=404))["code"] == "not_found"
        with pytest.raises(NotFound):
            await shop.me.running.rooms.customer_margins.read("ten_other", acme["id"], "month")
