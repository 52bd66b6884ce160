"""What the tests of Azure's provisioner and pricing share: a seeded service, seats, and a look at it past both."""

import json
from typing import Any, Final

import httpx2

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.emulator import StateFile, Switchboard
from aforo.gateway_sdk.pricing import Pricing, ScopedProduct
from aforo.gateway_sdk.provision import Owner, Provisioner, Seat, Standing, WantedKey
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.azure import emulator, pricing, provisioner
from aforo.gateways.azure.emulator.wire import Call
from aforo.gateways.azure.provisioner.names import SLOTS, holders_of, native_id, subscription_of
from aforo.kit.clock import HandClock
from tests.credentials.boundaries import World
from tests.gateways.azure.azure_parts import ORIGIN, call

SUBSCRIPTION: Final = "sub_01k9q3"
SID: Final = f"aforo-{SUBSCRIPTION}"
ORDERS, PAYMENTS, WEATHER, TRANSLATION = (
    ScopedProduct(f"prod_{one}", one.title(), one, one.title())
    for one in ("orders", "payments", "weather", "translation")
)


class Azure:
    """One emulated service and connections to it."""

    def __init__(self, products: int = 4, **options: Any) -> None:
        state = StateFile()
        emulator.seed(state, products)
        self.app = emulator.create(state, clock=HandClock(), **{"page_size": 50, "polls": 0, **options})
        self.board = Switchboard(self.app)
        self.settings = emulator.sample_connection(ORIGIN)[1]

    def provisioner(self, http: httpx2.AsyncClient | None = None, app: Any = None) -> Provisioner:
        return provisioner.connect(self._connection(http, app))

    def pricing(self, http: httpx2.AsyncClient | None = None, app: Any = None) -> Pricing:
        return pricing.connect(self._connection(http, app))

    def _connection(self, http: httpx2.AsyncClient | None, app: Any) -> Connection:
        clock = HandClock()
        http = http or httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app or self.board))
        transport = Transport(http, gateway_name="Azure", budget=Budget((), clock), gate=OpenGate())
        return Connection("int_test", "service_principal", self.settings, transport, clock, _forget)

    def hand(self, method: str, path: str, properties: dict[str, Any] | None = None) -> Any:
        """A call of somebody else's, which is taken; what it answers."""
        answer = call(self.app, method, path, properties, if_match=None if method in ("GET", "POST", "PUT") else "*")
        assert answer.status < 300, answer.body
        return answer.body

    def calls(self, secret: str, path: str) -> int:
        """The status of a consumer's call with this key."""
        headers = {"ocp-apim-subscription-key": secret} if secret else {}
        return self.app.answer(Call("GET", f"/proxy/{path}", {}, headers, b"", ORIGIN)).status

    def opens(self, secret: str | None) -> list[str]:
        """The paths of the seeded APIs that a key opens."""
        return [
            path
            for path in ("orders", "payments", "weather", "weather-admin")
            if self.calls(secret or "-", path) == 200
        ]

    def resources(self, *, foreign: bool = False) -> dict[str, str]:
        """Everything at the service as it stands, by path; `foreign`: only what does not bear our names."""
        found = {"/".join(one["path"]): one for one in self.app.store._data["resources"].values()}
        return {path: json.dumps(one) for path, one in found.items() if not (foreign and "/aforo-" in f"/{path}")}

    async def live_keys(self) -> set[str]:
        """The native ids of keys that open anything and that somebody has."""
        live: set[str] = set()
        for one in self.app.store.every("subscriptions"):
            sid = one["path"][1]
            if one["properties"]["state"] == "active":
                holders = holders_of(one) if subscription_of(sid) else None
                live |= {native_id(sid, slot) for slot in (SLOTS if holders is None else holders)}
        return live

    def writes(self) -> list[tuple[str, str]]:
        told = [(method, path.partition("/service/contoso-apis/")[2]) for method, path in self.board.log]
        return [one for one in told if one[0] != "GET" and one[1] and not one[1].endswith("listSecrets")]


def world() -> World:
    """For `hold_at_every_boundary`: a fresh service each time."""
    azure = Azure()
    return World(httpx2.ASGITransport(app=azure.board), azure.provisioner, azure.live_keys)


def seat(*keys: WantedKey, standing: Standing = Standing.ACTIVE, **members: Any) -> Seat:
    told: dict[str, Any] = {"scope": (ORDERS,), "limits": (), "adopted": None} | members
    return Seat(SUBSCRIPTION, Owner("cust_1", "Acme", "ops@acme.example", "acme"), "pro", standing, keys=keys, **told)


def wanted(name: str, standing: Standing = Standing.ACTIVE, **members: Any) -> WantedKey:
    return WantedKey(f"cred_{name}", standing, **members)


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
