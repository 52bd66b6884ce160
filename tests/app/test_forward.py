"""The api passes the edge's paths on, for clients that know one URL only."""

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aforo.accounts import Scope
from aforo.app.edge.operations import OPERATIONS
from aforo.kit.clock import rfc3339
from tests.live import Aforo, aforo

MARGIN = "/internal/v1/margin-guard/quick-check?tenantId={}&scopeType=CUSTOMER&scopeId=nobody"


@contextmanager
def edge_over(data_dir: Path, networks: str, proxies: str = "") -> Iterator[int]:
    """A real edge; its port."""
    command = [sys.executable, "-m", "aforo.app.edge", "--data-dir", str(data_dir), "--port", "0"]
    command += ["--trusted-proxies", proxies]
    process = subprocess.Popen([*command, "--margin-networks", networks], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        yield next(int(said["port"]) for line in process.stderr if "port" in (said := json.loads(line)))
    finally:
        process.terminate()
        process.communicate()


@asynccontextmanager
async def both(folder: Path, networks: str = "") -> AsyncIterator[tuple[Aforo, str]]:
    """An api, and a real edge on the same folder; the edge's own URL."""
    async with aforo(folder) as prepared:
        data_dir = prepared.rooms.settings.data_dir
    with edge_over(data_dir, networks) as port:
        async with aforo(folder, edge_port=port) as running:
            assert await eventually(running.http, "GET", "/v1/changes", 200)
            yield running, f"http://127.0.0.1:{port}"


async def eventually(client: httpx2.AsyncClient, method: str, path: str, status: int, body: object = None) -> bool:
    """The edge looks for new keys twice a second."""
    for _ in range(100):
        if (await client.request(method, path, json=body)).status_code == status:
            return True
        await asyncio.sleep(0.05)
    return False


def from_address(running: Aforo, address: str, **headers: str) -> httpx2.AsyncClient:
    """A client of the api somewhere else, without a key."""
    app = running.http._transport.app  # type: ignore[attr-defined]  # the app that this test's own client calls
    transport = httpx2.ASGITransport(app, client=(address, 4711))
    return httpx2.AsyncClient(transport=transport, base_url="http://aforo.test", headers=headers)


async def test_every_operation_of_the_edge_answers_the_same_at_both_origins(tmp_path: Path) -> None:
    async with both(tmp_path) as (running, edge_url), httpx2.AsyncClient(base_url=edge_url) as edge:
        for one in OPERATIONS:
            path = one.path.replace("{tenantId}", running.tenant_id).replace("{id}", "b%3Fc%25")
            content = None if one.body is None else json.dumps(one.body).encode()
            headers = {"X-API-Key": running.admin_key, "X-Product-Id": "p"}
            options: dict[str, Any] = {"content": content, "headers": headers, "params": {"customerId": "x"}}
            there = await edge.request(one.method, path, **options)
            here = await running.http.request(one.method, path, **options)
            assert here.status_code == there.status_code, one.path
            assert _lasting(here) == _lasting(there), one.path


def _lasting(answer: httpx2.Response) -> str:
    return re.sub(r'"(decisionId|accepted|duplicates)":("[^"]*"|[0-9]+)', "", answer.text)


async def test_events_sent_to_the_api_are_kept_and_its_own_paths_stay_its_own(tmp_path: Path) -> None:
    event = {
        "customerId": "acme", "metricName": "api_calls", "quantity": 1, "occurredAt": rfc3339(datetime.now(UTC)),
        "idempotencyKey": "a",
    }  # fmt: skip
    async with both(tmp_path) as (running, _):
        answers = [await running.http.post("/v1/ingest", json=event) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert [answer.json()["accepted"] for answer in answers] == [1, 0]
        assert (await running.http.get("/v1/events")).json()["data"][0]["idempotencyKey"] == "a"


async def test_a_network_is_judged_by_the_clients_address_not_the_apis(tmp_path: Path) -> None:
    async with both(tmp_path, "203.0.113.0/24") as (running, edge_url):
        margin = MARGIN.format(running.tenant_id)
        async with from_address(running, "203.0.113.9") as inside, from_address(running, "198.51.100.1") as outside:
            assert (await inside.get(margin)).json()["allowed"] is True
            assert (await outside.get(margin)).status_code == 404
        claim = {"X-Aforo-Forwarded": f"{'0' * 64} 203.0.113.9"}
        async with httpx2.AsyncClient(base_url=edge_url, headers=claim) as liar:
            assert (await liar.get(margin)).status_code == 404
        async with from_address(running, "198.51.100.1", **claim) as liar:
            assert (await liar.get(margin)).status_code == 404


async def test_a_key_bound_to_this_machine_is_refused_to_others_also_through_the_api(tmp_path: Path) -> None:
    async with both(tmp_path) as (running, _):
        made = {"name": "here", "scopes": [Scope.ENTITLEMENTS_CHECK.value]}
        key = (await running.call("POST", "/api/v1/api-keys", made, 201))["secret"]
        with closing(sqlite3.connect(running.rooms.settings.records_path)) as records, records:
            records.execute("UPDATE api_keys SET networks = '[\"127.0.0.0/8\"]' WHERE name = 'here'")
        for address, status in (("198.51.100.1", 403), ("127.0.0.1", 200)):
            async with from_address(running, address, **{"X-API-Key": key}) as client:
                assert await eventually(client, "POST", "/v1/check", status, {"customerId": "acme"})


@pytest.mark.parametrize(("proxies", "status"), [("", 404), ("127.0.0.0/8", 200)])
async def test_where_a_call_came_from_is_a_reverse_proxys_word_only_if_the_operator_trusts_it(
    tmp_path: Path, proxies: str, status: int
) -> None:
    async with aforo(tmp_path) as prepared:
        data_dir, tenant_id = prepared.rooms.settings.data_dir, prepared.tenant_id
    with edge_over(data_dir, "203.0.113.0/24", proxies) as port:
        claim = {"X-Forwarded-For": "203.0.113.9"}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=claim, trust_env=False) as client:
            assert await eventually(client, "GET", MARGIN.format(tenant_id), status)


async def test_strangers_are_refused_before_the_edge_is_asked(tmp_path: Path) -> None:
    async with aforo(tmp_path, edge_port=9) as running, from_address(running, "127.0.0.1") as stranger:
        assert (await stranger.post("/v1/check", json={})).status_code == 401
        assert (await running.http.post("/v1/check", json={})).status_code == 503
