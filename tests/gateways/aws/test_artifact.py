"""The artifact's life at an emulated account: what it says beforehand, what it touches, and what it leaves behind."""

import copy
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.artifact import Artifact, Canary, Phase, Receipt, Wiring
from aforo.gateway_sdk.contract import Verdict
from aforo.gateway_sdk.errors import GatewayError, GatewayRejected
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.registry import gateways
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.emulator import REGION
from aforo.gateways.aws.emulator.moto_backend import CUSTOMER_ACCOUNT
from aforo.gateways.aws.manifest import MANIFEST
from aforo.gateways.aws.mapping.products import Where
from tests.gateways.aws.metered import (
    GEO,
    WEATHER,
    admin_at,
    artifact_at,
    connection_at,
    emulator_of,
    native_ids,
    quiet,
)
from tests.live import Emulated, emulated

MOVED = (
    "deploymentId",
    "lastUpdatedDate",
    "DeploymentId",
    "LastUpdatedDate",
    "LastDeploymentStatusMessage",
    "deployments",
)


@dataclass
class Place:
    """An account without an Aforo: what the artifact does to it."""

    gateway: Emulated
    artifact: Artifact
    admin: Aws
    native: dict[str, str]

    def wiring(self, *refs: str, **members: Any) -> Wiring:
        products = tuple(ScopedProduct(f"prod_{ref}", ref, self.native[ref], ref) for ref in refs or (GEO, WEATHER))
        return Wiring("int_test", "sk_live_secret", "http://127.0.0.1:1/v1/ingest", products, **members)

    async def attached(self, wiring: Wiring) -> Receipt:
        return await self.artifact.attach(wiring, await self.artifact.deploy(wiring, quiet), quiet)

    def picture(self) -> Any:
        """All APIs, without deployments and moments."""
        region = emulator_of(self.gateway).region(CUSTOMER_ACCOUNT, REGION)
        return _still({kind: copy.deepcopy(region.kind(kind)) for kind in ("restapis", "httpapis", "usageplans")})

    def served(self, ref: str = GEO) -> Any:
        """What the stage of a REST API serves."""
        where = Where.parse(self.native[ref])
        api = emulator_of(self.gateway).region(CUSTOMER_ACCOUNT, REGION).kind("restapis")[where.api_id]
        return copy.deepcopy(api["deployments"][api["stages"][where.stage]["deploymentId"]]["snapshot"])

    async def first_method(self, ref: str = GEO, path: str = "/addresses", verb: str = "GET") -> dict[str, Any]:
        api_id = Where.parse(self.native[ref]).api_id
        resources = await self.admin.every("apigateway", "GetResources", {"restApiId": api_id})
        resource = next(one["id"] for one in resources if one["path"] == path)
        return {"restApiId": api_id, "resourceId": resource, "httpMethod": verb}


def _still(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _still(member) for name, member in value.items() if name not in MOVED}
    return value


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    with emulated("aws", 6) as gateway:
        artifact, admin = artifact_at(gateway), admin_at(gateway)
        yield Place(gateway, artifact, admin, await native_ids(gateway))
        await artifact.aclose()
        await admin.aclose()


async def test_the_preview_writes_nothing_and_names_what_is_hit_taken_and_kept(place: Place) -> None:
    before, log = place.picture(), len(place.gateway.board.log)
    told = await place.artifact.preview(place.wiring())
    assert place.picture() == before
    writes = [row for row in place.gateway.board.log[log:] if row[0] != "GET" and row[1] != "/"]
    assert writes == []
    assert told.hits == (GEO, WEATHER)
    words = [f"{one.action} {one.what} {one.detail}" for one in told.steps]
    assert any(
        re.search("update GeocodingAPI: 4 methods ask Aforo's authorizer .*GET /addresses", one) for one in words
    )
    assert any("keep GeocodingAPI: POST /addresses" in one and "somebody's own authorizer" in one for one in words)
    assert any("session would share it" in one for one in words)
    assert all("sk_live_secret" not in document.text for document in told.documents)


