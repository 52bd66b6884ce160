"""Restores: only what differs, nothing of anybody else's, and finished by the next try when one breaks off."""

from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Product, Step
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound, GatewayRejected
from aforo.gateways.mulesoft.connector.restore import ordered
from aforo.gateways.mulesoft.emulator import ORGANIZATION
from aforo.gateways.mulesoft.manifest import MANIFEST
from tests.gateways.mulesoft.mulesoft_parts import CONSOLE, HERE, Anypoint, copied

FLEX: Final = "payments-api"


async def restore(
    anypoint: Anypoint, recorded: Product, remove: Sequence[str] = ()
) -> tuple[list[str], Product | None]:
    """Plan and carry out what brings the gateway back; the titles of the steps, and what stands there then."""
    gateway = anypoint.connect()
    live = await gateway.read(recorded)
    plan = plan_restore(recorded, live, MANIFEST.kinds, remove=frozenset(remove))
    done: list[Step] = []
    await gateway.apply(recorded, live, plan.steps, done.append)
    assert sorted(step.title for step in done) == sorted(step.title for step in plan.steps)
    return [step.title for step in plan.steps], await gateway.read(recorded)


def differences(recorded: Product, live: Product | None) -> list[str]:
    assert live is not None
    return [change.path for change in compare(recorded, live, MANIFEST.kinds).changes]


def child(product: Product, kind: str, key: str) -> str:
    found = product.entity(kind, key)
    assert found is not None
    return found.native_id


Edit = Any


async def new_description(anypoint: Anypoint, product: Product) -> None:
    await anypoint.call("PATCH", f"{HERE}/apis/{product.native_id}", {"description": "changed", "deprecated": True})


async def new_endpoint(anypoint: Anypoint, product: Product) -> None:
    endpoint = {"uri": "http://elsewhere", "proxyUri": "http://0.0.0.0:9090", "isCloudHub": True, "responseTimeout": 5}
    await anypoint.call("PATCH", f"{HERE}/apis/{product.native_id}", {"endpoint": endpoint})


async def new_version(anypoint: Anypoint, product: Product) -> None:
    await anypoint.call("PATCH", f"{HERE}/apis/{product.native_id}", {"assetVersion": "1.1.0"})


async def new_tags(anypoint: Anypoint, product: Product) -> None:
    await anypoint.call("PUT", f"{HERE}/apis/{product.native_id}/tags/hot")
    await anypoint.call("DELETE", f"{HERE}/apis/{product.native_id}/tags/retail")


async def new_policy_settings(anypoint: Anypoint, product: Product) -> None:
    policy = child(product, "policy", "rate-limiting-sla-based")
    body = {"configurationData": {"exposeHeaders": False}, "order": 7, "pointcutData": [{"methodRegex": "GET"}]}
    await anypoint.call("PATCH", f"{HERE}/apis/{product.native_id}/policies/{policy}", body)


async def policy_off(anypoint: Anypoint, product: Product) -> None:
    policy = child(product, "policy", "client-id-enforcement")
    await anypoint.call("POST", f"{CONSOLE}/apis/{product.native_id}/policies/{policy}/disable")


async def policy_gone(anypoint: Anypoint, product: Product) -> None:
    policy = child(product, "policy", "client-id-enforcement")
    await anypoint.call("DELETE", f"{HERE}/apis/{product.native_id}/policies/{policy}")


async def new_tier_limits(anypoint: Anypoint, product: Product) -> None:
    body = {"name": "Gold", "status": "DEPRECATED", "autoApprove": False, "limits": []}
    await anypoint.call("PUT", f"{HERE}/apis/{product.native_id}/tiers/{child(product, 'tier', 'Gold')}", body)


async def tier_renamed(anypoint: Anypoint, product: Product) -> None:
    body = {"name": "Bronze II", "status": "ACTIVE", "autoApprove": True, "limits": []}
    await anypoint.call("PUT", f"{HERE}/apis/{product.native_id}/tiers/{child(product, 'tier', 'Bronze')}", body)


