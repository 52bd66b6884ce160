"""What several operators do in the same moment."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aforo.gateway_sdk.emulator import Fault
from tests.live import Aforo, Emulated, aforo, emulated

TEXT = """
_format_version: "3.0"
services:
- {name: orders, host: orders.internal, routes: [{name: orders-r, paths: [/orders]}]}
- {name: billing, host: billing.internal, routes: [{name: billing-r, paths: [/billing]}]}
"""
CHANGED = TEXT.replace("[/orders]", "[/o]").replace("[/billing]", "[/b]")


async def test_of_imports_at_the_same_moment_one_wins_and_the_others_are_told_that_their_plan_is_stale(
    tmp_path: Path,
) -> None:
    with emulated("kong", 4) as kong:
        async with aforo(tmp_path) as mine:
            integration_id = await mine.connect(kong)
            first, second = await mine.preview(integration_id), await mine.preview(integration_id)
            answers = await asyncio.gather(
                *(
                    mine.http.post(
                        "/api/v1/products/import",
                        json={"planId": plan["planId"], "select": [row["ref"] for row in plan["changes"]]},
                    )
                    for plan in (first, second, first)
                )
            )
            assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
            assert {answer.json().get("code") for answer in answers} == {None, "plan_stale"}
            assert len((await mine.call("GET", "/api/v1/products"))["data"]) == 4


async def test_two_restores_of_one_kong_yml_at_once_both_stand(tmp_path: Path) -> None:
    async with aforo(tmp_path) as mine:
        made = {"name": "file", "gateway": "kong", "signIn": "declarative", "settings": {"document": TEXT}}
        integration_id = (await mine.call("POST", "/api/v1/integrations", made, 201))["id"]
        products = await mine.import_all(integration_id)
        change = {"settings": {"document": CHANGED}}
        await mine.call("PATCH", f"/api/v1/integrations/{integration_id}", change)
        await _restored_at_once(mine, integration_id, products)


async def test_two_restores_at_a_node_without_a_database_at_once_both_stand(tmp_path: Path) -> None:
    with emulated("kong", 0, database="off") as kong:
        async with aforo(tmp_path) as mine:
            _load(kong, TEXT)
            integration_id = await mine.connect(kong)
            products = await mine.import_all(integration_id)
            _load(kong, CHANGED)
            await _restored_at_once(mine, integration_id, products)


async def test_while_a_restore_writes_nobody_accepts_what_is_half_there(tmp_path: Path) -> None:
    with emulated("kong", 0) as kong:
        async with aforo(tmp_path) as mine:
            _make(kong, "orders")
            integration_id = await mine.connect(kong)
            (product,) = await mine.import_all(integration_id)
            _ask(kong, "PATCH", "/services/orders", {"read_timeout": 1234})
            _ask(kong, "PATCH", "/routes/orders-r", {"paths": ["/o"]})
            kong.board.faults.append(Fault(0, method="PATCH", path="/routes", delay_ms=300))
            path = f"/api/v1/products/{product['id']}"
            asked = len(kong.board.log)
            restoring = asyncio.create_task(mine.call("POST", f"{path}/restore", {}))
            await _until_asked(kong, "PATCH", "/routes", after=asked)
            accepted = await mine.call("POST", f"{path}/accept", {})
            await restoring
            assert accepted["config"] == product["config"]
            assert (await mine.preview(integration_id))["summary"]["UNCHANGED"] == 1


@pytest.mark.parametrize("force", ["", "?force=orphan"])
async def test_an_integration_removed_while_it_is_read_is_told_and_nothing_is_kept(tmp_path: Path, force: str) -> None:
    with emulated("kong", 2) as kong:
        async with aforo(tmp_path) as mine:
            integration_id = await mine.connect(kong)
            if force:
                await mine.import_all(integration_id)
                _ask(kong, "PATCH", f"/services/{_services(kong)[0]}", {"read_timeout": 1234})
            kong.board.faults.append(Fault(0, path="/services", delay_ms=1_500))
            asked = len(kong.board.log)
            reading = asyncio.create_task(_preview(mine, integration_id))
            await _until_asked(kong, "GET", "/services", after=asked)
            await mine.call("DELETE", f"/api/v1/integrations/{integration_id}{force}", status=204)
            answer = await reading
            assert answer.status_code in (404, 409), answer.text
            assert answer.json()["code"] in ("not_found", "conflict")
            assert (await mine.call("GET", "/api/v1/products"))["data"] == []


async def test_an_integration_removed_while_an_import_reads_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    with emulated("kong", 2) as kong:
        async with aforo(tmp_path) as mine:
            integration_id = await mine.connect(kong)
            plan = await mine.preview(integration_id)
            kong.board.faults.append(Fault(0, path="/services", delay_ms=1_500))
            asked = len(kong.board.log)
            body = {"planId": plan["planId"], "select": [row["ref"] for row in plan["changes"]]}
            importing = asyncio.create_task(mine.http.post("/api/v1/products/import", json=body))
            await _until_asked(kong, "GET", "/services", after=asked)
            await mine.call("DELETE", f"/api/v1/integrations/{integration_id}", status=204)
            answer = await importing
            assert (answer.status_code, answer.json()["code"]) in ((404, "not_found"), (409, "plan_stale"))
            assert (await mine.call("GET", "/api/v1/products"))["data"] == []


async def test_of_integrations_made_at_once_under_one_name_one_stands(tmp_path: Path) -> None:
    async with aforo(tmp_path) as mine:
        made = {"name": "same", "gateway": "kong", "signIn": "declarative", "settings": {"document": TEXT}}
        answers = await asyncio.gather(*(mine.http.post("/api/v1/integrations", json=made) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def _restored_at_once(mine: Aforo, integration_id: str, products: list[Any]) -> None:
    assert len(products) == 2
    assert (await mine.preview(integration_id))["summary"]["CHANGED"] == 2
    restores: list[Awaitable[Any]] = [
        mine.call("POST", f"/api/v1/products/{product['id']}/restore", {}) for product in products
    ]
    await asyncio.gather(*restores)
    assert (await mine.preview(integration_id))["summary"]["UNCHANGED"] == 2


async def _preview(mine: Aforo, integration_id: str) -> httpx2.Response:
    return await mine.http.post("/api/v1/products/preview", json={"integrationId": integration_id})


async def _until_asked(kong: Emulated, method: str, path: str, after: int = 0) -> None:
    """Until a call of this kind has reached the gateway."""
    async with asyncio.timeout(5):
        while not any(asked == method and at.startswith(path) for asked, at in kong.board.log[after:]):  # noqa: ASYNC110  the emulator runs in a thread of its own
            await asyncio.sleep(0.005)


def _services(kong: Emulated) -> list[str]:
    return [service["name"] for service in _ask(kong, "GET", "/services")["data"]]


def _make(kong: Emulated, name: str) -> None:
    _ask(kong, "POST", "/services", {"name": name, "host": "a.internal"})
    _ask(kong, "POST", f"/services/{name}/routes", {"name": f"{name}-r", "paths": [f"/{name}"]})


def _load(kong: Emulated, text: str) -> None:
    _ask(kong, "POST", "/config", {"config": text})


def _ask(kong: Emulated, method: str, path: str, body: object = None) -> Any:
    answer = httpx2.request(method, kong.url + path, json=body, trust_env=False)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None
