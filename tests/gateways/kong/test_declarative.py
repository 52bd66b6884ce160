"""A kong.yml goes in and out without loss, and never makes a sync delete what is not ours."""

import random
from typing import Any

import pytest
import yaml

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Gateway, Product, Verdict
from aforo.gateway_sdk.errors import GatewayNotAnApi
from aforo.gateways.kong import declarative
from aforo.gateways.kong.manifest import MANIFEST
from aforo.gateways.kong.mapping import Canon, Row, products
from tests.gateways.kong.kong_parts import kong, quiet
from tests.gateways.kong.small_kong import SmallKong

NESTED = """
_format_version: "3.0"
_info: {select_tags: [team-a]}
services:
- name: orders
  url: http://orders.internal:8080/v1
  routes:
  - paths: [/orders]
    methods: [POST, GET]
    plugins:
    - {name: rate-limiting, config: {minute: 5}}
  - {name: admin, paths: [/admin]}
  plugins:
  - {name: key-auth, config: {hide_credentials: true}}
  - {name: rate-limiting, consumer: alice, config: {minute: 50, redis: {password: hunter2}}}
- {name: billing, host: billing.internal}
upstreams:
- name: orders.internal
  targets: [{target: "10.0.0.1:80", weight: 50}]
consumers:
- {username: alice}
plugins:
- {name: prometheus}
x-unknown: {kept: true}
"""

FLAT = """
_format_version: "3.0"
_info: {select_tags: [team-a]}
consumers: [{username: alice}]
plugins:
- {name: rate-limiting, service: {name: orders}, consumer: alice, config: {minute: 50, redis: {password: hunter2}}}
- {name: key-auth, service: orders, config: {hide_credentials: true}}
- {name: rate-limiting, route: 5f0f2f66-0000-4000-8000-000000000003, config: {minute: 5}}
- {name: prometheus}
routes:
- {id: 5f0f2f66-0000-4000-8000-000000000003, methods: [GET, POST], paths: [/orders], service: orders}
- {name: admin, paths: [/admin], service: orders}
services:
- {name: billing, host: billing.internal}
- {name: orders, protocol: http, host: orders.internal, port: 8080, path: /v1}
targets:
- {target: "10.0.0.1:80", weight: 50, upstream: orders.internal}
upstreams: [{name: orders.internal}]
"""


class Kept:
    """Remembers what the connector asks to be remembered."""

    def __init__(self) -> None:
        self.text = ""

    async def __call__(self, name: str, value: str) -> None:
        assert name == "document"
        self.text = value


def _gateway(text: str, kept: Kept | None = None) -> Gateway:
    return kong(SmallKong(), {"document": text}, sign_in="declarative", remember=kept or Kept())


def _read(text: str) -> dict[str, Product]:
    return {product.ref: product for product in products(declarative.parse(text).tables(), Canon({}))}


def _wishes(product: Product) -> dict[tuple[str, str], Any]:
    return {(entity.kind, entity.key): entity.wished() for entity in product.entities}


async def _restored(text: str, recorded: Product) -> tuple[str, list[str]]:
    """The text after a restore, and the steps that it took."""
    kept = Kept()
    gateway = _gateway(text, kept)
    live = await gateway.read(recorded)
    done: list[str] = []
    await gateway.apply(
        recorded, live, plan_restore(recorded, live, MANIFEST.kinds).steps, lambda s: done.append(s.title)
    )
    again = await gateway.read(recorded)
    assert again
    assert compare(recorded, again, MANIFEST.kinds).changes == ()
    return kept.text, done


def test_nested_and_flat_forms_say_the_same() -> None:
    nested, flat = _read(NESTED), _read(FLAT)
    assert {ref: _wishes(product) for ref, product in nested.items()} == {
        ref: _wishes(product) for ref, product in flat.items()
    }
    assert set(_wishes(nested["orders"])) == {
        ("service", "orders"),
        ("upstream", "orders.internal"),
        ("target", "10.0.0.1:80"),
        ("route", "GET,POST /orders"),
        ("route", "admin"),
        ("plugin", "rate-limiting@route:GET,POST /orders"),
        ("plugin", "key-auth@service"),
        ("plugin", "rate-limiting@service consumer:alice"),
    }


