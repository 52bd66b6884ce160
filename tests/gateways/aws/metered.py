"""A real Aforo before an emulated account whose stages ask the authorizer: api in this process, the rest on sockets.

The emulator runs both functions' uploaded code in child processes; nothing of Aforo's is in them but what was uploaded.
"""

import asyncio
import contextlib
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from aforo.accounts import Scope
from aforo.gateway_sdk.artifact import Artifact, Receipt, Wiring
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.registry import gateways
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.emulator import REGION
from aforo.gateways.aws.emulator.app import AwsEmulator
from aforo.gateways.aws.emulator.moto_backend import CUSTOMER_ACCOUNT
from aforo.kit.clock import SystemClock
from tests.customers.shop import customer, plan, subscribe
from tests.live import Aforo, Emulated, aforo, emulated

GEO: Final = "GeocodingAPI/prod"
PAYMENTS: Final = "PaymentsAPI/prod"
WEATHER: Final = "WeatherAPI/prod"
_QUOTA: Final = {"metric": "api_calls", "period": "month", "anchorDay": 1, "timeZone": "UTC"}


class Edge:
    """The edge's own process; it can be stopped and started again at the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = 0
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aforo.app.edge", "--data-dir", str(self._folder), "--port", str(self.port)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self.port = next(int(told["port"]) for line in self._process.stderr if "port" in (told := json.loads(line)))
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.communicate(timeout=30)


def artifact_at(gateway: Emulated, integration_id: str = "int_test") -> Artifact:
    return gateways()["aws"].artifact(connection_at(gateway, integration_id))


def admin_at(gateway: Emulated) -> Aws:
    """The customer's own administrator."""
    return Aws(connection_at(gateway, "admin"))


def connection_at(gateway: Emulated, integration_id: str) -> Connection:
    http = httpx2.AsyncClient(trust_env=False)
    transport = Transport(http, gateway_name="AWS", budget=Budget((), SystemClock()), gate=OpenGate())
    return Connection(integration_id, gateway.sign_in, gateway.settings, transport, SystemClock(), _forget)


async def native_ids(gateway: Emulated) -> dict[str, str]:
    """By ref, as a discovery tells them."""
    connected = gateways()["aws"].connect(connection_at(gateway, "look"))
    try:
        return {one.ref: one.native_id for one in (await connected.discover(quiet)).products}
    finally:
        await connected.aclose()


def emulator_of(gateway: Emulated) -> AwsEmulator:
    app = gateway.board._app
    assert isinstance(app, AwsEmulator)
    return app


