"""What the tests of selling at Apigee share: an organization under the description's eyes, seats, a look at keys."""

from collections.abc import Callable
from typing import Any, Final

import httpx2

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.pricing import Pricing, ScopedProduct
from aforo.gateway_sdk.provision import Owner, Provisioner, Seat, Standing, WantedKey
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.apigee import pricing, provisioner
from aforo.gateways.apigee.emulator import FIXED_TOKEN, ORGANIZATION
from aforo.gateways.apigee.mapping.marks import app_name, key_id
from tests.credentials.boundaries import World as Boundaries
from tests.gateways.apigee.apigee_parts import BASE, Row, World, world

SUBSCRIPTION: Final = "sub_01k9q3"
EMAIL: Final = "ops@bold.example"
APP: Final = f"/developers/{EMAIL}/apps/{app_name(SUBSCRIPTION)}"
ORDERS: Final = ScopedProduct("prod_orders", "orders-v1", "orders-v1", "Orders")
PAYMENTS: Final = ScopedProduct("prod_payments", "payments-v1", "payments-v1", "Payments")
SEARCH: Final = ScopedProduct("prod_search", "search-v1", "search-v1", "Search")


class Apigee:
    """One emulated organization, and Aforo's parts onto it."""

    def __init__(self, **options: Any) -> None:
        self.world: World = world(**options)
        self.board = self.world.board

    def provisioner(self, http: httpx2.AsyncClient | None = None) -> Provisioner:
        return provisioner.connect(self._connection(http))

    def pricing(self, http: httpx2.AsyncClient | None = None) -> Pricing:
        return pricing.connect(self._connection(http))

    def _connection(self, http: httpx2.AsyncClient | None) -> Connection:
        clock = self.world.clock
        http = http or httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.board))
        settings = {"organization": ORGANIZATION, "access_token": FIXED_TOKEN, "api_url": BASE}
        transport = Transport(http, gateway_name="Apigee", budget=Budget((), clock), gate=OpenGate())
        return Connection("int_test", "access_token", settings, transport, clock, _forget)

    def rows(self, table: str) -> list[Row]:
        """What the emulator holds, past all lists and their defaults."""
        return list(self.world.emulator.store.rows(table))

    def app(self, name: str = app_name(SUBSCRIPTION)) -> Row:
        return next(row for row in self.rows("apps") if row["name"] == name)

    async def live_keys(self) -> set[str]:
        """Ids of all keys that Apigee would accept, whether or not they open anything."""
        active = {row["developerId"] for row in self.rows("developers") if row["status"] == "active"}
        return {
            key_id(key["consumerKey"])
            for app in self.rows("apps")
            for key in app["credentials"]
            if app["developerId"] in active and app["status"] == key["status"] == "approved"
        }

    async def opens(self, secret: str, path: str = "/orders-v1/orders", method: str = "GET") -> int:
        """The status of a consumer's call with this key."""
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.world.emulator)) as http:
            answer = await http.request(method, f"{BASE}/proxy{path}", headers={"x-apikey": secret})
            return answer.status_code

    async def writes_of(self, doing: Any) -> list[tuple[str, str]]:
        """What is written meanwhile."""
        self.board.log.clear()
        await doing
        return self.world.writes()


def boundaries() -> Boundaries:
    """For `hold_at_every_boundary`: a fresh organization each time."""
    apigee = Apigee()
    return Boundaries(httpx2.ASGITransport(app=apigee.board), apigee.provisioner, apigee.live_keys)


def seat(*keys: WantedKey, standing: Standing = Standing.ACTIVE, **members: Any) -> Seat:
    owner = Owner("cust_1", "Bold Ltd", EMAIL, "bold")
    told: dict[str, Any] = {"owner": owner, "plan": "pro", "scope": (ORDERS,), "limits": ()} | members
    return Seat(SUBSCRIPTION, standing=standing, keys=keys, **told)


def wanted(name: str, standing: Standing = Standing.ACTIVE, **members: Any) -> WantedKey:
    return WantedKey(f"cred_{name}", standing, **members)


def beside(apigee: Apigee) -> Callable[[], dict[str, list[Row]]]:
    """Looks at everything at Apigee but what is ours; the same as long as nothing else was touched."""

    def look() -> dict[str, list[Row]]:
        ours = {row["developerId"] for row in apigee.rows("developers") if row["email"] == EMAIL}
        return {
            "developers": [row for row in apigee.rows("developers") if row["developerId"] not in ours],
            "apps": [row for row in apigee.rows("apps") if row["developerId"] not in ours],
            "products": apigee.rows("products"),
            "rateplans": apigee.rows("rateplans"),
        }

    return look


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
