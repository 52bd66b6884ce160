"""What the tests of Azure's artifact share: an emulated service whose policies ask a real edge, and Aforo's records."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx2

from aforo.gateway_sdk.artifact import Artifact, Receipt, Wiring
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.emulator import StateFile, Switchboard
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.azure import artifact, emulator
from aforo.gateways.azure.emulator.app import AzureEmulator
from aforo.kit.clock import HandClock
from tests.enforcement.parts import KEY, Edge, Shop, edge
from tests.gateways.azure.azure_parts import ORIGIN, call

PRIMARY, SECONDARY, STRANGER = "primary-key", "secondary-key", "key-of-nobody-in-aforo"
EDGE_URL: Final = "http://edge.test"


class Way(httpx2.AsyncBaseTransport):
    """From the gateway to the edge in this process. `is_down`: nothing answers; `asked` is what was sent."""

    def __init__(self) -> None:
        self.to: httpx2.AsyncBaseTransport | None = None
        self.is_down = False
        self.asked: list[tuple[str, Any]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append((request.url.path, json.loads(await request.aread())))
        if self.is_down or self.to is None:
            raise httpx2.ConnectError("nothing listens there")
        return await self.to.handle_async_request(request)

    def events(self) -> list[Any]:
        return [body for path, body in self.asked if path == "/v1/ingest"]


@dataclass
class Enforced:
    """The API Orders at an emulated service, a customer with two keys for it, and a plan of five calls."""

    app: AzureEmulator
    board: Switchboard
    edge: Edge
    shop: Shop
    way: Way
    wiring: Wiring
    customer: str
    clock: HandClock
    receipt: Receipt = field(default_factory=lambda: Receipt("", ()))

    def artifact(self) -> Artifact:
        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(self.board))
        transport = Transport(http, gateway_name="Azure", budget=Budget((), self.clock), gate=OpenGate())
        settings = emulator.sample_connection(ORIGIN)[1]
        return artifact.connect(Connection("int_1", "service_principal", settings, transport, self.clock, _forget))

    async def install(self, **changed: Any) -> None:
        self.wiring = replace(self.wiring, **changed)
        opened = self.artifact()
        deployed = await opened.deploy(self.wiring, quiet)
        self.receipt = await opened.attach(self.wiring, replace(deployed, before=self.receipt.before), quiet)

    async def detach(self) -> None:
        await self.artifact().detach(self.wiring, self.receipt)

    async def ask(self, path: str = "orders/7", key: str = PRIMARY, method: str = "GET", **headers: str) -> Any:
        """A consumer's call, and all that came of it."""
        told = {"Ocp-Apim-Subscription-Key": key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self.board), base_url=ORIGIN) as http:
            answer = await http.request(method, f"/proxy/{path}", headers={k: v for k, v in told.items() if v})
        await self.app.proxying.settled()
        return answer

    def hand(self, method: str, path: str, properties: dict[str, Any] | None = None) -> Any:
        """Somebody else's call of the management API, which is taken."""
        answer = call(self.app, method, path, properties, if_match=None if method in ("GET", "POST", "PUT") else "*")
        assert answer.status < 300, answer.body
        return answer.body

    def policy(self, path: str) -> str | None:
        answer = call(self.app, "GET", f"{path}/policies/policy", format="rawxml")
        return str(answer.body["properties"]["value"]) if answer.status == 200 else None

    def resources(self) -> dict[str, Any]:
        """Everything at the service, without ETags."""
        rows = self.app.store._data["resources"].items()
        return {path: {**row, "etag": ""} for path, row in rows}

    @property
    def reached(self) -> int:
        return int(self.app.proxying.backend_calls.total())

    async def used(self) -> int:
        """By the counter, once the edge has read every event and looked at what is over."""
        await self.edge.open.caught_up()
        await self.edge.open.room.tick()
        return await self.edge.used(self.customer)


@asynccontextmanager
async def enforced(folder: Path, *, units: int = 5, mode: str = "HARD", **wiring: Any) -> AsyncIterator[Enforced]:
    """Deployed and attached, unless `install=False`."""
    install = wiring.pop("install", True)
    clock, way, state = HandClock(), Way(), StateFile()
    emulator.seed(state, 3)
    http = httpx2.AsyncClient(transport=way)
    app = emulator.create(state, clock=clock, polls=0, http=http)
    shop = Shop(folder)
    product = shop.product(ref="Orders")
    quota = {
        "metric": "api_calls",
        "units": str(units),
        "period": "month",
        "anchorDay": 1,
        "timeZone": "UTC",
        "mode": mode,
    }
    customer, subscription = shop.customer_on(shop.plan(product, key="pro", quotas=[quota]))
    for slot in ("", "/secondary"):
        shop.credential(f"aforo-{subscription}{slot}", subscription, type_="subscription")
    async with edge(folder, clock) as running:
        way.to = running.http._transport
        there = Enforced(
            app, Switchboard(app), running, shop, way,
            Wiring("int_1", KEY, f"{EDGE_URL}/v1/ingest", (ScopedProduct(product, "Orders", "orders", "Orders"),),
                   enforce=True, **wiring),
            customer, clock,
        )  # fmt: skip
        told = {"scope": "/products/orders", "ownerId": "/users/ada", "state": "active"}
        keys = {"primaryKey": PRIMARY, "secondaryKey": SECONDARY}
        there.hand("PUT", f"subscriptions/aforo-{subscription}", {**told, **keys, "displayName": "Acme"})
        stranger = {"primaryKey": STRANGER, "secondaryKey": "other", "displayName": "Stranger"}
        there.hand("PUT", "subscriptions/stranger", {**told, **stranger})
        if install:
            await there.install()
        yield there
    await http.aclose()


def quiet(done: int, total: int | None, what: str) -> None:
    assert done >= 0
    assert total is None or total >= done
    assert what


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
