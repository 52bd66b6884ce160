"""Any bundle on the hooks of an emulated environment, and a stand-in for the edge that counts one quota down."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from aforo.gateway_sdk.emulator import Receive, Scope, Send, answer_json, read_body
from aforo.gateways.apigee.artifact import bundle
from tests.gateways.apigee.apigee_parts import BASE, World, world
from tests.gateways.apigee.metered import served
from tests.gateways.apigee.test_emulator_operations import OCTETS

APP: Final = "/developers/api@acme.example/apps/shop"
HOOKS: Final = {bundle.PRE: False, bundle.POST: True}
SETTINGS: Final = {"integration": "int_1", "mode": "enforce", "fail": "open"}


@dataclass
class Desk:
    """Decides as the edge does, for one customer with so many units; keeps what it was sent."""

    units: int
    asked: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = json.loads(await read_body(receive))
        self.keys.add(dict(scope["headers"])[b"authorization"].decode())
        if scope["path"] != "/v1/check":
            self.events += body["events"]
            await answer_json(send, 202, {"accepted": 1})
            return
        self.asked.append(body)
        self.units -= 1
        told = {"customerId": "cust_1", "plan": "pro", "decisionId": f"dec_{len(self.asked)}"}
        if self.units >= 0:
            await answer_json(send, 200, {**told, "allowed": True, "reason": "ok", "remaining": self.units})
        else:
            denied = {"allowed": False, "reason": "quota_exceeded", "status": 429, "retryAfterSeconds": 60}
            await answer_json(send, 200, {**told, **denied, "remaining": 0})


@dataclass
class Installed:
    world: World
    desk: Desk

    async def call(self, path: str = "/orders-v1/orders", method: str = "GET", **headers: str) -> httpx2.Response:
        """With the key `mine`; what was sent behind its back has arrived."""
        transport = httpx2.ASGITransport(self.world.emulator)
        sent = {"Authorization": "Bearer mine", **headers}
        async with httpx2.AsyncClient(transport=transport, base_url=BASE) as http:
            given = await http.request(method, f"/proxy{path}", headers=sent)
        await self.world.emulator.proxying.settled()
        return given


async def install(one: World, name: str, files: Mapping[str, bytes], environment: str = "prod") -> str:
    """Imported and deployed by hand; the state of the deployment."""
    path = f"/sharedflows?action=import&name={name}"
    told = await one.request("POST", path, headers=OCTETS, content=bundle.zipped(files))
    assert told.status_code == 200, told.text
    flow = f"/environments/{environment}/sharedflows/{name}/revisions/{told.json()['revision']}/deployments"
    await one.call("POST", f"{flow}?override=true")
    states = [(await one.call("GET", flow))["state"] for _ in range(2)]
    return str(states[-1])


async def hook(one: World, point: str, flow: str, continues: bool, environment: str = "prod") -> None:
    told = {"sharedFlow": flow, "continueOnError": continues}
    await one.call("PUT", f"/environments/{environment}/flowhooks/{point}", told)


async def a_key(one: World, *products: str) -> None:
    """An app with the key `mine`, for orders unless told otherwise."""
    await one.call("POST", APP.removesuffix("/shop"), {"name": "shop"})
    await one.call("POST", f"{APP}/keys", {"consumerKey": "mine", "consumerSecret": "s"})
    await one.call("POST", f"{APP}/keys/mine", {"apiProducts": list(products or ("orders-v1",))})


async def configure(one: World, **entries: str) -> None:
    maps = "/environments/prod/keyvaluemaps"
    await one.call("POST", maps, {"name": "aforo-config", "encrypted": True})
    for name, value in entries.items():
        await one.call("POST", f"{maps}/aforo-config/entries", {"name": name, "value": value})


@asynccontextmanager
async def installed(
    files: Mapping[str, bytes], units: int = 1, hooks: Mapping[str, bool] = HOOKS, **settings: Any
) -> AsyncIterator[Installed]:
    """A bundle as `aforo-metering` on both hooks, configured for a desk."""
    one, desk = world(), Desk(units)
    async with served(desk) as (url, _):
        await a_key(one)
        told = json.dumps(SETTINGS | settings)
        await configure(one, aforo_api_key="sk_live_x", aforo_ingest_url=f"{url}/v1/ingest", aforo_settings=told)
        await install(one, bundle.FLOW, files)
        for point, continues in hooks.items():
            await hook(one, point, bundle.FLOW, continues)
        yield Installed(one, desk)
        await one.emulator.proxying.aclose()
