"""The main job, end to end over HTTP and on both gateways: connect, preview, import, drift, restore."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flows.hands import HANDS, Hand, editable
from tests.live import Aforo, Emulated, aforo, emulated

pytestmark = pytest.mark.conformance


@pytest.fixture(params=sorted(HANDS))
def gateway(request: pytest.FixtureRequest) -> Iterator[Emulated]:
    with emulated(request.param) as running:
        yield running


@pytest.fixture
def hand(gateway: Emulated) -> Hand:
    return HANDS[gateway.gateway](gateway)


async def _imported(running: Aforo, gateway: Emulated) -> tuple[str, dict[str, Any]]:
    """Connect, import all; the integration's id and a product that can be edited."""
    integration_id = await running.connect(gateway)
    discovered = await running.call("GET", f"/api/v1/products/discover?integrationId={integration_id}")
    ref = editable(discovered["data"])["ref"]
    products = await running.import_all(integration_id)
    return integration_id, next(product for product in products if product["ref"] == ref)


async def test_a_connection_test_passes_and_tells_each_step(tmp_path: Path, gateway: Emulated) -> None:
    async with aforo(tmp_path) as running:
        integration_id = await running.connect(gateway)
        result = await running.call("POST", f"/api/v1/integrations/{integration_id}/test")
        assert result["passed"]
        assert len(result["checks"]) >= 3
        shown = await running.call("GET", f"/api/v1/integrations/{integration_id}")
        assert shown["health"] == "HEALTHY"


async def test_what_was_imported_is_unchanged_and_no_longer_discovered(tmp_path: Path, gateway: Emulated) -> None:
    async with aforo(tmp_path) as running:
        integration_id, _ = await _imported(running, gateway)
        plan = await running.preview(integration_id)
        assert plan["summary"]["UNCHANGED"] == len(plan["changes"]) == 12
        assert not plan["partial"]
        left = await running.call("GET", f"/api/v1/products/discover?integrationId={integration_id}")
        assert left["data"] == []


async def test_a_selective_import_records_only_what_was_selected(tmp_path: Path, gateway: Emulated) -> None:
    async with aforo(tmp_path) as running:
        integration_id = await running.connect(gateway)
        plan = await running.preview(integration_id)
        select = [row["ref"] for row in plan["changes"]][:2]
        done = await running.call("POST", "/api/v1/products/import", {"planId": plan["planId"], "select": select})
        assert sorted(product["ref"] for product in done["created"]) == sorted(select)
        again = await running.preview(integration_id)
        assert again["summary"] == {"NEW": 10, "CHANGED": 0, "UNCHANGED": 2, "STALE": 0}


async def test_an_edit_at_the_gateway_is_one_difference_and_a_restore_takes_it_back(
    tmp_path: Path, gateway: Emulated, hand: Hand
) -> None:
    async with aforo(tmp_path) as running:
        integration_id, product = await _imported(running, gateway)
        hand.edit(product)
        plan = await running.preview(integration_id)
        assert plan["summary"] == {"NEW": 0, "CHANGED": 1, "UNCHANGED": 11, "STALE": 0}
        row = next(row for row in plan["changes"] if row["status"] == "CHANGED")
        assert [field["path"] for field in row["fields"]] == [hand.field_path(product)]
        assert row["line"].startswith("CHANGED: ")
        drifted = await running.call("GET", f"/api/v1/products/{product['id']}")
        assert drifted["monetizationStatus"] == "STALE"
        dry = await running.call("POST", f"/api/v1/products/{product['id']}/restore", {"dryRun": True})
        assert [step["outcome"] for step in dry["steps"]] == ["PLANNED"]
        done = await running.call("POST", f"/api/v1/products/{product['id']}/restore", {"observed": dry["observed"]})
        assert [step["outcome"] for step in done["steps"]] == ["DONE"]
        after = await running.preview(integration_id)
        assert after["summary"]["UNCHANGED"] == 12
        healed = await running.call("GET", f"/api/v1/products/{product['id']}")
        assert (healed["monetizationStatus"], healed["driftId"]) == ("UNMONETIZED", None)


async def test_a_restore_returns_the_status_that_the_product_had(tmp_path: Path, gateway: Emulated, hand: Hand) -> None:
    async with aforo(tmp_path) as running:
        _, product = await _imported(running, gateway)
        path = f"/api/v1/products/{product['id']}"
        await running.call("PATCH", path, {"monetized": True})
        hand.edit(product)
        assert (await running.call("GET", f"{path}/drift"))["monetizationStatus"] == "STALE"
        await running.call("POST", f"{path}/restore", {})
        assert (await running.call("GET", path))["monetizationStatus"] == "MONETIZED"


