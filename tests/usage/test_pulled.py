"""What a gateway counted is read again without counting twice, and stands beside the events it goes with."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aforo.accounts import Caller, Scope
from aforo.gateway_sdk.emulator import Fault
from aforo.kit.clock import HandClock, rfc3339
from aforo.usage import Ingests
from aforo.usage.pulled import Figure, Place, PulledStore
from aforo.usage.pulled.reading import NoUsageFigures
from tests.console.visiting import visiting
from tests.live import Aforo, Emulated, aforo, emulated
from tests.usage.parts import event
from tests.usage.test_usage_api import eventually

DAY = date(2026, 11, 20)
AT = datetime(2026, 11, 21, tzinfo=UTC)
RECONCILIATION = "/api/v1/reconciliation"
ORDERS = "orders-v1"


def figure(calls: int, counter: str = "plan", day: date = DAY) -> Figure:
    return Figure(day, counter, ("native",), "key", calls)


def test_a_day_that_is_read_again_replaces_its_figures_and_keeps_what_the_vendor_has_forgotten(tmp_path: Path) -> None:
    store = PulledStore(tmp_path / "pulled.db")
    assert store.last_day("ten_1", "int_1") is None
    store.keep("ten_1", "int_1", (DAY, DAY), [figure(3), figure(4, "gone")], AT)
    store.keep("ten_1", "int_1", (DAY, DAY + timedelta(days=1)), [figure(5)], AT + timedelta(hours=1))
    assert store.figures("ten_1", "int_1", DAY, DAY) == [figure(4, "gone"), figure(5)]
    assert store.read_at("ten_1", "int_1", DAY, DAY) == {DAY: AT + timedelta(hours=1)}
    assert store.last_day("ten_1", "int_1") == DAY + timedelta(days=1)
    assert store.figures("ten_2", "int_1", DAY, DAY) == []
    assert (tmp_path / "pulled.db").stat().st_mode & 0o077 == 0


async def ask(gateway: Emulated, times: int) -> None:
    """Calls with the key of the seeded app `acme-app`."""
    path = "/v1/organizations/emulated-apis/developers/api@acme.example/apps/acme-app"
    async with httpx2.AsyncClient(base_url=gateway.url) as http:
        token = {"Authorization": "Bearer ya29.emulated"}
        app = (await http.get(path, headers=token)).json()
        key = app["credentials"][0]["consumerKey"]
        assert (await http.post(f"{path}/keys/{key}", headers=token, json={"apiProducts": [ORDERS]})).is_success
        for _ in range(times):
            answer = await http.get(f"/proxy/{ORDERS}/orders/7", headers={"x-apikey": key})
            assert answer.status_code == 200, answer.text


async def reconciled(running: Aforo, integration_id: str) -> Any:
    return await running.call("GET", f"{RECONCILIATION}?integrationId={integration_id}")


async def test_pulled_and_pushed_calls_of_a_product_meet_in_one_row(tmp_path: Path) -> None:
    clock = HandClock()
    ingests = Ingests(tmp_path / "var" / "log", clock, metrics=lambda _: frozenset({"api_calls"}))
    async with visiting(tmp_path, clock) as me:
        running = me.running
        assert "Nothing to compare." in (await me.get("/reconciliation")).text
        with emulated("apigee", products=2, now=lambda: clock.now().timestamp()) as gateway:
            integration_id = await running.connect(gateway)
            product = next(one for one in await running.import_all(integration_id) if one["ref"] == ORDERS)
            await ask(gateway, 3)
            pulled = await running.call("POST", f"{RECONCILIATION}/pull", {"integrationId": integration_id, "days": 1})
            assert (pulled["calls"], pulled["figures"]) == (3, 1)
            page = f"/reconciliation?integration={integration_id}"
            assert "No artifact is attached: that gw counted 3 calls is all that is known." in (await me.get(page)).text
            (alone,) = (await reconciled(running, integration_id))["data"]
            assert (alone["pulledCalls"], alone["pushedCalls"], alone["products"][0]["id"]) == (3, 0, product["id"])
            assert "no_artifact" in [one["why"] for one in alone["reasons"]]

            who = Caller(running.tenant_id, "t", "key_1", frozenset({Scope.USAGE_INGEST}))
            mine = {"integrationId": integration_id, "occurredAt": rfc3339(clock.now()), "productId": product["id"]}
            sent = [
                event("a", **mine),
                event("b", quantity=9, **mine),
                event("c", **{**mine, "integrationId": "int_x"}),
            ]
            await ingests.of(who).ingest(json.dumps({"events": sent}).encode(), who)

            async def met() -> bool:
                (row,) = (await reconciled(running, integration_id))["data"]
                return (row["pushedCalls"], row["difference"], row["percent"]) == (2, -1, "-33.33")

            await eventually(met)
            seen = await me.get(page)
            assert "3 2 \u22121 \u221233.33 %" in seen.text
            assert "Bills are made from pushed events alone." in seen.text
            assert page in (await me.get(f"/integrations/{integration_id}")).html
            await ask(gateway, 1)
            again = await me.post("/reconciliation/pull", {"integration": integration_id})
            assert "4 2 \u22122 \u221250.00 %" in again.text

            gateway.board.faults.append(Fault(500, times=9, path="/v1/organizations/emulated-apis/environments"))
            await running.call("POST", f"{RECONCILIATION}/pull", {"integrationId": integration_id}, status=502)
            assert (await reconciled(running, integration_id))["data"][0]["pulledCalls"] == 4
            await running.call("GET", f"{RECONCILIATION}?integrationId=int_of_another_tenant", status=404)
            backwards = f"{RECONCILIATION}?integrationId={integration_id}&from=2026-02-01&to=2026-01-01"
            await running.call("GET", backwards, status=422)
    await ingests.aclose()


async def test_the_schedule_reads_what_lacks_and_again_what_may_be_amended(tmp_path: Path) -> None:
    clock = HandClock()
    async with aforo(tmp_path, clock) as running:
        with emulated("apigee", products=1, now=lambda: clock.now().timestamp()) as gateway:
            integration_id = await running.connect(gateway)
            (schedule,) = (await running.call("GET", "/api/v1/schedules?kind=usage"))["data"]
            assert schedule["everySeconds"] == 3600
            today = clock.now().date()
            spans = []
            for days in (0, 0, 4):
                clock.forward(seconds=days * 86_400)
                ran = await running.call("POST", f"/api/v1/schedules/{schedule['id']}/run")
                spans.append(ran["last"]["words"])
            later = today + timedelta(days=4)
            assert spans == [
                f"0 calls from {today - timedelta(days=29)} to {today}, as the gateway counted them.",
                f"0 calls from {today - timedelta(days=2)} to {today}, as the gateway counted them.",
                f"0 calls from {today - timedelta(days=2)} to {later}, as the gateway counted them.",
            ]
            body = {"integrationId": integration_id, "days": 31}
            refused = await running.call("POST", f"{RECONCILIATION}/pull", body, status=422)
            assert "the last 30 days" in refused["detail"]


async def test_figures_go_with_their_integration_also_when_it_is_deleted_while_it_is_read(tmp_path: Path) -> None:
    clock = HandClock()
    async with aforo(tmp_path, clock) as running:
        store, today = PulledStore(tmp_path / "var" / "pulled.db"), clock.now().date()
        with emulated("apigee", products=2, now=lambda: clock.now().timestamp()) as gateway:
            await ask(gateway, 1)
            gone, stays = [await running.connect(gateway, name) for name in ("gone", "stays")]
            for one in (gone, stays):
                await running.call("POST", f"{RECONCILIATION}/pull", {"integrationId": one, "days": 1})
            await running.call("PATCH", f"/api/v1/integrations/{gone}", {"name": "renamed"})
            assert len(store.figures(running.tenant_id, gone, today, today)) == 1
            await running.call("DELETE", f"/api/v1/integrations/{gone}", status=204)
            assert store.figures(running.tenant_id, gone, today, today) == []
            assert store.last_day(running.tenant_id, gone) is None
            assert len(store.figures(running.tenant_id, stays, today, today)) == 1

            pulling = running.rooms.pulling
            meanwhile = gateway.board.faults
            meanwhile.append(_Deleted(0, running=running, integration_id=stays, loop=asyncio.get_running_loop()))
            await pulling.pull(running.tenant_id, stays, 1)
            assert meanwhile[0].times == 0
            assert store.figures(running.tenant_id, stays, today, today) == []
            assert store.last_day(running.tenant_id, stays) is None


@dataclass(slots=True)
class _Deleted(Fault):
    """Fails no call; the integration is deleted while its figures are read."""

    running: Any = None
    integration_id: str = ""
    loop: Any = None

    def matches(self, method: str, path: str) -> bool:
        if "/stats/" in path and self.times:
            self.times = 0
            where = f"/api/v1/integrations/{self.integration_id}"
            asyncio.run_coroutine_threadsafe(self.running.call("DELETE", where, status=204), self.loop).result(10)
        return False


def test_a_gateway_whose_figures_are_not_read_says_so() -> None:
    with pytest.raises(NoUsageFigures, match="does not read usage figures from Kong"):
        Place("kong-prod", "Kong Gateway", None).told()
