"""What a change does to money stands beside it, on every page where somebody decides."""

from pathlib import Path

from tests.console.test_pages import _connect, _import_all
from tests.console.visiting import visiting
from tests.customers.shop import customer, plan, subscribe
from tests.flows.hands import KongHand
from tests.live import emulated

FEE = {"model": "flat", "name": "Base fee", "amount": "49.00"}


async def test_drift_is_shown_with_the_subscriptions_and_fees_at_stake_wherever_it_is_answered(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            await _import_all(me, await _connect(me, kong))
            products = (await me.running.call("GET", "/api/v1/products?limit=100"))["data"]
            sold = next(one for one in products if one["ref"] == "payments-v2")
            here = f"/products/{sold['id']}"
            before = await me.get(here)
            assert "Fees per month —" in before.text
            pro = await plan(me.running, productIds=[sold["id"]], rateLimits=[], rateCard=[FEE])
            for name in ("Acme", "Blue"):
                await subscribe(me.running, (await customer(me.running, name))["id"], pro["id"])
            KongHand(kong).edit(sold)
            drifted = await me.post(f"{here}/check")
            assert "Subscriptions 2" in drifted.text
            assert "At stake per month 98.00 EUR" in drifted.text
            for question in ("restore", "accept"):
                asked = await me.get(f"{here}/{question}")
                assert "It touches 2 subscriptions, 0 live keys and 98.00 EUR of fees a month." in asked.text, question
            assert "98.00 EUR" in (await me.get("/")).text
            listed = await me.get("/products?status=STALE")
            assert "Fees per month, EUR" in listed.text
            assert "98.00" in listed.text
