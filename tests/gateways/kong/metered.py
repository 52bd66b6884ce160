"""A real Aforo before an emulated Kong that runs the plugin: api in this process, edge and Kong over real sockets."""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

import aforo.gateways.kong as room
from aforo.accounts import Scope
from aforo.gateway_sdk.artifact import Artifact, Wiring
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.registry import gateways
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.kong.emulator import KongEmulator
from aforo.kit.clock import SystemClock
from tests.customers.shop import customer, plan, subscribe
from tests.live import Aforo, Emulated, aforo, emulated

PLUGIN_FOLDER: Final = Path(room.__file__).parent / "templates"
PATH: Final = "/proxy/v2/payments"


class Edge:
    """The edge's own process; it can be stopped and started again at the same port."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder = folder
        self.port = port
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
        self._process.terminate()
        self._process.communicate(timeout=30)


@dataclass
class Metered:
    """`kong` calls the gateway as its consumers do, `calls` counts what the edge was asked, by path."""

    running: Aforo
    edge: Edge
    gateway: Emulated
    integration_id: str
    products: dict[str, str]
    api_key: str
    kong: httpx2.AsyncClient
    folder: Path
    issued: dict[str, str] = field(default_factory=dict)
    _native: dict[str, str] = field(default_factory=dict)

    @property
    def emulator(self) -> KongEmulator:
        node = self.gateway.board._app
        assert isinstance(node, KongEmulator)
        return node

    async def admin(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.kong.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def attach(self, product: str = "payments-v2", **config: Any) -> str:
        """By hand, as an operator could, and wait until the plugin hears of changes; gives the plugin's id."""
        whole = {
            "edge_url": self.edge.url,
            "api_key": self.api_key,
            "integration_id": self.integration_id,
            "enforce": True,
            "timeout_ms": 1000,
            **config,
        }
        made = await self.admin("POST", f"/services/{product}/plugins", {"name": "aforo", "config": whole})
        assert await eventually(self.hears), self.log()
        return str(made["id"])

    async def hears(self) -> bool:
        shared = self.emulator.workers.shared["aforo"]
        return any(key.startswith("aforo:S:") for key in shared.keys(0).split())

    async def subscriber(self, key: str, quota: int | None, **terms: Any) -> str:
        """A customer on a plan of its own; gives the secret of its key at Kong."""
        product = self.products["payments-v2"]
        quotas = [] if quota is None else [{**_QUOTA, "units": str(quota)}]
        wanted = {"productIds": [product], "quotas": quotas, "rateLimits": [], **terms}
        sold = await plan(self.running, key=key, name=key, **wanted)
        buyer = await customer(self.running, f"Buyer of {key}")
        made = await subscribe(self.running, buyer["id"], sold["id"])
        issued = await self.running.call("POST", f"/api/v1/subscriptions/{made['id']}/credentials", {}, 201)
        secret = str(issued["secrets"][0]["secret"])
        await self.without_limits_of_kong()
        self.issued[secret] = issued["id"]
        assert await eventually(lambda: self.knows(secret)), "the edge did not hear of the subscription"
        return secret

    async def without_limits_of_kong(self) -> None:
        """The plan's limits as Kong itself keeps them would refuse first, and more coarsely."""
        for row in (await self.admin("GET", "/plugins?size=1000"))["data"]:
            if row["name"] == "rate-limiting":
                await self.admin("DELETE", f"/plugins/{row['id']}")

    async def knows(self, secret: str) -> bool:
        """Whether the edge has read of this key."""
        answer = await self.checked(secret)
        return bool(answer["plan"] and answer["enforcement"] == "enforce")

    async def is_revoked(self, secret: str) -> bool:
        return bool((await self.checked(secret))["reason"] == "credential_revoked")

    async def checked(self, secret: str) -> dict[str, Any]:
        """What the edge says of this key, asked without taking anything."""
        if secret not in self._native:
            self._native[secret] = (await self.admin("GET", f"/key-auths/{secret}"))["id"]
        credential = {"integrationId": self.integration_id, "type": "key_auth", "nativeId": self._native[secret]}
        asked = {"credential": credential, "product": self.products["payments-v2"], "units": 0}
        answer = await self.kong.post(f"{self.edge.url}/v1/check", json=asked, headers=self.bearer)
        told: dict[str, Any] = answer.json()
        return told

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}

    async def call(self, secret: str, path: str = PATH, **headers: str) -> httpx2.Response:
        return await self.kong.get(path, headers={"apikey": secret, **headers})

    def backend_calls(self) -> int:
        return self.emulator.requests.backend_calls.total()

    def artifact(self) -> Artifact:
        clock = SystemClock()
        http = httpx2.AsyncClient(trust_env=False)
        transport = Transport(http, gateway_name="Kong", budget=Budget((), clock), gate=OpenGate())
        at = Connection(self.integration_id, self.gateway.sign_in, self.gateway.settings, transport, clock, _forget)
        return gateways()["kong"].artifact(at)

    async def wiring(self, **members: Any) -> Wiring:
        row = await self.admin("GET", "/services/payments-v2")
        product = ScopedProduct(self.products["payments-v2"], "payments-v2", row["id"], "payments-v2")
        return Wiring(self.integration_id, self.api_key, f"{self.edge.url}/v1/ingest", (product,), **members)

    async def leases(self) -> int:
        """How many leases the edge has granted; it keeps each until its period ends."""
        told = (await self.kong.get(f"{self.edge.url}/metrics")).text
        return int(float(re.search(r'aforo_enforcement_held\{what="leases"\} (\S+)', told)[1]))  # type: ignore[index]

    async def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.running.call("GET", "/v1/events?limit=1000"))["data"]
        return found

    def log(self) -> list[str]:
        return [f"{level}: {message}" for level, message in self.emulator.workers.log.lines]


async def _forget(name: str, _value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was")


_QUOTA: Final = {"metric": "api_calls", "period": "month", "anchorDay": 1, "timeZone": "UTC", "mode": "HARD"}


@contextlib.asynccontextmanager
async def metered(folder: Path, **options: Any) -> AsyncIterator[Metered]:
    """Products imported, `payments-v2` enforced; the plugin is installed at Kong and not attached."""
    spool = folder / "kong"
    spool.mkdir()
    own: dict[str, Any] = {"plugin_folders": [PLUGIN_FOLDER], "prefix": spool, "shared": {"aforo": 2**20}}
    with emulated("kong", **own | options) as gateway:
        async with aforo(folder) as running, httpx2.AsyncClient(base_url=gateway.url, trust_env=False) as kong:
            integration_id = await running.connect(gateway)
            products = {one["ref"]: one["id"] for one in await running.import_all(integration_id)}
            await running.call("PUT", f"/api/v1/products/{products['payments-v2']}/enforcement", {"mode": "enforce"})
            scopes = {Scope.USAGE_INGEST, Scope.ENTITLEMENTS_CHECK}
            _, key = await running.rooms.accounts.create_key(running.tenant_id, "kong", scopes)
            edge = Edge(folder / "var")
            try:
                yield Metered(running, edge, gateway, integration_id, products, key, kong, spool)
            finally:
                edge.stop()


async def eventually(true: Callable[[], Awaitable[Any]], seconds: float = 10) -> Any:
    """What it gives as soon as that is true; the last thing it gave when the time is over."""
    until = time.monotonic() + seconds
    found = await true()
    while not found and time.monotonic() < until:
        await asyncio.sleep(0.02)
        found = await true()
    return found
