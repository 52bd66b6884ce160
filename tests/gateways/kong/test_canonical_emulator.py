"""At the emulator: what is created, deleted and created again elsewhere is the same; each edit is one difference."""

import itertools
import json
import random
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Gateway, Product, Verdict
from aforo.gateway_sdk.emulator import AsgiApp, StateFile
from aforo.gateways.kong import emulator
from aforo.gateways.kong.manifest import MANIFEST
from aforo.gateways.kong.mapping import Row
from tests.gateways.kong.kong_parts import ADMIN, kong, members, plugin_names, quiet, records, told, values

_ORDER = ("upstreams", "services", "routes", "plugins")
_OWN = frozenset({"id", "created_at", "updated_at"})


class Admin:
    """A person at the Admin API."""

    def __init__(self, app: AsgiApp) -> None:
        self._http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ADMIN)

    async def call(self, method: str, path: str, body: Row | None = None) -> tuple[int, Any]:
        answer = await self._http.request(method, path, json=body)
        return answer.status_code, answer.json() if answer.content else None

    async def create(self, path: str, body: Row) -> Row | None:
        """The row, or None where Kong refuses what the schema's checks forbid."""
        status, row = await self.call("POST", path, body)
        assert status in (201, 400, 409), (status, row)
        return dict(row) if status == 201 else None

    async def rows(self, path: str) -> list[Row]:
        return list((await self.call("GET", f"{path}?size=1000"))[1]["data"])


def _emulated() -> tuple[AsgiApp, Admin, Gateway]:
    """Ids are counted, so that a generated case runs the same way twice."""
    numbers = itertools.count(1)
    app: AsgiApp = emulator.create(StateFile(), draw_id=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}")
    return app, Admin(app), kong(app)


async def _product(gateway: Gateway, ref: str) -> Product:
    discovery = await gateway.discover(quiet)
    assert not discovery.partial, discovery.problems
    return next(product for product in discovery.products if product.ref == ref)


def _wishes(product: Product) -> list[Any]:
    return sorted(((entity.kind, entity.key, entity.wished()) for entity in product.entities), key=repr)


async def _generate(admin: Admin, data: st.DataObject) -> None:
    """A product from the schemas; what Kong refuses is left out."""
    upstream = data.draw(records(told("entities-upstreams"), without=("client_certificate", "healthchecks")))
    made = await admin.create("/upstreams", {**upstream, "name": "orders.internal"})
    if made:
        await admin.create(
            f"/upstreams/{made['id']}/targets", {"target": "10.0.0.1:80", "weight": data.draw(st.integers(0, 9))}
        )
    service = data.draw(records(told("entities-services"), without=("client_certificate", "ca_certificates", "name")))
    plain = {"name": "orders", "host": "orders.internal"}
    created = await admin.create("/services", {**service, **plain}) or await admin.create("/services", plain)
    assert created
    for number in range(2):
        route = data.draw(records(told("entities-routes"), without=("service", "sources", "destinations", "snis")))
        route = {**route, "protocols": ["https", "http"], "name": f"r{number}", "paths": [f"/{number}"]}
        await admin.create("/services/orders/routes", route)
    for name in data.draw(st.lists(st.sampled_from(plugin_names()), max_size=3, unique=True)):
        schema = dict(members(told(f"plugins-{name}")))["config"]
        body = {"name": name, "config": data.draw(records(schema))}
        await admin.create("/services/orders/plugins", body) or await admin.create(
            "/services/orders/plugins", {"name": name}
        )


async def _again(admin: Admin, dice: random.Random) -> None:
    """Everything deleted and created again from what Kong itself had answered, in another order, with new ids."""
    before = {name: await admin.rows(f"/{name}") for name in _ORDER}
    targets = {row["name"]: await admin.rows(f"/upstreams/{row['id']}/targets") for row in before["upstreams"]}
    for name in reversed(_ORDER):
        for row in before[name]:
            assert (await admin.call("DELETE", f"/{name}/{row['id']}"))[0] == 204
    ids: dict[str, str] = {}
    for name in _ORDER:
        for row in dice.sample(before[name], len(before[name])):
            made = await admin.create(f"/{name}", _moved(row, ids))
            assert made, (name, row)
            ids[row["id"]] = made["id"]
            for target in targets.get(row.get("name"), []) if name == "upstreams" else []:
                body = {key: value for key, value in target.items() if key not in {*_OWN, "upstream"}}
                assert await admin.create(f"/upstreams/{made['id']}/targets", body)


