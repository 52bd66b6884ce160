"""A real Aforo, its real edge, and emulated Apigee on sockets of this machine, joined by the artifact."""

import asyncio
import contextlib
import itertools
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx2
import uvicorn

from aforo.app.api import create as api
from aforo.gateway_sdk.artifact import Artifact, Receipt, Wiring
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.emulator import AsgiApp, Receive, Send, StateFile, Switchboard, answer_json
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.apigee import artifact
from aforo.gateways.apigee.emulator import FIXED_TOKEN, ORGANIZATION, ApigeeEmulator, create, seed
from aforo.gateways.apigee.mapping.marks import key_id
from aforo.kit.clock import HandClock
from tests.app.test_forward import edge_over
from tests.customers.shop import customer, plan, subscribe
from tests.gateways.apigee.apigee_parts import quiet
from tests.live import Aforo, Emulated, aforo

SOLD: Final = ("orders-v1", "payments-v1")
_numbers = itertools.count(1)
App = TypeVar("App", bound=AsgiApp)


class Shifted:
    """The machine's time, moved on by hand: caches of the emulator expire, events stay believable."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Buyer:
    """A subscription with a key at Apigee."""

    customer_id: str
    plan: str
    secret: str
    subscription_id: str


@dataclass
class Metered:
    running: Aforo
    emulator: ApigeeEmulator
    url: str
    edge_url: str
    integration_id: str
    products: tuple[ScopedProduct, ...]
    api_key: str
    now: Shifted
    http: httpx2.AsyncClient
    shared: Buyer | None = None
    receipt: Receipt | None = None

    @property
    def proxying(self) -> Any:
        return self.emulator.proxying

    def artifact(self) -> Artifact:
        clock = HandClock()
        transport = Transport(self.http, gateway_name="Apigee", budget=Budget((), clock), gate=OpenGate())
        settings = {"organization": ORGANIZATION, "access_token": FIXED_TOKEN, "api_url": self.url}
        given = Connection(self.integration_id, "access_token", settings, transport, clock, _forget)
        return artifact.connect(given)

    def wiring(self, **members: Any) -> Wiring:
        """`edge_url`: another address than the edge's own."""
        address = f"{members.pop('edge_url', self.edge_url)}/v1/ingest"
        told: dict[str, Any] = {"products": self.products, "targets": ("prod",), "enforce": True} | members
        return Wiring(self.integration_id, self.api_key, address, **told)

    @contextlib.asynccontextmanager
    async def attached(self, **members: Any) -> AsyncIterator[Artifact]:
        """On the hooks of `prod` with this wiring; it stays there for the next test, until `release`."""
        ours, wiring = self.artifact(), self.wiring(**members)
        if self.receipt is None:
            self.receipt = await ours.attach(wiring, await ours.deploy(wiring, quiet), quiet)
        else:
            await ours.set_mode(wiring, ("prod",))
        self.forget()
        try:
            yield ours
        finally:
            await self.proxying.settled()

    async def release(self) -> None:
        if self.receipt is not None:
            await self.artifact().detach(self.wiring(), self.receipt)
            self.receipt = None

    def forget(self) -> None:
        """As if the gateway's caches had just been emptied; backends start to count anew."""
        self.proxying._around.cached.clear()
        self.proxying.backend_calls.clear()
        self.proxying.backend_status.clear()
        self.proxying.open_proxies.clear()

    async def buyer(
        self, units: int = 1000, product: str = SOLD[0], mode: str = "HARD", settled: bool = True, **members: Any
    ) -> Buyer:
        """A customer on a plan of its own, whose key, if `settled`, the edge knows."""
        key = f"plan-{next(_numbers)}"
        quota = {"metric": "api_calls", "units": str(units), "period": "month", "anchorDay": 1, "timeZone": "UTC"}
        ids = [one.id for one in self.products if one.native_id == product]
        told: dict[str, Any] = {"rateLimits": [], "quotas": [{**quota, "mode": mode}], **members}
        sold = await plan(self.running, key=key, productIds=ids, **told)
        person = await customer(self.running, f"Buyer of {key}")
        made = await subscribe(self.running, person["id"], sold["id"])
        issued = await self.running.call("POST", f"/api/v1/subscriptions/{made['id']}/credentials", {}, 201)
        buyer = Buyer(person["id"], key, str(issued["secrets"][0]["secret"]), made["id"])
        if settled:
            await self.until(lambda: self._knows(buyer))
        return buyer

    async def anyone(self) -> Buyer:
        """Always the same, for tests that neither use up a quota nor count events."""
        self.shared = self.shared or await self.buyer()
        return self.shared

    async def call(
        self, secret: str | None, path: str = "/orders-v1/orders", method: str = "GET", **headers: str
    ) -> Any:
        """A consumer's call; what was sent to Aforo behind its back has arrived when this returns."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if secret is not None:
            sent["Authorization"] = f"Bearer {secret}"
        answer = await self.http.request(method, f"{self.url}/proxy{path}", headers=sent)
        await self.proxying.settled()
        return answer

    async def events(self, customer_id: str) -> list[Any]:
        """All of a customer's events, as soon as the edge's 202 makes them visible."""
        found = await self.running.call("GET", f"/v1/events?customer_id={customer_id}&limit=100")
        return list(found["data"])

    async def until(self, true: Any, seconds: float = 20) -> None:
        """The edge looks for news twice a second."""
        ends = time.monotonic() + seconds
        while not await true():
            assert time.monotonic() < ends, "it did not become so in time"
            await asyncio.sleep(0.05)

    async def check(self, secret: str, units: int = 0, product: str = SOLD[0]) -> dict[str, Any]:
        credential = {"integrationId": self.integration_id, "type": "apigee_key", "nativeId": key_id(secret)}
        body = {"credential": credential, "units": units, "product": product}
        answer = await self.http.post(
            f"{self.edge_url}/v1/check", json=body, headers={"Authorization": f"Bearer {self.api_key}"}
        )
        return dict(answer.json())

    @contextlib.asynccontextmanager
    async def as_tenant(self, admin_key: str) -> "AsyncIterator[tuple[Metered, str]]":
        """The same gateway connected by another tenant, and the api on a socket."""
        async with served(api(self.running.rooms)) as (url, _):
            headers = {"Authorization": f"Bearer {admin_key}"}
            async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as http:
                mine = replace(self, running=replace(self.running, http=http, admin_key=admin_key))
                settings = {"organization": ORGANIZATION, "access_token": FIXED_TOKEN, "api_url": self.url}
                board = Switchboard(self.emulator)
                await mine.running.connect(Emulated("apigee", self.url, board, "access_token", settings))
                integrations = await mine.running.call("GET", "/api/v1/integrations")
                rows = await mine.running.import_all(str(integrations["data"][0]["id"]))
                sold = tuple(ScopedProduct(row["id"], row["ref"], row["ref"], row["name"]) for row in rows)
                yield replace(mine, products=sold), url

    async def enforces(self, buyer: Buyer, mode: str) -> bool:
        return bool((await self.check(buyer.secret))["enforcement"] == mode)

    async def manage(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """Somebody else's call of the management API."""
        headers = {"Authorization": f"Bearer {FIXED_TOKEN}"}
        if "?action=" in path:
            headers["Content-Type"] = "application/octet-stream"
        url = f"{self.url}/v1/organizations/{ORGANIZATION}{path}"
        answer = await self.http.request(method, url, json=body, headers=headers, **more)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def _knows(self, buyer: Buyer) -> bool:
        return bool((await self.check(buyer.secret)).get("customerId") == buyer.customer_id)


