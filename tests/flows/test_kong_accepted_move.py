"""A service that was pointed to another upstream, and accepted so, is as recorded from then on."""

from pathlib import Path

import pytest

from tests.flows.hands import KongHand
from tests.live import aforo, emulated

pytestmark = pytest.mark.conformance


async def test_an_accepted_move_to_another_host_leaves_no_difference(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path) as running:
            hand = KongHand(gateway)
            integration_id = await running.connect(gateway)
            products = await running.import_all(integration_id)
            upstreams = {row["name"] for row in hand.call("GET", "/upstreams?size=1000")["data"]}
            services = hand.call("GET", "/services?size=1000")["data"]
            name = next(row["name"] for row in services if row["host"] in upstreams)
            product = next(product for product in products if product["ref"] == name)
            hand.call("PATCH", f"/services/{name}", {"host": "elsewhere.internal"})
            accepted = await running.call("POST", f"/api/v1/products/{product['id']}/accept", {})
            assert accepted["driftId"] is None
            drift = await running.call("GET", f"/api/v1/products/{product['id']}/drift")
            assert (drift["drift"], drift["fields"]) == (None, [])
            assert (await running.preview(integration_id))["summary"]["UNCHANGED"] == len(products)
