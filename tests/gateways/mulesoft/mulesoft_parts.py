"""What the tests of the MuleSoft gateway share: an emulator, and a connection to it without a socket."""

import json
from typing import Any

import httpx2

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection, Gateway, Product
from aforo.gateway_sdk.emulator import AsgiApp, StateFile, Switchboard
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.mulesoft.connector import connect
from aforo.gateways.mulesoft.emulator import (
    ENVIRONMENT,
    ORGANIZATION,
    AnypointEmulator,
    create,
    sample_connection,
    seed,
)
from aforo.gateways.mulesoft.manifest import MANIFEST
from aforo.kit.clock import HandClock

BASE = "http://anypoint.test"
HERE = f"/apimanager/api/v1/organizations/{ORGANIZATION}/environments/{ENVIRONMENT}"
CONSOLE = f"/apimanager/xapi/v1/organizations/{ORGANIZATION}/environments/{ENVIRONMENT}"


class Anypoint:
    """One emulated organization, our connector to it, and another person's hand in it."""

    def __init__(self, products: int = 6, **options: Any) -> None:
        state = StateFile()
        seed(state, products)
        self.clock = HandClock()
        self.app: AnypointEmulator = create(state, clock=self.clock, **options)
        self.board = Switchboard(self.app)
        self.tables = self.app.world.tables
        self.switches = self.app.switches
        self.listeners: list[Any] = []
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(self.board), base_url=BASE)

    def connection(self, sign_in: str, settings: dict[str, str], app: AsgiApp | None = None) -> Connection:
        """With `app` in place of the emulator, if one is given."""
        _, given = sample_connection(BASE)
        values = {**given, **settings}
        transport = Transport(
            self._client(app or self.board),
            gateway_name="MuleSoft Anypoint",
            budget=Budget(MANIFEST.call_limits, self.clock),
            gate=OpenGate(),
            secrets=(values["client_secret"],),
        )
        return Connection("int_1", sign_in, values, transport, self.clock, _forget)

    def _client(self, app: AsgiApp) -> httpx2.AsyncClient:
        hooks = {"response": [*self.listeners]}
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), event_hooks=hooks)

    def connect(self, sign_in: str = "connected_app", **settings: str) -> Gateway:
        return connect(self.connection(sign_in, settings))

    async def discover(self) -> dict[str, Product]:
        """All products by ref; the discovery must be whole."""
        found = await self.connect().discover(quiet)
        assert not found.problems
        return {product.ref: product for product in found.products}

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Somebody else's call with a token of their own."""
        token = await self.token()
        answer = await self.http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def token(self) -> str:
        _, given = sample_connection(BASE)
        wish = {"grant_type": "client_credentials", **{name: given[name] for name in ("client_id", "client_secret")}}
        answer = await self.http.post("/accounts/api/v2/oauth2/token", json=wish)
        return str(answer.json()["access_token"])

    def writes(self) -> list[tuple[str, str]]:
        """What was written so far, tokens aside."""
        return [(method, path) for method, path in self.board.log if method != "GET" and not path.endswith("/token")]


async def _forget(name: str, value: str) -> None:
    del name, value


def quiet(done: int, about: int | None, what: str) -> None:
    del done, about, what


def copied(value: Any) -> Any:
    return json.loads(json.dumps(value))
