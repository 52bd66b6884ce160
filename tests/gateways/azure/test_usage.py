"""Azure's own usage figures are those of the calls that came with a key, by subscription, product and day."""

from datetime import date, timedelta
from typing import Any

import httpx2
import pytest

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateway_sdk.usage import DailyCalls
from aforo.gateways.azure import usage
from aforo.gateways.azure.emulator.app import BASE
from aforo.gateways.azure.emulator.wire import Call
from tests.gateways.azure.azure_parts import ORIGIN, Azure, azure
from tests.gateways.azure.vendor import Described

COPY = "aforo-plan-gold-0123456789"


async def pulled(service: Azure, first: date, last: date, app: Any = None) -> list[DailyCalls]:
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app or service.board))
    transport = Transport(http, gateway_name="Azure", budget=Budget((), service.clock), gate=OpenGate())
    given = Connection("int_test", "service_principal", service.settings, transport, service.clock, _forget)
    one = usage.connect(given)
    try:
        return [calls async for calls in one.pull(first, last)]
    finally:
        await one.aclose()


def sold(service: Azure, name: str, scope: str) -> None:
    """A subscription whose key is its name."""
    keys = {"primaryKey": name, "secondaryKey": f"{name}-2"}
    told = {"scope": scope, "ownerId": "/users/ada", "displayName": name, "state": "active", **keys}
    service.put(f"subscriptions/{name}", told)


def ask(service: Azure, path: str, key: str = "") -> int:
    headers = {"ocp-apim-subscription-key": key} if key else {}
    return service.app.answer(Call("GET", f"/proxy/{path}", {}, headers, b"", ORIGIN)).status


async def test_figures_are_of_every_call_with_a_key_by_subscription_and_day_over_all_pages_and_as_described() -> None:
    async with azure(3, page_size=1) as service:
        described = Described(service.app)
        for name, product in (("till", "weather"), ("desk", "weather"), ("shop", "orders")):
            sold(service, name, f"/products/{product}")
        first = service.clock.now().date()
        calls = (("weather", "till"), ("weather", "till-2"), ("weather", "desk"), ("orders", "shop"), ("weather", ""))
        assert [ask(service, *one) for one in calls] == [200, 200, 200, 200, 401]
        service.clock.forward(seconds=86_400)
        service.app.proxying.backend_is_down = True
        assert ask(service, "weather", "till") == 500
        last = service.clock.now().date()
        found = await pulled(service, first, last, described)
        assert {(one.day, one.credential, one.products): one.calls for one in found} == {
            (first, "till", ("weather",)): 2,
            (first, "desk", ("weather",)): 1,
            (first, "shop", ("orders",)): 1,
            (last, "till", ("weather",)): 1,
        }
        assert len({(one.day, one.counter, one.credential) for one in found}) == len(found)
        assert described.faults == []
        assert ("get /reports/bySubscription", 200) in described.seen


async def test_a_call_at_a_days_very_end_or_beginning_is_in_that_day_alone() -> None:
    async with azure(1) as service:
        sold(service, "till", "/products/orders")
        now = service.clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        service.clock.forward(seconds=(midnight - now).total_seconds() - 1)
        ask(service, "orders", "till")
        service.clock.forward(seconds=1)
        ask(service, "orders", "till")
        days = (midnight - timedelta(days=1)).date(), midnight.date()
        assert [(one.day, one.calls) for one in await pulled(service, *days)] == [(days[0], 1), (days[1], 1)]


async def test_what_is_called_in_a_product_of_ours_is_told_under_the_customers_that_have_its_apis() -> None:
    async with azure(3) as service:
        service.put(f"products/{COPY}", {"displayName": "Gold", "description": "Made by Aforo for plan gold."})
        for api in ("orders", "payments"):
            service.put(f"products/{COPY}/apis/{api}")
        sold(service, "gold", f"/products/{COPY}")
        sold(service, "every", "/apis")
        assert [ask(service, "orders", "gold"), ask(service, "orders", "every")] == [200, 200]
        today = service.clock.now().date()
        assert sorted(await pulled(service, today, today), key=lambda one: one.counter) == [
            DailyCalls(today, "every/", (), "every", 1),
            DailyCalls(today, f"gold/{COPY}", ("orders", "payments"), "gold", 1),
        ]


@pytest.mark.parametrize("tier", ["Consumption", "StandardV2"])
async def test_a_tier_that_counts_nothing_raises_and_does_not_look_like_no_calls(tier: str) -> None:
    async with azure(1) as service:
        service.app.sku = tier
        today = service.clock.now().date()
        with pytest.raises(GatewayError, match=f"no calls in the tier {tier}"):
            await pulled(service, today, today)


async def test_a_report_that_is_not_read_whole_raises_and_does_not_look_like_no_calls() -> None:
    async with azure(1) as service:
        today = service.clock.now().date()
        service.board.faults.append(Fault(500, times=9, path=f"{BASE}/reports/bySubscription", body="{}"))
        with pytest.raises(GatewayError):
            await pulled(service, today, today)


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")
