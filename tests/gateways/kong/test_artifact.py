"""The plugin's way onto a Kong and off it again, by files and the Admin API."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aforo.gateway_sdk.artifact import Artifact, FailMode, Phase, Receipt, Wiring
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection, Verdict
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.kong.artifact import connect
from aforo.gateways.kong.emulator import CONTROL_PLANE
from aforo.kit.clock import HandClock
from tests.gateways.kong.kong_parts import ADMIN, quiet
from tests.gateways.kong.provision_parts import TOKEN, Kong

SECRET = "sk_live_of_the_plugin"


def artifact(kong: Kong | None, sign_in: str = "none") -> Artifact:
    settings = {"admin_url": ADMIN}
    if kong is not None and kong.is_konnect:
        sign_in = "konnect"
        settings = {"base_url": f"{ADMIN}/v2", "control_plane_id": CONTROL_PLANE, "token": TOKEN}
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=kong.board) if kong else None)
    transport = Transport(http, gateway_name="Kong", budget=Budget((), HandClock()), gate=OpenGate())
    return connect(Connection("int_1", sign_in, settings, transport, HandClock(), _forget))


async def _forget(name: str, value: str) -> None:
    raise AssertionError(name)


async def wiring(kong: Kong, **members: Any) -> Wiring:
    products = (await kong.product("payments-v2"), await kong.product("search-v1"))
    return Wiring("int_1", SECRET, "http://edge.test:8081/v1/ingest", products, **members)


def _run(script: Path, folder: Path) -> None:
    subprocess.run(["sh", str(script), str(folder)], check=True, capture_output=True)


async def installed(folder: Path, **options: Any) -> tuple[Kong, Artifact]:
    """A node on which an operator has run the script that the preview hands out."""
    kong = Kong(plugin_folders=[folder], **options)
    there = artifact(kong)
    plan = await there.preview(await wiring(kong))
    script = next(one for one in plan.documents if one.filename.endswith(".sh"))
    (folder / script.filename).write_text(script.text)
    _run(folder / script.filename, folder)
    return kong, there


async def plugins(kong: Kong) -> list[dict[str, Any]]:
    return [row for row in await kong.rows("plugins") if row["name"] == "aforo"]


async def test_deploying_says_what_to_do_by_hand_until_the_files_are_there(tmp_path: Path) -> None:
    kong = Kong(plugin_folders=[tmp_path])
    there, wished = artifact(kong), await wiring(kong)
    assert (await there.status(wished, None)).phase is Phase.ABSENT
    with pytest.raises(GatewayError) as refused:
        await there.deploy(wished, quiet)
    assert "install-aforo-plugin.sh" in (refused.value.next_step or "")
    assert [step.action for step in (await there.preview(wished)).steps] == ["by_hand"] * 3 + ["create"] * 2
    kong, there = await installed(tmp_path)
    receipt = await there.deploy(wished, quiet)
    assert (receipt.version, receipt.made) == (there.version, (f"plugin aforo {there.version}",))
    assert (await there.status(wished, receipt)).phase is Phase.DEPLOYED
    assert await plugins(kong) == []


async def test_attaching_adds_one_plugin_a_service_and_detaching_leaves_what_was_there_before(tmp_path: Path) -> None:
    kong, there = await installed(tmp_path)
    before = await kong.rows("plugins")
    wished = await wiring(kong, metrics={"prod_search-v1": "searches"}, fail_mode=FailMode.CLOSED)
    receipt = await there.attach(wished, await there.deploy(wished, quiet), quiet)
    assert receipt.attached == ("service:payments-v2", "service:search-v1")
    assert (await there.status(wished, receipt)).phase is Phase.ATTACHED
    config = (await plugins(kong))[0]["config"]
    assert (config["edge_url"], config["enforce"], config["fail_mode"]) == ("http://edge.test:8081", False, "closed")
    assert config["metrics"] == {"prod_search-v1": "searches"}
    kong.board.log.clear()
    assert await there.attach(wished, receipt, quiet) == receipt
    assert len(await plugins(kong)) == 2
    later = await kong.call("POST", "/plugins", {"name": "correlation-id"})
    await there.detach(wished, receipt)
    await there.detach(wished, receipt)
    assert sorted(await kong.rows("plugins"), key=lambda row: row["id"]) == sorted(
        [*before, later], key=lambda row: row["id"]
    )
    assert (await there.status(wished, receipt)).phase is Phase.DIFFERS


async def test_other_targets_replace_the_former_ones(tmp_path: Path) -> None:
    kong, there = await installed(tmp_path)
    wished = await wiring(kong)
    receipt = await there.attach(wished, Receipt(there.version, ()), quiet)
    route = next(row for row in await kong.rows("routes") if row["name"].startswith("payments-v2"))
    elsewhere = replace(wished, targets=("global", f"route:{route['name']}"))
    plan = await there.preview(elsewhere)
    assert [bool(step.danger) for step in plan.steps] == [False, True, False]
    receipt = await there.attach(elsewhere, receipt, quiet)
    assert receipt.attached == ("global", f"route:{route['name']}")
    assert sorted(str((row["service"], (row["route"] or {}).get("id"))) for row in await plugins(kong)) == sorted(
        [str((None, None)), str((None, route["id"]))]
    )
    with pytest.raises(GatewayError, match="no service:nowhere at Kong"):
        await there.attach(replace(wished, targets=("service:nowhere",)), receipt, quiet)


async def test_a_namesake_of_somebody_elses_is_refused_and_left_alone(tmp_path: Path) -> None:
    kong, there = await installed(tmp_path)
    wished = await wiring(kong)
    theirs = {"edge_url": "http://theirs", "api_key": "x", "integration_id": "int_2"}
    service = wished.products[0].native_id
    made = await kong.call("POST", f"/services/{service}/plugins", {"name": "aforo", "config": theirs})
    for attempt in (there.preview(wished), there.attach(wished, Receipt("", ()), quiet)):
        with pytest.raises(GatewayError, match="not this integration's"):
            await attempt
    assert await plugins(kong) == [made]


@pytest.mark.parametrize("konnect", [False, True])
async def test_the_mode_is_written_without_touching_anything_else_and_a_strangers_edit_is_told(
    tmp_path: Path, konnect: bool
) -> None:
    kong, there = (Kong(konnect=True), None) if konnect else await installed(tmp_path)
    there = there or artifact(kong)
    wished = await wiring(kong)
    receipt = await there.attach(wished, await there.deploy(wished, quiet), quiet)
    enforcing = replace(wished, enforce=True)
    assert "enforce" in (await there.status(enforcing, receipt)).detail
    await there.set_mode(enforcing, ())
    assert (await there.status(enforcing, receipt)).phase is Phase.ATTACHED
    assert {row["config"]["enforce"] for row in await plugins(kong)} == {True}
    row = (await plugins(kong))[0]
    body = {"name": "aforo", "service": row["service"], "tags": row["tags"], "config": row["config"], "enabled": False}
    await kong.call("PUT", f"/plugins/{row['id']}", body)
    told = await there.status(enforcing, receipt)
    assert (told.phase, "switched off" in told.detail) == (Phase.DIFFERS, True)
    await there.detach(enforcing, receipt)
    assert await plugins(kong) == []


async def test_verifying_tells_line_by_line_what_is_missing_and_never_the_key(tmp_path: Path) -> None:
    kong = Kong(plugin_folders=[tmp_path])
    there, wished = artifact(kong), await wiring(kong)
    lines = [line async for line in there.verify(wished, Receipt("", ()), None)]
    assert [(line.name, line.verdict) for line in lines] == [("Plugin installed", Verdict.FAILED)]
    kong, there = await installed(tmp_path)
    receipt = await there.attach(wished, await there.deploy(wished, quiet), quiet)
    lines = [line async for line in there.verify(wished, receipt, None)]
    assert [(line.name, line.verdict) for line in lines] == [
        ("Plugin installed", Verdict.OK),
        ("Memory of its own", Verdict.LIMITED),
        ("Plugin attached", Verdict.OK),
        ("Settings as Aforo wrote them", Verdict.OK),
    ]
    plan = await there.preview(wished)
    assert SECRET not in str(lines) + str(receipt) + str(plan)


async def test_a_declarative_file_gets_documents_and_no_promises() -> None:
    there = artifact(None, "declarative")
    wished = Wiring("int_1", SECRET, "http://edge.test:8081/v1/ingest", targets=("service:orders", "global"))
    plan = await there.preview(wished)
    entries = next(one for one in plan.documents if one.filename == "aforo-plugins.json")
    assert '"service": "orders"' in entries.text
    assert "{vault://env/aforo-api-key}" in entries.text
    assert SECRET not in entries.text
    with pytest.raises(GatewayError, match="no server"):
        await there.deploy(wished, quiet)
