"""Without a database Kong takes its configuration whole: no restore undoes another, and a race is noticed."""

import pytest

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Gateway, Product
from aforo.gateway_sdk.errors import GatewayChanged
from aforo.gateways.kong.manifest import MANIFEST
from tests.gateways.kong.emulated_kong import EmulatedKong, restored
from tests.gateways.kong.kong_parts import kong
from tests.gateways.kong.small_kong import product

TEXT = """
_format_version: "3.0"
services:
- name: orders
  host: orders.internal
  routes: [{name: orders-r, paths: [/orders]}]
- name: billing
  host: 10.9.9.9
  routes: [{name: billing-r, paths: [/billing]}]
upstreams:
- {name: orders.internal, targets: [{target: "10.0.0.1:80"}]}
consumers:
- {username: alice, keyauth_credentials: [{key: alices-key}]}
"""
CHANGED = TEXT.replace("[/orders]", "[/o]").replace("[/billing]", "[/b]")


async def _drifted() -> tuple[EmulatedKong, Product, Product]:
    """A node that runs the changed text, and the two products as they were before."""
    emulated = EmulatedKong(database="off")
    await emulated.ask("POST", "/config", {"config": TEXT})
    orders, billing = await product(emulated.gateway, "orders"), await product(emulated.gateway, "billing")
    await emulated.ask("POST", "/config", {"config": CHANGED})
    return emulated, orders, billing


async def _restore(gateway: Gateway, recorded: Product) -> list[str]:
    return await restored(gateway, recorded, await gateway.read(recorded))


async def _differences(emulated: EmulatedKong, recorded: Product) -> list[str]:
    live = await emulated.gateway.read(recorded)
    assert live
    return [change.path for change in compare(recorded, live, MANIFEST.kinds).changes]


async def test_two_products_restored_one_after_the_other_both_stand_and_strangers_stay() -> None:
    emulated, orders, billing = await _drifted()
    assert await _restore(kong(emulated), orders) == ["update route orders-r"]
    assert await _restore(kong(emulated), billing) == ["update route billing-r"]
    assert await _differences(emulated, orders) == []
    assert await _differences(emulated, billing) == []
    (key,) = (await emulated.ask("GET", "/key-auths"))["data"]
    assert key["key"] == "alices-key"


async def test_one_connector_may_restore_twice() -> None:
    emulated, orders, billing = await _drifted()
    gateway = kong(emulated)
    await _restore(gateway, orders)
    await _restore(gateway, billing)
    assert await _differences(emulated, orders) == []
    assert await _differences(emulated, billing) == []


async def test_a_configuration_loaded_since_the_read_is_noticed_and_nothing_is_written() -> None:
    emulated, orders, billing = await _drifted()
    late = kong(emulated)
    live = await late.read(orders)
    steps = plan_restore(orders, live, MANIFEST.kinds).steps
    await _restore(kong(emulated), billing)
    emulated.writes.clear()
    with pytest.raises(GatewayChanged) as caught:
        await late.apply(orders, live, steps, lambda step: None)
    assert caught.value.next_step
    assert emulated.writes == []
    assert await _differences(emulated, billing) == []
    assert await _restore(late, orders) == ["update route orders-r"]


async def test_a_configuration_loaded_while_ours_is_made_ready_is_noticed() -> None:
    emulated, orders, _ = await _drifted()
    live = await emulated.gateway.read(orders)
    steps = plan_restore(orders, live, MANIFEST.kinds).steps

    async def load() -> None:
        emulated.after_config = None
        await emulated.ask("POST", "/config", {"config": TEXT.replace("alices-key", "a-new-key")})

    emulated.after_config = load
    with pytest.raises(GatewayChanged):
        await emulated.gateway.apply(orders, live, steps, lambda step: None)
    assert emulated.writes == []
    assert (await emulated.ask("GET", "/key-auths"))["data"][0]["key"] == "a-new-key"


async def test_a_row_that_is_gone_since_the_read_is_said_so() -> None:
    """A connector that has not read by itself has no hash to go by."""
    emulated, orders, _ = await _drifted()
    live = await emulated.gateway.read(orders)
    steps = plan_restore(orders, live, MANIFEST.kinds).steps
    await emulated.ask("POST", "/config", {"config": CHANGED.replace("routes: [{name: orders-r, paths: [/o]}]", "")})
    with pytest.raises(GatewayChanged, match="route orders-r is gone"):
        await kong(emulated).apply(orders, live, steps, lambda step: None)