async def test_accepting_takes_the_gateways_version_as_the_new_record(
    tmp_path: Path, gateway: Emulated, hand: Hand
) -> None:
    async with aforo(tmp_path) as running:
        integration_id, product = await _imported(running, gateway)
        hand.edit(product)
        drift = await running.call("GET", f"/api/v1/products/{product['id']}/drift")
        accepted = await running.call(
            "POST", f"/api/v1/products/{product['id']}/accept", {"observed": drift["observed"]}
        )
        assert (accepted["recordVersion"], accepted["driftId"]) == (2, None)
        assert (await running.preview(integration_id))["summary"]["UNCHANGED"] == 12
        versions = await running.call("GET", f"/api/v1/products/{product['id']}/versions")
        assert [version["origin"] for version in versions["data"]] == ["accept", "import"]


async def test_an_older_version_can_be_restored(tmp_path: Path, gateway: Emulated, hand: Hand) -> None:
    async with aforo(tmp_path) as running:
        integration_id, product = await _imported(running, gateway)
        hand.edit(product)
        await running.call("POST", f"/api/v1/products/{product['id']}/accept", {})
        await running.call("POST", f"/api/v1/products/{product['id']}/restore", {"version": 1})
        assert (await running.preview(integration_id))["summary"]["UNCHANGED"] == 12
        shown = await running.call("GET", f"/api/v1/products/{product['id']}")
        assert shown["recordVersion"] == 3


async def test_an_ignored_path_stays_ignored_until_it_is_taken_in_again(
    tmp_path: Path, gateway: Emulated, hand: Hand
) -> None:
    async with aforo(tmp_path) as running:
        integration_id, product = await _imported(running, gateway)
        hand.edit(product)
        path = hand.field_path(product)
        after = await running.call("POST", f"/api/v1/products/{product['id']}/ignore", {"path": path})
        assert (after["ignored"], after["driftId"]) == ([path], None)
        assert (await running.preview(integration_id))["summary"]["UNCHANGED"] == 12
        again = await running.call("POST", f"/api/v1/products/{product['id']}/ignore", {"path": path, "ignored": False})
        assert again["driftId"] is not None


async def test_a_plan_that_is_stale_at_the_gateway_is_refused_and_nothing_is_applied(
    tmp_path: Path, gateway: Emulated, hand: Hand
) -> None:
    async with aforo(tmp_path) as running:
        _, product = await _imported(running, gateway)
        hand.edit(product)
        drift = await running.call("GET", f"/api/v1/products/{product['id']}/drift")
        await running.call("POST", f"/api/v1/products/{product['id']}/restore", {})
        before = len(gateway.board.log)
        refused = await running.call(
            "POST", f"/api/v1/products/{product['id']}/restore", {"observed": drift["observed"]}, 409
        )
        assert refused["code"] == "plan_stale"
        assert not [method for method, _ in gateway.board.log[before:] if method not in ("GET", "HEAD")]


async def test_an_import_of_a_row_that_changed_since_the_preview_is_refused_whole(
    tmp_path: Path, gateway: Emulated, hand: Hand
) -> None:
    async with aforo(tmp_path) as running:
        integration_id = await running.connect(gateway)
        plan = await running.preview(integration_id)
        found = await running.call("GET", f"/api/v1/products/discover?integrationId={integration_id}")
        victim = editable(found["data"])
        hand.edit(victim)
        others = [row["ref"] for row in plan["changes"] if row["ref"] != victim["ref"]][:2]
        refused = await running.call(
            "POST", "/api/v1/products/import", {"planId": plan["planId"], "select": [*others, victim["ref"]]}, 409
        )
        assert refused["code"] == "plan_stale"
        assert (await running.call("GET", "/api/v1/products"))["data"] == []


async def test_of_two_operators_importing_at_once_one_wins(tmp_path: Path, gateway: Emulated) -> None:
    async with aforo(tmp_path) as running:
        integration_id = await running.connect(gateway)
        first, second = [await running.preview(integration_id) for _ in range(2)]
        refs = [row["ref"] for row in first["changes"]][:3]
        await running.call("POST", "/api/v1/products/import", {"planId": first["planId"], "select": refs})
        for plan in (first, second):
            refused = await running.call(
                "POST", "/api/v1/products/import", {"planId": plan["planId"], "select": refs}, 409
            )
            assert refused["code"] == "plan_stale"
        assert len((await running.call("GET", "/api/v1/products"))["data"]) == 3


async def test_impacts_are_null_until_customers_exist(tmp_path: Path, gateway: Emulated) -> None:
    async with aforo(tmp_path) as running:
        plan = await running.preview(await running.connect(gateway))
        for row in plan["changes"]:
            assert row["impact"] == {
                "subscriptions": None,
                "credentials": None,
                "monthlyRevenue": None,
                "currency": None,
            }


async def test_an_integration_with_products_is_not_forgotten_by_accident(tmp_path: Path, gateway: Emulated) -> None:
    async with aforo(tmp_path) as running:
        integration_id, _ = await _imported(running, gateway)
        refused = await running.call("DELETE", f"/api/v1/integrations/{integration_id}", status=409)
        assert refused["code"] == "integration_in_use"
        await running.call("DELETE", f"/api/v1/integrations/{integration_id}?force=orphan", status=204)
        assert (await running.call("GET", "/api/v1/products"))["data"] == []
