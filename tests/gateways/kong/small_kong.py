"""The smallest Admin API that a connector can be tried on: rows in lists, and what Konnect and DB-less do otherwise.

Beside the emulator for two reasons. It speaks as Konnect does (PUT alone, addresses by id, no schemas of entities,
flat targets), which the emulator of Kong OSS does not, and it keeps every request for a look at what was sent.
"""

import json
import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import yaml

from aforo.gateway_sdk.contract import Gateway, Product
from aforo.gateway_sdk.emulator import Receive, Scope, Send, Switchboard, answer_json, read_body
from aforo.gateways.kong.mapping import Row
from tests.gateways.kong.kong_parts import answered, kong, quiet, told

_LISTS = ("services", "routes", "plugins", "upstreams", "targets", "consumers")
_PLANE = "/v2/control-planes/cp1"


@dataclass(frozen=True, slots=True)
class Sent:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass(slots=True)
class SmallKong:
    """An ASGI app; `rows` may be set by a test. `database` "off" refuses writes other than POST /config."""

    konnect: bool = False
    database: str = "postgres"
    page: int = 1000
    token: tuple[str, str] | None = None
    config: str = "_format_version: '3.0'\n"
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in _LISTS})
    requests: list[Sent] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await read_body(receive)
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        path = unquote(scope["raw_path"].decode().split("?")[0])
        sent = Sent(scope["method"], path, query, json.loads(raw) if raw else None, headers)
        self.requests.append(sent)
        status, body = self._answer(sent)
        await answer_json(send, status, body)

    def writes(self) -> list[Sent]:
        return [sent for sent in self.requests if sent.method != "GET"]

    def add(self, collection: str, **sent: Any) -> Row:
        """A row as Kong would answer it after this was posted."""
        row = self._filled(collection, {"id": str(uuid.uuid4()), **sent})
        self.rows[collection][row["id"]] = row
        return row

    def _answer(self, sent: Sent) -> tuple[int, Any]:
        if self.token and sent.headers.get(self.token[0].lower()) != self.token[1]:
            return 401, {"message": "Unauthorized"}
        path = sent.path
        if self.konnect:
            if path == _PLANE:
                return 200, {"id": "cp1", "name": "prod", "config": {"cluster_type": "CLUSTER_TYPE_HYBRID"}}
            if not path.startswith(f"{_PLANE}/core-entities"):
                return 404, {"message": "Not found"}
            path = path.removeprefix(f"{_PLANE}/core-entities")
        parts = [part for part in path.split("/") if part]
        if not parts:
            return 200, {"version": "3.9.3", "edition": "community", "configuration": {"database": self.database}}
        return self._route(sent, parts)

    def _route(self, sent: Sent, parts: list[str]) -> tuple[int, Any]:
        if parts == ["status"]:
            return 200, {"database": {"reachable": True}}
        if parts[0] == "schemas":
            return self._schema(parts[1:])
        if parts == ["config"]:
            return self._config(sent)
        if self.database == "off" and sent.method != "GET":
            return 405, {"message": "cannot create, update or delete entities when not using a database"}
        if parts[0] not in self.rows:
            return 404, {"message": "Not found"}
        return self._entities(sent, parts)

    def _schema(self, parts: list[str]) -> tuple[int, Any]:
        name = f"plugins-{parts[1]}" if len(parts) == 2 else f"entities-{parts[0]}"
        found = None if self.konnect and len(parts) == 1 else told(name)
        return (200, found) if found else (404, {"message": f"No entity named '{parts[-1]}'"})

    def _config(self, sent: Sent) -> tuple[int, Any]:
        if sent.method == "POST":
            self.config = sent.body["config"]
            yaml.safe_load(self.config)
            return 201, {}
        return 200, {"config": self.config}

    def _entities(self, sent: Sent, parts: list[str]) -> tuple[int, Any]:
        collection = parts[0]
        if len(parts) == 1:
            return self._collection(sent, collection, list(self.rows[collection].values()))
        row = self._find(collection, parts[1])
        if len(parts) == 2:
            return self._one(sent, collection, parts[1], row)
        if row is None:
            return 404, {"message": "Not found"}
        parent = {collection[:-1]: {"id": row["id"]}}
        if len(parts) == 3:
            inner = [one for one in self.rows[parts[2]].values() if one.get(collection[:-1]) == {"id": row["id"]}]
            return self._collection(replace(sent, body={**(sent.body or {}), **parent}), parts[2], inner)
        body = {**sent.body, **parent} if sent.body is not None else None
        nested = Sent(sent.method, sent.path, sent.query, body, sent.headers)
        return self._one(nested, parts[2], parts[3], self._find(parts[2], parts[3]))

    def _collection(self, sent: Sent, collection: str, rows: list[Row]) -> tuple[int, Any]:
        return (201, self.add(collection, **sent.body)) if sent.method == "POST" else self._list(sent, rows)

    def _list(self, sent: Sent, rows: list[Row]) -> tuple[int, Any]:
        rows = [row for row in rows if sent.query.get("custom_id") in (None, row.get("custom_id"))]
        rows.sort(key=lambda row: str(row["id"]))
        size = min(int(sent.query.get("size", "100")), self.page)
        start = int(sent.query.get("offset", "0"))
        more = str(start + size) if start + size < len(rows) else None
        following = f"{sent.path}?offset={more}" if more else None
        return 200, {"data": rows[start : start + size], "next": following} | ({"offset": more} if more else {})

    def _one(self, sent: Sent, collection: str, key: str, row: Row | None) -> tuple[int, Any]:
        if sent.method == "DELETE":
            self.rows[collection].pop(row["id"] if row else "", None)
            return 204, None
        if sent.method == "PUT":
            if collection == "targets" and row is None and not self.konnect:
                return 404, {"message": "Not found"}
            row = self._filled(collection, {**sent.body, "id": key})
            self.rows[collection][key] = row
        elif row is None:
            return 404, {"message": "Not found"}
        elif sent.method == "PATCH":
            if self.konnect:
                return 405, {"message": "Method not allowed"}
            self._merge(row, sent.body, collection)
        return 200, row

    def _find(self, collection: str, key: str) -> Row | None:
        rows = self.rows[collection]
        if key in rows or self.konnect:
            return rows.get(key)
        names = ("name", "username", "target")
        return next((row for row in rows.values() if key in [row.get(name) for name in names]), None)

    def _merge(self, row: Row, changes: Row, collection: str) -> None:
        """Records merge, all else is replaced. Here `config` and `redis` are the records that tests change."""
        for name, value in changes.items():
            if isinstance(value, dict) and name in ("config", "redis", "healthchecks", "active") and row.get(name):
                self._merge(row[name], value, collection)
            else:
                row[name] = value
        twins = row.get("config", {}) if collection == "plugins" else {}
        if "redis_host" in twins:
            twins["redis_host"] = twins["redis"]["host"]

    def _filled(self, collection: str, sent: Row) -> Row:
        schema = told(f"entities-{collection}")
        row = {**(answered(sent, schema) if schema else {}), **sent, "created_at": 1, "updated_at": 1}
        plugin = told(f"plugins-{sent.get('name')}") if collection == "plugins" else None
        return {**row, **answered({"config": sent.get("config") or {}}, plugin)} if plugin else row


