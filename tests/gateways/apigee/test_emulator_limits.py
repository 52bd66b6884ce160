"""The emulator's answers to nonsense are refusals, and Aforo's own pace never meets the vendor's limit."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.apigee.emulator import FIXED_TOKEN, ORGANIZATION, create, seed
from aforo.gateways.apigee.emulator.requests import Request
from aforo.gateways.apigee.emulator.throttle import Throttle
from aforo.gateways.apigee.manifest import MANIFEST
from aforo.kit.clock import HandClock

_WORDS = """
    name displayName attributes attribute value operationGroup llmOperationGroup operationConfigs apiSource operations
    llmOperations resource methods quota limit interval state startTime setupFee units consumptionPricingRates email
    firstName lastName userName apiProducts scopes consumerKey consumerSecret keyExpiresIn expiresInSeconds encrypted
    maskedValues sharedFlow continueOnError novelty
"""
NAMES = _WORDS.split()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.sampled_from(["payments-v1", "a@b.c", "12", "²", "DRAFT"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5)
SEGMENTS = st.sampled_from(
    ["payments-v1", "-", "api@acme.example", "acme-app", "prod", "1", "PreProxyFlowHook", "²", "é/x"]
)
QUERIES = st.dictionaries(
    st.sampled_from(["count", "startKey", "expand", "pageSize", "pageToken", "action", "name", "keyStatus", "state"]),
    st.sampled_from(["0", "1", "-1", "²", "true", "approve", "import", "x", "MQ==", "ww=="]),
    max_size=3,
)
MEDIA = st.sampled_from(["application/json", "application/octet-stream", "multipart/form-data; boundary=x", ""])


@settings(max_examples=50, deadline=None)
@given(st.data())
async def test_nonsense_is_refused_and_never_an_accident(data: st.DataObject) -> None:
    state = StateFile()
    seed(state, 2)
    emulator = create(state)
    for route in data.draw(st.lists(st.sampled_from(emulator.routes.all), min_size=5, max_size=10)):
        parts = [
            quote(data.draw(SEGMENTS), safe="") if part.startswith("{") else part for part in route.template.split("/")
        ]
        body = json.dumps(data.draw(BODIES)).encode() if data.draw(st.booleans()) else data.draw(st.binary(max_size=9))
        headers = {"authorization": f"Bearer {FIXED_TOKEN}", "content-type": data.draw(MEDIA)}
        path = f"/v1/organizations/{ORGANIZATION}/{'/'.join(parts)}"
        given_answer = emulator.respond(Request(route.method, path, data.draw(QUERIES), headers, body))
        assert given_answer.status in (200, 204, 400, 404, 409), route
        assert (
            given_answer.raw is not None or given_answer.status == 204 or json.loads(given_answer.bytes()) is not None
        )


async def test_our_pace_never_meets_the_vendors_limit() -> None:
    """More than three minutes' worth of calls, on one clock for both sides."""
    clock = HandClock()
    budget = Budget(MANIFEST.call_limits, clock)
    throttle = Throttle(6000, clock.monotonic)
    for _ in range(20_000):
        await budget.take("GET /apiproducts/{id}")
        throttle.count()
    assert clock.monotonic() < 20_000 / 6000 * 60 * 1.1
