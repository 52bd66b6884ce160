"""What the tests of Anypoint's provisioner and plans share: seats, products, and a look past our connector."""

from decimal import Decimal
from typing import Any, Final

import httpx2

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.pricing import Limit, ScopedProduct
from aforo.gateway_sdk.provision import Adopted, Owner, Provisioner, Seat, Standing, WantedKey
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.mulesoft.emulator import sample_connection
from aforo.gateways.mulesoft.provisioner import connect
from tests.credentials.boundaries import World
from tests.gateways.mulesoft.mulesoft_parts import BASE, Anypoint, copied

SUBSCRIPTION: Final = "sub_01k9q3"
MINUTE: Final = Limit("api_calls", Decimal(2), "minute", 60, is_rate=True)
TABLES: Final = ("apis", "policies", "tiers", "applications", "contracts")


class Shop(Anypoint):
    """One emulated organization at which subscriptions are seated."""

    def provisioner(self, http: httpx2.AsyncClient | None = None) -> Provisioner:
        if http is None:
            return connect(self.connection("connected_app", {}))
        sign_in, values = sample_connection(BASE)
        transport = Transport(http, gateway_name="MuleSoft", budget=Budget((), self.clock), gate=OpenGate())
        return connect(Connection("int_1", sign_in, values, transport, self.clock, _forget))

    def product(self, number: int = 0) -> ScopedProduct:
        """The instances in the order in which they were sown."""
        row = list(self.tables["apis"].values())[number]
        name = f"{row['assetId']}:{row['instanceLabel']}"
        return ScopedProduct(f"prod_{number}", name, str(row["id"]), name)

    def application(self, name: str) -> dict[str, Any]:
        return next(row for row in self.tables["applications"].values() if row["name"] == name)

    def contracts(self, application: dict[str, Any]) -> dict[str, str]:
        """Status by instance."""
        rows = self.tables["contracts"].values()
        return {str(row["apiId"]): row["status"] for row in rows if row["applicationId"] == application["id"]}

    def without_policies(self, product: ScopedProduct) -> None:
        for row in [row for row in self.tables["policies"].values() if str(row["apiId"]) == product.native_id]:
            self.app.world.drop("policies", row["id"])

    async def live_keys(self) -> set[str]:
        """Client ids of applications that open anything."""
        live = {str(row["applicationId"]) for row in self.tables["contracts"].values() if row["status"] == "APPROVED"}
        return {str(self.tables["applications"][native]["clientId"]) for native in live}

    async def opens(self, product: ScopedProduct, client_id: str, secret: str | None) -> int:
        """The status of a consumer's call."""
        headers = {"client_id": client_id, "client_secret": secret or ""}
        return (await self.http.get(f"/proxy/{product.native_id}/orders", headers=headers)).status_code

    def picture(self) -> dict[str, Any]:
        return {name: copied(self.tables[name]) for name in TABLES}


def fresh_world() -> World:
    """For `hold_at_every_boundary`: another organization each time."""
    shop = Shop(4)
    return World(httpx2.ASGITransport(app=shop.board), shop.provisioner, shop.live_keys)


def seat(*keys: WantedKey, standing: Standing = Standing.ACTIVE, **members: Any) -> Seat:
    told: dict[str, Any] = {"scope": (), "limits": (), "adopted": None} | members
    return Seat(SUBSCRIPTION, Owner("cust_1", "Acme", "ops@acme.example", "acme"), "pro", standing, keys=keys, **told)


def wanted(name: str, standing: Standing = Standing.ACTIVE, **members: Any) -> WantedKey:
    return WantedKey(f"cred_{name}", standing, **members)


def adopted(application: dict[str, Any]) -> Adopted:
    return Adopted(str(application["id"]))


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
