"""Putting back what somebody changed, beside what others added, and finishing what broke off."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Step
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import (
    GatewayChanged,
    GatewayRejected,
    GatewayUnavailable,
)
from aforo.gateways.azure.manifest import MANIFEST
from tests.gateways.azure.azure_parts import Azure, azure, call, quiet

pytestmark = pytest.mark.conformance
POLICY = "<policies><inbound><base />%s</inbound></policies>"


@pytest.fixture
async def service() -> AsyncIterator[Azure]:
    async with azure(4) as running:
        yield running


Edit = tuple[str, Callable[[Azure], object], list[str]]


def policy_edit(path: str, raw: str) -> Callable[[Azure], object]:
    return lambda service: service.put(f"{path}/policies/policy", {"format": "rawxml", "value": raw})


EDITS: dict[str, Edit] = {
    "product field": (
        "Orders",
        lambda s: s.hand("PATCH", "products/orders", {"description": "x", "state": "notPublished"}),
        ["/product/settings/description", "/product/settings/state"],
    ),
    "product field cleared": (
        "Payments",
        lambda s: s.hand("PATCH", "products/payments", {"terms": None}),
        ["/product/settings/terms"],
    ),
    "product field added": (
        "Orders",
        lambda s: s.hand("PATCH", "products/orders", {"subscriptionsLimit": 9}),
        ["/product/settings/subscriptionsLimit"],
    ),
    "product policy": (
        "Orders",
        policy_edit("products/orders", POLICY % ""),
        ["/policy/product/backend", "/policy/product/inbound", "/policy/product/on-error", "/policy/product/outbound"],
    ),
    "product policy gone": (
        "Orders",
        lambda s: s.hand("DELETE", "products/orders/policies/policy"),
        ["/policy/product"],
    ),
    # A named value belongs to a product as long as one of its policies refers to it.
    "api policy gone": (
        "Payments",
        lambda s: s.hand("DELETE", "apis/payments/policies/policy"),
        ["/named_value/backend-key", "/named_value/payments-us-backend", "/policy/api:payments"],
    ),
    "api settings": (
        "Orders",
        lambda s: s.hand(
            "PATCH",
            "apis/orders",
            {
                "serviceUrl": "https://evil.example",
                "subscriptionKeyParameterNames": {"header": "X-Key", "query": "subscription-key"},
            },
        ),
        ["/api/orders/serviceUrl", "/api/orders/subscriptionKeyParameterNames/header"],
    ),
    "api texts added": (
        "Orders",
        lambda s: s.hand("PATCH", "apis/orders", {"description": "x", "contact": {"name": "y"}}),
        ["/api/orders/contact/name", "/api/orders/description"],
    ),
    "named value tagged": (
        "Payments",
        lambda s: s.hand("PATCH", "namedValues/payments-us-backend", {"tags": ["x"]}),
        ["/named_value/payments-us-backend/tags"],
    ),
    "operation renamed": (
        "Orders",
        lambda s: s.hand("PATCH", "apis/orders/operations/listOrders", {"displayName": "List all"}),
        ["/spec/orders/paths/~1orders/get/summary"],
    ),
    "operation deleted": ("Orders", lambda s: s.hand("DELETE", "apis/orders/operations/getOrders"), []),
    "operation added": (
        "Orders",
        lambda s: s.put(
            "apis/orders/operations/leak", {"displayName": "Leak", "method": "GET", "urlTemplate": "/leak"}
        ),
        [],
    ),
    "api taken out": (
        "Orders",
        lambda s: s.hand("DELETE", "products/orders/apis/orders"),
        ["/spec/orders", "/api/orders"],
    ),
    "api deleted": ("Orders", lambda s: s.put_away("apis/orders"), ["/spec/orders", "/api/orders"]),
    "tag taken off": ("Orders", lambda s: s.hand("DELETE", "products/orders/tags/partner"), ["/tag/partner"]),
    "tag deleted": ("Orders", lambda s: s.hand("DELETE", "tags/partner"), ["/tag/partner"]),
    "tag renamed": (
        "Orders",
        lambda s: s.hand("PATCH", "tags/partner", {"displayName": "other"}),
        ["/tag/partner/displayName"],
    ),
    "named value": (
        "Payments",
        lambda s: s.put(
            "namedValues/payments-us-backend", {"displayName": "payments-us-backend", "value": "https://x.example"}
        ),
        ["/named_value/payments-us-backend/value"],
    ),
}


@pytest.mark.parametrize("name", sorted(EDITS))
async def test_an_edit_is_seen_restored_and_gone(service: Azure, name: str) -> None:
    ref, edit, paths = EDITS[name]
    recorded = await service.product(ref)
    others = [product for product in (await service.gateway.discover(quiet)).products if product.ref != ref]
    edit(service)
    seen = await service.drift(recorded)
    assert seen
    assert seen == (paths or seen)
    assert await service.restore(recorded)
    assert await service.drift(recorded) == []
    for other in others:
        assert await service.drift(other) == []
    before = len(service.board.log)
    assert await service.restore(recorded) == []
    assert {method for method, _ in service.board.log[before:]} <= {"GET"}


async def test_a_product_deleted_with_all_that_is_its_own_comes_back_whole(service: Azure) -> None:
    recorded = await service.product("Payments")
    service.hand("DELETE", "products/payments", deleteSubscriptions="true")
    service.put_away("apis/payments")
    service.hand("DELETE", "namedValues/payments-us-backend")
    titles = await service.restore(recorded)
    assert titles == [
        "create named_value backend-key",
        "create named_value payments-us-backend",
        "create product settings",
        "create spec payments",
        "create api payments",
        "create policy api:payments",
    ]
    assert await service.live(recorded) == recorded


async def test_a_secret_that_is_gone_is_asked_for_and_nothing_is_guessed(service: Azure) -> None:
    recorded = await service.product("Payments")
    service.hand("DELETE", "apis/payments/policies/policy")
    service.put_away("namedValues/backend-key")
    with pytest.raises(GatewayRejected, match="backend-key is not known"):
        await service.restore(recorded)


async def test_what_others_added_stays_unless_it_is_ticked(service: Azure) -> None:
    recorded = await service.product("Orders")
    service.put("products/orders/apis/weather")
    service.put("products/orders/tags/beta")
    service.put("apis/orders/policies/policy", {"format": "rawxml", "value": POLICY % '<trace source="a">b</trace>'})
    service.hand("PATCH", "products/orders", {"description": "changed"})
    seen = set(await service.drift(recorded))
    assert {"/api/weather", "/tag/beta", "/policy/api:orders"} < seen
    assert await service.restore(recorded) == ["update product settings"]
    assert set(await service.drift(recorded)) == seen - {"/product/settings/description"}
    titles = await service.restore(recorded, frozenset({"/api/weather", "/policy/api:orders", "/tag/beta"}))
    assert titles == ["delete tag beta", "delete policy api:orders", "delete api weather"]
    assert await service.drift(recorded) == []
    assert call(service.app, "GET", "apis/weather").status == 200, "the API itself is not ours to delete"
    assert call(service.app, "GET", "tags/beta").status == 200


async def test_a_description_is_not_removed_alone(service: Azure) -> None:
    recorded = await service.product("Orders")
    service.put("products/orders/apis/weather")
    with pytest.raises(GatewayRejected, match="take the API weather from the product"):
        await service.restore(recorded, frozenset({"/spec/weather"}))
    both = frozenset({"/spec/weather", "/api/weather"})
    assert await service.restore(recorded, both) == ["delete api weather", "delete spec weather"]


async def test_members_that_aforo_does_not_know_survive_a_restore(service: Azure) -> None:
    recorded = await service.product("Orders")
    record = service.app.store.find(("products", "orders"))
    assert record is not None
    record["properties"]["somethingNew"] = {"a": 1}
    service.hand("PATCH", "products/orders", {"description": "changed"})
    await service.restore(recorded)
    record = service.app.store.find(("products", "orders"))
    assert record is not None
    assert (record["properties"]["somethingNew"], record["properties"]["description"]) == ({"a": 1}, "All of Orders.")


async def test_policies_of_operations_survive_an_import(service: Azure) -> None:
    recorded = await service.product("Orders")
    service.put("apis/orders/operations/listOrders/policies/policy", {"format": "rawxml", "value": POLICY % ""})
    service.hand("DELETE", "apis/orders/operations/getOrders")
    assert await service.restore(recorded) == ["update spec orders"]
    assert call(service.app, "GET", "apis/orders/operations/listOrders/policies/policy").status == 200


async def test_what_changed_after_the_plan_is_not_overwritten(service: Azure) -> None:
    recorded = await service.product("Orders")
    service.hand("PATCH", "products/orders", {"description": "one"})
    live = await service.live(recorded)
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    service.hand("PATCH", "products/orders", {"description": "two"})
    with pytest.raises(GatewayChanged, match="since the plan"):
        await service.gateway.apply(recorded, live, steps, lambda _: None)
    assert call(service.app, "GET", "products/orders").body["properties"]["description"] == "two"


@pytest.mark.parametrize(
    ("ref", "path", "edit"),
    [
        ("Orders", "products/orders", {"description": "one"}),
        ("Orders", "apis/orders", {"serviceUrl": "https://x.example"}),
        ("Orders", "products/orders/policies/policy", {"format": "rawxml", "value": POLICY % ""}),
        ("Payments", "namedValues/payments-us-backend", {"displayName": "payments-us-backend", "value": "x"}),
    ],
)
async def test_a_change_between_our_read_and_our_write_is_a_412_and_not_lost(
    service: Azure, ref: str, path: str, edit: dict[str, Any]
) -> None:
    recorded = await service.product(ref)
    service.hand(
        "PATCH" if path.startswith(("products/orders", "apis")) and "policies" not in path else "PUT", path, edit
    )
    service.put_through()
    live = await service.live(recorded)
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    service.between(path)
    with pytest.raises(GatewayChanged):
        await service.gateway.apply(recorded, live, steps, lambda _: None)


async def test_an_import_is_refused_where_the_api_was_saved_meanwhile(service: Azure) -> None:
    recorded = await service.product("Orders")
    service.hand("DELETE", "apis/orders/operations/getOrders")
    live = await service.live(recorded)
    service.between("apis/orders")
    with pytest.raises(GatewayChanged, match="412"):
        await service.gateway.apply(recorded, live, plan_restore(recorded, live, MANIFEST.kinds).steps, lambda _: None)


@pytest.mark.parametrize("failing", range(5))
async def test_a_restore_that_breaks_off_is_finished_by_the_next(failing: int) -> None:
    async with azure(2) as service:
        recorded = await service.product("Payments")
        service.hand("DELETE", "products/payments", deleteSubscriptions="true")
        service.put_away("apis/payments")
        live = await service.gateway.read(recorded)
        steps = plan_restore(recorded, live, MANIFEST.kinds).steps
        done: list[Step] = []
        service.board.faults.append(_Writes(503, after=failing))
        try:
            await service.gateway.apply(recorded, live, steps, done.append)
        except GatewayUnavailable:
            left = [step for step in steps if step not in done]
            assert left
            await service.gateway.apply(recorded, live, left, done.append)
        else:
            assert failing == 4, "product, API, link and policy are four writes"
        assert [step.title for step in done] == [step.title for step in steps]
        assert await service.live(recorded) == recorded


class _Writes(Fault):
    """The n-th write that is no sign-in."""

    def matches(self, method: str, path: str) -> bool:
        return method in ("PUT", "PATCH", "DELETE") and super().matches(method, path)
