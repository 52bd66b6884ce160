"""Entities of the Kong emulator beyond what was recorded: round trips, merges, shorthands, upstreams, rules."""

import json
from typing import Any

import httpx2
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.kong.emulator import create, seed
from aforo.gateways.kong.emulator.kinds import KINDS, Kind
from aforo.gateways.kong.emulator.schemas import PLUGINS
from tests.shared_facts import shared


def calling(state: StateFile | None = None) -> httpx2.AsyncClient:
    app = create(state or StateFile())
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://kong")


def recorded_plugins() -> list[dict[str, Any]]:
    files = sorted(shared("kong-recorded/defaults").glob("*-create-*.json"))
    requests = [json.loads(file.read_text())["request"] for file in files]
    return [request["body"] for request in requests if request["path"] == "/plugins"]


def timeless(entity: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entity.items() if name not in ("created_at", "updated_at")}


async def test_putting_back_what_was_read_changes_nothing_for_any_plugin() -> None:
    bodies = recorded_plugins()
    assert {body["name"] for body in bodies} == set(PLUGINS) - {"acme"}
    async with calling() as client:
        service = (await client.post("/services", json={"host": "h.example"})).json()
        for body in bodies:
            made = (await client.post("/plugins", json={**body, "service": {"id": service["id"]}})).json()
            for method in ("PUT", "PATCH"):
                again = await client.request(method, f"/plugins/{made['id']}", json=made)
                assert (again.status_code, timeless(again.json())) == (200, timeless(made)), (method, body["name"])


async def test_a_deprecated_twin_fills_the_new_member_and_is_answered_beside_it() -> None:
    config = {"minute": 1, "policy": "redis", "redis_host": "r.example", "redis": {"port": 6380}}
    async with calling() as client:
        made = (await client.post("/plugins", json={"name": "rate-limiting", "config": config})).json()["config"]
        assert (made["redis"]["host"], made["redis_host"]) == ("r.example", "r.example")
        assert (made["redis"]["port"], made["redis_port"]) == (6380, 6380)


async def test_a_deprecated_twin_that_contradicts_the_new_member_is_refused() -> None:
    config = {"minute": 1, "redis_port": 1, "redis": {"port": 2}}
    async with calling() as client:
        answer = await client.post("/plugins", json={"name": "rate-limiting", "config": config})
        assert answer.status_code == 400
        assert "redis_port = 1 vs redis.port = 2" in answer.json()["message"]


async def test_a_null_twin_read_before_does_not_undo_the_new_member() -> None:
    async with calling() as client:
        path = "/plugins/11111111-1111-4111-8111-111111111111"
        read = (await client.put(path, json={"name": "rate-limiting", "config": {"minute": 1}})).json()
        read["config"]["redis"]["host"] = "r.example"
        assert (await client.put(path, json=read)).json()["config"]["redis"]["host"] == "r.example"