async def tier_gone(anypoint: Anypoint, product: Product) -> None:
    await anypoint.call("DELETE", f"{HERE}/apis/{product.native_id}/tiers/{child(product, 'tier', 'Gold')}")


async def new_upstream(anypoint: Anypoint, product: Product) -> None:
    path = f"{HERE}/apis/{product.native_id}/upstreams/{child(product, 'upstream', 'blue')}"
    await anypoint.call("PATCH", path, {"uri": "http://elsewhere"})


async def upstream_gone(anypoint: Anypoint, product: Product) -> None:
    await anypoint.call("PATCH", f"{HERE}/apis/{product.native_id}", {"routing": None})
    await anypoint.call("DELETE", f"{HERE}/apis/{product.native_id}/upstreams/{child(product, 'upstream', 'blue')}")


EDITS: Final[dict[str, tuple[Edit, int]]] = {
    "description": (new_description, 1),
    "endpoint": (new_endpoint, 1),
    "version": (new_version, 2),
    "tags": (new_tags, 1),
    "policy": (new_policy_settings, 1),
    "policy switched off": (policy_off, 1),
    "policy deleted": (policy_gone, 1),
    "tier": (new_tier_limits, 1),
    "tier renamed": (tier_renamed, 1),
    "tier deleted": (tier_gone, 1),
    "upstream": (new_upstream, 1),
    "upstream deleted": (upstream_gone, 2),
}


@pytest.mark.parametrize("name", sorted(EDITS))
async def test_an_edit_is_seen_and_taken_back_in_the_fewest_steps(name: str) -> None:
    edit, steps = EDITS[name]
    anypoint = Anypoint(4)
    recorded = (await anypoint.discover())[FLEX]
    await edit(anypoint, recorded)
    assert differences(recorded, await anypoint.connect().read(recorded))
    titles, after = await restore(anypoint, recorded)
    assert len(titles) == steps
    assert differences(recorded, after) == []


@given(st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=5, unique=True), st.integers(0, 14))
@settings(max_examples=30, deadline=None)
async def test_whatever_was_changed_and_wherever_a_restore_breaks_off_the_next_one_finishes(
    names: list[str], after: int
) -> None:
    anypoint = Anypoint(4)
    recorded = (await anypoint.discover())[FLEX]
    for name in names:
        try:
            await EDITS[name][0](anypoint, recorded)
        except AssertionError:
            continue  # two of the edits exclude each other
    others = untouched(anypoint, recorded.native_id)
    gateway = anypoint.connect()
    live = await gateway.read(recorded)
    plan = plan_restore(recorded, live, MANIFEST.kinds)
    done: list[Step] = []
    anypoint.board.faults = [Fault(502, after=after, path="/apimanager/", body="{}")]
    try:
        await gateway.apply(recorded, live, plan.steps, done.append)
    except GatewayError:
        anypoint.board.faults = []
        await gateway.apply(recorded, live, [step for step in plan.steps if step not in done], done.append)
    anypoint.board.faults = []
    assert differences(recorded, await gateway.read(recorded)) == []
    assert untouched(anypoint, recorded.native_id) == others


def untouched(anypoint: Anypoint, native: str) -> Any:
    """Everything of the other instances, and all customers."""
    tables = anypoint.tables
    kept = {name: [row for row in tables[name].values() if str(row["apiId"]) != native] for name in _CHILDREN}
    apis = [row for row in tables["apis"].values() if str(row["id"]) != native]
    return copied([kept, apis, tables["applications"], tables["contracts"], tables["assets"]])


_CHILDREN: Final = ("policies", "tiers", "upstreams")


@pytest.mark.parametrize("name", ["orders-api", FLEX, "orders-api:internal"])
async def test_a_deleted_instance_is_created_again_with_everything_but_what_was_masked(name: str) -> None:
    anypoint = Anypoint(4)
    recorded = (await anypoint.discover())[name]
    await anypoint.call("DELETE", f"{HERE}/apis/{recorded.native_id}")
    _, after = await restore(anypoint, recorded)
    assert after
    assert after.ref == recorded.ref
    assert after.native_id != recorded.native_id
    assert differences(recorded, after) == []


