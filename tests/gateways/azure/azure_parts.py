"""Real parts for Azure's tests: the connector and its transport onto the emulator in this process."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Check, Connection, Gateway, Product, Step
from aforo.gateway_sdk.emulator import Fault, StateFile, Switchboard
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.azure import emulator
from aforo.gateways.azure.connector import connect
from aforo.gateways.azure.emulator import rules
from aforo.gateways.azure.emulator.app import BASE, AzureEmulator
from aforo.gateways.azure.emulator.sign_in import ACCESS_TOKEN
from aforo.gateways.azure.emulator.wire import API_VERSION, Answer, Call
from aforo.gateways.azure.manifest import MANIFEST
from aforo.kit.clock import HandClock

ORIGIN = "http://azure.emulator"


def call(
    app: AzureEmulator,
    method: str,
    path: str,
    properties: Mapping[str, Any] | None = None,
    *,
    if_match: str | None = None,
    **query: str,
) -> Answer:
    """One call as the owner, past HTTP; `path` is below the service."""
    headers = {"authorization": f"Bearer {ACCESS_TOKEN}"} | ({"if-match": if_match} if if_match else {})
    body = b"" if properties is None else json.dumps({"properties": properties}).encode()
    whole = BASE + (f"/{path}" if path else "")
    return app.answer(Call(method, whole, {"api-version": API_VERSION, **query}, headers, body or b"{}", ORIGIN))


@dataclass
class Azure:
    """An emulated service, a connected gateway, and somebody else's hand."""

    app: AzureEmulator
    board: Switchboard
    clock: HandClock
    settings: dict[str, str]
    budget: Budget = field(init=False)
    gateway: Gateway = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget((), self.clock)
        self.gateway = self.connected()

    def connected(self, sign_in: str = "service_principal", app: Any = None, **settings: str) -> Gateway:
        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app or self.board))
        told = {**self.settings, **settings}
        secrets = [told["client_secret"], told.get("access_token", "")]
        transport = Transport(http, gateway_name="Azure", budget=self.budget, gate=OpenGate(), secrets=secrets)
        return connect(Connection("intg-1", sign_in, told, transport, self.clock, _forget))

    def hand(self, method: str, path: str, properties: Mapping[str, Any] | None = None, **query: str) -> Answer:
        """An edit by somebody else, to the end of what it began; must be taken."""
        answer = call(self.app, method, path, properties, if_match="*", **query)
        assert answer.status < 300, answer.body
        self.put_through()
        return answer

    def put(self, path: str, properties: Mapping[str, Any] | None = None) -> None:
        """A whole resource written by somebody else, to the end of what it began."""
        answer = call(self.app, "PUT", path, properties)
        assert answer.status < 300, answer.body
        self.put_through()

    def put_away(self, path: str) -> None:
        """Deleted by somebody else, with the policies that stand in the way."""
        for policy in rules.policies(self.app.store):
            if f"{{{{{path.rpartition('/')[2]}}}}}" in policy["properties"]["value"]:
                self.hand("DELETE", "/".join(policy["path"]))
        self.hand("DELETE", path)
        self.put_through()

    def put_through(self) -> None:
        """Let every operation under way end."""
        operations = self.app.store.operations
        while under_way := [name for name, one in operations.items() if one["status"] == "InProgress"]:
            for name in under_way:
                self.app.operations.status(name, Call("GET", "", {}, {}, b"", ORIGIN))

    def between(self, path: str) -> None:
        """Somebody saves the resource between the connector's next read of it and its write."""
        self.board.faults.append(saved_meanwhile(self.app, path))

    async def product(self, ref: str) -> Product:
        found = await self.gateway.discover(quiet)
        assert not found.problems, found.problems
        return next(product for product in found.products if product.ref == ref)

    async def live(self, recorded: Product) -> Product:
        found = await self.gateway.read(recorded)
        assert found is not None
        return found

    async def drift(self, recorded: Product) -> list[str]:
        live = await self.live(recorded)
        return [change.path for change in compare(recorded, live, MANIFEST.kinds).changes]

    async def restore(self, recorded: Product, remove: frozenset[str] = frozenset()) -> list[str]:
        """What a restore does, as the catalog would plan it; the titles of the steps done."""
        live = await self.gateway.read(recorded)
        steps = plan_restore(recorded, live, MANIFEST.kinds, remove=remove).steps
        done: list[Step] = []
        await self.gateway.apply(recorded, live, steps, done.append)
        return [step.title for step in done]

    async def lines(self, gateway: Gateway | None = None) -> dict[str, Check]:
        return {check.name: check async for check in (gateway or self.gateway).check()}


@asynccontextmanager
async def azure(products: int = 4, **options: Any) -> AsyncIterator[Azure]:
    """A seeded service on a hand-moved clock."""
    state, clock = StateFile(), HandClock()
    emulator.seed(state, products)
    app = emulator.create(state, clock=clock, **options)
    _, settings = emulator.sample_connection(ORIGIN)
    running = Azure(app, Switchboard(app), clock, settings)
    yield running
    await running.gateway.aclose()


@dataclass(slots=True)
class _SavedMeanwhile(Fault):
    """Never fails a call; saves the resource again as it is when its write comes, which gives it another ETag."""

    app: Any = None

    def matches(self, method: str, path: str) -> bool:
        if method in ("PUT", "PATCH") and path == self.path and self.times:
            self.times = 0
            place = tuple(path.removeprefix(f"{BASE}/").split("/"))
            record = self.app.store.find(place)
            self.app.store.put(place, record["properties"])
        return False


def saved_meanwhile(app: AzureEmulator, path: str) -> Fault:
    """A switch for `Switchboard.faults`: somebody saves the resource just before the next write to it."""
    return _SavedMeanwhile(0, path=f"{BASE}/{path}", app=app)


def quiet(done: int, total: int | None, what: str) -> None:
    assert done >= 0
    assert total is None or total >= done
    assert what


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
