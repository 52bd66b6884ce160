"""Apigee's own usage figures are those of the messages that came, by product, app and day."""

from datetime import date, timedelta

import httpx2
import pytest

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateway_sdk.usage import DailyCalls, UsagePull
from aforo.gateways.apigee import usage
from aforo.gateways.apigee.emulator import ORGANIZATION, sample_connection
from tests.gateways.apigee.apigee_parts import BASE, World, world

APPS = "/developers/api@acme.example/apps"


def puller(one: World, **settings: str) -> UsagePull:
    sign_in, told = sample_connection(BASE)
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(one.board))
    transport = Transport(http, gateway_name="Apigee", budget=Budget((), one.clock), gate=OpenGate())
    return usage.connect(Connection("int_test", sign_in, {**told, **settings}, transport, one.clock, _forget))


async def pulled(one: World, first: date, last: date, **settings: str) -> list[DailyCalls]:
    part = puller(one, **settings)
    try:
        return [calls async for calls in part.pull(first, last)]
    finally:
        await part.aclose()


async def shop(one: World, app: str, product: str) -> None:
    await one.call("POST", APPS, {"name": app})
    await one.call("POST", f"{APPS}/{app}/keys", {"consumerKey": app, "consumerSecret": "s", "expiresInSeconds": "-1"})
    await one.call("POST", f"{APPS}/{app}/keys/{app}", {"apiProducts": [product]})


async def ask(one: World, path: str, key: str = "") -> int:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(one.emulator), base_url=BASE) as http:
        return (await http.get(f"/proxy{path}", headers={"x-apikey": key})).status_code


async def test_figures_are_of_every_message_by_product_app_and_day_over_all_pages() -> None:
    one = world(page_size=1)
    await shop(one, "till", "orders-v1")
    await shop(one, "desk", "orders-v1")
    first = one.clock.now().date()
    assert [await ask(one, "/orders-v1/orders/7", key) for key in ("till", "till", "desk", "")] == [200, 200, 200, 401]
    one.clock.forward(seconds=86_400)
    one.emulator.proxying.backend_status["orders-v1"] = 503
    assert await ask(one, "/orders-v1/orders/7", "till") == 503
    last = one.clock.now().date()
    found = {(calls.day, calls.products, calls.counter): calls.calls for calls in await pulled(one, first, last)}
    orders = ("orders-v1",)
    assert found == {
        (first, orders, "prod/orders-v1/till"): 2,
        (first, orders, "prod/orders-v1/desk"): 1,
        (first, (), "prod/(not set)/(not set)"): 1,
        (last, orders, "prod/orders-v1/till"): 1,
    }
    assert {one.day for one in await pulled(one, first, first)} == {first}
    assert await pulled(one, last + timedelta(days=1), last + timedelta(days=1)) == []


async def test_only_the_environments_named_are_looked_at() -> None:
    one = world()
    await shop(one, "till", "orders-v1")
    await ask(one, "/orders-v1/orders/7", "till")
    today = one.clock.now().date()
    assert await pulled(one, today, today, environments="eval") == []
    assert len(await pulled(one, today, today, environments="prod")) == 1


async def test_analytics_that_fail_raise_and_do_not_look_like_no_calls() -> None:
    one = world()
    today = one.clock.now().date()
    one.board.faults.append(Fault(500, path=f"/v1/organizations/{ORGANIZATION}/environments", body="{}"))
    with pytest.raises(GatewayError):
        await pulled(one, today, today)


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
