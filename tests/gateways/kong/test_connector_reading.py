"""Kong is read completely, or the discovery says what is missing and concludes nothing from it."""

from typing import Any

import pytest

from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import GatewayUnavailable
from tests.gateways.kong.kong_parts import quiet
from tests.gateways.kong.small_kong import connected, filled, product


async def test_discovery_needs_one_call_for_each_page_schema_and_upstream_in_use() -> None:
    small, switchboard, gateway = connected()
    filled(small)
    small.add("upstreams", name="nobody.uses")
    await gateway.discover(quiet)
    lists = [path for _, path in switchboard.log if not path.startswith("/schemas")]
    used = next(row["id"] for row in small.rows["upstreams"].values() if row["name"] == "orders.internal")
    assert sorted(lists) == sorted(
        ["/services", "/routes", "/plugins", "/upstreams", "/consumers", f"/upstreams/{used}/targets"]
    )
    switchboard.log.clear()
    await gateway.discover(quiet)
    assert len(switchboard.log) == len(lists), "schemas are asked for once"


async def test_a_thousand_products_take_four_pages() -> None:
    small, switchboard, gateway = connected()
    for number in range(1000):
        service = small.add("services", name=f"s{number}", host="10.0.0.1")
        route = small.add("routes", name=f"r{number}", paths=[f"/s{number}"], service={"id": service["id"]})
        small.add("plugins", name="rate-limiting", route={"id": route["id"]}, config={"minute": 5})
    assert len((await gateway.discover(quiet)).products) == 1000
    assert sum(not path.startswith("/schemas") for _, path in switchboard.log) == 4


async def test_every_page_is_read() -> None:
    small, _, gateway = connected(page=7)
    for number in range(20):
        small.add("services", name=f"s{number}", host="h")
    assert len((await gateway.discover(quiet)).products) == 20


async def test_reading_one_product_gives_what_discovery_gave() -> None:
    small, _, gateway = connected()
    filled(small)
    found = await product(gateway)
    assert await gateway.read(found) == found


async def test_reading_one_product_at_konnect_gives_what_discovery_gave() -> None:
    small, _, gateway = connected(konnect=True)
    filled(small)
    found = await product(gateway)
    assert await gateway.read(found) == found


async def test_a_product_created_again_under_another_id_is_found_by_its_name() -> None:
    small, _, gateway = connected()
    service = filled(small)
    found = await product(gateway)
    small.rows["services"] = {
        "11111111-1111-4111-8111-111111111111": {**service, "id": "11111111-1111-4111-8111-111111111111"}
    }
    again = await gateway.read(found)
    assert again
    assert again.native_id != found.native_id
    small.rows["services"] = {}
    assert await gateway.read(found) is None


@pytest.mark.parametrize("path", ["/routes", "/plugins"])
@pytest.mark.parametrize(
    "fault",
    [{"status": 403}, {"status": 429, "times": 9, "headers": {"retry-after": "60"}}, {"status": 0, "cut": True}],
    ids=["403", "429", "cut"],
)
async def test_a_list_that_breaks_off_leaves_out_all_products_it_may_concern(path: str, fault: dict[str, Any]) -> None:
    small, switchboard, gateway = connected(page=1)
    filled(small)
    small.add("routes", name="second", paths=["/2"], service={"id": next(iter(small.rows["services"]))})
    switchboard.faults.append(Fault(path=path, after=1, **fault))
    discovery = await gateway.discover(quiet)
    assert discovery.partial
    assert discovery.products == ()
    words = {problem.what.partition(":")[0].partition(" ")[0]: problem.what for problem in discovery.problems}
    assert "2 services left out" in words[path[1:]]


async def test_services_that_break_off_keep_what_was_read() -> None:
    small, switchboard, gateway = connected(page=1)
    filled(small)
    switchboard.faults.append(Fault(status=403, path="/services", after=1))
    discovery = await gateway.discover(quiet)
    assert len(discovery.products) == 1
    assert [problem.what for problem in discovery.problems] == ["services after the first 1"]


@pytest.mark.parametrize("path", ["/upstreams", "/consumers", "/schemas/plugins/rate-limiting", "/schemas/targets"])
async def test_a_part_that_is_missing_leaves_out_only_the_products_that_need_it(path: str) -> None:
    small, switchboard, gateway = connected()
    filled(small)
    switchboard.faults.append(Fault(status=403, path=path))
    discovery = await gateway.discover(quiet)
    assert [product.ref for product in discovery.products] == ["strangers"]
    assert ["1 service left out" in problem.what for problem in discovery.problems] == [True]
    assert discovery.problems[0].code == "gateway_forbidden"


async def test_targets_that_are_missing_leave_out_only_the_products_behind_that_upstream() -> None:
    small, switchboard, gateway = connected()
    filled(small)
    upstream = next(iter(small.rows["upstreams"]))
    switchboard.faults.append(Fault(status=500, path=f"/upstreams/{upstream}/targets", times=9))
    discovery = await gateway.discover(quiet)
    assert [product.ref for product in discovery.products] == ["strangers"]
    assert discovery.problems[0].what.startswith("targets of upstream orders.internal")


async def test_only_a_first_call_that_fails_raises() -> None:
    _, switchboard, gateway = connected()
    switchboard.faults.append(Fault(status=503, path="/services", times=9))
    with pytest.raises(GatewayUnavailable):
        await gateway.discover(quiet)
