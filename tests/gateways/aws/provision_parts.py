"""What the tests of AWS's provisioner and pricing share: a seeded account, seats, and a look at what lies in it."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection, Product
from aforo.gateway_sdk.emulator import StateFile, Switchboard
from aforo.gateway_sdk.pricing import Pricing, ScopedProduct
from aforo.gateway_sdk.provision import Owner, Provisioner, Seat, Standing, WantedKey
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.aws import connector, emulator, pricing, provisioner
from aforo.gateways.aws.emulator.app import HANDLERS
from aforo.gateways.aws.emulator.moto_backend import CUSTOMER_ACCOUNT
from aforo.gateways.aws.emulator.operations import REST
from aforo.gateways.aws.emulator.region import Record
from aforo.gateways.aws.mapping.products import Where
from aforo.kit.clock import HandClock
from tests.credentials.boundaries import World

BASE: Final = "http://aws.emulator"
SUBSCRIPTION: Final = "sub_01k9q3"
SECRET: Final = "aforo_secret_of_enough_letters"


class Account:
    """One emulated account."""

    def __init__(self, size: int = 4) -> None:
        self.app = emulator.create(StateFile())
        emulator.seed(self.app, size)
        self.board = Switchboard(self.app)
        self.region = self.app.region(CUSTOMER_ACCOUNT, emulator.REGION)

    def connection(self, http: httpx2.AsyncClient | None = None) -> Connection:
        clock = HandClock()
        http = http or httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.board))
        transport = Transport(http, gateway_name="AWS", budget=Budget((), clock), gate=OpenGate())
        sign_in, settings = emulator.sample_connection(BASE)
        return Connection("int_test", sign_in, settings, transport, clock, _forget)

    def provisioner(self, http: httpx2.AsyncClient | None = None) -> Provisioner:
        return provisioner.connect(self.connection(http))

    def pricing(self) -> Pricing:
        return pricing.connect(self.connection())

    async def found(self) -> tuple[Product, ...]:
        gateway = connector.connect(self.connection())
        try:
            return (await gateway.discover(lambda *_: None)).products
        finally:
            await gateway.aclose()

    async def products(self, *prefixes: str) -> tuple[ScopedProduct, ...]:
        """Those whose refs begin so, in this order."""
        found = await self.found()
        chosen = [one for prefix in prefixes for one in found if one.ref.startswith(prefix)]
        return tuple(ScopedProduct(f"prod_{one.ref}", one.ref, one.native_id, one.name) for one in chosen)

    def do(self, operation: str, **params: Any) -> Record:
        """Something that somebody else does in the account."""
        return HANDLERS[REST][operation](self.region, params)

    def api_keys(self) -> dict[str, Record]:
        return self.region.kind("apikeys")

    def plans(self) -> dict[str, Record]:
        return self.region.kind("usageplans")

    def inside(self, plan_id: str) -> set[str]:
        return set(self.region.kind("plankeys")[plan_id])

    def opened(self, key_id: str) -> set[str]:
        """The stages that a key opens, as native ids; none while it is disabled."""
        key = self.api_keys().get(key_id)
        if key is None or not key["enabled"]:
            return set()
        return {
            Where("rest", stage["apiId"], stage["stage"]).native_id
            for plan in self.plans().values()
            if key_id in self.inside(plan["id"])
            for stage in plan["apiStages"]
        }

    async def call(self, native_id: str, path: str, secret: str = "") -> int:
        """The status of a consumer's call of a stage."""
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app)) as http:
            answer = await http.get(f"{BASE}/proxy/{native_id}{path}", headers={"x-api-key": secret})
            return answer.status_code

    async def live_keys(self) -> set[str]:
        return {key for key, row in self.api_keys().items() if row["enabled"]}

    def picture(self) -> Any:
        """All keys, plans and memberships, without the moments of their last change."""
        keys = {
            key: {name: row[name] for name in row if name != "lastUpdatedDate"} for key, row in self.api_keys().items()
        }
        return deepcopy((keys, self.plans(), self.region.kind("plankeys"), self.region.kind("restapis")))

    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.board.log if method != "GET"]


@dataclass(frozen=True)
class Prepared:
    """Plants something in each fresh account of a crash test."""

    plant: Callable[[Account], object] = lambda _: None

    def __call__(self) -> World:
        account = Account(size=3)
        self.plant(account)
        return World(httpx2.ASGITransport(app=account.board), account.provisioner, account.live_keys)


def seat(*keys: WantedKey, standing: Standing = Standing.ACTIVE, **members: Any) -> Seat:
    told: dict[str, Any] = {"scope": (), "limits": (), "adopted": None, "plan": "pro"} | members
    plan = told.pop("plan")
    owner = Owner("cust_1", "Acme", "ops@acme.example", "acme")
    return Seat(SUBSCRIPTION, owner, plan, standing, keys=keys, **told)


def wanted(name: str, standing: Standing = Standing.ACTIVE, **members: Any) -> WantedKey:
    return WantedKey(f"cred_{name}", standing, **members)


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