class Shell:
    """Runs commands of a page with these variables, from the checkout, on the data folder of a running Aforo."""

    def __init__(self, gateway: Metered, folder: Path) -> None:
        self._root = Path(__file__).resolve().parents[3]
        self._folder = folder
        self.told = {
            "ORG": f"{gateway.url}/v1/organizations/{ORGANIZATION}", "TOKEN": FIXED_TOKEN, "ENVIRONMENT": "prod",
            "INGEST": f"{gateway.edge_url}/v1/ingest",
        }  # fmt: skip
        (folder / "var").symlink_to(gateway.running.rooms.settings.data_dir)
        (folder / "src").symlink_to(self._root / "src")

    async def run(self, commands: str) -> str:
        paths = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(self._root / "src")}
        process = await asyncio.create_subprocess_exec(
            "bash", "-euc", commands, env=paths | self.told, cwd=self._folder,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert err == b""
        return out.decode()

    async def until(self, commands: str, told: str) -> str:
        """Again until the answer tells this."""
        ends = time.monotonic() + 20
        while told not in (answer := await self.run(commands)).lower():
            assert time.monotonic() < ends, answer
            await asyncio.sleep(0.2)
        return answer


@contextlib.asynccontextmanager
async def metered(folder: Path) -> AsyncIterator[Metered]:
    async with aforo(folder) as prepared:
        data_dir = prepared.rooms.settings.data_dir
    now, state = Shifted(), StateFile()
    seed(state, 3)
    emulator = create(state, now=now, looks_until_ready=0)
    with edge_over(data_dir, "") as port:
        async with aforo(folder, edge_port=port) as running, served(Switchboard(emulator)) as (url, board):
            settings = {"organization": ORGANIZATION, "access_token": FIXED_TOKEN, "api_url": url}
            integration_id = await running.connect(Emulated("apigee", url, board, "access_token", settings))
            rows = await running.import_all(integration_id)
            sold = tuple(
                ScopedProduct(row["id"], row["ref"], row["ref"], row["name"]) for row in rows if row["ref"] in SOLD
            )
            for one in sold:
                await running.call("PUT", f"/api/v1/products/{one.id}/enforcement", {"mode": "enforce"})
            wish = {"name": "artifact", "scopes": ["usage:ingest", "entitlements:check"]}
            key = await running.call("POST", "/api/v1/api-keys", wish, 201)
            async with httpx2.AsyncClient(trust_env=False) as http:
                edge_url, secret = f"http://127.0.0.1:{port}", str(key["secret"])
                yield Metered(running, emulator, url, edge_url, integration_id, sold, secret, now, http)
                await emulator.proxying.aclose()


@contextlib.asynccontextmanager
async def deciding(decision: dict[str, Any]) -> AsyncIterator[str]:
    """An address that decides so whatever it is asked, and takes all events."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await answer_json(send, 200 if scope["path"] == "/v1/check" else 202, decision)

    async with served(app) as (url, _):
        yield url


@contextlib.asynccontextmanager
async def served(board: App) -> AsyncIterator[tuple[str, App]]:
    """On a socket, in this loop: so a test can wait for what the emulator does in the background."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(board, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110  uvicorn tells it by this flag alone
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", board
    finally:
        server.should_exit = True
        await task


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
