"""A restore writes only what differs, leaves strangers alone, and can be finished later."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Step
from aforo.gateway_sdk.emulator import Fault, Receive, Scope, Send
from aforo.gateway_sdk.errors import (
    GatewayChanged,
    GatewayNotFound,
    GatewayRejected,
    GatewayUnavailable,
    PostconditionFailed,
)
from aforo.gateways.apigee.emulator import ORGANIZATION, sample_connection
from aforo.gateways.apigee.manifest import MANIFEST
from aforo.gateways.apigee.mapping import new_rate_plan, overlaid
from tests.gateways.apigee.apigee_parts import BASE, PLANS, PRODUCTS, Row, World, gateway, paths, world

ORDERS = "/apiproducts/orders-v1"
PAYMENTS = "/apiproducts/payments-v1"
STRANGER: Row = {"apiSource": "stranger", "operations": [{"resource": "/back-door", "methods": ["GET"]}]}


async def _edit(one: World, path: str, **changes: Any) -> Row:
    """Somebody's full replacement of a product; None takes a member out."""
    now = {**await one.call("GET", path), **changes}
    return await one.call("PUT", path, {name: value for name, value in now.items() if value is not None})


async def _configs(one: World, path: str) -> list[Row]:
    return list((await one.call("GET", path))["operationGroup"]["operationConfigs"])


async def _set_configs(one: World, path: str, configs: list[Row]) -> None:
    await _edit(one, path, operationGroup={"operationConfigType": "proxy", "operationConfigs": configs})


def _everything_else(one: World, *names: str) -> dict[str, Any]:
    one.emulator.flush()
    tables = {
        table: [row for row in one.emulator.store.rows(table) if row.get("apiproduct", row.get("name")) not in names]
        for table in ("products", "rateplans", "developers", "apps", "environments", "proxies")
    }
    return dict(tables)


async def test_a_changed_field_is_one_write_and_all_else_of_the_product_survives() -> None:
    one = world()
    recorded = await one.product("orders-v1")
    before = await one.call("GET", ORDERS)
    await _edit(one, ORDERS, quota="7", llmQuota="9")
    await one.call("POST", f"{ORDERS}/attributes/aforo.plan.id", {"name": "aforo.plan.id", "value": "p1"})
    live = await one.product("orders-v1")
    one.board.log.clear()
    steps = plan_restore(recorded, live, MANIFEST.kinds, ignored=frozenset({"/product/orders-v1/llmQuota"})).steps
    await one.gateway.apply(recorded, live, steps, lambda step: None)
    assert one.writes() == [("PUT", ORDERS)]
    after = await one.call("GET", ORDERS)
    assert after["quota"] == before["quota"]
    assert after["llmQuota"] == "9"
    assert {"name": "aforo.plan.id", "value": "p1"} in after["attributes"]
    assert after["operationGroup"] == before["operationGroup"]


async def test_a_member_that_the_emulator_does_not_know_survives_the_overlay() -> None:
    """Apigee may learn members that Aforo does not know; a full replacement must carry them along."""
    fresh = {"name": "a", "displayName": "A", "quota": "1", "novelty": {"deep": [1, {"x": ""}]}, "createdAt": "1"}
    assert overlaid("product", fresh, {"/quota": 2}) == {
        "name": "a",
        "displayName": "A",
        "quota": "2",
        "novelty": {"deep": [1, {"x": ""}]},
    }


async def test_attributes_alone_are_written_one_by_one() -> None:
    one = world()
    recorded = await one.product("orders-v1")
    await one.call("POST", f"{ORDERS}/attributes/team", {"name": "team", "value": "others"})
    await one.call("POST", f"{ORDERS}/attributes/added", {"name": "added", "value": "y"})
    await one.call("DELETE", f"{ORDERS}/attributes/access")
    live = await one.product("orders-v1")
    one.board.log.clear()
    await one.restore(recorded, live)
    assert sorted(one.writes()) == [
        ("DELETE", f"{ORDERS}/attributes/added"),
        ("POST", f"{ORDERS}/attributes/access"),
        ("POST", f"{ORDERS}/attributes/team"),
    ]
    assert paths(recorded, await one.product("orders-v1")) == []


async def test_a_deleted_product_comes_back_whole_in_one_write_and_its_rate_plan_with_a_new_id() -> None:
    one = world()
    recorded = await one.product("payments-v1")
    others = _everything_else(one, "payments-v1")
    await one.call("DELETE", PAYMENTS)
    one.board.log.clear()
    done = await one.restore(recorded, None)
    assert one.writes() == [("POST", "/apiproducts"), ("POST", f"{PAYMENTS}/rateplans")]
    assert len(done) == 4
    after = await one.product("payments-v1")
    assert paths(recorded, after) == []
    assert after.entities[-1].native_id != recorded.entities[-1].native_id
    assert _everything_else(one, "payments-v1") == others


