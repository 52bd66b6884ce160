"""What Prometheus is told is true, names nobody, and is what dashboard and rules ask for."""

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from aforo.gateway_sdk.emulator import Fault
from tests.enforcement.parts import Shop, edge
from tests.live import Aforo, aforo, emulated

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
_NAME = re.compile(r"\b(?:aforo|process)_[a-z_]+\b")


async def test_the_api_tells_its_requests_by_route_its_calls_to_gateways_and_what_is_not_well(tmp_path: Path) -> None:
    with emulated("kong", 2) as kong:
        async with aforo(tmp_path) as running:
            integration_id = await running.connect(kong, "a-secret-name")
            products = await running.import_all(integration_id)
            kong.board.faults.append(Fault(503, times=3))
            for _ in range(3):
                await running.http.post(f"/api/v1/integrations/{integration_id}/test")
            for path in (f"/api/v1/products/{products[0]['id']}", "/api/v1/products/nothing", "/nowhere/at/all"):
                await running.http.get(path)
            told = await _told(running)
    assert 'aforo_http_requests_total{method="GET",route="/api/v1/products/{product_id}",status="200"} 1.0' in told
    assert 'route="none",status="404"} 1.0' in told
    assert re.search(r'aforo_gateway_calls_total{gateway="kong",outcome="ok"} [1-9]', told)
    assert re.search(r'aforo_gateway_calls_total{gateway="kong",outcome="gateway_unavailable"} [1-9]', told)
    assert 'aforo_integrations{gateway="kong",health="ERROR"} 1.0' in told
    assert 'aforo_schedule_late_seconds{kind="health"}' in told
    assert 'aforo_queue_items{queue="provisioning"} 0.0' in told
    for nobody in ("a-secret-name", integration_id, running.tenant_id, products[0]["id"]):
        assert nobody not in told


async def test_every_answer_bears_an_id_of_our_own_whatever_the_caller_sends(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        ids = set()
        for sent in ("", "mine", "line\tbreak", "x" * 500):
            answer = await running.http.get("/api/v1/nowhere", headers={"X-Request-Id": sent})
            ids.add(answer.headers["x-request-id"])
    assert len(ids) == 4
    assert all(re.fullmatch(r"req_[0-9a-z]{26}", one) for one in ids)


async def test_the_edge_tells_decisions_by_reason_and_how_long_checks_took(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    customer, _ = shop.customer_on(shop.plan(shop.product()))
    async with edge(shop.folder) as running:
        for _ in range(3):
            await running.check(customer)
        await running.check("nobody-in-particular")
        shown = (await running.http.get("/metrics")).text
    assert 'aforo_decisions_total{reason="ok",refused="false"} 3.0' in shown
    assert 'aforo_decisions_total{reason="no_subscription",refused="' in shown
    assert 'aforo_request_seconds_count{route="/v1/check"} 4.0' in shown
    assert 'aforo_request_seconds_bucket{le="+Inf",route="/v1/check"} 4.0' in shown
    assert "nobody-in-particular" not in shown


@pytest.mark.parametrize("file", ["grafana/aforo.json", "prometheus/aforo.rules.yml"])
async def test_dashboard_and_rules_ask_for_nothing_that_is_not_told(tmp_path: Path, file: str) -> None:
    known = await _names(tmp_path)
    text = (DEPLOY / file).read_text()
    asked = {name for query in _queries(file, text) for name in _NAME.findall(query)}
    assert len(asked) > 5
    assert asked - known - {"process_resident_memory_bytes"} == set()


def test_the_dashboards_panels_have_ids_of_their_own_a_query_and_words() -> None:
    board = json.loads((DEPLOY / "grafana/aforo.json").read_text())
    panels = [one for one in board["panels"] if one["type"] != "row"]
    assert len({one["id"] for one in board["panels"]}) == len(board["panels"])
    assert all(one["description"] and one["targets"][0]["expr"] for one in panels)
    assert all(one["gridPos"]["x"] + one["gridPos"]["w"] <= 24 for one in board["panels"])


def _queries(file: str, text: str) -> list[str]:
    if file.endswith(".json"):
        return [target["expr"] for one in json.loads(text)["panels"] for target in one.get("targets", [])]
    rules: list[dict[str, Any]] = yaml.safe_load(text)["groups"][0]["rules"]
    return [rule["expr"] for rule in rules]


async def _told(running: Aforo) -> str:
    answer: httpx2.Response = await running.http.get("/metrics")
    assert answer.status_code == 200
    return answer.text


async def _names(folder: Path) -> set[str]:
    """Of all series that either origin tells, without what stands behind a histogram's or counter's own name."""
    async with aforo(folder / "api") as running:
        told = await _told(running)
    shop = Shop(folder / "edge")
    async with edge(shop.folder) as there:
        told += (await there.http.get("/metrics")).text
    found = set()
    for name, kind in re.findall(r"(?m)^# TYPE (\S+) (\S+)$", told):
        found |= {name, *(f"{name}{end}" for end in ("_bucket", "_sum", "_count") if kind == "histogram")}
        if kind == "counter" and not name.endswith("_total"):
            found.add(f"{name}_total")
    return found
