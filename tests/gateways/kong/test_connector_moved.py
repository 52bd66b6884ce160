"""What was moved and not deleted is told apart: nothing is overwritten, and nothing is taken away from others."""

from collections.abc import Sequence

import pytest
import yaml

from aforo.catalog.model import ChangeKind
from aforo.catalog.rules.diff import compare
from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.errors import GatewayChanged
from aforo.gateways.kong.manifest import MANIFEST
from tests.gateways.kong.emulated_kong import PLUGIN, ROUTE, UPSTREAM, EmulatedKong, restored
from tests.gateways.kong.kong_parts import kong
from tests.gateways.kong.small_kong import connected, filled, product


async def _ready() -> tuple[EmulatedKong, Product]:
    emulated = EmulatedKong()
    await emulated.fill()
    return emulated, await product(emulated.gateway)


async def _read(emulated: EmulatedKong, recorded: Product) -> Product:
    live = await emulated.gateway.read(recorded)
    assert live
    return live


def _differences(recorded: Product, live: Product) -> list[str]:
    return [change.path for change in compare(recorded, live, MANIFEST.kinds).changes]


@pytest.mark.parametrize("has_upstream", [False, True], ids=["a plain host", "another upstream"])
async def test_a_changed_host_is_one_difference_and_one_write(has_upstream: bool) -> None:
    emulated, recorded = await _ready()
    if has_upstream:
        await emulated.ask("POST", "/upstreams", {"name": "evil.internal"})
        await emulated.ask("POST", "/upstreams/evil.internal/targets", {"target": "10.0.0.1:80"})
    await emulated.ask("PATCH", "/services/orders", {"host": "evil.internal"})
    live = await _read(emulated, recorded)
    assert _differences(recorded, live) == ["/service/orders/host"]
    assert await emulated.restore(recorded, live) == ["update service orders"]
    assert emulated.writes == [("PATCH", f"/services/{recorded.native_id}", {"host": "orders.internal"})]
    assert _differences(recorded, await _read(emulated, recorded)) == []


async def test_a_changed_host_at_konnect_is_one_difference_too() -> None:
    small, _, gateway = connected(konnect=True)
    service = filled(small)
    recorded = await product(gateway)
    service["host"] = "evil.internal"
    live = await gateway.read(recorded)
    assert live
    assert _differences(recorded, live) == ["/service/orders/host"]
    assert await restored(gateway, recorded, live) == ["update service orders"]


async def test_an_upstream_made_again_under_its_name_is_still_the_recorded_one() -> None:
    emulated, recorded = await _ready()
    await emulated.ask("DELETE", f"/upstreams/{UPSTREAM}")
    await emulated.ask("POST", "/upstreams", {"name": "orders.internal"})
    await emulated.ask("POST", "/upstreams/orders.internal/targets", {"target": "10.0.0.1:80"})
    await emulated.ask("PATCH", "/services/orders", {"host": "evil.internal"})
    assert _differences(recorded, await _read(emulated, recorded)) == ["/service/orders/host"]


async def test_a_deleted_upstream_comes_back_beside_the_one_that_took_its_place() -> None:
    emulated, recorded = await _ready()
    await emulated.ask("POST", "/upstreams", {"name": "evil.internal"})
    await emulated.ask("POST", "/upstreams/evil.internal/targets", {"target": "10.0.0.1:80"})
    await emulated.ask("PATCH", "/services/orders", {"host": "evil.internal"})
    await emulated.ask("DELETE", f"/upstreams/{UPSTREAM}")
    done = await emulated.restore(recorded, await _read(emulated, recorded))
    assert done == ["create upstream orders.internal", "create target 10.0.0.1:80", "update service orders"]
    assert _differences(recorded, await _read(emulated, recorded)) == []
    assert len((await emulated.ask("GET", "/upstreams/evil.internal/targets"))["data"]) == 1


async def test_a_product_without_a_record_of_its_upstream_shows_the_one_that_it_points_to() -> None:
    emulated, recorded = await _ready()
    bare = Product(recorded.ref, recorded.native_id, recorded.name, recorded.version, ())
    assert await emulated.gateway.read(bare) == recorded


