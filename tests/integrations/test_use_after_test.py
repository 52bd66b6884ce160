"""No room gets a connector before the connection has passed its test, and never one that was found unsafe."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from aforo.app import problems
from aforo.gateway_sdk.emulator import Fault
from aforo.gateways.aws.emulator.identity import AFORO_KEY
from aforo.gateways.aws.emulator.seeds import OPEN_ROLE_ARN
from aforo.integrations import routes
from tests.live import Aforo, Emulated, aforo, emulated


async def _refused(running: Aforo, integration_id: str) -> str:
    answer = await running.http.post("/api/v1/products/preview", json={"integrationId": integration_id})
    assert (answer.status_code, answer.json()["code"]) == (409, "connection_not_tested")
    assert f"POST /api/v1/integrations/{integration_id}/test" in answer.json()["detail"]
    return str(answer.json()["detail"])


async def _test(running: Aforo, integration_id: str) -> bool:
    return bool((await running.call("POST", f"/api/v1/integrations/{integration_id}/test"))["passed"])


async def test_a_role_that_accepts_a_wrong_external_id_serves_no_preview(tmp_path: Path) -> None:
    with emulated("aws") as gateway:
        async with aforo(tmp_path, aws_access_key_id=AFORO_KEY[0], aws_secret_access_key=AFORO_KEY[1]) as running:
            settings = {"region": gateway.settings["region"], "endpoint_url": gateway.url}
            body = {"name": "aws", "gateway": "aws", "signIn": "aws_role", "settings": settings}
            made = await running.call("POST", "/api/v1/integrations", body, 201)
            assert made["lastTest"] is None, "there is no role to be tested yet"
            path = f"/api/v1/integrations/{made['id']}"
            after = await running.call("PATCH", path, {"settings": {"role_arn": OPEN_ROLE_ARN}})
            assert after["lastTest"]["passed"] is False
            before = len(gateway.board.log)
            assert "accepts a missing or wrong ExternalId" in await _refused(running, made["id"])
            gateway.board.faults.append(Fault(503, times=1))
            assert not await _test(running, made["id"])
            await _refused(running, made["id"])
            assert len(gateway.board.log) <= before + 1, "but for the test, nothing is called"


async def test_a_saved_connection_is_tested_by_itself_and_each_change_again(tmp_path: Path) -> None:
    with emulated("kong") as gateway, emulated("kong", admin_token="t" * 12) as other:
        async with aforo(tmp_path) as running:
            integration_id = await running.connect(gateway)
            path = f"/api/v1/integrations/{integration_id}"
            assert (await running.call("GET", path))["lastTest"]["passed"]
            assert (await running.preview(integration_id))["summary"]["NEW"] == 12
            calls = len(gateway.board.log)
            assert (await running.call("PATCH", path, {"name": "renamed"}))["lastTest"]["passed"]
            assert len(gateway.board.log) == calls, "a name is nothing to be tested"
            assert (await running.preview(integration_id))["summary"]["NEW"] == 12
            moved = await running.call("PATCH", path, {"settings": {"admin_url": other.url}})
            assert not moved["lastTest"]["passed"]
            assert "last connection test failed" in await _refused(running, integration_id)


async def test_settings_that_were_changed_are_not_used_before_they_are_tested(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path) as running:
            integration_id = await running.connect(gateway)
            await running.rooms.integrations.change(
                running.tenant_id, integration_id, values={"admin_url": f"{gateway.url}/"}
            )
            calls = len(gateway.board.log)
            assert "has not been tested as it is now" in await _refused(running, integration_id)
            await running.rooms.integrations.check_health(running.tenant_id, integration_id)
            assert len(gateway.board.log) == calls
            assert await _test(running, integration_id)
            assert (await running.preview(integration_id))["summary"]["NEW"] == 12


async def test_a_gateway_that_was_down_during_a_later_test_is_used_again_when_it_is_up(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path) as running:
            integration_id = await running.connect(gateway)
            gateway.board.faults.append(Fault(503, times=-1))
            assert not await _test(running, integration_id)
            gateway.board.faults.clear()
            assert (await running.preview(integration_id))["summary"]["NEW"] == 12


async def test_what_was_down_at_first_is_used_after_a_test_that_passes(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path) as running:
            gateway.board.faults.append(Fault(503, times=-1))
            integration_id = await running.connect(gateway)
            assert "503" in await _refused(running, integration_id)
            gateway.board.faults.clear()
            assert await _test(running, integration_id)
            assert (await running.preview(integration_id))["summary"]["NEW"] == 12


async def test_a_test_of_settings_that_were_changed_meanwhile_counts_for_nothing(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with aforo(tmp_path) as running:
            integration_id = await running.connect(gateway)
            gateway.board.faults.append(Fault(0, times=1, delay_ms=400))
            test = asyncio.create_task(running.http.post(f"/api/v1/integrations/{integration_id}/test"))
            await asyncio.sleep(0.1)
            values = {"admin_url": f"{gateway.url}/"}
            await running.rooms.integrations.change(running.tenant_id, integration_id, values=values)
            answer = await test
            assert (answer.status_code, "changed while" in answer.json()["detail"]) == (409, True)
            await _refused(running, integration_id)


@pytest.fixture
def kong() -> Any:
    with emulated("kong") as gateway:
        yield gateway


async def test_a_test_that_takes_long_is_answered_with_a_job_that_has_its_lines(tmp_path: Path, kong: Emulated) -> None:
    async with aforo(tmp_path) as running:
        integration_id = await running.connect(kong)
        async with _with_jobs(running) as http:
            answer = await http.post(f"/api/v1/integrations/{integration_id}/test", headers={"Prefer": "respond-async"})
            assert answer.status_code == 202
            job = await _ended(running, answer.json()["jobId"])
        assert (job["state"], job["result"]["passed"]) == ("DONE", True)
        assert job["result"]["checks"]


async def _ended(running: Aforo, job_id: str) -> Any:
    for _ in range(200):
        job = await running.call("GET", f"/api/v1/jobs/{job_id}")
        if job["state"] != "RUNNING":
            return job
        await asyncio.sleep(0.02)
    raise AssertionError(f"the job {job_id} has not ended")


async def test_with_jobs_a_saved_connection_is_tested_by_itself_too(tmp_path: Path, kong: Emulated) -> None:
    async with aforo(tmp_path) as running, _with_jobs(running) as http:
        body = {"name": "k", "gateway": "kong", "signIn": kong.sign_in, "settings": kong.settings}
        made = (await http.post("/api/v1/integrations", json=body)).json()
        assert made["lastTest"]["passed"]


def _with_jobs(running: Aforo) -> httpx2.AsyncClient:
    """The routes of this room alone, given the jobs."""
    rooms, app = running.rooms, FastAPI()
    router = routes.router(rooms.integrations, rooms.accounts, rooms.catalog.in_use_by, rooms.door.caller, rooms.jobs)
    app.include_router(router)
    problems.install(app, lambda request, fault: problems.answer(fault, request.url.path))
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://aforo.test", headers=running.http.headers
    )
