"""The connection test: every line a real call, every fault with the way out."""

from collections.abc import AsyncIterator

import pytest

from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Verdict
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import (
    GatewayForbidden,
)
from aforo.gateways.azure.emulator.app import BASE
from aforo.gateways.azure.emulator.sign_in import READER
from aforo.gateways.azure.manifest import MANIFEST
from tests.gateways.azure.azure_parts import Azure, azure, quiet

pytestmark = pytest.mark.conformance


@pytest.fixture
async def service() -> AsyncIterator[Azure]:
    async with azure(4) as running:
        yield running


async def test_a_good_connection_passes_line_by_line_and_writes_nothing(service: Azure) -> None:
    told = await service.lines()
    assert [check.verdict for check in told.values()] == [Verdict.OK] * 5
    assert "Developer" in told["Service found"].detail
    assert "azure-api.net" in told["Service found"].detail
    assert all(method == "GET" or path.endswith("/token") for method, path in service.board.log)


async def test_a_reader_is_told_that_a_restore_would_fail_and_nothing_else_does(service: Azure) -> None:
    reader = service.connected(client_id=READER[0], client_secret=READER[1])
    told = await service.lines(reader)
    assert told["May write"].verdict is Verdict.LIMITED
    assert "products/write" in told["May write"].detail
    assert [check.verdict for check in told.values()].count(Verdict.OK) == 4
    recorded = (await reader.discover(quiet)).products[0]
    service.hand("PATCH", f"products/{recorded.native_id}", {"description": "changed"})
    live = await reader.read(recorded)
    with pytest.raises(GatewayForbidden, match="authorization"):
        await reader.apply(recorded, live, plan_restore(recorded, live, MANIFEST.kinds).steps, lambda _: None)


async def test_that_permissions_are_not_told_is_no_failure(service: Azure) -> None:
    service.board.faults.append(Fault(403, path=f"{BASE}/providers", body='{"error":{"code":"X","message":"no"}}'))
    line = (await service.lines())["May write"]
    assert (line.verdict, "not tested" in line.detail) == (Verdict.LIMITED, True)


@pytest.mark.parametrize(
    ("settings_", "line", "code", "step"),
    [
        ({"client_secret": "wrong-secret-entered"}, "Client secret accepted", "gateway_auth_failed", "not its id"),
        ({"client_id": "nobody"}, "Client secret accepted", "gateway_auth_failed", "client id"),
        ({"tenant_id": "other.example"}, "Client secret accepted", "gateway_auth_failed", "tenant id"),
        ({"subscription_id": "none"}, "Service found", "gateway_not_found", "subscription id"),
        ({"resource_group": "none"}, "Service found", "gateway_not_found", "resource group"),
        ({"service_name": "none"}, "Service found", "gateway_not_found", ""),
        ({"tenant_id": "a/b"}, "The form's values make a connection", "gateway_auth_failed", "tenant id"),
        ({"management_url": "ftp://x"}, "The form's values make a connection", "gateway_not_an_api", "Leave it"),
        ({"login_url": "nonsense"}, "The form's values make a connection", "gateway_not_an_api", "Leave it"),
        ({"service_name": "../other"}, "The form's values make a connection", "gateway_not_an_api", "portal"),
    ],
)
async def test_a_wrong_value_is_named_with_the_way_out(
    service: Azure, settings_: dict[str, str], line: str, code: str, step: str
) -> None:
    told = await service.lines(service.connected(**settings_))
    failed = [check for check in told.values() if check.verdict is Verdict.FAILED]
    assert [(check.name, check.code) for check in failed] == [(line, code)]
    assert step in str(failed[0].next_step)
    assert settings_.get("client_secret", "\0") not in repr(told)


async def test_an_access_token_connects_too_and_an_ended_one_says_so(service: Azure) -> None:
    good = service.connected("access_token", access_token="emulated-access-token-of-an-owner")
    assert (await service.lines(good))["May write"].verdict is Verdict.OK
    told = await service.lines(service.connected("access_token", access_token="ended-long-ago"))
    assert told["Access token accepted"].code == "gateway_auth_failed"
    assert "ended-long-ago" not in repr(told)
    empty = await service.lines(service.connected("access_token", access_token=" "))
    assert next(iter(empty.values())).verdict is Verdict.FAILED
