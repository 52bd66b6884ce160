"""An operation that somebody adds to an API on AWS is seen, also when its definition is empty, and put away again."""

from pathlib import Path

import pytest

from tests.flows.hands import AwsHand, editable
from tests.live import aforo, emulated

pytestmark = pytest.mark.conformance


async def test_an_added_operation_without_any_definition_is_drift_and_a_restore_removes_it(tmp_path: Path) -> None:
    with emulated("aws") as gateway:
        async with aforo(tmp_path) as running:
            integration_id = await running.connect(gateway)
            found = await running.call("GET", f"/api/v1/products/discover?integrationId={integration_id}")
            ref = editable(found["data"])["ref"]
            product = next(one for one in await running.import_all(integration_id) if one["ref"] == ref)
            hand = AwsHand(gateway)
            _add_operation(hand, *hand.native(product))
            drift = await running.call("GET", f"/api/v1/products/{product['id']}/drift")
            kinds = {field["path"].split("/")[1] for field in drift["fields"]}
            assert kinds == {"spec", "integrations"}
            assert any("~01hidden/get" in f["path"] or "~1hidden/get" in f["path"] for f in drift["fields"])
            await running.call("POST", f"/api/v1/products/{product['id']}/restore", {})
            assert (await running.preview(integration_id))["summary"]["UNCHANGED"] == 12
            paths = [row.get("path") for row in hand.rest().get_resources(restApiId=hand.native(product)[0])["items"]]
            assert "/hidden" not in paths


async def test_a_restore_says_which_edit_nobody_has_deployed_and_leaves_it_alone(tmp_path: Path) -> None:
    with emulated("aws") as gateway:
        async with aforo(tmp_path) as running:
            integration_id = await running.connect(gateway)
            found = await running.call("GET", f"/api/v1/products/discover?integrationId={integration_id}")
            ref = editable(found["data"])["ref"]
            product = next(one for one in await running.import_all(integration_id) if one["ref"] == ref)
            hand = AwsHand(gateway)
            api_id, stage = hand.native(product)
            _add_operation(hand, api_id, stage)
            root = next(row["id"] for row in hand.rest().get_resources(restApiId=api_id)["items"] if row["path"] == "/")
            hand.rest().create_resource(restApiId=api_id, parentId=root, pathPart="draft")
            hand.rest().put_gateway_response(restApiId=api_id, responseType="THROTTLED", statusCode="420")
            told = await running.call("POST", f"/api/v1/products/{product['id']}/restore", {}, 502)
            assert "gateway response THROTTLED" in told["detail"]
            assert "to be deployed or undone first" in told["detail"]
            paths = [row.get("path") for row in hand.rest().get_resources(restApiId=api_id)["items"]]
            assert {"/hidden", "/draft"} <= set(paths)


def _add_operation(hand: AwsHand, api_id: str, stage: str) -> None:
    rest = hand.rest()
    root = next(row["id"] for row in rest.get_resources(restApiId=api_id)["items"] if row["path"] == "/")
    made = rest.create_resource(restApiId=api_id, parentId=root, pathPart="hidden")["id"]
    rest.put_method(restApiId=api_id, resourceId=made, httpMethod="GET", authorizationType="NONE")
    rest.put_integration(restApiId=api_id, resourceId=made, httpMethod="GET", type="MOCK")
    rest.create_deployment(restApiId=api_id, stageName=stage)
