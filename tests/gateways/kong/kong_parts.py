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
from aforo.gateways.kong.emulator.schemas import ENTITIES, PLUGINS
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


@cache
def told(name: str) -> Any:
    """A schema as Kong tells it: `entities-routes`, `plugins-cors`. The recorded one, else that of our emulator."""
    recorded = _RECORDED / "schemas" / f"{name}.json"
    if recorded.exists():
        return json.loads(recorded.read_text())
    kind, _, which = name.partition("-")
    return (ENTITIES if kind == "entities" else PLUGINS).get(which)


@cache
def plugin_names() -> tuple[str, ...]:
    return tuple(sorted(PLUGINS))


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
