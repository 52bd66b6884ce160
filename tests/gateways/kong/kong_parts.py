"""What the tests of Kong's connector share: schemas, strategies made from them, and a connection to an ASGI app."""

import json
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx2
from hypothesis import strategies as st

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection, Gateway
from aforo.gateway_sdk.emulator import AsgiApp
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.kong.connector import connect
from aforo.gateways.kong.mapping import Canon, Row, Schema, entity_schema, plugin_schema
from aforo.kit.clock import HandClock

ADMIN: Final = "http://kong.test:8001"
_RECORDED: Final = Path(__file__).resolve().parents[4] / "shared" / "kong-recorded"
COLLECTIONS: Final = {
    "service": "services",
    "route": "routes",
    "plugin": "plugins",
    "upstream": "upstreams",
    "target": "targets",
}

# Small schemas in Kong's form, for checkouts without the recordings: a set, a list and a map, records in lists, a
# deprecated twin, secrets, defaults of every kind.
_TAGS: Final = {"tags": {"type": "set", "elements": {"type": "string"}}}
_MADE_UP: Final = [
    {"id": {"type": "string", "uuid": True, "auto": True}},
    {"created_at": {"type": "integer", "timestamp": True, "auto": True}},
    {"updated_at": {"type": "integer", "timestamp": True, "auto": True}},
]
_SMALL: Final[dict[str, Any]] = {
    "entities-services": {
        "fields": [
            *_MADE_UP,
            {"name": {"type": "string", "unique": True}},
            {"retries": {"type": "integer", "between": [0, 32767], "default": 5}},
            {"protocol": {"type": "string", "required": True, "one_of": ["http", "https"], "default": "http"}},
            {"host": {"type": "string", "required": True}},
            {"port": {"type": "integer", "required": True, "between": [0, 65535], "default": 80}},
            {"path": {"type": "string", "starts_with": "/"}},
            {"enabled": {"type": "boolean", "required": True, "default": True}},
            _TAGS,
        ]
    },
    "entities-routes": {
        "fields": [
            *_MADE_UP,
            {"name": {"type": "string", "unique": True}},
            {"protocols": {"type": "set", "elements": {"type": "string"}, "default": ["http", "https"]}},
            {"methods": {"type": "set", "elements": {"type": "string"}}},
            {"paths": {"type": "array", "elements": {"type": "string"}}},
            {"headers": {"type": "map", "values": {"type": "array", "elements": {"type": "string"}}}},
            {"sources": {"type": "set", "elements": {"type": "record", "fields": [{"ip": {"type": "string"}}]}}},
            {"strip_path": {"type": "boolean", "required": True, "default": True}},
            {"service": {"type": "foreign", "reference": "services"}},
            _TAGS,
        ]
    },
    "entities-plugins": {
        "fields": [
            *_MADE_UP,
            {"name": {"type": "string", "required": True}},
            {"enabled": {"type": "boolean", "required": True, "default": True}},
            {"protocols": {"type": "set", "elements": {"type": "string"}, "default": ["grpc", "http"]}},
            {"config": {"type": "record", "abstract": True}},
            _TAGS,
        ]
    },
    "entities-upstreams": {
        "fields": [*_MADE_UP, {"name": {"type": "string"}}, {"slots": {"type": "integer", "default": 10000}}, _TAGS]
    },
    "entities-targets": {
        "fields": [*_MADE_UP, {"target": {"type": "string"}}, {"weight": {"type": "integer", "default": 100}}, _TAGS]
    },
    "plugins-rate-limiting": {
        "fields": [
            {"protocols": {"type": "set", "elements": {"type": "string"}, "default": ["http", "https"]}},
            {
                "config": {
                    "type": "record",
                    "required": True,
                    "shorthand_fields": [
                        {
                            "redis_host": {
                                "type": "string",
                                "deprecation": {"replaced_with": [{"path": ["redis", "host"]}]},
                            }
                        }
                    ],
                    "fields": [
                        {"minute": {"type": "number", "gt": 0}},
                        {"limit_by": {"type": "string", "default": "consumer", "one_of": ["consumer", "ip"]}},
                        {
                            "redis": {
                                "type": "record",
                                "required": True,
                                "fields": [
                                    {"host": {"type": "string"}},
                                    {"port": {"type": "integer", "default": 6379}},
                                    {"password": {"type": "string", "encrypted": True, "referenceable": True}},
                                ],
                            }
                        },
                    ],
                }
            },
        ]
    },
}