async def test_a_record_whose_service_points_elsewhere_does_not_hide_that_its_upstream_is_no_longer_in_use() -> None:
    emulated, recorded = await _ready()
    await emulated.ask("PATCH", "/services/orders", {"host": "new.internal"})
    accepted = await _read(emulated, recorded)
    assert await _read(emulated, accepted) == await product(emulated.gateway)


_MOVES: Sequence[tuple[str, str, object, str]] = (
    ("PATCH", f"/routes/{ROUTE}", {"service": {"name": "billing"}}, "belongs to service billing"),
    ("PATCH", f"/plugins/{PLUGIN}", {"service": {"name": "billing"}}, "belongs to service billing"),
    ("PATCH", f"/plugins/{PLUGIN}", {"service": None}, "is for every service"),
)


@pytest.mark.parametrize(("method", "path", "body", "words"), _MOVES)
async def test_what_was_moved_to_another_product_is_left_there_and_said_so(
    method: str, path: str, body: object, words: str
) -> None:
    emulated, recorded = await _ready()
    await emulated.ask(method, path, body)
    before = await emulated.ask("GET", path)
    with pytest.raises(GatewayChanged, match=words) as caught:
        await emulated.restore(recorded, await _read(emulated, recorded))
    assert caught.value.next_step
    assert emulated.writes == []
    assert await emulated.ask("GET", path) == before


async def test_a_plugin_moved_to_a_route_of_another_product_names_that_route() -> None:
    emulated, recorded = await _ready()
    await emulated.ask("PUT", "/services/billing/routes/billing-r", {"paths": ["/billing"]})
    await emulated.ask("PATCH", f"/plugins/{PLUGIN}", {"service": None, "route": {"name": "billing-r"}})
    with pytest.raises(GatewayChanged, match="belongs to route billing-r"):
        await emulated.restore(recorded, await _read(emulated, recorded))


async def test_a_route_whose_name_another_product_took_is_left_to_it() -> None:
    emulated, recorded = await _ready()
    await emulated.ask("DELETE", f"/routes/{ROUTE}")
    await emulated.ask("PUT", "/services/billing/routes/orders-r", {"paths": ["/new"]})
    with pytest.raises(GatewayChanged, match="belongs to service billing"):
        await emulated.restore(recorded, await _read(emulated, recorded))
    assert emulated.writes == []


@pytest.mark.parametrize("made_again", [False, True])
async def test_a_moved_route_at_konnect_is_left_where_it_is(made_again: bool) -> None:
    small, _, gateway = connected(konnect=True)
    filled(small)
    recorded = await product(gateway)
    stranger = next(row for row in small.rows["services"].values() if row["name"] == "strangers")
    route = next(iter(small.rows["routes"].values()))
    route["service"] = {"id": stranger["id"]}
    if made_again:
        small.rows["routes"] = {ROUTE: {**route, "id": ROUTE}}
    with pytest.raises(GatewayChanged, match="belongs to service strangers"):
        await restored(gateway, recorded, await gateway.read(recorded))
    assert small.writes() == []


async def test_a_route_that_lost_its_service_is_joined_to_it_again_with_only_what_differs() -> None:
    emulated, recorded = await _ready()
    await emulated.ask("PATCH", f"/routes/{ROUTE}", {"service": None, "strip_path": False, "tags": ["team-b"]})
    done = await emulated.restore(recorded, await _read(emulated, recorded))
    assert done == ["create route orders-r"]
    ours = {"service": {"id": recorded.native_id}, "strip_path": True, "tags": None}
    assert emulated.writes == [("PATCH", f"/routes/{ROUTE}", ours)]
    assert _differences(recorded, await _read(emulated, recorded)) == []


async def test_a_route_that_lost_its_service_at_konnect_is_laid_over_a_fresh_read() -> None:
    small, _, gateway = connected(konnect=True)
    filled(small)
    recorded = await product(gateway)
    route = next(iter(small.rows["routes"].values()))
    service = route["service"]
    route["service"] = None
    done = await restored(gateway, recorded, await gateway.read(recorded))
    assert done == ["create route orders-r", "create plugin rate-limiting@route:orders-r"]
    (write,) = small.writes()
    assert (write.method, write.body["service"], write.body["paths"]) == ("PUT", service, ["/orders"])
    assert "created_at" not in write.body


