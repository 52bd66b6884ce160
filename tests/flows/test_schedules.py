"""Health, breaker and drift by themselves: what schedules do at an emulator over hours of a hand-moved clock."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aforo.gateway_sdk.emulator import Fault
from aforo.integrations.listeners import BreakerChange, HealthChange, News
from aforo.kit.clock import HandClock, from_rfc3339
from tests.flows.hands import KongHand
from tests.jobs.ticking import run_until
from tests.live import Aforo, Emulated, aforo, emulated


@dataclass
class Watched:
    """A connected, imported Kong; what its listeners were told."""

    running: Aforo
    clock: HandClock
    kong: Emulated
    integration_id: str
    health: list[HealthChange] = field(default_factory=list)
    breaker: list[BreakerChange] = field(default_factory=list)

    async def until(self, seconds: float) -> None:
        await run_until(self.running.rooms.schedules, self.clock, self.clock.now() + timedelta(seconds=seconds))

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        return await self.running.call(method, f"/api/v1{path}", body, status)

    async def only(self, *kinds: str) -> None:
        """Switch all other kinds off."""
        for one in (await self.call("GET", "/schedules"))["data"]:
            if one["kind"] not in kinds:
                await self.call("PATCH", f"/schedules/{one['id']}", {"enabled": False})

    async def schedule(self, kind: str) -> Any:
        return (await self.call("GET", f"/schedules?kind={kind}"))["data"][0]

    def down(self) -> None:
        self.kong.board.faults.append(Fault(503, times=10_000))

    def up(self) -> None:
        self.kong.board.faults.clear()

    def calls(self) -> int:
        return len(self.kong.board.log)

    def listens(self) -> None:
        async def health(change: HealthChange) -> None:
            self.health.append(change)

        async def breaker(change: BreakerChange) -> None:
            self.breaker.append(change)

        self.running.rooms.integrations.listeners.on_health.append(health)
        self.running.rooms.integrations.listeners.on_breaker.append(breaker)


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    clock = HandClock()
    with emulated("kong", products=6) as kong:
        async with aforo(folder, clock) as running:
            integration_id = await running.connect(kong, "kong-prod")
            await running.import_all(integration_id)
            made = Watched(running, clock, kong, integration_id)
            made.listens()
            yield made


@pytest.mark.long
async def test_a_health_check_is_one_call_every_five_minutes_within_its_jitter(tmp_path: Path) -> None:
    async with watched(tmp_path) as me:
        await me.only("health")
        await me.until(10)
        before, moments = me.calls(), []
        for _ in range(6):
            planned = (await me.schedule("health"))["nextAt"]
            moments.append(planned)
            await me.until((_moment(planned) - me.clock.now()).total_seconds())
        assert me.calls() - before == 6
        gaps = [(_moment(b) - _moment(a)).total_seconds() for a, b in itertools.pairwise(moments)]
        assert all(285 <= gap <= 315.001 for gap in gaps)
        points = (await me.call("GET", f"/integrations/{me.integration_id}/health"))["history"]
        assert len(points) >= 6


async def test_after_five_failures_no_request_is_made_for_300_seconds_and_then_exactly_one(tmp_path: Path) -> None:
    async with watched(tmp_path) as me:
        me.down()
        while (await _breaker(me))["state"] == "CLOSED":
            await me.until(30)
        opened, failures = me.calls(), (await _breaker(me))["consecutiveFailures"]
        assert failures == 5
        probe_at = _moment((await _breaker(me))["probeAt"])
        assert _moment((await me.schedule("health"))["nextAt"]) == probe_at
        await me.until((probe_at - me.clock.now()).total_seconds() - 0.001)
        assert me.calls() == opened
        await me.until(30)
        assert me.calls() == opened + 1
        again = _moment((await _breaker(me))["probeAt"])
        assert 299 < (again - probe_at).total_seconds() <= 300.01
        me.up()
        await me.until((again - me.clock.now()).total_seconds() + 0.01)
        assert (me.calls(), (await _breaker(me))["state"]) == (opened + 2, "CLOSED")


async def test_a_breaker_that_other_work_opened_is_probed_at_its_moment(tmp_path: Path) -> None:
    async with watched(tmp_path) as me:
        me.down()
        await _opened(me)
        probe_at = (await _breaker(me))["probeAt"]
        assert (await me.schedule("health"))["nextAt"] == probe_at
        opened = me.calls()
        await me.until((_moment(probe_at) - me.clock.now()).total_seconds())
        assert me.calls() == opened + 1


async def test_an_episode_is_told_once_and_so_is_its_end(tmp_path: Path) -> None:
    async with watched(tmp_path) as me:
        await me.only("health")
        me.down()
        await me.until(3600)
        states = [str(change.after) for change in me.health]
        assert states == ["DEGRADED", "ERROR"]
        me.up()
        await me.until(700)
        assert [change.news for change in me.health] == [None, News.ERROR, News.RECOVERED]
        assert me.health[1].code == "gateway_unavailable"
        assert Counter(str(change.after) for change in me.breaker)["CLOSED"] == 1


@pytest.mark.long
async def test_two_failures_and_a_recovery_are_nobodys_news(tmp_path: Path) -> None:
    async with watched(tmp_path) as me:
        await me.only("health")
        me.kong.board.faults.append(Fault(503, times=2))
        await me.until(1000)
        assert [(str(change.after), change.news) for change in me.health] == [("DEGRADED", None), ("HEALTHY", None)]


async def test_an_open_breaker_stays_open_over_a_restart_and_its_probe_comes_at_the_same_moment(tmp_path: Path) -> None:
    clock = HandClock()
    with emulated("kong", products=2) as kong:
        async with aforo(tmp_path, clock) as running:
            me = Watched(running, clock, kong, await running.connect(kong))
            me.down()
            await _opened(me)
            probe_at = (await _breaker(me))["probeAt"]
            opened = me.calls()
        clock.forward(100)
        async with aforo(tmp_path, clock) as running:  # the next process
            me = Watched(running, clock, kong, me.integration_id)
            await running.rooms.schedules.recover()
            assert (await _breaker(me))["probeAt"] == probe_at
            await me.until((_moment(probe_at) - clock.now()).total_seconds() - 0.001)
            assert me.calls() == opened
            await me.until(30)
            assert me.calls() == opened + 1


async def test_a_reset_needs_a_reason_stands_in_the_audit_trail_and_is_checked_at_once(tmp_path: Path) -> None:
    async with watched(tmp_path) as me:
        me.down()
        await _opened(me)
        me.up()
        path = f"/integrations/{me.integration_id}/breaker/reset"
        told = await me.call("POST", path, {"reason": "  "}, 422)
        assert told["errors"][0]["pointer"] == "/reason"
        assert (await me.call("POST", path, {"reason": "restarted Kong"}))["state"] == "CLOSED"
        entry = next(one for one in (await me.call("GET", "/audit"))["data"] if one["action"] == "breaker.reset")
        assert entry["detail"] == {"reason": "restarted Kong"}
        before = me.calls()
        await me.until(1)
        assert me.calls() > before
        assert (await me.call("GET", f"/integrations/{me.integration_id}"))["health"] == "HEALTHY"


async def test_a_drift_made_at_the_gateway_is_noticed_once_by_itself_and_so_is_its_repair(tmp_path: Path) -> None:
    async with watched(tmp_path) as me:
        product = (await me.call("GET", "/products"))["data"][0]
        hand, path = KongHand(me.kong), f"/products/{product['id']}"
        hand.edit(product)
        await me.until(2 * 945)
        noticed = await me.call("GET", path)
        assert noticed["monetizationStatus"] == "STALE"
        episodes = (await me.call("GET", f"{path}/episodes"))["data"]
        assert [len(one["fields"]) for one in episodes] == [1]
        assert episodes[0]["fields"][0]["path"] == hand.field_path(product)
        words = (await me.schedule("drift"))["last"]["words"]
        assert words == "6 of 6 products compared, 1 differs."
        hand.call("PATCH", f"/services/{product['ref']}", {"read_timeout": 60_000})
        await me.until(2 * 945)
        episodes = (await me.call("GET", f"{path}/episodes"))["data"]
        assert [(one["id"], bool(one["closedAt"])) for one in episodes] == [(noticed["driftId"], True)]
        assert (await me.call("GET", path))["driftId"] is None


async def test_where_nothing_is_recorded_a_scan_asks_nothing_and_schedules_go_with_their_integration(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    with emulated("kong", products=2) as kong:
        async with aforo(tmp_path, clock) as running:
            me = Watched(running, clock, kong, await running.connect(kong))
            await me.only("drift")
            before = me.calls()
            await me.until(3600)
            assert me.calls() == before
            assert (await me.schedule("drift"))["last"]["result"] == "SKIPPED"
            kinds = [one["kind"] for one in (await me.call("GET", "/schedules"))["data"]]
            assert sorted(kinds) == ["drift", "health", "orphans", "retention"]
            await me.call("DELETE", f"/integrations/{me.integration_id}", status=204)
            assert [one["kind"] for one in (await me.call("GET", "/schedules"))["data"]] == ["retention"]


@pytest.mark.long
async def test_a_scan_that_could_not_read_everything_calls_nothing_stale_and_says_what_it_missed(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as me:
        await me.only("drift")
        me.kong.board.faults.append(Fault(403, path="/plugins", times=100))
        await me.until(60)
        last = (await me.schedule("drift"))["last"]
        assert last["result"] in ("PARTIAL", "FAILED")
        assert all(one["driftId"] is None for one in (await me.call("GET", "/products"))["data"])


async def test_what_somebody_looked_at_while_a_scan_read_is_not_called_stale_by_what_the_scan_had_read(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as me:
        rooms, product = me.running.rooms, (await me.call("GET", "/products"))["data"][0]
        before = me.calls()
        await rooms.sweeper.scan(me.running.tenant_id, me.integration_id)
        calls_of_a_scan = me.calls() - before
        KongHand(me.kong).edit(product)
        before = me.calls()
        async with rooms.watch.turn(me.integration_id):
            scan = asyncio.create_task(rooms.sweeper.scan(me.running.tenant_id, me.integration_id))
            while me.calls() < before + calls_of_a_scan:  # noqa: ASYNC110  the emulator tells nobody
                await asyncio.sleep(0.002)
            KongHand(me.kong).call("PATCH", f"/services/{product['ref']}", {"read_timeout": 60_000})
            me.clock.forward(1)
            await rooms.watch.look(me.running.tenant_id, product["id"])
        assert (await scan).opened == 0
        assert (await me.call("GET", f"/products/{product['id']}/episodes"))["data"] == []


async def test_a_paused_integration_is_left_alone_until_it_is_resumed(tmp_path: Path) -> None:
    async with watched(tmp_path) as me:
        await me.until(60)
        path = f"/integrations/{me.integration_id}"
        until = me.clock.now() + timedelta(hours=2)
        paused = await me.call("POST", f"{path}/pause", {"until": until.isoformat(), "reason": "Kong is upgraded"})
        assert paused["pause"]["reason"] == "Kong is upgraded"
        before = me.calls()
        await me.until(3600)
        assert me.calls() == before
        one = await me.schedule("drift")
        assert one["state"] == "PAUSED"
        assert (await me.call("POST", f"/schedules/{one['id']}/run", status=409))["code"] == "integration_paused"
        assert (await me.call("POST", f"{path}/resume"))["pause"] is None
        await me.until(20)
        assert me.calls() > before
        actions = [one["action"] for one in (await me.call("GET", "/audit"))["data"]]
        assert actions[:2] == ["integration.resume", "integration.pause"]


def _moment(text: str) -> datetime:
    return from_rfc3339(text)


async def _breaker(me: Watched) -> Any:
    return await me.call("GET", f"/integrations/{me.integration_id}/breaker")


async def _opened(me: Watched) -> None:
    """Fail by other work than the schedules' until calls are held."""
    while (await _breaker(me))["state"] == "CLOSED":
        await me.call("POST", f"/integrations/{me.integration_id}/test")