KONNECT: Final = {
    "base_url": "https://konnect.test/v2",
    "control_plane_id": "cp1",
    "token": "spat_secret-1234",
    "region": "eu",
}


def filled(small: SmallKong) -> Row:
    """One product with everything that a product can have, and a stranger beside it."""
    upstream = small.add("upstreams", name="orders.internal")
    small.add("targets", target="10.0.0.1:80", upstream={"id": upstream["id"]})
    service = small.add("services", name="orders", host="orders.internal", tags=["team-a"])
    route = small.add("routes", name="orders-r", paths=["/orders"], methods=["GET"], service={"id": service["id"]})
    alice = small.add("consumers", username="alice")
    small.add(
        "plugins",
        name="rate-limiting",
        service={"id": service["id"]},
        consumer={"id": alice["id"]},
        config={"minute": 5, "redis": {"host": "r1", "password": "hunter2"}},
    )
    small.add("plugins", name="rate-limiting", route={"id": route["id"]}, config={"minute": 9})
    small.add("services", name="strangers", host="10.1.1.1")
    return service


def connected(*, konnect: bool = False, **more: Any) -> tuple[SmallKong, Switchboard, Gateway]:
    """A small Kong, switches to make it fail, and the connector onto it."""
    small = SmallKong(konnect=konnect, **more)
    switchboard = Switchboard(small)
    gateway = kong(switchboard, KONNECT, sign_in="konnect") if konnect else kong(switchboard)
    return small, switchboard, gateway


async def product(gateway: Gateway, ref: str = "orders") -> Product:
    """One product out of a complete discovery."""
    discovery = await gateway.discover(quiet)
    assert not discovery.partial
    return next(found for found in discovery.products if found.ref == ref)
