"""Pages and call limits."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.aws import emulator
from aforo.gateways.aws.emulator.throttle import EVERY, LIMITS, Throttle
from aforo.gateways.aws.emulator.wire import AwsError
from aforo.kit.clock import HandClock
from tests.gateways.aws.served_emulator import serving


def names(pages: Any, member: str, key: str) -> list[list[str]]:
    return [[item[key] for item in page[member]] for page in pages]


def test_a_list_comes_in_pages_of_25_unless_asked_otherwise() -> None:
    app = emulator.create(StateFile())
    emulator.seed(app, 80)
    with serving(app) as account:
        v1 = account.client("apigateway")
        pages = names(v1.get_paginator("get_rest_apis").paginate(), "items", "name")
        everything = list(chain.from_iterable(pages))
        assert [len(page) for page in pages] == [25, len(everything) - 25]
        assert names(v1.get_paginator("get_rest_apis").paginate(limit=500), "items", "name") == [everything]


def test_small_pages_are_small_whatever_is_asked_for() -> None:
    app = emulator.create(StateFile(), page_size=2)
    emulator.seed(app)
    with serving(app) as account:
        v1, v2 = account.client("apigateway"), account.client("apigatewayv2")
        rest = names(v1.get_paginator("get_rest_apis").paginate(limit=500), "items", "name")
        http = names(v2.get_paginator("get_apis").paginate(MaxResults="100"), "Items", "Name")
        plans = names(v1.get_paginator("get_usage_plans").paginate(), "items", "name")
        assert [len(page) for page in (*rest, *http, *plans)] == [2, 2, 2, 1, 2, 1, 2, 1]
        assert plans == [["bronze", "silver"], ["gold"]]
        resources = v1.get_paginator("get_resources").paginate(restApiId=v1.get_rest_apis()["items"][0]["id"])
        assert all(len(page["items"]) <= 2 for page in resources)


def test_a_position_that_is_no_position_is_refused() -> None:
    with serving(emulator.create(StateFile())) as account, pytest.raises(ClientError, match="position"):
        account.client("apigateway").get_rest_apis(position="bm90IG91cnM=")


def test_a_throttled_call_says_when_to_come_back_and_then_passes() -> None:
    clock = HandClock(datetime.now(UTC))
    app = emulator.create(StateFile(), clock=clock, throttle=True)
    emulator.seed(app)
    with serving(app) as account:
        v1 = account.client("apigateway")
        plan = v1.get_usage_plans()["items"][0]["id"]
        patch = [{"op": "replace", "path": "/quota/limit", "value": "7"}]
        v1.update_usage_plan(usagePlanId=plan, patchOperations=patch)
        with pytest.raises(ClientError) as raised:
            v1.update_usage_plan(usagePlanId=plan, patchOperations=patch)
        assert raised.value.response["Error"]["Code"] == "TooManyRequestsException"
        metadata = raised.value.response["ResponseMetadata"]
        assert (metadata["HTTPStatusCode"], metadata["HTTPHeaders"]["retry-after"]) == (429, "20")
        account.client("apigateway").get_usage_plan(usagePlanId=plan)
        clock.forward(20)
        v1.update_usage_plan(usagePlanId=plan, patchOperations=patch)


def test_http_apis_share_the_common_limit_alone() -> None:
    app = emulator.create(StateFile(), clock=HandClock(datetime.now(UTC)), throttle=True)
    emulator.seed(app)
    with serving(app) as account:
        v2 = account.client("apigatewayv2")
        api = v2.get_apis()["Items"][0]["ApiId"]
        for _ in range(39):
            v2.create_deployment(ApiId=api)
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            v2.create_deployment(ApiId=api)


def test_without_the_switch_nothing_is_throttled() -> None:
    with serving(emulator.create(StateFile())) as account:
        v1 = account.client("apigateway")
        for _ in range(45):
            v1.get_account()


@pytest.mark.parametrize("operation", sorted(set(LIMITS) - {EVERY}))
def test_an_operation_runs_at_its_own_rate_and_no_faster(operation: str) -> None:
    clock, (calls, seconds) = HandClock(), LIMITS[operation]
    throttle = Throttle(clock)
    passed = 0
    for _ in range(200):
        with suppress(AwsError):
            throttle.admit("1", "r", operation)
            passed += 1
        clock.forward(seconds / calls / 4)
    assert passed == calls + 49


def test_all_calls_together_are_limited_per_account_and_region() -> None:
    clock = HandClock()
    throttle = Throttle(clock)
    for _ in range(40):
        throttle.admit("1", "r", "GetRestApis")
    with pytest.raises(AwsError, match="TooManyRequests"):
        throttle.admit("1", "r", "GetStages")
    throttle.admit("1", "other", "GetStages")
    throttle.admit("2", "r", "GetStages")
    clock.forward(0.11)
    throttle.admit("1", "r", "GetStages")


def test_switches_turn_over_http_and_an_unknown_one_is_refused() -> None:
    app = emulator.create(StateFile())
    with serving(app) as account:
        turned = json.load(urlopen(Request(account.url + "/__aws__/switches", b'{"page_size": 3}', method="POST")))
        assert (turned["page_size"], app.switches.page_size) == (3, 3)
        with pytest.raises(HTTPError, match="400"):
            urlopen(Request(account.url + "/__aws__/switches", b'{"warp": 9}', method="POST"))
