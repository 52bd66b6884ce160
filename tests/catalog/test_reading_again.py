"""An import reads again what it records; what it could not read is told as that, never as gone."""

from pathlib import Path

from aforo.gateway_sdk.emulator import Fault
from tests.catalog.admin import ask, make
from tests.live import aforo, emulated

NAMES = [f"s{number}" for number in range(8)]


async def test_a_re_read_that_is_cut_short_tells_its_own_reason_and_the_preview_stays_open(tmp_path: Path) -> None:
    with emulated("kong", 0) as kong:
        async with aforo(tmp_path) as mine:
            make(kong, *NAMES)
            plan = await mine.preview(await mine.connect(kong))
            body = {"planId": plan["planId"], "select": NAMES}
            kong.board.faults.append(Fault(403, times=-1, path="/routes"))
            kong.board.faults.append(Fault(403, times=-1, path="/services/"))
            refused = await mine.http.post("/api/v1/products/import", json=body)
            assert (refused.status_code, refused.json()["code"]) == (502, "gateway_forbidden")
            kong.board.faults.clear()
            assert len((await mine.call("POST", "/api/v1/products/import", body))["created"]) == len(NAMES)


async def test_what_a_partial_re_read_missed_is_read_on_its_own(tmp_path: Path) -> None:
    with emulated("kong", 0) as kong:
        async with aforo(tmp_path) as mine:
            make(kong, *NAMES)
            plan = await mine.preview(await mine.connect(kong))
            body = {"planId": plan["planId"], "select": NAMES}
            kong.board.faults.append(Fault(403, times=1, path="/routes"))
            assert len((await mine.call("POST", "/api/v1/products/import", body))["created"]) == len(NAMES)


async def test_a_product_made_again_under_its_name_has_changed_and_is_not_gone(tmp_path: Path) -> None:
    with emulated("kong", 0) as kong:
        async with aforo(tmp_path) as mine:
            make(kong, *NAMES)
            plan = await mine.preview(await mine.connect(kong))
            ask(kong, "DELETE", "/routes/s1-r")
            ask(kong, "DELETE", "/services/s1")
            make(kong, "s1")
            body = {"planId": plan["planId"], "select": NAMES}
            refused = await mine.call("POST", "/api/v1/products/import", body, 409)
            assert refused["code"] == "plan_stale"
            assert "s1 has changed at the gateway" in refused["detail"]
