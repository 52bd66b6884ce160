"""Decisions and the red button, as a browser without scripts reads them; the edge runs beside."""

from pathlib import Path

from aforo.accounts import Role
from aforo.app.edge.enforcement import CREDENTIALS
from aforo.kit.clock import HandClock
from tests.console.visiting import visiting
from tests.customers import shop
from tests.enforcement.parts import Edge
from tests.enforcement.test_desk import sold
from tests.live import emulated


async def test_a_denial_is_listed_explained_and_stopped_by_the_red_button(tmp_path: Path) -> None:
    clock = HandClock()
    with emulated("kong", 2) as kong:
        async with visiting(tmp_path, clock) as me:
            running = me.running
            assert "No call was refused in the last 8 days" in (await me.get("/decisions")).text
            _, (product, *_) = await shop.stocked(running, kong)
            customer = await sold(running, product, "2")
            await running.call("PUT", f"/api/v1/products/{product}/enforcement", {"mode": "enforce"})
            edge = Edge(tmp_path / "var", clock, credentials=CREDENTIALS)
            await edge.open.start(edge.ingests.logs)
            await edge.refresh()
            asked = {"customerId": customer, "product": product, "units": 2}
            answers = [await edge.post("/v1/check", asked, running.admin_key) for _ in range(2)]
            assert [one["allowed"] for one in answers] == [True, False]

            refused = await me.post("/enforcement/pause", {"reason": " "})
            assert (refused.status, "Say why" in refused.text) == (422, True)
            paused = await me.post("/enforcement/pause", {"reason": "wrong plan published"})
            assert "Enforcement is paused." in paused.text
            await edge.refresh()
            assert "wouldDeny" in await edge.post("/v1/check", asked, running.admin_key)
            assert "Enforcement is paused." not in (await me.post("/enforcement/resume")).text
            await edge.aclose()

            listed = await me.get("/decisions")
            assert "1 of the last 2 denials was refused, 1 only observed; mostly quota_exceeded." in listed.text
            assert "Acme" in listed.text
            told = await me.get(f"/decisions/{answers[1]['decisionId']}")
            assert "The call was refused: A HARD quota of the plan is used up." in told.text
            assert "429 quota_exceeded" in told.text
            (subscription,) = (await running.call("GET", "/api/v1/subscriptions"))["data"]
            shown = await me.get(f"/subscriptions/{subscription['id']}")
            assert "api_calls, HARD 2 of 2" in shown.text
            assert (await me.get("/decisions/dec_nonsense")).status == 404
            trail = (await running.call("GET", "/api/v1/audit"))["data"]
            reasons = [one["detail"].get("reason") for one in trail if one["action"] == "enforcement.pause"]
            assert reasons == ["wrong plan published"]
            await me.become(Role.VIEWER)
            assert "Pause needs the role operator" in (await me.get("/decisions")).text
            assert (await me.post("/enforcement/pause", {"reason": "x"})).status == 403
