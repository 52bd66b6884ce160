"""AWS's own usage figures are those of the calls that passed, by usage plan, key and day."""

from datetime import date

import httpx2
import pytest

from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.usage import DailyCalls
from aforo.gateways.aws import usage
from aforo.kit.clock import HandClock
from tests.gateways.aws.provision_parts import SECRET, Account, seat, wanted

OTHER = "another_secret_of_enough_letters"


async def pulled(account: Account, first: date, last: date) -> list[DailyCalls]:
    one = usage.connect(account.connection())
    try:
        return [calls async for calls in one.pull(first, last)]
    finally:
        await one.aclose()


async def sold(account: Account, *refs: str) -> tuple[str, str]:
    """Two keys in one usage plan over these stages; their ids."""
    scope = await account.products(*refs)
    keys = (wanted("a", secret=SECRET), wanted("b", secret=OTHER))
    seated = await account.provisioner().converge(seat(*keys, scope=scope))
    return seated.keys[0].native_id, seated.keys[1].native_id


async def test_figures_are_of_the_calls_that_passed_by_key_and_day_over_all_pages() -> None:
    account, clock = Account(), HandClock()
    account.app.clock, account.app.switches.page_size = clock, 1
    first = clock.now().date()
    (geo,) = await account.products("GeocodingAPI")
    a, b = await sold(account, "GeocodingAPI")
    for secret in (SECRET, SECRET, OTHER, "", "unknown"):
        await account.call(geo.native_id, "/addresses", secret)
    clock.forward(seconds=86_400)
    await account.call(geo.native_id, "/addresses", SECRET)
    last = clock.now().date()
    found = {(one.day, one.credential): (one.calls, one.products) for one in await pulled(account, first, last)}
    mine = (geo.native_id,)
    assert found == {(first, a): (2, mine), (first, b): (1, mine), (last, a): (1, mine)}


async def test_stages_that_share_a_usage_plan_are_told_together_as_aws_counts_them() -> None:
    account, clock = Account(), HandClock()
    account.app.clock = clock
    products = await account.products("GeocodingAPI", "TranslationAPI/prod")
    stages = [dict(zip(("apiId", "stage"), one.native_id.split("/"), strict=True)) for one in products]
    plan = account.do("CreateUsagePlan", name="bundle", apiStages=stages)["id"]
    key = account.do("CreateApiKey", name="k", value=SECRET, enabled=True)["id"]
    account.do("CreateUsagePlanKey", usagePlanId=plan, keyId=key, keyType="API_KEY")
    today = clock.now().date()
    assert await account.call(products[0].native_id, "/addresses", SECRET) == 200
    together = tuple(sorted(one.native_id for one in products))
    assert await pulled(account, today, today) == [DailyCalls(today, plan, together, key, 1)]


async def test_more_than_ninety_days_are_asked_for_in_the_ranges_that_aws_takes() -> None:
    account, clock = Account(), HandClock()
    account.app.clock = clock
    (geo,) = await account.products("GeocodingAPI")
    await sold(account, "GeocodingAPI")
    await account.call(geo.native_id, "/addresses", SECRET)
    today = clock.now().date()
    found = await pulled(account, date.fromordinal(today.toordinal() - 200), today)
    assert [(one.day, one.calls) for one in found] == [(today, 1)]


async def test_usage_plans_that_are_not_read_whole_raise_and_do_not_look_like_no_calls() -> None:
    account = Account()
    await sold(account, "GeocodingAPI")
    one = usage.connect(account.connection(httpx2.AsyncClient(transport=httpx2.MockTransport(_down))))
    with pytest.raises(GatewayError):
        [calls async for calls in one.pull(date(2026, 1, 1), date(2026, 1, 2))]


def _down(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(503, json={"message": "down"})
