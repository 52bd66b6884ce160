"""A discovery is whole or says what is missing, and a connection test says what works up to what does not."""

import pytest

from aforo.gateway_sdk.contract import Check, Gateway, Verdict
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import GatewayForbidden, GatewayUnavailable
from aforo.gateways.apigee.emulator import ORGANIZATION
from aforo.kit.clock import HandClock
from tests.gateways.apigee.apigee_parts import BASE, gateway, quiet, world
from tests.gateways.apigee.description import html

PRODUCTS = f"/v1/organizations/{ORGANIZATION}/apiproducts"
PLANS = f"{PRODUCTS}/-/rateplans"
FORBIDDEN = '{"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}}'


async def lines(tested: Gateway) -> list[Check]:
    return [line async for line in tested.check()]


async def test_a_discovery_tells_products_with_operations_rate_plans_and_versions() -> None:
    one = world(products=12)
    found = await one.gateway.discover(quiet)
    assert not found.partial
    payments = next(product for product in found.products if product.ref == "payments-v1")
    assert (payments.native_id, payments.name, payments.version) == ("payments-v1", "Payments API v1", "v1")
    assert sorted(f"{entity.kind} {entity.key}" for entity in payments.entities) == [
        "operation payments-v1 /payments/**",
        "operation payments-v1 /refunds/**",
        "product payments-v1",
        "rateplan Monthly",
    ]
    assert any("published rate plan" in note for note in found.notes)
    read = await one.product("payments-v1")
    assert read == payments


async def test_a_discovery_takes_as_few_calls_as_the_vendor_allows() -> None:
    """The organization, one page of products and the one that shows it was the last, one page of rate plans."""
    one = world(products=50)
    await one.gateway.discover(quiet)
    assert one.board.calls.total() - one.board.calls["POST /token"] == 4


async def test_without_monetization_rate_plans_are_not_asked_for() -> None:
    one = world(monetized=False)
    found = await one.gateway.discover(quiet)
    assert not found.partial
    assert not [path for _, path in one.board.log if "rateplans" in path]
    assert any("Monetization is off" in note for note in found.notes)
    assert (await one.product("orders-v1")).ref == "orders-v1"


async def test_a_product_that_lets_everything_through_is_noted() -> None:
    one = world()
    await one.call("POST", "/apiproducts", {"name": "all", "displayName": "All"})
    assert any("lets every proxy through: all" in note for note in (await one.gateway.discover(quiet)).notes)


@pytest.mark.parametrize("cut", [False, True], ids=["503", "cut off"])
async def test_a_later_page_that_fails_makes_it_partial_and_keeps_what_was_read(cut: bool) -> None:
    one = world(products=6, page_size=3)
    one.board.faults.append(Fault(status=200 if cut else 503, times=1, after=1, path=PRODUCTS, cut=cut))
    found = await one.gateway.discover(quiet)
    assert found.partial
    assert len(found.products) == 3
    assert found.problems[0].what == "API products after the first 3"


async def test_a_first_page_that_fails_raises() -> None:
    one = world()
    one.board.faults.append(Fault(status=503, times=1, path=PRODUCTS))
    with pytest.raises(GatewayUnavailable):
        await one.gateway.discover(quiet)


@pytest.mark.parametrize("after", [0, 1])
async def test_rate_plans_that_cannot_be_read_leave_no_product_half_known(after: int) -> None:
    one = world(products=30, page_size=2)
    one.board.faults.append(Fault(status=403, times=1, after=after, path=PLANS, body=FORBIDDEN))
    found = await one.gateway.discover(quiet)
    assert found.partial
    assert found.products == ()
    assert found.problems[0].code == "gateway_forbidden"
    assert "30 products left out" in found.problems[0].what


async def test_one_product_is_read_whole_or_not_at_all() -> None:
    one = world()
    recorded = await one.product("payments-v1")
    one.board.faults.append(Fault(status=403, path=f"{PRODUCTS}/payments-v1/rateplans", body=FORBIDDEN))
    with pytest.raises(GatewayForbidden):
        await one.gateway.read(recorded)


async def test_a_connection_test_tells_each_step() -> None:
    found = await lines(world().gateway)
    assert [line.name for line in found] == [
        "Service account signed in",
        "Apigee API reached",
        f"Organization {ORGANIZATION}, cloud, monetization on",
        "Environment eval",
        "Environment prod",
        "May read API products",
        "May read rate plans",
        "May write",
    ]
    assert {line.verdict for line in found} == {Verdict.OK}


async def test_a_connection_test_never_writes() -> None:
    one = world()
    await lines(one.gateway)
    assert one.writes() == []


async def test_a_connection_test_asks_for_a_token_anew() -> None:
    one = world()
    await one.gateway.ping()
    await lines(one.gateway)
    assert one.board.calls["POST /token"] == 2


async def test_an_environment_that_is_not_there_is_named_with_those_that_are() -> None:
    found = await lines(world(settings={"environments": "prod, test"}).gateway)
    by_name = {line.name: line for line in found}
    assert "Environment eval" not in by_name
    assert by_name["Environment prod"].verdict is Verdict.OK
    lost = by_name["Environment test"]
    assert lost.verdict is Verdict.FAILED
    assert "eval, prod" in (lost.next_step or "")
    assert by_name["May read API products"].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("path", "name", "count"),
    [
        ("/token", "Service account signed in", 1),
        (PRODUCTS, "May read API products", 6),
        (PLANS, "May read rate plans", 7),
    ],
)
async def test_a_connection_test_ends_at_what_fails(path: str, name: str, count: int) -> None:
    one = world()
    one.board.faults.append(Fault(status=403, times=9, path=path, body=FORBIDDEN))
    found = await lines(one.gateway)
    if path == PRODUCTS:
        assert found[-1].next_step
    assert (found[-1].name, found[-1].verdict, len(found)) == (name, Verdict.FAILED, count)


async def test_a_stolen_token_fails_at_the_token() -> None:
    one = world()
    settings = {"organization": ORGANIZATION, "access_token": "ya29.stolen", "api_url": BASE}
    found = await lines(gateway(one.board, settings, "access_token", HandClock()))
    assert [(line.name, line.verdict) for line in found] == [
        ("Access token given", Verdict.OK),
        ("Access token accepted", Verdict.FAILED),
    ]
    assert found[-1].next_step


async def test_an_organization_of_another_region_fails_with_the_way_out() -> None:
    found = await lines(world(settings={"organization": "elsewhere"}).gateway)
    assert (found[-1].name, found[-1].verdict) == ("May read the organization", Verdict.FAILED)
    assert "region" in (found[-1].next_step or "")


async def test_an_address_that_is_no_apigee_fails_at_the_address() -> None:
    settings = {"organization": ORGANIZATION, "access_token": "ya29.mine", "api_url": BASE}
    found = await lines(gateway(html, settings, "access_token", HandClock()))
    assert (found[-1].name, found[-1].verdict) == ("Apigee API reached", Verdict.FAILED)
    assert "HTML" in found[-1].detail