@cache
def told(name: str) -> Any:
    """A schema as Kong tells it: `entities-routes`, `plugins-cors`. Recorded where the recordings are, else small."""
    recorded = _RECORDED / "schemas" / f"{name}.json"
    return json.loads(recorded.read_text()) if recorded.exists() else _SMALL.get(name)


@cache
def plugin_names() -> tuple[str, ...]:
    folder = _RECORDED / "schemas"
    found = [path.stem.removeprefix("plugins-") for path in sorted(folder.glob("plugins-*.json"))]
    return tuple(found) or ("rate-limiting",)


@cache
def schemas() -> dict[str, Schema]:
    """All of them, learnt as the connector learns them."""
    plugins = entity_schema(told("entities-plugins"))
    learnt = {kind: entity_schema(told(f"entities-{many}")) for kind, many in COLLECTIONS.items() if kind != "plugin"}
    return learnt | {f"plugin:{name}": plugin_schema(told(f"plugins-{name}"), plugins) for name in plugin_names()}


def canon() -> Canon:
    return Canon(schemas())


def members(schema: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [pair for one in schema["fields"] for pair in one.items()]


def answered(sent: Mapping[str, Any], schema: Mapping[str, Any]) -> Row:
    """What Kong answers to what was sent: every member there, defaults filled in, the rest null, twins beside."""
    full: Row = {}
    for name, field in members(schema):
        value = sent.get(name, field.get("default"))
        if field["type"] == "record" and not field.get("abstract") and (value is not None or field.get("required")):
            value = answered(value or {}, field)
        elif isinstance(value, list) and field.get("elements", {}).get("type") == "record":
            value = [answered(one, field["elements"]) for one in value]
        full[name] = value
    for name, field in [pair for one in schema.get("shorthand_fields", []) for pair in one.items()]:
        way = field.get("deprecation", {}).get("replaced_with", [{}])[0].get("path")
        if way:
            full[name] = _follow(full, way)
    return full


def _follow(tree: Any, way: list[str]) -> Any:
    for part in way:
        tree = (tree or {}).get(part)
    return tree


_WORDS: Final = st.text("abcdefghij", min_size=1, max_size=8)


def values(field: Mapping[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Values that this member may have, as far as the schema tells."""
    if "one_of" in field:
        return st.sampled_from(field["one_of"])
    low, high = field.get("between", [1, 1000])
    simple: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "boolean": st.booleans,
        "integer": lambda: st.integers(max(low, 1), min(high, 10_000)),
        "number": lambda: st.integers(max(int(low), 1), min(int(high), 10_000)),
        "string": lambda: _texts(field, name),
        "array": lambda: st.lists(values(field["elements"]), min_size=1, max_size=3),
        "set": lambda: st.lists(values(field["elements"]), min_size=1, max_size=3, unique_by=json.dumps),
        "map": lambda: st.dictionaries(_WORDS, values(field.get("values", {"type": "string"})), max_size=2),
        "record": lambda: records(field),
    }
    return simple[field["type"]]()


def _texts(field: Mapping[str, Any], name: str) -> st.SearchStrategy[str]:
    if field.get("uuid"):
        return st.uuids(version=4).map(str)
    if "starts_with" in field or name == "paths":
        return _WORDS.map(lambda word: f"/{word}")
    return _WORDS


def records(schema: Mapping[str, Any], without: Collection[str] = ()) -> st.SearchStrategy[Row]:
    """Records with any of the members that a person may set."""
    usable = {
        name: values(field, name)
        for name, field in members(schema)
        if name not in without and field["type"] not in ("foreign", "json") and not field.get("auto")
    }
    return st.fixed_dictionaries({}, optional=usable)


def new_id() -> str:
    return str(uuid.uuid4())


def kong(
    app: AsgiApp,
    settings: Mapping[str, str] | None = None,
    *,
    sign_in: str = "none",
    remember: Callable[[str, str], Awaitable[None]] | None = None,
    secrets: Collection[str] = (),
) -> Gateway:
    """The real connector and transport, onto an app in this process."""
    clock = HandClock()
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app))
    transport = Transport(http, gateway_name="Kong", budget=Budget((), clock), gate=OpenGate(), secrets=secrets)
    told_settings = settings if settings is not None else {"admin_url": ADMIN}
    return connect(Connection("int_test", sign_in, told_settings, transport, clock, remember or _forget))


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")


def quiet(done: int, total: int | None, what: str) -> None:
    """A progress that nobody watches."""
    assert done >= 0
    assert total is None or total >= done
    assert what