async def test_attaching_takes_open_methods_alone_and_detaching_restores_exactly(place: Place) -> None:
    before, served = place.picture(), place.served()
    wiring = place.wiring(options={"refused_status": "429"})
    receipt = await place.attached(wiring)
    assert receipt.attached == (GEO, WEATHER)
    api = place.picture()["restapis"][Where.parse(place.native[GEO]).api_id]
    ours = next(key for key, one in api["authorizers"].items() if one["name"] == "aforo")
    kinds = {
        (resource["path"], verb): method.get("authorizerId") == ours
        for resource in api["resources"].values()
        for verb, method in resource["methods"].items()
    }
    assert {verb for (_, verb), is_ours in kinds.items() if is_ours} == {"GET"}
    assert {verb for (_, verb), is_ours in kinds.items() if not is_ours} == {"POST"}
    assert (await place.artifact.status(wiring, receipt)).phase is Phase.ATTACHED
    assert await place.artifact.attach(wiring, receipt, quiet) == receipt
    await place.artifact.detach(wiring, receipt)
    await place.artifact.detach(wiring, receipt)
    assert place.picture() == before
    assert place.served() == served
    assert (await place.artifact.status(wiring, None)).phase is Phase.DEPLOYED


async def test_what_others_edit_while_it_is_attached_stays_when_it_is_detached(place: Place) -> None:
    receipt = await place.attached(place.wiring(GEO))
    method = await place.first_method()
    named = [{"op": "replace", "path": "/operationName", "value": "theirs"}]
    await place.admin.call("apigateway", "UpdateMethod", {**method, "patchOperations": named})
    with pytest.raises(GatewayRejected, match="GET /addresses"):  # nobody has deployed it, and detaching would
        await place.artifact.detach(place.wiring(GEO), receipt)
    deployment = {"restApiId": method["restApiId"], "stageName": "prod"}
    await place.admin.call("apigateway", "CreateDeployment", deployment)
    await place.artifact.detach(place.wiring(GEO), receipt)
    told = await place.admin.call("apigateway", "GetMethod", method)
    assert (told["operationName"], told["authorizationType"]) == ("theirs", "NONE")


async def test_a_stage_with_undeployed_edits_or_an_access_log_of_its_own_is_left_out_with_the_reason(
    place: Place,
) -> None:
    method = await place.first_method()
    named = [{"op": "replace", "path": "/operationName", "value": "theirs"}]
    await place.admin.call("apigateway", "UpdateMethod", {**method, "patchOperations": named})
    where = Where.parse(place.native[WEATHER])
    theirs = {"DestinationArn": "arn:aws:logs:eu-west-1:123456789012:log-group:theirs", "Format": "$context.requestId"}
    stage = {"ApiId": where.api_id, "StageName": where.stage}
    await place.admin.call("apigatewayv2", "UpdateStage", {**stage, "AccessLogSettings": theirs})
    before = place.picture()
    told = await place.artifact.preview(place.wiring())
    by_hand = {one.what: one.detail for one in told.steps if one.action == "by_hand"}
    assert "GET /addresses" in by_hand[f"{GEO} is left out"]
    assert "log-group:theirs" in by_hand[f"{WEATHER} is left out"]
    assert told.hits == ()
    with pytest.raises(GatewayRejected, match="no stage to attach to"):
        await place.attached(place.wiring())
    assert place.picture() == before
    wiring = place.wiring(WEATHER, options={"access_log": "replace"})
    receipt = await place.attached(wiring)
    await place.artifact.detach(wiring, receipt)
    assert place.picture() == before


async def test_an_authorizer_of_our_name_that_is_not_ours_stops_everything(place: Place) -> None:
    api_id = Where.parse(place.native[GEO]).api_id
    function = "arn:aws:lambda:eu-west-1:1:function:x"
    uri = f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{function}/invocations"
    theirs = {"restApiId": api_id, "name": "aforo", "type": "REQUEST", "authorizerUri": uri, "identitySource": ""}
    await place.admin.call("apigateway", "CreateAuthorizer", theirs)
    before = place.picture()
    for call in (place.artifact.preview(place.wiring()), place.artifact.deploy(place.wiring(), quiet)):
        with pytest.raises(GatewayRejected, match="not this integration's"):
            await call
    assert place.picture() == before


async def test_another_status_of_refusals_is_deployed_by_the_next_attach(place: Place) -> None:
    receipt = await place.attached(place.wiring(options={"refused_status": "403"}))
    assert 'ACCESS_DENIED", "statusCode": "429"' not in json.dumps(place.served())
    for status, is_there in (("429", True), ("403", False)):
        await place.artifact.attach(place.wiring(options={"refused_status": status}), receipt, quiet)
        assert ('ACCESS_DENIED", "statusCode": "429"' in json.dumps(place.served())) is is_there