async def test_a_patch_merges_records_replaces_lists_and_clears_by_null() -> None:
    async with calling() as client:
        config = {"origins": ["https://a.example", "https://b.example"], "max_age": 5, "credentials": True}
        made = (await client.post("/plugins", json={"name": "cors", "config": config})).json()
        changes = {"config": {"origins": ["https://c.example"], "max_age": None}}
        changed = (await client.patch(f"/plugins/{made['id']}", json=changes)).json()["config"]
        assert changed == {**made["config"], "origins": ["https://c.example"], "max_age": None}


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/services", {"host": "h", "tags": ["ok", "a/b"]}, {"tags": [None, "…"]}),
        ("/services", {"host": "h", "path": "/a//b"}, {"path": "must not have empty segments"}),
        ("/routes", {"protocols": ["http", "tcp"], "paths": ["/"]}, {"protocols": "…"}),
        ("/routes", {"paths": ["/"], "headers": {"Host": ["a"]}}, {"headers": {"Host": "…"}}),
        ("/routes", {"protocols": ["grpc"], "methods": ["GET"], "hosts": ["a.example"]}, {"methods": "…"}),
        ("/upstreams", {"name": "u", "slots": 1}, {"slots": "value should be between 10 and 65536"}),
        ("/upstreams", {"name": "u", "hash_on": "header"}, {"@entity": ["…"], "hash_on_header": "…"}),
        ("/plugins", {"name": "acl", "config": {"allow": ["a"], "deny": ["b"]}}, {"@entity": ["…"]}),
        (
            "/plugins",
            {"name": "jwt", "config": {"maximum_expiration": 5, "claims_to_verify": ["nbf"]}},
            {"@entity": ["…"], "config": {}},
        ),
        ("/plugins", {"name": "http-log", "config": {"http_endpoint": "u", "headers": {"Host": "a"}}}, {"config": {}}),
        ("/plugins", {"name": "statsd", "config": {"metrics": [{"name": "latency"}]}}, {"config": {}}),
        ("/acls", {"group": "gold"}, {"consumer": "required field missing"}),
    ],
)
async def test_what_breaks_a_rule_of_the_schema_is_refused_by_field(
    path: str, body: dict[str, Any], fields: dict[str, Any]
) -> None:
    """In `fields`, "…" stands for some message and `{}` for some messages below a record."""
    async with calling() as client:
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, 2)
        assert _shape(answer.json()["fields"], fields) == fields


def _shape(found: Any, wanted: Any) -> Any:
    if wanted in ("…", {}) and found:
        return wanted
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {name: _shape(found[name], wanted.get(name)) for name in found}
    if isinstance(wanted, list) and isinstance(found, list):
        return [_shape(one, other) for one, other in zip(found, wanted, strict=True)]
    return found


async def test_limits_that_fall_with_longer_periods_are_refused_below_each_name_too() -> None:
    limits = {"video": {"minute": 9, "hour": 3}}
    async with calling() as client:
        answer = await client.post("/plugins", json={"name": "response-ratelimiting", "config": {"limits": limits}})
        assert "hour(3.0) cannot be lower than the limit for minute(9.0)" in answer.json()["message"]


async def test_a_target_is_unique_in_its_upstream_and_goes_with_it() -> None:
    async with calling() as client:
        for name in ("u.example", "w.example"):
            assert (await client.post("/upstreams", json={"name": name})).status_code == 201
        target = {"target": "10.0.0.1:80"}
        statuses = [
            (await client.post(f"/upstreams/{name}/targets", json=target)).status_code
            for name in ("u.example", "u.example", "w.example")
        ]
        assert statuses == [201, 409, 201]
        assert (await client.get("/upstreams/u.example/targets/10.0.0.1:80")).json()["weight"] == 100
        assert (await client.delete("/upstreams/u.example")).status_code == 204
        assert (await client.get("/upstreams/u.example/targets")).status_code == 404
        assert len((await client.get("/upstreams/w.example/targets")).json()["data"]) == 1


async def test_a_put_of_a_target_updates_but_does_not_create_as_in_a_real_kong() -> None:
    async with calling() as client:
        await client.post("/upstreams", json={"name": "u.example"})
        path = "/upstreams/u.example/targets/10.0.0.1:80"
        answer = await client.put(path, json={"target": "10.0.0.1:80"})
        assert (answer.status_code, answer.json()) == (404, {"message": "Not found"})
        await client.post("/upstreams/u.example/targets", json={"target": "10.0.0.1:80", "tags": ["kept"]})
        changed = (await client.put(path, json={"weight": 7})).json()
        assert (changed["weight"], changed["tags"]) == (7, ["kept"])


async def test_upstreams_and_targets_have_every_member_that_the_vendor_describes() -> None:
    described = yaml.safe_load(shared("specs/kong/admin-oss-3.9.openapi.yaml").read_text())["components"]["schemas"]
    state = StateFile()
    seed(state)
    async with calling(state) as client:
        upstream = (await client.get("/upstreams")).json()["data"][0]
        target = (await client.get(f"/upstreams/{upstream['id']}/targets")).json()["data"][0]
        assert set(described["Upstream"]["properties"]) <= set(upstream)
        assert set(described["Target"]["properties"]) <= set(target)


