"""A connection is tested line by line; whatever is wrong is said clearly and no secret is shown."""

import pytest

from aforo.gateway_sdk.contract import Check, Gateway, Verdict
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import GatewayError, GatewayUnavailable
from aforo.gateways.kong.manifest import MANIFEST
from tests.gateways.kong.kong_parts import kong
from tests.gateways.kong.small_kong import SmallKong, connected


async def lines_of(gateway: Gateway) -> list[Check]:
    return [line async for line in gateway.check()]


async def test_a_good_connection_reads_as_a_person_would_look() -> None:
    _, _, gateway = connected()
    lines = await lines_of(gateway)
    assert [line.name for line in lines] == [
        "Address reached",
        "No sign-in needed",
        "May read services",
        "Kong 3.9.3 community, database postgres",
        "May write",
    ]
    assert {line.verdict for line in lines} == {Verdict.OK}
    await gateway.ping()


async def test_a_database_less_kong_says_how_it_will_be_restored() -> None:
    _, _, gateway = connected(database="off")
    last = (await lines_of(gateway))[-1]
    assert (last.name, last.verdict) == ("May write", Verdict.LIMITED)
    assert "POST /config" in last.detail


async def test_konnect_is_tested_through_its_control_plane() -> None:
    small, _, gateway = connected(konnect=True, token=("authorization", "Bearer spat_secret-1234"))
    lines = await lines_of(gateway)
    assert [line.name for line in lines] == [
        "Address reached",
        "TLS certificate valid",
        "Token accepted",
        "May read services",
        "Konnect control plane prod",
        "May write",
    ]
    assert "not tested until the first restore" in lines[-1].detail
    assert small.writes() == []


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize(
    ("sign_in", "settings", "header", "value"),
    [
        ("header_token", {"token": "s3cret-token"}, "kong-admin-token", "s3cret-token"),
        ("header_token", {"token": "s3cret-token", "header_name": "X-Own"}, "x-own", "s3cret-token"),
        ("basic", {"username": "ada", "password": "s3cret-token"}, "authorization", "Basic YWRhOnMzY3JldC10b2tlbg=="),
    ],
)
async def test_a_wrong_credential_is_refused_and_never_shown(
    sign_in: str, settings: dict[str, str], header: str, value: str, right: bool
) -> None:
    small = SmallKong(token=(header, value if right else "another"))
    gateway = kong(
        small, {"admin_url": "http://kong.test:8001/", **settings}, sign_in=sign_in, secrets=["s3cret-token"]
    )
    lines = await lines_of(gateway)
    assert (lines[-1].verdict is Verdict.OK) is right
    if not right:
        assert (lines[-1].code, [line.verdict for line in lines]) == (
            "gateway_auth_failed",
            [Verdict.OK, Verdict.FAILED],
        )
        assert lines[-1].next_step
    assert "s3cret-token" not in repr(lines)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(200, headers={"content-type": "text/html"}, body="<html>Welcome</html>", times=9), "gateway_not_an_api"),
        (Fault(200, body='{"hello":"world"}', times=9), "gateway_not_an_api"),
        (Fault(200, body="[]", times=9), "gateway_not_an_api"),
        (Fault(404, body='{"message":"no Route matched with those values"}', times=9), "gateway_not_an_api"),
        (Fault(302, headers={"location": "https://login.test"}, times=9), "gateway_not_an_api"),
        (Fault(503, times=9), "gateway_unavailable"),
        (Fault(403, times=9), "gateway_forbidden"),
        (Fault(200, path="/services", body='{"data":"none"}', times=9), "gateway_not_an_api"),
        (Fault(403, path="/services", times=9), "gateway_forbidden"),
    ],
)
async def test_each_kind_of_wrong_answer_is_a_clear_line_and_never_an_exception(fault: Fault, code: str) -> None:
    _, switchboard, gateway = connected()
    switchboard.faults.append(fault)
    lines = await lines_of(gateway)
    assert (lines[-1].verdict, lines[-1].code) == (Verdict.FAILED, code)
    assert lines[-1].next_step
    assert lines[-1].detail


@pytest.mark.parametrize(
    "settings",
    [
        {"admin_url": "kong.internal:8001"},
        {"admin_url": "ftp://kong.internal"},
        {"admin_url": "http://ada:hunter2@kong.internal"},
        {"admin_url": ""},
        {"admin_url": "http://[::1"},
        {"admin_url": "http://[v1.x]:8001"},
        {"admin_url": "http://kong:abc"},
        {"admin_url": "http://kong:99999"},
        {"admin_url": "http://kong internal"},
        {"admin_url": "http://kong..internal"},
        {"admin_url": "http://kong.test/" + "a" * 3000},
        {"admin_url": "http://kong.\x7ftest"},
        {"admin_url": "http://kong.test", "token": "line\nbreak"},
        {"admin_url": "http://kong.test", "token": "naïve"},
        {"admin_url": "http://kong.test", "token": "x", "header_name": "No Header"},
    ],
)
async def test_values_that_can_make_no_call_are_said_so_without_a_call(settings: dict[str, str]) -> None:
    small = SmallKong()
    gateway = kong(small, settings, sign_in="header_token")
    (line,) = await lines_of(gateway)
    assert line.verdict is Verdict.FAILED
    assert "No request was sent" in line.detail
    assert "hunter2" not in repr(line)
    with pytest.raises(GatewayError):
        await gateway.ping()
    assert small.requests == []


async def test_a_ping_is_one_call_and_fails_with_the_database() -> None:
    small, switchboard, gateway = connected()
    await gateway.ping()
    assert [sent.path for sent in small.requests] == ["/status"]
    switchboard.faults.append(Fault(200, path="/status", body='{"database":{"reachable":false}}'))
    with pytest.raises(GatewayUnavailable):
        await gateway.ping()


def test_the_manifest_names_each_kind_that_a_product_can_have() -> None:
    assert [kind.name for kind in MANIFEST.kinds] == ["upstream", "target", "service", "route", "plugin"]
    assert all(MANIFEST.capabilities.values())
