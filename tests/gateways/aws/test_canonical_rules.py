"""The canonical form, rule by rule: two reads of one unchanged API are equal, and no rule is without need."""

import copy
from typing import Any

import pytest

from aforo.gateways.aws.mapping.rules import API, DOCUMENT, RULES, STAGE, USAGE_PLAN, canonical_form
from aforo.gateways.aws.mapping.rules.own import Own
from aforo.kit.jsontree import same

A, B = Own("a1b2c3d4e5", "prod"), Own("z9y8x7w6v5", "prod")
Read = tuple[str, dict[str, Any], dict[str, Any]]


def document(**parts: Any) -> dict[str, Any]:
    return {"openapi": "3.0.1", "paths": {}, **parts}


def operation(**parts: Any) -> dict[str, Any]:
    return document(paths={"/pay": {"get": {"responses": {}, **parts}}})


def plan(api_id: str, *others: dict[str, Any], **parts: Any) -> dict[str, Any]:
    stage = {"apiId": api_id, "stage": "prod", "throttle": {"/pay/GET": {"rateLimit": 5.0, "burstLimit": 2}}}
    return {"name": "Gold", "apiStages": [stage, *others], **parts}


def integration(**parts: Any) -> dict[str, Any]:
    return operation(**{"x-amazon-apigateway-integration": {"type": "http", **parts}})


def attached(read: dict[str, Any]) -> dict[str, Any]:
    """The same with Aforo's authorizer before its one operation, and its words for refused callers."""
    found = copy.deepcopy(read)
    found["paths"]["/pay"]["get"]["security"][0]["aforo"] = []
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:%s"
    inner = {"type": "request", "authorizerUri": uri % "aforo-authorizer-int_1:live/invocations"}
    found["components"] = {"securitySchemes": {"aforo": {"x-amazon-apigateway-authorizer": inner}}}
    told = {"responseTemplates": {"application/json": '{"retryAfter":$context.authorizer.retryAfter}'}}
    found["x-amazon-apigateway-gateway-responses"] = {"ACCESS_DENIED": {"statusCode": "429", **told}}
    return found


OUR_LOG = {"destinationArn": "arn:aws:logs:us-east-1:1:log-group:/aforo/int_1", "format": "{}"}
POLICY = '{"Statement":[{"Resource":"arn:aws:execute-api:us-east-1:111122223333:%s/*"}]}'

