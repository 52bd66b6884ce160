"""One tenant never learns of another's objects, whatever route it asks."""

from pathlib import Path
from typing import Any

from aforo.accounts import Scope
from tests.live import Aforo, aforo, emulated

_BODIES: dict[str, Any] = {
    "/ignore": {"path": "/service/x"},
    "/products/{product_id}": {"monetized": True},
    "/integrations/{integration_id}": {"name": "stolen"},
    "/pricing/sync": {"planId": "prev_1", "select": ["plan:pro"]},
    "/breaker/reset": {"reason": "stolen"},
    "/schedules/{schedule_id}": {"enabled": False},
    "/enforcement": {"mode": "enforce"},
    "/enforcement/pause": {"reason": "stolen"},
    "/pause": {"until": "2026-11-22T18:00:00Z", "reason": "stolen"},
    "/consumers/adopt": {"adopt": [{"consumer": "c", "customerId": "cust_1", "planId": "plan_1", "keys": ["k"]}]},
}


async def test_every_route_of_an_object_answers_404_to_another_tenant(tmp_path: Path) -> None:
    with emulated("kong", 2) as kong:
        async with aforo(tmp_path) as mine:
            ids = await _objects(mine, kong)
            stranger = await _stranger(mine)
            asked, told = 0, []
            description = (await mine.http.get("/openapi.json")).json()
            for path, methods in description["paths"].items():
                place = path
                for name, value in ids.items():
                    place = place.replace("{" + name + "}", value)
                if place == path or "{" in place:
                    continue
                for method in methods:
                    body: Any = next((body for end, body in _BODIES.items() if path.endswith(end)), {})
                    sent = None if method in ("get", "delete") else body
                    answer = await mine.http.request(method.upper(), place, json=sent, headers=stranger)
                    asked += 1
                    if answer.status_code != 404:
                        told.append((method, path, answer.status_code))
            assert asked >= 20
            assert told == []


async def test_an_import_of_another_tenants_preview_is_not_found_and_leaves_it_open(tmp_path: Path) -> None:
    with emulated("kong", 2) as kong:
        async with aforo(tmp_path) as mine:
            integration_id = await mine.connect(kong)
            plan = await mine.preview(integration_id)
            body = {"planId": plan["planId"], "select": [row["ref"] for row in plan["changes"]]}
            stranger = await _stranger(mine)
            refused = await mine.http.post("/api/v1/products/import", json=body, headers=stranger)
            assert refused.status_code == 404
            assert len((await mine.call("POST", "/api/v1/products/import", body))["created"]) == 2


async def _objects(mine: Aforo, kong: Any) -> dict[str, str]:
    integration_id = await mine.connect(kong)
    products = await mine.import_all(integration_id)
    started = await mine.http.post(
        "/api/v1/products/preview", json={"integrationId": integration_id}, headers={"Prefer": "respond-async"}
    )
    schedules = (await mine.call("GET", "/api/v1/schedules"))["data"]
    return {
        "integration_id": integration_id,
        "product_id": products[0]["id"],
        "job_id": started.json()["jobId"],
        "schedule_id": schedules[0]["id"],
    }


async def _stranger(mine: Aforo) -> dict[str, str]:
    tenant = await mine.rooms.accounts.create_tenant("stranger", "Stranger")
    _, key = await mine.rooms.accounts.create_key(tenant.id, "key", {Scope.ADMIN})
    return {"Authorization": f"Bearer {key}"}
