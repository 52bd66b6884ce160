"""Schedules, the gateway strip, the pause and drift's banner, read as a browser without scripts reads them."""

from datetime import timedelta
from pathlib import Path

from aforo.accounts import Role
from aforo.kit.clock import HandClock
from tests.console.visiting import Visitor, visiting
from tests.flows.hands import KongHand
from tests.jobs.ticking import run_until
from tests.live import emulated


async def _pass(me: Visitor, clock: HandClock, seconds: float) -> None:
    await run_until(me.running.rooms.schedules, clock, clock.now() + timedelta(seconds=seconds))


async def test_a_drift_shows_its_banner_and_its_place_on_every_page_without_anybodys_visit(tmp_path: Path) -> None:
    clock = HandClock()
    async with visiting(tmp_path, clock) as me:
        with emulated("kong", products=6) as kong:
            integration_id = await me.running.connect(kong, "kong-prod")
            product = (await me.running.import_all(integration_id))[0]
            waiting = await me.get("/")
            assert "first at" in waiting.text
            KongHand(kong).edit(product)
            await _pass(me, clock, 60)
            overview = await me.get("/")
            assert "1 thing needs you." in overview.text
            assert "1 STALE" in overview.text
            assert "calls in 60 s" in overview.html
            assert "Gateway differs from the record since" in (await me.get(f"/products/{product['id']}")).text
            listed = await me.get("/schedules")
            assert "4 schedules, none failed." in listed.text
            one = (await me.running.call("GET", "/api/v1/schedules?kind=drift"))["data"][0]
            told = "6 of 6 products compared, 1 differs, 1 newly noticed."
            assert told in (await me.get(f"/schedules/{one['id']}")).text


async def test_a_schedule_is_run_and_set_on_its_page_and_a_reader_sees_no_button(tmp_path: Path) -> None:
    async with visiting(tmp_path, HandClock()) as me:
        with emulated("kong", products=2) as kong:
            integration_id = await me.running.connect(kong, "kong-prod")
            kinds = {one["kind"]: one for one in (await me.running.call("GET", "/api/v1/schedules"))["data"]}
            health, orphans = (f"/schedules/{kinds[kind]['id']}" for kind in ("health", "orphans"))
            assert "has not run yet" in (await me.get(health)).text
            back = await me.post(f"{health}/run?back=/integrations/{integration_id}")
            assert (back.path, "DONE" in back.text) == (f"/integrations/{integration_id}", True)
            assert (await me.post(f"{health}/run?back=//evil.example/")).path == "/schedules"
            refused = await me.post(orphans, {"every": "300", "enabled": "yes"})
            assert (refused.status, "<title>Error:" in refused.html) == (422, True)
            assert "It is switched off." in (await me.post(orphans, {"every": "3600"})).text
            assert "every 1 h" in (await me.post(orphans, {"every": "3600", "enabled": "yes"})).text
            await me.become(Role.VIEWER)
            seen = await me.get("/schedules")
            assert (seen.status, "Run now" in seen.text) == (200, False)


async def test_a_pause_needs_a_reason_shows_everywhere_and_ends_by_resume(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong", products=2) as kong:
            integration_id = await me.running.connect(kong, "kong-prod")
            path = f"/integrations/{integration_id}"
            assert (await me.post(f"{path}/pause", {"hours": "2", "reason": " "})).status == 422
            paused = await me.post(f"{path}/pause", {"hours": "2", "reason": "Kong is upgraded"})
            assert "Paused until" in paused.text
            for where in ("/", "/integrations"):
                assert "aused until" in (await me.get(where)).text
            assert "PAUSED" in (await me.get("/schedules")).text
            assert "Paused until" not in (await me.post(f"{path}/resume")).text
