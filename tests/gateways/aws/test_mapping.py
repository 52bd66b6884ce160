"""Products, overlays and patches: pure values."""

from typing import Any

import pytest

from aforo.gateway_sdk.contract import Action, Entity, Step
from aforo.gateways.aws.mapping.document import assemble, split
from aforo.gateways.aws.mapping.overlay import wanted
from aforo.gateways.aws.mapping.patches import (
    changed_members,
    rest_api_patches,
    stage_patches,
    tag_changes,
    usage_plan_patches,
)
from aforo.gateways.aws.mapping.products import Seen, Where, http_spelling, product, refs, rest_spelling, version
from aforo.kit.jsontree import ABSENT, Absent, Json


def seen(name: str = "Pay", stage: str = "prod", api_id: str = "a1", created: int = 1, **api: Any) -> Seen:
    return Seen(Where("rest", api_id, stage), {"name": name, "createdDate": created, **api}, {"stageName": stage})


def update(changed: dict[str, Json | Absent], target: dict[str, Json]) -> Step:
    live = Entity("spec", "openapi", "n", {})
    return Step(Action.UPDATE, "spec", "openapi", Entity("spec", "openapi", "n", target), live, changed)


def test_a_native_id_names_gateway_kind_api_and_stage() -> None:
    for native_id in ("a1b2/prod", "v2:a1b2/$default"):
        assert Where.parse(native_id).native_id == native_id


def test_where_a_name_stands_twice_the_oldest_api_keeps_the_plain_ref() -> None:
    twins = [
        seen(api_id="young", created=2),
        seen(api_id="old", created=1),
        seen(stage="dev", api_id="young", created=2),
    ]
    assert refs(twins) == {"old/prod": "Pay/prod", "young/prod": "Pay/prod (young)", "young/dev": "Pay/dev"}


@pytest.mark.parametrize(
    ("document", "one", "told"),
    [
        ({"info": {"version": "1.4"}}, seen(tags={"version": "9"}), "1.4"),
        ({"info": {"version": "2026-11-22T12:00:00Z"}}, seen(tags={"version": "9"}), "9"),
        ({"info": {"version": "2026-11-22 12:00:00UTC"}}, seen(stage="v3"), "v3"),
        ({"info": {"version": "2026-11-22T12:00:00"}}, seen(stage="v3"), "v3"),
        ({"info": {"version": "2026-11-22"}}, seen(stage="v3"), "2026-11-22"),
        ({"paths": {"/v2/pay": {}, "/v2/refund": {}}}, seen("Pay-v7"), "v2"),
        ({"paths": {"/v2/pay": {}, "/refund": {}}}, seen("Pay-v7"), "v7"),
        ({"paths": {"/pay": {}}}, seen(), None),
    ],
)
def test_a_version_is_the_importers_else_a_tags_else_a_paths_else_the_names(
    document: dict[str, Any], one: Seen, told: str | None
) -> None:
    assert version(one, document) == told


def test_a_product_has_one_entity_a_kind_and_the_plans_that_cover_its_stage() -> None:
    mine = {"id": "p1", "name": "Gold", "apiStages": [{"apiId": "a1", "stage": "prod"}]}
    others = {"id": "p2", "name": "Other", "apiStages": [{"apiId": "a1", "stage": "dev"}]}
    found = product(seen(), "Pay/prod", {"paths": {}}, [mine, others])
    assert [(entity.kind, entity.key) for entity in found.entities] == [
        ("spec", "openapi"),
        ("integrations", "openapi"),
        ("api", "settings"),
        ("stage", "prod"),
        ("usage_plan", "Gold"),
    ]


