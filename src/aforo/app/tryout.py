"""Try Aforo without a gateway of one's own: start the emulators and connect them."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse

from aforo.accounts import Scope, Session
from aforo.app.asking import wish_for_emulators
from aforo.app.wiring import Rooms
from aforo.gateway_sdk.registry import Entry, gateways
from aforo.integrations import Integration
from aforo.jobs import Report
from aforo.kit.errors import Overloaded
from aforo.kit.jsontree import JsonObject

_PATIENCE_SECONDS = 20.0


async def connect_emulators(rooms: Rooms, tenant_id: str, report: Report) -> list[Integration]:
    """Connect every gateway that has an emulator, as `<gateway>-emulated`, and test each; those there are stay."""
    if not wish_for_emulators():
        raise Overloaded(
            "The emulators cannot be started from here, since Aforo was not started by `aforo serve`.",
            next_step="Run `aforo emulate all` in another terminal and connect them by hand.",
        )
    chosen = [entry for entry in gateways().values() if entry.has("emulator")]
    there = {integration.name: integration for integration in await rooms.integrations.all(tenant_id)}
    connected = []
    for number, entry in enumerate(chosen):
        report(number, len(chosen), "gateways")
        name = f"{entry.manifest.key}-emulated"
        connected.append(there.get(name) or await _connect(rooms, tenant_id, name, entry))
    report(len(chosen), len(chosen), "gateways")
    return connected


async def _connect(rooms: Rooms, tenant_id: str, name: str, entry: Entry) -> Integration:
    sign_in, settings = entry.emulator().sample_connection(f"http://127.0.0.1:{entry.manifest.emulator_port}")
    made = await rooms.integrations.create(tenant_id, name, entry.manifest.key, sign_in, settings, emulated=True)
    await _wait_for(rooms, entry)
    async for _ in rooms.integrations.test(tenant_id, made.id):
        pass
    return await rooms.integrations.get(tenant_id, made.id)


async def _wait_for(rooms: Rooms, entry: Entry) -> None:
    until = rooms.clock.monotonic() + _PATIENCE_SECONDS
    while rooms.clock.monotonic() < until:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", entry.manifest.emulator_port)
        except OSError:
            await rooms.clock.sleep(0.1)
        else:
            writer.close()
            return


def router(rooms: Rooms) -> APIRouter:
    """The button "Try with emulated gateways": POST /try-emulated."""
    pages = APIRouter(include_in_schema=False)
    visitor = Annotated[Session, Depends(rooms.door.visitor(Scope.CONTROL_WRITE))]

    @pages.post("/try-emulated")
    async def start(session: visitor) -> RedirectResponse:
        tenant_id = session.caller.tenant_id

        async def work(report: Report) -> JsonObject:
            made = await connect_emulators(rooms, tenant_id, report)
            return {"integrations": [integration.id for integration in made], "href": "/tour"}

        job = await rooms.jobs.start(tenant_id, "try_emulated", "Start and connect emulated gateways", work)
        return RedirectResponse(f"/jobs/{job.id}", 303)

    return pages
