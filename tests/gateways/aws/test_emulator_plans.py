"""AWS's rules around usage plans, keys and stages, most of which moto lets pass."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.aws import emulator
from tests.gateways.aws.served_emulator import Account, code, serving

DOCUMENT = {
    "openapi": "3.0.1",
    "info": {"title": "Pets", "version": "1"},
    "paths": {"/pets": {"get": {"responses": {}, "x-amazon-apigateway-integration": {"type": "mock"}}}},
}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with serving(emulator.create(StateFile())) as served:
        yield served


@pytest.fixture
def v1(account: Account) -> Any:
    return account.client("apigateway")


@pytest.fixture
def api(v1: Any) -> str:
    made = str(v1.import_rest_api(body=json.dumps(DOCUMENT).encode())["id"])
    v1.create_deployment(restApiId=made, stageName="prod")
    return made


def attach(op: str, api: str, stage: str = "prod") -> dict[str, str]:
    return {"op": op, "path": "/apiStages", "value": f"{api}:{stage}"}


def refused(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**params)
    return code(raised.value)


def test_a_stage_is_attached_once(v1: Any, api: str) -> None:
    plan = v1.create_usage_plan(name="gold", apiStages=[{"apiId": api, "stage": "prod"}])["id"]
    operations = [attach("add", api)]
    assert refused(v1.update_usage_plan, usagePlanId=plan, patchOperations=operations) == "ConflictException"
    assert len(v1.get_usage_plan(usagePlanId=plan)["apiStages"]) == 1


def test_an_unknown_stage_is_not_attached(v1: Any, api: str) -> None:
    plan = v1.create_usage_plan(name="gold")["id"]
    operations = [attach("add", api, "none")]
    assert refused(v1.update_usage_plan, usagePlanId=plan, patchOperations=operations) == "NotFoundException"


def test_one_patch_changes_all_or_nothing(v1: Any, api: str) -> None:
    plan = v1.create_usage_plan(name="gold", quota={"limit": 5, "period": "DAY"})["id"]
    limit = {"op": "replace", "path": "/quota/limit", "value": "9"}
    refused(v1.update_usage_plan, usagePlanId=plan, patchOperations=[limit, attach("add", api, "none")])
    assert v1.get_usage_plan(usagePlanId=plan)["quota"]["limit"] == 5
    rate = {"op": "replace", "path": "/throttle/rateLimit", "value": "2.5"}
    changed = v1.update_usage_plan(usagePlanId=plan, patchOperations=[limit, rate, attach("add", api)])
    assert changed["quota"]["limit"] == 9
    assert changed["throttle"] == {"rateLimit": 2.5}
    assert changed["apiStages"] == [{"apiId": api, "stage": "prod"}]


def test_a_method_has_a_limit_of_its_own(v1: Any, api: str) -> None:
    plan = v1.create_usage_plan(name="gold", apiStages=[{"apiId": api, "stage": "prod"}])["id"]
    path = f"/apiStages/{api}:prod/throttle/~1pets~1GET/rateLimit"
    operations = [{"op": "replace", "path": path, "value": "3"}]
    changed = v1.update_usage_plan(usagePlanId=plan, patchOperations=operations)
    assert changed["apiStages"] == [{"apiId": api, "stage": "prod", "throttle": {"/pets/GET": {"rateLimit": 3.0}}}]


def test_a_plan_with_stages_cannot_be_deleted_nor_their_stage_nor_their_api(v1: Any, api: str) -> None:
    plan = v1.create_usage_plan(name="gold", apiStages=[{"apiId": api, "stage": "prod"}])["id"]
    assert refused(v1.delete_usage_plan, usagePlanId=plan) == "BadRequestException"
    assert refused(v1.delete_stage, restApiId=api, stageName="prod") == "BadRequestException"
    assert refused(v1.delete_rest_api, restApiId=api) == "BadRequestException"
    v1.update_usage_plan(usagePlanId=plan, patchOperations=[attach("remove", api)])
    v1.delete_usage_plan(usagePlanId=plan)
    v1.delete_rest_api(restApiId=api)


def test_a_key_is_in_one_plan_for_a_stage(v1: Any, api: str) -> None:
    first, second = (
        v1.create_usage_plan(name=name, apiStages=[{"apiId": api, "stage": "prod"}])["id"] for name in "ab"
    )
    elsewhere = v1.create_usage_plan(name="elsewhere")["id"]
    key = v1.create_api_key(name="acme")["id"]
    v1.create_usage_plan_key(usagePlanId=first, keyId=key, keyType="API_KEY")
    again: dict[str, Any] = {"usagePlanId": second, "keyId": key, "keyType": "API_KEY"}
    assert refused(v1.create_usage_plan_key, **again) == "ConflictException"
    v1.create_usage_plan_key(usagePlanId=elsewhere, keyId=key, keyType="API_KEY")
    operations = [attach("add", api)]
    assert refused(v1.update_usage_plan, usagePlanId=elsewhere, patchOperations=operations) == "ConflictException"
    assert {plan["id"] for plan in v1.get_usage_plans(keyId=key)["items"]} == {first, elsewhere}


def test_a_key_value_is_unique_and_told_only_on_request(v1: Any) -> None:
    value = "a-value-of-twenty-or-more-characters"
    key = v1.create_api_key(name="one", value=value)
    assert key["value"] == value
    assert refused(v1.create_api_key, name="two", value=value) == "ConflictException"
    assert "value" not in v1.get_api_key(apiKey=key["id"])
    assert v1.get_api_key(apiKey=key["id"], includeValue=True)["value"] == value


def test_a_deleted_key_leaves_its_plans(v1: Any) -> None:
    plan, key = v1.create_usage_plan(name="gold")["id"], v1.create_api_key(name="acme")["id"]
    v1.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    v1.delete_api_key(apiKey=key)
    assert v1.get_usage_plan_keys(usagePlanId=plan)["items"] == []


def test_a_quota_needs_a_period(v1: Any) -> None:
    assert refused(v1.create_usage_plan, name="gold", quota={"limit": 5}) == "BadRequestException"


def test_a_new_key_can_be_given_what_the_old_one_had_left(v1: Any) -> None:
    plan = v1.create_usage_plan(name="gold", quota={"limit": 100, "period": "MONTH"})["id"]
    key = v1.create_api_key(name="acme")["id"]
    v1.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    day: dict[str, Any] = {"usagePlanId": plan, "startDate": "2026-11-22", "endDate": "2026-11-22"}
    assert v1.get_usage(**day)["items"] == {key: [[0, 100]]}
    left = [{"op": "replace", "path": "/remaining", "value": "7"}]
    v1.update_usage(usagePlanId=plan, keyId=key, patchOperations=left)
    assert v1.get_usage(**day)["items"] == {key: [[0, 7]]}


def test_tags_are_kept_per_object(v1: Any, api: str) -> None:
    arns = [
        f"arn:aws:apigateway:eu-west-1::/restapis/{api}",
        f"arn:aws:apigateway:eu-west-1::/restapis/{api}/stages/prod",
    ]
    for number, arn in enumerate(arns):
        v1.tag_resource(resourceArn=arn, tags={"n": str(number), "gone": "x"})
        v1.untag_resource(resourceArn=arn, tagKeys=["gone"])
    assert [v1.get_tags(resourceArn=arn)["tags"] for arn in arns] == [{"n": "0"}, {"n": "1"}]
    assert v1.get_rest_api(restApiId=api)["tags"] == {"n": "0"}


def test_stage_settings_are_patched_by_method(v1: Any, api: str) -> None:
    operations = [
        {"op": "replace", "path": "/~1pets/GET/throttling/burstLimit", "value": "7"},
        {"op": "replace", "path": "/*/*/logging/loglevel", "value": "INFO"},
        {"op": "replace", "path": "/variables/backend", "value": "b.example.com"},
        {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": "arn:aws:logs:eu-west-1:1:log-group:g"},
    ]
    with pytest.raises(ClientError, match="CloudWatch Logs role ARN must be set"):
        v1.update_stage(restApiId=api, stageName="prod", patchOperations=operations)
    role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::1:role/logs"}
    v1.update_account(patchOperations=[role])
    stage = v1.update_stage(restApiId=api, stageName="prod", patchOperations=operations)
    assert stage["methodSettings"]["pets/GET"]["throttlingBurstLimit"] == 7
    assert stage["methodSettings"]["*/*"]["loggingLevel"] == "INFO"
    assert stage["variables"] == {"backend": "b.example.com"}
    assert stage["accessLogSettings"] == {"destinationArn": "arn:aws:logs:eu-west-1:1:log-group:g"}