async def test_a_group_is_granted_once_to_a_consumer_and_found_by_its_name_below_it() -> None:
    async with calling() as client:
        for name in ("a", "b"):
            await client.put(f"/consumers/{name}", json={})
            assert (await client.post(f"/consumers/{name}/acls", json={"group": "gold"})).status_code == 201
        again = await client.post("/consumers/a/acls", json={"group": "gold"})
        assert (again.status_code, again.json()["fields"]["group"]) == (409, "gold")
        mine = (await client.get("/consumers/a/acls/gold")).json()
        assert (await client.get(f"/acls/{mine['id']}/consumer")).json()["username"] == "a"
        assert (await client.delete("/consumers/a/acls/gold")).status_code == 204
        assert [row["id"] for row in (await client.get("/acls")).json()["data"]] != [mine["id"]]


async def test_validating_says_what_posting_would_say_and_keeps_nothing() -> None:
    async with calling() as client:
        good = await client.post("/schemas/services/validate", json={"host": "h.example"})
        bad = await client.post("/schemas/plugins/validate", json={"name": "rate-limiting", "config": {"minute": "x"}})
        assert (good.status_code, bad.status_code) == (200, 400)
        assert bad.json()["fields"] == {"config": {"minute": "expected a number"}}
        assert (await client.get("/services")).json()["data"] == []


_ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 70_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
)
_VALUES = st.recursive(
    _ATOMS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "name"]), inner, max_size=2),
)
_BODIES = st.sampled_from(list(KINDS.values())).flatmap(
    lambda kind: st.tuples(st.just(kind), st.dictionaries(st.sampled_from(list(kind.nodes)), _VALUES))
)


@settings(max_examples=50, deadline=None)
@given(_BODIES, st.sampled_from(["POST", "PUT"]))
async def test_any_object_is_either_kept_or_refused_in_kongs_shape(
    body: tuple[Kind, dict[str, Any]], method: str
) -> None:
    kind, fields = body
    async with calling() as client:
        path = f"/{kind.path}" if method == "POST" else f"/{kind.path}/11111111-1111-4111-8111-111111111111"
        answer = await client.request(method, "/upstreams/u/targets" if kind.name == "targets" else path, json=fields)
        if answer.status_code in (400, 409):
            assert set(answer.json()) == {"code", "name", "message", "fields"}
        else:
            assert answer.status_code in (200, 201, 404, 405)


def _config_names(plugin: str) -> list[str]:
    config = next(field["config"] for field in PLUGINS[plugin]["fields"] if "config" in field)
    return [name for part in ("fields", "shorthand_fields") for field in config.get(part, []) for name in field]


_CONFIGS = st.sampled_from(sorted(PLUGINS)).flatmap(
    lambda name: st.tuples(st.just(name), st.dictionaries(st.sampled_from(_config_names(name)), _VALUES))
)


@settings(max_examples=50, deadline=None)
@given(_CONFIGS, _VALUES)
@example(("rate-limiting", {"minute": 1, "redis": 3, "redis_host": "r.example"}), None)
async def test_any_configuration_of_a_plugin_is_either_kept_or_refused(
    configured: tuple[str, dict[str, Any]], change: Any
) -> None:
    name, config = configured
    async with calling() as client:
        made = await client.post("/plugins", json={"name": name, "config": config})
        assert made.status_code in (201, 400)
        if made.status_code == 201:
            changed = await client.patch(f"/plugins/{made.json()['id']}", json={"config": change})
            assert changed.status_code in (200, 400)


async def test_unknown_schemas_and_paths_are_not_found() -> None:
    async with calling() as client:
        for path in ("/schemas/nothing", "/schemas/plugins/nothing", "/nothing", "/services/x/nothing", "/targets"):
            assert (await client.get(path)).status_code == 404, path
