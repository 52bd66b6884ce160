"""Plans and tags at every gateway that can hold them, end to end over its emulator."""

from pathlib import Path

import pytest

from aforo.gateway_sdk.manifest import Capability
from aforo.gateway_sdk.registry import gateways
from tests.pricing.tills import statuses, till

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


@pytest.mark.parametrize("gateway", SYNCS)
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