def test_two_plans_of_one_name_have_two_keys_that_do_not_depend_on_their_ids() -> None:
    covering = [{"apiId": "a1", "stage": "prod"}]
    plans = [
        {"id": "p1", "name": "Gold", "apiStages": covering, "quota": {"limit": 10, "period": "DAY"}},
        {"id": "p2", "name": "Gold", "apiStages": covering, "quota": {"limit": 20, "period": "DAY"}},
    ]
    swapped = [{**plans[0], "id": "p9"}, {**plans[1], "id": "p0"}]
    limits = [
        {
            entity.key: entity.fields["quota"]
            for entity in product(seen(), "r", {}, told).entities
            if "quota" in entity.fields
        }
        for told in (plans, swapped)
    ]
    assert sorted(limits[0]) == ["Gold", "Gold (2)"]
    assert limits[0] == limits[1]


def test_an_any_method_belongs_to_the_contract_and_its_integration_does_not() -> None:
    method = {"responses": {}, "x-amazon-apigateway-integration": {"type": "mock"}}
    contract, extensions = split({"paths": {"/pay": {"x-amazon-apigateway-any-method": method}}})
    assert contract == {"paths": {"/pay": {"x-amazon-apigateway-any-method": {"responses": {}}}}}
    assert list(extensions.values()) == [{"type": "mock"}]


def test_an_integration_of_a_method_that_the_contract_lacks_is_left_out() -> None:
    extensions = {"/paths/~1gone/get/x-amazon-apigateway-integration": {"type": "mock"}}
    assert assemble({"paths": {"/pay": {}}}, extensions) == {"paths": {"/pay": {}}}


def test_only_the_changes_of_a_step_are_laid_over_what_stands_there() -> None:
    now: dict[str, Json] = {
        "info": {"version": "1"},
        "paths": {"/theirs": {"get": {"summary": "ignored by the operator"}}},
    }
    step = update({"/info/version": "2"}, {"info": {"version": "2"}, "paths": {}})
    assert wanted(now, step) == {"info": {"version": "2"}, "paths": now["paths"]}


def test_a_path_that_others_added_goes_without_a_trace() -> None:
    now: dict[str, Json] = {"paths": {"/pay": {"get": {"summary": "x"}}, "/new": {"get": {"summary": "y"}}}}
    step = update({"/paths/~1new/get/summary": ABSENT}, {"paths": {"/pay": {"get": {"summary": "x"}}}})
    assert wanted(now, step) == {"paths": {"/pay": {"get": {"summary": "x"}}}}


def test_a_removed_path_comes_back_with_its_empty_objects() -> None:
    method: Json = {"responses": {"200": {"description": "ok", "content": {}}}}
    step = update({"/paths/~1pay/get/responses/200/description": "ok"}, {"paths": {"/pay": {"get": method}}})
    assert wanted({"paths": {}}, step) == {"paths": {"/pay": {"get": method}}}


def test_an_apis_patches_say_only_what_differs() -> None:
    now: dict[str, Json] = {
        "name": "Pay",
        "description": "typo",
        "binaryMediaTypes": ["image/gif"],
        "endpointConfiguration": {"types": ["EDGE"]},
        "policy": {"Version": "x"},
    }
    then: dict[str, Json] = {
        "name": "Pay",
        "binaryMediaTypes": ["image/png"],
        "endpointConfiguration": {"types": ["REGIONAL"]},
        "policy": {"Version": "y"},
        "disableExecuteApiEndpoint": True,
    }
    assert rest_api_patches(now, then) == [
        {"op": "add", "path": "/binaryMediaTypes/image~1png"},
        {"op": "remove", "path": "/binaryMediaTypes/image~1gif"},
        {"op": "replace", "path": "/description", "value": ""},
        {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "true"},
        {"op": "replace", "path": "/endpointConfiguration/types/EDGE", "value": "REGIONAL"},
        {"op": "replace", "path": "/policy", "value": '{"Version": "y"}'},
    ]


