"""The authorizer and the forwarder before a real Aforo: what callers get, what the backend sees, what is metered."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from aforo.gateway_sdk.artifact import FailMode
from tests.gateways.aws.metered import GEO, WEATHER, Metered, eventually, metered


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Metered]:
    async with metered(tmp_path) as running:
        yield running


async def test_calls_within_the_quota_pass_and_are_metered_once_and_beyond_it_the_backend_sees_none(
    shop: Metered,
) -> None:
    await shop.install(GEO, WEATHER, options={"refused_status": "429"})
    secret = await shop.subscriber("pro", 3, GEO, WEATHER)
    answers = [await shop.call(secret) for _ in range(2)]
    answers.append(await shop.call(secret, WEATHER, "/forecasts"))  # one quota over a REST and an HTTP API
    assert [one.status_code for one in answers] == [200, 200, 200], shop.log()
    beyond = await shop.call(secret)
    assert beyond.status_code == 429, beyond.text
    assert int(beyond.headers["retry-after"]) > 0
    assert beyond.json()["reason"] == "quota_exceeded"
    assert beyond.json()["retryAfter"] == beyond.headers["retry-after"]
    assert (await shop.call(secret, WEATHER, "/forecasts")).status_code == 403  # AWS words no refusal of an HTTP API
    assert (shop.backend_calls(GEO), shop.backend_calls(WEATHER)) == (2, 1)
    events = await shop.metered(3)
    assert len(events) == 3
    assert {one["customerId"] for one in events} == {shop.secrets[secret]}
    assert sorted(one["endpointPath"] for one in events) == ["/addresses", "/addresses", "/forecasts"]
    assert all(one["decisionId"] and one["statusCode"] == 200 for one in events)


async def test_nothing_that_a_caller_sends_but_its_key_says_who_it_is(shop: Metered) -> None:
    await shop.install()
    mine, theirs = await shop.subscriber("mine", 5), await shop.subscriber("theirs", 1)
    rival = shop.secrets[theirs]
    forged = {
        "x-customer-id": rival, "x-tenant-id": "rival", "x-client-id": rival, "x-aforo-customer": rival,
        "x-amzn-requestid": '1","customerId":"' + rival + '","x":"',
    }  # fmt: skip
    for request_id in (forged["x-amzn-requestid"], 'breaks the line"', "plain"):
        told = {**forged, "x-amzn-requestid": request_id}
        assert (await shop.call(mine, path=f"/addresses?customer_id={rival}", **told)).status_code == 200
    assert (await shop.call(theirs)).status_code == 200
    assert (await shop.call("", **forged)).status_code == 403
    assert (await shop.call("a-key-that-nobody-was-given-0000000", **forged)).status_code == 403
    events = await shop.metered(4)
    assert sorted(one["customerId"] for one in events) == sorted([shop.secrets[mine]] * 3 + [rival])
    assert shop.backend_calls() == 4


@pytest.mark.parametrize(
    ("mode", "status"), [(FailMode.OPEN, 200), pytest.param(FailMode.CLOSED, 403, marks=pytest.mark.long)]
)
async def test_while_the_edge_is_away_the_fail_mode_decides_and_calls_made_then_are_metered_later(
    shop: Metered, mode: FailMode, status: int
) -> None:
    await shop.install(fail_mode=mode)
    secret = await shop.subscriber("pro", 5)
    shop.edge.stop()
    assert (await shop.call(secret)).status_code == status
    assert shop.backend_calls() == (1 if status == 200 else 0)
    logs = shop.emulator.request_path.logs
    assert len(logs.lines[f"/aforo/{shop.integration_id}"]) == 1
    if status == 200:
        assert await eventually(lambda: _async(bool(logs.waiting))), shop.log()
        shop.edge.start()
        logs.make_due()
        await shop.call("", path="/nothing")  # a delivery is looked at with the next call
        events = await shop.metered(1)
        assert [one["customerId"] for one in events] == ["unattributed"]
        assert events[0]["credential"]["type"] == "api_key"  # the one that AWS itself has verified meanwhile


@pytest.mark.long
async def test_observing_refuses_nobody_and_the_switch_takes_effect_without_a_deployment(shop: Metered) -> None:
    wiring = await shop.install(enforce=False)
    secret = await shop.subscriber("pro", 1)
    assert [(await shop.call(secret)).status_code for _ in range(3)] == [200, 200, 200]
    assert (await shop.call("no-key-of-anybody")).status_code == 403  # the method itself demands an API key
    deployments = len(shop.deployments())
    await shop.artifact.set_mode(replace(wiring, enforce=True), ())
    assert (await shop.call(secret)).status_code == 403
    assert len(shop.deployments()) == deployments
    await shop.artifact.set_mode(wiring, ())
    assert (await shop.call(secret)).status_code == 200


@pytest.mark.long
async def test_units_reserved_for_a_call_that_aws_then_refuses_are_given_back(shop: Metered) -> None:
    await shop.install(key_from=("bearer",))
    secret = await shop.subscriber("pro", 2)
    bearer = {"authorization": f"Bearer {secret}"}
    for _ in range(2):  # known to Aforo, but without the x-api-key that the method demands
        assert (await shop.call("", **bearer)).status_code == 403
    assert shop.backend_calls() == 0

    async def passes() -> bool:
        return (await shop.call(secret, **bearer)).status_code == 200

    assert await eventually(passes), shop.log()
    assert len(await shop.metered(1)) == 1


@pytest.mark.long
async def test_with_leases_a_warm_container_asks_once_for_many_calls_and_each_is_still_metered(shop: Metered) -> None:
    await shop.install(options={"lease_units": "10"})
    secret = await shop.subscriber("soft", 1000, mode="SOFT")
    for _ in range(8):
        assert (await shop.call(secret)).status_code == 200, shop.log()
    events = await shop.metered(8)
    assert len({one["leaseId"] for one in events}) == 1
    shop.edge.stop()  # the lease still holds, and says what its plan wants in an outage
    assert (await shop.call(secret)).status_code == 200


async def _async(value: bool) -> bool:
    return value