def test_reading_what_was_written_gives_the_same_products_and_loses_nothing() -> None:
    for text in (NESTED, FLAT):
        document = declarative.parse(text)
        assert _read(document.text()) == _read(text)
        assert yaml.safe_load(document.text()) == yaml.safe_load(text)


def test_ids_that_a_file_does_not_give_are_the_same_at_every_reading_and_in_every_order() -> None:
    tree = yaml.safe_load(NESTED)
    random.Random(7).shuffle(tree["services"])
    tree["services"][-1].get("routes", []).reverse()
    shuffled = yaml.safe_dump(tree)
    ids = {ref: {(e.kind, e.key): e.native_id for e in product.entities} for ref, product in _read(NESTED).items()}
    assert ids == {ref: {(e.kind, e.key): e.native_id for e in p.entities} for ref, p in _read(shuffled).items()}
    every = [native for product in ids.values() for native in product.values()]
    assert len(set(every)) == len(every)


async def test_discovery_reads_the_text() -> None:
    discovery = await _gateway(NESTED).discover(quiet)
    assert [product.ref for product in discovery.products] == ["billing", "orders"]
    assert discovery.notes == ("1 global plugin, for every service and in no product: prometheus.",)


@pytest.mark.parametrize("text", [NESTED, FLAT], ids=["nested", "flat"])
async def test_a_changed_field_is_put_back_and_all_else_stays(text: str) -> None:
    recorded = _read(text)["orders"]
    changed = text.replace("minute: 50", "minute: 51")
    restored, done = await _restored(changed, recorded)
    assert done == ["update plugin rate-limiting@service consumer:alice"]
    assert yaml.safe_load(restored) == yaml.safe_load(text)


async def test_restored_tags_keep_the_one_that_says_what_is_sold() -> None:
    tagged = NESTED.replace("- name: orders\n", "- name: orders\n  tags: [team-a]\n")
    sold = NESTED.replace("- name: orders\n", "- name: orders\n  tags: [theirs, aforo-monetized]\n")
    restored, done = await _restored(sold, _read(tagged)["orders"])
    assert done == ["update service orders"]
    assert yaml.safe_load(restored)["services"][0]["tags"] == ["team-a", "aforo-monetized"]


async def test_a_shorthand_url_is_written_out_when_a_part_of_it_is_put_back() -> None:
    recorded = _read(NESTED)["orders"]
    restored, done = await _restored(NESTED.replace(":8080", ":9090"), recorded)
    assert done == ["update service orders"]
    assert "url" not in yaml.safe_load(restored)["services"][0]


@pytest.mark.parametrize("text", [NESTED, FLAT], ids=["nested", "flat"])
async def test_a_product_that_was_deleted_comes_back_beside_the_others(text: str) -> None:
    recorded = _read(text)["orders"]
    tree: Row = {
        "_format_version": "3.0",
        "services": [{"name": "billing", "host": "billing.internal"}],
        "consumers": [{"username": "alice"}],
    }
    restored, done = await _restored(yaml.safe_dump(tree), recorded)
    assert len(done) == len(recorded.entities)
    assert set(_read(restored)) == {"billing", "orders"}
    assert "aforo" not in restored, "what is only restored is not marked as ours"


async def test_the_same_steps_again_change_nothing_more() -> None:
    recorded = _read(NESTED)["orders"]
    tree = yaml.safe_load(NESTED)
    del tree["services"][0]["routes"][0]
    document = declarative.parse(yaml.safe_dump(tree))
    live = _read(yaml.safe_dump(tree))["orders"]
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    declarative.carry_out(document, recorded, live, steps)
    once = document.text()
    declarative.carry_out(document, recorded, live, steps)
    assert yaml.safe_load(document.text()) == yaml.safe_load(once)


