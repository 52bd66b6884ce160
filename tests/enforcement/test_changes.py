"""What connected nodes hear of, and how soon a change is in force."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from aforo.app.edge.commands import CommandSocket
from tests.enforcement.parts import KEY, OTHER_KEY, Shop, edge


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


async def test_a_waiting_node_hears_of_a_revocation_at_once_and_first(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product)
    customer, subscription = shop.customer_on(plan)
    shop.credential("app-1", subscription)
    async with edge(shop.folder) as running:
        version = (await running.get("/v1/changes"))["version"]
        other = asyncio.create_task(running.get(f"/v1/changes?since={version}&wait=1", OTHER_KEY))
        waiting = asyncio.create_task(running.get(f"/v1/changes?since={version}"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        shop.subscription(customer, plan)
        shop.credential("app-1", subscription, "REVOKED")
        await running.refresh()
        told = await asyncio.wait_for(waiting, 2)
        assert told["changes"][0] == {"kind": "credential.revoked", "subject": "app-1"}
        assert [change["kind"] for change in told["changes"][1:]] in ([], ["subscription.created"])
        assert told["version"] > version
        assert (await other)["changes"] == []
        refused = await running.post("/v1/check", {"credential": {"nativeId": "app-1"}, "product": product})
        assert refused["reason"] == "credential_revoked"


async def test_each_kind_of_change_is_told_in_order(shop: Shop) -> None:
    product = shop.product()
    plan, bigger = shop.plan(product), shop.plan(product)
    _, subscription = shop.customer_on(plan)
    async with edge(shop.folder) as running:
        version = (await running.get("/v1/changes"))["version"]
        steps: list[Callable[[], None]] = [
            lambda: shop.move(subscription, bigger),
            lambda: shop.set_status(subscription, "SUSPENDED"),
            lambda: shop.set_status(subscription, "ACTIVE"),
            lambda: shop.mode(product, "observe"),
            lambda: shop.guard("TENANT", "ten_1", l1="0.5"),
            lambda: shop.set_status(subscription, "CANCELLED"),
        ]
        for change in steps:
            change()
            await running.refresh()
        told = (await running.get(f"/v1/changes?since={version}"))["changes"]
        assert [(one["kind"], one["subject"]) for one in told] == [
            ("subscription.plan", subscription),
            ("subscription.suspended", subscription),
            ("subscription.reactivated", subscription),
            ("product.enforcement", product),
            ("margin.guards", "*"),
            ("subscription.cancelled", subscription),
        ]


async def test_a_reader_from_before_a_restart_is_told_to_start_anew(shop: Shop) -> None:
    async with edge(shop.folder) as running:
        version = (await running.get("/v1/changes"))["version"]
        running.clock.forward(1)
    async with edge(shop.folder, running.clock) as running:
        told = await running.get(f"/v1/changes?since={version}")
        assert told["changes"] == [{"kind": "reset", "subject": "*"}]
        assert told["version"] > version
        assert (await running.get("/v1/changes?since=now", KEY, 422))["code"] == "invalid"


async def test_a_poke_on_the_socket_is_acted_on_at_once(tmp_path: Path) -> None:
    poked: list[str] = []
    commands = CommandSocket(tmp_path / "edge.sock", {"changed": lambda: poked.append("changed")})
    await commands.start()
    assert (tmp_path / "edge.sock").stat().st_mode & 0o777 == 0o600
    for line, answer in ((b"changed\n", b"ok\n"), (b"unheard\n", b"unknown\n"), (b"\xff" * 9_000, b"")):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "edge.sock")
        writer.write(line)
        assert await reader.readline() == answer
        writer.close()
    assert poked == ["changed"]
    await commands.aclose()


async def test_a_poke_makes_the_edge_read_without_waiting_for_its_poll(shop: Shop) -> None:
    product = shop.product(enforce=False)
    async with edge(shop.folder) as running:
        version = (await running.get("/v1/changes"))["version"]
        shop.mode(product, "enforce")
        running.open.poke()
        told = await asyncio.wait_for(running.get(f"/v1/changes?since={version}"), 0.4)
        assert told["changes"] == [{"kind": "product.enforcement", "subject": product}]


async def test_a_narrowed_credential_opens_its_products_alone_and_its_holders_hear_of_it(shop: Shop) -> None:
    mine, other = shop.product(), shop.product()
    _, subscription = shop.customer_on(shop.plan(mine, other))
    shop.credential("key", subscription)
    asked = {"credential": {"integrationId": "int_1", "type": "consumer", "nativeId": "key"}}
    async with edge(shop.folder) as running:
        version = (await running.get("/v1/changes"))["version"]
        assert (await running.post("/v1/check", asked | {"product": other}))["allowed"]
        shop.credential("key", subscription, left_out=[other])
        await running.refresh()
        for path, more in (("/v1/check", {}), ("/v1/leases", {"want": 10, "nodeId": "n"})):
            refused = await running.post(path, asked | more | {"product": other})
            assert (refused["allowed"], refused["reason"], refused["status"]) == (False, "product_not_in_plan", 403)
            assert "lease" not in refused
            assert (await running.post(path, asked | more | {"product": mine}))["allowed"]
        told = await running.get(f"/v1/changes?since={version}")
        assert told["changes"] == [{"kind": "credential.changed", "subject": "key"}]
