"""The Kong emulator as a node: who may call, Konnect, a node without a database, and what survives a restart."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.kong.emulator import CONTROL_PLANE, KongEmulator, create, sample_connection, seed
from aforo.kit.clock import HandClock

BELOW = f"/v2/control-planes/{CONTROL_PLANE}/core-entities"


def calling(app: KongEmulator, headers: dict[str, str] | None = None) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://kong", headers=headers)


async def test_with_a_token_set_only_calls_that_carry_it_are_answered() -> None:
    app = create(StateFile(), admin_token="sesame", token_header="X-Admin")
    async with calling(app) as client:
        for headers in ({}, {"X-Admin": "open"}, {"Kong-Admin-Token": "sesame"}):
            answer = await client.get("/", headers=headers)
            assert (answer.status_code, list(answer.json())) == (401, ["message"])
        assert (await client.get("/", headers={"X-Admin": "sesame"})).status_code == 200


async def test_a_sample_connection_needs_no_more_than_the_address() -> None:
    assert sample_connection("http://127.0.0.1:8091") == ("none", {"admin_url": "http://127.0.0.1:8091"})


async def test_a_node_tells_its_version_database_and_plugins() -> None:
    async with calling(create(StateFile(), plugins={"aforo": {"fields": [], "entity_checks": []}})) as client:
        about = (await client.get("/")).json()
        assert (about["version"], about["edition"], about["configuration"]["database"]) == (
            "3.9.3",
            "community",
            "postgres",
        )
        assert {"key-auth", "aforo"} <= set(about["plugins"]["available_on_server"])
        assert "aforo" in (await client.get("/plugins/enabled")).json()["enabled_plugins"]
        assert (await client.get("/status")).json()["database"] == {"reachable": True}


async def test_konnect_refuses_patch_and_calls_without_a_bearer_token() -> None:
    app = create(StateFile(), konnect=True)
    async with calling(app) as client:
        assert (await client.get(f"{BELOW}/services")).status_code == 401
        client.headers["Authorization"] = "Bearer spat_made_up"
        assert (await client.put(f"{BELOW}/services/a", json={"host": "h.example"})).status_code == 200
        assert (await client.patch(f"{BELOW}/services/a", json={"retries": 1})).status_code == 405
        assert [row["name"] for row in (await client.get(f"{BELOW}/services")).json()["data"]] == ["a"]
        assert (await client.get("/services")).status_code == 404


async def test_konnect_tells_of_its_control_plane_and_organisation() -> None:
    async with calling(create(StateFile(), konnect=True), {"Authorization": "Bearer kpat_x"}) as client:
        assert (await client.get(f"/v2/control-planes/{CONTROL_PLANE}")).json()["id"] == CONTROL_PLANE
        assert (await client.get("/v3/organizations/me")).json()["state"] == "active"
        assert (await client.get(f"/v2/control-planes/{CONTROL_PLANE[::-1]}")).status_code == 404


DECLARED = """
_format_version: "3.0"
services:
- name: orders
  url: http://orders.internal:8080/v1
  tags: [a]
  routes:
  - name: orders-r
    paths: [/orders]
  plugins:
  - name: rate-limiting
    config: {minute: 5, policy: local}
consumers:
- username: acme
  keyauth_credentials:
  - key: made-up
plugins:
- name: cors
  service: orders