@pytest.mark.parametrize("after", range(12))
async def test_a_creation_that_breaks_off_leaves_one_instance_and_the_next_try_finishes_it(after: int) -> None:
    anypoint = Anypoint(4)
    recorded = (await anypoint.discover())[FLEX]
    await anypoint.call("DELETE", f"{HERE}/apis/{recorded.native_id}")
    gateway = anypoint.connect()
    plan = plan_restore(recorded, None, MANIFEST.kinds)
    done: list[Step] = []
    anypoint.board.faults = [Fault(502, after=after, path="/apimanager/", body="{}")]
    with pytest.raises(GatewayError):
        await gateway.apply(recorded, None, plan.steps, done.append)
    anypoint.board.faults = []
    await gateway.apply(recorded, None, [step for step in plan.steps if step not in done], done.append)
    assert differences(recorded, await gateway.read(recorded)) == []
    assert len(anypoint.tables["apis"]) == 4


async def test_an_answer_that_was_lost_makes_nothing_twice() -> None:
    """The write took effect, and its answer did not arrive."""
    anypoint = Anypoint(4)
    recorded = (await anypoint.discover())[FLEX]
    for edit in (policy_gone, tier_gone):
        await edit(anypoint, recorded)
    gateway = anypoint.connect()
    live = await gateway.read(recorded)
    plan = plan_restore(recorded, live, MANIFEST.kinds)
    for _ in plan.steps:
        await gateway.apply(recorded, live, plan.steps, lambda _: None)
    assert differences(recorded, await gateway.read(recorded)) == []


async def test_foreign_policies_and_tiers_stay_unless_they_are_ticked() -> None:
    anypoint = Anypoint(1)
    recorded = (await anypoint.discover())["orders-api"]
    api = f"{HERE}/apis/{recorded.native_id}"
    theirs = {"groupId": "g", "assetId": "cors", "assetVersion": "1.0.0"}
    await anypoint.call("POST", f"{api}/policies", theirs)
    await anypoint.call("POST", f"{api}/tiers", {"name": "Theirs", "status": "ACTIVE"})
    await new_description(anypoint, recorded)
    titles, after = await restore(anypoint, recorded)
    assert titles == ["update api orders-api"]
    assert sorted(differences(recorded, after)) == ["/policy/cors", "/tier/Theirs"]
    titles, after = await restore(anypoint, recorded, ["/policy/cors", "/tier/Theirs"])
    assert titles == ["delete policy cors", "delete tier Theirs"]
    assert differences(recorded, after) == []


async def test_a_policy_that_others_add_is_drift_and_a_tier_is_only_shown() -> None:
    counts = {kind.name: kind.foreign_is_drift for kind in MANIFEST.kinds}
    assert counts == {"spec": True, "api": False, "tier": False, "policy": True, "upstream": False}
    assert [kind.name for kind in MANIFEST.kinds] == ["spec", "api", "tier", "policy", "upstream"]


async def test_a_tier_with_applications_is_not_deleted_and_the_way_out_is_told() -> None:
    anypoint = Anypoint(1)
    recorded = (await anypoint.discover())["orders-api"]
    without = Product(
        recorded.ref,
        recorded.native_id,
        recorded.name,
        recorded.version,
        tuple(entity for entity in recorded.entities if entity.key != "Bronze"),
    )
    with pytest.raises(GatewayRejected) as raised:
        await restore(anypoint, without, ["/tier/Bronze"])
    assert "DEPRECATED" in str(raised.value.next_step)


async def test_only_recorded_members_of_an_endpoint_are_written_and_the_others_stay() -> None:
    anypoint = Anypoint(1)
    recorded = (await anypoint.discover())["orders-api"]
    endpoint = anypoint.tables["apis"][recorded.native_id]["endpoint"]
    endpoint.update(uri="http://elsewhere", wsdlConfig="a later member")
    live = await anypoint.connect().read(recorded)
    assert sorted(differences(recorded, live)) == [
        "/api/orders-api/endpoint/uri",
        "/api/orders-api/endpoint/wsdlConfig",
    ]
    plan = plan_restore(recorded, live, MANIFEST.kinds, ignored=frozenset({"/api/orders-api/endpoint/wsdlConfig"}))
    await anypoint.connect().apply(recorded, live, plan.steps, lambda _: None)
    kept = anypoint.tables["apis"][recorded.native_id]["endpoint"]
    assert (kept["uri"], kept["wsdlConfig"]) == ("http://orders-api.internal.example.com/api", "a later member")