async def test_a_ticked_stranger_is_removed_and_no_other() -> None:
    recorded = _read(NESTED)["orders"]
    tree = yaml.safe_load(NESTED)
    tree["services"][0]["plugins"] += [{"name": "cors"}, {"name": "jwt"}]
    kept = Kept()
    gateway = _gateway(yaml.safe_dump(tree), kept)
    live = await gateway.read(recorded)
    ticked = frozenset({"/plugin/cors@service"})
    steps = plan_restore(recorded, live, MANIFEST.kinds, remove=ticked).steps
    await gateway.apply(recorded, live, steps, lambda step: None)
    names = [plugin["name"] for plugin in yaml.safe_load(kept.text)["services"][0]["plugins"]]
    assert names == ["key-auth", "rate-limiting", "jwt"]


def test_an_export_is_marked_so_that_a_sync_deletes_nobody_elses_things() -> None:
    exported = _gateway("").export(tuple(_read(NESTED).values()))
    assert exported
    tree = yaml.safe_load(exported.text)
    assert tree["_info"] == {"select_tags": ["aforo"]}
    rows = list(_rows(tree))
    assert len(rows) == 9
    assert all("aforo" in row["tags"] for row in rows)


def _rows(tree: Row) -> list[Row]:
    found: list[Row] = []
    for name in ("services", "routes", "plugins", "upstreams", "targets"):
        for row in tree.get(name, []):
            found += [row, *_rows(row)]
    return found


def test_an_export_says_the_same_as_the_products_but_no_secret() -> None:
    exported = _gateway("").export(tuple(_read(NESTED).values()))
    assert exported
    assert "hunter2" not in exported.text
    assert '${{ env "DECK_' in exported.text
    again, before = _read(exported.text)["orders"], _read(NESTED)["orders"]
    assert set(_wishes(again)) == set(_wishes(before))
    service = again.entity("service", "orders")
    assert service
    assert service.fields["port"] == 8080


def test_an_export_of_nothing_still_carries_its_select_tags() -> None:
    exported = _gateway("").export(())
    assert exported
    assert yaml.safe_load(exported.text)["_info"] == {"select_tags": ["aforo"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "- a\n- list",
        "services: [",
        "services: {orders: 1}",
        "services: [orders]",
        "_format_version: '9.0'\nservices: []",
        "services: !!python/object:os.system {}",
        "a: &a [*a]",
        "services: [{name: x, weight: .inf}]",
        "services: [{name: x, url: 'http://[::1'}]",
        "services: [{name: x, url: 'http://x:abc'}]",
    ],
)
async def test_a_text_that_is_no_kong_yml_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(GatewayNotAnApi) as caught:
        declarative.parse(text)
    assert caught.value.next_step
    lines = [line async for line in _gateway(text).check()]
    assert [line.verdict for line in lines] == [Verdict.FAILED]


def test_a_fault_in_the_text_names_the_line_and_not_its_content() -> None:
    with pytest.raises(GatewayNotAnApi, match="line 3") as caught:
        declarative.parse("services:\n- name: x\n  secret: hunter2: [\n")
    assert "hunter2" not in str(caught.value)


async def test_a_good_text_is_counted_in_its_check() -> None:
    lines = [line async for line in _gateway(NESTED).check()]
    assert [(line.verdict, line.detail.split(";")[0]) for line in lines] == [
        (Verdict.OK, "2 services, 2 routes"),
        (Verdict.LIMITED, "a restore changes the stored text, which stays sealed"),
    ]
    await _gateway(NESTED).ping()


def test_a_date_is_a_text_as_it_is_for_kong() -> None:
    (product,) = _read("services: [{name: x, host: h, tags: [2026-11-22]}]").values()
    service = product.entity("service", "x")
    assert service
    assert service.fields["tags"] == ["2026-11-22"]
