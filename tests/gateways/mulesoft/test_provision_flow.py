"""A customer's credential at an emulated Anypoint, from the subscription to the call that it opens."""

from pathlib import Path
from typing import Any

import httpx2

from aforo.kit.clock import HandClock
from tests.credentials.selling import Selling, secret_of
from tests.customers.shop import stocked
from tests.flows.hands import MulesoftHand
from tests.live import Emulated, aforo, emulated


async def test_a_credential_opens_the_plan_until_it_is_replaced_and_revoked(tmp_path: Path) -> None:
    clock = HandClock()
    with emulated("mulesoft", products=2) as mulesoft:
        async with aforo(tmp_path, clock) as running:
            shop = Selling(running, clock)
            place, _ = await stocked(shop.running, mulesoft)
            products = (await shop.call("GET", f"/products?integrationId={place}"))["data"]
            made = await shop.subscribe([products[0]["id"]])
            assert await shop.gateways_of(made) == {place: "ACTIVE"}
            api, other = (MulesoftHand(mulesoft).native(one) for one in products[:2])
            old = await shop.issue(made)
            first = keys(old, place)
            assert [one["type"] for one in old["places"]] == ["client_id"]
            assert calls(mulesoft, api, first) == 200
            assert calls(mulesoft, other, first) == 403
            second = keys(await shop.call("POST", f"/credentials/{old['id']}/rotate", {}, 201), place)
            assert [calls(mulesoft, api, one) for one in (first, second)] == [200, 200]
            shop.clock.forward(300)
            await shop.work()
            assert [calls(mulesoft, api, one) for one in (first, second)] == [401, 200]
            await shop.call("POST", f"/subscriptions/{made['id']}/suspend")
            await shop.work()
            assert calls(mulesoft, api, second) == 403
            await shop.call("POST", f"/subscriptions/{made['id']}/cancel")
            await shop.work()
            assert calls(mulesoft, api, second) == 401
            assert await shop.gateways_of(made) == {place: "GONE"}


def keys(issued: dict[str, Any], place: str) -> dict[str, str]:
    """The headers of a call; the client id is no secret, and is told where the credential stands."""
    native = next(one["nativeId"] for one in issued["places"] if one["integrationId"] == place)
    return {"client_id": native, "client_secret": secret_of(issued, place)}


def calls(gateway: Emulated, api: int, headers: dict[str, str]) -> int:
    return httpx2.get(f"{gateway.url}/proxy/{api}/orders", headers=headers, trust_env=False).status_code