@dataclass
class Metered:
    """`http` calls the stages as their consumers do."""

    running: Aforo
    edge: Edge
    gateway: Emulated
    integration_id: str
    products: dict[str, ScopedProduct]
    api_key: str
    http: httpx2.AsyncClient
    artifact: Artifact
    receipt: Receipt | None = None
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def emulator(self) -> AwsEmulator:
        return emulator_of(self.gateway)

    def wiring(self, *refs: str, **members: Any) -> Wiring:
        options = {"enforce": True, **members}
        chosen = tuple(self.products[ref] for ref in refs or (GEO,))
        return Wiring(self.integration_id, self.api_key, f"{self.edge.url}/v1/ingest", chosen, **options)

    async def install(self, *refs: str, **members: Any) -> Wiring:
        """Deploy and attach."""
        wiring = self.wiring(*refs, **members)
        deployed = await self.artifact.deploy(wiring, quiet)
        self.receipt = await self.artifact.attach(wiring, deployed, quiet)
        return wiring

    async def subscriber(self, key: str, units: int, *refs: str, mode: str = "HARD") -> str:
        """A customer on a plan of its own; gives the secret of its API key, which the edge knows."""
        products = [self.products[ref].id for ref in refs or (GEO,)]
        quotas = [{**_QUOTA, "units": str(units), "mode": mode}]
        wanted = {"productIds": products, "quotas": quotas, "rateLimits": []}
        sold = await plan(self.running, key=key, name=key, **wanted)
        buyer = await customer(self.running, f"Buyer of {key}")
        made = await subscribe(self.running, buyer["id"], sold["id"])
        issued = await self.running.call("POST", f"/api/v1/subscriptions/{made['id']}/credentials", {}, 201)
        secret = str(issued["secrets"][0]["secret"])
        self.secrets[secret] = buyer["id"]
        self._without_limits_of_aws()
        assert await eventually(lambda: self.knows(secret, products[0])), "the edge did not hear of the subscription"
        return secret

    def _without_limits_of_aws(self) -> None:
        """The plan's quota as AWS itself keeps it would refuse first, and more coarsely."""
        for row in self.emulator.region(CUSTOMER_ACCOUNT, REGION).kind("usageplans").values():
            row.pop("quota", None)

    async def knows(self, secret: str, product_id: str) -> bool:
        return await edge_knows(self.http, self.edge, self.api_key, self.integration_id, secret, product_id)

    async def call(self, secret: str = "", ref: str = GEO, path: str = "/addresses", **headers: str) -> httpx2.Response:
        place = self.products[ref].native_id.removeprefix("v2:")
        shown = {"x-api-key": secret} if secret else {}
        return await self.http.get(f"{self.gateway.url}/proxy/{place}{path}", headers={**shown, **headers})

    def backend_calls(self, ref: str = GEO) -> int:
        return self.emulator.request_path.backend_calls[self.products[ref].native_id.removeprefix("v2:")]

    def deployments(self, ref: str = GEO) -> dict[str, Any]:
        api = self.products[ref].native_id.partition("/")[0]
        found: dict[str, Any] = self.emulator.region(CUSTOMER_ACCOUNT, REGION).kind("restapis")[api]["deployments"]
        return found

    async def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.running.call("GET", "/v1/events?limit=1000"))["data"]
        return found

    async def metered(self, count: int) -> list[dict[str, Any]]:
        """The events, as soon as there are so many."""

        async def enough() -> bool:
            return len(await self.events()) >= count

        assert await eventually(enough), (await self.events(), self.log())
        return await self.events()

    def log(self) -> str:
        functions = self.emulator.request_path.functions
        return "".join(functions.log(name) for name in functions.invocations)


async def edge_knows(
    http: httpx2.AsyncClient, edge: Edge, api_key: str, integration_id: str, secret: str, product_id: str
) -> bool:
    """Whether the edge has read of this key, and enforces for it."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    credential = {"integrationId": integration_id, "type": "key_sha256", "nativeId": digest}
    asked = {"credential": credential, "product": product_id, "units": 0}
    answer = await http.post(f"{edge.url}/v1/check", json=asked, headers={"Authorization": f"Bearer {api_key}"})
    told = answer.json()
    return bool(told["plan"] and told["enforcement"] == "enforce")


def quiet(*_: object) -> None:
    """Nobody watches the progress."""


async def _forget(name: str, _value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was")


@contextlib.asynccontextmanager
async def metered(folder: Path, size: int = 6) -> AsyncIterator[Metered]:
    """All stages imported and enforced; nothing is deployed yet."""
    with emulated("aws", size) as gateway:
        async with aforo(folder) as running, httpx2.AsyncClient(trust_env=False) as http:
            integration_id = await running.connect(gateway)
            products, native = {}, await native_ids(gateway)
            for one in await running.import_all(integration_id):
                products[one["ref"]] = ScopedProduct(one["id"], one["ref"], native[one["ref"]], one["name"])
                await running.call("PUT", f"/api/v1/products/{one['id']}/enforcement", {"mode": "enforce"})
            scopes = {Scope.USAGE_INGEST, Scope.ENTITLEMENTS_CHECK}
            _, key = await running.rooms.accounts.create_key(running.tenant_id, "aws", scopes)
            edge = Edge(folder / "var")
            artifact = artifact_at(gateway, integration_id)
            try:
                yield Metered(running, edge, gateway, integration_id, products, key, http, artifact)
            finally:
                await artifact.aclose()
                edge.stop()


async def eventually(true: Callable[[], Awaitable[Any]], seconds: float = 10) -> Any:
    """What it gives as soon as that is true; the last thing it gave when the time is over."""
    until = time.monotonic() + seconds
    found = await true()
    while not found and time.monotonic() < until:
        await asyncio.sleep(0.02)
        found = await true()
    return found