@pytest.mark.parametrize(("state", "again"), [("PUBLISHED", "PUBLISHED"), ("DRAFT", "DRAFT"), (None, "DRAFT")])
async def test_a_rate_plan_is_published_again_only_if_it_was_recorded_so(state: str | None, again: str) -> None:
    one = world()
    plan = (await one.product("payments-v1")).entities[-1]
    fields = {name: value for name, value in {**plan.fields, "state": state}.items() if value is not None}
    assert new_rate_plan(replace(plan, fields=fields), "payments-v1")["state"] == again


async def test_an_operation_that_others_added_stays_unless_it_is_ticked() -> None:
    one = world()
    recorded = await one.product("orders-v1")
    await _set_configs(one, ORDERS, [STRANGER, *await _configs(one, ORDERS)])
    live = await one.product("orders-v1")
    assert paths(recorded, live) == ["/operation/stranger ~1back-door"]
    assert await one.restore(recorded, live) == []
    await one.restore(recorded, live, frozenset({"/operation/stranger ~1back-door"}))
    assert paths(recorded, await one.product("orders-v1")) == []


async def test_lost_and_changed_operations_come_back_in_one_write_beside_a_strangers() -> None:
    one = world()
    recorded = await one.product("orders-v1")
    first, second = await _configs(one, ORDERS)
    await _set_configs(one, ORDERS, [STRANGER, {**first, "quota": {"limit": "1", "interval": "1", "timeUnit": "day"}}])
    live = await one.product("orders-v1")
    one.board.log.clear()
    await one.restore(recorded, live)
    assert one.writes() == [("PUT", ORDERS)]
    stranger, *ours = await _configs(one, ORDERS)
    assert stranger == STRANGER
    assert ours == [first, {**second, "operations": [{"resource": "/orders/*", "methods": ["GET", "PATCH", "POST"]}]}]


async def test_methods_that_were_changed_are_restored_at_the_same_operation() -> None:
    one = world()
    recorded = await one.product("orders-v1")
    first, second = await _configs(one, ORDERS)
    about = [{"resource": "/orders", "methods": ["DELETE"]}]
    await _set_configs(one, ORDERS, [{**first, "operations": about}, second])
    live = await one.product("orders-v1")
    assert paths(recorded, live) == ["/operation/orders-v1 ~1orders/operations/~1orders/methods"]
    await one.restore(recorded, live)
    assert paths(recorded, await one.product("orders-v1")) == []
    assert len(await _configs(one, ORDERS)) == 2


async def test_rate_plans_are_updated_in_place_and_a_strangers_is_left_alone_until_it_is_ticked() -> None:
    one = world()
    recorded = await one.product("payments-v1")
    plan = recorded.entities[-1]
    path = f"{PAYMENTS}/rateplans/{plan.native_id}"
    fresh = await one.call("GET", path)
    await one.call("PUT", path, {**fresh, "fixedRecurringFee": {"currencyCode": "USD", "units": "1"}, "endTime": "5"})
    theirs = await one.call("POST", f"{PAYMENTS}/rateplans", {"displayName": "Theirs"})
    live = await one.product("payments-v1")
    assert paths(recorded, live) == [
        "/rateplan/Monthly/endTime",
        "/rateplan/Monthly/fixedRecurringFee/units",
        "/rateplan/Theirs",
    ]
    await one.restore(recorded, live)
    live = await one.product("payments-v1")
    assert paths(recorded, live) == ["/rateplan/Theirs"]
    await one.restore(recorded, live, frozenset({"/rateplan/Theirs"}))
    assert (await one.request("GET", f"{PAYMENTS}/rateplans/{theirs['name']}")).status_code == 404
    assert (await one.call("GET", path))["name"] == plan.native_id


async def test_a_change_between_look_and_write_is_not_overwritten() -> None:
    one = world()
    recorded = await one.product("orders-v1")
    first, second = await _configs(one, ORDERS)
    await _set_configs(one, ORDERS, [{**first, "quota": {"limit": "1", "interval": "1"}}, second])
    live = await one.product("orders-v1")
    await _set_configs(one, ORDERS, [second])
    one.board.log.clear()
    with pytest.raises(GatewayChanged):
        await one.restore(recorded, live)
    assert one.writes() == []


async def test_a_product_that_vanished_since_the_look_is_not_made_by_an_update() -> None:
    one = world()
    recorded = await one.product("orders-v1")
    await _edit(one, ORDERS, quota="7")
    live = await one.product("orders-v1")
    await one.call("DELETE", ORDERS)
    with pytest.raises(GatewayNotFound):
        await one.restore(recorded, live)


