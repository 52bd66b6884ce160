"""The plugin in a real nginx with its Lua module, before a real Aforo. Kong's kit around it is the tests' own."""

import asyncio
import json
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.gateways.kong.metered import Metered, eventually, metered
from tests.gateways.kong.nginx.nginx_node import HERE, NginxNode, node_before

pytestmark = [pytest.mark.nginx, pytest.mark.asyncio(loop_scope="module")]

_SPOOL_SECONDS: Final = 0.1
"""The most that a kill costs, as the README says."""
_SLACK_SECONDS: Final = 0.2
"""For a worker that this machine, busy with the other tests, lets run late."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Metered]:
    """One Aforo for all: each test has a customer and a node of its own."""
    async with metered(tmp_path_factory.mktemp("world"), products=1) as running:
        yield running


@asynccontextmanager
async def node_for(world: Metered, folder: Path, secret: str, **config: Any) -> AsyncIterator[NginxNode]:
    node = await node_before(world, folder / "nginx", secret, timeout_ms=2000, **config)
    try:
        await node.start()
        assert await eventually(node.hears), node.complaints()
        yield node
    finally:
        await node.aclose()


async def test_nginx_refuses_a_plugin_that_waits_in_its_log_phase_and_the_node_tells(tmp_path: Path) -> None:
    node = NginxNode(tmp_path / "nginx", "waiting-in-log", {"url": "http://127.0.0.1:1/"}, plugins=HERE / "plugins")
    try:
        await node.start()
        assert (await node.call("")).status_code == 200
        assert await eventually(lambda: complains(node))
        assert "API disabled in the context of log_by_lua*" in node.complaints()[0]
    finally:
        await node.aclose()


async def complains(node: NginxNode) -> bool:
    return bool(node.complaints())


async def test_a_quota_is_spent_to_the_unit_each_call_is_one_event_and_no_refused_call_reaches_the_backend(
    world: Metered, tmp_path: Path
) -> None:
    secret = await world.subscriber("small", 30)
    async with node_for(world, tmp_path, secret, lease_units=10) as node:
        first = await node.call(secret)
        assert (first.status_code, first.headers["x-aforo-plan"]) == (200, "small")
        assert first.headers["x-aforo-remaining"] == "29", "not what the backend says of itself"
        assert [(await node.call(secret)).status_code for _ in range(35)] == [200] * 29 + [429] * 6
        refused = await node.call(secret)
        assert refused.json()["message"] == "The quota of this plan is used up."
        assert int(refused.headers["retry-after"]) == refused.json()["retryAfter"] > 0
        assert refused.headers["x-aforo-remaining"] == "0"
        assert (await node.call("a-key-of-nobody")).status_code == 403
        assert await node.backend_calls() == 30
        assert await eventually(lambda: counted(world, secret, 30))
        assert {event["statusCode"] for event in await metered_for(world, secret)} == {200}
        assert node.complaints() == []


async def test_two_workers_share_a_lease_and_calls_seldom_wait_for_the_edge(
    world: Metered, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = await world.subscriber("large", 100_000)
    held = await world.leases()
    async with node_for(world, tmp_path, secret, lease_units=200) as node:
        for _ in range(50):
            answers = await asyncio.gather(*(node.call(secret, connection="close") for _ in range(10)))
            assert {answer.status_code for answer in answers} == {200}
        took = await node.took_us()
        assert await eventually(lambda: counted(world, secret, 500))
        assert await node.backend_calls() == len(took) == 500
        assert len({event["nodeId"] for event in await metered_for(world, secret)}) == 2
        assert await world.leases() - held <= 500 / 200 + 3
        assert node.complaints() == []
    percentiles = statistics.quantiles(took[10:], n=100)  # the first ten came when nothing was at hand
    with capsys.disabled():
        sys.stdout.write(json.dumps({"p50_us": round(percentiles[49]), "p99_us": round(percentiles[98])}) + "\n")
    assert percentiles[49] < 2000, "half of all calls wait for nobody"


async def test_a_killed_nginx_loses_its_last_moment_alone_and_its_next_start_delivers_the_rest_once(
    world: Metered, tmp_path: Path
) -> None:
    secret = await world.subscriber("open", 10_000, failMode={"kind": "open"})
    async with node_for(world, tmp_path, secret, lease_units=100) as node:
        assert (await node.call(secret)).status_code == 200
        assert await eventually(lambda: counted(world, secret, 1))
        world.edge.stop()
        began = _now()
        passed = []
        while _now() - began < _SPOOL_SECONDS + _SLACK_SECONDS + 0.2:
            assert (await node.call(secret)).status_code == 200
            passed.append(_now())
        killed = _now()
        node.kill()
        written = node.spooled()
        due = sum(moment < killed - _SPOOL_SECONDS - _SLACK_SECONDS for moment in passed)
        assert 0 < due <= written <= len(passed)
        world.edge.start()
        await node.start()
        assert await eventually(lambda: counted(world, secret, 1 + written), 15)
        assert (await node.call(secret)).status_code == 200
        assert await eventually(lambda: counted(world, secret, 2 + written)), "and it counts on"
        told = [line for line in node.complaints() if "does not answer" not in line]
        assert told == [], "of an edge that is away it tells, of nothing else"


def _now() -> float:
    return asyncio.get_running_loop().time()


async def metered_for(world: Metered, secret: str) -> list[dict[str, Any]]:
    issued = await world.running.call("GET", f"/api/v1/credentials/{world.issued[secret]}")
    subscription = await world.running.call("GET", f"/api/v1/subscriptions/{issued['subscriptionId']}")
    return [event for event in await world.events() if event["customerId"] == subscription["customerId"]]


async def counted(world: Metered, secret: str, count: int) -> bool:
    """Exactly so many events of this key's customer, each its own."""
    keys = [event["idempotencyKey"] for event in await metered_for(world, secret)]
    assert len(keys) <= count
    assert len(set(keys)) == len(keys)
    return len(keys) == count
