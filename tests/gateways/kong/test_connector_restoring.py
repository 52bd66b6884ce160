"""A restore writes only what differs, brings ids back, leaves strangers alone, and can be finished later."""

from typing import Any

import pytest

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Gateway, Product, Step
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import GatewayUnavailable
from aforo.gateways.kong.manifest import MANIFEST
from tests.gateways.kong.small_kong import SmallKong, connected, filled, product


async def restore(gateway: Gateway, recorded: Product, live: Product | None) -> list[str]:
    """Plan, apply, and tell which steps were reported."""
    done: list[str] = []
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    await gateway.apply(recorded, live, steps, lambda step: done.append(step.title))
    return done


async def test_a_deleted_product_comes_back_with_its_ids_and_nothing_differs() -> None:
    small, _, gateway = connected()
    filled(small)
    recorded = await product(gateway)
    before = {name: set(rows) for name, rows in small.rows.items()}
    strangers = next(row for row in small.rows["services"].values() if row["name"] == "strangers")
    for name in ("services", "routes", "plugins", "upstreams", "targets"):
        small.rows[name].clear()
    small.rows["services"][strangers["id"]] = strangers
    done = await restore(gateway, recorded, None)
    assert [title.split()[1] for title in done] == ["upstream", "target", "service", "route", "plugin", "plugin"]
    assert {name: set(rows) for name, rows in small.rows.items()} == before
    live = await gateway.read(recorded)
    assert live
    assert compare(recorded, live, MANIFEST.kinds).changes == ()
    assert all("aforo" not in (sent.body.get("tags") or []) for sent in small.writes())


@pytest.mark.parametrize("konnect", [False, True], ids=["admin", "konnect"])
async def test_restoring_one_field_is_one_write_with_that_field(konnect: bool) -> None:
    small, _, gateway = connected(konnect=konnect)
    service = filled(small)
    recorded = await product(gateway)
    service["retries"] = 9
    small.requests.clear()
    assert await restore(gateway, recorded, await gateway.read(recorded)) == ["update service orders"]
    (write,) = small.writes()
    if konnect:
        assert (write.method, write.body["retries"], write.body["name"]) == ("PUT", 5, "orders")
        assert "created_at" not in write.body
    else:
        assert (write.method, write.path, write.body) == ("PATCH", f"/services/{service['id']}", {"retries": 5})
    live = await gateway.read(recorded)
    assert live
    assert compare(recorded, live, MANIFEST.kinds).changes == ()


@pytest.mark.parametrize("recorded_tags", [["team-a"], None], ids=["tagged", "untagged"])
@pytest.mark.parametrize("konnect", [False, True], ids=["admin", "konnect"])
async def test_restoring_the_tags_leaves_the_one_that_says_what_is_sold(
    konnect: bool, recorded_tags: list[str] | None
) -> None:
    small, _, gateway = connected(konnect=konnect)
    service = filled(small)
    service["tags"] = recorded_tags
    recorded = await product(gateway)
    service["tags"] = ["theirs", "aforo-monetized"]
    await restore(gateway, recorded, await gateway.read(recorded))
    assert small.rows["services"][service["id"]]["tags"] == [*(recorded_tags or ()), "aforo-monetized"]


@pytest.mark.parametrize("konnect", [False, True], ids=["admin", "konnect"])
async def test_a_nested_plugin_setting_is_restored_without_its_deprecated_twin(konnect: bool) -> None:
    small, _, gateway = connected(konnect=konnect)
    filled(small)
    recorded = await product(gateway)
    plugin = next(row for row in small.rows["plugins"].values() if row["service"])
    plugin["config"]["redis"]["host"] = plugin["config"]["redis_host"] = "evil"
    small.requests.clear()
    await restore(gateway, recorded, await gateway.read(recorded))
    (write,) = small.writes()
    assert "redis_host" not in write.body["config"]
    assert write.body["config"]["redis"]["host"] == "r1"
    if not konnect:
        assert write.body == {"config": {"redis": {"host": "r1"}}}


async def test_a_map_is_restored_whole_since_kong_replaces_it() -> None:
    small, _, gateway = connected()
    filled(small)
    route = next(iter(small.rows["routes"].values()))
    route["headers"] = {"x-tier": ["gold"], "x-team": ["a"]}
    recorded = await product(gateway)
    route["headers"] = {"x-tier": ["silver"], "x-team": ["a"]}
    small.requests.clear()
    await restore(gateway, recorded, await gateway.read(recorded))
    assert [sent.body for sent in small.writes()] == [{"headers": {"x-tier": ["gold"], "x-team": ["a"]}}]


async def test_a_member_that_was_added_is_cleared_with_a_null() -> None:
    small, _, gateway = connected()
    service = filled(small)
    recorded = await product(gateway)
    service["path"] = "/v2"
    small.requests.clear()
    await restore(gateway, recorded, await gateway.read(recorded))
    assert [sent.body for sent in small.writes()] == [{"path": None}]