async def test_a_configuration_with_a_masked_value_is_refused_before_it_is_lost() -> None:
    anypoint = Anypoint(3)
    recorded = (await anypoint.discover())["orders-api:internal"]
    policy = anypoint.tables["policies"][child(recorded, "policy", "basic-authentication-simple")]
    policy["configurationData"]["username"] = "somebody"
    with pytest.raises(GatewayError, match="masks"):
        await restore(anypoint, recorded)
    assert policy["configurationData"] == {"username": "somebody", "password": "open sesame"}
    policy["configurationData"]["username"] = "ops"
    policy["order"] = 9
    _, after = await restore(anypoint, recorded)
    assert differences(recorded, after) == []
    assert policy["configurationData"]["password"] == "open sesame"


async def test_a_description_comes_back_by_pointing_to_the_recorded_version_and_nothing_is_published() -> None:
    anypoint = Anypoint(4)
    recorded = (await anypoint.discover())[FLEX]
    versions = copied(anypoint.tables["assets"])
    await new_version(anypoint, recorded)
    live = await anypoint.connect().read(recorded)
    assert live
    assert live.version == "1.1.0"
    assert any(path.startswith("/spec/openapi/") for path in differences(recorded, live))
    await restore(anypoint, recorded)
    assert copied(anypoint.tables["assets"]) == versions


async def test_a_recorded_version_that_was_deleted_cannot_come_back_and_the_way_out_is_told() -> None:
    anypoint = Anypoint(4)
    recorded = (await anypoint.discover())["orders-api"]
    for api in anypoint.tables["apis"].values():
        api["assetVersion"] = "1.1.0"
    await anypoint.call("DELETE", f"/exchange/api/v2/assets/{ORGANIZATION}/orders-api/1.0.0")
    with pytest.raises(GatewayNotFound, match="takes no version twice") as raised:
        await restore(anypoint, recorded)
    assert "new patch version" in str(raised.value.next_step)
    assert anypoint.writes()[1:] == []


async def test_a_description_that_differs_within_one_version_is_refused() -> None:
    anypoint = Anypoint(4)
    recorded = (await anypoint.discover())["orders-api"]
    anypoint.tables["assets"][f"{ORGANIZATION}/orders-api/1.0.0"]["files"] = []
    with pytest.raises(GatewayRejected) as raised:
        await restore(anypoint, recorded)
    assert "accept the gateway's version" in str(raised.value.next_step)


async def test_tiers_that_took_each_others_place_are_put_right() -> None:
    anypoint = Anypoint(2)
    recorded = (await anypoint.discover())["orders-api:partners"]
    api = f"{HERE}/apis/{recorded.native_id}/tiers"
    await anypoint.call("DELETE", f"{api}/{child(recorded, 'tier', 'Bronze')}")
    body = {"name": "Bronze", "status": "ACTIVE", "autoApprove": False, "limits": []}
    await anypoint.call("PUT", f"{api}/{child(recorded, 'tier', 'Gold')}", body)
    _, after = await restore(anypoint, recorded)
    assert differences(recorded, after) == []


async def test_steps_run_upstreams_first_and_removals_last() -> None:
    anypoint = Anypoint(4)
    recorded = (await anypoint.discover())[FLEX]
    plan = plan_restore(recorded, None, MANIFEST.kinds)
    kinds = [step.kind for step in ordered(plan.steps)]
    assert list(dict.fromkeys(kinds)) == ["upstream", "spec", "api", "tier", "policy"]


async def test_no_steps_make_no_calls() -> None:
    anypoint = Anypoint(1)
    recorded = (await anypoint.discover())["orders-api"]
    before = len(anypoint.board.log)
    await anypoint.connect().apply(recorded, recorded, (), lambda _: None)
    assert len(anypoint.board.log) == before
