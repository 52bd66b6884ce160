"""Switches, the kill switch, denials and explained decisions: the real api beside the real edge, on one data folder."""

from pathlib import Path

from aforo.app.edge.enforcement import CREDENTIALS
from aforo.kit.clock import HandClock
from tests.customers import shop
from tests.enforcement.parts import Edge
from tests.live import Aforo, aforo, emulated


async def sold(running: Aforo, product: str, units: str) -> str:
    quota = {"metric": "api_calls", "units": units, "period": "day", "mode": "HARD"}
    plan = await shop.plan(running, productIds=[product], quotas=[quota], rateLimits=[])
    customer = await shop.customer(running)
    await shop.subscribe(running, customer["id"], plan["id"])
    return str(customer["id"])


async def test_an_operator_switches_pauses_and_has_a_denial_explained(tmp_path: Path) -> None:
    with emulated("kong", 2) as kong:
        async with aforo(tmp_path) as running:
            _, (product, *_) = await shop.stocked(running, kong)
            customer = await sold(running, product, "1")
            edge = Edge(tmp_path / "var", HandClock(), credentials=CREDENTIALS)
            await edge.open.start(edge.ingests.logs)
            await edge.refresh()
            asked = {"customerId": customer, "product": product}
            key, path = running.admin_key, f"/api/v1/products/{product}/enforcement"

            assert await running.call("GET", path) == {"mode": "observe"}
            assert (await edge.post("/v1/check", asked, key))["allowed"]
            assert "wouldDeny" in await edge.post("/v1/check", asked, key)
            assert await running.call("PUT", path, {"mode": "enforce"}) == {"mode": "enforce"}
            await edge.refresh()
            denied = await edge.post("/v1/check", asked, key)
            assert not denied["allowed"]
            assert (await running.call("POST", "/api/v1/enforcement/pause"))["paused"]
            await edge.refresh()
            assert (await edge.post("/v1/check", asked, key))["enforcement"] == "observe"
            assert not (await running.call("POST", "/api/v1/enforcement/resume"))["paused"]
            await edge.refresh()
            assert not (await edge.post("/v1/check", asked, key))["allowed"]
            await edge.aclose()

            told = await running.call("GET", f"/v1/decisions/{denied['decisionId']}")
            assert (told["allowed"], told["reason"], told["limit"]) == (False, "quota_exceeded", "1")
            assert told["rule"].startswith("A HARD quota")
            rows = (await running.call("GET", "/v1/denials?limit=3"))["data"]
            assert [row["enforced"] for row in rows] == [True, False, True]
            assert denied["decisionId"] in [row["decisionId"] for row in rows]
            following = await running.call("GET", "/v1/denials?limit=1")
            assert following["nextCursor"] is not None
            rest = await running.call("GET", f"/v1/denials?cursor={following['nextCursor']}")
            assert [row["enforced"] for row in rest["data"]] == [False, True, False]
            await running.call("GET", f"/v1/decisions/{denied['decisionId']}x", status=404)
            await running.call("PUT", "/api/v1/products/prod_none/enforcement", {"mode": "enforce"}, 404)
            await running.call("PUT", path, {"mode": "maybe"}, 422)
            actions = [entry["action"] for entry in (await running.call("GET", "/api/v1/audit"))["data"]]
            assert {"product.enforcement", "enforcement.pause", "enforcement.resume"} <= set(actions)


async def test_a_quotas_level_spans_what_was_checked_and_leased_and_begins_anew_with_its_period(tmp_path: Path) -> None:
    clock = HandClock()
    with emulated("kong", 2) as kong:
        async with aforo(tmp_path, clock) as running:
            _, (product, *_) = await shop.stocked(running, kong)
            customer = await sold(running, product, "1000")
            (subscription,) = (await running.call("GET", "/api/v1/subscriptions"))["data"]
            path = f"/api/v1/subscriptions/{subscription['id']}/quotas"

            async def level() -> tuple[str, str, str]:
                (one,) = (await running.call("GET", path))["data"]
                return one["used"], one["remaining"], one["limit"]

            assert await level() == ("0", "1000", "1000")
            edge = Edge(tmp_path / "var", clock, credentials=CREDENTIALS)
            await edge.open.start(edge.ingests.logs)
            await edge.refresh()
            asked = {"customerId": customer, "product": product}
            await edge.post("/v1/check", {**asked, "units": 3}, running.admin_key)
            lease = {**asked, "want": 10, "nodeId": "n", "epoch": 1}
            units = int((await edge.post("/v1/leases", lease, running.admin_key))["lease"]["units"])
            await edge.aclose()
            used = 3 + units
            assert await level() == (str(used), str(1000 - used), "1000")
            (one,) = (await running.call("GET", path))["data"]
            clock.forward(seconds=24 * 3600)
            assert await level() == ("0", "1000", "1000")
            assert (await running.call("GET", path))["data"][0]["periodStart"] == one["resetAt"]
            await running.call("GET", "/api/v1/subscriptions/sub_none/quotas", status=404)
