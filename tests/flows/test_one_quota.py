"""One HARD quota across unlike gateways: whatever way the calls come, the backends count exactly what was sold."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from aforo.accounts import Scope
from aforo.gateway_sdk.artifact import Wiring
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.registry import gateways
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.aws.emulator import REGION
from aforo.gateways.aws.emulator.moto_backend import CUSTOMER_ACCOUNT
from aforo.gateways.azure.emulator.rules import policies
from aforo.kit.clock import SystemClock
from tests.customers.shop import customer, plan, subscribe
from tests.gateways.kong.metered import PLUGIN_FOLDER, Edge, eventually
from tests.live import Aforo, Emulated, aforo, emulated

pytestmark = pytest.mark.conformance
SOLD: Final = {"kong": "payments-v2", "apigee": "orders-v1", "azure": "", "aws": "GeocodingAPI/prod"}
"""The product that is sold at each; the first one where there is no name."""

KEY_FROM: Final = ("header:x-apikey", "header:x-api-key", "bearer")
"""Where the emulated Apigee's own proxies and AWS look for a key; at the other gateways their own ways apply."""


@dataclass
class Way:
    """A gateway as a consumer reaches it."""

    gateway: Emulated
    integration_id: str
    product: ScopedProduct
    path: str = ""
    header: str = ""
    secret: str = ""
    customer_id: str = ""
    api_key: str = ""
    passed: int = 0
    refused: int = 0

    async def call(self, http: httpx2.AsyncClient) -> bool:
        answer = await http.get(f"{self.gateway.url}/proxy{self.path}", headers={self.header: self.secret})
        assert answer.status_code in (200, 429), answer.text
        self.passed += answer.status_code == 200
        self.refused += answer.status_code == 429
        return bool(answer.status_code == 200)

    def reached(self) -> int:
        """How many calls the backends behind this gateway have seen."""
        there: Any = self.gateway.board._app
        counted = {"kong": "requests", "aws": "request_path"}.get(self.gateway.gateway, "proxying")
        return int(getattr(there, counted).backend_calls.total())


def limited_to(units: int) -> dict[str, Any]:
    """Terms with a HARD quota and nothing else that could refuse."""
    quota = {"metric": "api_calls", "units": str(units), "period": "month", "mode": "HARD"}
    return {"quotas": [quota], "rateLimits": []}


@contextlib.asynccontextmanager
async def ways(folder: Path, running: Aforo, edge: Edge, terms: dict[str, Any]) -> AsyncIterator[list[Way]]:
    """Four connected gateways that enforce, and one subscription with a key at each."""
    (folder / "kong").mkdir()
    kong = {"plugin_folders": [PLUGIN_FOLDER], "prefix": folder / "kong", "shared": {"aforo": 2**20}}
    with contextlib.ExitStack() as stack:
        found = [
            stack.enter_context(emulated("kong", **kong)),  # type: ignore[arg-type]
            stack.enter_context(emulated("apigee", looks_until_ready=0)),
            stack.enter_context(emulated("azure", products=2, polls=0)),
            stack.enter_context(emulated("aws", 6)),
        ]
        made = [await _connected(running, gateway) for gateway in found]
        sold = await plan(running, productIds=[way.product.id for way in made], **terms)
        buyer = await customer(running)
        subscription = await subscribe(running, buyer["id"], sold["id"])
        issued = await running.call("POST", f"/api/v1/subscriptions/{subscription['id']}/credentials", {}, 201)
        secrets = {one["integrationId"]: one["secret"] for one in issued["secrets"]}
        for way in made:
            way.secret, way.customer_id = secrets[way.integration_id], buyer["id"]
            await _enforced(running, edge, way)
        yield made


async def _connected(running: Aforo, gateway: Emulated) -> Way:
    integration_id = await running.connect(gateway, gateway.gateway)
    rows = await running.import_all(integration_id)
    wanted = SOLD[gateway.gateway]
    row = next(one for one in rows if one["ref"] == wanted or not wanted)
    kept = await running.rooms.catalog.product(running.tenant_id, row["id"])
    found = ScopedProduct(kept.id, kept.ref, kept.native_id, kept.name)
    path, header = {
        "kong": ("/v2/payments", "apikey"),
        "apigee": (f"/{row['ref']}/orders", "x-apikey"),
        "azure": (f"/{found.native_id}/{found.native_id}", "Ocp-Apim-Subscription-Key"),
        "aws": (f"/{found.native_id}/addresses", "x-api-key"),
    }[gateway.gateway]
    return Way(gateway, integration_id, found, path, header)


async def _enforced(running: Aforo, edge: Edge, way: Way) -> None:
    scopes = {Scope.USAGE_INGEST, Scope.ENTITLEMENTS_CHECK}
    _, way.api_key = await running.rooms.accounts.create_key(running.tenant_id, way.gateway.gateway, scopes)
    await running.call("PUT", f"/api/v1/products/{way.product.id}/enforcement", {"mode": "enforce"})
    clock = SystemClock()
    transport = Transport(
        httpx2.AsyncClient(trust_env=False), gateway_name=way.gateway.gateway, budget=Budget((), clock), gate=OpenGate()
    )
    at = Connection(way.integration_id, way.gateway.sign_in, way.gateway.settings, transport, clock, _forget)
    artifact = gateways()[way.gateway.gateway].artifact(at)
    options = {"refused_status": "429"} if way.gateway.gateway == "aws" else {}
    wiring = Wiring(
        way.integration_id, way.api_key, f"{edge.url}/v1/ingest", (way.product,), key_from=KEY_FROM, enforce=True,
        options=options,
    )  # fmt: skip
    await artifact.attach(wiring, await artifact.deploy(wiring, _quiet), _quiet)
    await artifact.aclose()


