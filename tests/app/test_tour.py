"""The tour: what a newcomer does in five minutes, without scripts, against the emulators and a real edge."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

from aforo.accounts import Role
from aforo.app.tour.sample import CALLS_A_CUSTOMER, QUOTA
from aforo.gateway_sdk.emulator import Fault
from aforo.gateways.kong.emulator import KongEmulator
from tests.app.test_serve import free_ports
from tests.console.visiting import Seen, Visitor, visiting
from tests.gateways.kong.metered import PLUGIN_FOLDER, Edge
from tests.live import Emulated, emulated

_LEASED = 6
"""Kong may hold two leases of a tenth of what was left when the calls end; on a busy machine it does."""


@contextlib.asynccontextmanager
async def on_tour(folder: Path) -> AsyncIterator[tuple[Visitor, Emulated, Emulated]]:
    """A visitor of an Aforo whose emulated Kong and Apigee are connected, and whose edge runs."""
    (port,) = free_ports(1)
    (folder / "kong").mkdir()
    with (
        emulated("kong", 2, plugin_folders=[PLUGIN_FOLDER], prefix=folder / "kong", shared={"aforo": 2**20}) as kong,
        emulated("apigee", 2, looks_until_ready=0) as apigee,
    ):
        async with visiting(folder, edge_port=port) as visitor:
            edge = Edge(folder / "var", port)
            try:
                for gateway in (kong, apigee):
                    await _connect(visitor, gateway)
                yield visitor, kong, apigee
            finally:
                edge.stop()


async def _connect(visitor: Visitor, gateway: Emulated) -> None:
    rooms, tenant_id = visitor.running.rooms, visitor.running.tenant_id
    name, settings = f"{gateway.gateway}-emulated", gateway.settings
    made = await rooms.integrations.create(tenant_id, name, gateway.gateway, gateway.sign_in, settings, emulated=True)
    async for _ in rooms.integrations.test(tenant_id, made.id):
        pass


async def ended(visitor: Visitor, seen: Seen) -> Seen:
    """The page that a job's page leads to once it is done."""
    while seen.path.startswith("/jobs/"):
        assert "ailed" not in seen.text, seen.text
        await asyncio.sleep(0.1)
        seen = await visitor.get(seen.path)
    return seen


def cells(seen: Seen, customer: str) -> list[int]:
    """Sent, passed at Kong, passed at Apigee, refused."""
    row = seen.text.split(f"Last refusal {customer}" if customer == "Birch Books" else customer, 1)[-1]
    return [int(number) for number in re.findall(r"\d+", row)[:4]]


async def test_the_tour_runs_a_quota_out_over_two_gateways_and_shows_a_drift_and_who_loses_money(
    tmp_path: Path,
) -> None:
    async with on_tour(tmp_path) as (visitor, kong, _):
        seen = await visitor.get("/tour")
        assert "1 of 5 steps is done" in seen.text
        assert seen.primaries == 1
        seen = await ended(visitor, await visitor.post("/tour/shop"))
        assert "2 of 5 steps are done" in seen.text
        assert seen.primaries == 1

        seen = await ended(visitor, await visitor.post("/tour/calls"))
        sent, at_kong, at_apigee, refused = cells(seen, "Birch Books")
        assert (sent, refused) == (CALLS_A_CUSTOMER, CALLS_A_CUSTOMER - at_kong - at_apigee)
        assert QUOTA - _LEASED <= at_kong + at_apigee <= QUOTA
        assert min(at_kong, at_apigee) > 0, "one gateway refused everything"
        assert f"{QUOTA} of {QUOTA} calls" in seen.text
        assert "The quota of the plan is used up." in seen.text
        node = kong.board._app
        assert isinstance(node, KongEmulator)
        passed_at_kong = at_kong + CALLS_A_CUSTOMER  # the two other customers send every second call there
        assert node.requests.backend_calls.total() == passed_at_kong, "a refused call reached the backend"

        seen = await visitor.post("/tour/edit")
        assert "orders-v1 differs from its record" in seen.text
        product = "/products/" + re.findall(r"/products/(prod_\w+)", seen.html)[0]
        assert "orders-v1 differs at kong-emulated from its record" in (await visitor.get("/alerts")).text
        asked = await visitor.get(f"{product}/restore")
        await ended(visitor, await visitor.post(f"{product}/restore", asked.form(f"{product}/restore")))
        seen = await visitor.get("/tour")
        assert "It was repaired" in seen.text
        assert "4 of 5 steps are done" in seen.text
        assert seen.primaries == 1

        kong.board.faults.append(Fault(503, times=99, path="/"))
        away = await visitor.post("/tour/edit")
        assert away.status == 409
        assert "kong-emulated does not answer as an emulator would" in away.text
        assert "Start the emulated gateways again" in away.text

        margin = await visitor.get("/tour/margin")
        assert "1 customer loses" in margin.text
        assert margin.text.index("Copper Maps") < margin.text.index("Birch Books")
        assert "All five steps are done." in (await visitor.get("/tour")).text


async def test_without_the_emulated_gateways_the_tour_says_what_is_missing_and_makes_nothing(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visitor:
        seen = await visitor.get("/tour")
        assert "0 of 5 steps are done" in seen.text
        assert "Set up the shop" not in seen.text
        failed = await visitor.post("/tour/shop")
        assert "Not connected: kong-emulated and apigee-emulated." in failed.text
        edited = await visitor.post("/tour/edit")
        assert edited.status == 409
        assert "Set the shop up first" in edited.text
        assert (await visitor.running.call("GET", "/api/v1/plans"))["data"] == []


async def test_a_viewer_reads_the_tour_and_starts_nothing(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visitor:
        await visitor.become(Role.VIEWER)
        seen = await visitor.get("/tour")
        assert "Taking the tour needs the role operator" in seen.text
        assert "<form" not in seen.html.split("<main", 1)[1]
        assert [(await visitor.post(f"/tour/{verb}")).status for verb in ("shop", "calls", "edit")] == [403, 403, 403]
