"""Discovery and single reads: whole, or said not to be; and an empty list is not taken for a fact."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import GatewayError, GatewayForbidden, GatewayUnavailable
from aforo.gateways.mulesoft.emulator import ORGANIZATION
from aforo.gateways.mulesoft.emulator.world import ALL_SCOPES
from tests.gateways.mulesoft.mulesoft_parts import HERE, Anypoint, copied, quiet


def without(*scopes: str) -> frozenset[str]:
    return ALL_SCOPES - set(scopes)


NO_APIS = without("read:api_configuration", "manage:api_configuration")
NO_POLICIES = without("read:api_policies", "manage:api_policies")
NO_TIERS = without("read:api_contracts", "manage:api_contracts")
NO_EXCHANGE = without("read:exchange", "manage:exchange")


async def test_every_instance_is_a_product_with_all_that_belongs_to_it() -> None:
    products = await Anypoint(12).discover()
    assert len(products) == 12
    flex = products["payments-api"]
    assert {entity.kind for entity in flex.entities} == {"spec", "api", "tier", "policy", "upstream"}
    assert [entity.kind for entity in flex.entities][:2] == ["spec", "api"]
    assert flex.version == "1.0.0"
    api = flex.entity("api", "payments-api")
    assert api
    assert api.fields["routing"] == [
        {
            "label": "all",
            "rules": {"methods": "GET|POST", "path": "/.*"},
            "upstreams": [{"upstream": "blue", "weight": 90}, {"upstream": "green", "weight": 10}],
        }
    ]


async def test_a_single_read_and_a_discovery_agree_in_everything() -> None:
    anypoint = Anypoint(12)
    products = await anypoint.discover()
    gateway = anypoint.connect()
    for product in products.values():
        assert await gateway.read(product) == product
        assert await gateway.read(Product(product.ref, product.native_id, "", None, ())) == product


@pytest.mark.parametrize("page_size", [1, 2, 3])
async def test_small_pages_change_nothing(page_size: int) -> None:
    assert await Anypoint(12, page_size=page_size).discover() == await Anypoint(12).discover()


async def test_a_discovery_takes_the_fewest_calls_that_there_can_be() -> None:
    anypoint = Anypoint(12)
    await anypoint.discover()
    flex, versions, token = 3, 4, 1
    assert len(anypoint.board.log) == token + 1 + 12 * 3 + flex + versions * 2


async def test_a_product_that_was_created_again_is_found_by_its_ref() -> None:
    anypoint = Anypoint(4)
    product = (await anypoint.discover())["orders-api:partners"]
    again = await anypoint.connect().read(Product(product.ref, "1", "", None, product.entities))
    assert again == product


async def test_a_product_that_is_gone_is_none_where_others_can_be_seen() -> None:
    anypoint = Anypoint(4)
    product = (await anypoint.discover())["orders-api"]
    await anypoint.call("DELETE", f"{HERE}/apis/{product.native_id}")
    assert await anypoint.connect().read(product) is None


@pytest.mark.parametrize("tells_scopes", [True, False])
async def test_an_empty_list_without_the_scope_is_partial(tells_scopes: bool) -> None:
    anypoint = Anypoint(4, scopes=NO_APIS, tells_scopes=tells_scopes)
    found = await anypoint.connect().discover(quiet)
    assert found.products == ()
    assert [problem.code for problem in found.problems] == ["gateway_forbidden"]
    assert "View APIs Configuration" in found.problems[0].why


async def test_an_empty_environment_is_believed_only_where_the_scopes_can_be_read() -> None:
    assert (await Anypoint(0, tells_scopes=True).connect().discover(quiet)).partial is False
    assert (await Anypoint(0).connect().discover(quiet)).partial is True


async def test_without_the_scope_no_recorded_product_is_taken_to_be_gone() -> None:
    anypoint = Anypoint(4)
    product = (await anypoint.discover())["orders-api"]
    anypoint.switches.scopes = NO_APIS
    with pytest.raises(GatewayForbidden):
        await anypoint.connect().read(product)
    anypoint.tables["apis"].clear()  # and a platform that says 404 in place of 403
    anypoint.switches.scopes = None
    with pytest.raises(GatewayForbidden, match="no API instance"):
        await anypoint.connect().read(product)
    anypoint.switches.tells_scopes = True
    assert await anypoint.connect().read(product) is None


@pytest.mark.parametrize("scopes", [NO_POLICIES, NO_TIERS])
async def test_children_hidden_by_a_missing_scope_make_a_discovery_partial_and_empty(scopes: frozenset[str]) -> None:
    anypoint = Anypoint(4, scopes=scopes, tells_scopes=True)
    found = await anypoint.connect().discover(quiet)
    assert found.products == ()
    assert found.partial


async def test_hidden_tiers_are_noticed_by_the_contracts_that_an_instance_counts() -> None:
    found = await Anypoint(4, scopes=NO_TIERS).connect().discover(quiet)
    assert found.partial
    assert "View Contracts" in found.problems[0].why


async def test_policies_that_nobody_shows_are_noted_where_nothing_can_prove_their_absence() -> None:
    found = await Anypoint(4, scopes=NO_POLICIES).connect().discover(quiet)
    assert len(found.products) == 4
    assert any("View Policies" in note for note in found.notes)


async def test_hidden_policies_never_look_deleted_to_a_single_read() -> None:
    anypoint = Anypoint(4)
    product = (await anypoint.discover())["orders-api"]
    anypoint.switches.scopes = NO_POLICIES
    with pytest.raises(GatewayForbidden):
        await anypoint.connect().read(product)


async def test_policies_that_were_really_deleted_are_seen_to_be_gone() -> None:
    anypoint = Anypoint(4)
    product = (await anypoint.discover())["orders-api"]
    for entity in product.entities:
        if entity.kind == "policy":
            await anypoint.call("DELETE", f"{HERE}/apis/{product.native_id}/policies/{entity.native_id}")
    now = await anypoint.connect().read(product)
    assert now
    assert not [entity for entity in now.entities if entity.kind == "policy"]


async def test_hidden_tiers_never_look_deleted_to_a_single_read_of_an_instance_with_contracts() -> None:
    anypoint = Anypoint(4)
    product = (await anypoint.discover())["orders-api"]
    anypoint.switches.scopes = NO_TIERS
    with pytest.raises(GatewayForbidden, match="View Contracts"):
        await anypoint.connect().read(product)


async def test_without_exchange_nothing_is_claimed_of_instances_that_have_a_description() -> None:
    found = await Anypoint(4, scopes=NO_EXCHANGE).connect().discover(quiet)
    assert found.products == ()
    assert "API description of" in found.problems[0].what


async def test_assets_that_are_counted_and_not_shown_make_a_discovery_partial() -> None:
    anypoint = Anypoint(9)
    anypoint.switches.hidden_assets.add("orders-api")
    found = await anypoint.connect().discover(quiet)
    assert len(found.products) == 6
    assert "there are 3" in found.problems[0].why


async def test_instances_that_an_asset_counts_and_hides_make_a_discovery_partial() -> None:
    anypoint = Anypoint(3)
    token = await anypoint.token()
    told = (await anypoint.http.get(f"{HERE}/apis", headers={"Authorization": f"Bearer {token}"})).json()
    told["assets"][0]["apis"].pop()
    anypoint.board.faults = [Fault(200, path=f"{HERE}/apis", body=json.dumps(told))]
    found = await anypoint.connect().discover(quiet)
    assert len(found.products) == 2
    assert "there are 3" in found.problems[0].why


@pytest.mark.parametrize("part", ["tiers", "upstreams"])
async def test_children_that_are_counted_and_not_shown_leave_their_instance_out(part: str) -> None:
    anypoint = Anypoint(4)
    product = (await anypoint.discover())["payments-api"]
    body = json.dumps({"total": 2, part: []})
    anypoint.board.faults = [Fault(200, times=2, path=f"{HERE}/apis/{product.native_id}/{part}", body=body)]
    found = await anypoint.connect().discover(quiet)
    assert len(found.products) == 3
    assert "there are 2" in found.problems[0].why
    with pytest.raises(GatewayForbidden, match="there are 2"):
        await anypoint.connect().read(product)


PARTS = ("", "/policies", "/tiers", "/upstreams")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("status", [403, 502, 404])
async def test_an_instance_of_which_a_part_is_missing_is_left_out_and_named(part: str, status: int) -> None:
    anypoint = Anypoint(4)
    product = (await anypoint.discover())["payments-api"]
    fault = Fault(status, path=f"{HERE}/apis/{product.native_id}{part}", body="{}")
    anypoint.board.faults = [fault]
    found = await anypoint.connect().discover(quiet)
    assert "payments-api" not in {one.ref for one in found.products}
    assert len(found.products) == 3
    if not (status == 404 and part == ""):  # deleted since the list was read: that is no problem
        assert "payments-api" in found.problems[0].what
    anypoint.board.faults = [Fault(status, path=f"{HERE}/apis/{product.native_id}{part}", body="{}")]
    if status != 404:
        with pytest.raises(GatewayError):
            await anypoint.connect().read(product)


@given(st.integers(0, 60), st.sampled_from([401, 403, 500, 502, 0]), st.booleans())
@settings(max_examples=40, deadline=None)
async def test_whatever_call_fails_a_discovery_is_whole_or_says_that_it_is_not(
    after: int, status: int, cut: bool
) -> None:
    anypoint = Anypoint(6)
    whole = await anypoint.discover()
    anypoint.board.faults = [Fault(status, after=after, times=3, method="GET", body="{}", cut=cut)]
    try:
        found = await anypoint.connect().discover(quiet)
    except GatewayError:
        return
    for product in found.products:
        assert product == whole[product.ref]
    assert len(found.products) == len(whole) or found.partial


async def test_the_first_call_that_fails_raises() -> None:
    anypoint = Anypoint(2)
    anypoint.board.faults = [Fault(502, path=HERE, body="{}")]
    with pytest.raises(GatewayUnavailable):
        await anypoint.connect().discover(quiet)


async def test_a_description_that_cannot_be_read_leaves_out_its_instances_alone() -> None:
    anypoint = Anypoint(6)
    broken = anypoint.tables["assets"][f"{ORGANIZATION}/payments-api/1.0.0"]
    broken["files"][0]["content"] = "bm90IGFuIGFyY2hpdmU="
    found = await anypoint.connect().discover(quiet)
    assert {product.ref.partition(":")[0] for product in found.products} == {"orders-api"}
    assert "description" in found.problems[0].what


async def test_a_deleted_version_and_an_asset_without_files_have_no_description() -> None:
    anypoint = Anypoint(4)
    anypoint.tables["assets"][f"{ORGANIZATION}/payments-api/1.0.0"]["deleted"] = True
    anypoint.tables["assets"][f"{ORGANIZATION}/orders-api/1.0.0"]["files"] = []
    products = await anypoint.discover()
    assert [product.spec_digest for product in products.values()] == [None] * 4
    assert products["orders-api"].version == "v1"


async def test_a_version_that_exchange_hides_is_not_taken_for_deleted() -> None:
    anypoint = Anypoint(4)
    for asset in anypoint.tables["assets"].values():
        asset["deleted"] = True
    found = await anypoint.connect().discover(quiet)
    assert found.products == ()
    assert "Exchange Viewer" in found.problems[0].why


async def test_an_answer_in_the_other_shape_gives_the_same_policies() -> None:
    anypoint = Anypoint(1)
    before = (await anypoint.discover())["orders-api"]
    token = await anypoint.token()
    path = f"{HERE}/apis/{before.native_id}/policies"
    full = await anypoint.http.get(f"{path}?fullInfo=true", headers={"Authorization": f"Bearer {token}"})
    assert "policies" in full.json()
    anypoint.board.faults = [Fault(200, path=path, body=full.text)]
    assert (await anypoint.discover())["orders-api"] == before


async def test_a_disabled_policy_stays_in_sight() -> None:
    anypoint = Anypoint(1)
    before = (await anypoint.discover())["orders-api"]
    policy = next(entity for entity in before.entities if entity.kind == "policy")
    anypoint.tables["policies"][policy.native_id]["disabled"] = True
    after = (await anypoint.discover())["orders-api"].entity("policy", policy.key)
    assert after
    assert after.fields == {**policy.fields, "disabled": True}


async def test_masked_values_are_named_and_expressions_stay() -> None:
    products = await Anypoint(3).discover()
    policy = products["orders-api:internal"].entity("policy", "basic-authentication-simple")
    assert policy
    assert policy.masked == {"/configurationData/password"}
    assert policy.wished()["configurationData"] == {"username": "ops"}


async def test_what_runs_at_the_gateway_changes_nothing_in_the_record() -> None:
    """Registration, traffic, customers and looks: the daily life of an instance."""
    anypoint = Anypoint(1)
    before = copied_products(await anypoint.discover())
    api = next(iter(anypoint.tables["apis"].values()))
    api.update(status="active", lastActiveDate=anypoint.app.world.now(), order=77)
    for contract in anypoint.tables["contracts"].values():
        contract["status"] = "REVOKED"
    for table in ("apis", "policies", "tiers", "upstreams"):
        for row in anypoint.tables[table].values():
            anypoint.app.world.touch(row)
    assert copied_products(await anypoint.discover()) == before


def copied_products(products: dict[str, Product]) -> Any:
    return copied({ref: [dict(entity.fields) for entity in one.entities] for ref, one in products.items()})
