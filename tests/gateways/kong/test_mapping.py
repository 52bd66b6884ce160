"""Kong's JSON becomes products whose keys, versions and defaults a person would expect."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aforo.gateway_sdk.contract import Product
from aforo.gateways.kong.mapping import Canon, Row, Tables, entity_schema, notes, plugin_schema, products
from aforo.kit.jsontree import leaves, same
from tests.gateways.kong.kong_parts import answered, canon, new_id, schemas, told
from tests.shared_facts import shared


def _service(name: str | None = "orders", **more: Any) -> Row:
    sent = {"name": name, "host": "orders.internal", **more}
    return {**answered(sent, told("entities-services")), "id": new_id(), "created_at": 1, "updated_at": 2}


def _route(service: Row, **sent: Any) -> Row:
    row = answered(sent, told("entities-routes"))
    return {**row, "id": new_id(), "service": {"id": service["id"]}, "created_at": 1, "updated_at": 2}


def _plugin(name: str = "rate-limiting", **more: Any) -> Row:
    return {"id": new_id(), "name": name, "enabled": True, "service": None, "route": None, "consumer": None, **more}


def _one(tables: Tables) -> Product:
    (product,) = products(tables, canon())
    return product


def test_a_product_holds_its_service_routes_plugins_upstream_and_targets() -> None:
    service = _service()
    route = _route(service, name="orders-r", paths=["/orders"])
    upstream: Row = {"id": new_id(), "name": "orders.internal", "slots": 10000}
    tables = Tables(
        services=[service],
        routes=[route],
        plugins=[
            _plugin(service={"id": service["id"]}, config={"minute": 5}),
            _plugin("cors", route={"id": route["id"]}, config={}),
            _plugin("prometheus", config={}),
        ],
        upstreams=[upstream, {"id": new_id(), "name": "another.internal"}],
        targets={upstream["id"]: [{"id": new_id(), "target": "10.0.0.1:80", "upstream": {"id": upstream["id"]}}]},
    )
    product = _one(tables)
    assert (product.ref, product.native_id) == ("orders", service["id"])
    assert sorted((entity.kind, entity.key) for entity in product.entities) == [
        ("plugin", "cors@route:orders-r"),
        ("plugin", "rate-limiting@service"),
        ("route", "orders-r"),
        ("service", "orders"),
        ("target", "10.0.0.1:80"),
        ("upstream", "orders.internal"),
    ]


def test_an_unnamed_route_is_known_by_what_it_listens_to() -> None:
    service = _service()
    route = _route(service, methods=["POST", "GET"], hosts=["api.example.com"], paths=["/orders"])
    product = _one(Tables(services=[service], routes=[route]))
    assert product.entity("route", "GET,POST api.example.com /orders")


def test_routes_that_listen_to_the_same_are_told_apart_by_content_and_not_by_id() -> None:
    service = _service()
    slow = _route(service, paths=["/x"], strip_path=False)
    fast = _route(service, paths=["/x"], strip_path=True)

    def keys(routes: list[Row]) -> dict[str, Any]:
        product = _one(Tables(services=[service], routes=routes))
        return {entity.key: entity.fields["strip_path"] for entity in product.entities if entity.kind == "route"}

    again = [{**fast, "id": new_id()}, {**slow, "id": new_id()}]
    assert keys([slow, fast]) == keys(again)
    assert set(keys([slow, fast])) == {"/x", "/x #2"}


def test_a_plugin_for_a_consumer_is_named_by_the_consumer_not_its_id() -> None:
    service, alice, nameless = _service(), new_id(), new_id()
    tables = Tables(
        services=[service],
        plugins=[
            _plugin(service={"id": service["id"]}, consumer={"id": alice}, instance_name="gold"),
            _plugin(service={"id": service["id"]}, consumer={"id": nameless}),
        ],
        consumers=[{"id": alice, "username": "alice"}, {"id": nameless, "username": None, "custom_id": "acct-1"}],
    )
    product = _one(tables)
    plugin = product.entity("plugin", "rate-limiting@service consumer:alice as gold")
    assert plugin
    assert plugin.fields["consumer"] == "alice"
    assert product.entity("plugin", "rate-limiting@service consumer:acct-1")


@pytest.mark.parametrize(
    ("service", "paths", "version"),
    [
        ({"tags": ["team-a", "version:2.1"]}, ["/v9/x"], "2.1"),
        ({"tags": ["v2"]}, ["/v9/x"], "v2"),
        ({"path": "/v3"}, ["/orders/v4/items"], "v4"),
        ({"path": "/api/v3"}, ["/orders"], "v3"),
        ({"name": "translation-v2"}, ["/orders"], "v2"),
        ({"name": "survey2"}, ["/ovens"], None),
    ],
)
def test_a_version_is_a_tag_else_a_path_segment_else_the_end_of_the_name(
    service: Row, paths: list[str], version: str | None
) -> None:
    row = _service(**{"name": "orders", **service})
    assert _one(Tables(services=[row], routes=[_route(row, paths=paths)])).version == version


def test_what_konnect_manages_itself_is_nobodys_product() -> None:
    service, managed = _service(), _service("managed", tags=["konnect-managed"])
    plugin = _plugin(service={"id": service["id"]}, tags=["konnect-managed-plugin"])
    assert [entity.kind for entity in _one(Tables(services=[service, managed], plugins=[plugin])).entities] == [
        "service"
    ]


def test_notes_tell_what_belongs_to_no_product() -> None:
    service, alice = _service(), new_id()
    stray = {**_route(service, name="stray"), "service": None}
    tables = Tables(
        services=[service],
        routes=[stray],
        plugins=[_plugin("prometheus"), _plugin(consumer={"id": alice}, config={"minute": 5, "day": None})],
        consumers=[{"id": alice, "username": "alice"}],
    )
    assert notes(tables, has_consumer_groups=False) == (
        "1 global plugin, for every service and in no product: prometheus.",
        "1 route without a service, in no product: stray.",
        "1 quota of a consumer alone, for all services: rate-limiting for alice (5 per minute).",
        "Consumer groups do not exist on this edition of Kong.",
    )


def test_secrets_are_those_that_the_schema_or_the_name_tells() -> None:
    service = _service()
    config = {
        "minute": 5,
        "redis": {"password": "hunter2", "host": "redis.internal"},
        "client_secret": "s3cret",
        "append": {"headers": ["Authorization: Bearer abc", "X-Plain: 1"]},
        "key_names": ["apikey"],
    }
    plugin = _plugin(service={"id": service["id"]}, config=config)
    entity = _one(Tables(services=[service], plugins=[plugin])).entity("plugin", "rate-limiting@service")
    assert entity
    assert entity.secrets == {"/config/redis/password", "/config/client_secret", "/config/append/headers"}


def test_a_reference_into_a_vault_is_no_secret() -> None:
    service = _service()
    plugin = _plugin(service={"id": service["id"]}, config={"redis": {"password": "{vault://env/redis-pw}"}})
    entity = _one(Tables(services=[service], plugins=[plugin])).entity("plugin", "rate-limiting@service")
    assert entity
    assert entity.secrets == frozenset()


def test_a_value_that_the_gateway_masks_is_neither_a_secret_nor_compared() -> None:
    service = _service()
    plugin = _plugin(service={"id": service["id"]}, config={"minute": 1, "redis": {"password": "*****"}})
    entity = _one(Tables(services=[service], plugins=[plugin])).entity("plugin", "rate-limiting@service")
    assert entity
    assert entity.masked == {"/config/redis/password"}
    assert entity.secrets == frozenset()
    assert entity.wished()["config"] == {"minute": 1}


def test_what_aforo_made_is_known_by_its_tag() -> None:
    service = _service(tags=["aforo", "team-a"])
    entity = _one(Tables(services=[service])).entity("service", "orders")
    assert entity
    assert entity.owned


@given(st.permutations(["orders", "billing", "invoices"]))
def test_products_stand_in_order_of_their_refs_whatever_the_lists_order(order: list[str]) -> None:
    found = products(Tables(services=[_service(name) for name in order]), canon())
    assert [product.ref for product in found] == ["billing", "invoices", "orders"]


def test_two_services_with_one_ref_are_two_products() -> None:
    first = _service("orders")
    second = {**_service(None), "id": "orders"}
    assert {product.ref for product in products(Tables(services=[first, second]), canon())} == {"orders", "orders #2"}


def test_the_recorded_kong_fills_in_exactly_the_defaults_that_its_schemas_tell() -> None:
    """For every bundled plugin: what was answered and not sent is a default, or was made up by the server."""
    unexplained = []
    for path in sorted(shared("kong-recorded/defaults").glob("*-create-*.json")):
        exchange = json.loads(path.read_text())
        sent, row = exchange["request"]["body"], exchange["response"]["body"]
        if exchange["response"]["status"] == 201 and "/plugins" in exchange["request"]["path"]:
            unexplained += [f"{sent['name']} {pointer}" for pointer in _unexplained(row, sent)]
    assert unexplained == ["oauth2 /config/provision_key"]  # a secret that Kong rolls by itself


def _unexplained(row: Row, sent: Row) -> list[str]:
    entity = canon().entity("plugin", "x", row, {})
    wished = {pointer: value for pointer, value in leaves(entity.wished()) if pointer not in ("/name", "/service")}
    asked = dict(leaves(Canon(schemas()).entity("plugin", "x", sent, {}).fields))
    return [pointer for pointer, value in wished.items() if not same(value, asked.get(pointer))]


def test_every_recorded_entity_becomes_an_entity_that_says_the_same_twice() -> None:
    checked = 0
    for story, kind in (("services", "service"), ("routes", "route"), ("plugins", "plugin")):
        for path in sorted(shared(f"kong-recorded/{story}").glob("*.json")):
            for row in _rows(json.loads(path.read_text())["response"]):
                first = canon().entity(kind, "x", row, {})
                shuffled = {name: row[name] for name in sorted(row, reverse=True)}
                again = canon().entity(kind, "x", {**shuffled, "id": new_id(), "updated_at": 99}, {})
                assert first.wished() == again.wished()
                assert "id" not in first.fields
                checked += 1
    assert checked > 100


def _rows(response: Row) -> list[Row]:
    body = response["body"]
    if response["status"] >= 300 or not isinstance(body, dict):
        return []
    rows = body.get("data", [body])
    return [row for row in rows if isinstance(row, dict) and "id" in row and "created_at" in row]


def test_a_plugin_that_nobody_here_has_seen_causes_no_wish_of_its_own() -> None:
    schema: Row = {
        "fields": [
            {
                "config": {
                    "type": "record",
                    "required": True,
                    "fields": [
                        {"shade": {"type": "string", "default": "blue"}},
                        {
                            "limits": {
                                "type": "record",
                                "required": True,
                                "fields": [{"n": {"type": "number", "default": 3}}],
                            }
                        },
                        {"asked": {"type": "integer"}},
                    ],
                }
            }
        ]
    }
    plugins = entity_schema(told("entities-plugins"))
    learnt = Canon({"plugin:nobody-knows": plugin_schema(schema, plugins)})
    row = {"id": "1", "name": "nobody-knows", "enabled": True, **answered({"config": {"asked": 7}}, schema)}
    assert learnt.entity("plugin", "x", row, {}).wished() == {"name": "nobody-knows", "config": {"asked": 7}}