def _moved(row: Row, ids: dict[str, str]) -> Row:
    body = {key: value for key, value in row.items() if key not in _OWN}
    for key, value in body.items():
        if key in ("service", "route", "consumer") and value:
            body[key] = {"id": ids[value["id"]]}
    return body


@given(data=st.data(), dice=st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
async def test_what_is_created_again_in_another_order_with_new_ids_is_unchanged(
    data: st.DataObject, dice: random.Random
) -> None:
    _, admin, gateway = _emulated()
    await _generate(admin, data)
    recorded = await _product(gateway, "orders")
    await _again(admin, dice)
    live = await _product(gateway, "orders")
    assert live.native_id != recorded.native_id
    assert _wishes(live) == _wishes(recorded)
    assert compare(recorded, live, MANIFEST.kinds).changes == ()


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
async def test_each_edit_of_one_field_is_one_difference_and_one_restore_takes_it_back(data: st.DataObject) -> None:
    _, admin, gateway = _emulated()
    await _generate(admin, data)
    recorded = await _product(gateway, "orders")
    edit = await _edit(admin, data)
    status, after = await admin.call("PATCH", f"/{edit.collection}/{edit.row['id']}", edit.body())
    if status != 200 or edit.is_nothing(after):
        return
    live = await gateway.read(recorded)
    assert live
    changes = compare(recorded, live, MANIFEST.kinds).changes
    assert [change.pointer for change in changes] == [edit.pointer]
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    await gateway.apply(recorded, live, steps, lambda step: None)
    restored = await gateway.read(recorded)
    assert restored
    assert compare(recorded, restored, MANIFEST.kinds).changes == ()


@dataclass(frozen=True, slots=True)
class Edit:
    """One member of one row gets another value; `within` is "config" for a plugin's setting."""

    collection: str
    row: Row
    name: str
    field: Row
    value: Any
    within: str = ""

    @property
    def pointer(self) -> str:
        return f"/{self.within}/{self.name}" if self.within else f"/{self.name}"

    def body(self) -> Row:
        return {self.within: {self.name: self.value}} if self.within else {self.name: self.value}

    def is_nothing(self, after: Row) -> bool:
        old, new = (row[self.within] if self.within else row for row in (self.row, after))
        if self.field["type"] == "set" and old[self.name] and new[self.name]:
            return sorted(map(json.dumps, old[self.name])) == sorted(map(json.dumps, new[self.name]))
        return bool(old[self.name] == new[self.name])


async def _edit(admin: Admin, data: st.DataObject) -> Edit:
    rows = [(name, row) for name in ("services", "routes", "plugins") for row in await admin.rows(f"/{name}")]
    collection, row = data.draw(st.sampled_from(rows))
    within = "config" if collection == "plugins" and data.draw(st.booleans()) else ""
    schema = told(f"entities-{collection}")
    if within:
        schema = dict(members(told(f"plugins-{row['name']}")))["config"]
    simple = [
        (name, field)
        for name, field in members(schema)
        if field["type"] in ("string", "integer", "number", "boolean", "set")
        and (within or name not in {*_OWN, "host"})
        and not (collection == "plugins" and not within and name == "name")
    ]
    if not simple:
        return Edit("services", (await admin.rows("/services"))[0], "retries", {"type": "integer"}, 17)
    name, field = data.draw(st.sampled_from(simple))
    return Edit(collection, row, name, field, data.draw(values(field, name)), within)


async def test_a_product_that_was_deleted_at_the_emulator_comes_back_under_its_ids() -> None:
    _, admin, gateway = _emulated()
    assert await admin.create("/upstreams", {"name": "orders.internal"})
    assert await admin.create("/upstreams/orders.internal/targets", {"target": "10.0.0.1:80"})
    assert await admin.create("/services", {"name": "orders", "host": "orders.internal", "tags": ["team-a"]})
    assert await admin.create("/services/orders/routes", {"paths": ["/orders"]})
    assert await admin.create("/services/orders/plugins", {"name": "rate-limiting", "config": {"minute": 5}})
    recorded = await _product(gateway, "orders")
    for name in reversed(_ORDER):
        for row in await admin.rows(f"/{name}"):
            await admin.call("DELETE", f"/{name}/{row['id']}")
    assert await gateway.read(recorded) is None
    await gateway.apply(recorded, None, plan_restore(recorded, None, MANIFEST.kinds).steps, lambda step: None)
    live = await gateway.read(recorded)
    assert live
    assert compare(recorded, live, MANIFEST.kinds).changes == ()
    assert {entity.native_id for entity in live.entities} == {entity.native_id for entity in recorded.entities}


@pytest.mark.parametrize("name", plugin_names())
async def test_a_plugin_with_nothing_but_what_it_needs_wishes_only_that(name: str) -> None:
    """Kong's own defaults are never taken for wishes, whichever plugin it is."""
    _, admin, gateway = _emulated()
    assert await admin.create("/services", {"name": "orders", "host": "orders.internal"})
    if not await admin.create("/services/orders/plugins", {"name": name}):
        return  # it needs some setting; the generated configurations above cover those
    product = await _product(gateway, "orders")
    plugin = product.entity("plugin", f"{name}@service")
    assert plugin
    assert set(plugin.wished()) - {"name", "service"} <= {"config"}
    made_up = {"oauth2": {"provision_key"}, "session": {"secret"}}.get(name, set())
    config = plugin.wished().get("config", {})
    assert isinstance(config, dict)
    assert set(config) <= made_up


async def test_a_kong_without_a_database_is_restored_through_its_file() -> None:
    app: AsgiApp = emulator.create(StateFile(), database="off")
    admin, gateway = Admin(app), kong(app)
    text = """
_format_version: "3.0"
services:
- name: orders
  host: orders.internal
  routes: [{name: r, paths: [/orders]}]
  plugins: [{name: rate-limiting, config: {minute: 5}}]
- {name: strangers, host: other.internal}
"""
    assert (await admin.call("POST", "/config", {"config": text}))[0] == 201
    recorded = await _product(gateway, "orders")
    edited = text.replace("minute: 5", "minute: 6").replace("routes: [{name: r, paths: [/orders]}]", "retries: 9")
    assert (await admin.call("POST", "/config", {"config": edited}))[0] == 201
    live = await gateway.read(recorded)
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    assert len(steps) == 3
    done: list[str] = []
    await gateway.apply(recorded, live, steps, lambda step: done.append(step.title))
    assert len(done) == 3
    restored = await gateway.read(recorded)
    assert restored
    assert compare(recorded, restored, MANIFEST.kinds).changes == ()
    assert [row["name"] for row in await admin.rows("/services")].count("strangers") == 1


async def test_konnect_is_restored_by_replacement() -> None:
    app: AsgiApp = emulator.create(StateFile(), konnect=True)
    plane = f"/v2/control-planes/{emulator.CONTROL_PLANE}"
    form = {"base_url": f"{ADMIN}/v2", "control_plane_id": emulator.CONTROL_PLANE, "token": "spat_secret"}
    gateway = kong(app, form, sign_in="konnect")
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ADMIN)
    http.headers["authorization"] = "Bearer spat_secret"
    made = await http.post(f"{plane}/core-entities/services", json={"name": "orders", "host": "orders.internal"})
    service = made.json()
    body = {"name": "rate-limiting", "service": {"id": service["id"]}, "config": {"minute": 5, "redis": {"host": "r1"}}}
    plugin = (await http.post(f"{plane}/core-entities/plugins", json=body)).json()
    assert all(line.verdict is Verdict.OK for line in [line async for line in gateway.check()])
    recorded = await _product(gateway, "orders")
    body["config"] = {"minute": 6, "redis": {"host": "r2"}}
    assert (await http.put(f"{plane}/core-entities/plugins/{plugin['id']}", json=body)).status_code == 200
    live = await gateway.read(recorded)
    assert live
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    assert [sorted(step.changed) for step in steps] == [["/config/minute", "/config/redis/host"]]
    await gateway.apply(recorded, live, steps, lambda step: None)
    restored = await gateway.read(recorded)
    assert restored
    assert compare(recorded, restored, MANIFEST.kinds).changes == ()