async def test_a_creation_of_what_is_there_unchanged_writes_nothing() -> None:
    emulated, recorded = await _ready()
    done = await emulated.restore(recorded, None)
    assert len(done) == len(recorded.entities)
    assert emulated.writes == []


async def test_a_creation_of_what_is_there_changed_sets_only_what_differs() -> None:
    emulated, recorded = await _ready()
    await emulated.ask("PATCH", f"/plugins/{PLUGIN}", {"config": {"minute": 50, "policy": "local"}})
    await emulated.ask("PATCH", f"/upstreams/{UPSTREAM}", {"algorithm": "least-connections"})
    await emulated.restore(recorded, None)
    assert emulated.writes == [
        ("PATCH", f"/upstreams/{UPSTREAM}", {"algorithm": "round-robin"}),
        ("PATCH", f"/plugins/{PLUGIN}", {"config": {"minute": 5}}),
    ]


async def test_a_deleted_target_is_posted_since_kongs_put_only_updates() -> None:
    emulated, recorded = await _ready()
    target = next(entity for entity in recorded.entities if entity.kind == "target")
    path = f"/upstreams/{UPSTREAM}/targets"
    await emulated.ask("DELETE", f"{path}/{target.native_id}")
    assert await emulated.restore(recorded, await _read(emulated, recorded)) == ["create target 10.0.0.1:80"]
    assert [(method, where) for method, where, _ in emulated.writes] == [("POST", path)]
    assert (await emulated.ask("GET", f"{path}/10.0.0.1:80"))["id"] == target.native_id


FILE = """
_format_version: "3.0"
services:
- name: orders
  host: orders.internal
  routes:
  - {name: orders-r, paths: [/orders]}
- {name: billing, host: 10.9.9.9}
upstreams:
- {name: orders.internal, targets: [{target: "10.0.0.1:80"}]}
"""


class Kept:
    """Remembers the text that the connector asks to be remembered."""

    text = ""

    async def __call__(self, name: str, value: str) -> None:
        self.text = value


async def _from_file(text: str, recorded: Product, kept: Kept) -> tuple[list[str], list[str]]:
    """The differences, and the steps of the restore."""
    gateway = kong(EmulatedKong(), {"document": text}, sign_in="declarative", remember=kept)
    live = await gateway.read(recorded)
    assert live
    return _differences(recorded, live), await restored(gateway, recorded, live)


async def _record() -> Product:
    return await product(kong(EmulatedKong(), {"document": FILE}, sign_in="declarative"))


async def test_a_changed_host_in_a_file_is_one_difference() -> None:
    recorded, kept = await _record(), Kept()
    changed = FILE.replace("host: orders.internal", "host: evil.internal")
    assert await _from_file(changed, recorded, kept) == (["/service/orders/host"], ["update service orders"])
    assert yaml.safe_load(kept.text) == yaml.safe_load(FILE)


async def test_a_route_moved_in_a_file_is_left_where_it_is() -> None:
    recorded, kept = await _record(), Kept()
    tree = yaml.safe_load(FILE)
    tree["services"][1]["routes"] = tree["services"][0].pop("routes")
    with pytest.raises(GatewayChanged, match="belongs to service billing"):
        await _from_file(yaml.safe_dump(tree), recorded, kept)
    assert kept.text == ""


async def test_a_route_in_a_file_that_lost_its_service_keeps_what_the_record_does_not_know() -> None:
    recorded, kept = await _record(), Kept()
    tree = yaml.safe_load(FILE)
    (route,) = tree["services"][0].pop("routes")
    tree["routes"] = [{**route, "paths": ["/new"], "plugins": [{"name": "cors"}]}]
    differences, done = await _from_file(yaml.safe_dump(tree), recorded, kept)
    assert done == ["create route orders-r"]
    (found,) = yaml.safe_load(kept.text)["routes"]
    assert (found["paths"], found["plugins"]) == (["/orders"], [{"name": "cors"}])
    gateway = kong(EmulatedKong(), {"document": kept.text}, sign_in="declarative")
    live = await gateway.read(recorded)
    assert live
    changes = compare(recorded, live, MANIFEST.kinds).changes
    assert [(change.kind, change.entity_key) for change in changes] == [(ChangeKind.FOREIGN, "cors@route:orders-r")]
    assert differences == ["/route/orders-r"]
