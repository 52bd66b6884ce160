"""The emulator's indexes say what a look through everything would say, and what HTTP changes is saved."""

import asyncio
from typing import Any

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.azure import emulator
from aforo.gateways.azure.emulator.app import BASE
from aforo.gateways.azure.emulator.sign_in import ACCESS_TOKEN
from aforo.gateways.azure.emulator.store import Path, Store
from aforo.gateways.azure.emulator.wire import API_VERSION
from tests.gateways.azure.azure_parts import ORIGIN

NAMES = st.sampled_from(["a", "B", "b", "ab"])
PATHS = st.one_of(
    st.tuples(st.just("products"), NAMES),
    st.tuples(st.just("products"), NAMES, st.just("apis"), NAMES),
    st.tuples(st.just("subscriptions"), NAMES),
)
KEYS = st.fixed_dictionaries({"primaryKey": NAMES, "secondaryKey": NAMES})
WRITES = st.lists(st.tuples(PATHS, st.one_of(st.none(), KEYS)), max_size=20)


@given(WRITES)
def test_every_index_says_what_a_look_through_all_resources_says(
    writes: list[tuple[Path, dict[str, Any] | None]],
) -> None:
    state = StateFile()
    store = Store(state)
    for path, keys in writes:
        if keys is None:
            store.delete(path)
        else:
            store.put(path, {}, keys)
    store.save()
    for one in (store, Store(state)):
        rows = list(one._data["resources"].values())
        for kind in (("products",), ("products", "apis"), ("subscriptions",)):
            assert _paths(one.every(*kind)) == _paths(row for row in rows if tuple(row["path"][::2]) == kind)
        for name in ("a", "b", "ab"):
            below = [row for row in rows if _lower(row)[:3] == ("products", name, "apis")]
            assert _paths(one.children(("products", name), "apis")) == _paths(below)
        for key in ("a", "B", "b", "ab"):
            holding = [row for row in rows if row["path"][0] == "subscriptions" and key in row["hidden"].values()]
            assert _paths(one.with_key(key)) == _paths(holding)


async def test_what_is_changed_over_http_is_saved_when_the_server_stops() -> None:
    state = StateFile()
    emulator.seed(state, 1)
    app = emulator.create(state)
    path = f"{BASE}/tags/kept?api-version={API_VERSION}"
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ORIGIN) as http:
        signed = {"Authorization": f"Bearer {ACCESS_TOKEN}"}
        made = await http.put(path, json={"properties": {"displayName": "kept"}}, headers=signed)
    assert made.status_code == 201
    await _stop(app)
    assert emulator.create(state).store.find(("tags", "kept"))


def _paths(rows: Any) -> list[tuple[str, ...]]:
    return sorted(_lower(row) for row in rows)


def _lower(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(part.lower() for part in row["path"])


async def _stop(app: Any) -> None:
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, str]:
        await asyncio.sleep(0)
        return next(messages)

    async def send(message: Any) -> None:
        del message

    await app({"type": "lifespan"}, receive, send)
