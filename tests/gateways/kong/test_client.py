"""Every request that the client sends is one that the vendor describes; what the vendor recorded can be read."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.emulator import Receive, Scope, Send, answer_json
from aforo.gateways.kong.manifest import MANIFEST
from tests.gateways.kong.kong_parts import kong, quiet
from tests.gateways.kong.small_kong import Sent, SmallKong
from tests.shared_facts import shared

_KONNECT = {"base_url": "https://us.api.konghq.com/v2", "control_plane_id": "cp1", "token": "spat_secret-1234"}


async def _use_all(*, konnect: bool) -> list[Sent]:
    """All that a connector ever asks: test, discover, read, restore of one field, of a nested one, of everything."""
    small = SmallKong(konnect=konnect, page=1)
    gateway = kong(small, _KONNECT, sign_in="konnect") if konnect else kong(small)
    service = _fill(small)
    assert [line async for line in gateway.check()]
    await gateway.ping()
    recorded = next(p for p in (await gateway.discover(quiet)).products if p.ref == "orders")
    service["retries"] = 9
    plugin = next(iter(small.rows["plugins"].values()))
    plugin["config"]["minute"] = 9
    small.rows["targets"][next(iter(small.rows["targets"]))]["weight"] = 1
    small.add("plugins", name="cors", service={"id": service["id"]}, config={})
    await _restore(gateway, recorded, await gateway.read(recorded), remove=frozenset({"/plugin/cors@service"}))
    for name in ("services", "routes", "plugins", "upstreams", "targets"):
        small.rows[name].clear()
    await _restore(gateway, recorded, await gateway.read(recorded))
    return small.requests


def _fill(small: SmallKong) -> dict[str, Any]:
    upstream = small.add("upstreams", name="orders.internal")
    small.add("targets", target="10.0.0.1:80", upstream={"id": upstream["id"]})
    service = small.add("services", name="orders", host="orders.internal")
    small.add("services", name="billing", host="10.0.0.1")
    small.add("routes", name="orders-r", paths=["/orders"], service={"id": service["id"]})
    alice = small.add("consumers", username="alice")
    small.add(
        "plugins",
        name="rate-limiting",
        service={"id": service["id"]},
        consumer={"id": alice["id"]},
        config={"minute": 5, "policy": "local"},
    )
    return service


async def _restore(gateway: Any, recorded: Product, live: Product | None, remove: frozenset[str] = frozenset()) -> None:
    steps = plan_restore(recorded, live, MANIFEST.kinds, remove=remove).steps
    assert steps
    await gateway.apply(recorded, live, steps, lambda step: None)


@dataclass(frozen=True, slots=True)
class Described:
    """A vendor's OpenAPI 3.0 document, as far as it says something of requests."""

    told: dict[str, Any]

    def faults(self, sent: Sent) -> Iterator[str]:
        """What the vendor would not know in this request: its path, method, query or body."""
        path, operation = self._operation(sent)
        if operation is None:
            yield f"{sent.method} {sent.path}: not described"
            return
        for name in sent.query.keys() - self._parameters(path, operation):
            yield f"{sent.method} {sent.path}: query {name} not described"
        content = self._follow(operation.get("requestBody", {})).get("content", {})
        if sent.body is not None:
            schema = content["application/json"]["schema"]
            for fault in jsonschema.Draft7Validator(self._plain(schema, 0)).iter_errors(sent.body):
                yield f"{sent.method} {sent.path}: {fault.json_path} {fault.message[:200]}"

    def _operation(self, sent: Sent) -> tuple[dict[str, Any], dict[str, Any] | None]:
        for template, path in self.told["paths"].items():
            pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, sent.path) and sent.method.lower() in path:
                return path, path[sent.method.lower()]
        return {}, None

    def _parameters(self, path: dict[str, Any], operation: dict[str, Any]) -> set[str]:
        told = [*path.get("parameters", []), *operation.get("parameters", [])]
        return {self._follow(one)["name"] for one in told}

    def _follow(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            here: Any = self.told
            for part in node["$ref"].removeprefix("#/").split("/"):
                here = here[part]
            node = here
        return node

    def _plain(self, node: Any, depth: int) -> Any:
        """OpenAPI's schema as JSON Schema: references followed, `nullable` said as a type.

        `required` is left out: it lists members that have defaults, and Kong has been recorded to take bodies
        without them (services/043, defaults/093).
        """
        if isinstance(node, list):
            return [self._plain(one, depth + 1) for one in node]
        if not isinstance(node, dict) or depth > 30:
            return node if depth <= 30 else {}
        node = self._follow(node)
        plain = {name: self._plain(value, depth + 1) for name, value in node.items() if name not in _UNSAID}
        if plain.pop("nullable", False):
            return {"anyOf": [{"type": "null"}, plain]}
        return plain


_UNSAID = ("example", "format", "required")


@cache
def _described(path: str, prefix: str) -> Described:
    told = yaml.safe_load(shared(path).read_text())
    fixed = {name.replace("}plugins", "}/plugins"): value for name, value in told["paths"].items()}  # a typo of theirs
    if "requestBodies" in told["components"]:
        plugin = told["components"]["requestBodies"].get("plugin-request")
        for name in ("service", "route", "consumer"):  # typed as texts, while their own descriptions show objects
            if plugin and "konnect" not in path:
                plugin["content"]["application/json"]["schema"]["properties"][name]["type"] = "object"
    return Described({**told, "paths": {f"{prefix}{name}": value for name, value in fixed.items()}})


def _faults(requests: list[Sent], described: Described) -> list[str]:
    return sorted({fault for sent in requests for fault in described.faults(sent)})


async def test_every_request_to_the_admin_api_is_as_the_vendor_describes_it() -> None:
    described = _described("specs/kong/admin-oss-3.9.openapi.yaml", "")
    requests = await _use_all(konnect=False)
    assert {sent.method for sent in requests} == {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert "\n".join(_faults(requests, described)) == ""


async def test_every_request_to_konnect_is_as_the_vendor_describes_it() -> None:
    described = _described("specs/konnect/control-planes-config-v2.openapi.yaml", "/v2")
    requests = await _use_all(konnect=True)
    assert {sent.method for sent in requests} == {"GET", "PUT", "DELETE"}
    entities = [sent for sent in requests if sent.path != "/v2/control-planes/cp1"]
    assert _faults(entities, described) == []


class Recorded:
    """Answers each list with a recorded one of a real Kong, whatever the offset was that led to it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode()
        self.asked.append(f"{scope['path']}?{query}")
        body = self._body(scope["path"], query)
        await answer_json(send, 200 if body else 404, body or {"message": "Not found"})

    def _body(self, path: str, query: str) -> Any:
        if path == "/services":
            return self._page(query)
        if path == "/routes":
            return _answer("routes/022-list.json")
        if path.startswith("/schemas/plugins/"):
            return _schema(f"plugins-{path.rpartition('/')[2]}")
        if path.startswith("/schemas/"):
            return _schema(f"entities-{path.rpartition('/')[2]}")
        return {"data": [], "next": None}

    def _page(self, query: str) -> Any:
        for number in (2, 3):
            exchange = json.loads(shared(f"kong-recorded/services/0{47 + number}-page-{number}.json").read_text())
            offset = exchange["request"]["path"].partition("offset=")[2].partition("&")[0]
            if offset in query:
                return exchange["response"]["body"]
        return _answer("services/048-page-1.json")


def _answer(path: str) -> Any:
    return json.loads(shared(f"kong-recorded/{path}").read_text())["response"]["body"]


def _schema(name: str) -> Any:
    return json.loads(shared(f"kong-recorded/schemas/{name}.json").read_text())


async def test_recorded_pages_of_a_real_kong_are_followed_to_their_end() -> None:
    recorded = Recorded()
    services = [row for number in (1, 2, 3) for row in _answer(f"services/0{47 + number}-page-{number}.json")["data"]]
    discovery = await kong(recorded).discover(quiet)
    assert not discovery.partial
    assert sorted(product.native_id for product in discovery.products) == sorted(row["id"] for row in services)
    assert sum(asked.startswith("/services?") for asked in recorded.asked) == 3


@pytest.mark.parametrize(
    "settings", [{"admin_url": "http://kong.test:8001/gold/"}, {"admin_url": "http://kong.test:8001"}]
)
async def test_a_workspace_stands_before_every_path(settings: dict[str, str]) -> None:
    small = SmallKong()
    gateway = kong(small, {**settings, "token": "t0ken", "workspace": "team a"}, sign_in="header_token")
    assert [line async for line in gateway.check()]
    prefix = "/gold" if "gold" in settings["admin_url"] else ""
    assert small.requests[0].path == f"{prefix}/team a/"
    assert small.requests[0].headers["kong-admin-token"] == "t0ken"


@pytest.mark.parametrize("offsets", [["same"], ["a", "b"], ["a", "b", "c", "b"]])
async def test_pages_that_lead_back_end_the_list_instead_of_the_day(offsets: list[str]) -> None:
    class Looping:
        pages = 0

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] != "/services":
                await answer_json(send, 200, {"data": [], "next": None})
                return
            self.pages += 1
            assert self.pages < 50
            offset = offsets[(self.pages - 1) % len(offsets)]
            row = {"id": f"{self.pages}", "name": f"s{self.pages}", "host": "10.0.0.1"}
            await answer_json(send, 200, {"data": [row], "next": f"/services?offset={offset}", "offset": offset})

    discovery = await kong(Looping()).discover(quiet)
    assert discovery.partial
    assert discovery.problems[-1].what.startswith("services after the first")
    assert "leads back" in discovery.problems[-1].why
