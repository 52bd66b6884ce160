"""Aforo sells through Apigee, over its own API: subscribed, called on the request path, rotated, suspended, revoked."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.provision import Provisioner
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.apigee.provisioner import connect
from aforo.kit.clock import HandClock
from tests.credentials.selling import Selling, secret_of
from tests.customers.shop import stocked
from tests.live import Emulated, aforo, emulated


@contextlib.asynccontextmanager
async def _selling(folder: Path) -> AsyncIterator[tuple[Selling, Emulated]]:
    """The real app and a served emulator on one clock; the provisioner has the values of the connect form."""
    clock = HandClock()
    with emulated("apigee", now=lambda: clock.now().timestamp()) as apigee:
        async with aforo(folder, clock) as running:

            @contextlib.asynccontextmanager
            async def opened(_tenant: str, integration_id: str, _urgent: bool) -> AsyncIterator[Provisioner]:
                http = httpx2.AsyncClient(trust_env=False)
                transport = Transport(http, gateway_name="Apigee", budget=Budget((), clock), gate=OpenGate())
                values = (apigee.sign_in, apigee.settings, transport, clock, _forget)
                provisioner = connect(Connection(integration_id, *values))
                try:
                    yield provisioner
                finally:
                    await provisioner.aclose()

            running.rooms.credentials.driver._provisioners = opened
            yield Selling(running, clock), apigee


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")


async def _subscription(shop: Selling, apigee: Emulated) -> tuple[str, dict[str, Any]]:
    place, _ = await stocked(shop.running, apigee)
    found = await shop.call("GET", f"/products?integrationId={place}&limit=100")
    orders = next(one["id"] for one in found["data"] if one["ref"] == "orders-v1")
    return place, await shop.subscribe([orders])


def opens(gateway: Emulated, secret: str, path: str = "/orders-v1/orders/7") -> int:
    return httpx2.get(f"{gateway.url}/proxy{path}", headers={"x-apikey": secret}, trust_env=False).status_code


async def test_a_customer_is_subscribed_calls_rotates_and_is_revoked(tmp_path: Path) -> None:
    async with _selling(tmp_path) as (shop, apigee):
        place, made = await _subscription(shop, apigee)
        assert await shop.gateways_of(made) == {place: "ACTIVE"}
        old = await shop.issue(made)
        first = secret_of(old, place)
        assert (opens(apigee, first), opens(apigee, first, "/search-v1/search")) == (200, 401)
        new = await shop.call("POST", f"/credentials/{old['id']}/rotate", {}, 201)
        second = secret_of(new, place)
        assert (opens(apigee, first), opens(apigee, second)) == (200, 200)
        shop.clock.forward(300)
        await shop.work()
        assert (opens(apigee, first), opens(apigee, second)) == (401, 200)
        for verb, status in (("suspend", 401), ("reactivate", 200), ("revoke", 401)):
            await shop.call("POST", f"/credentials/{new['id']}/{verb}")
            assert opens(apigee, second) == status


async def test_a_secret_of_aforos_own_making_is_the_key_at_apigee(tmp_path: Path) -> None:
    async with _selling(tmp_path) as (shop, apigee):
        _, made = await _subscription(shop, apigee)
        assert opens(apigee, secret_of(await shop.issue(made, mode="AFORO_PROVIDED"))) == 200
