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


async def test_before_anything_is_connected_the_page_says_where_schedules_come_from(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        seen = await me.get("/schedules")
        assert "Nothing is scheduled yet." in seen.text
        assert (seen.status, seen.primaries) == (200, 1)


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
            assert "3 schedules, none failed. The next one runs in" in listed.text
            one = (await me.running.call("GET", "/api/v1/schedules?kind=drift"))["data"][0]
            told = "6 of 6 products compared, 1 differs, 1 newly noticed."
            assert told in (await me.get(f"/schedules/{one['id']}")).text


async def test_run_now_runs_and_comes_back_to_where_it_was_pressed(tmp_path: Path) -> None:
    async with visiting(tmp_path, HandClock()) as me:
        with emulated("kong", products=2) as kong:
            integration_id = await me.running.connect(kong, "kong-prod")
            one = (await me.running.call("GET", "/api/v1/schedules?kind=health"))["data"][0]
            page = await me.get(f"/schedules/{one['id']}")
            assert "has not run yet" in page.text
            back = await me.post(f"/schedules/{one['id']}/run?back=/integrations/{integration_id}")
            assert back.path == f"/integrations/{integration_id}"
            assert "DONE" in back.text
            away = await me.post(f"/schedules/{one['id']}/run?back=//evil.example/")
            assert away.path == "/schedules"


async def test_an_interval_that_may_not_be_is_told_at_the_field(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong", products=2) as kong:
            await me.running.connect(kong)
            one = (await me.running.call("GET", "/api/v1/schedules?kind=orphans"))["data"][0]
            path = f"/schedules/{one['id']}"
            seen = await me.post(path, {"every": "300", "enabled": "yes"})
            assert (seen.status, "<title>Error:" in seen.html) == (422, True)
            assert "It is switched off." in (await me.post(path, {"every": "3600"})).text
            assert "every 1 h" in (await me.post(path, {"every": "3600", "enabled": "yes"})).text


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


async def test_who_may_only_read_sees_the_schedules_and_no_button(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong", products=2) as kong:
            await me.running.connect(kong)
            await me.become(Role.VIEWER)
            seen = await me.get("/schedules")
            assert (seen.status, "Run now" in seen.text) == (200, False)