"""


async def declared(client: httpx2.AsyncClient, text: str, **query: str) -> httpx2.Response:
    return await client.post("/config", json={"config": text}, params=query)


async def test_without_a_database_only_whole_configurations_are_written() -> None:
    async with calling(create(StateFile(), database="off")) as client:
        calls = [("POST", "/services"), ("PUT", "/services/a"), ("DELETE", "/services/a")]
        for method, path in calls:
            answer = await client.request(method, path, json={"host": "h"} if method != "DELETE" else None)
            assert (answer.status_code, answer.json()["code"]) == (405, 12)
        assert (await declared(client, DECLARED)).status_code == 201
        assert (await client.get("/services/orders")).json()["host"] == "orders.internal"
        assert len((await client.get("/services/orders/plugins")).json()["data"]) == 2
        assert (await client.get("/consumers/acme/key-auth/made-up")).status_code == 200


async def test_the_same_configuration_is_not_loaded_twice_when_its_hash_is_checked() -> None:
    async with calling(create(StateFile(), database="off")) as client:
        empty = (await client.get("/status")).json()["configuration_hash"]
        assert (await declared(client, DECLARED, check_hash="1")).status_code == 201
        assert (await declared(client, DECLARED, check_hash="1")).status_code == 304
        assert (await declared(client, DECLARED)).status_code == 201
        assert (await client.get("/status")).json()["configuration_hash"] != empty


async def test_a_configuration_that_was_read_can_be_loaded_again_and_means_the_same() -> None:
    async with calling(create(StateFile(), database="off")) as client:
        await declared(client, DECLARED)
        before = [(await client.get(f"/{path}")).json() for path in ("services", "routes", "plugins", "key-auths")]
        written = (await client.get("/config")).json()["config"]
        assert yaml.safe_load(written)["_format_version"] == "3.0"
        assert (await declared(client, written)).status_code == 201
        assert [
            (await client.get(f"/{path}")).json() for path in ("services", "routes", "plugins", "key-auths")
        ] == before


async def test_a_configuration_with_one_error_changes_nothing_and_names_the_entity() -> None:
    async with calling(create(StateFile(), database="off")) as client:
        await declared(client, DECLARED)
        answer = await declared(client, DECLARED.replace("minute: 5", "minute: five"), flatten_errors="1")
        assert (answer.status_code, answer.json()["code"]) == (400, 14)
        (flattened,) = answer.json()["flattened_errors"]
        assert flattened["entity_type"] == "plugin"
        assert flattened["errors"] == [{"type": "field", "field": "config.minute", "message": "expected a number"}]
        assert (await client.get("/services/orders")).status_code == 200


@pytest.mark.parametrize("text", ["[", "a: 1", "_format_version: '9'", "_format_version: '3.0'\nnothing: []"])
async def test_what_is_no_configuration_is_refused(text: str) -> None:
    async with calling(create(StateFile(), database="off")) as client:
        assert (await declared(client, text)).status_code == 400


async def test_a_node_with_a_database_has_no_configuration_to_give() -> None:
    async with calling(create(StateFile())) as client:
        assert (await client.get("/config")).status_code == 400


async def everything(client: httpx2.AsyncClient) -> list[Any]:
    paths = ("/", "/services", "/routes", "/plugins", "/consumers", "/key-auths", "/acls", "/upstreams")
    return [(await client.get(path, params={"size": "1000"})).json() for path in paths]


async def test_all_entities_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "kong.json"
    seed(StateFile(path))
    app = create(StateFile(path))
    async with calling(app) as client:
        assert (await client.patch("/services/payments-v2", json={"retries": 1})).status_code == 200
        await client.delete("/consumers/acme")
        await client.post("/consumers/globex/key-auth", json={"ttl": 1000})
        before = await everything(client)
    app.flush()
    async with calling(create(StateFile(path))) as client:
        after = await everything(client)
    assert [_without_rest(one) for one in after] == [_without_rest(one) for one in before]


def _without_rest(body: dict[str, Any]) -> dict[str, Any]:
    """Without the seconds that a key has left."""
    rows = body.get("data", [])
    return {**body, "data": [{name: value for name, value in row.items() if name != "ttl"} for row in rows]}


def test_a_seed_is_the_same_every_time_and_grows_with_its_size(tmp_path: Path) -> None:
    states = [StateFile(tmp_path / name) for name in ("a", "b", "c")]
    for state, size in zip(states, (12, 12, 30), strict=True):
        seed(state, size)
    first, second, larger = (state.load()["rows"] for state in states)
    assert first == second
    assert (len(first["services"]), len(larger["services"])) == (12, 30)
    assert {"payments-v2", "orders-v1", "search-v1", "translation-v1"} <= {row["name"] for row in first["services"]}
    assert {"key-auth", "rate-limiting", "cors", "acl", "request-termination"} == {
        row["name"] for row in first["plugins"]
    }


async def test_a_key_with_a_ttl_ends_when_its_time_is_over() -> None:
    clock = HandClock()
    app = create(StateFile(), now=lambda: clock.now().timestamp())
    async with calling(app) as client:
        await client.put("/consumers/acme", json={})
        await client.post("/consumers/acme/key-auth", json={"key": "short", "ttl": 60})
        clock.forward(seconds=59)
        assert (await client.get("/key-auths/short")).json()["ttl"] == 0
        clock.forward(seconds=1)
        assert (await client.get("/key-auths/short")).status_code == 404
        assert (await client.get("/consumers/acme/key-auth")).json()["data"] == []
        assert (await client.post("/consumers/acme/key-auth", json={"key": "short"})).status_code == 201
