"""The connection test: a line for each thing that can be wrong, with the way out."""

from typing import Any

import pytest

from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.emulator import Fault
from aforo.gateways.mulesoft.emulator.world import ALL_SCOPES
from tests.gateways.mulesoft.mulesoft_parts import Anypoint

READ = {scope for scope in ALL_SCOPES if scope.startswith(("read:", "view:"))}


async def lines(anypoint: Anypoint, sign_in: str = "connected_app", **settings: str) -> dict[str, Check]:
    found = [line async for line in anypoint.connect(sign_in, **settings).check()]
    assert all(line.next_step for line in found if line.verdict is not Verdict.OK)
    return {line.name: line for line in found}


async def test_a_good_connection_passes_line_by_line() -> None:
    found = await lines(Anypoint(4))
    assert {line.verdict for line in found.values()} == {Verdict.OK}
    assert list(found) == [
        "Address reached",
        "Connected app accepted",
        "Environment known",
        "APIs visible",
        "Policies readable",
        "SLA tiers readable",
        "API descriptions readable",
        "May write",
    ]
    assert found["Environment known"].detail == "Sandbox (sandbox)"


async def test_the_secret_is_tried_anew_even_where_a_token_is_kept() -> None:
    anypoint = Anypoint(1)
    await lines(anypoint)
    next(iter(anypoint.tables["apps"].values()))["secret"] = "another"
    found = await lines(anypoint)
    assert found["Connected app accepted"].verdict is Verdict.FAILED


async def test_nothing_is_written() -> None:
    anypoint = Anypoint(4)
    await lines(anypoint)
    assert anypoint.writes() == []


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"client_secret": "wrong"}, "Connected app accepted"),
        ({"environment_id": "00000000-0000-0000-0000-000000000000"}, "Environment known"),
        ({"organization_id": "00000000-0000-0000-0000-000000000000"}, "Environment known"),
        ({"anypoint_url": "nowhere"}, "The form's values make an address"),
    ],
)
async def test_a_wrong_value_fails_the_line_that_it_belongs_to(settings: Any, name: str) -> None:
    found = await lines(Anypoint(1), **settings)
    assert found[name].verdict is Verdict.FAILED
    assert list(found)[-1] == name


@pytest.mark.parametrize(
    ("lost", "name"),
    [
        ("api_configuration", "APIs visible"),
        ("api_policies", "Policies readable"),
        ("api_contracts", "SLA tiers readable"),
        ("exchange", "API descriptions readable"),
    ],
)
@pytest.mark.parametrize("tells_scopes", [True, False])
async def test_a_missing_scope_is_named(lost: str, name: str, tells_scopes: bool) -> None:
    scopes = [scope for scope in ALL_SCOPES if not scope.endswith(f":{lost}")]
    found = await lines(Anypoint(4, scopes=scopes, tells_scopes=tells_scopes))
    assert found[name].verdict is not Verdict.OK
    words = {"api_configuration": "View APIs Configuration", "api_policies": "View Policies"}
    words |= {"api_contracts": "View Contracts", "exchange": "Exchange Viewer"}
    assert words[lost] in f"{found[name].detail} {found[name].next_step}"


async def test_an_empty_list_says_that_exchange_shows_more() -> None:
    scopes = [scope for scope in ALL_SCOPES if not scope.endswith(":api_configuration")]
    line = (await lines(Anypoint(4, scopes=scopes)))["APIs visible"]
    assert line.verdict is Verdict.LIMITED
    assert "Exchange shows assets" in line.detail


async def test_an_empty_environment_is_fine_where_the_scopes_can_be_read() -> None:
    line = (await lines(Anypoint(0, tells_scopes=True)))["APIs visible"]
    assert (line.verdict, line.detail) == (Verdict.OK, "there are none yet")


async def test_without_the_environments_name_only_the_name_is_missing() -> None:
    line = (await lines(Anypoint(1, scopes=ALL_SCOPES - {"view:environment"})))["Environment known"]
    assert line.verdict is Verdict.LIMITED


async def test_rights_to_read_alone_are_told_before_the_first_restore() -> None:
    line = (await lines(Anypoint(1, scopes=READ, tells_scopes=True)))["May write"]
    assert line.verdict is Verdict.LIMITED
    assert "Manage Policies" in str(line.next_step)


async def test_an_outage_fails_the_first_line() -> None:
    anypoint = Anypoint(1)
    anypoint.board.faults = [Fault(502, times=9, path="/accounts/")]
    assert list(await lines(anypoint)) == ["Address reached"]


async def test_a_page_that_is_no_anypoint_is_told_to_be_none() -> None:
    anypoint = Anypoint(1)
    html = {"content-type": "text/html"}
    anypoint.board.faults = [Fault(200, times=9, path="/accounts/", headers=html, body="<html></html>")]
    assert list(await lines(anypoint)) == ["Anypoint Platform answers"]


async def test_a_ping_is_one_small_read() -> None:
    anypoint = Anypoint(4)
    gateway = anypoint.connect()
    await gateway.ping()
    before = len(anypoint.board.log)
    await gateway.ping()
    assert anypoint.board.log[before:] == [("GET", "/accounts/api/me")]
