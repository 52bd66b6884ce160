"""What the tests of Kong's provisioner share: a seeded emulator in this process, seats, and a look at Kong's rows."""

from collections.abc import Callable
from typing import Any, Final

import httpx2

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.emulator import AsgiApp, StateFile, Switchboard
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Adopted, Owner, Provisioner, Seat, Standing, WantedKey
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.kong.emulator import CONTROL_PLANE, create, seed
from aforo.gateways.kong.provisioner import connect
from aforo.kit.clock import HandClock
from tests.credentials.boundaries import World

ADMIN: Final = "http://kong.test:8001"
TOKEN: Final = "spat_emulated"
SUBSCRIPTION: Final = "sub_01k9q3"


class Kong:
    """One emulated Kong, or Konnect's copy of it."""

    def __init__(self, *, konnect: bool = False, **more: Any) -> None:
        state = StateFile()
        seed(state)
        options: dict[str, Any] = more | ({"konnect": True, "admin_token": TOKEN} if konnect else {})
        self.board = Switchboard(create(state, **options))
        self.is_konnect = konnect
        self._base = f"{ADMIN}/v2/control-planes/{CONTROL_PLANE}/core-entities" if konnect else ADMIN

    def provisioner(self, http: httpx2.AsyncClient | None = None) -> Provisioner:
        clock = HandClock()
        http = http or httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.board))
        transport = Transport(http, gateway_name="Kong", budget=Budget((), clock), gate=OpenGate())
        sign_in, settings = "none", {"admin_url": ADMIN}
        if self.is_konnect:
            sign_in = "konnect"
            settings = {"base_url": f"{ADMIN}/v2", "control_plane_id": CONTROL_PLANE, "token": TOKEN}
        return connect(Connection("int_test", sign_in, settings, transport, clock, _forget))

    async def call(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
        """One call of somebody else's."""
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=_quiet(self.board))) as http:
            url = ADMIN + path if path.startswith("/proxy") else self._base + path
            token = {"Authorization": f"Bearer {TOKEN}"} if self.is_konnect else {}
            answer = await http.request(method, url, json=body, headers={**token, **(headers or {})})
            if path.startswith("/proxy"):
                return answer.status_code
            assert answer.status_code < 300, answer.text
            return answer.json() if answer.content else None

    async def rows(self, collection: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.call("GET", f"/{collection}?size=1000"))["data"]
        return rows

    async def live_keys(self) -> set[str]:
        """The ids of keys whose consumer may call anything."""
        closed = {
            row["consumer"]["id"]
            for row in await self.rows("plugins")
            if row["name"] == "request-termination" and row["consumer"]
        }
        return {row["id"] for row in await self.rows("key-auths") if row["consumer"]["id"] not in closed}

    async def product(self, name: str) -> ScopedProduct:
        row = next(row for row in await self.rows("services") if row["name"] == name)
        return ScopedProduct(f"prod_{name}", name, row["id"], name)

    async def opens(self, secret: str, path: str = "/v2/payments") -> int:
        """The status of a consumer's call with this key."""
        status: int = await self.call("GET", f"/proxy{path}", headers={"apikey": secret})
        return status

    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.board.log if method != "GET"]


def world(**options: bool) -> Callable[[], World]:
    """For `hold_at_every_boundary`: a fresh Kong each time."""

    def fresh() -> World:
        kong = Kong(**options)
        return World(httpx2.ASGITransport(app=kong.board), kong.provisioner, kong.live_keys)

    return fresh


def seat(*keys: WantedKey, standing: Standing = Standing.ACTIVE, **members: Any) -> Seat:
    told: dict[str, Any] = {"scope": (), "limits": (), "adopted": None} | members
    return Seat(SUBSCRIPTION, Owner("cust_1", "Acme", "ops@acme.example", "acme"), "pro", standing, keys=keys, **told)


def wanted(name: str, standing: Standing = Standing.ACTIVE, **members: Any) -> WantedKey:
    return WantedKey(f"cred_{name}", standing, **members)


def adopted(consumer: str) -> Adopted:
    return Adopted(consumer)


def _quiet(board: Switchboard) -> AsgiApp:
    """Past the switchboard, so that looking is not counted as a call of ours."""
    return board._app


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
