"""Plans and tags at every gateway that can hold them, end to end over its emulator."""

import asyncio
from pathlib import Path

import pytest

from aforo.gateway_sdk.manifest import Capability
from aforo.gateway_sdk.registry import gateways
from tests.pricing.tills import Till, statuses, till

SYNCS = [
    key
    for key, entry in gateways().items()
    if entry.manifest.capabilities[Capability.PRICING_SYNC].level in ("yes", "substitute")
]


@pytest.mark.parametrize("gateway", SYNCS)
async def test_what_is_synced_reads_back_and_nothing_is_left_to_do(tmp_path: Path, gateway: str) -> None:
    async with till(tmp_path, gateway) as shop:
        await shop.call("PATCH", f"/products/{shop.product_ids[0]}", {"monetized": True})
        before = await shop.preview()
        tag = f"tag:{shop.product_ids[0]}"
        assert statuses(before).keys() == {"plan:pro", tag}
        assert statuses(before)[tag] == "NEW"
        done = await shop.sync(before, ["plan:pro", tag])
        assert done["done"], done["results"]
        assert set(statuses(await shop.preview()).values()) == {"UNCHANGED"}
        assert (await shop.standing())["plan:pro"] == "IN_SYNC"


@pytest.mark.parametrize(
    "gateway", [pytest.param(one, marks=[pytest.mark.long] if place > 1 else []) for place, one in enumerate(SYNCS)]
)
async def test_a_plan_that_sells_nothing_here_any_more_is_stale_and_leaves_when_selected(
    tmp_path: Path, gateway: str
) -> None:
    async with till(tmp_path, gateway) as shop:
        await shop.sync(await shop.preview(), ["plan:pro"])
        await shop.next_version(productIds=[])
        await shop.call("POST", f"/subscriptions/{shop.subscription['id']}/cancel")
        left = await shop.preview()
        if "plan:pro" in statuses(left):
            assert statuses(left) == {"plan:pro": "STALE"}
            done = await shop.sync(left, ["plan:pro"])
            assert done["done"], done["results"]
        assert (await shop.preview())["changes"] == []
        assert await shop.standing() == {}


@pytest.mark.parametrize("gateway", [key for key, entry in gateways().items() if entry.has("guard")])
async def test_a_guard_is_given_as_the_vendors_own_template(tmp_path: Path, gateway: str) -> None:
    async with till(tmp_path, gateway) as shop:
        document = await shop.call("GET", f"/integrations/{shop.integration_id}/guard")
        assert "aforo-deletion-guard" in document["filename"] + document["text"]


async def test_after_a_sync_a_seat_that_waited_for_the_plan_moves_there_by_itself(tmp_path: Path) -> None:
    async with till(tmp_path, "azure") as shop:
        issued = await shop.call("POST", f"/subscriptions/{shop.subscription['id']}/credentials", {}, 201)
        driver = shop.running.rooms.credentials.driver
        await driver.run_due()
        assert "sync the plan's price" in await _told(shop)
        done = await shop.sync(await shop.preview(), ["plan:pro"])
        assert done["done"], done["results"]
        await driver.run_due()
        assert "sync the plan's price" not in await _told(shop)
        again = await shop.call("GET", f"/subscriptions/{shop.subscription['id']}/credentials")
        assert [one["places"][0]["hint"] for one in again["data"]] == [issued["places"][0]["hint"]]


async def _told(shop: Till) -> str:
    """What the subscription says of its gateway."""
    subscription = await shop.call("GET", f"/subscriptions/{shop.subscription['id']}")
    (there,) = subscription["gateways"]
    assert there["observed"] == "ACTIVE"
    return str(there["reason"])


@pytest.mark.long
async def test_of_two_syncs_at_once_the_second_writes_nothing_twice_and_is_told_to_look_again(tmp_path: Path) -> None:
    async with till(tmp_path, "azure") as shop:
        path = f"/api/v1/integrations/{shop.integration_id}/pricing/sync"
        previews = [await shop.preview(), await shop.preview()]
        bodies = [{"planId": one["planId"], "select": ["plan:pro"], "confirm": ["plan:pro"]} for one in previews]
        answers = await asyncio.gather(*(shop.running.http.post(path, json=body) for body in bodies))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert next(answer for answer in answers if answer.status_code == 409).json()["code"] == "plan_stale"
        assert set(statuses(await shop.preview()).values()) == {"UNCHANGED"}