async def _without_limits_of_their_own(kong: Way, azure: Way, aws: Way) -> None:
    """The plan's own limits at the gateways, and those of what was there before, would refuse first."""
    there: Any = aws.gateway.board._app
    for row in there.region(CUSTOMER_ACCOUNT, REGION).kind("usageplans").values():
        row.pop("quota", None)
    there = azure.gateway.board._app
    for policy in policies(there.store):
        policy["properties"]["value"] = re.sub(r'calls="\d+"', 'calls="1000000"', policy["properties"]["value"])
    async with httpx2.AsyncClient(base_url=kong.gateway.url, trust_env=False) as admin:
        for row in (await admin.get("/plugins?size=1000")).json()["data"]:
            if row["name"] == "rate-limiting":
                await admin.delete(f"/plugins/{row['id']}")


@pytest.mark.parametrize("units", [90, pytest.param(1_000, marks=pytest.mark.long)])
async def test_four_gateways_let_through_exactly_what_was_sold(tmp_path: Path, units: int) -> None:
    async with aforo(tmp_path) as running:
        edge = Edge(tmp_path / "var")
        try:
            async with (
                ways(tmp_path, running, edge, limited_to(units)) as all_ways,
                httpx2.AsyncClient(trust_env=False, timeout=30) as http,
            ):
                await _without_limits_of_their_own(all_ways[0], *all_ways[2:])
                for way in all_ways:
                    assert await eventually(partial(_knows, edge, http, way)), way.gateway.gateway

                async def all_sold() -> bool:
                    await asyncio.gather(*(way.call(http) for way in all_ways))
                    return sum(way.passed for way in all_ways) >= units

                assert await eventually(all_sold, 90), [(way.passed, way.refused) for way in all_ways]
                assert not any(await asyncio.gather(*(way.call(http) for way in all_ways)))
                assert sum(way.passed for way in all_ways) == units
                assert sum(way.reached() for way in all_ways) == units
                for way in all_ways:
                    assert way.passed >= units // 6, way
                    assert way.refused >= 1, way
        finally:
            edge.stop()


@pytest.mark.long
async def test_a_customer_who_costs_more_than_it_pays_is_blocked_at_every_gateway(tmp_path: Path) -> None:
    """A fee of 0.30 and 0.004 a call pay for 50 calls at 0.01; the guard blocks below no margin at all."""
    fee = {"model": "flat", "name": "Base fee", "amount": "0.30"}
    price = {"metric": "api_calls", "model": "per_unit", "unitPrice": "0.004"}
    unprofitable = {"quotas": [], "rateLimits": [], "rateCard": [fee, price]}
    cost = {"scope": {"metric": "api_calls"}, "unitCost": "0.01", "currency": "EUR"}
    guard = {"scope": {"kind": "TENANT"}, "mode": "enforce", "floors": {"L3": "0.00"}}
    async with aforo(tmp_path) as running:
        await running.call("POST", "/api/v1/cost-rules", cost, 201)
        await running.call("POST", "/api/v1/margin-guards", guard, 201)
        edge = Edge(tmp_path / "var")
        try:
            async with (
                ways(tmp_path, running, edge, unprofitable) as all_ways,
                httpx2.AsyncClient(trust_env=False, timeout=30) as http,
            ):
                await _without_limits_of_their_own(all_ways[0], *all_ways[2:])
                for way in all_ways:
                    assert await eventually(partial(_knows, edge, http, way)), way.gateway.gateway

                async def all_blocked() -> bool:
                    before = sum(way.passed for way in all_ways)
                    await asyncio.gather(*(way.call(http) for way in all_ways))
                    return sum(way.passed for way in all_ways) == before >= 50

                assert await eventually(all_blocked, 90), [(way.passed, way.refused) for way in all_ways]
                assert sum(way.passed for way in all_ways) == 50
                assert sum(way.reached() for way in all_ways) == 50
                for way in all_ways:
                    assert way.passed >= 1, way
                    assert way.refused >= 1, way
        finally:
            edge.stop()


async def _knows(edge: Edge, http: httpx2.AsyncClient, way: Way) -> bool:
    """Asked without taking anything: the edge looks for news twice a second."""
    asked = {"customerId": way.customer_id, "product": way.product.id, "units": 0}
    answer = await http.post(f"{edge.url}/v1/check", json=asked, headers={"Authorization": f"Bearer {way.api_key}"})
    told: dict[str, Any] = answer.json()
    return bool(told.get("allowed") and told["plan"] and told["enforcement"] == "enforce")


def _quiet(done: int, about: int | None, what: str) -> None:
    del done, about, what


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")


@pytest.mark.long
async def test_attaching_and_enforcing_is_drift_at_no_gateway(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        edge = Edge(tmp_path / "var")
        try:
            async with ways(tmp_path, running, edge, limited_to(10)) as all_ways:
                for way in all_ways:
                    plan = await running.preview(way.integration_id)
                    assert plan["summary"]["UNCHANGED"] == len(plan["changes"]), way.gateway.gateway
        finally:
            edge.stop()