def test_a_stages_patches_use_awss_names_for_method_settings() -> None:
    now: dict[str, Json] = {
        "variables": {"a": "1", "gone": "x"},
        "methodSettings": {
            "*/*": {"metricsEnabled": True, "loggingLevel": "INFO"},
            "~1old/GET": {"cachingEnabled": True},
        },
    }
    then: dict[str, Json] = {
        "variables": {"a": "2"},
        "methodSettings": {"*/*": {"metricsEnabled": False}, "~1pay/GET": {"throttlingRateLimit": 5.0}},
    }
    assert stage_patches(now, then) == [
        {"op": "replace", "path": "/variables/a", "value": "2"},
        {"op": "remove", "path": "/variables/gone"},
        {"op": "replace", "path": "/*/*/logging/loglevel", "value": "OFF"},
        {"op": "replace", "path": "/*/*/metrics/enabled", "value": "false"},
        {"op": "remove", "path": "/~1old/GET"},
        {"op": "replace", "path": "/~1pay/GET/throttling/rateLimit", "value": "5.0"},
    ]


def test_a_plans_changes_are_one_list_of_patches() -> None:
    now: dict[str, Json] = {"throttle": {"rateLimit": 1}, "methodThrottle": {"/pay/GET": {"rateLimit": 1}}}
    then: dict[str, Json] = {
        "quota": {"limit": 10, "period": "DAY"},
        "methodThrottle": {"/pay/GET": {"rateLimit": 2, "burstLimit": 3}},
    }
    assert usage_plan_patches(now, then, "a1:prod") == [
        {"op": "remove", "path": "/throttle"},
        {"op": "replace", "path": "/quota/limit", "value": "10"},
        {"op": "replace", "path": "/quota/period", "value": "DAY"},
        {"op": "replace", "path": "/apiStages/a1:prod/throttle/~1pay~1GET/burstLimit", "value": "3"},
        {"op": "replace", "path": "/apiStages/a1:prod/throttle/~1pay~1GET/rateLimit", "value": "2"},
    ]


def test_tags_are_set_and_removed_by_name() -> None:
    assert tag_changes({"tags": {"a": "1", "b": "2"}}, {"tags": {"a": "1", "c": "3"}}) == ({"c": "3"}, ["b"])


def test_an_http_stages_changed_members_are_sent_whole() -> None:
    now: dict[str, Json] = {"stageVariables": {"a": "1", "b": "2"}, "description": "same", "tags": {"x": "y"}}
    then: dict[str, Json] = {"stageVariables": {"a": "9", "b": "2"}, "description": "same", "autoDeploy": True}
    assert changed_members(now, then) == {"autoDeploy": True, "stageVariables": {"a": "9", "b": "2"}}


def test_names_that_somebody_chose_keep_their_case_between_the_two_spellings() -> None:
    told = {
        "StageVariables": {"Mode": "Live"},
        "RouteSettings": {"GET /Pay": {"DetailedMetricsEnabled": True}},
        "Tags": {"Team": "Pay"},
    }
    spelled = rest_spelling(told)
    assert spelled["routeSettings"] == {"GET /Pay": {"detailedMetricsEnabled": True}}
    assert spelled["stageVariables"] == {"Mode": "Live"}
    assert http_spelling(spelled) == told


def test_variables_and_fixed_headers_that_are_named_for_a_secret_are_told_as_secrets() -> None:
    integration = {
        "requestParameters": {
            "integration.request.header.Authorization": "'Bearer planted'",
            "integration.request.header.X-Api-Key": "method.request.header.x-api-key",
            "integration.request.header.Accept": "'application/json'",
        }
    }
    document = {"paths": {"/pay": {"get": {"x-amazon-apigateway-integration": integration}}}}
    one = seen()
    stage = {"variables": {"backend_token": "planted", "backend": "https://b.example"}}
    found = product(Seen(one.where, one.api, stage), "ref", document, [])
    told = {entity.kind: sorted(entity.secrets) for entity in found.entities if entity.secrets}
    place = "/~1paths~1~01pay~1get~1x-amazon-apigateway-integration/requestParameters/"
    assert told == {
        "integrations": [f"{place}integration.request.header.Authorization"],
        "stage": ["/variables/backend_token"],
    }