# Two reads of one API: before and after it was re-created, exported again, or touched by AWS itself.
TWO_READS: dict[str, Read] = {
    "address": (
        DOCUMENT,
        document(servers=[{"url": "https://a.execute-api.us-east-1.amazonaws.com/{basePath}"}]),
        document(servers=[{"url": "https://b.execute-api.us-east-1.amazonaws.com/{basePath}"}]),
    ),
    "stamped-version": (
        DOCUMENT,
        document(info={"version": "2026-11-22T12:00:00"}),
        document(info={"version": "2026-11-23 08:15:11UTC"}),
    ),
    "name-and-description": (DOCUMENT, document(info={"title": "old"}), document(info={"title": "renamed"})),
    "told-as-settings": (
        DOCUMENT,
        document(**{"x-amazon-apigateway-binary-media-types": ["image/png"]}),
        document(**{"x-amazon-apigateway-binary-media-types": ["image/gif"]}),
    ),
    "api-tags": (
        DOCUMENT,
        document(tags=[{"name": "team", "x-amazon-apigateway-tag-value": "pay"}]),
        document(),
    ),
    "export-format": (
        DOCUMENT,
        document(**{"x-amazon-apigateway-importexport-version": "1.0"}),
        document(**{"x-amazon-apigateway-importexport-version": "1.1"}),
    ),
    "cache-namespace": (DOCUMENT, integration(cacheNamespace="a1b2c3"), integration(cacheNamespace="x7y8z9")),
    "parameter-order": (
        DOCUMENT,
        operation(parameters=[{"name": "id", "in": "path"}, {"name": "q", "in": "query"}]),
        operation(parameters=[{"name": "q", "in": "query"}, {"name": "id", "in": "path"}]),
    ),
    "required-order": (
        DOCUMENT,
        document(components={"schemas": {"Pay": {"required": ["a", "b"]}}}),
        document(components={"schemas": {"Pay": {"required": ["b", "a"]}}}),
    ),
    "tag-order": (DOCUMENT, operation(tags=["a", "b"]), operation(tags=["b", "a"])),
    "security-order": (
        DOCUMENT,
        operation(security=[{"key": []}, {"jwt": []}]),
        operation(security=[{"jwt": []}, {"key": []}]),
    ),
    "settable-api": (API, {"name": "Pay", "createdDate": 1}, {"name": "Pay", "createdDate": 2}),
    "settable-stage": (STAGE, {"deploymentId": "d1"}, {"deploymentId": "d2"}),
    "settable-usage-plan": (USAGE_PLAN, {"name": "Gold", "id": "p1"}, {"name": "Gold", "id": "p2"}),
    "policy-as-object": (
        API,
        {"policy": '{"Version":"2012-10-17","Statement":[]}'},
        {"policy": '{\\"Statement\\":[],\\"Version\\":\\"2012-10-17\\"}'},
    ),
    "tags-of-others": (
        STAGE,
        {"tags": {"team": "pay", "aws:cloudformation:stack-id": "s1"}},
        {"tags": {"team": "pay", "aforo:recreated-from": "a1b2c3d4e5"}},
    ),
    "setting-order": (
        API,
        {"binaryMediaTypes": ["image/png", "image/gif"]},
        {"binaryMediaTypes": ["image/gif", "image/png"]},
    ),
    "method-paths": (
        STAGE,
        {"methodSettings": {"~1pay/GET": {"metricsEnabled": True}}},
        {"methodSettings": {"/pay/GET": {"metricsEnabled": True}}},
    ),
    "canary-deployment": (
        STAGE,
        {"canarySettings": {"percentTraffic": 10.0, "deploymentId": "d1"}},
        {"canarySettings": {"percentTraffic": 10.0, "deploymentId": "d2"}},
    ),
    "this-stage-only": (
        USAGE_PLAN,
        plan(A.api_id),
        plan(B.api_id, {"apiId": "other", "stage": "dev", "throttle": {"/x/GET": {"rateLimit": 1.0}}}),
    ),
    "our-authorizer": (DOCUMENT, operation(security=[{"key": []}]), attached(operation(security=[{"key": []}]))),
    "our-log": (STAGE, {"description": "x"}, {"description": "x", "accessLogSettings": OUR_LOG}),
    "own-api-id": (API, {"policy": POLICY % A.api_id}, {"policy": POLICY % B.api_id}),
    "nothing-set": (API, {"name": "Pay", "description": "", "binaryMediaTypes": []}, {"name": "Pay"}),
}


def test_every_rule_has_two_reads_that_it_is_needed_for() -> None:
    assert sorted(TWO_READS) == sorted(rule.name for rule in RULES)


@pytest.mark.parametrize("name", TWO_READS)
def test_two_reads_of_one_unchanged_api_are_equal(name: str) -> None:
    kind, first, second = TWO_READS[name]
    assert same(canonical_form(kind, first, A), canonical_form(kind, second, B))


@pytest.mark.parametrize("name", TWO_READS)
def test_without_any_one_rule_an_unchanged_api_seems_changed(name: str) -> None:
    kind, first, second = TWO_READS[name]
    others = [rule for rule in RULES if rule.name != name]
    if name == "this-stage-only":  # `settable` would drop the raw list that this rule reads
        others = [rule for rule in others if rule.name != "settable-usage-plan"]
    assert not same(canonical_form(kind, first, A, others), canonical_form(kind, second, B, others))


def test_a_version_that_somebody_chose_stays() -> None:
    assert canonical_form(DOCUMENT, document(info={"version": "1.4.2"}), A)["info"] == {"version": "1.4.2"}


def test_a_cache_namespace_that_somebody_chose_stays() -> None:
    kept = canonical_form(DOCUMENT, integration(cacheNamespace="payments-cache"), A)
    assert "payments-cache" in str(kept)


def test_another_apis_id_in_an_arn_stays() -> None:
    policy = POLICY % "someotherapi"
    assert "someotherapi" in str(canonical_form(API, {"policy": policy}, A))


def test_an_empty_tag_is_a_value_and_an_empty_stage_variable_is_none() -> None:
    stage = {"stageVariables": {"mode": ""}, "tags": {"beta": ""}}
    assert canonical_form(STAGE, stage, A) == {"tags": {"beta": ""}}
