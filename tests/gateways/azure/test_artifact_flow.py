"""A product sold through Aforo and enforced at an emulated API Management, from the plan to the event."""

from pathlib import Path
from typing import Any

import httpx2

from aforo.accounts import Scope
from aforo.app.edge.enforcement import CREDENTIALS
from aforo.gateway_sdk.artifact import Wiring
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.registry import gateways
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.kit.clock import HandClock
from tests.credentials.selling import Selling, secret_of
from tests.customers.shop import customer, plan, stocked, subscribe
from tests.enforcement.parts import edge
from tests.flows.hands import AzureHand
from tests.gateways.azure.artifact_parts import EDGE_URL, Way, quiet
from tests.live import aforo, emulated

TWO = {"metric": "api_calls", "units": "2", "period": "month", "anchorDay": 1, "timeZone": "UTC", "mode": "HARD"}


async def test_a_sold_key_passes_as_often_as_its_plan_says_and_each_call_is_told(tmp_path: Path) -> None:
    clock, way = HandClock(), Way()
    http = httpx2.AsyncClient(transport=way)
    with emulated("azure", products=2, polls=0, clock=clock, http=http) as azure:
        async with aforo(tmp_path, clock) as running:
            shop = Selling(running, clock)
            place, _ = await stocked(running, azure)
            row = (await shop.call("GET", f"/products?integrationId={place}"))["data"][0]
            native = AzureHand(azure).native(row)
            sold = await plan(running, key="pro", productIds=[row["id"]], quotas=[TWO], rateLimits=[])
            buyer = await customer(running, "Acme")
            made = await subscribe(running, buyer["id"], sold["id"])
            key = secret_of(await shop.issue(made), place)
            await shop.call("PUT", f"/products/{row['id']}/enforcement", {"mode": "enforce"})
            api_key = (
                await running.rooms.accounts.create_key(
                    running.tenant_id, "gateway", {Scope.USAGE_INGEST, Scope.ENTITLEMENTS_CHECK}
                )
            )[1]
            wiring = Wiring(
                place, api_key, f"{EDGE_URL}/v1/ingest", (ScopedProduct(row["id"], row["ref"], native, row["name"]),),
                enforce=True,
            )  # fmt: skip
            transport = Transport(
                httpx2.AsyncClient(trust_env=False), gateway_name="Azure", budget=Budget((), clock), gate=OpenGate()
            )
            artifact = gateways()["azure"].artifact(
                Connection(place, azure.sign_in, azure.settings, transport, clock, _forget)
            )
            receipt = await artifact.attach(wiring, await artifact.deploy(wiring, quiet), quiet)
            async with edge(tmp_path / "var", clock, credentials=CREDENTIALS) as open_edge:
                way.to = open_edge.http._transport
                consumer = httpx2.AsyncClient(transport=httpx2.ASGITransport(azure.board), base_url=azure.url)
                headers = {"Ocp-Apim-Subscription-Key": key}
                answers = [await consumer.get(f"/proxy/{native}/{native}", headers=headers) for _ in range(3)]
                service: Any = azure.board._app
                await service.proxying.settled()
                assert [one.status_code for one in answers] == [200, 200, 429]
                assert [one.headers.get("x-aforo-remaining") for one in answers[:2]] == ["1", "0"]
                told = way.events()
                assert [one["customerId"] for one in told] == [buyer["id"]] * 2
                assert [one["credential"]["nativeId"] for one in told] == [f"aforo-{made['id']}"] * 2
            changes = (await running.preview(place))["changes"]
            assert {one["status"] for one in changes} == {"UNCHANGED"}, "that Aforo is attached is no drift"
            await artifact.detach(wiring, receipt)
            await artifact.aclose()
            await consumer.aclose()
    await http.aclose()


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
