"""Observe and enforce, pause and resume: who is refused when, and who would have been."""

from pathlib import Path
from typing import Any

import pytest

from tests.artifacts.workshop import Workshop, workshop
from tests.customers import shop as selling
from tests.enforcement.parts import Edge


async def attached(shop: Workshop) -> None:
    await shop.verb("deploy")
    await shop.verb("attach")


async def buyer(shop: Workshop, units: str) -> tuple[str, str]:
    """A customer who may make so many calls a day, and its key."""
    quota = {"metric": "api_calls", "units": units, "period": "day", "mode": "HARD"}
    plan = await selling.plan(shop.running, productIds=shop.product_ids, quotas=[quota], rateLimits=[])
    customer = await selling.customer(shop.running)
    subscription = await selling.subscribe(shop.running, customer["id"], plan["id"], mode="AFORO_PROVIDED")
    issued = await shop.running.call("POST", f"/api/v1/subscriptions/{subscription['id']}/credentials", {}, 201)
    return customer["id"], issued["secrets"][0]["secret"]


async def calls(shop: Workshop, edge: Edge, key: str, times: int) -> list[int]:
    found = [(await shop.gateway.serve(key, shop.product_ids[0]))[0] for _ in range(times)]
    await edge.open.room.parts.keeper.durable()
    return found


async def test_nobody_is_refused_until_the_switch_and_the_switch_tells_who_would_have_been(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        await attached(shop)
        customer, key = await buyer(shop, "1")
        async with shop.edge() as edge:
            assert await calls(shop, edge, key, 3) == [200, 200, 200]
            assert await calls(shop, edge, "a stranger's key", 1) == [200]
            told = (await shop.standing())["wouldRefuse"]
            rows = [(row["customerId"], row["customer"], row["reason"], row["calls"]) for row in told["data"]]
            assert rows == [(customer, "Acme", "quota_exceeded", 2), (None, "unknown caller", "no_subscription", 1)]
            assert (told["calls"], told["customers"], told["unnamed"]) == (3, 1, 0)
            assert {row["productId"] for row in told["data"]} == {shop.product_ids[0]}

            enforced = await shop.verb("enforce")
            assert (enforced["mode"], sorted(enforced["enforcedProductIds"])) == ("enforce", sorted(shop.product_ids))
            assert await calls(shop, edge, key, 1) == [429]
            assert (await shop.standing())["wouldRefuse"]["calls"] == 3
            assert (await shop.verb("observe"))["enforcedProductIds"] == []
            assert await calls(shop, edge, key, 1) == [200]
            shop.clock.forward(8 * 86_400)
            assert (await shop.standing())["wouldRefuse"]["data"] == []


@pytest.mark.long
async def test_only_the_products_named_are_switched(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        await attached(shop)
        one = shop.product_ids[:1]
        assert (await shop.verb("enforce", {"productIds": one}))["enforcedProductIds"] == one
        refused = await shop.verb("enforce", {"productIds": [*one, "prod_none"]}, 422)
        assert refused["errors"][0]["pointer"] == "/productIds/1"
        await shop.verb("enforce", {"productIds": []}, 422)


async def test_a_pause_takes_effect_while_the_gateway_is_out_of_reach_and_is_told_to_it_later(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        await attached(shop)
        _, key = await buyer(shop, "1")
        await shop.verb("enforce", {"productIds": shop.product_ids[:1]})
        async with shop.edge() as edge:
            assert await calls(shop, edge, key, 2) == [200, 429]
            await shop.verb("pause", {}, 422)
            await shop.verb("pause", {"reason": " "}, 422)
            shop.gateway.forbidden = "put settings"
            paused = await shop.verb("pause", {"reason": "checkout fails"})
            assert (paused["mode"], paused["unfinished"], paused["paused"]["reason"]) == (
                "paused",
                "switch",
                "checkout fails",
            )
            assert "says no" in paused["fault"]
            assert shop.gateway.settings is not None
            assert shop.gateway.settings["enforce"]
            assert await calls(shop, edge, key, 1) == [200]
            assert (await shop.verb("enforce", None, 409))["code"] == "artifact_paused"
            shop.gateway.forbidden = ""
            again = await shop.verb("pause", {"reason": "again"})
            assert (again["unfinished"], again["paused"]["reason"]) == (None, "checkout fails")
            assert not shop.gateway.settings["enforce"]

            resumed = await shop.verb("resume")
            assert (resumed["mode"], resumed["enforcedProductIds"]) == ("enforce", shop.product_ids[:1])
            assert await calls(shop, edge, key, 1) == [429]
            assert (await shop.verb("resume", None, 409))["code"] == "artifact_not_paused"
        trail = (await shop.running.call("GET", "/api/v1/audit"))["data"]
        noted: Any = [entry["detail"] for entry in trail if entry["action"] == "artifact.pause"]
        assert noted[-1] == {"reason": "checkout fails"}


async def test_a_pause_stands_when_resuming_fails(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        await attached(shop)
        await shop.verb("enforce")
        await shop.verb("pause", {"reason": "trouble"})
        shop.gateway.forbidden = "put settings"
        await shop.verb("resume", None, 502)
        told = await shop.standing()
        assert (told["mode"], told["enforcedProductIds"], told["unfinished"]) == ("paused", [], "switch")


@pytest.mark.long
async def test_detaching_ends_enforcement_of_the_gateways_products(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        await attached(shop)
        await shop.verb("enforce")
        assert (await shop.verb("detach"))["enforcedProductIds"] == []
        await attached(shop)
        assert (await shop.standing())["mode"] == "observe"