async def test_what_others_added_stays_unless_it_is_ticked() -> None:
    small, _, gateway = connected()
    service = filled(small)
    recorded = await product(gateway)
    foreign = small.add("plugins", name="cors", service={"id": service["id"]}, config={})
    live = await gateway.read(recorded)
    assert await restore(gateway, recorded, live) == []
    ticked = frozenset({"/plugin/cors@service"})
    steps = plan_restore(recorded, live, MANIFEST.kinds, remove=ticked).steps
    await gateway.apply(recorded, live, steps, lambda step: None)
    assert foreign["id"] not in small.rows["plugins"]


@pytest.mark.parametrize(
    ("stand", "fault"),
    enumerate(
        [
            Fault(500, method="PUT", path="/upstreams"),
            Fault(500, method="POST", path="/upstreams"),
            Fault(500, method="PUT", path="/services"),
            Fault(500, method="PUT", path="/routes"),
            Fault(500, method="PUT", path="/plugins"),
            Fault(500, method="PUT", path="/plugins", after=1),
        ]
    ),
)
async def test_a_restore_that_fails_half_way_is_finished_by_the_next_attempt(stand: int, fault: Fault) -> None:
    small, switchboard, gateway = connected()
    filled(small)
    recorded = await product(gateway)
    for name in ("services", "routes", "plugins", "upstreams", "targets"):
        small.rows[name].clear()
    steps = plan_restore(recorded, None, MANIFEST.kinds).steps
    done: list[Step] = []
    switchboard.faults.append(fault)
    with pytest.raises(GatewayUnavailable):
        await gateway.apply(recorded, None, steps, done.append)
    assert len(done) == stand
    left = [step for step in steps if step not in done]
    await gateway.apply(recorded, None, left, done.append)
    assert done == list(steps)
    live = await gateway.read(recorded)
    assert live
    assert compare(recorded, live, MANIFEST.kinds).changes == ()


async def test_a_route_and_its_plugins_created_again_with_new_ids_are_unchanged() -> None:
    small, _, gateway = connected()
    filled(small)
    recorded = await product(gateway)
    _renumber(small)
    live = await product(gateway)
    assert live.native_id != recorded.native_id
    assert compare(recorded, live, MANIFEST.kinds).changes == ()


def _renumber(small: SmallKong) -> None:
    """Every row gets a new id, references follow."""
    ids = {
        old: f"99999999-0000-4000-8000-{n:012d}"
        for n, old in enumerate(i for rows in small.rows.values() for i in rows)
    }

    def moved(value: Any) -> Any:
        return {"id": ids[value["id"]]} if isinstance(value, dict) and value.get("id") in ids else value

    for name, rows in small.rows.items():
        small.rows[name] = {
            ids[old]: {key: moved(value) for key, value in row.items()} | {"id": ids[old]} for old, row in rows.items()
        }


async def test_a_database_less_kong_gets_its_whole_file_with_only_our_part_changed() -> None:
    text = """
_format_version: '3.0'
services:
- {id: 5f0f2f66-0000-4000-8000-000000000001, name: orders, host: orders.internal, retries: 5}
- {id: 5f0f2f66-0000-4000-8000-000000000002, name: strangers, host: other.internal}
routes:
- {id: 5f0f2f66-0000-4000-8000-000000000003, name: r, paths: [/orders], service: 5f0f2f66-0000-4000-8000-000000000001}
consumers:
- {username: alice}
"""
    small, _, gateway = connected(database="off", config=text)
    service = small.add("services", id="5f0f2f66-0000-4000-8000-000000000001", name="orders", host="orders.internal")
    small.add(
        "routes", id="5f0f2f66-0000-4000-8000-000000000003", name="r", paths=["/orders"], service={"id": service["id"]}
    )
    recorded = await product(gateway)
    service["retries"] = 9
    small.rows["routes"].clear()
    small.config = text.replace("retries: 5", "retries: 9").replace("name: r,", "name: gone,")
    small.requests.clear()
    done = await restore(gateway, recorded, await gateway.read(recorded))
    assert done == ["update service orders", "create route r"]
    (write,) = small.writes()
    assert (write.path, write.query) == ("/config", {"check_hash": "1", "flatten_errors": "1"})
    assert "retries: 5" in small.config
    assert "strangers" in small.config
    assert "alice" in small.config


@pytest.mark.parametrize(("collection", "pointer"), [("routes", "/name"), ("services", "/name"), ("routes", "/paths")])
async def test_renaming_what_others_refer_to_is_one_difference(collection: str, pointer: str) -> None:
    small, _, gateway = connected()
    filled(small)
    if pointer == "/paths":
        next(iter(small.rows["routes"].values()))["name"] = None
    recorded = await product(gateway)
    row = next(row for row in small.rows[collection].values() if row["name"] != "strangers")
    row[pointer[1:]] = ["/elsewhere"] if pointer == "/paths" else "renamed"
    live = await gateway.read(recorded)
    assert live
    assert [change.pointer for change in compare(recorded, live, MANIFEST.kinds).changes] == [pointer]