async def test_attaching_is_no_drift_and_a_restore_keeps_it_attached(place: Place) -> None:
    gateway = gateways()["aws"].connect(connection_at(place.gateway, "drift"))
    recorded = {one.ref: one for one in (await gateway.discover(quiet)).products}
    receipt = await place.attached(place.wiring(options={"refused_status": "429"}))
    for ref in (GEO, WEATHER):
        live = await gateway.read(recorded[ref])
        assert live is not None
        assert [change.path for change in compare(recorded[ref], live, MANIFEST.kinds).changes] == []
    method = await place.first_method()
    named = [{"op": "replace", "path": "/operationName", "value": "theirs"}]
    await place.admin.call("apigateway", "UpdateMethod", {**method, "patchOperations": named})
    deployment = {"restApiId": method["restApiId"], "stageName": "prod"}
    await place.admin.call("apigateway", "CreateDeployment", deployment)
    live = await gateway.read(recorded[GEO])
    steps = plan_restore(recorded[GEO], live, MANIFEST.kinds, remove=frozenset()).steps
    await gateway.apply(recorded[GEO], live, steps, lambda _: None)
    restored = await gateway.read(recorded[GEO])
    assert restored is not None
    assert [change.path for change in compare(recorded[GEO], restored, MANIFEST.kinds).changes] == []
    status = await place.artifact.status(place.wiring(options={"refused_status": "429"}), receipt)
    assert status.phase is Phase.ATTACHED, status
    await gateway.aclose()


async def test_status_and_verify_say_what_somebody_changed(place: Place) -> None:
    wiring = place.wiring(GEO)
    assert (await place.artifact.status(wiring, None)).phase is Phase.ABSENT
    receipt = await place.attached(wiring)
    assert [line.verdict async for line in place.artifact.verify(wiring, receipt, None)] == [Verdict.OK]
    method = await place.first_method()
    opened = [{"op": "replace", "path": "/authorizationType", "value": "NONE"}]
    await place.admin.call("apigateway", "UpdateMethod", {**method, "patchOperations": opened})
    status = await place.artifact.status(wiring, receipt)
    assert (status.phase, "GET /addresses" in status.detail) == (Phase.DIFFERS, True)
    lines = [line async for line in place.artifact.verify(wiring, receipt, None)]
    assert [line.verdict for line in lines] == [Verdict.FAILED]
    await place.admin.call("lambda", "DeleteFunction", {"FunctionName": "aforo-authorizer-int_test"})
    canary = Canary(f"{place.gateway.url}/proxy/{place.native[GEO]}/addresses", "k", "cust_1", "pro", False)
    lines = [line async for line in place.artifact.verify(wiring, receipt, canary)]
    assert (lines[-1].verdict, lines[-1].next_step) == (Verdict.FAILED, "Deploy and attach again.")


async def test_settings_are_laid_over_what_others_set_and_newer_code_waits_for_attach(place: Place) -> None:
    wiring = place.wiring(GEO)
    await place.attached(wiring)
    name = {"FunctionName": "aforo-authorizer-int_test"}
    told = await place.admin.call("lambda", "GetFunctionConfiguration", name)
    variables = {**told["Environment"]["Variables"], "THEIRS": "kept"}
    await place.admin.call("lambda", "UpdateFunctionConfiguration", {**name, "Environment": {"Variables": variables}})
    await place.artifact.set_mode(replace(wiring, enforce=True), ())
    live = await place.admin.call("lambda", "GetFunctionConfiguration", {**name, "Qualifier": "live"})
    assert live["Environment"]["Variables"] == {**variables, "AFORO_ENFORCE": "true"}
    await place.admin.call("lambda", "UpdateFunctionCode", {**name, "ZipFile": b"PK\x05\x06" + bytes(18)})
    with pytest.raises(GatewayError, match="Newer code"):
        await place.artifact.set_mode(wiring, ())


async def test_more_stages_than_a_functions_settings_hold_are_refused_before_anything_is_made(place: Place) -> None:
    many = tuple(ScopedProduct(f"prod_{n:026}", f"Api{n}/prod", place.native[GEO], "x") for n in range(1))
    wiring = replace(place.wiring(GEO), excluded=tuple(f"/prefix/{n:040}" for n in range(90)), products=many)
    with pytest.raises(GatewayError, match="fit"):
        await place.artifact.deploy(wiring, quiet)
    assert (await place.artifact.status(wiring, None)).phase is Phase.ABSENT
