"""The connector against the emulated account: test, discover, read, and put back what somebody changed."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Check, Gateway, Product, Step, Verdict
from aforo.gateway_sdk.emulator import Fault, StateFile, Switchboard
from aforo.gateway_sdk.errors import (
    GatewayError,
    GatewayThrottled,
    GatewayUnavailable,
    GatewayUnsafeRole,
    PostconditionFailed,
)
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.aws import emulator
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector import connect
from aforo.gateways.aws.emulator.seeds import EXTERNAL_ID, OPEN_ROLE_ARN, ROLE_ARN
from aforo.gateways.aws.manifest import MANIFEST
from aforo.kit.clock import HandClock
from tests.gateways.aws.emulated_account import BASE, Account, by_role, connection, patch

pytestmark = pytest.mark.conformance


async def lines(gateway: Gateway) -> dict[str, Check]:
    return {check.name: check async for check in gateway.check()}


async def test_a_good_role_passes_and_writing_is_said_not_to_be_tested(account: Account) -> None:
    told = await lines(by_role(account))
    assert [check.verdict for check in told.values()].count(Verdict.FAILED) == 0
    assert told["Role demands our ExternalId"].detail == "a missing and a wrong one are refused"
    assert told["May write"].verdict is Verdict.LIMITED
    assert all(method == "GET" or path == "/" for method, path in account.board.log)  # STS posts to /


async def test_a_role_that_accepts_a_wrong_or_missing_external_id_is_refused_in_those_words(account: Account) -> None:
    told = await lines(by_role(account, OPEN_ROLE_ARN))
    line = told["Role demands our ExternalId"]
    assert (line.verdict, line.code) == (Verdict.FAILED, "gateway_unsafe_role")
    assert "accepts a missing or wrong ExternalId" in line.detail
    assert "REST APIs readable" not in told


async def test_an_unsafe_role_is_refused_in_the_same_words_at_every_use(account: Account) -> None:
    told = (await lines(by_role(account, OPEN_ROLE_ARN)))["Role demands our ExternalId"]
    recorded = await account.product("PaymentsAPI/prod")
    gateway = by_role(account, OPEN_ROLE_ARN)
    account.board.log.clear()
    for use in (gateway.ping(), gateway.discover(lambda *_: None), gateway.read(recorded)):
        with pytest.raises(GatewayUnsafeRole) as caught:
            await use
        assert (caught.value.detail, caught.value.next_step) == (told.detail, told.next_step)
    assert {path for _, path in account.board.log} == {"/"}, "STS alone was called"


async def test_a_refusal_that_could_not_be_had_proves_nothing(account: Account) -> None:
    busy = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
    account.board.faults.append(Fault(400, times=3, after=1, path="/", method="POST", body=busy.decode()))
    gateway = by_role(account)
    with pytest.raises(GatewayThrottled):
        await gateway.ping()
    await gateway.ping()


async def test_a_role_that_wants_another_external_id_is_told_as_such(account: Account) -> None:
    line = (await lines(by_role(account, external_id="00000000-0000-0000-0000-000000000000")))["Role assumed"]
    assert (line.verdict, line.code) == (Verdict.FAILED, "gateway_forbidden")
    assert "ExternalId" in str(line.next_step)


async def test_without_a_principal_of_its_own_aforo_names_the_settings(account: Account) -> None:
    settings = {"role_arn": ROLE_ARN, "region": emulator.REGION, "endpoint_url": BASE}
    gateway = connect(connection(account.board, "aws_role", settings, account.clock, external_id=EXTERNAL_ID))
    line = (await lines(gateway))["Aforo's AWS principal accepted"]
    assert line.verdict is Verdict.FAILED
    assert "AFORO_AWS_ACCESS_KEY_ID and AFORO_AWS_SECRET_ACCESS_KEY" in str(line.next_step)
    assert account.board.log == []


async def test_a_new_role_is_waited_for_up_to_thirty_seconds(account: Account) -> None:
    refused = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>".decode()
    account.board.faults.append(Fault(403, times=4, after=1, path="/", method="POST", body=refused))
    told = await lines(by_role(account, fresh_role="true"))
    assert told["Role assumed"].verdict is Verdict.OK
    assert account.clock.monotonic() == 12


async def test_a_wrong_secret_is_refused_without_being_shown(account: Account) -> None:
    sign_in, keys = emulator.sample_connection(BASE)
    wrong = {**keys, "secret_access_key": "planted/secret/never/shown"}
    told = await lines(connect(connection(account.board, sign_in, wrong, account.clock)))
    assert told["Credential accepted"].code == "gateway_auth_failed"
    assert "planted" not in str(told)


async def test_discovery_finds_every_stage_with_two_calls_each_at_most(account: Account) -> None:
    found = await account.gateway.discover(lambda *_: None)
    assert len(found.products) == 12
    assert not found.partial
    assert len(account.board.log) <= 2 * len(found.products) + 3
    assert {product.version for product in found.products} >= {"2.1.0", "3.0.0"}


async def test_reading_one_product_gives_what_discovery_gave(account: Account) -> None:
    for product in (await account.gateway.discover(lambda *_: None)).products:
        assert await account.gateway.read(product) == product


async def test_a_stage_whose_export_fails_is_left_out_and_told(account: Account) -> None:
    whole = await account.product("PaymentsAPI/prod")
    api_id = whole.native_id.split("/")[0]
    account.board.faults.append(Fault(500, path=f"/restapis/{api_id}/stages/prod/exports", body='{"message":"x"}'))
    found = await account.gateway.discover(lambda *_: None)
    assert found.partial
    assert "PaymentsAPI/prod" not in [product.ref for product in found.products]
    assert [problem.what for problem in found.problems] == ["PaymentsAPI/prod"]
    assert len(found.products) == 11


async def test_unreadable_usage_plans_leave_rest_stages_out_rather_than_without_plans(account: Account) -> None:
    account.board.faults.append(Fault(500, path="/usageplans", body='{"message":"x"}'))
    found = await account.gateway.discover(lambda *_: None)
    assert found.partial
    assert found.products
    assert all(product.native_id.startswith("v2:") for product in found.products)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, times=3, after=1, path="/restapis", body='{"message":"Too Many Requests"}'),
        Fault(200, after=1, path="/restapis", cut=True),
        Fault(403, after=1, path="/restapis", body='{"message":"not authorized"}'),
    ],
    ids=["throttled", "cut", "forbidden"],
)
async def test_a_page_that_fails_in_the_middle_makes_discovery_partial(account: Account, fault: Fault) -> None:
    account.app.switches.page_size = 3
    account.board.faults.append(replace(fault))
    found = await account.gateway.discover(lambda *_: None)
    assert found.partial
    assert [problem.what for problem in found.problems] == ["REST APIs"]
    assert 0 < len(found.products) < 12


async def test_only_a_first_call_that_fails_raises(account: Account) -> None:
    account.board.faults.append(Fault(500, path="/restapis", body='{"message":"x"}'))
    with pytest.raises(GatewayUnavailable):
        await account.gateway.discover(lambda *_: None)


async def edit_api(account: Account, product: Product) -> None:
    api_id = product.native_id.split("/")[0]
    await account.admin.call(
        "apigateway", "UpdateRestApi", {"restApiId": api_id, "patchOperations": [patch("replace", "/description", "x")]}
    )


async def edit_stage(account: Account, product: Product) -> None:
    api_id, stage = product.native_id.split("/")
    operations = [
        patch("replace", "/variables/backend", "elsewhere"),
        patch("replace", "/~1charges/GET/throttling/rateLimit", "3"),
    ]
    asked = {"restApiId": api_id, "stageName": stage, "patchOperations": operations}
    await account.admin.call("apigateway", "UpdateStage", asked)


async def edit_plan(account: Account, product: Product) -> None:
    plan = next(entity for entity in product.entities if entity.kind == "usage_plan")
    stage = product.native_id.replace("/", ":")
    operations = [
        patch("replace", "/quota/limit", "7"),
        patch("replace", "/throttle/rateLimit", "1"),
        patch("replace", f"/apiStages/{stage}/throttle/~1charges~1GET/rateLimit", "2"),
    ]
    asked = {"usagePlanId": plan.native_id, "patchOperations": operations}
    await account.admin.call("apigateway", "UpdateUsagePlan", asked)


async def take_plan_off(account: Account, product: Product) -> None:
    plan = next(entity for entity in product.entities if entity.kind == "usage_plan")
    operations = [patch("remove", "/apiStages", product.native_id.replace("/", ":"))]
    asked = {"usagePlanId": plan.native_id, "patchOperations": operations}
    await account.admin.call("apigateway", "UpdateUsagePlan", asked)


async def edit_document(account: Account, product: Product) -> None:
    api_id, stage = product.native_id.split("/")
    resources = await account.admin.every("apigateway", "GetResources", {"restApiId": api_id})
    charges = next(resource for resource in resources if resource["path"] == "/charges")
    place = {"restApiId": api_id, "resourceId": charges["id"]}
    await account.admin.call("apigateway", "DeleteMethod", {**place, "httpMethod": "POST"})
    await account.admin.call("apigateway", "CreateDeployment", {"restApiId": api_id, "stageName": stage})


Edit = Callable[[Account, Product], Any]


@pytest.mark.parametrize(
    ("edit", "titles"),
    [
        (edit_api, ["update api settings"]),
        (edit_stage, ["update stage prod"]),
        (edit_plan, ["update usage_plan bronze"]),
        (take_plan_off, ["create usage_plan bronze"]),
        (edit_document, ["update spec openapi", "update integrations openapi"]),
    ],
)
async def test_an_edit_is_seen_put_back_and_then_gone(account: Account, edit: Edit, titles: list[str]) -> None:
    recorded = await account.product("PaymentsAPI/prod")
    await edit(account, recorded)
    assert await account.drift(recorded)
    assert await account.restore(recorded) == titles
    assert await account.drift(recorded) == []
    assert await account.restore(recorded) == []


async def test_a_restored_stage_leaves_its_sister_alone(account: Account) -> None:
    prod, dev = await account.product("PaymentsAPI/prod"), await account.product("PaymentsAPI/dev")
    await edit_document(account, prod)
    await account.restore(prod)
    assert await account.drift(dev) == []


async def test_a_plan_is_put_back_in_one_update(account: Account) -> None:
    recorded = await account.product("PaymentsAPI/prod")
    await edit_plan(account, recorded)
    account.board.log.clear()
    await account.restore(recorded)
    assert [path.split("/")[1] for method, path in account.board.log if method == "PATCH"] == ["usageplans"]


async def test_a_plan_of_others_is_taken_off_the_stage_only_when_ticked(account: Account) -> None:
    recorded = await account.product("PaymentsAPI/prod")
    api_id, stage = recorded.native_id.split("/")
    asked = {"name": "theirs", "apiStages": [{"apiId": api_id, "stage": stage}]}
    plan = await account.admin.call("apigateway", "CreateUsagePlan", asked)
    assert await account.drift(recorded) == ["/usage_plan/theirs"]
    assert await account.restore(recorded) == []
    assert await account.restore(recorded, frozenset({"/usage_plan/theirs"})) == ["delete usage_plan theirs"]
    assert await account.drift(recorded) == []
    left = await account.admin.call("apigateway", "GetUsagePlan", {"usagePlanId": plan["id"]})
    assert left["name"] == "theirs"


async def test_a_deleted_rest_api_comes_back_under_a_new_id_with_equal_content(account: Account) -> None:
    recorded = await account.product("FraudScoreAPI/prod")
    api_id = recorded.native_id.split("/")[0]
    plan = next(entity for entity in recorded.entities if entity.kind == "usage_plan")
    off = [patch("remove", "/apiStages", recorded.native_id.replace("/", ":"))]
    await account.admin.call("apigateway", "UpdateUsagePlan", {"usagePlanId": plan.native_id, "patchOperations": off})
    await account.admin.call("apigateway", "DeleteRestApi", {"restApiId": api_id})
    assert await account.gateway.read(recorded) is None
    assert len(await account.restore(recorded)) == 5
    there = await account.product("FraudScoreAPI/prod")
    assert there.native_id != recorded.native_id
    assert await account.drift(recorded) == []
    assert there.version == recorded.version


async def test_both_stages_of_a_deleted_api_come_back_to_one_new_api(account: Account) -> None:
    prod, dev = await account.product("TranslationAPI/prod"), await account.product("TranslationAPI/dev")
    for product in (prod, dev):
        await take_plan_off(account, product)
    await account.admin.call("apigateway", "DeleteRestApi", {"restApiId": prod.native_id.split("/")[0]})
    await account.restore(prod)
    await account.restore(dev)
    ids = {(await account.product(f"TranslationAPI/{stage}")).native_id.split("/")[0] for stage in ("prod", "dev")}
    assert len(ids) == 1
    assert (await account.drift(prod), await account.drift(dev)) == ([], [])


async def test_a_restore_that_broke_off_is_finished_by_the_next_without_a_second_api(account: Account) -> None:
    recorded = await account.product("FraudScoreAPI/prod")
    await take_plan_off(account, recorded)
    await account.admin.call("apigateway", "DeleteRestApi", {"restApiId": recorded.native_id.split("/")[0]})
    account.board.faults.append(Fault(500, path="/restapis", method="PATCH", body='{"message":"x"}'))
    done: list[Step] = []
    steps = plan_restore(recorded, None, MANIFEST.kinds).steps
    with pytest.raises(GatewayError):
        await account.gateway.apply(recorded, None, steps, done.append)
    assert len(done) < len(steps)
    await account.gateway.apply(recorded, None, [step for step in steps if step not in done], done.append)
    assert {step.title for step in done} == {step.title for step in steps}
    named = [api for api in await account.admin.every("apigateway", "GetRestApis") if api["name"] == "FraudScoreAPI"]
    assert len(named) == 1
    assert await account.drift(recorded) == []


async def test_a_deleted_stage_comes_back_on_the_api_that_is_still_there(account: Account) -> None:
    recorded, sister = await account.product("PaymentsAPI/prod"), await account.product("PaymentsAPI/dev")
    api_id = recorded.native_id.split("/")[0]
    await take_plan_off(account, recorded)
    await account.admin.call("apigateway", "DeleteStage", {"restApiId": api_id, "stageName": "prod"})
    assert await account.gateway.read(recorded) is None
    await account.restore(recorded)
    assert (await account.product("PaymentsAPI/prod")).native_id == recorded.native_id
    assert (await account.drift(recorded), await account.drift(sister)) == ([], [])


async def test_a_policy_that_names_its_own_api_comes_back_with_the_new_id(account: Account) -> None:
    before = await account.product("FraudScoreAPI/prod")
    api_id = before.native_id.split("/")[0]
    arn = f"arn:aws:execute-api:{emulator.REGION}:123456789012:{api_id}/*"
    rule = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": arn}
    policy = patch("replace", "/policy", json.dumps({"Version": "2012-10-17", "Statement": [rule]}))
    await account.admin.call("apigateway", "UpdateRestApi", {"restApiId": api_id, "patchOperations": [policy]})
    recorded = await account.live(before)
    await take_plan_off(account, recorded)
    await account.admin.call("apigateway", "DeleteRestApi", {"restApiId": api_id})
    await account.restore(recorded)
    there = await account.product("FraudScoreAPI/prod")
    new_id = there.native_id.split("/")[0]
    told = await account.admin.call("apigateway", "GetRestApi", {"restApiId": new_id})
    assert new_id in told["policy"]
    assert api_id not in told["policy"]
    assert await account.drift(recorded) == []


async def test_tags_of_api_stage_and_plan_are_put_back(account: Account) -> None:
    recorded = await account.product("PaymentsAPI/prod")
    plan = next(entity for entity in recorded.entities if entity.kind == "usage_plan")
    api_id = recorded.native_id.split("/")[0]
    for parts in (("restapis", api_id), ("restapis", api_id, "stages", "prod"), ("usageplans", plan.native_id)):
        asked = {"resourceArn": account.admin.arn(*parts), "tags": {"added": "by others", "team": "other"}}
        await account.admin.call("apigateway", "TagResource", asked)
    assert len(await account.drift(recorded)) == 6
    await account.restore(recorded)
    assert await account.drift(recorded) == []


async def test_a_write_that_aws_accepts_and_does_not_show_is_an_error(account: Account) -> None:
    recorded = await account.product("PaymentsAPI/prod")
    await edit_plan(account, recorded)
    plan = next(entity for entity in (await account.live(recorded)).entities if entity.kind == "usage_plan")
    silent = json.dumps({"id": plan.native_id, "name": "bronze"})
    account.board.faults.append(Fault(200, path=f"/usageplans/{plan.native_id}", method="PATCH", body=silent))
    with pytest.raises(PostconditionFailed):
        await account.restore(recorded)


async def test_discovery_and_restore_stay_within_awss_call_limits() -> None:
    """The emulator refuses calls above them; its clock and ours are one, and only our budget moves it."""
    clock = HandClock(datetime.now(UTC))
    app = emulator.create(StateFile(), clock=clock)
    emulator.seed(app, 60)
    app.switches.throttle = True
    heard: list[GatewayError] = []

    class Hearing(OpenGate):
        async def failed(self, error: GatewayError) -> None:
            heard.append(error)

    sign_in, keys = emulator.sample_connection(BASE)
    plain = connection(app, sign_in, keys, clock)
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app))
    transport = Transport(http, gateway_name="AWS", budget=Budget(MANIFEST.call_limits, clock), gate=Hearing())
    gateway = connect(replace(plain, transport=transport))
    found = await gateway.discover(lambda *_: None)
    one = next(product for product in found.products if product.ref == "PaymentsAPI/prod")
    account = Account(app, Switchboard(app), gateway, Aws(replace(plain, transport=transport)), clock)
    for edit in (edit_plan, edit_document):
        await edit(account, one)
        await account.restore(one)
    assert len(found.products) == 60
    assert heard == []
    assert clock.monotonic() > 20, "two updates of a plan are twenty seconds apart"


async def test_an_http_api_is_put_back_by_reimport(account: Account) -> None:
    recorded = await account.product("WeatherAPI/prod")
    api_id = recorded.native_id.removeprefix("v2:").split("/")[0]
    routes = await account.admin.every("apigatewayv2", "GetRoutes", {"ApiId": api_id})
    await account.admin.call("apigatewayv2", "DeleteRoute", {"ApiId": api_id, "RouteId": routes[0]["RouteId"]})
    await account.admin.call("apigatewayv2", "CreateDeployment", {"ApiId": api_id, "StageName": "prod"})
    stage = {"ApiId": api_id, "StageName": "prod", "StageVariables": {"added": "by others"}, "Description": "x"}
    await account.admin.call("apigatewayv2", "UpdateStage", stage)
    await account.admin.call("apigatewayv2", "UpdateApi", {"ApiId": api_id, "Description": "edited"})
    assert await account.drift(recorded)
    await account.restore(recorded)
    assert await account.drift(recorded) == []


async def test_a_deleted_http_api_comes_back_under_a_new_id_with_equal_content(account: Account) -> None:
    recorded = await account.product("WeatherAPI/prod")
    api_id = recorded.native_id.removeprefix("v2:").split("/")[0]
    await account.admin.call("apigatewayv2", "DeleteApi", {"ApiId": api_id})
    await account.restore(recorded)
    assert (await account.product("WeatherAPI/prod")).native_id != recorded.native_id
    assert await account.drift(recorded) == []


async def test_a_re_created_product_is_found_by_its_name(account: Account) -> None:
    recorded = await account.product("GeocodingAPI/prod")
    strayed = replace(recorded, native_id="gone123456/prod")
    found = await account.gateway.read(strayed)
    assert found is not None
    assert found.native_id == recorded.native_id


async def test_cors_that_others_switched_on_is_switched_off_again(account: Account) -> None:
    before = await account.product("WeatherAPI/prod")
    api_id = before.native_id.removeprefix("v2:").split("/")[0]
    await account.admin.call("apigatewayv2", "DeleteCorsConfiguration", {"ApiId": api_id})
    recorded = await account.live(before)
    cors = {"ApiId": api_id, "CorsConfiguration": {"AllowOrigins": ["https://others.example"]}}
    await account.admin.call("apigatewayv2", "UpdateApi", cors)
    assert await account.drift(recorded) == ["/api/settings/corsConfiguration/allowOrigins"]
    await account.restore(recorded)
    assert await account.drift(recorded) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=st.lists(st.sampled_from(["pay", "refunds", "charges/{id}"]), min_size=1, unique=True), data=st.data())
async def test_any_imported_api_comes_back_as_it_was_after_it_was_deleted(
    account: Account, paths: list[str], data: st.DataObject
) -> None:
    methods = st.sampled_from(["get", "post", "x-amazon-apigateway-any-method"])
    kinds = st.sampled_from([{"type": "mock"}, {"type": "http_proxy", "uri": "https://b.example", "httpMethod": "GET"}])
    operation = {"responses": {"200": {"description": "200 response"}}}
    name = f"Generated{uuid.uuid4().hex}"
    document = {
        "openapi": "3.0.1",
        "info": {"title": name, "version": "1.0"},
        "paths": {
            f"/{path}": {data.draw(methods): {**operation, "x-amazon-apigateway-integration": data.draw(kinds)}}
            for path in paths
        },
    }
    asked = {"body": json.dumps(document).encode(), "parameters": {"endpointConfigurationTypes": "REGIONAL"}}
    made = await account.admin.call("apigateway", "ImportRestApi", asked)
    deployed = {"restApiId": made["id"], "stageName": "prod", "variables": {"mode": "live"}}
    await account.admin.call("apigateway", "CreateDeployment", deployed)
    recorded = await account.product(f"{name}/prod")
    await account.admin.call("apigateway", "DeleteRestApi", {"restApiId": made["id"]})
    await account.restore(recorded)
    assert await account.drift(recorded) == []