async def test_a_write_that_the_answer_does_not_show_is_an_error() -> None:
    one = world()
    recorded = await one.product("orders-v1")
    await _edit(one, ORDERS, quota="7")
    live = await one.product("orders-v1")

    async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a PUT with what stands there already."""
        await one.emulator({**scope, "method": "GET"} if scope["method"] == "PUT" else scope, receive, send)

    sign_in, told = sample_connection(BASE)
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    with pytest.raises(PostconditionFailed, match="/product/orders-v1/quota"):
        await gateway(deaf, told, sign_in, one.clock).apply(recorded, live, steps, lambda step: None)


@pytest.mark.parametrize("after", range(3))
async def test_a_restore_that_fails_half_way_is_finished_by_the_next_attempt(after: int) -> None:
    one = world()
    await one.call("POST", f"{PAYMENTS}/rateplans", {"displayName": "Draft"})
    recorded = await one.product("payments-v1")
    await one.call("DELETE", PAYMENTS)
    steps = plan_restore(recorded, None, MANIFEST.kinds).steps
    done: list[Step] = []
    prefix = f"/v1/organizations/{ORGANIZATION}"
    one.board.faults.append(Fault(status=503, method="POST", path=prefix, after=after))
    with pytest.raises(GatewayUnavailable):
        await one.gateway.apply(recorded, None, steps, done.append)
    assert len(done) == (0, 3, 4)[after]
    await one.gateway.apply(recorded, None, [step for step in steps if step not in done], done.append)
    assert done == list(steps)
    assert paths(recorded, await one.product("payments-v1")) == []


@pytest.mark.parametrize("after", range(3))
async def test_an_answer_that_got_lost_after_the_write_does_not_make_a_second_object(after: int) -> None:
    one = world()
    await one.call("POST", f"{PAYMENTS}/rateplans", {"displayName": "Draft"})
    recorded = await one.product("payments-v1")
    await one.call("DELETE", PAYMENTS)
    steps = plan_restore(recorded, None, MANIFEST.kinds).steps
    done: list[Step] = []
    prefix = f"/v1/organizations/{ORGANIZATION}"
    one.board.faults.append(Fault(status=200, method="POST", path=prefix, after=after, cut=True))
    with pytest.raises(Exception, match="JSON"):
        await one.gateway.apply(recorded, None, steps, done.append)
    await one.gateway.apply(recorded, None, [step for step in steps if step not in done], done.append)
    after_all = await one.product("payments-v1")
    assert paths(recorded, after_all) == []
    assert len([entity for entity in after_all.entities if entity.kind == "rateplan"]) == 2


async def test_carrying_out_the_same_steps_twice_writes_once() -> None:
    one = world()
    recorded = await one.product("orders-v1")
    await _edit(one, ORDERS, quota="7", operationGroup=None)
    live = await one.product("orders-v1")
    await one.restore(recorded, live)
    one.board.log.clear()
    await one.restore(recorded, live)
    assert one.writes() == []


async def test_what_apigee_refuses_is_told_in_its_words_and_nothing_counts_as_done() -> None:
    one = world()
    recorded = await one.product("payments-v1")
    await one.call("DELETE", f"{PAYMENTS}/rateplans/{recorded.entities[-1].native_id}")
    await one.call("POST", f"{PAYMENTS}/rateplans", {"displayName": "Theirs", "state": "PUBLISHED"})
    done: list[Step] = []
    live = await one.product("payments-v1")
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    with pytest.raises(GatewayRejected, match="already has an active rate plan"):
        await one.gateway.apply(recorded, live, steps, done.append)
    assert done == []


async def _put_anew(one: World, row: Row, plan: Row) -> None:
    if (await one.request("GET", "/apiproducts/tried")).status_code == 200:
        await one.call("DELETE", "/apiproducts/tried")
    await one.call("POST", "/apiproducts", row)
    await one.call("POST", "/apiproducts/tried/rateplans", plan)


@settings(max_examples=25, deadline=None)
@given(PRODUCTS, PRODUCTS, PLANS, PLANS)
async def test_whatever_was_recorded_comes_back_whatever_it_has_become(
    was: Row, became: Row, plan: Row, other_plan: Row
) -> None:
    """Only what others added is left, and nothing else in the organization has changed."""
    one = world(products=1)
    await _put_anew(one, was, plan)
    recorded = await one.product("tried")
    await _put_anew(one, became, {**other_plan, "state": "DRAFT"})
    others = _everything_else(one, "tried")
    live = await one.product("tried")
    await one.restore(recorded, live)
    after = await one.product("tried")
    known = {(entity.kind, entity.key) for entity in recorded.entities}
    left = plan_restore(recorded, after, MANIFEST.kinds)
    assert left.steps == ()
    assert all((change.entity_kind, change.entity_key) not in known for change in left.left_alone)
    await one.restore(recorded, after, frozenset(change.path for change in left.left_alone))
    assert paths(recorded, await one.product("tried")) == []
    assert _everything_else(one, "tried") == others


@settings(max_examples=20, deadline=None)
@given(PRODUCTS, PLANS)
async def test_whatever_was_deleted_comes_back(row: Row, plan: Row) -> None:
    one = world(products=1)
    await _put_anew(one, row, plan)
    recorded = await one.product("tried")
    await one.call("DELETE", "/apiproducts/tried")
    await one.restore(recorded, None)
    assert paths(recorded, await one.product("tried")) == []
